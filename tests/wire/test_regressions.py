"""Defects that were once here and were mended, those that show on a socket."""

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import hcpsdk
from hcpsdk import _channel

from .conftest import TLS_PORT
from .raw import OK, PATIENCE, Peer, answer, answering, chunked_answer, in_turn

URL = "/rest/object"


def head(*lines: str, status: str = "200 OK") -> bytes:
    """The head of an answer, with exactly these header lines."""
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")


def reset_now(peer: Peer) -> None:
    """Read a request, and reset the connection."""
    peer.read_request()
    peer.reset()


def request(connection: hcpsdk.Connection, method: str) -> Any:
    """A request by the verb of that name."""
    return getattr(connection, method)(URL)


@pytest.fixture
def head_was_read() -> Iterator[threading.Event]:
    """Is set whenever the head of an answer was read, before its body is."""
    event = threading.Event()

    class Watcher(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "Request for" in record.getMessage():
                event.set()

    logger = logging.getLogger("hcpsdk.Connection")
    level, watcher = logger.level, Watcher()
    logger.addHandler(watcher)
    logger.setLevel(logging.DEBUG)
    yield event
    logger.setLevel(level)
    logger.removeHandler(watcher)


class Stopwatch:
    """Stands in for `time` where the library measures; `step` passes with each look at it."""

    def __init__(self, step: float = 0.0) -> None:
        self._now = 1000.0
        self._step = step
        self._lock = threading.Lock()  # guards _now
        self.was_looked_at = threading.Event()

    def monotonic(self) -> float:
        with self._lock:
            self._now += self._step
            self.was_looked_at.set()
            return self._now

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds


# 3.5, 4.3 Clean-up reads that fail


@pytest.mark.parametrize("is_kept", [False, True], ids=["fresh", "kept"])
@pytest.mark.parametrize("verb", ["PUT", "POST", "DELETE"])
def test_clean_up_that_is_reset(
    raw_server: Any, connect: Any, head_was_read: threading.Event, verb: str, is_kept: bool
) -> None:
    """A verb whose clean-up read fails has failed after a byte of the answer came: without retries
    it is sent once, on a fresh socket and on one that was kept (contract 4.2, 4.3)."""

    def handler(peer: Peer) -> None:
        if is_kept:
            peer.read_request()
            peer.send(OK)
        peer.read_request()
        head_was_read.clear()
        peer.send(head("Content-Length: 100"))
        assert head_was_read.wait(PATIENCE)
        peer.reset()

    server = raw_server(in_turn(handler, answering(OK)))
    connection = connect(server)
    if is_kept:
        request(connection, verb)
    with pytest.raises(hcpsdk.HcpsdkError):
        request(connection, verb)
    assert connection.attempts == 1
    assert len(server.requests) == 1 + is_kept
    assert len(server.peers) == 1
    assert request(connection, "HEAD").status == 200


def test_late_end_of_an_empty_clean_up_counts(
    raw_server: Any, connect: Any, head_was_read: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`service_time2` covers the clean-up read also where nothing but the end of the body was to
    come, late (contract 1.7)."""
    stopwatch = Stopwatch()
    monkeypatch.setattr(_channel, "time", stopwatch)
    waited = 40.0

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(head("Transfer-Encoding: chunked"))
        assert head_was_read.wait(PATIENCE)
        assert stopwatch.was_looked_at.wait(PATIENCE)  # the clean-up begins
        stopwatch.advance(waited)
        peer.send(b"0\r\n\r\n")
        peer.wait_for_close()

    connection = connect(raw_server(handler))
    connection.PUT(URL, b"body")
    assert connection.service_time2 >= waited
    assert connection.service_time2 > connection.service_time1


# 3.4, 4.3 Bodies


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
    server = raw_server(in_turn(reset_now, answering(OK)))
    connection = connect(server, retries=1)
    with pytest.raises(hcpsdk.HcpsdkError, match="body cannot be rewound"):
        connection.PUT(URL, Spent(b"some", b"pieces"))
    assert connection.attempts == 1
    assert [received.body for received in server.requests] == [b"somepieces"]


def test_body_that_fails_at_once(raw_server: Any, connect: Any) -> None:
    """`attempts` is 0 if not a byte was sent because the body's first read() failed
    (contract 4.7)."""

    class Broken:
        def read(self, size: int = -1) -> bytes:
            raise OSError("the tape is torn")

    server = raw_server(Peer.wait_for_close)
    connection = connect(server, retries=1)
    with pytest.raises(hcpsdk.HcpsdkError, match="the tape is torn"):
        connection.PUT(URL, Broken())
    assert connection.attempts == 0
    server.wait_for_finished(len(server.peers))
    assert [peer.received for peer in server.peers] in ([], [b""])


# 3.6 Interim answers


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("status", ["102 Processing", "103 Early Hints"])
def test_interim_answers(raw_server: Any, connect: Any, method: str, status: str) -> None:
    """Interim answers before the final one are passed over, and the next request gets its own
    answer (contract 3.6, 3.7)."""
    interim = head("Link: </style.css>", status=status)
    server = raw_server(
        answering(interim * 2 + answer(b"mine", "201 Created"), answer(b"next", "203 Next"))
    )
    connection = connect(server)
    response = request(connection, method)
    assert (response.status, response.getheader("Link")) == (201, None)
    assert connection.read() == b"mine"
    assert connection.GET(URL).status == 203
    assert connection.read() == b"next"
    assert len(server.peers) == 1


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_switching_protocols(raw_server: Any, connect: Any, method: str) -> None:
    """After 101, whatever it is good for, the socket speaks no HTTP any more: the next request
    gets another one (contract 3.6)."""
    server = raw_server(
        in_turn(answering(head("Upgrade: gopher", status="101 Switching Protocols")), answering(OK))
    )
    connection = connect(server)
    assert request(connection, method).status == 101
    assert connection.GET(URL).status == 200
    assert len(server.peers) == 2


@pytest.mark.parametrize(
    "status",
    [
        "100 Continue",
        "102 Processing",
    ],
)
def test_interim_answers_without_end(raw_server: Any, connect: Any, status: str) -> None:
    """A server that does not come to its final answer is an HcpsdkError (contract 4.5)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        with contextlib.suppress(OSError):  # the client had enough
            for _ in range(10_000):
                peer.send(head(status=status))

    connection = connect(raw_server(handler))
    with pytest.raises(hcpsdk.HcpsdkError, match="interim"):
        connection.GET(URL)
    assert connection.response is None


# 3.6 Where an answer ends


def test_unasked_bytes_inside_tls(tls_node: Any, authorization: Any) -> None:
    """What a server sends behind the answer is not taken for the next one, also where it was
    decrypted already, out of the sight of the system (contract 3.6, 4.2)."""
    body = b"x" * 8192

    def smuggle(peer: Peer) -> None:
        peer.read_request()
        peer.send(head("Content-Length: 8192"))
        peer.send(body + answer(b"unasked", "299 Unasked"))  # one record
        for _ in peer.each_request():
            peer.send(OK)

    node = tls_node("{address}", handler=in_turn(smuggle, answering(answer(b"mine"))))
    target = hcpsdk.Target(node.address, authorization, port=TLS_PORT)
    with hcpsdk.Connection(target) as connection:
        connection.GET(URL)
        assert connection.read() == body
        assert connection.GET(URL).status == 200
        assert connection.read() == b"mine"
    assert len(node.peers) == 2


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_chunks_where_there_is_no_body(
    raw_server: Any, connect: Any, method: str, status: str
) -> None:
    """204 and 304 have no body, whatever their heads tell of chunks; the next request goes over
    the same socket (contract 3.5, 3.7)."""
    first = head("Transfer-Encoding: chunked", status=status)
    server = raw_server(answering(first, answer(b"next")))
    connection = connect(server, timeout=5)
    assert request(connection, method).status == int(status[:3])
    assert connection.read() == b""
    connection.GET(URL)
    assert connection.read() == b"next"
    assert len(server.peers) == 1


def test_chunked_and_a_blank(raw_server: Any, connect: Any) -> None:
    """A blank behind the name of the transfer coding changes nothing: the body is decoded, and its
    end is known (contract 3.6)."""
    first = head("Transfer-Encoding: chunked ") + b"4\r\nbody\r\n0\r\n\r\n"
    server = raw_server(answering(first, OK))
    connection = connect(server, timeout=5)
    connection.GET(URL)
    assert connection.read() == b"body"
    assert connection.GET(URL).status == 200
    assert len(server.peers) == 1


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(
    "lines",
    [
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: gzip"],
        ["Content-Length: 5", "Content-Length: 10"],
        ["Content-Length: 5, 10"],
        ["Content-Length: abc"],
        ["Content-Length: -1"],
        ["no colon here", "Content-Length: 10"],
    ],
)
def test_framing_in_doubt(raw_server: Any, connect: Any, method: str, lines: list[str]) -> None:
    """An answer that does not clearly tell where it ends is an HcpsdkError; its frames never go
    for data, nor a part of it for the whole (contract 3.6)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(head(*lines) + b"4\r\nbody\r\n0\r\n\r\n")  # and close

    connection = connect(raw_server(in_turn(handler, answering(OK))))
    with pytest.raises(hcpsdk.HcpsdkError):
        request(connection, method)
    assert connection.response is None
    assert connection.GET(URL).status == 200


@pytest.mark.parametrize(
    "lines", [["Content-Length: 10, 10"], ["Content-Length: 10", "Content-Length: 10"]]
)
def test_length_that_is_told_twice(raw_server: Any, connect: Any, lines: list[str]) -> None:
    """The same length twice is that length: the whole body is had, over a socket that is kept, and
    a cut is noticed (contract 3.6)."""

    def cut(peer: Peer) -> None:
        for _ in range(2):
            peer.read_request()
            peer.send(head(*lines) + b"0123456789")
        peer.read_request()
        peer.send(head(*lines) + b"01234")  # and close

    server = raw_server(in_turn(cut))
    connection = connect(server, timeout=5)
    for _ in range(2):
        connection.GET(URL)
        assert connection.read() == b"0123456789"
    connection.GET(URL)
    with pytest.raises(hcpsdk.HcpsdkError, match="5 bytes are missing"):
        connection.read()


@pytest.mark.parametrize("size", [None, 2, 100])
def test_chunk_without_its_end(raw_server: Any, connect: Any, size: int | None) -> None:
    """A chunk whose data is not followed by a line end is an HcpsdkError, and so is all that was
    not read of the body (contract 3.6)."""
    broken = head("Transfer-Encoding: chunked") + b"3\r\nabcXX0\r\n\r\n"
    connection = connect(raw_server(answering(broken)))
    connection.GET(URL)
    with pytest.raises(hcpsdk.HcpsdkError):
        while connection.read(size):
            pass


def test_wrong_arguments_of_reads(raw_server: Any, connect: Any) -> None:
    """Reading by a size that is no int, or into what cannot be written, is a TypeError that costs
    nothing: the answer can still be read (contract 3.6, 4.6)."""
    server = raw_server(answering(answer(b"body"), chunked_answer(b"bo", b"dy"), OK))
    connection = connect(server)
    for _ in range(2):
        response = connection.GET(URL)
        with pytest.raises(TypeError):
            response.read(2.5)
        with pytest.raises(TypeError):
            response.readinto(b"xx")
        assert connection.read() == b"body"
    assert connection.GET(URL).status == 200
    assert len(server.peers) == 1


# 3.5 The rest of an answer


def trickle(peer: Peer) -> None:
    """Give a body in a thousand pieces, until the client closes or has it; then go on."""
    peer.read_request()
    peer.send(head("Content-Length: 1000"))
    peer.sock.settimeout(0.005)  # the pause between two pieces
    for _ in range(1000):
        try:
            assert not peer.sock.recv(1), "the client asks before it has the answer"
            return
        except ConnectionResetError:
            return
        except TimeoutError:
            peer.send(b"x")
    peer.sock.settimeout(PATIENCE)
    for _ in peer.each_request():
        peer.send(OK)


def test_draining_has_an_end(
    raw_server: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rest that nobody read, and that trickles in, does not hold up the next request: it is given
    up, and a new connection is made (contract 3.5)."""
    server = raw_server(in_turn(trickle, answering(OK)))
    connection = connect(server)
    connection.GET(URL)
    monkeypatch.setattr(_channel, "time", Stopwatch(step=0.3))
    assert connection.GET(URL).status == 200
    assert len(server.peers) == 2


# 3.2, 3.3 Arguments


def test_params_that_raise(raw_server: Any, connect: Any) -> None:
    """What the caller's own objects raise goes through, whatever it is, and the socket is still
    closed after its idle time (contract 4.6, 5)."""

    def params() -> Iterator[tuple[str, str]]:
        yield "a", "b"
        raise KeyError("the caller's own")

    server = raw_server(answering(OK))
    connection = connect(server, idletime=0.5)
    connection.GET(URL)
    with pytest.raises(KeyError, match="the caller's own"):
        connection.GET(URL, params=params())
    (peer,) = server.wait_for_finished(1)
    assert len(peer.requests) == 1


SECRET = "c2VjcmV0"


class Foolish(hcpsdk.BaseAuthorization):
    """Forgot to strip what it read from a file."""

    def __init__(self, end: str) -> None:
        self._end = end

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"HCP {SECRET}{self._end}", "Cookie": "none"}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\nX-More: 1", "\0"])
def test_line_break_in_the_authorization(raw_server: Any, end: str) -> None:
    """An authorization cannot put a line break into the request: ValueError, nothing is sent, and
    the secret is in nothing that a traceback shows (contract 3.3)."""
    server = raw_server(Peer.wait_for_close)
    with pytest.raises(ValueError) as caught:
        target = hcpsdk.Target(server.address, Foolish(end), port=server.port)
        with hcpsdk.Connection(target) as connection:
            connection.GET(URL)
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error} {error!r} {error.args!r}"
        error = error.__cause__ or error.__context__
    assert server.peers == []
    assert server.requests == []
