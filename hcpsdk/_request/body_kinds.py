"""Which kind of body an object is. The decisions are shown in ``docs/bodies.rst``."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Iterable, Mapping

from hcpsdk._request.body import (
    Body,
    BytesBody,
    IterableBody,
    Length,
    SequenceBody,
    as_bytes,
    view_of,
)
from hcpsdk._request.body_file import FileBody
from hcpsdk._request.content import BodyError, Content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def make_body(content: Content) -> Body | None:
    """The `Body` that *content* stands for; None for none.

    Raises:
        TypeError: It cannot be sent, or only as something other than its bytes.
        ValueError: It is a file that is closed, or not open for reading.
    """
    if content is None:
        return None
    if isinstance(content, str):
        return BytesBody(content.encode())
    if isinstance(content, os.PathLike):
        raise TypeError(
            f"invalid body type {type(content).__name__}; expected an open file, not its path: "
            'open(path, "rb")'
        )
    if isinstance(content, (Mapping, int, float)):
        raise _no_body(content)
    view = view_of(content)
    if view is not None:
        return BytesBody(view)
    if callable(getattr(content, "read", None)):
        return _file_body(content)
    if isinstance(content, (list, tuple)):
        return SequenceBody([memoryview(as_bytes(item)) for item in content])
    if isinstance(content, Iterable):
        return IterableBody(content)  # type: ignore[arg-type]
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
        body.length_source = Length.DECLARED
    if body.length != length:
        raise ValueError(f"Content-Length says {length} bytes, the body has {body.length}")
    return body


def _file_body(file: Any) -> Body:
    """The contents of *file* from its current position on; of text, the bytes on disk."""
    if getattr(file, "closed", False) is True:
        raise ValueError("the body is a closed file")
    if type(file).__module__ == "tempfile":
        # The wrappers there hide what kind of file they hold.
        file = getattr(file, "file", None) or getattr(file, "_file", file)
    if isinstance(file, io.StringIO):
        return BytesBody(file.read().encode())  # as a str
    if isinstance(file, io.TextIOWrapper):
        _sync_text_position(file)
        return _file_body(file.buffer)
    if isinstance(file, _RECODING):
        raise TypeError(f"{type(file).__name__} would be recoded; open the file in binary mode")
    return FileBody(file)


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
