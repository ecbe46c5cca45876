"""What a caller may give as a request's body, and what is raised while it is read.

Imports only `hcpsdk._errors`. (All requests need this; `body` and `body_kinds` are imported for the
first request whose body is more than some bytes.)
"""

from __future__ import annotations

from collections.abc import Iterable

from hcpsdk._errors import HcpsdkError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol
else:
    Protocol = object

BLOCK = 1024 * 1024  # bytes; larger ones bring nothing, smaller ones cost CPU time


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
