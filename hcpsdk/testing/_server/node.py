"""One storage node: its address, ports and connections. Imports `connection` and below."""

import collections
import functools
import socket
import ssl
from collections.abc import Callable

from ..faults import Blackhole, Refuse
from .connection import Endpoint, HTTPConnection, ServerContext
from .listener import Connections, Listener, PortError
from .loop_thread import LoopThread
from .stream import Stream, TLSStream

SCHEMES = {80: "http", 443: "https", 9090: "https"}


class Node:
    """A storage node of an emulated HCP.

    Attributes:
        address: Its loopback address.
        ports: The real port behind each public one: ``{80: 41234, 443: 41235, 9090: 41236}``.
    """

    def __init__(
        self,
        thread: LoopThread,
        address: str,
        context: ssl.SSLContext,
        idle_seconds: float,
        server_context: ServerContext,
        wants_public_ports: bool = False,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.address = address
        self.ports: dict[int, int] = {}
        self._thread = thread
        self._context = context
        self._idle_seconds = idle_seconds
        self._server_context = server_context
        self._changed = changed  # called after the node was started or stopped
        self._connections = Connections()
        self._open: collections.Counter[int] = collections.Counter()  # connections by port
        self._is_running = False
        self._listeners: list[Listener] = []
        try:
            for port in SCHEMES:
                self._listeners.append(self._listener(port, wants_public_ports))
                self.ports[port] = self._listeners[-1].port
        except BaseException:
            for listener in self._listeners:
                listener.close()
            raise

    def __repr__(self) -> str:
        return f"<Node {self.address} {'running' if self.is_running else 'stopped'}>"

    @property
    def is_running(self) -> bool:
        """True if it accepts connections and the name server returns its address."""
        return self._is_running

    @property
    def connection_count(self) -> int:
        """The number of open connections."""
        return len(self._connections)

    def connections_at(self, port: int) -> int:
        """How many connections are open to the public *port* of this node."""
        return self._open[port]

    def start(self) -> None:
        """Accept connections; the name server returns the address again."""
        self._thread.run(self.open())

    def stop(self) -> None:
        """Fail as without power: connections are cut, new ones are refused."""
        self._thread.run(self.fail())

    def abandon(self) -> None:
        """Close the sockets that a forked child inherited; the parent keeps its own."""
        for listener in self._listeners:
            listener.abandon()
        self._connections.abandon()

    # In the thread of the loop

    async def open(self) -> None:
        self._is_running = True
        self.obey_faults()
        self._changed()

    async def fail(self) -> None:
        self._is_running = False
        for listener in self._listeners:
            listener.refuse()
        await self._connections.close()
        self._changed()

    def obey_faults(self) -> None:
        """Accept, refuse or ignore connections, according to the pending faults."""
        if not self._is_running:
            return
        fault = self._server_context.faults.of_port(self.address)
        for listener in self._listeners:
            if fault is Refuse:
                listener.refuse()
            elif fault is Blackhole:
                listener.ignore()
            else:
                listener.listen()

    async def close(self) -> None:
        """Stop, and free the ports."""
        self._is_running = False
        for listener in self._listeners:
            listener.close()
        await self._connections.close()

    def _listener(self, port: int, wants_public_ports: bool) -> Listener:
        accepted = functools.partial(self._serve, port)
        loop = self._thread.loop
        if wants_public_ports:
            try:
                return Listener(loop, self.address, port, accepted)
            except PortError:
                pass  # in use, or reserved for the administrator: take a free one
        return Listener(loop, self.address, 0, accepted)

    def _serve(self, port: int, connection: socket.socket) -> None:
        stream: Stream
        if SCHEMES[port] == "https":
            stream = TLSStream(connection, self._idle_seconds, self._context)
        else:
            stream = Stream(connection, self._idle_seconds)
        endpoint = Endpoint(self.address, port, SCHEMES[port])
        self._open[port] += 1
        self._connections.serve(
            connection,
            HTTPConnection(stream, self._server_context, endpoint).run(),
            lambda: self._open.subtract((port,)),
        )
