"""Compression: unpacks gzip uploads, packs responses. Imports `messages` and `errors`.

docs/hcp/namespace.rst, sections 5 and 8.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator

from .errors import HTTPError
from .messages import Request

PIECE = 256 * 1024  # bytes that unpacking gives at once, however well they were packed
_GZIP_FORMAT = 31  # zlib's wbits for the largest window in a gzip wrapping


class BodyStream:
    """Pieces as the body of a reply. Between them other requests get their turn."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            await asyncio.sleep(0)
            return piece
        raise StopAsyncIteration


# Responses


def wants_gzip(request: Request) -> bool:
    """Whether the reply is to be packed; refuses with 406 whoever takes neither that nor plain."""
    header = request.header("Accept-Encoding") or ""
    accepted = dict(map(_coding, header.lower().split(","))) if header.strip() else {}
    if not accepted:
        return False
    anything = accepted.get("*", False)
    if accepted.get("gzip", anything):
        return True
    # HCP's manual wants 406 where gzip is missing; yet Python's own "identity" was served.
    if not accepted.get("identity", anything):
        raise HTTPError(406)
    return False


def _coding(text: str) -> tuple[str, bool]:
    """A name from Accept-Encoding, and whether it is welcome ("q=0" says no)."""
    name, _, quality = text.partition(";")
    _, _, number = quality.partition("=")
    try:
        return name.strip(), float(number.strip() or 1) > 0
    except ValueError:
        return name.strip(), True


def packed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """*pieces* in gzip format."""
    packer = zlib.compressobj(wbits=_GZIP_FORMAT)
    for piece in pieces:
        if out := packer.compress(piece):
            yield out
    yield packer.flush()


# Uploads


class Unpacker:
    """Gives the bytes to be stored of an upload that is sent as they are."""

    def unpacked(self, piece: bytes) -> Iterator[bytes]:
        yield piece

    def finish(self) -> None:
        """To be called after the last piece."""


class Gunzip(Unpacker):
    """Unpacks an upload in gzip format; refuses with 400 what is not."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_FORMAT)

    def unpacked(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            if self._member.eof:  # several gzip members in a row are one file
                self._member = zlib.decompressobj(_GZIP_FORMAT)
            try:
                plain = self._member.decompress(piece, PIECE)
            except zlib.error as exc:
                raise HTTPError(400, "the body is not in gzip format") from exc
            yield plain
            piece = self._member.unconsumed_tail or self._member.unused_data

    def finish(self) -> None:
        if not self._member.eof:
            raise HTTPError(400, "the body is not in gzip format, or not all of it")


def unpacker(request: Request) -> Unpacker:
    """What unpacks *request*'s body; refuses with 415 an encoding other than gzip."""
    encoding = (request.header("Content-Encoding") or "").strip().lower()
    if encoding == "gzip":
        return Gunzip()
    if encoding in ("", "identity"):
        return Unpacker()
    raise HTTPError(415)
