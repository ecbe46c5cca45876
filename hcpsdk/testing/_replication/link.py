"""A replication link between two emulated HCPs: what both ends have in common.

Where it differs from a link between real ones: all namespaces that both systems have take part;
accounts and settings of tenants do not travel; data travel within the process, not over port 5748;
nothing happens by itself but the end of a recovery (autoFailover is only told); a recovery takes
no longer than its data; there are no schedules, chains of passive links, or reading from the
replica. A primary that runs while its replica is failed over takes writes until the recovery
begins (docs/hcp/namespace.rst, section 23, does not say otherwise).

Everything that touches objects happens in the thread of the system that has them. The two threads
only leave each other messages (`End.post`), and never wait for each other, so either may stop at
any time: what has not been confirmed stays in the backlog of its sender.
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
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Protocol

from .._store.errors import BeingWritten
from .._store.objects import Path, StoredObject
from .._store.store import Store
from .._store.tombstones import NOTHING, Tombstones
from ..config import System
from . import snapshot
from . import states as rules
from .backlog import Backlog, Item, StoreKey, Traffic
from .merge import Merge
from .snapshot import Snapshot
from .states import BAD, BROKEN, STILL, VIEWS, WARNING, NotNow, Phase, Role, View

LinkType = Literal["ACTIVE_ACTIVE", "ACTIVE_PASSIVE"]


class Node(Protocol):
    """A node, as far as a link is concerned."""

    @property
    def address(self) -> str: ...
    @property
    def is_running(self) -> bool: ...


class Service(Protocol):
    """The replication service of a running system (`service.Replication`)."""

    system: System
    stores: Mapping[StoreKey, Store]
    settings: dict[str, Any]
    shut_down_because: str | None

    def end(self, name: str) -> End | None: ...
    def add(self, end: End) -> None: ...
    def remove(self, end: End) -> None: ...
    def has_pending(self, key: StoreKey, path: Path) -> bool: ...


class Home(Protocol):
    """What exists of a system while it runs (`_running.Running`)."""

    @property
    def replication(self) -> Service: ...
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def scratch(self) -> pathlib.Path: ...
    def server_context(self) -> ssl.SSLContext: ...
    def answer_for(self, domain: str, is_active: Callable[[], bool]) -> Callable[[], None]: ...


class Nodes(Protocol):
    """The public part of a system (`HCP`)."""

    @property
    def domain(self) -> str: ...
    @property
    def is_running(self) -> bool: ...
    @property
    def nodes(self) -> Sequence[Node]: ...


@dataclass(frozen=True)
class Member:
    """A system that a link connects."""

    hcp: Nodes
    home: Callable[[], Home]  # where it runs, or ran last


class Link:
    """A replication link, made by `link()`. Any thread may use it.

    Attributes:
        name: Its name, by which the management API of both systems knows it.
    """

    def __init__(
        self,
        first: Member,
        second: Member,
        kind: LinkType,
        name: str,
        description: str,
        delay: float,
    ) -> None:
        # Guards all that can change here and in both ends. It is held for a moment only: nobody
        # who holds it waits for another thread or calls into an event loop.
        self.lock = threading.Condition(threading.RLock())
        self.name = name
        self.id = str(uuid.uuid4())
        self.properties = {
            "description": description,
            "compression": False,
            "encryption": False,
            "priority": "OLDEST_FIRST",
        }
        self.phase = Phase.NORMAL
        self.survivor: End | None = None  # active/active: who stands in for the other
        self.traffic = Traffic()
        self.ends: tuple[End, ...] = ()
        self.epoch = 0  # what set out in an earlier one is not taken in any more
        self.delay = delay
        roles = (Role.PEER, Role.PEER) if kind == "ACTIVE_ACTIVE" else (Role.PRIMARY, Role.REPLICA)
        self.ends = End(self, first, roles[0]), End(self, second, roles[1])
        self.ends[0].attach_peer(self.ends[1])
        self._begin()

    def _begin(self) -> None:
        for end in self.ends:
            end.check()
        for end in self.ends:
            end.define()
        for end in self.ends:
            if end.role is not Role.REPLICA:
                end.courier.enqueue_all()

    def __repr__(self) -> str:
        pending = " and ".join(str(len(end.backlog)) for end in self.ends)
        return f"<Link {self.name} {self.type} {self.phase.name}, pending: {pending}>"

    @property
    def type(self) -> LinkType:
        """What kind of link it is: "ACTIVE_ACTIVE" or "ACTIVE_PASSIVE"."""
        return "ACTIVE_ACTIVE" if self.ends[0].role is Role.PEER else "ACTIVE_PASSIVE"

    @property
    def delay(self) -> float:
        """Seconds that a change waits before it travels; can be set, also for what waits now."""
        return self._delay

    @delay.setter
    def delay(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"a delay is not negative: {seconds}")
        self._delay = seconds
        for end in self.ends:
            end.courier.schedule()

    def wait(self, timeout: float = 10.0) -> None:
        """Return when everything has arrived that can travel as the link stands now.

        What cannot (because the link is suspended, failed over, or broken) is not waited for.

        Raises:
            TimeoutError: It took more than *timeout* seconds.
        """
        with self.lock:
            if not self.lock.wait_for(self._is_settled, timeout):
                raise TimeoutError(f"not replicated after {timeout} seconds: {self!r}")

    def _is_settled(self) -> bool:
        travels = any(end.view.sends and end.courier.has_work for end in self.ends)
        return not travels and (self.phase is not Phase.COMPLETING or not self.is_connected)

    def close(self) -> None:
        """Remove the link from both systems; closing twice does no harm."""
        for end in self.ends:
            end.remove()

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self,
        kind: Any,  # not "type", which is a property of the class
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # For the ends, and for the management API

    @property
    def is_connected(self) -> bool:
        """Whether both systems have the link, and a node that runs."""
        return all(end.is_up for end in self.ends)

    def act(self, action: str, end: End) -> None:
        """Do *action* on the system of *end*.

        Raises:
            WrongType, NotNow: It is not possible on this type of link, here, or now.
        """
        with self.lock:
            if action == rules.RESTORE:
                self._restore(end)
            else:
                self._step(action, end)
        self.schedule()

    def _step(self, action: str, end: End) -> None:
        phase = rules.next_phase(action, end.role, self.phase)
        if self.survivor not in (None, end):
            raise NotNow(f"{action} is possible only on the other system, which took over")
        if action in rules.NEED_BOTH and not self.is_connected:
            raise NotNow(f"{action} needs the other system, which does not answer")
        self.move(phase, end)

    def move(self, phase: Phase, end: End) -> None:
        """Be in *phase* from now on, because of what happened on the system of *end*."""
        with self.lock:
            self.phase = phase
            failed_over = phase is Phase.FAILED_OVER and end.role is Role.PEER
            self.survivor = end if failed_over else None
            if phase is Phase.COMPLETING:
                end.courier.complete_if_done()
            self.lock.notify_all()

    def _restore(self, end: End) -> None:
        if end.other.is_defined:
            raise NotNow("restore is not possible: the other system has the link")
        if not end.other.is_running:
            raise NotNow("restore needs the other system, which does not answer")
        if end.other.has_duplicate_name:
            raise NotNow(f"the other system has another link called {self.name}")
        self.epoch += 1
        end.backlog.take_back()
        end.other.define()
        end.courier.enqueue_all()
        if end.role is Role.PEER:  # the other one need not be empty: it may have lost the link only
            end.other.courier.enqueue_all()

    def make_active_active(self) -> None:
        """Turn an active/passive link into an active/active one."""
        with self.lock:
            if self.phase not in (Phase.NORMAL, Phase.SUSPENDED):
                raise NotNow(f"the type cannot be changed while the link is {self.phase.name}")
            for end in self.ends:
                end.role = Role.PEER
        self.schedule()

    def schedule(self) -> None:
        """Something changed: let both ends see whether they can send."""
        with self.lock:
            self.lock.notify_all()
        for end in self.ends:
            end.courier.schedule()

    def reset(self) -> None:
        """Be as just made between two empty systems; what is on its way will not arrive."""
        with self.lock:
            self.epoch += 1
            self.phase, self.survivor, self.traffic = Phase.NORMAL, None, Traffic()
            for end in self.ends:
                end.courier.forget()
            self.lock.notify_all()


# Only told: the emulator never fails over by itself.
FAILOVER: dict[str, Any] = {
    "autoFailover": False,
    "autoFailoverMinutes": 120,
    "autoCompleteRecovery": False,
    "autoCompleteRecoveryMinutes": 120,
}


class End:
    """The end of *link* at *hcp*, which is *role* on it."""

    other: End

    def __init__(self, link: Link, member: Member, role: Role) -> None:
        self.link = link
        self.role = role
        self.courier = Sender(self)
        self.keys: frozenset[StoreKey] = frozenset()  # the namespaces that both systems have
        self.failover = FAILOVER  # when this system takes over by itself; replaced on changes
        self.home: Home | None = None  # where the link is known; None once it has been lost
        self._member = member
        self._undo_route: Callable[[], None] | None = None
        self.context_of_other: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"<End of {self.link.name} at {self.system.domain}, {self.role.name}>"

    def attach_peer(self, other: End) -> None:
        """Be an end of the same link as *other*."""
        self.other, other.other = other, self

    # What it is

    @property
    def backlog(self) -> Backlog:
        """What this system still has to send."""
        return self.courier.backlog

    @property
    def present_home(self) -> Home:
        """Where the system runs, or ran last."""
        return self._member.home()

    @property
    def system(self) -> System:
        return self._member.home().replication.system

    @property
    def is_defined(self) -> bool:
        """Whether the system knows of the link."""
        return self.home is not None

    @property
    def is_running(self) -> bool:
        return self._member.hcp.is_running and bool(self.available_addresses)

    @property
    def is_up(self) -> bool:
        return self.is_defined and self.is_running

    @property
    def addresses(self) -> list[str]:
        return [node.address for node in self._member.hcp.nodes]

    @property
    def available_addresses(self) -> list[str]:
        return [node.address for node in self._member.hcp.nodes if node.is_running]

    @property
    def view(self) -> View:
        """What this system shows of the link and does for it."""
        view = VIEWS[self.role, self.link.phase]
        if self.link.phase not in STILL:
            if not self.link.is_connected:
                return View(BAD, BROKEN, view.may_write, sends=False)
            if self.is_shut_down or self.other.is_shut_down:
                return View(WARNING, "Suspended by user", view.may_write, sends=False)
        return view

    @property
    def is_shut_down(self) -> bool:
        return self.home is not None and self.home.replication.shut_down_because is not None

    @property
    def is_failed_over_here(self) -> bool:
        """Whether this system answers for the names of the other one .

        See docs/hcp/mapi.rst, section 4.1.
        """
        home, phase = self.home, self.link.phase
        if home is None or not home.replication.settings["enableDNSFailover"]:
            return False
        if self.role is Role.PEER:
            return self.link.survivor is self
        over = (Phase.FAILED_OVER, Phase.RECOVERING, Phase.COMPLETING)
        return self.role is Role.REPLICA and phase in over

    # Its life

    @property
    def has_duplicate_name(self) -> bool:
        """Whether the system, which has to be running, has another link of this name."""
        return self._member.home().replication.end(self.link.name) not in (None, self)

    def check(self) -> None:
        """Raise what keeps the link from being made here."""
        if not self._member.hcp.is_running:
            raise RuntimeError(
                f"{self._member.hcp!r} is not running; only running HCPs can be linked"
            )
        if self.has_duplicate_name:
            raise ValueError(f"{self._member.hcp!r} has a link named {self.link.name!r} already")

    def define(self) -> None:
        """Make the link known to the system, which has to be running."""
        with self.link.lock:
            self.home = home = self._member.home()
            there = self.other.present_home
            self.keys = frozenset(home.replication.stores) & frozenset(there.replication.stores)
            self.context_of_other = there.server_context()
            self.courier.begin(home.replication.stores)
            home.replication.add(self)
            self._undo_route = home.answer_for(
                self.other.system.domain, lambda: self.is_failed_over_here
            )

    def remove(self) -> None:
        """Make the system forget the link; does nothing if it has already."""
        with self.link.lock:
            home, self.home = self.home, None
            if home is not None:
                home.replication.remove(self)
                if self._undo_route is not None:
                    self._undo_route()
                self.courier.forget()
        self.link.schedule()

    def post(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call *function* in the thread of the system; forget it if there is none any more."""
        home = self.home
        if home is not None:
            with contextlib.suppress(RuntimeError):  # its loop has been closed meanwhile
                home.loop.call_soon_threadsafe(function, *arguments)


RETRY_SECONDS = 0.02  # while a client is writing the name that something is to get


class Sender:
    """Sends what changes at *end*, and takes in what comes from the other one."""

    def __init__(self, end: End) -> None:
        self.backlog = Backlog()
        self._end = end
        self._link = end.link
        self._stores: Mapping[StoreKey, Store] = {}
        # What is gone on either system: it must not come back with what was under way then.
        self._gone: dict[tuple[StoreKey, Path], Tombstones] = {}
        self._is_receiving = False
        self._is_scheduled = False  # a look at what is due has been ordered
        self._is_enqueuing = False  # the backlog will have everything that is here
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, stores: Mapping[StoreKey, Store]) -> None:
        """Carry from and into *stores* from now on."""
        self._stores = stores
        self._is_scheduled = False
        self.forget()

    def forget(self) -> None:
        """Have nothing to send."""
        self.backlog.clear()
        self._gone.clear()
        self._is_enqueuing = False

    @property
    def has_work(self) -> bool:
        """Whether something has not arrived yet."""
        return self._is_enqueuing or len(self.backlog) > 0

    # Sending

    def note(self, key: StoreKey, path: Path, size: int, gone: Tombstones) -> None:
        """A change was made: the other system has to get it, unless it came from there."""
        end = self._end
        if key not in end.keys:
            return
        self._learn(key, path, gone)
        is_reader = end.role is Role.REPLICA and self._link.phase in (
            Phase.NORMAL,
            Phase.SUSPENDED,
        )
        if not self._is_receiving and not is_reader:
            self._add(key, path, size, gone)
            self.schedule()

    def _learn(self, key: StoreKey, path: Path, gone: Tombstones) -> None:
        if gone:
            self._gone[key, path] = self._gone.get((key, path), NOTHING) | gone

    def _add(self, key: StoreKey, path: Path, size: int, gone: Tombstones) -> None:
        with self._link.lock:
            self.backlog.note(key, path, size, gone)
        stored = self._stores[key].find(path)
        if isinstance(stored, StoredObject):
            stored.replicated = False

    def enqueue_all(self) -> None:
        """The other system has nothing of what is here: send all of it."""
        self._is_enqueuing = True
        self._end.post(self._enqueue_all)

    def _enqueue_all(self) -> None:
        for key in self._end.keys:
            for path, stored in self._stores[key].walk():
                size = stored.size if isinstance(stored, StoredObject) else 0
                self._add(key, path, size, NOTHING)
        self._is_enqueuing = False
        self._link.schedule()

    def schedule(self) -> None:
        """See soon what can be sent. Any thread may call."""
        if not self._is_scheduled:  # one look is enough for any number of changes
            self._is_scheduled = True
            self._end.post(self._send_what_is_due)

    def _send_what_is_due(self) -> None:
        self._is_scheduled = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = time.monotonic()
        with self._link.lock:
            home = self._end.home
            if home is None or not self._end.view.sends:
                return
            for item in self.backlog:
                wait = item.noted + self._link.delay - now
                if wait > 0:
                    self._timer = home.loop.call_later(wait, self._send_what_is_due)
                    return
                if not item.is_on_its_way:
                    self._send(item)

    def _send(self, item: Item) -> None:
        other = self._end.other
        assert other.home is not None  # else the view would not say that we send
        try:
            parcel = snapshot.packed(self._stores[item.key], item, other.home.scratch)
        except FileNotFoundError:
            return  # the other system is just being taken down
        item.is_on_its_way = True
        other.post(other.courier.receive, parcel, self._link.epoch)

    def delivered(self, parcel: Snapshot, epoch: int) -> None:
        """The other system has *parcel*, which set out in *epoch*."""
        with self._link.lock:
            if self._end.home is None or epoch != self._link.epoch:
                return
            item = self.backlog.done(parcel.key, parcel.path, parcel.serial)
            self._link.traffic.add(parcel.item_size)
            if item is not None:
                self._mark_replicated(item.key, item.path)
            self.complete_if_done()
            self._link.lock.notify_all()

    def complete_if_done(self) -> None:
        """End the recovery when the replica has nothing left to send .

        See docs/hcp/mapi.rst, section 4.4.
        """
        is_completing = self._link.phase is Phase.COMPLETING and self._end.role is Role.REPLICA
        if is_completing and not self.has_work:
            self._link.move(Phase.NORMAL, self._end)
            self._link.schedule()

    def _mark_replicated(self, key: StoreKey, path: Path) -> None:
        stored = self._stores[key].find(path)
        home = self._end.home
        if isinstance(stored, StoredObject) and home is not None:
            stored.replicated = not home.replication.has_pending(key, path)

    # Receiving

    def receive(self, parcel: Snapshot, epoch: int) -> None:
        """Take in *parcel*, if it set out in the present *epoch*, and confirm it."""
        home = self._end.home
        if home is None or epoch != self._link.epoch:
            parcel.discard()
            return
        store = self._stores[parcel.key]
        self._learn(parcel.key, parcel.path, parcel.gone)
        arrival = Merge(store, lambda path: self._gone.get((parcel.key, path), NOTHING))
        try:
            arrival.commit(parcel)
        except BeingWritten:
            home.loop.call_later(RETRY_SECONDS, self.receive, parcel, epoch)
            return
        self._is_receiving = True
        for path, size, gone in arrival.obeyed:
            store.on_change(path, size, gone)
        self._is_receiving = False
        self._mark_replicated(parcel.key, parcel.path)
        for path, size, gone in arrival.decided:
            store.on_change(path, size, gone)
        other = self._end.other
        other.post(other.courier.delivered, parcel, epoch)
