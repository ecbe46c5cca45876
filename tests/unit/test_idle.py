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
from hcpsdk._transport.registry import Registry
from hcpsdk._transport.state import State
from hcpsdk._transport.use import Use

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


class Socket:
    """As much of an `HTTPSocket` as a `KeepAlive` touches."""

    address = "127.0.0.1"

    def __init__(self) -> None:
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()

    def detach(self) -> None:
        pass


@pytest.fixture
def timer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A timer of the test's own; its thread ends at once when there is nothing to watch."""
    monkeypatch.setattr(idle_timer, "THREAD_LINGER", 0.05)
    timer = IdleTimer()
    yield timer
    timer._watched.clear()
    timer.arm(0)
    thread = timer.thread
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
        thread = timer.thread
        assert thread.daemon
        arm(timer, thing, 0.01)
        assert thing.closed.wait(PATIENCE)
        timer.forget(thing)
        thread.join(PATIENCE)
        assert not thread.is_alive()
        assert timer.thread is None


def test_arming_wakes_nobody(timer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arming and disarming cost about as much as storing a number: no wake-ups (contract 5.2)."""
    thing = Thing()
    timer.watch(thing)
    woken = []
    wake = timer._wake
    monkeypatch.setattr(timer, "_wake", lambda: woken.append(1) or wake())
    for _ in range(1000):
        arm(timer, thing, 1000)
        thing.deadline = NEVER

    assert len(woken) <= 2


def test_what_is_in_use_again_wakes_nobody(timer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does what is in use again when the thread looks, as with requests one after the other
    (contract 5.2)."""
    thing = Thing()
    woken = []
    looked = threading.Semaphore(0)
    wake, begin = timer._wake, Registry.__iter__

    def look(registry: Any) -> Any:
        found = begin(registry)
        if registry is timer._watched:
            looked.release()
        return found

    def wake_and_wait() -> None:
        woken.append(1)
        thing.deadline = NEVER  # in use again
        wake()
        assert looked.acquire(timeout=PATIENCE)

    timer.watch(thing)
    monkeypatch.setattr(Registry, "__iter__", look)
    monkeypatch.setattr(timer, "_wake", wake_and_wait)
    for _ in range(20):
        arm(timer, thing, 1000)
        thing.deadline = NEVER

    assert len(woken) < 10


def after_a_request(idletime: float, opened: Any) -> KeepAlive:
    """A `KeepAlive` over whose socket *opened* a request was made."""
    kept = KeepAlive(idletime)
    use = Use()
    kept.acquire(use)
    kept.move(State.WAITING)
    kept.store(opened)
    kept.release(State.IDLE)
    return kept


def test_arming_is_cheap() -> None:
    """Arming and disarming cost a small part of what a thread per request would (contract 5.2)."""
    kept = after_a_request(1000, Socket())
    rounds = 200

    def seconds(action: Any) -> Any:
        return min(seconds_once(action) for _ in range(5))

    def seconds_once(action: Any) -> Any:
        started = time.perf_counter()
        for _ in range(rounds):
            action()
        return time.perf_counter() - started

    def request() -> None:
        use = Use()
        kept.acquire(use)
        kept.release(State.IDLE)

    def start_a_thread() -> None:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()

    request()
    assert seconds(request) * 3 < seconds(start_a_thread)
    kept.close()


# The socket that is kept


def test_kept_socket_is_closed_by_the_timer() -> None:
    """A socket that was released is closed after the idle time (contract 5.1)."""
    opened = Socket()
    kept = after_a_request(0.02, opened)

    assert opened.closed.wait(PATIENCE)
    use = Use()
    assert not kept.acquire(use)
    assert kept.socket is None
    assert kept.state is State.CLOSED


def test_socket_in_use_is_not_closed() -> None:
    """A socket in use is out of the timer's reach (contract 5.3)."""
    opened = Socket()
    kept = after_a_request(0.02, opened)
    use = Use()
    if kept.acquire(use):  # else the timer was faster
        kept.deadline = 0.0  # as if the timer had looked just before
        kept.close_if_idle(time.monotonic() + 1000)
        assert not opened.closed.is_set()
        assert kept.socket is opened
    kept.release(State.CLOSED)


def test_no_idle_time_closes_at_once() -> None:
    """``idletime=0`` closes when a request is done (contract 5.3)."""
    opened = Socket()
    kept = after_a_request(0, opened)

    assert opened.closed.is_set()
    assert kept.socket is None
    assert kept.state is State.CLOSED


def test_closed_any_number_of_times() -> None:
    """Closing is safe at any time (contract 3.8)."""
    opened = Socket()
    KeepAlive(1000).close()
    kept = after_a_request(1000, opened)
    kept.close()
    kept.close()

    assert opened.closed.is_set()
    use = Use()
    assert not kept.acquire(use)


def test_forgotten_socket_is_closed() -> None:
    """A socket whose keeper is garbage collected is closed (contract 5.4)."""
    opened = Socket()
    kept = after_a_request(1000, opened)
    del kept
    gc.collect()

    assert opened.closed.is_set()


def test_infinite_idle_time() -> None:
    """A socket may be kept open for ever (contract 5.1)."""
    opened = Socket()
    kept = after_a_request(float("inf"), opened)

    kept.close_if_idle(time.monotonic() + 1e9)
    assert kept.socket is opened
    kept.close()


def test_one_use_at_a_time() -> None:
    """A second use is refused while the first one is running; its end makes room (contract 6)."""
    kept = after_a_request(1000, Socket())
    first, second = Use(), Use()
    kept.acquire(first)

    with pytest.raises(RuntimeError, match="a Connection for each thread"):
        kept.acquire(second)

    assert kept.is_user(first)
    kept.release(State.IDLE)
    kept.acquire(second)
    assert kept.is_user(second)
    kept.release(State.CLOSED)


def test_use_that_was_cut_off_is_over() -> None:
    """A use whose end was interrupted half-way does not lock the Connection: what it left is
    closed (contract 4.6)."""
    opened = Socket()
    kept = after_a_request(1000, opened)
    use = Use()
    kept.acquire(use)
    kept.move(State.WAITING)
    del use

    after = Use()
    kept.acquire(after)

    assert opened.closed.is_set()
    assert kept.state is State.CLOSED
    kept.release(State.CLOSED)


def test_moves_that_are_not_in_the_table() -> None:
    """A state follows another one only where the table says so."""
    kept = after_a_request(1000, Socket())

    with pytest.raises(AssertionError, match=r"IDLE to State\.READING"):
        kept.move(State.READING)

    assert kept.state is State.IDLE
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
        thread = timer.thread
        thing.deadline = time.monotonic()
        timer.arm(thing.deadline)
        assert thing.closed.wait(PATIENCE)
        if not told:
            assert is_told.wait(PATIENCE)
            assert thread is not None
            thread.join(PATIENCE)
    assert told == [error]
    timer._watched.clear()
    timer.arm(0)
    thread = timer.thread
    if thread is not None:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_what_comes_while_the_thread_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is opened in the moment in which the thread ends is closed in its time
    (contract 5.1)."""
    monkeypatch.setattr(idle_timer, "THREAD_LINGER", 0.05)
    first, late = Thing(), Thing()

    class Ending(IdleTimer):
        def _wait(self) -> bool:
            goes_on = super()._wait()
            if not goes_on and late.deadline == NEVER and not late.closed.is_set():
                self.watch(late)
                arm(self, late, 0.01)
            return goes_on

    timer = Ending()
    timer.watch(first)
    timer.forget(first)
    assert late.closed.wait(PATIENCE)
    timer.forget(late)
    thread = timer.thread
    if thread is not None:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_finalizer_in_the_timers_thread() -> None:
    """A finalizer that runs in the timer's thread, in the middle of closing, and uses the very
    Connection, waits for nothing (contract 6.1)."""
    refused = []

    class Within(KeepAlive):
        def move(self, state: State) -> None:
            super().move(state)
            if threading.current_thread() is idle_timer.idle_timer.thread:
                with pytest.raises(RuntimeError):
                    self.acquire(Use())
                refused.append(self.acquire_or_cancel(Use()))
                closed.set()

    closed = threading.Event()
    kept = Within(0.01)
    opened = Socket()
    use = Use()
    kept.acquire(use)
    kept.move(State.WAITING)
    kept.store(opened)  # type: ignore[arg-type]
    kept.release(State.IDLE)
    assert closed.wait(PATIENCE)
    assert opened.closed.wait(PATIENCE)
    assert refused == [None]


@pytest.mark.parametrize("idletime", [10**400, 1e308, threading.TIMEOUT_MAX * 2])
def test_idle_time_without_bounds(idletime: float) -> None:
    """An idle time that no clock knows means for ever (contract 5.1)."""
    opened = Socket()
    kept = after_a_request(idletime, opened)
    kept.close_if_idle(time.monotonic() + 1e9)
    assert kept.socket is opened
    kept.close()
