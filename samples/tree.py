"""Show what is below a directory, as a tree, or as one line of JSON per entry.

Try it with the emulated HCP::

    python3 -m hcpsdk.testing run samples/round_trip.py

Exits with status 0 on success, 1 if the directory could not be read, 2 if an argument is invalid,
130 after Ctrl-C.
"""

import argparse
import json
import sys

import hcp_options

import hcpsdk
from hcpsdk import listing


def parse(arguments):
    parser = argparse.ArgumentParser(description="Show what is below a directory.")
    hcp_options.add_to(parser)
    parser.add_argument("url", nargs="?", default="/rest", help="default: %(default)s")
    parser.add_argument("--depth", type=int, help="how many levels to show; default: all")
    options = parser.parse_args(arguments)
    hcp_options.check_url(parser, options.url)
    if options.depth is not None and options.depth < 1:
        parser.error("--depth must be 1 or more")
    return options


def show(connection, url, depth, indent=""):
    """Print the entries of a directory, each subdirectory with what is below it."""
    entries = sorted(listing.listdir(connection, url), key=lambda entry: entry.name)
    for entry in entries:
        is_last = entry is entries[-1]
        size = "/" if entry.is_directory else f"  {entry.size:,}" if entry.size is not None else ""
        print(f"{indent}{'└── ' if is_last else '├── '}{printable(entry.name)}{size}")
        if entry.is_directory and depth != 1:
            below = indent + ("    " if is_last else "│   ")
            show(connection, entry.url, depth and depth - 1, below)


def printable(name):
    """The name with control characters escaped: a terminal would obey them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def show_json(connection, url, depth):
    """Print one line for each entry, while they arrive."""
    top = url.strip("/").count("/")
    for entry in listing.walk(connection, url):
        if not depth or entry.url.strip("/").count("/") - top <= depth:
            facts = {
                "url": entry.url,
                "kind": entry.kind,
                "size": entry.size,
                "hash": entry.hash,
                "created": entry.created and entry.created.isoformat(),
                "changed": entry.changed and entry.changed.isoformat(),
                "retention": entry.retention,
                "version": entry.version,
            }
            print(json.dumps({name: fact for name, fact in facts.items() if fact is not None}))


def main(arguments=None):
    options = parse(arguments)
    sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal can show all names
    sys.setrecursionlimit(10_000)  # a path of HCP can have 2,000 directories
    try:
        with hcpsdk.Connection(hcp_options.make_target(options), retries=3) as connection:
            if options.json:
                show_json(connection, options.url, options.depth)
            else:
                print(options.url)
                show(connection, options.url, options.depth)
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"{options.url}: {hcp_options.explained(e)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # "tree.py | head"
        sys.stderr.close()
