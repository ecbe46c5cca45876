"""Where a response's body ends: a class for each framing (RFC 9112, section 6.3)."""

from __future__ import annotations

import http.client
import io
import re
import time

from hcpsdk._request.content import BLOCK
from hcpsdk._transport.streams import (
    MAX_BYTES,
    MAX_LINES,
    MAX_TIMEOUTS,
    check_field,
    deadline_of,
    read_line,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# How `http.client` reports a body that ends early.
IncompleteRead = http.client.IncompleteRead

MAX_CHUNK_LINE_BYTES = 4096  # the line that begins a chunk: its size, and extensions
MAX_EXTENSION_BYTES = 64 * 1024  # such lines of one body together, the usual ones not counted:
_USUAL_CHUNK_LINE_BYTES = 18  # a size without extensions
# So much of the line may come byte by byte, one per time limit: with the line break before it, that
# makes `MAX_TIMEOUTS`. The rest has one more. (Few lines have a rest, so few look at the clock.)
_SHORT_CHUNK_LINE_BYTES = MAX_TIMEOUTS - len(b"\r\n")
# The line that begins a chunk (RFC 9112, section 7.1), a bare line feed tolerated at its end.
_CHUNK_SIZE = rb"[0-9A-Fa-f]{1,15}[ \t]*(;[^\r\n]*)?\r?\n"


class Reader:
    """Reads one body from a stream, and never beyond its end.

    A body that is cut raises `IncompleteRead`, whichever method reads it.
    """

    is_done = False  # True once the body was read to its end
    left: int | None = None  # bytes left of the body; None where that is not known
    deadline: float | None = None  # monotonic time; set where no more than that may be waited

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def available(self) -> int:
        """How many bytes may be read from the stream now; 0 at the end of the body."""
        raise NotImplementedError

    def took(self, count: int) -> None:
        """*count* bytes were read from the stream."""

    def stream_ended(self) -> None:
        """The stream ended where `available()` promised more."""
        raise IncompleteRead(b"")

    def read(self, size: int | None) -> bytes:
        """*size* bytes, all that are left for None; less only at the end of the body."""
        pieces = []
        left = size
        while left != 0 and (wanted := self._wanted(left)):
            piece = self._took(self.stream.read(wanted), wanted)
            pieces.append(piece)
            if left is not None:
                left -= len(piece)
        return b"".join(pieces)

    def readinto(self, buffer: memoryview) -> int:
        """Fill *buffer*; less only at the end of the body."""
        count = 0
        while (space := len(buffer) - count) and (wanted := min(self.available(), space)):
            received = self.stream.readinto(buffer[count : count + wanted])
            count += received
            self.took(received)
            if received < wanted:
                self.stream_ended()
        return count

    def read1(self, size: int) -> bytes:
        """Up to *size* bytes, as they come; none only at the end of the body."""
        wanted = min(self.available(), size)
        piece: bytes = self.stream.read1(wanted) if wanted else b""
        self.took(len(piece))
        if wanted and not piece:
            self.stream_ended()
        return piece

    def peek(self, _size: int) -> bytes:
        """Bytes that come next, without reading them; none only at the end of the body."""
        available = self.available()
        found: bytes = self._buffered().peek(1)[:available] if available else b""
        if available and not found:
            self.stream_ended()
        return found

    def readline(self, limit: int) -> bytes:
        """A line, or *limit* bytes of it if that is above 0; less only at the end of the body."""
        pieces = []
        left = None if limit < 0 else limit
        while left != 0 and (wanted := self._wanted(left)):
            piece = self._buffered().readline(wanted)
            pieces.append(self._took(piece, 0 if piece.endswith(b"\n") else wanted))
            if piece.endswith(b"\n"):
                break
            if left is not None:
                left -= len(piece)
        return b"".join(pieces)

    def _wanted(self, size: int | None) -> int:
        # Memory is taken for what comes, not for what is announced.
        available = min(self.available(), BLOCK)
        return available if size is None else min(available, size)

    def _took(self, piece: bytes, wanted: int) -> bytes:
        self.took(len(piece))
        if len(piece) < wanted:
            self.stream_ended()
        return piece

    def _buffered(self) -> Any:
        """The stream, as one that can look ahead."""
        if isinstance(self.stream, Direct):
            self.stream = io.BufferedReader(self.stream.detach())
        elif isinstance(self.stream, io.BytesIO):
            self.stream = io.BufferedReader(self.stream)
        return self.stream


class KnownLength(Reader):
    """A body with ``Content-Length``: cut if it ends before."""

    left: int

    def __init__(self, stream: Any, length: int) -> None:
        self.stream = stream
        self.left = length

    def available(self) -> int:
        return self.left

    def took(self, count: int) -> None:
        self.left -= count
        self.is_done = not self.left

    def stream_ended(self) -> None:
        raise IncompleteRead(b"", self.left)

    def read(self, size: int | None) -> bytes:
        left = self.left
        wanted = left if size is None or size > left else size
        if wanted > BLOCK:
            return super().read(wanted)
        # The usual case, in short.
        data: bytes = self.stream.read(wanted)
        if len(data) < wanted:
            raise IncompleteRead(b"", left - len(data))
        self.left = left - wanted
        if wanted == left:
            self.is_done = True
        return data


class Chunked(Reader):
    """A body in chunks: cut if it ends before the last one, the empty one."""

    _chunk_left = 0  # bytes left of the current chunk
    _is_first = True
    _extension_bytes = 0

    def __init__(self, stream: Any, timeout: float | None) -> None:
        super().__init__(stream)
        self._timeout = timeout
        self._has_size = re.compile(_CHUNK_SIZE).fullmatch  # here: HCP sends few bodies in chunks

    def available(self) -> int:
        if not self._chunk_left and not self.is_done:
            self._chunk_left = self._next_chunk()
            if not self._chunk_left:
                self._skip_trailer()
                self.is_done = True
        return self._chunk_left

    def took(self, count: int) -> None:
        self._chunk_left -= count

    def _next_chunk(self) -> int:
        """The size of the next chunk; 0 for the last one."""
        stream = self.stream
        if not self._is_first and (end := stream.read(2)) != b"\r\n":
            raise _broken(len(end) < 2)
        self._is_first = False
        line = stream.readline(_SHORT_CHUNK_LINE_BYTES) if self.deadline is None else b""
        if not line.endswith(b"\n"):
            line = self._rest_of_line(line)
        if not self._has_size(line):
            raise _broken(not line.endswith(b"\n"))
        return int(line.partition(b";")[0], 16)

    def _rest_of_line(self, line: bytes) -> bytes:
        """All of a line that begins a chunk, after its beginning was read."""
        deadline = self.deadline
        if deadline is None and self._timeout is not None:
            deadline = time.monotonic() + self._timeout
        try:
            line += read_line(self.stream, deadline, MAX_CHUNK_LINE_BYTES - len(line))
        except http.client.LineTooLong as exc:
            raise _broken(False) from exc
        if len(line) > _USUAL_CHUNK_LINE_BYTES:
            self._extension_bytes += len(line)
            if self._extension_bytes > MAX_EXTENSION_BYTES:
                raise _broken(False)
        return line

    def _skip_trailer(self) -> None:
        line = self.stream.readline(2)
        if line in _TRAILER_ENDS:
            return
        deadline = self.deadline or deadline_of(self._timeout)
        count = size = 0
        # Some servers close the connection instead of ending the trailer.
        while line not in _TRAILER_ENDS:
            if not line.endswith(b"\n"):
                line += read_line(self.stream, deadline)
            if not line.endswith(b"\n"):
                return
            check_field(line)
            count += 1
            size += len(line)
            if count > MAX_LINES or size > MAX_BYTES:
                raise http.client.HTTPException("the trailers of the response are too long")
            line = read_line(self.stream, deadline)


_TRAILER_ENDS = (b"\r\n", b"\n", b"")


def _broken(is_cut: bool) -> http.client.HTTPException:
    return IncompleteRead(b"") if is_cut else http.client.HTTPException("invalid chunk in the body")


class UntilClose(Reader):
    """A body that ends with the connection."""

    def available(self) -> int:
        return 0 if self.is_done else BLOCK

    def stream_ended(self) -> None:
        self.is_done = True


class Direct(io.BufferedReader):
    """Made with a buffer of one byte, which is as good as no buffer: what is read comes from the
    socket in as few pieces as there are, and not a byte more than was requested."""


def framing(fields: list[tuple[bytes, bytes]], version: int) -> tuple[bool, int | None]:
    """Whether a body comes in chunks, and its length if that is known (RFC 9112, section 6).

    Args:
        fields: The header lines, names in lower case.
        version: 10 or 11.

    Raises:
        http.client.HTTPException: Where it ends is in doubt.
    """
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    lengths = [value for name, value in fields if name == b"content-length"]
    if codings:
        # HTTP/1.0 has no chunks, and with a length as well one of the two is wrong.
        if lengths or version == 10:
            raise http.client.HTTPException("Transfer-Encoding where the response must not have it")
        if [coding.lower() for coding in codings] != [b"chunked"]:
            text = str(b", ".join(codings), "iso-8859-1")
            raise http.client.HTTPException(f"unknown transfer coding in the response: {text}")
        return True, None
    if not lengths:
        return False, None
    if len(lengths) > 1 or not lengths[0].isdigit() or len(lengths[0]) > 18:
        raise http.client.HTTPException("invalid or repeated Content-Length")
    return False, int(lengths[0])
