"""Store all files below a folder, verified, and report how long the nodes took.

Start it again after Ctrl-C or a failure, with the same journal: it stores no file twice.

Try it with the emulated HCP::

    python3 -m hcpsdk.testing run samples/ingest.py FOLDER --journal ingest.db

Exits with status 0 if everything was stored, 1 if something failed, 2 if an argument is invalid,
130 after Ctrl-C.
"""

import argparse
import collections
import importlib.util
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from urllib.parse import quote

import hcp_options

import hcpsdk
from hcpsdk import bulk


def parse(arguments):
    parser = argparse.ArgumentParser(description="Store all files below a folder.")
    hcp_options.add_to(parser)
    parser.add_argument("folder", type=Path, help="what to store")
    parser.add_argument("--prefix", default="/rest/ingest", help="default: %(default)s")
    parser.add_argument("--journal", type=Path, help="a file that remembers what was stored")
    parser.add_argument("--workers", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--processes", action="store_true", help="use processes instead of threads")
    parser.add_argument("--retention", help="'A+10y', 'C+TAX_DATA', -1, …")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="write a plot of the run; needs matplotlib"
    )
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is not a directory")
    hcp_options.check_url(parser, options.prefix)
    if options.workers < 1:
        parser.error("--workers must be 1 or more")
    if options.plot and not importlib.util.find_spec("matplotlib"):
        parser.error("--plot needs matplotlib: python3 -m pip install matplotlib")
    return options


def jobs(folder, prefix):
    """A path and a URL for each file; names that are not UTF-8 keep their bytes."""
    start = quote(prefix.rstrip("/"), safe="/")
    for directory, _, names in os.walk(folder, onerror=stop):
        for name in names:
            path = Path(directory, name)
            if path.is_file():
                below = quote(os.fsencode(path.relative_to(folder)), safe="/")
                yield path, hcpsdk.Quoted(f"{start}/{below}")


def stop(error):
    """A folder that cannot be read must not be left out silently."""
    raise error


def store(options, target):
    """The results, each with the time when it arrived."""
    executor = ProcessPoolExecutor(options.workers) if options.processes else None
    params = {"retention": options.retention} if options.retention else None
    show = hcp_options.Progress(options.json)
    results = []
    try:
        for result in bulk.store(
            target,
            jobs(options.folder, options.prefix),
            executor=executor,
            workers=options.workers,
            journal=options.journal,
            params=params,
            progress=show,
        ):
            results.append((time.monotonic(), result))
            if result.status == "failed":
                show.write(f"{result.path}: {result.error}")
    finally:
        show.close()
        if executor:
            executor.shutdown(cancel_futures=True)
    return results


def percentile(values, part):
    """The value that *part* of the sorted *values* do not exceed."""
    return values[min(len(values) - 1, int(part * len(values)))]


def report(results):
    """What was done, as a dictionary."""
    times = collections.defaultdict(list)
    for _, result in results:
        if result.node and result.status != "failed":
            times[result.node].append(result.seconds)
    return {
        "files": dict(sorted(collections.Counter(each.status for _, each in results).items())),
        "bytes": sum(each.size or 0 for _, each in results if each.status != "failed"),
        "nodes": {
            node: {
                "files": len(seconds),
                **{f"p{part}": percentile(sorted(seconds), part / 100) for part in (50, 95, 99)},
            }
            for node, seconds in sorted(times.items())
        },
        "failed": {os.fspath(each.path): each.error for _, each in results if each.error},
    }


def show(facts):
    """Print the report for people."""
    counts = ", ".join(f"{count} {status}" for status, count in facts["files"].items())
    print(f"files: {counts or 'none'}; {facts['bytes']:,} bytes")
    if facts["nodes"]:
        print("service times of the nodes (half, 95 %, 99 % of the files took up to):")
    for node, times in facts["nodes"].items():
        figures = ", ".join(f"{times[name]:.6f} seconds" for name in ("p50", "p95", "p99"))
        print(f"  {node}: {figures}")


def plot(results, file):
    """Draw throughput and service times over time."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    start = min((when for when, _ in results), default=0.0)
    figure, (upper, lower) = pyplot.subplots(2, 1, sharex=True, figsize=(8, 5))
    upper.hist([when - start for when, _ in results], bins=40)
    upper.set_ylabel("files per interval")
    for node in sorted({each.node for _, each in results if each.node}):
        mine = [(when - start, each.seconds) for when, each in results if each.node == node]
        lower.plot(*zip(*mine, strict=True), ".", markersize=3, label=node)
    lower.set_ylabel("service time, seconds")
    lower.set_xlabel("seconds since the first result")
    lower.set_yscale("log")
    lower.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(file)


def main(arguments=None):
    options = parse(arguments)
    try:
        results = store(options, hcp_options.make_target(options))
    except (hcpsdk.HcpsdkError, OSError) as e:
        sys.exit(f"ingest failed - {hcp_options.explained(e)}")
    facts = report(results)
    if options.json:
        print(json.dumps(facts, indent=2))
    else:
        show(facts)
    if options.plot:
        try:
            plot(results, options.plot)
        except (OSError, ValueError) as e:  # ValueError: an unknown format
            sys.exit(f"no plot in {options.plot} - {e}")
    return 1 if facts["failed"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
