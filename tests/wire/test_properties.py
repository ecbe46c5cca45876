"""Whatever a server answers, and however it is cut: the truth, or an `HcpsdkError`."""

import contextlib
import http.client
import itertools
import os
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import hcpsdk

from ..support.raw_server import PATIENCE, Peer, RawServer
from ..support.reading import READERS, by_read

# One server, and one Connection, serve all examples of a test: each must leave them usable.
bounded = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

VERBS = ["GET", "HEAD", "PUT", "POST", "DELETE"]


NEXT = b"HTTP/1.1 200 OK\r\nX-Is-Next: yes\r\nContent-Length: 0\r\n\r\n"


class Stage:
    """A server that plays what it is told at ``/rest/scene``, and answers 200 to all else."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []  # sent one by one
        self.closes = True  # after them
        self.resets = False

    def handler(self, peer: Peer) -> None:
        with contextlib.suppress(OSError):  # the client may have enough
            for request in peer.each_request():
                if request.target != "/rest/scene":
                    peer.send(NEXT)
                    continue
                for piece in self.pieces:
                    peer.send(piece)
                    os.sched_yield()
                if self.resets:
                    peer.reset()
                if self.resets or self.closes:
                    return


class Scene:
    """A `Stage`, a Connection to it, and all sockets that this opened."""

    def __init__(self, server: RawServer, stage: Stage, connection: hcpsdk.Connection) -> None:
        self.server = server
        self.stage = stage
        self.connection = connection
        self.opened: list[socket.socket] = []

    def play(
        self,
        pieces: list[bytes],
        closes: bool = True,
        resets: bool = False,
        may_send_more: bool = False,
        **options: Any,
    ) -> "Outcome":
        """What the caller gets; the next request has to work, and no socket to be left over.

        If the server *may send more* than a response, and then closes, what comes late may spoil
        the next request, but not the one after an error.
        """
        self.stage.pieces, self.stage.closes, self.stage.resets = pieces, closes, resets
        outcome = ask(self.connection, **options)
        while not self._next_request_works():
            # What was sent behind the response came late, and was taken for the next one.
            assert may_send_more
        self.connection.close()
        assert [sock.fileno() for sock in self.opened] == [-1] * len(self.opened)
        self.opened.clear()
        return outcome

    def _next_request_works(self) -> bool:
        try:
            response = self.connection.GET("/rest/next")
            response.read()
        except hcpsdk.HcpsdkError as exc:
            assert not isinstance(exc, hcpsdk.HcpsdkTimeoutError), f"it hung: {exc}"
            response = self.connection.GET("/rest/next")  # over another connection
            assert response.getheader("X-Is-Next")
            assert response.read() == b""
            return False
        return response.getheader("X-Is-Next") is not None


@pytest.fixture
def scene(
    raw_server: Callable[..., RawServer],
    connect: Callable[..., hcpsdk.Connection],
    monkeypatch: pytest.MonkeyPatch,
) -> Scene:
    stage = Stage()
    server = raw_server(stage.handler)
    scene = Scene(server, stage, connect(server))
    real_connect = socket.socket.connect

    def connect_and_note(sock: socket.socket, address: Any) -> None:
        real_connect(sock, address)
        scene.opened.append(sock)

    monkeypatch.setattr(socket.socket, "connect", connect_and_note)
    return scene


class Outcome(NamedTuple):
    """What a caller was told."""

    status: int | None  # None: an HcpsdkError
    body: bytes
    error: str


def ask(
    connection: hcpsdk.Connection, verb: str = "GET", read: Callable[[Any], bytes] = by_read
) -> Outcome:
    try:
        response = getattr(connection, verb)("/rest/scene")
        return Outcome(response.status, read(response), "")
    except hcpsdk.HcpsdkError as exc:
        assert not isinstance(exc, hcpsdk.HcpsdkTimeoutError), f"it hung: {exc}"
        return Outcome(None, b"", str(exc))


def split(data: bytes, places: list[int]) -> list[bytes]:
    """*data* in pieces, divided at *places*."""
    bounds = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[i:j] for i, j in itertools.pairwise(bounds) if i < j]


PLACES = st.lists(st.integers(0, 10_000), max_size=6)

# Valid answers


class Valid(NamedTuple):
    """An answer as RFC 9112 has it, and what of it is indispensable."""

    data: bytes
    verb: str
    status: int
    body: bytes
    needed: int  # bytes without which it is not whole
    is_delimited: bool = True  # False: only the close tells where it ends


TOKENS = st.text("abcXYZ019-_!~", min_size=1, max_size=8)
TEXTS = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_categories=["Cc"]), max_size=20
).filter(lambda text: "\x85" not in text)
FRAMING = {"content-length", "transfer-encoding", "connection", "keep-alive"}
REASONS = st.sampled_from(["OK", "", "Not Found", "It is sö"])
BODIES = st.one_of(
    st.binary(max_size=300), st.binary(min_size=1, max_size=60).map(lambda b: b * 50)
)


@st.composite
def fields(draw: st.DrawFn) -> list[str]:
    """Headers that say nothing of the body: with duplicates, odd cases, and folded values."""
    names = draw(st.lists(TOKENS, max_size=5))
    lines = []
    for name in names + draw(st.lists(st.sampled_from(names or ["X"]), max_size=2)):
        name = draw(st.sampled_from([name, name.lower(), name.upper()]))
        blank = draw(st.sampled_from(["", " ", "\t", "  "]))
        value = draw(TEXTS)
        if draw(st.integers(0, 4)) == 0:
            value += "\r\n" + draw(st.sampled_from([" ", "\t"])) + "x" + draw(TEXTS)
        if name.lower() not in FRAMING:
            lines.append(f"{name}:{blank}{value}")
    return lines


@st.composite
def chunked(draw: st.DrawFn, body: bytes) -> tuple[bytes, int]:
    """*body* in chunks, and how many bytes of that are indispensable."""
    data = b""
    for piece in split(body, draw(PLACES)):
        size = draw(st.sampled_from([b"%x", b"%X", b"%04x"])) % len(piece)
        data += size + draw(EXTENSIONS) + b"\r\n" + piece + b"\r\n"
    data += b"0" + draw(EXTENSIONS) + b"\r\n"
    # RFC 9112, section 8: with the zero-sized chunk the body is complete, whatever the trailer.
    needed = len(data)
    trailer = draw(st.lists(st.sampled_from([b"X-Sum: 1\r\n", b"Y:\r\n"]), max_size=2))
    return data + b"".join(trailer) + b"\r\n", needed


EXTENSIONS = st.sampled_from([b"", b"", b";a", b";a=b", b';a="; x"', b" ;a"])


@st.composite
def valid_answers(draw: st.DrawFn) -> Valid:
    """Answers with every kind of framing, perhaps after interim ones."""
    verb = draw(st.sampled_from(["GET", "GET", "GET", "HEAD", "PUT", "DELETE"]))
    status = draw(st.sampled_from([200, 200, 200, 201, 204, 304, 404, 409, 503, 599]))
    kind = draw(st.sampled_from(["length", "chunked", "close"]))
    body = draw(BODIES)
    has_body = verb != "HEAD" and status not in (204, 304)
    headers = draw(fields())
    payload, needed = body, len(body)
    if status == 204:
        kind = "none"  # RFC 9112, section 6.1: neither header may be there
    elif kind == "length":
        headers.append(
            f"{draw(st.sampled_from(['Content-Length', 'content-length']))}: {len(body)}"
        )
    elif kind == "chunked":
        headers.append(f"Transfer-Encoding: {draw(st.sampled_from(['chunked', 'Chunked']))}")
        payload, needed = draw(chunked(body))
    if draw(st.booleans()):
        headers.append(f"Connection: {draw(st.sampled_from(['close', 'Keep-Alive', 'x']))}")
    headers = draw(st.permutations(headers))
    version = "1.1" if kind == "chunked" else draw(st.sampled_from(["1.1", "1.1", "1.0"]))
    interim = draw(st.sampled_from(["", "", "HTTP/1.1 100 Continue\r\n\r\n"]))
    interim *= draw(st.integers(1, 2))
    lines = [f"HTTP/{version} {status} {draw(REASONS)}", *headers, "", ""]
    head = (interim + "\r\n".join(lines)).encode("latin-1")
    if not has_body:
        return Valid(head, verb, status, b"", len(head))
    return Valid(head + payload, verb, status, body, len(head) + needed, kind != "close")


# There is no body, whatever the header says (RFC 9112, sections 6.1 and 6.3).
_HEAD_304 = b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED_304 = Valid(_HEAD_304, "GET", 304, b"", len(_HEAD_304))


@bounded
@given(valid_answers(), PLACES, st.sampled_from(READERS), st.booleans())
@example(CHUNKED_304, [], by_read, True)
def test_valid_answers(
    scene: Scene, valid: Valid, places: list[int], read: Callable[[Any], bytes], closes: bool
) -> None:
    """Every valid answer is delivered, however it is divided on its way, and by every way of
    reading (contract 3.5 to 3.7)."""
    closes = closes or not valid.is_delimited
    outcome = scene.play(split(valid.data, places), closes, verb=valid.verb, read=read)

    assert outcome == (valid.status, valid.body, "")


@bounded
@given(valid_answers(), PLACES, st.sampled_from(READERS), st.integers(0, 10_000), st.booleans())
def test_truncated_answers(
    scene: Scene,
    valid: Valid,
    places: list[int],
    read: Callable[[Any], bytes],
    size: int,
    resets: bool,
) -> None:
    """A cut answer is a failure, by every way of reading; one that only its close delimits cannot
    be told from a whole one, but never has a byte that is wrong (contract 3.6)."""
    cut = valid.data[: size % len(valid.data)]
    outcome = scene.play(split(cut, places), resets=resets, verb=valid.verb, read=read)

    if outcome.status is None:
        return
    assert outcome.status == valid.status
    if valid.is_delimited:
        assert len(cut) >= valid.needed
        assert outcome.body == valid.body
    else:
        assert valid.body.startswith(outcome.body)


# Anything at all

FRAGMENTS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 200\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n",
        b"HTTP/1.1 304 Not Modified\r\n",
        b"HTTP/9 200 OK\r\n",
        b"HTTP/1.1 99 OK\r\n",
        b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: 99999999999999\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Connection: close\r\n",
        b"X: " + b"y" * 70_000 + b"\r\n",
        b"X: y\r\n" * 101,
        b" folded\r\n",
        b"no colon\r\n",
        b": no name\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\0",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"-5\r\n",
        b"0x5\r\n",
        b"5;" + b"x" * 70_000 + b"\r\n",
        b"ffffffffffff\r\n",
        b"ffffffffffffffffffffffff\r\n",
        b"hello",
    ]
)
HEADS = st.sampled_from(
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
)
ANYTHING = st.one_of(
    st.binary(max_size=200),
    st.tuples(
        HEADS, st.lists(st.one_of(FRAGMENTS, FRAGMENTS, st.binary(max_size=9)), max_size=8)
    ).map(lambda parts: parts[0] + b"".join(parts[1])),
)
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nx"
CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\nx"


@bounded
@given(ANYTHING, PLACES, st.sampled_from(VERBS), st.sampled_from(READERS), st.booleans())
def test_arbitrary_answers(
    scene: Scene,
    data: bytes,
    places: list[int],
    verb: str,
    read: Callable[[Any], bytes],
    resets: bool,
) -> None:
    """Whatever a server sends: an answer or an `HcpsdkError`, and then the next request works
    (contract 4.5, 4.6)."""
    scene.play(split(data, places), resets=resets, may_send_more=True, verb=verb, read=read)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("head", [LENGTH, CHUNK], ids=["length", "chunk"])
@pytest.mark.parametrize("size", [2**40, 2**62, 2**64], ids=["2^40", "2^62", "2^64"])
def test_announced_without_measure(
    scene: Scene, head: bytes, size: int, read: Callable[[Any], bytes]
) -> None:
    """A server that announces more than there is memory for is a failure as any cut (contract
    3.6)."""
    assert scene.play([head % size], read=read).error


# As http.client


def told(response: http.client.HTTPResponse) -> dict[str, Any]:
    """All that a head says."""
    found = {name: getattr(response, name) for name in ("status", "reason", "version", "length")}
    return found | {
        "chunked": bool(response.chunked),
        "will_close": response.will_close,
        "headers": response.getheaders(),
        "header": {name: response.getheader(name) for name, _ in response.getheaders()},
        "items": response.msg.items(),
        "info": str(response.info()),
    }


def as_http_client(server: RawServer, verb: str) -> dict[str, Any]:
    with contextlib.closing(
        http.client.HTTPConnection(server.address, server.port, timeout=PATIENCE)
    ) as bare:
        bare.request(verb, "/rest/scene")
        with bare.getresponse() as response:
            return told(response)


@bounded
@given(valid_answers())
@example(CHUNKED_304)
@example(Valid(b"HTTP/1.1 200 \r\na:b\r\nA:c\r\nContent-Length: 0\r\n\r\n", "GET", 200, b"", 0))
def test_heads_are_parsed_as_http_client_does(scene: Scene, valid: Valid) -> None:
    """What an answer tells is what `http.client` makes of the same bytes (contract 3.6)."""
    scene.stage.pieces = [valid.data]
    response = scene.connection.request(valid.verb, "/rest/scene")

    ours, theirs = told(response), as_http_client(scene.server, valid.verb)
    if valid.status == 304:
        # `http.client` would wait for chunks that never come (RFC 9112, section 6.3).
        ours["chunked"] = theirs["chunked"]
    assert ours == theirs
    assert response.read() == valid.body
