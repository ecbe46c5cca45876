"""Copying an object: PUT with ``X-HCP-CopySource``.

docs/hcp/namespace.rst, section 16.
"""

from dataclasses import replace

from .._http.access import caller_in
from .._http.conditions import check_read, check_write
from .._http.errors import HTTPError, not_emulated
from .._http.messages import Reply
from .._http.paths import parsed
from .._http.percent import unquoted
from .._store.errors import BadAnnotation
from .._store.objects import Change, Directory, StoredObject
from .call import Call
from .new_object import initial_metadata
from .parameters import from_query

SOURCE = "X-HCP-CopySource"
DIRECTIVE = "X-HCP-MetadataDirective"


async def copy_object(call: Call, change: Change) -> Reply:
    """Store the data of the source, and with ``ALL`` its annotations, under the new name: 201."""
    directive = (call.request.header(DIRECTIVE) or "NONE").strip().upper()
    if directive not in ("ALL", "NONE"):
        raise HTTPError(400, f"{DIRECTIVE} is neither ALL nor NONE: {directive}")
    source = _source(call)
    if isinstance(source, Directory):
        call.store.make_directory(call.path)
        return call.responses.created(call.path)
    check_read(call.request, source, f"{SOURCE}-")
    found = call.store.find(call.path)
    check_write(call.request, found if isinstance(found, StoredObject) else None)
    with call.store.reserve(call.path) as place:
        metadata = initial_metadata(call, change, place)
        place.expect(source.size)
        data = source.content.read(0, source.size)
        for piece in [data] if isinstance(data, bytes) else data:
            place.write(piece)
        annotations = source.annotations if directive == "ALL" else {}
        if call.namespace.checks_annotations and not all(a.is_xml for a in annotations.values()):
            place.start_again()
            place.finish(metadata, copied={})  # an empty object stays behind
            raise BadAnnotation("an annotation of the source is not well-formed XML")
        stored = place.finish(metadata, copied=annotations)
    return call.responses.stored(call.path, stored, annotations)


def _source(call: Call) -> StoredObject | Directory:
    """What is to be copied, which the caller must be allowed to read."""
    url, _, query = (call.request.header(SOURCE) or "").strip().removeprefix("/").partition("?")
    name, _, path = url.partition("/")
    if unquoted(name).lower() == b"default.default":
        raise not_emulated("copies from the default namespace")
    parameters = from_query(query)
    parameters.only("version")
    host = unquoted(name).decode("utf-8", "replace")
    namespace = call.system.namespace(f"{host}.{call.system.domain}")
    if namespace is None:
        raise HTTPError(400, f"no such namespace: {host}")
    parts, means_directory = parsed(f"/rest/{path}")
    store = call.stores[namespace.name, namespace.tenant]
    if not store.versions(parts) and b"%" in b"/".join(parts):  # one client encodes it twice
        parts, means_directory = parsed(f"/rest/{unquoted(path).decode('latin-1')}")
    source = replace(
        call,
        namespace=namespace,
        store=store,
        caller=caller_in(namespace, call.caller.user, call.system),
        path=parts,
        means_directory=means_directory,
        parameters=parameters,
    )
    source.needs("read", store.find(parts))
    return source.existing()
