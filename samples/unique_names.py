"""Store files under unique names, with their original names as annotations, and find one.

A directory should not have too many objects, and parallel writers should use different ones. So
each file gets a unique name and a directory derived from it. An application only has to keep the
unique name.

To run it with the emulated HCP::

    python3 -m hcpsdk.testing run samples/unique_names.py [FILE…]

For your own HCP, change the constants and run it with python3.
"""

import argparse
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import hcpsdk

# Change these for your own HCP.
P_FQDN = "n1.m.hcp1.snomis.local"
P_USER = "n"
P_PASS = "n01"
P_PORT = 443
# The initial path of all objects.
P_START = "/rest/hcpsdk/unique"
# The default for the files on the command line.
P_FILES = sorted((Path(__file__).resolve().parent / "testfiles").iterdir())


def store(connection, builder, file):
    """Store *file* and its name, and return the unique name."""
    path, name, annotation = builder.getunique(file.name)
    with file.open("rb") as content:
        connection.PUT(f"{path}/{name}", body=content)
    connection.raise_for_status(201)
    annotation_params = {"type": "custom-metadata", "annotation": "hcpsdk"}
    connection.PUT(f"{path}/{name}", body=annotation, params=annotation_params)
    connection.raise_for_status(201)
    print(f"stored   {file.name}")
    print(f"  as     {path}/{name}")
    return name


def find(connection, builder, name):
    """Find the object and its original file name with the unique name."""
    url = builder.getpath(name)
    annotation_params = {"type": "custom-metadata", "annotation": "hcpsdk"}
    connection.GET(url, params=annotation_params)
    connection.raise_for_status(200)
    filename = ElementTree.fromstring(connection.read()).get("filename")
    connection.GET(url)
    connection.raise_for_status(200)
    size = len(connection.read())
    print(f"found    {name}")
    print(f"  is     {filename}, {size:,} bytes")


def remove(connection, builder, names):
    for name in names:
        connection.DELETE(builder.getpath(name))
        connection.raise_for_status(200)
    print(f"deleted  {len(names)} object{'s' if len(names) != 1 else ''}")


def main():
    parser = argparse.ArgumentParser(description="Store files under unique names, and find one.")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="default: two samples")
    files = parser.parse_args().files or P_FILES
    auth = hcpsdk.NativeAuthorization(P_USER, P_PASS)
    builder = hcpsdk.pathbuilder.PathBuilder(P_START, annotation=True)
    try:
        target = hcpsdk.Target(P_FQDN, auth, port=P_PORT)
        with hcpsdk.Connection(target) as connection:
            names = [store(connection, builder, file) for file in files]
            find(connection, builder, names[-1])
            remove(connection, builder, names)
    except (hcpsdk.ips.IpsError, hcpsdk.HcpsdkCantConnectError) as e:
        start = f"python3 -m hcpsdk.testing run {sys.argv[0]}"
        sys.exit(f"failed - {e} (no HCP? try an emulated one: {start})")
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"failed - {e}")
    except OSError as e:
        sys.exit(f"failed - {e}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
