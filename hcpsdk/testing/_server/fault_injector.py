"""What a fault does to one exchange between a client and a node."""

import email.utils
import http

from .._http.messages import BodyCut, Reply
from ..faults import Answer, Break, Garbage, Place, RequestFault, Reset, Stall
from .pending_faults import PendingFaults
from .stream import Stream


class FaultTriggered(BodyCut):
    """A fault ended the connection; what had been read of a body counts as cut off."""


class FaultInjector:
    """The fault that waits for one connection or request, if any.

    Args:
        stream: The connection.
        faults: Those of the HCP; they know when a stall is over.
        fault: What is to happen; None lets everything pass.
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
        """True if what happens is not an answer that comes early."""
        return self._at is not None

    async def at(self, place: Place) -> None:
        """Strike here, raising `FaultTriggered`, if *place* is the one."""
        if self._at == place:
            await self._trigger()

    async def at_end_of(self, place: Place) -> None:
        """The same, if as many bytes as may pass have passed there."""
        if self._at == place and not self._left:
            await self._trigger()

    def limit(self, place: Place, data: bytes) -> bytes:
        """What may still pass of *data*, which goes through *place*."""
        if self._at != place:
            return data
        data = data[: self._left]
        self._left -= len(data)
        return data

    async def _trigger(self) -> None:
        fault, stream = self.fault, self._stream
        if self._has_triggered:  # and the site went on all the same: it ends at the same place
            pass
        elif isinstance(fault, Reset):
            stream.reset()
        elif isinstance(fault, Stall):
            stream.work()  # silence is what we want: it must not end the connection
            await self._faults.stall()
        elif isinstance(fault, Garbage):
            await stream.send(fault.data)
        self._has_triggered, self._left = True, 0
        raise FaultTriggered(f"the connection fell victim to {fault!r}")


def early_reply(fault: Answer, server: str) -> Reply:
    """The answer that *fault* gives instead of the site's."""
    try:
        reason = http.HTTPStatus(fault.status).phrase
    except ValueError:
        reason = "Unknown"
    headers = [
        ("Date", email.utils.formatdate(usegmt=True)),
        ("Server", server),
        ("X-HCP-ErrorMessage", "The emulator was told to answer like this"),
        ("Content-Length", "0"),
    ]
    return Reply(fault.status, reason, headers)
