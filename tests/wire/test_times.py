"""What is measured, by a clock that goes as it is told."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

import hcpsdk
from hcpsdk import _channel
from hcpsdk._transport import connect
from hcpsdk._transport import socket as transport_socket

from ..support.doubles import Clock
from ..support.raw_server import PATIENCE, Peer, head

NAME = "n1.m.hcp1.snomis.local"
UNMEASURED = 1e-11


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which the library measures; it has `monotonic()` and nothing else."""
    stopwatch = Clock()
    for module in (_channel, connect, transport_socket):
        if hasattr(module, "time"):
            monkeypatch.setattr(module, "time", stopwatch)
    return stopwatch


def slow_answer(stopwatch: Clock, seconds: float, answer: bytes) -> Callable[[Any], None]:
    def handler(peer: Any) -> None:
        for _ in peer.each_request():
            stopwatch.advance(seconds)
            peer.send(answer)

    return handler


EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
FULL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "POST", "DELETE"])
def test_service_time_is_until_the_headers_are_here(
    raw_server: Any, connect: Any, stopwatch: Clock, verb: str
) -> None:
    """`service_time1` of a request runs to the response headers received, on a monotonic clock
    (contract 1.7)."""
    connection = connect(raw_server(slow_answer(stopwatch, 7.0, EMPTY)))
    getattr(connection, verb)("/rest/a")
    assert connection.service_time1 == 7.0
    assert connection.service_time2 == 7.0
    stopwatch.advance(100.0)
    assert connection.service_time1 == 7.0


def test_connect_time_covers_tcp_and_tls(
    tls_node: Any, names: Any, authorization: Any, stopwatch: Clock, monkeypatch: Any
) -> None:
    """`connect_time` covers TCP connect and TLS handshake, and they are not part of
    `service_time1`, which runs from the first byte sent (contract 1.7)."""
    node = tls_node(NAME, handler=slow_answer(stopwatch, 7.0, EMPTY))
    note = node.context.sni_callback

    def slow_handshake(*args: Any) -> None:
        stopwatch.advance(5.0)
        note(*args)

    node.context.sni_callback = slow_handshake
    real_connect = socket.socket.connect

    def slow_connect(sock: socket.socket, address: Any) -> None:
        stopwatch.advance(3.0)
        real_connect(sock, address)

    monkeypatch.setattr(socket.socket, "connect", slow_connect)
    names.set(NAME, [node.address])
    with hcpsdk.Connection(hcpsdk.Target(NAME, authorization, node.port)) as connection:
        connection.PUT("/rest/a", b"data")
        assert connection.connect_time == 8.0
        assert connection.service_time1 == 7.0
        connection.PUT("/rest/a", b"data")
        assert connection.connect_time == 8.0  # the last connect's; there was no other


def test_service_time_begins_with_the_first_byte_sent(
    raw_server: Any, connect: Any, stopwatch: Clock
) -> None:
    """`service_time1` runs from the first byte sent: what the caller's body takes before that is
    not HCP's time; what it takes later is part of the transfer (contract 1.7)."""

    def body() -> Any:
        stopwatch.advance(100.0)
        yield b"first"
        stopwatch.advance(20.0)
        yield b"second"

    connection = connect(raw_server(slow_answer(stopwatch, 7.0, EMPTY)))
    connection.PUT("/rest/a", body())
    assert connection.service_time1 == 27.0


def test_each_read_is_measured(raw_server: Any, connect: Any, stopwatch: Clock) -> None:
    """`service_time1` of a read is that read's; `service_time2` the sum over one request
    (contract 1.7)."""
    looks: list[int] = []
    proceed = threading.Semaphore(0)

    def handler(peer: Any) -> None:
        for _ in peer.each_request():
            stopwatch.advance(7.0)
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
            for seconds in (11.0, 13.0):
                assert proceed.acquire(timeout=PATIENCE)
                stopwatch.wait_for_look(looks[-1])  # the read has begun
                stopwatch.advance(seconds)
                peer.send(b"half")

    connection = connect(raw_server(handler))
    for _ in range(2):
        connection.GET("/rest/a")
        assert (connection.service_time1, connection.service_time2) == (7.0, 7.0)
        for seconds, total in ((11.0, 18.0), (13.0, 31.0)):
            looks.append(stopwatch.looks)
            proceed.release()
            assert connection.read(4) == b"half"
            assert connection.service_time1 == seconds
            assert connection.service_time2 == total


@pytest.mark.parametrize("verb", ["PUT", "POST", "DELETE"])
def test_clean_up_reads_are_part_of_the_sum(
    raw_server: Any, connect: Any, stopwatch: Clock, verb: str
) -> None:
    """`service_time2` is the sum over one request, clean-up reads included (contract 1.7)."""
    stopwatch.step = 1.0
    connection = connect(raw_server(slow_answer(stopwatch, 0.0, FULL)))
    getattr(connection, verb)("/rest/a")
    assert connection.service_time2 > connection.service_time1 > UNMEASURED


def test_a_new_request_starts_a_new_sum(raw_server: Any, connect: Any, stopwatch: Clock) -> None:
    """`service_time2` is about one request, not about those before it (contract 1.7)."""
    connection = connect(raw_server(slow_answer(stopwatch, 7.0, FULL)))
    for _ in range(3):
        connection.PUT("/rest/a", b"data")
        assert connection.service_time2 == 7.0


def test_times_are_never_zero(raw_server: Any, connect: Any, stopwatch: Clock) -> None:
    """Never zero, so that they can be divided by, even where the clock does not move
    (contract 1.7)."""
    connection = connect(raw_server(slow_answer(stopwatch, 0.0, FULL)))
    connection.PUT("/rest/a", b"data")
    connection.GET("/rest/a")
    connection.read()
    for seconds in (connection.connect_time, connection.service_time1, connection.service_time2):
        assert isinstance(seconds, float)
        assert seconds > 0


def test_times_of_a_failed_request(raw_server: Any, connect: Any, stopwatch: Clock) -> None:
    """After a request that failed no time is the one of an earlier request (contract 1.7, 1.8)."""

    def once(peer: Any) -> None:
        if peer.read_request() and not peer.number:
            stopwatch.advance(7.0)
            peer.send(FULL.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"))

    connection = connect(raw_server(once))
    connection.PUT("/rest/a", b"data")
    assert connection.service_time2 == 7.0
    with pytest.raises(hcpsdk.HcpsdkError):
        connection.PUT("/rest/a", b"data")
    assert connection.service_time1 == UNMEASURED
    assert connection.service_time2 == UNMEASURED


# 1.8 No answer after a failure


def hang_up_after_one(peer: Any) -> None:
    if peer.read_request() and not peer.number:
        peer.send(
            b"HTTP/1.1 201 Created\r\nX-A: b\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody"
        )


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "POST", "DELETE"])
def test_no_answer_after_a_failure(raw_server: Any, connect: Any, verb: str) -> None:
    """After a request that failed there is no answer, least of all an earlier one's
    (contract 1.8)."""
    connection = connect(raw_server(hang_up_after_one))
    first = connection.PUT("/rest/a", b"data")
    assert (connection.response_status, connection.response_reason) == (201, "Created")
    assert connection.Response is connection.response is first
    with pytest.raises(hcpsdk.HcpsdkError):
        getattr(connection, verb)("/rest/a")
    assert connection.response_status is None
    assert connection.response_reason is None
    assert connection.Response is None
    for ask in (
        lambda: connection.getheader("X-A"),
        lambda: connection.getheader("X-A", "default"),
        connection.getheaders,
        connection.read,
        lambda: connection.read(1),
    ):
        with pytest.raises(hcpsdk.HcpsdkError):
            ask()


def test_no_answer_where_no_node_could_be_connected_to(
    cluster: Any, names: Any, authorization: Any
) -> None:
    """A request that could not be sent does not show the answer of an earlier one
    (contract 1.8)."""
    nodes = cluster(2)
    names.set(NAME, nodes.addresses)
    with hcpsdk.Connection(hcpsdk.Target(NAME, authorization, nodes.port)) as connection:
        assert connection.PUT("/rest/a", b"data").status == 200
        nodes.kill(0, 1)
        with pytest.raises(hcpsdk.HcpsdkError):
            connection.PUT("/rest/a", b"data")
        assert connection.response_status is None
        assert connection.Response is None
        with pytest.raises(hcpsdk.HcpsdkError):
            connection.getheaders()


def test_headers_handed_out_are_copies(raw_server: Any, connect: Any) -> None:
    """Lists handed out are copies (contract 1.5)."""
    connection = connect(raw_server(hang_up_after_one))
    connection.PUT("/rest/a", b"data")
    before = connection.getheaders()
    connection.getheaders().clear()
    assert connection.getheaders() == before
    assert ("X-A", "b") in before


@pytest.mark.parametrize("wrong", ["5", b"5", [5], 1.5, object()])
def test_wrong_sizes_of_reads(raw_server: Any, connect: Any, wrong: Any) -> None:
    """A wrong type in a call raises TypeError or ValueError (contract 1.4)."""
    connection = connect(raw_server(slow_answer(Clock(), 0, FULL)))
    connection.GET("/rest/a")
    with pytest.raises((TypeError, ValueError)):
        connection.read(wrong)
    connection.PUT("/rest/a")
    with pytest.raises((TypeError, ValueError)):
        connection.read(wrong)


@pytest.mark.parametrize("wrong", [5, None, b"X-A", ["X-A"]])
def test_wrong_names_of_headers(raw_server: Any, connect: Any, wrong: Any) -> None:
    """A wrong type in a call raises TypeError or ValueError (contract 1.4)."""
    connection = connect(raw_server(hang_up_after_one))
    connection.PUT("/rest/a", b"data")
    with pytest.raises((TypeError, ValueError)):
        connection.getheader(wrong)


def test_late_end_of_an_empty_clean_up_counts(
    raw_server: Any, connect: Any, head_was_read: Any, stopwatch: Clock
) -> None:
    """`service_time2` covers the clean-up read also where nothing but the end of the body was to
    come, late (contract 1.7)."""
    waited = 40.0
    looks: list[int] = []
    head_was_read.before = lambda: looks.append(stopwatch.looks)

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(head("Transfer-Encoding: chunked"))
        assert head_was_read.wait(PATIENCE)
        stopwatch.wait_for_look(looks[0])  # the clean-up begins
        stopwatch.advance(waited)
        peer.send(b"0\r\n\r\n")
        peer.wait_for_close()

    connection = connect(raw_server(handler))
    connection.PUT("/rest/a", b"body")
    assert connection.service_time2 >= waited
    assert connection.service_time2 > connection.service_time1
