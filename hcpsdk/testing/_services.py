"""The services of one HCP: the only place that knows all of them. A new interface is added here.

Imports the interfaces (`_rest`, `_mapi`), `_replication` and `_store`.
"""

import pathlib
import time
from collections.abc import Callable

from ._http.errors import not_emulated
from ._http.interfaces import Interface, interface_of
from ._http.messages import Reply, Request, Site
from ._http.responses import Responses
from ._mapi.service import MapiService
from ._replication.service import Replication
from ._rest.service import RestService
from ._store.store import Store
from .config import System


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
        self._system = system
        self._responses = Responses(system, now)
        # Interfaces that are not here get 501 (contract 10).
        self._sites: dict[Interface, Site] = {
            Interface.REST: RestService(system, self.stores, self.replication, now),
            Interface.MANAGEMENT: MapiService(system, self.replication, now),
        }

    def reset(self) -> None:
        """Forget all objects, and all changes made by the management API."""
        for store in self.stores.values():
            store.clear()
        self.replication.reset()

    async def answer(self, request: Request) -> Reply:
        """The response of the interface that *request* is for."""
        systems = [self._system, *self.replication.systems_taken_over()]
        interface = interface_of(request, systems)
        site = self._sites.get(interface)
        if site is None:
            return self._responses.refused(not_emulated(interface.value))
        return await site.answer(request)
