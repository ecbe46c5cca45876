"""The process of one peer: does a piece of work when it is told to, and tells what it cost."""

import contextlib
import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from .peers import Client, Peer, Place, load
from .replies import LARGE, SMALL
from .works import Work

Batch = Callable[[int], None]  # does a piece of work that many times
BODY = bytes(SMALL)


class Cost(NamedTuple):
    """What one batch cost this process."""

    cpu: float  # seconds, user and system, all threads
    wall: float  # seconds
    memory: int  # bytes by which its peak was above what was in use before


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


def serve(pipe, name: str) -> None:
    """Do what comes over *pipe*, until it brings None.

    It brings a work with its place and file (to get ready for it), or a count (to do it). The
    answer is the `Cost`, or the exception.
    """
    with contextlib.ExitStack() as stack:
        batch: Batch
        while (message := pipe.recv()) is not None:
            try:
                if isinstance(message, int):
                    pipe.send(measured(batch, message))
                    continue
                stack.close()
                batch = stack.enter_context(ready(load(name), *message))
                pipe.send(None)
            except Exception as exc:
                pipe.send(exc)
