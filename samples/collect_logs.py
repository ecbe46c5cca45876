"""Collect the logs of an HCP: have them packed, and download the archive.

The archive appears under its name when it is complete. If it is interrupted, nothing is left: no
half archive, and no package that HCP keeps.

Try it with the emulated HCP::

    python3 -m hcpsdk.testing run samples/collect_logs.py --kind ACCESS

Ends with status 0 if the archive is complete, 1 if something failed, 2 for wrong arguments, 130
after Ctrl-C, 143 after SIGTERM.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import hcp_options

import hcpsdk
from hcpsdk.mapi import Logs, LogsError, LogsInProgessError


def parse(arguments):
    parser = argparse.ArgumentParser(description="Collect the logs of an HCP.")
    hcp_options.add_system_to(parser)
    parser.add_argument("--folder", type=Path, default=Path(), help="default: where you are")
    parser.add_argument("--start", type=date.fromisoformat, metavar="YYYY-MM-DD", help="first day")
    parser.add_argument("--end", type=date.fromisoformat, metavar="YYYY-MM-DD", help="last day")
    parser.add_argument("--kind", action="append", choices=Logs.L_ALL, help="repeatable")
    parser.add_argument("--node", action="append", type=int, help="repeatable; default: all nodes")
    parser.add_argument("--wait", type=float, default=10, help="seconds; default: %(default)s")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is no folder")
    if options.start and options.start > (options.end or date.today()):
        parser.error("--start is after the last day")
    return options


def wait(logs, seconds):
    """Wait until HCP has packed the logs."""
    while not (status := logs.status())["readyForStreaming"]:
        if status["error"]:
            raise LogsError("HCP failed to pack its logs")
        time.sleep(seconds)


def download(logs, options):
    """Download the archive, and return its path. It has another name while it grows."""
    show = hcp_options.Progress(options.json)
    nodes, kinds = options.node or (), options.kind or ()
    descriptor, name = tempfile.mkstemp(prefix=".collect_logs-", suffix=".part", dir=options.folder)
    try:
        with open(descriptor, "wb") as file:
            logs.download(file, nodes=nodes, logs=kinds, progresshook=show)
        return Path(name).replace(options.folder / logs.suggestedfilename)
    except BaseException:
        Path(name).unlink()
        raise
    finally:
        show.close()


def collect(logs, options):
    """Do all steps; in any case HCP does not keep the package."""
    logs.prepare(options.start, options.end)
    try:
        wait(logs, options.wait)
        path = download(logs, options)
    except BaseException:
        with contextlib.suppress(hcpsdk.HcpsdkError):
            logs.cancel()
        raise
    logs.cancel()
    return path


def main(arguments=None):
    options = parse(arguments)
    try:
        with Logs(hcp_options.make_target(options)) as logs:
            path = collect(logs, options)
    except LogsInProgessError as e:  # somebody else's package: left alone
        sys.exit(f"{options.fqdn} is busy with logs already - {e}")
    except (hcpsdk.HcpsdkError, OSError) as e:
        sys.exit(f"no logs of {options.fqdn} - {hcp_options.explained(e)}")
    if options.json:
        print(json.dumps({"file": os.fspath(path), "bytes": path.stat().st_size}))
    else:
        print(f"{path}: {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
