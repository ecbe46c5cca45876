"""How a store takes in a snapshot from the other system. Imports `transfer` and `_store`.

* Of two objects with the same name, the one stored last keeps it (last writer wins by version). The
  other one moves to ``.lost+found/replication/<its own directory>/<path>`` and is marked with
  ``X-HCP-ReplicationCollision: true`` (docs/hcp/namespace.rst, section 23.2).
* Of two states of the same object, the one changed last stays. A deletion wins over a change.
* Where versions are kept, nothing moves away: both systems have the versions of both, and the
  newest is current.
* An object moves away for a directory with its name, and for one above another object.
* A deleted directory stays if the other system has something in it.

Both systems reach the same result, whatever the order in which snapshots arrive: what was deleted
under a name, or moved away from it, never comes back to it (`Store.tombstones`), and the new name
of an object that moves depends only on the object.
"""

from __future__ import annotations

from .._store.errors import BeingWritten
from .._store.objects import Directory, Path, StoredObject, Version, identity
from .._store.store import Store
from .transfer import Snapshot

LOST_AND_FOUND = (b".lost+found", b"replication")


class Merge:
    """Takes *snapshot* into *store*.

    Attributes:
        known_changes: Changes that the sender knows: names, and how many bytes came.
        new_changes: Changes that have to be sent to it.
    """

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        self.known_changes: list[tuple[Path, int]] = []
        self.new_changes: list[tuple[Path, int]] = []
        self._store = store
        self._snapshot = snapshot
        self._path = snapshot.item.path

    def apply(self) -> None:
        """Make the store have what the sender has.

        Raises:
            BeingWritten: Nothing was done: an upload needs one of the names.
        """
        store, path, versions = self._store, self._path, self._snapshot.directories
        if any(map(store.is_being_written, (path, LOST_AND_FOUND[:1]))):
            raise BeingWritten("the object is being written")
        store.add_tombstones(path, self._snapshot.tombstones)
        alive = [
            depth
            for depth, version in enumerate(versions, start=1)
            if not store.has_tombstone(path[:depth], (version, ""))
        ]
        self._make_directories(path[: max(alive, default=0)])
        self._remove_deleted()
        if isinstance(store.find(path), Directory):
            self._discard_old()
        elif store.namespace.versioning_enabled or self._snapshot.old:
            self._merge_versions(path)
            return
        if self._snapshot.stored is not None:
            self._place(path, self._snapshot.stored)

    def _merge_versions(self, path: Path) -> None:
        """Have the versions of both systems, but those that were deleted on one of them."""
        store, versions = self._store, {identity(v): v for v in self._store.versions(path)}
        gone = store.tombstones.get(path, ())
        for each in (*self._snapshot.old, self._snapshot.stored):
            if each is None:
                continue
            known, is_gone = versions.get(identity(each)), identity(each) in gone
            if not is_gone and (known is None or _version_state(known) < _version_state(each)):
                versions[identity(each)] = each
            elif isinstance(each, StoredObject):
                each.discard()
        kept = [each for found, each in versions.items() if found not in gone]
        if kept and isinstance(max(kept, key=identity), StoredObject):
            self._make_directories(path[:-1])
        store.set_versions(path, kept)
        self.known_changes.append((path, 0))

    def _discard_old(self) -> None:
        for each in self._snapshot.old:
            if isinstance(each, StoredObject):
                each.discard()

    def _make_directories(self, path: Path) -> None:
        """Have the directory *path* and those above it, in the sender's versions or newer ones."""
        versions = self._snapshot.directories if path == self._path[: len(path)] else ()
        for depth in range(1, len(path) + 1):
            self._make_directory(path[:depth], versions[depth - 1] if depth <= len(versions) else 0)

    def _make_directory(self, path: Path, version: int) -> None:
        found = self._store.find(path)
        if isinstance(found, Directory):
            if version > found.version:
                found.version = version
                self.known_changes.append((path, 0))
            return
        if found is not None:
            self._store.take_out(path)
        if self._store.has_tombstone(path, (version, "")):  # needed for something that is not
            self._store.put(path, self._store.new_directory())
            self.new_changes.append((path, 0))
        else:
            self._store.put(path, Directory(self._store.clock(), version))
            self.known_changes.append((path, 0))
        if found is not None:
            self._move_away(path, found)

    def _remove_deleted(self) -> None:
        """Remove what has a tombstone."""
        store, path = self._store, self._path
        found = store.find(path)
        if found is None or not path or not store.has_tombstone(path, identity(found)):
            return
        if isinstance(found, Directory) and found.entries:
            found.version = store.new_directory().version
            self.new_changes.append((path, 0))
            return
        store.take_out(path)
        self.known_changes.append((path, 0))
        if isinstance(found, StoredObject):
            found.discard()

    def _place(self, path: Path, arrived: StoredObject) -> None:
        store, changes = self._store, self.known_changes if path == self._path else self.new_changes
        if store.has_tombstone(path, identity(arrived)):
            arrived.discard()
            self.new_changes.append((path, 0))  # the sender may not know
            return
        self._make_directories(path[:-1])
        found = store.find(path)
        if found is None:
            store.put(path, arrived)
            changes.append((path, arrived.size))
        elif isinstance(found, Directory) or identity(found) > identity(arrived):
            self._move_away(path, arrived)
        elif identity(found) < identity(arrived):
            store.take_out(path)
            store.put(path, arrived)
            changes.append((path, arrived.size))
            self._move_away(path, found)
        elif _state(found) < _state(arrived):
            store.exchange(path, arrived)
            found.discard()
            changes.append((path, arrived.size))
        else:
            arrived.discard()

    def _move_away(self, path: Path, loser: StoredObject) -> None:
        """Give *loser* another name than *path*, which is taken."""
        self._store.add_tombstones(path, [identity(loser)])
        self.new_changes.append((path, 0))
        loser.collided = True
        directory = b"%d-%s" % (loser.version, loser.etag[:8].encode())
        self._place((*LOST_AND_FOUND, directory, *path), loser)


def _state(stored: StoredObject) -> tuple[int, str]:
    """What orders the states of an object: the time of the change, then anything."""
    annotations = sorted(
        (name, each.hash_value, each.changed) for name, each in stored.annotations.items()
    )
    return stored.changed, repr((stored.metadata, annotations, stored.collided))


def _version_state(version: Version) -> tuple[int, str]:
    return _state(version) if isinstance(version, StoredObject) else (0, "")
