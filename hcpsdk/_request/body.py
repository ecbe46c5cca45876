"""A request's body: how long it is, its pieces, and whether it can be sent again.

`make_body` decides which kind of body an object is; ``docs/bodies.rst`` shows its decisions.
"""

import codecs
import enum
import http.client
import io
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from hcpsdk._errors import HcpsdkError

BLOCK = 1024 * 1024  # bytes; larger ones bring nothing, smaller ones cost CPU time

# Bytes from the start of a body that are compared before it is trusted to be there again.
_COMPARED = 1024


class Readable(Protocol):
    """Anything with ``read()``: files in binary or text mode, sockets' files, archives' members."""

    def read(self, size: int = ..., /) -> Any: ...


Buffer = bytes | bytearray | memoryview
Content = Buffer | str | Readable | Iterable[Buffer] | None


class BodyError(HcpsdkError):
    """The caller's file failed while it was read, or gave too little; never retried."""


class CallerError(Exception):
    """Carries what the caller's own code raised past the code that handles network failures.

    A generator may raise an `OSError`, for example, which would be taken for the socket's.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class Length(enum.Enum):
    """How the length of a body is known."""

    IN_MEMORY = "size in memory"
    ON_DISK = "size on disk, from its position"
    ANNOUNCED = "what the response announced"
    DECLARED = "``Content-Length`` of the caller"
    UNKNOWN = "unknown, sent in chunks"


class Rewind(enum.Enum):
    """Whether a body can be sent again from its beginning, and how that is known."""

    IN_MEMORY = "yes: in memory"
    REGULAR_FILE = "yes: a regular file, read without anything in between"
    IF_SHOWN = "if its ``seek()`` and ``tell()`` prove to work"
    NOT_REGULAR = "no: a device, a pipe or a socket"
    NO_SEEK = "no: no working ``seek()`` and ``tell()``"
    ITERATED = "no: may yield something else the second time"


_REWINDABLE = frozenset({Rewind.IN_MEMORY, Rewind.REGULAR_FILE, Rewind.IF_SHOWN})


class Region(NamedTuple):
    """A part of a regular file that is open."""

    file: Any  # asked for its number each time: a file that is closed loses it to another one
    start: int  # bytes from its beginning
    length: int


class Body:
    """A request's body, in pieces.

    `blocks()` yields exactly ``length`` bytes, or raises. For another attempt call `rewind()`.
    """

    length: int | None  # bytes; None where that cannot be known beforehand
    length_source: Length
    rewinding: Rewind
    is_chunked = False  # True if the caller wants it chunked, whatever is known of its length

    @property
    def can_rewind(self) -> bool:
        """False if it can be sent only once; True is a promise that `rewind()` may break."""
        return self.rewinding in _REWINDABLE

    def blocks(self) -> Iterator[Buffer]:
        """The pieces, from where the body stood when the request was made; none is empty.

        Raises:
            BodyError: The object could not be read, or held less than ``length``.
            CallerError: The caller's own code raised something that needs to be carried.
        """
        raise NotImplementedError

    def rewind(self) -> bool:
        """Go back to where the body stood when the request was made; False if that failed."""
        return True

    def region(self) -> Region | None:
        """Where the system finds the body by itself; None where only `blocks()` has it."""
        return None

    def region_was_sent(self, count: int) -> None:
        """All of the region, *count* bytes, was sent: leave the file as `blocks()` does.

        Raises:
            BodyError: That was less than ``length``.
        """
        raise NotImplementedError


def make_body(content: Content) -> Body | None:
    """The `Body` that *content* stands for; None for none.

    Raises:
        TypeError: It cannot be sent, or only as something other than its bytes.
        ValueError: It is a file that is closed, or not open for reading.
    """
    if content is None:
        return None
    if isinstance(content, str):
        return _Bytes(content.encode())
    if isinstance(content, os.PathLike):
        raise TypeError(
            f"a body cannot be made of a path ({type(content).__name__}); give the open file: "
            'open(path, "rb")'
        )
    if isinstance(content, (Mapping, int, float)):
        raise _no_body(content)
    view = _view(content)
    if view is not None:
        return _Bytes(view)
    if callable(getattr(content, "read", None)):
        return _of_file(content)
    if isinstance(content, (list, tuple)):
        return _Sequence([_as_bytes(item) for item in content])
    if isinstance(content, Iterable):
        return _Iterable(content)  # type: ignore[arg-type]
    raise _no_body(content)


def _no_body(content: object) -> TypeError:
    return TypeError(
        f"a body cannot be made of {type(content).__name__}; give bytes, str, an open file, or an "
        "iterable of bytes"
    )


def with_length(body: Body, length: int) -> Body:
    """*body* as the caller declares it: exactly *length* bytes long.

    Raises:
        ValueError: It is known to have another length.
    """
    if body.length is None:
        body.length = length
        body.length_source = Length.DECLARED
    if body.length != length:
        raise ValueError(f"Content-Length says {length} bytes, the body has {body.length}")
    return body


# Bytes-like objects

# What a buffer may hold: numbers, characters of one byte, padding, and records of these
# (PEP 3118); not objects, pointers, or text, which would be stored as what they are in memory.
_PLAIN_FORMAT = re.compile(
    r"(?:[@=<>!^]|\d|\([\d,]*\)|T\{|\}|:[^:]*:|Z[fdg]|[xcbB?hHiIlLqQnNefdgspFD])*"
)


def _view(content: object) -> memoryview | None:
    """The bytes of a bytes-like object; None if it is none.

    Its length is that of its memory, whatever its ``__len__`` says.
    """
    try:
        view = memoryview(content)  # type: ignore[arg-type]
    except TypeError:
        return None
    except BufferError as exc:
        raise TypeError(f"a body cannot be made of {type(content).__name__}: {exc}") from exc
    if view.format != "B":
        is_number = not view.ndim and "{" not in view.format
        if is_number or not _PLAIN_FORMAT.fullmatch(view.format):
            raise TypeError(
                f"a body cannot be made of {type(content).__name__} (format {view.format!r}): what "
                "lies in memory is not what it stands for; give bytes"
            )
    if view.ndim == 1 and view.format == "B" and view.c_contiguous:
        return view
    return view.cast("B") if view.nbytes and view.c_contiguous else memoryview(view.tobytes())


def _as_bytes(item: Any) -> Buffer:
    if type(item) is bytes or type(item) is bytearray:
        return item
    view = _view(item)
    if view is None:
        raise TypeError(f"a body's pieces must be bytes, not {type(item).__name__}")
    return view


class _Bytes(Body):
    """Bytes in memory."""

    length_source = Length.IN_MEMORY
    rewinding = Rewind.IN_MEMORY

    def __init__(self, content: Buffer) -> None:
        self._content = content
        self.length = len(content)

    def blocks(self) -> Iterator[Buffer]:
        view = memoryview(self._content)
        for start in range(0, len(view), BLOCK):
            yield view[start : start + BLOCK]


class _Sequence(Body):
    """A list or tuple of bytes."""

    length_source = Length.IN_MEMORY
    rewinding = Rewind.IN_MEMORY

    def __init__(self, items: list[Buffer]) -> None:
        self._items = [item for item in items if len(item)]
        self.length = sum(len(item) for item in self._items)

    def blocks(self) -> Iterator[Buffer]:
        return iter(self._items)


# Iterables


class _Iterable(Body):
    """Any other iterable of bytes; whether it yields the same again is unknown."""

    length = None
    length_source = Length.UNKNOWN
    rewinding = Rewind.ITERATED

    def __init__(self, items: Iterable[Buffer]) -> None:
        self._items = items
        self._was_read = False

    def rewind(self) -> bool:
        return not self._was_read

    def blocks(self) -> Iterator[Buffer]:
        sent = 0
        self._was_read = True
        try:
            for item in self._items:
                piece = _as_bytes(item)
                sent += len(piece)
                if self.length is not None and sent > self.length:
                    break
                if len(piece):
                    yield piece
        except (OSError, http.client.HTTPException, BodyError) as exc:
            raise CallerError(exc) from exc
        if self.length is not None and sent > self.length:
            raise BodyError(f"the body is longer than its {self.length} bytes")
        _check_complete(sent, self.length)


# Files


class _File(Body):
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

    def region(self) -> Region | None:
        if not self._is_region or self._start is None or self.length is None:
            return None
        return Region(self._file, self._start, self.length)

    def region_was_sent(self, count: int) -> None:
        assert self._start is not None
        self._count = count
        self._file.seek(self._start + count)
        _check_complete(count, self.length)

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
        again = bytes(_as_bytes(file.read(len(self._first))))
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
        _check_complete(sent, length)

    def _read_pieces(self) -> Iterator[Buffer]:
        sent = 0
        while self.length is None or sent < self.length:
            # A file that grows meanwhile is sent as long as it was when the request was made.
            size = BLOCK if self.length is None else min(BLOCK, self.length - sent)
            piece = self._read(self._file.read, size)
            if piece is None:
                raise BodyError("the body's read() has nothing yet; a blocking object is needed")
            if isinstance(piece, str):
                raise TypeError(
                    f"the body's read() ({type(self._file).__name__}) gives str, which might not "
                    "be what is on disk; open the file in binary mode"
                )
            piece = _as_bytes(piece)
            if not len(piece):
                break
            if not sent and not self._first:
                self._first = bytes(piece[:_COMPARED])
            sent += len(piece)
            self._count = sent
            if self.length is not None and sent > self.length:
                raise BodyError("the body's read() gave more than it was asked for")
            yield piece
        _check_complete(sent, self.length)
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


def _of_file(file: Any) -> Body:
    """The contents of *file* from its current position on; of text, the bytes on disk."""
    if getattr(file, "closed", False) is True:
        raise ValueError("the body is a closed file")
    if type(file).__module__ == "tempfile":
        # The wrappers there hide what kind of file they hold.
        file = getattr(file, "file", None) or getattr(file, "_file", file)
    if isinstance(file, io.StringIO):
        return _Bytes(file.read().encode())  # as a str
    if isinstance(file, io.TextIOWrapper):
        _sync_text_position(file)
        return _of_file(file.buffer)
    if isinstance(file, _RECODING):
        raise TypeError(f"{type(file).__name__} would be recoded; open the file in binary mode")
    return _File(file)


# Text layers that do not say what is on disk below them.
_RECODING = (io.TextIOBase, codecs.StreamReader, codecs.StreamReaderWriter, codecs.StreamRecoder)


def _sync_text_position(file: io.TextIOWrapper) -> None:
    """Move the bytes below a text file to where the text stands.

    The text layer reads ahead, and its position may lie within a character.

    Raises:
        ValueError: There is no such position in bytes.
    """
    advice = "open the file in binary mode"
    try:
        if file.seekable():
            position = file.tell()  # flushes, too
            if position >= 2**63:  # Python packs more than bytes into it then
                raise ValueError(f"the text file stands within a character or line end; {advice}")
            file.seek(position)
        else:
            # Changes nothing, but is refused once something was read.
            file.reconfigure(encoding=file.encoding, errors=file.errors)
    except UnicodeError as exc:
        raise ValueError(f"the text file's position is unknown; {advice}") from exc
    except OSError as exc:
        if exc.errno is not None:  # the system's, not Python's: what was written cannot be kept
            raise BodyError(f"the body cannot be read: {exc}") from exc
        raise ValueError(f"what the text file has read ahead would be lost; {advice}") from exc


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
        # Nothing left, or a file of the kind of /proc/cpuinfo, which tells no size.
        is_empty = not file.read(1)
        file.seek(position)
        if is_empty:
            return 0, Length.ON_DISK
    return None, Length.UNKNOWN


def _check_complete(sent: int, length: int | None) -> None:
    if length is not None and sent != length:
        raise BodyError(f"the body ended after {sent} of {length} bytes")
