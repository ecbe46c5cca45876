"""Operations on annotations, ``type=custom-metadata``. docs/hcp/namespace.rst, section 13."""

import re

from .._dates import iso, with_hundredths
from .._http.compression import body, framing, unpacker, wants_gzip
from .._http.conditions import refuse_all
from .._http.errors import HTTPError
from .._http.messages import Reply
from .._http.responses import response
from .._store.errors import NoAnnotation
from .._store.objects import Annotation, Directory, StoredObject
from .._store.uploads import DEFAULT_NAME
from .._xml import Record, document
from .call import Call
from .new_object import announced_size

# The allowed characters are not documented (section 26). These need no escaping in headers and XML,
# and exclude the separators ";" and ",".
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")

_STANDALONE = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'


async def put(call: Call) -> Reply:
    """Store an annotation, or replace it: 201."""
    refuse_all(call.request)
    call.needs("write", call.store.find(call.path))
    call.parameters.only("type", "annotation")
    name = annotation_name(call)
    # As documented (section 21).
    annotated_object(call, "Custom Metadatasetting is not allowed on a directory")
    unpack = unpacker(call.request)
    call.store.refuse_annotation(call.path, name)
    with call.store.open_annotation(name) as upload:
        upload.expect(announced_size(call))
        async for piece in call.request.body:
            for plain in unpack.unpacked(piece):
                upload.write(plain)
        unpack.finish()
        annotation = call.store.annotate(call.path, upload)
    return call.responses.annotated(call.path, annotation)


async def get(call: Call) -> Reply:
    """An annotation, without ranges and conditions, which apply to objects only."""
    found, annotation = _asked(call)
    gzip = wants_gzip(call.request)
    headers = call.responses.annotation(found, annotation, framing(annotation.size, gzip))
    data = call.store.counts.read(annotation.content.read(0, annotation.size))
    return response(200, headers, body(data, gzip))


async def head(call: Call) -> Reply:
    """The headers of GET."""
    found, annotation = _asked(call)
    headers = call.responses.annotation(
        found, annotation, framing(annotation.size, wants_gzip(call.request))
    )
    return response(200, headers)


async def delete(call: Call) -> Reply:
    """Delete an annotation: 200."""
    refuse_all(call.request)
    call.needs("delete", call.store.find(call.path))
    call.parameters.only("type", "annotation")
    name = annotation_name(call)
    annotated_object(call)
    call.store.remove_annotation(call.path, name)
    return call.responses.done()


async def get_info(call: Call) -> Reply:
    """The list of annotations, as XML; 204 for an empty list."""
    call.needs("read", call.store.find(call.path))
    call.parameters.only("type", "version")
    found = annotated_object(call)
    if not found.annotations:
        raise HTTPError(204)
    record = {"annotation": [_info(*each) for each in found.annotations.items()]}
    data = document("annotations", record, pretty=True, declaration=_STANDALONE).encode()
    gzip = wants_gzip(call.request)
    headers = call.responses.information(framing(len(data), gzip))
    return response(200, headers, body(data, gzip))


def annotation_name(call: Call) -> str:
    """The name of the requested annotation; 400 for an invalid name."""
    name = call.parameters.text("annotation")
    if name is None:
        return DEFAULT_NAME
    if not _NAME.fullmatch(name):
        raise HTTPError(400, f"invalid name of an annotation: {name}")
    return name


def annotated_object(call: Call, message: str = "a directory has no annotations") -> StoredObject:
    """The object at the URL; 400 with *message* for a directory."""
    found = call.existing()
    if isinstance(found, Directory):
        raise HTTPError(400, message)
    return found


def _asked(call: Call) -> tuple[StoredObject, Annotation]:
    call.needs("read", call.store.find(call.path))
    call.parameters.only("type", "annotation", "version")
    name = annotation_name(call)
    found = annotated_object(call)
    if name not in found.annotations:
        raise NoAnnotation(f"No annotation exists with name {name}")
    return found, found.annotations[name]


def _info(name: str, annotation: Annotation) -> Record:
    return {
        "name": name,
        "hash": f"{annotation.hash_scheme} {annotation.hash_value}",
        "changeTimeMilliseconds": with_hundredths(annotation.changed),
        "changeTimeString": iso(annotation.changed // 1000),
        "size": annotation.size,
        "contentType": "text/xml" if annotation.is_xml else "unknown",
    }
