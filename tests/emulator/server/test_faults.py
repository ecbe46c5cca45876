"""Faults in the exchange of a request and its answer, at every place, plain and inside TLS."""

import contextlib
import gc
import http.client
import socket
import ssl
from collections.abc import Iterator

import pytest

from hcpsdk.testing import HCP, Answer, Fault, Garbage, HangUp, Reset, Stall

from ..conftest import HOST, TOKEN, UNVERIFIED, Http, Https

BODY = bytes(range(250)) * 400  # 100,000 bytes
PUT = (
    f"PUT /rest/a HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: {TOKEN}\r\n"
    f"Content-Length: {len(BODY)}\r\n\r\n"
).encode()
GET = f"GET /rest/a HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: {TOKEN}\r\n\r\n".encode()
BROKEN = (ConnectionError, http.client.HTTPException)


@pytest.fixture(params=[80, 443], ids=["plain", "tls"])
def port(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def client(hcp: HCP, port: int) -> Iterator[Http]:
    """Speaks with ``n1``, whatever the node that answers."""
    speaks = Http() if port == 80 else Https(hcp.ca_file)
    yield speaks
    speaks.close()


@pytest.fixture
def raw(hcp: HCP, port: int) -> Iterator[socket.socket]:
    """An open connection to the first node; a read that finds nothing gives up soon."""
    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(socket.create_connection((HOST, port), timeout=20))
        if port == 443:
            # Python's ssl cannot tell a reset from an end-of-file, but a farewell from none.
            opened = stack.enter_context(
                UNVERIFIED.wrap_socket(opened, server_hostname=HOST, suppress_ragged_eofs=False)
            )
        yield opened


def heard(connection: socket.socket) -> tuple[bytes, str]:
    """All that still comes, and how it ends: "close" or "reset"."""
    received = b""
    try:
        while data := connection.recv(65536):
            received += data
    except (ConnectionResetError, ssl.SSLEOFError):
        return received, "reset"
    return received, "close"


def is_silent(connection: socket.socket) -> bool:
    """True if nothing comes and the connection is not closed either, for a moment."""
    connection.settimeout(0.2)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(20)
    return False


def stored(hcp: HCP) -> bytes | None:
    """What ``/rest/a`` holds, asked over a connection of its own; None if it is not there."""
    other = Http()
    try:
        answer = other("GET", "/rest/a")
    finally:
        other.close()
    return answer.body if answer.status == 200 else None


def statuses(hcp: HCP) -> list[int | None]:
    return [request.status for request in hcp.requests]


ENDS = pytest.mark.parametrize("kind, end", [(HangUp, "close"), (Reset, "reset")])


@ENDS
def test_before_the_request(
    hcp: HCP, raw: socket.socket, kind: type[HangUp] | type[Reset], end: str
) -> None:
    """A request that is not read gets no byte, is not in the log, and stores nothing."""
    hcp.add_fault(kind("before request", method="PUT"))
    raw.sendall(PUT)
    assert heard(raw) == (b"", end)
    assert hcp.requests == []
    assert hcp.faults == []
    assert stored(hcp) is None


@ENDS
@pytest.mark.parametrize("after", [0, 1, 70_000, len(BODY), len(BODY) + 1])
def test_within_the_request_body(
    hcp: HCP, raw: socket.socket, kind: type[HangUp] | type[Reset], end: str, after: int
) -> None:
    """A request that is cut within its body stores nothing; the log says how far it came."""
    hcp.add_fault(kind("request body", after=after))
    raw.sendall(PUT)
    with contextlib.suppress(ConnectionError, ssl.SSLError):  # it may come to an end before ours
        raw.sendall(BODY)
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        received, _ = heard(raw)
        assert received == b""
    assert [(request.status, request.body_size) for request in hcp.requests] == [
        (None, min(after, len(BODY)))
    ]
    assert stored(hcp) is None


@ENDS
def test_before_the_answer(
    hcp: HCP, raw: socket.socket, kind: type[HangUp] | type[Reset], end: str
) -> None:
    """A whole request is obeyed although its answer is lost."""
    hcp.add_fault(kind("before answer"))
    raw.sendall(PUT + BODY)
    assert heard(raw) == (b"", end)
    assert statuses(hcp) == [None]
    assert stored(hcp) == BODY


@ENDS
@pytest.mark.parametrize("after", [0, 1, 12, 40])
def test_within_the_answer_head(
    hcp: HCP, raw: socket.socket, kind: type[HangUp] | type[Reset], end: str, after: int
) -> None:
    """As many bytes of the head as were wanted arrive, then the connection ends."""
    hcp.add_fault(kind("answer head", after=after))
    raw.sendall(PUT + BODY)
    received, ended = heard(raw)
    assert ended == end
    assert len(received) == after
    assert b"HTTP/1.1 201 Created\r\n".startswith(received[:22])
    assert stored(hcp) == BODY


@ENDS
@pytest.mark.parametrize("after", [0, 1, 65_536, 99_999])
def test_within_the_answer_body(
    hcp: HCP, raw: socket.socket, kind: type[HangUp] | type[Reset], end: str, after: int
) -> None:
    """The whole head and as many bytes of the body as were wanted arrive."""
    put(hcp)
    hcp.add_fault(kind("answer body", after=after))
    raw.sendall(GET)
    received, ended = heard(raw)
    head, _, body = received.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(BODY)}".encode() in head
    assert (body, ended) == (BODY[:after], end)


@ENDS
def test_within_chunks(client: Http, hcp: HCP, kind: type[HangUp] | type[Reset], end: str) -> None:
    """A chunked answer that is cut lacks its last chunk."""
    assert client("PUT", "/rest/d/a", BODY).status == 201
    whole = client("GET", "/rest/d").body
    hcp.add_fault(kind("answer body", after=100))
    with pytest.raises(BROKEN):
        client("GET", "/rest/d")
    client.close()
    assert client("GET", "/rest/d").body == whole


@ENDS
def test_after_the_answer(
    hcp: HCP, raw: socket.socket, kind: type[HangUp] | type[Reset], end: str
) -> None:
    """An answer arrives whole and without a warning, then the kept-alive connection ends."""
    hcp.add_fault(kind("after answer"))
    raw.sendall(PUT + BODY)
    received, ended = heard(raw)
    assert received.startswith(b"HTTP/1.1 201 ") and received.endswith(b"\r\n\r\n")
    assert b"\r\nConnection: close" not in received
    assert ended == end
    assert statuses(hcp) == [201]


@pytest.mark.parametrize(
    "fault, arrives, is_stored",
    [
        (Stall("before request"), 0, False),
        (Stall("request body", after=1000), 0, False),
        (Stall("before answer"), 0, True),
        (Stall("answer head", after=10), 10, True),
    ],
    ids=lambda value: value.at if isinstance(value, Stall) else "",
)
def test_stall(hcp: HCP, raw: socket.socket, fault: Stall, arrives: int, is_stored: bool) -> None:
    """A node that stalls stays silent until the faults are cleared, and then hangs up."""
    hcp.add_fault(fault)
    raw.sendall(PUT + BODY)
    received = b"".join(raw.recv(1) for _ in range(arrives))
    assert b"HTTP/1.1 201".startswith(received)
    assert is_silent(raw)
    assert (stored(hcp) == BODY) is is_stored
    hcp.clear_faults()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        assert heard(raw)[0] == b""
    assert (stored(hcp) == BODY) is is_stored


def test_stall_within_the_answer(hcp: HCP, raw: socket.socket) -> None:
    """A node can stall within the body of its answer."""
    put(hcp)
    hcp.add_fault(Stall("answer body", after=5))
    raw.sendall(GET)
    received = b""
    while not received.endswith(b"\r\n\r\n" + BODY[:5]):
        received += raw.recv(1)
    assert is_silent(raw)


def test_stall_after_the_answer(hcp: HCP, raw: socket.socket) -> None:
    """A kept-alive connection can go dumb: the next request gets no answer."""
    hcp.add_fault(Stall("after answer"))
    raw.sendall(PUT + BODY)
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += raw.recv(1)
    raw.sendall(GET)
    assert is_silent(raw)


# A reset between connect and handshake leaves Python's own SSLSocket to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.parametrize("kind", [HangUp, Reset])
def test_connection(hcp: HCP, port: int, kind: type[HangUp] | type[Reset]) -> None:
    """A connection can end as soon as it is accepted, before TLS; the next one is served."""
    hcp.add_fault(kind("connection"))
    # By address: http.client would try a name's next address.
    client = Http(hcp.nodes[0].address) if port == 80 else Https(hcp.ca_file, hcp.nodes[0].address)
    with pytest.raises((*BROKEN, ssl.SSLError)):
        client("PUT", "/rest/a", b"a", {"Host": HOST})
    gc.collect()
    assert hcp.requests == []
    client.close()
    assert client("PUT", "/rest/a", b"a", {"Host": HOST}).status == 201
    client.close()


def test_silent_connection(hcp: HCP, port: int) -> None:
    """A node can accept a connection and say nothing, not even in TLS, as long as it is open."""
    hcp.add_fault(Stall("connection"))
    with socket.create_connection((HOST, port), timeout=20) as raw:
        raw.sendall(GET)
        assert is_silent(raw)
        hcp.reset()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            assert heard(raw)[0] == b""


@pytest.mark.parametrize("status", [503, 500, 403, 409, 413])
def test_early_answer(hcp: HCP, raw: socket.socket, status: int) -> None:
    """An early answer comes before the body is read; nothing is stored."""
    hcp.add_fault(Answer(status, method="PUT"))
    raw.sendall(PUT)
    received, end = heard(raw)
    assert received.startswith(b"HTTP/1.1 %d " % status)
    assert end == "close"
    assert [(request.status, request.body_size) for request in hcp.requests] == [(status, 0)]
    assert stored(hcp) is None


def test_answer_without_body(client: Http, hcp: HCP) -> None:
    """An answer to a request without a body keeps the connection."""
    hcp.add_fault(Answer(503))
    assert client("GET", "/rest").status == 503
    used = client.connection.sock
    assert client("GET", "/rest").status == 200
    assert client.connection.sock is used


@pytest.mark.parametrize("data", [b"", b"\r\n", b"hello\r\n\r\n", b"HTTP/9.9 \xff\r\n", b"\0" * 99])
def test_garbage(hcp: HCP, raw: socket.socket, data: bytes) -> None:
    """Garbage arrives as it was given instead of the answer; the request was obeyed."""
    hcp.add_fault(Garbage(data))
    raw.sendall(PUT + BODY)
    assert heard(raw) == (data, "close")
    assert statuses(hcp) == [None]
    assert stored(hcp) == BODY


@pytest.mark.parametrize(
    "fault",
    [
        HangUp("request body", after=9),
        Reset("before answer"),
        Answer(500),
        Garbage(b"?"),
    ],
    ids=repr,
)
def test_kept_alive_connections_too(client: Http, hcp: HCP, fault: Fault) -> None:
    """A fault that is added while a connection is open happens to its next request."""
    assert client("PUT", "/rest/b", b"b").status == 201
    hcp.add_fault(fault)
    try:
        status = client("PUT", "/rest/a", b"0123456789").status
    except BROKEN:
        client.close()
    else:
        assert status == 500
    assert hcp.faults == []
    assert client("GET", "/rest/b").body == b"b"


def put(hcp: HCP) -> None:
    """Store `BODY` as ``/rest/a``, and forget that it was a request."""
    other = Http()
    assert other("PUT", "/rest/a", BODY).status == 201
    other.close()
