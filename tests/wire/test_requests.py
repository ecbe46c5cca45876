"""What a request looks like on the wire, and how the connection is left after it."""

import contextlib
import errno
import gc
import http.client
import io
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import hcpsdk

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

MAX_KEPT_BODY = 1024 * 1024
MAX_DRAIN_BYTES = 64 * 1024
UNMEASURED = 1e-11

# The verbs that clean up, each as a call.
CLEANING_UP = {
    "PUT": lambda c: c.PUT("/rest/a", b"abc"),
    "HEAD": lambda c: c.HEAD("/rest/a"),
    "POST": lambda c: c.POST("/rest/a", {"hold": True}),
    "DELETE": lambda c: c.DELETE("/rest/a"),
}
WITH_A_BODY = ["PUT", "POST", "DELETE"]  # of the answer

# The request line and the headers


def test_request_line(raw_server: StartServer, connect: Connect) -> None:
    """Name and parameters reach the wire percent-encoded (contract 3.1, 3.2)."""
    server = raw_server(answering(*[OK] * 3))
    connection = connect(server)

    connection.GET("/rest/a b+c%20d/é", {"retention": "A+10y", "nowait": None})
    connection.GET(hcpsdk.Quoted("/rest/a%20b"))
    connection.request("PATCH", "/rest/x", params=[("a", "1"), ("a", "2")])

    assert [request.line for request in server.requests] == [
        b"GET /rest/a%20b%2Bc%2520d/%C3%A9?retention=A%2B10y&nowait HTTP/1.1",
        b"GET /rest/a%20b HTTP/1.1",
        b"PATCH /rest/x?a=1&a=2 HTTP/1.1",
    ]


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda c, p, h: c.PUT("/rest/a", b"x", p, h), b"PUT /rest/a?k=v HTTP/1.1"),
        (lambda c, p, h: c.GET("/rest/a", p, h), b"GET /rest/a?k=v HTTP/1.1"),
        (lambda c, p, h: c.HEAD("/rest/a", p, h), b"HEAD /rest/a?k=v HTTP/1.1"),
        (lambda c, p, h: c.POST("/rest/a", p, h, b"x"), b"POST /rest/a?k=v HTTP/1.1"),
        (lambda c, p, h: c.DELETE("/rest/a", p, h), b"DELETE /rest/a?k=v HTTP/1.1"),
        (lambda c, p, h: c.request("PUT", "/rest/a", b"x", p, h), b"PUT /rest/a?k=v HTTP/1.1"),
    ],
    ids=["PUT", "GET", "HEAD", "POST", "DELETE", "request"],
)
def test_arguments_by_position(
    raw_server: StartServer, connect: Connect, call: Any, line: Any
) -> None:
    """Each verb takes its arguments in the manual's order (manual 4.2); POST has a body last
    (contract 3.5)."""
    server = raw_server(answering(OK))

    call(connect(server), {"k": "v"}, {"X-A": "b"})

    (request,) = server.requests
    assert request.line == line
    assert request.headers("X-A") == ["b"]
    assert request.body == (b"x" if line.startswith(b"P") else b"")


def test_headers_on_the_wire(
    raw_server: StartServer, connect: Connect, authorization: hcpsdk.NativeAuthorization
) -> None:
    """Prepared headers win, the caller's are added, each comes once (contract 3.3)."""
    server = raw_server(answering(OK))
    given = {"host": "evil", "AUTHORIZATION": "mine", "cookie": "mine", "X-HCP-X": "y"}
    before = dict(given)

    connect(server).GET("/rest/a", headers=given)

    (request,) = server.requests
    assert request.headers("Host") == ["127.0.0.1"]
    assert request.headers("Authorization") == [authorization.headers["Authorization"]]
    assert request.headers("Cookie") == [authorization.headers["Cookie"]]
    assert request.headers("X-HCP-X") == ["y"]
    assert given == before


@pytest.mark.parametrize("is_same_dictionary", [True, False])
def test_credentials_that_change(raw_server: StartServer, is_same_dictionary: Any) -> None:
    """An authorization may give other headers from time to time; each request has those of its
    moment, whether they come in a new dictionary or in the one that came before (contract 3.3)."""

    class Token(hcpsdk.BaseAuthorization):
        def __init__(self) -> None:
            self.kept = {"Authorization": "old"}

        @property
        def headers(self) -> Any:
            return self.kept if is_same_dictionary else dict(self.kept)

    token = Token()
    server = raw_server(answering(OK, OK, OK))
    target = hcpsdk.Target(server.address, token, port=server.port)
    with hcpsdk.Connection(target) as connection:
        for value in ("old", "old", "new"):
            token.kept["Authorization"] = value
            connection.HEAD("/rest/a")

    assert [request.headers("Authorization") for request in server.requests] == [
        ["old"],
        ["old"],
        ["new"],
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        {"url": "rest/a"},
        {"url": "/rest/\udc80"},
        {"url": 5},
        {"params": "a=b"},
        {"headers": {"X": "a\r\nY: b"}},
        {"headers": {"X\n": "a"}},
        {"headers": [("X", "y")]},
        {"body": 5},
        {"body": {"a": 1}},
        {"body": ["text"]},
        {"method": "GET /x HTTP/1.1\r\n\r\n"},
        {"method": None},
    ],
)
def test_nothing_is_sent_of_a_wrong_call(
    raw_server: StartServer, connect: Connect, arguments: Any
) -> None:
    """A wrong call raises TypeError or ValueError before anything is sent (contract 1.4, 3.1)."""
    server = raw_server(answering(OK))
    connection = connect(server)

    with pytest.raises((TypeError, ValueError)):
        connection.request(**{"method": "PUT", "url": "/rest/a", **arguments})

    connection.GET("/rest/a")
    (peer,) = server.peers
    assert peer.received.startswith(b"GET /rest/a HTTP/1.1\r\n")


# Answers


@pytest.mark.parametrize(
    "status", [200, 201, 206, 301, 302, 304, 400, 403, 404, 409, 500, 503, 599]
)
def test_a_status_is_an_answer(raw_server: StartServer, connect: Connect, status: Any) -> None:
    """A status code, whatever it is, is an answer; redirects are not followed (contract 3.7)."""
    data = answer(b"", f"{status} Some Reason", "Location: http://127.0.0.1:1/other")
    server = raw_server(answering(*[data] * 5))
    connection = connect(server, retries=3)

    for call in (*CLEANING_UP.values(), lambda c: c.GET("/rest/a")):
        response = call(connection)
        assert connection.response_status == response.status == status
        assert connection.response_reason == response.reason == "Some Reason"
        assert connection.attempts == 1

    assert len(server.requests) == 5


@pytest.mark.parametrize("verb", ["request", "GET", *CLEANING_UP])
def test_what_is_returned(raw_server: StartServer, connect: Connect, verb: str) -> None:
    """`request()` and the five verbs return an `http.client.HTTPResponse` (contract 3.6, 1.6)."""
    server = raw_server(answering(answer(b"", "200 OK", "X-A: 1", "X-B: 2", "X-A: 3")))
    connection = connect(server)
    calls = {
        "request": lambda c: c.request("GET", "/rest/a"),
        "GET": lambda c: c.GET("/rest/a"),
        **CLEANING_UP,
    }

    response = calls[verb](connection)

    assert isinstance(response, http.client.HTTPResponse)
    assert connection.response is connection.Response is response
    expected = [("Content-Length", "0"), ("X-A", "1"), ("X-B", "2"), ("X-A", "3")]
    assert connection.getheaders() == response.getheaders() == expected
    assert connection.getheader("x-b") == "2"
    assert connection.getheader("X-C") is None
    assert connection.getheader("X-C", "default") == "default"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_that_never_have_a_body(
    raw_server: StartServer, connect: Connect, status: Any
) -> None:
    """After an answer without a body the connection is ready (contract 3.5)."""
    data = f"HTTP/1.1 {status}\r\nETag: x\r\n\r\n".encode()
    server = raw_server(answering(data, data, OK))
    connection = connect(server)

    assert connection.GET("/rest/a").read() == b""
    connection.GET("/rest/a")
    connection.GET("/rest/a")

    assert len(server.peers) == 1


def test_head_with_a_length(raw_server: StartServer, connect: Connect) -> None:
    """The Content-Length of an answer to HEAD announces nothing (contract 3.5)."""
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
    server = raw_server(answering(data, data, OK))
    connection = connect(server)

    assert connection.HEAD("/rest/a").read() == b""
    assert connection.getheader("Content-Length") == "1000000000"
    assert connection.request("HEAD", "/rest/a").read() == b""
    connection.GET("/rest/a")

    assert len(server.peers) == 1


def test_interim_answer(raw_server: StartServer, connect: Connect) -> None:
    """``100 Continue`` is not the answer (contract 3.7)."""
    data = b"HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n" + answer(b"x", "201 Created")
    connection = connect(raw_server(answering(data, data)))

    assert connection.PUT("/rest/a", b"abc").status == 201
    assert connection.PUT("/rest/a", b"abc").status == 201


def test_answer_in_single_bytes(raw_server: StartServer, connect: Connect) -> None:
    """An answer may come in any portions (contract 3.6)."""

    def handler(peer: Peer) -> None:
        for _ in peer.each_request():
            data = next(answers)
            for number in range(len(data)):
                peer.send(data[number : number + 1])

    both = [answer(b"abc"), chunked_answer(b"a", b"bc")]
    answers = iter([both[0], both[0], both[1], both[1]])
    connection = connect(raw_server(handler))
    for _ in both:
        assert connection.GET("/rest/a").read() == b"abc"
        connection.DELETE("/rest/a")
        assert connection.read() == b"abc"


# Cleaning up


@pytest.mark.parametrize("size", [1, 5000, MAX_KEPT_BODY - 1, MAX_KEPT_BODY])
@pytest.mark.parametrize("verb", WITH_A_BODY)
@pytest.mark.parametrize("make", [answer, chunked_answer])
def test_body_is_read_and_kept(
    raw_server: StartServer, connect: Connect, verb: str, size: Any, make: Any
) -> None:
    """PUT, POST, DELETE read the body, up to 1 MiB is kept, the connection is ready (contract
    3.5)."""
    body = b"x" * (size - 1) + b"!"
    server = raw_server(answering(make(body), OK))
    connection = connect(server)

    response = CLEANING_UP[verb](connection)
    assert connection.read(1) == body[:1]
    assert connection.read() == body[1:]
    assert response.read() == connection.read() == b""
    connection.GET("/rest/b")

    assert len(server.peers) == 1


@pytest.mark.parametrize("verb", WITH_A_BODY)
@pytest.mark.parametrize("make", [answer, chunked_answer])
def test_long_body_is_read_and_not_kept(
    raw_server: StartServer, connect: Connect, verb: str, make: Any
) -> None:
    """Of more than 1 MiB nothing is kept, `read()` says so; the connection is ready (contract
    3.5)."""
    server = raw_server(answering(make(b"x" * (MAX_KEPT_BODY + 1)), OK))
    connection = connect(server)

    response = CLEANING_UP[verb](connection)
    assert connection.response_status == 200
    for read in (connection.read, response.read, response.readline, lambda: connection.read(1)):
        with pytest.raises(hcpsdk.HcpsdkError, match="1048576"):
            read()
    assert connection.getheader("X-A", "none") == "none"
    connection.GET("/rest/b")

    assert len(server.peers) == 1


def test_kept_body_outlives_the_connection(raw_server: StartServer, connect: Connect) -> None:
    """A kept body can be read in every way, also after the next request (contract 3.5)."""
    server = raw_server(answering(answer(b"first\nsecond\n"), answer(b"third")))
    connection = connect(server)

    first = connection.POST("/rest/a")
    second = connection.POST("/rest/b")
    connection.close()

    assert first.readline() == b"first\n"
    assert first.read() == b"second\n"
    assert second.read() == b"third"


# What the caller did not read


@pytest.mark.parametrize("read", [0, 1, 1000])
@pytest.mark.parametrize("make", [answer, chunked_answer])
def test_short_rest_is_drained(
    raw_server: StartServer, connect: Connect, make: Any, read: Any
) -> None:
    """An unread rest of up to 64 KiB is drained, the connection is used again (contract 3.5)."""
    server = raw_server(answering(make(b"x" * (MAX_DRAIN_BYTES + read)), answer(b"next")))
    connection = connect(server)

    connection.GET("/rest/a")
    connection.read(read)
    assert connection.GET("/rest/b").read() == b"next"

    assert len(server.peers) == 1


@pytest.mark.parametrize("read", [0, 1, 1000])
@pytest.mark.parametrize("make", [answer, chunked_answer])
def test_long_rest_costs_the_socket(
    raw_server: StartServer, connect: Connect, make: Any, read: Any
) -> None:
    """An unread rest of more than 64 KiB is not read, a new socket is opened (contract 3.5)."""

    def first(peer: Peer) -> None:
        with contextlib.suppress(ConnectionError):  # the client hangs up within it
            answering(make(b"x" * (MAX_DRAIN_BYTES + 1 + read)))(peer)

    server = raw_server(in_turn(first, answering(answer(b"next"))))
    connection = connect(server)

    connection.GET("/rest/a")
    connection.read(read)
    assert connection.GET("/rest/b").read() == b"next"

    assert len(server.peers) == 2


def test_rest_that_never_comes(raw_server: StartServer, connect: Connect) -> None:
    """A Connection never gets stuck on a rest that does not come (contract 3.5)."""

    def stall(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer(b"abc")[:-1])
        peer.wait_for_close()

    server = raw_server(in_turn(stall, answering(answer(b"next"))))
    connection = connect(server, timeout=0.5)

    connection.GET("/rest/a")
    assert connection.GET("/rest/b").read() == b"next"
    assert connection.attempts == 1


@pytest.mark.parametrize("data", [answer(b"abcdef")[:-1], chunked_answer(b"abcdef")[:-6]])
def test_rest_that_is_cut(raw_server: StartServer, connect: Connect, data: Any) -> None:
    """A cut rest that nobody wants does not harm the next request (contract 3.5)."""

    def cut(peer: Peer) -> None:
        peer.read_request()
        peer.send(data)

    server = raw_server(in_turn(cut, answering(answer(b"next"))))
    connection = connect(server)

    connection.GET("/rest/a")
    assert connection.GET("/rest/b").read() == b"next"


@pytest.mark.parametrize("size", [10, MAX_DRAIN_BYTES + 1])
def test_given_up_answer_says_so(raw_server: StartServer, connect: Connect, size: Any) -> None:
    """What was given up for the next request never looks like the end (contract 3.5, 3.6)."""

    answers = iter([answer(b"x" * size), answer(b"next")])

    def handler(peer: Peer) -> None:
        with contextlib.suppress(ConnectionError):
            for _ in peer.each_request():
                peer.send(next(answers))

    connection = connect(raw_server(handler))
    old = connection.GET("/rest/a")
    new = connection.GET("/rest/b")

    for read in (old.read, old.readline, old.read1, old.peek, lambda: old.readinto(bytearray(9))):
        with pytest.raises(hcpsdk.HcpsdkError, match="next request"):
            read()
    assert new.read() == b"next"


@pytest.mark.parametrize("read", [0, 2])
def test_response_closed_early(raw_server: StartServer, connect: Connect, read: Any) -> None:
    """A response that is closed before its end takes the socket along; the next works (contract
    3.5)."""
    server = raw_server(in_turn(answering(answer(b"abcdef")), answering(answer(b"next"))))
    connection = connect(server)

    with connection.GET("/rest/a") as response:
        response.read(read)

    server.wait_for_finished(1)  # the server saw the end of it
    for gone in (response.read, connection.read):
        with pytest.raises(hcpsdk.HcpsdkError):
            gone()
    assert connection.response_status == 200
    assert connection.GET("/rest/b").read() == b"next"


def test_closing_an_old_response_harms_nothing(raw_server: StartServer, connect: Connect) -> None:
    """Closing the response of an earlier request does not touch a later one (contract 3.5, 4.6)."""
    server = raw_server(
        answering(answer(b"one"), answer(b"two"), answer(b"three"), answer(b"four"))
    )
    connection = connect(server)

    finished = connection.GET("/rest/a")
    finished.read()
    given_up = connection.GET("/rest/b")
    kept = connection.POST("/rest/c")
    current = connection.GET("/rest/d")
    for old in (finished, given_up, kept):
        old.close()
        old.close()

    assert current.read() == b"four"
    assert len(server.peers) == 1


def test_unasked_bytes_after_an_answer(raw_server: StartServer, connect: Connect) -> None:
    """What a server sends unasked is never taken for the next answer (contract 1.8, 4.2)."""

    def chatty(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        peer.send(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
        sent.set()
        with contextlib.suppress(ConnectionError):  # unread bytes: the client's close is a reset
            peer.wait_for_close()

    sent = threading.Event()
    server = raw_server(in_turn(chatty, answering(answer(b"next"))))
    connection = connect(server)

    connection.PUT("/rest/a", b"abc")
    assert sent.wait(30)
    assert connection.GET("/rest/b").status == 200
    assert connection.read() == b"next"


# Opening and closing


def test_context_managers(
    raw_server: StartServer, authorization: hcpsdk.NativeAuthorization
) -> None:
    """Connection and Target are context managers; the end closes (contract 3.8)."""
    server = raw_server(answering(OK))
    with (
        hcpsdk.Target("127.0.0.1", authorization, port=server.port) as target,
        hcpsdk.Connection(target) as connection,
    ):
        connection.GET("/rest/a")

    server.wait_for_finished(1)
    with hcpsdk.Connection(target) as connection:
        pass  # never opened


def test_close_any_number_of_times_and_open_again(
    raw_server: StartServer, connect: Connect
) -> None:
    """`close()` may be called any number of times; the next request opens again (contract 3.8)."""
    server = raw_server(answering(answer(b"x")))
    connection = connect(server)
    connection.close()
    for count in (1, 2, 3):
        assert connection.GET("/rest/a").read() == b"x"
        connection.close()
        connection.close()
        server.wait_for_finished(count)
        assert connection.response_status == 200


def test_target_can_be_closed(
    raw_server: StartServer, authorization: hcpsdk.NativeAuthorization
) -> None:
    """A Target may be closed any number of times, and used again (contract 3.8)."""
    server = raw_server(answering(OK))
    target = hcpsdk.Target("127.0.0.1", authorization, port=server.port)
    target.close()
    target.close()

    with hcpsdk.Connection(target) as connection:
        assert connection.GET("/rest/a").status == 200


def test_close_within_a_body(raw_server: StartServer, connect: Connect) -> None:
    """What `close()` cut off never looks like the end of a body (contract 3.6, 3.8)."""
    connection = connect(raw_server(answering(answer(b"abcdef"))))
    response = connection.GET("/rest/a")
    connection.close()

    for read in (response.read, connection.read, response.readline):
        with pytest.raises(hcpsdk.HcpsdkError, match="closed"):
            read()


def test_response_outlives_the_name_of_its_connection(
    raw_server: StartServer, connect: Connect, authorization: hcpsdk.NativeAuthorization
) -> None:
    """A response can be read after the caller has let go of the Connection (contract 5.3)."""
    server = raw_server(answering(answer(b"abc" * 1000)))
    target = hcpsdk.Target("127.0.0.1", authorization, port=server.port)

    response = hcpsdk.Connection(target).GET("/rest/a")
    gc.collect()

    assert response.read() == b"abc" * 1000


def test_connection_close_of_the_server(raw_server: StartServer, connect: Connect) -> None:
    """An announced close is heeded: the next request opens a new socket (contract 3.5)."""
    data = answer(b"abc", "200 OK", "Connection: close")
    server = raw_server(answering(data))
    connection = connect(server)
    for count in (1, 2):
        assert connection.GET("/rest/a").read() == b"abc"
        server.wait_for_finished(count)
    for count in (3, 4):
        connection.POST("/rest/a")
        server.wait_for_finished(count)
        assert connection.read() == b"abc"
        assert connection.attempts == 1


# Times


def test_unmeasured_times(raw_server: StartServer, connect: Connect) -> None:
    """Before anything was measured each time is 1e-11 (contract 1.7)."""
    connection = connect(raw_server(answering(OK)))

    assert connection.connect_time == UNMEASURED
    assert connection.service_time1 == UNMEASURED
    assert connection.service_time2 == UNMEASURED


def test_times_of_a_download(raw_server: StartServer, connect: Connect) -> None:
    """`service_time1` is that of the last action, `service_time2` their sum (contract 1.7)."""
    connection = connect(raw_server(answering(answer(b"abcdef"))))
    connection.GET("/rest/a")
    times = [connection.service_time1]
    assert connection.service_time2 == times[0] > UNMEASURED
    assert connection.connect_time > UNMEASURED

    for _ in range(2):
        connection.read(3)
        times.append(connection.service_time1)
        assert connection.service_time2 == pytest.approx(sum(times))

    assert len(set(times)) == 3


def test_service_time1_of_a_request(
    raw_server: StartServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`service_time1` runs until the headers are here, not until the body is (contract 1.7)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        time.sleep(0.05)
        peer.send(answer(b"abc")[:-3])
        assert is_reading.wait(30)
        time.sleep(0.05)
        peer.send(b"abc")
        peer.wait_for_close()

    class Clock:
        """Lets the server go on as soon as somebody looked at the time."""

        @staticmethod
        def monotonic() -> Any:
            now = time.monotonic()
            is_reading.set()
            return now

    is_reading = threading.Event()
    connection = connect(raw_server(handler))
    connection.GET("/rest/a")

    assert connection.service_time1 >= 0.05
    monkeypatch.setattr("hcpsdk._channel.time", Clock)
    connection.read()
    assert connection.service_time1 >= 0.05


def test_service_time2_of_a_verb(raw_server: StartServer, connect: Connect) -> None:
    """The reading that a verb does itself counts for `service_time2` (contract 1.7)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer(b"abc")[:-3])
        time.sleep(0.1)
        peer.send(b"abc")
        peer.wait_for_close()

    connection = connect(raw_server(handler))
    connection.POST("/rest/a")

    assert connection.service_time2 >= 0.1
    assert connection.service_time2 > connection.service_time1


def test_connect_time_is_not_service_time(
    raw_server: StartServer,
    authorization: hcpsdk.NativeAuthorization,
    loopback: str,
    tls_context: ssl.SSLContext,
) -> None:
    """`connect_time` covers the TLS handshake, `service_time1` does not (contract 1.7)."""

    def handler(peer: Peer) -> None:
        time.sleep(0.2)
        peer.sock = tls_context.wrap_socket(peer.sock, server_side=True)
        answering(OK, OK)(peer)

    raw_server(handler, loopback, 8000)
    target = hcpsdk.Target(loopback, authorization, port=8000)
    with hcpsdk.Connection(target) as connection:
        connection.GET("/rest/a")

        assert connection.connect_time >= 0.2
        assert connection.service_time1 < connection.connect_time

        first = connection.connect_time
        connection.GET("/rest/a")
        assert connection.connect_time == first  # of the last connect; there was no new one


def test_times_of_a_failed_request(raw_server: StartServer, connect: Connect) -> None:
    """A failed request does not show the times of an earlier one (contract 1.8, 1.7)."""
    server = raw_server(in_turn(answering(OK), lambda peer: None))
    connection = connect(server)
    connection.GET("/rest/a")
    assert connection.service_time2 > UNMEASURED
    connection.close()

    with pytest.raises(hcpsdk.HcpsdkError):
        connection.POST("/rest/a")

    assert connection.service_time1 == connection.service_time2 == UNMEASURED


# Printing


def printed_lines(text: Any) -> Any:
    """Lines as `http.client` prints them, those of one kind in one piece."""
    sent = "".join(
        eval(line.removeprefix("send: ")).decode("latin-1")
        for line in text.splitlines()
        if line.startswith("send: ")
    )
    return sent, [line for line in text.splitlines() if not line.startswith("send: ")]


@pytest.mark.parametrize("debuglevel", [1, 9])
@pytest.mark.parametrize("body", [None, b"abc", [b"abc", b"d" * 100_000]])
def test_debuglevel(
    raw_server: StartServer, connect: Connect, capfd: Any, debuglevel: Any, body: Any
) -> None:
    """A debuglevel prints all that is on the wire, as `http.client` does (contract 3.9)."""
    data = answer(b"abc", "201 Created", "X-A: b")
    server = raw_server(answering(data))
    connection = connect(server, debuglevel=debuglevel)
    connection.PUT("/rest/a", body)
    sent, received = printed_lines(capfd.readouterr().out)
    (request,) = server.requests

    model = http.client.HTTPConnection(server.address, server.port)
    model.set_debuglevel(debuglevel)
    model.request("PUT", "/rest/a", body, {"Content-Length": str(len(request.body))})
    model.getresponse().read()
    model.close()
    _, expected = printed_lines(capfd.readouterr().out)

    assert sent == request.raw.decode("latin-1")
    assert "Authorization: HCP " in sent
    assert received == expected != []


class BrokenPipe(io.StringIO):
    """Raises what a write to a pipe raises that is not read any more."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


@pytest.mark.parametrize("kind", ["broken pipe", "closed", "None", "ascii"])
def test_debuglevel_without_stdout(
    raw_server: StartServer, connect: Connect, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """If ``sys.stdout`` cannot be written to, the requests are no different (contract 3.9)."""
    closed = io.StringIO()
    closed.close()
    stdout = {
        "broken pipe": BrokenPipe(),
        "closed": closed,
        "None": None,
        "ascii": io.TextIOWrapper(io.BytesIO(), "ascii"),
    }[kind]
    interim = answer(b"", "100 Continue", "X-A: \xe4")
    server = raw_server(answering(*[interim + answer(b"abc", "200 OK", "X-A: \xe4")] * 2))
    connection = connect(server, debuglevel=1)
    monkeypatch.setattr("sys.stdout", stdout)

    for _ in range(2):
        connection.PUT("/rest/a", [b"abc", b"d" * 100_000])
        assert connection.read() == b"abc"
        assert connection.getheader("X-A") == "\xe4"
        assert connection.attempts == 1
    assert connection.response is not None
    assert connection.response.debuglevel == 1
    assert len(server.peers) == 1


def test_no_debuglevel(raw_server: StartServer, connect: Connect, capfd: Any) -> None:
    """Without a debuglevel nothing is printed (contract 3.9)."""
    connection = connect(raw_server(answering(answer(b"abc"))))
    connection.PUT("/rest/a", b"abc")

    assert capfd.readouterr() == ("", "")


# Clean-up reads that fail


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
        getattr(connection, verb)("/rest/a")
    with pytest.raises(hcpsdk.HcpsdkError):
        getattr(connection, verb)("/rest/a")
    assert connection.attempts == 1
    assert len(server.requests) == 1 + is_kept
    assert len(server.peers) == 1
    assert connection.HEAD("/rest/a").status == 200


# The caller's own objects


def test_params_that_raise(raw_server: Any, connect: Any) -> None:
    """What the caller's own objects raise goes through, whatever it is, and the socket is still
    closed after its idle time (contract 4.6, 5)."""

    def params() -> Iterator[tuple[str, str]]:
        yield "a", "b"
        raise KeyError("the caller's own")

    server = raw_server(answering(OK))
    connection = connect(server, idletime=0.5)
    connection.GET("/rest/a")
    with pytest.raises(KeyError, match="the caller's own"):
        connection.GET("/rest/a", params=params())
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
            connection.GET("/rest/a")
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error} {error!r} {error.args!r}"
        error = error.__cause__ or error.__context__
    assert server.peers == []
    assert server.requests == []
