"""Raw servers and name servers on loopback addresses, and a client that talks to them."""

import random
from collections.abc import Callable, Iterator

import pytest

import hcpsdk

from .raw import Handler, RawServer


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
