"""TCP keep-alive: what the operating system is told about a Connection's socket."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

import hcpsdk

from ..support.raw_server import OK, answering


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """The sockets that were connected so far."""
    connected: list[socket.socket] = []
    connect = socket.socket.connect

    def note(self: socket.socket, address: Any) -> None:
        connected.append(self)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", note)
    return connected


def options(sock: socket.socket) -> list[int]:
    """Whether probes are on, silence before the first, between them, and their number."""
    idle = getattr(socket, "TCP_KEEPIDLE", None) or socket.TCP_KEEPALIVE  # type: ignore[attr-defined]
    found = [sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)]
    for option in (idle, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT):
        found.append(sock.getsockopt(socket.IPPROTO_TCP, option))
    return [int(bool(found[0])), *found[1:]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"sock_keepalive": True}, [1, 60, 60, 3]),
        (
            {"sock_keepalive": True, "tcp_keepalive": 5, "tcp_keepintvl": 7, "tcp_keepcnt": 9},
            [1, 5, 7, 9],
        ),
    ],
)
def test_probes(
    raw_server: Any,
    connect: Callable[..., hcpsdk.Connection],
    sockets: list[socket.socket],
    arguments: dict[str, int],
    expected: list[int],
) -> None:
    """The system is told each number (contract 12.3)."""
    connection = connect(raw_server(answering(OK)), **arguments)
    sockets.clear()
    connection.HEAD("/rest/a")
    assert options(sockets[-1]) == expected


def test_probes_over_tls(
    mapi_server: Any, sockets: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same under TLS, where Python makes a second object for the socket."""
    _, target = mapi_server(answering(OK))
    set_options: list[tuple[Any, ...]] = []
    setsockopt = socket.socket.setsockopt

    def note(self: socket.socket, *arguments: Any) -> None:
        set_options.append(arguments)
        setsockopt(self, *arguments)

    monkeypatch.setattr(socket.socket, "setsockopt", note)
    with hcpsdk.Connection(target, sock_keepalive=True, tcp_keepcnt=4) as connection:
        connection.HEAD("/mapi/logs")
    assert (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) in set_options
    assert (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4) in set_options


def test_no_probes(
    raw_server: Any, connect: Callable[..., hcpsdk.Connection], sockets: list[socket.socket]
) -> None:
    """By default there are none."""
    connection = connect(raw_server(answering(OK)))
    sockets.clear()
    connection.HEAD("/rest/a")
    assert options(sockets[-1])[0] == 0
