"""One use of a Connection: a request, or one read of a response's body."""

from __future__ import annotations

import contextlib
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from hcpsdk._request.outgoing import Outgoing

    class Waiting(Protocol):
        """A wait for something else than a socket."""

        def end(self) -> None:
            """End it."""


CLOSED_BY_CALLER = "the Connection was closed"


def shut_down(sock: socket.socket) -> None:
    """End the connection of *sock*, so that whatever waits for it stops waiting.

    Safe from any thread. (Closing would not be: the number of the socket could be reused. Nor
    would `ssl.SSLSocket.shutdown`, after which a socket reads and writes without TLS.)
    """
    with contextlib.suppress(OSError):  # it has ended already
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class Use:
    """One use of a Connection, from its beginning to its end.

    Only the running call references it, so that it is gone when that call is.
    """

    is_cancelled = False  # True once `close()` was called meanwhile
    sock: socket.socket | None = None  # what it waits for, if it does
    waiting: Waiting | None = None  # or this
    outgoing: Outgoing | None = None  # what it sends: the last one, if there are several

    def cancel(self) -> None:
        """End it, from any thread or signal handler; it raises soon."""
        self.is_cancelled = True
        if self.waiting is not None:
            self.waiting.end()
        if self.sock is not None:
            shut_down(self.sock)

    def check(self) -> None:
        """Raise `ConnectionAbortedError` if it was cancelled.

        To be called after `sock` or `waiting` was set, and before an end is taken for the server's.
        """
        if self.is_cancelled:
            raise ConnectionAbortedError(f"{CLOSED_BY_CALLER} meanwhile")
