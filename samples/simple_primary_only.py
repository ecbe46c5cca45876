"""Store an object, look at its metadata, read it, and delete it.

Runs as it stands against the emulated HCP::

    python3 -m hcpsdk.testing run samples/simple_primary_only.py

For an HCP of your own, change the constants and run it with python3 itself.
"""

import logging
import sys
from pathlib import Path

import hcpsdk

# Where and as whom to store: adapt these to your environment.
P_FQDN = "n1.m.hcp1.snomis.local"
P_USER = "n"
P_PASS = "n01"
P_PORT = 443
# The file to store; it is only read.
P_FILE = Path(__file__).resolve().parent / "testfiles" / "128kbfile"
# The name to store it under; it is deleted at the end.
P_OBJECT = "/rest/hcpsdk/sample_primary_only.txt"
# True shows what the library does, step by step.
P_DEBUG = False


def store(connection, say):
    """Store the file, with two of its policies set."""
    try:
        # In text mode, too, the bytes on disk are what is sent.
        with open(P_FILE) as infile:
            connection.PUT(P_OBJECT, body=infile, params={"index": "true", "shred": "true"})
    except hcpsdk.HcpsdkTimeoutError as e:
        sys.exit(f"PUT timed out - {e}")
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"PUT failed - {e}")
    except OSError as e:
        sys.exit(f"failure on {P_FILE} - {e}")
    check_status(connection, "PUT", 201)
    say("PUT Request was successful")
    say(f"used IP address: {connection.address}")
    say(f"hash = {connection.getheader('X-HCP-Hash')}")
    say(f"connect time:     {connection.connect_time:0.12f} seconds")
    show_duration(connection, say)


def show_metadata(connection, say):
    """Ask for the metadata: they are in the headers of the answer."""
    try:
        connection.HEAD(P_OBJECT)
    except hcpsdk.HcpsdkTimeoutError as e:
        sys.exit(f"HEAD timed out - {e}")
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"HEAD failed - {e}")
    check_status(connection, "HEAD", 200)
    say("HEAD Request was successful - one of the headers:")
    say(f"Server: {connection.getheader('Server')}")
    say(f"used IP address: {connection.address}")
    show_duration(connection, say)


def read_back(connection, say):
    """Read the object; a GET's body is for the caller to read, and reading can fail as well."""
    try:
        connection.GET(P_OBJECT)
        check_status(connection, "GET", 200)
        say("GET Request was successful - here's the content:")
        say(f"{connection.read()[:40]}...")
    except hcpsdk.HcpsdkTimeoutError as e:
        sys.exit(f"GET timed out - {e}")
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"GET failed - {e}")
    say(f"used IP address: {connection.address}")
    show_duration(connection, say)


def delete(connection, say):
    """Leave nothing behind."""
    try:
        connection.DELETE(P_OBJECT)
    except hcpsdk.HcpsdkTimeoutError as e:
        sys.exit(f"DELETE timed out - {e}")
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"DELETE failed - {e}")
    check_status(connection, "DELETE", 200)
    say("DELETE Request was successful")
    say(f"used IP address: {connection.address}")
    show_duration(connection, say)


def check_status(connection, method, wanted):
    """A status, whatever it is, is an answer and no exception: so look at it."""
    if connection.response_status != wanted:
        sys.exit(f"{method} failed - {connection.response_status}-{connection.response_reason}")


def show_duration(connection, say):
    say(f"Request duration: {connection.service_time2:0.12f} seconds")
    say("")


def main(fqdn, user, password, port, sslcontext=None, debug=False):
    say = print
    if debug:
        logging.basicConfig(
            level=logging.DEBUG, style="{", format="{levelname:>5s} {message}", stream=sys.stdout
        )
        say = logging.info
    say("running *simple_primary_only.py*")

    # Turns the credentials into what authorizes a request.
    auth = hcpsdk.NativeAuthorization(user, password)
    say("*I_NATIVE* authorization initialized")
    say("")

    # One HCP: its name is resolved here, so this can fail.
    try:
        target = hcpsdk.Target(fqdn, auth, port=port, sslcontext=sslcontext)
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"init of *Target* failed - {e}")
    say(f"Target *t* was initialized with IP addresses: {target.addresses}")

    # A connection has no address before its first request. "with" closes it at the end.
    with hcpsdk.Connection(target) as connection:
        say(f"Connection *c* uses IP address: {connection.address}")
        say("")
        store(connection, say)
        show_metadata(connection, say)
        read_back(connection, say)
        delete(connection, say)


if __name__ == "__main__":
    main(P_FQDN, P_USER, P_PASS, P_PORT, debug=P_DEBUG)
