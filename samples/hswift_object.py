"""Store an object by HSwift, list its container, read the object, and delete it.

To run it with the emulated HCP::

    python3 -m hcpsdk.testing run samples/hswift_object.py

For your own HCP, change the constants and run it with python3.
"""

import json
import sys

import hcpsdk

# Change these for your own HCP.
P_FQDN = "api.hcp1.snomis.local"
P_USER = "n"
P_PASS = "n01"
P_PORT = 443
P_CONTAINER = "/swift/v1/m/n1"  # tenant and namespace
P_OBJECT = f"{P_CONTAINER}/hcpsdk/letter to alice.txt"


def main():
    auth = hcpsdk.HSwiftAuthorization(P_USER, P_PASS)
    try:
        target = hcpsdk.Target(P_FQDN, auth, port=P_PORT, interface=hcpsdk.I_HSWIFT)
        with hcpsdk.Connection(target, retries=2) as connection:
            work(connection)
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"failed - {e}")


def work(connection):
    metadata = {"X-Object-Meta-Author": "Bob"}
    connection.PUT(P_OBJECT, body="Dear Alice, ...", headers=metadata)
    connection.raise_for_status(201)
    print(f"stored   {P_OBJECT}")

    connection.GET(P_CONTAINER, params={"format": "json", "prefix": "hcpsdk/"})
    connection.raise_for_status(200)
    for entry in json.loads(connection.read()):
        print(f"listed   {entry['name']}, {entry['bytes']:,} bytes")

    connection.GET(P_OBJECT)
    connection.raise_for_status(200)
    print(f"read     {connection.read().decode()}")
    print(f"  by     {connection.getheader('X-Object-Meta-Author')}")

    connection.DELETE(P_OBJECT)
    connection.raise_for_status(204)
    print("deleted")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
