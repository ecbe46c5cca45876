"""One end of a replication link: a system, and what it knows of the link."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._backlog import Backlog, StoreKey
from ._courier import Courier
from ._link_rules import BAD, BROKEN, STILL, VIEWS, WARNING, Phase, Role, View
from ._mapi_format import Record
from ._redirect import Route, redirect
from ._system import System

if TYPE_CHECKING:
    from ._hcp import HCP
    from ._link import Link
    from ._running import Running

# Only told: the emulator never fails over by itself.
FAILOVER: Record = {
    "autoFailover": False,
    "autoFailoverMinutes": 120,
    "autoCompleteRecovery": False,
    "autoCompleteRecoveryMinutes": 120,
}


class End:
    """The end of *link* at *hcp*, which is *role* on it."""

    other: End

    def __init__(self, link: Link, hcp: HCP, role: Role) -> None:
        self.link = link
        self.role = role
        self.courier = Courier(self)
        self.keys: frozenset[StoreKey] = frozenset()  # the namespaces that both systems have
        self.failover = FAILOVER  # when this system takes over by itself; replaced on changes
        self.home: Running | None = None  # where the link is known; None once it has been lost
        self._hcp = hcp
        self._route: Route | None = None  # to here, for the names of the other system
        self.context_of_other: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"<End of {self.link.name} at {self.system.domain}, {self.role.name}>"

    def meet(self, other: End) -> None:
        """Be an end of the same link as *other*."""
        self.other, other.other = other, self

    # What it is

    @property
    def backlog(self) -> Backlog:
        """What this system still has to send."""
        return self.courier.backlog

    @property
    def system(self) -> System:
        return self._hcp._system

    @property
    def is_defined(self) -> bool:
        """Whether the system knows of the link."""
        return self.home is not None

    @property
    def is_running(self) -> bool:
        return self._hcp.is_running and bool(self.available_addresses)

    @property
    def is_up(self) -> bool:
        return self.is_defined and self.is_running

    @property
    def addresses(self) -> list[str]:
        return [node.address for node in self._hcp.nodes]

    @property
    def available_addresses(self) -> list[str]:
        return [node.address for node in self._hcp.nodes if node.is_running]

    @property
    def view(self) -> View:
        """What this system shows of the link and does for it."""
        view = VIEWS[self.role, self.link.phase]
        if self.link.phase not in STILL:
            if not self.link.is_connected:
                return View(BAD, BROKEN, view.may_write, sends=False)
            if self._is_shut_down or self.other._is_shut_down:
                return View(WARNING, "Suspended by user", view.may_write, sends=False)
        return view

    @property
    def _is_shut_down(self) -> bool:
        return self.home is not None and self.home.replication.shut_down_because is not None

    @property
    def stands_in(self) -> bool:
        """Whether this system answers for the names of the other one (mapi.md, section 4.1)."""
        home, phase = self.home, self.link.phase
        if home is None or not home.replication.settings["enableDNSFailover"]:
            return False
        if self.role is Role.PEER:
            return self.link.survivor is self
        over = (Phase.FAILED_OVER, Phase.RECOVERING, Phase.COMPLETING)
        return self.role is Role.REPLICA and phase in over

    # Its life

    @property
    def has_namesake(self) -> bool:
        """Whether the system, which has to be running, has another link of this name."""
        return self._hcp._running.replication.end(self.link.name) not in (None, self)

    def check(self) -> None:
        """Raise what keeps the link from being made here."""
        if not self._hcp.is_running:
            raise RuntimeError(f"{self._hcp!r} is not running; only running HCPs can be linked")
        if self.has_namesake:
            raise ValueError(f"{self._hcp!r} has a link named {self.link.name!r} already")

    def define(self) -> None:
        """Make the link known to the system, which has to be running."""
        with self.link.lock:
            self.home = home = self._hcp._running
            there = self.other._hcp._running
            self.keys = frozenset(home.replication.stores) & frozenset(there.replication.stores)
            self.context_of_other = there.certificates.server_context()
            self.courier.begin(home.replication.stores)
            home.replication.add(self)
            self._route = home.route_for(self.other.system.domain, lambda: self.stands_in)
            redirect.add(self._route)

    def lose(self) -> None:
        """Make the system forget the link; does nothing if it has already."""
        with self.link.lock:
            home, self.home = self.home, None
            if home is not None:
                home.replication.remove(self)
                if self._route is not None:
                    redirect.remove(self._route)
                self.courier.forget()
        self.link.kick()

    def post(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call *function* in the thread of the system; forget it if there is none any more."""
        home = self.home
        if home is not None:
            with contextlib.suppress(RuntimeError):  # its loop has been closed meanwhile
                home.loop.call_soon_threadsafe(function, *arguments)
