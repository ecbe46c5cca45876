"""Compare what our client costs with what others cost: ``python3 -m tests.bench --help``."""

import argparse
import os
import resource
import shutil
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from . import counting, gate, picture, tables
from .peers import BASE, NAMES, installed
from .results import Results, about
from .rounds import run
from .server import Site, running
from .works import ALL_WORKS, FIGURES, MIB, Work

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "performance.rst"
PICTURE = DOCS / "pictures" / "performance.svg"
MARKS = (".. figures from here on, by --docs\n", ".. figures up to here\n")

# Other certificates than those that peers are told; and no compiled modules: then each import of
# our client would compile it anew, but not one of what is installed.
MISLEADING = (
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    "PYTHONDONTWRITEBYTECODE",
)
OPEN_FILES = 8192
SLOW_SERVER = (
    "nginx is not installed. Our own server is not much faster than the clients: how long they\n"
    "take tells little, what they need of the CPU counts."
)


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    if options.record or options.gate:
        return _gate(options.record)
    results = Results.load(options.load) if options.load else _measure(options)
    print(_report(results))
    if options.json:
        results.save(options.json)
    if options.picture:
        options.picture.write_text(picture.svg(results))
    if options.docs:
        _write_docs(results)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    names = [work.name for work in ALL_WORKS] + list(counting.COUNTERS)
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.bench",
        description="Compare what hcpsdk costs with what other clients cost.",
        epilog=f"Works and figures for --only, patterns too: {' '.join(names)}",
    )
    add = parser.add_argument
    add("--rounds", type=int, help="how often each work is done (15; 2 with --short)")
    add("--short", action="store_true", help="small and few: does it work at all?")
    add("--only", nargs="+", default=["*"], metavar="WORK", help="works and figures, as 'small-*'")
    add("--peers", nargs="+", default=installed(), choices=NAMES, metavar="PEER",
        help=f"of {' '.join(NAMES)}; {BASE} always takes part")  # fmt: skip
    add("--canned", action="store_true", help="take our own server even where nginx is installed")
    add("--json", type=Path, metavar="FILE", help="keep the results in FILE")
    add("--load", type=Path, metavar="FILE", help="measure nothing, take the results from FILE")
    add("--picture", type=Path, metavar="FILE", help="draw them, as SVG")
    add("--docs", action="store_true", help="put tables and picture into docs/performance.rst")
    add("--gate", action="store_true", help="do requests need more instructions than recorded?")
    add("--record", action="store_true", help="record how many instructions they need now")
    return parser.parse_args(arguments)


def _gate(records: bool) -> int:
    if shutil.which("valgrind") is None:
        print("NO VALGRIND: instructions are not counted, the gate is SKIPPED")
        return 0
    _settle()
    if records:
        gate.record()
        return 0
    return 0 if gate.is_kept() else 1


def _measure(options: argparse.Namespace) -> Results:
    _settle()
    peers = [peer for peer in NAMES if peer in options.peers or peer == BASE]
    if missing := [NAMES[peer] for peer in NAMES if peer not in installed()]:
        print(f"not installed, and left out: {', '.join(missing)}", file=sys.stderr)
    rounds = options.rounds or (2 if options.short else 15)
    large = (16 if options.short else 256) * MIB
    with running(large, nginx=not options.canned) as site:
        if site.kind != "nginx" and not options.canned:
            print(SLOW_SERVER, file=sys.stderr)
        results = Results(about(site.kind, rounds, large))
        for work in _works(options):
            print(work.name, file=sys.stderr, flush=True)
            results.costs[work.name] = run(work, peers, site, rounds)
        _count(options, peers, site, results)
    return results


def _settle() -> None:
    """Let the environment lead no peer astray, and allow for many sockets."""
    for name in [*os.environ]:
        if name.lower().endswith("_proxy") or name in MISLEADING:
            del os.environ[name]
    os.environ["PYTHONHASHSEED"] = "0"
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _is_wanted(name: str, options: argparse.Namespace) -> bool:
    return any(fnmatch(name, pattern) for pattern in options.only)


def _works(options: argparse.Namespace) -> list[Work]:
    works = [work for work in ALL_WORKS if _is_wanted(work.name, options)]
    return [_shortened(work) for work in works] if options.short else works


def _shortened(work: Work) -> Work:
    return work._replace(
        times=min(work.times, 2 * work.threads * work.processes),
        connections=min(work.connections, 10),
    )


def _count(options: argparse.Namespace, peers: Sequence[str], site: Site, results: Results) -> None:
    for figure in FIGURES:
        if figure.name not in counting.COUNTERS or not _is_wanted(figure.name, options):
            continue
        if options.short and counting.COUNTERS[figure.name][0] == "valgrind":
            continue
        print(figure.name, file=sys.stderr, flush=True)
        if found := counting.counts(figure.name, peers, site):
            results.figures[figure.name] = found


def _report(results: Results) -> str:
    lines = [f"{name}: {value}" for name, value in results.about.items()]
    titled = [("Goals", tables.goals(results)), *tables.sections(results, with_rates=True)]
    for title, text in titled:
        if text:
            lines += ["", title, "", text.rstrip()]
    return "\n".join(lines)


def _write_docs(results: Results) -> None:
    """Replace what stands between the two marks."""
    PICTURE.write_text(picture.svg(results))
    before, _, rest = PAGE.read_text().partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    lines = [f":{name}: {value}" for name, value in results.about.items()]
    for title, text in tables.sections(results, with_rates=False):
        if text:
            lines += ["", title, "~" * len(title), "", text.rstrip()]
    facts = "\n".join(["", tables.goals(results), *lines, "", ""])
    PAGE.write_text(f"{before}{MARKS[0]}{facts}{MARKS[1]}{after}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
