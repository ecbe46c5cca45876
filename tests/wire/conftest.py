"""Raw servers and name servers on loopback addresses, and a client that talks to them."""

import random
import socket
import ssl
import sys
from collections.abc import Callable, Iterator

import dns.resolver
import pytest
import trustme

import hcpsdk

from .name_server import NameServer
from .raw import OK, Handler, Peer, RawServer


def random_loopback() -> str:
    """An address of 127.0.0.0/8 that is most likely nobody's."""
    return f"127.{random.randint(1, 250)}.{random.randint(1, 250)}.{random.randint(2, 250)}"


@pytest.fixture
def raw_server() -> Iterator[Callable[..., RawServer]]:
    """A function that starts a `RawServer`; all are closed at the end, and their errors raised.

    ``raw_server(handler, address="127.0.0.1", port=0, context=None)``
    """
    servers: list[RawServer] = []

    def start(handler: Handler, *args: object, **options: object) -> RawServer:
        server = RawServer(handler, *args, **options)  # type: ignore[arg-type]
        servers.append(server)
        return server

    yield start
    errors: list[BaseException] = []
    for server in servers:
        try:
            server.close()
        except BaseException as exc:
            errors.append(exc)
    if errors:
        raise errors[0]


@pytest.fixture
def connect(
    raw_server: Callable[..., RawServer], authorization: hcpsdk.NativeAuthorization
) -> Iterator[Callable[..., hcpsdk.Connection]]:
    """A function that makes a Connection to a plain `RawServer`; all are closed before it is.

    ``connect(server, timeout=30, idletime=30, retries=0, debuglevel=0)``
    """
    connections: list[hcpsdk.Connection] = []

    def make(server: RawServer, **options: object) -> hcpsdk.Connection:
        target = hcpsdk.Target(server.address, authorization, port=server.port)
        connection = hcpsdk.Connection(target, **options)  # type: ignore[arg-type]
        connections.append(connection)
        return connection

    yield make
    for connection in connections:
        connection.close()


# Several nodes


def answer_each(peer: Peer) -> None:
    """Answer 200 to each request, until the client closes."""
    for _ in peer.each_request():
        peer.send(OK)


class Cluster:
    """Nodes on addresses of their own with one port, which die and come back.

    Args:
        count: How many.
        handler: What each node does with a connection.
    """

    def __init__(self, count: int, handler: Handler = answer_each) -> None:
        self._handler = handler
        start = random_loopback().rpartition(".")[0]
        first = RawServer(handler, f"{start}.1")
        self.port = first.port
        self.addresses = [f"{start}.{number + 1}" for number in range(count)]
        self._servers: dict[int, RawServer] = {0: first}
        self._former: list[tuple[int, RawServer]] = []
        for number in range(1, count):
            self.revive(number)

    def kill(self, *numbers: int) -> None:
        """Nodes *numbers* refuse connections from now on; those open are ended."""
        for number in numbers:
            server = self._servers.pop(number)
            self._former.append((number, server))
            server.close()

    def revive(self, *numbers: int) -> None:
        """Nodes *numbers* answer again."""
        for number in numbers:
            self._servers[number] = RawServer(self._handler, self.addresses[number], self.port)

    def connections(self) -> list[int]:
        """How many connections each node got, over all of its lives."""
        lives = [*self._former, *self._servers.items()]
        return [
            sum(len(server.peers) for number, server in lives if number == wanted)
            for wanted in range(len(self.addresses))
        ]

    def close(self) -> None:
        self.kill(*list(self._servers))


@pytest.fixture
def cluster() -> Iterator[Callable[..., Cluster]]:
    """A function that starts a `Cluster`: ``cluster(3)``, ``cluster(3, handler)``."""
    clusters: list[Cluster] = []

    def start(*args: object) -> Cluster:
        clusters.append(Cluster(*args))  # type: ignore[arg-type]
        return clusters[-1]

    yield start
    for started in clusters:
        started.close()


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were connected to, or tried, so far."""
    addresses: list[str] = []
    real_connect = socket.socket.connect

    def connect(sock: socket.socket, address: tuple[str, int]) -> None:
        caller = sys._getframe(1).f_globals["__name__"]
        if caller == "ssl" or caller.startswith("hcpsdk."):  # not the server's own
            addresses.append(address[0])
        real_connect(sock, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return addresses


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """A `NameServer`, and dnspython's default resolver pointed at it."""
    server = NameServer()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = server.port
    resolver.lifetime = 20.0
    resolver.timeout = 20.0
    monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
    yield server
    server.close()


# TLS

TLS_PORT = 8000  # of those that mean TLS, one that needs no privilege


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Who signs the certificates."""
    return trustme.CA()


class TlsNode(RawServer):
    """A `RawServer` that speaks TLS on port 8000, at an address of its own.

    Attributes:
        sni: The names that clients sent in their hello; None where one sent none.
        context: Its TLS settings.
    """

    def __init__(
        self,
        authority: trustme.CA,
        *identities: str,
        handler: Handler = answer_each,
        address: str | None = None,
    ) -> None:
        address = address or random_loopback()
        self.sni: list[str | None] = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.present(authority, *(name.format(address=address) for name in identities))
        super().__init__(handler, address, TLS_PORT, self.context)

    def present(self, authority: trustme.CA, *identities: str) -> None:
        """From now on show a certificate for *identities*."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # As a server that was restarted with another certificate: it resumes no old session.
        context.num_tickets = self.context.num_tickets = 0
        authority.issue_cert(*identities).configure_cert(context)

        def note(sock: ssl.SSLObject, name: str | None, _context: object) -> None:
            self.sni.append(name)
            sock.context = context

        authority.issue_cert(*identities).configure_cert(self.context)
        self.context.sni_callback = note


@pytest.fixture
def tls_node(authority: trustme.CA) -> Iterator[Callable[..., TlsNode]]:
    """A function that starts a `TlsNode`, whose certificate is valid for the names given:
    ``tls_node("a.example", "{address}", authority=..., handler=...)``."""
    nodes: list[TlsNode] = []

    def start(*identities: str, authority: trustme.CA = authority, **options: object) -> TlsNode:
        nodes.append(TlsNode(authority, *identities, **options))  # type: ignore[arg-type]
        return nodes[-1]

    yield start
    for node in nodes:
        node.close()


@pytest.fixture
def loopback() -> str:
    """An address of 127.0.0.0/8 for this test alone, so that it may take a TLS port."""
    return random_loopback()


@pytest.fixture(scope="session")
def tls_context() -> ssl.SSLContext:
    """What a server needs for TLS; good for a client that does not verify."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("node.hcp.example.com").configure_cert(context)
    return context


@pytest.fixture
def random_address() -> str:
    """A loopback address that is most likely nobody's."""
    return random_loopback()
