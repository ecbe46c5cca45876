"""An emulated HCP, as its user sees it."""

from __future__ import annotations

import atexit
import enum
import logging
import pathlib
from collections.abc import Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import Literal

from ._http.request_log import Received, RequestLog
from ._replication.link import Link, LinkType, Member
from ._running import Running, Settings, SiteFactory
from ._server.certificates import KINDS, CertificateKind
from ._server.dns import NameServer
from ._server.node import Node
from ._services import Services
from ._xml import NOT_IN_XML
from .config import Namespace, System, User
from .faults import Fault

log = logging.getLogger("hcpsdk.testing")

DEFAULT = System()


class EmulatorBug(RuntimeError):
    """The emulator itself failed while it answered; the cause is the first such failure."""


class State(enum.Enum):
    STOPPED = "no thread, no socket, no file; names and ports mean what they mean without us"
    RUNNING = "nodes and name server answer"


class HCP:
    """An HCP on this machine, for the time of a ``with HCP() as hcp:``.

    Inside, names of its domain resolve, and connections to the ports 80, 443 and 9090 of its
    nodes reach it, whatever free ports these really listen on. It keeps to loopback addresses.

    Args:
        domain: The domain of the whole system.
        nodes: How many storage nodes it has.
        namespaces: Its namespaces; by default those of the manual, ``n1.m`` and ``n2.m``.
        users: Its accounts; by default those of the manual, ``n`` and ``service``.
        certificate: What the nodes' certificate is valid for: their "addresses", the "names" of
            the domain, "both", or "neither".
        idle_seconds: Silence after which a connection is closed.
        ttl: Seconds for which the name server's answers may be kept.
        missing_credentials_status: What a request without credentials gets: 403, or 302 to the
            login page.
        permission_mask: What anybody may do at most, in all namespaces.
        tenant_masks: The same for the namespaces of a tenant, by its name.
        wants_public_ports: Really listen on 80, 443, 9090 and 53, where this process may.
        site: What answers the requests, made from the system and an empty folder; by default
            the namespaces, and the management API on port 9090.
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
        wants_public_ports: bool = False,
        site: SiteFactory = Services,
    ) -> None:
        if nodes < 1:
            raise ValueError(f"an HCP has at least one node, not {nodes}")
        if certificate not in KINDS:
            raise ValueError(f"certificate is one of {', '.join(KINDS)}, not {certificate!r}")
        self._system = System(
            domain=domain.lower(),
            namespaces=tuple(namespaces),
            users=tuple(users),
            missing_credentials_status=missing_credentials_status,
            permission_mask=permission_mask,
            tenant_masks=dict(tenant_masks),
        )
        self._settings = Settings(nodes, certificate, idle_seconds, ttl, wants_public_ports, site)
        self._state = State.STOPPED
        self._last: Running | None = None  # what runs, or ran until the last stop
        self._requests = RequestLog()
        self._bugs: list[BaseException] = []

    def __repr__(self) -> str:
        return f"<HCP {self.domain} {self._state.name}>"

    # What it is

    @property
    def domain(self) -> str:
        """The domain of the system, ``"hcp1.snomis.local"``."""
        return self._system.domain

    @property
    def namespaces(self) -> tuple[Namespace, ...]:
        """Its namespaces; ``.host(hcp.domain)`` tells the full name of one."""
        return self._system.namespaces

    @property
    def users(self) -> tuple[User, ...]:
        """Its accounts, with their passwords."""
        return self._system.users

    @property
    def is_running(self) -> bool:
        """True between start and stop."""
        return self._state is State.RUNNING

    @property
    def nodes(self) -> list[Node]:
        """The storage nodes, a copy of the list; each can be stopped and started."""
        return list(self._running.nodes)

    @property
    def name_server(self) -> NameServer:
        """The name server: its ``address``, ``port``, and the ``lookups`` it has seen."""
        return self._running.name_server

    @property
    def ca_file(self) -> pathlib.Path:
        """A file with the certificate to verify the nodes with; gone when the HCP has stopped."""
        return self._running.ca_file

    @property
    def requests(self) -> list[Received]:
        """The requests received since the start or the last `reset()`, in order; a copy."""
        return self._requests.received()

    @property
    def faults(self) -> list[Fault]:
        """The faults that are still to happen, in the order in which they were added; a copy."""
        return self._running.faults.pending()

    @property
    def _running(self) -> Running:
        if self._last is None:
            raise RuntimeError(f"{self!r} has not been started; use it in a with statement")
        return self._last

    # Its life

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
        if error is None:  # else that is what the user must see; the bugs have been logged
            self._raise_bugs()

    def start(self) -> None:
        """Open all sockets, and redirect names and ports; raises `StartError` if that fails."""
        if self._state is State.RUNNING:
            raise RuntimeError(f"{self!r} is running already")
        self._requests.clear()
        self._last = Running(self._system, self._settings, self._requests, self._report_bug)
        self._state = State.RUNNING
        # A program that ends without stop() is cleaned up when its other threads are done.
        atexit.register(self.stop)

    def stop(self) -> None:
        """Close everything, and put back what was redirected. Stopping twice does no harm.

        Raises:
            EmulatorBug: The emulator itself failed while it was running.
        """
        self._end()
        self._raise_bugs()

    def reset(self) -> None:
        """Be as after the start: no objects, no requests, no faults, all nodes running.

        Raises:
            EmulatorBug: The emulator itself failed since the start or the last reset.
        """
        self._running.reset()
        self._requests.clear()
        self._raise_bugs()

    # What goes wrong in it

    def add_fault(self, fault: Fault) -> None:
        """Let *fault* happen from now on; it is in force when this returns.

        Of several faults that are due for a request, it gets the one that was added first.
        """
        self._running.add_fault(fault)

    def clear_faults(self) -> None:
        """Let nothing go wrong from now on; connections that were stalled are closed."""
        self._running.clear_faults()

    def _end(self) -> None:
        if self._state is State.RUNNING:
            self._state = State.STOPPED
            atexit.unregister(self.stop)
            self._running.stop()

    # Its own failures

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
    """A replication link between two running HCPs; what they hold travels at once.

    Namespaces are replicated that both systems have, by name and tenant. End the link with
    ``close()`` or a ``with`` block, or just stop the HCPs.

    Args:
        first: The primary, if the link is active/passive.
        second: The replica, if it is.
        type: "ACTIVE_ACTIVE", or "ACTIVE_PASSIVE" from *first* to *second*.
        delay: Seconds for which a change waits before it travels.
        name: 1 to 64 characters; by default made of the systems' names, ``hcp1--<-->--hcp2``.
        description: Free text.
    """
    if type not in ("ACTIVE_ACTIVE", "ACTIVE_PASSIVE"):
        raise ValueError(f"type is ACTIVE_ACTIVE or ACTIVE_PASSIVE, not {type!r}")
    if first.domain == second.domain:
        raise ValueError(f"linked systems have different domains, not both {first.domain}")
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
    one, two = (Member(hcp, partial(running_part, hcp)) for hcp in (first, second))
    return Link(one, two, type, name, description, delay)


def running_part(hcp: HCP) -> Running:
    """What exists of *hcp* while it runs."""
    return hcp._running


def check_length(what: str, text: str, least: int, most: int) -> None:
    """Raise `ValueError` unless *text* has *least* to *most* characters that XML can carry."""
    if not least <= len(text) <= most:
        raise ValueError(f"{what}: expected {least} to {most} characters")
    if NOT_IN_XML.search(text):
        raise ValueError(f"{what}: contains a character that XML cannot carry")
