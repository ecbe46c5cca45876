"""Names and parameters, as they stand in the request line."""

import enum
import string
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

import hcpsdk
from hcpsdk._request.url import request_target

UNRESERVED = string.ascii_letters + string.digits + "-._~"


def test_unreserved_characters_and_slash_stay() -> None:
    """RFC 3986's unreserved characters and ``/`` are sent as they are (contract 3.1)."""
    assert request_target("/rest/" + UNRESERVED, None) == "/rest/" + UNRESERVED


@pytest.mark.parametrize("code", [*range(0x80), 0xE9, 0x20AC, 0x1F600])
def test_every_other_character_is_percent_encoded_as_utf8(code: Any) -> None:
    """Every character but the unreserved ones and ``/`` is percent-encoded (contract 3.1)."""
    character = chr(code)
    if character in UNRESERVED + "/":
        expected = character
    else:
        expected = "".join(f"%{byte:02X}" for byte in character.encode())

    assert request_target(f"/rest/{character}x", None) == f"/rest/{expected}x"


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("/rest/a b", "/rest/a%20b"),
        ("/rest/a+b", "/rest/a%2Bb"),
        ("/rest/a%20b", "/rest/a%2520b"),
        ("/rest/a?b=c", "/rest/a%3Fb%3Dc"),
        ("/rest/a#b", "/rest/a%23b"),
        ("/rest//a/../b/", "/rest//a/../b/"),
        ("/rest/é€😀", "/rest/%C3%A9%E2%82%AC%F0%9F%98%80"),
        ("/", "/"),
    ],
)
def test_names_as_they_are_sent(name: Any, sent: Any) -> None:
    """A blank is %20, and ``%``, ``+``, ``?`` are parts of the name (contract 3.1)."""
    assert request_target(name, None) == sent


def test_different_names_stay_different() -> None:
    """Different names reach HCP as different names (contract 3.1)."""
    names = ["/a b", "/a+b", "/a%20b", "/a%2520b", "/a%2Bb", "/a%252Bb", "/a\tb", "/a?b", "/a%3Fb"]
    names += ["/é", "/e\u0301", "/Ã©", "/%C3%A9", "/%c3%a9", "/a;b", "/a&b", "/a#b", "/a\\b"]

    sent = [request_target(name, None) for name in names]

    assert len(set(sent)) == len(names)
    assert [unquote_to_bytes(target).decode() for target in sent] == names


def test_quoted_is_sent_as_it_is() -> None:
    """A `Quoted` path is a str that is not encoded again (contract 3.1)."""
    path = hcpsdk.Quoted("/rest/a%20b%2f!$&'()*,;=:@")

    assert isinstance(path, str)
    assert request_target(path, None) == "/rest/a%20b%2f!$&'()*,;=:@"


@pytest.mark.parametrize("character", [" ", "\r", "\n", "\t", "\0", "\x7f", "\x80", "é", "€"])
def test_quoted_refuses_what_needs_encoding(character: Any) -> None:
    """Control characters, blanks, non-ASCII are refused when a `Quoted` is made (contract 3.1)."""
    with pytest.raises(ValueError, match="position 7"):
        hcpsdk.Quoted(f"/rest/a{character}b")


@pytest.mark.parametrize("path", ["", "rest/a", " /rest/a", "http://host/rest/a", "%2Frest"])
def test_paths_start_with_a_slash(path: Any) -> None:
    """The path must start with ``/``; what is refused raises ValueError (contract 3.1)."""
    with pytest.raises(ValueError):
        request_target(path, None)
    with pytest.raises(ValueError):
        hcpsdk.Quoted(path)


def test_names_that_are_no_text_are_refused() -> None:
    """A name with an unpaired surrogate raises ValueError and nothing rawer (contract 3.1)."""
    with pytest.raises(ValueError, match="UTF-8") as caught:
        request_target("/rest/\udce9", None)

    assert type(caught.value) is ValueError


@pytest.mark.parametrize("path", [None, 1, b"/rest/a", ["/rest/a"]])
def test_paths_of_the_wrong_type(path: Any) -> None:
    """A wrong type in a call raises TypeError (contract 1.4)."""
    with pytest.raises(TypeError):
        request_target(path, None)


@pytest.mark.parametrize(
    ("params", "query"),
    [
        ({"retention": "A+10y"}, "?retention=A%2B10y"),
        ({"a b": "c d"}, "?a%20b=c%20d"),
        ({"a&b": "c=d&e"}, "?a%26b=c%3Dd%26e"),
        ({"key": "é%"}, "?key=%C3%A9%25"),
        ({"nowait": None}, "?nowait"),
        ({"all": True, "single": False}, "?all=true&single=false"),
        ({"empty": ""}, "?empty="),
        ({"n": 0}, "?n=0"),
        ({"x": ["a", "b"]}, "?x=a&x=b"),
        ({"x": ("a", None, True, 1)}, "?x=a&x&x=true&x=1"),
        ({"x": []}, ""),
        ({}, ""),
        ([], ""),
        (None, ""),
        ([("b", "1"), ("a", "2"), ("b", "3")], "?b=1&a=2&b=3"),
        ((("a", "1"),), "?a=1"),
    ],
)
def test_params(params: Any, query: Any) -> None:
    """Dictionaries and lists of pairs, encoded like names, in their order (contract 3.2)."""
    assert request_target("/rest/a", params) == "/rest/a" + query


def test_params_join_the_query_of_a_quoted_path() -> None:
    """A `Quoted` path that has a query already keeps it, and the parameters follow (contract 3.1,
    3.2)."""
    path = hcpsdk.Quoted("/rest/a?version=1")

    assert request_target(path, {"hold": True}) == "/rest/a?version=1&hold=true"


@pytest.mark.parametrize("params", ["a=b", b"a=b", {"a": object()}, {"a": {}}, {1: "a"}, 5])
def test_params_of_the_wrong_type(params: Any) -> None:
    """Parameters of a wrong type raise TypeError (contract 1.4, 3.2)."""
    with pytest.raises(TypeError):
        request_target("/rest/a", params)


@pytest.mark.parametrize("params", [["ab"], [("a", "b", "c")], [("a",)], {"a": "\udc80"}])
def test_params_that_cannot_be_sent(params: Any) -> None:
    """Parameters that are no pairs, or cannot be written as UTF-8, raise ValueError (contract
    3.2)."""
    with pytest.raises(ValueError):
        request_target("/rest/a", params)


def test_params_are_not_changed() -> None:
    """The caller's parameters stay what they are (contract 3.2)."""
    params = {"retention": "A+10y", "x": ["a", None]}

    request_target("/rest/a", params)

    assert params == {"retention": "A+10y", "x": ["a", None]}


class Name(str, enum.Enum):
    """Each member means its value (contract 3.2)."""

    OBJECT = "/rest/a b"
    PLAIN = "/rest/plain"
    KEY = "retention"
    VALUE = "A+10y"


class Number(int, enum.Enum):
    TEN = 10


class Ratio(float, enum.Enum):
    HALF = 0.5


class Path(hcpsdk.Quoted, enum.Enum):
    OBJECT = "/rest/a%20b"


class Stubborn(str):
    """Says something else than it holds."""

    def __str__(self) -> str:
        return "something else"

    def __format__(self, _spec: str) -> str:
        return "something else"


@pytest.mark.parametrize(
    ("url", "params", "expected"),
    [
        (Name.OBJECT, None, "/rest/a%20b"),
        (Name.PLAIN, None, "/rest/plain"),
        (Path.OBJECT, None, "/rest/a%20b"),
        (Path.OBJECT, {"a": "b"}, "/rest/a%20b?a=b"),
        ("/rest/a", {Name.KEY: Name.VALUE}, "/rest/a?retention=A%2B10y"),
        ("/rest/a", {"n": Number.TEN}, "/rest/a?n=10"),
        ("/rest/a", {"n": [Number.TEN, Name.VALUE, Ratio.HALF]}, "/rest/a?n=10&n=A%2B10y&n=0.5"),
        ("/rest/a", [(Name.KEY, None)], "/rest/a?retention"),
        (Stubborn("/rest/a"), {Stubborn("b"): Stubborn("c")}, "/rest/a?b=c"),
    ],
)
def test_members_of_enums_mean_their_value(url: str, params: Any, expected: str) -> None:
    """A member of a (str, Enum) or (int, Enum) is sent as its value, not as its name
    (contract 3.2)."""
    target = request_target(url, params)

    assert target == expected
    assert type(target) is str
