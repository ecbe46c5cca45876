"""The bytes of one connection to a node, plain or TLS. Imports nothing of the emulator.

All bytes pass through `receive()` and `send()`, and nothing is buffered: when `send()` returns, the
kernel has the bytes. So a fault can end a connection at any byte.
"""

import asyncio
import contextlib
import enum
import socket
import ssl
import struct

READ_SIZE = 256 * 1024  # bytes taken from the socket at once
MAX_TLS_RECORD_BYTES = 16 * 1024  # bytes that one TLS record holds at most


class StreamState(enum.Enum):
    WAITING = "waiting for a request; the idle timer runs"
    BUSY = "processing a request; the idle timer does not run"
    CLOSED = "closed"


class Stream:
    """A plain connection.

    Args:
        connection: A non-blocking socket.
        idle_seconds: Seconds after which a connection that waits for a request is closed.
    """

    def __init__(self, connection: socket.socket, idle_seconds: float) -> None:
        self._socket = connection
        self._loop = asyncio.get_running_loop()
        self._idle_seconds = idle_seconds
        self._last_received = self._loop.time()
        self._timer = self._loop.call_later(idle_seconds, self._check_idle)
        self.state = StreamState.WAITING

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state.name}>"

    async def open(self) -> None:
        """Make the connection ready; raises `OSError` if the TLS handshake fails."""

    async def receive(self) -> bytes:
        """The next bytes from the client; empty at the end."""
        data = await self._loop.sock_recv(self._socket, READ_SIZE)
        self._last_received = self._loop.time()
        return data

    async def receive_raw(self) -> bytes:
        """The next bytes, not decrypted, in order to discard them."""
        return await self._loop.sock_recv(self._socket, READ_SIZE)

    async def send(self, data: bytes) -> None:
        """Send *data*; when this returns, the kernel has taken all of it."""
        await self._loop.sock_sendall(self._socket, data)

    def wait(self) -> None:
        """Start the idle timer."""
        # Called for each request, so it only stores two values; the timer checks them when it is
        # due, and restarts.
        self._last_received = self._loop.time()
        self.state = StreamState.WAITING

    def work(self) -> None:
        """Stop the idle timer."""
        self.state = StreamState.BUSY

    def end_sending(self) -> None:
        """Send the end of the data; the client may still send."""
        with contextlib.suppress(OSError):  # the client disconnected
            self._socket.shutdown(socket.SHUT_WR)

    def hang_up(self) -> None:
        """End the connection in an orderly way; a waiting `receive()` returns end of file."""
        self.end_sending()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self.state = StreamState.CLOSED

    def reset(self) -> None:
        """Reset the connection (TCP RST)."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close the socket and stop the timer."""
        self._timer.cancel()
        self._socket.close()
        self.state = StreamState.CLOSED

    def _check_idle(self) -> None:
        if self.state is StreamState.CLOSED:
            return
        now = self._loop.time()
        silent = now - self._last_received if self.state is StreamState.WAITING else 0.0
        if silent >= self._idle_seconds:
            self.hang_up()
        else:
            self._timer = self._loop.call_later(self._idle_seconds - silent, self._check_idle)


class TLSStream(Stream):
    """A connection inside TLS.

    OpenSSL works in memory and this class moves the bytes. The TLS of asyncio closes a connection
    only when the client agrees, and cannot close the sending side alone.
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
                await self._flush()  # the alert for the client
                raise
            else:
                break
        await self._flush()

    async def receive(self) -> bytes:
        while True:
            data, is_over = self._decrypted()
            if data or is_over:
                return data
            await self._flush()  # messages of TLS, such as new keys
            await self._feed()

    async def send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._tls.write(rest[:READ_SIZE]) :]
            await self._flush()

    def end_sending(self) -> None:
        with contextlib.suppress(ssl.SSLError):  # do not wait for the close_notify of the client
            self._tls.unwrap()
        with contextlib.suppress(OSError):
            self._socket.send(self._outgoing.read())
        super().end_sending()

    def _decrypted(self) -> tuple[bytes, bool]:
        """What can be decrypted of the bytes received so far, and whether that is all."""
        pieces: list[bytes] = []
        size = 0
        try:
            while size < READ_SIZE:
                piece = self._tls.read(MAX_TLS_RECORD_BYTES)
                if not piece:
                    return b"".join(pieces), True
                pieces.append(piece)
                size += len(piece)
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            # With or without close_notify: the length of the request determines if it is complete.
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
