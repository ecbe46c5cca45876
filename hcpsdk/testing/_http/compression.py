"""Compression: unpacks gzip uploads, packs responses. Imports `messages`, `errors`, `responses`.

docs/hcp/namespace.rst, sections 5 and 8.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator

from .errors import HTTPError
from .messages import Request
from .responses import Headers

MAX_UNPACKED_BYTES = 256 * 1024  # maximum of bytes that unpacking returns at once
_GZIP_FORMAT = 31  # wbits of zlib for the gzip format


class BodyStream:
    """Pieces as the body of a response. Other requests are processed between them."""

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
    """Whether to pack the response; 406 if the client accepts neither gzip nor plain bodies."""
    header = request.header("Accept-Encoding") or ""
    accepted = dict(map(_coding, header.lower().split(","))) if header.strip() else {}
    if not accepted:
        return False
    anything = accepted.get("*", False)
    if accepted.get("gzip", anything):
        return True
    # HCP's manual requires 406 without gzip, but Python's default "identity" was accepted.
    if not accepted.get("identity", anything):
        raise HTTPError(406)
    return False


def _coding(text: str) -> tuple[str, bool]:
    """A name in Accept-Encoding, and whether it is acceptable (not "q=0")."""
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


def encoding(gzip: bool) -> Headers:
    """The header of a packed body."""
    return [("Content-Encoding", "gzip")] if gzip else []


def framing(length: int, gzip: bool) -> Headers:
    """The headers of a body of *length* bytes; a packed one is sent in chunks (section 8)."""
    name = "X-HCP-ContentLength" if gzip else "Content-Length"
    return [*encoding(gzip), (name, str(length))]


def body(data: bytes | Iterable[bytes], gzip: bool) -> bytes | AsyncIterator[bytes]:
    """*data* as the body of a response."""
    if gzip:
        return BodyStream(packed([data] if isinstance(data, bytes) else data))
    return data if isinstance(data, bytes) else BodyStream(data)


# Uploads


class Unpacker:
    """Passes the bytes of an upload that is not packed."""

    def unpacked(self, piece: bytes) -> Iterator[bytes]:
        yield piece

    def finish(self) -> None:
        """Call this after the last piece."""


class Gunzip(Unpacker):
    """Unpacks an upload in gzip format; 400 for other data."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_FORMAT)

    def unpacked(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            if self._member.eof:  # several gzip members in a row are one file
                self._member = zlib.decompressobj(_GZIP_FORMAT)
            try:
                plain = self._member.decompress(piece, MAX_UNPACKED_BYTES)
            except zlib.error as exc:
                raise HTTPError(400, "the body is not in gzip format") from exc
            yield plain
            piece = self._member.unconsumed_tail or self._member.unused_data

    def finish(self) -> None:
        if not self._member.eof:
            raise HTTPError(400, "the body is not in gzip format, or incomplete")


def unpacker(request: Request) -> Unpacker:
    """The unpacker for the body of *request*; 415 for an encoding other than gzip."""
    encoding = (request.header("Content-Encoding") or "").strip().lower()
    if encoding == "gzip":
        return Gunzip()
    if encoding in ("", "identity"):
        return Unpacker()
    raise HTTPError(415)
