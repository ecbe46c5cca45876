"""A multipart upload from its start to its end, whatever is lost on the way."""

import os
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from hcpsdk import _constants as constants
from hcpsdk._connection import Connection
from hcpsdk._errors import HcpsdkError
from hcpsdk._jobs.files import LocalFileError
from hcpsdk._log import Log
from hcpsdk._request.headers import Headers
from hcpsdk._target import Target
from hcpsdk.s3._parts import BUSY, Job, parts_at_hcp, send_parts
from hcpsdk.s3._requests import MIB, S3StatusError, request_document, status_error, text_of

MIN_PART_SIZE = MIB  # HCP refuses smaller parts, except the last one
MAX_PARTS = 10_000

# Seconds between looks at an upload whose end is unknown: HCP may still be busy with it.
PAUSES = (0.1, 0.3, 1.0, 3.0, 9.0)

log = Log("hcpsdk.Connection")


class UploadError(HcpsdkError):
    """A file could not be uploaded; the exception that it was raised from says why.

    Attributes:
        upload_id: The ID of the upload whose parts are still at HCP; "" if nothing is left there.
    """

    def __init__(self, reason: str, upload_id: str = "") -> None:
        super().__init__(reason)
        self.upload_id = upload_id


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
    nothing of it is left at HCP; Ctrl-C does the same. Only if the response that has the ID of the
    upload is lost, an empty upload may stay, and a warning is logged.

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
    job = Job(target, url, str(path), before.st_size, part_size, timeout, retries)
    with job.connect() as connection:
        earlier = _present(connection, url)
        upload_id = resume or _start(connection, url, headers)
        known = parts_at_hcp(connection, url, upload_id) if resume else {}
    job = replace(job, upload_id=upload_id, known=known)
    etags: list[tuple[str, bool]] = []
    try:
        if on_start is not None:
            on_start(upload_id)
        etags = send_parts(job, executor)
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
    root, upload_id = "InitiateMultipartUploadResult", ""
    try:
        document = request_document(connection, root, "POST", url, {"uploads": None}, headers)
        upload_id = text_of(document, "UploadId")
    finally:
        _warn_of_lost_ids(connection, url, bool(upload_id))
    if not upload_id:
        raise HcpsdkError(f"invalid <{root}> document: it has no UploadId")
    return upload_id


def _warn_of_lost_ids(connection: Connection, url: str, has_id: bool) -> None:
    """Each attempt may have started an upload. HCP's list does not say which client made which, so
    aborting those that are new in it could abort another client's upload."""
    is_refused = connection.response_status not in (None, 200)
    lost = connection.attempts - (has_id or is_refused)
    if lost > 0:
        log.warning("HCP may keep empty uploads of %r whose IDs were lost: up to %d", url, lost)


def _complete(job: Job, etags: list[tuple[str, bool]], earlier: Present | None) -> Uploaded:
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
                request_document(
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
        raise status_error(response.status, response.reason, b"")
    names = ("ETag", "x-amz-version-id", "Last-Modified")
    etag, version, changed = (str(response.getheader(name, "")) for name in names)
    return etag.strip('"'), version, changed


def _verified(job: Job, etags: list[tuple[str, bool]], earlier: Present | None) -> Uploaded:
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
    job: Job, etags: list[tuple[str, bool]], earlier: Present | None, why: BaseException
) -> Uploaded | None:
    """End the upload; if it turns out to be complete, the result."""
    try:
        with job.connect() as connection:
            response = connection.DELETE(job.url, job.params)
            if response.status not in (204, 404):
                raise status_error(response.status, response.reason, connection.read())
        if response.status == 404 and etags and isinstance(why, HcpsdkError):
            # The response to an attempt to complete it may have been lost.
            with job.connect() as connection:
                found = _present(connection, job.url)
            return None if found in (None, earlier) else _verified(job, etags, earlier)
    except HcpsdkError as exc:
        text = f"{job.url} was not uploaded: {why}; and the upload could not be aborted: {exc}"
        raise UploadError(text, job.upload_id) from why
    return None
