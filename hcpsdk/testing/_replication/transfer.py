"""The queue of changes of a link, and the snapshots that are transferred. Imports `_store`.

Backlog and traffic are read by other threads than the one that changes them: hold the link's lock.
"""

from __future__ import annotations

import collections
import pathlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from .._store.objects import Identity, Path, StoredObject, Version
from .._store.store import Store

StoreKey = tuple[str, str]  # name of the namespace, name of the tenant

RATE_SECONDS = 60.0  # rates are means over this time


@dataclass
class Item:
    """A name under which something changed. Only the latest state of it will be sent."""

    key: StoreKey
    path: Path
    size: int  # bytes of data that the other system does not have
    due: float = field(default_factory=time.monotonic)  # without the delay of the link
    since: int = field(default_factory=lambda: int(time.time() * 1000))
    is_sent: bool = False


class Backlog:
    """Changes that the other system does not have, oldest first."""

    def __init__(self) -> None:
        self._items: dict[tuple[StoreKey, Path], Item] = {}

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    @property
    def bytes(self) -> int:
        return sum(item.size for item in self)

    @property
    def oldest(self) -> int | None:
        """When the oldest change was made, in milliseconds since the epoch."""
        return next((item.since for item in self), None)

    def has(self, key: StoreKey, path: Path) -> bool:
        return (key, path) in self._items

    def add(self, key: StoreKey, path: Path, size: int, *, is_new: bool) -> None:
        """*size* more bytes have to be sent; *is_new* drops those that waited before."""
        before = self._items.pop((key, path), None)
        if before is not None and not is_new:
            size += before.size
        self._items[key, path] = Item(key, path, size)

    def remove(self, item: Item) -> bool:
        """*item* has arrived; False if something changed under its name since it was sent."""
        if self._items.get((item.key, item.path)) is not item:
            return False
        del self._items[item.key, item.path]
        return True

    def clear(self) -> None:
        self._items.clear()


@dataclass
class Traffic:
    """What was transferred over a link, both directions together."""

    objects: int = 0
    bytes: int = 0
    _recent: collections.deque[tuple[float, int]] = field(
        default_factory=lambda: collections.deque(maxlen=100_000)
    )

    def add(self, size: int) -> None:
        self.objects += 1
        self.bytes += size
        self._recent.append((time.monotonic(), size))

    def per_second(self) -> tuple[float, float]:
        """Operations and bytes."""
        begin = time.monotonic() - RATE_SECONDS
        sizes = [size for moment, size in self._recent if moment >= begin]
        return round(len(sizes) / RATE_SECONDS, 1), round(sum(sizes) / RATE_SECONDS, 1)


@dataclass(frozen=True)
class Snapshot:
    """What a store has under the name of *item*, for another store of the same namespace."""

    item: Item
    tombstones: frozenset[Identity]  # what was deleted or moved away there
    directories: tuple[int, ...]  # versions of those on the way to the name, itself included
    stored: StoredObject | None  # its content belongs to the receiver
    old: tuple[Version, ...] = ()  # versions that are not current, the oldest first

    def discard(self) -> None:
        for each in (self.stored, *self.old):
            if isinstance(each, StoredObject):
                each.discard()


def take(store: Store, item: Item, scratch: pathlib.Path) -> Snapshot:
    """A snapshot of *store*; large files are copied into *scratch*.

    Raises:
        FileNotFoundError: The receiver has stopped.
    """
    found = store.find(item.path)
    directories = tuple(each.version for each in store.directories(item.path))
    stored = found.copy(scratch) if isinstance(found, StoredObject) else None
    old = tuple(
        each.copy(scratch) if isinstance(each, StoredObject) else each
        for each in store.old_versions.of(item.path)
    )
    tombstones = frozenset(store.tombstones.get(item.path, ()))
    return Snapshot(item, tombstones, directories, stored, old)
