"""Figures without noise: what valgrind and strace count."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from .server import Site
from .works import Work

FEW, MANY = 20, 60  # times that a mix is done; what it costs is the difference
REQUESTS_OF_A_MIX = 4

VALGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]


def can_count_instructions() -> bool:
    return shutil.which("valgrind") is not None


def can_count_calls() -> bool:
    return shutil.which("strace") is not None


def instructions(peer: str, work: Work, site: Site) -> float:
    """Instructions of the program (not of the system) for one request."""
    counts = [_instructions(_once(peer, work, count, site)) for count in (FEW, MANY)]
    return (counts[1] - counts[0]) / (MANY - FEW) / REQUESTS_OF_A_MIX


def import_instructions(modules: str) -> int:
    """Instructions for ``import`` of *modules*, in a Python that has started."""
    command = [sys.executable, "-c"]
    return _instructions([*command, f"import {modules}"]) - _instructions([*command, "pass"])


def system_calls(peer: str, work: Work, site: Site) -> float:
    """System calls for one request."""
    counts = [_system_calls(_once(peer, work, count, site)) for count in (FEW, MANY)]
    return (counts[1] - counts[0]) / (MANY - FEW) / REQUESTS_OF_A_MIX


def _once(peer: str, work: Work, count: int, site: Site) -> list[str]:
    place = site.place(work.tls)
    where = [place.host, str(place.port), place.authority, str(site.file)]
    return [sys.executable, "-m", f"{__package__}.once", peer, work.name, str(count), *where]


def _instructions(command: list[str]) -> int:
    output = _run([*VALGRIND, *command])
    found = re.search(r"I +refs: +([\d,]+)", output)
    assert found, output
    return int(found[1].replace(",", ""))


def _system_calls(command: list[str]) -> int:
    with tempfile.NamedTemporaryFile("r") as file:
        _run(["strace", "-f", "-c", "-o", file.name, *command])
        total = file.read().splitlines()[-1].split()  # % time, seconds, usecs/call, calls ... total
    return int(total[3])


def _run(command: list[str]) -> str:
    """What *command* wrote to stderr."""
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr}")
    return done.stderr
