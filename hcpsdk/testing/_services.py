"""The services of one HCP: the only place that knows all of them. A new interface is added here.

Imports the interfaces (`_rest`, `_mapi`), `_replication` and `_store`.
"""

import pathlib
import time
from collections.abc import Awaitable, Callable, Sequence

from ._http.access_log import AccessLog
from ._http.messages import Reply, Request
from ._mapi.call import Emulated, NodeView
from ._mapi.service import MapiService
from ._replication.service import Replication
from ._rest.default_namespace import DefaultNamespaceService
from ._rest.service import RestService
from ._store.namespaces import Namespaces
from .config import System

MAPI_PORT = 9090


class Services:
    """The services of *system*, without objects and links; larger objects go into *scratch*.

    *now* returns seconds since the epoch. All calls belong in one event loop.

    Attributes:
        nodes: The nodes of the system, for its management API.
    """

    def __init__(
        self, system: System, scratch: pathlib.Path, now: Callable[[], float] = time.time
    ) -> None:
        self.namespaces = Namespaces(system, scratch, lambda: int(now() * 1000))
        self.replication = Replication(system, self.namespaces.stores)
        self.namespaces.on_add = self.replication.watch
        self.nodes: Sequence[NodeView] = ()
        self._system = system
        self._access_log = AccessLog(now)
        self._rest = RestService(system, self.namespaces.stores, self.replication, now)
        self._default_namespace = DefaultNamespaceService(system, self.namespaces.default, now)
        self._mapi = MapiService(
            Emulated(
                system, self.namespaces, self.replication, self._access_log, lambda: self.nodes, now
            )
        )

    def reset(self) -> None:
        """Forget all objects, and all changes made by the management API."""
        self.namespaces.reset()
        self.replication.reset()
        self._mapi.reset()
        self._access_log.clear()

    async def answer(self, request: Request) -> Reply:
        """The response of the service behind the port of *request*."""
        reply = await self._service(request)(request)
        self._access_log.add(request, reply)
        return reply

    def _service(self, request: Request) -> Callable[[Request], Awaitable[Reply]]:
        if request.port == MAPI_PORT:
            return self._mapi.answer
        if self._system.is_default_namespace(request.host):
            return self._default_namespace.answer
        return self._rest.answer
