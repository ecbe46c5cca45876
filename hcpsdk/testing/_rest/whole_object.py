"""An object and an annotation in one request, ``type=whole-object``.

docs/hcp/namespace.rst, sections 5 and 13.
"""

import itertools
from collections.abc import Iterable

from .._http.compression import Unpacker, body, framing, unpacker, wants_gzip
from .._http.conditions import check_read, check_write
from .._http.errors import HTTPError, not_emulated
from .._http.media_types import content_type
from .._http.messages import Reply
from .._http.responses import flag, header_text, response
from .._store.content import Content
from .._store.errors import BadAnnotation
from .._store.objects import StoredObject
from .._store.uploads import AnnotationUpload, ObjectUpload
from .annotations import annotated_object, annotation_name
from .call import Call
from .new_object import announced_size, initial_change, initial_metadata

DATA_SIZE = "X-HCP-Size"  # of the object in an upload
ANNOTATION_FIRST = "X-HCP-CustomMetadataFirst"


async def put(call: Call) -> Reply:
    """Store data, and the annotation that follows them directly: 201.

    If the annotation is refused because it is not well-formed, an empty object remains, as in a
    real HCP (section 5, "Trap").
    """
    change = initial_change(call, "type", "annotation")
    name = annotation_name(call)
    if call.means_directory:
        raise HTTPError(400, "Custom Metadatasetting is not allowed on a directory")
    if _annotation_comes_first(call):
        raise not_emulated(f"the header {ANNOTATION_FIRST} in a PUT")
    data_size = _data_size(call)
    unpack = unpacker(call.request)
    found = call.store.find(call.path)
    check_write(call.request, found if isinstance(found, StoredObject) else None)
    with call.store.reserve(call.path) as place, call.store.open_annotation(name) as upload:
        metadata = initial_metadata(call, change, place)
        place.expect(data_size)
        upload.expect(max(0, announced_size(call) - data_size))
        await _split(call, unpack, data_size, place, upload)
        try:
            stored = place.finish(metadata, upload)
        except BadAnnotation:
            place.start_again()
            place.finish(metadata)
            raise
    return call.responses.stored(call.path, stored, [name])


async def _split(
    call: Call, unpack: Unpacker, data_size: int, place: ObjectUpload, upload: AnnotationUpload
) -> None:
    """Write the first bytes of the body to *place*, the rest to *upload*."""
    async for piece in call.request.body:
        for plain in unpack.unpacked(piece):
            missing = data_size - place.size
            place.write(plain[:missing])
            upload.write(plain[missing:])
    unpack.finish()
    if place.size < data_size:
        raise HTTPError(400, f"{DATA_SIZE} is bigger than the body")


def _data_size(call: Call) -> int:
    text = call.request.header(DATA_SIZE) or ""
    if not (text.isascii() and text.isdigit()):
        raise HTTPError(400, f"the header {DATA_SIZE} must be the size of the data")
    return int(text)


async def get(call: Call) -> Reply:
    """The data followed by the annotation, or the other way round."""
    call.needs("read", call.store.find(call.path))
    call.parameters.only("type", "annotation", "version")
    name = annotation_name(call)
    if call.request.header("Range") is not None:
        raise HTTPError(400, "Range is not possible for whole objects")
    annotation_first = _annotation_comes_first(call)
    found = annotated_object(call)
    annotation = found.annotations.get(name)
    if annotation is None:
        message = header_text(f"No annotation exists with name {name}")
        raise HTTPError(404, headers=[("X-HCP-ErrorMessage", message)])
    check_read(call.request, found)
    gzip = wants_gzip(call.request)
    framed = framing(found.size + annotation.size, gzip)
    headers = [
        *call.responses.object(found, call.namespace, "application/octet-stream", framed),
        (ANNOTATION_FIRST, flag(annotation_first)),
        ("X-HCP-CustomMetadataContentType", "text/xml" if annotation.is_xml else "unknown"),
        ("X-HCP-DataContentType", content_type(call.path[-1])),
    ]
    parts = [found.content, annotation.content]
    if annotation_first:
        parts.reverse()
    pieces = itertools.chain.from_iterable([_pieces(part) for part in parts])
    return response(200, headers, body(call.store.counts.read(pieces), gzip))


def _annotation_comes_first(call: Call) -> bool:
    text = call.request.header(ANNOTATION_FIRST) or "false"
    if text.lower() not in ("true", "false"):
        raise HTTPError(400, f"{ANNOTATION_FIRST} must be true or false: {text}")
    return text.lower() == "true"


def _pieces(content: Content) -> Iterable[bytes]:
    data = content.read(0, content.size)
    return [data] if isinstance(data, bytes) else data
