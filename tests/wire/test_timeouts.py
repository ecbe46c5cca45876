"""Time limits: in every phase, each told as such."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import hcpsdk
from hcpsdk._transport import socket as _socket
from hcpsdk._transport import streams

from ..support.raw_server import (
    OK,
    Connect,
    Peer,
    StartServer,
    answer,
    answering,
    chunked_answer,
    in_turn,
)


def stall(peer: Peer) -> None:
    peer.read_request()
    with contextlib.suppress(ConnectionError):
        peer.wait_for_close()


def stall_within_the_head(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-")
    peer.wait_for_close()


@pytest.fixture
def full_port() -> Iterator[Any]:
    """The port of a listener on 127.0.0.1 that takes no more connections."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(20):
            client = stack.enter_context(socket.socket())
            client.settimeout(0.2)
            try:
                client.connect(listener.getsockname())
            except TimeoutError:
                break
        else:
            pytest.skip("this system queues connections without end")
        yield listener.getsockname()[1]


@pytest.mark.parametrize("retries", [0, 2])
def test_connect(full_port: Any, authorization: hcpsdk.NativeAuthorization, retries: int) -> None:
    """A connect that takes too long raises HcpsdkTimeoutError; nothing was sent (contract 4.5,
    4.7)."""
    target = hcpsdk.Target("127.0.0.1", authorization, port=full_port)
    with hcpsdk.Connection(target, timeout=0.1, retries=retries) as connection:
        with pytest.raises(hcpsdk.HcpsdkTimeoutError) as caught:
            connection.PUT("/rest/a", b"abc")

        assert connection.attempts == 0
        assert isinstance(caught.value, hcpsdk.HcpsdkCantConnectError)
        assert "PUT /rest/a" in caught.value.reason
        assert isinstance(caught.value.__cause__, TimeoutError)


def test_tls_handshake(
    raw_server: StartServer, authorization: hcpsdk.NativeAuthorization, loopback: str
) -> None:
    """A TLS handshake that takes too long raises HcpsdkTimeoutError (contract 4.5)."""

    def handler(peer: Peer) -> None:
        peer.wait_for_close()

    raw_server(handler, loopback, 8000)
    target = hcpsdk.Target(loopback, authorization, port=8000)
    with hcpsdk.Connection(target, timeout=0.1) as connection:
        with pytest.raises(hcpsdk.HcpsdkTimeoutError):
            connection.PUT("/rest/a", b"abc")

        assert connection.attempts == 0


@pytest.mark.parametrize("kind", ["bytes", "chunked", "generator"])
def test_send(raw_server: StartServer, connect: Connect, kind: Any) -> None:
    """A server that stops reading raises HcpsdkTimeoutError (contract 4.5)."""

    def handler(peer: Peer) -> None:
        peer.read_head()
        assert over.wait(30)

    over = threading.Event()
    connection = connect(raw_server(handler), timeout=0.1)
    content = b"x" * 40_000_000
    headers = {"Transfer-Encoding": "chunked"} if kind == "chunked" else None
    body = (content for _ in range(1)) if kind == "generator" else content

    with pytest.raises(hcpsdk.HcpsdkTimeoutError):
        connection.PUT("/rest/a", body, headers=headers)

    assert connection.attempts == 1
    over.set()


def test_slow_answer_is_no_time_limit(raw_server: StartServer, connect: Connect) -> None:
    """A transfer may last longer than the limit, which is for each step (contract 4.5)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        for number in range(len(data)):
            peer.send(data[number : number + 1])
            assert not never.wait(0.02)
        peer.wait_for_close()

    data, never = answer(b"x"), threading.Event()
    connection = connect(raw_server(handler), timeout=0.5)

    assert connection.GET("/rest/a").read() == b"x"
    assert connection.service_time2 > 0.5


@pytest.mark.parametrize("fault", [stall, stall_within_the_head])
@pytest.mark.parametrize("verb", ["GET", "PUT", "POST", "DELETE", "HEAD"])
def test_headers(raw_server: StartServer, connect: Connect, verb: str, fault: Any) -> None:
    """Headers that do not come raise HcpsdkTimeoutError; the next request works (contract 4.5,
    4.6)."""
    server = raw_server(in_turn(fault, answering(answer(b"next"))))
    connection = connect(server, timeout=0.5)

    with pytest.raises(hcpsdk.HcpsdkTimeoutError) as caught:
        getattr(connection, verb)("/rest/a")

    assert isinstance(caught.value, hcpsdk.HcpsdkError)
    assert connection.GET("/rest/b").read() == b"next"


@pytest.mark.parametrize("data", [answer(b"abcdef")[:-3], chunked_answer(b"abc", b"def")[:-5]])
@pytest.mark.parametrize(
    "read",
    [
        lambda c, r: c.read(),
        lambda c, r: [c.read(2) for _ in range(9)],
        lambda c, r: r.read(),
        lambda c, r: [r.read1(2) for _ in range(9)],
        lambda c, r: r.readinto(bytearray(99)),
        lambda c, r: r.readline(),
        lambda c, r: list(r),
    ],
)
def test_body(raw_server: StartServer, connect: Connect, data: Any, read: Any) -> None:
    """A body that stalls raises HcpsdkTimeoutError from every way of reading (contract 4.5,
    3.6)."""

    def fault(peer: Peer) -> None:
        peer.read_request()
        peer.send(data)
        peer.wait_for_close()

    server = raw_server(in_turn(fault, answering(answer(b"next"))))
    connection = connect(server, timeout=0.5)
    response = connection.GET("/rest/a")

    with pytest.raises(hcpsdk.HcpsdkTimeoutError, match="GET /rest/a"):
        read(connection, response)

    assert connection.response is None
    for again in (connection.read, response.read):
        with pytest.raises(hcpsdk.HcpsdkError):
            again()
    server.wait_for_finished(1)  # although the response is still held
    assert connection.GET("/rest/b").read() == b"next"


@pytest.mark.parametrize("verb", ["PUT", "POST", "DELETE"])
def test_clean_up(raw_server: StartServer, connect: Connect, verb: str) -> None:
    """A body that stalls while a verb reads it raises HcpsdkTimeoutError (contract 4.5, 4.3)."""

    def fault(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer(b"abc")[:-1])
        peer.wait_for_close()

    server = raw_server(in_turn(fault, fault, answering(answer(b"next"))))
    connection = connect(server, timeout=0.5, retries=1)

    with pytest.raises(hcpsdk.HcpsdkTimeoutError):
        getattr(connection, verb)("/rest/a")

    assert connection.attempts == 2
    assert connection.GET("/rest/b").read() == b"next"


def test_time_limit_on_a_kept_alive_socket(raw_server: StartServer, connect: Connect) -> None:
    """A time limit is no race with the server's close: no free resend (contract 4.2, 4.5)."""

    def first(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        stall(peer)

    server = raw_server(in_turn(first, answering(OK)))
    connection = connect(server, timeout=0.5)
    connection.GET("/rest/a")

    with pytest.raises(hcpsdk.HcpsdkTimeoutError):
        connection.PUT("/rest/a", b"abc")

    assert connection.attempts == 1


def test_no_time_limit(raw_server: StartServer, connect: Connect) -> None:
    """``timeout=None`` waits (manual 4.2) (contract 4.5)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        assert not hurry.wait(0.2)
        peer.send(answer(b"x"))

    hurry = threading.Event()
    connection = connect(raw_server(handler), timeout=None)

    assert connection.GET("/rest/a").read() == b"x"


# What comes byte by byte

DRIPS = 500  # pieces after which a server gives up: then the client has waited for too long
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SLOW = {
    "status line": (b"HTTP/1.1 200 ", b"y"),
    "plain head": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "other head": (b"HTTP/1.0 200 OK\r\n", b"X: y\r\n"),
    "header line": (b"HTTP/1.0 200 OK\r\nX: ", b"y"),
    "interim responses": (b"", b"HTTP/1.1 100 Continue\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n\r\n"),
    "size of a chunk": (CHUNKED_HEAD + b"1\r\nz\r\n", b"0"),
    "chunk extension": (CHUNKED_HEAD + b"5;", b"y"),
    "trailers": (CHUNKED_HEAD + b"0\r\n", b"X: y\r\n"),
    "trailer": (CHUNKED_HEAD + b"0\r\nX: ", b"y"),
}


class Dripping:
    """Sends a start to the first request, and then bytes one by one; responds to all others."""

    def __init__(self, start: bytes, cycle: bytes) -> None:
        self.start = start
        self.cycle = cycle
        self.gave_up = False  # True if the client waited for all of them

    def __call__(self, peer: Peer) -> None:
        peer.read_request()
        if peer.number:
            peer.send(OK)
            peer.wait_for_close()
            return
        never = threading.Event()
        with contextlib.suppress(OSError):  # the client has closed
            peer.send(self.start)
            for number in range(DRIPS):
                place = number % len(self.cycle)
                peer.send(self.cycle[place : place + 1])
                never.wait(0.02)
            self.gave_up = True


@pytest.mark.parametrize("kind", SLOW)
@pytest.mark.parametrize("verb", ["GET", "PUT"])
def test_slow_lines(
    raw_server: StartServer,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    verb: str,
) -> None:
    """A line around the body that comes byte by byte takes a few time limits at most, not as many
    as it has bytes (contract 3.6, 4.5)."""
    monkeypatch.setattr(streams, "MAX_TIMEOUTS", 2)
    dripping = Dripping(*SLOW[kind])
    connection = connect(raw_server(dripping), timeout=0.4)
    with pytest.raises(hcpsdk.HcpsdkTimeoutError):
        getattr(connection, verb)("/rest/a").read()

    assert not dripping.gave_up
    assert connection.GET("/rest/b").status == 200


@pytest.mark.parametrize(
    ("start", "cycle"),
    [
        SLOW["trailers"],
        SLOW["trailer"],
        (CHUNKED_HEAD + b"5;", b"y"),
        (CHUNKED_HEAD, b"1\r\nz\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"y"),
    ],
    ids=["trailers", "trailer", "extension", "chunks", "body"],
)
def test_slow_drain(
    raw_server: StartServer,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    start: bytes,
    cycle: bytes,
) -> None:
    """What is left of a body holds up the next request for no longer than a new connection would
    (contract 3.5)."""
    monkeypatch.setattr(_socket, "MAX_DRAIN_SECONDS", 0.3)
    dripping = Dripping(start, cycle)
    connection = connect(raw_server(dripping))
    connection.GET("/rest/a")

    assert connection.GET("/rest/b").status == 200
    assert not dripping.gave_up


def test_slow_tls_handshake(
    raw_server: StartServer, authorization: hcpsdk.NativeAuthorization, loopback: str
) -> None:
    """The time limit is for all of a handshake together (contract 4.5)."""

    def handler(peer: Peer) -> None:
        peer.read_some()
        never = threading.Event()
        with contextlib.suppress(OSError):
            peer.send(b"\x16\x03\x03\x20\x00\x02\x00\x1f\xfc")  # a ServerHello of 8 KB begins
            for _ in range(DRIPS):
                peer.send(b"\0")
                never.wait(0.02)
            gave_up.set()

    gave_up = threading.Event()
    raw_server(handler, loopback, 8000)
    target = hcpsdk.Target(loopback, authorization, port=8000)
    with (
        hcpsdk.Connection(target, timeout=0.4) as connection,
        pytest.raises(hcpsdk.HcpsdkTimeoutError),
    ):
        connection.GET("/rest/a")
    assert not gave_up.is_set()


def test_slow_body_goes_on(raw_server: StartServer, connect: Connect) -> None:
    """A body may take as long as it likes, as long as it comes (contract 4.5)."""
    body = b"y" * 40
    data = CHUNKED_HEAD + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"

    def handler(peer: Peer) -> None:
        peer.read_request()
        for place in range(0, len(data), 6):
            peer.send(data[place : place + 6])
            assert not never.wait(0.02)
        peer.wait_for_close()

    never = threading.Event()
    connection = connect(raw_server(handler), timeout=0.5)
    assert connection.GET("/rest/a").read() == body
    assert connection.service_time2 > 0.5
