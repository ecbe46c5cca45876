"""The bytes of an object, in memory or in a file. Imports nothing of the emulator."""

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_BYTES_IN_MEMORY = 1024 * 1024  # bytes; larger objects are files
READ_SIZE = 256 * 1024  # bytes read from a file at once


@dataclass(frozen=True)
class Content:
    """Finished bytes; `discard` them when they are no longer needed."""

    size: int
    held: bytes | pathlib.Path

    def read(self, start: int, stop: int) -> bytes | Iterator[bytes]:
        """The bytes from *start* up to *stop*, in pieces if they are in a file.

        The file is opened here, so the pieces can be read even if the object is deleted.
        """
        if isinstance(self.held, bytes):
            return self.held[start:stop]
        return _FilePieces(self.held, start, stop)

    def copy(self, scratch: pathlib.Path) -> Content:
        """An independent copy of the content; a file is copied to another file in *scratch*.

        Raises:
            FileNotFoundError: *scratch* was deleted.
        """
        if isinstance(self.held, bytes):
            return self
        target = scratch / f"copy-{uuid.uuid4().hex}"
        try:
            os.link(self.held, target)  # the file never changes
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(self.held, target)
        return Content(self.size, target)

    def discard(self) -> None:
        if isinstance(self.held, pathlib.Path):
            self.held.unlink()


class Writer:
    """Takes the bytes of an object as they arrive; end it with `finish` or `discard`."""

    def __init__(self, scratch: pathlib.Path) -> None:
        self.size = 0
        self._scratch = scratch
        self._memory = bytearray()
        self._file: BinaryIO | None = None
        self._path: pathlib.Path | None = None

    def write(self, piece: bytes) -> None:
        self.size += len(piece)
        if self._file is None and self.size > MAX_BYTES_IN_MEMORY:
            descriptor, name = tempfile.mkstemp(prefix="object-", dir=self._scratch)
            self._path = pathlib.Path(name)
            self._file = os.fdopen(descriptor, "wb")
            self._file.write(self._memory)
            self._memory = bytearray()
        if self._file is None:
            self._memory += piece
        else:
            self._file.write(piece)

    def finish(self) -> Content:
        """What was written."""
        if self._file is None or self._path is None:
            return Content(self.size, bytes(self._memory))
        self._file.close()
        return Content(self.size, self._path)

    def discard(self) -> None:
        """Discard what was written."""
        self._memory = bytearray()
        if self._file is not None and self._path is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)


class _FilePieces:
    """Pieces of a file. It is closed after the last one, or with the last reference.

    Not a generator: a generator that is never started would keep the file open, and a client may
    disconnect before the first piece.
    """

    def __init__(self, path: pathlib.Path, start: int, stop: int) -> None:
        self._left = stop - start
        self._file = path.open("rb", buffering=0)
        self._file.seek(start)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = self._file.read(min(READ_SIZE, self._left)) if self._left else b""
        if not piece:
            self._file.close()
            raise StopIteration
        self._left -= len(piece)
        return piece

    def __del__(self) -> None:
        self._file.close()
