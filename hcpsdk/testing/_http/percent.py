"""Percent-encoding in URLs. Imports nothing of the emulator."""

import re
from urllib.parse import unquote_to_bytes

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class BadName(ValueError):
    """A path or a part of a URL is malformed; the message says why."""


def unquoted(text: str) -> bytes:
    """The bytes that percent-encoded *text* stands for; "+" is a plus."""
    raw = text.encode("latin-1")
    if _BAD_ESCAPE.search(raw):
        raise BadName("malformed URL: % without two hexadecimal digits")
    return unquote_to_bytes(raw)
