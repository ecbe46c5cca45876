"""Fetch an object, or all objects below a directory, verified.

Start it again after Ctrl-C or a failure: it resumes large objects, and with a journal it does not
fetch complete files again.

Try it with the emulated HCP::

    python3 -m hcpsdk.testing run samples/round_trip.py

Exits with status 0 if everything was fetched, 1 if something failed, 2 if an argument is invalid,
130 after Ctrl-C.
"""

import argparse
import collections
import json
import os
import sys
from pathlib import Path

import hcp_options

import hcpsdk
from hcpsdk import bulk, listing, transfer


def parse(arguments):
    parser = argparse.ArgumentParser(description="Fetch an object, or all below a directory.")
    hcp_options.add_to(parser)
    parser.add_argument("url", help="/rest/…: an object, or a directory")
    parser.add_argument("folder", type=Path, help="where to write the files")
    parser.add_argument("--journal", type=Path, help="a file that remembers what was fetched")
    parser.add_argument("--workers", type=int, default=8, help="default: %(default)s")
    options = parser.parse_args(arguments)
    hcp_options.check_url(parser, options.url)
    if options.folder.exists() and not options.folder.is_dir():
        parser.error(f"{options.folder} is not a directory")
    if options.workers < 1:
        parser.error("--workers must be 1 or more")
    return options


def jobs(connection, url, folder):
    """A path and a URL for each object below the directory."""
    folders = {}
    for entry in listing.walk(connection, url):
        parent = entry.url.rpartition("/")[0]
        # The name has no slash in it, and is not "..": it cannot lead out of the folder.
        path = folders.get(parent, folder) / entry.name
        if entry.is_directory:
            folders[entry.url] = path
        elif entry.is_object:
            yield path, entry.url


def fetch(options, target):
    """The results of all objects."""
    show = hcp_options.Progress(options.json)
    try:
        with hcpsdk.Connection(target, retries=3) as connection:
            connection.HEAD(options.url)
            connection.raise_for_status(200)
            if connection.getheader("X-HCP-Type") == "object":
                options.folder.mkdir(parents=True, exist_ok=True)
                path = options.folder / options.url.rpartition("/")[2]
                found = transfer.download(connection, options.url, path, progress=show)
                return {"fetched": 1}, found.size, {}
            counts, size, failed = collections.Counter(), 0, {}
            for result in bulk.fetch(
                target,
                jobs(connection, options.url, options.folder),
                workers=options.workers,
                journal=options.journal,
                progress=show,
            ):
                counts[result.status] += 1
                size += result.size or 0
                if result.error:
                    failed[os.fspath(result.path)] = result.error
                    show.write(f"{result.path}: {result.error}")
            return dict(sorted(counts.items())), size, failed
    finally:
        show.close()


def main(arguments=None):
    options = parse(arguments)
    try:
        counts, size, failed = fetch(options, hcp_options.make_target(options))
    except (hcpsdk.HcpsdkError, OSError) as e:
        sys.exit(f"{options.url}: {hcp_options.explained(e)}")
    if options.json:
        print(json.dumps({"files": counts, "bytes": size, "failed": failed}, indent=2))
    else:
        text = ", ".join(f"{count} {status}" for status, count in counts.items())
        print(f"files: {text or 'none'}; {size:,} bytes")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
