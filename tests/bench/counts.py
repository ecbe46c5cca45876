"""Figures with little or no noise: what valgrind, strace and the interpreter count; and the gate.

The gate compares the instructions of a request, as a ratio to those of ``http.client``, with what
``instructions.json`` has for this Python. So CI notices when requests become more expensive.
"""

import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from .clients import BASE, FAILED_OVER, MIB
from .measure import count_threads
from .server import Site, running
from .works import REQUESTS_OF_A_MIX, by_name

# Times that a mix is done; the difference is what it costs. Far apart, because the start of a
# thread takes sometimes more, sometimes less.
FEW, MANY = 20, 140
IDLE = 500  # connections

VALGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
IMPORT = {
    BASE: "import http.client, threading, logging, urllib.parse",
    "hcpsdk": "import hcpsdk",
}
# hcpsdk imports the rest of itself when it is first used; this is what every program uses.
IMPORT_AND_USE = {
    BASE: IMPORT[BASE],
    "hcpsdk": "from hcpsdk import Connection, NativeAuthorization, Target",
}
# Without site-packages: what is installed there may import modules at the start of each Python.
PYTHON = [sys.executable, "-S", "-c"]

RECORDED = Path(__file__).parent / "instructions.json"
SLACK = 1.10
UNKNOWN_SLACK = 1.25  # for a Python of which nothing was recorded
FAILED_OVER_SLACK = 1.04  # of a request without a replica: the goal is 1.03, counts vary by 0.003
GATE = {"instructions-few": "small-http-few", "instructions-hcp": "small-http-hcp"}

Counts = dict[str, float]  # by client
Ratios = dict[str, float]  # by figure: hcpsdk's to http.client's


def count(figure: str, clients: Sequence[str], site: Site) -> Counts:
    """What *figure* is for each of *clients*; nothing where the tool for it is not installed."""
    tool, function = COUNTERS[figure]
    if shutil.which(tool) is None:
        print(f"{figure}: left out, {tool} is not installed", file=sys.stderr)
        return {}
    return function(clients, site)


def instructions(work: str, clients: Sequence[str]) -> Counts:
    """Instructions of the program (not of the system) for one request.

    Always with our own server: what it sends is the same, byte for byte, on all machines.
    """
    with running(MIB, with_nginx=False) as site:
        return {client: _per_request(_instructions, work, client, site) for client in clients}


def _system_calls(clients: Sequence[str], site: Site) -> Counts:
    return {each: _per_request(_calls, "small-http-hcp", each, site) for each in clients}


def _threads(which: int, clients: Sequence[str], site: Site) -> Counts:
    found = {}
    for client in clients:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            job = process.submit(count_threads, client, site.place(tls=False), IDLE)
            found[client] = job.result()[which]
    return found


def _import_instructions(statements: dict[str, str], clients: Sequence[str]) -> Counts:
    _run([*PYTHON, statements["hcpsdk"]])  # compiles it
    nothing = _instructions([*PYTHON, "pass"])
    return {
        client: _instructions([*PYTHON, statements[client]]) - nothing
        for client in clients
        if client in statements
    }


COUNTERS: dict[str, tuple[str, Callable[[Sequence[str], Site], Counts]]] = {
    "instructions-few": ("valgrind", lambda clients, _: instructions("small-http-few", clients)),
    "instructions-hcp": ("valgrind", lambda clients, _: instructions("small-http-hcp", clients)),
    "calls": ("strace", _system_calls),
    "threads-started": ("sh", lambda clients, site: _threads(0, clients, site)),
    "threads-idle": ("sh", lambda clients, site: _threads(1, clients, site)),
    "import-instructions": ("valgrind", lambda clients, _: _import_instructions(IMPORT, clients)),
    "import-used": ("valgrind", lambda clients, _: _import_instructions(IMPORT_AND_USE, clients)),
}


def _per_request(counter: Callable[[list[str]], int], work: str, client: str, site: Site) -> float:
    """What *counter* finds for one request, without the start and the end of the program."""
    place = site.place(by_name(work).tls)
    where = [place.host, str(place.port), place.authority, str(site.file)]
    command = [sys.executable, "-m", f"{__package__}.measure", client, work]
    _run([*command, str(FEW), *where])  # compiles what is not compiled yet
    with ThreadPoolExecutor(2) as both:
        few, many = both.map(counter, ([*command, str(n), *where] for n in (FEW, MANY)))
    return (many - few) / (MANY - FEW) / REQUESTS_OF_A_MIX


def _instructions(command: list[str]) -> int:
    output = _run([*VALGRIND, *command]).stderr
    found = re.search(r"I +refs: +([\d,]+)", output)
    if not found:
        raise AssertionError(output)
    return int(found[1].replace(",", ""))


def _calls(command: list[str]) -> int:
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


# The gate


def is_optimized() -> bool:
    """True if this Python was built with profile-guided optimization: it is a third faster."""
    return "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")


def this_python() -> str:
    """What ratios depend on."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return version + (" optimized" if is_optimized() else "")


def limits(recorded: dict[str, Ratios], python: str) -> Ratios:
    """The most that is allowed; for an unknown Python a little more than the highest of all."""
    if python in recorded:
        return {figure: recorded[python][figure] * SLACK for figure in GATE}
    highest = {figure: max(each[figure] for each in recorded.values()) for figure in GATE}
    return {figure: ratio * UNKNOWN_SLACK for figure, ratio in highest.items()}


def gate(record: bool) -> bool:
    """True if requests need no more instructions than allowed; or record what they need now."""
    if shutil.which("valgrind") is None:
        print("NO VALGRIND: instructions are not counted, the gate is SKIPPED")
        return True
    recorded = json.loads(RECORDED.read_text())
    found, failed_over = {}, {}
    for figure, work in GATE.items():
        counts = instructions(work, [BASE, "hcpsdk", FAILED_OVER])
        found[figure] = round(counts["hcpsdk"] / counts[BASE], 3)
        failed_over[figure] = counts[FAILED_OVER] / counts["hcpsdk"]
    if record:
        recorded[this_python()] = found
        RECORDED.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
    if this_python() not in recorded:
        print(f"NOTHING RECORDED for Python {this_python()} in {RECORDED.name}: others' limits")
    allowed = limits(recorded, this_python())
    for figure in GATE:
        verdict = "fine" if found[figure] <= allowed[figure] else "TOO MUCH"
        print(f"{figure}: {found[figure]:.3f}, allowed {allowed[figure]:.3f}: {verdict}")
    for figure, ratio in failed_over.items():
        verdict = "fine" if ratio <= FAILED_OVER_SLACK else "TOO MUCH"
        print(f"{figure}, failed over: {ratio:.3f} of that, allowed {FAILED_OVER_SLACK}: {verdict}")
    return all(found[figure] <= allowed[figure] for figure in GATE) and all(
        ratio <= FAILED_OVER_SLACK for ratio in failed_over.values()
    )
