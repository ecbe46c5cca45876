"""A request, checked and ready to be sent, as often as that is needed."""

import re
from collections.abc import Mapping

from hcpsdk._body import Body, Content, make_body, with_length
from hcpsdk._url import Params, request_target, to_text

Headers = Mapping[str, "str | bytes | int"]

# RFC 9110, sections 5.6.2 (names, methods) and 5.5 (values).
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_A_VALUE = re.compile(r"[\x00\r\n]")

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

# Methods that need no check.
_USUAL = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
# Methods that tell a length even if there is no body (RFC 9110, section 8.6).
_EXPECT_BODY = frozenset({"PUT", "POST", "PATCH"})

SMALL = 64 * 1024  # bytes; up to here head and body leave in one piece


class Prepared:
    """What the requests to one Target have in common: its headers, checked and put together.

    Args:
        host: The value of ``Host``.
        credentials: The headers that authorize.

    Raises:
        TypeError, ValueError: One of them cannot be sent.
    """

    def __init__(self, host: str, credentials: dict[str, str]) -> None:
        self.credentials = dict(credentials)  # theirs may change
        headers = _checked({"Host": host}) + _checked(credentials)
        for name, _ in headers[1:]:
            if name.lower() in _NOT_IN_CREDENTIALS:
                raise ValueError(f"an authorization cannot set the header {name}")
        self.lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        # What a caller's header cannot replace.
        self.names = {name.lower() for name, _ in headers} | {
            "content-length",
            "transfer-encoding",
        }


class Outgoing:
    """One request: what is sent each time, and how often that may still be.

    Args:
        method: The HTTP method.
        target: As it stands in the request line.
        head: The head as it is sent, with the credentials: not fit for logs and messages. A small
            body may stand behind it.
        body: What else is sent.
        retries_left: How often it may be sent again.
        was_resent: True once it was sent again without using up a retry.
    """

    __slots__ = ("body", "head", "method", "retries_left", "target", "was_resent")

    def __init__(
        self,
        method: str,
        target: str,
        head: bytes,
        body: Body | None,
        retries_left: int = 0,
        was_resent: bool = False,
    ) -> None:
        self.method = method
        self.target = target
        self.head = head
        self.body = body
        self.retries_left = retries_left
        self.was_resent = was_resent

    @property
    def path(self) -> str:
        """The target without the query: fit for logs and messages."""
        return self.target.partition("?")[0]

    def __repr__(self) -> str:
        return f"<Outgoing {self.method} {self.path}>"


def prepare(
    method: str,
    url: str,
    content: Content,
    params: Params | None,
    headers: Headers | None,
    prepared: Prepared,
) -> Outgoing:
    """The request that the arguments stand for; nothing is sent, nothing of them is changed.

    Args:
        method: An HTTP method.
        url: The object's name, or a `Quoted` path.
        content: The body.
        params: The query.
        headers: More headers; those in *prepared* win, in whichever case they are written.
        prepared: The Target's own.

    Raises:
        TypeError, ValueError: Something in the arguments cannot be sent.
    """
    if type(method) is not str:
        if not isinstance(method, str):
            raise TypeError(f"method must be str, not {type(method).__name__}")
        method = to_text(method)
    if method not in _USUAL and not _TOKEN.fullmatch(method):
        raise ValueError(f"not an HTTP method: {method!r}")
    target = request_target(url, params)
    more = "Accept-Encoding: identity\r\n"
    body = None
    payload = b""
    if headers is None and (content is None or (type(content) is bytes and len(content) <= SMALL)):
        # The common case, in short.
        payload = content or b""
        if content is not None or method in _EXPECT_BODY:
            more += f"Content-Length: {len(payload)}\r\n"
    else:
        given = _checked(headers)
        body = make_body(content)
        framing = _framing(method, body, given)
        if any(name.lower() == "accept-encoding" for name, _ in given):
            more = ""
        lines = [f"{name}: {value}" for name, value in given if name.lower() not in prepared.names]
        more += "".join(f"{line}\r\n" for line in lines + framing)
    head = f"{method} {target} HTTP/1.1\r\n{prepared.lines}{more}\r\n".encode("latin-1")
    return Outgoing(method, target, head + payload, body)


def _checked(headers: Headers | None) -> list[tuple[str, str]]:
    if headers is None:
        return []
    if not isinstance(headers, Mapping):
        raise TypeError(f"headers must be a dictionary, not {type(headers).__name__}")
    return [(_name(name), _value(name, value)) for name, value in headers.items()]


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a header's name must be str, not {type(name).__name__}")
    if not _TOKEN.fullmatch(name):
        # What comes after the first wrong character may be a secret.
        begin = found[0] if (found := _TOKEN.match(name)) else ""
        raise ValueError(f"not a name of a header: it begins with {begin!r}, then goes wrong")
    return to_text(name)


def _value(name: str, value: object) -> str:
    if isinstance(value, bytes):
        text = value.decode("latin-1")
    elif isinstance(value, (str, int)) and not isinstance(value, bool):
        text = to_text(value)
    else:
        raise TypeError(f"header {name}: value must be str or int, not {type(value).__name__}")
    # Values are not repeated in messages: one may be a secret.
    if _NOT_IN_A_VALUE.search(text):
        raise ValueError(f"header {name}: value holds a line break or NUL")
    try:
        text.encode("latin-1")
    except UnicodeEncodeError as exc:
        raise ValueError(
            f"header {name}: value holds a character outside Latin-1 at position {exc.start}"
        ) from None
    return text


def _framing(method: str, body: Body | None, given: list[tuple[str, str]]) -> list[str]:
    """The header that tells where the body ends, heeding what the caller says of it."""
    said = {name.lower(): value.strip() for name, value in given}
    coding = said.get("transfer-encoding")
    length = said.get("content-length")
    if coding is not None and coding.lower() != "chunked":
        raise ValueError("header Transfer-Encoding: only 'chunked' can be sent")
    if length is not None and not (length.isascii() and length.isdigit()):
        raise ValueError("header Content-Length: not a number of bytes")
    if length is not None and coding is not None:
        raise ValueError("headers Content-Length and Transfer-Encoding exclude each other")
    if body is None:
        if length is not None and int(length):
            raise ValueError(f"Content-Length says {int(length)} bytes, there is no body")
        return ["Content-Length: 0"] if method in _EXPECT_BODY or length is not None else []
    if coding is not None:
        body.is_chunked = True
    elif length is not None:
        with_length(body, int(length))
    if body.is_chunked or body.length is None:
        return ["Transfer-Encoding: chunked"]
    return [f"Content-Length: {body.length}"]
