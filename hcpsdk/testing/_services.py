"""The services of one HCP: the only place that knows all of them. A new interface is added here.

Imports the interfaces (`_rest`, `_mapi`, `_s3`, `_swift`), `_replication` and `_store`.
"""

import pathlib
import time
from collections.abc import Callable, Sequence

from ._http.access_log import AccessLog
from ._http.errors import not_emulated
from ._http.interfaces import Interface, interface_of
from ._http.messages import Reply, Request, Site
from ._http.responses import Responses
from ._mapi.call import Emulated, NodeView
from ._mapi.service import MapiService
from ._replication.service import Replication
from ._rest.default_namespace import DefaultNamespaceService
from ._rest.service import RestService
from ._s3.service import S3Service
from ._store.namespaces import Namespaces
from ._swift.service import SwiftService
from .config import System


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
        self._responses = Responses(system, now)
        self._access_log = log = AccessLog(now)
        managed = Emulated(system, self.namespaces, self.replication, log, lambda: self.nodes, now)
        self._mapi = MapiService(managed)
        self._s3 = S3Service(system, self.namespaces, self.replication, now)
        # Interfaces that are not here get 501 (contract 10).
        self._sites: dict[Interface, Site] = {
            Interface.REST: RestService(system, self.namespaces.stores, self.replication, now),
            Interface.MANAGEMENT: self._mapi,
            Interface.S3: self._s3,
            Interface.SWIFT: SwiftService(system, self.namespaces, self.replication, now),
            Interface.DEFAULT_NAMESPACE: DefaultNamespaceService(
                system, self.namespaces.default, now
            ),
        }

    def reset(self) -> None:
        """Forget all objects, and all changes made by the management API."""
        self.namespaces.reset()
        self.replication.reset()
        self._mapi.reset()
        self._s3.reset()
        self._access_log.clear()

    async def answer(self, request: Request) -> Reply:
        """The response of the interface that *request* is for."""
        systems = [self._system, *self.replication.systems_taken_over()]
        interface = interface_of(request, systems)
        site = self._sites.get(interface)
        if site is None:
            reply = self._responses.refused(not_emulated(interface.value))
        else:
            reply = await site.answer(request)
        self._access_log.add(request, reply)
        return reply
