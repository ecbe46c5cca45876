"""What the responses of all interfaces have in common.

Imports `messages`, `errors`, `config` and `_dates`.
docs/hcp/namespace.rst, sections 3, 20 and 25.
"""

import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable
from urllib.parse import quote

from .._dates import http_date
from ..config import System
from .errors import HTTPError
from .messages import Reply

Headers = list[tuple[str, str]]

# Spelled as in HCP's manuals (section 20).
REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "No Content",
    206: "Partial Content",
    302: "Found",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    411: "Length Required",
    412: "Precondition Failed",
    413: "File Too Large",
    414: "Request URI Too Large",
    415: "Unsupported Media Type",
    416: "Requested Range Not Satisfiable",
    422: "Unprocessable Entity",
    501: "Not Implemented",
    503: "Service Unavailable",
}

# Errors whose message is sent: docs/hcp/namespace.rst, section 25, 2; for 204 section 13.
EXPLAINED = frozenset([204, 400, 403, 409, 501, 503])

MAX_MESSAGE = 500  # characters; some messages quote what the client sent

# What a header can hold without encoding: printable ASCII.
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))


class Responses:
    """The first headers of all responses of *system*; *now* returns seconds since the epoch."""

    def __init__(self, system: System, now: Callable[[], float] = time.time) -> None:
        self.system = system
        self._now = now

    def first_lines(self) -> Headers:
        """``Date`` and ``Server``."""
        date = http_date(int(self._now()))
        return [("Date", date), ("Server", f"HCP V{self.system.version}")]

    def stamp(self) -> Headers:
        """The ID of the request, the system and its time."""
        return [
            ("X-RequestId", f"{secrets.randbits(64):X}"),
            ("X-HCP-ServicedBySystem", self.system.domain),
            ("X-HCP-Time", str(int(self._now()))),
        ]

    def refused(self, refusal: HTTPError) -> Reply:
        """The response that *refusal* stands for; its body is empty."""
        headers = [*self.first_lines(), *self.stamp(), *refusal.headers]
        if refusal.message and refusal.status in EXPLAINED:
            headers.append(error_message(refusal.message))
        # With 304 it would be the length of GET's body; RFC 9110 forbids it with 204.
        if refusal.status not in (204, 304):
            headers.append(("Content-Length", "0"))
        return response(refusal.status, headers)

    def version(self) -> tuple[str, str]:
        """The release of HCP."""
        return "X-HCP-SoftwareVersion", self.system.version


def response(
    status: int, headers: Iterable[tuple[str, str]], body: bytes | AsyncIterator[bytes] = b""
) -> Reply:
    """A response with HCP's reason phrase."""
    return Reply(status, REASONS[status], list(headers), body)


def error_message(message: str) -> tuple[str, str]:
    """The header that explains an error."""
    return "X-HCP-ErrorMessage", header_text(message[:MAX_MESSAGE])


def header_text(text: str) -> str:
    """*text* as a header can carry it: whatever is not printable ASCII is percent-encoded.

    Blanks at either end are removed, as they would be in transit.
    """
    return quote(text.strip(), safe=_PRINTABLE)


def flag(value: bool) -> str:
    """``true`` or ``false``."""
    return "true" if value else "false"
