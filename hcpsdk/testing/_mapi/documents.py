"""Resources of the Management API as XML and JSON, and back. docs/hcp/mapi.rst, section 3.

A resource is a `Record`: names and values in the order in which they are shown. A list of values
is an element that comes several times in XML, and an array in JSON.
"""

from __future__ import annotations

import json
import xml.parsers.expat
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.sax.saxutils import escape

Record = dict[str, Any]  # the values are str, bool, int, float, a Record, or a list of them

XML, JSON = "application/xml", "application/json"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
INDENT = "  "

MAX_NESTED = 50  # elements within each other; real documents have four
MAX_BRACKETS = 300  # in JSON, so that no nesting uses up Python's stack


class Malformed(ValueError):
    """The document is none, or not the one that was expected; says why."""


# Writing


def written(root: str, record: Record, media_type: str, *, pretty: bool) -> bytes:
    """*record* as a document of *media_type*; *root* is the name of its outermost XML element."""
    if media_type == JSON and pretty:
        text = _pretty_json(record)
    elif media_type == JSON:
        text = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    else:
        text = HEAD + ("\n" if pretty else "") + _element(root, record, 0 if pretty else None)
    return text.encode("utf-8")


def _element(name: str, value: Any, depth: int | None) -> str:
    """An element; *depth* is that of its indentation, None puts everything on one line."""
    if isinstance(value, list):
        return "".join(_element(name, item, depth) for item in value)
    before, after = ("", "") if depth is None else (INDENT * depth, "\n")
    if not isinstance(value, dict):
        text = escape(_text(value))
        return f"{before}<{name}>{text}</{name}>{after}" if text else f"{before}<{name}/>{after}"
    below = None if depth is None else depth + 1
    inside = "".join(_element(key, item, below) for key, item in value.items())
    if not inside:
        return f"{before}<{name}/>{after}"
    return f"{before}<{name}>{after}{inside}{before}</{name}>{after}"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pretty_json(value: Any, depth: int = 0) -> str:
    """Objects over several lines, arrays on one, blanks around colons: as HCP prints it."""
    if isinstance(value, list):
        inside = ", ".join(_pretty_json(item, depth) for item in value)
        return f"[ {inside} ]" if inside else "[ ]"
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    before = INDENT * (depth + 1)
    lines = [f'{before}"{key}" : {_pretty_json(item, depth + 1)}' for key, item in value.items()]
    return "{\n" + ",\n".join(lines) + f"\n{INDENT * depth}}}"


# Reading


def read(root: str, body: bytes, media_type: str) -> Record:
    """The values of a document: strings in XML, also bool and int in JSON.

    Raises:
        Malformed: It is no such document, or its XML brings entities or a DTD of its own.
    """
    if media_type == JSON:
        return _read_json(body)
    element = _parsed(body)
    if element.tag != root:
        raise Malformed(f"the root element is not {root}")
    found = _read_element(element)
    return found if isinstance(found, dict) else {}


def _read_json(body: bytes) -> Record:
    if body.count(b"[") + body.count(b"{") > MAX_BRACKETS:
        raise Malformed("too many objects and arrays")
    try:
        found = json.loads(body)
    except ValueError as error:
        raise Malformed("malformed JSON") from error
    if not isinstance(found, dict):
        raise Malformed("the JSON is no object")
    return found


def _read_element(element: Element) -> Any:
    if not len(element):
        return (element.text or "").strip()
    found: Record = {}
    for child in element:
        value = _read_element(child)
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    return found


def _parsed(body: bytes) -> Element:
    """The root element. A DTD is refused, and with it every entity that could do harm."""
    builder = TreeBuilder()
    parser = xml.parsers.expat.ParserCreate()
    depth = 0

    def refuse(*_: object) -> None:
        raise Malformed("a DTD is not allowed")

    def start(name: str, _attributes: object) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_NESTED:
            raise Malformed("too many elements within each other")
        builder.start(name, {})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(body, True)
    except Malformed:
        raise
    except (xml.parsers.expat.ExpatError, ValueError, LookupError) as error:
        raise Malformed("malformed XML") from error
    return builder.close()
