"""Properties that a client sends to the management API: which there are, and what they can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._http.errors import HTTPError
from .._xml import NOT_IN_XML
from .documents import Record

# From what came (text in XML, also bool and int in JSON) to the value; `ValueError` if it is none.
Property = Callable[[Any], Any]


def changes(given: Any, properties: Mapping[str, Property], present: Record) -> Record:
    """The new values of the *properties* that are *given*.

    What *present* has besides cannot be changed, but may be sent as it is, so that what was asked
    for can be sent back. Section 3's table: 400 for bad or unknown ones, 403 for the former.
    """
    if not isinstance(given, dict):
        raise HTTPError(400, "a property with others inside is expected")
    new = {}
    for name, value in given.items():
        if name in properties:
            try:
                new[name] = properties[name](value)
            except ValueError as error:
                raise HTTPError(400, f"bad value for {name}: {error}") from error
        elif name not in present:
            raise HTTPError(400, f"unknown property: {name}")
        elif _as_text(value) != _as_text(present[name]):
            raise HTTPError(403, f"the property cannot be changed: {name}")
    return new


def _as_text(value: Any) -> Any:
    """*value* as XML shows it, so that it can be compared with what came in either format."""
    if isinstance(value, dict):
        return {name: _as_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_as_text(inner) for inner in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def flag(value: Any) -> bool:
    """``true`` or ``false``."""
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise ValueError("neither true nor false")


def integer(least: int, most: int) -> Property:
    """A whole number from *least* to *most*."""

    def checked(value: Any) -> int:
        text = "" if isinstance(value, bool) else str(value)
        if not (text.isascii() and text.isdigit() and least <= int(text[:20]) <= most):
            raise ValueError(f"no number from {least} to {most}")
        return int(text)

    return checked


def one_of(*words: str) -> Property:
    """One of *words*."""

    def checked(value: Any) -> str:
        if value not in words:
            raise ValueError(f"none of {', '.join(words)}")
        return str(value)

    return checked


def text(least: int, most: int) -> Property:
    """Text of *least* to *most* characters."""

    def checked(value: Any) -> str:
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise ValueError(f"no text of {least} to {most} characters")
        if NOT_IN_XML.search(value):
            raise ValueError("a character that XML cannot carry")
        return value

    return checked
