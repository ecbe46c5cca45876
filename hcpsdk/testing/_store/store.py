"""The objects and directories of one namespace, and the rules for storing and deleting them.

Imports `tree`, `uploads`, `objects` and what is below. All calls have to come from one thread.
"""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Callable
from dataclasses import replace

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
    DeleteMarker,
    Directory,
    Path,
    StoredObject,
    Version,
    identity,
    version_of,
)
from .retention import UNSPECIFIED, Moment
from .tree import Tree
from .uploads import AnnotationUpload, ObjectUpload, Upload

MAX_ANNOTATIONS = 10  # of one object; section 13


class Store(Tree):
    """The objects and directories of *namespace*; large bodies are files in *scratch*.

    Args:
        clock: Returns milliseconds since the epoch.

    Attributes:
        on_change: Called after each change by a client, with the path and how many bytes came.
    """

    def __init__(
        self, namespace: Namespace, scratch: pathlib.Path, clock: Callable[[], int]
    ) -> None:
        super().__init__(clock)
        self.namespace = namespace
        self.scratch = scratch
        self.on_change: Callable[[Path, int], None] = lambda path, size: None
        self._open: dict[Path, list[ObjectUpload]] = {}
        self._annotations: set[AnnotationUpload] = set()  # being written

    # Storing

    def reserve(self, path: Path) -> ObjectUpload:
        """Start an upload to *path*, to be used as a context manager.

        Raises:
            NameTaken: The name is in use; objects cannot be overwritten.
            Protected: The namespace keeps versions, but the object is on hold or under retention.
        """
        self.refuse_if_taken(path, allows_version=self.namespace.versioning_enabled)
        if any(other[: len(path)] == path != other for other in self._open):
            raise NameTaken("a directory of that name is being created")
        upload = ObjectUpload(self, path, self._new_time())
        self._open.setdefault(path, []).append(upload)
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
        self.counts.record(writes=1)
        self.on_change(path, 0)

    def refuse_if_taken(self, path: Path, *, allows_version: bool = False) -> None:
        """Raise `NameTaken` if the name *path* is in use, or `Protected` if no version may follow.

        Args:
            allows_version: An object can get a new version.
        """
        entry: StoredObject | Directory | None = self._root
        for length, part in enumerate(path, start=1):
            if isinstance(entry, StoredObject):
                raise NameTaken("a part of the path is an object, not a directory")
            if path[:length] in self._open and not (allows_version and length == len(path)):
                raise NameTaken("an object of that name is being written")
            entry = entry.entries.get(part) if entry else None
        if allows_version and isinstance(entry, StoredObject):
            self._refuse_new_version(entry)
        elif entry is not None:
            raise NameTaken("an object or directory of that name exists")

    def _refuse_new_version(self, current: StoredObject) -> None:
        # "Initial Unspecified" allows it before release 9.7 (docs/hcp/namespace.rst, 12.1).
        if current.metadata.hold or current.metadata.retention.until != UNSPECIFIED:
            self._refuse_removal_of_object(current, despite_retention=False)

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
        found.metadata = after = found.metadata.changed(change, moment, classes)
        for old in self.old_versions.of(path):  # section 1: these two belong to all versions
            if isinstance(old, StoredObject):
                old.metadata = replace(old.metadata, owner=after.owner, acl=after.acl)
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
        self.counts.record(writes=1, bytes_in=annotation.size)
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
        self.counts.record(deletes=1)
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

    def remove(
        self,
        path: Path,
        *,
        despite_retention: bool = False,
        purges: bool = False,
        user: str = "",
    ) -> DeleteMarker | None:
        """Delete an object or an empty directory.

        Where versions are kept, an object gets a delete marker by *user*, which is returned, unless
        *purges* asks for the end of all its versions.

        Raises:
            Missing, BeingWritten: Nothing has this name, or only an upload.
            Protected: The directory has entries, or the object is on hold or under retention.
        """
        found = self.find(path)
        if isinstance(found, Directory):
            self._remove_directory(path, found)
            return None
        versions = self.versions(path) if purges else []
        if found is None and not versions:
            if path in self._open and not self.namespace.versioning_enabled:
                raise BeingWritten("the object is being written")
            raise Missing("no such object or directory")
        for each in (found, *versions):
            if isinstance(each, StoredObject):
                self._refuse_removal_of_object(each, despite_retention)
        marker = None
        if purges:
            self.add_tombstones(path, map(identity, versions))
            self.set_versions(path, [])
        elif self.namespace.versioning_enabled:
            now = self._new_time()
            marker = DeleteMarker(version_of(now), now, user)
            self.set_versions(path, [*self.versions(path), marker])
        else:
            assert found is not None  # without versions nothing is deleted already
            self.take_out(path)
            found.discard()
        self.counts.record(deletes=1)
        self.on_change(path, 0)
        return marker

    def _remove_directory(self, path: Path, found: Directory) -> None:
        if not path:
            raise Protected("the root directory cannot be deleted")
        if found.entries:
            raise Protected("the directory is not empty")
        self.take_out(path)
        self.counts.record(deletes=1)
        self.on_change(path, 0)

    def _refuse_removal_of_object(self, found: StoredObject, despite_retention: bool) -> None:
        if found.metadata.hold:
            raise Protected("the object is on hold")
        allowed = found.metadata.retention.allows_deletion(self.clock() // 1000)
        if not allowed and not despite_retention:
            raise Protected(f"the object is under retention: {found.metadata.retention}")

    # Versions (docs/hcp/namespace.rst, section 12.1)

    def version(self, path: Path, number: int) -> Version:
        """The version of an object with the ID *number*.

        Raises:
            Missing: There is no such version. Old ones are available only while versions are kept.
        """
        for each in self.versions(path):
            is_available = self.namespace.versioning_enabled or each is self.find(path)
            if each.version == number and is_available:
                return each
        raise Missing("no such version")

    def remove_version(
        self, path: Path, number: int, *, despite_retention: bool = False
    ) -> Version:
        """Delete one version, which is returned; the one before it becomes current if it was.

        Raises:
            Missing: There is no such version.
            Protected: It is on hold or under retention.
        """
        gone = self.version(path, number)
        if isinstance(gone, StoredObject):
            self._refuse_removal_of_object(gone, despite_retention)
        if not self.namespace.versioning_enabled:
            self.remove(path, despite_retention=despite_retention)
            return gone
        self.add_tombstones(path, [identity(gone)])
        self.counts.record(deletes=1)
        self.set_versions(path, [each for each in self.versions(path) if each is not gone])
        self.on_change(path, 0)
        return gone

    def clear(self) -> None:
        """Delete everything, and end all uploads."""
        for upload in [*itertools.chain(*self._open.values()), *self._annotations]:
            upload.release()
        self.empty()

    def is_being_written(self, path: Path) -> bool:
        """Whether there is an upload to *path*, or to a name above or below it."""
        return any(other[: len(path)] == path[: len(other)] for other in self._open)

    # For uploads

    def refuse_if_full(self, size: int) -> None:
        """Raise `TooLarge` if *size* more bytes exceed the quota."""
        if self.used_bytes + size > self.namespace.quota_bytes:
            raise TooLarge("the quota of the namespace is used up")

    def replaced_by(self, upload: ObjectUpload) -> StoredObject | None:
        """The object of which *upload* becomes a new version; makes it the newest one.

        Raises:
            NameTaken, Protected: It cannot.
        """
        self.refuse_if_taken(upload.path, allows_version=True)
        versions = self.versions(upload.path)
        if any(each.version >= version_of(upload.created) for each in versions):
            upload.created = self._new_time()
        current = self.find(upload.path)
        if current is not None and not self.namespace.versioning_enabled:
            raise NameTaken("an object of that name exists")
        return current if isinstance(current, StoredObject) else None

    def commit(self, upload: ObjectUpload, finished: StoredObject) -> None:
        """Store the *finished* object of *upload*."""
        above = self._directory(upload.path[:-1])
        replaced = above.entries.get(upload.path[-1])
        if isinstance(replaced, StoredObject):
            self.old_versions.set(upload.path, [*self.old_versions.of(upload.path), replaced])
        above.entries[upload.path[-1]] = finished
        self.counts.add(finished)
        self.counts.record(writes=1, bytes_in=finished.size + finished.annotation_bytes)
        above.changed = self.clock()
        self._close(upload)
        self.on_change(upload.path, finished.size)

    def release(self, upload: Upload) -> None:
        """Forget *upload*, which has ended."""
        if isinstance(upload, ObjectUpload):
            self._close(upload)
        elif isinstance(upload, AnnotationUpload):
            self._annotations.discard(upload)

    def _close(self, upload: ObjectUpload) -> None:
        uploads = self._open[upload.path]
        uploads.remove(upload)
        if not uploads:
            del self._open[upload.path]
