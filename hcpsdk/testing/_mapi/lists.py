"""Lists of names: paging, sorting, filtering. Imports `call`. docs/hcp/mapi.rst, section 3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from .._http.errors import HTTPError
from .call import Document, MapiCall

Item = TypeVar("Item")


def listed(
    call: MapiCall,
    root: str,
    element: str,
    items: Sequence[Item],
    name: Callable[[Item], str],
    keys: dict[str, Callable[[Item], object]] | None = None,
    tags: Callable[[Item], Sequence[str]] = lambda item: (),
) -> Document:
    """The names of the requested *items*.

    Args:
        keys: What else than the names the list can be sorted by.
        tags: The tags of an item.
    """
    parameters = call.parameters
    filters = {element: lambda item: [name(item)], "name": lambda item: [name(item)], "tag": tags}
    kind = parameters.get("filterType", element)
    if kind not in filters:
        raise HTTPError(400, f"bad value for filterType: {kind}")
    wanted = parameters.get("filterString", "").lower()
    found = list(items)
    if wanted:
        found = [i for i in found if any(t.lower().startswith(wanted) for t in filters[kind](i))]
    sort = parameters.get("sortType")
    if sort is not None:
        known: dict[str, Callable[[Item], object]] = {
            element: lambda item: name(item).lower(),
            "name": lambda item: name(item).lower(),
            **(keys or {}),
        }
        if sort not in known:
            raise HTTPError(400, f"bad value for sortType: {sort}")
        order = parameters.get("sortOrder", "ascending")
        if order not in ("ascending", "descending"):
            raise HTTPError(400, f"bad value for sortOrder: {order}")
        key = known[sort]
        found.sort(key=lambda item: key(item), reverse=order == "descending")  # type: ignore[arg-type,return-value]
    offset, count = _number(call, "offset", 0), _number(call, "count", len(found))
    return Document(root, {element: [name(item) for item in found[offset : offset + count]]})


def _number(call: MapiCall, name: str, default: int) -> int:
    text = call.parameters.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise HTTPError(400, f"bad value for {name}: {text}")
    return int(text)
