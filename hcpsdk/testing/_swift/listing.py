"""Lists of containers and objects, as text, JSON or XML. docs/hcp/swift.rst, sections 3 and 4."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar
from xml.sax.saxutils import escape

from .._http.errors import HTTPError
from .._http.messages import Request
from .._xml import DECLARATION, attribute

MAX_ENTRIES = 10_000
TEXT, JSON, XML = "text/plain", "application/json", "application/xml"
_FORMATS = {"plain": TEXT, "json": JSON, "xml": XML}

Entry = Mapping[str, str | int]  # what is shown of a container or object, or {"subdir": …}
T = TypeVar("T")


def selected(
    entries: Iterable[T], name: Callable[[T], str], parameters: Mapping[str, str]
) -> list[T]:
    """The *entries* between the markers, in the order of their names, as many as wanted."""
    limit = parameters.get("limit", str(MAX_ENTRIES))
    if not (limit.isascii() and limit.isdigit() and int(limit[:9]) <= MAX_ENTRIES):
        raise HTTPError(412, f"limit is a number up to {MAX_ENTRIES}")
    prefix, marker = parameters.get("prefix", ""), parameters.get("marker", "")
    end = parameters.get("end_marker", "")
    found = [
        each
        for each in entries
        if name(each).startswith(prefix) and name(each) > marker and not (end and name(each) >= end)
    ]
    return sorted(found, key=lambda each: name(each).encode("utf-8", "surrogateescape"))[
        : int(limit)
    ]


def media_type(request: Request, parameters: Mapping[str, str]) -> str:
    """The format: as the parameter ``format`` says, else as ``Accept`` says, else text."""
    if "format" in parameters:
        return _FORMATS.get(parameters["format"], TEXT)
    accepted = (request.header("Accept") or "").partition(",")[0].partition(";")[0].strip()
    if accepted == "text/xml":
        return XML
    return accepted if accepted in (JSON, XML) else TEXT


def written(root: str, name: str, element: str, entries: Sequence[Entry], kind: str) -> bytes:
    """The list of *entries*; in XML the element *root* has the attribute *name*."""
    if kind == JSON:
        return json.dumps(entries).encode()
    if kind == TEXT:
        return "".join(f"{each.get('subdir', each.get('name'))}\n" for each in entries).encode(
            "utf-8", "surrogateescape"
        )
    inner = "".join(_element(element, each) for each in entries)
    return f"{DECLARATION}\n<{root} {attribute('name', name)}>{inner}</{root}>".encode()


def _element(element: str, entry: Entry) -> str:
    if "subdir" in entry:
        name = str(entry["subdir"])
        return f"<subdir {attribute('name', name)}><name>{escape(name)}</name></subdir>"
    inner = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in entry.items())
    return f"<{element}>{inner}</{element}>"
