"""`http.client`'s response, made strict: a body that is cut never looks whole.

The only module that touches what `http.client` keeps to itself. (Which private names those are,
and that each Python release still has them, is held by tests/unit/test_http_client.py.)
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Callable

from hcpsdk._errors import HcpsdkError
from hcpsdk._handlers import raise_if_from_handler
from hcpsdk._request.content import BLOCK
from hcpsdk._transport import response_head
from hcpsdk._transport.readers import Chunked, Direct, KnownLength, Reader, UntilClose, framing
from hcpsdk._transport.streams import (
    MAX_BYTES,
    MAX_INTERIM,
    HeadLines,
    Incoming,
    deadline_of,
)
from hcpsdk._transport.use import Use

SWITCHING_PROTOCOLS = 101
_RECEIVED = 16 * 1024  # bytes at a time; most small responses come as one piece
_NO_BODY = frozenset({204, 304})  # RFC 9112, section 6.3
_TLS_ALERT = b"\x15\x03"  # how the response to a plain request begins (RFC 8446, section 5.1)
_INTERIM = rb"HTTP/1\.[01] 1"  # compiled at its first use: most requests do not look for it

NO_BODY = KnownLength(io.BytesIO(), 0)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol, TypeVar

    # What one read returns: the bytes, or how many were read into a buffer.
    Read = TypeVar("Read", bytes, int)

    class Owner(Protocol):
        """What a response belongs to while its body is outstanding; informed of each read."""

        def begin_read(self, use: Use, response: StrictResponse) -> None:
            """A read begins; raises if the body cannot be read (any more, or just now)."""

        def finished(self, use: Use, response: StrictResponse) -> None:
            """The read is done, and maybe the body."""

        def failed(self, use: Use, response: StrictResponse, error: BaseException) -> None:
            """The read failed; raises what the caller is to see instead of *error*."""

        def response_closed(self, response: StrictResponse) -> None:
            """The caller closed *response* before its body was read to the end."""


class StrictResponse(http.client.HTTPResponse):
    """`http.client`'s response, strict about its end.

    A body that ends before its ``Content-Length``, or within its chunks, raises from every way of
    reading. So does one whose remainder is no longer available, with `unreadable_reason`.
    """

    unreadable_reason = ""  # why the rest of the body cannot be read any more; "" while it can
    clock_note = ""  # how wrong the clock is, if a signed request was refused
    alert: ssl.SSLError | None = None  # by which TLS ended, instead of a response
    _msg: http.client.HTTPMessage | None = None
    _head_deadline: float | None = None  # monotonic time; set if it comes in several pieces
    _interim_count = 0  # interim responses that came while the body was being sent

    # Set for each response, and much cheaper so.
    __slots__ = (
        *("_arrived", "_lower_head", "_message", "_method", "_plain_head", "_reader", "_sock"),
        *("chunk_left", "chunked", "code", "debuglevel", "fp", "has_leftover", "length", "method"),
        *("owner", "reason", "received_any", "status", "version", "will_close"),
    )

    def __init__(self, sock: socket.socket, debuglevel: int, method: str) -> None:
        # The inherited constructor is not called: it makes a buffered reader, too, which most small
        # responses do not need.
        self.debuglevel = debuglevel
        self.method = self._method = method  # of the request
        self.status: Any = None
        self.code: Any = None
        self.reason: Any = None
        self.version: Any = None
        self.length: Any = None
        self.chunked: Any = False
        self.chunk_left: Any = None
        self.will_close: Any = None
        self.fp: Any = None
        self.owner: Owner | None = None  # set while the body is outstanding
        self.has_leftover = False  # True if more than the response came; known at its end
        self.received_any = False  # True once a byte of it has come
        self._sock = sock
        self._reader: Reader = NO_BODY
        self._arrived = b""  # what was received while the head was not complete
        self._message: http.client.HTTPMessage = None  # type: ignore[assignment]
        self._plain_head: bytes | None = None  # not split into lines before somebody looks
        self._lower_head: bytes | None = None  # the same, once a header was looked up

    def __repr__(self) -> str:
        return f"<Response {self.status}>"

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
        head = self._plain_head
        if head is not None:
            lower = self._lower_head
            if lower is None:
                self._lower_head = lower = head.lower()
            values = response_head.look_up(head, lower, name)
            if values:
                return values[0] if len(values) == 1 else ", ".join(values)
            if values is not None and default is None:
                return None
        return super().getheader(name, default)

    def find_header(self, start_of_line: bytes) -> str | None:
        """The value of the one header line with this start: ``b"\\r\\nX-HCP-Hash: "``.

        A shortcut for a header that a server always writes in the same way. None where
        `getheader()` has to be asked.
        """
        head = self._plain_head
        if head is None:
            return None
        _, found, rest = head.partition(start_of_line)
        if not found or rest.find(start_of_line) >= 0:
            return None
        value, _, _ = rest.partition(b"\r\n")
        return value.decode("iso-8859-1").lstrip(" \t")

    def has_begun_to_arrive(self) -> bool:
        """True if a byte of the response has arrived; does not wait."""
        timeout = self._sock.gettimeout()
        try:
            self._sock.settimeout(0)
            self._receive()
        except OSError as exc:  # ssl.SSLWantReadError too: what came belongs to TLS
            raise_if_from_handler(exc)
            if isinstance(exc, ssl.SSLError) and "ALERT" in (exc.reason or ""):
                self.alert = exc
        finally:
            self._sock.settimeout(timeout)
        return bool(self._arrived)

    def has_early_response(self) -> bool:
        """True if the response comes while the body is still being sent; does not wait.

        Interim responses, such as "100 Continue", do not count, and are discarded.
        """
        self.has_begun_to_arrive()
        while re.match(_INTERIM, self._arrived):
            _, end, rest = self._arrived.partition(b"\r\n\r\n")
            if not end:
                return len(self._arrived) > MAX_BYTES  # which `begin()` refuses
            self._arrived = rest
            self._interim_count += 1
            if self._interim_count > MAX_INTERIM:
                raise http.client.HTTPException("too many interim responses")
        return len(self._arrived) > len("HTTP/1.1 ")

    def _receive(self) -> bool:
        """Receive some more of the response; False if it has ended."""
        data = self._sock.recv(_RECEIVED)
        if not data:
            return False
        self._arrived += data
        self.received_any = True
        return True

    def begin(self) -> None:
        """Read the head of the final response; interim ones before it are skipped.

        A plain one is read here (see `response_head`), any other is left to `http.client`.
        """
        if self.status is not None:
            return  # it is read already
        if not self._arrived:
            self._receive()
        if self.debuglevel > 0:
            self._begin_by_http_client()
            return
        head, blank, body = self._arrived.partition(b"\r\n\r\n")
        if not blank:
            head, blank, body = self._receive_head()
        plain = response_head.parse(head) if blank else None
        if plain is None:
            self._begin_by_http_client()
        else:
            self._begin_plainly(plain, body)
            self._plain_head = head

    def _receive_head(self) -> tuple[bytes, bytes, bytes]:
        """A head that did not come in one piece, the blank line (if there is one), and the rest."""
        self._head_deadline = deadline = deadline_of(self._sock.gettimeout())
        head, blank, body = self._arrived, b"", b""
        while not blank and self._may_be_plain() and self._receive():
            head, blank, body = self._arrived.partition(b"\r\n\r\n")
            if not blank and deadline is not None and time.monotonic() > deadline:
                raise TimeoutError("timed out: the head of the response comes too slowly")
        return head, blank, body

    def _may_be_plain(self) -> bool:
        """True if what arrived can still become a plain head, so that waiting is worthwhile."""
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
            self.fp = io.BufferedReader(Incoming(self._sock, body))
            self._reader = UntilClose(self.fp)
        elif len(body) < self.length:
            self.fp = Direct(Incoming(self._sock, body), 1)
            self._reader = KnownLength(self.fp, self.length)
        else:
            self.has_leftover = len(body) > self.length
            if self.length:
                self.fp = io.BytesIO(body[: self.length])
                self._reader = KnownLength(self.fp, self.length)

    def _begin_by_http_client(self) -> None:
        """Let `http.client` read the head, but be stricter.

        It overlooks a head that is cut (here: `IncompleteHead`), takes interim responses other than
        100 for final ones, and reads bodies whose length it does not understand to the end of the
        connection.
        """
        if self._arrived.startswith(_TLS_ALERT):
            raise http.client.HTTPException(
                "the server speaks TLS on this port: pass an sslcontext to Target, for example "
                "ssl.create_default_context()"
            )
        stream: Any = io.BufferedReader(Incoming(self._sock, self._arrived))
        self._arrived = b""
        timeout = self._sock.gettimeout()
        level, self.debuglevel = self.debuglevel, 0  # its print() may raise
        deadline = self._head_deadline or deadline_of(timeout)
        self.fp = lines = HeadLines(stream, deadline, is_shown=level > 0)
        try:
            super().begin()
            while 100 <= self.status < 200 and self.status != SWITCHING_PROTOCOLS:
                self.headers = None  # type: ignore[assignment]
                super().begin()
        finally:
            self.debuglevel = level
            if self.fp is not None:
                self.fp = stream
        if not (self.method == "HEAD" or self.status in _NO_BODY or self.status < 200):
            self.chunked, self.length = framing(lines.fields, self.version)
            is_delimited = self.chunked or self.length is not None
            self.will_close = not is_delimited or self._check_close()  # type: ignore[attr-defined]
        if self.length is not None:
            self._reader = KnownLength(stream, self.length)
        else:
            self._reader = Chunked(stream, timeout) if self.chunked else UntilClose(stream)
        if self.status == SWITCHING_PROTOCOLS:
            self.will_close = True

    def set_deadline(self, deadline: float) -> None:
        """Until the monotonic time *deadline*, what frames the body has to be here."""
        self._reader.deadline = deadline

    def end(self) -> None:
        """There is no body: finish, even if the head announces chunks, as that of a 304 may."""
        if self.fp is not None:
            self._close_conn()

    # The body

    def keep(self, body: bytes) -> None:
        """Serve *body*, which was read to its end already, from memory."""
        self.fp = io.BytesIO(body)
        self.length = len(body)
        self._reader = KnownLength(self.fp, len(body))

    def read(self, amt: int | None = None) -> bytes:
        if amt is not None:
            if not isinstance(amt, int):
                raise TypeError(f"a number of bytes must be int, not {type(amt).__name__}")
            if amt < 0:
                amt = None
        return self._run(self._reader.read, amt)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if view.readonly:
            raise TypeError("readinto() needs a writable buffer")
        return self._run(self._reader.readinto, view)

    def read1(self, n: int = -1) -> bytes:
        return self._run(self._reader.read1, n if 0 <= n <= BLOCK else BLOCK)

    def readline(self, limit: int = -1) -> bytes:  # type: ignore[override]
        return self._run(self._reader.readline, -1 if limit is None else limit)

    def peek(self, n: int = -1) -> bytes:
        return self._run(self._reader.peek, n)

    def close(self) -> None:
        if self.owner is not None:
            self.owner.response_closed(self)
        else:
            if self._reader is not NO_BODY:
                self.fp = self._reader.stream
            super().close()

    def make_unreadable(self, reason: str) -> None:
        """Close; whoever reads on gets *reason*."""
        self.owner = None
        self.unreadable_reason = reason
        self.close()

    def _close_conn(self) -> None:
        """Called by `http.client` on closing, and here at the end of the body."""
        if self._reader is not NO_BODY:
            # It may have replaced the stream by one that can look ahead.
            self.fp = stream = self._reader.stream
            self._reader = NO_BODY
            if isinstance(stream, io.BufferedReader) and isinstance(stream.raw, Incoming):
                self.has_leftover = stream.raw.stop() or bool(stream.peek(1))
        super()._close_conn()  # type: ignore[misc]

    def _run(self, read: Callable[[Any], Read], size: Any) -> Read:
        owner = self.owner
        if owner is None:  # at its end, or in memory
            if self.unreadable_reason:
                raise HcpsdkError(self.unreadable_reason)
            return self._read(read, size)
        use = Use()
        try:
            owner.begin_read(use, self)
            result = self._read(read, size)
            owner.finished(use, self)
        except BaseException as exc:
            owner.failed(use, self, exc)
            raise
        return result

    def _read(self, read: Callable[[Any], Read], size: Any) -> Read:
        reader = self._reader
        result = read(size)
        self.length = reader.left
        if reader.is_done and self.fp is not None:
            self._close_conn()
        return result
