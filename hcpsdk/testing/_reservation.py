"""An object that is being written. namespace.md, section 5."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from ._content import Writer
from ._hashes import digest
from ._objects import Metadata, StoredObject, version_of
from ._paths import Path
from ._store_errors import Forgotten, TooLarge

if TYPE_CHECKING:
    from ._drafts import Draft
    from ._store import Store

MAX_OBJECT_BYTES = 2 * 1024**4
# A change time is a little later than the version's creation, as recorded (section 25, 4).
CHANGE_DELAY = 2  # milliseconds


class Reservation:
    """A name that is being written. Leaving its ``with`` block without `finish` frees the name."""

    def __init__(self, store: Store, path: Path, created: int) -> None:
        self.path = path
        self.created = created  # milliseconds
        self._store = store
        self._is_open = True
        self._scheme = store.namespace.hash_scheme
        self._writer = Writer(store.scratch)
        self._md5 = digest("MD5")
        self._hash = digest(self._scheme)

    @property
    def size(self) -> int:
        return self._writer.size

    def expect(self, size: int) -> None:
        """Say beforehand how many bytes will come.

        Raises:
            TooLarge: They would be too many.
        """
        if size > MAX_OBJECT_BYTES:
            raise TooLarge("the object is larger than 2 TB")
        self._store.refuse_if_full(size)

    def write(self, piece: bytes) -> None:
        """Take the next bytes of the object.

        Raises:
            TooLarge: They are too many.
            Forgotten: The store was cleared.
        """
        self._refuse_if_forgotten()
        self.expect(len(piece))
        if self.size + len(piece) > MAX_OBJECT_BYTES:
            raise TooLarge("the object is larger than 2 TB")
        self._md5.update(piece)
        self._hash.update(piece)
        self._store.used_bytes += len(piece)
        self._writer.write(piece)

    def start_again(self) -> None:
        """Forget what was written so far."""
        self._refuse_if_forgotten()
        self._store.used_bytes -= self.size
        self._writer.discard()
        self._writer = Writer(self._store.scratch)
        self._md5 = digest("MD5")
        self._hash = digest(self._scheme)

    def finish(self, metadata: Metadata, draft: Draft | None = None) -> StoredObject:
        """The object, from now on there for everybody, with *draft* as its annotation.

        Raises:
            BadAnnotation: That is no XML, and the namespace wants it.
        """
        self._refuse_if_forgotten()
        if draft:
            draft.check()
        changed = max(self._store.clock(), self.created + CHANGE_DELAY)
        finished = StoredObject(
            self._writer.finish(),
            etag=self._md5.hexdigest(),
            hash_scheme=self._scheme,
            hash_value=self._hash.hexdigest().upper(),
            version=version_of(self.created),
            created=self.created,
            changed=changed,
            metadata=metadata,
            annotations={draft.name: draft.finish(changed)} if draft else {},
        )
        self._store.take_in(self, finished)
        self._is_open = False
        return finished

    def release(self) -> None:
        """Free the name and forget what was written; harmless after `finish`."""
        if self._is_open:
            self._is_open = False
            self._store.let_go(self)
            self._writer.discard()

    def _refuse_if_forgotten(self) -> None:
        if not self._is_open:
            raise Forgotten("everything stored was forgotten while the object was being written")

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
