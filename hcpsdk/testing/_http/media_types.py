"""The media type of an object, by its name. Imports nothing of the emulator."""

import mimetypes
import pathlib

# Python's table without that of the machine: the same types everywhere.
_TYPES = mimetypes.MimeTypes()
UNKNOWN_TYPE = "application/octet-stream"


def content_type(name: bytes) -> str:
    """The media type, which depends in 7.1 on the extension of *name* only."""
    suffix = pathlib.PurePosixPath(name.decode("latin-1")).suffix
    kind, encoding = _TYPES.guess_type(f"name{suffix}")
    return kind if kind and not encoding else UNKNOWN_TYPE
