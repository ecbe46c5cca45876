"""A request as a node hands it on, and the reply that it gets back.

These two values are all that the HTTP side of the emulator (`_node`) and the side that knows
HCP's rules (`_rest`) have in common.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol


class BodyCut(Exception):
    """The client went away before it had sent its whole body; nothing of it may be kept."""


async def no_body() -> AsyncIterator[bytes]:
    """The body of a request that has none."""
    return
    yield b""


@dataclass
class Request:
    """A request whose head has been read; its body is still on the wire.

    Attributes:
        method: As received, ``"PUT"``.
        target: As received, still percent-encoded: ``"/rest/a%20b?index=true"``.
        headers: Pairs in the order received, names as the client wrote them.
        host: From the ``Host`` header: lower case, without a port.
        scheme: ``"http"`` or ``"https"``.
        port: The port that the client believes in: 80, 443, 9090.
        node: The address of the node that was asked.
        client: The client's address.
        body: Pieces of the body as they arrive, without any transfer coding. The first piece asked
            for sends ``100 Continue`` where the client waits for that. Raises `BodyCut`.
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
    """What a node sends back.

    The headers go out as they are, in their order. ``body`` is bytes, or pieces as they come:
    those go out under the reply's ``Content-Length``, or chunked where it has none.
    A reply to HEAD has the headers of the one to GET; the node leaves its body out.

    Args:
        status: The status code.
        reason: The reason phrase.
        headers: Pairs, in the order in which they go out.
        body: ``bytes``, or an asynchronous iterator of them.
    """

    status: int
    reason: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | AsyncIterator[bytes] = b""


class Site(Protocol):
    """Something that answers requests: the namespaces under /rest, later /proc and MAPI."""

    async def answer(self, request: Request) -> Reply:
        """The reply to *request*; never raises for what a client did wrong."""
