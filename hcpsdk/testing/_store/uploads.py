"""Uploads: objects and annotations while they are being written. Imports `objects` and below.

docs/hcp/namespace.rst, sections 5 and 13.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Protocol, TypeVar

from .._xml import WellFormed
from ..config import Namespace
from .content import Writer
from .errors import BadAnnotation, Forgotten, TooLarge
from .hashes import digest
from .objects import (
    Annotation,
    Metadata,
    Path,
    StoredObject,
    copied_annotations,
    version_of,
)

DEFAULT_NAME = "default"  # of the annotation of a request without a name
MAX_OBJECT_BYTES = 2 * 1024**4
MAX_DEFAULT_ANNOTATION_BYTES = 1024**3
MAX_ANNOTATION_BYTES = 1024**2  # with any other name
# A change time is a little later than the version's creation, as recorded (section 25, 4).
CHANGE_DELAY = 2  # milliseconds

T = TypeVar("T", bound="Upload")


class Target(Protocol):
    """What an upload needs of its store."""

    namespace: Namespace
    scratch: pathlib.Path
    clock: Callable[[], int]
    used_bytes: int

    def refuse_if_full(self, size: int) -> None: ...
    def replaced_by(self, upload: ObjectUpload) -> StoredObject | None: ...
    def commit(self, upload: ObjectUpload, finished: StoredObject) -> None: ...
    def release(self, upload: Upload) -> None: ...


class Upload:
    """Bytes on their way into *store*. Leaving its ``with`` block before the end discards them."""

    def __init__(self, store: Target, max_bytes: int, what: str) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._what = what
        self._is_open = True
        self._scheme = store.namespace.hash_scheme
        self._writer = Writer(store.scratch)
        self._hash = digest(self._scheme)

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._writer.size

    def expect(self, size: int) -> None:
        """Announce that *size* more bytes will follow.

        Raises:
            TooLarge: They would be too many.
        """
        if self.size + size > self._max_bytes:
            raise TooLarge(f"{self._what} can have at most {self._max_bytes} bytes")
        self._store.refuse_if_full(size)

    def write(self, piece: bytes) -> None:
        """Take the next bytes.

        Raises:
            TooLarge: They are too many.
            Forgotten: The store was cleared.
        """
        self._refuse_if_forgotten()
        self.expect(len(piece))
        self._hash.update(piece)
        self._store.used_bytes += len(piece)
        self._writer.write(piece)

    def release(self) -> None:
        """Discard what was written; does nothing after `finish`."""
        if self._is_open:
            self._is_open = False
            self._store.used_bytes -= self.size
            self._store.release(self)
            self._writer.discard()

    def _refuse_if_forgotten(self) -> None:
        if not self._is_open:
            raise Forgotten("the store was cleared during the upload")

    def __enter__(self: T) -> T:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


class ObjectUpload(Upload):
    """An object that is being written; the name *path* is reserved until then."""

    def __init__(self, store: Target, path: Path, created: int) -> None:
        super().__init__(store, MAX_OBJECT_BYTES, "an object")
        self.path = path
        self.created = created  # milliseconds
        self._md5 = digest("MD5")

    def write(self, piece: bytes) -> None:
        super().write(piece)
        self._md5.update(piece)

    @property
    def etag(self) -> str:
        """The MD5 of the bytes written so far, in hexadecimal."""
        return self._md5.hexdigest()

    def start_again(self) -> None:
        """Discard what was written so far."""
        self._refuse_if_forgotten()
        self._store.used_bytes -= self.size
        self._writer.discard()
        self._writer = Writer(self._store.scratch)
        self._md5 = digest("MD5")
        self._hash = digest(self._scheme)

    def finish(
        self,
        metadata: Metadata,
        annotation: AnnotationUpload | None = None,
        copied: Mapping[str, Annotation] | None = None,
    ) -> StoredObject:
        """Store the object together with *annotation*, and make it visible to clients.

        Args:
            copied: Annotations of another object, of which it gets copies.

        Raises:
            BadAnnotation: The annotation is not XML, and the namespace requires that.
            NameTaken, Protected: It cannot become a version of what has the name meanwhile.
        """
        self._refuse_if_forgotten()
        if annotation:
            annotation.check()
        old = self._store.replaced_by(self)
        changed = max(self._store.clock(), self.created + CHANGE_DELAY)
        annotations = dict(copied if copied is not None else old.annotations if old else {})
        if annotation:
            annotations.pop(annotation.name, None)
        annotations = copied_annotations(annotations, self._store.scratch)
        self._store.used_bytes += sum(each.size for each in annotations.values())
        if annotation:
            annotations[annotation.name] = annotation.finish(changed)
        finished = StoredObject(
            self._writer.finish(),
            etag=self._md5.hexdigest(),
            hash_scheme=self._scheme,
            hash_value=self._hash.hexdigest().upper(),
            version=version_of(self.created),
            created=self.created,
            changed=changed,
            metadata=metadata,
            annotations=annotations,
        )
        self._store.commit(self, finished)
        self._is_open = False
        return finished


class AnnotationUpload(Upload):
    """An annotation that is being written.

    Two clients may write the same annotation at once: the one that finishes last wins.
    """

    def __init__(self, store: Target, name: str) -> None:
        is_default = name == DEFAULT_NAME
        limit = MAX_DEFAULT_ANNOTATION_BYTES if is_default else MAX_ANNOTATION_BYTES
        super().__init__(store, limit, f"an annotation called {name}")
        self.name = name
        self._xml = WellFormed()

    def write(self, piece: bytes) -> None:
        super().write(piece)
        self._xml.feed(piece)

    def check(self) -> None:
        """Check the bytes after the last one was written.

        Raises:
            BadAnnotation: They are not XML, and the namespace requires that.
        """
        self._refuse_if_forgotten()
        self._xml.finish()
        if self._xml.fault and self._store.namespace.checks_annotations:
            raise BadAnnotation(f"the annotation is not well-formed XML: {self._xml.fault}")

    def finish(self, changed: int) -> Annotation:
        """The annotation as of *changed*, in milliseconds; the store puts it into its place."""
        self._is_open = False
        self._store.release(self)
        value = self._hash.hexdigest().upper()
        is_xml = not self._xml.fault
        return Annotation(self._writer.finish(), self._scheme, value, changed, is_xml)
