"""Objects. docs/hcp/s3.rst, section 6."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from .._dates import http_date
from .._http.compression import body
from .._http.conditions import check_read, check_write, requested_span
from .._http.errors import HTTPError, not_emulated
from .._http.media_types import content_type
from .._http.messages import Reply
from .._http.paths import Path, parsed
from .._http.percent import unquoted
from .._http.responses import Headers, header_text, response
from .._store import metapairs
from .._store.content import Content
from .._store.errors import Missing
from .._store.objects import Annotation, Change, DeleteMarker, Directory, Metadata, StoredObject
from .._store.store import Store
from . import payload
from .acls import refuse_acls
from .call import Bucket, Call
from .errors import S3Error
from .listing import EMPTY_ETAG
from .responses import time

META = "x-amz-meta-"
MAX_METADATA_BYTES = 2048  # of names and values together
SOURCE = "x-amz-copy-source"
FOLDER_TYPE = "x-directory"
# What they ask for does not exist here, so it is not ignored.
NOT_EMULATED = (
    "x-amz-object-lock-",
    "x-amz-tagging",
    "x-amz-website-",
    "x-hcp-labelretentionhold",
    "x-hcp-retention",
)
OVERRIDES = {
    "response-cache-control": "Cache-Control",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
    "response-content-language": "Content-Language",
    "response-content-type": "Content-Type",
    "response-expires": "Expires",
}


# Storing


async def put(call: Call) -> Reply:
    """Store an object: 200."""
    refuse_unknown(call)
    bucket, (path, means_folder) = call.bucket(writes=True), call.path()
    found = bucket.store.find(path)
    bucket.needs("write", found)
    length = payload.check_head(call.request, call.sender)
    if means_folder or call.header("Content-Type") == FOLDER_TYPE:
        return await _put_folder(call, bucket, path)
    pairs = given_pairs(call)
    check_write(call.request, found if isinstance(found, StoredObject) else None)
    pieces = payload.pieces(call.request, call.sender)
    stored = await store_object(bucket, path, pieces, pairs, length=length)
    headers = [("ETag", f'"{stored.etag}"'), *version_header(bucket, stored.version)]
    return call.responses.done(200, headers)


async def _put_folder(call: Call, bucket: Bucket, path: Path) -> Reply:
    async for _ in payload.pieces(call.request, call.sender):
        pass  # it is ignored
    if not isinstance(bucket.store.find(path), Directory):
        bucket.store.make_directory(path)
    return call.responses.done(200, [("ETag", EMPTY_ETAG)])


async def store_object(
    bucket: Bucket,
    path: Path,
    pieces: AsyncIterator[bytes],
    pairs: Mapping[str, str],
    *,
    copied: Mapping[str, Annotation] | None = None,
    length: int = 0,
) -> StoredObject:
    """Store *pieces* with the user metadata *pairs*, and the annotations *copied*."""
    store = bucket.store
    with store.reserve(path) as upload, store.open_annotation(metapairs.ANNOTATION) as annotation:
        found = store.find(path)
        metadata = Metadata.initial(
            Change(),
            bucket.namespace,
            bucket.caller.name,
            upload.created // 1000,
            found.metadata if isinstance(found, StoredObject) else None,
        )
        upload.expect(length)
        async for piece in pieces:
            upload.write(piece)
        if pairs:
            annotation.write(metapairs.written(pairs))
        return upload.finish(metadata, annotation if pairs else None, copied=copied or {})


def given_pairs(call: Call) -> dict[str, str]:
    """The user metadata in the request; a repeated name has all values, with commas."""
    pairs: dict[str, str] = {}
    for header, value in call.request.headers:
        if header.lower().startswith(META):
            name = header[len(META) :].lower()
            pairs[name] = f"{pairs[name]},{value}" if name in pairs else value
    if sum(len(name) + len(value) for name, value in pairs.items()) > MAX_METADATA_BYTES:
        raise S3Error(400, "MetadataTooLarge")
    return pairs


def refuse_unknown(call: Call) -> None:
    """501 for headers that would change what is stored."""
    refuse_acls(call)
    for name, _ in call.request.headers:
        if name.lower().startswith(NOT_EMULATED):
            raise not_emulated(f"the header {name}")


# Copying


async def copy(call: Call) -> Reply:
    """Store a copy of another object, or change the user metadata of the same one: 200."""
    refuse_unknown(call)
    directive = call.header("x-amz-metadata-directive") or "COPY"
    if directive not in ("COPY", "REPLACE"):
        raise S3Error(400, "InvalidArgument", "x-amz-metadata-directive: COPY or REPLACE")
    payload.check_head(call.request, call.sender)
    bucket, (path, _) = call.bucket(writes=True), call.path()
    there = bucket.store.find(path)
    bucket.needs("write", there)
    store, found = source(call)
    pairs = given_pairs(call) if directive == "REPLACE" else {}
    if found is there and isinstance(there, StoredObject):
        if directive == "COPY":
            raise S3Error(400, "InvalidRequest", "a copy onto itself has to change something")
        if not bucket.namespace.versioning_enabled:
            _replace_pairs(store, path, pairs)
            return _copied(call, bucket, there)
    others = {
        name: each
        for name, each in found.annotations.items()
        if directive == "COPY" or name != metapairs.ANNOTATION
    }
    stored = await store_object(bucket, path, pieces_of(found.content), pairs, copied=others)
    return _copied(call, bucket, stored)


def source(call: Call) -> tuple[Store, StoredObject]:
    """The object that ``x-amz-copy-source`` names, which must meet the conditions (412)."""
    url, _, query = call.header(SOURCE).removeprefix("/").partition("?")
    name, _, key = url.partition("/")
    path, means_folder = parsed(f"/rest/{key}")
    bucket = call.bucket(name=unquoted(name).decode("utf-8", "replace"))
    wanted = query.removeprefix("versionId=") if query.startswith("versionId=") else None
    found = _version(bucket, path, wanted)
    bucket.needs("read", found if isinstance(found, StoredObject) else None)
    if not isinstance(found, StoredObject) or means_folder:
        raise S3Error(404, "NoSuchKey", "the source does not exist")
    try:
        check_read(call.request, found, f"{SOURCE}-")
    except HTTPError as error:
        raise S3Error(412, "PreconditionFailed") from error
    return bucket.store, found


async def pieces_of(
    content: Content, start: int = 0, stop: int | None = None
) -> AsyncIterator[bytes]:
    """The bytes of an object or a part; other requests are processed between them."""
    data = body(content.read(start, content.size if stop is None else stop), False)
    if isinstance(data, bytes):
        yield data
    else:
        async for piece in data:
            yield piece


def _replace_pairs(store: Store, path: Path, pairs: Mapping[str, str]) -> None:
    found = store.find(path)
    if pairs:
        store.refuse_annotation(path, metapairs.ANNOTATION)
        with store.open_annotation(metapairs.ANNOTATION) as annotation:
            annotation.write(metapairs.written(pairs))
            store.annotate(path, annotation)
    elif isinstance(found, StoredObject) and metapairs.ANNOTATION in found.annotations:
        store.remove_annotation(path, metapairs.ANNOTATION)


def _copied(call: Call, bucket: Bucket, stored: StoredObject) -> Reply:
    record = {"LastModified": time(stored.changed), "ETag": f'"{stored.etag}"'}
    headers = version_header(bucket, stored.version)
    return call.responses.document(call.request, "CopyObjectResult", record, headers)


# Reading


async def get(call: Call) -> Reply:
    """The data of an object, or a part of them."""
    bucket, found, path = _found(call)
    if isinstance(found, Directory):
        raise S3Error(404, "NoSuchKey", "The specified key is that of a folder")
    check_read(call.request, found)
    span = requested_span(call.request, found.size)
    start, stop = span or (0, found.size)
    headers = [*_about(call, bucket, found, path), ("Content-Length", str(stop - start))]
    if span:
        headers.append(("Content-Range", f"bytes {start}-{stop - 1}/{found.size}"))
    data = bucket.store.counts.read(found.content.read(start, stop))
    return response(206 if span else 200, headers, body(data, False))


async def head(call: Call) -> Reply:
    """The headers of an object or a folder."""
    bucket, found, path = _found(call)
    if isinstance(found, Directory):
        return call.responses.done(200, [("ETag", EMPTY_ETAG), ("Content-Type", FOLDER_TYPE)])
    check_read(call.request, found)
    span = requested_span(call.request, found.size)
    start, stop = span or (0, found.size)
    headers = [*_about(call, bucket, found, path), ("Content-Length", str(stop - start))]
    return response(206 if span else 200, headers)


def _found(call: Call) -> tuple[Bucket, StoredObject | Directory, Path]:
    bucket, (path, means_folder) = call.bucket(), call.path()
    present = bucket.store.find(path)
    bucket.needs("read", present)
    wanted = call.parameters.get("versionId")
    found = _version(bucket, path, wanted)
    if isinstance(found, DeleteMarker):
        marker = [("x-amz-delete-marker", "true"), ("x-amz-version-id", str(found.version))]
        raise S3Error(404, "NoSuchKey", "The specified key was deleted", marker)
    if found is None or means_folder != isinstance(found, Directory):
        raise S3Error(404, "NoSuchKey", "The specified key does not exist")
    return bucket, found, path


def _version(
    bucket: Bucket, path: Path, wanted: str | None
) -> StoredObject | Directory | DeleteMarker | None:
    """The version with the ID *wanted*; None: the newest one, which may be a delete marker."""
    if wanted is None:
        versions = bucket.store.versions(path)
        return bucket.store.find(path) or (versions[-1] if versions else None)
    return bucket.store.version(path, version_number(wanted))


def version_number(wanted: str) -> int:
    """The ID of a version; 400 if it is none."""
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 20):
        raise S3Error(400, "InvalidArgument", "Invalid version id specified")
    return int(wanted)


def _about(call: Call, bucket: Bucket, stored: StoredObject, path: Path) -> Headers:
    parameters = call.parameters
    overridden = {
        name: header_text(parameters[each])
        for each, name in OVERRIDES.items()
        if each in parameters
    }
    return [
        *call.responses.common(),
        ("Accept-Ranges", "bytes"),
        ("Last-Modified", http_date(stored.changed // 1000)),
        ("ETag", f'"{stored.etag}"'),
        *{"Content-Type": content_type(path[-1]), **overridden}.items(),
        *version_header(bucket, stored.version),
        *_meta(stored),
    ]


def _meta(stored: StoredObject) -> Headers:
    annotation = stored.annotations.get(metapairs.ANNOTATION)
    if annotation is None:
        return []
    data = annotation.content.read(0, annotation.size)
    pairs = metapairs.read(data if isinstance(data, bytes) else b"".join(data))
    if pairs is None:
        return [("x-amz-missing-meta", "1")]
    return [(f"{META}{name}", header_text(value)) for name, value in pairs.items()]


def version_header(bucket: Bucket, version: int) -> Headers:
    """The ID of the version, while versions are kept."""
    return [("x-amz-version-id", str(version))] if bucket.namespace.versioning_enabled else []


# Deleting


async def delete(call: Call) -> Reply:
    """Delete an object, a version, or an empty folder: 204, also if it is not there."""
    bucket, (path, means_folder) = call.bucket(writes=True), call.path()
    bucket.needs("delete", bucket.store.find(path))
    if call.header("x-hcp-privileged"):
        raise not_emulated("privileged deletes by the S3 gateway")
    wanted = call.parameters.get("versionId")
    if wanted is None:
        marker = remove(bucket, path, means_folder)
        return call.responses.done(204, marker_headers(marker))
    try:
        gone = bucket.store.remove_version(path, version_number(wanted))
    except Missing:
        return call.responses.done(204, [])
    return call.responses.done(204, marker_headers(gone))


def remove(bucket: Bucket, path: Path, means_folder: bool) -> DeleteMarker | None:
    """Delete what has this name, if anything does; returns the delete marker, if one is made."""
    if means_folder != isinstance(bucket.store.find(path), Directory):
        return None
    try:
        return bucket.store.remove(path, user=bucket.caller.name)
    except Missing:
        return None


def marker_headers(gone: StoredObject | DeleteMarker | None) -> Headers:
    """Which version a deletion made or took away."""
    if gone is None:
        return []
    marker = [("x-amz-delete-marker", "true")] if isinstance(gone, DeleteMarker) else []
    return [*marker, ("x-amz-version-id", str(gone.version))]
