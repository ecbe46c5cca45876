"""The services of one HCP: the only place that knows all of them. A new interface is added here.

Imports the interfaces (`_rest`, `_mapi`), `_replication` and `_store`.
"""

import pathlib
import time
from collections.abc import Callable

from ._http.messages import Reply, Request
from ._mapi.service import MapiService
from ._replication.service import Replication
from ._rest.service import RestService
from ._store.store import Store
from .config import System

MAPI_PORT = 9090


class Services:
    """The services of *system*, without objects and links; larger objects go into *scratch*.

    *now* returns seconds since the epoch. All calls belong in one event loop.
    """

    def __init__(
        self, system: System, scratch: pathlib.Path, now: Callable[[], float] = time.time
    ) -> None:
        self.stores = {
            (namespace.name, namespace.tenant): Store(namespace, scratch, lambda: int(now() * 1000))
            for namespace in system.namespaces
        }
        self.replication = Replication(system, self.stores)
        self._rest = RestService(system, self.stores, self.replication, now)
        self._mapi = MapiService(system, self.replication, now)

    def reset(self) -> None:
        """Forget all objects, and all changes made by the management API."""
        for store in self.stores.values():
            store.clear()
        self.replication.reset()

    async def answer(self, request: Request) -> Reply:
        """The response of the service behind the port of *request*."""
        if request.port == MAPI_PORT:
            return await self._mapi.answer(request)
        return await self._rest.answer(request)
