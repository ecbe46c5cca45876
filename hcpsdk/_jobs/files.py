"""The local side of a transfer: the file that is sent, and the one that is written.

Imports `digest` and `_errors`; `transfer` imports it.
"""

import contextlib
import errno
import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from hcpsdk._errors import HcpsdkError
from hcpsdk._jobs.digest import Digest, new_digest

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: Receives the bytes moved so far, and how many there are in all (None if that is not known).
Progress = Callable[[int, int | None], object]

File = str | os.PathLike[str] | BinaryIO

SMALL = 64 * 1024  # bytes; a file up to here is read at once and sent with the request's head
BLOCK = 128 * 1024  # bytes that are read at a time
PART = ".hcpsdk-part"  # after a file's name while it is fetched; an object may be called "a.part"
MAX_NAME = 230  # bytes; with a longer name, there is no room for it
RESUMABLE = 1024 * 1024  # bytes; a download that is smaller is not worth resuming in a later call


class LocalFileError(HcpsdkError):
    """The local file could not be read or written: it is missing, the disk is full, and so on."""

    __module__ = "hcpsdk.transfer"


class VerificationError(HcpsdkError):
    """What HCP holds is not, or cannot be shown to be, what the local file holds."""

    __module__ = "hcpsdk.transfer"


@contextlib.contextmanager
def opened_for_reading(file: File) -> Iterator[Any]:
    """The caller's open file, or the one at a path, which is closed at the end of the block."""
    if not isinstance(file, (str, os.PathLike)):
        check_is_binary(file, "read")
        yield file
        return
    with open_file(file, "rb") as ours:
        yield ours


def open_file(path: str | os.PathLike[str], mode: str) -> Any:
    """The file at *path*, opened without a buffer; `LocalFileError` if that fails."""
    try:
        return open(path, mode, buffering=0)
    except OSError as exc:
        raise LocalFileError(f"cannot open {os.fspath(path)!r}: {exc}") from exc


def open_locked(path: Path) -> Any:
    """The file at *path*, made if it is not there; `LocalFileError` if another has it locked."""
    while True:
        try:
            file = open(path, "r+b", 0, opener=_open_or_create)  # noqa: SIM115 (the caller closes it)
        except OSError as exc:
            raise LocalFileError(f"cannot open {str(path)!r}: {exc}") from exc
        if fcntl is None:
            return file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except BlockingIOError as exc:
            file.close()
            raise LocalFileError(f"another download is writing {str(path)!r}") from exc
        except FileNotFoundError:
            pass  # the other download has just ended and renamed it
        except OSError:
            return file  # a file system without locks
        file.close()


def _open_or_create(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o666)


def check_is_binary(file: object, method: str) -> None:
    """Raise `TypeError` unless *file* is open in binary mode and has *method*."""
    if isinstance(file, io.TextIOBase):
        raise TypeError("the file is open in text mode; open it in binary mode")
    if not hasattr(file, method):
        raise TypeError(f"a path or a binary file is needed, not {type(file).__name__}")


def read_if_small(file: File) -> tuple[bytes, int] | None:
    """The content of the file at a path, if it is regular and has up to `SMALL` bytes.

    Returns:
        The bytes, and when the file was changed before they were read (nanoseconds).
    """
    if not isinstance(file, (str, os.PathLike)):
        return None
    try:
        # Half of what open() costs, which is a good part of what a small upload costs.
        descriptor = os.open(file, _READ_ONLY)
        try:
            status = os.fstat(descriptor)
            size = status.st_size
            if size > SMALL or not stat.S_ISREG(status.st_mode):
                return None
            data = os.read(descriptor, size + 1)
        finally:
            os.close(descriptor)
    except OSError as exc:
        raise LocalFileError(f"cannot read {os.fspath(file)!r}: {exc}") from exc
    # Some have more than they say: /proc/cpuinfo, and a file that grows.
    return (data, status.st_mtime_ns) if len(data) == size else None


_READ_ONLY = os.O_RDONLY | getattr(os, "O_BINARY", 0)  # Windows


class Source:
    """The file of an upload; as a request's body, it hashes what it hands out.

    Attributes:
        size: Bytes from the current position to the end; None if that cannot be known.
    """

    def __init__(self, file: Any, scheme: str, progress: Progress | None) -> None:
        self._file = file
        self._progress = progress
        self._start = _position(file)
        self._sent = 0
        self._schemes = [scheme]
        self.size = _bytes_left(file, self._start)
        if self._start is None and scheme != "MD5":
            self._schemes.append("MD5")  # it cannot be read again, so have the next likely one
        self._digests = {name: new_digest(name) for name in self._schemes}

    @property
    def body(self) -> "Source":
        """What to send."""
        return self

    @property
    def headers(self) -> dict[str, str]:
        """What has to be said of the body."""
        return {} if self.size is None else {"Content-Length": str(self.size)}

    # What a request's body can do

    def seekable(self) -> bool:
        return self._start is not None

    def tell(self) -> int:
        return (self._start or 0) + self._sent

    def seek(self, position: int, whence: int = 0) -> int:
        if self._start is None or whence or position != self._start:
            raise io.UnsupportedOperation("it can go back to its start only")
        self._call(self._file.seek, position)
        if self._sent:
            self._digests = {name: new_digest(name) for name in self._schemes}
            self._sent = 0
        return position

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._call(self._file.read, size)
        for digest in self._digests.values():
            digest.update(data)
        self._sent += len(data)
        if self._progress is not None and data:
            self._progress(self._sent, self.size)
        return data

    def _call(self, method: Callable[[Any], Any], argument: int) -> Any:
        try:
            return method(argument)
        except (OSError, EOFError) as exc:
            raise LocalFileError(f"cannot read {_name(self._file)}: {exc}") from exc

    # Afterwards

    def finish(self, reported: str) -> tuple[int, str]:
        """Size and hash of the whole file, the latter in the scheme of HCP's hash *reported*.

        What was not sent, because HCP responded early, is read here.
        """
        while self.read(BLOCK if self.size is None else min(BLOCK, self.size - self._sent)):
            pass
        scheme = reported.partition(" ")[0]
        digest = self._digests.get(scheme) or self._read_again(scheme)
        return self._sent, f"{scheme} {digest.hexdigest().upper()}"

    def _read_again(self, scheme: str) -> Digest:
        if self._start is None:
            raise VerificationError(
                f"HCP's hash is {scheme}, and the file cannot be read again to compute it; "
                f"use hash_scheme={scheme!r}"
            )
        digest = new_digest(scheme)
        self._call(self._file.seek, self._start)
        left = self._sent
        while left and (data := self._call(self._file.read, min(left, BLOCK))):
            digest.update(data)
            left -= len(data)
        return digest


def _name(file: Any) -> str:
    return repr(getattr(file, "name", file))


def _position(file: Any) -> int | None:
    """Where *file* stands; None if it cannot go back there."""
    try:
        if not file.seekable():
            return None
        position: int = file.tell()
        return position
    except (AttributeError, OSError):
        return None


def _bytes_left(file: Any, position: int | None) -> int | None:
    """Bytes from *position* to the end, of files that are known to say the truth about it."""
    if position is None:
        return None
    if type(file) is io.BytesIO:
        return max(file.getbuffer().nbytes - position, 0)
    if type(file) not in (io.FileIO, io.BufferedReader, io.BufferedRandom):
        return None
    try:
        status = os.fstat(file.fileno())
    except OSError as exc:
        raise LocalFileError(f"cannot read {_name(file)}: {exc}") from exc
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_size - position if status.st_size > position else None


class Sink:
    """Where a download is written to.

    Attributes:
        size: Bytes that are there.
        etag: Of the object that they are a part of; None while that is not known.
    """

    size = 0
    etag: str | None = None

    def __init__(self, file: Any, name: str) -> None:
        self._file = file
        self._name = name

    def write(self, data: bytes) -> None:
        """Append *data*."""
        view = memoryview(data)
        while view:
            count = self._call(self._file.write, view)
            view = view[len(view) if count is None else count :]
        self.size += len(data)

    def note(self, etag: str | None, total: int | None) -> None:
        """Remember which object is being written."""
        self.etag = etag

    def restart(self) -> None:
        """Be empty again."""
        raise NotImplementedError

    def commit(self) -> None:
        """Everything is there, and verified."""

    def discard(self) -> None:
        """The download has failed: leave nothing of it."""

    def keep(self) -> None:
        """The download has failed: leave what a later call can resume."""
        self.discard()

    def _call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return method(*arguments)
        except OSError as exc:
            raise LocalFileError(f"cannot write {self._name}: {exc}") from exc


class OpenFile(Sink):
    """A file that the caller opened."""

    def __init__(self, file: Any) -> None:
        check_is_binary(file, "write")
        super().__init__(file, _name(file))
        self._start = _position(file)

    def restart(self) -> None:
        if self._start is None:
            raise HcpsdkError(f"the download cannot begin anew: {self._name} cannot go back")
        self._call(self._file.seek, self._start)
        self._call(self._file.truncate)
        self.size = 0

    def discard(self) -> None:
        try:
            self.restart()
        except (AttributeError, HcpsdkError):
            pass  # it stays as it is; the failure that led here says more


class PartFile(Sink):
    """A file beside its final name, which it gets when it is complete.

    Attributes:
        part: Its path until then.
    """

    def __init__(self, path: Path, resume: bool) -> None:
        self._path = path
        name = path.name
        if len(os.fsencode(name)) > MAX_NAME:
            name = hashlib.sha256(os.fsencode(name)).hexdigest()
        self.part = path.with_name(name + PART)
        # Which object this is a part of; written only where it is worth to resume.
        self._note = path.with_name(name + PART + ".etag")
        self._name = repr(str(self.part))
        self._file = open_locked(self.part)
        try:
            if resume:
                self._resume()
            if self._call(os.fstat, self._file.fileno()).st_size:
                self._call(self._file.truncate, self.size)
            self._call(self._file.seek, self.size)
            if not self.etag:
                self._call(self._note.unlink, True)
        except LocalFileError:
            self._close()
            raise

    def _resume(self) -> None:
        try:
            self.etag = self._note.read_text("latin-1") or None
            # At least one byte is requested, so that the response describes the object.
            self.size = max(self.part.stat().st_size - 1, 0) if self.etag else 0
        except OSError:
            self.etag, self.size = None, 0

    def _close(self) -> None:
        if fcntl is not None and not self._file.closed:
            # A process that was forked meanwhile would hold the lock on.
            with contextlib.suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)
        self._file.close()

    def content(self, start: int, stop: int) -> Iterator[bytes]:
        """What has been written from byte *start* up to byte *stop*."""
        with open_file(self.part, "rb") as file:
            self._call(file.seek, start)
            while start < stop and (data := self._call(file.read, min(stop - start, BLOCK))):
                start += len(data)
                yield data

    def note(self, etag: str | None, total: int | None) -> None:
        if etag and etag != self.etag and total is not None and total >= RESUMABLE:
            self._call(self._note.write_text, etag, "latin-1")
        self.etag = etag

    def restart(self) -> None:
        self._call(self._file.seek, 0)
        self._call(self._file.truncate)
        self.size = 0

    def allocate(self, size: int) -> None:
        """Take the whole space now, so that a full disk is noticed before anything is fetched."""
        self.size = size
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(self._file.fileno(), 0, size)
                return
            except OSError as exc:
                if exc.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                    raise LocalFileError(f"cannot write {self._name}: {exc}") from exc
        self._call(self._file.truncate, size)

    def commit(self) -> None:
        self._call(os.fsync, self._file.fileno())
        if fcntl is None:
            self._file.close()  # Windows renames no open file
        self._call(os.replace, self.part, self._path)
        self._call(self._note.unlink, True)
        self._close()  # not before: another download could lock what is renamed then

    def discard(self) -> None:
        if fcntl is None:
            self._file.close()
        for path in (self.part, self._note):
            try:
                path.unlink()
            except OSError:
                pass  # the failure that led here says more
        self._close()

    def keep(self) -> None:
        if self._note.exists():
            self._close()
        else:
            self.discard()
