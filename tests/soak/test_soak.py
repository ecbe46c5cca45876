"""Nothing is lost, and nothing is left over, however long it goes on."""

import ctypes
import gc
import os
import pathlib
import threading
import time
from collections import Counter

import pytest

import hcpsdk
from hcpsdk.testing import HCP

from .workload import Disturber, S3Worker, Worker

THREADS = 8
PATIENCE = 30.0  # seconds after which the nodes should have noticed that their clients are gone


def work(hcp: HCP, kind: type[Worker], port: int, operations: int) -> Counter[str]:
    """Do it, check everything that was reported, and return the counts."""
    target = kind.target_of(port)
    disturber = Disturber(hcp)
    share = -(-operations // THREADS)
    workers = [kind(number, target, share, disturber.turn) for number in range(THREADS)]
    disturber.thread.start()
    for worker in workers:
        worker.thread.start()
    for worker in workers:
        worker.thread.join()
    disturber.finish()
    for error in (*(worker.error for worker in workers), disturber.error):
        if error is not None:
            raise error

    with hcpsdk.Connection(kind.target_of(port)) as connection:
        for worker in workers:
            worker.check(connection)
    reported: Counter[str] = Counter()
    for worker in workers:
        reported.update(worker.reported)
    reported.update({f"node {deed}": times for deed, times in disturber.done.items()})
    return reported


def resident() -> int:
    """Bytes of memory that this process has, without what it could give back."""
    gc.collect()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def emptied(hcp: HCP) -> tuple[int, int]:
    """Forget all objects; the memory then, in bytes and in Python's blocks."""
    deadline = time.monotonic() + PATIENCE
    while any(node.connection_count for node in hcp.nodes):  # they tell nobody when one goes
        assert time.monotonic() < deadline, "connections are left over"
        time.sleep(0.01)
    hcp.reset()
    return resident(), len(gc.get_objects())


def descriptors() -> int:
    return len([*pathlib.Path("/proc/self/fd").iterdir()])


def threads() -> list[str]:
    """Their names, but for the idle timer, of which there is at most one."""
    names = [thread.name for thread in threading.enumerate()]
    if "hcpsdk-idle" in names:
        names.remove("hcpsdk-idle")
    return sorted(names)


@pytest.mark.skipif(not pathlib.Path("/proc/self/fd").exists(), reason="counts by means of /proc")
@pytest.mark.parametrize("port", [443, 80])
@pytest.mark.parametrize("kind", [Worker, S3Worker])
def test_soak(
    operations: int, kind: type[Worker], port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """While nodes come and go, every object reported as stored is there with its bytes, every one
    reported as deleted is gone, what is left open is one of both; and threads, file descriptors and
    memory end where they began (contract 4.3, 4.6, 4.7, 2.4 to 2.6, 6)."""
    began = threads(), descriptors()
    with HCP() as hcp:
        work(hcp, kind, port, max(operations // 10, 400))  # pools and caches fill
        memory_before, objects_before = emptied(hcp)
        started = time.monotonic()
        reported = work(hcp, kind, port, operations // 2)
        seconds = time.monotonic() - started
        memory_after, objects_after = emptied(hcp)
    assert threads() == began[0]
    assert descriptors() <= began[1]  # fewer, if something was still being closed then
    ratio, grown = memory_after / memory_before, objects_after - objects_before

    with capsys.disabled():
        print(f"\n{kind.__name__}, port {port}, {seconds:.0f} s")
        print(f"memory ratio {ratio:.3f}, {grown} objects more")
        print(", ".join(f"{what}: {count}" for what, count in sorted(reported.items())))
    # With TLS it settles at about 1.3, however long it takes; a leak of a few KB for each
    # connection showed as 1.8.
    assert ratio < 1.5
    assert grown < 2000
    statuses = f"PUT {kind.stored}", "PUT 409", "GET 200", "HEAD 200", f"DELETE {kind.deleted}"
    assert all(reported[what] for what in statuses)
    assert bool(reported["upload stored"]) is (kind is S3Worker)
