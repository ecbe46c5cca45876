"""Carries changes from one end of a replication link to the other.

Everything that touches objects happens in the thread of the system that has them. The two threads
only leave each other messages (`End.post`), and never wait for each other, so either may stop at
any time: what has not been confirmed stays in the backlog of its sender.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import _copies
from ._arrivals import Arrival
from ._backlog import Backlog, Item, StoreKey
from ._copies import Parcel
from ._gone import NOTHING, Gone
from ._link_rules import Phase, Role
from ._objects import StoredObject
from ._paths import Path
from ._store import BeingWritten, Store

if TYPE_CHECKING:
    from ._link_end import End

RETRY_SECONDS = 0.02  # while a client is writing the name that something is to get


class Courier:
    """Sends what changes at *end*, and takes in what comes from the other one."""

    def __init__(self, end: End) -> None:
        self.backlog = Backlog()
        self._end = end
        self._link = end.link
        self._stores: Mapping[StoreKey, Store] = {}
        # What is gone on either system: it must not come back with what was under way then.
        self._gone: dict[tuple[StoreKey, Path], Gone] = {}
        self._is_receiving = False
        self._is_kicked = False  # a look at what is due has been ordered
        self._is_taking_stock = False  # the backlog will have everything that is here
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, stores: Mapping[StoreKey, Store]) -> None:
        """Carry from and into *stores* from now on."""
        self._stores = stores
        self._is_kicked = False
        self.forget()

    def forget(self) -> None:
        """Have nothing to send."""
        self.backlog.clear()
        self._gone.clear()
        self._is_taking_stock = False

    @property
    def has_work(self) -> bool:
        """Whether something has not arrived yet."""
        return self._is_taking_stock or len(self.backlog) > 0

    # Sending

    def note(self, key: StoreKey, path: Path, size: int, gone: Gone) -> None:
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
            self.kick()

    def _learn(self, key: StoreKey, path: Path, gone: Gone) -> None:
        if gone:
            self._gone[key, path] = self._gone.get((key, path), NOTHING) | gone

    def _add(self, key: StoreKey, path: Path, size: int, gone: Gone) -> None:
        with self._link.lock:
            self.backlog.note(key, path, size, gone)
        stored = self._stores[key].find(path)
        if isinstance(stored, StoredObject):
            stored.replicated = False

    def take_stock(self) -> None:
        """The other system has nothing of what is here: send all of it."""
        self._is_taking_stock = True
        self._end.post(self._take_stock)

    def _take_stock(self) -> None:
        for key in self._end.keys:
            for path, stored in self._stores[key].walk():
                size = stored.size if isinstance(stored, StoredObject) else 0
                self._add(key, path, size, NOTHING)
        self._is_taking_stock = False
        self._link.kick()

    def kick(self) -> None:
        """See soon what can be sent. Any thread may call."""
        if not self._is_kicked:  # one look is enough for any number of changes
            self._is_kicked = True
            self._end.post(self._send_what_is_due)

    def _send_what_is_due(self) -> None:
        self._is_kicked = False
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
            parcel = _copies.packed(self._stores[item.key], item, other.home.scratch)
        except FileNotFoundError:
            return  # the other system is just being taken down
        item.is_on_its_way = True
        other.post(other.courier.receive, parcel, self._link.epoch)

    def delivered(self, parcel: Parcel, epoch: int) -> None:
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
        """End the recovery when the replica has nothing left to send (mapi.md, section 4.4)."""
        is_completing = self._link.phase is Phase.COMPLETING and self._end.role is Role.REPLICA
        if is_completing and not self.has_work:
            self._link.move(Phase.NORMAL, self._end)
            self._link.kick()

    def _mark_replicated(self, key: StoreKey, path: Path) -> None:
        stored = self._stores[key].find(path)
        home = self._end.home
        if isinstance(stored, StoredObject) and home is not None:
            stored.replicated = not home.replication.has_pending(key, path)

    # Receiving

    def receive(self, parcel: Parcel, epoch: int) -> None:
        """Take in *parcel*, if it set out in the present *epoch*, and confirm it."""
        home = self._end.home
        if home is None or epoch != self._link.epoch:
            parcel.discard()
            return
        store = self._stores[parcel.key]
        self._learn(parcel.key, parcel.path, parcel.gone)
        arrival = Arrival(store, lambda path: self._gone.get((parcel.key, path), NOTHING))
        try:
            arrival.take_in(parcel)
        except BeingWritten:
            home.loop.call_later(RETRY_SECONDS, self.receive, parcel, epoch)
            return
        self._is_receiving = True
        for path, size, gone in arrival.obeyed:
            store.tell(path, size, gone)
        self._is_receiving = False
        self._mark_replicated(parcel.key, parcel.path)
        for path, size, gone in arrival.decided:
            store.tell(path, size, gone)
        other = self._end.other
        other.post(other.courier.delivered, parcel, epoch)
