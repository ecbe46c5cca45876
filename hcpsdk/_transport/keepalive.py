"""The socket of a Connection: its state, who uses it, and how long it stays open without use."""

from __future__ import annotations

import threading
from threading import TIMEOUT_MAX
from time import monotonic, sleep
from weakref import ref

from hcpsdk._log import Log
from hcpsdk._transport import atfork
from hcpsdk._transport.idle_timer import NEVER, idle_timer
from hcpsdk._transport.socket import HTTPSocket
from hcpsdk._transport.state import CLOSED, IDLE, State
from hcpsdk._transport.use import Use

log = Log("hcpsdk.Connection")

IN_USE = (
    "this Connection is in use: another request or read is running on it; use a Connection for "
    "each thread, and a second one in signal handlers and in the body of a request"
)
_BY_TIMER = Use()
_TIMERS = ref(_BY_TIMER)


class SpareSocket:
    """A socket to the other system of a Target with a replica, put aside for a later request.

    The idle timer closes it, as any other socket; taking it out decides who has it.
    """

    def __init__(self) -> None:
        self.deadline = NEVER  # monotonic time at which the timer may close it
        self._held: dict[int, HTTPSocket] = {}  # at most one, by the count of forks

    def put(self, opened: HTTPSocket, idletime: float) -> None:
        """Hold *opened*, for *idletime* seconds at most."""
        self._held[atfork.count] = opened
        self.deadline = deadline = monotonic() + idletime
        if idletime < NEVER:
            idle_timer.watch(self)
            idle_timer.arm(deadline)

    def take(self) -> HTTPSocket | None:
        """The socket, if there is one; in the child of a fork it stays the parent's."""
        if self.deadline < NEVER:
            self.deadline = NEVER
            idle_timer.forget(self)
        opened = self._held.pop(atfork.count, None)
        while self._held:
            self._held.popitem()[1].detach()
        return opened

    def close(self) -> None:
        """Close the socket, if there is one."""
        opened = self.take()
        if opened is not None:
            opened.close()

    def close_if_idle(self, now: float) -> None:
        """Called by the idle timer, in its thread, when the deadline seems to have passed."""
        if self.deadline <= now:
            self.close()

    def __del__(self) -> None:
        self.close()


class KeepAlive:
    """At most one open `HTTPSocket`, and at most one `Use` of it at a time.

    Args:
        idletime: Seconds for which an unused socket stays open; 0 closes it at once.
    """

    def __init__(self, idletime: float) -> None:
        self.state = CLOSED
        self.socket: HTTPSocket | None = None
        self.deadline = NEVER  # monotonic time at which the timer may close it
        self._idletime = idletime if idletime <= TIMEOUT_MAX else NEVER
        self._spare: SpareSocket | None = None
        # Who uses it: nothing, or one reference. `dict.setdefault` decides between two who come
        # at the same time; unlike a lock it cannot be left locked by a signal or a fork. The
        # reference is weak, so that a use which was interrupted half-way through its end is over.
        self._users: dict[None, ref[Use]] = {}
        self._repair = threading.RLock()  # guards the removal of a use that is gone
        self._fork_count = atfork.count
        self.was_inherited = False  # True if it was the parent's before a fork

    def acquire(self, use: Use) -> bool:
        """Begin *use*; True if the idle timer was going to close the socket.

        Raises:
            RuntimeError: Another use is running.
        """
        if self._fork_count != atfork.count:
            self.detach()
        mine = ref(use)
        while (user := self._users.setdefault(None, mine)) is not mine:
            if self._is_running(user):
                raise RuntimeError(IN_USE)
        was_armed = self.deadline != NEVER
        self.deadline = NEVER
        return was_armed

    def acquire_or_cancel(self, use: Use) -> bool | None:
        """Begin *use*, as `acquire()` does; or cancel the use that is running, and return None."""
        while True:
            try:
                return self.acquire(use)
            except RuntimeError:
                user = self._users.get(None)
                running = user() if user is not None else None
                if running is not None:
                    running.cancel()
                    if self.is_user(running):
                        return None  # it notices before its end

    def is_user(self, use: Use) -> bool:
        """True from the beginning to the end of *use*."""
        return self._users.get(None) is ref(use)

    def is_in_use(self) -> bool:
        """True while a request or read is running, in this process."""
        user = self._users.get(None)
        return user is not None and not self.belongs_to_parent_process() and self._is_running(user)

    def _is_running(self, user: ref[Use]) -> bool:
        """False if *user* is over, or will be at once: try again then."""
        use = user()
        if use is _BY_TIMER:
            if idle_timer.is_current_thread():
                return True  # a finalizer runs in the middle of it
            sleep(0)  # it needs a few steps in its own thread
            return False
        if use is None:
            with self._repair:
                if self._users.get(None) is user:
                    self._reset()
            return False
        return True

    def move(self, state: State) -> None:
        """Change the state; only the running use does that."""
        if state not in self.state.next:
            raise AssertionError(f"{self.state} to {state}")
        self.state = state

    def exchange(self) -> None:
        """Put the socket aside, and use the one that was put aside before, if it is still open."""
        spare = self._spare
        if spare is None:
            spare = self._spare = SpareSocket()
        opened, self.socket = self.socket, spare.take()
        if opened is not None:
            spare.put(opened, self._idletime)

    def store(self, opened: HTTPSocket) -> None:
        """Keep the socket that was just opened."""
        self.socket = opened
        self._fork_count = atfork.count  # a body that forked has opened it in the child
        if 0 < self._idletime < NEVER:
            idle_timer.watch(self)

    def release(self, state: State) -> bool:
        """End the use, which left the socket in *state*; True if the idle timer is waiting now."""
        is_armed = False
        if state is IDLE:
            if self.socket is None:
                state = CLOSED
            elif self._idletime:
                self.deadline = deadline = monotonic() + self._idletime
                if deadline < idle_timer.wakes_at:
                    idle_timer.arm(deadline)
                is_armed = True
            else:
                state = CLOSED
        if state is CLOSED:
            self.close()
            if self._spare is not None:
                self._spare.close()
        if state is not self.state:
            self.move(state)
        self._users.clear()
        return is_armed

    def close(self) -> None:
        """Close the socket, if there is one, within a use.

        In the child of a fork it is the parent's: then only our hold on it ends.
        """
        opened, self.socket = self.socket, None
        self.deadline = NEVER
        if opened is None:
            return
        idle_timer.forget(self)
        if self.belongs_to_parent_process():
            opened.detach()
        else:
            opened.close()

    def close_if_idle(self, now: float) -> None:
        """Called by the idle timer, in its thread, when the deadline seems to have passed."""
        if self._users.setdefault(None, _TIMERS) is not _TIMERS:
            return  # in use
        opened = None
        try:
            if self.deadline <= now:
                opened, self.socket = self.socket, None
                self.deadline = NEVER
                self.move(CLOSED)
        finally:
            self._users.clear()
        if opened is not None:
            idle_timer.forget(self)
            opened.close()
            log.debug("idletimer expired, Connection closed: IP %s", opened.address)

    def belongs_to_parent_process(self) -> bool:
        """True in the child of a fork, as long as it has not been used there."""
        return self._fork_count != atfork.count

    def _reset(self) -> None:
        self.close()
        if self._spare is not None:
            self._spare.close()
        if self.state is not CLOSED:
            self.move(CLOSED)
        self._users.clear()

    def detach(self) -> None:
        """In the child of a fork: leave the socket, and what is running, to the parent."""
        self._reset()
        self.was_inherited = True
        self._repair = threading.RLock()  # a thread of the parent may have held the old one
        self._fork_count = atfork.count

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:
            pass  # the program is at its very end, where modules are gone already
