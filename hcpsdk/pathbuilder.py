"""Unique object names, and paths that spread them over folders, as suits HCP."""

import itertools
import os
import re
import secrets
import time

from hcpsdk._errors import HcpsdkError

__all__ = ["PathBuilder", "PathBuilderError", "pathbuilderError"]

# 100-nanosecond steps from 1582-10-15 to 1970-01-01 (RFC 4122, section 4.1.4).
EPOCH = 0x01B21DD213814000

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

# What XML 1.0 cannot carry, not even escaped (section 2.2, "Characters").
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# In an attribute's value. White space is escaped, because parsers would make a blank of it.
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


class PathBuilderError(HcpsdkError):
    """XML cannot carry a name, or a name was not made by `PathBuilder.getunique()`."""


#: The manual's other spelling of `PathBuilderError`.
pathbuilderError = PathBuilderError


class PathBuilder:
    """Makes unique names for objects, and finds the path of an object by its name alone.

    Names are version 1 UUIDs; each object lies in one of 65536 folders, given by bytes 4 and 3 of
    its name. Thread-safe, and safe across processes and machines.

    Args:
        initialpath: The leading part of all paths.
        annotation: True makes `getunique()` return an annotation, too.

    Raises:
        TypeError, ValueError: *initialpath* is no ``str``, or does not start with ``/``.
    """

    def __init__(self, initialpath: str = "/rest/hcpsdk", annotation: bool = False) -> None:
        if not isinstance(initialpath, str):
            raise TypeError(f"initialpath must be str, not {type(initialpath).__name__}")
        if not initialpath.startswith("/"):
            raise ValueError(f"a path starts with '/', as in '/rest/hcpsdk': {initialpath!r}")
        self._initialpath = initialpath.rstrip("/")
        self._annotation = bool(annotation)

    def getunique(self, filename: str) -> tuple[str, str] | tuple[str, str, str]:
        """A folder's path, and a new unique name for an object in it.

        Args:
            filename: The name by which the object is known so far; it goes into the annotation.

        Returns:
            ``(path, name)``, or ``(path, name, annotation)`` if annotations are wanted. All are
            ``str``; store the object as ``f"{path}/{name}"``. The annotation is an XML document
            with the file name, to be stored as custom metadata; sent as a ``str`` it is in UTF-8,
            as it says.

        Raises:
            PathBuilderError: XML cannot carry *filename*; only if annotations are wanted.
            TypeError: *filename* is not a ``str``.
        """
        if not isinstance(filename, str):
            raise TypeError(f"filename must be str, not {type(filename).__name__}")
        name = _names.next()
        path = self._folder(name)
        if not self._annotation:
            return path, name
        return path, name, self._make_annotation(filename, path, name)

    def getpath(self, objectname: str) -> str:
        """The full path of the object called *objectname*, its name included.

        Args:
            objectname: A name that `getunique()` made, also in another process or long ago; the
                original's names do as well.

        Raises:
            PathBuilderError: *objectname* is no UUID.
            TypeError: *objectname* is not a ``str``.
        """
        if not isinstance(objectname, str):
            raise TypeError(f"objectname must be str, not {type(objectname).__name__}")
        if not _UUID.fullmatch(objectname):
            raise PathBuilderError(f"not a name made by getunique(): {objectname!r}")
        name = objectname.lower()
        return f"{self._folder(name)}/{name}"

    def _folder(self, name: str) -> str:
        return f"{self._initialpath}/{name[6:8]}/{name[4:6]}"

    def _make_annotation(self, filename: str, path: str, name: str) -> str:
        for text in (filename, path):
            if found := _NOT_IN_XML.search(text):
                raise PathBuilderError(
                    f"XML cannot carry {found[0]!r}, at position {found.start()} of {text!r}"
                )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<hcpsdk_fileobject filename="{filename.translate(_ESCAPES)}" '
            f'path="{path.translate(_ESCAPES)}" uuid="{name}"/>\n'
        )


class _Names:
    """Version 1 UUIDs of which no two are alike, in this process or any other.

    Within the process the time makes them unique: its lower 16 bits are a counter, the rest comes
    from the clock, and is pushed on where the clock is not fast enough. So names that follow each
    other lie in different folders, and all folders fill alike.

    Across processes a random node does (RFC 4122, section 4.5), because a MAC address is shared by
    all processes of a machine, and by containers on different machines; 14 bits of clock sequence
    beside it are too few for a bulk ingest.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew, as another process does."""
        # Nothing is locked, because a signal handler may interrupt any step and make a name, too.
        self._numbers = itertools.count(secrets.randbits(16))
        # What names have in common while the clock's part stays the same: this part, and the number
        # of the first. Later numbers may use it as long as their lower 16 bits do not come again.
        self._current = (0, 0)
        self._recent = {0: self._current}  # by the clock's part: each is begun only once
        # Multicast bit set: not the address of any machine.
        node = secrets.randbits(48) | 1 << 40
        sequence = 0x8000 | secrets.randbits(14)
        self._ending = f"-{sequence:04x}-{node:012x}"

    def next(self) -> str:
        number = next(self._numbers)
        now = (time.time_ns() // 100 + EPOCH) >> 16  # of 65536 * 100 nanoseconds
        steps, first = self._current
        while steps < now or not first <= number <= first + 0xFFFF:
            begun = max(now, steps + 1)
            # Of several threads that begin it, one does.
            steps, first = self._current = self._recent.setdefault(begun, (begun, number))
            for old in list(self._recent)[:-100]:
                self._recent.pop(old, None)
        low = (steps & 0xFFFF) << 16 | number & 0xFFFF
        middle, high = steps >> 16 & 0xFFFF, steps >> 32
        return f"{low:08x}-{middle:04x}-1{high & 0x0FFF:03x}{self._ending}"


_names = _Names()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_names.reset)
