"""One connection to a node, as bytes: plain, or inside TLS.

Whatever a node hears or says passes through `receive()` and `send()`, and nothing is buffered on
the way out: when `send()` returns, the kernel has the bytes. So this is the place from which a
connection can be broken at any byte.
"""

import asyncio
import contextlib
import enum
import socket
import ssl
import struct

PIECE = 256 * 1024  # bytes taken from the socket at once
RECORD = 16 * 1024  # bytes that one TLS record holds at most


class State(enum.Enum):
    WAITING = "for a request; silence counts, and ends the connection"
    BUSY = "with a request; silence is allowed"
    CLOSED = "nothing can be sent or received"


class Stream:
    """A plain connection.

    Args:
        connection: A non-blocking socket.
        idle_seconds: Silence after which a connection that waits for a request is closed.
    """

    def __init__(self, connection: socket.socket, idle_seconds: float) -> None:
        self._socket = connection
        self._loop = asyncio.get_running_loop()
        self._idle_seconds = idle_seconds
        self._heard = self._loop.time()
        self._timer = self._loop.call_later(idle_seconds, self._check_idle)
        self.state = State.WAITING

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state.name}>"

    async def open(self) -> None:
        """Make the connection ready; raises `OSError` if the client does not play along."""

    async def receive(self) -> bytes:
        """The next bytes from the client; empty when no more will come."""
        data = await self._loop.sock_recv(self._socket, PIECE)
        self._heard = self._loop.time()
        return data

    async def receive_raw(self) -> bytes:
        """The next bytes that arrive, not decrypted; for throwing them away."""
        return await self._loop.sock_recv(self._socket, PIECE)

    async def send(self, data: bytes) -> None:
        """Send *data*; when this returns, the kernel has taken all of it."""
        await self._loop.sock_sendall(self._socket, data)

    def wait(self) -> None:
        """From now on the client may be silent for no longer than ``idle_seconds``."""
        # Once per request, so it costs no more than storing two values; the timer looks at them
        # when it is due, and moves itself.
        self._heard = self._loop.time()
        self.state = State.WAITING

    def work(self) -> None:
        """From now on silence is allowed."""
        self.state = State.BUSY

    def end_sending(self) -> None:
        """Tell the client that nothing more will come; it may still send."""
        with contextlib.suppress(OSError):  # if it has gone, it need not be told
            self._socket.shutdown(socket.SHUT_WR)

    def hang_up(self) -> None:
        """End the connection in an orderly way; a `receive()` that waits gets end-of-file."""
        self.end_sending()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self.state = State.CLOSED

    def reset(self) -> None:
        """Break the connection off with a TCP reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close the socket without a word and stop the timer."""
        self._timer.cancel()
        self._socket.close()
        self.state = State.CLOSED

    def _check_idle(self) -> None:
        if self.state is State.CLOSED:
            return
        now = self._loop.time()
        silent = now - self._heard if self.state is State.WAITING else 0.0
        if silent >= self._idle_seconds:
            self.hang_up()
        else:
            self._timer = self._loop.call_later(self._idle_seconds - silent, self._check_idle)


class TLSStream(Stream):
    """A connection inside TLS.

    OpenSSL works on memory here and this class moves the bytes. asyncio's own TLS would close a
    connection only after the client agreed, and could not end just the sending side.
    """

    def __init__(
        self, connection: socket.socket, idle_seconds: float, context: ssl.SSLContext
    ) -> None:
        super().__init__(connection, idle_seconds)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def open(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._feed()
            except ssl.SSLError:
                await self._flush()  # the alert that tells the client what was wrong
                raise
            else:
                break
        await self._flush()

    async def receive(self) -> bytes:
        while True:
            data, is_over = self._decrypted()
            if data or is_over:
                return data
            await self._flush()  # answers of the TLS protocol itself, such as new keys
            await self._feed()

    async def send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._tls.write(rest[:PIECE]) :]
            await self._flush()

    def end_sending(self) -> None:
        with contextlib.suppress(ssl.SSLError):  # want read: the client's farewell is not awaited
            self._tls.unwrap()
        with contextlib.suppress(OSError):
            self._socket.send(self._outgoing.read())
        super().end_sending()

    def _decrypted(self) -> tuple[bytes, bool]:
        """What can be read of the bytes received so far, and whether that was the last."""
        pieces: list[bytes] = []
        size = 0
        try:
            while size < PIECE:
                piece = self._tls.read(RECORD)
                if not piece:
                    return b"".join(pieces), True
                pieces.append(piece)
                size += len(piece)
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            # With or without a farewell: whether the request was complete, its length tells.
            return b"".join(pieces), True
        return b"".join(pieces), False

    async def _feed(self) -> None:
        data = await super().receive()
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await super().send(self._outgoing.read())
