"""Resources of the management API as XML and JSON, and back. Imports `_xml`.

A resource is a `Record`. A list in it is a repeated element in XML, and an array in JSON.
docs/hcp/mapi.rst, section 3.
"""

import json

from .. import _xml
from .._xml import Malformed, Record

XML, JSON = "application/xml", "application/json"
MAX_BRACKETS = 300  # in JSON, so that nesting cannot use up Python's stack

__all__ = ["JSON", "XML", "Malformed", "Record", "read", "written"]


def written(root: str, record: Record, media_type: str, *, pretty: bool) -> bytes:
    """*record* as a document of *media_type*; *root* is the name of its outermost XML element."""
    if media_type == JSON:
        indent, separators = (2, (",", " : ")) if pretty else (None, (",", ":"))
        text = json.dumps(record, indent=indent, separators=separators, ensure_ascii=False)
        return text.encode()
    return _xml.document(root, record, pretty=pretty).encode()


def read(root: str, body: bytes, media_type: str) -> Record:
    """The values of a document: strings in XML, also bool and int in JSON.

    Raises:
        Malformed: It is not a document with *root*, or its XML has a DTD.
    """
    return _read_json(body) if media_type == JSON else _xml.read(root, body)


def _read_json(body: bytes) -> Record:
    if body.count(b"[") + body.count(b"{") > MAX_BRACKETS:
        raise Malformed("too many objects and arrays")
    try:
        found = json.loads(body)
    except ValueError as error:
        raise Malformed("malformed JSON") from error
    if not isinstance(found, dict):
        raise Malformed("the JSON is not an object")
    return found
