"""`HCP` and `link()`: the public side of the emulator. Imports `_running` and what is below."""

from __future__ import annotations

import atexit
import enum
import logging
import pathlib
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Literal

from ._http.request_log import Received, RequestLog
from ._replication.link import Link, LinkType
from ._running import Running, Settings, SiteFactory
from ._server.certificates import CERTIFICATE_KINDS, CertificateKind
from ._server.dns import NameServer
from ._server.node import Node
from ._services import Services
from ._xml import NOT_IN_XML
from .config import Namespace, System, User
from .faults import Fault

log = logging.getLogger("hcpsdk.testing")

DEFAULT = System()

_running: list[HCP] = []


def running() -> list[HCP]:
    """The HCPs that run in this process, in the order in which they were started; a copy.

    A script that ``python3 -m hcpsdk.testing run`` runs finds its HCPs here.
    """
    return list(_running)


class EmulatorBug(RuntimeError):
    """The emulator itself failed; the cause is the first failure."""


class State(enum.Enum):
    STOPPED = "no thread, no socket, no file; nothing is redirected"
    RUNNING = "nodes and name server respond"


class HCP:
    """An HCP on this machine, usable as a context manager: ``with HCP() as hcp:``.

    While it runs, names in its domain resolve in this process, and connections to the ports 80,
    443 and 9090 of its nodes reach it, although the nodes listen on free ports. It uses loopback
    addresses only.

    Args:
        domain: The domain of the whole system.
        nodes: The number of storage nodes.
        namespaces: The namespaces; by default those of the manual, ``n1.m`` and ``n2.m``.
        users: The accounts; by default those of the manual, ``n`` and ``service``.
        certificate: What the certificate of the nodes is valid for: their "addresses", the
            "names" of the domain, "both", or "neither".
        idle_seconds: Seconds after which an idle connection is closed.
        ttl: The time to live of DNS records, in seconds.
        missing_credentials_status: The status without credentials: 403, or 302 to the login page.
        permission_mask: The permissions that can be used in any namespace.
        tenant_masks: The same for the namespaces of a tenant, by the name of the tenant.
        reports_tiering: Give chargeback reports the columns for tiering, as newer releases do,
            instead of those for multipart uploads.
        wants_public_ports: Listen on 80, 443, 9090 and 53 if this process is allowed to.
        site: Called with the system and an empty folder; returns what responds to requests. By
            default the namespaces, and the management API on port 9090.
    """

    def __init__(
        self,
        domain: str = DEFAULT.domain,
        *,
        nodes: int = 4,
        namespaces: Iterable[Namespace] = DEFAULT.namespaces,
        users: Iterable[User] = DEFAULT.users,
        certificate: CertificateKind = "both",
        idle_seconds: float = 60.0,
        ttl: int = 60,
        missing_credentials_status: Literal[403, 302] = 403,
        permission_mask: frozenset[str] = DEFAULT.permission_mask,
        tenant_masks: Mapping[str, frozenset[str]] = DEFAULT.tenant_masks,
        reports_tiering: bool = False,
        wants_public_ports: bool = False,
        site: SiteFactory = Services,
    ) -> None:
        if nodes < 1:
            raise ValueError(f"nodes must be at least 1, not {nodes}")
        if certificate not in CERTIFICATE_KINDS:
            raise ValueError(
                f"certificate must be one of {', '.join(CERTIFICATE_KINDS)}, not {certificate!r}"
            )
        self._system = System(
            domain=domain.lower(),
            namespaces=tuple(namespaces),
            users=tuple(users),
            missing_credentials_status=missing_credentials_status,
            permission_mask=permission_mask,
            tenant_masks=dict(tenant_masks),
            reports_tiering=reports_tiering,
        )
        self._settings = Settings(nodes, certificate, idle_seconds, ttl, wants_public_ports, site)
        self._state = State.STOPPED
        self._last: Running | None = None  # what runs, or ran last
        self._requests = RequestLog()
        self._bugs: list[BaseException] = []

    def __repr__(self) -> str:
        return f"<HCP {self.domain} {self._state.name}>"

    # Properties

    @property
    def domain(self) -> str:
        """The domain of the system, ``"hcp1.snomis.local"``."""
        return self._system.domain

    @property
    def namespaces(self) -> tuple[Namespace, ...]:
        """The namespaces; ``.host(hcp.domain)`` is the full host name of one."""
        return self._present_system.namespaces

    @property
    def users(self) -> tuple[User, ...]:
        """The accounts, with their passwords."""
        return self._present_system.users

    @property
    def _present_system(self) -> System:
        return self._last.system if self._last and self.is_running else self._system

    @property
    def is_running(self) -> bool:
        """True between start and stop."""
        return self._state is State.RUNNING

    @property
    def nodes(self) -> list[Node]:
        """The storage nodes (a copy of the list); each can be stopped and started."""
        return list(self._running.nodes)

    @property
    def name_server(self) -> NameServer:
        """The name server: its ``address``, ``port``, and the ``lookups`` it has seen."""
        return self._running.name_server

    @property
    def ca_file(self) -> pathlib.Path:
        """The CA certificate file to verify the nodes with; deleted when the HCP stops."""
        return self._running.ca_file

    @property
    def requests(self) -> list[Received]:
        """The requests received since the start or the last `reset()`, in order; a copy."""
        return self._requests.received()

    @property
    def faults(self) -> list[Fault]:
        """The pending faults, in the order in which they were added; a copy."""
        return self._running.faults.pending()

    @property
    def _running(self) -> Running:
        if self._last is None:
            raise RuntimeError(f"{self!r} was not started; use it in a with statement")
        return self._last

    def _present_home(self) -> Running:
        return self._running

    # Starting and stopping

    def __enter__(self) -> HCP:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()
        if error is None:  # do not hide the error; bugs were logged
            self._raise_bugs()

    def start(self) -> None:
        """Open all sockets, and redirect names and ports; raises `StartError` if that fails."""
        if self._state is State.RUNNING:
            raise RuntimeError(f"{self!r} is already running")
        self._requests.clear()
        self._last = Running(self._system, self._settings, self._requests, self._report_bug)
        self._state = State.RUNNING
        _running.append(self)
        # Cleans up after a program that ends without stop(), when its other threads are done.
        atexit.register(self.stop)

    def stop(self) -> None:
        """Close everything and end the redirection. Can be called more than once.

        Raises:
            EmulatorBug: The emulator itself failed while it was running.
        """
        self._end()
        self._raise_bugs()

    def reset(self) -> None:
        """Return to the state after the start: no objects, requests or faults, all nodes running.

        Raises:
            EmulatorBug: The emulator itself failed since the start or the last reset.
        """
        self._running.reset()
        self._requests.clear()
        self._raise_bugs()

    # Faults

    def add_fault(self, fault: Fault) -> None:
        """Add *fault*; it is active when this returns.

        If several faults match a request, the one that was added first happens.
        """
        self._running.add_fault(fault)

    def clear_faults(self) -> None:
        """Remove all faults; connections that were stalled are closed."""
        self._running.clear_faults()

    def _end(self) -> None:
        if self._state is State.RUNNING:
            self._state = State.STOPPED
            _running.remove(self)
            atexit.unregister(self.stop)
            self._running.stop()

    # Bugs of the emulator

    def _report_bug(self, error: BaseException) -> None:
        log.error("the emulator failed", exc_info=error)
        self._bugs.append(error)

    def _raise_bugs(self) -> None:
        bugs, self._bugs = self._bugs, []
        if bugs:
            raise EmulatorBug(f"{self!r} failed {len(bugs)} time(s): {bugs[0]!r}") from bugs[0]


def link(
    first: HCP,
    second: HCP,
    type: LinkType = "ACTIVE_ACTIVE",
    *,
    delay: float = 0.0,
    name: str | None = None,
    description: str | None = None,
) -> Link:
    """Create a replication link between two running HCPs; what they contain is sent at once.

    Namespaces that both systems have, by name and tenant, are replicated. End the link with
    ``close()`` or a ``with`` block, or stop the HCPs.

    Args:
        first: The primary, if the link is active/passive.
        second: The replica, if it is.
        type: "ACTIVE_ACTIVE", or "ACTIVE_PASSIVE" from *first* to *second*.
        delay: Seconds that a change waits before it is sent.
        name: 1 to 64 characters; by default made from the names, ``hcp1--<-->--hcp2``.
        description: Free text.
    """
    if type not in ("ACTIVE_ACTIVE", "ACTIVE_PASSIVE"):
        raise ValueError(f"type must be ACTIVE_ACTIVE or ACTIVE_PASSIVE, not {type!r}")
    if first.domain == second.domain:
        raise ValueError(f"linked systems must have different domains, not both {first.domain}")
    for hcp in (first, second):
        if not hcp.is_running:
            raise RuntimeError(f"{hcp!r} is not running; only running HCPs can be linked")
    here, there = (hcp.domain.partition(".")[0] for hcp in (first, second))
    if type == "ACTIVE_ACTIVE":
        name = name or f"{here}--<-->--{there}"
        words = f"active/active replication between {here.upper()} and {there.upper()}"
    else:
        name = name or f"{here}-->--{there}"
        words = f"active/passive replication from {here.upper()} to {there.upper()}"
    description = words if description is None else description
    check_length("name", name, 1, 64)
    check_length("description", description, 0, 1024)
    return Link([hcp._present_home for hcp in (first, second)], type, name, description, delay)


def check_length(what: str, text: str, least: int, most: int) -> None:
    """Raise `ValueError` unless *text* has *least* to *most* characters that XML can carry."""
    if not least <= len(text) <= most:
        raise ValueError(f"{what}: expected {least} to {most} characters")
    if NOT_IN_XML.search(text):
        raise ValueError(f"{what}: contains a character that XML cannot carry")
