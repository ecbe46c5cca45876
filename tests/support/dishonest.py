"""Objects that say that they can seek, and cannot: for tests of bodies that are sent again."""

import io
import lzma
import os
import tarfile
from typing import Any


class Rewindable:
    """What an honest object does; each subclass is dishonest in one way."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int = -1) -> Any:
        return self._file.read(size)

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()


class SeekDoesNothing(Rewindable):
    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        return position


class SeekReturnsNone(Rewindable):
    def seek(self, *_args: Any) -> None:  # type: ignore[override]
        pass


class TellIsZero(Rewindable):
    def tell(self) -> int:
        return 0


class TellIsZeroAndSeekDoesNothing(SeekDoesNothing):
    def tell(self) -> int:
        return 0


class CountsOnly(Rewindable):
    """Keeps a position, which `seek()` sets and `read()` moves on, but never moves the file."""

    position = 0

    def read(self, size: int = -1) -> Any:
        data = super().read(size)
        self.position += len(data)
        return data

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        self.position = position
        return position

    def tell(self) -> int:
        return self.position


class CountsOnlyWithOneArgument(CountsOnly):
    def seek(self, position: int) -> int:  # type: ignore[override]
        return super().seek(position)


class ForwardOnly(Rewindable):
    error: type[Exception] = OSError

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        if position != self._file.tell():
            raise self.error("only forward")
        return position


class ForwardOnlyValueError(ForwardOnly):
    error = ValueError


class ForwardOnlyEOFError(ForwardOnly):
    error = EOFError


class ForwardOnlyUnsupported(ForwardOnly):
    error = io.UnsupportedOperation


class ForwardOnlyTypeError(ForwardOnly):
    error = TypeError


class ForwardOnlyLzma(ForwardOnly):
    error = lzma.LZMAError


class ForwardOnlyTar(ForwardOnly):
    error = tarfile.StreamError


class TellIsText(Rewindable):
    def tell(self) -> Any:
        return "0"


class TellIsNegative(Rewindable):
    def tell(self) -> int:
        return -1


class IsForgetful(Rewindable):
    """Goes back by less than it went on."""

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        if whence:
            return self._file.seek(position, whence)
        return self._file.seek((position + self._file.tell()) // 2)


DISHONEST = [
    SeekDoesNothing,
    SeekReturnsNone,
    TellIsZero,
    TellIsZeroAndSeekDoesNothing,
    CountsOnly,
    CountsOnlyWithOneArgument,
    ForwardOnly,
    ForwardOnlyValueError,
    ForwardOnlyEOFError,
    ForwardOnlyUnsupported,
    ForwardOnlyTypeError,
    ForwardOnlyLzma,
    ForwardOnlyTar,
    TellIsText,
    TellIsNegative,
    IsForgetful,
]
