"""One end of a replication link: a system, what it has to send, and what it takes in.

Everything that touches objects happens in the thread of the system that has them. The two threads
only leave each other messages (`End._post`), and never wait for each other, so either may stop at
any time: what has not been confirmed stays in the backlog of its sender.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import _copies
from ._backlog import Backlog, Identity, Item, StoreKey, identity
from ._copies import Parcel
from ._link_rules import BAD, BROKEN, STILL, VIEWS, WARNING, Phase, Role, View
from ._mapi_format import Record
from ._objects import Directory, StoredObject
from ._paths import Path
from ._redirect import Route, redirect
from ._store import BeingWritten, Store
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
RETRY_SECONDS = 0.02  # while a client is writing the name that something is to get


class End:
    """The end of *link* at *hcp*, which is *role* on it."""

    other: End

    def __init__(self, link: Link, hcp: HCP, role: Role) -> None:
        self.link = link
        self.role = role
        self.backlog = Backlog()
        self.keys: frozenset[StoreKey] = frozenset()  # the namespaces that both systems have
        self.failover = FAILOVER  # when this system takes over by itself; replaced on changes
        self._hcp = hcp
        self._home: Running | None = None  # where the link is known; None once it has been lost
        self._removed: set[tuple[StoreKey, Path, Identity]] = set()
        self._is_receiving = False
        self._timer: asyncio.TimerHandle | None = None
        self._stores: Mapping[StoreKey, Store] = {}
        self._route: Route | None = None  # to here, for the names of the other system
        self.context_of_other: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"<End of {self.link.name} at {self.system.domain}, {self.role.name}>"

    def meet(self, other: End) -> None:
        """Be an end of the same link as *other*."""
        self.other, other.other = other, self

    # What it is

    @property
    def system(self) -> System:
        return self._hcp._system

    @property
    def is_defined(self) -> bool:
        """Whether the system knows of the link."""
        return self._home is not None

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
        return self._home is not None and self._home.replication.shut_down_because is not None

    @property
    def stands_in(self) -> bool:
        """Whether this system answers for the names of the other one (mapi.md, section 4.1)."""
        home, phase = self._home, self.link.phase
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
            self._home = home = self._hcp._running
            there = self.other._hcp._running
            self._stores = home.replication.stores
            self.keys = frozenset(self._stores) & frozenset(there.replication.stores)
            self.context_of_other = there.certificates.server_context()
            self.forget()
            home.replication.add(self)
            self._route = home.route_for(self.other.system.domain, lambda: self.stands_in)
            redirect.add(self._route)

    def lose(self) -> None:
        """Make the system forget the link; does nothing if it has already."""
        with self.link.lock:
            home, self._home = self._home, None
            if home is not None:
                home.replication.remove(self)
                if self._route is not None:
                    redirect.remove(self._route)
                self.forget()
        self.link.kick()

    def forget(self) -> None:
        """Have nothing to send."""
        self.backlog.clear()
        self._removed.clear()

    # Sending

    def note(
        self, key: StoreKey, path: Path, size: int, removed: StoredObject | Directory | None
    ) -> None:
        """A change was made: the other system has to get it, unless it came from there."""
        if key not in self.keys:
            return
        if removed is not None:
            self._removed.add((key, path, identity(removed)))
        is_reader = self.role is Role.REPLICA and self.link.phase in (Phase.NORMAL, Phase.SUSPENDED)
        if not self._is_receiving and not is_reader:
            self._add(key, path, size, removed)

    def _add(
        self, key: StoreKey, path: Path, size: int, removed: StoredObject | Directory | None
    ) -> None:
        with self.link.lock:
            self.backlog.note(key, path, size, removed)
        stored = self._stores[key].find(path)
        if isinstance(stored, StoredObject):
            stored.replicated = False
        self.kick()

    def note_everything(self) -> None:
        """The other system has nothing of what is here."""
        self._post(self._note_everything)

    def _note_everything(self) -> None:
        for key in self.keys:
            for path, stored in self._stores[key].walk():
                size = stored.size if isinstance(stored, StoredObject) else 0
                self._add(key, path, size, None)

    def kick(self) -> None:
        """See soon what can be sent. Any thread may call."""
        self._post(self._send_what_is_due)

    def _post(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call *function* in the thread of the system; forget it if there is none any more."""
        home = self._home
        if home is not None:
            with contextlib.suppress(RuntimeError):  # its loop has been closed meanwhile
                home.loop.call_soon_threadsafe(function, *arguments)

    def _send_what_is_due(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = time.monotonic()
        with self.link.lock:
            if self._home is None or not self.view.sends:
                return
            for item in self.backlog:
                wait = item.noted + self.link.delay - now
                if wait > 0:
                    self._timer = self._home.loop.call_later(wait, self._send_what_is_due)
                    return
                if not item.is_on_its_way:
                    self._send(item)

    def _send(self, item: Item) -> None:
        home = self.other._home
        assert home is not None  # else the view would not say that we send
        try:
            parcel = _copies.packed(self._stores[item.key], item, home.scratch)
        except FileNotFoundError:
            return  # the other system is just being taken down
        item.is_on_its_way = True
        self.other._post(self.other._receive, parcel, self.link.epoch)

    def _delivered(self, parcel: Parcel, epoch: int) -> None:
        """The other system has it."""
        with self.link.lock:
            if self._home is None or epoch != self.link.epoch:
                return
            item = self.backlog.done(parcel.key, parcel.path, parcel.serial)
            self.link.traffic.add(parcel.item_size)
            if item is not None:
                self._mark_replicated(item.key, item.path)
            self.complete_if_done()
            self.link.lock.notify_all()

    def complete_if_done(self) -> None:
        """End the recovery when the replica has nothing left to send (mapi.md, section 4.4)."""
        if self.link.phase is Phase.COMPLETING and self.role is Role.REPLICA and not self.backlog:
            self.link.move(Phase.NORMAL, self)
            self.link.kick()

    def _mark_replicated(self, key: StoreKey, path: Path) -> None:
        stored = self._stores[key].find(path)
        home = self._home
        if isinstance(stored, StoredObject) and home is not None:
            stored.replicated = not home.replication.has_pending(key, path)

    # Receiving

    def _receive(self, parcel: Parcel, epoch: int) -> None:
        home = self._home
        if home is None or epoch != self.link.epoch:
            parcel.discard()
            return
        store = self._stores[parcel.key]
        self._removed.update((parcel.key, parcel.path, gone) for gone in parcel.removed)
        if parcel.stored is not None:
            arrived = (parcel.key, parcel.path, identity(parcel.stored))
            if arrived in self._removed:  # it was sent before its sender heard of that
                parcel = parcel.without_object()
        self._is_receiving = True
        try:
            moved = _copies.unpack(store, parcel)
        except BeingWritten:
            home.loop.call_later(RETRY_SECONDS, self._receive, parcel, epoch)
            return
        finally:
            self._is_receiving = False
        self._mark_replicated(parcel.key, parcel.path)
        for path, stored in moved:
            store.tell(path, stored.size, None)
        self.other._post(self.other._delivered, parcel, epoch)
