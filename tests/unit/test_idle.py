"""The timer's own thread: on time, cheap to arm, and gone when there is nothing to do."""

import gc
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hcpsdk._transport import idle_timer
from hcpsdk._transport.idle_timer import NEVER, IdleTimer
from hcpsdk._transport.keepalive import KeepAlive

PATIENCE = 30  # seconds until a test that waits is given up


class Thing:
    """Watched; says when it was closed."""

    def __init__(self) -> None:
        self.deadline = NEVER
        self.closed = threading.Event()
        self.closed_at: float | None = None
        self.finalizer: object = None

    def close_if_idle(self, now: Any) -> None:
        if self.deadline > now:
            return
        self.deadline = NEVER
        self.closed_at = time.monotonic()
        self.closed.set()


class HTTPSocket:
    """As much of a wire as a `KeepAlive` touches."""

    address = "127.0.0.1"

    def __init__(self) -> None:
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def timer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A timer of the test's own; its thread ends at once when there is nothing to watch."""
    monkeypatch.setattr(idle_timer, "THREAD_LINGER", 0.05)
    timer = IdleTimer()
    yield timer
    timer._watched.clear()
    timer.arm(0)
    thread = timer._thread
    if thread is not None:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def arm(timer: Any, thing: Any, seconds: Any) -> Any:
    thing.deadline = time.monotonic() + seconds
    timer.arm(thing.deadline)
    return thing.deadline


def test_closes_on_time(timer: Any) -> None:
    """What is watched is closed when its deadline has come, and not before (contract 5.1)."""
    thing = Thing()
    timer.watch(thing)
    deadline = arm(timer, thing, 0.05)

    assert thing.closed.wait(PATIENCE)
    assert thing.closed_at >= deadline


def test_an_earlier_deadline_wakes_the_timer(timer: Any) -> None:
    """The thread does not sleep through a deadline that is set while it sleeps (contract 5.1)."""
    late, early = Thing(), Thing()
    timer.watch(late)
    timer.watch(early)
    arm(timer, late, 1000)
    arm(timer, early, 0.01)

    assert early.closed.wait(PATIENCE)
    assert not late.closed.is_set()


def test_things_that_come_while_it_sleeps(timer: Any) -> None:
    """A thing that is watched while the thread sleeps is closed on time as well (contract 5.1)."""
    first = Thing()
    timer.watch(first)
    arm(timer, first, 1000)
    second = Thing()
    timer.watch(second)
    arm(timer, second, 0.01)

    assert second.closed.wait(PATIENCE)


def test_disarmed_in_time(timer: Any) -> None:
    """What was disarmed is not closed when its old deadline comes (contract 5.3)."""
    used, other = Thing(), Thing()
    timer.watch(used)
    timer.watch(other)
    arm(timer, used, 0.02)
    used.deadline = NEVER
    arm(timer, other, 0.05)

    assert other.closed.wait(PATIENCE)
    assert not used.closed.is_set()


def test_armed_many_times(timer: Any) -> None:
    """After any number of requests the last deadline counts (contract 5.1, 5.3)."""
    thing = Thing()
    timer.watch(thing)
    for _ in range(1000):
        thing.deadline = NEVER
        deadline = arm(timer, thing, 0.05)

    assert thing.closed.wait(PATIENCE)
    assert thing.closed_at >= deadline


def test_what_was_closed_otherwise_is_left_alone(timer: Any) -> None:
    """What has no deadline any more is none of the timer's business (contract 5.3)."""
    closed, other = Thing(), Thing()
    for thing in (closed, other):
        timer.watch(thing)
    arm(timer, closed, 0.05)
    closed.deadline = NEVER
    arm(timer, other, 0.06)

    assert other.closed.wait(PATIENCE)
    assert not closed.closed.is_set()


def test_keeps_nothing_alive(timer: Any) -> None:
    """What is watched can be garbage collected (contract 5.4)."""
    thing = Thing()
    gone = threading.Event()
    thing.finalizer = type("Finalizer", (), {"__del__": lambda self: gone.set()})()
    timer.watch(thing)
    arm(timer, thing, 1000)
    del thing
    gc.collect()

    assert gone.wait(PATIENCE)


def test_thread_ends_and_starts_again(timer: Any) -> None:
    """With nothing to watch the thread ends after a while; more work starts another (contract
    5.2)."""
    for _ in range(2):
        thing = Thing()
        timer.watch(thing)
        thread = timer._thread
        assert thread.daemon
        arm(timer, thing, 0.01)
        assert thing.closed.wait(PATIENCE)
        del thing
        gc.collect()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        assert timer._thread is None


def test_arming_wakes_nobody(timer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arming and disarming cost about as much as storing a number: no wake-ups (contract 5.2)."""
    thing = Thing()
    timer.watch(thing)
    notified = []
    notify = threading.Condition.notify
    monkeypatch.setattr(
        threading.Condition, "notify", lambda it, n=1: notified.append(it) or notify(it, n)
    )
    for _ in range(1000):
        arm(timer, thing, 1000)
        thing.deadline = NEVER

    assert len(notified) <= 2


def test_arming_is_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arming and disarming cost a small part of what a thread per request would (contract 5.2)."""
    monkeypatch.setattr("hcpsdk._transport.keepalive.log.isEnabledFor", lambda level: False)
    kept = KeepAlive(1000)
    kept.store(HTTPSocket())
    rounds = 200

    def seconds(action: Any) -> Any:
        return min(seconds_once(action) for _ in range(5))

    def seconds_once(action: Any) -> Any:
        started = time.perf_counter()
        for _ in range(rounds):
            action()
        return time.perf_counter() - started

    def request() -> None:
        kept.acquire()
        kept.release()

    def start_a_thread() -> None:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()

    request()
    assert seconds(request) * 3 < seconds(start_a_thread)
    kept.close()


# The wire that is kept


def test_kept_wire_is_closed_by_the_timer() -> None:
    """A wire that was released is closed after the idle time (contract 5.1)."""
    kept, wire = KeepAlive(0.02), HTTPSocket()
    kept.store(wire)
    kept.release()

    assert wire.closed.wait(PATIENCE)
    assert not kept.acquire()
    assert kept.wire is None


def test_claimed_wire_is_not_closed() -> None:
    """A wire that is claimed is out of the timer's reach (contract 5.3)."""
    kept, wire = KeepAlive(0.02), HTTPSocket()
    kept.store(wire)
    kept.release()
    if kept.acquire():  # else the timer was faster
        kept.close_if_idle(time.monotonic() + 1000)
        assert not wire.closed.is_set()
        assert kept.wire is wire
        assert not kept.acquire()
    kept.close()


def test_no_idle_time_closes_at_once() -> None:
    """``idletime=0`` closes when a request is done (contract 5.3)."""
    kept, wire = KeepAlive(0), HTTPSocket()
    kept.store(wire)
    kept.release()

    assert wire.closed.is_set()
    assert kept.wire is None


def test_dropped_any_number_of_times() -> None:
    """Dropping is safe at any time (contract 3.8)."""
    kept, wire = KeepAlive(1000), HTTPSocket()
    kept.close()
    kept.store(wire)
    kept.close()
    kept.close()

    assert wire.closed.is_set()
    assert not kept.acquire()


def test_forgotten_wire_is_closed() -> None:
    """A wire whose keeper is garbage collected is closed (contract 5.4)."""
    kept, wire = KeepAlive(1000), HTTPSocket()
    kept.store(wire)
    kept.release()
    del kept
    gc.collect()

    assert wire.closed.is_set()


def test_infinite_idle_time() -> None:
    """A socket may be kept open for ever (contract 5.1)."""
    kept, wire = KeepAlive(float("inf")), HTTPSocket()
    kept.store(wire)
    kept.release()

    kept.close_if_idle(time.monotonic() + 1e9)
    assert kept.wire is wire
    kept.close()


class Closable:
    """Watched; says when it was closed, and fails then if it shall."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.deadline = NEVER
        self.closed = threading.Event()
        self._error = error

    def close_if_idle(self, now: float) -> None:
        self.deadline = NEVER
        self.closed.set()
        if self._error is not None:
            raise self._error


def test_timer_outlives_a_fatal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the timer's thread dies from what should never happen, the next connection that is
    opened is still closed when its idle time is over (contract 5)."""
    monkeypatch.setattr(idle_timer, "THREAD_LINGER", 0.05)
    told: list[BaseException | None] = []
    is_told = threading.Event()

    def note(args: threading.ExceptHookArgs) -> None:
        told.append(args.exc_value)
        is_told.set()

    monkeypatch.setattr(threading, "excepthook", note)
    timer = IdleTimer()
    error = MemoryError("no memory is left")
    for thing in (Closable(error), Closable()):
        timer.watch(thing)
        thread = timer._thread
        thing.deadline = time.monotonic()
        timer.arm(thing.deadline)
        assert thing.closed.wait(PATIENCE)
        if not told:
            assert is_told.wait(PATIENCE)
            assert thread is not None
            thread.join(PATIENCE)
    assert told == [error]
    timer._watched.clear()
    thread = timer._thread
    if thread is not None:
        thread.join(PATIENCE)
        assert not thread.is_alive()
