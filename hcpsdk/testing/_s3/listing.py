"""Lists of objects and of versions. docs/hcp/s3.rst, section 5."""

import base64
import binascii
import bisect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote_from_bytes

from .._http.messages import Reply
from .._store.objects import DeleteMarker, Directory, StoredObject
from .._store.store import Store
from .._xml import Record
from .call import Bucket, Call
from .errors import S3Error
from .responses import owner, text, time

MAX_KEYS = 1000
EMPTY_ETAG = '"d41d8cd98f00b204e9800998ecf8427e"'

Entry = StoredObject | Directory | DeleteMarker


@dataclass(frozen=True)
class Item:
    """An entry of a list: a version of what is called *name*, or a common prefix (None)."""

    name: bytes
    entry: Entry | None = None
    is_latest: bool = True

    @property
    def place(self) -> tuple[bytes, int]:
        """Where it is in the list."""
        return self.name, self.entry.version if self.entry else 0


@dataclass(frozen=True)
class Page:
    """What one response shows."""

    items: list[Item]
    is_truncated: bool
    max_keys: int
    prefix: bytes
    delimiter: bytes
    shown: Callable[[bytes], str]  # as "encoding-type" demands
    encoding: Record

    def record(self, bucket: Bucket, before: Record, after: Record) -> Record:
        """The elements that all lists have, with those *before* and *after* the common ones."""
        common: Record = {
            "Name": bucket.namespace.name,
            "Prefix": self.shown(self.prefix),
            **before,
            "MaxKeys": self.max_keys,
        }
        if self.delimiter:
            common["Delimiter"] = self.shown(self.delimiter)
        common |= {**self.encoding, "IsTruncated": self.is_truncated, **after}
        return common

    def prefixes(self) -> list[Record]:
        return [{"Prefix": self.shown(each.name)} for each in self.items if each.entry is None]

    def contents(self, *, shows_owner: bool) -> list[Record]:
        return [
            {
                "Key": self.shown(each.name),
                **about(each.entry),
                **({"Owner": owner(owner_of(each.entry))} if shows_owner else {}),
                "StorageClass": "STANDARD",
            }
            for each in self.items
            if each.entry is not None
        ]


async def get(call: Call) -> Reply:
    """The objects and folders, version 1 or 2 of the list."""
    bucket = call.bucket()
    bucket.needs("browse")
    if call.parameters.get("list-type") == "2":
        return _second(call, bucket)
    marker = _bytes(call, "marker")
    page = _page(call, current(bucket.store), marker, (marker, 1 << 64))
    last: Record = {}
    if page.is_truncated and page.delimiter:
        last = {"NextMarker": page.shown(page.items[-1].name)}
    record = page.record(bucket, {"Marker": page.shown(marker)}, last)
    record |= {"Contents": page.contents(shows_owner=True), "CommonPrefixes": page.prefixes()}
    return call.responses.document(call.request, "ListBucketResult", record)


def _second(call: Call, bucket: Bucket) -> Reply:
    token = call.parameters.get("continuation-token")
    after = _bytes(call, "start-after")
    begin = after if token is None else _from_token(token)
    page = _page(call, current(bucket.store), begin, (begin, 1 << 64))
    before: Record = {"KeyCount": len(page.items)}
    if token is not None:
        before["ContinuationToken"] = token
    if after:
        before["StartAfter"] = page.shown(after)
    last: Record = {}
    if page.is_truncated:
        last = {"NextContinuationToken": base64.urlsafe_b64encode(page.items[-1].name).decode()}
    record = page.record(bucket, before, last)
    shows_owner = call.parameters.get("fetch-owner") == "true"
    record |= {"Contents": page.contents(shows_owner=shows_owner)}
    record |= {"CommonPrefixes": page.prefixes()}
    return call.responses.document(call.request, "ListBucketResult", record)


async def get_versions(call: Call) -> Reply:
    """All versions; those of one name from the oldest to the newest."""
    bucket = call.bucket()
    bucket.needs("browse")
    marker = _bytes(call, "key-marker")
    number = call.parameters.get("version-id-marker", "")
    if number and not (number.isascii() and number.isdigit()):
        raise S3Error(400, "InvalidArgument", "version-id-marker is not a version")
    begin = (marker, int(number) if number else 1 << 64)
    page = _page(call, versions(bucket.store), marker, begin)
    before = {"KeyMarker": page.shown(marker), "VersionIdMarker": number}
    last: Record = {}
    if page.is_truncated:
        name, version = page.items[-1].place
        last = {"NextKeyMarker": page.shown(name), "NextVersionIdMarker": version}
    record = page.record(bucket, before, last)
    # One list for each kind of element: the order within a name is that of the version IDs.
    record["Version"] = [_version(page, i) for i in page.items if _is_version(i.entry)]
    record["DeleteMarker"] = [
        _version(page, i) for i in page.items if isinstance(i.entry, DeleteMarker)
    ]
    record["CommonPrefixes"] = page.prefixes()
    return call.responses.document(call.request, "ListVersionsResult", record)


def _is_version(entry: Entry | None) -> bool:
    return entry is not None and not isinstance(entry, DeleteMarker)


def _version(page: Page, item: Item) -> Record:
    entry = item.entry
    assert entry is not None
    record: Record = {
        "Key": page.shown(item.name),
        "VersionId": entry.version,
        "IsLatest": item.is_latest,
    }
    if isinstance(entry, DeleteMarker):
        record["LastModified"] = time(entry.created)
    else:
        record |= {**about(entry), "StorageClass": "STANDARD"}
    return {**record, "Owner": owner(owner_of(entry))}


def about(entry: Entry) -> Record:
    """Time, ETag and size of an object or a folder."""
    if isinstance(entry, StoredObject):
        return {
            "LastModified": time(entry.created),
            "ETag": f'"{entry.etag}"',
            "Size": entry.size,
        }
    changed = entry.changed if isinstance(entry, Directory) else entry.created
    return {"LastModified": time(changed), "ETag": EMPTY_ETAG, "Size": 0}


def owner_of(entry: Entry) -> str:
    """The name of the owner; "" for folders, which have none."""
    if isinstance(entry, StoredObject):
        return entry.metadata.owner
    return entry.owner if isinstance(entry, DeleteMarker) else ""


# What there is, in the order of the names


def current(store: Store) -> list[Item]:
    """All objects, and folders with a slash at the end."""
    found = (
        Item(b"/".join(path) + (b"/" if isinstance(entry, Directory) else b""), entry)
        for path, entry in store.walk()
    )
    return sorted(found, key=lambda item: item.place)


def versions(store: Store) -> list[Item]:
    """All versions of all objects, and the folders."""
    found = current(store)
    names = {item.name for item in found}
    for path, old in store.old_versions:
        name = b"/".join(path)
        newest = old[-1] if name not in names else None
        found += [Item(name, each, each is newest) for each in old]
    return sorted(found, key=lambda item: item.place)


# Pages


def _page(call: Call, items: list[Item], marker: bytes, begin: tuple[bytes, int]) -> Page:
    """The items after *begin*, as many as wanted; what has a common prefix is one of them."""
    prefix, delimiter = _bytes(call, "prefix"), _bytes(call, "delimiter")
    limit = _limit(call)
    if prefix > begin[0]:
        begin = (prefix, -1)
    start = bisect.bisect_right(items, begin, key=lambda item: item.place)
    found: list[Item] = []
    is_truncated = False
    for item in _folded(items[start:], prefix, delimiter):
        if item.entry is None and item.name <= marker:
            continue  # it was on the page before
        if len(found) == limit:
            is_truncated = limit > 0
            break
        found.append(item)
    encoding = call.parameters.get("encoding-type")
    if encoding not in (None, "url"):
        raise S3Error(400, "InvalidArgument", f"bad value for encoding-type: {encoding}")
    shown = readable if encoding is None else _url_encoded
    said = {} if encoding is None else {"EncodingType": "url"}
    return Page(found, is_truncated, _asked(call), prefix, delimiter, shown, said)


def _folded(items: Iterable[Item], prefix: bytes, delimiter: bytes) -> Iterator[Item]:
    last = None
    for item in items:
        if not item.name.startswith(prefix):
            return  # they are in order
        place = item.name.find(delimiter, len(prefix)) if delimiter else -1
        if place < 0:
            yield item
        elif (common := item.name[: place + len(delimiter)]) != last:
            last = common
            yield Item(common)


def _limit(call: Call) -> int:
    return min(_asked(call), MAX_KEYS)


def _asked(call: Call) -> int:
    asked = call.parameters.get("max-keys", str(MAX_KEYS))
    if not (asked.isascii() and asked.isdigit()) or int(asked[:11]) > 2**31 - 1:
        raise S3Error(400, "InvalidArgument", f"bad value for max-keys: {asked}")
    return int(asked)


def _bytes(call: Call, name: str) -> bytes:
    return call.parameters.get(name, "").encode("utf-8", "surrogateescape")


def _from_token(token: str) -> bytes:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise S3Error(400, "InvalidArgument", "the continuation token is invalid") from None


def readable(name: bytes) -> str:
    """A name as a document can carry it."""
    return text(name.decode("utf-8", "replace"))


def _url_encoded(name: bytes) -> str:
    return quote_from_bytes(name)
