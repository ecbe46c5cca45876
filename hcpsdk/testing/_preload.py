"""Objects that exist before a test begins. Imports `_store` and `_http`."""

import pathlib
from collections.abc import Mapping
from urllib.parse import quote

from ._http.paths import parsed
from ._store.objects import Change, Metadata
from ._store.retention import parse
from ._store.store import Store

Data = bytes | str | pathlib.Path


def preload(
    store: Store, objects: Mapping[str, Data], owner: str, retention: str | None, hold: bool
) -> None:
    """Store *objects*, by their paths; in the thread of the store."""
    change = Change(None if retention is None else parse(retention), hold=hold)
    for url_path, data in objects.items():
        path, is_directory = parsed(quote(url_path, errors="surrogateescape"))
        if is_directory or not url_path.startswith("/rest/"):
            raise ValueError(f"the path of an object is /rest/..., not {url_path!r}")
        if isinstance(data, pathlib.Path):
            data = data.read_bytes()
        with store.reserve(path) as place:
            place.write(data.encode() if isinstance(data, str) else data)
            created = place.created // 1000
            place.finish(Metadata.initial(change, store.namespace, owner, created))
