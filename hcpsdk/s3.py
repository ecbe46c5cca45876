"""HS3: what needs more than one request to be safe, multipart uploads and complete lists.

Everything else is one request of a `Connection` to a Target with the interface ``I_HS3``. Who wants
an object model takes boto3: the docs show how.
"""

import base64
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes
from xml.sax.saxutils import escape

from hcpsdk import _constants as constants
from hcpsdk._connection import Connection
from hcpsdk._errors import HcpsdkError, HcpsdkStatusError
from hcpsdk._excerpt import excerpt
from hcpsdk._jobs.files import LocalFileError
from hcpsdk._request.headers import Headers
from hcpsdk._request.url import Params, Quoted
from hcpsdk._target import Target
from hcpsdk._xml import Element, parse

__all__ = ["Entry", "S3StatusError", "UploadError", "Uploaded", "list_objects", "upload_file"]

MIB = 1024 * 1024
MIN_PART_SIZE = MIB  # HCP refuses smaller parts, except the last one
MAX_PARTS = 10_000
MAX_DOCUMENT_BYTES = 16 * MIB  # of a response that is XML
WORKERS = 4  # parts at a time, without an executor of the caller's
BUSY = frozenset({500, 503})  # statuses that may be others the next time

# Seconds between looks at an upload whose end is unknown: HCP may still be busy with it.
PAUSES = (0.1, 0.3, 1.0, 3.0, 9.0)


class S3StatusError(HcpsdkStatusError):
    """HS3 refused a request.

    Attributes:
        code: The error code, ``"NoSuchBucket"``; "" without one.
    """

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.code = code


class UploadError(HcpsdkError):
    """A file could not be uploaded; the exception that it was raised from says why.

    Attributes:
        upload_id: The ID of the upload whose parts are still at HCP; "" if nothing is left there.
    """

    def __init__(self, reason: str, upload_id: str = "") -> None:
        super().__init__(reason)
        self.upload_id = upload_id


# Lists


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
        page = _document(connection, "ListBucketResult", "GET", url, wanted)
        entries = sorted(_entries(page, url), key=lambda pair: pair[0])
        for _, entry in entries:
            yield entry
        if _text(page, "IsTruncated") != "true":
            return
        after = max((key for key, _ in entries), default=b"")
        if after <= last:
            raise HcpsdkError(f"the list of {url} does not go on after {last!r}")
        last = after


def _entries(page: Element, url: Quoted) -> Iterator[tuple[bytes, Entry]]:
    is_encoded = _text(page, "EncodingType") == "url"
    for found in page.children:
        is_prefix = found.name == "CommonPrefixes"
        if not is_prefix and found.name != "Contents":
            continue
        shown = _text(found, "Prefix" if is_prefix else "Key")
        raw = unquote_to_bytes(shown.replace("+", " ")) if is_encoded else shown.encode()
        key = raw.decode("utf-8", "surrogateescape")
        path = Quoted(f"{url.rstrip('/')}/{quote_from_bytes(raw)}")
        if is_prefix:
            yield raw, Entry(key, path, is_prefix=True)
            continue
        size = _text(found, "Size")
        if not (size.isascii() and size.isdigit()):
            raise HcpsdkError(f"invalid <ListBucketResult> document: the size {size!r}")
        etag = _text(found, "ETag").strip('"')
        yield raw, Entry(key, path, int(size), etag, _text(found, "LastModified"))


# Multipart uploads


# What identifies the state of an object: ETag, version, and time of the last change.
Present = tuple[str, str, str]


class Uploaded(NamedTuple):
    """A file that was uploaded completely.

    Attributes:
        size: Bytes.
        etag: The object's ETag, without quotes; it is no hash of the data.
        version_id: The ID of the version; "" where no versions are kept.
        parts: How many parts were sent; the others were at HCP already.
    """

    size: int
    etag: str
    version_id: str
    parts: int


@dataclass(frozen=True)
class _Job:
    """All that a worker needs to send parts; pickles, if the Target does."""

    target: Target
    url: str
    path: str
    size: int  # bytes of the file
    part_size: int
    timeout: float | None
    retries: int
    upload_id: str = ""
    known: dict[int, tuple[int, str]] = field(default_factory=dict)  # size and ETag, by number

    @property
    def params(self) -> dict[str, str]:
        return {"uploadId": self.upload_id}

    def connect(self, retries: int | None = None) -> Connection:
        return Connection(
            self.target, self.timeout, retries=self.retries if retries is None else retries
        )

    def count(self) -> int:
        return max(1, -(-self.size // self.part_size))

    def read(self, number: int) -> bytes:
        start = (number - 1) * self.part_size
        length = min(self.part_size, self.size - start)
        with open(self.path, "rb", buffering=0) as file:
            file.seek(start)
            data = bytearray()
            while len(data) < length and (piece := file.read(length - len(data))):
                data += piece
        if len(data) < length:
            raise HcpsdkError(f"the file {self.path!r} became shorter during the upload")
        return bytes(data)


def upload_file(
    target: Target,
    url: str,
    path: str | os.PathLike[str],
    *,
    part_size: int = 16 * MIB,
    headers: Headers | None = None,
    executor: Executor | None = None,
    resume: str = "",
    keeps_parts: bool = False,
    on_start: Callable[[str], object] | None = None,
    timeout: float | None = 30,
    retries: int = 3,
) -> Uploaded:
    """Store a large file as one object, in parts that are sent in parallel.

    The object appears at once and complete, or not at all: HCP compares each part with its MD5, and
    the size of the object is compared at the end. If anything fails, the upload is aborted, so that
    nothing of it is left at HCP; Ctrl-C does the same.

    Args:
        target: With the interface ``I_HS3``.
        url: The object: ``"/bucket/key"``, or ``"/key"`` at a bucket's name.
        path: The file. It must not change meanwhile.
        part_size: Bytes, from 1 MiB on; more if the file would have over 10,000 parts. Each worker
            holds one part in memory.
        headers: For the object, ``x-amz-meta-…`` for example.
        executor: What sends the parts; None: four threads. With processes the Target has to pickle.
        resume: The ID of an upload of the same file that was not finished: parts that are at HCP
            already are not sent again.
        keeps_parts: True does not abort the upload if it fails, so that it can be resumed with the
            ``upload_id`` of the exception.
        on_start: Called with the ID of the upload before the first part is sent.
        timeout: As for `Connection`.
        retries: How often each request is retried.

    Raises:
        UploadError: The object was not stored, or cannot be shown to be.
        transfer.LocalFileError: The file cannot be read; nothing was sent.
        HcpsdkError: The upload could not be started.
        TypeError, ValueError: Invalid argument.
    """
    if target.interface != constants.I_HS3:
        raise ValueError(f"the Target's interface must be I_HS3, not {target.interface}")
    if not isinstance(part_size, int) or part_size < MIN_PART_SIZE:
        raise ValueError(f"part_size must be at least {MIN_PART_SIZE} bytes")
    if executor is not None and not hasattr(executor, "submit"):
        raise TypeError(f"executor has no submit(): {type(executor).__name__}")
    if on_start is not None and not callable(on_start):
        raise TypeError(f"on_start must be callable, not {type(on_start).__name__}")
    path = Path(path)
    try:
        before = path.stat()
    except OSError as exc:
        raise LocalFileError(f"cannot read {str(path)!r}: {exc}") from exc
    part_size = max(part_size, -(-before.st_size // MAX_PARTS))
    job = _Job(target, url, str(path), before.st_size, part_size, timeout, retries)
    with job.connect() as connection:
        earlier = _present(connection, url)
        upload_id = resume or _start(connection, url, headers)
        known = _parts(connection, url, upload_id) if resume else {}
    job = replace(job, upload_id=upload_id, known=known)
    etags: list[tuple[str, bool]] = []
    try:
        if on_start is not None:
            on_start(upload_id)
        etags = _send_parts(job, executor)
        after = path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise HcpsdkError(f"the file {job.path!r} was changed during the upload")
        return _complete(job, etags, earlier)
    except BaseException as exc:
        done = None if keeps_parts else _abort(job, etags, earlier, exc)
        if done is not None:
            return done
        if not isinstance(exc, Exception):
            raise
        raise UploadError(f"{url} was not uploaded: {exc}", upload_id * keeps_parts) from exc


def _start(connection: Connection, url: str, headers: Headers | None) -> str:
    root = "InitiateMultipartUploadResult"
    document = _document(connection, root, "POST", url, {"uploads": None}, headers)
    upload_id = _text(document, "UploadId")
    if not upload_id:
        raise HcpsdkError(f"invalid <{root}> document: it has no UploadId")
    return upload_id


def _parts(connection: Connection, url: str, upload_id: str) -> dict[int, tuple[int, str]]:
    """Size and ETag of the parts that are at HCP, by their number."""
    known: dict[int, tuple[int, str]] = {}
    last = 0
    while True:
        params = {"uploadId": upload_id, "part-number-marker": str(last)}
        page = _document(connection, "ListPartsResult", "GET", url, params)
        for part in page.children:
            if part.name == "Part":
                number = int(_text(part, "PartNumber"))
                known[number] = (int(_text(part, "Size")), _text(part, "ETag").strip('"'))
        following = max(known, default=0)
        if _text(page, "IsTruncated") != "true" or following <= last:
            return known
        last = following


def _send_parts(job: _Job, executor: Executor | None) -> list[tuple[str, bool]]:
    """ETag of each part, and whether it was sent now."""
    if executor is None:
        with ThreadPoolExecutor(min(WORKERS, job.count())) as own:
            return _send_parts(job, own)
    futures = {executor.submit(_send_part, job, n): n for n in range(1, job.count() + 1)}
    try:
        sent = {futures[future]: future.result() for future in as_completed(futures)}
    except BaseException:
        for future in futures:
            future.cancel()
        wait(futures)  # what runs still would outlive the end of the upload
        raise
    return [sent[number] for number in sorted(sent)]


def _send_part(job: _Job, number: int) -> tuple[str, bool]:
    data = job.read(number)
    digest = hashlib.md5(data, usedforsecurity=False)
    if job.known.get(number) == (len(data), digest.hexdigest()):
        return digest.hexdigest(), False
    headers = {"Content-MD5": base64.b64encode(digest.digest()).decode("ascii")}
    params = {"partNumber": str(number), **job.params}
    with job.connect() as connection:
        for _ in range(job.retries + 1):
            response = connection.request("PUT", job.url, data, params, headers)
            body = connection.read(MAX_DOCUMENT_BYTES)
            if response.status not in BUSY:
                break
        if response.status != 200:
            raise _status_error(response.status, response.reason, body)
        etag = str(response.getheader("ETag", "")).strip('"')
    if not etag:
        raise HcpsdkError(f"the response to part {number} has no ETag")
    return etag, True


def _complete(job: _Job, etags: list[tuple[str, bool]], earlier: Present | None) -> Uploaded:
    """Have HCP make the object; whatever happens on the way, find out whether it did."""
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag></Part>"
        for number, (etag, _) in enumerate(etags, 1)
    )
    document = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    was_sent = False
    for pause in (*PAUSES, None):
        try:
            with job.connect(retries=0) as connection:
                _document(
                    connection,
                    "CompleteMultipartUploadResult",
                    "POST",
                    job.url,
                    job.params,
                    body=document,
                )
            return _verified(job, etags, None)
        except S3StatusError as exc:
            if was_sent and exc.code == "NoSuchUpload":
                return _verified(job, etags, earlier)  # an attempt before this one did it
            is_certain = exc.status not in BUSY and not (was_sent and exc.status == 409)
            if is_certain or pause is None:
                raise
        except HcpsdkError:
            if pause is None:
                raise
        was_sent = True
        time.sleep(pause)
    raise AssertionError("the last pass returns or raises")


def _present(connection: Connection, url: str) -> Present | None:
    """What HCP has under the name; None if there is nothing."""
    response = connection.HEAD(url)
    if response.status == 404:
        return None
    if response.status != 200:
        raise _status_error(response.status, response.reason, b"")
    names = ("ETag", "x-amz-version-id", "Last-Modified")
    etag, version, changed = (str(response.getheader(name, "")) for name in names)
    return etag.strip('"'), version, changed


def _verified(job: _Job, etags: list[tuple[str, bool]], earlier: Present | None) -> Uploaded:
    """What HCP has under the name now: another object than *earlier*, as large as the file."""
    with job.connect() as connection:
        found = _present(connection, job.url)
        if found is None or found == earlier:
            raise HcpsdkError("the upload has ended, but the object was not stored")
        size = connection.getheader("Content-Length")
    if size != str(job.size):
        raise HcpsdkError(f"the object has {size} bytes, the file has {job.size}")
    return Uploaded(job.size, found[0], found[1], sum(is_new for _, is_new in etags))


def _abort(
    job: _Job, etags: list[tuple[str, bool]], earlier: Present | None, why: BaseException
) -> Uploaded | None:
    """End the upload; if it turns out to be complete, the result."""
    try:
        with job.connect() as connection:
            response = connection.DELETE(job.url, job.params)
            if response.status not in (204, 404):
                raise _status_error(response.status, response.reason, connection.read())
        if response.status == 404 and etags and isinstance(why, HcpsdkError):
            # The response to an attempt to complete it may have been lost.
            with job.connect() as connection:
                found = _present(connection, job.url)
            return None if found in (None, earlier) else _verified(job, etags, earlier)
    except HcpsdkError as exc:
        text = f"{job.url} was not uploaded: {why}; and the upload could not be aborted: {exc}"
        raise UploadError(text, job.upload_id) from why
    return None


# Requests


def _document(
    connection: Connection,
    root: str,
    method: str,
    url: str,
    params: Params,
    headers: Headers | None = None,
    body: bytes | None = None,
) -> Element:
    """The response's document; an error raises, also one with status 200."""
    response = connection.request(method, url, body, params, headers)
    document = connection.read(MAX_DOCUMENT_BYTES)
    if response.status != 200:
        raise _status_error(response.status, response.reason, document)
    if b"<Error>" in document[:200]:
        raise _status_error(response.status, response.reason, document)
    return parse(document, root, has_namespaces=False)


def _status_error(status: int, reason: str, document: bytes) -> S3StatusError:
    text, code = f"{status} - {excerpt(reason, {})}", ""
    try:
        error = parse(document, "Error", has_namespaces=False)
        code = _text(error, "Code")
        text += f" ({excerpt(f'{code}: ' + _text(error, 'Message'), {})})"
    except HcpsdkError:
        pass  # there is no document, or another one
    return S3StatusError(text, code)


def _text(element: Element, name: str) -> str:
    """The text of the first child called *name*; "" without one."""
    return next((child.text for child in element.children if child.name == name), "")
