"""Directory listings in XML. docs/hcp/namespace.rst, section 11.

Recorded from release 8.0, without ``ingestTimeMilliseconds``, which is new in that release.
"""

from collections.abc import Iterator, Mapping

from .._dates import iso, listing_time, with_hundredths
from .._http.paths import quoted, readable, readable_url, url
from .._http.responses import flag
from .._store.objects import DeleteMarker, Directory, Path, StoredObject
from .._xml import DECLARATION, attribute
from ..config import Namespace
from .responses import annotation_names

PIECE_LENGTH = 64 * 1024  # characters in a piece, approximately

_HEAD = f"""{DECLARATION}
<directory xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:noNamespaceSchemaLocation="/static/xsd/ns-directory-6.0.xsd"
"""

Attributes = list[tuple[str, str]]
Entry = StoredObject | Directory | DeleteMarker


def listing(
    directory: Directory,
    path: Path,
    namespace: Namespace,
    deleted: Mapping[bytes, DeleteMarker] | None = None,
) -> Iterator[bytes]:
    """The present listing of *directory*, in pieces; entries are sorted by name."""
    entries: dict[bytes, Entry] = {**(deleted or {}), **directory.entries}
    text = _HEAD + lines(_about(directory, path, namespace, deleted is not None)) + ">\n"
    return _pieces(text, sorted(entries.items()))


def _pieces(text: str, entries: list[tuple[bytes, Entry]]) -> Iterator[bytes]:
    for name, each in entries:
        text += entry(name, each)
        if len(text) > PIECE_LENGTH:
            yield text.encode()
            text = ""
    yield f"{text}</directory>\n".encode()


def entry(name: bytes, described: Entry) -> str:
    """The element for an entry of a directory, or for a version."""
    attributes = [("urlName", quoted((name,))), ("utf8Name", readable(name))]
    if isinstance(described, StoredObject):
        attributes += _object(described)
    elif isinstance(described, DeleteMarker):
        attributes += _deleted(described)
    else:
        attributes += _times(described)
    return "<entry" + lines(attributes) + "/>\n"


def _about(directory: Directory, path: Path, namespace: Namespace, deleted: bool) -> Attributes:
    return [
        ("path", url(path)),
        ("utf8Path", readable_url(path)),
        ("parentDir", url(path[:-1]) if path else ""),  # section 25, 8
        ("utf8ParentDir", readable_url(path[:-1]) if path else ""),
        ("dirDeleted", "false"),
        ("showDeleted", flag(deleted)),
        ("namespaceName", namespace.name),
        ("utf8NamespaceName", namespace.name),
        ("changeTimeMilliseconds", with_hundredths(directory.changed)),
        ("changeTimeString", iso(directory.changed // 1000)),
    ]


def _times(directory: Directory) -> Attributes:
    return [
        ("type", "directory"),
        ("changeTimeMilliseconds", with_hundredths(directory.changed)),
        ("changeTimeString", iso(directory.changed // 1000)),
        ("state", "created"),
    ]


def _deleted(marker: DeleteMarker) -> Attributes:
    return [
        ("type", "object"),
        ("version", str(marker.version)),
        ("ingestTime", str(marker.created // 1000)),
        ("ingestTimeString", listing_time(marker.created // 1000)),
        ("changeTimeMilliseconds", with_hundredths(marker.created)),
        ("changeTimeString", iso(marker.created // 1000)),
        ("owner", readable(marker.owner.encode())),
        ("domain", ""),
        ("state", "deleted"),
    ]


def _object(stored: StoredObject) -> Attributes:
    metadata = stored.metadata
    return [
        ("type", "object"),
        ("size", str(stored.size)),
        ("hashScheme", stored.hash_scheme),
        ("hash", stored.hash_value),
        ("etag", stored.etag),
        ("retention", str(metadata.retention.until)),
        ("retentionString", str(metadata.retention)),
        ("retentionClass", metadata.retention.class_name),
        ("ingestTime", str(stored.created // 1000)),
        ("ingestTimeString", listing_time(stored.created // 1000)),
        ("hold", flag(metadata.hold)),
        ("shred", flag(metadata.shred)),
        ("dpl", str(metadata.dpl)),
        ("index", flag(metadata.index)),
        ("customMetadata", flag(bool(stored.annotations))),
        ("customMetadataAnnotations", annotation_names(stored)),
        ("version", str(stored.version)),
        ("replicated", flag(stored.replicated)),
        ("changeTimeMilliseconds", with_hundredths(stored.changed)),
        ("changeTimeString", iso(stored.changed // 1000)),
        ("owner", readable(metadata.owner.encode())),
        ("domain", ""),
        ("hasAcl", flag(bool(metadata.acl))),
        ("state", "created"),
    ]


def lines(attributes: Attributes) -> str:
    """One attribute per line, as recorded; the first one in the line of its element."""
    return "".join(f" {attribute(*pair)}\n" for pair in attributes)
