"""Annotations that are being written. namespace.md, section 13."""

from __future__ import annotations

from types import TracebackType

from ._content import Writer
from ._hashes import digest
from ._objects import Annotation
from ._store import BadAnnotation, Forgotten, Store, TooLarge
from ._wellformed import WellFormed

DEFAULT_NAME = "default"  # of the annotation of a request that names none
MAX_DEFAULT_BYTES = 1024**3
MAX_BYTES = 1024**2  # of any other


class Draft:
    """An annotation that nobody sees yet, for an object in *store*.

    Leaving its ``with`` block without `finish` forgets it. Two clients may write the same
    annotation at once: whoever finishes last has written it.
    """

    def __init__(self, store: Store, name: str) -> None:
        self.name = name
        self._store = store
        self._limit = MAX_DEFAULT_BYTES if name == DEFAULT_NAME else MAX_BYTES
        self._scheme = store.namespace.hash_scheme
        self._writer = Writer(store.scratch)
        self._hash = digest(self._scheme)
        self._xml = WellFormed()
        self._is_open = True
        store.drafts.add(self)

    @property
    def size(self) -> int:
        return self._writer.size

    def expect(self, size: int) -> None:
        """Say beforehand how many more bytes will come.

        Raises:
            TooLarge: They would be too many.
        """
        if self.size + size > self._limit:
            raise TooLarge(f"an annotation called {self.name} may have {self._limit} bytes")
        self._store.refuse_if_full(size)

    def write(self, piece: bytes) -> None:
        """Take the next bytes of the annotation.

        Raises:
            TooLarge: They are too many.
            Forgotten: The store was cleared.
        """
        self._refuse_if_forgotten()
        self.expect(len(piece))
        self._hash.update(piece)
        self._xml.feed(piece)
        self._store.used_bytes += len(piece)
        self._writer.write(piece)

    def check(self) -> None:
        """To be called after the last bytes.

        Raises:
            BadAnnotation: They are no XML, and the namespace wants that.
        """
        self._refuse_if_forgotten()
        self._xml.finish()
        if self._xml.fault and self._store.namespace.checks_annotations:
            raise BadAnnotation(f"the annotation is not well-formed XML: {self._xml.fault}")

    def finish(self, changed: int) -> Annotation:
        """The annotation as of *changed*, in milliseconds; for the store to put into its place."""
        self._is_open = False
        self._store.drafts.discard(self)
        value = self._hash.hexdigest().upper()
        is_xml = not self._xml.fault
        return Annotation(self._writer.finish(), self._scheme, value, changed, is_xml)

    def release(self) -> None:
        """Forget what was written; harmless after `finish`."""
        if self._is_open:
            self._is_open = False
            self._store.drafts.discard(self)
            self._store.used_bytes -= self.size
            self._writer.discard()

    def _refuse_if_forgotten(self) -> None:
        if not self._is_open:
            raise Forgotten("everything stored was forgotten meanwhile")

    def __enter__(self) -> Draft:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
