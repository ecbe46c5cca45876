"""The requests that an HCP received, for tests. Imports `messages`."""

import collections
import threading
from dataclasses import dataclass, field

from .messages import Request

MAX_REQUESTS = 10_000  # requests; older ones are dropped


@dataclass(frozen=True)
class Received:
    """One request as a node received it.

    Attributes:
        method: ``"PUT"``.
        target: Path and query, still percent-encoded.
        headers: Pairs, in the order received. Not in the ``repr``, as they contain credentials.
        host: From the ``Host`` header: lower case, without port.
        node: The address of the node.
        port: The public port: 80, 443, 9090.
        status: The status of the response; None as long as there is no response.
        body_size: Bytes of the body that were read.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    host: str
    node: str
    port: int
    status: int | None
    body_size: int

    def __str__(self) -> str:
        return (
            f"{self.method} {self.target} -> {self.status or 'no response'}"
            f"  ({self.body_size} bytes, {self.host} at {self.node}:{self.port})"
        )

    def header(self, name: str) -> str | None:
        """The first value of header *name*, in any case, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class Entry:
    """A request that a node is processing, or has processed."""

    request: Request
    status: int | None = None
    body_size: int = 0

    def received(self) -> Received:
        request = self.request
        return Received(
            request.method,
            request.target,
            tuple(request.headers),
            request.host,
            request.node,
            request.port,
            self.status,
            self.body_size,
        )


class RequestLog:
    """The last requests, in the order in which their heads arrived."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _entries: nodes write, the test's thread reads
        self._entries: collections.deque[Entry] = collections.deque(maxlen=MAX_REQUESTS)

    def add(self, request: Request) -> Entry:
        """Add an entry for *request*; its status and body size are set later."""
        entry = Entry(request)
        with self._lock:
            self._entries.append(entry)
        return entry

    def received(self) -> list[Received]:
        """Copies of the entries."""
        with self._lock:
            entries = list(self._entries)
        return [entry.received() for entry in entries]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
