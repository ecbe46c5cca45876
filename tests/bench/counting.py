"""Figures with little or no noise: what valgrind, strace, and the interpreter itself count."""

import multiprocessing
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from .server import Site, running
from .worker import count_threads
from .works import MIB, REQUESTS_OF_A_MIX, by_name

FEW, MANY = 20, 60  # times that a mix is done; what it costs is the difference
IMPORTS = 15  # times that an import is timed
IDLE = 500  # connections

VALGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
TIMED = "import time; a = time.process_time(); {}; print(time.process_time() - a)"
IMPORT = {
    "bare": "import http.client, threading, logging, urllib.parse",
    "ours": "import hcpsdk",
}
# hcpsdk imports the rest of itself when it is asked for; this is what every program asks for.
IMPORT_AND_USE = {
    "bare": IMPORT["bare"],
    "ours": "from hcpsdk import Connection, NativeAuthorization, Target",
}
# Without site-packages: what is installed there may import modules at the start of each Python.
PYTHON = [sys.executable, "-S", "-c"]

Counts = dict[str, float]  # by peer


def counts(figure: str, peers: Sequence[str], site: Site) -> Counts:
    """What *figure* is for each of *peers*; nothing where the tool for it is not installed."""
    tool, count = COUNTERS[figure]
    if shutil.which(tool) is None:
        print(f"{figure}: left out, {tool} is not installed", file=sys.stderr)
        return {}
    return count(peers, site)


def instructions(work: str, peers: Sequence[str]) -> Counts:
    """Instructions of the program (not of the system) for one request.

    Always with our own server: what it sends is the same, byte for byte, on all machines.
    """
    with running(MIB, nginx=False) as site:
        return {peer: _per_request(_instructions, work, peer, site) for peer in peers}


def _calls(peers: Sequence[str], site: Site) -> Counts:
    return {peer: _per_request(_count_calls, "small-http-hcp", peer, site) for peer in peers}


def _threads_started(peers: Sequence[str], site: Site) -> Counts:
    return {peer: _threads(peer, site)[0] for peer in peers}


def _threads_idle(peers: Sequence[str], site: Site) -> Counts:
    return {peer: _threads(peer, site)[1] for peer in peers}


def _threads(peer: str, site: Site) -> tuple[float, int]:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        return alone.submit(count_threads, peer, site.place(tls=False), IDLE).result()


def _import_cpu(peers: Sequence[str], _site: Site) -> Counts:
    """Seconds, the median of fresh processes in turns."""
    seconds: dict[str, list[float]] = {peer: [] for peer in peers if peer in IMPORT}
    for _ in range(IMPORTS):
        for peer, found in seconds.items():
            command = [*PYTHON, TIMED.format(IMPORT[peer])]
            found.append(float(_run(command).stdout))
    return {peer: statistics.median(found) for peer, found in seconds.items()}


def _import_instructions(statements: dict[str, str], peers: Sequence[str]) -> Counts:
    _run([*PYTHON, statements["ours"]])  # it is compiled now
    nothing = _instructions([*PYTHON, "pass"])
    return {
        peer: _instructions([*PYTHON, statements[peer]]) - nothing
        for peer in peers
        if peer in statements
    }


COUNTERS: dict[str, tuple[str, Callable[[Sequence[str], Site], Counts]]] = {
    "instructions-few": ("valgrind", lambda peers, _: instructions("small-http-few", peers)),
    "instructions-hcp": ("valgrind", lambda peers, _: instructions("small-http-hcp", peers)),
    "calls": ("strace", _calls),
    "threads-started": ("sh", _threads_started),
    "threads-idle": ("sh", _threads_idle),
    "import-cpu": ("sh", _import_cpu),
    "import-instructions": ("valgrind", lambda peers, _: _import_instructions(IMPORT, peers)),
    "import-used": ("valgrind", lambda peers, _: _import_instructions(IMPORT_AND_USE, peers)),
}


# Programs that count


def _per_request(count: Callable[[list[str]], int], work: str, peer: str, site: Site) -> float:
    """What *count* finds for one request, without what it takes to start and to end."""
    place = site.place(by_name(work).tls)
    where = [place.host, str(place.port), place.authority, str(site.file)]
    command = [sys.executable, "-m", f"{__package__}.once", peer, work]
    _run([*command, str(FEW), *where])  # what is not compiled yet is compiled now
    with ThreadPoolExecutor(2) as both:
        few, many = both.map(count, ([*command, str(n), *where] for n in (FEW, MANY)))
    return (many - few) / (MANY - FEW) / REQUESTS_OF_A_MIX


def _instructions(command: list[str]) -> int:
    output = _run([*VALGRIND, *command]).stderr
    found = re.search(r"I +refs: +([\d,]+)", output)
    assert found, output
    return int(found[1].replace(",", ""))


def _count_calls(command: list[str]) -> int:
    with tempfile.NamedTemporaryFile("r") as file:
        _run(["strace", "-f", "-c", "-o", file.name, *command])
        total = file.read().splitlines()[-1]  # % time, seconds, usecs/call, calls, errors, "total"
    return int(total.split()[3])


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr}")
    return done
