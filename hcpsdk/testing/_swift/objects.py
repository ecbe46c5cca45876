"""Objects. docs/hcp/swift.rst, section 5."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from .._dates import http_date
from .._http.compression import body, unpacker
from .._http.conditions import check_read, requested_span
from .._http.errors import HTTPError, not_emulated
from .._http.media_types import content_type
from .._http.messages import Reply
from .._http.paths import Path, parsed, quoted
from .._http.percent import unquoted
from .._http.responses import Headers, header_text, response
from .._store import metapairs
from .._store.content import Content
from .._store.errors import NoAnnotation
from .._store.objects import Change, Directory, Metadata, StoredObject
from .call import Bucket, Call
from .container import EMPTY_MD5

META = "x-object-meta-"
# Headers of OpenStack's Swift that would change what is stored, and of multipart objects.
NOT_EMULATED = ("X-Object-Manifest", "X-Delete-At", "X-Delete-After", "Destination-Account")


async def put(call: Call) -> Reply:
    """Store an object, or make a directory: 201."""
    _refuse_unknown(call)
    if call.request.header("X-Copy-From") is not None:
        return await _copy(call, call.request.header("X-Copy-From") or "", call)
    bucket, (path, means_directory) = call.bucket("write"), call.path()
    if means_directory or call.request.header("Content-Type") == "application/directory":
        bucket.store.make_directory(path)
        return call.responses.done(201, [("ETag", EMPTY_MD5)])
    if not any(map(call.request.header, ("Content-Length", "Transfer-Encoding"))):
        raise HTTPError(411, "the request has neither a length nor chunks")
    if call.request.header("If-None-Match") == "*" and bucket.store.find(path) is not None:
        raise HTTPError(412, "the object exists")
    unpack = unpacker(call.request)

    async def plain() -> AsyncIterator[bytes]:
        async for piece in call.request.body:
            for each in unpack.unpacked(piece):
                yield each
        unpack.finish()

    return await _store(call, bucket, path, plain(), _given(call))


async def _store(
    call: Call,
    bucket: Bucket,
    path: Path,
    pieces: AsyncIterator[bytes],
    pairs: Mapping[str, str],
    about: Headers | None = None,
) -> Reply:
    store, etag = bucket.store, (call.request.header("ETag") or "").strip('"').lower()
    with store.reserve(path) as upload, store.open_annotation(metapairs.ANNOTATION) as annotation:
        found = store.find(path)
        metadata = Metadata.initial(
            Change(),
            bucket.namespace,
            bucket.caller.name,
            upload.created // 1000,
            found.metadata if isinstance(found, StoredObject) else None,
        )
        async for piece in pieces:
            upload.write(piece)
        if etag not in ("", upload.etag):
            raise HTTPError(422, "the data do not have this ETag")
        if pairs:
            annotation.write(metapairs.written(pairs))
        stored = upload.finish(metadata, annotation if pairs else None, copied={})
    modified = ("Last-Modified", http_date(stored.changed // 1000))
    return call.responses.done(201, [("ETag", stored.etag), modified, *(about or [])])


async def get(call: Call) -> Reply:
    """The data, or a part of them."""
    found, path = _found(call)
    if isinstance(found, Directory):
        return call.responses.document(200, b"", "application/directory")
    check_read(call.request, found)
    span = requested_span(call.request, found.size)
    start, stop = span or (0, found.size)
    headers = [*_about(call, found, path), ("Content-Length", str(stop - start))]
    if span:
        headers.append(("Content-Range", f"bytes {start}-{stop - 1}/{found.size}"))
    data = call.bucket("read").store.counts.read(found.content.read(start, stop))
    return response(206 if span else 200, headers, body(data, False))


async def head(call: Call) -> Reply:
    """The headers of the whole object."""
    found, path = _found(call)
    if isinstance(found, Directory):
        return call.responses.document(200, b"", "application/directory")
    check_read(call.request, found)
    return response(200, [*_about(call, found, path), ("Content-Length", str(found.size))])


async def post(call: Call) -> Reply:
    """Replace the user's metadata: 202."""
    _refuse_unknown(call)
    bucket, (path, _) = call.bucket("write"), call.path()
    pairs = _given(call)
    if pairs:
        bucket.store.refuse_annotation(path, metapairs.ANNOTATION)
        with bucket.store.open_annotation(metapairs.ANNOTATION) as annotation:
            annotation.write(metapairs.written(pairs))
            bucket.store.annotate(path, annotation)
    else:
        try:
            bucket.store.remove_annotation(path, metapairs.ANNOTATION)
        except NoAnnotation:
            pass
    return call.responses.done(202, [])


async def copy(call: Call) -> Reply:
    """Copy the object to the ``Destination``: 201."""
    _refuse_unknown(call)
    destination = call.request.header("Destination")
    if destination is None:
        raise HTTPError(412, "the header Destination is missing")
    container, _, name = destination.removeprefix("/").partition("/")
    target = Call(**{**vars(call), "container": unquoted(container).decode(), "name": name})
    return await _copy(call, f"/{call.container}/{call.name}", target)


async def _copy(call: Call, source: str, target: Call) -> Reply:
    container, _, name = source.removeprefix("/").partition("/")
    path, means_directory = parsed(f"/rest/{name}")
    found = call.bucket("read", unquoted(container).decode()).store.find(path)
    if not isinstance(found, StoredObject) or means_directory:
        raise HTTPError(404, "no such object")
    bucket, (new, _) = target.bucket("write"), target.path()

    async def pieces() -> AsyncIterator[bytes]:
        data = found.content.read(0, found.size)
        for piece in [data] if isinstance(data, bytes) else data:
            yield piece

    about = [
        ("X-Copied-From", f"{container}/{quoted(path)}"),
        ("X-Copied-From-Last-Modified", http_date(found.changed // 1000)),
    ]
    pairs = {**_pairs(found), **_given(call)}
    return await _store(target, bucket, new, pieces(), pairs, about)


async def delete(call: Call) -> Reply:
    """Delete the object or the empty directory: 204."""
    bucket, (path, means_directory) = call.bucket("write"), call.path()
    if means_directory and not isinstance(bucket.store.find(path), Directory):
        raise HTTPError(404, "no such directory")
    bucket.store.remove(path, user=bucket.caller.name)
    return call.responses.done(204, [])


def _found(call: Call) -> tuple[StoredObject | Directory, Path]:
    bucket, (path, means_directory) = call.bucket("read"), call.path()
    found = bucket.store.find(path)
    if found is None or (means_directory and not isinstance(found, Directory)):
        raise HTTPError(404, "no such object")
    return found, path


def _about(call: Call, stored: StoredObject, path: Path) -> Headers:
    return [
        *call.responses.common(),
        ("Content-Type", content_type(path[-1])),
        ("ETag", stored.etag),
        ("Last-Modified", http_date(stored.changed // 1000)),
        ("Accept-Ranges", "bytes"),
        ("X-Static-Large-Object", "false"),
        *((f"X-Object-Meta-{name}", header_text(text)) for name, text in _pairs(stored).items()),
    ]


def _pairs(stored: StoredObject) -> dict[str, str]:
    annotation = stored.annotations.get(metapairs.ANNOTATION)
    return metapairs.read(_whole(annotation.content)) or {} if annotation else {}


def _whole(content: Content) -> bytes:
    data = content.read(0, content.size)
    return data if isinstance(data, bytes) else b"".join(data)


def _given(call: Call) -> dict[str, str]:
    """The metadata in the request; a repeated name has all values, with commas."""
    pairs: dict[str, str] = {}
    for header, value in call.request.headers:
        if header.lower().startswith(META):
            name = header[len(META) :].lower()
            pairs[name] = f"{pairs[name]},{value}" if name in pairs else value
    return pairs


def _refuse_unknown(call: Call) -> None:
    for name in NOT_EMULATED:
        if call.request.header(name) is not None:
            raise not_emulated(f"the header {name}")
    for name in ("multipart-manifest", "symlink"):
        if name in call.parameters:
            raise not_emulated(f"the parameter {name}")
