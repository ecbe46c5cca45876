"""One open socket that speaks HTTP: how a request is sent over it."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import select
import selectors
import socket
import ssl
import time

from hcpsdk._handlers import raise_if_from_handler
from hcpsdk._request.content import BLOCK, BodyError, Buffer
from hcpsdk._request.outgoing import SMALL
from hcpsdk._transport.registry import Registry
from hcpsdk._transport.response import StrictResponse
from hcpsdk._transport.streams import show
from hcpsdk._transport.tls_sessions import Identity
from hcpsdk._transport.use import shut_down

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hcpsdk._request.body import Body, Region

MAX_DRAIN_BYTES = 64 * 1024  # bytes that are read to keep a connection whose body was not read
MAX_DRAIN_SECONDS = 1.0  # seconds for which that is tried: a new connection takes no longer

# What the system says of the file, not of the connection, in the middle of sending one.
_CANNOT_READ_FILE = frozenset({errno.EIO, errno.ESTALE, errno.EOVERFLOW})


class IncompleteRequest(http.client.HTTPException):
    """The server responded as to a whole request, but did not have the whole body."""


class HTTPSocket:
    """An open connection to one node, for one request after the other.

    Args:
        sock: The connected socket, TLS or plain.
        address: The node's IP address.
        debuglevel: Above 0, all that is sent and the heads of all responses are printed, in the
            format of `http.client`.
        identity: Under TLS, what was verified.
    """

    def __init__(
        self,
        sock: socket.socket,
        address: str,
        debuglevel: int,
        identity: Identity | None = None,
    ) -> None:
        self.raw = sock
        self.address = address
        self.identity = identity
        self.first_byte_at = 0.0  # monotonic time; 0 if no byte of the last request was sent
        self.was_used = False  # True once a response came over it
        self.received_any = False  # True if a byte of the last request's response came
        self.seconds = 0.0  # from the last request's first byte to the end of its response's head
        self._debuglevel = debuglevel
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll:
            self._poll.register(sock, select.POLLIN)
        self._pending = sock.pending if isinstance(sock, ssl.SSLSocket) else None
        # Written to directly where that is possible: a socket with a time limit polls
        # before each send.
        self._fd = sock.fileno() if os.name == "posix" and self.tls is None else None
        self._sends_files = self._fd is not None and debuglevel <= 0 and hasattr(os, "sendfile")
        _open.add(self)

    def is_stale(self) -> bool:
        """True if the server closed the connection, or sent something unexpected.

        "Readable" alone is not enough: under TLS it may be a session ticket.
        """
        if not self._is_readable():
            return False
        timeout = self.raw.gettimeout()
        try:
            self.raw.settimeout(0)
            self.raw.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            self.raw.settimeout(timeout)
            return False
        except OSError as exc:
            raise_if_from_handler(exc)
            return True
        return True

    def exchange(self, method: str, head: bytes, body: Body | None) -> StrictResponse:
        """Send a request and read the head of its response.

        A server may refuse a request, and close, before it has the whole body: that response is
        returned, and its ``will_close`` is True. Any other response that comes so early is a
        failure (contract 4.4).
        """
        self.first_byte_at = 0.0
        response = StrictResponse(self.raw, self._debuglevel, method)
        try:
            is_complete = self._send(head, body, response)
            response.begin()
            if not is_complete and response.status < 400:
                raise IncompleteRequest(
                    f"the response ({response.status}) came before the whole body was sent"
                )
        except BaseException:
            self.received_any = response.received_any
            response.close()
            raise
        if not is_complete:
            response.will_close = True
        self.seconds = time.monotonic() - self.first_byte_at
        self.received_any = True
        self.was_used = True
        return response

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """The socket, if it speaks TLS."""
        return self.raw if isinstance(self.raw, ssl.SSLSocket) else None

    def close(self) -> None:
        """Close the connection; any number of times, at any time."""
        # Closing alone would not end it while a forked child holds the socket, too.
        shut_down(self.raw)
        self.detach()

    def drain(self, response: StrictResponse) -> bool:
        """Read the rest of a body and throw it away, in next to no time; False if there is more."""
        end = time.monotonic() + MAX_DRAIN_SECONDS
        timeout = self.raw.gettimeout()
        self.raw.settimeout(min(MAX_DRAIN_SECONDS, timeout or MAX_DRAIN_SECONDS))
        response.set_deadline(end)
        count = 0
        while not response.isclosed() and count <= MAX_DRAIN_BYTES and time.monotonic() < end:
            count += len(response.read1(MAX_DRAIN_BYTES))
        self.raw.settimeout(timeout)
        return response.isclosed() and not response.has_leftover

    def detach(self) -> None:
        """Let go of the socket, but leave the connection to the process that it belongs to."""
        self._forget_fd()
        _open.discard(self)
        with contextlib.suppress(OSError):  # the caller closed all descriptors
            # (Its own method would throw the TLS session away, too.)
            socket.close(self.raw.detach())

    def _forget_fd(self) -> None:
        # The number may soon be that of another file, whatever thread still thinks of writing.
        if self._fd is not None:
            self._fd = -1

    def _send(self, head: bytes, body: Body | None, response: StrictResponse) -> bool:
        """Send everything; False if the server responded before it had everything."""
        try:
            if body is None:
                self._send_bytes(head)
                return True
            return self._send_with_body(head, body, response)
        except OSError as exc:
            raise_if_from_handler(exc)
            # What cannot be sent any more may have been refused: then the response is here already.
            if response.has_begun_to_arrive():
                return False
            if response.alert is not None:
                raise response.alert from exc  # the reason why (contract 2.8)
            raise

    def _send_with_body(self, head: bytes, body: Body, response: StrictResponse) -> bool:
        is_chunked = body.is_chunked or body.length is None
        region = None if is_chunked or not self._sends_files else body.region()
        if region is not None and region.length > SMALL:
            self._send_bytes(head)
            head = b""
            is_complete = self._send_file(body, region, response)
            if is_complete is not None:
                return is_complete
        for number, block in enumerate(body.blocks()):
            if number and self._is_readable() and response.has_early_response():
                return False
            framed = b"%x\r\n%b\r\n" % (len(block), bytes(block)) if is_chunked else block
            if not number and len(framed) <= SMALL:
                framed = head + framed
            elif not number:
                self._send_bytes(head)
            self._send_bytes(framed)
            head = b""
        if is_chunked and not head and self._is_readable() and response.has_early_response():
            return False  # the server cannot know yet that this was all
        last = head + b"0\r\n\r\n" if is_chunked else head
        if last:
            self._send_bytes(last)
        return True

    def _send_file(self, body: Body, region: Region, response: StrictResponse) -> bool | None:
        """Let the system send a file by itself; None if it cannot do that with this one."""
        sent = 0
        while sent < region.length:
            if sent and self._is_readable() and response.has_early_response():
                return False
            try:
                count = self._send_from(region.file, region.start + sent, region.length - sent)
            except OSError as exc:
                raise_if_from_handler(exc)
                if not sent and not isinstance(exc, (ConnectionError, TimeoutError)):
                    return None
                if exc.errno in _CANNOT_READ_FILE:
                    raise BodyError(f"the body cannot be read: {exc}") from exc
                raise
            if not count:
                break
            sent += count
        body.region_was_sent(sent)
        return True

    def _send_from(self, file: Any, start: int, length: int) -> int:
        """Send some bytes of a file; 0 at its end."""
        assert self._fd is not None
        while True:
            try:
                return os.sendfile(self._fd, file.fileno(), start, min(length, BLOCK))
            except BlockingIOError:
                self._wait_until_writable()

    def _wait_until_writable(self) -> None:
        timeout = self.raw.gettimeout()
        with selectors.DefaultSelector() as selector:
            selector.register(self.raw, selectors.EVENT_WRITE)
            if not selector.select(timeout):
                raise TimeoutError("timed out")

    def _send_bytes(self, data: Buffer) -> None:
        if self._debuglevel > 0 and len(data):
            show("send:", repr(bytes(data)))
        self.first_byte_at = self.first_byte_at or time.monotonic()
        # Not sendall(): on a plain socket its time limit is for all of the data together.
        sent = 0
        if self._fd is not None:
            try:
                sent = os.write(self._fd, data)
            except BlockingIOError:
                pass  # no room now, so wait for it
            if sent == len(data):
                return
        view = memoryview(data)[sent:]
        while len(view):
            view = view[self.raw.send(view) :]

    def _is_readable(self) -> bool:
        if self._pending is not None and self._pending():
            return True
        if self._poll is not None:
            return bool(self._poll.poll(0))
        return bool(select.select([self.raw], [], [], 0)[0])


# All that are open.
_open: Registry[HTTPSocket] = Registry()


def _let_go() -> None:
    """In the child of a fork: what is open belongs to the parent.

    It is closed at once, not when it is used next: the child may be in the middle of a request, or
    may close all descriptors and open others with the same numbers.
    """
    for opened in _open:
        opened.detach()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
