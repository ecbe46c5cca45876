"""What a store contains and what clients did with it, hour by hour. Imports `objects`.

docs/hcp/mapi.rst, section 6.4: levels are those at the end of an interval, operations add up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from .objects import StoredObject

HOUR = 3600  # seconds


@dataclass(frozen=True)
class Level:
    """What a store contains at one time: finished objects, and bytes without redundancy."""

    objects: int = 0
    data_bytes: int = 0
    annotated: int = 0
    annotation_bytes: int = 0

    @property
    def bytes(self) -> int:
        """Bytes of data and annotations."""
        return self.data_bytes + self.annotation_bytes


@dataclass
class Hour:
    """What happened in an hour, and the level at its end."""

    level: Level = field(default_factory=Level)
    reads: int = 0
    writes: int = 0
    deletes: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class Counts:
    """The present level of a store, and its past.

    Args:
        clock: Returns milliseconds since the epoch.

    Attributes:
        began: The hour in which the store was created.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._level = Level()
        self.began = self._hour()
        self.hours: dict[int, Hour] = {}  # by hours since the epoch, in order; without idle ones

    @property
    def level(self) -> Level:
        """The present level."""
        return self._level

    def add(self, stored: StoredObject, times: int = 1) -> None:
        """Count *stored*; with -1 no more."""
        level = self._level
        self._level = Level(
            level.objects + times,
            level.data_bytes + times * stored.size,
            level.annotated + times * bool(stored.annotations),
            level.annotation_bytes + times * stored.annotation_bytes,
        )
        self._present()

    def record(
        self,
        *,
        reads: int = 0,
        writes: int = 0,
        deletes: int = 0,
        bytes_in: int = 0,
        bytes_out: int = 0,
    ) -> None:
        """Add what a client did."""
        hour = self._present()
        hour.reads += reads
        hour.writes += writes
        hour.deletes += deletes
        hour.bytes_in += bytes_in
        hour.bytes_out += bytes_out

    def read(self, data: bytes | Iterable[bytes]) -> bytes | Iterable[bytes]:
        """*data*, which a client reads; of an iterable the pieces that are taken are counted."""
        self.record(reads=1)
        if isinstance(data, bytes):
            self.record(bytes_out=len(data))
            return data
        return self._counted(data)

    def _counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.record(bytes_out=len(piece))
            yield piece

    def between(self, first: int, last: int) -> Hour:
        """The sum of the hours from *first* to *last*, and the level at the end of *last*."""
        total = Hour()
        for number, hour in self.hours.items():
            if number <= last:
                total.level = hour.level
            if first <= number <= last:
                total.reads += hour.reads
                total.writes += hour.writes
                total.deletes += hour.deletes
                total.bytes_in += hour.bytes_in
                total.bytes_out += hour.bytes_out
        return total

    def closed(self) -> Counts:
        """A copy for a store that is removed now: it contains nothing any more."""
        copy = Counts(self._clock)
        copy.began = self.began
        copy.hours = {number: replace(hour) for number, hour in self.hours.items()}
        copy._present()
        return copy

    def _hour(self) -> int:
        return self._clock() // 1000 // HOUR

    def _present(self) -> Hour:
        hour = self.hours.setdefault(self._hour(), Hour())
        hour.level = self._level
        return hour
