"""XML for all interfaces: writing, reading, checking. Imports nothing of the emulator."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape

# Names and values in the order in which they are shown: str, bool, int, float, a Record, or a list
# of them (an element that is repeated).
Record = dict[str, Any]

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
INDENT = "  "
MAX_DEPTH = 50  # elements inside each other; real documents have four

# Characters that XML 1.0 cannot carry, not even escaped (section 2.2 of its specification).
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Malformed(ValueError):
    """The document is not well-formed, or not the expected one; the message says why."""


# Writing


def attribute(name: str, value: str) -> str:
    """``name="value"``."""
    return f'{name}="{escape(_allowed(value), {chr(34): "&quot;"})}"'


def element(
    name: str,
    attributes: dict[str, str],
    children: Iterable[str] = (),
    indent: str = INDENT,
    per_line: int = 1,
) -> str:
    """An element and a line break, with *per_line* attributes on a line."""
    pairs = [attribute(*pair) for pair in attributes.items()]
    lines = (" ".join(pairs[i : i + per_line]) for i in range(0, len(pairs), per_line))
    inner = "".join(children)
    end = f">\n{inner}{indent}</{name}>\n" if inner else "/>\n"
    return f"{indent}<{name} " + f"\n{indent}    ".join(lines) + end


def cdata(name: str, text: str) -> str:
    """An element of the second level with *text* on a separate line, as HCP writes it."""
    inner = _allowed(text).replace("]]>", "]]]]><![CDATA[>")  # which would end the section
    return f"    <{name}><![CDATA[\n        {inner}\n    ]]></{name}>\n"


def document(root: str, record: Record, *, pretty: bool, declaration: str = DECLARATION) -> str:
    """A document of elements with text, without attributes."""
    return declaration + ("\n" if pretty else "") + _element(root, record, 0 if pretty else None)


def _element(name: str, value: Any, depth: int | None) -> str:
    """An element with the indentation of *depth*; None puts everything on one line."""
    if isinstance(value, list):
        return "".join(_element(name, item, depth) for item in value)
    before, after = ("", "") if depth is None else (INDENT * depth, "\n")
    if isinstance(value, dict):
        below = None if depth is None else depth + 1
        inside = "".join(_element(key, item, below) for key, item in value.items())
        inside = inside and f"{after}{inside}{before}"
    else:
        inside = escape(as_text(value))
    return f"{before}<{name}>{inside}</{name}>{after}" if inside else f"{before}<{name}/>{after}"


def as_text(value: Any) -> str:
    """*value* as XML shows it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _allowed(text: str) -> str:
    """*text* with a question mark for each character that XML cannot carry."""
    return NOT_IN_XML.sub("?", text)


# Reading


def read(root: str, body: bytes, *, keeps_blanks: bool = False) -> Record:
    """The texts of the elements below *root*, without blanks around them unless *keeps_blanks*.

    Raises:
        Malformed: It is another document, or has a DTD, which could declare harmful entities.
    """
    found = _parsed(body)
    if found.tag != root:
        raise Malformed(f"the root element is not {root}")
    values = _values(found, keeps_blanks)
    return values if isinstance(values, dict) else {}


def _values(found: Element, keeps_blanks: bool) -> Any:
    if not len(found):
        return (found.text or "") if keeps_blanks else (found.text or "").strip()
    values: Record = {}
    for child in found:
        value = _values(child, keeps_blanks)
        if child.tag not in values:
            values[child.tag] = value
        elif isinstance(values[child.tag], list):
            values[child.tag].append(value)
        else:
            values[child.tag] = [values[child.tag], value]
    return values


def _parsed(body: bytes) -> Element:
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    depth = 0

    def refuse(*_: object) -> None:
        raise Malformed("a DTD is not allowed")

    def start(name: str, _attributes: object) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise Malformed("too many elements inside each other")
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
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Malformed("malformed XML") from error
    return builder.close()


class WellFormed:
    """Checks bytes as they arrive; ``fault`` is the error as soon as it is known.

    External entities and DTDs are never fetched: expat skips them. A document that declares
    internal entities counts as faulty, because expanding them turns a few lines into gigabytes.
    """

    def __init__(self) -> None:
        self.fault = ""
        self._parser = expat.ParserCreate()
        self._parser.EntityDeclHandler = _refuse_internal_entity

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._parse(piece, is_final=False)

    def finish(self) -> None:
        """There are no more bytes."""
        self._parse(b"", is_final=True)

    def _parse(self, piece: bytes, *, is_final: bool) -> None:
        if self.fault:
            return
        try:
            self._parser.Parse(piece, is_final)
        except (expat.ExpatError, LookupError, ValueError) as exc:  # the latter two: its encoding
            self.fault = str(exc)


def _refuse_internal_entity(name: str, _is_parameter: bool, value: str | None, *_: object) -> None:
    if value is not None:
        raise ValueError(f"declares the entity {name}")
