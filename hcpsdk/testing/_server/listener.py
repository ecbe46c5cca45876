"""Listening sockets, and the connections that were accepted. Imports nothing of the emulator."""

import asyncio
import enum
import errno
import os
import socket
from collections.abc import Callable, Coroutine
from typing import Any

BACKLOG = 128  # connections that the kernel holds before they are accepted
FILLER_CONNECTIONS = 2  # connections that fill a backlog of 0
ACCEPT_PAUSE_SECONDS = 0.2  # seconds without accepting when file descriptors are exhausted


class StartError(RuntimeError):
    """The emulator could not be started; the message says what to do about it."""


class ListenerState(enum.Enum):
    CLOSED = "no socket, the port is free"
    REFUSING = "the port is reserved, connections are refused"
    LISTENING = "connections are accepted"
    IGNORING = "connection attempts get no reaction: the backlog is full"


class Listener:
    """One reserved TCP port, on which connections are accepted or refused.

    Everything but the constructor happens in the thread of *loop*.

    Args:
        loop: The loop that accepts connections.
        address: A loopback address.
        port: 0 takes any free port.
        accepted: Called with each new connection, a non-blocking socket.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        address: str,
        port: int,
        accepted: Callable[[socket.socket], None],
    ) -> None:
        self._loop = loop
        self._accepted = accepted
        self._pause: asyncio.TimerHandle | None = None
        self._fillers: list[socket.socket] = []
        self._socket = bound_socket(socket.SOCK_STREAM, address, port)
        self.address = address
        self.port: int = self._socket.getsockname()[1]
        self.state = ListenerState.REFUSING

    def __repr__(self) -> str:
        return f"<Listener {self.address}:{self.port} {self.state.name}>"

    def abandon(self) -> None:
        """Close the socket that a forked child inherited; the parent keeps its own."""
        self._socket.close()
        self._close_fillers()

    def listen(self) -> None:
        """Accept connections from now on."""
        if self.state is ListenerState.IGNORING:
            self.refuse()
        if self.state is ListenerState.REFUSING:
            self._socket.listen(BACKLOG)
            self._loop.add_reader(self._socket, self._accept)
            self.state = ListenerState.LISTENING

    def refuse(self) -> None:
        """Refuse connections. The port stays reserved by a bound socket that does not listen."""
        if self.state in (ListenerState.LISTENING, ListenerState.IGNORING):
            self.close()
            self._socket = bound_socket(socket.SOCK_STREAM, self.address, self.port)
            self.state = ListenerState.REFUSING

    def close(self) -> None:
        """Free the port."""
        if self.state is ListenerState.LISTENING:
            self._loop.remove_reader(self._socket)
            if self._pause:
                self._pause.cancel()
        self._socket.close()
        self._close_fillers()
        self.state = ListenerState.CLOSED

    def ignore(self) -> None:
        """Ignore connection attempts, like a host that drops all packets."""
        if self.state is ListenerState.LISTENING:
            self.refuse()
        if self.state is ListenerState.REFUSING:
            # Linux takes one connection into a backlog of 0 and ignores all others.
            self._socket.listen(0)
            for _ in range(FILLER_CONNECTIONS):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex((self.address, self.port))
                self._fillers.append(filler)
            self.state = ListenerState.IGNORING

    def _close_fillers(self) -> None:
        while self._fillers:
            self._fillers.pop().close()

    def _accept(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # the client disconnected
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            # It would be readable again at once: wait until something was closed.
            self._loop.remove_reader(self._socket)
            self._pause = self._loop.call_later(
                ACCEPT_PAUSE_SECONDS, self._loop.add_reader, self._socket, self._accept
            )
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._accepted(connection)


class Connections:
    """The open connections of a server, each with the task that serves it."""

    def __init__(self) -> None:
        self._sockets: dict[asyncio.Task[None], tuple[socket.socket, Callable[[], object]]] = {}

    def __len__(self) -> int:
        return len(self._sockets)

    def serve(
        self,
        connection: socket.socket,
        work: Coroutine[Any, Any, None],
        ended: Callable[[], object] = lambda: None,
    ) -> None:
        """Start *work* in a task; however it ends, *connection* is closed and *ended* called."""
        task = asyncio.get_running_loop().create_task(work)
        self._sockets[task] = connection, ended
        task.add_done_callback(self._done)

    def abandon(self) -> None:
        """Close a forked child's copies of the sockets, which changes nothing for the parent."""
        for connection, _ in self._sockets.values():
            connection.close()

    async def close(self) -> None:
        """End all connections; when this returns they are closed."""
        tasks = list(self._sockets)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        # Here and not in the task: one that is cancelled before its first step runs no `finally`.
        connection, ended = self._sockets.pop(task)
        connection.close()
        ended()
        if not task.cancelled() and (error := task.exception()):
            task.get_loop().call_exception_handler(
                {"message": "the task of a connection failed", "exception": error}
            )


def bound_socket(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    """A non-blocking socket of *kind*, bound but not listening; may raise `StartError`."""
    opened = socket.socket(socket.AF_INET, kind)
    try:
        if kind is socket.SOCK_STREAM and os.name == "posix":
            # Otherwise connections of a stopped node keep its port for a minute.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setblocking(False)
        opened.bind((address, port))
    except OSError as error:
        opened.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise StartError(
                f"this machine has no address {address} for a node of the emulated HCP. Linux and "
                f"Windows have all of 127.*.*.*; on macOS add it, and its neighbours for the other "
                f"nodes, with: sudo ifconfig lo0 alias {address} up"
            ) from error
        raise PortError(f"cannot open port {port} on {address}: {error.strerror}") from error
    except BaseException:
        opened.close()
        raise
    return opened


class PortError(StartError):
    """This port cannot be opened; another one may."""
