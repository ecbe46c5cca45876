"""From names and parameters to the target of the request line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

__all__ = ["Quoted"]

# One value of a parameter, and all that may be given for a name (contract 3.2).
Value = str | bytes | int | float | bool | None
Values = Value | Sequence[Value]
Params = Mapping[str, Values] | Iterable[tuple[str, Values]]

# What needs no encoding, which most names do not.
_PLAIN = re.compile(r"/[A-Za-z0-9/._~-]*")
# What a request line may contain unencoded: visible ASCII (RFC 9112, section 3.2). Compiled at its
# first use: most programs have no `Quoted`.
_NOT_VISIBLE_ASCII = r"[^\x21-\x7e]"


class Quoted(str):
    """A path that is percent-encoded already, sent as it is.

    For what HCP itself hands out encoded, such as ``urlName`` in a directory listing::

        connection.GET(hcpsdk.Quoted("/rest/reports/" + url_name))

    Raises:
        ValueError: It holds a control character, a blank, or a character outside ASCII, or does
            not start with ``/``.
    """

    __module__ = "hcpsdk"

    __slots__ = ()

    def __new__(cls, path: str) -> Quoted:
        if not isinstance(path, str):
            raise TypeError(f"a path is a str, not {type(path).__name__}")
        if found := re.search(_NOT_VISIBLE_ASCII, path):
            raise ValueError(
                f"{found[0]!r} at position {found.start()} of {path!r} is not percent-encoded"
            )
        _check_start(path)
        return super().__new__(cls, path)


def request_target(url: str, params: Params | None) -> str:
    """The target of a request line, ``"/rest/a%20b?index=true"``.

    Args:
        url: The object's name, or a `Quoted` path. In a name, every character but the unreserved
            ones (RFC 3986, section 2.3) and ``/`` is encoded, ``%`` too.
        params: Names and values of the query: a dictionary, or pairs. A value of None gives a
            bare name, True and False give ``true`` and ``false``, a list or tuple repeats the name.

    Raises:
        TypeError: Something is of the wrong type.
        ValueError: The path does not start with ``/``, or cannot be written as UTF-8.
    """
    is_quoted = False
    if type(url) is not str:
        if not isinstance(url, str):
            raise TypeError(f"url must be str, not {type(url).__name__}")
        is_quoted = isinstance(url, Quoted)
        url = to_text(url)
    if not params and _PLAIN.fullmatch(url):
        return url
    _check_start(url)
    path = url if is_quoted else _quote(url)
    if not params:
        return path
    query = "&".join(_query_items(params))
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{query}"


def repeatable(params: Params) -> Params:
    """*params* that yield the same each time: a request may be prepared more than once."""
    return list(params) if isinstance(params, Iterator) else params


def signable(target: str) -> str:
    """*target* with its query as signatures demand it: ``/`` is encoded there, too."""
    path, mark, query = target.partition("?")
    return f"{path}{mark}{query.replace('/', '%2F')}"


def to_text(value: str | int | float) -> str:
    """*value* as it is sent: of a ``(str, Enum)`` or ``(int, Enum)`` its value, not its name."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__repr__(value)
    return float.__repr__(value)


def _check_start(path: str) -> None:
    if not path.startswith("/"):
        raise ValueError(f"a path starts with '/', as in '/rest/folder/object': {path!r}")


def _quote(text: str) -> str:
    try:
        return quote(text, safe="/")
    except UnicodeEncodeError as exc:
        raise ValueError(
            f"{text!r} cannot be written as UTF-8 ({exc.reason}); for names that are no text, "
            "give the bytes percent-encoded: hcpsdk.Quoted(urllib.parse.quote(os.fsencode(name)))"
        ) from exc


def _query_items(params: Params) -> Iterable[str]:
    if isinstance(params, (str, bytes)):
        raise TypeError("params must be a dictionary or a list of pairs, not a string")
    pairs = params.items() if isinstance(params, Mapping) else params
    for pair in pairs:
        if isinstance(pair, (str, bytes)) or len(pair) != 2:
            raise ValueError(f"params must hold pairs of a name and a value, not {pair!r}")
        name, values = pair
        if not isinstance(name, str):
            raise TypeError(f"a parameter's name must be str, not {type(name).__name__}")
        for value in values if isinstance(values, (list, tuple)) else (values,):
            yield _query_item(name, value)


def _query_item(name: str, value: object) -> str:
    if value is None:
        return _quote(name)
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, bytes):
        return f"{_quote(name)}={quote(value, safe='/')}"
    elif isinstance(value, (str, int, float)):
        text = to_text(value)
    else:
        raise TypeError(
            f"value of parameter {name!r} must be str, a number, a bool, None, or a list of "
            f"these, not {type(value).__name__}"
        )
    return f"{_quote(name)}={_quote(text)}"
