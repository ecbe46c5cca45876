"""What works cost: each client in processes of its own, all do the same work in each round.

``python3 -m tests.bench.measure CLIENT WORK COUNT HOST PORT AUTHORITY FILE`` does one work in a
process that does nothing else, for valgrind and strace to count.
"""

import contextlib
import gc
import multiprocessing
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from .clients import BASE, CLIENTS, VARIANTS, Client, Place
from .server import LARGE, SMALL, Site
from .works import REQUESTS_OF_A_MIX, Work, by_name

Batch = Callable[[int], None]  # does a piece of work that many times
BODY = bytes(SMALL)


class Cost(NamedTuple):
    """What a batch cost a process, or one of its requests."""

    cpu: float  # seconds, user and system, all threads
    wall: float  # seconds
    memory: int  # bytes by which the peak was above what was in use before


class Spread(NamedTuple):
    """A median with its quartiles."""

    low: float
    median: float
    high: float


Rounds = dict[str, list[Cost]]  # by client; one cost for each round


def spread(values: Sequence[float]) -> Spread:
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    return Spread(*statistics.quantiles(values, n=4, method="inclusive"))


def ratios(rounds: Rounds, client: str, which: str = "cpu", base: str = BASE) -> Spread | None:
    """The cost as a ratio to that of *base* in the same round."""
    if client not in rounds or base not in rounds:
        return None
    pairs = zip(rounds[client], rounds[base], strict=True)
    return spread([getattr(cost, which) / getattr(base, which) for cost, base in pairs])


def run(work: Work, clients: Sequence[str], site: Site, rounds: int) -> Rounds:
    """What a request of *work* costs each client in each round; one more round warms them up.

    The first client of a round is the last of the next.
    """
    spawn = multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as stack:

        def process() -> ProcessPoolExecutor:
            return stack.enter_context(ProcessPoolExecutor(1, spawn))

        teams = {client: [process() for _ in range(work.processes)] for client in clients}
        for client, team in teams.items():
            _all(team, _prepare, client, work, site.place(work.tls), str(site.file))
            _do(team, work)
        costs: Rounds = {client: [] for client in clients}
        order = list(clients)
        for _ in range(rounds):
            for client in order:
                costs[client].append(_do(teams[client], work))
            order = order[1:] + order[:1]
        for team in teams.values():
            _all(team, _finish)
    return costs


def _all(team: list[ProcessPoolExecutor], function: Callable[..., Any], *args: Any) -> list[Any]:
    """Call *function* in all processes of *team* at once."""
    return [future.result() for future in [each.submit(function, *args) for each in team]]


def _do(team: list[ProcessPoolExecutor], work: Work) -> Cost:
    costs = _all(team, _measure, work.times // len(team))
    cpu, wall, memory = zip(*costs, strict=True)
    requests = work.times * (REQUESTS_OF_A_MIX if work.kind == "mix" else 1)
    return Cost(sum(cpu) / requests, max(wall) / requests, max(memory))


# In a client's process


class _Ready(contextlib.ExitStack):
    """The work for which this process is prepared."""

    batch: Batch


_ready = _Ready()


def _prepare(client: str, work: Work, place: Place, file: str) -> None:
    _ready.batch = _ready.enter_context(ready(client, work, place, file))


def _finish() -> None:
    _ready.close()


def _measure(count: int) -> Cost:
    growth = peak_growth()
    wall, cpu = time.perf_counter(), time.process_time()
    _ready.batch(count)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(cpu, wall, growth())


def peak_growth() -> Callable[[], int]:
    """A function that returns by how many bytes the peak of memory was above what is used now."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # Linux: forget the peak of memory
    before = _memory("VmRSS")
    return lambda: max(0, _memory("VmHWM") - before)


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


@contextlib.contextmanager
def ready(client: str, work: Work, place: Place, file: str) -> Iterator[Batch]:
    """A function that does *work*, with its connections open."""
    kind = {**CLIENTS, **VARIANTS}[client]
    if work.kind == "target":
        yield lambda count: _connect_anew(kind, place, f"/{work.headers}/small", count)
        return
    shared = kind.shared(place)
    if work.kind == "connect":
        yield lambda count: _connect(kind, shared, f"/{work.headers}/small", count)
        return
    clients = [kind(shared) for _ in range(work.threads * work.connections)]
    try:
        yield _batch(work, clients, file)
    finally:
        for each in clients:
            each.close()


def _batch(work: Work, clients: list[Client], file: str) -> Batch:
    if work.kind == "put":
        return lambda count: _upload(clients[0], f"/{work.headers}/{os.getpid()}", file, count)
    if work.kind == "look":
        return lambda count: _look(clients[0], f"/{work.headers}/small", count)
    if work.kind == "get":
        return lambda count: _download(clients[0], f"/{work.headers}/{LARGE}", work.block, count)
    groups = [clients[number :: work.threads] for number in range(work.threads)]
    if work.threads == 1:
        return lambda count: _mix(groups[0], work, 0, count)
    return lambda count: _mix_in_threads(groups, work, count)


def _mix(clients: list[Client], work: Work, number: int, count: int) -> None:
    path = f"/{work.headers}/{os.getpid()}-{number}"
    for turn in range(count):
        clients[turn % len(clients)].mix(path, BODY)


def _mix_in_threads(groups: list[list[Client]], work: Work, count: int) -> None:
    threads = [
        threading.Thread(target=_mix, args=(clients, work, number, count // len(groups)))
        for number, clients in enumerate(groups)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _upload(client: Client, path: str, name: str, count: int) -> None:
    for _ in range(count):
        with open(name, "rb") as file:
            client.request("PUT", path, file)


def _download(client: Client, path: str, block: int, count: int) -> None:
    for _ in range(count):
        client.download(path, block)


def _connect(kind: type[Client], shared: Any, path: str, count: int) -> None:
    for _ in range(count):
        client = kind(shared)
        client.request("HEAD", path)
        client.close()


def _connect_anew(kind: type[Client], place: Place, path: str, count: int) -> None:
    for _ in range(count):
        _connect(kind, kind.shared(place), path, 1)


def _look(client: Client, path: str, count: int) -> None:
    for _ in range(count):
        client.look(path)


def count_threads(client: str, place: Place, idle: int) -> tuple[float, int]:
    """Threads started per request, and those that exist with so many idle connections."""
    started = 0

    def note(event: str, _args: object) -> None:
        nonlocal started
        started += event.startswith("_thread.start")

    shared = CLIENTS[client].shared(place)
    clients = [CLIENTS[client](shared) for _ in range(idle)]
    for each in clients:
        each.request("HEAD", "/few/small")
    alive = len([*Path("/proc/self/task").iterdir()]) - 1
    sys.addaudithook(note)
    for _ in range(idle):
        clients[0].request("HEAD", "/few/small")
    for each in clients:
        each.close()
    return started / idle, alive


def main(
    client: str, work: str, count: str, host: str, port: str, authority: str, file: str
) -> None:
    with ready(client, by_name(work), Place(host, int(port), authority), file) as batch:
        batch(int(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
