"""Multipart uploads that are not finished, and their parts. Imports `_store`.

docs/hcp/s3.rst, section 7.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from .._store.content import Content, Writer
from .._store.hashes import digest
from .._store.namespaces import Key
from .._store.objects import Path
from .._store.store import Store
from .errors import S3Error

FIRST_ID = 95_000_000_000_001  # IDs are integers


@dataclass(frozen=True)
class Part:
    """A part that arrived completely."""

    content: Content
    etag: str  # MD5 in hexadecimal
    changed: int  # milliseconds since the epoch


@dataclass
class MultipartUpload:
    """An upload by *user* to the name *path* in the bucket *key*."""

    number: int
    key: Key
    path: Path
    user: str
    pairs: Mapping[str, str]  # the user metadata
    started: int  # milliseconds since the epoch
    parts: dict[int, Part] = field(default_factory=dict)  # by number
    is_finishing: bool = False

    def put(self, number: int, part: Part) -> None:
        """Have *part*, in place of another one with its number."""
        if old := self.parts.pop(number, None):
            old.content.discard()
        self.parts[number] = part

    def discard(self) -> None:
        """Delete the bytes of all parts."""
        for part in self.parts.values():
            part.content.discard()
        self.parts.clear()


class Uploads:
    """All unfinished uploads of a system."""

    def __init__(self) -> None:
        self._numbers = itertools.count(FIRST_ID)
        self._uploads: dict[int, MultipartUpload] = {}

    def start(
        self, key: Key, path: Path, user: str, pairs: Mapping[str, str], now: int
    ) -> MultipartUpload:
        """A new upload."""
        number = next(self._numbers)
        self._uploads[number] = upload = MultipartUpload(number, key, path, user, pairs, now)
        return upload

    def find(self, text: str, key: Key, path: Path, user: str) -> MultipartUpload:
        """The upload with the ID *text*; 404 for other users and names, and once it has ended."""
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
        found = self._uploads.get(number)
        if found is None or (found.key, found.path, found.user) != (key, path, user):
            raise S3Error(404, "NoSuchUpload", "The specified upload does not exist")
        return found

    def of(self, key: Key) -> list[MultipartUpload]:
        """The uploads to a bucket, by name and ID."""
        found = (each for each in self._uploads.values() if each.key == key)
        return sorted(found, key=lambda each: (b"/".join(each.path), each.number))

    def end(self, upload: MultipartUpload) -> None:
        """Forget *upload* and its parts."""
        self._uploads.pop(upload.number, None)
        upload.discard()

    def is_open(self, upload: MultipartUpload) -> bool:
        """Whether it has not ended."""
        return upload.number in self._uploads

    def clear(self) -> None:
        """Forget all uploads."""
        for upload in [*self._uploads.values()]:
            self.end(upload)


async def received(pieces: AsyncIterator[bytes], store: Store) -> Part:
    """The part that consists of *pieces*; nothing is left of it if they end early."""
    writer, md5 = Writer(store.scratch), digest("MD5")
    try:
        async for piece in pieces:
            store.refuse_if_full(writer.size + len(piece))
            writer.write(piece)
            md5.update(piece)
        return Part(writer.finish(), md5.hexdigest(), store.clock())
    except BaseException:
        writer.discard()
        raise
