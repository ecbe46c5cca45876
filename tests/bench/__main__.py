"""Compare what our client costs with what others cost: ``python3 -m tests.bench --help``."""

import argparse
import os
import resource
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from . import report
from .clients import BASE, CLIENTS, MIB, installed
from .counts import COUNTERS, count, gate
from .measure import run
from .server import running
from .works import ALL_WORKS, Work

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "performance.rst"
PICTURE = DOCS / "pictures" / "performance.svg"
MARKS = (".. figures from here on, by --docs\n", ".. figures up to here\n")

# Other certificates than those of the server; and no compiled modules: then each import of hcpsdk
# would compile it anew, but not one of what is installed.
MISLEADING = (
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    "PYTHONDONTWRITEBYTECODE",
)
OPEN_FILES = 8192


def main(arguments: Sequence[str]) -> int:
    names = " ".join([*(work.name for work in ALL_WORKS), *COUNTERS])
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.bench",
        description="Compare what hcpsdk costs with what other clients cost.",
        epilog=f"Works and figures for --only, patterns too: {names}",
    )
    add = parser.add_argument
    add("--rounds", type=int, help="how often each work is done (15; 2 with --short)")
    add("--short", action="store_true", help="small and few: does it work at all?")
    add("--only", nargs="+", default=["*"], metavar="WORK", help="works and figures, as 'small-*'")
    add("--peers", nargs="+", default=installed(), choices=CLIENTS, metavar="CLIENT",
        help=f"of {' '.join(CLIENTS)}; {BASE} always takes part")  # fmt: skip
    add("--docs", action="store_true", help="put tables and picture into docs/performance.rst")
    add("--gate", action="store_true", help="do requests need more instructions than recorded?")
    add("--record", action="store_true", help="record how many instructions they need now")
    options = parser.parse_args(arguments)
    _prepare_process()
    if options.gate or options.record:
        return 0 if gate(options.record) else 1
    results = _measure(options)
    lines = [f":{name}: {value}" for name, value in results.about.items()]
    for title, text in report.sections(results):
        lines += ["", title, "~" * len(title), "", text]
    text = "\n".join(["", report.goals(results), "", *lines, "", ""])
    print(text)
    if options.docs:
        write_docs(text, report.picture(results))
    return 0


def _prepare_process() -> None:
    """Let the environment mislead no client, and allow for many sockets."""
    for name in [*os.environ]:
        if name.lower().endswith("_proxy") or name in MISLEADING:
            del os.environ[name]
    os.environ["PYTHONHASHSEED"] = "0"
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _measure(options: argparse.Namespace) -> report.Results:
    clients = [name for name in CLIENTS if name in options.peers or name == BASE]
    if missing := [name for name in CLIENTS if name not in installed()]:
        print(f"not installed, and left out: {', '.join(missing)}", file=sys.stderr)
    rounds = options.rounds or (2 if options.short else 15)
    large = (16 if options.short else 256) * MIB

    def is_wanted(name: str) -> bool:
        return any(fnmatch(name, pattern) for pattern in options.only)

    with running(large) as site:
        if site.kind != "nginx":
            print("no nginx: our own server is slow, so only CPU times count", file=sys.stderr)
        results = report.Results(report.about(site.kind, rounds, large))
        for work in (work for work in ALL_WORKS if is_wanted(work.name)):
            print(work.name, file=sys.stderr, flush=True)
            wanted = _shortened(work) if options.short else work
            results.costs[work.name] = run(wanted, clients, site, rounds)
        for figure in (figure for figure in COUNTERS if is_wanted(figure)):
            print(figure, file=sys.stderr, flush=True)
            if found := count(figure, clients, site):
                results.counts[figure] = found
    return results


def _shortened(work: Work) -> Work:
    times = min(work.times, 2 * work.threads * work.processes)
    return work._replace(times=times, connections=min(work.connections, 10))


def write_docs(text: str, svg: str) -> None:
    """Replace what is between the two marks, and the picture."""
    PICTURE.write_text(svg, encoding="utf-8")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    PAGE.write_text(f"{before}{MARKS[0]}{text}{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
