"""One file to an object and back, verified (contract 13.1).

The local side of it is in ``_jobs/files.py``. ``bulk`` is built on this.
"""

import os
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from datetime import datetime
from pathlib import Path

from hcpsdk._connection import Connection
from hcpsdk._jobs.digest import LIKELY, is_scheme
from hcpsdk._jobs.download import Download
from hcpsdk._jobs.files import (
    File,
    LocalFileError,
    OpenFile,
    PartFile,
    Progress,
    Source,
    VerificationError,
    check_is_callable,
    opened_for_reading,
    read_if_small,
)
from hcpsdk._jobs.object_head import TransferResult, check_is_object, version_id
from hcpsdk._jobs.upload import store_bytes, store_source, verify_source
from hcpsdk._request.url import Params
from hcpsdk._target import Target

__all__ = [
    "LocalFileError",
    "TransferResult",
    "VerificationError",
    "compare",
    "download",
    "upload",
]


def upload(
    connection: Connection,
    file: File,
    url: str,
    *,
    params: Params | None = None,
    retention: str | int | datetime | None = None,
    annotations: Mapping[str, bytes | str] | None = None,
    new_version: bool = False,
    hash_scheme: str = LIKELY,
    progress: Progress | None = None,
) -> TransferResult:
    """Store a file as an object, and compare the hash that HCP computed with our own.

    Our hash is computed while the bytes are sent. The file is read a second time only if HCP uses
    another scheme than *hash_scheme*.

    If an object with that name exists, it is compared; the same content counts as success
    (`TransferResult.was_there`). So it is safe to repeat an upload.

    Args:
        connection: Ready for the next request afterwards, whatever happened.
        file: A path, or a file in binary mode, which is sent from its current position and
            stays open.
        url: The object's name, starting with ``/rest``; a path that is already percent-encoded is
            passed as `hcpsdk.Quoted`.
        params: More parameters of the PUT: ``{"index": True, "hold": True}``.
        retention: HCP's notation (``"A+10y"``, ``"C+TAX_DATA"``, ``-1``), or an aware datetime.
        annotations: Names and contents; each is stored by a separate request after the object.
            Also stored if the object exists, so that a repeated call completes it.
        new_version: True stores a new version of an object that exists, in a namespace that keeps
            versions. Each retry after a lost response may then create one more.
        hash_scheme: The scheme that the namespace probably uses.
        progress: Called with the bytes sent so far and their total, in the calling thread. The
            number decreases if a failed attempt is repeated. An exception in it ends the upload.

    Raises:
        VerificationError: The object exists with different content; or HCP stored something other
            than what was sent (it is not deleted: examine it).
        LocalFileError: The file could not be read; nothing was stored.
        HcpsdkStatusError: HCP rejected the request. If it was for an annotation, the object is
            stored.
        HcpsdkError: Any other failure; call it again to find out whether HCP stored the object.
        TypeError, ValueError: Invalid argument; nothing was sent.
    """
    if not is_scheme(hash_scheme):
        raise ValueError(f"unknown hash scheme {hash_scheme!r}")
    check_is_callable(progress)
    if annotations is not None:
        _check_annotations(annotations)
    if retention is not None:
        params = _with_retention(params, retention)
    started = time.monotonic()
    small = read_if_small(file)
    if small is not None:
        data, _ = small
        stored = store_bytes(connection, data, url, params, new_version)
        if progress is not None:
            progress(len(data), len(data))
    else:
        with opened_for_reading(file) as opened:
            source = Source(opened, hash_scheme, progress)
            stored = store_source(connection, source, url, params, new_version)
    size, found, version, attempts, was_there = stored
    for name, content in (annotations or {}).items():
        query = {"type": "custom-metadata", "annotation": name}
        connection.PUT(url, content, query)
        connection.raise_for_status(201)
        attempts += connection.attempts
    seconds = time.monotonic() - started
    return TransferResult(url, size, found, version, seconds, attempts, was_there)


def _check_annotations(annotations: Mapping[str, bytes | str]) -> None:
    """Raise before the object is stored, not after it."""
    if not isinstance(annotations, Mapping):
        raise TypeError(f"annotations must be a mapping, not {type(annotations).__name__}")
    for name, content in annotations.items():
        if not isinstance(name, str) or not isinstance(content, (bytes, str)):
            raise TypeError("annotations: the names must be str, the contents bytes or str")
        if not name:
            raise ValueError("annotations: a name is empty")


def compare(
    connection: Connection, file: File, url: str, *, progress: Progress | None = None
) -> TransferResult:
    """Compare a file with an object by size and hash, without transferring it.

    Args:
        connection: Ready for the next request afterwards, whatever happened.
        file: A path, or a file in binary mode, which is read from its current position.
        url: The object's name, or a `hcpsdk.Quoted` path.
        progress: Called with the bytes read so far and their total.

    Raises:
        VerificationError: They differ, or HCP has no hash of the object.
        LocalFileError: The file could not be read.
        HcpsdkStatusError: The object does not exist (404), or HCP rejected the request.
        HcpsdkError: Any other failure.
    """
    check_is_callable(progress)
    started = time.monotonic()
    connection.HEAD(url)
    response = connection.raise_for_status(200)
    check_is_object(response, url)
    attempts, version = connection.attempts, version_id(response)
    scheme = (response.getheader("X-HCP-Hash") or LIKELY).partition(" ")[0]
    with opened_for_reading(file) as opened:
        size, found = verify_source(response, url, Source(opened, scheme, progress), True)
    seconds = time.monotonic() - started
    return TransferResult(url, size, found, version, seconds, attempts, True)


def _with_retention(params: Params | None, retention: str | int | datetime) -> Params:
    if isinstance(retention, datetime):
        if retention.tzinfo is None:
            raise ValueError("retention: a datetime needs a time zone")
        retention = int(retention.timestamp())
    pairs = params.items() if isinstance(params, Mapping) else params or ()
    return [*pairs, ("retention", str(retention))]


def download(
    connection: Connection,
    url: str,
    file: File,
    *,
    params: Params | None = None,
    resume: bool = True,
    retries: int = 3,
    progress: Progress | None = None,
    target: Target | None = None,
    executor: Executor | None = None,
    parallel: int = 4,
    range_size: int = 64 * 1024 * 1024,
) -> TransferResult:
    """Write an object to a file, and compare its hash with that of HCP.

    A path changes only at the end: the object is written to ``<path>.hcpsdk-part``, verified, and
    renamed, which replaces an existing file. If the connection breaks, the download resumes where
    it stopped. If all *retries* fail, the part remains, and the next call resumes it (objects of
    1 MiB and more; ``<path>.hcpsdk-part.etag`` identifies the object). A directory, a FIFO, or a
    device is not replaced: to write to one of the latter, pass it as an open file.

    Args:
        connection: Ready for the next request afterwards, whatever happened.
        url: The object's name, or a `hcpsdk.Quoted` path.
        file: A path, or a file in binary mode, which is written from its current position and
            stays open. If the download fails, the file is truncated to that position, if possible.
        params: More parameters of the GET: ``{"version": 91055133849537}``.
        resume: False starts from the beginning even if there is a part.
        retries: How many interruptions in a row are resumed, without a new byte between them.
        progress: Called with the bytes written so far and the object's size, in the calling
            thread. An exception in it ends the download; the part remains.
        executor: Fetches large objects in *parallel* ranges, over additional connections.
            Requires *target* and a path, for processes one that they can access. The file is read
            once more to compute the hash, and a later call cannot resume the download.
        target: The Target of the additional connections.
        parallel: How many ranges are fetched at the same time.
        range_size: Bytes per range; smaller objects are fetched as a whole.

    Returns:
        Its ``hash`` is None if HCP has no hash of this object: then only the length was compared.

    Raises:
        VerificationError: The file differs from the object, or *url* is not an object; nothing
            remains.
        LocalFileError: The file could not be written, for example to a full disk; no part remains.
        HcpsdkStatusError: HCP rejected the request.
        HcpsdkError: The connection was interrupted too often.
        TypeError, ValueError: Invalid argument; nothing was sent.
    """
    check_is_callable(progress)
    _check_number("retries", retries, 0)
    job = Download(connection, url, params, retries, progress)
    if not isinstance(file, (str, os.PathLike)):
        if executor is not None:
            raise TypeError("with an executor, download() needs a path")
        return job.run(OpenFile(file))
    if executor is None:
        return job.run(PartFile(Path(file), resume))
    if target is None:
        raise TypeError("with an executor, download() needs a target")
    if not hasattr(executor, "submit"):
        raise TypeError(f"executor has no submit(): {type(executor).__name__}")
    _check_number("parallel", parallel, 1)
    _check_number("range_size", range_size, 1)
    return job.run_parallel(PartFile(Path(file), False), target, executor, parallel, range_size)


def _check_number(name: str, number: int, least: int) -> None:
    if not isinstance(number, int):
        raise TypeError(f"{name} must be int, not {type(number).__name__}")
    if number < least:
        raise ValueError(f"{name} must be {least} or more, not {number}")
