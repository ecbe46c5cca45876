"""A request, made of what the caller gave and what the Target prepared."""

import enum
from collections.abc import Callable
from typing import Any

import pytest

from hcpsdk._request.headers import PreparedHeaders
from hcpsdk._request.outgoing import SMALL, prepare

HOST = "n1.m.hcp1.snomis.local"
CREDENTIALS = {"Authorization": "HCP bg==:0000", "Cookie": "hcp-ns-auth=bg==:0000"}
HEADERS = {"Host": HOST, **CREDENTIALS}
PREPARED = PreparedHeaders(HOST, CREDENTIALS)


def lines_of(headers: Any = None, content: Any = None, method: Any = "PUT") -> Any:
    """The lines of the head, request line first."""
    outgoing = prepare((method, "/rest/a", content, None, headers), PREPARED)
    head, blank, rest = outgoing.head.partition(b"\r\n\r\n")
    assert blank
    assert rest == (content if isinstance(content, bytes) and not headers else b"")
    return head.decode("latin-1").split("\r\n")


def values(lines: Any, name: Any) -> Any:
    return [line.split(": ", 1)[1] for line in lines[1:] if line.lower().startswith(name + ":")]


def test_headers_are_added() -> None:
    """The caller's headers are sent beside the prepared ones (contract 3.3)."""
    lines = lines_of({"X-HCP-A": "b", "Range": b"bytes=0-1", "X-N": 7})

    assert lines[0] == "PUT /rest/a HTTP/1.1"
    assert {f"{name}: {value}" for name, value in HEADERS.items()} <= set(lines)
    assert {"X-HCP-A: b", "Range: bytes=0-1", "X-N: 7"} <= set(lines)


@pytest.mark.parametrize("name", ["Host", "Authorization", "Cookie"])
@pytest.mark.parametrize("spell", [str, str.lower, str.upper, str.swapcase])
def test_prepared_headers_win(name: Any, spell: Any) -> None:
    """The prepared Host, Authorization, Cookie win, however they are spelled (contract 3.3)."""
    lines = lines_of({spell(name): "other"})

    assert values(lines, name.lower()) == [HEADERS[name]]


def test_accept_encoding_of_the_caller_replaces_ours() -> None:
    """Headers are compared without regard to case: none is doubled (contract 3.3)."""
    assert values(lines_of({"accept-ENCODING": "gzip"}), "accept-encoding") == ["gzip"]


def test_the_mapping_is_not_changed() -> None:
    """The caller's mapping is never changed: no credentials are written into it (contract 3.3)."""
    headers = {"X-A": "b", "cookie": "mine", "Content-Length": "3"}
    before = dict(headers)

    prepare(("PUT", "/rest/a", b"abc", {"a": "b"}, headers), PREPARED)

    assert headers == before


@pytest.mark.parametrize("bad", ["a\r\nb", "a\nb", "a\rb", "a\r\n b", "\n", "a\r\n"])
def test_line_breaks_are_refused(bad: Any) -> None:
    """Line breaks in a header's value or name raise ValueError (contract 3.3)."""
    with pytest.raises(ValueError):
        lines_of({"X-A": bad})
    with pytest.raises(ValueError):
        lines_of({"X-A": bad.encode()})
    with pytest.raises(ValueError):
        lines_of({f"X{bad}": "a"})


@pytest.mark.parametrize("bad", ["", "X A", "X-A:", "X\0", "Ü", "X-A\t"])
def test_names_that_are_no_token_are_refused(bad: Any) -> None:
    """A header's name that HTTP cannot carry raises ValueError (contract 3.3)."""
    with pytest.raises(ValueError):
        lines_of({bad: "a"})


def test_value_outside_latin_1() -> None:
    """A header's value that HTTP cannot carry raises ValueError, and is not repeated in it."""
    with pytest.raises(ValueError) as caught:
        lines_of({"X-A": "geheim€"})

    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("headers", [[("A", "b")], "A: b", {"A": None}, {"A": ["b"]}, {1: "b"}])
def test_headers_of_the_wrong_type(headers: Any) -> None:
    """Headers of a wrong type raise TypeError (contract 1.4)."""
    with pytest.raises(TypeError):
        lines_of(headers)


@pytest.mark.parametrize("method", ["", "GET /x", "GET\r\n", "GÉT", "G\0T"])
def test_methods_that_are_no_token_are_refused(method: str) -> None:
    """A method that would break the request line raises ValueError (contract 1.4)."""
    with pytest.raises(ValueError):
        prepare((method, "/rest/a", None, None, None), PREPARED)


def test_method_of_the_wrong_type() -> None:
    """A method that is no str raises TypeError (contract 1.4)."""
    with pytest.raises(TypeError):
        prepare((b"GET", "/rest/a", None, None, None), PREPARED)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "content", "lengths", "codings"),
    [
        ("GET", None, [], []),
        ("DELETE", None, [], []),
        ("HEAD", None, [], []),
        ("PUT", None, ["0"], []),
        ("POST", None, ["0"], []),
        ("PUT", b"", ["0"], []),
        ("PUT", b"abc", ["3"], []),
        ("PUT", "äbc", ["4"], []),
        ("PUT", [b"a", b"bc"], ["3"], []),
        ("PUT", iter([b"a"]), [], ["chunked"]),
    ],
)
def test_framing(method: str, content: Any, lengths: Any, codings: Any) -> None:
    """A length that can be known is sent as Content-Length, else chunked (contract 3.4)."""
    lines = lines_of(content=content, method=method)

    assert values(lines, "content-length") == lengths
    assert values(lines, "transfer-encoding") == codings


@pytest.mark.parametrize(
    ("content", "is_joined"), [(b"x" * SMALL, True), (b"x" * (SMALL + 1), False)]
)
def test_small_bytes_leave_with_the_head(content: Any, is_joined: Any) -> None:
    """Head and small body leave in one piece; a large one is not copied."""
    outgoing = prepare(("PUT", "/rest/a", content, None, None), PREPARED)

    assert outgoing.head.endswith(b"\r\n\r\n" + content) == is_joined
    assert (outgoing.body is None) == is_joined


@pytest.mark.parametrize("name", ["X A", "Authorization\r\nX", ""])
def test_prepared_headers_are_checked(name: Any) -> None:
    """An authorization cannot break the head of a request, either (contract 3.3)."""
    with pytest.raises(ValueError):
        PreparedHeaders(HOST, {name: "a"})
    with pytest.raises(ValueError):
        PreparedHeaders(HOST, {"Authorization": "a\r\nb: c"})


def test_length_given_by_the_caller_is_heeded_once() -> None:
    """A caller who knows the length of a generator may say so: one header (contract 3.4)."""
    lines = lines_of({"content-LENGTH": "3"}, content=iter([b"abc"]))

    assert values(lines, "content-length") == ["3"]
    assert values(lines, "transfer-encoding") == []


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"Content-Length": "4"}, b"abc"),
        ({"Content-Length": "2"}, b"abc"),
        ({"Content-Length": "-3"}, b"abc"),
        ({"Content-Length": "x"}, b"abc"),
        ({"Content-Length": "\u0663"}, b"abc"),
        ({"Content-Length": "3"}, None),
        ({"Content-Length": "3", "Transfer-Encoding": "chunked"}, b"abc"),
        ({"Transfer-Encoding": "gzip"}, b"abc"),
    ],
)
def test_framing_that_would_lie(headers: Any, content: Any) -> None:
    """A length that contradicts the body raises ValueError: no short object (contract 3.4)."""
    with pytest.raises(ValueError):
        lines_of(headers, content)


def test_repr_shows_no_credentials() -> None:
    """No token in a repr (contract 9)."""
    outgoing = prepare(("PUT", "/rest/a", b"abc", {"t": "secret"}, {"X-K": "secret"}), PREPARED)

    assert "bg==" not in repr(outgoing)
    assert "secret" not in repr(outgoing)


class Word(str, enum.Enum):
    """Each member means its value (contract 3.2)."""

    METHOD = "PUT"
    OTHER = "PATCH"
    NAME = "X-Word"
    VALUE = "value"
    CHUNKED = "chunked"
    CODING = "Transfer-Encoding"


class Number(int, enum.Enum):
    THREE = 3


@pytest.mark.parametrize("method", [Word.METHOD, Word.OTHER])
def test_members_of_enums_mean_their_value(method: Word) -> None:
    """In method, headers and body a member of a (str, Enum) or (int, Enum) is its value
    (contract 3.2)."""
    headers = {Word.NAME: Word.VALUE, "X-Number": Number.THREE, "Content-Length": Number.THREE}
    outgoing = prepare((method, "/rest/a", iter([b"abc"]), None, headers), PREPARED)
    head = outgoing.head.decode("latin-1").split("\r\n")

    assert head[0] == f"{method.value} /rest/a HTTP/1.1"
    assert type(outgoing.method) is str
    assert {"X-Word: value", "X-Number: 3", "Content-Length: 3"} <= set(head)


def test_framing_by_members_of_enums() -> None:
    """Nor is the framing other than what such a header says (contract 3.2, 3.4)."""
    outgoing = prepare(("PUT", "/rest/a", b"abc", None, {Word.CODING: Word.CHUNKED}), PREPARED)

    assert outgoing.body is not None
    assert outgoing.body.is_chunked
    assert b"Transfer-Encoding: chunked\r\n" in outgoing.head


def test_body_that_is_a_member_of_an_enum() -> None:
    """A (str, Enum) is sent as its value, an (int, Enum) is a number: refused
    (contract 3.2, 3.4)."""
    outgoing = prepare(("PUT", "/rest/a", Word.VALUE, None, None), PREPARED)

    assert outgoing.body is not None
    assert b"".join(map(bytes, outgoing.body.blocks())) == b"value"
    with pytest.raises(TypeError):
        prepare(("PUT", "/rest/a", Number.THREE, None, None), PREPARED)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "Upgrade",
        "Expect",
        "Trailer",
        "TE",
        "Host",
    ],
)
@pytest.mark.parametrize("spell", [str, str.lower, str.upper])
def test_an_authorization_cannot_frame(name: str, spell: Callable[[str], str]) -> None:
    """An authorization cannot say where a request ends, or for whom it is (contract 11.4)."""
    with pytest.raises(ValueError, match=f"(?i)authorization.*{name}"):
        PreparedHeaders(HOST, {"Authorization": "a", spell(name): "5"})
