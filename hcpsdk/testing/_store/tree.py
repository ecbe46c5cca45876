"""What a namespace contains, without the rules for clients.

Replication works with this part of a store. Imports `versions`, `counts` and `objects`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from .counts import Counts
from .objects import (
    DeleteMarker,
    Directory,
    Identity,
    Path,
    StoredObject,
    Version,
    identity,
    version_of,
)
from .versions import Versions


class Tree:
    """Objects and directories by name, old versions, and what they amount to.

    Args:
        clock: Returns milliseconds since the epoch.

    Attributes:
        old_versions: Versions that are not current, and delete markers.
        tombstones: What was deleted under a name or moved away, as long as there is a link.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self.used_bytes = 0  # including uploads
        self.counts = Counts(clock)
        self.old_versions = Versions()
        self.tombstones: dict[Path, set[Identity]] = {}
        self._keeps_tombstones = False
        self._latest = 0  # when the newest object or directory was created
        self._root = Directory(clock())

    def find(self, path: Path) -> StoredObject | Directory | None:
        """What has the name *path*; () is the root. Does not find uploads."""
        found: StoredObject | Directory | None = self._root
        for part in path:
            if not isinstance(found, Directory):
                return None
            found = found.entries.get(part)
        return found

    def versions(self, path: Path) -> list[Version]:
        """All versions of an object, the oldest first; with a delete marker last it is deleted."""
        found = self.find(path)
        return [*self.old_versions.of(path), *([found] if isinstance(found, StoredObject) else [])]

    def set_versions(self, path: Path, versions: list[Version]) -> None:
        """Replace all versions by *versions*; the newest is current if it is an object."""
        after = {id(each) for each in versions}
        before = self.versions(path)
        for dropped in (each for each in before if id(each) not in after):
            self._count(dropped, -1)
            if isinstance(dropped, StoredObject):
                dropped.discard()
        for new in (each for each in versions if not any(each is old for old in before)):
            self._count(new, 1)
            self._latest = max(self._latest, new.version // 64)
        old = sorted(versions, key=identity)
        found = self.find(path)
        current = old[-1] if old and not isinstance(found, Directory) else None
        if isinstance(current, StoredObject):
            old.pop()
            if current is not found:
                above = self._directory(path[:-1])
                above.entries[path[-1]] = current
                above.changed = self.clock()
        elif isinstance(found, StoredObject):
            above = self._directory(path[:-1])
            del above.entries[path[-1]]
            above.changed = self.clock()
        self.old_versions.set(path, old)

    def walk(self) -> Iterator[tuple[Path, StoredObject | Directory]]:
        """All entries, a directory before its content."""
        heap: list[tuple[Path, StoredObject | Directory]] = [((), self._root)]
        while heap:
            path, entry = heap.pop()
            if path:
                yield path, entry
            if isinstance(entry, Directory):
                heap.extend(((*path, name), below) for name, below in entry.entries.items())

    def directories(self, path: Path) -> list[Directory]:
        """The existing directories on the way to *path*, including itself."""
        found: list[Directory] = []
        entry: StoredObject | Directory | None = self._root
        for part in path:
            entry = entry.entries.get(part) if isinstance(entry, Directory) else None
            if not isinstance(entry, Directory):
                break
            found.append(entry)
        return found

    def put(self, path: Path, stored: StoredObject | Directory) -> None:
        """Store a finished object or an empty directory under an unused name."""
        above = self._directory(path[:-1])
        above.entries[path[-1]] = stored
        above.changed = self.clock()
        self._count(stored, 1)

    def take_out(self, path: Path) -> None:
        """Remove the object or empty directory *path*, without its bytes."""
        above = self._directory(path[:-1])
        taken = above.entries.pop(path[-1])
        above.changed = self.clock()
        self._count(taken, -1)
        self.add_tombstones(path, [identity(taken)])

    def exchange(self, path: Path, stored: StoredObject) -> None:
        """Store another state of the object that has the name *path*."""
        above = self._directory(path[:-1])
        self._count(above.entries[path[-1]], -1)
        self.put(path, stored)

    def new_directory(self) -> Directory:
        """An empty directory with a new version; it is not stored."""
        return Directory(self.clock(), version_of(self._new_time()))

    def keep_tombstones(self, is_linked: bool) -> None:
        """Keep tombstones from now on, or drop them when there is no link any more."""
        self._keeps_tombstones = is_linked
        if not is_linked:
            self.tombstones = {}

    def add_tombstones(self, path: Path, deleted: Iterable[Identity]) -> None:
        """Remember what was *deleted* at *path* or moved away."""
        for each in deleted:
            self._latest = max(self._latest, each[0] // 64)
            if self._keeps_tombstones:
                self.tombstones.setdefault(path, set()).add(each)

    def has_tombstone(self, path: Path, each: Identity) -> bool:
        """Whether *each* was deleted or moved away, or is a directory older than such a one."""
        found = self.tombstones.get(path, ())
        if each[1]:
            return each in found
        return each[0] <= max((version for version, etag in found if not etag), default=0)

    def _directory(self, path: Path) -> Directory:
        """The directory *path*, created with its parents if it is missing."""
        found = self._root
        for part in path:
            below = found.entries.get(part)
            if below is None:
                below = found.entries[part] = self.new_directory()
                found.changed = self.clock()
            assert isinstance(below, Directory)  # checked by refuse_if_taken
            found = below
        return found

    def _new_time(self) -> int:
        """Now, but later than all earlier results, so that no version is used twice."""
        self._latest = max(self.clock(), self._latest + 1)
        return self._latest

    def _count(self, entry: StoredObject | Directory | DeleteMarker, times: int) -> None:
        if isinstance(entry, StoredObject):
            self.used_bytes += times * (entry.size + entry.annotation_bytes)
            self.counts.add(entry, times)

    def empty(self) -> None:
        """Drop everything with its bytes."""
        for _, versions in self.old_versions:
            for each in versions:
                if isinstance(each, StoredObject):
                    each.discard()
        self.old_versions.clear()
        for _, entry in self.walk():
            if isinstance(entry, StoredObject):
                entry.discard()
        self._root = Directory(self.clock())
        self.used_bytes = 0
        self.counts = Counts(self.clock)
        self.tombstones.clear()
