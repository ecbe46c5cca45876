"""Containers: namespaces. docs/hcp/swift.rst, section 4."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone

from .._http.errors import HTTPError, not_emulated
from .._http.media_types import content_type
from .._http.messages import Reply
from .._http.responses import Headers
from .._store.namespaces import key
from .._store.objects import Directory, StoredObject
from ..config import Namespace
from .call import Bucket, Call
from .listing import Entry, media_type, selected, written

QUOTA = "X-Container-Meta-Quota-Bytes"
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
_NAME = re.compile(r"[A-Za-z0-9-]{1,63}")


async def put(call: Call) -> Reply:
    """Create a container: 201; 202 if it exists."""
    _refuse_acls(call)
    if not _NAME.fullmatch(call.container):
        raise HTTPError(400, "a name of a container has 1 to 63 letters, digits and hyphens")
    quota = call.request.header(QUOTA)
    if quota is not None and not (quota.isascii() and quota.isdigit()):
        raise HTTPError(400, f"{QUOTA} is not a number")
    if call.namespaces.find(call.container, call.tenant) is not None:
        call.bucket("browse")
        if quota is not None:
            raise not_emulated("changes of the quota of a container")
        return call.responses.done(202, [])
    if call.user is None or not call.user.manages_namespaces:
        raise HTTPError(403, "the user may not create containers")
    namespace = Namespace(
        call.container,
        call.tenant,
        owner=call.user.name,
        acls="ENFORCED",
        hswift_enabled=True,
        quota_bytes=Namespace.quota_bytes if quota is None else int(quota),
    )
    call.namespaces.add(namespace)
    return call.responses.done(201, [])


async def get(call: Call) -> Reply:
    """The objects in it; directories are entries with a slash at the end."""
    bucket, parameters = call.bucket("browse"), call.parameters
    names = [
        ("/".join(part.decode("utf-8", "surrogateescape") for part in path), entry)
        for path, entry in bucket.store.walk()
    ]
    listed = [(f"{name}/" if isinstance(e, Directory) else name, e) for name, e in names]
    delimiter, prefix = parameters.get("delimiter", ""), parameters.get("prefix", "")
    entries = dict(_folded(listed, prefix, delimiter) if delimiter else listed)
    chosen = selected(entries, str, parameters)
    shown = [_entry(name, entries[name]) for name in chosen]
    kind = media_type(call.request, parameters)
    headers = [*call.responses.common(), *_about(bucket)]
    data = written("container", bucket.namespace.name, "object", shown, kind)
    return call.responses.document(200, data, kind, headers)


async def head(call: Call) -> Reply:
    """What it contains."""
    return call.responses.done(200, _about(call.bucket("browse")))


async def post(call: Call) -> Reply:
    """Its access control lists are all that could be changed."""
    call.bucket("browse")
    raise not_emulated("changes of a container")


async def delete(call: Call) -> Reply:
    """Delete an empty container that the caller owns: 204."""
    bucket = call.bucket("write")
    if call.user is None or bucket.namespace.owner != call.user.name:
        raise HTTPError(403, "only the owner can delete a container")
    if any(True for _ in bucket.store.walk()) or any(True for _ in bucket.store.old_versions):
        raise HTTPError(409, "the container is not empty")
    if call.replication.covers(key(bucket.namespace)):
        raise not_emulated("the deletion of a container that is replicated")
    call.namespaces.remove(bucket.namespace)
    return call.responses.done(204, [])


def _refuse_acls(call: Call) -> None:
    for name in ("X-Container-Read", "X-Container-Write"):
        if call.request.header(name) is not None:
            raise not_emulated(f"access control lists of containers ({name})")


def _about(bucket: Bucket) -> Headers:
    return [
        ("X-Container-Object-Count", str(bucket.store.counts.level.objects)),
        ("X-Container-Bytes-Used", str(bucket.store.used_bytes)),
        (QUOTA, str(bucket.namespace.quota_bytes)),
        ("Accept-Ranges", "bytes"),
    ]


Listed = tuple[str, StoredObject | Directory | None]  # None for what a delimiter cuts off


def _folded(entries: Iterable[Listed], prefix: str, delimiter: str) -> Iterator[Listed]:
    """Entries that are equal up to *delimiter* become one."""
    for name, entry in entries:
        if name.startswith(prefix):
            head, found, _ = name[len(prefix) :].partition(delimiter)
            yield (f"{prefix}{head}{found}", None) if found else (name, entry)


def _entry(name: str, entry: StoredObject | Directory | None) -> Entry:
    if entry is None:
        return {"subdir": name}
    is_object = isinstance(entry, StoredObject)
    changed = datetime.fromtimestamp(entry.changed / 1000, timezone.utc)
    return {
        "name": name,
        "hash": entry.etag if isinstance(entry, StoredObject) else EMPTY_MD5,
        "bytes": entry.size if isinstance(entry, StoredObject) else 0,
        "content_type": content_type(name.encode("utf-8", "surrogateescape"))
        if is_object
        else "application/directory",
        "last_modified": f"{changed:%Y-%m-%dT%H:%M:%S.%f}",
    }
