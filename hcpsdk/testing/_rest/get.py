"""GET and HEAD: objects and directory listings. docs/hcp/namespace.rst, sections 6, 7, 8 and 11."""

import mimetypes
import pathlib
from collections.abc import Iterable

from .._http.compression import BodyStream, packed, wants_gzip
from .._http.messages import Reply
from .._http.responses import Headers, response
from .._store.objects import Directory, StoredObject
from .call import Call
from .conditions import Span, check_read, requested_span
from .listing import listing

# Python's own table, without the machine's: the same type everywhere.
_TYPES = mimetypes.MimeTypes()
UNKNOWN_TYPE = "application/octet-stream"


async def get(call: Call) -> Reply:
    """An object's data, or a directory's listing."""
    call.parameters.only("deleted", "forceEtag", "mostRecentDirTimes", "nowait")
    show_deleted = bool(call.parameters.boolean("deleted"))
    call.parameters.boolean("mostRecentDirTimes")
    call.parameters.switch("forceEtag")
    call.parameters.switch("nowait", "")  # nothing here takes long to fetch
    call.caller.needs("browse")
    found = call.existing()
    if isinstance(found, Directory):
        return _listed(call, found, show_deleted)
    call.caller.needs("read")
    return _data(call, found)


async def head(call: Call) -> Reply:
    """The headers that GET would give for the whole object, or for the listing."""
    call.parameters.only()
    call.caller.needs("browse")
    found = call.existing()
    gzip = wants_gzip(call.request)
    if isinstance(found, Directory):
        return response(200, call.responses.directory(found, _encoding(gzip)))
    check_read(call.request, found)
    return response(200, _object_headers(call, found, _framing(found.size, gzip)))


def _data(call: Call, found: StoredObject) -> Reply:
    check_read(call.request, found)
    span = requested_span(call.request, found.size)
    if span is not None:  # parts are never packed: their bytes are to be put together
        framing = _framing(span.stop - span.start, gzip=False)
        framing.append(("Content-Range", f"bytes {span.start}-{span.stop - 1}/{found.size}"))
        return _with_data(206, _object_headers(call, found, framing), found, span)
    gzip = wants_gzip(call.request)
    headers = _object_headers(call, found, _framing(found.size, gzip))
    return _with_data(200, headers, found, Span(0, found.size), gzip=gzip)


def _listed(call: Call, found: Directory, show_deleted: bool) -> Reply:
    gzip = wants_gzip(call.request)
    pieces = listing(found, call.path, call.namespace, show_deleted=show_deleted)
    reply = response(200, call.responses.directory(found, _encoding(gzip)))
    reply.body = BodyStream(packed(pieces) if gzip else pieces)
    return reply


def _object_headers(call: Call, found: StoredObject, framing: Headers) -> Headers:
    return call.responses.object(found, call.namespace, content_type(call.path[-1]), framing)


def _encoding(gzip: bool) -> Headers:
    return [("Content-Encoding", "gzip")] if gzip else []


def _framing(length: int, gzip: bool) -> Headers:
    """How long the body is. Packed, that is not known: it goes out chunked (section 8)."""
    name = "X-HCP-ContentLength" if gzip else "Content-Length"
    return [*_encoding(gzip), (name, str(length))]


def _with_data(
    status: int, headers: Headers, found: StoredObject, span: Span, *, gzip: bool = False
) -> Reply:
    reply = response(status, headers)
    data = found.content.read(*span)
    if gzip:
        pieces: Iterable[bytes] = [data] if isinstance(data, bytes) else data
        reply.body = BodyStream(packed(pieces))
    else:
        reply.body = data if isinstance(data, bytes) else BodyStream(data)
    return reply


def content_type(name: bytes) -> str:
    """The media type that the end of *name* stands for; in 7.1 nothing else decides."""
    suffix = pathlib.PurePosixPath(name.decode("latin-1")).suffix
    kind, encoding = _TYPES.guess_type(f"name{suffix}")
    return kind if kind and not encoding else UNKNOWN_TYPE
