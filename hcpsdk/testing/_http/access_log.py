"""The access logs of the nodes: what requests were processed. Imports `credentials`.

The format is that of Apache's combined log; no source describes the one of HCP.
"""

import base64
import binascii
import collections
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from .._dates import HCP_ZONE
from .credentials import MANAGEMENT_COOKIE, NAMESPACE_COOKIE, credentials
from .errors import HTTPError
from .messages import Reply, Request

MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"  # in English whatever the locale is
MAX_ENTRIES = 10_000  # older ones are dropped
_PASSWORDS = re.compile(r"\b(password|resetPasswords)=[^&]*", re.IGNORECASE)


@dataclass(frozen=True)
class Access:
    """A request that was processed."""

    node: str  # the address of the node
    port: int
    time: float  # seconds since the epoch
    line: str
    bytes_in: int
    bytes_out: int


class AccessLog:
    """The last requests, in the order of their responses; *now* returns seconds since the epoch."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()  # guards _entries
        self._entries: collections.deque[Access] = collections.deque(maxlen=MAX_ENTRIES)

    def add(self, request: Request, reply: Reply) -> None:
        """Note *request* and the status of *reply*, without credentials."""
        now = self._now()
        size = _header(reply.headers, "Content-Length")
        target = _PASSWORDS.sub(r"\1=********", request.target)
        line = (
            f"{request.client} - {_user(request)} [{_clf_time(now)}] "
            f'"{request.method} {target} HTTP/1.1" {reply.status} {size or "-"} {request.host}'
        )
        bytes_in = int(_header(request.headers, "Content-Length") or 0)
        entry = Access(request.node, request.port, now, line, bytes_in, int(size or 0))
        with self._lock:
            self._entries.append(entry)

    def entries(self) -> list[Access]:
        """A copy of the entries."""
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


def _header(headers: list[tuple[str, str]], name: str) -> str:
    """The value of a header with a number, "" without the header."""
    value = next((value for key, value in headers if key.lower() == name.lower()), "")
    return value if value.isascii() and value.isdigit() else ""


def _user(request: Request) -> str:
    try:
        token = credentials(request, (NAMESPACE_COOKIE, MANAGEMENT_COOKIE))
        name = base64.b64decode((token or "").partition(":")[0], validate=True).decode()
    except (HTTPError, binascii.Error, ValueError):
        return "-"
    return name if name and name.isprintable() else "-"


def _clf_time(now: float) -> str:
    moment = datetime.fromtimestamp(now, HCP_ZONE)
    month = MONTHS[3 * moment.month - 3 : 3 * moment.month]
    return f"{moment:%d}/{month}/{moment:%Y:%H:%M:%S %z}"
