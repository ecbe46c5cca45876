"""Heads that our own code reads: whatever it takes, it takes as `http.client` does."""

import http.client
import io
import itertools
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hcpsdk._transport import response as lib
from hcpsdk._transport import response_head
from hcpsdk._transport.streams import Incoming

BODY = b"hello"


class Pieces:
    """Stands in for a socket; gives *pieces* one by one, then the end."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = list(pieces)

    def gettimeout(self) -> float:
        return 30.0

    def recv(self, size: int) -> bytes:
        piece = self._pieces.pop(0) if self._pieces else b""
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]

    def recv_into(self, buffer: memoryview) -> int:
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(Incoming(self, b""))  # type: ignore[arg-type]


def split(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[i:j] for i, j in itertools.pairwise(bounds) if i < j]


def theirs(pieces: list[bytes], method: str) -> http.client.HTTPResponse:
    response = http.client.HTTPResponse(Pieces(pieces), method=method)  # type: ignore[arg-type]
    response.begin()
    return response


def ours(pieces: list[bytes], method: str) -> lib.StrictResponse:
    response = lib.StrictResponse(Pieces(pieces), 0, method)  # type: ignore[arg-type]
    response.begin()
    return response


def told(response: http.client.HTTPResponse) -> dict[str, Any]:
    """All that an answer says, with the types it says it in."""
    message = response.headers
    values = {
        name: getattr(response, name)
        for name in ("status", "code", "reason", "version", "length", "will_close", "debuglevel")
    }
    payload = message.get_payload()
    return {
        "types": {name: type(value) for name, value in values.items()},
        **values,
        "chunked": bool(response.chunked),
        "headers": response.getheaders(),
        "header": {name: response.getheader(name) for name in message},
        "raw": list(message.raw_items()),
        "all": {name: message.get_all(name) for name in message},
        "text": message.as_string(),
        "defects": [type(defect) for defect in message.defects],
        "payload": [str(part) for part in payload] if isinstance(payload, list) else payload,
        "policy": message.policy,
        "type": (message.get_content_type(), message.get_default_type(), message.get_charsets()),
        "from": message.get_unixfrom(),
        "more": (message.preamble, message.epilogue, sorted(vars(message))),
        "same": response.msg is message is response.info(),
    }


def read(response: http.client.HTTPResponse) -> bytes | type[Exception]:
    try:
        return response.read()
    except http.client.HTTPException as exc:
        return type(exc)


# Heads, most of them plain, with all that may be said of a body, and the oddest of bytes

NAMES = st.sampled_from(
    [
        *("X", "X-HCP-Hash", "x-hcp-hash", "Set-Cookie", "Date", "From", "Subject"),
        *("Content-Length", "content-length", "Connection", "connection", "Transfer-Encoding"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version", "!#$%&'*+-.^_`|~9"),
    ]
)
ODD_NAMES = st.sampled_from(
    ["", "a b", "X ", "X\t", "é", "\0", "\xa0X", "(x)", '"q"', " X", "From a"]
)
VALUES = st.sampled_from(
    [
        *("", "a", "  a", "a  ", "a:b", ":", '"', "=?utf-8?q?x?=", "x" * 200),
        *("5", "0", "00005", "+5", "5 ", "5\t", "5, 5", "5_0", "-1", "5;", "9" * 18, "9" * 5000),
        *("close", "Close", "keep-alive", "keep-alive, close", "enclosed"),
        *("chunked", "Chunked", "gzip, chunked", "identity"),
        *("message/rfc822", "multipart/mixed; boundary=x", "MULTIPART/x", "text/plain; charset=x"),
    ]
)
ODD_VALUES = st.sampled_from(
    [
        *("\xe9", "\x85", "\xa0", "\xad", "\xb2", "\xd9\xa5", "\0", "\x7f", "\x0b", "\x0c", "\x1c"),
        *("\x1e", "a\tb", "a\rb", "a\nb", "a\r", "a\r\n folded", "a\r\n\tfolded"),
    ]
)
BLANKS = st.sampled_from(["", " ", "\t", "  "])
LINES = st.one_of(
    st.builds("{}:{}{}".format, NAMES, BLANKS, VALUES),
    st.builds("{}:{}{}".format, NAMES, BLANKS, VALUES),
    st.builds("{}:{}{}".format, NAMES, BLANKS, ODD_VALUES),
    st.builds("{}:{}{}".format, ODD_NAMES, BLANKS, VALUES),
    st.text(st.characters(max_codepoint=0xFF), max_size=9),
    st.sampled_from(["no colon", " folded", "--x--"]),
)
STATUS_LINES = st.one_of(
    st.sampled_from(["HTTP/1.1 200 OK", "HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified"]),
    st.sampled_from(
        [
            *("HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 200  O K ", "HTTP/1.1 200 O:K"),
            *("HTTP/1.1  200 OK", "HTTP/1.1\t200 OK", "HTTP/1.1 200 \tOK", "HTTP/1.1 299 \xe9"),
            *("HTTP/1.1 200 a\x1fb", "HTTP/1.1 +20 x", "HTTP/1.1 2\xb20 x", "HTTP/1.1 999 x"),
            *("HTTP/1.1 99 x", "HTTP/1.1 1000 x", "HTTP/1.1 100 Continue", "HTTP/1.1 101 Other"),
            *("HTTP/1.0 200 OK", "HTTP/1.2 200 OK", "HTTP/2 200 OK", "http/1.1 200 OK", ""),
        ]
    ),
)
ENDS = st.sampled_from([*["\r\n"] * 9, "\n"])


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """A head with its blank line, or something that once was one."""
    lines = [draw(STATUS_LINES), *draw(st.lists(LINES, max_size=6))]
    if draw(st.booleans()):
        lines.insert(draw(st.integers(1, len(lines))), f"Content-Length: {len(BODY)}")
    end = draw(ENDS)
    return "".join(line + end for line in [*lines, ""]).encode("latin-1")


PLAIN = b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\n\r\n"
METHODS = st.sampled_from(["GET", "GET", "HEAD"])
PLACES = st.lists(st.integers(0, 10_000), max_size=4)
RESTS = st.sampled_from([BODY, BODY, b"", BODY[:2], BODY + b" you", b"0\r\n\r\n"])


@settings(deadline=None, max_examples=600)
@given(heads(), RESTS, METHODS, PLACES)
@example(PLAIN, BODY, "GET", [])
@example(PLAIN, b"", "HEAD", [])
@example(b"HTTP/1.1 200 OK\r\n\r\n", BODY, "GET", [])
@example(b"HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: close\r\n\r\n", BODY, "GET", [])
@example(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 98 + b"Content-Length: 5\r\n\r\n", BODY, "GET", [])
@example(b"HTTP/1.1 200 OK\r\nContent-Type: message/rfc822\r\n\r\n", BODY, "GET", [])
def test_plain_heads_are_read_as_http_client_does(
    head: bytes, rest: bytes, method: str, places: list[int]
) -> None:
    """What our own code reads of an answer is what `http.client` reads, and so is its body, in
    whichever pieces it comes (contract 3.6)."""
    pieces = split(head + rest, places)
    try:
        response = ours(pieces, method)
    except (http.client.HTTPException, OSError):
        return  # not plain: see tests/wire/test_properties.py for what is refused
    if response._plain_head is None:
        return
    reference = theirs(pieces, method)
    assert told(response) == told(reference)
    if response.length == 0 or response.length == len(BODY) or response.length is None:
        assert read(response) == read(reference)


@settings(deadline=None, max_examples=300)
@given(heads(), METHODS, PLACES)
def test_both_ways_of_reading_heads_agree(head: bytes, method: str, places: list[int]) -> None:
    """A head says the same by whichever of the two ways it is read (contract 3.6)."""
    pieces = split(head + BODY, places)
    response = lib.StrictResponse(Pieces(pieces), 0, method)  # type: ignore[arg-type]
    error = None
    try:
        response._begin_by_http_client()
        expected = told(response)
    except (http.client.HTTPException, OSError) as exc:
        error = type(exc)
    try:
        found = told(ours(pieces, method))
    except (http.client.HTTPException, OSError) as exc:
        assert type(exc) is error
    else:
        assert error is None
        assert found == expected


@settings(deadline=None, max_examples=300)
@given(heads(), st.one_of(NAMES, ODD_NAMES))
@example(b"HTTP/1.1 200 OK\r\nX: a\r\nx:  b \r\n\r\n", "X")
@example(b"HTTP/1.1 200 OK\r\nX: a\r\nY:b\r\n\r\n", "X: a\r\nY")
@example(b"HTTP/1.1 200 OK\r\nX:\r\n\r\n", "x")
def test_one_header_of_a_head(head: bytes, name: str) -> None:
    """A look-up without splitting all headers finds what `http.client` finds."""
    try:
        expected = theirs([head], "HEAD")
    except http.client.HTTPException:
        return
    for wanted in {name, name.upper(), "Content-Type", *expected.headers}:
        try:
            response = ours([head], "HEAD")
        except http.client.HTTPException:
            return  # stricter: see the tests above
        assert response.getheader(wanted, 7) == expected.getheader(wanted, 7)
        assert response.getheader(wanted) == expected.getheader(wanted)


@pytest.mark.parametrize(
    "line",
    [
        *(b"X: y", b"X:", b"X:\t y ", b"Content-Length: 0", b"content-length:7", b"Connection: x"),
        *(b"X: \xe9\x85\0\x0b\x0c\x1c", b"Content-Type: multipart/mixed", b"!#$%&'*+-.^_`|~: y"),
    ],
)
def test_plain(line: bytes) -> None:
    """Nearly all heads are plain: that is what the code is for."""
    assert response_head.parse(b"HTTP/1.1 200 OK\r\n" + line) is not None


@pytest.mark.parametrize(
    "head",
    [
        *(b"", b"HTTP/1.0 200 OK", b"HTTP/1.1 100 Continue", b"HTTP/1.1 101 x", b"HTTP/1.1 2000"),
        *(b"HTTP/1.1 200 OK\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: y\r"),
        *(
            b"HTTP/1.1 200 OK\r\n" + line
            for line in [
                *(b" folded", b"no colon", b"X : y", b": y", b"X: y\nZ: a", b"X: y\rZ: a", b"(: y"),
                *(b"Content-Length: +5", b"Content-Length: 5 ", b"Content-Length: 5, 5"),
                *(b"Content-Length:", b"Content-Length: 5_0", b"Content-Length: \xd9\xa5"),
                *(b"Content-Length: " + b"9" * 19, b"Content-Length: 5\r\nContent-Length: 5"),
                *(b"Connection: x\r\nConnection: y", b"Transfer-Encoding: identity"),
                *(b"X: y\r\n" * 99 + b"X: y", b"X: " + b"y" * 65536),
            ]
        ),
    ],
    ids=lambda head: repr(head[:60]),
)
def test_not_plain(head: bytes) -> None:
    """What leaves a doubt is left to `http.client`, which has its limits, too."""
    assert response_head.parse(head) is None


@pytest.mark.parametrize("size", [65_000, 65_533, 65_534, 65_600, 70_000, 81_000, 200_000])
@pytest.mark.parametrize("piece", [1000, 16384, 10**6])
def test_limits_stay(size: int, piece: int) -> None:
    """A header line is as long as it may be in `http.client`, and no longer."""
    data = b"HTTP/1.1 200 OK\r\nX: " + b"y" * (size - 5) + b"\r\n\r\n"
    pieces = [data[i : i + piece] for i in range(0, len(data), piece)]
    for begin in (ours, theirs):
        if size <= 65_536 - 2:
            assert begin(pieces, "HEAD").status == 200
        else:
            with pytest.raises(http.client.LineTooLong):
                begin(pieces, "HEAD")


@pytest.mark.parametrize("count", [99, 100])
def test_as_many_lines_as_before(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head has as many lines as it may have in `http.client`, and no more."""
    monkeypatch.setattr(http.client, "_MAXHEADERS", 100)  # other libraries change it
    data = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * count + b"\r\n"
    for begin in (ours, theirs):
        if count < 100:
            assert len(begin([data], "HEAD").headers) == count
        else:
            with pytest.raises(http.client.HTTPException, match=r"100 headers|too long"):
                begin([data], "HEAD")


# What a caller may do with it


def test_headers_that_the_caller_sets() -> None:
    """What is assigned is there afterwards, whether the head was looked at before or not; what
    is put into ``msg``, as `urllib` does, leaves the headers alone (contract 3.6)."""
    message = http.client.HTTPMessage()
    for look in (False, True):
        response = ours([PLAIN], "HEAD")
        if look:
            assert response.getheader("X") == "y"
        response.headers = message
        assert response.headers is message
        response.msg = response.reason
        assert response.msg == "OK"
        assert response.headers is message


def test_changes_of_the_headers_last() -> None:
    """The headers are one object, however often they are asked for (contract 3.6)."""
    response = ours([PLAIN], "HEAD")
    response.headers["Z"] = "a"
    del response.msg["X"]

    assert response.getheaders() == [("Content-Length", "5"), ("Z", "a")]


def test_a_head_is_read_once() -> None:
    """Asked to read the head again, nothing happens, as in `http.client` (contract 3.6)."""
    for begin in (ours, theirs):
        response = begin([PLAIN + BODY[:2], BODY[2:]], "GET")
        response.begin()
        assert response.read() == BODY


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"X-Hash: a\r\nZ: b", "a"),
        (b"Z: b\r\nX-Hash: a", "a"),
        (b"X-Hash:  \ta", "a"),
        (b"x-hash: a", None),  # getheader() finds it
        (b"X-Hash:a", None),
        (b"X-Hash: a\r\nX-Hash: b", None),
        (b"Z: X-Hash: a", None),
    ],
)
def test_shortcut_to_a_header(lines: bytes, expected: str | None) -> None:
    """It finds what `getheader()` does, or leaves it to that."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + lines + b"\r\n\r\n"
    response = ours([head], "GET")
    assert response.find_header(b"\r\nX-Hash: ") == expected
    assert expected is None or response.getheader("X-Hash") == expected
    response.getheaders()  # splits the head
    assert response.find_header(b"\r\nX-Hash: ") is None
