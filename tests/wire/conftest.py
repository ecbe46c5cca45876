"""Raw servers and name servers on loopback addresses, and a client that talks to them."""

import logging
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import dns.resolver
import pytest
import trustme

import hcpsdk

from ..support.name_server import NameServer
from ..support.nodes import Cluster, TlsNode, random_loopback
from ..support.raw_server import Handler, RawServer


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


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Who signs the certificates."""
    return trustme.CA()


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


# The management API


@pytest.fixture
def mapi_server(
    raw_server: Callable[..., RawServer],
    tls_context: ssl.SSLContext,
    names: Any,
    authorization: hcpsdk.NativeAuthorization,
) -> Callable[..., tuple[RawServer, hcpsdk.Target]]:
    """A function that starts a management API, with TLS on port 9090, and makes a Target for it.

    ``mapi_server(handler, "admin.hcp.example.com")``
    """

    def start(
        handler: Handler, fqdn: str = "admin.hcp.example.com"
    ) -> tuple[RawServer, hcpsdk.Target]:
        server = raw_server(handler, random_loopback(), hcpsdk.P_MAPI, tls_context)
        names.set(fqdn, [server.address])
        return server, hcpsdk.Target(fqdn, authorization, port=hcpsdk.P_MAPI)

    return start


@pytest.fixture
def local_zone() -> Iterator[Callable[[str], None]]:
    """A function that sets the local time zone: ``local_zone("UTC-1")`` is an hour east of UTC."""
    with pytest.MonkeyPatch.context() as monkeypatch:

        def set_zone(zone: str) -> None:
            monkeypatch.setenv("TZ", zone)
            time.tzset()

        yield set_zone
    time.tzset()


class HeadRead(threading.Event):
    """Is set when the head of a response was read, before its body is.

    Attributes:
        before: Called before that, in the thread of the client.
    """

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[], object] = lambda: None


@pytest.fixture
def head_was_read() -> Iterator[HeadRead]:
    """A `HeadRead`, set by each response."""
    event = HeadRead()

    class Watcher(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "Request for" in record.getMessage():
                event.before()
                event.set()

    logger = logging.getLogger("hcpsdk.Connection")
    level, watcher = logger.level, Watcher()
    logger.addHandler(watcher)
    logger.setLevel(logging.DEBUG)
    yield event
    logger.setLevel(level)
    logger.removeHandler(watcher)
