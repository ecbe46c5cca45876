"""What is sent as a request's body: how long it is, its pieces, and its way back to the start."""

import codecs
import http.client
import io
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from hcpsdk._errors import HcpsdkError

BLOCK = 1024 * 1024  # bytes; larger ones bring nothing, smaller ones cost CPU time


# What an object raises that cannot be read, among them the responses of other HTTP requests.
UNREADABLE = (OSError, http.client.HTTPException)


class Readable(Protocol):
    """Anything with ``read()``: files in binary or text mode, sockets' files, archives' members."""

    def read(self, size: int = ..., /) -> Any: ...


Buffer = bytes | bytearray | memoryview
Content = Buffer | str | Readable | Iterable[Buffer] | None


class BodyError(HcpsdkError):
    """The body could not be read from the caller's object; this is not the server's fault."""


class Region(NamedTuple):
    """A part of a regular file that is open."""

    file: Any  # its number is looked up each time: once closed, another file may have it
    start: int  # bytes from its beginning
    length: int


class Body:
    """A request's body, in pieces, as often as it can be read.

    `blocks()` yields exactly ``length`` bytes, or raises.
    """

    length: int | None  # bytes; None where that cannot be known beforehand
    can_rewind: bool  # False if it can be read only once
    is_chunked = False  # True if the caller wants it chunked, whatever is known of its length

    def blocks(self) -> Iterator[Buffer]:
        """The pieces, from where the body stood when the request was made; none is empty.

        Raises:
            BodyError: The object could not be read, or held less than ``length``.
        """
        raise NotImplementedError

    def region(self) -> Region | None:
        """Where the system finds the body by itself; None where only `blocks()` has it."""
        return None

    def region_was_sent(self, count: int) -> None:
        """*count* bytes of the region, all there were, have been sent.

        Leaves the object as `blocks()` does.

        Raises:
            BodyError: That was less than ``length``.
        """
        raise NotImplementedError


def make_body(content: Content) -> Body | None:
    """The `Body` made of *content*; None for no body.

    Raises:
        TypeError: It is nothing that can be sent.
        ValueError: It is a file that is closed, or not open for reading.
    """
    if content is None:
        return None
    if isinstance(content, str):
        return _Bytes(content.encode())
    if isinstance(content, (Mapping, int, float)):
        raise _no_body(content)
    try:
        return _Bytes(memoryview(content))  # type: ignore[arg-type]
    except TypeError:
        pass  # not one piece of bytes: then it may be several
    if hasattr(content, "read"):
        return _of_file(content)
    if isinstance(content, (list, tuple)):
        return _Sequence([_as_bytes(item) for item in content])
    if isinstance(content, Iterable):
        return _Iterable(content)  # type: ignore[arg-type]
    raise _no_body(content)


def _no_body(content: object) -> TypeError:
    return TypeError(
        f"invalid body type {type(content).__name__}; expected bytes, str, an open file, or an "
        "iterable of bytes"
    )


def with_length(body: Body, length: int) -> Body:
    """*body* as the caller declares it: exactly *length* bytes long.

    Raises:
        ValueError: It is known to have another length.
    """
    if body.length is None:
        body.length = length
    if body.length != length:
        raise ValueError(f"Content-Length says {length} bytes, the body has {body.length}")
    return body


class _Bytes(Body):
    """Bytes in memory."""

    can_rewind = True

    def __init__(self, content: Buffer) -> None:
        view = memoryview(content)
        self._content: Buffer = view.cast("B") if view.c_contiguous else view.tobytes()
        self.length = len(self._content)

    def blocks(self) -> Iterator[Buffer]:
        view = memoryview(self._content)
        for start in range(0, len(view), BLOCK):
            yield view[start : start + BLOCK]


class _Sequence(Body):
    """A list or tuple of bytes."""

    can_rewind = True

    def __init__(self, items: list[Buffer]) -> None:
        self._items = [item for item in items if len(item)]
        self.length = sum(len(item) for item in self._items)

    def blocks(self) -> Iterator[Buffer]:
        return iter(self._items)


class _Iterable(Body):
    """Any other iterable of bytes; it may not yield the same a second time."""

    length = None
    can_rewind = False

    def __init__(self, items: Iterable[Buffer]) -> None:
        self._items = items

    def blocks(self) -> Iterator[Buffer]:
        sent = 0
        try:
            for item in self._items:
                piece = _as_bytes(item)
                sent += len(piece)
                if self.length is not None and sent > self.length:
                    raise BodyError(f"the body is longer than its {self.length} bytes")
                if len(piece):
                    yield piece
        except UNREADABLE as exc:
            raise BodyError(f"the body cannot be read: {exc}") from exc
        _check_complete(sent, self.length)


class _File(Body):
    """A file or another object with ``read()``, from its current position."""

    def __init__(self, file: Any) -> None:
        if hasattr(file, "readable") and not file.readable():
            raise ValueError("the body is a file that is not open for reading")
        self._file = file
        self._start = _position(file)
        self.can_rewind = self._start is not None
        try:
            self.length = _bytes_left(file, self._start)
        except OSError as exc:
            raise BodyError(f"the body cannot be read: {exc}") from exc
        # The length is not the caller's: so the file holds the bytes as they are read.
        self._is_region = self.length is not None and type(file) in _SENDABLE
        self._was_read = False

    def blocks(self) -> Iterator[Buffer]:
        try:
            yield from self._read_blocks()
        except UNREADABLE as exc:
            raise BodyError(f"the body cannot be read: {exc}") from exc

    def region(self) -> Region | None:
        if not self._is_region or self._start is None or self.length is None:
            return None
        return Region(self._file, self._start, self.length)

    def region_was_sent(self, count: int) -> None:
        assert self._start is not None
        self._was_read = True
        self._file.seek(self._start + count)
        _check_complete(count, self.length)

    def _read_blocks(self) -> Iterator[Buffer]:
        if self._was_read and self._start is not None:
            self._file.seek(self._start)
        self._was_read = True
        if self._is_region and self.length is not None:
            return self._read_into_one_buffer(self.length)
        return self._read_pieces()

    def _read_into_one_buffer(self, length: int) -> Iterator[Buffer]:
        buffer = memoryview(bytearray(min(BLOCK, length)))  # new memory for each block costs time
        sent = 0
        while sent < length and (count := self._file.readinto(buffer[: length - sent])):
            sent += count
            yield buffer[:count]
        _check_complete(sent, length)

    def _read_pieces(self) -> Iterator[Buffer]:
        sent = 0
        while self.length is None or sent < self.length:
            # A file that grows meanwhile is sent as long as it was when the request was made.
            size = BLOCK if self.length is None else min(BLOCK, self.length - sent)
            piece = self._file.read(size)
            if piece is None:
                raise BodyError("the body's read() returned None; a blocking object is needed")
            piece = piece.encode() if isinstance(piece, str) else _as_bytes(piece)
            if not len(piece):
                break
            sent += len(piece)
            if self.length is not None and sent > self.length:
                raise BodyError("the body's read() returned more than was requested")
            yield piece
        _check_complete(sent, self.length)


# Nothing but these: others may hand out something else than lies in the file below them.
_SENDABLE = (io.BufferedReader, io.FileIO)


def _of_file(file: Any) -> Body:
    """What lies in *file* from its current position on; of text, the bytes below it."""
    if getattr(file, "closed", False):
        raise ValueError("the body is a closed file")
    if isinstance(file, (codecs.StreamReader, codecs.StreamReaderWriter)):
        raise TypeError("a file opened by codecs.open() would be recoded; open it in binary mode")
    if type(file).__module__ == "tempfile":
        # The wrappers there hide what kind of file they hold.
        file = getattr(file, "file", None) or getattr(file, "_file", file)
    if isinstance(file, io.TextIOWrapper):
        _sync_text_position(file)
        file = file.buffer
    return _File(file)  # text that lies in memory gives str: sent as UTF-8, as a str is


def _sync_text_position(file: io.TextIOWrapper) -> None:
    """Move the binary file below a text file to the text file's position.

    The text layer reads ahead, and its position need not be one between two bytes on disk.

    Raises:
        ValueError: The position is not one in bytes.
    """
    advice = "open the file in binary mode"
    try:
        if file.seekable():
            position = file.tell()  # flushes, too
            if position >= 2**63:  # Python packs more than bytes into it then
                raise ValueError(
                    f"the text file's position is within a character or line end; {advice}"
                )
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


def _position(file: Any) -> int | None:
    """The position of *file*, to seek to later; None if it cannot seek."""
    try:
        if hasattr(file, "seekable") and not file.seekable():
            return None
        position: int = file.tell()
        file.seek(position)
    except (AttributeError, OSError):
        return None
    return position


def _bytes_left(file: Any, position: int | None) -> int | None:
    """Bytes from *position* to the end; None if that cannot be known.

    Only for exactly these types: others may return something else than the file below them holds
    them (the file number of a GzipFile is that of the compressed file).
    """
    if position is None:
        return None
    if type(file) is io.BytesIO:
        return max(file.getbuffer().nbytes - position, 0)
    if type(file) not in (io.BufferedReader, io.BufferedRandom, io.FileIO):
        return None
    raw = file if type(file) is io.FileIO else file.raw
    if type(raw) is not io.FileIO:
        return None
    status = os.fstat(raw.fileno())
    if not stat.S_ISREG(status.st_mode):
        return None
    if status.st_size > position:
        return status.st_size - position
    # Nothing left, or a file such as /proc/cpuinfo, which reports no size.
    is_empty = not file.read(1)
    file.seek(position)
    return 0 if is_empty else None


def _as_bytes(item: Any) -> Buffer:
    if isinstance(item, (bytes, bytearray)):
        return item
    try:
        view = memoryview(item)
    except TypeError:
        raise TypeError(f"a body's pieces must be bytes, not {type(item).__name__}") from None
    return view.cast("B") if view.c_contiguous else view.tobytes()


def _check_complete(sent: int, length: int | None) -> None:
    if length is not None and sent != length:
        raise BodyError(f"the body ended after {sent} of {length} bytes")
