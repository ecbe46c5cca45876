"""Responses of the namespaces, with the headers of HCP 7.0 and 7.1 in the recorded order.

docs/hcp/namespace.rst, section 3 (objects), 11 (directories), 25 (what was not recorded).
"""

from collections.abc import Iterable

from .._dates import http_date, iso, with_hundredths
from .._http.messages import Reply
from .._http.paths import url
from .._http.responses import Headers, Responses, flag, header_text, response
from .._store.objects import Annotation, Directory, Path, StoredObject
from ..config import Namespace


class RestResponses(Responses):
    """Builds the responses of the namespaces."""

    def done(self) -> Reply:
        """200 without a body: metadata changed, or something was deleted."""
        return response(200, [*self.first_lines(), *self.stamp(), ("Content-Length", "0")])

    def stored(self, path: Path, stored: StoredObject, annotations: Iterable[str] = ()) -> Reply:
        """201 for a new object, which has these *annotations* from the same request."""
        about = [
            ("X-HCP-VersionId", str(stored.version)),
            ("X-HCP-Hash", f"{stored.hash_scheme} {stored.hash_value}"),
            ("ETag", f'"{stored.etag}"'),
        ]
        about += [_annotation_hash(stored.annotations[name]) for name in annotations]
        return self._created(path, about)

    def annotated(self, path: Path, annotation: Annotation) -> Reply:
        """201 for a new annotation, or one that replaces another."""
        return self._created(path, [_annotation_hash(annotation)])

    def created(self, path: Path) -> Reply:
        """201 for a new directory, or an access control list."""
        return self._created(path, [])

    def _created(self, path: Path, about: Headers) -> Reply:
        # Here the ID of the request comes later than in other responses.
        request_id, system, hcp_time = self.stamp()
        headers = [*self.first_lines(), system, ("Location", url(path)), *about]
        return response(201, [*headers, request_id, hcp_time, ("Content-Length", "0")])

    def object(
        self, stored: StoredObject, namespace: Namespace, content_type: str, framing: Headers
    ) -> Headers:
        """The headers of GET and HEAD; *framing* describes the body."""
        return [
            *self.first_lines(),
            *self.stamp(),
            self.version(),
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
            *self.first_lines(),
            *self.stamp(),
            self.version(),
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
            *self.first_lines(),
            *self.stamp(),
            self.version(),
            ("ETag", f'"{stored.etag}"'),  # of the object, as recorded
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

    def information(self, framing: Headers, content_type: str = "text/xml") -> Headers:
        """The headers of documents, such as ``/proc`` (docs/hcp/namespace_info.rst, section 1)."""
        return [
            *self.first_lines(),
            *self.stamp(),
            self.version(),
            ("Content-Type", content_type),
            *framing,
            ("Cache-Control", "no-cache"),
            ("Pragma", "no-cache"),
            ("Expires", http_date(0)),
        ]


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
        ("X-HCP-DPL", str(metadata.dpl)),
        ("X-HCP-Index", flag(metadata.index)),
        ("X-HCP-Custom-Metadata", flag(bool(stored.annotations))),
        ("X-HCP-ACL", flag(bool(metadata.acl))),
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
