"""Parameters and statistics of a namespace."""

import re
from collections import OrderedDict
from typing import Any

from hcpsdk._errors import HcpsdkError
from hcpsdk._fetch import Fetcher
from hcpsdk._xml import Element

__all__ = ["Info"]

# Names and texts stay what they are, even if they look like a number (contract 8.1).
TEXT_ATTRIBUTES = frozenset(
    ["hashScheme", "httpScheme", "name", "nameIDNA", "namespaceName", "retentionMode"]
)

# What the author of the original put between the parts of a namespace's description.
DESCRIPTION_SEPARATOR = "°"

_INTEGER = re.compile(r"-?[0-9]{1,100}")


class Info(Fetcher):
    """Settings and statistics of a namespace.

    Uses a separate Connection, which it keeps open until `Info.close()`. Usable as a context
    manager; closes on exit. Each method raises `HcpsdkError` if there is no response, if its
    status is not 200 (the text starts with the status), or if it is not the expected XML.

    Args:
        target: A Target with the name of a namespace.
        debuglevel: As for `Connection`: above 0, prints everything on the wire.
    """

    def nsstatistics(self) -> dict[str, Any]:
        """What the namespace contains: ``GET /proc/statistics``.

        The figures may lag behind the present state.

        Returns:
            A dictionary. ``namespaceName`` is a ``str``, all other values are ``int``: bytes if the
            name ends in ``Bytes``, objects for ``Count``, percent for ``Percent``.
        """
        return _values(self._get("/proc/statistics", "statistics"))

    def listaccessiblens(self, all: bool = False) -> "OrderedDict[str, dict[str, Any]]":
        """The settings of the namespace: ``GET /proc``.

        Args:
            all: True lists all namespaces of the tenant that the user has access to.

        Returns:
            A dictionary for each namespace, by its name, in HCP's order. Numbers are ``int``, flags
            ``bool``, all else ``str``; ``description`` is a list of ``str``, the text split at each
            ``°``.
        """
        params = None if all else {"single": True}
        found: OrderedDict[str, dict[str, Any]] = OrderedDict()
        for element in self._get("/proc", "namespaces", params).children:
            parts = [part.strip() for part in _description(element).split(DESCRIPTION_SEPARATOR)]
            found[_name(element)] = {**_values(element), "description": parts}
        return found

    def listretentionclasses(self) -> "OrderedDict[str, dict[str, Any]]":
        """The retention classes of the namespace: ``GET /proc/retentionClasses``.

        Returns:
            A dictionary for each class, by its name, in HCP's order. ``value`` is an ``int`` (0,
            -1, -2, or seconds since 1970) or an offset such as ``"A+10y"``, ``autoDelete`` a
            ``bool``, ``description`` a ``str``.
        """
        found: OrderedDict[str, dict[str, Any]] = OrderedDict()
        for element in self._get("/proc/retentionClasses", "retentionClasses").children:
            found[_name(element)] = {**_values(element), "description": _description(element)}
        return found

    def listpermissions(self) -> "OrderedDict[str, dict[str, Any]]":
        """What the namespace and its user allow: ``GET /proc/permissions``.

        Returns:
            Four dictionaries of ``bool`` by name of the permission: ``namespacePermissions`` and
            ``userPermissions`` as configured, ``namespaceEffectivePermissions`` and
            ``userEffectivePermissions`` as limited by the permission masks.
        """
        found = self._get("/proc/permissions", "permissions").children
        return OrderedDict((element.name, _values(element)) for element in found)


def _values(element: Element) -> dict[str, Any]:
    """The attributes, with numbers and truth values as such; those of XML schema left out."""
    return {
        name: text if name in TEXT_ATTRIBUTES else _value(text)
        for name, text in element.attributes.items()
        if not name.startswith("{")
    }


def _value(text: str) -> int | bool | str:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if _INTEGER.fullmatch(text) else text


def _name(element: Element) -> str:
    try:
        return element.attributes["name"]
    except KeyError:
        raise HcpsdkError(f"unexpected XML: a <{element.name}> without a name") from None


def _description(element: Element) -> str:
    texts = [child.text for child in element.children if child.name == "description"]
    return "".join(texts).strip()
