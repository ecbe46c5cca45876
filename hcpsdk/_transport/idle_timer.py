"""The timer that closes unused connections: one thread for the process.

Arming it costs a comparison: a connection stores its deadline, and the thread looks at it when it
wakes. It is woken only for a deadline that is earlier than the one it sleeps to.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time

from hcpsdk._transport.registry import Registry

log = logging.getLogger("hcpsdk.Connection")

NEVER = float("inf")
LOOK_AGAIN = float("-inf")
THREAD_LINGER = 1.0  # seconds after which the thread ends if there is nothing to watch any more


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Closable(Protocol):
        """What the timer watches."""

        deadline: float  # monotonic time at which it may be closed, NEVER while it is in use

        def close_if_idle(self, now: float) -> None:
            """Close, unless it is in use again; called in the timer's thread."""


class IdleTimer:
    """Closes what is past its deadline, in a separate thread.

    The thread starts with the first thing to watch, ends when there has been nothing for a while,
    and never holds up the end of the program. What is watched is not kept alive by it.
    """

    # There is no lock that anything waits for, because a signal handler or a finalizer may
    # interrupt any step and come here again (contract 6.1).

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew, with nothing to watch."""
        self._watched: Registry[Closable] = Registry()
        # The thread, if there is one. `dict.setdefault` decides between two that come at the same
        # time.
        self._threads: dict[None, threading.Thread] = {}
        self._bell = threading.Lock()  # unlocked to wake the thread, which locks it again
        # When the thread will look at the deadlines again: at the earliest that it knows. (What is
        # in use has none, and gets one when it is armed.) NEVER while the thread looks, so that a
        # deadline which is set meanwhile wakes it; LOOK_AGAIN while it closes, because it will
        # look anyway, and where no thread can be started.
        self.wakes_at = NEVER

    @property
    def thread(self) -> threading.Thread | None:
        """The thread, while there is one."""
        return self._threads.get(None)

    def watch(self, thing: Closable) -> None:
        """Look after *thing* from now on, as long as it exists, or until `forget()`."""
        self._watched.add(thing)
        if None not in self._threads:
            self._start()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="hcpsdk-idle", daemon=True)
        try:
            if self._threads.setdefault(None, thread) is thread:
                thread.start()
        except BaseException as exc:
            if self.thread is thread and not thread.is_alive():
                self._threads.clear()
            if not isinstance(exc, RuntimeError):
                raise
            # No thread can be started here (contract 5.2), or the interpreter is ending.
            self.wakes_at = LOOK_AGAIN

    def forget(self, thing: Closable) -> None:
        """Look after *thing* no more; the thread ends soon if it was the last one."""
        self._watched.discard(thing)
        if not self._watched and time.monotonic() + THREAD_LINGER < self.wakes_at:
            self._wake()

    def arm(self, deadline: float) -> None:
        """Wake up for *deadline*, which something watched has just set."""
        if deadline < self.wakes_at:
            self.wakes_at = deadline
            self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # it is unlocked already
            self._bell.release()

    def is_current_thread(self) -> bool:
        """True in the timer's thread."""
        return self.thread is threading.current_thread()

    def _run(self) -> None:
        me = threading.current_thread()
        if self._threads.setdefault(None, me) is not me:
            return
        try:
            while self._wait():
                self._close_due()
        finally:
            self._threads.clear()
            # What came in the last moment saw a thread, and started none.
            if self._watched:
                self._start()

    def _wait(self) -> bool:
        """Sleep until something is past its deadline; False to end the thread."""
        ends_at = NEVER
        while True:
            armed, self.wakes_at = self.wakes_at, NEVER
            now = time.monotonic()
            earliest = min((thing.deadline for thing in self._watched), default=NEVER)
            if earliest <= now:
                self.wakes_at = LOOK_AGAIN
                return True
            if self._watched:
                ends_at = NEVER
                # What is in use again has no deadline now, and later than this one it will: else
                # each of its requests would wake the thread.
                if now < armed < earliest:
                    earliest = armed
            else:
                ends_at = earliest = min(ends_at, now + THREAD_LINGER)
                if ends_at <= now:
                    return False
            self.wakes_at = earliest
            if earliest == NEVER:
                self._bell.acquire()
            else:
                # A wait has an upper limit on some systems.
                self._bell.acquire(timeout=min(earliest - now, threading.TIMEOUT_MAX))

    def _close_due(self) -> None:
        now = time.monotonic()
        for thing in self._watched:
            if thing.deadline <= now:
                thing.close_if_idle(now)

    def __repr__(self) -> str:
        thread = self.thread
        return f"<Timer({thread.name}, started {thread.ident})>" if thread else "<Timer(stopped)>"


idle_timer = IdleTimer()


if hasattr(os, "register_at_fork"):
    # Threads do not survive a fork, and what the parent watches is the parent's.
    os.register_at_fork(after_in_child=idle_timer.reset)
