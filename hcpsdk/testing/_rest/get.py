"""GET and HEAD: objects and directory listings. docs/hcp/namespace.rst, sections 6, 7, 8 and 11."""

from collections.abc import Iterable

from .._http.compression import body, encoding, framing, wants_gzip
from .._http.conditions import check_read, requested_span
from .._http.errors import HTTPError
from .._http.media_types import content_type
from .._http.messages import Reply
from .._http.responses import Headers, response
from .._store.objects import Directory, StoredObject
from . import versions
from .call import Call
from .listing import listing


async def get(call: Call) -> Reply:
    """An object's data, a directory's listing, or with ``version=list`` the list of versions."""
    call.parameters.only("deleted", "forceEtag", "mostRecentDirTimes", "nowait", "version")
    show_deleted = bool(call.parameters.boolean("deleted"))
    if show_deleted and not call.namespace.versioning_enabled:
        raise HTTPError(400, "deleted=true needs a namespace with versions")
    call.parameters.boolean("mostRecentDirTimes")
    call.parameters.switch("forceEtag")
    call.parameters.switch("nowait", "")  # all objects can be read at once
    call.needs("browse", call.store.find(call.path))
    if call.parameters.text("version") == "list":
        return versions.listed(call, show_deleted=show_deleted)
    found = call.existing()
    if isinstance(found, Directory):
        return _listed(call, found, show_deleted)
    call.needs("read", found)
    return _data(call, found)


async def head(call: Call) -> Reply:
    """The headers that GET would give for the whole object, or for the listing."""
    call.parameters.only("version")
    call.needs("browse", call.store.find(call.path))
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
            206, _object_headers(call, found, headers), body(_read(call, found, *span), gzip=False)
        )
    gzip = wants_gzip(call.request)
    headers = _object_headers(call, found, framing(found.size, gzip))
    return response(200, headers, body(_read(call, found, 0, found.size), gzip))


def _read(call: Call, found: StoredObject, start: int, stop: int) -> bytes | Iterable[bytes]:
    return call.store.counts.read(found.content.read(start, stop))


def _listed(call: Call, found: Directory, show_deleted: bool) -> Reply:
    gzip = wants_gzip(call.request)
    deleted = call.store.old_versions.deleted_in(call.path) if show_deleted else None
    pieces = listing(found, call.path, call.namespace, deleted)
    return response(200, call.responses.directory(found, encoding(gzip)), body(pieces, gzip))


def _object_headers(call: Call, found: StoredObject, framed: Headers) -> Headers:
    return call.responses.object(found, call.namespace, content_type(call.path[-1]), framed)
