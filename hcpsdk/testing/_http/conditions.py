"""Headers that request a part (Range), or make a request conditional (If-…).

docs/hcp/namespace.rst, sections 7 and 9.
"""

import re
from typing import NamedTuple, Protocol

from .._dates import from_http_date
from .errors import HTTPError
from .messages import Request

CONDITIONS = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII | re.IGNORECASE)
_ETAG = re.compile(r'(?:W/)?"([^"]*)"|([^\s,"]+)')


class Entity(Protocol):
    """What conditions look at."""

    @property
    def etag(self) -> str: ...  # without quotes
    @property
    def changed(self) -> int: ...  # milliseconds since the epoch


class Span(NamedTuple):
    """The bytes from *start* up to *stop*, exclusively."""

    start: int
    stop: int


def requested_span(request: Request, size: int) -> Span | None:
    """The requested part of *size* bytes; None for everything.

    Several ranges, other units, and invalid ranges are ignored, as HTTP permits. A range that is
    empty or starts beyond the end gets 416.
    """
    match = _RANGE.fullmatch(request.header("Range") or "")
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        span = Span(max(0, size - int(match[2])), size)
    elif not match[2]:
        span = Span(int(match[1]), size)
    else:
        span = Span(int(match[1]), min(int(match[2]) + 1, size))
    if span.start >= span.stop:
        raise HTTPError(416, headers=[("Content-Range", f"bytes */{size}")])
    return span


def check_read(request: Request, found: Entity, prefix: str = "") -> None:
    """Check the conditions of a GET or HEAD of *found*."""
    _check(request, found, 304, prefix)


def check_write(request: Request, found: Entity | None) -> None:
    """Check the conditions of a PUT with the name of *found*."""
    _check(request, found, 412)


def refuse_all(request: Request) -> None:
    """400 for conditions in a DELETE or POST."""
    for name in CONDITIONS:
        if request.header(name) is not None:
            raise HTTPError(400, f"a {request.method} cannot have the header {name}")


def _check(request: Request, found: Entity | None, status_if_match: int, prefix: str = "") -> None:
    # The first one of repeated headers counts; ETags come before dates.
    match = request.header(f"{prefix}If-Match")
    if match is not None and not _matches(match, found):
        raise HTTPError(412)
    none_match = request.header(f"{prefix}If-None-Match")
    if none_match is not None and _matches(none_match, found):
        raise HTTPError(status_if_match, headers=_etag(found))
    if found is None:
        return
    changed = found.changed // 1000  # HTTP dates have whole seconds
    since = _date(request, f"{prefix}If-Modified-Since")
    # RFC 2616, 14.26: with If-None-Match, If-Modified-Since must be ignored.
    if since is not None and none_match is None and changed <= since:
        raise HTTPError(304, headers=_etag(found))
    since = _date(request, f"{prefix}If-Unmodified-Since")
    if since is not None and changed > since:
        raise HTTPError(412)


def _matches(listed: str, found: Entity | None) -> bool:
    if found is None:
        return False
    if listed.strip() == "*":
        return True
    return found.etag in {quoted or bare for quoted, bare in _ETAG.findall(listed)}


def _date(request: Request, name: str) -> int | None:
    return from_http_date(request.header(name) or "")


def _etag(found: Entity | None) -> list[tuple[str, str]]:
    return [("ETag", f'"{found.etag}"')] if found else []
