"""Store an object, read its metadata and its content, and delete it.

To run it with the emulated HCP::

    python3 -m hcpsdk.testing run samples/simple_primary_only.py

For your own HCP, change the constants and run it with python3.
"""

import logging
import sys
from pathlib import Path

import hcpsdk

# Change these for your own HCP.
P_FQDN = "n1.m.hcp1.snomis.local"
P_USER = "n"
P_PASS = "n01"
P_PORT = 443
# The file to store.
P_FILE = Path(__file__).resolve().parent / "testfiles" / "128kbfile"
# The name of the object. The sample deletes it at the end.
P_OBJECT = "/rest/hcpsdk/sample_primary_only.txt"
# Set to True to log what the library does.
P_DEBUG = False


def store(connection, say):
    """Store the file and set two of its policies."""
    try:
        # The library sends the bytes on disk, even if the file is opened in text mode.
        with open(P_FILE) as infile:
            connection.PUT(P_OBJECT, body=infile, params={"index": "true", "shred": "true"})
        connection.raise_for_status(201)
    except hcpsdk.HcpsdkTimeoutError as e:
        sys.exit(f"PUT timed out - {e}")
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"PUT failed - {e}")
    except OSError as e:
        sys.exit(f"failure on {P_FILE} - {e}")
    say("PUT Request was successful")
    say(f"used IP address: {connection.address}")
    say(f"hash = {connection.getheader('X-HCP-Hash')}")
    say(f"connect time:     {connection.connect_time:0.12f} seconds")
    show_duration(connection, say)


def show_metadata(connection, say):
    """Read the metadata, which is in the response headers."""
    try:
        connection.HEAD(P_OBJECT)
        connection.raise_for_status(200)
    except hcpsdk.HcpsdkTimeoutError as e:
        sys.exit(f"HEAD timed out - {e}")
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"HEAD failed - {e}")
    say("HEAD Request was successful - one of the headers:")
    say(f"Server: {connection.getheader('Server')}")
    say(f"used IP address: {connection.address}")
    show_duration(connection, say)


def read_back(connection, say):
    """Read the object. Reading the body after a GET can fail, too."""
    try:
        connection.GET(P_OBJECT)
        connection.raise_for_status(200)
        say("GET Request was successful - here's the content:")
        say(f"{connection.read()[:40]}...")
    except hcpsdk.HcpsdkTimeoutError as e:
        sys.exit(f"GET timed out - {e}")
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"GET failed - {e}")
    say(f"used IP address: {connection.address}")
    show_duration(connection, say)


def delete(connection, say):
    """Delete the object."""
    try:
        connection.DELETE(P_OBJECT)
        connection.raise_for_status(200)
    except hcpsdk.HcpsdkTimeoutError as e:
        sys.exit(f"DELETE timed out - {e}")
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"DELETE failed - {e}")
    say("DELETE Request was successful")
    say(f"used IP address: {connection.address}")
    show_duration(connection, say)


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

    # The authorization creates the headers for the credentials.
    auth = hcpsdk.NativeAuthorization(user, password)
    say("*I_NATIVE* authorization initialized")
    say("")

    # The Target resolves the name, which can fail.
    try:
        target = hcpsdk.Target(fqdn, auth, port=port, sslcontext=sslcontext)
    except hcpsdk.ips.IpsError as e:
        start = f"python3 -m hcpsdk.testing run {sys.argv[0]}"
        sys.exit(f"init of *Target* failed - {e} (no HCP? try an emulated one: {start})")
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"init of *Target* failed - {e}")
    say(f"Target *t* was initialized with IP addresses: {target.addresses}")

    # A Connection has no address before its first request. "with" closes it.
    with hcpsdk.Connection(target) as connection:
        say(f"Connection *c* uses IP address: {connection.address}")
        say("")
        store(connection, say)
        show_metadata(connection, say)
        read_back(connection, say)
        delete(connection, say)


if __name__ == "__main__":
    try:
        main(P_FQDN, P_USER, P_PASS, P_PORT, debug=P_DEBUG)
    except KeyboardInterrupt:
        sys.exit(130)
