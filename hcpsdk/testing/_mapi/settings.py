"""Resources that consist of properties: tables of what there is, reading and changing them.

A property is either stored as it came, or it is an attribute of a `Namespace` or a `User`, where it
takes effect. Imports `call` and `properties`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from .._http.errors import HTTPError
from .._store.retention import RetentionError
from .._store.retention import parse as parse_retention
from ..config import GIB, Namespace, User
from .call import Document, MapiCall, Path, Resource
from .documents import Record
from .properties import Property, boolean, changes, integer, text

Subject = TypeVar("Subject", Namespace, User, None)


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Setting:
    """A property of a resource.

    Args:
        check: Turns what came into the value; `ValueError` if that is not possible.
        default: The value until one is set.
        attribute: Where the subject has the value; "" for one that is only stored.
        show: Turns the attribute into the value.
        keep: Turns the value into the attribute.
        fixed: It can be set only when the resource is created.
        read_only: It cannot be set, and is shown only if asked for with ``verbose``.
    """

    check: Property = _same
    default: Any = None
    attribute: str = ""
    show: Callable[[Any], Any] = _same
    keep: Callable[[Any], Any] = _same
    fixed: bool = False
    read_only: bool = False


Settings = Mapping[str, Setting]


def shown(settings: Settings, subject: Subject, stored: Record, *, verbose: bool) -> Record:
    """The properties of a resource."""
    record = {}
    for name, setting in settings.items():
        if setting.read_only and not verbose:
            continue
        if setting.attribute:
            record[name] = setting.show(getattr(subject, setting.attribute))
        else:
            record[name] = stored.get(name, setting.default)
    return record


def changed(
    settings: Settings, given: Any, subject: Subject, stored: Record, *, is_new: bool = False
) -> tuple[Subject, Record]:
    """*subject* and *stored* with the properties that are *given*: all of them or an error."""
    open_ones = {
        name: setting.check
        for name, setting in settings.items()
        if not setting.read_only and (is_new or not setting.fixed)
    }
    present = shown(settings, subject, stored, verbose=True)
    new = changes(given, open_ones, present)
    attributes = {
        settings[name].attribute: settings[name].keep(value)
        for name, value in new.items()
        if settings[name].attribute
    }
    plain = {name: value for name, value in new.items() if not settings[name].attribute}
    if attributes and subject is not None:
        try:
            subject = replace(subject, **attributes)
        except ValueError as error:
            raise HTTPError(400, str(error)) from error
    return subject, {**stored, **plain}


def require(given: Mapping[str, Any], *names: str) -> None:
    """Refuse a new resource that lacks one of the properties *names*."""
    for name in names:
        if name not in given:
            raise HTTPError(400, f"'{name}' property is required.")


# Resources


Roles = tuple[str, ...]
READ: Roles = ("monitor", "administrator")
WRITE: Roles = ("administrator",)
COMPLY: Roles = ("compliance",)
SECURE: Roles = ("security",)


def of_tenant(root: str, settings: Settings, readers: Roles, writers: Roles) -> Resource:
    """A resource of a tenant that is only stored."""

    def get(call: MapiCall) -> Document:
        call.in_tenant(*readers)
        return Document(root, shown(settings, None, stored(call), verbose=call.verbose))

    def post(call: MapiCall) -> None:
        call.in_tenant(*writers)
        _, new = changed(settings, call.document(root), None, stored(call))
        call.emulated.plain[call.path] = new

    return Resource({"GET": get, "POST": post})


def of_namespace(root: str, settings: Settings, readers: Roles, writers: Roles) -> Resource:
    """A resource of a namespace, some of whose properties may be attributes of the namespace."""

    def get(call: MapiCall) -> Document:
        namespace = call.in_namespace(*readers, owners=True)
        return Document(root, shown(settings, namespace, stored(call), verbose=call.verbose))

    def post(call: MapiCall) -> None:
        namespace = call.in_namespace(*writers, owners=root == "versioningSettings")
        new, plain = changed(settings, call.document(root), namespace, stored(call))
        call.namespaces.change(new)
        call.emulated.plain[call.path] = plain

    return Resource({"GET": get, "POST": post})


def stored(call: MapiCall, path: Path | None = None) -> Record:
    """What is stored of a resource, by default of the one that was asked for."""
    return call.emulated.plain.get(call.path if path is None else path, {})


# Values

_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,2})?) ?(MB|GB|TB)", re.ASCII)
_UNITS = {"MB": GIB / 1024, "GB": GIB, "TB": GIB * 1024}
NO_QUOTA = "None"


def size_bytes(value: str) -> int:
    """The bytes that ``50 GB`` stands for; `ValueError` if it is no size."""
    match = _SIZE.fullmatch(str(value).strip())
    if match is None:
        raise ValueError("not a size such as 50 GB")
    return int(float(match[1]) * _UNITS[match[2]])


def size_text(size: int) -> str:
    """*size* in bytes as it is shown: ``50.00 GB``."""
    return f"{size / GIB:.2f} GB"


def size(value: Any) -> str:
    """A size, with a number and a unit."""
    size_bytes(value)
    number, unit = str(value).strip()[:-2].strip(), str(value).strip()[-2:]
    return f"{float(number):.2f} {unit}"


def size_or_none(value: Any) -> str:
    """A size, or ``None``."""
    return NO_QUOTA if str(value) == NO_QUOTA else size(value)


def integer_or_none(value: Any) -> int | str:
    """A number, or ``None``."""
    return NO_QUOTA if str(value) == NO_QUOTA else integer(0, 10_000)(value)


SHORT_TEXT = text(0, 255)


def strings(element: str, check: Property = SHORT_TEXT, most: int = 1000) -> Property:
    """A list, each item in a separate *element*."""

    def checked(value: Any) -> Record:
        if value in ("", None, {}):
            return {element: []}
        if not isinstance(value, dict) or set(value) != {element}:
            raise ValueError(f"not a list of {element}")
        items = value[element]
        if not isinstance(items, list):
            items = [items]
        if len(items) > most:
            raise ValueError(f"more than {most} of {element}")
        return {element: [check(item) for item in items]}

    return checked


def retention_value(value: Any) -> str:
    """A retention: a number, a date, an offset, or a class."""
    try:
        parse_retention(str(value))
    except RetentionError as error:
        raise ValueError(str(error)) from error
    return str(value)


IP_SETTINGS = {
    "allowIfInBothLists": False,
    "allowAddresses": {"ipAddress": ["0.0.0.0/0", "::0/0"]},
    "denyAddresses": {"ipAddress": []},
}


def ip_settings(value: Any) -> Record:
    """Lists of the addresses that are allowed and denied."""
    checks = {
        "allowIfInBothLists": boolean,
        "allowAddresses": strings("ipAddress"),
        "denyAddresses": strings("ipAddress"),
    }
    return {**IP_SETTINGS, **changes(value, checks, {})}


def switch(default: bool, attribute: str = "", **more: Any) -> Setting:
    """A property that is true or false."""
    return Setting(boolean, default, attribute, **more)


def free_text(default: str = "", attribute: str = "", most: int = 1024, **more: Any) -> Setting:
    """A property with free text."""
    return Setting(text(0, most), default, attribute, **more)


def fact(default: Any = None, attribute: str = "", **more: Any) -> Setting:
    """A read-only property."""
    return Setting(default=default, attribute=attribute, read_only=True, **more)
