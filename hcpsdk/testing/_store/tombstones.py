"""What is not under a name any more: what was deleted there, and what had to move aside.

Two linked systems come to the same result in whatever order they hear of changes, because nothing
of this is ever forgotten while the link lasts. What is told twice, or late, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .objects import Directory, Path, StoredObject

Identity = tuple[int, str]  # version ID and ETag: the same object wherever it is


def identity(stored: StoredObject) -> Identity:
    """What tells that *stored* is the same object as one on another system."""
    return stored.version, stored.etag


@dataclass(frozen=True)
class Tombstones:
    """What is gone from one name. ``|`` gives all of what two of them tell."""

    # Where an object is now; None if it was deleted.
    objects: Mapping[Identity, Path | None] = field(default_factory=dict)
    directory: int = 0  # no directory with this version or a lower one is there

    def __bool__(self) -> bool:
        return bool(self.objects) or self.directory > 0

    def __or__(self, other: Tombstones) -> Tombstones:
        objects = {**self.objects, **other.objects}
        for each in self.objects.keys() & other.objects.keys():
            mine, theirs = self.objects[each], other.objects[each]
            # Deleted and moved at the same time, or moved to two places: any rule will do, as
            # long as both systems have the same.
            objects[each] = None if mine is None or theirs is None else min(mine, theirs)
        return Tombstones(objects, max(self.directory, other.directory))

    @property
    def newest(self) -> int:
        """The highest version of all."""
        return max([self.directory, *(version for version, _ in self.objects)])


NOTHING = Tombstones()


def deleted(stored: StoredObject | Directory) -> Tombstones:
    """*stored* was deleted."""
    if isinstance(stored, Directory):
        return Tombstones(directory=stored.version)
    return Tombstones({identity(stored): None})


def moved(stored: StoredObject, place: Path) -> Tombstones:
    """*stored* is under the name *place* now."""
    return Tombstones({identity(stored): place})
