"""Responses whose end may be in doubt: a table, judged by an independent reader of RFC 9112.

Header by position by value by method by closing, over HTTP and HTTPS, and each by all ways of
reading; and the limits of all that is read by lines.
"""

import contextlib
import itertools
import ssl
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import trustme

import hcpsdk

from ..support.raw_server import Connect, Peer, RawServer, StartServer
from ..support.reading import READERS
from ..support.rfc9112 import Doubt, Response, read_response

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Row(NamedTuple):
    """What the server sends, and how it ends the connection."""

    data: bytes
    method: str = "GET"
    ending: str = "close"  # or "cut": under TLS without its end; or "open"


class Table:
    """A server that plays one row after the other at ``/rest/row``, and a Connection to it."""

    def __init__(self, start: Callable[[Any], RawServer], is_tls: bool) -> None:
        self.row = Row(b"")
        self.is_tls = is_tls
        self.server = start(self._handle)
        self.connection: Any = None
        self.has_response = False  # True once the last request returned

    def _handle(self, peer: Peer) -> None:
        with contextlib.suppress(OSError):  # the client may have enough
            for request in peer.each_request():
                if request.target != "/rest/row":
                    peer.send(OK)
                    return
                peer.send(self.row.data)
                if self.row.ending != "open":
                    if self.is_tls and self.row.ending == "close":
                        peer.end_tls()
                    return

    def check(self, row: Row) -> None:
        """By every way of reading: the response that the judge sees, or an `HcpsdkError`."""
        self.row = row
        try:
            expected = read_response(row.data, row.method, not self.is_tls or row.ending == "close")
        except Doubt:
            expected = None
        for read in READERS:
            self.has_response = False
            found = self._ask(read)
            assert found == (expected and (expected.status, expected.body)), (row, read)
            if not self.has_response:
                break  # refused before it could be read in any way
        assert self.connection.GET("/rest/next").status == 200

    def _ask(self, read: Callable[[Any], bytes]) -> tuple[int, bytes] | None:
        try:
            response = self.connection.request(self.row.method, "/rest/row")
            self.has_response = True
            return response.status, read(response)
        except hcpsdk.HcpsdkError as exc:
            assert not isinstance(exc, hcpsdk.HcpsdkTimeoutError), self.row
            return None


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context, and a client's that trusts it."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


@pytest.fixture(params=["http", "https"])
def table(
    request: pytest.FixtureRequest,
    raw_server: StartServer,
    authorization: hcpsdk.NativeAuthorization,
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> Iterator[Table]:
    is_tls = request.param == "https"
    options: dict[str, Any] = {"context": contexts[0]} if is_tls else {}
    table = Table(lambda handler: raw_server(handler, **options), is_tls)
    target = plain_target(table.server, authorization)
    if is_tls:
        # A given context does not mean TLS on any port yet, so it is put in here.
        target.endpoint.context = contexts[1]
    with hcpsdk.Connection(target) as table.connection:
        yield table


# For what is decided by the bytes alone, which are read alike over TLS.
over_http = pytest.mark.parametrize("table", ["http"], indirect=True)


def plain_target(server: RawServer, authorization: hcpsdk.NativeAuthorization) -> hcpsdk.Target:
    return hcpsdk.Target(server.address, authorization, port=server.port)


# Values

LENGTHS = [
    *("5", "0", "05", "", " ", ",", ",,", "5,", ",5", "5, 5", "5,6", "0, 5", "0,0"),
    *("-0", "-5", "+5", "+0", "0_0", "5_0", "0x5", "5.0", "5;x", "5 5", "five", '"5"', "5\xa0"),
    *("\xa05", "5\x0b", "\x0c5", "5\0", "\xb2", "\xd9\xa5", "9" * 18, "9" * 19, "9" * 5000),
]
CODINGS = [
    *("chunked", "Chunked", "", " ", ",", "identity", "gzip", "gzip, chunked", "chunked, gzip"),
    *("chunked, chunked", "chunked;q=1", "xchunked", "chunked\x0b", "chunked\0", '"chunked"'),
    *("chunked,", ",chunked", "c hunked", "identity, chunked"),
]
PAIRS = [("0", "5"), ("5", "0"), ("5", "5"), ("0", "0"), ("", "5"), ("5", ""), ("5", "five")]

CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"


def placed(lines: list[str]) -> Iterator[list[str]]:
    """*lines* in all positions: alone, first, last, around others, in other case, folded."""
    yield lines
    yield [*lines, "X-Other: a", "Y: b"]
    yield ["X-Other: a", "Y: b", *lines]
    yield [lines[0], "X-Other: a", *lines[1:]]
    yield ["X-Folded: a", " Content-Length: 5", *lines]
    yield [line.swapcase() for line in lines]
    yield [line.replace(": ", ":\r\n ") for line in lines]
    yield [line.replace(": ", " : ") for line in lines]
    yield [" " + lines[0], *lines[1:]]


def rows(lines: list[str], payload: bytes) -> Iterator[Row]:
    """All rows with the header *lines*."""
    for place, all_lines in enumerate(placed(lines)):
        for start in ("HTTP/1.1 200 OK", "HTTP/1.0 200 OK") if place == 0 else ("HTTP/1.1 200 OK",):
            head = "\r\n".join([start, *all_lines, "", ""]).encode("latin-1")
            yield Row(head + payload)
            if place in (0, 2):
                yield Row(head + payload, ending="cut")
    head = "\r\n".join(["", *lines, "", ""]).encode("latin-1")
    yield Row(b"HTTP/1.1 100 Continue" + head + b"HTTP/1.1 200 OK" + head + payload)
    yield Row(b"HTTP/1.1 200 OK" + head, "HEAD")
    yield Row(b"HTTP/1.1 204 No Content" + head)
    yield Row(b"HTTP/1.1 304 Not Modified" + head)
    yield Row(b"HTTP/1.1 404 Not Found" + head + payload)


@pytest.mark.parametrize("value", LENGTHS, ids=lambda value: ascii(value[:20]))
def test_content_length(table: Table, value: str) -> None:
    """A Content-Length that is no plain number is a failure (contract 3.6)."""
    for payload in (b"hello", b""):
        for row in rows([f"Content-Length: {value}"], payload):
            table.check(row)


@pytest.mark.parametrize("values", PAIRS, ids=repr)
def test_repeated_content_length(table: Table, values: tuple[str, str]) -> None:
    """A Content-Length that comes twice is a failure, equal or not (contract 3.6)."""
    for row in rows([f"Content-Length: {value}" for value in values], b"hello"):
        table.check(row)


@pytest.mark.parametrize("value", CODINGS, ids=ascii)
def test_transfer_encoding(table: Table, value: str) -> None:
    """A transfer coding other than "chunked" is a failure (contract 3.6)."""
    for row in rows([f"Transfer-Encoding: {value}"], CHUNKS):
        table.check(row)


@over_http
@pytest.mark.parametrize("coding", ["chunked", "identity", "gzip", ""])
@pytest.mark.parametrize("length", ["0", "5", "15", ""])
def test_both(table: Table, coding: str, length: str) -> None:
    """A Transfer-Encoding beside a Content-Length is a failure (contract 3.6)."""
    lines = [f"Transfer-Encoding: {coding}", f"Content-Length: {length}"]
    for order in (lines, lines[::-1]):
        for payload in (CHUNKS, b""):
            for row in rows(order, payload):
                table.check(row)


def test_repeated_transfer_encoding(table: Table) -> None:
    """A Transfer-Encoding that comes twice is a failure (contract 3.6)."""
    for values in itertools.product(["chunked", "identity"], repeat=2):
        for row in rows([f"Transfer-Encoding: {value}" for value in values], CHUNKS):
            table.check(row)


@pytest.mark.parametrize("ending", ["close", "cut"])
def test_without_framing(table: Table, ending: str) -> None:
    """A body that ends with the connection needs the end of TLS (contract 3.6)."""
    for version in (b"1.0", b"1.1"):
        for line in (b"", b"X: a\r\n", b"X: a\r\n b\r\n"):
            for body in (b"", b"hello", b"x" * 20_000):
                head = b"HTTP/%b 200 OK\r\n%b\r\n" % (version, line)
                table.check(Row(head + body, ending=ending))


WHOLE = [
    b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
]


@over_http
@pytest.mark.parametrize("data", WHOLE, ids=["length", "chunked", "interim"])
@pytest.mark.parametrize("insert", [b"\r", b"\n", b"\0", b" ", b":"], ids=repr)
def test_one_byte_more(table: Table, data: bytes, insert: bytes) -> None:
    """A stray byte, wherever in a response it stands, hides no doubt (contract 3.6)."""
    for place in range(len(data) + 1):
        table.check(Row(data[:place] + insert + data[place:]))


@pytest.mark.parametrize("data", WHOLE, ids=["length", "chunked", "interim"])
def test_one_byte_less(table: Table, data: bytes) -> None:
    """A missing byte, wherever in a response, hides no doubt (contract 3.6)."""
    for place in range(len(data)) if not table.is_tls else range(0, len(data), 7):
        table.check(Row(data[:place] + data[place + 1 :]))
        table.check(Row(data[:place]))
        table.check(Row(data[:place], ending="cut"))


CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


SIZES = ["5", "05", "5 ", "5;a", '5 ;a="b"', "5;", "0x5", "+5", "-5", " 5", "5_0", ""]
TRAILERS = [b"", b"X: y", b"X:", b"no colon", b"X: a\rb", b": y", b"X : y", b"X: a\r\n b"]


@over_http
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\r\r\n", ""], ids=repr)
def test_chunks(table: Table, size: str, end: str) -> None:
    """The size of a chunk is a plain number, and a line ends with LF (contract 3.6)."""
    for tail in (b"\r\n0\r\n\r\n", b"\n0\r\n\r\n", b"0\r\n\r\n", b"\r\n0\r\nX: y\r\n\r\n"):
        data = CHUNKED_HEAD + f"{size}{end}".encode() + b"hello" + tail
        table.check(Row(data))


@pytest.mark.parametrize("trailer", TRAILERS, ids=repr)
@pytest.mark.parametrize("ending", ["close", "cut"])
def test_trailers(table: Table, trailer: bytes, ending: str) -> None:
    """A trailer is made of header lines (contract 3.6)."""
    for end in (b"\r\n\r\n", b"\n\n", b"\r\n", b""):
        table.check(Row(CHUNKED_HEAD + b"5\r\nhello\r\n0\r\n" + trailer + end, ending=ending))


def test_judge() -> None:
    """The judge is no easier than the RFC's own examples."""
    data = CHUNKED_HEAD + b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\nmore"
    assert read_response(data, "GET", False) == Response(200, b"hello", False)
    assert read_response(b"HTTP/1.0 200 OK\r\n\r\nab", "GET", True) == Response(200, b"ab", True)
    for doubt in (data[:-20], data.replace(b"chunked", b"gzip"), b"", b"HTTP/1.0 200 OK\r\n\r\nab"):
        with pytest.raises(Doubt):
            read_response(doubt, "GET", False)


# Limits


def endless(start: bytes, line: bytes) -> Callable[[Peer], None]:
    """A handler that sends *line* again and again, as fast as possible, until the client closes."""

    def handler(peer: Peer) -> None:
        if peer.number:
            peer.read_request()
            peer.send(OK)
            return
        peer.read_request()
        with contextlib.suppress(OSError):
            peer.send(start)
            while True:
                peer.send(line * 100)

    return handler


ENDLESS = {
    "interim": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "interim with headers": (b"", b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"),
    "header lines": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "long header lines": (b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 60_000 + b"\r\n"),
    "header line": (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 1000),
    "folded line": (b"HTTP/1.1 200 OK\r\nX: y\r\n", b" z\r\n"),
    "status line": (b"HTTP/1.1 200 ", b"y" * 1000),
    "trailers": (CHUNKED_HEAD + b"0\r\n", b"X: y\r\n"),
    "long trailers": (CHUNKED_HEAD + b"0\r\n", b"X: " + b"y" * 60_000 + b"\r\n"),
    "trailer": (CHUNKED_HEAD + b"0\r\nX: ", b"y" * 1000),
    "extension": (CHUNKED_HEAD + b"5;", b"y" * 1000),
    "extensions": (CHUNKED_HEAD, b"1;" + b"y" * 3000 + b"\r\nz\r\n"),
}


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("read", READERS)
def test_endless(raw_server: StartServer, connect: Connect, kind: str, read: Any) -> None:
    """What comes without end is a failure, by our own limits, not a hang (contract 3.6)."""
    connection = connect(raw_server(endless(*ENDLESS[kind])))
    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        read(connection.GET("/rest/a"))

    assert not isinstance(caught.value, hcpsdk.HcpsdkTimeoutError)
    assert connection.GET("/rest/b").status == 200


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("verb", ["PUT", "POST", "DELETE"])
def test_endless_while_cleaning_up(
    raw_server: StartServer, connect: Connect, kind: str, verb: str
) -> None:
    """The same for the verbs, which read the body by themselves (contract 3.6, 3.5)."""
    connection = connect(raw_server(endless(*ENDLESS[kind])))
    with pytest.raises(hcpsdk.HcpsdkError):
        getattr(connection, verb)("/rest/a")

    assert connection.GET("/rest/b").status == 200


@pytest.mark.parametrize("kind", ["trailers", "long trailers", "extensions", "extension"])
def test_endless_while_draining(raw_server: StartServer, connect: Connect, kind: str) -> None:
    """The same for the next request, which reads what is left of the last body (contract 3.5)."""
    connection = connect(raw_server(endless(*ENDLESS[kind])))
    connection.GET("/rest/a")

    assert connection.GET("/rest/b").status == 200


@pytest.mark.parametrize("count", [20, 21])
def test_interim_responses(raw_server: StartServer, connect: Connect, count: int) -> None:
    """There are as many as 20 interim responses, on every release of Python (contract 3.6)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        with contextlib.suppress(OSError):
            peer.send(b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" * count + OK)
            peer.wait_for_close()

    connection = connect(raw_server(handler))
    if count <= 20:
        assert connection.GET("/rest/a").status == 200
    else:
        with pytest.raises(hcpsdk.HcpsdkError, match="interim"):
            connection.GET("/rest/a")


@pytest.mark.parametrize("count", [99, 100])
@pytest.mark.parametrize("where", ["plain head", "other head", "trailer"])
def test_lines(raw_server: StartServer, connect: Connect, where: str, count: int) -> None:
    """A head or trailer has as many as 99 lines, on every release of Python (contract 3.6)."""
    lines = b"X: y\r\n" * (count - 2)
    data = {
        "plain head": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nY: z\r\n" + lines + b"\r\nhello",
        "other head": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nY: z\r\n" + lines + b"\r\nhello",
        "trailer": CHUNKED_HEAD + b"5\r\nhello\r\n0\r\nY: z\r\nZ: y\r\n" + lines + b"\r\n",
    }[where]

    def handler(peer: Peer) -> None:
        peer.read_request()
        with contextlib.suppress(OSError):
            peer.send(data)
            peer.wait_for_close()

    connection = connect(raw_server(handler))
    if count < 100:
        assert connection.GET("/rest/a").read() == b"hello"
    else:
        with pytest.raises(hcpsdk.HcpsdkError, match="too long"):
            connection.GET("/rest/a").read()
