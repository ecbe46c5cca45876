"""Header lines: checked, and put together once for all requests to one Target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import takewhile
from string import ascii_letters, digits

from hcpsdk._request.unsigned import UnsignedRequest
from hcpsdk._request.url import to_text

Headers = Mapping[str, "str | bytes | int"]
Authorize = Callable[[UnsignedRequest], Mapping[str, str]]

# (Sets instead of patterns: compiling those takes longer than importing most modules.)
_IN_A_TOKEN = frozenset(f"!#$%&'*+-.^_`|~{digits}{ascii_letters}")  # RFC 9110, section 5.6.2
_NOT_IN_A_VALUE = frozenset("\0\r\n")  # RFC 9110, section 5.5

# What an authorization must not say: it would change where a request ends, what becomes of the
# connection, or who is asked (contract 11.4).
_NOT_IN_CREDENTIALS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class PreparedHeaders:
    """What the requests to one Target have in common: its headers, checked and put together.

    Args:
        host: The value of ``Host``.
        credentials: The headers that authorize.
        authorize: Returns more of them for one attempt of a request; None if there are no more.

    Raises:
        TypeError, ValueError: One of them cannot be sent.
    """

    def __init__(
        self, host: str, credentials: Mapping[str, str], authorize: Authorize | None = None
    ) -> None:
        self.host = host
        self.credentials = dict(credentials)  # theirs may change
        self.authorize = authorize
        headers = checked({"Host": host}) + checked(credentials)
        for name, _ in headers[1:]:
            if name.lower() in _NOT_IN_CREDENTIALS:
                raise ValueError(f"an authorization cannot set the header {name}")
        self.lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        # What a caller's header cannot replace.
        self.names = frozenset(name.lower() for name, _ in headers)


class FixedHeaders(dict[str, str]):
    """Headers that many requests have alike: checked and put together once.

    None of them may be one that `PreparedHeaders` has, or that describes the body.
    """

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(headers)
        self.lines = "".join(f"{name}: {value}\r\n" for name, value in checked(headers))


def is_token(text: str) -> bool:
    """True for what can be the name of a header, or a method."""
    return bool(text) and _IN_A_TOKEN.issuperset(text)


def checked(headers: Headers | None) -> list[tuple[str, str]]:
    if headers is None:
        return []
    if not isinstance(headers, Mapping):
        raise TypeError(f"headers must be a dictionary, not {type(headers).__name__}")
    return [(_name(name), _value(name, value)) for name, value in headers.items()]


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a header's name must be str, not {type(name).__name__}")
    if not is_token(name):
        # What comes after the first wrong character may be a secret.
        start = "".join(takewhile(_IN_A_TOKEN.__contains__, name))
        raise ValueError(f"invalid header name: illegal character after {start!r}")
    return to_text(name)


def _value(name: str, value: object) -> str:
    if isinstance(value, bytes):
        text = value.decode("latin-1")
    elif isinstance(value, (str, int)) and not isinstance(value, bool):
        text = to_text(value)
    else:
        raise TypeError(f"header {name}: value must be str or int, not {type(value).__name__}")
    # Values are not repeated in messages: one may be a secret.
    if not _NOT_IN_A_VALUE.isdisjoint(text):
        raise ValueError(f"header {name}: value holds a line break or NUL")
    try:
        text.encode("latin-1")
    except UnicodeEncodeError as exc:
        raise ValueError(
            f"header {name}: value holds a character outside Latin-1 at position {exc.start}"
        ) from None
    return text
