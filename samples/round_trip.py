"""Store a folder, show what HCP holds, and fetch it again: ingest.py, tree.py and fetch.py in one.

Runs as it stands against the emulated HCP, which forgets everything at the end of each run::

    python3 -m hcpsdk.testing run samples/round_trip.py [FOLDER]
"""

import filecmp
import sys
import tempfile
from pathlib import Path

import fetch
import ingest
import tree

# What to store, if nothing is named on the command line.
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
    print("the same as before" if is_same else "something is different")
    return status or (0 if is_same else 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else P_FOLDER))
