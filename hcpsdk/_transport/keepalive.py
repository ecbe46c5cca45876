"""The wire that a Connection keeps between its requests, guarded against timer and forks."""

import logging
import threading
import time

from hcpsdk._transport import atfork
from hcpsdk._transport.idle_timer import NEVER, idle_timer
from hcpsdk._transport.socket import HTTPSocket

log = logging.getLogger("hcpsdk.Connection")


class KeepAlive:
    """At most one open `HTTPSocket`. While it is acquired, the idle timer leaves it alone.

    Args:
        idletime: Seconds for which an unclaimed wire stays open; 0 closes it at once.
    """

    def __init__(self, idletime: float) -> None:
        self.wire: HTTPSocket | None = None
        self.deadline = NEVER  # monotonic time at which the timer may close it
        self._idletime = idletime
        self._lock = threading.Lock()  # guards wire and deadline
        self._fork_count = atfork.count

    def acquire(self) -> bool:
        """Take the wire, if there is one, out of the timer's reach; True if it was in it."""
        with self._lock:
            was_armed = self.deadline != NEVER
            self.deadline = NEVER
        return was_armed

    def store(self, wire: HTTPSocket) -> None:
        """Keep *wire*, just opened; it is claimed."""
        self.wire = wire
        idle_timer.watch(self)

    def release(self) -> bool:
        """The wire is not needed for now: keep it for the idle time, if there is one to keep."""
        if self.wire is None:
            return False
        if self._idletime == 0:
            self.close()
            return False
        self.deadline = deadline = time.monotonic() + self._idletime
        idle_timer.arm(deadline)
        return True

    def close(self) -> None:
        """Close the wire, if there is one; any number of times.

        In the child of a fork that is the parent's: then only our hold on it ends.
        """
        is_of_parent = self.belongs_to_parent_process()
        if is_of_parent:
            self._lock = threading.Lock()  # a thread of the parent may have held the old one
            self._fork_count = atfork.count
        with self._lock:
            wire, self.wire = self.wire, None
            self.deadline = NEVER
        if wire is None:
            return
        if is_of_parent:
            wire.detach()
        else:
            wire.close()

    def close_if_idle(self, now: float) -> None:
        """Called by the idle timer, in its thread, when the deadline seems to have passed."""
        with self._lock:
            if self.deadline > now:
                return  # claimed again meanwhile
            wire, self.wire = self.wire, None
            self.deadline = NEVER
        if wire is not None:
            wire.close()
            log.debug("idletimer expired, Connection closed: IP %s", wire.address)

    def belongs_to_parent_process(self) -> bool:
        """True in the child of a fork: the wire is the parent's."""
        return self._fork_count != atfork.count

    def __del__(self) -> None:
        if self.wire is None:
            return
        if self.belongs_to_parent_process():
            self.wire.detach()
        else:
            self.wire.close()
