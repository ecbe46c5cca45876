"""A program that stores files in bulk, for tests that end it in the middle; and its Target.

``python3 bulk_process.py FOLDER JOURNAL`` prints each result as one line. It contains nothing for
tests: the emulated HCP is reached by environment variables (contract 10.3).
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import hcpsdk
from hcpsdk import bulk

FQDN = "n1.m.bulk.local"


def make_target() -> hcpsdk.Target:
    return hcpsdk.Target(FQDN, hcpsdk.NativeAuthorization("n", "n01"), port=hcpsdk.P_HTTP)


def jobs(folder: Path) -> Iterator[tuple[Path, str]]:
    """One for each file in *folder*."""
    for path in sorted(folder.iterdir()):
        yield path, f"/rest/bulk/{path.name}"


def main(folder: str, journal: str) -> None:
    for result in bulk.store(make_target(), jobs(Path(folder)), workers=4, journal=journal):
        # In one piece, which Ctrl-C does not cut.
        sys.stdout.write(f"{result.status} {Path(result.path).name} {result.error or ''}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        sys.exit(130)
