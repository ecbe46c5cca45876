"""Store files under unique names, keep their own names as annotations, and find one again.

A folder should not hold too many objects, and parallel writers should not share one. So each file
gets a unique name, and a folder that follows from it. All that an application has to remember is
the unique name.

Runs as it stands against the emulated HCP::

    python3 -m hcpsdk.testing run samples/unique_names.py [FILE…]

For an HCP of your own, change the constants and run it with python3 itself.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import hcpsdk

# Where and as whom to store: adapt these to your environment.
P_FQDN = "n1.m.hcp1.snomis.local"
P_USER = "n"
P_PASS = "n01"
P_PORT = 443
# All paths begin with this.
P_START = "/rest/hcpsdk/unique"
# What to store, if nothing is named on the command line.
P_FILES = sorted((Path(__file__).resolve().parent / "testfiles").iterdir())


def store(connection, builder, file):
    """Store *file* and its name; give back the unique name."""
    path, name, annotation = builder.getunique(file.name)
    with file.open("rb") as content:
        check(connection.PUT(f"{path}/{name}", body=content), 201)
    about = {"type": "custom-metadata", "annotation": "hcpsdk"}
    check(connection.PUT(f"{path}/{name}", body=annotation, params=about), 201)
    print(f"stored   {file.name}")
    print(f"  as     {path}/{name}")
    return name


def find(connection, builder, name):
    """From the unique name alone: the object, and what its file was called."""
    url = builder.getpath(name)
    about = {"type": "custom-metadata", "annotation": "hcpsdk"}
    check(connection.GET(url, params=about), 200)
    filename = ElementTree.fromstring(connection.read()).get("filename")
    check(connection.GET(url), 200)
    size = len(connection.read())
    print(f"found    {name}")
    print(f"  is     {filename}, {size:,} bytes")


def remove(connection, builder, names):
    for name in names:
        check(connection.DELETE(builder.getpath(name)), 200)
    print(f"deleted  {len(names)} objects")


def check(response, wanted):
    """A status, whatever it is, is an answer and no exception: so look at it."""
    if response.status != wanted:
        message = response.getheader("X-HCP-ErrorMessage", "no reason given")
        sys.exit(f"failed - {response.status}-{response.reason} ({message})")


def main():
    files = [Path(name) for name in sys.argv[1:]] or P_FILES
    auth = hcpsdk.NativeAuthorization(P_USER, P_PASS)
    builder = hcpsdk.pathbuilder.PathBuilder(P_START, annotation=True)
    try:
        target = hcpsdk.Target(P_FQDN, auth, port=P_PORT)
        with hcpsdk.Connection(target) as connection:
            names = [store(connection, builder, file) for file in files]
            find(connection, builder, names[-1])
            remove(connection, builder, names)
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"failed - {e}")
    except OSError as e:
        sys.exit(f"failed - {e}")


if __name__ == "__main__":
    main()
