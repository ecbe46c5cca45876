"""Requests and responses: what `_server` and the interfaces exchange.

Imports nothing of the emulator.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol


class BodyCut(Exception):
    """The client disconnected before the end of the body, which must be discarded."""


async def no_body() -> AsyncIterator[bytes]:
    """The body of a request that has none."""
    return
    yield b""


@dataclass
class Request:
    """A request whose head was read; its body is read on demand.

    Attributes:
        method: As received, ``"PUT"``.
        target: Path and query as received, still percent-encoded: ``"/rest/a%20b?index=true"``.
        headers: Pairs in the order received, names as the client wrote them.
        host: From the ``Host`` header, or from an absolute URL: lower case, without a port.
        scheme: ``"http"`` or ``"https"``.
        port: The public port: 80, 443, 9090.
        node: The address of the node.
        client: The client's address.
        body: Pieces of the body as they arrive, without transfer coding. Iterating sends
            ``100 Continue`` if the client waits for that, and raises `BodyCut`.
    """

    method: str
    target: str
    headers: list[tuple[str, str]]
    host: str
    scheme: str = "https"
    port: int = 443
    node: str = "127.0.0.52"
    client: str = "127.0.0.1"
    body: AsyncIterator[bytes] = field(default_factory=no_body)

    def header(self, name: str) -> str | None:
        """The first value of header *name*, or None."""
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None


@dataclass
class Reply:
    """A response.

    The headers are sent as they are, in their order. Pieces of a body are sent as they come, with
    the ``Content-Length`` of the response, or chunked without that. A response to HEAD has the
    headers of the one to GET; the node does not send its body.

    Args:
        status: The status code.
        reason: The reason phrase.
        headers: Pairs, in the order in which they are sent.
        body: ``bytes``, or an asynchronous iterator of them.
    """

    status: int
    reason: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | AsyncIterator[bytes] = b""


class Site(Protocol):
    """Something that responds to requests, such as an interface of HCP."""

    async def answer(self, request: Request) -> Reply:
        """The response to *request*; never raises for errors of a client."""
