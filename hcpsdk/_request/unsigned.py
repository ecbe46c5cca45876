"""What an authorization sees of a request. Imports `content` for types only."""

from collections import namedtuple

from hcpsdk._request.content import Buffer

__all__ = ["UnsignedRequest"]


class UnsignedRequest(
    namedtuple(
        "UnsignedRequest", ("method", "target", "headers", "payload", "length"), defaults=((), 0)
    )
):
    """One attempt of a request, as `BaseAuthorization.authorize` gets it: complete but for that.

    Attributes:
        method: The HTTP method.
        target: Path and query as in the request line, percent-encoded.
        headers: Pairs, as they leave: ``Host``, the caller's, and what says where the body ends.
        payload: The pieces of the body if it is in memory, empty if there is none; None if it is
            read while it is sent.
        length: Bytes of the body; None if that is unknown.
    """

    __module__ = "hcpsdk"

    __slots__ = ()

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    payload: tuple[Buffer, ...] | None
    length: int | None

    def __new__(
        cls,
        method: str,
        target: str,
        headers: tuple[tuple[str, str], ...],
        payload: tuple[Buffer, ...] | None = (),
        length: int | None = 0,
    ) -> "UnsignedRequest":
        return super().__new__(cls, method, target, headers, payload, length)

    def __repr__(self) -> str:
        # The query and the headers may hold secrets.
        return f"<UnsignedRequest {self.method} {self.target.partition('?')[0]}>"
