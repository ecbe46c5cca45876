"""The objects and directories of one namespace, and the rules for storing and deleting them.

Knows no HTTP. Everything runs in one thread; between two of its calls anything may have happened,
but never in the middle of one.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
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
from .objects import Annotation, Change, Directory, Path, StoredObject, version_of
from .retention import Moment
from .tombstones import NOTHING, Tombstones, deleted
from .uploads import AnnotationUpload, ObjectUpload, Upload

MAX_ANNOTATIONS = 10  # of one object; section 13


@dataclass
class Counts:
    """What a store holds: finished objects, how many have annotations, and the bytes of these."""

    objects: int = 0
    annotated: int = 0
    annotation_bytes: int = 0

    def add(self, stored: StoredObject, times: int = 1) -> None:
        """Count *stored*; with -1 no more."""
        self.objects += times
        self.annotated += times * bool(stored.annotations)
        self.annotation_bytes += times * stored.annotation_bytes


# Told of every change: the path, the bytes that came, and what went away.
Journal = Callable[[Path, int, Tombstones], None]


def no_journal(path: Path, size: int, gone: Tombstones) -> None:
    """Where nobody wants to know."""


class Store:
    """The objects and directories of *namespace*; large bodies are files in *scratch*.

    *clock* tells milliseconds since the epoch. ``on_change`` is called after each change.
    """

    def __init__(
        self, namespace: Namespace, scratch: pathlib.Path, clock: Callable[[], int]
    ) -> None:
        self.namespace = namespace
        self.scratch = scratch
        self.clock = clock
        self.used_bytes = 0  # what is being written included
        self.counts = Counts()
        self.on_change: Journal = no_journal
        self._root = Directory(clock())
        self._open: dict[Path, ObjectUpload] = {}
        self._annotations: set[AnnotationUpload] = set()  # that are being written

    def find(self, path: Path) -> StoredObject | Directory | None:
        """What is stored under *path*, the root for (). What is being written is not there yet."""
        found: StoredObject | Directory | None = self._root
        for part in path:
            if not isinstance(found, Directory):
                return None
            found = found.entries.get(part)
        return found

    # Storing

    def reserve(self, path: Path) -> ObjectUpload:
        """The right to write *path*, as a context manager; nobody else gets it meanwhile.

        Raises:
            NameTaken: HCP objects are written once.
        """
        self.refuse_if_taken(path)
        if any(other[: len(path)] == path for other in self._open):
            raise NameTaken("a directory of that name is being made")
        self._open[path] = upload = ObjectUpload(self, path, self._time_for(path))
        return upload

    def open_annotation(self, name: str) -> AnnotationUpload:
        """An annotation to write, as a context manager; `annotate` puts it into its place."""
        upload = AnnotationUpload(self, name)
        self._annotations.add(upload)
        return upload

    def make_directory(self, path: Path) -> None:
        """Make an empty directory, and what is missing above it.

        Raises:
            NameTaken: Something of that name is there.
        """
        self.refuse_if_taken(path)
        self._directory(path)
        self.on_change(path, 0, NOTHING)

    def refuse_if_taken(self, path: Path) -> None:
        """Raise `NameTaken` if nothing new can have the name *path*."""
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
        """The directory *path*, made together with its parents where it is missing."""
        found = self._root
        for length, part in enumerate(path, start=1):
            below = found.entries.get(part)
            if below is None:
                version = self.version_for(path[:length])
                below = found.entries[part] = Directory(self.clock(), version)
                found.changed = self.clock()
            assert isinstance(below, Directory)  # refuse_if_taken saw to that
            found = below
        return found

    def _time_for(self, path: Path) -> int:
        """When something that is made now under *path* was made; later than what was deleted."""
        above = [self._root, *self.directories(path)]
        return max(self.clock(), *(each.newest_removed // 64 + 1 for each in above))

    def version_for(self, path: Path) -> int:
        """The version of something that is made now under *path*."""
        return version_of(self._time_for(path))

    # Changing and deleting

    def change(self, path: Path, change: Change) -> None:
        """Change system metadata of an object: everything that is named, or nothing.

        Raises:
            Missing: No object is there.
            ChangeRefused, RetentionError: The rules forbid it.
        """
        found = self._object(path)
        now = self.clock()
        moment = Moment(found.created // 1000, now // 1000)
        classes = self.namespace.class_values
        found.metadata = found.metadata.changed(change, moment, classes)
        found.changed = max(now, found.changed + 1)
        self.on_change(path, 0, NOTHING)

    def annotate(self, path: Path, upload: AnnotationUpload) -> Annotation:
        """Give an object the finished *upload*, in place of an annotation of that name.

        Raises:
            BadAnnotation: It is no XML, and the namespace wants that.
            Missing, TooManyAnnotations, Protected: See `refuse_annotation`.
        """
        upload.check()
        self.refuse_annotation(path, upload.name)
        found = self._object(path)
        self._forget_annotation(found, upload.name)
        self.counts.add(found, -1)
        found.changed = max(self.clock(), found.changed + 1)
        found.annotations[upload.name] = annotation = upload.finish(found.changed)
        self.counts.add(found)
        self.on_change(path, annotation.size, NOTHING)
        return annotation

    def refuse_annotation(self, path: Path, name: str) -> None:
        """Raise what keeps an object from being given an annotation called *name*.

        Raises:
            Missing: No object is there.
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
            Missing: No object is there.
            NoAnnotation: It has none of that name.
            Protected: It is on hold or under retention, and the namespace forbids the change.
        """
        found = self._object(path)
        if name not in found.annotations:
            raise NoAnnotation(f"No annotation exists with name {name}")
        self._refuse_protected_annotation(found, "all")
        self._forget_annotation(found, name)
        found.changed = max(self.clock(), found.changed + 1)
        self.on_change(path, 0, NOTHING)

    def _forget_annotation(self, found: StoredObject, name: str) -> None:
        """Drop the annotation called *name*, if there is one."""
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
            Missing, BeingWritten: There is nothing, or nothing yet.
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
        self.on_change(path, 0, deleted(found))

    def _refuse_removal_of_object(self, found: StoredObject, despite_retention: bool) -> None:
        if found.metadata.hold:
            raise Protected("the object is on hold")
        allowed = found.metadata.retention.allows_deletion(self.clock() // 1000)
        if not allowed and not despite_retention:
            raise Protected(f"the object is under retention: {found.metadata.retention}")

    def clear(self) -> None:
        """Forget everything, also what is being written just now."""
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

    # For copies that come from another system: no rules, and `on_change` is not called

    def walk(self) -> Iterator[tuple[Path, StoredObject | Directory]]:
        """Everything that is stored, a directory before its entries."""
        heap: list[tuple[Path, StoredObject | Directory]] = [((), self._root)]
        while heap:
            path, entry = heap.pop()
            if path:
                yield path, entry
            if isinstance(entry, Directory):
                heap.extend(((*path, name), below) for name, below in entry.entries.items())

    def is_being_written(self, path: Path) -> bool:
        """Whether an upload is going to need *path*, or a name above or below it."""
        return any(other[: len(path)] == path[: len(other)] for other in self._open)

    def directories(self, path: Path) -> list[Directory]:
        """Those on the way to *path* that are there, itself included if it is one."""
        found: list[Directory] = []
        entry: StoredObject | Directory | None = self._root
        for part in path:
            entry = entry.entries.get(part) if isinstance(entry, Directory) else None
            if not isinstance(entry, Directory):
                break
            found.append(entry)
        return found

    def put(self, path: Path, stored: StoredObject | Directory) -> None:
        """Store a finished object, or an empty directory, under a name that is free."""
        above = self._directory(path[:-1])
        above.entries[path[-1]] = stored
        above.changed = self.clock()
        if isinstance(stored, StoredObject):
            self.used_bytes += stored.size + stored.annotation_bytes
            self.counts.add(stored)

    def take_out(self, path: Path) -> None:
        """Remove the object or empty directory *path*, whose bytes stay."""
        above = self._directory(path[:-1])
        taken = above.entries.pop(path[-1])
        above.changed = self.clock()
        above.newest_removed = max(above.newest_removed, taken.version)
        if isinstance(taken, Directory):
            above.newest_removed = max(above.newest_removed, taken.newest_removed)
        else:
            self.used_bytes -= taken.size + taken.annotation_bytes
            self.counts.add(taken, -1)

    def reserve_version(self, path: Path, version: int) -> None:
        """What is made under *path* from now on gets a higher version than *version*."""
        deepest = [self._root, *self.directories(path)][-1]
        deepest.newest_removed = max(deepest.newest_removed, version)

    # For uploads

    def refuse_if_full(self, size: int) -> None:
        """Raise `TooLarge` if there is no room for *size* more bytes."""
        if self.used_bytes + size > self.namespace.quota_bytes:
            raise TooLarge("the quota of the namespace is used up")

    def commit(self, upload: ObjectUpload, finished: StoredObject) -> None:
        """Put the *finished* object of *upload* into its place."""
        above = self._directory(upload.path[:-1])
        above.entries[upload.path[-1]] = finished
        self.counts.add(finished)
        above.changed = self.clock()
        del self._open[upload.path]
        self.on_change(upload.path, finished.size, NOTHING)

    def release(self, upload: Upload) -> None:
        """Forget *upload*, which has ended."""
        if isinstance(upload, ObjectUpload):
            del self._open[upload.path]
        elif isinstance(upload, AnnotationUpload):
            self._annotations.discard(upload)
