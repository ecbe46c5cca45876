"""Answers that end early, on purpose or not: no way of reading takes a cut one for whole."""

import contextlib
import io
import select
import shutil
import socket
import sys
import threading
from typing import Any

import pytest

import hcpsdk
from hcpsdk import _channel

from ..support.doubles import Clock
from ..support.raw_server import (
    OK,
    PATIENCE,
    Connect,
    Peer,
    StartServer,
    answer,
    answering,
    chunked_answer,
    head,
    in_turn,
)

# Ways of reading


def by_connection(connection: hcpsdk.Connection, response: Any) -> Any:
    return connection.read()


def by_connection_in_bits(connection: hcpsdk.Connection, response: Any) -> Any:
    return b"".join(iter(lambda: connection.read(3), b""))


def by_read(connection: hcpsdk.Connection, response: Any) -> Any:
    return response.read()


def by_read_none(connection: hcpsdk.Connection, response: Any) -> Any:
    return response.read(None)


def by_read_minus_one(connection: hcpsdk.Connection, response: Any) -> Any:
    return response.read(-1)


def by_read_at_once(connection: hcpsdk.Connection, response: Any) -> Any:
    """One read() that asks for more than there is."""
    return response.read(10_000)


def by_read_of_one(connection: hcpsdk.Connection, response: Any) -> Any:
    return b"".join(iter(lambda: response.read(1), b""))


def by_read_of_four(connection: hcpsdk.Connection, response: Any) -> Any:
    return b"".join(iter(lambda: response.read(4), b""))


def by_read1(connection: hcpsdk.Connection, response: Any) -> Any:
    return b"".join(iter(lambda: response.read1(4), b""))


def by_read1_without_size(connection: hcpsdk.Connection, response: Any) -> Any:
    return b"".join(iter(response.read1, b""))


def by_readinto(connection: hcpsdk.Connection, response: Any) -> Any:
    buffer, data = bytearray(4), b""
    while count := response.readinto(buffer):
        data += buffer[:count]
    return data


def by_readinto_at_once(connection: hcpsdk.Connection, response: Any) -> Any:
    buffer = bytearray(10_000)
    count = response.readinto(memoryview(buffer))
    return bytes(buffer[:count])


def by_readinto1(connection: hcpsdk.Connection, response: Any) -> Any:
    buffer, data = bytearray(4), b""
    while count := response.readinto1(buffer):
        data += buffer[:count]
    return data


def by_readline(connection: hcpsdk.Connection, response: Any) -> Any:
    return b"".join(iter(response.readline, b""))


def by_readline_with_limit(connection: hcpsdk.Connection, response: Any) -> Any:
    return b"".join(iter(lambda: response.readline(2), b""))


def by_iteration(connection: hcpsdk.Connection, response: Any) -> Any:
    return b"".join(response)


def by_readlines(connection: hcpsdk.Connection, response: Any) -> Any:
    return b"".join(response.readlines())


def by_peek_and_read(connection: hcpsdk.Connection, response: Any) -> Any:
    data = b""
    while seen := response.peek():
        data += response.read(len(seen))
        assert data.endswith(seen)
    return data + response.read()


def by_buffered_reader(connection: hcpsdk.Connection, response: Any) -> Any:
    return io.BufferedReader(response).read()


def by_text_wrapper(connection: hcpsdk.Connection, response: Any) -> Any:
    return io.TextIOWrapper(response, "latin-1", newline="").read().encode("latin-1")


def by_copyfileobj(connection: hcpsdk.Connection, response: Any) -> Any:
    file = io.BytesIO()
    shutil.copyfileobj(response, file, 4)
    return file.getvalue()


WAYS = [
    by_connection,
    by_connection_in_bits,
    by_read,
    by_read_none,
    by_read_minus_one,
    by_read_at_once,
    by_read_of_one,
    by_read_of_four,
    by_read1,
    by_read1_without_size,
    by_readinto,
    by_readinto_at_once,
    by_readinto1,
    by_readline,
    by_readline_with_limit,
    by_iteration,
    by_readlines,
    by_peek_and_read,
    by_buffered_reader,
    by_text_wrapper,
    by_copyfileobj,
]

# Not through a wrapper that closes what it wraps.
OWN_WAYS = [way for way in WAYS if way not in (by_buffered_reader, by_text_wrapper)]

BODY = b"line 1\r\nline 2\nlast"
LINES = b"one\ntwo\n"  # a cut behind a line end is the hardest to see

WITH_LENGTH = [pytest.param(answer(BODY), id="length"), pytest.param(answer(LINES), id="lines")]
IN_CHUNKS = [
    pytest.param(chunked_answer(b"line 1\r\nli", b"ne 2\n", b"last"), id="chunks"),
    pytest.param(chunked_answer(b"one\n", b"two\n"), id="chunked-lines"),
    # Leading zeros, an extension, and a trailer are all allowed (RFC 9112, section 7.1).
    pytest.param(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0004\r\none\n\r\n04;name=value\r\ntwo\n\r\n000\r\nX-Trailer: a\r\n\r\n",
        id="fancy-chunks",
    ),
]


def head_and_body(data: Any) -> Any:
    head, mark, body = data.partition(b"\r\n\r\n")
    return head + mark, body


@pytest.fixture
def answered(raw_server: StartServer, connect: Connect) -> Any:
    """A function that gives a Connection and the response that the given bytes are.

    The server closes behind them.
    """
    given: list[Any] = []

    def handler(peer: Peer) -> None:
        if peer.read_request() is not None:
            # The client hangs up on what is no answer.
            with contextlib.suppress(OSError):
                peer.send(given[-1])
                peer.sock.shutdown(socket.SHUT_WR)
                peer.wait_for_close()

    server = raw_server(handler)
    connection = connect(server)

    def make(data: Any) -> Any:
        given.append(data)
        return connection, connection.GET("/rest/a")

    return make


@pytest.mark.parametrize("data", WITH_LENGTH + IN_CHUNKS)
@pytest.mark.parametrize("way", WAYS)
def test_whole_body(answered: Any, way: Any, data: Any) -> None:
    """Every way of reading gives the whole body, and nothing but it (contract 3.6)."""
    connection, response = answered(data)

    found = way(connection, response)

    assert found == (LINES if b"two" in data else BODY)
    assert connection.read() == response.read() == b""
    assert connection.response_status == 200


@pytest.mark.parametrize("data", WITH_LENGTH)
@pytest.mark.parametrize("way", WAYS)
def test_body_cut_before_its_length(answered: Any, way: Any, data: Any) -> None:
    """A body that ends before its Content-Length raises, wherever it is cut (contract 3.6)."""
    head, body = head_and_body(data)
    for cut in range(len(body)):
        connection, response = answered(head + body[:cut])

        with pytest.raises(hcpsdk.HcpsdkError) as caught:
            way(connection, response)
        assert caught.value.__cause__ is not None
        assert connection.response is None


def end_of_data(body: Any) -> Any:
    """Where in a chunked *body* the line is over that says that no more data come."""
    found = body.find(b"\r\n0\r\n")
    return found + 5 if found >= 0 else body.index(b"\r\n000\r\n") + 7


@pytest.mark.parametrize("data", IN_CHUNKS)
@pytest.mark.parametrize("way", WAYS)
def test_body_cut_within_its_chunks(answered: Any, way: Any, data: Any) -> None:
    """A body that ends before its last chunk raises, wherever it is cut (contract 3.6)."""
    head, body = head_and_body(data)
    taken_for_whole = []
    for cut in range(end_of_data(body)):
        connection, response = answered(head + body[:cut])

        try:
            taken_for_whole.append((body[:cut], way(connection, response)))
        except hcpsdk.HcpsdkError:
            assert connection.response is None
    assert not taken_for_whole


@pytest.mark.parametrize("data", WITH_LENGTH + IN_CHUNKS)
def test_verbs_read_the_whole_body(raw_server: StartServer, connect: Connect, data: Any) -> None:
    """A verb whose clean-up read fails has failed, wherever the answer is cut (contract 4.3,
    3.6)."""
    head, body = head_and_body(data)
    end = end_of_data(body) if b"chunked" in head else len(body)
    cuts = iter(range(end))

    def handler(peer: Peer) -> None:
        assert peer.read_request().method == "POST"
        peer.send(head + body[: next(cuts)])

    connection = connect(raw_server(handler))
    for _ in range(end):
        with pytest.raises(hcpsdk.HcpsdkError):
            connection.POST("/rest/a")
        assert connection.response_status is None


@pytest.mark.parametrize("data", [answer(b"ab", "200 OK", "X-A: b"), chunked_answer(b"ab")])
def test_head_cut(answered: Any, data: Any) -> None:
    """A header block that is cut by a close is a failure, wherever it is cut (contract 3.6)."""
    head, _ = head_and_body(data)
    for cut in range(len(head)):
        with pytest.raises(hcpsdk.HcpsdkError):
            answered(head[:cut])
            pytest.fail(f"cut at {cut}: {head[:cut]!r} was taken for an answer")


def test_head_cut_of_an_answer_without_body(raw_server: StartServer, connect: Connect) -> None:
    """The cut head of an answer that has no body anyway is a failure as well (contract 3.6)."""
    data = b"HTTP/1.1 204 No Content\r\nX-HCP-Time: 1\r\n\r\n"
    cuts = iter(range(len(data)))

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(data[: next(cuts)])

    connection = connect(raw_server(handler))
    for _ in range(len(data)):
        with pytest.raises(hcpsdk.HcpsdkError):
            connection.DELETE("/rest/a")


def test_head_cut_behind_100_continue(answered: Any) -> None:
    """An interim answer is no answer (contract 3.6)."""
    for tail in (b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\n"):
        with pytest.raises(hcpsdk.HcpsdkError):
            answered(b"HTTP/1.1 100 Continue\r\n\r\n" + tail)


@pytest.mark.parametrize(
    "data",
    [
        b"garbage\r\n\r\n",
        b"\r\n\r\n",
        b"\0" * 100,
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 99 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 " + b"2" * 100_000,
        b"<html>no HTTP at all</html>",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
    ],
)
def test_garbage_instead_of_an_answer(answered: Any, data: Any) -> None:
    """What is no answer raises HcpsdkError with its cause, nothing rawer (contract 1.4)."""
    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        answered(data)

    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    "body",
    [b"x\r\nabc\r\n0\r\n\r\n", b"-1\r\nabc\r\n0\r\n\r\n", b"\r\nabc", b"5 abc", b"f" * 70_000],
)
@pytest.mark.parametrize("way", [by_read, by_read1, by_iteration, by_readinto, by_peek_and_read])
def test_garbage_instead_of_chunks(answered: Any, way: Any, body: Any) -> None:
    """What is no chunk raises HcpsdkError with its cause, nothing rawer (contract 1.4, 3.6)."""
    connection, response = answered(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        way(connection, response)

    assert caught.value.__cause__ is not None


def test_reset_within_the_body(raw_server: StartServer, connect: Connect) -> None:
    """A reset within a body raises HcpsdkError from every way of reading (contract 3.6, 1.4)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer(BODY)[:-3])
        assert reading.acquire(timeout=30)
        peer.reset()

    connection = connect(raw_server(handler))
    for way in WAYS:
        reading = threading.Semaphore(0)
        response = connection.GET("/rest/a")
        reading.release()
        with pytest.raises(hcpsdk.HcpsdkError):
            way(connection, response)
        assert connection.response is None


def test_read_after_a_cut_keeps_failing(answered: Any) -> None:
    """After the cut was told once, reading on never looks like the end (contract 3.6)."""
    for way in OWN_WAYS:
        connection, response = answered(answer(BODY)[:-3])
        for _ in range(2):
            with pytest.raises(hcpsdk.HcpsdkError):
                way(connection, response)
        with pytest.raises(hcpsdk.HcpsdkError):
            response.read()


def test_read_after_a_cut_between_chunks_keeps_failing(answered: Any) -> None:
    """The same for chunks (contract 3.6)."""
    for way in OWN_WAYS:
        connection, response = answered(chunked_answer(LINES)[:-5])
        for _ in range(2):
            with pytest.raises(hcpsdk.HcpsdkError):
                way(connection, response)


def test_cut_is_told_in_words(answered: Any) -> None:
    """The message tells method, path, address, attempts and cause (contract 4.5)."""
    connection, response = answered(answer(BODY)[:-3])

    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        response.read()

    reason = caught.value.reason
    assert "GET /rest/a" in reason
    assert connection.address in reason
    assert "1 attempt" in reason
    assert "3 bytes" in reason


def test_body_that_ends_with_the_connection(answered: Any) -> None:
    """A body without length or chunks ends with the connection, in every way (contract 3.6)."""
    for way in WAYS:
        connection, response = answered(b"HTTP/1.0 200 OK\r\n\r\n" + BODY)

        assert way(connection, response) == BODY


def test_reading_to_the_end_readies_the_connection(
    raw_server: StartServer, connect: Connect
) -> None:
    """Fewer bytes than asked for signal the end: ready for the next request (manual 4.2) (contract
    3.5)."""
    ways = iter(WAYS)
    server = raw_server(answering(*[answer(LINES), chunked_answer(LINES)] * len(WAYS), OK))
    connection = connect(server)

    for way in ways:
        for _ in range(2):
            assert way(connection, connection.GET("/rest/a")) == LINES
    connection.GET("/rest/a")

    assert len(server.peers) == 1


def test_zero_sized_reads_are_no_end(answered: Any) -> None:
    """Asking for nothing gives nothing, and ends nothing (contract 3.6)."""
    for data in (answer(BODY), chunked_answer(BODY)):
        connection, response = answered(data)

        assert response.read(0) == response.read1(0) == response.readline(0) == b""
        assert response.readinto(bytearray()) == 0
        assert connection.read(0) == b""
        assert connection.read() == BODY


def test_reading_without_an_answer(raw_server: StartServer, connect: Connect) -> None:
    """Without an answer there is nothing to be had (contract 1.8)."""
    connection = connect(raw_server(answering(OK)))

    for _ in range(2):
        assert connection.response_status is None
        assert connection.response_reason is None
        assert connection.response is None
        assert connection.Response is None
        for ask in (
            connection.read,
            lambda: connection.read(1),
            connection.getheaders,
            lambda: connection.getheader("Content-Length"),
            lambda: connection.getheader("X-Missing", "default"),
        ):
            with pytest.raises(hcpsdk.HcpsdkError):
                ask()
        connection.close()


def test_failed_request_shows_no_earlier_answer(raw_server: StartServer, connect: Connect) -> None:
    """A failed request never shows the answer of an earlier one (contract 1.8)."""

    def hang_up(peer: Peer) -> None:
        peer.read_request()

    server = raw_server(in_turn(answering(answer(b"old", "201 Created")), hang_up, hang_up))
    connection = connect(server)
    connection.PUT("/rest/a", b"abc")
    assert connection.response_status == 201

    connection.close()
    with pytest.raises(hcpsdk.HcpsdkError):
        connection.PUT("/rest/b", b"abc")

    assert connection.response_status is None
    assert connection.response_reason is None
    assert connection.response is None
    for ask in (connection.read, connection.getheaders, lambda: connection.getheader("X")):
        with pytest.raises(hcpsdk.HcpsdkError):
            ask()


@pytest.mark.parametrize(
    ("url", "body", "error"),
    [
        ("no slash", b"abc", ValueError),
        ("/rest/b", 17, TypeError),
        ("/rest/b", "\udc80", ValueError),
    ],
)
def test_refused_request_shows_no_earlier_answer(
    raw_server: StartServer, connect: Connect, url: Any, body: Any, error: Any
) -> None:
    """A request that was refused at the call does not show the last one's answer (contract 1.8)."""
    server = raw_server(answering(answer(b"old", "201 Created")))
    connection = connect(server)
    connection.PUT("/rest/a", b"abc")

    with pytest.raises(error):
        connection.PUT(url, body)

    assert connection.response_status is None
    assert connection.response is None


def test_cut_download_shows_no_answer(answered: Any) -> None:
    """A download that broke off has failed: its status is not shown any more (contract 1.8)."""
    connection, response = answered(answer(BODY)[:-1])
    with pytest.raises(hcpsdk.HcpsdkError):
        response.read()

    assert connection.response_status is None
    with pytest.raises(hcpsdk.HcpsdkError):
        connection.getheaders()


@pytest.mark.parametrize(
    "content_type",
    [
        "message/rfc822",
        "message/delivery-status",
        "message/partial",
        "multipart/mixed; boundary=x",
        "multipart/byteranges",
    ],
)
@pytest.mark.parametrize("other", ["X: a", "X: a\r\n b"], ids=["plain", "other"])
def test_objects_that_are_mails(
    raw_server: StartServer, connect: Connect, content_type: Any, other: Any
) -> None:
    """An archived mail is an object like any other: `http.client` parses the head of its answer
    as if it was a mail itself, and then finds its parts missing (contract 3.6)."""
    headers = (f"Content-Type: {content_type}", other)
    server = raw_server(answering(answer(b"From: a\r\n\r\nb", "200 OK", *headers)))
    connection = connect(server)

    response = connection.GET("/rest/a.eml")

    assert response.getheader("Content-Type") == content_type
    assert response.headers.get_content_type() == content_type.partition(";")[0]
    assert connection.read() == b"From: a\r\n\r\nb"


def test_number_of_the_socket(raw_server: StartServer, connect: Connect) -> None:
    """While a body is to be waited for, its answer has the socket's number, for `select`, as in
    `http.client` (contract 3.6)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
        assert go_on.wait(PATIENCE)
        peer.send(b"abc")
        peer.wait_for_close()

    go_on = threading.Event()
    response = connect(raw_server(handler)).GET("/rest/a")

    assert select.select([response], [], [], 0)[0] == []
    go_on.set()
    assert select.select([response], [], [], PATIENCE)[0] == [response]
    assert response.read() == b"abc"


# Interim responses


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
    response = getattr(connection, method)("/rest/a")
    assert (response.status, response.getheader("Link")) == (201, None)
    assert connection.read() == b"mine"
    assert connection.GET("/rest/a").status == 203
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
    assert getattr(connection, method)("/rest/a").status == 101
    assert connection.GET("/rest/a").status == 200
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
        connection.GET("/rest/a")
    assert connection.response is None


# Framing


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
    assert getattr(connection, method)("/rest/a").status == int(status[:3])
    assert connection.read() == b""
    connection.GET("/rest/a")
    assert connection.read() == b"next"
    assert len(server.peers) == 1


def test_chunked_and_a_blank(raw_server: Any, connect: Any) -> None:
    """A blank behind the name of the transfer coding changes nothing: the body is decoded, and its
    end is known (contract 3.6)."""
    first = head("Transfer-Encoding: chunked ") + b"4\r\nbody\r\n0\r\n\r\n"
    server = raw_server(answering(first, OK))
    connection = connect(server, timeout=5)
    connection.GET("/rest/a")
    assert connection.read() == b"body"
    assert connection.GET("/rest/a").status == 200
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
        getattr(connection, method)("/rest/a")
    assert connection.response is None
    assert connection.GET("/rest/a").status == 200


@pytest.mark.parametrize("size", [None, 2, 100])
def test_chunk_without_its_end(raw_server: Any, connect: Any, size: int | None) -> None:
    """A chunk whose data is not followed by a line end is an HcpsdkError, and so is all that was
    not read of the body (contract 3.6)."""
    broken = head("Transfer-Encoding: chunked") + b"3\r\nabcXX0\r\n\r\n"
    connection = connect(raw_server(answering(broken)))
    connection.GET("/rest/a")
    with pytest.raises(hcpsdk.HcpsdkError):
        while connection.read(size):
            pass


def test_wrong_arguments_of_reads(raw_server: Any, connect: Any) -> None:
    """Reading by a size that is no int, or into what cannot be written, is a TypeError that costs
    nothing: the answer can still be read (contract 3.6, 4.6)."""
    server = raw_server(answering(answer(b"body"), chunked_answer(b"bo", b"dy"), OK))
    connection = connect(server)
    for _ in range(2):
        response = connection.GET("/rest/a")
        with pytest.raises(TypeError):
            response.read(2.5)
        with pytest.raises(TypeError):
            response.readinto(b"xx")
        assert connection.read() == b"body"
    assert connection.GET("/rest/a").status == 200
    assert len(server.peers) == 1


# What is left of a body


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
    connection.GET("/rest/a")
    monkeypatch.setattr(_channel, "time", Clock(step=0.3))
    assert connection.GET("/rest/a").status == 200
    assert len(server.peers) == 2


@pytest.mark.parametrize("size", [2**31, sys.maxsize, 2**63, 2**64, 10**30])
@pytest.mark.parametrize(
    "data",
    [answer(BODY), chunked_answer(BODY), b"HTTP/1.1 200 OK\r\n\r\n" + BODY],
    ids=["length", "chunked", "close"],
)
def test_sizes_beyond_measure(answered: Any, data: bytes, size: int) -> None:
    """A size is how much is wanted at most, however large it is (contract 3.6)."""
    for read in (
        lambda connection, response: connection.read(size),
        lambda connection, response: response.read(size),
        lambda connection, response: b"".join(iter(lambda: response.read1(size), b"")),
        lambda connection, response: b"".join(iter(lambda: response.readline(size), b"")),
        lambda connection, response: response.peek(size)[:0] + response.read(size),
    ):
        assert read(*answered(data)) == BODY


@pytest.mark.parametrize("verb", ["PUT", "POST", "DELETE"])
def test_body_that_was_not_kept_names_the_way_out(
    raw_server: StartServer, connect: Connect, verb: str
) -> None:
    """`read()` after a verb whose response was too long says how to read it, and that works
    (contract 3.5)."""
    body = b"x" * (_channel.MAX_KEPT_BODY + 1)
    connection = connect(raw_server(answering(answer(body), answer(body))))
    getattr(connection, verb)("/rest/a")
    with pytest.raises(hcpsdk.HcpsdkError, match=rf"request\('{verb}', …\)"):
        connection.read()

    connection.request(verb, "/rest/a")
    assert connection.read() == body
