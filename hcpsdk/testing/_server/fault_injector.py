"""Lets a fault happen to one connection or request. Imports `stream` and `pending_faults`."""

import http

from .._dates import http_date
from .._http.messages import BodyCut, Reply
from ..faults import Answer, Break, Garbage, Place, RequestFault, Reset, Stall
from .pending_faults import PendingFaults
from .stream import Stream


class FaultTriggered(BodyCut):
    """A fault ended the connection; a body that was being read is incomplete."""


class FaultInjector:
    """The fault of one connection or request, if any.

    Args:
        stream: The connection.
        faults: The pending faults, which know when a stall ends.
        fault: The fault; None lets everything pass.
    """

    def __init__(self, stream: Stream, faults: PendingFaults, fault: RequestFault | None) -> None:
        self._stream = stream
        self._faults = faults
        self.fault = fault
        self._left = 0  # bytes that still pass
        self._at: Place | None = None
        self._has_triggered = False
        if isinstance(fault, Break):
            self._at, self._left = fault.at, fault.after
        elif isinstance(fault, Garbage):
            self._at = "before answer"

    @property
    def wants_whole_request(self) -> bool:
        """True unless the fault is a response before the request is read."""
        return self._at is not None

    async def at(self, place: Place) -> None:
        """Raise `FaultTriggered` if the fault happens at *place*."""
        if self._at == place:
            await self._trigger()

    async def at_end_of(self, place: Place) -> None:
        """The same, if no more bytes may pass there."""
        if self._at == place and not self._left:
            await self._trigger()

    def limit(self, place: Place, data: bytes) -> bytes:
        """The part of *data* that may pass through *place*."""
        if self._at != place:
            return data
        data = data[: self._left]
        self._left -= len(data)
        return data

    async def _trigger(self) -> None:
        fault, stream = self.fault, self._stream
        if self._has_triggered:  # and the site continued: end at the same place
            pass
        elif isinstance(fault, Reset):
            stream.reset()
        elif isinstance(fault, Stall):
            stream.work()  # the idle timer must not end the connection
            await self._faults.stall()
        elif isinstance(fault, Garbage):
            await stream.send(fault.data)
        self._has_triggered, self._left = True, 0
        raise FaultTriggered(f"the connection was ended by {fault!r}")


def early_reply(fault: Answer, server: str, now: float) -> Reply:
    """The response of *fault*, instead of that of the site."""
    try:
        reason = http.HTTPStatus(fault.status).phrase
    except ValueError:
        reason = "Unknown"
    headers = [
        ("Date", http_date(int(now))),
        ("Server", server),
        ("X-HCP-ErrorMessage", "Status requested by add_fault()"),
        ("Content-Length", "0"),
    ]
    return Reply(fault.status, reason, headers)
