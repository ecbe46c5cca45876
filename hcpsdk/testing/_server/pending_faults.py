"""The pending faults of one HCP, and the matching. Imports `faults` and `_http`."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .._http.messages import Request
from ..faults import Blackhole, Break, CountedFault, Fault, LookupFault, Refuse, RequestFault

F = TypeVar("F", bound=CountedFault)


@dataclass
class Pending:
    """A fault with its counters."""

    fault: Fault
    node: str | None  # the address of the node; None is any
    seen: int = 0  # matching connections, requests or lookups so far
    happened: int = 0


class PendingFaults:
    """The pending faults of one HCP, in the order in which they were added.

    An event that matches several faults is counted for all; the first one that is due happens.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _pending
        self._pending: list[Pending] = []
        self._stalled: set[asyncio.Future[None]] = set()  # in the thread of the loop only

    def add(self, fault: Fault, addresses: list[str]) -> None:
        """Add *fault*, for an HCP whose nodes have these *addresses*."""
        if not isinstance(fault, Fault):
            raise TypeError(f"expected a fault of hcpsdk.testing, not {fault!r}")
        node = getattr(fault, "node", None)
        if isinstance(node, int):
            if not 0 <= node < len(addresses):
                raise ValueError(f"there are {len(addresses)} nodes, counted from 0: {fault!r}")
            node = addresses[node]
        elif node is not None and node not in addresses:
            raise ValueError(f"no node has the address {node}: {', '.join(addresses)}")
        with self._lock:
            self._pending.append(Pending(fault, node))

    def pending(self) -> list[Fault]:
        """The faults, a copy."""
        with self._lock:
            return [each.fault for each in self._pending]

    def forget(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._pending.clear()

    # Matching, in the thread of the loop

    def of_connection(self, node: str) -> Break | None:
        """The fault of a new connection to *node*."""
        return self._take(Break, node, lambda fault: fault.at == "connection")

    def of_request(self, request: Request) -> RequestFault | None:
        """The fault of *request*, whose head was read."""
        return self._take(
            RequestFault,
            request.node,
            lambda fault: (
                getattr(fault, "at", None) != "connection"
                and fault.concerns(request.method, request.target)
            ),
        )

    def of_lookup(self, name: str, kind: str) -> LookupFault | None:
        """The fault of a lookup of *name* (lower case, without final dot)."""
        return self._take(LookupFault, None, lambda fault: fault.concerns(name, kind))

    def of_port(self, node: str) -> type[Refuse] | type[Blackhole] | None:
        """The fault of connection attempts to *node*."""
        with self._lock:
            for each in self._pending:
                if isinstance(each.fault, (Refuse, Blackhole)) and each.node in (None, node):
                    return type(each.fault)
        return None

    def _take(self, kind: type[F], node: str | None, concerns: Callable[[F], bool]) -> F | None:
        """The first fault of *kind* that is due; removed if it will not happen again."""
        if not self._pending:
            return None
        taken: Pending | None = None
        found: F | None = None
        with self._lock:
            for each in self._pending:
                fault = each.fault
                if isinstance(fault, kind) and each.node in (None, node) and concerns(fault):
                    each.seen += 1
                    if found is None and each.seen >= fault.nth:
                        taken, found = each, fault
            if taken is not None and found is not None:
                taken.happened += 1
                if taken.happened == found.times:
                    self._pending = [each for each in self._pending if each is not taken]
        return found

    # Stalling, in the thread of the loop

    async def stall(self) -> None:
        """Return after the next `release()`."""
        released = asyncio.get_running_loop().create_future()
        self._stalled.add(released)
        try:
            await released
        finally:
            self._stalled.discard(released)

    def release(self) -> None:
        """End all stalls."""
        for released in self._stalled:
            if not released.done():
                released.set_result(None)
