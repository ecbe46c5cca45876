"""A request, checked and ready to be sent, as often as that is needed."""

from __future__ import annotations

from collections.abc import Callable

from hcpsdk._errors import first_use
from hcpsdk._request.content import CallerError, Content
from hcpsdk._request.headers import FixedHeaders, Headers, PreparedHeaders, checked, is_token
from hcpsdk._request.unsigned import UnsignedRequest
from hcpsdk._request.url import Params, request_target, signable, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hcpsdk._request.body import Body

# Methods that need no check.
_USUAL = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
# Methods whose requests have a length even without a body (RFC 9110, section 8.6).
_EXPECT_BODY = frozenset({"PUT", "POST", "PATCH"})

FRAMING = frozenset({"content-length", "transfer-encoding"})

SMALL = 64 * 1024  # bytes; up to here head and body leave in one piece


class Outgoing:
    """One request: what is sent each time, and how often that may still be.

    Args:
        method: The HTTP method.
        target: As in the request line.
        head: The head as it is sent, with the credentials: not fit for logs and messages. A small
            body may stand behind it. Empty if *make_head* returns it, anew for each attempt.
        body: What else is sent.
        retries_left: How often it may be sent again.
        was_resent: True once it was sent again without using up a retry.
        make_head: Returns the head of an attempt that begins now.
        has_failed: True once the server or the network made it fail.
    """

    __slots__ = (
        "body",
        "has_failed",
        "head",
        "make_head",
        "method",
        "retries_left",
        "target",
        "was_resent",
    )

    def __init__(
        self,
        method: str,
        target: str,
        head: bytes,
        body: Body | None,
        retries_left: int = 0,
        was_resent: bool = False,
        make_head: Callable[[], bytes] = bytes,
    ) -> None:
        self.method = method
        self.target = target
        self.head = head
        self.body = body
        self.retries_left = retries_left
        self.was_resent = was_resent
        self.make_head = make_head
        self.has_failed = False

    @property
    def path(self) -> str:
        """The target without the query: fit for logs and messages."""
        return self.target.partition("?")[0]

    def rewind(self) -> bool:
        """Go back to the beginning of the body; False if that failed."""
        return self.body is None or self.body.rewind()

    def __repr__(self) -> str:
        return f"<Outgoing {self.method} {self.path}>"


# What a caller asks for: method, url, content, params, headers.
Arguments = tuple[str, str, Content, Params | None, Headers | None]


def prepare(
    arguments: Arguments, prepared: PreparedHeaders, sent_before: Outgoing | None = None
) -> Outgoing:
    """The request that the arguments stand for; nothing is sent, nothing of them is changed.

    Args:
        arguments: An HTTP method; the object's name, or a `Quoted` path; the body; the query; and
            more headers: those in *prepared* win, in whichever case they are written.
        prepared: The Target's own.
        sent_before: The same request, as it was sent to another system; its body is used again,
            because it knows where it began.

    Raises:
        TypeError, ValueError: Something in the arguments cannot be sent.
    """
    method, url, content, params, headers = arguments
    if type(method) is not str:
        if not isinstance(method, str):
            raise TypeError(f"method must be str, not {type(method).__name__}")
        method = to_text(method)
    if method not in _USUAL:
        _check_method(method)
    target = request_target(url, params)
    more = "Accept-Encoding: identity\r\n"
    body = None
    payload = b""
    if prepared.authorize is not None:
        return _prepare_signed(method, signable(target), content, headers, prepared, sent_before)
    if (headers is None or type(headers) is FixedHeaders) and (
        content is None or (type(content) is bytes and len(content) <= SMALL)
    ):
        # The common case, in short.
        payload = content or b""
        if headers is not None:
            more += headers.lines
        if content is not None or method in _EXPECT_BODY:
            more += f"Content-Length: {len(payload)}\r\n"
    else:
        body, given = _with_body(method, content, headers, sent_before)
        more = _lines(given, prepared)
        if type(content) is bytes and len(content) <= SMALL and body and not body.is_chunked:
            payload, body = content, None
    head = f"{method} {target} HTTP/1.1\r\n{prepared.lines}{more}\r\n".encode("latin-1")
    return Outgoing(method, target, head + payload, body)


def _check_method(method: str) -> None:
    if not is_token(method):
        raise ValueError(f"invalid HTTP method: {method!r}")
    if method == "CONNECT":  # it has no path, and its response no body (RFC 9110, section 9.3.6)
        raise ValueError("the HTTP method must not be CONNECT, which is for proxies")


def _prepare_signed(
    method: str,
    target: str,
    content: Content,
    headers: Headers | None,
    prepared: PreparedHeaders,
    sent_before: Outgoing | None,
) -> Outgoing:
    """The same for an authorization that has to see each attempt."""
    body, given = _with_body(method, content, headers, sent_before)
    authorize = prepared.authorize
    assert authorize is not None
    own = [pair for pair in given if pair[0].lower() not in prepared.names]

    def make_head() -> bytes:
        unsigned = UnsignedRequest(
            method,
            target,
            (("Host", prepared.host), *own),
            body.in_memory() if body else (),
            body.length if body else 0,
        )
        try:
            more = authorize(unsigned)
        except Exception as exc:
            raise CallerError(exc) from exc  # an OSError would be taken for the socket's
        signed = PreparedHeaders(prepared.host, {**prepared.credentials, **more})
        lines = signed.lines + _lines(own, signed)
        return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")

    return Outgoing(method, target, b"", body, make_head=make_head)


Pairs = list[tuple[str, str]]


def _with_body(
    method: str, content: Content, headers: Headers | None, sent_before: Outgoing | None
) -> tuple[Body | None, Pairs]:
    """The body, and the caller's headers with the one that says where the body ends."""
    given = checked(headers)
    body = None if sent_before is None else sent_before.body
    if body is None and content is not None:
        with first_use():
            from hcpsdk._request.body_kinds import make_body
        body = make_body(content)
    framing = _framing(method, body, given)
    if not any(name.lower() == "accept-encoding" for name, _ in given):
        given.insert(0, ("Accept-Encoding", "identity"))
    return body, [pair for pair in given if pair[0].lower() not in FRAMING] + framing


def _lines(given: Pairs, prepared: PreparedHeaders) -> str:
    names = prepared.names
    return "".join(f"{name}: {value}\r\n" for name, value in given if name.lower() not in names)


def _framing(method: str, body: Body | None, given: Pairs) -> Pairs:
    """The header that says where the body ends, from the caller's headers or from the body."""
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
        return [("Content-Length", "0")] if method in _EXPECT_BODY or length is not None else []
    if coding is not None:
        body.is_chunked = True
    elif length is not None:
        from hcpsdk._request.body_kinds import with_length  # as the body was

        with_length(body, int(length))
    if body.is_chunked or body.length is None:
        return [("Transfer-Encoding", "chunked")]
    return [("Content-Length", str(body.length))]
