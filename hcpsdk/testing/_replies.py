"""Replies with the headers that were recorded from HCP 7.0 and 7.1, in the recorded order.

namespace.md, section 3 (objects), 11 (directories), 25 (everything that was not recorded).
"""

import secrets
import time
from collections.abc import Callable, Iterable
from urllib.parse import quote

from ._messages import Reply
from ._objects import Annotation, Directory, StoredObject
from ._paths import Path, url
from ._refusals import Refused
from ._system import Namespace, System
from ._times import http_date, iso, with_hundredths

Headers = list[tuple[str, str]]

# Spelled as in the manuals (namespace.md, section 20).
REASONS = {
    200: "OK",
    201: "Created",
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
    412: "Precondition Failed",
    413: "File Too Large",
    414: "Request URI Too Large",
    415: "Unsupported Media Type",
    416: "Requested Range Not Satisfiable",
    503: "Service Unavailable",
}

# Section 25, 2; for 204 section 13.
EXPLAINED = frozenset([204, 400, 403, 409, 503])

MAX_MESSAGE = 500  # characters; some quote what the client sent

# What a header may hold as it is: printable ASCII.
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))


class Replies:
    """Makes the replies of *system*; *now* tells the time, in seconds since the epoch."""

    def __init__(self, system: System, now: Callable[[], float] = time.time) -> None:
        self._system = system
        self._now = now

    def refused(self, refusal: Refused) -> Reply:
        """The reply that *refusal* stands for; its body is empty."""
        headers = [*self._first_lines(), *self._stamp(), *refusal.headers]
        if refusal.message and refusal.status in EXPLAINED:
            headers.append(("X-HCP-ErrorMessage", header_text(refusal.message[:MAX_MESSAGE])))
        # With 304 it would speak of the body that GET would get; RFC 7230 forbids it with 204.
        if refusal.status not in (204, 304):
            headers.append(("Content-Length", "0"))
        return _reply(refusal.status, headers)

    def done(self) -> Reply:
        """200 with nothing to tell: metadata changed, or something deleted."""
        return _reply(200, [*self._first_lines(), *self._stamp(), ("Content-Length", "0")])

    def stored(self, path: Path, stored: StoredObject) -> Reply:
        """201 for a new object, with the annotation that it may have been stored with."""
        about = [
            ("X-HCP-VersionId", str(stored.version)),
            ("X-HCP-Hash", f"{stored.hash_scheme} {stored.hash_value}"),
            ("ETag", f'"{stored.etag}"'),
        ]
        for annotation in stored.annotations.values():
            about.append(_annotation_hash(annotation))
        return self._created(path, about)

    def annotated(self, path: Path, annotation: Annotation) -> Reply:
        """201 for a new annotation, or one that replaces another."""
        return self._created(path, [_annotation_hash(annotation)])

    def directory_made(self, path: Path) -> Reply:
        """201 for a new directory."""
        return self._created(path, [])

    def _created(self, path: Path, about: Headers) -> Reply:
        # Here the request's ID comes after what was stored, unlike in every other reply.
        request_id, system, hcp_time = self._stamp()
        headers = [*self._first_lines(), system, ("Location", url(path)), *about]
        return _reply(201, [*headers, request_id, hcp_time, ("Content-Length", "0")])

    def object(
        self, stored: StoredObject, namespace: Namespace, content_type: str, framing: Headers
    ) -> Headers:
        """The headers of GET and HEAD; *framing* tells how the body will be sent."""
        return [
            *self._first_lines(),
            *self._stamp(),
            ("X-HCP-SoftwareVersion", self._system.version),
            ("ETag", f'"{stored.etag}"'),
            ("Cache-Control", "no-cache,no-store"),
            ("Pragma", "no-cache"),
            ("Expires", http_date(0)),
            ("Content-Type", content_type),
            *framing,
            *_about_object(stored, namespace),
            *_change_time(stored.changed),
            ("Last-Modified", http_date(stored.changed // 1000)),
        ]

    def directory(self, directory: Directory, framing: Headers) -> Headers:
        """The headers of a listing, and of HEAD on a directory."""
        return [
            *self._first_lines(),
            *self._stamp(),
            ("X-HCP-SoftwareVersion", self._system.version),
            ("Content-Type", "text/xml"),
            *framing,
            ("Cache-Control", "no-cache"),
            ("Pragma", "no-cache"),
            ("Expires", http_date(0)),
            *_change_time(directory.changed),
            ("Last-Modified", http_date(directory.changed // 1000)),
            ("X-HCP-Type", "directory"),
        ]

    def annotation(self, stored: StoredObject, annotation: Annotation, framing: Headers) -> Headers:
        """The headers of GET and HEAD for an annotation of *stored* (section 13)."""
        return [
            *self._first_lines(),
            *self._stamp(),
            ("X-HCP-SoftwareVersion", self._system.version),
            ("ETag", f'"{stored.etag}"'),  # the object's, as recorded
            ("Cache-Control", "no-cache,no-store"),
            ("Pragma", "no-cache"),
            ("Expires", http_date(0)),
            ("Content-Type", "text/xml" if annotation.is_xml else "application/octet-stream"),
            *framing,
            ("X-HCP-Type", "annotation"),
            ("X-HCP-Size", str(annotation.size)),
            ("X-HCP-Hash", f"{annotation.hash_scheme} {annotation.hash_value}"),
            *_change_time(annotation.changed),
            ("Last-Modified", http_date(annotation.changed // 1000)),
        ]

    def information(self, framing: Headers) -> Headers:
        """The headers of what ``/proc`` tells (namespace-info.md, section 1), and of such XML."""
        return [
            *self._first_lines(),
            *self._stamp(),
            ("X-HCP-SoftwareVersion", self._system.version),
            ("Content-Type", "text/xml"),
            *framing,
            ("Cache-Control", "no-cache"),
            ("Pragma", "no-cache"),
            ("Expires", http_date(0)),
        ]

    def _first_lines(self) -> Headers:
        date = http_date(int(self._now()))
        return [("Date", date), ("Server", f"HCP V{self._system.version}")]

    def _stamp(self) -> Headers:
        return [
            ("X-RequestId", f"{secrets.randbits(64):X}"),
            ("X-HCP-ServicedBySystem", self._system.domain),
            ("X-HCP-Time", str(int(self._now()))),
        ]


def header_text(text: str) -> str:
    """*text* as a header can carry it: whatever is not printable ASCII is percent-encoded.

    Blanks at its ends go, as they would on the way.
    """
    return quote(text.strip(), safe=_PRINTABLE)


def _about_object(stored: StoredObject, namespace: Namespace) -> Headers:
    metadata = stored.metadata
    return [
        ("X-HCP-Type", "object"),
        ("X-HCP-Size", str(stored.size)),
        ("X-HCP-Hash", f"{stored.hash_scheme} {stored.hash_value}"),
        ("X-HCP-VersionId", str(stored.version)),
        ("X-HCP-IngestTime", str(stored.created // 1000)),
        ("X-HCP-RetentionClass", metadata.retention.class_name),
        ("X-HCP-RetentionString", str(metadata.retention)),
        ("X-HCP-Retention", str(metadata.retention.until)),
        ("X-HCP-IngestProtocol", "HTTP"),
        ("X-HCP-RetentionHold", flag(metadata.hold)),
        ("X-HCP-Shred", flag(metadata.shred)),
        ("X-HCP-DPL", str(namespace.dpl)),
        ("X-HCP-Index", flag(metadata.index)),
        ("X-HCP-Custom-Metadata", flag(bool(stored.annotations))),
        ("X-HCP-ACL", "false"),
        ("X-HCP-Owner", header_text(metadata.owner)),
        ("X-HCP-Domain", ""),
        ("X-HCP-UID", ""),
        ("X-HCP-GID", ""),
        ("X-HCP-CustomMetadataAnnotations", annotation_names(stored)),
        ("X-HCP-Replicated", flag(stored.replicated)),
        ("X-HCP-ReplicationCollision", flag(stored.collided)),
    ]


def _change_time(milliseconds: int) -> Headers:
    return [
        ("X-HCP-ChangeTimeMilliseconds", with_hundredths(milliseconds)),
        ("X-HCP-ChangeTimeString", iso(milliseconds // 1000)),
    ]


def _annotation_hash(annotation: Annotation) -> tuple[str, str]:
    return "X-HCP-CustomMetadataHash", f"{annotation.hash_scheme} {annotation.hash_value}"


def annotation_names(stored: StoredObject) -> str:
    """``name;size, name;size``: all annotations of *stored*."""
    return ", ".join(f"{name};{each.size}" for name, each in stored.annotations.items())


def flag(value: bool) -> str:
    """``true`` or ``false``."""
    return "true" if value else "false"


def _reply(status: int, headers: Iterable[tuple[str, str]]) -> Reply:
    return Reply(status, REASONS[status], list(headers))
