"""The head of an answer in its plain form, which is the form that nearly all have.

`http.client` gives every head to the parser for e-mails, which costs more than all the rest of a
small request. What is plain can be told with a few searches over the bytes; what is not is left
to `http.client`, and so are the errors.
"""

import io
import re
from http.client import HTTPMessage, parse_headers

LONGEST = 65536  # bytes; a longer head is left to `http.client`, as is one with more lines:
_MOST_LINES = 99

_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([2-9][0-9][0-9])(?: ([ -~]*))?(?:\r\n|\Z)")
# Lines that matter here, with name and value, and with neither those that do not begin with a name
# and a colon (RFC 9112, section 5), folded ones for example.
_SPECIAL = re.compile(
    rb"\r\n(?:((?i:content-length|connection|transfer-encoding)):[ \t]*([^\r\n]*)"
    rb"|(?![!#$%&'*+\-.^_`|~0-9A-Za-z]+:))"
)

_DIGITS = re.compile(rb"[0-9]{1,18}")

# Status, reason, Content-Length, whether the connection will be closed.
PlainHead = tuple[int, str, int | None, bool]


def parse(head: bytes) -> PlainHead | None:
    """What *head*, which ends before its last line break, says; None if it is not plain."""
    status_line = _STATUS_LINE.match(head)
    if status_line is None:
        return None
    lines = head.count(b"\r\n")
    if lines > _MOST_LINES or not head.count(b"\r") == lines == head.count(b"\n"):
        return None
    length = connection = None
    for name, value in _SPECIAL.findall(head):
        name = name.lower()
        if name == b"content-length" and length is None and _DIGITS.fullmatch(value):
            length = int(value)
        elif name == b"connection" and connection is None:
            connection = value.lower()
        else:
            return None
    will_close = connection is not None and connection.find(b"close") >= 0
    status, reason = status_line.groups(b"")
    return int(status), str(reason, "ascii").strip(), length, will_close


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
