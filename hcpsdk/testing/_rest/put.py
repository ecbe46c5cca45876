"""PUT: stores objects, creates directories. docs/hcp/namespace.rst, sections 5 and 11."""

from .._http.compression import unpacker
from .._http.conditions import check_write
from .._http.messages import Reply
from .._store.objects import StoredObject
from .call import Call
from .copy import SOURCE, copy_object
from .new_object import announced_size, initial_change, initial_metadata


async def put_object(call: Call) -> Reply:
    """Store the body under a new name: 201.

    All checks are made before the body is read, so that a client which waits for "100 Continue"
    gets the final status instead.
    """
    change = initial_change(call)
    if call.request.header(SOURCE) is not None:
        return await copy_object(call, change)
    if call.means_directory:
        return await _make_directory(call)
    unpack = unpacker(call.request)
    found = call.store.find(call.path)
    check_write(call.request, found if isinstance(found, StoredObject) else None)
    with call.store.reserve(call.path) as place:
        metadata = initial_metadata(call, change, place)
        place.expect(announced_size(call))
        async for piece in call.request.body:
            for plain in unpack.unpacked(piece):
                place.write(plain)
        unpack.finish()
        stored = place.finish(metadata)
    return call.responses.stored(call.path, stored)


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
    return call.responses.created(call.path)
