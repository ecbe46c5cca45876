"""What one system still has to send over a replication link, and what has travelled.

Both are read by other threads than the one that fills them: hold the link's lock.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from .._store.objects import Path
from .._store.tombstones import NOTHING, Tombstones

StoreKey = tuple[str, str]  # name of the namespace, name of the tenant

RATE_SECONDS = 60.0  # rates are means over so long


@dataclass
class Item:
    """A name under which something changed. Only the latest state of it will be sent."""

    key: StoreKey
    path: Path
    serial: int
    noted: float  # on the monotonic clock
    since: int  # milliseconds since the epoch
    size: int  # bytes of data that the other system does not have
    gone: Tombstones  # what the other system must not have there any more
    is_on_its_way: bool = False


class Backlog:
    """Changes that the other system does not have, oldest first."""

    def __init__(self) -> None:
        self._items: dict[tuple[StoreKey, Path], Item] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    @property
    def bytes(self) -> int:
        return sum(item.size for item in self._items.values())

    @property
    def oldest(self) -> int | None:
        """When the oldest change was made, in milliseconds since the epoch."""
        return next((item.since for item in self._items.values()), None)

    def has(self, key: StoreKey, path: Path) -> bool:
        return (key, path) in self._items

    def note(self, key: StoreKey, path: Path, size: int, gone: Tombstones) -> None:
        """Something changed: *size* more bytes, or what is *gone*."""
        before = self._items.pop((key, path), None)
        if before and not gone:
            size += before.size
        gone |= before.gone if before else NOTHING
        self._serial += 1
        self._items[key, path] = Item(
            key, path, self._serial, time.monotonic(), int(time.time() * 1000), size, gone
        )

    def done(self, key: StoreKey, path: Path, serial: int) -> Item | None:
        """The item that has arrived, no longer here; None if it has changed again meanwhile."""
        item = self._items.get((key, path))
        if item is None or item.serial != serial:
            return None
        return self._items.pop((key, path))

    def take_back(self) -> None:
        """What is on its way will not arrive: send it again."""
        for item in self._items.values():
            item.is_on_its_way = False

    def clear(self) -> None:
        self._items.clear()


@dataclass
class Traffic:
    """What has travelled over a link, in both directions together."""

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
        while self._recent and self._recent[0][0] < begin:
            self._recent.popleft()
        sizes = [size for _, size in self._recent]
        return round(len(sizes) / RATE_SECONDS, 1), round(sum(sizes) / RATE_SECONDS, 1)
