"""GET and HEAD: objects and directory listings. docs/hcp/namespace.rst, sections 6, 7, 8 and 11."""

import mimetypes
import pathlib

from .._http.compression import body, encoding, framing, wants_gzip
from .._http.messages import Reply
from .._http.responses import Headers, response
from .._store.objects import Directory, StoredObject
from .call import Call
from .conditions import check_read, requested_span
from .listing import listing

# Python's table without that of the machine: the same types everywhere.
_TYPES = mimetypes.MimeTypes()
UNKNOWN_TYPE = "application/octet-stream"


async def get(call: Call) -> Reply:
    """An object's data, or a directory's listing."""
    call.parameters.only("deleted", "forceEtag", "mostRecentDirTimes", "nowait")
    show_deleted = bool(call.parameters.boolean("deleted"))
    call.parameters.boolean("mostRecentDirTimes")
    call.parameters.switch("forceEtag")
    call.parameters.switch("nowait", "")  # has no effect here
    call.caller.needs("browse")
    found = call.existing()
    if isinstance(found, Directory):
        return _listed(call, found, show_deleted)
    call.caller.needs("read")
    return _data(call, found)


async def head(call: Call) -> Reply:
    """The headers of GET, for the whole object or for the listing."""
    call.parameters.only()
    call.caller.needs("browse")
    found = call.existing()
    gzip = wants_gzip(call.request)
    if isinstance(found, Directory):
        return response(200, call.responses.directory(found, encoding(gzip)))
    check_read(call.request, found)
    return response(200, _object_headers(call, found, framing(found.size, gzip)))


def _data(call: Call, found: StoredObject) -> Reply:
    check_read(call.request, found)
    span = requested_span(call.request, found.size)
    if span is not None:  # parts are never packed
        headers = framing(span.stop - span.start, gzip=False)
        headers.append(("Content-Range", f"bytes {span.start}-{span.stop - 1}/{found.size}"))
        return response(
            206, _object_headers(call, found, headers), body(found.content.read(*span), gzip=False)
        )
    gzip = wants_gzip(call.request)
    headers = _object_headers(call, found, framing(found.size, gzip))
    return response(200, headers, body(found.content.read(0, found.size), gzip))


def _listed(call: Call, found: Directory, show_deleted: bool) -> Reply:
    gzip = wants_gzip(call.request)
    pieces = listing(found, call.path, call.namespace, show_deleted=show_deleted)
    return response(200, call.responses.directory(found, encoding(gzip)), body(pieces, gzip))


def _object_headers(call: Call, found: StoredObject, framed: Headers) -> Headers:
    return call.responses.object(found, call.namespace, content_type(call.path[-1]), framed)


def content_type(name: bytes) -> str:
    """The media type, which depends in 7.1 on the extension of *name* only."""
    suffix = pathlib.PurePosixPath(name.decode("latin-1")).suffix
    kind, encoding = _TYPES.guess_type(f"name{suffix}")
    return kind if kind and not encoding else UNKNOWN_TYPE
