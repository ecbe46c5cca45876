"""Store a folder, show what HCP contains, and fetch it again, with ingest.py, tree.py and fetch.py.

All in one run, because the emulated HCP keeps nothing from one run to the next::

    python3 -m hcpsdk.testing run samples/round_trip.py [FOLDER]
"""

import argparse
import filecmp
import sys
import tempfile
from pathlib import Path

import fetch
import ingest
import tree

# The default for the folder on the command line.
P_FOLDER = Path(__file__).resolve().parent / "testfiles"


def main(folder):
    print("$ ingest.py", flush=True)
    status = ingest.main([str(folder), "--prefix", "/rest/round_trip"])
    print("$ tree.py", flush=True)
    status = tree.main([]) or status
    print("$ fetch.py", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        status = fetch.main(["/rest/round_trip", scratch]) or status
        compared = filecmp.dircmp(folder, scratch)
        is_same = not (compared.left_only or compared.right_only or compared.diff_files)
    print("both folders are equal" if is_same else "the folders differ")
    return status or (0 if is_same else 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Store a folder, show it, and fetch it again.")
    parser.add_argument("folder", nargs="?", type=Path, default=P_FOLDER, help="what to store")
    try:
        sys.exit(main(parser.parse_args().folder))
    except KeyboardInterrupt:
        sys.exit(130)
