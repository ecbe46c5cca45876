"""Bodies as they are stored: unframed, and compared with what was announced about them.

Imports `credentials` and `errors`. docs/hcp/s3.rst, sections 2 and 6.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import AsyncIterator

from .._http.errors import not_emulated
from .._http.messages import Request
from .credentials import UNSIGNED, Seed, Sender
from .errors import S3Error

STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
MAX_DOCUMENT_BYTES = 2 * 1024 * 1024  # of XML
MAX_CHUNK_HEADER = 256  # bytes of the line before a chunk
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,16});chunk-signature=([0-9a-f]{64})")
_HASH = re.compile(r"[0-9a-f]{64}")
_EMPTY = hashlib.sha256().hexdigest()


def check_head(request: Request, sender: Sender) -> int:
    """Check what is said about the body before it is read; returns its length.

    411 without a length; 501 for trailers and checksums that this release does not know.
    """
    kind = sender.payload_hash
    for name, _ in request.headers:
        if name.lower().startswith(("x-amz-checksum-", "x-amz-sdk-checksum-", "x-amz-trailer")):
            raise not_emulated(f"the header {name}")
    if kind.startswith("STREAMING-") and kind != STREAMING:
        raise not_emulated(f"x-amz-content-sha256: {kind}")
    if kind not in (UNSIGNED, STREAMING) and not _HASH.fullmatch(kind):
        raise S3Error(400, "InvalidArgument", "x-amz-content-sha256 is not a hash")
    is_chunked = kind == STREAMING
    length = request.header("x-amz-decoded-content-length" if is_chunked else "Content-Length")
    if length is None or not (length.isascii() and length.isdigit()):
        raise S3Error(411, "MissingContentLength")
    _given_md5(request)
    return int(length)


async def pieces(request: Request, sender: Sender) -> AsyncIterator[bytes]:
    """The body; at its end 400 if it is not the announced one."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    wanted_md5, size = _given_md5(request), 0
    is_chunked = sender.payload_hash == STREAMING
    body = _unframed(request, sender.seed) if is_chunked and sender.seed else request.body
    is_hashed = bool(_HASH.fullmatch(sender.payload_hash))
    async for piece in body:
        size += len(piece)
        if wanted_md5 is not None:
            md5.update(piece)
        if is_hashed:
            sha256.update(piece)
        yield piece
    if is_hashed and sha256.hexdigest() != sender.payload_hash:
        raise S3Error(400, "BadDigest", "the body does not have the hash that was signed")
    if wanted_md5 not in (None, md5.digest()):
        raise S3Error(400, "BadDigest", "the body does not have the Content-MD5")
    if is_chunked and str(size) != (request.header("x-amz-decoded-content-length") or ""):
        raise S3Error(400, "InvalidRequest", "x-amz-decoded-content-length is wrong")


async def document(request: Request, sender: Sender) -> bytes:
    """The body in one piece; 400 if it is too large for a document."""
    data = bytearray()
    async for piece in pieces(request, sender):
        data += piece
        if len(data) > MAX_DOCUMENT_BYTES:
            raise S3Error(400, "MalformedXML", "the document is too large")
    return bytes(data)


def _given_md5(request: Request) -> bytes | None:
    text = request.header("Content-MD5")
    if text is None:
        return None
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 16:
        raise S3Error(400, "InvalidDigest")
    return digest


async def _unframed(request: Request, seed: Seed) -> AsyncIterator[bytes]:
    """The chunks of an ``aws-chunked`` body, each one after its signature was checked."""
    reader = _Reader(request.body)
    previous = seed.signature
    while True:
        line = _CHUNK.fullmatch(await reader.line())
        if line is None:
            raise S3Error(400, "InvalidRequest", "malformed chunk in the body")
        chunk = await reader.exactly(int(line[1], 16))
        digest = hashlib.sha256(chunk).hexdigest()
        text = "\n".join(
            ["AWS4-HMAC-SHA256-PAYLOAD", seed.stamp, seed.scope, previous, _EMPTY, digest]
        )
        previous = hmac.new(seed.key, text.encode(), "sha256").hexdigest()
        if not hmac.compare_digest(previous.encode(), line[2]):
            raise S3Error(403, "SignatureDoesNotMatch", "the signature of a chunk is wrong")
        if await reader.line():
            raise S3Error(400, "InvalidRequest", "malformed chunk in the body")
        if not chunk:
            return
        yield chunk


class _Reader:
    """Lines and bytes of a body that comes in pieces."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self._buffer = bytearray()

    async def line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            if len(self._buffer) > MAX_CHUNK_HEADER:
                raise S3Error(400, "InvalidRequest", "malformed chunk in the body")
            await self._more()
        line, _, rest = bytes(self._buffer).partition(b"\r\n")
        self._buffer = bytearray(rest)
        return line

    async def exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._more()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    async def _more(self) -> None:
        async for piece in self._body:
            self._buffer += piece
            return
        raise S3Error(400, "InvalidRequest", "the body ends within a chunk")
