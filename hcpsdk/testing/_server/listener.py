"""A listening socket that can be closed and opened again, and the connections that came of it."""

import asyncio
import enum
import errno
import os
import socket
from collections.abc import Callable, Coroutine
from typing import Any

BACKLOG = 128  # connections that the kernel holds before they are accepted
FILLERS = 2  # connections of our own that fill a backlog of 0
PAUSE = 0.2  # seconds without accepting after the process ran out of file descriptors


class StartError(RuntimeError):
    """The emulator could not be started; the message says what to do about it."""


class State(enum.Enum):
    CLOSED = "no socket, the port is given back"
    REFUSING = "the port is ours, but whoever connects is refused"
    LISTENING = "connections are accepted"
    IGNORING = "connecting never ends: nothing is accepted, and the backlog is full"


class Listener:
    """One TCP port, ours from the beginning, on which connections are accepted or refused.

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
        self.state = State.REFUSING

    def __repr__(self) -> str:
        return f"<Listener {self.address}:{self.port} {self.state.name}>"

    def abandon(self) -> None:
        """Close a forked child's copy of the socket, which changes nothing for the parent."""
        self._socket.close()
        self._close_fillers()

    def listen(self) -> None:
        """Accept connections from now on."""
        if self.state is State.IGNORING:
            self.refuse()
        if self.state is State.REFUSING:
            self._socket.listen(BACKLOG)
            self._loop.add_reader(self._socket, self._accept)
            self.state = State.LISTENING

    def refuse(self) -> None:
        """Accept no more connections. The port stays ours: a bound socket that does not listen."""
        if self.state in (State.LISTENING, State.IGNORING):
            self.close()
            self._socket = bound_socket(socket.SOCK_STREAM, self.address, self.port)
            self.state = State.REFUSING

    def close(self) -> None:
        """Give the port back."""
        if self.state is State.LISTENING:
            self._loop.remove_reader(self._socket)
            if self._pause:
                self._pause.cancel()
        self._socket.close()
        self._close_fillers()
        self.state = State.CLOSED

    def ignore(self) -> None:
        """From now on let those wait who connect, like a host that drops all packets."""
        if self.state is State.LISTENING:
            self.refuse()
        if self.state is State.REFUSING:
            # Linux takes one connection into a backlog of 0 and ignores all others.
            self._socket.listen(0)
            for _ in range(FILLERS):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex((self.address, self.port))
                self._fillers.append(filler)
            self.state = State.IGNORING

    def _close_fillers(self) -> None:
        while self._fillers:
            self._fillers.pop().close()

    def _accept(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # whoever it was, has gone again
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            # It would be readable again at once, and again: let others close something first.
            self._loop.remove_reader(self._socket)
            self._pause = self._loop.call_later(
                PAUSE, self._loop.add_reader, self._socket, self._accept
            )
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._accepted(connection)


class Connections:
    """The open connections of a server, each with the task that serves it."""

    def __init__(self) -> None:
        self._sockets: dict[asyncio.Task[None], socket.socket] = {}

    def __len__(self) -> int:
        return len(self._sockets)

    def serve(self, connection: socket.socket, work: Coroutine[Any, Any, None]) -> None:
        """Start *work* in a task; *connection* is closed when it is over, however it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._sockets[task] = connection
        task.add_done_callback(self._done)

    def abandon(self) -> None:
        """Close a forked child's copies of the sockets, which changes nothing for the parent."""
        for connection in self._sockets.values():
            connection.close()

    async def close(self) -> None:
        """Break all connections off; when this returns they are closed."""
        tasks = list(self._sockets)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        # Here and not in the task: one that is cancelled before its first step runs no `finally`.
        self._sockets.pop(task).close()
        if not task.cancelled() and (error := task.exception()):
            task.get_loop().call_exception_handler(
                {"message": "a connection's task failed", "exception": error}
            )


def bound_socket(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    """A non-blocking socket of *kind*, bound but not listening; `StartError` says why not."""
    opened = socket.socket(socket.AF_INET, kind)
    try:
        if kind is socket.SOCK_STREAM and os.name == "posix":
            # Otherwise the connections of a node just stopped keep its port for a minute.
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
