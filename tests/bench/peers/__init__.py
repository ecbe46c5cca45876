"""One file for each client library, all with the same shape.

``shared(place)`` makes what the connections to one server have in common. `Client` is one
persistent connection, used as its manual shows:

* ``mix(path, body)``: PUT, HEAD, GET, DELETE of a small object,
* ``head(path)``: one HEAD,
* ``upload(path, file)``: PUT of an open file, from its beginning,
* ``download(path, block)``: GET, read *block* bytes at a time; returns how many bytes came,
* ``close()``.

All look at each status, read each body to its end, send the same credentials, and over TLS verify
the server's certificate.
"""

import importlib
from typing import IO, Any, Protocol

from ._common import Place

# By the name of the file; the first is what the others are compared to.
NAMES = {
    "bare": "http.client",
    "urllib3": "urllib3",
    "requests": "requests",
    "httpx": "httpx",
    "pycurl": "libcurl (pycurl)",
    "ours": "hcpsdk",
    "raw": "raw socket (floor)",
}
BASE = "bare"


class Client(Protocol):
    """One persistent connection."""

    def mix(self, path: str, body: bytes) -> None: ...
    def head(self, path: str) -> None: ...
    def upload(self, path: str, file: IO[bytes]) -> None: ...
    def download(self, path: str, block: int) -> int: ...
    def close(self) -> None: ...


class Peer(Protocol):
    """What each of the files here is."""

    def shared(self, place: Place) -> Any: ...
    def Client(self, shared: Any) -> Client: ...


def load(name: str) -> Peer:
    """The peer *name*.

    Raises:
        ImportError: Its library is not installed.
    """
    peer: Any = importlib.import_module(f".{name}", __name__)
    return peer  # type: ignore[no-any-return]


def installed() -> list[str]:
    """The names of all peers whose library is there."""
    return [name for name in NAMES if _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        load(name)
    except ImportError:
        return False
    return True
