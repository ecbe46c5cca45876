"""What exists of an HCP only while it runs. Imports `_services`, `_server` and what is below."""

import asyncio
import contextlib
import os
import pathlib
import shutil
import ssl
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ._http.messages import Site
from ._http.request_log import RequestLog
from ._preload import Data, preload
from ._replication.service import Replication
from ._server.addresses import give_back, take_addresses
from ._server.certificates import CertificateKind, Certificates
from ._server.connection import ServerContext
from ._server.dns import NameServer
from ._server.listener import PortError
from ._server.loop_thread import LoopThread
from ._server.node import Node
from ._server.pending_faults import PendingFaults
from ._server.redirect import Route, redirect
from ._services import Services
from ._store.errors import StoreError
from .config import Namespace, System
from .faults import Blackhole, Fault, Refuse

DNS_PORT = 53


class ResettableSite(Site, Protocol):
    """A site that can return to its initial state."""

    def reset(self) -> None: ...


SiteFactory = Callable[[System, pathlib.Path], ResettableSite]


@dataclass(frozen=True)
class Settings:
    """Settings of the emulator, which a real HCP does not have."""

    nodes: int
    certificate: CertificateKind
    idle_seconds: float
    ttl: int
    wants_public_ports: bool
    site: SiteFactory
    now: Callable[[], float]  # seconds since the epoch


class Running:
    """The thread, sockets, folder and redirect of one HCP; made by starting all of them.

    Args:
        system: The configuration of the HCP.
        settings: The settings of the emulator.
        requests: The log of received requests.
        report_bug: Called with each exception that should not have happened.
    """

    def __init__(
        self,
        system: System,
        settings: Settings,
        requests: RequestLog,
        report_bug: Callable[[BaseException], None],
    ) -> None:
        self._system = system = replace(system)  # the management API can change it
        self._settings = settings
        self._process = os.getpid()
        self.is_running = True
        self.nodes: list[Node] = []
        self.faults = PendingFaults()
        with contextlib.ExitStack() as undo:
            addresses = take_addresses(settings.nodes)
            undo.callback(give_back, addresses)
            self._make_folder(undo)
            self.certificates = Certificates(system, addresses, settings.certificate)
            self.ca_file.write_bytes(self.certificates.ca_pem)
            self._site = settings.site(system, self.scratch)
            self._start_background(undo, report_bug)
            context_of_server = ServerContext(
                self._site,
                requests,
                f"HCP V{system.version}",
                report_bug,
                self.faults,
                settings.now,
            )
            context = self.certificates.server_context(self._context_of_other)
            for address in addresses:
                node = Node(
                    self._thread,
                    address,
                    context,
                    settings.idle_seconds,
                    context_of_server,
                    settings.wants_public_ports,
                    self._reachable_changed,
                )
                undo.callback(self._run, node.close)
                self.nodes.append(node)
                node.start()
            if self._services is not None:
                self._services.nodes = self.nodes
            self.name_server = self._make_name_server(addresses[0])
            undo.callback(self._run, self.name_server.close)
            self._run(self.name_server.open)
            self._route = self._make_route()
            redirect.add(self._route)
            undo.callback(redirect.remove, self._route)
            _all.add(self)
            undo.callback(_all.discard, self)
            if self._services is not None:
                undo.callback(self._services.replication.leave)
            self._undo = undo.pop_all()

    @property
    def system(self) -> System:
        """The system as its management API left it."""
        return self._system

    # For links to other HCPs

    @property
    def _services(self) -> Services | None:
        return self._site if isinstance(self._site, Services) else None

    @property
    def replication(self) -> Replication:
        """The replication service; `RuntimeError` if the HCP has a custom site."""
        if self._services is None:
            raise RuntimeError("an HCP with a custom site cannot be linked")
        return self._services.replication

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._thread.loop

    @property
    def scratch(self) -> pathlib.Path:
        return self.folder / "scratch"

    def server_context(self) -> ssl.SSLContext:
        """A TLS context with the certificate of this HCP."""
        return self.certificates.server_context()

    def answer_for(self, domain: str, is_active: Callable[[], bool]) -> Callable[[], None]:
        """Answer for names in *domain*, too, while *is_active*; returns what ends this."""
        route = Route(domain, (self.name_server.address, self.name_server.port), {}, is_active)
        redirect.add(route)
        return lambda: redirect.remove(route)

    def _context_of_other(self, name: str) -> ssl.SSLContext | None:
        """The certificate of the linked system to which *name* belongs."""
        return self._services.replication.context_for(name) if self._services else None

    def _reachable_changed(self) -> None:
        if self._services is not None:
            self._services.replication.schedule()

    @property
    def ca_file(self) -> pathlib.Path:
        return self.folder / "ca.pem"

    def reset(self) -> None:
        """Start the nodes, and remove faults, objects and lookups."""
        self.clear_faults()
        for node in self.nodes:
            node.start()
        self._run(self._forget)
        self.name_server.clear()

    def preload(
        self,
        objects: Mapping[str, Data],
        namespace: Namespace,
        retention: str | None,
        hold: bool,
    ) -> None:
        """Store *objects* of *namespace*, whose first user owns them."""
        if self._services is None:
            raise RuntimeError("an HCP with a custom site stores no objects")
        store = self._services.namespaces.stores.get((namespace.name, namespace.tenant))
        if store is None:
            raise ValueError(f"there is no namespace {namespace.host(self._system.domain)}")
        owners = [each.name for each in self._system.users if each.tenant == namespace.tenant]

        async def work() -> None:
            preload(store, objects, owners[0] if owners else "", retention, hold)

        try:
            self._run(work)
        except StoreError as error:
            raise ValueError(str(error)) from error

    def add_fault(self, fault: Fault) -> None:
        """Add *fault*."""
        self.faults.add(fault, [node.address for node in self.nodes])
        if isinstance(fault, (Refuse, Blackhole)):
            self._run(self._obey_faults)

    def clear_faults(self) -> None:
        """Remove all faults, and end stalls."""
        self.faults.forget()
        self._run(self._end_faults)

    def stop(self) -> None:
        """Stop everything, in reverse order."""
        self.is_running = False
        if os.getpid() == self._process:
            self._undo.close()
        else:  # in a forked child: thread and folder belong to the parent
            self._undo.pop_all()
            redirect.remove(self._route)

    def abandon(self) -> None:
        """Close the sockets that a forked child inherited; the parent keeps its own."""
        for node in self.nodes:
            node.abandon()
        self.name_server.abandon()

    def _make_folder(self, undo: contextlib.ExitStack) -> None:
        # Not a TemporaryDirectory: a forked child would delete that of its parent when it ends.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hcpsdk-"))
        undo.callback(shutil.rmtree, self.folder)
        self.scratch.mkdir()

    def _start_background(
        self, undo: contextlib.ExitStack, report_bug: Callable[[BaseException], None]
    ) -> None:
        def failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            report_bug(context.get("exception") or RuntimeError(context["message"]))

        self._thread = LoopThread(f"hcpsdk.testing {self._system.domain}")
        self._thread.loop.set_exception_handler(failed)
        self._thread.start()
        undo.callback(self._thread.stop)
        undo.callback(self._run, self._forget)

    def _make_name_server(self, address: str) -> NameServer:
        def make(port: int) -> NameServer:
            return NameServer(
                self._thread.loop,
                address,
                port,
                self._system,
                self._available,
                ttl,
                self._systems_taken_over,
                self.faults,
            )

        ttl = self._settings.ttl
        if self._settings.wants_public_ports:
            try:
                return make(DNS_PORT)
            except PortError:
                pass  # in use, or reserved for the administrator: take a free one
        return make(0)

    def _make_route(self) -> Route:
        return Route(
            self._system.domain,
            (self.name_server.address, self.name_server.port),
            {
                (node.address, port): real
                for node in self.nodes
                for port, real in node.ports.items()
            },
        )

    def _systems_taken_over(self) -> list[System]:
        return self._services.replication.systems_taken_over() if self._services else []

    def _available(self) -> list[str]:
        if self._services is not None:
            instead = self._services.replication.addresses_instead()
            if instead is not None:
                return instead
        return [node.address for node in self.nodes if node.is_running]

    def _run(self, function: Callable[[], Any]) -> None:
        """Run the coroutine function *function* in the thread of the nodes."""
        self._thread.run(function())

    async def _obey_faults(self) -> None:
        for node in self.nodes:
            node.obey_faults()

    async def _end_faults(self) -> None:
        self.faults.release()
        await self._obey_faults()

    async def _forget(self) -> None:
        self._site.reset()


# Forked children, such as those of multiprocessing, can use the HCP of their parent. They inherit
# its sockets: as long as a child has a connection open, the client does not notice that the parent
# closed it.

_all: set[Running] = set()


def _abandon_all() -> None:
    for running in _all:
        running.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
