"""One connection's life: keep-alive, idle time, pipelining, 100-continue, malformed requests."""

import asyncio
import contextlib
import http.client
import pathlib
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest

from hcpsdk.testing import HCP, Reply, Request, System

HOST = "n1.m.hcp1.snomis.local"
HEAD = f"Host: {HOST}\r\n"
NOTHING = [("Content-Length", "0")]


class Reading:
    """A site that reads each body, if the target does not forbid it, and says how long it was."""

    def __init__(self, system: System, scratch: pathlib.Path) -> None:
        pass

    def reset(self) -> None:
        pass

    async def answer(self, request: Request) -> Reply:
        if request.target == "/refuse":
            return Reply(409, "Conflict", NOTHING)
        size = 0
        async for piece in request.body:
            size += len(piece)
        body = b"%s %d" % (request.target.encode(), size)
        return Reply(200, "OK", [("X-First", "1"), ("content-LENGTH", str(len(body)))], body)


@pytest.fixture(scope="module")
def running_hcp() -> Iterator[HCP]:
    with HCP(site=Reading) as running:
        yield running


@pytest.fixture
def raw(hcp: HCP) -> Iterator[socket.socket]:
    """A socket to a node's plain port."""
    with socket.create_connection((HOST, 80), timeout=20) as connection:
        yield connection


def until_closed(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


def read_until(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        data = connection.recv(1)
        assert data, f"closed after {received!r}"
        received += data
    return received


def test_keep_alive(hcp: HCP) -> None:
    """Any number of requests goes over one connection."""
    connection = http.client.HTTPConnection(HOST, timeout=20)
    connection.connect()
    first = connection.sock
    for number in range(20):
        connection.request("PUT", f"/{number}", b"x" * number)
        assert connection.getresponse().read() == f"/{number} {number}".encode()
        assert connection.sock is first
    connection.close()


def test_pipelined_requests_are_answered_in_order(raw: socket.socket) -> None:
    """Requests that arrive before the answers went out are answered one after the other."""
    one = f"PUT /a HTTP/1.1\r\n{HEAD}Content-Length: 3\r\n\r\nabc"
    two = f"PUT /b HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
    last = f"GET /c HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n"
    raw.sendall((one + two + last).encode())
    received = until_closed(raw)
    assert [received.find(text) > 0 for text in (b"/a 3", b"/b 2", b"/c 0")] == [True] * 3
    assert received.index(b"/a 3") < received.index(b"/b 2") < received.index(b"/c 0")


def test_a_request_may_arrive_byte_by_byte(raw: socket.socket) -> None:
    """However a request is cut into packets, it is the same request."""
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = f"PUT /a HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    for byte in request.encode():
        raw.sendall(bytes([byte]))
    assert read_until(raw, b"/a 3").startswith(b"HTTP/1.1 200 OK\r\n")


def test_headers_go_out_as_they_are(raw: socket.socket) -> None:
    """The reply's headers keep their order and spelling, and none is added."""
    raw.sendall(f"GET /a HTTP/1.1\r\n{HEAD}\r\n".encode())
    head = b"HTTP/1.1 200 OK\r\nX-First: 1\r\ncontent-LENGTH: 4\r\n\r\n"
    assert read_until(raw, b"/a 0") == head + b"/a 0"


def test_head_has_no_body(raw: socket.socket) -> None:
    """HEAD gets the headers of a GET and nothing after them."""
    raw.sendall(f"HEAD /a HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n".encode())
    received = until_closed(raw)
    assert b"content-LENGTH: 4\r\n" in received
    assert received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "request_line, headers",
    [
        ("GET /a HTTP/1.1", HEAD + "Connection: close\r\n"),
        ("GET /a HTTP/1.0", HEAD),
        ("GET /a HTTP/1.0", ""),
    ],
)
def test_closes_when_asked(raw: socket.socket, request_line: str, headers: str) -> None:
    """`Connection: close` and HTTP/1.0 end the connection after the answer."""
    raw.sendall(f"{request_line}\r\n{headers}\r\n".encode())
    received = until_closed(raw)
    assert received.endswith(b"/a 0")
    assert b"Connection: close\r\n" in received


@pytest.mark.parametrize("host", [HOST, HOST.upper(), f"{HOST}:80", f"{HOST}.", f"{HOST}:"])
def test_host_header(hcp: HCP, raw: socket.socket, host: str) -> None:
    """The host is known by its lower case, without port."""
    raw.sendall(f"GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    read_until(raw, b"/a 0")
    assert hcp.requests[-1].host == HOST


# Malformed requests


@pytest.mark.parametrize(
    "sent, status",
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET / HTTP/1.1\r\nHost: a\r\nBad Header: 1\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 200_000 + b"\r\n\r\n", 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600), 400),  # TLS to port 80
        (b"GET /half HTTP/1.1\r\nHos", 400),  # and then the end
    ],
)
def test_what_is_no_http_is_refused(raw: socket.socket, sent: bytes, status: int) -> None:
    """A malformed request gets its status and a close, whatever else was sent."""
    raw.sendall(sent)
    raw.shutdown(socket.SHUT_WR)
    received = until_closed(raw)
    assert received.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nConnection: close\r\n" in received


def test_a_long_path_arrives(hcp: HCP, raw: socket.socket) -> None:
    """A name of 4095 bytes, each percent-encoded, reaches the site, which decides about it."""
    target = "/rest/" + "%41" * 4095
    raw.sendall(f"HEAD {target} HTTP/1.1\r\n{HEAD}\r\n".encode())
    assert read_until(raw, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert hcp.requests[-1].target == target


def test_plain_http_on_a_tls_port(hcp: HCP) -> None:
    """Who speaks no TLS on port 443 gets an alert and a close; the node stays well."""
    with socket.create_connection((HOST, 443), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert b"HTTP" not in until_closed(connection)
    context = ssl.create_default_context(cafile=hcp.ca_file)
    secured = http.client.HTTPSConnection(HOST, timeout=20, context=context)
    secured.request("GET", "/a")
    assert secured.getresponse().read() == b"/a 0"
    secured.close()


def test_upgrades_are_not_taken_up(raw: socket.socket) -> None:
    """A client that offers another protocol (curl offers HTTP/2) goes on with this one."""
    offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    for _ in range(2):
        raw.sendall(f"GET /a HTTP/1.1\r\n{HEAD}{offer}\r\n".encode())
        assert read_until(raw, b"/a 0").startswith(b"HTTP/1.1 200 ")


def test_other_methods_reach_the_site(hcp: HCP, raw: socket.socket) -> None:
    """What to think of a method is for the site to decide."""
    raw.sendall(f"BREW /pot HTTP/1.1\r\n{HEAD}\r\n".encode())
    read_until(raw, b"/pot 0")
    raw.sendall(f"CONNECT /refuse HTTP/1.1\r\n{HEAD}\r\n".encode())
    assert read_until(raw, b"\r\n\r\n").startswith(b"HTTP/1.1 409 ")
    assert [request.method for request in hcp.requests[-2:]] == ["BREW", "CONNECT"]


def test_any_bytes(hcp: HCP) -> None:
    """Whatever is sent, the node lives, finds no bug in itself, and answers the next one."""
    chance = random.Random(2)
    whole = (
        f"PUT /a HTTP/1.1\r\n{HEAD}Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nabcde\r\n0\r\nX-Trailer: 1\r\n\r\n"
        f"GET /b HTTP/1.1\r\n{HEAD}Range: bytes=0-\r\n\r\n"
    ).encode()
    for turn in range(300):
        sent = bytearray(whole)
        for _ in range(chance.randrange(4)):
            place = chance.randrange(len(sent))
            sent[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        port = (80, 443)[turn % 10 == 0]
        with socket.create_connection((HOST, port), timeout=20) as connection:
            connection.sendall(sent[: chance.randrange(len(sent))] if turn % 2 else sent)
            connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                until_closed(connection)
    with socket.create_connection((HOST, 80), timeout=20) as connection:
        connection.sendall(f"GET /a HTTP/1.1\r\n{HEAD}\r\n".encode())
        read_until(connection, b"/a 0")
    hcp.reset()  # raises if there was a bug


# Expect: 100-continue


def test_continue_is_sent_when_the_body_is_wanted(raw: socket.socket) -> None:
    """The client is told to go on when the site asks for the body, and not before."""
    head = f"PUT /a HTTP/1.1\r\n{HEAD}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    raw.sendall(head.encode())
    assert read_until(raw, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    raw.sendall(b"abc")
    assert read_until(raw, b"/a 3").startswith(b"HTTP/1.1 200 ")


def test_the_final_status_comes_at_once(raw: socket.socket) -> None:
    """A body that is not wanted is never asked for; the connection ends, so nobody guesses."""
    head = f"PUT /refuse HTTP/1.1\r\n{HEAD}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    raw.sendall(head.encode())
    received = until_closed(raw)
    assert received.startswith(b"HTTP/1.1 409 ")
    assert b"\r\nConnection: close\r\n" in received


def test_whoever_does_not_wait_is_not_told(raw: socket.socket) -> None:
    """If the body is there already, "100 Continue" is left out."""
    head = f"PUT /a HTTP/1.1\r\n{HEAD}Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc"
    raw.sendall(head.encode())
    assert read_until(raw, b"/a 3").startswith(b"HTTP/1.1 200 ")


# Idle time


@pytest.fixture
def impatient() -> Iterator[Callable[[], socket.socket]]:
    """Connections to an HCP that closes them after a moment without a word."""
    opened: list[socket.socket] = []

    def connect(port: int = 80) -> socket.socket:
        opened.append(socket.create_connection((HOST, port), timeout=20))
        return opened[-1]

    with HCP(site=Reading, idle_seconds=1.0):
        yield connect
    for connection in opened:
        connection.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HT"])
def test_idle_connections_are_closed_silently(
    impatient: Callable[[], socket.socket], sent: bytes
) -> None:
    """Before the first request, or in the middle of its head: a close without a word."""
    connection = impatient()
    connection.sendall(sent)
    assert until_closed(connection) == b""


def test_idle_after_a_request(impatient: Callable[[], socket.socket]) -> None:
    """After an answer the connection stays open for a while, and is closed then."""
    connection = impatient()
    for _ in range(3):
        connection.sendall(f"GET /a HTTP/1.1\r\n{HEAD}\r\n".encode())
        read_until(connection, b"/a 0")
    assert until_closed(connection) == b""


def test_idle_in_tls(impatient: Callable[..., socket.socket]) -> None:
    """In TLS the close is announced, and does not wait for the client's consent."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(impatient(443), suppress_ragged_eofs=False) as connection:
        connection.sendall(f"GET /a HTTP/1.1\r\n{HEAD}\r\n".encode())
        read_until(connection, b"/a 0")
        assert connection.recv(1) == b""  # the announcement: no SSLEOFError
    half = impatient(443)
    assert until_closed(half) == b""  # nobody begins a handshake


def test_silence_during_a_request_is_no_idleness() -> None:
    """A client that waits for its answer, or stalls in its upload, is not cut off."""
    release = threading.Event()

    class Slow(Reading):
        async def answer(self, request: Request) -> Reply:
            await asyncio.to_thread(release.wait)
            return await super().answer(request)

    with (
        HCP(site=Slow, idle_seconds=1.0),
        socket.create_connection((HOST, 80), timeout=20) as busy,
    ):
        busy.sendall(f"PUT /a HTTP/1.1\r\n{HEAD}Content-Length: 3\r\n\r\na".encode())
        with socket.create_connection((HOST, 80), timeout=20) as idle:
            assert until_closed(idle) == b""  # so more than the idle time has passed
        release.set()
        with socket.create_connection((HOST, 80), timeout=20) as idle:
            assert until_closed(idle) == b""
        busy.sendall(b"bc")
        assert read_until(busy, b"/a 3").startswith(b"HTTP/1.1 200 ")
