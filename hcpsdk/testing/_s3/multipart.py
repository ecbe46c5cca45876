"""Multipart uploads. docs/hcp/s3.rst, section 7."""

import hashlib
import re
from collections.abc import AsyncIterator

from .. import _xml
from .._dates import http_date
from .._http.conditions import check_write
from .._http.messages import Reply
from .._http.paths import Path, quoted
from .._store.namespaces import key
from .._store.objects import StoredObject
from .._xml import Record
from . import payload
from .call import Bucket, Call
from .errors import S3Error
from .listing import readable
from .objects import (
    META,
    SOURCE,
    given_pairs,
    pieces_of,
    refuse_unknown,
    source,
    store_object,
    version_header,
)
from .responses import owner, time
from .uploads import MultipartUpload, Part, received

MAX_PARTS = 10_000
MIN_PART_BYTES = 1024 * 1024  # of all parts but the last
MAX_PART_BYTES = 5 * 1024**3
KEPT_SECONDS = 30 * 24 * 3600  # until HCP aborts an upload
_RANGE = re.compile(r"bytes=(\d+)-(\d+)", re.ASCII)


async def start(call: Call) -> Reply:
    """A new upload: 200, with its ID."""
    refuse_unknown(call)
    bucket, path = _writable(call)
    await payload.document(call.request, call.sender)
    now = bucket.store.clock()
    upload = call.uploads.start(
        key(bucket.namespace), path, bucket.caller.name, given_pairs(call), now
    )
    record = {
        "Bucket": bucket.namespace.name,
        "Key": readable(b"/".join(path)),
        "UploadId": upload.number,
    }
    aborted = http_date(now // 1000 + KEPT_SECONDS)
    return call.responses.document(
        call.request, "InitiateMultipartUploadResult", record, [("x-amz-abort-date", aborted)]
    )


async def put_part(call: Call) -> Reply:
    """A part, in place of one with the same number: 200."""
    bucket, path = _writable(call)
    number = _number(call, "partNumber", MAX_PARTS)
    upload = _upload(call, bucket, path)
    _refuse_metadata(call)
    length = payload.check_head(call.request, call.sender)
    if call.request.header(SOURCE) is not None:
        return await _copy_part(call, bucket, upload, number)
    if length > MAX_PART_BYTES:
        raise S3Error(400, "EntityTooLarge")
    part = await received(payload.pieces(call.request, call.sender), bucket.store)
    _keep(call, upload, number, part)
    return call.responses.done(200, [("ETag", f'"{part.etag}"')])


async def _copy_part(call: Call, bucket: Bucket, upload: MultipartUpload, number: int) -> Reply:
    _, found = source(call)
    wanted = call.header("x-amz-copy-source-range")
    begin, stop = 0, found.size
    if wanted:
        match = _RANGE.fullmatch(wanted)
        begin, stop = (int(match[1]), int(match[2]) + 1) if match else (1, 0)
        if not begin < stop <= found.size:
            raise S3Error(400, "InvalidArgument", "the range is not one of the source")
    part = await received(pieces_of(found.content, begin, stop), bucket.store)
    _keep(call, upload, number, part)
    record = {"LastModified": time(part.changed), "ETag": f'"{part.etag}"'}
    return call.responses.document(call.request, "CopyPartResult", record)


def _keep(call: Call, upload: MultipartUpload, number: int, part: Part) -> None:
    if upload.is_finishing or not call.uploads.is_open(upload):  # it ended meanwhile
        part.content.discard()
        raise S3Error(404, "NoSuchUpload", "The specified upload does not exist")
    upload.put(number, part)


async def get_parts(call: Call) -> Reply:
    """The parts that arrived."""
    bucket, path = _writable(call)
    upload = _upload(call, bucket, path)
    limit = _number(call, "max-parts", 1000, default=1000, least=0)
    marker = _number(call, "part-number-marker", 2**31 - 1, default=0, least=0)
    numbers = sorted(number for number in upload.parts if number > marker)
    shown = numbers[:limit]
    record: Record = {
        "Bucket": bucket.namespace.name,
        "Key": readable(b"/".join(path)),
        "UploadId": upload.number,
        "Initiator": owner(upload.user),
        "Owner": owner(upload.user),
        "StorageClass": "STANDARD",
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1] if shown else marker,
        "MaxParts": limit,
        "IsTruncated": len(shown) < len(numbers),
        "Part": [_part(number, upload.parts[number]) for number in shown],
    }
    return call.responses.document(call.request, "ListPartsResult", record)


def _part(number: int, part: Part) -> Record:
    return {
        "PartNumber": number,
        "LastModified": time(part.changed),
        "ETag": f'"{part.etag}"',
        "Size": part.content.size,
    }


async def get_all(call: Call) -> Reply:
    """The unfinished uploads to a bucket."""
    bucket = call.bucket()
    bucket.needs("browse")
    prefix = call.parameters.get("prefix", "")
    found = [
        {
            "Key": readable(b"/".join(each.path)),
            "UploadId": each.number,
            "Initiator": owner(each.user),
            "Owner": owner(each.user),
            "StorageClass": "STANDARD",
            "Initiated": time(each.started),
        }
        for each in call.uploads.of(key(bucket.namespace))
        if readable(b"/".join(each.path)).startswith(prefix)
    ]
    limit = _number(call, "max-uploads", 1000, default=1000, least=0)
    begin = (call.parameters.get("key-marker", ""), call.parameters.get("upload-id-marker", ""))
    left = [each for each in found if (each["Key"], str(each["UploadId"])) > _after(begin)]
    shown = left[:limit]
    record: Record = {
        "Bucket": bucket.namespace.name,
        "KeyMarker": begin[0],
        "UploadIdMarker": begin[1],
        "Prefix": prefix,
        "MaxUploads": limit,
        "IsTruncated": len(shown) < len(left),
    }
    if len(shown) < len(left) and shown:
        record["NextKeyMarker"] = shown[-1]["Key"]
        record["NextUploadIdMarker"] = shown[-1]["UploadId"]
    record["Upload"] = shown
    return call.responses.document(call.request, "ListMultipartUploadsResult", record)


def _after(begin: tuple[str, str]) -> tuple[str, str]:
    """Without an ID, all uploads of the marker's name are passed over."""
    name, number = begin
    return (name, number) if number or not name else (name, "~")


async def abort(call: Call) -> Reply:
    """End the upload, and forget its parts: 204."""
    bucket, path = _writable(call)
    upload = _upload(call, bucket, path)
    if upload.is_finishing:
        raise S3Error(409, "OperationAborted", "the upload is being completed")
    call.uploads.end(upload)
    return call.responses.done(204, [])


async def complete(call: Call) -> Reply:
    """Make an object of the parts that the body lists; 200, maybe with an error in the body."""
    bucket, path = _writable(call)
    upload = _upload(call, bucket, path)
    _refuse_metadata(call)
    listed = _listed(await payload.document(call.request, call.sender))
    if upload.is_finishing:
        raise S3Error(409, "OperationAborted", "the upload is being completed")
    found = bucket.store.find(path)
    check_write(call.request, found if isinstance(found, StoredObject) else None)
    try:
        parts = _chosen(upload, listed)
    except S3Error as error:
        return call.responses.error_in_200(call.request, error)
    upload.is_finishing = True
    try:
        stored = await store_object(bucket, path, _pieces(parts), upload.pairs)
    finally:
        upload.is_finishing = False
    digests = b"".join(bytes.fromhex(part.etag) for part in parts)
    etag = hashlib.md5(digests, usedforsecurity=False).hexdigest()
    stored.etag = f"{etag}-{len(parts)}"
    call.uploads.end(upload)
    record = {
        "Location": f"{call.request.scheme}://{call.request.host}/hs3/{quoted(path)}",
        "Bucket": bucket.namespace.name,
        "Key": readable(b"/".join(path)),
        "ETag": f'"{stored.etag}"',
    }
    headers = version_header(bucket, stored.version)
    return call.responses.document(call.request, "CompleteMultipartUploadResult", record, headers)


def _listed(data: bytes) -> list[tuple[int, str]]:
    """Numbers and ETags in the body."""
    try:
        parts = _xml.read("CompleteMultipartUpload", data).get("Part", [])
        found = parts if isinstance(parts, list) else [parts]
        listed = [(int(part["PartNumber"]), part["ETag"].strip('"')) for part in found]
    except (_xml.Malformed, KeyError, TypeError, ValueError, AttributeError) as error:
        raise S3Error(400, "MalformedXML", f"no list of parts: {error}") from error
    if not listed:
        raise S3Error(400, "MalformedXML", "the list of parts is empty")
    return listed


def _chosen(upload: MultipartUpload, listed: list[tuple[int, str]]) -> list[Part]:
    numbers = [number for number, _ in listed]
    if numbers != sorted(set(numbers)):
        raise S3Error(400, "InvalidPartOrder")
    parts = []
    for number, etag in listed:
        part = upload.parts.get(number)
        if part is None or part.etag != etag:
            raise S3Error(400, "InvalidPart", f"part {number} is missing, or another one")
        parts.append(part)
    if any(part.content.size < MIN_PART_BYTES for part in parts[:-1]):
        raise S3Error(400, "EntityTooSmall")
    return parts


async def _pieces(parts: list[Part]) -> AsyncIterator[bytes]:
    for part in parts:
        async for piece in pieces_of(part.content):
            yield piece


def _writable(call: Call) -> tuple[Bucket, Path]:
    """The bucket and the name; 403 for anonymous users."""
    bucket, (path, _) = call.bucket(writes=True), call.path()
    if call.user is None:
        raise S3Error(403, "AccessDenied", "anonymous users have no multipart uploads")
    bucket.needs("write")
    return bucket, path


def _upload(call: Call, bucket: Bucket, path: Path) -> MultipartUpload:
    number = call.parameters.get("uploadId", "")
    return call.uploads.find(number, key(bucket.namespace), path, bucket.caller.name)


def _refuse_metadata(call: Call) -> None:
    if any(name.lower().startswith(META) for name, _ in call.request.headers):
        raise S3Error(400, "InvalidRequest", "metadata belong to the start of the upload")


def _number(call: Call, name: str, most: int, *, default: int | None = None, least: int = 1) -> int:
    text = call.parameters.get(name, "" if default is None else str(default))
    if not (text.isascii() and text.isdigit() and least <= int(text[:11]) <= most):
        raise S3Error(400, "InvalidArgument", f"bad value for {name}")
    return int(text)
