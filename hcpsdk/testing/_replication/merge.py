"""What a store does with a parcel from another system, and what happens if a name is taken there.

The rules (docs/hcp/mapi.rst and docs/hcp/namespace.rst name only ``.lost+found``):

* Of two objects of one name, the one stored later keeps it. The other one moves to the same path
  below ``.lost+found`` and says ``X-HCP-ReplicationCollision: true``. Where that is taken, the
  version ID is appended to the name.
* An object moves aside for a directory of its name, and for one above other objects.
* Of two states of the same object, the one changed later counts. A deletion wins over both.
* A directory that was deleted on one system stays if the other one has something in it.

Both systems come to the same result in whatever order parcels arrive, how often, and whatever
clients do meanwhile. What is gone from a name never comes back to it (`Tombstones`), what is there
is the highest of all else that was, and both grow only. For the same reason, whoever makes an
object move aside tells the other system that it did: that one may never see what was in the way.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from .._store.errors import BeingWritten
from .._store.objects import Directory, Path, StoredObject
from .._store.store import Store
from .._store.tombstones import NOTHING, Tombstones, deleted, identity, moved
from .snapshot import Snapshot

LOST_AND_FOUND = b".lost+found"

Change = tuple[Path, int, Tombstones]  # as `Store.on_change` is told of it


class Merge:
    """Takes one parcel into *store*; *gone* knows for each name what must not be there.

    Attributes:
        obeyed: What changed because the sender said so; he need not be told.
        decided: What changed besides; he has to hear of it.
    """

    def __init__(self, store: Store, gone: Callable[[Path], Tombstones]) -> None:
        self.obeyed: list[Change] = []
        self.decided: list[Change] = []
        self._store = store
        self._gone = gone

    def commit(self, parcel: Snapshot) -> None:
        """Make the store have what the sender has.

        Raises:
            BeingWritten: Not now, nothing was done; somebody is just writing a name that it takes.
        """
        store, path = self._store, parcel.path
        moved_to = [place for place in self._gone(path).objects.values() if place]
        # What moves aside may need any name below ".lost+found".
        if any(map(store.is_being_written, [path, (LOST_AND_FOUND,), *moved_to])):
            raise BeingWritten("the object is being written")
        store.reserve_version(path, parcel.gone.newest)
        self._make_living(path, parcel.directories)
        self._obey(path)
        if parcel.stored is not None:
            self._place(path, parcel.stored, parcel.directories)

    # Directories

    def _make_living(self, path: Path, versions: tuple[int, ...]) -> None:
        """Have the sender's directories on the way to *path*, but for those that are gone."""
        depths = range(1, len(versions) + 1)
        living = [
            depth for depth in depths if versions[depth - 1] > self._gone(path[:depth]).directory
        ]
        self._make(path[: max(living, default=0)], versions)

    def _make(self, path: Path, versions: tuple[int, ...]) -> None:
        """Have the directory *path* and those above it, in the sender's *versions* or newer."""
        for depth in range(1, len(path) + 1):
            self._make_one(path[:depth], versions[depth - 1] if depth <= len(versions) else 0)

    def _make_one(self, path: Path, version: int) -> None:
        found = self._store.find(path)
        if isinstance(found, Directory):
            if version > found.version:
                found.version = version
                self.obeyed.append((path, 0, NOTHING))
            return
        if found is not None:
            self._store.take_out(path)
        if version > self._gone(path).directory:
            self.obeyed.append((path, 0, NOTHING))
        else:  # it was deleted, but is needed for something that was not
            version = self._new_version(path)
            self.decided.append((path, 0, NOTHING))
        self._store.put(path, Directory(self._store.clock(), version))
        if found is not None:
            self._move_aside(path, found, is_for_directory=True)

    def _new_version(self, path: Path) -> int:
        """One that no system takes for gone."""
        self._store.reserve_version(path, self._gone(path).directory)
        return self._store.version_for(path)

    # What is gone

    def _obey(self, path: Path) -> None:
        """Have nothing under *path* that is gone from there."""
        found, gone = self._store.find(path), self._gone(path)
        if isinstance(found, StoredObject):
            self._obey_for_object(path, found, gone)
        elif found is not None and path and found.version <= gone.directory:
            if found.entries:
                found.version = self._new_version(path)
                self.decided.append((path, 0, NOTHING))
            else:
                self._store.take_out(path)
                self.obeyed.append((path, 0, deleted(found)))

    def _obey_for_object(self, path: Path, found: StoredObject, gone: Tombstones) -> None:
        if identity(found) in gone.objects:
            self._store.take_out(path)
            self.obeyed.append((path, 0, gone))
            self._follow(found, gone)

    def _follow(self, stored: StoredObject, gone: Tombstones) -> None:
        """Let *stored* go, or bring it to where it was moved."""
        place = gone.objects[identity(stored)]
        if place is None:
            stored.discard()
        else:
            stored.collided = True
            self._place(place, stored, ())
            self.decided.append((place, 0, NOTHING))  # the state of it that was here is news

    # Objects

    def _place(self, path: Path, arrived: StoredObject, versions: tuple[int, ...]) -> None:
        gone = self._gone(path)
        if identity(arrived) in gone.objects:  # it was sent before its sender heard of that
            self._follow(arrived, gone)
            return
        self._make(path[:-1], versions)
        found = self._store.find(path)
        if found is None:
            self._store.put(path, arrived)
            self.obeyed.append((path, arrived.size, NOTHING))
        elif isinstance(found, Directory):
            self._move_aside(path, arrived, is_for_directory=True)
        elif identity(found) == identity(arrived):
            self._unite(path, found, arrived)
        elif identity(found) > identity(arrived):  # which begin with the time of storing
            self._move_aside(path, arrived)
        else:
            self._exchange(path, arrived)
            self._move_aside(path, found)

    def _unite(self, path: Path, found: StoredObject, arrived: StoredObject) -> None:
        """Have that of two states of the same object which was changed last."""
        if _age(found) < _age(arrived):
            self._exchange(path, arrived)
            found.discard()
        else:
            arrived.discard()

    def _exchange(self, path: Path, arrived: StoredObject) -> None:
        self._store.take_out(path)
        self._store.put(path, arrived)
        self.obeyed.append((path, arrived.size, NOTHING))

    # Moving aside

    def _move_aside(
        self, path: Path, loser: StoredObject, *, is_for_directory: bool = False
    ) -> None:
        """Give *loser* another name than *path*, which it has not any more."""
        place = self._put_aside(loser, _places_aside(path, loser, is_for_directory))
        self.decided.append((path, 0, moved(loser, place)))

    def _put_aside(self, loser: StoredObject, places: Iterator[Path]) -> Path:
        """Store *loser* in the first of *places* that will do, and tell which."""
        loser.collided = True
        for place in places:
            found, gone = self._store.find(place), self._gone(place)
            if identity(loser) in gone.objects:  # it has been there
                self._follow(loser, gone)
                return place
            if isinstance(found, StoredObject) and identity(found) == identity(loser):
                self._unite(place, found, loser)
                self.decided.append((place, 0, NOTHING))
                return place
            if self._is_free(place):
                self._make(place[:-1], ())
                self._store.put(place, loser)
                self.decided.append((place, loser.size, NOTHING))
                return place
        raise AssertionError("there is always one more place")

    def _is_free(self, place: Path) -> bool:
        """Whether something can be stored there and nothing else has to move but ".lost+found"."""
        above = [self._store.find(place[:depth]) for depth in range(2, len(place))]
        return (
            self._store.find(place) is None
            and not any(isinstance(each, StoredObject) for each in above)
            and not self._store.is_being_written(place)
        )


def _places_aside(path: Path, loser: StoredObject, is_for_directory: bool) -> Iterator[Path]:
    """Where *loser* may go, best first; without an end."""
    aside = path if path[0] == LOST_AND_FOUND else (LOST_AND_FOUND, *path)
    if aside != path and not is_for_directory:
        yield aside
    # The plain name is for what was in the directory: what has won there may follow it one day.
    yield (*aside[:-1], aside[-1] + b".%d" % loser.version)
    yield (LOST_AND_FOUND, b"%d" % loser.version)
    for number in itertools.count(1):
        yield (LOST_AND_FOUND, b"%d.%d" % (loser.version, number))


def _age(stored: StoredObject) -> tuple[int, str]:
    annotations = sorted(
        (name, each.hash_value, each.changed) for name, each in stored.annotations.items()
    )
    return stored.changed, repr((stored.metadata, annotations))
