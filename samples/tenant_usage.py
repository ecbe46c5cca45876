"""Store a folder, then show it in capacity and chargeback: ingest.py and the two reports in one.

Runs as it stands against the emulated HCP, which forgets everything at the end of each run::

    python3 -m hcpsdk.testing run samples/tenant_usage.py [FOLDER]
"""

import sys
from pathlib import Path

import capacity
import chargeback_report
import ingest

# What to store, if nothing is named on the command line.
P_FOLDER = Path(__file__).resolve().parent / "testfiles"


def main(folder):
    print("$ ingest.py", flush=True)
    status = ingest.main([str(folder)])
    print("$ capacity.py", flush=True)
    status = capacity.main([]) or status
    print("$ chargeback_report.py", flush=True)
    return chargeback_report.main([]) or status


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else P_FOLDER))
    except KeyboardInterrupt:
        sys.exit(130)
