"""PUT: stores objects, creates directories. docs/hcp/namespace.rst, sections 5 and 11."""

from .._http.compression import unpacker
from .._http.errors import not_emulated
from .._http.messages import Reply
from .._store.objects import Change, Metadata, StoredObject
from .call import Call
from .conditions import check_write


async def put_object(call: Call) -> Reply:
    """Store the body under a new name: 201.

    All checks are made before the body is read, so that a client which waits for "100 Continue"
    gets the final status instead.
    """
    change = initial_change(call)
    if call.means_directory:
        return await _make_directory(call)
    unpack = unpacker(call.request)
    found = call.store.find(call.path)
    check_write(call.request, found if isinstance(found, StoredObject) else None)
    with call.store.reserve(call.path) as place:
        stored_at = place.created // 1000
        metadata = Metadata.initial(change, call.namespace, call.caller.name, stored_at)
        place.expect(announced_size(call))
        async for piece in call.request.body:
            for plain in unpack.unpacked(piece):
                place.write(plain)
        unpack.finish()
        stored = place.finish(metadata)
    return call.responses.stored(call.path, stored)


def initial_change(call: Call, *other_parameters: str) -> Change:
    """The system metadata of an upload, after checking the permissions."""
    call.caller.needs("write")
    for header in ("X-HCP-CopySource", "X-HCP-LabelRetentionHold"):
        if call.request.header(header) is not None:
            raise not_emulated(header)
    call.parameters.only("hold", "index", "retention", "shred", *other_parameters)
    change = call.parameters.change()
    if change.hold:
        call.caller.needs("privileged")
    return change


def announced_size(call: Call) -> int:
    """The announced size of the body; a packed one will be larger."""
    length = call.request.header("Content-Length") or ""
    return int(length) if length.isascii() and length.isdigit() else 0


async def put_directory(call: Call) -> Reply:
    """Create an empty directory: 201."""
    call.caller.needs("write")
    call.parameters.only("type")
    return await _make_directory(call)


async def _make_directory(call: Call) -> Reply:
    """Create the directory; a body is discarded (section 5)."""
    call.store.refuse_if_taken(call.path)
    async for _ in call.request.body:
        pass
    call.store.make_directory(call.path)
    return call.responses.directory_made(call.path)
