"""A request's body: how long it is, its pieces, and whether it can be sent again.

The base of all kinds of bodies, and those that are in memory or iterated; `body_file` has files,
`body_kinds` decides which kind an object is. Imports only `content`.
"""

from __future__ import annotations

import enum
import http.client
import re
from collections.abc import Iterable, Iterator

from hcpsdk._request.content import BLOCK, BodyError, Buffer, CallerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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


class Region:
    """A part of a regular file that is open.

    Args:
        file: The file. (Its number is looked up each time: once closed, another file may have it.)
        start: Bytes from its beginning.
        length: Bytes.
    """

    __slots__ = ("file", "length", "start")

    def __init__(self, file: Any, start: int, length: int) -> None:
        self.file = file
        self.start = start
        self.length = length


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

    def in_memory(self) -> tuple[Buffer, ...] | None:
        """The pieces, without reading them; None if they are not in memory."""
        return None

    def region(self) -> Region | None:
        """Where the system finds the body by itself; None where only `blocks()` has it."""
        return None

    def region_was_sent(self, count: int) -> None:
        """All of the region, *count* bytes, was sent: leave the file as `blocks()` does.

        Raises:
            BodyError: That was less than ``length``.
        """
        raise NotImplementedError


# Bytes-like objects

# What a buffer may hold: numbers, characters of one byte, padding, and records of these
# (PEP 3118); not objects, pointers, or text, which would be stored as what they are in memory.
# Compiled at its first use.
_PLAIN_FORMAT = r"(?:[@=<>!^]|\d|\([\d,]*\)|T\{|\}|:[^:]*:|Z[fdg]|[xcbB?hHiIlLqQnNefdgspFD])*"


def view_of(content: object) -> memoryview | None:
    """The bytes of a bytes-like object; None for any other object.

    Its length is that of its memory, whatever its ``__len__`` says.
    """
    try:
        view = memoryview(content)  # type: ignore[arg-type]
    except TypeError:
        return None
    except BufferError as exc:
        raise TypeError(f"invalid body type {type(content).__name__}: {exc}") from exc
    if view.format != "B":
        is_number = not view.ndim and "{" not in view.format
        if is_number or not re.fullmatch(_PLAIN_FORMAT, view.format):
            raise TypeError(
                f"invalid body type {type(content).__name__} (format {view.format!r}); expected "
                "bytes: what is in its memory is not what it stands for"
            )
    if view.ndim == 1 and view.format == "B" and view.c_contiguous:
        return view
    return view.cast("B") if view.nbytes and view.c_contiguous else memoryview(view.tobytes())


def as_bytes(item: Any) -> Buffer:
    """A piece of a body.

    Raises:
        TypeError: It is not bytes-like.
    """
    if type(item) is bytes or type(item) is bytearray:
        return item
    view = view_of(item)
    if view is None:
        raise TypeError(f"a body's pieces must be bytes, not {type(item).__name__}")
    return view


class BytesBody(Body):
    """Bytes in memory."""

    length_source = Length.IN_MEMORY
    rewinding = Rewind.IN_MEMORY

    def __init__(self, content: Buffer) -> None:
        self._content = content
        self.length = len(content)

    def in_memory(self) -> tuple[Buffer, ...]:
        return (self._content,)

    def blocks(self) -> Iterator[Buffer]:
        view = memoryview(self._content)
        for start in range(0, len(view), BLOCK):
            yield view[start : start + BLOCK]


class SequenceBody(Body):
    """A list or tuple of bytes; views, so that none can be resized meanwhile."""

    length_source = Length.IN_MEMORY
    rewinding = Rewind.IN_MEMORY

    def __init__(self, items: list[memoryview]) -> None:
        self._items = [item for item in items if len(item)]
        self.length = sum(len(item) for item in self._items)

    def in_memory(self) -> tuple[Buffer, ...]:
        return tuple(self._items)

    def blocks(self) -> Iterator[Buffer]:
        return iter(self._items)


# Iterables


class IterableBody(Body):
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
                piece = as_bytes(item)
                sent += len(piece)
                if self.length is not None and sent > self.length:
                    break
                if len(piece):
                    yield piece
        except (OSError, http.client.HTTPException, BodyError) as exc:
            raise CallerError(exc) from exc
        if self.length is not None and sent > self.length:
            raise BodyError(f"the body is longer than its {self.length} bytes")
        check_complete(sent, self.length)


def check_complete(sent: int, length: int | None) -> None:
    if length is not None and sent != length:
        raise BodyError(f"the body ended after {sent} of {length} bytes")
