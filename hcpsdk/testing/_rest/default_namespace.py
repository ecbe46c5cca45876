"""The default namespace: /fcfs_data and /fcfs_metadata, open to anonymous users.

docs/hcp/namespace.rst, section 24. Objects are stored like those of other namespaces; names
and listings differ, and metadata are files.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator

from .._dates import http_date, iso
from .._http.compression import body, encoding, framing, unpacker, wants_gzip
from .._http.errors import HTTPError, not_emulated
from .._http.media_types import content_type
from .._http.messages import Reply, Request
from .._http.paths import parsed, quoted, readable
from .._http.responses import Headers, flag, response
from .._store.objects import Annotation, Change, Directory, Metadata, Path, StoredObject
from .._store.retention import parse as parse_retention
from .._store.store import Store
from .._store.uploads import DEFAULT_NAME
from .._xml import DECLARATION, attribute
from ..config import System
from .parameters import Parameters, from_query
from .responses import RestResponses
from .service import FAILURES, refusal

DATA, METADATA = "/fcfs_data", "/fcfs_metadata"
METHODS = ("GET", "HEAD", "PUT", "DELETE", "MKDIR")
MODE, DIRECTORY_MODE = 0o100400, 0o40700
CUSTOM_METADATA = "custom-metadata.xml"
MAX_LINE = 4096  # bytes of a metafile
_ROOT = re.compile(r"/(?:fcfs_data|fcfs_metadata)(?:/|\Z)")


class DefaultNamespaceService:
    """The default namespace of *system*, whose objects are in *store*."""

    def __init__(self, system: System, store: Store, now: Callable[[], float] = time.time) -> None:
        self._system = system
        self._store = store
        self._responses = RestResponses(system, now)

    async def answer(self, request: Request) -> Reply:
        """The response to *request*. Credentials are not looked at."""
        try:
            return await self._answer(request)
        except FAILURES as error:
            return self._responses.refused(refusal(error))

    async def _answer(self, request: Request) -> Reply:
        url_path, _, query = request.target.partition("?")
        if not self._system.is_default_namespace(request.host):
            raise not_emulated("the default namespace")
        if not _ROOT.match(url_path):
            raise not_emulated(f"{url_path} of the default namespace")
        if request.method not in METHODS:
            raise HTTPError(405, headers=[("Allow", ", ".join(METHODS))])
        root = DATA if url_path.startswith(DATA) else METADATA
        path, means_directory = parsed("/rest" + url_path.removeprefix(root))
        parameters = from_query(query)
        if root == METADATA:
            parameters.only()
            return await self._metadata(request, path)
        return await self._data(request, path, means_directory, parameters)

    # Data

    async def _data(
        self, request: Request, path: Path, means_directory: bool, parameters: Parameters
    ) -> Reply:
        if request.method == "PUT" and not means_directory:
            return await self._put(request, path, parameters)
        if request.method in ("MKDIR", "PUT"):
            parameters.only()
            self._store.make_directory(path)
            return self._created([])
        if request.method == "DELETE":
            parameters.only()
            self._store.remove(path)
            return self._responses.done()
        if request.method == "GET" and query_by_hash(parameters):
            raise not_emulated("queries by hash in the default namespace")
        parameters.only()
        found = self._store.find(path)
        if found is None or (means_directory and not isinstance(found, Directory)):
            raise HTTPError(404)
        gzip = wants_gzip(request)
        if isinstance(found, Directory):
            headers = [*self._first(), ("Content-Type", "text/xml"), *encoding(gzip)]
            return response(200, headers, body(listing(found, path), gzip))
        headers = [*self._object(found, path), *framing(found.size, gzip), *self._times(found)]
        if request.method == "HEAD":
            return response(200, headers)
        data = self._store.counts.read(found.content.read(0, found.size))
        return response(200, headers, body(data, gzip))

    async def _put(self, request: Request, path: Path, parameters: Parameters) -> Reply:
        parameters.only("hold", "index", "retention", "shred")
        change = parameters.change()
        unpack = unpacker(request)
        with self._store.reserve(path) as place:
            stored_at = place.created // 1000
            metadata = Metadata.initial(change, self._store.namespace, "", stored_at)
            async for piece in request.body:
                for plain in unpack.unpacked(piece):
                    place.write(plain)
            unpack.finish()
            stored = place.finish(metadata)
        return self._created([("X-ArcHash", f"{stored.hash_scheme} {stored.hash_value}")])

    # Metadata

    async def _metadata(self, request: Request, path: Path) -> Reply:
        found = self._store.find(path[:-1]) if path else None
        if not isinstance(found, StoredObject):
            raise HTTPError(404)
        name = path[-1].decode("latin-1")
        if name == CUSTOM_METADATA:
            return await self._custom_metadata(request, path[:-1], found)
        if name not in METAFILES:
            if name in ("core-metadata.xml", "acl.xml", "replication.txt"):
                raise not_emulated(f"{name} in the default namespace")
            raise HTTPError(404)
        if request.method in ("GET", "HEAD"):
            return self._file(request, METAFILES[name](self._store, found).encode(), "text/plain")
        if request.method != "PUT" or name not in CHANGEABLE:
            raise HTTPError(403, f"{name} cannot be changed")
        text = (await _line(request)).strip()
        self._store.change(path[:-1], CHANGEABLE[name](text))
        return self._responses.done()

    async def _custom_metadata(self, request: Request, path: Path, found: StoredObject) -> Reply:
        if request.method == "PUT":
            unpack = unpacker(request)
            with self._store.open_annotation(DEFAULT_NAME) as draft:
                async for piece in request.body:
                    for plain in unpack.unpacked(piece):
                        draft.write(plain)
                unpack.finish()
                self._store.annotate(path, draft)
            return self._created([])
        annotation = found.annotations.get(DEFAULT_NAME)
        if annotation is None:
            raise HTTPError(404)
        if request.method == "DELETE":
            self._store.remove_annotation(path, DEFAULT_NAME)
            return self._responses.done()
        if request.method not in ("GET", "HEAD"):
            raise HTTPError(405, headers=[("Allow", ", ".join(METHODS))])
        return self._annotation(request, annotation)

    def _annotation(self, request: Request, annotation: Annotation) -> Reply:
        gzip = wants_gzip(request)
        headers = [
            *self._first(),
            ("Content-Type", "text/xml"),
            *framing(annotation.size, gzip),
        ]
        if request.method == "HEAD":
            return response(200, headers)
        data = self._store.counts.read(annotation.content.read(0, annotation.size))
        return response(200, headers, body(data, gzip))

    # Responses

    def _file(self, request: Request, data: bytes, media_type: str) -> Reply:
        gzip = wants_gzip(request)
        headers = [*self._first(), ("Content-Type", media_type), *framing(len(data), gzip)]
        return response(200, headers, b"" if request.method == "HEAD" else body(data, gzip))

    def _first(self) -> Headers:
        request_id, system, now = self._responses.stamp()
        return [
            *self._responses.first_lines(),
            ("X-ArcServicedBySystem", system[1]),
            ("X-ArcClusterTime", now[1]),
            request_id,
            system,
            now,
            self._responses.version(),
        ]

    def _created(self, more: Headers) -> Reply:
        return response(201, [*self._first(), *more, ("Content-Length", "0")])

    def _object(self, found: StoredObject, path: Path) -> Headers:
        return [
            *self._first(),
            ("ETag", f'"{found.etag}"'),
            ("Cache-Control", "no-cache,no-store"),
            ("Pragma", "no-cache"),
            ("Expires", http_date(0)),
            ("Content-Type", content_type(path[-1])),
        ]

    def _times(self, found: StoredObject) -> Headers:
        changed, created = found.changed // 1000, found.created // 1000
        return [
            ("X-ArcPermissionsUidGid", f"mode=0{MODE:o}; uid=0; gid=0"),
            ("X-ArcTimes", f"ctime={changed}; mtime={created}; atime={created}"),
            ("X-ArcSize", str(found.size)),
        ]


def query_by_hash(parameters: Parameters) -> bool:
    """Whether a GET of a directory is a query instead."""
    return parameters.text("hash") is not None


# Files with metadata, as they are read, and what their new content changes


def _retention(_store: Store, found: StoredObject) -> str:
    retention = found.metadata.retention
    return f"{retention.until}\n{retention}\n"


METAFILES: dict[str, Callable[[Store, StoredObject], str]] = {
    "created.txt": lambda _, found: f"{found.created // 1000}\n{iso(found.created // 1000)}\n",
    "dpl.txt": lambda store, _: f"{store.namespace.dpl}\n",
    "tpof.txt": lambda store, _: f"{store.namespace.dpl - 1}\n",
    "hash.txt": lambda _, found: f"{found.hash_scheme} {found.hash_value}\n",
    "index.txt": lambda _, found: f"{int(found.metadata.index)}\n",
    "retention.txt": _retention,
    "shred.txt": lambda _, found: f"{int(found.metadata.shred)}\n",
}


def _switch(text: str) -> bool:
    if text.lower() not in ("0", "1", "true", "false"):
        raise HTTPError(400, f"neither 0 nor 1: {text}")
    return text.lower() in ("1", "true")


CHANGEABLE: dict[str, Callable[[str], Change]] = {
    "index.txt": lambda text: Change(index=_switch(text)),
    "retention.txt": lambda text: Change(retention=parse_retention(text)),
    "shred.txt": lambda text: Change(shred=_switch(text)),
}


async def _line(request: Request) -> str:
    """The first line of the body."""
    data = bytearray()
    async for piece in request.body:
        data += piece
        if len(data) > MAX_LINE:
            raise HTTPError(400, "the file is too long")
    return data.decode("latin-1").partition("\n")[0]


# Listing

_HEAD = f"{DECLARATION}\n<directory"


def listing(directory: Directory, path: Path) -> Iterator[bytes]:
    """The listing of *directory*, one attribute a line."""
    about = [
        ("path", _url(path)),
        ("utf8Path", "/".join([DATA, *map(readable, path)])),
        ("parentDir", _url(path[:-1]) if path else ""),
    ]
    entries = sorted(directory.entries.items())
    yield f"{_HEAD}{_lines(about)}>\n".encode()
    for name, entry in entries:
        yield f"<entry{_lines(_entry(name, entry))}/>\n".encode()
    yield b"</directory>\n"


def _url(path: Path) -> str:
    return f"{DATA}/{quoted(path)}" if path else DATA


def _entry(name: bytes, entry: StoredObject | Directory) -> Iterable[tuple[str, str]]:
    yield "urlName", quoted((name,))
    yield "utf8Name", readable(name)
    is_file = isinstance(entry, StoredObject)
    created = (entry.created if isinstance(entry, StoredObject) else entry.changed) // 1000
    changed = entry.changed // 1000
    yield "fileType", "file" if is_file else "directory"
    yield "size", str(entry.size) if isinstance(entry, StoredObject) else "0"
    yield "mode", f"0{MODE if is_file else DIRECTORY_MODE:o}"
    yield "modeString", "-r--------" if is_file else "drwx------"
    yield "uid", "0"
    yield "gid", "0"
    yield "accessTime", str(created)
    yield "accessTimeString", iso(created)
    yield "modTime", str(changed)
    yield "modTimeString", iso(changed)
    if isinstance(entry, StoredObject):
        metadata = entry.metadata
        yield "hashScheme", entry.hash_scheme
        yield "hash", entry.hash_value
        yield "retention", str(metadata.retention.until)
        yield "retentionString", str(metadata.retention)
        yield "shred", flag(metadata.shred)
        yield "index", flag(metadata.index)
        yield "hasCustomMetadata", flag(bool(entry.annotations))


def _lines(attributes: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f" {attribute(*pair)}" for pair in attributes)
