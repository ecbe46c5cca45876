"""The streams between a socket and `http.client`."""

import http.client
import io
import socket
from typing import Any

_MAX_LINES = 10_000  # of all heads before a body; one head of http.client's has 100 at most


class IncompleteHead(http.client.HTTPException):
    """The connection was closed within the head of a response."""


class Incoming(io.RawIOBase):
    """The raw stream of a response: first what came already, then what *sock* receives."""

    def __init__(self, sock: socket.socket, arrived: bytes) -> None:
        self._sock = sock
        self._arrived = arrived
        self._spend(b"")

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._sock.fileno()

    def readinto(self, buffer: Any) -> int | None:
        count = min(len(buffer), len(self._arrived))
        buffer[:count] = self._spend(self._arrived[:count])
        return count

    def _spend(self, data: bytes) -> bytes:
        self._arrived = self._arrived[len(data) :]
        if not self._arrived:
            # From now on the socket is read directly, with no code of ours between.
            self.readinto = self._sock.recv_into  # type: ignore[method-assign]
        return data

    def stop(self) -> bool:
        """Read nothing any more; True if something of what came is left, which is not the
        answer's then."""
        self.readinto = _nothing  # type: ignore[method-assign,assignment]
        return bool(self._arrived)


def _nothing(_buffer: object) -> None:
    """Stands in for the reading of a socket: there is nothing now."""


class HeadLines:
    """The stream under a head: whole lines, or an exception."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._count = 0
        self.flush = stream.flush
        self.close = stream.close

    def readline(self, limit: int) -> bytes:
        self._count += 1
        if self._count > _MAX_LINES:
            raise http.client.HTTPException("too many interim responses")
        line: bytes = self._stream.readline(limit)
        # Where there is nothing at all, http.client raises by itself.
        if not line.endswith(b"\n") and len(line) < limit and (line or self._count > 1):
            raise IncompleteHead("the connection was closed within the response headers")
        if b"\r\r" in line or (line.startswith(b"\r") and line != b"\r\n"):
            # The parser for e-mails would take it for the end of the head.
            raise http.client.HTTPException("a header line of the response is broken by CR")
        return line
