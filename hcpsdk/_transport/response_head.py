"""The head of a response in its plain form, which nearly all have.

`http.client` gives every head to the parser for e-mails, which costs more than all the rest of a
small request. A few searches over the bytes find out whether it is plain; any other is left
to `http.client`, and so are the errors.
"""

from __future__ import annotations

import functools
import io
import re
from http.client import HTTPMessage, parse_headers

# A longer head is left to `http.client`, as is one with more line breaks.
MAX_HEAD_BYTES = 65536
_MAX_BREAKS = 99 * len(b"\r\n")

# The lines that matter here, by the value of Content-Length or Connection; and by two times nothing
# Transfer-Encoding, and what does not begin with a name and a colon (RFC 9112, section 5), folded
# lines for example.
_SPECIAL = re.compile(
    rb"\n(?:[Cc](?i:ontent-length:[ \t]*([^\r]*)|onnection:[ \t]*([^\r]*))"
    rb"|[Tt](?i:ransfer-encoding):"
    rb"|(?![!#$%&'*+\-.^_`|~0-9A-Za-z]+:))"
)
_CR, _LF = b"\r\n"  # as numbers: bytes find these faster

# Status, reason, Content-Length, whether the connection will be closed.
PlainHead = tuple[int, str, int | None, bool]


def parse(head: bytes) -> PlainHead | None:
    """What *head*, which ends before its last line break, says; None if it is not plain."""
    status_line, _, _ = head.partition(b"\r\n")
    found = _statuses.get(status_line) or _understand(status_line)
    unbroken = head.replace(b"\r\n", b"")
    if (
        found is None
        or len(head) > MAX_HEAD_BYTES
        or len(head) - len(unbroken) > _MAX_BREAKS
        or _CR in unbroken
        or _LF in unbroken
    ):
        return None
    length: int | None = None
    options = b""
    for digits, more in _SPECIAL.findall(head):
        if digits.isdigit() and length is None and len(digits) < 19:
            length = int(digits)
        elif more and not options:
            options = more.lower()
        else:
            return None
    status, reason = found
    return status, reason, length, options.find(b"close") >= 0


_statuses: dict[bytes, tuple[int, str]] = {}  # by status line: servers know only a few


def _understand(status_line: bytes) -> tuple[int, str] | None:
    version, _, rest = status_line.partition(b" ")
    digits, _, reason = rest.partition(b" ")
    if version != b"HTTP/1.1" or len(digits) != 3 or not digits.isdigit() or digits < b"200":
        return None
    if not (reason.isascii() and str(reason, "ascii").isprintable()):
        return None
    status = int(digits), str(reason, "ascii").strip()
    if len(_statuses) < 100:
        _statuses[status_line] = status
    return status


def to_message(head: bytes) -> HTTPMessage:
    """The header lines of a plain *head*, as `http.client` would have them."""
    _, _, fields = head.partition(b"\r\n")
    lower = fields.lower()
    if b"multipart/" in lower or b"message/" in lower:
        # The parser for e-mails takes an interest in what it thinks is inside.
        return parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
    message = HTTPMessage()
    message.set_payload("")
    if fields:
        for line in str(fields, "iso-8859-1").split("\r\n"):
            name, _, value = line.partition(":")
            message.set_raw(name, value.lstrip(" \t"))
    return message


def look_up(head: bytes, lower: bytes, name: str) -> list[str] | None:
    """The values of one header in a plain *head*, as `to_message` would have them.

    None where that has to be asked. *lower* is the head in lower case.
    """
    wanted = _needle(name)
    if wanted is None:
        return None
    values = []
    at = lower.find(wanted)
    while at >= 0:
        start = at + len(wanted)
        end = head.find(b"\r\n", start)
        value = head[start:] if end < 0 else head[start:end]
        values.append(str(value, "iso-8859-1").lstrip(" \t"))
        at = lower.find(wanted, start)
    return values


@functools.lru_cache(maxsize=100)
def _needle(name: str) -> bytes | None:
    """What to search for in a head in lower case; None if *name* is no name of a header."""
    if not name.isascii() or not name.isprintable() or ":" in name:
        return None
    return f"\r\n{name.lower()}:".encode("ascii")
