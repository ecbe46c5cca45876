"""Annotations of objects, ``type=custom-metadata``. docs/hcp/namespace.rst, section 13."""

import re

from .._dates import iso, with_hundredths
from .._http.compression import BodyStream, packed, unpacker, wants_gzip
from .._http.errors import HTTPError
from .._http.messages import Reply
from .._http.responses import Headers, response
from .._store.errors import NoAnnotation
from .._store.objects import Annotation, Directory, StoredObject
from .._store.uploads import DEFAULT_NAME
from .call import Call
from .conditions import refuse_all
from .put import announced_size

# No source says what a name may hold (section 26). These go into headers and XML as they are,
# and leave out the ";" and "," that stand between names.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")

_INFO = """  <annotation>
    <name>{name}</name>
    <hash>{scheme} {value}</hash>
    <changeTimeMilliseconds>{milliseconds}</changeTimeMilliseconds>
    <changeTimeString>{time}</changeTimeString>
    <size>{size}</size>
    <contentType>{content_type}</contentType>
  </annotation>
"""


async def put(call: Call) -> Reply:
    """Give an object an annotation, or replace one: 201."""
    refuse_all(call.request)
    call.caller.needs("write")
    call.parameters.only("type", "annotation")
    name = annotation_name(call)
    # The words that clients know (section 21).
    annotated_object(call, "Custom Metadatasetting is not allowed on a directory")
    unpack = unpacker(call.request)
    call.store.refuse_annotation(call.path, name)
    with call.store.open_annotation(name) as draft:
        draft.expect(announced_size(call))
        async for piece in call.request.body:
            for plain in unpack.unpacked(piece):
                draft.write(plain)
        unpack.finish()
        annotation = call.store.annotate(call.path, draft)
    return call.responses.annotated(call.path, annotation)


async def get(call: Call) -> Reply:
    """An annotation, whole: ranges and conditions are about objects."""
    found, annotation = _asked(call)
    data = annotation.content.read(0, annotation.size)
    pieces = [data] if isinstance(data, bytes) else data
    gzip = wants_gzip(call.request)
    headers = call.responses.annotation(found, annotation, _framing(annotation.size, gzip))
    return response(200, headers, BodyStream(packed(pieces) if gzip else pieces))


async def head(call: Call) -> Reply:
    """The headers that GET would give."""
    found, annotation = _asked(call)
    framing = _framing(annotation.size, wants_gzip(call.request))
    return response(200, call.responses.annotation(found, annotation, framing))


async def delete(call: Call) -> Reply:
    """Delete an annotation: 200."""
    refuse_all(call.request)
    call.caller.needs("delete")
    call.parameters.only("type", "annotation")
    name = annotation_name(call)
    annotated_object(call)
    call.store.remove_annotation(call.path, name)
    return call.responses.done()


async def get_info(call: Call) -> Reply:
    """What annotations there are, as XML; 204 if there are none."""
    call.caller.needs("read")
    call.parameters.only("type")
    found = annotated_object(call)
    if not found.annotations:
        raise HTTPError(204)
    lines = ['<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<annotations>\n']
    lines += [_info(name, annotation) for name, annotation in found.annotations.items()]
    data = ("".join(lines) + "</annotations>\n").encode()
    gzip = wants_gzip(call.request)
    headers = call.responses.information(_framing(len(data), gzip))
    return response(200, headers, BodyStream(packed([data])) if gzip else data)


def annotation_name(call: Call) -> str:
    """The annotation that is asked for; refuses names that cannot be."""
    name = call.parameters.text("annotation")
    if name is None:
        return DEFAULT_NAME
    if not _NAME.fullmatch(name):
        raise HTTPError(400, f"not a name for an annotation: {name}")
    return name


def annotated_object(call: Call, message: str = "a directory has no annotations") -> StoredObject:
    """The object that the URL names; refuses with 400 and *message* if it is a directory."""
    found = call.existing()
    if isinstance(found, Directory):
        raise HTTPError(400, message)
    return found


def _asked(call: Call) -> tuple[StoredObject, Annotation]:
    call.caller.needs("read")
    call.parameters.only("type", "annotation")
    name = annotation_name(call)
    found = annotated_object(call)
    if name not in found.annotations:
        raise NoAnnotation(f"No annotation exists with name {name}")
    return found, found.annotations[name]


def _framing(length: int, gzip: bool) -> Headers:
    if gzip:  # sent in chunks, then (section 8)
        return [("Content-Encoding", "gzip"), ("X-HCP-ContentLength", str(length))]
    return [("Content-Length", str(length))]


def _info(name: str, annotation: Annotation) -> str:
    return _INFO.format(
        name=name,
        scheme=annotation.hash_scheme,
        value=annotation.hash_value,
        milliseconds=with_hundredths(annotation.changed),
        time=iso(annotation.changed // 1000),
        size=annotation.size,
        content_type="text/xml" if annotation.is_xml else "unknown",
    )
