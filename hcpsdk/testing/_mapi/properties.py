"""Checks of the properties that clients send. Imports `documents`, `_http` and `_xml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._http.errors import HTTPError
from .._xml import NOT_IN_XML, as_text
from .documents import Record

# From what was received (text in XML, also bool and int in JSON) to the value, or `ValueError`.
Property = Callable[[Any], Any]


def changes(given: Any, properties: Mapping[str, Property], present: Record) -> Record:
    """The new values of the *properties* that are *given*.

    Others in *present* are read-only (403), but can be sent unchanged, so that clients can send
    back what they received. Invalid or unknown properties get 400 (section 3).
    """
    if not isinstance(given, dict):
        raise HTTPError(400, "expected a property with nested properties")
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
    """*value* as XML shows it, to compare values of both formats."""
    if isinstance(value, dict):
        return {name: _as_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_as_text(inner) for inner in value]
    return as_text(value)


def boolean(value: Any) -> bool:
    """``true``, ``t``, ``1`` or ``false``, ``f``, ``0``, in any case."""
    if str(value).lower() in ("true", "t", "1"):
        return True
    if str(value).lower() in ("false", "f", "0"):
        return False
    raise ValueError("expected true or false")


def integer(least: int, most: int) -> Property:
    """A whole number from *least* to *most*."""

    def checked(value: Any) -> int:
        text = "" if isinstance(value, bool) else str(value)
        if not (text.isascii() and text.isdigit() and least <= int(text[:20]) <= most):
            raise ValueError(f"expected a number from {least} to {most}")
        return int(text)

    return checked


def one_of(*words: str) -> Property:
    """One of *words*."""

    def checked(value: Any) -> str:
        if value not in words:
            raise ValueError(f"expected one of {', '.join(words)}")
        return str(value)

    return checked


def text(least: int, most: int) -> Property:
    """Text of *least* to *most* characters."""

    def checked(value: Any) -> str:
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise ValueError(f"expected a text of {least} to {most} characters")
        if NOT_IN_XML.search(value):
            raise ValueError("a character that XML cannot carry")
        return value

    return checked
