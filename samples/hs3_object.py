"""Store an object by HS3, list it, read it by a URL that needs no credentials, and delete it.

To run it with the emulated HCP::

    python3 -m hcpsdk.testing run samples/hs3_object.py

For your own HCP, change the constants and run it with python3.
"""

import sys

import hcpsdk
from hcpsdk import s3

# Change these for your own HCP.
P_FQDN = "m.hcp1.snomis.local"  # the tenant
P_USER = "n"
P_PASS = "n01"
P_PORT = 443
P_BUCKET = "/n1"
P_KEY = f"{P_BUCKET}/hcpsdk/letter to alice.txt"


def main():
    auth = hcpsdk.HS3Authorization(P_USER, P_PASS)
    try:
        target = hcpsdk.Target(P_FQDN, auth, port=P_PORT, interface=hcpsdk.I_HS3)
        with hcpsdk.Connection(target, retries=2) as connection:
            work(connection, auth, target)
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"failed - {e}")


def work(connection, auth, target):
    metadata = {"x-amz-meta-author": "Bob"}
    connection.PUT(P_KEY, body="Dear Alice, ...", headers=metadata)
    connection.raise_for_status(200)
    print(f"stored   {P_KEY}")

    for entry in s3.list_objects(connection, P_BUCKET, prefix="hcpsdk/"):
        print(f"listed   {entry.key}, {entry.size:,} bytes")

    connection.GET(P_KEY)
    connection.raise_for_status(200)
    print(f"read     {connection.read().decode()}")
    print(f"  by     {connection.getheader('x-amz-meta-author')}")

    url = auth.presign(target, "GET", P_KEY, expires=60)
    print(f"for all  {url.partition('?')[0]}")

    connection.DELETE(P_KEY)
    connection.raise_for_status(204)
    print("deleted")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
