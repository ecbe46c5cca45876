"""Names of objects and directories in URLs and listings. docs/hcp/namespace.rst, section 17."""

import unicodedata
from urllib.parse import quote_from_bytes

from .percent import BadName, unquoted

# The parts of a name, as in `_store`.
Path = tuple[bytes, ...]

MAX_PATH_BYTES = 4095  # after "/rest/", without percent-encoding
RESERVED = frozenset([b".directory-metadata"])


class PathTooLong(ValueError):
    """The path has more than `MAX_PATH_BYTES`."""


def parsed(url_path: str) -> tuple[Path, bool]:
    """The path in ``/rest/…``, and whether it ends in a slash, which means a directory.

    Raises:
        BadName: A part is empty, ``.``, ``..``, reserved, or contains NUL.
        PathTooLong: More than 4095 bytes.
    """
    whole = unquoted(url_path.removeprefix("/rest").removeprefix("/"))
    if len(whole) > MAX_PATH_BYTES:
        raise PathTooLong(f"{len(whole)} bytes")
    if not whole:
        return (), True
    is_directory = whole.endswith(b"/")
    parts = tuple((whole[:-1] if is_directory else whole).split(b"/"))
    for part in parts:
        if part in (b"", b".", b"..") or part in RESERVED or b"\0" in part:
            raise BadName(f"invalid name of an object or directory: '{quoted((part,))}'")
    return parts, is_directory


def quoted(path: Path) -> str:
    """*path* percent-encoded, without a leading slash, as in ``urlName``."""
    return "/".join(quote_from_bytes(part, safe="") for part in path)


def url(path: Path) -> str:
    """``/rest/…``, percent-encoded; ``/rest`` for the root."""
    return f"/rest/{quoted(path)}" if path else "/rest"


def readable(name: bytes) -> str:
    """*name* as text, unprintable characters percent-encoded.

    These are characters that XML cannot carry or would change (control characters, line ends), and
    bytes that are not UTF-8 (section 17).
    """
    return "".join(map(_readable, name.decode("utf-8", "surrogateescape")))


def readable_url(path: Path) -> str:
    """``/rest/…`` in readable form, as in ``utf8Path``."""
    return "/".join(["/rest", *map(readable, path)])


def _readable(character: str) -> str:
    # C: control, format, surrogate, private, unassigned; Zl, Zp: line and paragraph separators.
    if unicodedata.category(character)[0] != "C" and character not in "\u2028\u2029":
        return character
    return quote_from_bytes(character.encode("utf-8", "surrogateescape"), safe="")
