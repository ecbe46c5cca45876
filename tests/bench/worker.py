"""The process of one peer: does a piece of work when it is told to, and tells what it cost."""

import contextlib
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from .peers import Client, Peer, load
from .peers._common import Place
from .replies import LARGE, SMALL
from .works import Work

Batch = Callable[[int], None]  # does a piece of work that many times
BODY = bytes(SMALL)


class Cost(NamedTuple):
    """What a batch cost this process, or one of its requests."""

    cpu: float  # seconds, user and system, all threads
    wall: float  # seconds
    memory: int  # bytes by which the peak was above what was in use before the batch


def measured(batch: Batch, count: int) -> Cost:
    """Do it, and look at the clocks before and after."""
    gc.collect()
    before = _forget_peak()
    wall, cpu = time.perf_counter(), time.process_time()
    batch(count)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(cpu, wall, max(0, _memory("VmHWM") - before))


def _forget_peak() -> int:
    """Let Linux forget the process's peak of memory; returns what is in use, in bytes."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return _memory("VmRSS")


def _memory(name: str) -> int:
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    raise LookupError(name)


@contextlib.contextmanager
def ready(peer: Peer, work: Work, place: Place, file: str) -> Iterator[Batch]:
    """A function that does *work*, with its connections open."""
    shared = peer.shared(place)
    if work.kind == "connect":
        yield lambda count: _connect(peer, shared, work, count)
        return
    clients = [peer.Client(shared) for _ in range(work.threads * work.connections)]
    try:
        yield _batch(work, clients, file)
    finally:
        for client in clients:
            client.close()


def _batch(work: Work, clients: list[Client], path: str) -> Batch:
    if work.kind == "put":
        return lambda count: _upload(clients[0], work, path, count)
    if work.kind == "get":
        return lambda count: _download(clients[0], work, count)
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


def _upload(client: Client, work: Work, path: str, count: int) -> None:
    target = f"/{work.headers}/{os.getpid()}"
    for _ in range(count):
        with open(path, "rb") as file:
            client.upload(target, file)


def _download(client: Client, work: Work, count: int) -> None:
    for _ in range(count):
        client.download(f"/{work.headers}/{LARGE}", work.block)


def _connect(peer: Peer, shared: object, work: Work, count: int) -> None:
    for _ in range(count):
        client = peer.Client(shared)
        client.head(f"/{work.headers}/small")
        client.close()


def serve(pipe: "Connection[object, object]", name: str) -> None:
    """Do what comes over *pipe*, until it is closed.

    It brings a work with its place and file (to get ready for it), or a count (to do it). The
    answer is the `Cost`, or the exception.
    """
    batch: Batch | None = None
    with contextlib.ExitStack() as stack:
        while True:
            try:
                message: Any = pipe.recv()
            except EOFError:
                return
            try:
                if isinstance(message, int):
                    assert batch is not None  # the work comes first
                    pipe.send(measured(batch, message))
                else:
                    batch = stack.enter_context(ready(load(name), *message))
                    pipe.send(None)
            except Exception as exc:
                pipe.send(exc)


def count_threads(name: str, place: Place, idle: int) -> tuple[float, int]:
    """Threads started per request, and those there are with so many idle connections."""
    started = 0

    def note(event: str, _args: object) -> None:
        nonlocal started
        started += event.startswith("_thread.start")

    peer = load(name)
    shared = peer.shared(place)
    clients = [peer.Client(shared) for _ in range(idle)]
    for client in clients:
        client.head("/few/small")
    alive = len([*Path("/proc/self/task").iterdir()]) - 1
    sys.addaudithook(note)
    for _ in range(idle):
        clients[0].head("/few/small")
    for client in clients:
        client.close()
    return started / idle, alive
