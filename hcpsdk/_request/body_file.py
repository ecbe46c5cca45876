"""A request's body that is read from a file, or from another object with ``read()``.

Says how long it is, and goes back in it only where `seek()` is shown to work (contract 3.4).
"""

from __future__ import annotations

import http.client
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator

from hcpsdk._request.body import Body, Length, Region, Rewind, as_bytes, check_complete
from hcpsdk._request.content import BLOCK, BodyError, Buffer, CallerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Bytes from the start of a body that are compared before it is trusted to be there again.
_COMPARED = 1024


class FileBody(Body):
    """A file or another object with ``read()``, from its current position."""

    def __init__(self, file: Any) -> None:
        if not _affirms(file, "readable"):
            raise ValueError("the body is a file that is not open for reading")
        self._file = file
        self._start, self.rewinding = _way_back(file)
        try:
            self.length, self.length_source = _bytes_left(file, self._start, self.rewinding)
        except OSError as exc:
            raise BodyError(f"the body cannot be read: {exc}") from exc
        self._is_region = self.length_source is Length.ON_DISK and type(file) in _SENDABLE
        self._count = 0  # bytes read since it last stood at its start
        self._first = b""  # the first bytes of the first attempt
        self._least = 0  # bytes; an attempt that ends with fewer is not the whole body

    def blocks(self) -> Iterator[Buffer]:
        if self._is_region and self.length is not None:
            return self._read_into_one_buffer(self.length)
        return self._read_pieces()

    def in_memory(self) -> tuple[Buffer, ...] | None:
        if type(self._file) is not io.BytesIO or self._start is None:
            return None
        return (memoryview(self._file.getvalue())[self._start :],)

    def region(self) -> Region | None:
        if not self._is_region or self._start is None or self.length is None:
            return None
        return Region(self._file, self._start, self.length)

    def region_was_sent(self, count: int) -> None:
        assert self._start is not None
        self._count = count
        self._file.seek(self._start + count)
        check_complete(count, self.length)

    def rewind(self) -> bool:
        if not self._count:
            return True
        if self._start is None:
            return False
        self._least = max(self._least, self._count)
        try:
            if self.rewinding is not Rewind.IF_SHOWN:
                self._file.seek(self._start)
            elif not self._seek_back_with_proof(self._start):
                return False
        except Exception as exc:  # whatever it is, the failed connection is to be reported
            if _is_callers_time_limit(exc):
                raise
            return False
        self._count = 0
        return True

    def _seek_back_with_proof(self, start: int) -> bool:
        """Seek to the start; False where anything shows that the object is somewhere else."""
        file = self._file
        if file.tell() != start + self._count:
            return False
        end = self._find_end()
        if end is not None:
            if end < start + self._count:
                return False
            self._least = max(self._least, end - start)
        elif self.length is None:
            return False
        file.seek(start)
        if file.tell() != start:
            return False
        again = bytes(as_bytes(file.read(len(self._first))))
        file.seek(start)
        return bool(again) and self._first.startswith(again) and file.tell() == start

    def _find_end(self) -> int | None:
        """Seek to the end; None where that is not supported.

        An object that only counts what was read cannot say where its end is.
        """
        try:
            self._file.seek(0, os.SEEK_END)
        except (NotImplementedError, TypeError, ValueError):
            return None
        end: int = self._file.tell()
        return end

    def _read(self, read: Callable[[Any], Any], size: Any) -> Any:
        try:
            return read(size)
        except _reading_errors() as exc:
            if _is_callers_time_limit(exc):
                raise CallerError(exc) from exc
            raise BodyError(f"the body cannot be read: {exc or type(exc).__name__}") from exc

    def _read_into_one_buffer(self, length: int) -> Iterator[Buffer]:
        buffer = memoryview(bytearray(min(BLOCK, length)))  # new memory for each block costs time
        sent = 0
        while sent < length and (count := self._read(self._file.readinto, buffer[: length - sent])):
            sent += count
            self._count = sent
            yield buffer[:count]
        check_complete(sent, length)

    def _read_pieces(self) -> Iterator[Buffer]:
        sent = 0
        while self.length is None or sent < self.length:
            # A file that grows meanwhile is sent as long as it was when the request was made.
            size = BLOCK if self.length is None else min(BLOCK, self.length - sent)
            piece = self._read(self._file.read, size)
            if piece is None:
                raise BodyError("the body's read() returned None; a blocking object is needed")
            if isinstance(piece, str):
                raise TypeError(
                    f"the body's read() ({type(self._file).__name__}) returned str, which may not "
                    "be what is on disk; open the file in binary mode"
                )
            piece = as_bytes(piece)
            if not len(piece):
                break
            if not sent and not self._first:
                self._first = bytes(piece[:_COMPARED])
            sent += len(piece)
            self._count = sent
            if self.length is not None and sent > self.length:
                raise BodyError("the body's read() returned more than was requested")
            yield piece
        check_complete(sent, self.length)
        if self.length is None and sent < self._least:
            raise BodyError(f"the body ended after {sent} bytes; before, it had {self._least}")


# Nothing but these: others may hand out something else than lies in the file below them.
_SENDABLE = (io.BufferedReader, io.FileIO)

# What the file objects of the standard library raise where a file cannot be read, by module.
# (A TarError, for example, is no OSError; nothing raises it before its module was imported.)
_READING_ERRORS = {
    "zlib": "error",
    "lzma": "LZMAError",
    "compression.zstd": "ZstdError",
    "zipfile": "BadZipFile",
    "tarfile": "TarError",
}


def _reading_errors() -> tuple[type[Exception], ...]:
    more = (
        getattr(sys.modules[module], name)
        for module, name in _READING_ERRORS.items()
        if module in sys.modules
    )
    return (OSError, EOFError, http.client.HTTPException, *more)


def _is_callers_time_limit(error: Exception) -> bool:
    """True if a time limit of the caller's passed: that of a signal handler, or of a socket.

    What the operating system raises has a number.
    """
    return isinstance(error, TimeoutError) and error.errno is None


def _affirms(file: Any, question: str) -> bool:
    """False if *file* has a method of that name, and it says no."""
    ask = getattr(file, question, None)
    return not callable(ask) or bool(ask())


def _way_back(file: Any) -> tuple[int | None, Rewind]:
    """Where *file* stands, to seek to later, and what is known about seeking in it."""
    if not _is_regular(file):
        return None, Rewind.NOT_REGULAR
    position = _position(file)
    if position is None:
        return None, Rewind.NO_SEEK
    if type(file) is io.BytesIO:
        return position, Rewind.IN_MEMORY
    raw = file.raw if type(file) in (io.BufferedReader, io.BufferedRandom) else file
    return position, Rewind.REGULAR_FILE if type(raw) is io.FileIO else Rewind.IF_SHOWN


def _is_regular(file: Any) -> bool:
    """False if *file* reads from a character device, a pipe or a socket: there is no way back,
    even where `seek()` does not fail."""
    if type(file) is io.BytesIO:
        return True
    try:
        mode = os.fstat(file.fileno()).st_mode
    except (AttributeError, OSError, OverflowError, TypeError, ValueError):
        return True  # it has no number, or that of nothing
    return stat.S_ISREG(mode) or stat.S_ISBLK(mode)


def _position(file: Any) -> int | None:
    """Where *file* stands; None if it cannot seek to there."""
    try:
        if not _affirms(file, "seekable"):
            return None
        position = file.tell()
        file.seek(position)
    except Exception as exc:  # whatever it is: it cannot
        if _is_callers_time_limit(exc):
            raise
        return None
    return position if isinstance(position, int) and position >= 0 else None


def _bytes_left(file: Any, position: int | None, rewinding: Rewind) -> tuple[int | None, Length]:
    """Bytes from *position* to the end; None if that cannot be known.

    Only of known types: others may hand out something else than lies in the file below them (the
    file number of a GzipFile is that of the compressed file).
    """
    if type(file) is http.client.HTTPResponse and not file.chunked and file.length is not None:
        return file.length, Length.ANNOUNCED  # its read() does not notice a cut
    if position is None:
        return None, Length.UNKNOWN
    if rewinding is Rewind.IN_MEMORY:
        return max(file.getbuffer().nbytes - position, 0), Length.IN_MEMORY
    if rewinding is not Rewind.REGULAR_FILE:
        return None, Length.UNKNOWN
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode):
        if status.st_size > position:
            return status.st_size - position, Length.ON_DISK
        # Nothing left, or a file of the kind of /proc/cpuinfo, which reports no size.
        is_empty = not file.read(1)
        file.seek(position)
        if is_empty:
            return 0, Length.ON_DISK
    return None, Length.UNKNOWN
