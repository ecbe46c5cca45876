"""The streams between a socket and `http.client`, and the limits of what is read by lines."""

from __future__ import annotations

import http.client
import io
import re
import socket
import time

from hcpsdk._handlers import raise_if_from_handler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# A response's head, and likewise its trailers. (Lower than those of any release of Python, whose
# limits are not the same everywhere, so that ours hold.)
MAX_LINE_BYTES = 64 * 1024
MAX_LINES = 99
MAX_BYTES = 256 * 1024
MAX_INTERIM = 20  # interim responses before the final one
MAX_TIMEOUTS = 10  # time limits that all of it may take together, should it come in small pieces

# Compiled at their first use: most heads are not read by lines.
_STATUS_LINE = rb"HTTP/1\.[0-9] [1-9][0-9][0-9](?: [^\n]*)?"
_FIELD = rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\r\n]*)"  # RFC 9112, section 5


def deadline_of(timeout: float | None) -> float | None:
    """The monotonic time at which what is read by lines has to be complete."""
    return None if timeout is None else time.monotonic() + MAX_TIMEOUTS * timeout


def read_line(stream: Any, deadline: float | None, limit: int = MAX_LINE_BYTES) -> bytes:
    """A line with its line feed; less only where the stream ends.

    Looks at the clock after each piece that comes: `readline()` would wait for as many time limits
    as a line has bytes.
    """
    line: bytes = b""
    while True:
        arrived = stream.peek(1)
        end = arrived.find(b"\n") + 1
        line += stream.read(end or len(arrived))
        if len(line) > limit:
            raise http.client.LineTooLong("line")
        if end or not arrived:
            return line
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError("timed out: the lines of the response come too slowly")


def check_field(line: bytes) -> tuple[bytes, bytes]:
    """Name and value in a line of a head or a trailer; a folded one has no name."""
    text = line[: -2 if line.endswith(b"\r\n") else -1]
    field = re.fullmatch(_FIELD, text)
    if field is not None:
        return field[1].lower(), field[2].strip(b" \t")
    if text[:1] in (b" ", b"\t") and b"\r" not in text:
        return b"", text
    if b"\r" in text:
        raise http.client.HTTPException("a header line of the response is broken by CR")
    raise http.client.HTTPException("invalid header line in the response")


def show(*what: object) -> None:
    """Print for ``debuglevel``; if that is not possible, the request goes on (contract 3.9)."""
    try:
        print(*what)
    except (OSError, ValueError) as exc:  # stdout is a broken pipe, or closed, or cannot encode it
        raise_if_from_handler(exc)


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
    """The stream under heads: whole and valid lines within our limits, or an exception.

    With *is_shown*, they are printed in the format of `http.client`.
    """

    def __init__(self, stream: Any, deadline: float | None, is_shown: bool) -> None:
        self.fields: list[tuple[bytes, bytes]] = []  # of the last head, names in lower case
        self._stream = stream
        self._deadline = deadline
        self._is_shown = is_shown
        self._heads = 0  # complete ones
        self._lines = 0  # of the current one
        self._bytes = 0
        self.flush = stream.flush
        self.close = stream.close

    def readline(self, _limit: int) -> bytes:
        line = read_line(self._stream, self._deadline)
        if not line.endswith(b"\n"):
            if line or self._lines or self._heads:
                raise IncompleteHead("the connection was closed within the response headers")
            return line  # http.client raises by itself
        self._bytes += len(line)
        is_end = line in (b"\r\n", b"\n")
        if self._is_shown and not is_end:
            self._show(str(line, "iso-8859-1"))
        if self._bytes > MAX_BYTES or (self._lines > MAX_LINES and not is_end):
            raise http.client.HTTPException("the head of the response is too long")
        if not self._lines:
            self._check_status_line(line)
        elif is_end:
            self._heads += 1
            if self._heads > MAX_INTERIM + 1:
                raise http.client.HTTPException("too many interim responses")
            self._lines = self._bytes = 0
            return line
        else:
            self._add(*check_field(line))
        self._lines += 1
        return line

    def _show(self, line: str) -> None:
        if not self._lines:
            show("reply:", repr(line))
            return
        name, colon, value = line.rstrip("\r\n").partition(":")
        show("header:", name + colon, value.lstrip(" \t"))

    def _check_status_line(self, line: bytes) -> None:
        self.fields.clear()
        text = line.rstrip(b"\n").removesuffix(b"\r")
        if not re.fullmatch(_STATUS_LINE, text) or b"\r" in text:
            raise http.client.BadStatusLine(str(line, "iso-8859-1"))

    def _add(self, name: bytes, value: bytes) -> None:
        if not name:
            if not self.fields:
                raise http.client.HTTPException("invalid header line in the response")
            # A folded value leaves a doubt, unless it says nothing about the body: with the line
            # feed it is neither a number nor a coding.
            name, begun = self.fields.pop()
            value = begun + b"\n" + value
        self.fields.append((name, value))
