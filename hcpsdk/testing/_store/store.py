"""The objects and directories of one namespace, and the rules for storing and deleting them.

Imports `uploads`, `objects` and what is below. All calls have to come from one thread.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..config import Namespace
from .errors import (
    BeingWritten,
    Missing,
    NameTaken,
    NoAnnotation,
    Protected,
    TooLarge,
    TooManyAnnotations,
)
from .objects import (
    Annotation,
    Change,
    Directory,
    Identity,
    Path,
    StoredObject,
    identity,
    version_of,
)
from .retention import Moment
from .uploads import AnnotationUpload, ObjectUpload, Upload

MAX_ANNOTATIONS = 10  # of one object; section 13


@dataclass
class Counts:
    """Numbers of finished objects and of those with annotations, and the bytes of annotations."""

    objects: int = 0
    annotated: int = 0
    annotation_bytes: int = 0

    def add(self, stored: StoredObject, times: int = 1) -> None:
        """Count *stored*; -1 removes it."""
        self.objects += times
        self.annotated += times * bool(stored.annotations)
        self.annotation_bytes += times * stored.annotation_bytes


class Store:
    """The objects and directories of *namespace*; large bodies are files in *scratch*.

    Args:
        clock: Returns milliseconds since the epoch.

    Attributes:
        on_change: Called after each change by a client, with the path and how many bytes came.
        tombstones: What was deleted under a name or moved away, as long as there is a link.
    """

    def __init__(
        self, namespace: Namespace, scratch: pathlib.Path, clock: Callable[[], int]
    ) -> None:
        self.namespace = namespace
        self.scratch = scratch
        self.clock = clock
        self.used_bytes = 0  # including uploads
        self.counts = Counts()
        self.on_change: Callable[[Path, int], None] = lambda path, size: None
        self._keeps_tombstones = False
        self.tombstones: dict[Path, set[Identity]] = {}
        self._latest = 0  # when the newest object or directory was created
        self._root = Directory(clock())
        self._open: dict[Path, ObjectUpload] = {}
        self._annotations: set[AnnotationUpload] = set()  # being written

    def find(self, path: Path) -> StoredObject | Directory | None:
        """What has the name *path*; () is the root. Does not find uploads."""
        found: StoredObject | Directory | None = self._root
        for part in path:
            if not isinstance(found, Directory):
                return None
            found = found.entries.get(part)
        return found

    # Storing

    def reserve(self, path: Path) -> ObjectUpload:
        """Start an upload to *path*, to be used as a context manager.

        Raises:
            NameTaken: The name is in use; objects cannot be overwritten.
        """
        self.refuse_if_taken(path)
        if any(other[: len(path)] == path for other in self._open):
            raise NameTaken("a directory of that name is being created")
        self._open[path] = upload = ObjectUpload(self, path, self._new_time())
        return upload

    def open_annotation(self, name: str) -> AnnotationUpload:
        """Start to write an annotation; a context manager. `annotate` stores it."""
        upload = AnnotationUpload(self, name)
        self._annotations.add(upload)
        return upload

    def make_directory(self, path: Path) -> None:
        """Create an empty directory and its missing parents.

        Raises:
            NameTaken: The name is in use.
        """
        self.refuse_if_taken(path)
        self._directory(path)
        self.on_change(path, 0)

    def refuse_if_taken(self, path: Path) -> None:
        """Raise `NameTaken` if the name *path* is in use."""
        entry: StoredObject | Directory | None = self._root
        for length, part in enumerate(path, start=1):
            if isinstance(entry, StoredObject):
                raise NameTaken("a part of the path is an object, not a directory")
            if path[:length] in self._open:
                raise NameTaken("an object of that name is being written")
            entry = entry.entries.get(part) if entry else None
        if entry is not None:
            raise NameTaken("an object or directory of that name exists")

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

    def new_directory(self) -> Directory:
        """An empty directory with a new version; it is not stored."""
        return Directory(self.clock(), version_of(self._new_time()))

    # Changing and deleting

    def change(self, path: Path, change: Change) -> None:
        """Change system metadata of an object, completely or not at all.

        Raises:
            Missing: There is no such object.
            ChangeRefused, RetentionError: The rules forbid it.
        """
        found = self._object(path)
        now = self.clock()
        moment = Moment(found.created // 1000, now // 1000)
        classes = self.namespace.class_values
        found.metadata = found.metadata.changed(change, moment, classes)
        self._mark_changed(found)
        self.on_change(path, 0)

    def _mark_changed(self, found: StoredObject) -> None:
        found.changed = max(self.clock(), found.changed + 1)
        found.collided = False  # docs/hcp/namespace.rst, section 23.2

    def annotate(self, path: Path, upload: AnnotationUpload) -> Annotation:
        """Store the finished *upload*, in place of an annotation with the same name.

        Raises:
            BadAnnotation: It is not XML, and the namespace requires that.
            Missing, TooManyAnnotations, Protected: See `refuse_annotation`.
        """
        upload.check()
        self.refuse_annotation(path, upload.name)
        found = self._object(path)
        self._forget_annotation(found, upload.name)
        self.counts.add(found, -1)
        self._mark_changed(found)
        found.annotations[upload.name] = annotation = upload.finish(found.changed)
        self.counts.add(found)
        self.on_change(path, annotation.size)
        return annotation

    def refuse_annotation(self, path: Path, name: str) -> None:
        """Raise an error if an object cannot have an annotation called *name*.

        Raises:
            Missing: There is no such object.
            TooManyAnnotations: It has ten others.
            Protected: It is on hold or under retention, and the namespace forbids the change.
        """
        found = self._object(path)
        is_new = name not in found.annotations
        if is_new and len(found.annotations) >= MAX_ANNOTATIONS:
            raise TooManyAnnotations(f"an object can have {MAX_ANNOTATIONS} annotations")
        self._refuse_protected_annotation(found, "add" if is_new else "all")

    def remove_annotation(self, path: Path, name: str) -> None:
        """Delete an annotation of an object.

        Raises:
            Missing: There is no such object.
            NoAnnotation: It has no annotation with this name.
            Protected: It is on hold or under retention, and the namespace forbids the change.
        """
        found = self._object(path)
        if name not in found.annotations:
            raise NoAnnotation(f"No annotation exists with name {name}")
        self._refuse_protected_annotation(found, "all")
        self._forget_annotation(found, name)
        self._mark_changed(found)
        self.on_change(path, 0)

    def _forget_annotation(self, found: StoredObject, name: str) -> None:
        """Delete the annotation called *name*, if it exists."""
        if name in found.annotations:
            self.counts.add(found, -1)
            annotation = found.annotations.pop(name)
            self.used_bytes -= annotation.size
            annotation.content.discard()
            self.counts.add(found)

    def _refuse_protected_annotation(self, found: StoredObject, change: str) -> None:
        metadata = found.metadata
        if metadata.retention.allows_deletion(self.clock() // 1000) and not metadata.hold:
            return
        if self.namespace.annotation_changes not in ("all", change):
            raise Protected("the object is under retention: its annotations cannot be changed")

    def _object(self, path: Path) -> StoredObject:
        found = self.find(path)
        if not isinstance(found, StoredObject):
            raise Missing("no such object")
        return found

    def remove(self, path: Path, *, despite_retention: bool = False) -> None:
        """Delete an object or an empty directory.

        Raises:
            Missing, BeingWritten: Nothing has this name, or only an upload.
            Protected: The directory has entries, or the object is on hold or under retention.
        """
        found = self.find(path)
        if found is None:
            if path in self._open:
                raise BeingWritten("the object is being written")
            raise Missing("no such object or directory")
        if isinstance(found, Directory):
            if not path:
                raise Protected("the root directory cannot be deleted")
            if found.entries:
                raise Protected("the directory is not empty")
        else:
            self._refuse_removal_of_object(found, despite_retention)
        self.take_out(path)
        if isinstance(found, StoredObject):
            found.discard()
        self.on_change(path, 0)

    def _refuse_removal_of_object(self, found: StoredObject, despite_retention: bool) -> None:
        if found.metadata.hold:
            raise Protected("the object is on hold")
        allowed = found.metadata.retention.allows_deletion(self.clock() // 1000)
        if not allowed and not despite_retention:
            raise Protected(f"the object is under retention: {found.metadata.retention}")

    def clear(self) -> None:
        """Delete everything, and end all uploads."""
        for upload in [*self._open.values(), *self._annotations]:
            upload.release()
        heap: list[StoredObject | Directory] = [self._root]
        while heap:
            entry = heap.pop()
            if isinstance(entry, Directory):
                heap.extend(entry.entries.values())
            else:
                entry.discard()
        self._root = Directory(self.clock())
        self.used_bytes = 0
        self.counts = Counts()
        self.tombstones.clear()

    # For replication: without rules, and without calling `on_change`

    def walk(self) -> Iterator[tuple[Path, StoredObject | Directory]]:
        """All entries, a directory before its content."""
        heap: list[tuple[Path, StoredObject | Directory]] = [((), self._root)]
        while heap:
            path, entry = heap.pop()
            if path:
                yield path, entry
            if isinstance(entry, Directory):
                heap.extend(((*path, name), below) for name, below in entry.entries.items())

    def is_being_written(self, path: Path) -> bool:
        """Whether there is an upload to *path*, or to a name above or below it."""
        return any(other[: len(path)] == path[: len(other)] for other in self._open)

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

    def _count(self, entry: StoredObject | Directory, times: int) -> None:
        if isinstance(entry, StoredObject):
            self.used_bytes += times * (entry.size + entry.annotation_bytes)
            self.counts.add(entry, times)

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

    # For uploads

    def refuse_if_full(self, size: int) -> None:
        """Raise `TooLarge` if *size* more bytes exceed the quota."""
        if self.used_bytes + size > self.namespace.quota_bytes:
            raise TooLarge("the quota of the namespace is used up")

    def commit(self, upload: ObjectUpload, finished: StoredObject) -> None:
        """Store the *finished* object of *upload*."""
        above = self._directory(upload.path[:-1])
        above.entries[upload.path[-1]] = finished
        self.counts.add(finished)
        above.changed = self.clock()
        del self._open[upload.path]
        self.on_change(upload.path, finished.size)

    def release(self, upload: Upload) -> None:
        """Forget *upload*, which has ended."""
        if isinstance(upload, ObjectUpload):
            del self._open[upload.path]
        elif isinstance(upload, AnnotationUpload):
            self._annotations.discard(upload)
