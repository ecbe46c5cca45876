"""A TCP server that does what a test tells it, byte for byte, and hides nothing.

A test gives a function; each connection that comes in is handed to it, in a thread of its own::

    def one_answer(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")

    server = raw_server(one_answer)

The fixture `raw_server` makes servers, and closes them at the end of the test. Closing joins all
threads, and raises the first error that a handler raised.
"""

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import hcpsdk

PATIENCE = 30.0  # seconds after which a peer that is waited for is given up: a failed test

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def head(*lines: str, status: str = "200 OK") -> bytes:
    """The head of a response, with exactly these header lines."""
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")


def answer(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    """An answer with a ``Content-Length``."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunked_answer(*pieces: bytes, status: str = "200 OK") -> bytes:
    """An answer whose body comes in chunks."""
    head = f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n".encode("latin-1")
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


class Gone(Exception):
    """The client closed the connection in the middle of something."""


@dataclass(frozen=True)
class Received:
    """One request, as it came."""

    head: bytes  # with the blank line
    body: bytes  # without chunk frames
    raw: bytes  # all of it

    @property
    def line(self) -> bytes:
        return self.head.partition(b"\r\n")[0]

    @property
    def method(self) -> str:
        return self.line.split(b" ")[0].decode("ascii")

    @property
    def target(self) -> str:
        return self.line.split(b" ")[1].decode("ascii")

    def headers(self, name: str) -> list[str]:
        """All values of header *name*, in the order received."""
        pairs = (line.split(b":", 1) for line in self.head.split(b"\r\n")[1:] if b":" in line)
        wanted = name.lower().encode("ascii")
        return [value.strip().decode("latin-1") for key, value in pairs if key.lower() == wanted]


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number  # of the connection, from 0
        self._data = bytearray()  # all that came, under TLS decrypted
        self.requests: list[Received] = []  # by read_request()
        self.tls_error: OSError | None = None  # the handshake failed; the handler was not called
        self._used = 0  # bytes of it that were handed out

    @property
    def received(self) -> bytes:
        """All that came, under TLS decrypted."""
        return bytes(self._data)

    # Reading

    def read_some(self) -> bytes:
        """The bytes that come next; b"" when the client has closed."""
        if self._used == len(self._data):
            self._has_more()
        return self._take(len(self._data) - self._used)

    def read_exactly(self, size: int) -> bytes:
        while len(self._data) - self._used < size:
            self._more()
        return self._take(size)

    def read_until(self, mark: bytes) -> bytes:
        """All up to and including *mark*."""
        while (found := self._data.find(mark, self._used)) < 0:
            self._more()
        return self._take(found + len(mark) - self._used)

    def read_head(self) -> bytes | None:
        """The head of a request with its blank line; None if the client closed instead."""
        if self._used == len(self._data) and not self._has_more():
            return None
        return self.read_until(b"\r\n\r\n")

    def read_request(self) -> Received | None:
        """A whole request; None if the client closed instead."""
        start = self._used
        head = self.read_head()
        if head is None:
            return None
        body = self.read_body(head)
        request = Received(head, body, bytes(self._data[start : self._used]))
        self.requests.append(request)
        return request

    def read_body(self, head: bytes) -> bytes:
        """The body that *head* announces."""
        if re.search(rb"\r\nTransfer-Encoding: *chunked\r\n", head, re.I):
            return b"".join(self._chunks())
        length = re.search(rb"\r\nContent-Length: *(\d+)\r\n", head, re.I)
        return self.read_exactly(int(length[1])) if length else b""

    def each_request(self) -> Iterator[Received]:
        """Whole requests, until the client closes."""
        while (request := self.read_request()) is not None:
            yield request

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.read_until(b"\r\n"), 16):
            yield self.read_exactly(size)
            self._end_chunk()
        self._end_chunk()

    def _end_chunk(self) -> None:
        found = self.read_exactly(2)
        if found != b"\r\n":
            raise AssertionError(f"{found!r} after a chunk")

    def _has_more(self) -> bool:
        data = self.sock.recv(65536)
        self._data += data
        return bool(data)

    def _more(self) -> None:
        if not self._has_more():
            end = bytes(self._data[-1000:])
            raise Gone(f"connection {self.number} was closed after {len(self._data)} B: {end!r}")

    def _take(self, size: int) -> bytes:
        taken = bytes(self._data[self._used : self._used + size])
        self._used += size
        return taken

    # Writing, and ending

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def wait_for_close(self) -> None:
        """Come back once the client has closed; what it still sends is recorded.

        A client that closes before it has read everything resets the connection.
        """
        with contextlib.suppress(ConnectionResetError):
            while self.read_some():
                pass

    def count_rest(self) -> int:
        """How many bytes still come until the client has closed; they are not recorded."""
        count = len(self._data) - self._used
        with contextlib.suppress(ConnectionResetError):
            while data := self.sock.recv(65536):
                count += len(data)
        return count

    def close(self) -> None:
        """Close both directions properly; the handler may also just return."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the client was first
        self.sock.close()

    def end_tls(self) -> None:
        """Send the end of TLS, which `close()` alone does not; the client's is not awaited."""
        if not isinstance(self.sock, ssl.SSLSocket):
            raise AssertionError("this connection does not speak TLS")
        self.sock.settimeout(0)
        with contextlib.suppress(OSError):  # ssl.SSLWantReadError, if the client says nothing
            self.sock.unwrap()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Handler = Callable[[Peer], None]


def answering(*answers: bytes) -> Handler:
    """A handler that gives *answers* in turn, one per request; then the client has to close."""

    def handler(peer: Peer) -> None:
        for data in answers:
            if peer.read_request() is None:
                return
            peer.send(data)
        peer.wait_for_close()

    return handler


def in_turn(*handlers: Handler) -> Handler:
    """A handler that gives each connection to its own of *handlers*; more must not come."""

    def handler(peer: Peer) -> None:
        if peer.number >= len(handlers):
            raise AssertionError(f"connection {peer.number} was not expected")
        handlers[peer.number](peer)

    return handler


class RawServer:
    """Listens from the start; `close()` ends it.

    Args:
        handler: Called with each connection's `Peer`, in a thread of its own. When it returns, the
            connection is closed.
        address: A loopback address.
        port: 0 takes any free one.
        context: With one, connections speak TLS. A handshake that fails is told in the peer's
            ``tls_error``.
    """

    def __init__(
        self,
        handler: Handler,
        address: str = "127.0.0.1",
        port: int = 0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.peers: list[Peer] = []  # one per connection, in the order they came
        self._handler = handler
        self._context = context
        self._changed = threading.Condition()  # guards peers, _finished, _errors
        self._finished = 0
        self._errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._is_closing = False
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, port), family=family, backlog=64)
        self.address = address
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name="raw-acceptor")
        self._acceptor.start()

    @property
    def requests(self) -> list[Received]:
        """The requests read by `Peer.read_request`, connection by connection."""
        with self._changed:
            return [request for peer in self.peers for request in peer.requests]

    def wait_for_peers(self, count: int) -> list[Peer]:
        """The connections so far, once there are *count*."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.peers) >= count, PATIENCE):
                raise AssertionError(f"{len(self.peers)} connections came, not {count}")
            return list(self.peers)

    def wait_for_finished(self, count: int) -> list[Peer]:
        """The connections so far, once *count* handlers have returned."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._finished >= count, PATIENCE):
                raise AssertionError(f"{self._finished} handlers returned, not {count}")
            return list(self.peers)

    def close(self) -> None:
        """Stop listening, end all connections, join all threads; raises a handler's error.

        May be called again.
        """
        if self._is_closing:
            return
        self._is_closing = True
        with socket.socket(self._listener.family) as knock:
            knock.connect((self.address, self.port))  # wakes the acceptor
        self._acceptor.join(PATIENCE)
        self._listener.close()
        for peer in self.peers:
            try:
                # Not the method of an SSLSocket: after it a handler that reads gets TLS records.
                socket.socket.shutdown(peer.sock, socket.SHUT_RDWR)
            except OSError:
                pass  # closed already
        for thread in self._threads:
            thread.join(PATIENCE)
            if thread.is_alive():
                self._errors.append(AssertionError("a handler does not come to its end"))
        errors, self._errors = self._errors, []
        if errors:
            raise errors[0]

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._is_closing:
                sock.close()
                return
            sock.settimeout(PATIENCE)
            with self._changed:
                peer = Peer(sock, len(self.peers))
                self.peers.append(peer)
                self._changed.notify_all()
            thread = threading.Thread(target=self._serve, args=(peer,), name=f"raw-{peer.number}")
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: Peer) -> None:
        try:
            if self._start_tls(peer):
                self._handler(peer)
        except BaseException as exc:
            if not (self._is_closing and isinstance(exc, (Gone, OSError))):
                self._errors.append(exc)
        finally:
            peer.close()
            with self._changed:
                self._finished += 1
                self._changed.notify_all()

    def _start_tls(self, peer: Peer) -> bool:
        if self._context is None:
            return True
        try:
            peer.sock = self._context.wrap_socket(peer.sock, server_side=True)
        except OSError as exc:
            peer.tls_error = exc
            return False
        return True


StartServer = Callable[..., RawServer]  # the fixture `raw_server`
Connect = Callable[..., hcpsdk.Connection]  # the fixture `connect`
