"""Complete lists of a bucket, page by page."""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

from hcpsdk._connection import Connection
from hcpsdk._errors import HcpsdkError
from hcpsdk._request.url import Quoted
from hcpsdk._xml import Element
from hcpsdk.s3._requests import request_document, text_of


class Entry(NamedTuple):
    """One entry of a list.

    Attributes:
        key: The key; a folder's ends in ``/``. Bytes that are not UTF-8 are surrogates
            (``os.fsencode`` returns them).
        url: Its path, for requests over the same Connection.
        size: Bytes.
        etag: The ETag, without quotes.
        changed: When it was changed, as HCP writes it: ``"2026-11-26T04:00:00.000Z"``.
        is_prefix: True for what begins alike up to the delimiter; it has no size, ETag and time.
    """

    key: str
    url: Quoted
    size: int = 0
    etag: str = ""
    changed: str = ""
    is_prefix: bool = False


def list_objects(
    connection: Connection,
    url: str,
    *,
    prefix: str = "",
    delimiter: str = "",
    start_after: str = "",
    page_size: int = 1000,
) -> Iterator[Entry]:
    """The objects and folders of a bucket in the order of their keys, however many there are.

    Requests a page at a time, as they are needed; the Connection can be used in between. What is
    stored or deleted meanwhile may show or not.

    Args:
        connection: To a Target with the interface ``I_HS3``.
        url: The bucket: ``"/bucket"``, or ``"/"`` at its own name.
        prefix: Only keys that begin so.
        delimiter: What begins alike up to this is one entry, ``"/"`` for the top level.
        start_after: Only keys after this one.
        page_size: How many entries a request asks for, up to 1000.

    Raises:
        S3StatusError: HS3 refused a request.
        HcpsdkError: A request failed, or the response cannot be understood.
    """
    if not isinstance(page_size, int) or not 1 <= page_size <= 1000:
        raise ValueError("page_size must be a number from 1 to 1000")
    base = url if isinstance(url, Quoted) else Quoted(quote_from_bytes(url.encode()))
    return _pages(connection, base, prefix, delimiter, start_after, page_size)


def _pages(
    connection: Connection, url: Quoted, prefix: str, delimiter: str, marker: str, page_size: int
) -> Iterator[Entry]:
    last = marker.encode("utf-8", "surrogateescape")
    while True:
        wanted: list[tuple[str, str | bytes | int]] = [("encoding-type", "url")]
        wanted += [("marker", last), ("max-keys", page_size)]
        wanted += [("prefix", prefix)] * bool(prefix) + [("delimiter", delimiter)] * bool(delimiter)
        page = request_document(connection, "ListBucketResult", "GET", url, wanted)
        entries = sorted(_entries(page, url), key=lambda pair: pair[0])
        for _, entry in entries:
            yield entry
        if text_of(page, "IsTruncated") != "true":
            return
        after = max((key for key, _ in entries), default=b"")
        if after <= last:
            raise HcpsdkError(f"the list of {url} does not go on after {last!r}")
        last = after


def _entries(page: Element, url: Quoted) -> Iterator[tuple[bytes, Entry]]:
    is_encoded = text_of(page, "EncodingType") == "url"
    for found in page.children:
        is_prefix = found.name == "CommonPrefixes"
        if not is_prefix and found.name != "Contents":
            continue
        shown = text_of(found, "Prefix" if is_prefix else "Key")
        raw = unquote_to_bytes(shown.replace("+", " ")) if is_encoded else shown.encode()
        key = raw.decode("utf-8", "surrogateescape")
        path = Quoted(f"{url.rstrip('/')}/{quote_from_bytes(raw)}")
        if is_prefix:
            yield raw, Entry(key, path, is_prefix=True)
            continue
        size = text_of(found, "Size")
        if not (size.isascii() and size.isdigit()):
            raise HcpsdkError(f"invalid <ListBucketResult> document: the size {size!r}")
        etag = text_of(found, "ETag").strip('"')
        yield raw, Entry(key, path, int(size), etag, text_of(found, "LastModified"))
