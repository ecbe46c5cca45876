"""A request, checked and ready to be sent, as often as that is needed."""

from hcpsdk._request.body import Body, Content
from hcpsdk._request.body_kinds import make_body, with_length
from hcpsdk._request.headers import TOKEN, FixedHeaders, Headers, PreparedHeaders, checked
from hcpsdk._request.url import Params, request_target, to_text

# Methods that need no check.
_USUAL = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
# Methods whose requests have a length even without a body (RFC 9110, section 8.6).
_EXPECT_BODY = frozenset({"PUT", "POST", "PATCH"})

SMALL = 64 * 1024  # bytes; up to here head and body leave in one piece


class Outgoing:
    """One request: what is sent each time, and how often that may still be.

    Args:
        method: The HTTP method.
        target: As in the request line.
        head: The head as it is sent, with the credentials: not fit for logs and messages. A small
            body may stand behind it.
        body: What else is sent.
        retries_left: How often it may be sent again.
        was_resent: True once it was sent again without using up a retry.
        has_failed: True once the server or the network made it fail.
    """

    __slots__ = ("body", "has_failed", "head", "method", "retries_left", "target", "was_resent")

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


def prepare(
    method: str,
    url: str,
    content: Content,
    params: Params | None,
    headers: Headers | None,
    prepared: PreparedHeaders,
    made: Body | None = None,
) -> Outgoing:
    """The request that the arguments stand for; nothing is sent, nothing of them is changed.

    Args:
        method: An HTTP method.
        url: The object's name, or a `Quoted` path.
        content: The body.
        params: The query.
        headers: More headers; those in *prepared* win, in whichever case they are written.
        prepared: The Target's own.
        made: The body that *content* is, if it was made for another system before; it knows where
            it began.

    Raises:
        TypeError, ValueError: Something in the arguments cannot be sent.
    """
    if type(method) is not str:
        if not isinstance(method, str):
            raise TypeError(f"method must be str, not {type(method).__name__}")
        method = to_text(method)
    if method not in _USUAL and not TOKEN.fullmatch(method):
        raise ValueError(f"invalid HTTP method: {method!r}")
    target = request_target(url, params)
    more = "Accept-Encoding: identity\r\n"
    body = None
    payload = b""
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
        given = checked(headers)
        body = make_body(content) if made is None else made
        framing = _framing(method, body, given)
        if any(name.lower() == "accept-encoding" for name, _ in given):
            more = ""
        lines = [f"{name}: {value}" for name, value in given if name.lower() not in prepared.names]
        more += "".join(f"{line}\r\n" for line in lines + framing)
        if type(content) is bytes and len(content) <= SMALL and body and not body.is_chunked:
            payload, body = content, None
    head = f"{method} {target} HTTP/1.1\r\n{prepared.lines}{more}\r\n".encode("latin-1")
    return Outgoing(method, target, head + payload, body)


def _framing(method: str, body: Body | None, given: list[tuple[str, str]]) -> list[str]:
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
        return ["Content-Length: 0"] if method in _EXPECT_BODY or length is not None else []
    if coding is not None:
        body.is_chunked = True
    elif length is not None:
        with_length(body, int(length))
    if body.is_chunked or body.length is None:
        return ["Transfer-Encoding: chunked"]
    return [f"Content-Length: {body.length}"]
