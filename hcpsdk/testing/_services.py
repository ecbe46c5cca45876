"""All that answers requests in an emulated HCP: the namespaces, and the management API."""

from __future__ import annotations

import pathlib

from ._mapi import Mapi
from ._messages import Reply, Request
from ._rest import Rest
from ._system import System

MAPI_PORT = 9090


class Services:
    """The services of *system*, without objects and links; larger objects go into *scratch*."""

    def __init__(self, system: System, scratch: pathlib.Path) -> None:
        self._rest = Rest(system, scratch)
        self.replication = self._rest.replication
        self._mapi = Mapi(system, self.replication)

    def reset(self) -> None:
        """Forget all objects, and whatever was changed by the management API."""
        self._rest.reset()
        self.replication.reset()

    async def answer(self, request: Request) -> Reply:
        """The reply of the service behind the port that was asked."""
        if request.port == MAPI_PORT:
            return await self._mapi.answer(request)
        return await self._rest.answer(request)
