"""`http.client`'s response, made strict: what is not whole is never taken for whole.

The only module that touches what `http.client` keeps to itself. (Which private names those are,
and that each Python release still has them, is held by tests/unit/test_http_client.py.)
"""

import http.client
import io
import re
import socket
from collections.abc import Callable
from email import errors
from typing import Any, Protocol, TypeVar

from hcpsdk._errors import HcpsdkError
from hcpsdk._request.body import BLOCK
from hcpsdk._transport import response_head

# A body that ends early, as `http.client` says it, and a head that does.
IncompleteRead = http.client.IncompleteRead


class IncompleteHead(http.client.HTTPException):
    """The connection was closed within the head of an answer."""


# What one read gives: the bytes, or how many were read into a buffer.
Read = TypeVar("Read", bytes, int)


class Observer(Protocol):
    """Who watches over the reading of a response's body."""

    def _observe_read(
        self, response: "StrictResponse", read: Callable[[Any], Read], size: Any
    ) -> Read:
        """Call *read* for *size*, measure it, and turn what it raises into our exceptions."""

    def _response_was_closed(self, response: "StrictResponse") -> None:
        """The caller closed *response* before its body was read to the end."""


class StrictResponse(http.client.HTTPResponse):
    """`http.client`'s response, strict about its end.

    A body that ends before its ``Content-Length``, or within its chunks, raises from every way of
    reading. So does one whose remainder is no longer available, with `unreadable_reason`.
    """

    unreadable_reason = ""  # why the rest of the body cannot be read any more; "" while it can
    has_leftover = False  # True if more than the answer came; known once it is at its end
    received_any = False  # True once a byte of it has come
    observer: Observer | None = None  # set while the body is outstanding
    _is_reading = False

    # What the inherited constructor would set one by one. It is not called: it makes a buffered
    # reader, too, which most small answers do not need.
    fp: Any = None
    status: Any = None
    code: Any = None
    reason: Any = None
    version: Any = None
    length: Any = None
    chunked: Any = False
    chunk_left: Any = None
    will_close: Any = None
    _message: http.client.HTTPMessage = None  # type: ignore[assignment]
    _msg: http.client.HTTPMessage | None = None

    _arrived = b""  # what came of the answer while its head was not complete
    _plain_head: bytes | None = None  # not split into lines before somebody looks

    def __init__(self, sock: socket.socket, debuglevel: int, method: str) -> None:
        self.debuglevel = debuglevel
        self.method = self._method = method  # of the request
        self._sock = sock

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"

    def __del__(self) -> None:
        """Nothing to do: the socket is not ours. (The inherited one costs a call of `close()`.)"""

    # The head

    @property
    def headers(self) -> http.client.HTTPMessage:
        """The header lines."""
        plain_head = self._plain_head
        if plain_head is not None:
            self.headers = response_head.to_message(plain_head)
        return self._message

    @headers.setter
    def headers(self, message: http.client.HTTPMessage) -> None:
        self._message = message
        self._plain_head = None

    @property
    def msg(self) -> http.client.HTTPMessage:
        """The same, unless the caller puts something else here."""
        return self.headers if self._msg is None else self._msg

    @msg.setter
    def msg(self, message: http.client.HTTPMessage) -> None:
        self._msg = message

    def getheader(self, name: str, default: Any = None) -> Any:
        # Most callers look at one or two headers: the others need not be split.
        if self._plain_head is not None:
            values = response_head.look_up(self._plain_head, name)
            if values:
                return values[0] if len(values) == 1 else ", ".join(values)
        return super().getheader(name, default)

    def has_begun_to_arrive(self) -> bool:
        """True if a byte of the answer is here; does not wait."""
        timeout = self._sock.gettimeout()
        try:
            self._sock.settimeout(0)
            self._receive()
        except OSError:  # ssl.SSLWantReadError too: what came was not the answer's
            pass
        finally:
            self._sock.settimeout(timeout)
        return bool(self._arrived)

    def has_early_response(self) -> bool:
        """True if the answer is coming while the body is still being sent; does not wait.

        An interim answer, such as "100 Continue", is none yet, and is thrown away.
        """
        self.has_begun_to_arrive()
        while _INTERIM.match(self._arrived):
            _, end, rest = self._arrived.partition(b"\r\n\r\n")
            if not end:
                return False
            self._arrived = rest
        return len(self._arrived) > len("HTTP/1.1 ")

    def _receive(self) -> bool:
        """Receive some more of the answer; False if it has ended."""
        data = self._sock.recv(_RECEIVED)
        if not data:
            return False
        self._arrived += data
        self.received_any = True
        return True

    def begin(self) -> None:
        """Read the head of the final answer; interim ones before it are passed over.

        A plain one is read here (see `_head`), any other is left to `http.client`.
        """
        if self.status is not None:
            return  # it is read already
        if self.debuglevel > 0:  # http.client prints what it reads
            if not self._arrived:
                self._receive()
            self._begin_by_http_client()
            return
        head, blank, body = self._arrived.partition(b"\r\n\r\n")
        while not blank and self._may_be_plain() and self._receive():
            head, blank, body = self._arrived.partition(b"\r\n\r\n")
        plain = response_head.parse(head) if blank else None
        if plain is None:
            self._begin_by_http_client()
        else:
            self._begin_plainly(plain, body)
            self._plain_head = head

    def _may_be_plain(self) -> bool:
        """True if what arrived can still become a plain head, so that it is worth to wait."""
        arrived = self._arrived
        return not arrived or (
            len(arrived) <= response_head.MAX_HEAD_BYTES
            and arrived.startswith(b"HTTP/1.1 "[: len(arrived)])
            and b"\n\n" not in arrived  # which `http.client` takes for the end of a head, too
            and b"\n\r\n" not in arrived
        )

    def _begin_plainly(self, head: response_head.PlainHead, body: bytes) -> None:
        self.version = 11
        self.status, self.reason, self.length, self.will_close = head
        self.code = self.status
        self._arrived = b""
        if self.method == "HEAD" or self.status in _NO_BODY:
            self.length = 0
        if self.length is None:
            self.will_close = True
        if self.length is None or len(body) < self.length:
            raw = _Incoming(self._sock, body)
            self.fp = io.BufferedReader(raw) if self.length is None else _Direct(raw, 1)
            return
        self.has_leftover = len(body) > self.length
        if self.length:
            self.fp = io.BytesIO(body[: self.length])

    def _begin_by_http_client(self) -> None:
        """Let `http.client` read the head, but be stricter.

        It overlooks a head that is cut (here: `IncompleteHead`), takes interim answers other than
        100 for final ones, and reads bodies whose length it does not understand to the end of the
        connection, wherever that is.
        """
        stream: Any = io.BufferedReader(_Incoming(self._sock, self._arrived))
        self._arrived = b""
        self.fp = _HeadLines(stream)
        try:
            super().begin()
            while 100 <= self.status < 200 and self.status != SWITCHING_PROTOCOLS:
                self.headers = None  # type: ignore[assignment]
                super().begin()
        finally:
            if self.fp is not None:
                self.fp = stream
        if any(isinstance(defect, _OF_A_LINE) for defect in self.headers.defects):
            raise http.client.HTTPException("a header line of the answer cannot be understood")
        if self.length != 0:
            self._insist_on_framing()
        if self.status == SWITCHING_PROTOCOLS:
            self.will_close = True

    def _insist_on_framing(self) -> None:
        """Where the body ends must be told in a way that leaves no doubt (RFC 9112, section 6)."""
        codings = self._values("Transfer-Encoding")
        lengths = set(self._values("Content-Length"))
        if codings == ["chunked"]:
            self.chunked, self.chunk_left, self.length = True, None, None
        elif codings not in ([], ["identity"]):
            raise http.client.HTTPException(f"transfer coding not understood: {codings}")
        elif len(lengths) > 1 or any(not _DIGITS.fullmatch(length) for length in lengths):
            raise http.client.HTTPException("the answer's Content-Length contradicts itself")
        elif lengths:
            self.length = int(lengths.pop())
        else:
            return
        self.will_close = self._check_close()  # type: ignore[attr-defined]

    def _values(self, name: str) -> list[str]:
        """All values of a header that is a list, in lower case."""
        values = ",".join(self.headers.get_all(name, [])).split(",")
        return [value.strip().lower() for value in values if value.strip()]

    def end(self) -> None:
        """There is no body: be done, even if the head tells of chunks, as that of a 304 may."""
        if self.fp is not None:
            self._close_conn()

    # The body

    def keep(self, body: bytes) -> None:
        """Serve *body*, which was read to its end already, from memory."""
        self.fp = io.BytesIO(body)
        self.length = len(body)
        self.chunked = False

    def read(self, amt: int | None = None) -> bytes:
        if amt is not None:
            if not isinstance(amt, int):
                raise TypeError(f"a number of bytes must be int, not {type(amt).__name__}")
            if amt < 0:
                amt = None
        if self.chunked or not self.length or self.fp is None:
            return self._run(super().read, amt, _full)
        if self.observer is None:
            return self._read_known(amt)
        return self.observer._observe_read(self, self._read_known, amt)

    def _read_known(self, amt: int | None) -> bytes:
        """`read()` where it is known how much there is; `http.client` does it with more ado."""
        left = self.length
        assert left is not None
        wanted = left if amt is None or amt > left else amt
        data: bytes = self.fp.read(wanted) if wanted <= BLOCK else self._safe_read(wanted)
        if len(data) < wanted:
            raise IncompleteRead(b"", left - len(data))
        self.length = left - wanted
        if wanted == left:
            self._close_conn()
        return data

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if view.readonly:
            raise TypeError("readinto() needs a buffer that can be written")
        return self._run(super().readinto, view, _full)

    def read1(self, n: int = -1) -> bytes:
        return self._run(super().read1, n if 0 <= n <= BLOCK else BLOCK, _some)

    def readline(self, limit: int = -1) -> bytes:  # type: ignore[override]
        self._read_ahead()
        return self._run(super().readline, -1 if limit is None else limit, _line)

    def peek(self, n: int = -1) -> bytes:
        self._read_ahead()
        return self._run(super().peek, n, _peek)

    def _read_ahead(self) -> None:
        """Have a stream that can look at what is next, as `readline()` and `peek()` do."""
        if isinstance(self.fp, _Direct):
            self.fp = io.BufferedReader(self.fp.detach())
        elif isinstance(self.fp, io.BytesIO):
            self.fp = io.BufferedReader(self.fp)

    def close(self) -> None:
        observer, self.observer = self.observer, None
        if observer is not None and not self.unreadable_reason:
            self.unreadable_reason = "the response was closed before its body was read to the end"
        super().close()
        if observer is not None:
            observer._response_was_closed(self)

    def _close_conn(self) -> None:
        """Called by `http.client` at the end of the body, and by `close()`."""
        if isinstance(self.fp, io.BufferedReader) and isinstance(self.fp.raw, _Incoming):
            self.has_leftover = self.fp.raw.stop() or bool(self.fp.peek(1))
        super()._close_conn()  # type: ignore[misc]

    def _run(self, read: Callable[[Any], Read], size: Any, is_cut: Callable[..., bool]) -> Read:
        if self.unreadable_reason:
            raise HcpsdkError(self.unreadable_reason)
        if self._is_reading:  # called by another read of this class
            return read(size)
        self._is_reading = True
        try:
            if self.observer is None:  # at its end, or kept in memory
                return self._read_strictly(read, size, is_cut)
            return self.observer._observe_read(
                self, lambda size: self._read_strictly(read, size, is_cut), size
            )
        finally:
            self._is_reading = False

    def _read_strictly(
        self, read: Callable[[Any], Read], size: Any, is_cut: Callable[..., bool]
    ) -> Read:
        left = None if self.chunked or self.fp is None else self.length
        result = read(size)
        if left is None:
            return result
        if is_cut is _peek and not isinstance(result, int):
            result = result[:left]
        count = result if isinstance(result, int) else len(result)
        if is_cut(result, count, size, left):
            raise IncompleteRead(b"", left - count)
        if is_cut is not _peek:
            # Python before 3.11.7 and 3.12.1 forgets this in read1() and readline().
            self.length = left - count
            if self.length == 0 and self.fp is not None:
                self._close_conn()
        return result

    def _peek_chunked(self, _n: int) -> bytes:
        # `http.client` takes a cut between two chunks for the end here.
        chunk_left = self._get_chunk_left()
        if chunk_left is None:
            return b""
        found: bytes = self.fp.peek(1)[:chunk_left]
        if not found:
            raise IncompleteRead(b"")
        return found

    def _safe_read(self, amt: int) -> bytes:
        """Exactly *amt* bytes; memory is taken for what comes, not for what is announced."""
        data: bytes
        if amt <= BLOCK:
            data = self.fp.read(amt)
        else:
            pieces = []
            left = amt
            while left and (piece := self.fp.read(min(left, BLOCK))):
                pieces.append(piece)
                left -= len(piece)
            data = b"".join(pieces)
        if len(data) < amt:
            raise IncompleteRead(data, amt - len(data))
        return data

    def _get_chunk_left(self) -> int | None:
        """Bytes left of the chunk, of the next one if it is at its end; None after the last."""
        left: int | None = self.chunk_left
        if left:
            return left
        # `http.client` takes any two bytes for the end of a chunk.
        if left == 0 and self._safe_read(2) != b"\r\n":
            raise IncompleteRead(b"")
        try:
            left = self._read_next_chunk_size()
        except ValueError:
            raise IncompleteRead(b"") from None
        if left == 0:
            self._read_and_discard_trailer()  # type: ignore[attr-defined]
            self._close_conn()
            left = None
        self.chunk_left = left
        return left

    def _read_next_chunk_size(self) -> int:
        # `http.client` takes a line that is cut after its first digits for a whole one.
        line = self.fp.readline(_MAX_LINE_BYTES)
        if not _CHUNK_SIZE.match(line):
            raise ValueError("not the size of a chunk")
        return int(line.partition(b";")[0], 16)


# The line that begins a chunk (RFC 9112, section 7.1), a bare line feed tolerated at its end.
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}[ \t]*(;[^\n]*)?\r?\n\Z")
_DIGITS = re.compile(r"[0-9]{1,18}")
_MAX_LINES = 10_000  # of all heads before a body; one head of http.client's has 100 at most
SWITCHING_PROTOCOLS = 101
_MAX_LINE_BYTES = 65536  # bytes, as in `http.client`
_RECEIVED = 16 * 1024  # bytes at a time; most small answers come as one piece
_NO_BODY = frozenset({204, 304})  # RFC 9112, section 6.3
# What the parser for e-mails finds wrong with header lines (and not with what it thinks is below).
_OF_A_LINE = (
    errors.HeaderDefect,
    errors.MissingHeaderBodySeparatorDefect,
    errors.FirstHeaderLineIsContinuationDefect,
    errors.MisplacedEnvelopeHeaderDefect,
)


class _Incoming(io.RawIOBase):
    """The raw stream of an answer: first what came already, then what *sock* gives."""

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


class _Direct(io.BufferedReader):
    """Made with a buffer of one byte, that is none: what is read comes from the socket in as few
    pieces as there are, and not a byte more than was asked for."""


def _nothing(_buffer: object) -> None:
    """Stands in for the reading of a socket: there is nothing now."""


_INTERIM = re.compile(rb"HTTP/1\.[01] 1")


# Did a read end before it should have? Each gets what came, how much that is, how much was asked
# for, and how much was left of the body.


def _full(_result: Any, count: int, size: Any, left: int) -> bool:
    wanted = left if size is None else min(len(size) if hasattr(size, "nbytes") else size, left)
    return count < wanted


def _some(_result: Any, count: int, size: int, left: int) -> bool:
    return count == 0 and size != 0 and left > 0


def _line(result: bytes, count: int, size: int, left: int) -> bool:
    limit = left if size < 0 else min(size, left)
    return count < limit and not result.endswith(b"\n")


def _peek(_result: Any, count: int, _size: int, left: int) -> bool:
    return count == 0 and left > 0


class _HeadLines:
    """The stream under a head: whole lines, or an exception."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._count = 0
        self.flush = stream.flush
        self.close = stream.close

    def readline(self, limit: int) -> bytes:
        self._count += 1
        if self._count > _MAX_LINES:
            raise http.client.HTTPException("interim answers without end")
        line: bytes = self._stream.readline(limit)
        # Where there is nothing at all, http.client says so itself.
        if not line.endswith(b"\n") and len(line) < limit and (line or self._count > 1):
            raise IncompleteHead("the connection was closed within the head of the answer")
        if b"\r\r" in line or (line.startswith(b"\r") and line != b"\r\n"):
            # The parser for e-mails would take it for the end of the head.
            raise http.client.HTTPException("a header line of the answer is broken by CR")
        return line
