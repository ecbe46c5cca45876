"""What a fault does to one exchange between a client and a node."""

import email.utils
import http

from ._fault_list import Faults
from ._faults import Answer, Break, Garbage, Place, RequestFault, Reset, Stall
from ._messages import BodyCut, Reply
from ._wire import Wire


class Struck(BodyCut):
    """A fault ended the connection; what had been read of a body counts as cut off."""


class Doom:
    """The fault that waits for one connection or request, if any.

    Args:
        wire: The connection.
        faults: Those of the HCP; they know when a stall is over.
        fault: What is to happen; None lets everything pass.
    """

    def __init__(self, wire: Wire, faults: Faults, fault: RequestFault | None) -> None:
        self._wire = wire
        self._faults = faults
        self.fault = fault
        self._left = 0  # bytes that still pass
        self._at: Place | None = None
        self._has_struck = False
        if isinstance(fault, Break):
            self._at, self._left = fault.at, fault.after
        elif isinstance(fault, Garbage):
            self._at = "before answer"

    @property
    def wants_whole_request(self) -> bool:
        """True if what happens is not an answer that comes early."""
        return self._at is not None

    async def reach(self, place: Place) -> None:
        """Strike here, raising `Struck`, if *place* is the one."""
        if self._at == place:
            await self._strike()

    async def reach_end_of(self, place: Place) -> None:
        """The same, if as many bytes as may pass have passed there."""
        if self._at == place and not self._left:
            await self._strike()

    def passing(self, place: Place, data: bytes) -> bytes:
        """What may still pass of *data*, which goes through *place*."""
        if self._at != place:
            return data
        data = data[: self._left]
        self._left -= len(data)
        return data

    async def _strike(self) -> None:
        fault, wire = self.fault, self._wire
        if self._has_struck:  # and the site went on all the same: it ends at the same place
            pass
        elif isinstance(fault, Reset):
            wire.reset()
        elif isinstance(fault, Stall):
            wire.work()  # silence is what we want: it must not end the connection
            await self._faults.stall()
        elif isinstance(fault, Garbage):
            await wire.send(fault.data)
        self._has_struck, self._left = True, 0
        raise Struck(f"the connection fell victim to {fault!r}")


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
