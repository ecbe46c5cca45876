"""One end of a replication link: what its system shows, sends and receives.

Imports `states`, `transfer`, `merge` and `_store`.

Objects are touched only in the thread of the system that has them. The two threads post calls to
each other (`End.post`) and never wait for each other, so either can stop at any time: what was not
confirmed stays in the backlog of the sender.
"""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from .._store.errors import BeingWritten
from .._store.objects import Path, StoredObject
from .._store.store import Store
from ..config import System
from .merge import Merge
from .states import BAD, BROKEN, STILL, VIEWS, WARNING, Phase, Role, View
from .transfer import Backlog, Item, Snapshot, StoreKey, Traffic, take

RETRY_SECONDS = 0.02  # while an upload blocks a name that a snapshot needs

# Settings without an effect: the emulator never fails over by itself.
FAILOVER: dict[str, Any] = {
    "autoFailover": False,
    "autoFailoverMinutes": 120,
    "autoCompleteRecovery": False,
    "autoCompleteRecoveryMinutes": 120,
}


class Service(Protocol):
    """The replication service of a running system (`service.Replication`)."""

    system: System
    stores: Mapping[StoreKey, Store]
    settings: dict[str, Any]
    shut_down_because: str | None

    def end(self, name: str) -> End | None: ...
    def add(self, end: End) -> None: ...
    def remove(self, end: End) -> None: ...
    def linked_keys(self) -> frozenset[StoreKey]: ...
    def has_pending(self, key: StoreKey, path: Path) -> bool: ...


class NodeState(Protocol):
    """A node of a system."""

    @property
    def address(self) -> str: ...
    @property
    def is_running(self) -> bool: ...


class Home(Protocol):
    """What exists of a system while it runs (`_running.Running`)."""

    @property
    def replication(self) -> Service: ...
    @property
    def nodes(self) -> Sequence[NodeState]: ...
    @property
    def is_running(self) -> bool: ...
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def scratch(self) -> pathlib.Path: ...
    def server_context(self) -> ssl.SSLContext: ...
    def answer_for(self, domain: str, is_active: Callable[[], bool]) -> Callable[[], None]: ...


FindHome = Callable[[], Home]  # the present one of a system, or its last


class LinkState:
    """What the two ends of a link share."""

    def __init__(self, name: str, description: str) -> None:
        # Guards everything that changes here and in both ends. Held only for a moment: never while
        # waiting for another thread.
        self.lock = threading.Condition(threading.RLock())
        self.name = name
        self.id = str(uuid.uuid4())
        self.properties = {
            "description": description,
            "compression": False,
            "encryption": False,
            "priority": "OLDEST_FIRST",
        }
        self.ends: tuple[End, ...] = ()
        self.phase = Phase.NORMAL
        self.survivor: End | None = None  # active/active: the end that took over
        self.traffic = Traffic()
        self.epoch = 0  # snapshots of an earlier one are discarded
        self.delay_seconds = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether both systems have the link, and a node that runs."""
        return all(end.is_up for end in self.ends)

    def move(self, phase: Phase, end: End) -> None:
        """Enter *phase* because of an event on the system of *end*."""
        with self.lock:
            self.phase = phase
            failed_over = phase is Phase.FAILED_OVER and end.role is Role.PEER
            self.survivor = end if failed_over else None
            if phase is Phase.COMPLETING:
                end.complete_if_done()
            self.lock.notify_all()

    def schedule(self) -> None:
        """Something changed: both ends check what they can send."""
        with self.lock:
            self.lock.notify_all()
        for end in self.ends:
            end.schedule()

    def reset(self) -> None:
        """Return to the state of a new link between empty systems."""
        with self.lock:
            self.epoch += 1
            self.phase, self.survivor, self.traffic = Phase.NORMAL, None, Traffic()
            for end in self.ends:
                end.forget()
            self.lock.notify_all()


class End:
    """The end of *link* at one system, which has *role* on it."""

    other: End

    def __init__(self, link: LinkState, find_home: FindHome, role: Role) -> None:
        self.link = link
        self.role = role
        self.backlog = Backlog()
        self.keys: frozenset[StoreKey] = frozenset()  # the namespaces that both systems have
        self.failover = FAILOVER  # replaced on changes
        self.home: Home | None = None  # where the link is known; None once it was removed
        self.context_of_other: ssl.SSLContext | None = None
        self._find_home = find_home
        self._undo_route: Callable[[], None] | None = None
        self._is_receiving = False
        self._is_scheduled = False  # `_send_due` was posted
        self._is_enqueuing = False  # `_enqueue_all` was posted
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<End of {self.link.name} at {self.system.domain}, {self.role.name}>"

    def attach_peer(self, other: End) -> None:
        """Be an end of the same link as *other*."""
        self.other, other.other = other, self

    # State

    @property
    def latest_home(self) -> Home:
        """Where the system runs, or ran last."""
        return self._find_home()

    @property
    def system(self) -> System:
        return self.latest_home.replication.system

    @property
    def is_defined(self) -> bool:
        """Whether the system knows the link."""
        return self.home is not None

    @property
    def is_running(self) -> bool:
        return self.latest_home.is_running and bool(self.available_addresses)

    @property
    def is_up(self) -> bool:
        return self.is_defined and self.is_running

    @property
    def addresses(self) -> list[str]:
        return [node.address for node in self.latest_home.nodes]

    @property
    def available_addresses(self) -> list[str]:
        return [node.address for node in self.latest_home.nodes if node.is_running]

    @property
    def view(self) -> View:
        """What this system shows of the link and does for it."""
        view = VIEWS[self.role, self.link.phase]
        if self.link.phase not in STILL:
            if not self.link.is_connected:
                return View(BAD, BROKEN, view.may_write, sends=False)
            homes = [end.home for end in self.link.ends]  # any thread may remove the link
            if any(home and home.replication.shut_down_because for home in homes):
                return View(WARNING, "Suspended by user", view.may_write, sends=False)
        return view

    @property
    def is_failed_over_here(self) -> bool:
        """Whether the names of the other system resolve to this one.

        docs/hcp/mapi.rst, section 4.1.
        """
        home, phase = self.home, self.link.phase
        if home is None or not home.replication.settings["enableDNSFailover"]:
            return False
        if self.role is Role.PEER:
            return self.link.survivor is self
        over = (Phase.FAILED_OVER, Phase.RECOVERING, Phase.COMPLETING)
        return self.role is Role.REPLICA and phase in over

    @property
    def has_duplicate_name(self) -> bool:
        """Whether the system has another link with this name."""
        return self.latest_home.replication.end(self.link.name) not in (None, self)

    @property
    def has_work(self) -> bool:
        """Whether something was not transferred yet."""
        return self._is_enqueuing or len(self.backlog) > 0

    # Adding and removing

    def define(self) -> None:
        """Add the link to the system, which has to be running."""
        with self.link.lock:
            self.home = home = self.latest_home
            there = self.other.latest_home
            self.keys = frozenset(home.replication.stores) & frozenset(there.replication.stores)
            for key in self.keys:
                home.replication.stores[key].keep_tombstones(True)
            self.context_of_other = there.server_context()
            self._is_scheduled = False
            self.forget()
            home.replication.add(self)
            self._undo_route = home.answer_for(
                self.other.system.domain, lambda: self.is_failed_over_here
            )

    def remove(self) -> None:
        """Remove the link from the system, if it has the link."""
        with self.link.lock:
            home, self.home = self.home, None
            if home is not None:
                home.replication.remove(self)
                for key in self.keys - home.replication.linked_keys():
                    home.replication.stores[key].keep_tombstones(False)
                if self._undo_route is not None:
                    self._undo_route()
                self.forget()
        self.link.schedule()

    def forget(self) -> None:
        """Empty the queue."""
        self.backlog.clear()
        self._is_enqueuing = False

    def post(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call *function* in the thread of the system; does nothing if that has ended."""
        home = self.home
        if home is not None:
            with contextlib.suppress(RuntimeError):  # its loop was closed in the meantime
                home.loop.call_soon_threadsafe(function, *arguments)

    # Sending, in the thread of the system

    def on_change(self, key: StoreKey, path: Path, size: int) -> None:
        """Enqueue a change, unless it came from the other system."""
        home = self.home  # any thread may remove the link
        is_reader = self.role is Role.REPLICA and self.link.phase in (
            Phase.NORMAL,
            Phase.SUSPENDED,
        )
        if home and key in self.keys and not self._is_receiving and not is_reader:
            self._enqueue(home.replication, key, path, size)
            self.schedule()

    def _enqueue(self, here: Service, key: StoreKey, path: Path, size: int) -> None:
        stored = here.stores[key].find(path)
        is_object = isinstance(stored, StoredObject)
        with self.link.lock:
            self.backlog.add(key, path, size, is_new=not is_object)
        if isinstance(stored, StoredObject):
            stored.replicated = False

    def enqueue_all(self) -> None:
        """Send everything that the system has. Any thread may call."""
        self._is_enqueuing = True
        self.post(self._enqueue_all)

    def _enqueue_all(self) -> None:
        home = self.home
        if home is not None:
            for key in self.keys:
                for path, stored in home.replication.stores[key].walk():
                    size = stored.size if isinstance(stored, StoredObject) else 0
                    self._enqueue(home.replication, key, path, size)
                for path, _ in home.replication.stores[key].old_versions:
                    self._enqueue(home.replication, key, path, 0)
        self._is_enqueuing = False
        self.link.schedule()

    def send_again(self) -> None:
        """Send everything again that was sent and not confirmed."""
        for item in self.backlog:
            item.is_sent = False

    def schedule(self) -> None:
        """Check soon what can be sent. Any thread may call."""
        if not self._is_scheduled:  # one check is enough for any number of changes
            self._is_scheduled = True
            self.post(self._send_due)

    def _send_due(self) -> None:
        self._is_scheduled = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = time.monotonic()
        with self.link.lock:
            home, there = self.home, self.other.home
            if home is None or there is None or not self.view.sends:
                return
            for item in self.backlog:
                wait = item.due + self.link.delay_seconds - now
                if wait > 0:
                    self._timer = home.loop.call_later(wait, self._send_due)
                    return
                if not item.is_sent:
                    try:
                        snapshot = take(home.replication.stores[item.key], item, there.scratch)
                    except FileNotFoundError:
                        return  # the other system is stopping
                    item.is_sent = True
                    self.other.post(self.other.receive, snapshot, self.link.epoch)

    def confirm(self, item: Item, epoch: int) -> None:
        """The other system has received *item*, which was sent in *epoch*."""
        with self.link.lock:
            if self.home is None or epoch != self.link.epoch:
                return
            self.link.traffic.add(item.size)
            if self.backlog.remove(item):
                self._mark_replicated(self.home.replication, item)
            self.complete_if_done()
            self.link.lock.notify_all()

    def complete_if_done(self) -> None:
        """End the recovery when the replica has sent everything.

        docs/hcp/mapi.rst, section 4.4.
        """
        is_completing = self.link.phase is Phase.COMPLETING and self.role is Role.REPLICA
        if is_completing and not self.has_work:
            self.link.move(Phase.NORMAL, self)
            self.link.schedule()

    def _mark_replicated(self, here: Service, item: Item) -> None:
        for stored in here.stores[item.key].versions(item.path):
            if isinstance(stored, StoredObject):
                stored.replicated = not here.has_pending(item.key, item.path)

    # Receiving, in the thread of the system

    def receive(self, snapshot: Snapshot, epoch: int) -> None:
        """Take in *snapshot*, if it was sent in the present *epoch*, and confirm it."""
        home, item = self.home, snapshot.item
        if home is None or epoch != self.link.epoch:
            snapshot.discard()
            return
        store = home.replication.stores[item.key]
        merge = Merge(store, snapshot)
        try:
            merge.apply()
        except BeingWritten:
            home.loop.call_later(RETRY_SECONDS, self.receive, snapshot, epoch)
            return
        self._is_receiving = True
        for change in merge.known_changes:
            store.on_change(*change)
        self._is_receiving = False
        self._mark_replicated(home.replication, item)
        for change in merge.new_changes:
            store.on_change(*change)
        self.other.post(self.other.confirm, item, epoch)
