"""Failures, and what is done about them: may it have acted, can it be sent again, is one left?"""

import contextlib
import io
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hcpsdk
from hcpsdk import ips

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

VERBS = ["GET", "HEAD", "PUT", "DELETE", "POST"]
IDEMPOTENT = ["GET", "HEAD", "PUT", "DELETE"]


def call(connection: hcpsdk.Connection, verb: Any, body: Any = None, url: Any = "/rest/a") -> Any:
    """*verb* with *body*, which GET, HEAD, DELETE take through `request()` only."""
    if verb == "PUT":
        return connection.PUT(url, body)
    if verb == "POST":
        return connection.POST(url, body=body)
    if body is not None:
        return connection.request(verb, url, body)
    return getattr(connection, verb)(url)


# What a server may do to a request. Each reads some of it, and gives no whole answer.


def hang_up_at_once(peer: Peer) -> None:
    """Nothing is read: a reset where the request has come already."""
    peer.close()


def hang_up_after_the_request(peer: Peer) -> None:
    peer.read_request()


def reset_after_the_request(peer: Peer) -> None:
    peer.read_request()
    peer.reset()


def hang_up_within_the_head(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 O")


def hang_up_between_headers(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n")


def answer_garbage(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"gar\0bage\r\n\r\n")


def stall(peer: Peer) -> None:
    peer.read_request()
    with contextlib.suppress(ConnectionError):
        peer.wait_for_close()


def hang_up_within_the_body(peer: Peer) -> None:
    peer.read_request()
    peer.send(answer(b"abc")[:-1])


def hang_up_within_a_chunk(peer: Peer) -> None:
    peer.read_request()
    peer.send(chunked_answer(b"abc")[:-8])


FAULTS = [
    hang_up_at_once,
    hang_up_after_the_request,
    reset_after_the_request,
    hang_up_within_the_head,
    hang_up_between_headers,
    answer_garbage,
    stall,
]
CLEAN_UP_FAULTS = [hang_up_within_the_body, hang_up_within_a_chunk]

BODY = b"head" + b"0123456789" * 20_000
WHOLE = BODY[4:]


@contextlib.contextmanager
def body_of(kind: Any, tmp_path: Path) -> Iterator[Any]:
    """A body that holds WHOLE from where it stands."""
    if kind == "none":
        yield None
    elif kind == "bytes":
        yield WHOLE
    elif kind == "str":
        yield WHOLE.decode()
    elif kind == "list":
        yield [WHOLE[:10], WHOLE[10:]]
    elif kind == "BytesIO":
        memory = io.BytesIO(BODY)
        memory.seek(4)
        yield memory
    elif kind in ("file", "unbuffered", "text file"):
        (tmp_path / "body").write_bytes(BODY)
        mode = "r" if kind == "text file" else "rb"
        with (tmp_path / "body").open(mode, buffering=0 if kind == "unbuffered" else -1) as file:
            file.read(4)
            yield file
    else:
        assert kind == "generator"
        yield (WHOLE[start : start + 50_000] for start in range(0, len(WHOLE), 50_000))


REWINDABLE = ["none", "bytes", "str", "list", "BytesIO", "file", "unbuffered", "text file"]


# 4.3: after the request was sent


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("verb", VERBS)
def test_no_retries(raw_server: StartServer, connect: Connect, verb: str, fault: Any) -> None:
    """With ``retries=0`` a request that was sent on a fresh socket is not sent again (contract
    4.3)."""
    server = raw_server(in_turn(fault, answering(answer(b"next"))))
    connection = connect(server, timeout=0.5 if fault is stall else 30)

    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        call(connection, verb)

    assert isinstance(caught.value, hcpsdk.HcpsdkTimeoutError) == (fault is stall)
    assert connection.attempts == 1
    assert connection.response is None
    server.wait_for_finished(1)
    assert len(server.peers) == 1
    assert connection.GET("/rest/b").read() == b"next"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("verb", VERBS)
def test_retries(raw_server: StartServer, connect: Connect, verb: str, fault: Any) -> None:
    """Up to *retries* further attempts, for every method (contract 4.3)."""
    server = raw_server(in_turn(fault, fault, answering(answer(b"" if verb == "HEAD" else b"x"))))
    connection = connect(server, retries=2, timeout=0.5 if fault is stall else 30)

    response = call(connection, verb)

    assert response.status == 200
    assert response.read() == (b"" if verb == "HEAD" else b"x")
    assert connection.attempts == 3


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("retries", [1, 3])
def test_retries_used_up(
    raw_server: StartServer, connect: Connect, fault: Any, retries: int
) -> None:
    """Not one attempt more than promised, and then a clear exception (contract 4.3, 4.5)."""
    server = raw_server(in_turn(*[fault] * (retries + 1), answering(answer(b"next"))))
    connection = connect(server, retries=retries, timeout=0.5 if fault is stall else 30)

    with pytest.raises(hcpsdk.HcpsdkError, match=f"after {retries + 1} attempts"):
        connection.PUT("/rest/a", b"abc")

    assert connection.attempts == retries + 1
    server.wait_for_finished(retries + 1)
    assert connection.GET("/rest/b").read() == b"next"


@pytest.mark.parametrize("kind", REWINDABLE)
@pytest.mark.parametrize(
    "fault", [hang_up_after_the_request, hang_up_at_once, hang_up_within_the_head]
)
def test_body_is_rewound(
    raw_server: StartServer, connect: Connect, tmp_path: Path, kind: Any, fault: Any
) -> None:
    """Each attempt sends the whole body, from where it stood at the call (contract 4.3)."""
    server = raw_server(in_turn(fault, fault, answering(OK)))
    connection = connect(server, retries=2)

    with body_of(kind, tmp_path) as body:
        connection.PUT("/rest/a", body)

    assert connection.attempts == 3
    expected = b"" if kind == "none" else WHOLE
    assert {request.body for request in server.requests} == {expected}
    assert server.peers[2].requests


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("fault", FAULTS)
def test_body_that_cannot_be_rewound(
    raw_server: StartServer, connect: Connect, tmp_path: Path, verb: str, fault: Any
) -> None:
    """A generator is never sent twice, and the error says that this is why (contract 4.3)."""
    server = raw_server(in_turn(fault, answering(answer(b"next"))))
    connection = connect(server, retries=5, timeout=0.5 if fault is stall else 30)

    with (
        body_of("generator", tmp_path) as body,
        pytest.raises(hcpsdk.HcpsdkError, match="cannot be rewound"),
    ):
        call(connection, verb, body)

    assert connection.attempts == 1
    assert connection.GET("/rest/b").read() == b"next"
    assert len(server.peers) == 2


@pytest.mark.parametrize("kind", ["iterator", "iterable over one iterator", "iterable over a file"])
def test_iterables_that_are_spent(raw_server: StartServer, connect: Connect, kind: Any) -> None:
    """No attempt ever sends less than the whole body, whatever the iterable (contract 4.3)."""

    class Iterable:
        def __init__(self) -> None:
            self.pieces = iter([WHOLE[:10], WHOLE[10:]])

        def __iter__(self) -> Any:
            if kind == "iterable over one iterator":
                return self.pieces
            return (piece for piece in self.pieces)

    complete = []

    def handler(peer: Peer) -> None:
        with contextlib.suppress(Exception):
            complete.append(peer.read_request().body)
        if peer.number:
            peer.send(answer(b"", "201 Created"))

    connection = connect(raw_server(handler), retries=2)
    with contextlib.suppress(hcpsdk.HcpsdkError):
        connection.PUT("/rest/a", iter([WHOLE]) if kind == "iterator" else Iterable())

    assert set(complete) <= {WHOLE}


@pytest.mark.parametrize("fault", CLEAN_UP_FAULTS)
@pytest.mark.parametrize("verb", ["PUT", "DELETE", "POST"])
def test_clean_up_that_fails(
    raw_server: StartServer, connect: Connect, verb: str, fault: Any
) -> None:
    """A verb whose clean-up read fails is retried like any other failure (contract 4.3)."""
    server = raw_server(in_turn(fault, answering(answer(b"abc", "201 Created"))))
    connection = connect(server, retries=1)

    assert call(connection, verb).status == 201
    assert connection.read() == b"abc"
    assert connection.attempts == 2


@pytest.mark.parametrize("fault", CLEAN_UP_FAULTS)
@pytest.mark.parametrize("verb", ["PUT", "DELETE", "POST"])
def test_clean_up_that_fails_for_good(
    raw_server: StartServer, connect: Connect, verb: str, fault: Any
) -> None:
    """A status that came does not make a success of a failed clean-up (contract 4.3, 1.8)."""
    server = raw_server(in_turn(fault, answering(answer(b"next"))))
    connection = connect(server)

    with pytest.raises(hcpsdk.HcpsdkError):
        call(connection, verb)

    assert connection.response_status is None
    assert connection.GET("/rest/b").read() == b"next"


def test_get_is_not_retried_while_it_is_read(raw_server: StartServer, connect: Connect) -> None:
    """What breaks while the caller reads is the caller's: part of it is delivered (contract 3.6,
    4.3)."""
    server = raw_server(in_turn(hang_up_within_the_body, answering(answer(b"next"))))
    connection = connect(server, retries=3)
    connection.GET("/rest/a")

    with pytest.raises(hcpsdk.HcpsdkError):
        connection.read()

    assert connection.attempts == 1
    assert connection.GET("/rest/b").read() == b"next"


# 4.2: kept-alive sockets


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", ["bytes", "generator"])
@pytest.mark.parametrize("ending", ["close", "reset"])
def test_closed_while_idle(
    raw_server: StartServer, connect: Connect, tmp_path: Path, verb: str, kind: Any, ending: Any
) -> None:
    """A kept-alive socket that was closed meanwhile is replaced, at no cost at all (contract
    4.2)."""

    def first(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        if ending == "reset":
            peer.reset()

    server = raw_server(in_turn(first, answering(answer(b""))))
    connection = connect(server, retries=0)
    connection.PUT("/rest/first", b"abc")
    server.wait_for_finished(1)

    with body_of(kind, tmp_path) as body:
        call(connection, verb, body)

    assert connection.attempts == 1
    assert server.requests[-1].body == WHOLE
    assert len(server.requests) == 2


# The race: the server closes when the request is already on its way.


def close_after_reading(peer: Peer) -> None:
    peer.read_request()


def reset_after_reading(peer: Peer) -> None:
    peer.read_request()
    peer.reset()


RACES = [close_after_reading, reset_after_reading]


@pytest.mark.parametrize("race", RACES)
@pytest.mark.parametrize("verb", IDEMPOTENT)
@pytest.mark.parametrize("retries", [0, 1])
def test_race_is_resent(
    raw_server: StartServer, connect: Connect, verb: str, race: Any, retries: int
) -> None:
    """GET, HEAD, PUT, DELETE are sent once more without a retry (contract 4.2)."""

    def first(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        race(peer)

    server = raw_server(in_turn(first, answering(answer(b""))))
    connection = connect(server, retries=retries)
    connection.GET("/rest/first")

    assert call(connection, verb).status == 200
    assert connection.attempts == 2
    assert len(server.requests) == 3


@pytest.mark.parametrize("kind", REWINDABLE)
@pytest.mark.parametrize("race", RACES)
def test_race_rewinds_the_body(
    raw_server: StartServer, connect: Connect, tmp_path: Path, kind: Any, race: Any
) -> None:
    """The free resend sends the body from its beginning (contract 4.2)."""

    def first(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        race(peer)

    server = raw_server(in_turn(first, answering(OK)))
    connection = connect(server)
    connection.GET("/rest/first")

    with body_of(kind, tmp_path) as body:
        connection.PUT("/rest/a", body)

    expected = b"" if kind == "none" else WHOLE
    assert [request.body for request in server.requests] == [b"", expected, expected]


@pytest.mark.parametrize("race", RACES)
def test_race_with_a_generator(
    raw_server: StartServer, connect: Connect, tmp_path: Path, race: Any
) -> None:
    """A body that is spent is not resent, the error says why (contract 4.2, 4.3)."""

    def first(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        race(peer)

    server = raw_server(in_turn(first, answering(answer(b"next"))))
    connection = connect(server, retries=1)
    connection.GET("/rest/first")

    with (
        body_of("generator", tmp_path) as body,
        pytest.raises(hcpsdk.HcpsdkError, match="cannot be rewound"),
    ):
        connection.PUT("/rest/a", body)

    assert connection.attempts == 1
    assert connection.GET("/rest/b").read() == b"next"


@pytest.mark.parametrize("race", RACES)
def test_race_of_a_post(raw_server: StartServer, connect: Connect, race: Any) -> None:
    """POST is not sent again without a retry (contract 4.2)."""

    def first(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        race(peer)

    server = raw_server(in_turn(first, answering(answer(b"next"))))
    connection = connect(server)
    connection.GET("/rest/first")

    with pytest.raises(hcpsdk.HcpsdkError):
        connection.POST("/rest/a")

    assert connection.attempts == 1
    assert [request.method for request in server.requests] == ["GET", "POST"]
    assert connection.GET("/rest/b").read() == b"next"


@pytest.mark.parametrize("race", RACES)
def test_race_of_a_post_with_retries(raw_server: StartServer, connect: Connect, race: Any) -> None:
    """POST is sent again as a retry (contract 4.2, 4.3)."""

    def first(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        race(peer)

    server = raw_server(in_turn(first, hang_up_after_the_request, answering(OK)))
    connection = connect(server, retries=1)
    connection.GET("/rest/first")

    with pytest.raises(hcpsdk.HcpsdkError):
        connection.POST("/rest/a")

    assert connection.attempts == 2  # one retry, and no free one besides


def test_race_is_resent_once_only(raw_server: StartServer, connect: Connect) -> None:
    """A socket that was never used before costs an attempt: one free resend only (contract 4.2)."""

    def first(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        peer.read_request()

    server = raw_server(
        in_turn(first, hang_up_after_the_request, hang_up_after_the_request, answering(OK))
    )
    connection = connect(server, retries=1)
    connection.GET("/rest/first")

    with pytest.raises(hcpsdk.HcpsdkError):
        connection.PUT("/rest/a", b"abc")

    assert connection.attempts == 3  # on the kept socket, resent, and one retry


@pytest.mark.parametrize("ending", ["close", "reset"])
@pytest.mark.parametrize("start", [b"H", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\n"])
@pytest.mark.parametrize("verb", IDEMPOTENT)
def test_no_resend_after_a_byte_of_the_answer(
    raw_server: StartServer, connect: Connect, verb: str, start: Any, ending: Any
) -> None:
    """If a byte of an answer came, the server may have acted: no free resend (contract 4.2)."""

    def first(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        peer.read_request()
        peer.send(start)
        if ending == "reset":
            peer.reset()

    server = raw_server(in_turn(first, answering(OK)))
    connection = connect(server)
    connection.GET("/rest/first")

    with pytest.raises(hcpsdk.HcpsdkError):
        call(connection, verb)

    assert connection.attempts == 1


def test_stale_socket_costs_no_retry(raw_server: StartServer, connect: Connect) -> None:
    """However often it happens, idle sockets that were closed use up nothing (contract 4.2)."""

    def once(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer(b"x"))

    server = raw_server(once)
    connection = connect(server)
    for count in range(1, 20):
        assert connection.GET("/rest/a").read() == b"x"
        assert connection.attempts == 1
        server.wait_for_finished(count)


def test_session_tickets_are_no_end(
    raw_server: StartServer,
    authorization: hcpsdk.NativeAuthorization,
    loopback: str,
    tls_context: ssl.SSLContext,
) -> None:
    """Readable is not end-of-file: with TLS tickets pending the socket is kept (contract 4.2)."""
    server = raw_server(answering(*[answer(b"x")] * 5), loopback, 8000, tls_context)
    target = hcpsdk.Target(loopback, authorization, port=8000)
    with hcpsdk.Connection(target) as connection:
        for _ in range(5):
            assert connection.GET("/rest/a").read() == b"x"

    assert len(server.peers) == 1


@pytest.mark.parametrize("verb", IDEMPOTENT)
def test_race_under_tls(
    raw_server: StartServer,
    authorization: hcpsdk.NativeAuthorization,
    loopback: str,
    tls_context: ssl.SSLContext,
    verb: str,
) -> None:
    """The same under TLS: a close that races is resent, one before it costs nothing (contract
    4.2)."""

    def first(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        peer.read_request()

    def second(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)

    server = raw_server(in_turn(first, second, answering(OK)), loopback, 8000, tls_context)
    target = hcpsdk.Target(loopback, authorization, port=8000)
    with hcpsdk.Connection(target) as connection:
        connection.GET("/rest/first")
        assert call(connection, verb).status == 200
        assert connection.attempts == 2
        server.wait_for_finished(2)
        assert call(connection, verb).status == 200
        assert connection.attempts == 1


# 4.1: connecting


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that makes a name resolve to the given addresses; returns the look-ups."""

    def make(*addresses: Any) -> Any:
        asked = []

        def query(fqdn: Any, cache: Any = False) -> Any:
            asked.append(fqdn)
            return ips.Response(fqdn, cache, addresses)

        monkeypatch.setattr(ips, "query", query)
        return asked

    return make


@pytest.fixture
def nodes(
    raw_server: StartServer, resolve: Any, authorization: hcpsdk.NativeAuthorization
) -> Iterator[Any]:
    """A function that starts one server per handler, on neighbouring addresses and one port.

    None in place of a handler is a node that refuses connections. Gives the servers (None, too),
    a function that makes Connections to the name of all, and the look-ups so far.
    """
    connections = []

    def make(*handlers: Any) -> Any:
        servers = []
        port = 0
        for number, handler in enumerate(handlers):
            server = None
            if handler is not None:
                server = raw_server(handler, f"127.0.0.{number + 11}", port)
                port = server.port
            servers.append(server)
        if not port:
            with socket.create_server(("127.0.0.11", 0)) as unused:
                port = unused.getsockname()[1]
        asked = resolve(*[f"127.0.0.{number + 11}" for number in range(len(handlers))])
        target = hcpsdk.Target("nodes.example.com", authorization, port=port)

        def connect(**options: Any) -> Any:
            connections.append(hcpsdk.Connection(target, **options))
            return connections[-1]

        return servers, connect, asked

    yield make
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", ["none", "generator"])
def test_refused_connections_are_passed_over(
    nodes: Any, tmp_path: Path, verb: str, kind: Any
) -> None:
    """Connecting failed: the next address is tried, without using up retries (contract 4.1)."""
    servers, connect, _ = nodes(None, None, answering(OK), None)
    connection = connect(retries=0)

    with body_of(kind, tmp_path) as body:
        assert call(connection, verb, body).status == 200

    assert connection.attempts == 1
    assert connection.address == "127.0.0.13"
    assert servers[2].requests[0].body == (b"" if body is None else WHOLE)


@pytest.mark.parametrize("retries", [0, 2])
def test_all_nodes_refuse(nodes: Any, monkeypatch: pytest.MonkeyPatch, retries: int) -> None:
    """All addresses are tried once per attempt; then the request has failed (contract 4.1, 4.7)."""
    tried = []
    real_connect = socket.socket.connect

    def recording(sock: Any, address: Any) -> None:
        tried.append(address[0])
        real_connect(sock, address)

    monkeypatch.setattr(socket.socket, "connect", recording)
    _, connect, asked = nodes(None, None, None)
    connection = connect(retries=retries)
    before = len(asked)

    with pytest.raises(hcpsdk.HcpsdkError, match="refused") as caught:
        connection.PUT("/rest/a", iter([b"abc"]))

    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert connection.attempts == 0
    assert len(tried) == 3 * (retries + 1)
    for attempt in range(retries + 1):
        assert len(set(tried[3 * attempt : 3 * attempt + 3])) == 3
    assert len(asked) > before  # the pool was refreshed


@pytest.mark.parametrize("fault", ["hang up", "garbage", "stall"])
def test_tls_broken_off(
    raw_server: StartServer,
    resolve: Any,
    authorization: hcpsdk.NativeAuthorization,
    tls_context: ssl.SSLContext,
    loopback: str,
    fault: Any,
) -> None:
    """A handshake that is broken off is a failed connect: the next address is tried (contract
    4.1)."""

    def broken(peer: Peer) -> None:
        if fault == "garbage":
            peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        if fault != "hang up":
            with contextlib.suppress(ConnectionError):
                peer.wait_for_close()

    other = loopback.rpartition(".")[0] + ".1"
    raw_server(broken, loopback, 8000)
    raw_server(answering(OK), other, 8000, tls_context)
    resolve(other, loopback)  # Target() takes the first one
    target = hcpsdk.Target("nodes.example.com", authorization, port=8000)
    with hcpsdk.Connection(target, timeout=1) as connection:
        connection.PUT("/rest/a", iter([b"abc"]))

        assert connection.address == other
        assert connection.attempts == 1


def test_next_address_after_a_failure(nodes: Any) -> None:
    """After a failure the next address is used, and the pool refreshed (contract 4.3)."""
    # Target() itself takes the first address, so the last one is the first's turn again.
    fault = in_turn(hang_up_after_the_request)
    servers, connect, asked = nodes(answering(OK), fault, fault)
    before = len(asked)
    connection = connect(retries=2)

    connection.PUT("/rest/a", b"abc")

    assert connection.attempts == 3
    assert [len(server.requests) for server in servers] == [1, 1, 1]
    assert len(asked) > before


# 4.5: what the caller is told


@pytest.mark.parametrize("fault", [hang_up_after_the_request, answer_garbage, stall])
def test_message(raw_server: StartServer, connect: Connect, fault: Any) -> None:
    """The message tells method, path, address, attempts and cause (contract 4.5)."""
    connection = connect(raw_server(fault), retries=1, timeout=0.5 if fault is stall else 30)

    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        connection.DELETE("/rest/a b", {"reason": "x"})

    reason = caught.value.reason
    assert "DELETE /rest/a%20b" in reason
    assert "127.0.0.1" in reason
    assert "2 attempts" in reason
    assert caught.value.__cause__ is not None
    assert str(caught.value.__cause__).strip().replace("\0", r"\x00") in reason
    assert "bg==" not in reason


# 4.6: afterwards


@pytest.mark.parametrize("fault", [*FAULTS[1:], *CLEAN_UP_FAULTS])
def test_socket_is_gone_after_a_failure(
    raw_server: StartServer, connect: Connect, fault: Any
) -> None:
    """After any failure the socket is gone, even while the exception is kept (contract 4.6)."""

    def handler(peer: Peer) -> None:
        fault(peer)
        if fault is not reset_after_the_request:
            with contextlib.suppress(ConnectionError):
                peer.sock.shutdown(socket.SHUT_WR)
                peer.wait_for_close()

    server = raw_server(in_turn(handler, answering(answer(b"next"))))
    connection = connect(server, timeout=0.5 if fault is stall else 30)

    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        connection.POST("/rest/a")

    server.wait_for_finished(1)
    assert caught.tb is not None
    assert connection.GET("/rest/b").read() == b"next"


@pytest.mark.parametrize("part", ["head", "body"])
def test_socket_is_gone_after_a_time_limit(
    raw_server: StartServer, connect: Connect, part: Any
) -> None:
    """The socket is gone after a time limit, even while exception and answer are kept (contract
    4.6)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer(b"abc")[: -1 if part == "body" else 9])
        peer.wait_for_close()

    server = raw_server(in_turn(handler, answering(answer(b"next"))))
    connection = connect(server, timeout=0.1)

    with pytest.raises(hcpsdk.HcpsdkTimeoutError) as caught:
        connection.POST("/rest/a")

    server.wait_for_finished(1)
    assert caught.tb is not None
    assert connection.GET("/rest/b").read() == b"next"


# 4.7: attempts


def test_attempts(raw_server: StartServer, connect: Connect) -> None:
    """`attempts` counts how often the last request was sent; 0 before the first (contract 4.7)."""
    server = raw_server(
        in_turn(hang_up_after_the_request, answering(OK, OK), hang_up_after_the_request)
    )
    connection = connect(server, retries=1)
    assert connection.attempts == 0
    connection.DELETE("/rest/a")
    assert connection.attempts == 2
    connection.DELETE("/rest/a")
    assert connection.attempts == 1
    server.close()
    connection.close()
    with pytest.raises(hcpsdk.HcpsdkError):
        connection.DELETE("/rest/a")
    assert connection.attempts == 0


class Spent:
    """Looks like a collection; is gone after one pass."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces
        self._left = iter(pieces)

    def __len__(self) -> int:
        return len(self._pieces)

    def __contains__(self, piece: object) -> bool:
        return piece in self._pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._left


def test_collection_that_is_spent(raw_server: Any, connect: Any) -> None:
    """An iterable that only looks as if it gave the same twice is never sent twice, and the error
    says why (contract 4.3)."""
    server = raw_server(in_turn(reset_after_the_request, answering(OK)))
    connection = connect(server, retries=1)
    with pytest.raises(hcpsdk.HcpsdkError, match="the request body cannot be rewound"):
        connection.PUT("/rest/a", Spent(b"some", b"pieces"))
    assert connection.attempts == 1
    assert [received.body for received in server.requests] == [b"somepieces"]
