"""The timer that closes unused connections: one thread for the process.

Arming it costs a comparison: a connection stores its deadline, and the thread looks at it when it
wakes. It is woken only for a deadline that is earlier than the one it sleeps to.
"""

import logging
import os
import threading
import time
import weakref
from typing import Protocol

log = logging.getLogger("hcpsdk.Connection")

NEVER = float("inf")
LOOK_AGAIN = float("-inf")
THREAD_LINGER = 10.0  # seconds after which the thread ends if there is nothing to watch any more


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

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew, with nothing to watch."""
        # Guards all below. It is taken itself, not by way of the condition, whose own code for
        # that can be interrupted by Ctrl-C half-way and would leave it locked.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._watched: weakref.WeakSet[Closable] = weakref.WeakSet()
        self._thread: threading.Thread | None = None
        # When the thread will look at the deadlines again: at the earliest that it knows. (What is
        # in use has none, and gets one when it is armed.) NEVER while the thread looks, so that a
        # deadline which is set meanwhile wakes it; LOOK_AGAIN while it closes, because it will
        # look anyway. Read without the lock.
        self.wakes_at = NEVER

    def watch(self, thing: Closable) -> None:
        """Look after *thing* from now on, as long as it exists.

        There is no way to take that back, because it would need the lock: connections are closed
        by the garbage collector, too, which may run while this very thread holds it. A thing that
        is closed costs nothing but a glance.
        """
        with self._lock:
            self._watched.add(thing)
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="hcpsdk-idle", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # the interpreter is ending: it closes everything anyway
                    return
                self._thread = thread

    def arm(self, deadline: float) -> None:
        """Wake up for *deadline*, which something watched has just set."""
        if deadline < self.wakes_at:
            with self._lock:
                self.wakes_at = min(deadline, self.wakes_at)
                self._changed.notify()

    def _run(self) -> None:
        try:
            while self._wait():
                self._close_due()
        finally:
            self._thread = None  # so that the next thing to watch starts another

    def _wait(self) -> bool:
        """Sleep until something is past its deadline; False to end the thread."""
        with self._lock:
            while True:
                now = time.monotonic()
                if self.wakes_at <= now:
                    self.wakes_at = NEVER
                    earliest = min((thing.deadline for thing in self._watched), default=NEVER)
                    if earliest <= now:
                        self.wakes_at = LOOK_AGAIN
                        return True
                    self.wakes_at = min(earliest, self.wakes_at)
                if self.wakes_at != NEVER:
                    # A wait has an upper limit on some systems.
                    self._changed.wait(min(self.wakes_at - now, threading.TIMEOUT_MAX))
                elif not self._changed.wait(THREAD_LINGER) and not self._watched:
                    return False

    def _close_due(self) -> None:
        now = time.monotonic()
        with self._lock:
            due = [thing for thing in self._watched if thing.deadline <= now]
        for thing in due:
            thing.close_if_idle(now)

    def __repr__(self) -> str:
        thread = self._thread
        return f"<Timer({thread.name}, started {thread.ident})>" if thread else "<Timer(stopped)>"


idle_timer = IdleTimer()


if hasattr(os, "register_at_fork"):
    # Threads do not survive a fork, and what the parent watches is the parent's.
    os.register_at_fork(after_in_child=idle_timer.reset)
