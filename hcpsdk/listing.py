"""Directories and versions, entry by entry, while the listing arrives (contract 13.2)."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from hcpsdk._connection import Connection
from hcpsdk._errors import HcpsdkError
from hcpsdk._request.url import Params, Quoted

__all__ = ["Entry", "listdir", "versions", "walk"]

BLOCK = 64 * 1024  # bytes that are read at a time, at most
MAX_ENTRY_BYTES = 1024 * 1024  # bytes without an entry in them; a real one has about 1,000
MAX_OTHER_ELEMENTS = 100  # elements that are no entries; a real listing has one

# What may stand in a path as HCP sends it; anything else is encoded (``?`` and ``#`` would end it).
_VISIBLE = "".join(map(chr, range(0x21, 0x7F))).translate({ord("?"): None, ord("#"): None})

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Entry:
    """An entry of a directory: an object, a directory, or a symbolic link; or an object's version.

    Read-only; equal if all attributes are equal. What HCP does not report is None: a directory has
    no ``size``, for example. `attributes` has everything as received.

    Values are converted on access. An invalid one raises `HcpsdkError`.
    """

    __slots__ = ("_attributes", "_parent")

    _attributes: dict[str, str]
    _parent: str

    def __init__(self, parent: str, attributes: dict[str, str]) -> None:
        self._parent = parent
        self._attributes = attributes

    # Name and kind

    @property
    def name(self) -> str:
        """The exact name within the directory; bytes that are not UTF-8 become surrogates, as in
        `os.fsdecode()`."""
        name = unquote_to_bytes(self._url_name()).decode("utf-8", "surrogateescape")
        if "/" in name or "\0" in name or name in ("", ".", ".."):
            raise HcpsdkError(f"the listing has an entry with an impossible name: {name[:60]!r}")
        return name

    @property
    def url(self) -> Quoted:
        """The complete path, percent-encoded: pass it to any request as it is."""
        return Quoted(f"{self._parent}/{quote(self._url_name(), safe=_VISIBLE)}")

    @property
    def kind(self) -> str:
        """``"object"``, ``"directory"`` or ``"symlink"``."""
        return self._attributes.get("type", "object")

    @property
    def is_directory(self) -> bool:
        """True for a directory."""
        return self.kind == "directory"

    @property
    def is_object(self) -> bool:
        """True for an object."""
        return self.kind == "object"

    @property
    def is_deleted(self) -> bool:
        """True if it was deleted; for a version: if it marks a deletion."""
        return self._attributes.get("state") == "deleted"

    @property
    def symlink_target(self) -> str | None:
        """Where a symbolic link points to."""
        return self._attributes.get("utf8SymlinkTarget") or self._attributes.get("symlinkTarget")

    # Content

    @property
    def size(self) -> int | None:
        """Bytes of the object."""
        return self._number("size")

    @property
    def hash(self) -> str | None:
        """As in the header ``X-HCP-Hash``: ``"SHA-256 47FB…"``."""
        scheme, value = self._attributes.get("hashScheme"), self._attributes.get("hash")
        return f"{scheme} {value}" if scheme and value else None

    @property
    def etag(self) -> str | None:
        """In double quotes, as in the header ``ETag``."""
        etag = self._attributes.get("etag")
        return f'"{etag}"' if etag else None

    @property
    def version(self) -> int | None:
        """The id of the version."""
        return self._number("version")

    # Times

    @property
    def created(self) -> datetime | None:
        """When it was stored, in UTC; in whole seconds if HCP does not report more."""
        for name in ("versionCreateTimeMilliseconds", "ingestTimeMilliseconds"):
            if (milliseconds := self._milliseconds(name)) is not None:
                return _EPOCH + timedelta(milliseconds=milliseconds)
        return self._time("ingestTime")

    @property
    def changed(self) -> datetime | None:
        """When it, or its metadata, or a directory's content was changed, in UTC."""
        milliseconds = self._milliseconds("changeTimeMilliseconds")
        return None if milliseconds is None else _EPOCH + timedelta(milliseconds=milliseconds)

    # Rules

    @property
    def retention(self) -> int | None:
        """Seconds since 1970; or 0 (deletion allowed), -1 (prohibited), -2 (unspecified)."""
        return self._number("retention")

    @property
    def retained_until(self) -> datetime | None:
        """The end of the retention, in UTC; None if it is not a date."""
        retention = self.retention
        return self._time("retention") if retention is not None and retention > 0 else None

    @property
    def retention_class(self) -> str | None:
        """The name of its retention class."""
        return self._attributes.get("retentionClass") or None

    @property
    def is_on_hold(self) -> bool | None:
        """True if it is on hold."""
        return self._flag("hold")

    @property
    def is_shredded(self) -> bool | None:
        """True if it will be shredded when it is deleted."""
        return self._flag("shred")

    @property
    def is_indexed(self) -> bool | None:
        """True if it is indexed for search."""
        return self._flag("index")

    # More

    @property
    def annotations(self) -> dict[str, int]:
        """Names of its annotations, and the bytes of each."""
        listed = self._attributes.get("customMetadataAnnotations", "")
        found = {}
        for item in listed.split(","):
            name, _, size = item.strip().rpartition(";")
            if name:
                found[name] = self._converted("customMetadataAnnotations", size)
        return found

    @property
    def has_acl(self) -> bool | None:
        """True if it has an access control list."""
        return self._flag("hasAcl")

    @property
    def is_replicated(self) -> bool | None:
        """True if it is on the other system as well."""
        return self._flag("replicated")

    @property
    def owner(self) -> str | None:
        """The owner's name."""
        return self._attributes.get("owner") or None

    @property
    def domain(self) -> str | None:
        """The owner's Active Directory domain."""
        return self._attributes.get("domain") or None

    @property
    def attributes(self) -> dict[str, str]:
        """All that the listing contains about it, under HCP's names; a copy."""
        return dict(self._attributes)

    # Conversions

    def _url_name(self) -> str:
        attributes = self._attributes
        return attributes.get("urlName") or attributes.get("urlname") or ""

    def _number(self, name: str) -> int | None:
        text = self._attributes.get(name)
        return None if text is None or text == "" else self._converted(name, text)

    def _milliseconds(self, name: str) -> int | None:
        # "1422736466446.00": the digits after the point distinguish equal times.
        text = self._attributes.get(name, "").partition(".")[0]
        return self._converted(name, text) if text else None

    def _time(self, name: str) -> datetime | None:
        seconds = self._number(name)
        try:
            return None if seconds is None else _EPOCH + timedelta(seconds=seconds)
        except OverflowError as exc:
            raise HcpsdkError(f"the listing's {name} is not a time: {seconds}") from exc

    def _converted(self, name: str, text: str) -> int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
            raise HcpsdkError(f"the listing's {name} is not a number: {text[:60]!r}")
        return int(text)

    def _flag(self, name: str) -> bool | None:
        return {"true": True, "false": False}.get(self._attributes.get(name, ""))

    # As a value

    def __reduce__(self) -> tuple[Any, ...]:
        return Entry, (self._parent, self._attributes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entry):
            return NotImplemented
        return self.url == other.url and self.attributes == other.attributes

    def __hash__(self) -> int:
        return hash((self.url, self._attributes.get("version")))

    def __repr__(self) -> str:
        size = "" if self.size is None else f" size={self.size}"
        return f"<Entry {self.kind} {self.url}{size}>"


def listdir(
    connection: Connection, url: str = "/rest", *, params: Params | None = None
) -> Iterator[Entry]:
    """The entries of a directory, in HCP's order, each as soon as it has arrived.

    Needs the same memory for a million entries as for ten. The Connection is busy until the last
    entry: to send other requests in the loop, create a list of the entries first, or use another
    Connection. Leaving the loop early closes its socket; its next request opens a new one.

    Args:
        connection: Nothing is sent before the first ``next()``.
        url: The directory's name, or a `hcpsdk.Quoted` path.
        params: ``{"deleted": True}`` also lists deleted entries, in a namespace with versioning.

    Raises:
        HcpsdkStatusError: HCP rejected the request, for example because the directory does not
            exist (404).
        HcpsdkError: *url* is not a directory, or the listing is truncated or invalid. The entries
            so far are valid, but some are missing.
    """
    return _received(connection, url, params, "directory")


def _received(
    connection: Connection, url: str, params: Params | None, root: str
) -> Iterator[Entry]:
    """The entries in the response, whose element is *root*."""
    connection.GET(url, params)
    connection.raise_for_status(200)
    response = connection.response
    assert response is not None
    kind = connection.getheader("X-HCP-Type", root)
    if root == "directory" and kind != root:
        response.close()
        raise HcpsdkError(f"{url} is not a directory, but: {kind[:20]}")
    reader = _Reader(str(url) if isinstance(url, Quoted) else quote(url, safe="/"), root)
    try:
        while data := response.read1(BLOCK):
            yield from reader.entries(data)
        yield from reader.last_entries()
    finally:
        response.close()


def walk(
    connection: Connection, url: str = "/rest", *, params: Params | None = None
) -> Iterator[Entry]:
    """All entries below a directory: its own first, then those of its subdirectories.

    Needs memory for the directories that are not listed yet. Arguments and exceptions are those of
    `listdir()`, and the Connection is busy in the same way. A directory that is deleted before it
    is listed raises `HcpsdkStatusError`.
    """
    directories: list[str] = [url]
    while directories:
        found: list[str] = []
        for entry in listdir(connection, directories.pop(), params=params):
            if entry.is_directory and not entry.is_deleted:
                found.append(entry.url)
            yield entry
        directories += reversed(found)


def versions(connection: Connection, url: str, *, deleted: bool = False) -> Iterator[Entry]:
    """The versions of an object, in a namespace with versioning.

    Each has the ``url`` of the object: pass ``{"version": entry.version}`` with it. HCP does not
    define their order: sort by ``version``, which grows with time. The Connection is busy as with
    `listdir()`.

    Args:
        connection: Nothing is sent before the first ``next()``.
        url: The object's name, or a `hcpsdk.Quoted` path.
        deleted: True also lists the versions of an object that is deleted.

    Raises:
        HcpsdkStatusError: HCP rejected the request: there is no such object, or it is deleted
            (404); the namespace has no versioning (400).
        HcpsdkError: The list is truncated or invalid.
    """
    params: dict[str, str | bool] = {"version": "list", "deleted": deleted}
    return _received(connection, url, params, "versions")


class _Reader:
    """Makes entries of a listing's XML, piece by piece.

    A document type is refused, and with it entities of any kind. Memory is bounded by
    `MAX_ENTRY_BYTES`, whatever comes.
    """

    def __init__(self, url: str, root: str) -> None:
        from xml.parsers import expat

        self._url = url
        self._root = root
        path = url.partition("?")[0].rstrip("/")
        self._parent = path if root == "directory" else path.rpartition("/")[0]
        self._expat = expat
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._begin
        parser.StartDoctypeDeclHandler = self._refuse
        # Since 2.6, expat may wait for more data before it looks at what it has.
        getattr(parser, "SetReparseDeferralEnabled", bool)(False)
        self._found: list[Entry] = []
        self._bytes_since = 0
        self._other_elements = 0

    def entries(self, data: bytes) -> list[Entry]:
        """The entries that are complete now that *data* has come."""
        self._parse(data, False)
        found, self._found = self._found, []
        self._bytes_since = 0 if found else self._bytes_since + len(data)
        if self._bytes_since > MAX_ENTRY_BYTES:
            raise self._error(f"there is no entry within {self._bytes_since} bytes")
        return found

    def last_entries(self) -> list[Entry]:
        """What is left at the end; raises if that is not the end of the listing."""
        self._parse(b"", True)
        return self._found

    def _parse(self, data: bytes, is_last: bool) -> None:
        try:
            self._parser.Parse(data, is_last)
        except (self._expat.ExpatError, LookupError, ValueError) as exc:
            # LookupError and ValueError: an encoding that Python or expat does not know.
            raise self._error(str(exc)) from exc

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "entry" and self._other_elements:
            self._found.append(Entry(self._parent, attributes))
            return
        if not self._other_elements and name != self._root:
            raise ValueError(f"it is <{name[:60]}>")
        self._other_elements += 1
        if self._other_elements > MAX_OTHER_ELEMENTS:
            raise ValueError("it has too many other elements")

    def _refuse(self, *_declaration: object) -> None:
        raise ValueError("it has a document type")

    def _error(self, why: str) -> HcpsdkError:
        return HcpsdkError(f"the listing of {self._url} is not the XML of <{self._root}>: {why}")
