"""An object on its way into a file: in one piece, with resumed breaks, or in ranges.

Imported by ``transfer``.
"""

import time
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from typing import Any

from hcpsdk._connection import Connection
from hcpsdk._errors import HcpsdkCertificateError, HcpsdkError, HcpsdkStatusError
from hcpsdk._jobs.digest import Digest, new_digest
from hcpsdk._jobs.files import (
    BLOCK,
    LocalFileError,
    PartFile,
    Progress,
    Sink,
    VerificationError,
    open_file,
)
from hcpsdk._jobs.object_head import TransferResult, check_is_object, number_in, version_id
from hcpsdk._request.url import Params
from hcpsdk._target import Target


class Download:
    """An object on its way into a `Sink`."""

    def __init__(
        self,
        connection: Connection,
        url: str,
        params: Params | None,
        retries: int,
        progress: Progress | None,
    ) -> None:
        self._connection = connection
        self._url = url
        self._params = params
        self._retries = retries
        self._progress = progress
        self._started = time.monotonic()
        self._attempts = 0
        self._total: int | None = None
        self._hash: str | None = None  # HCP's
        self._digest: Digest | None = None
        self._version: int | None = None

    def run(self, sink: Sink) -> TransferResult:
        """Fetch it in one piece, or in as many as there are breaks."""
        is_continued = sink.size > 0
        try:
            self._fetch(sink)
            if is_continued and self._found() != self._hash:
                sink.restart()  # the part was damaged
                self._fetch(sink)
            self._verify(sink.size)
            sink.commit()
        except (LocalFileError, VerificationError):
            sink.discard()
            raise
        except HcpsdkStatusError as exc:
            sink.discard() if exc.status < 500 else sink.keep()
            raise
        except BaseException:
            sink.keep()
            raise
        return self._result(sink.size)

    def run_parallel(
        self, sink: PartFile, target: Target, executor: Executor, parallel: int, range_size: int
    ) -> TransferResult:
        """Fetch it in ranges, *parallel* of them at a time."""
        connection = self._connection
        try:
            connection.HEAD(self._url, self._params)
            self._attempts += connection.attempts
            connection.raise_for_status(200)
            self._read_head(sink)
            size, etag = self._total, connection.getheader("ETag")
            if not size or size <= range_size or not etag:
                self._fetch(sink)
            else:
                sink.allocate(size)
                ranges = [(at, min(at + range_size, size)) for at in range(0, size, range_size)]
                common = target, self._url, self._params, self._retries, etag, str(sink.part)
                self._fetch_ranges(sink, ranges, common, executor, parallel)
            self._verify(sink.size)
            sink.commit()
        except BaseException:
            sink.discard()
            raise
        return self._result(sink.size)

    def _fetch(self, sink: Sink) -> None:
        failures = 0
        while True:
            before = sink.size
            try:
                return self._fetch_rest(sink)
            except (LocalFileError, VerificationError, HcpsdkCertificateError):
                raise
            except HcpsdkStatusError as exc:
                # The object is another one now, or shorter: begin anew.
                if not before or exc.status not in (412, 416):
                    raise
                sink.restart()
                failures += 1
            except HcpsdkError:
                failures = failures + 1 if sink.size <= before else 1
                if failures > self._retries:
                    raise

    def _fetch_rest(self, sink: Sink) -> None:
        """GET what is missing."""
        headers = {}
        if sink.size:
            headers["Range"] = f"bytes={sink.size}-"
            if sink.etag:
                headers["If-Match"] = sink.etag
        connection = self._connection
        try:
            connection.GET(self._url, self._params, headers or None)
        finally:
            self._attempts += connection.attempts
        connection.raise_for_status(200, 206)
        if sink.size and connection.response_status == 200:
            sink.restart()  # HCP sends everything instead of the rest
        if not sink.size and connection.response_status == 206:
            raise HcpsdkError(f"GET {self._url}: HCP sent a part, although all was requested")
        self._read_head(sink)
        sink.note(connection.getheader("ETag"), self._total)
        while data := connection.read(BLOCK):
            sink.write(data)
            if self._digest:
                self._digest.update(data)
            if self._progress is not None:
                self._progress(sink.size, self._total)

    def _read_head(self, sink: Sink) -> None:
        """What the response says of the object, and of the bytes that follow."""
        connection = self._connection
        check_is_object(connection, self._url)
        if connection.response_status == 206:
            check_range(connection, self._url, sink.size)
        self._total = number_in(connection.getheader("X-HCP-Size") or "")
        self._version = version_id(connection.raise_for_status(200, 206))
        reported = (connection.getheader("X-HCP-Hash") or "").upper()
        if reported and not (sink.size and reported == self._hash):
            self._hash = reported
            self._digest = digest = new_digest(reported.partition(" ")[0])
            if isinstance(sink, PartFile):
                for data in sink.content(0, sink.size):
                    digest.update(data)

    def _fetch_ranges(
        self,
        sink: PartFile,
        ranges: list[tuple[int, int]],
        common: tuple[Target, str, Params | None, int, str, str],
        executor: Executor,
        parallel: int,
    ) -> None:
        """Let the executor write the ranges into the part; hash them in their order."""
        running: list[Future[int]] = []
        waiting = iter(ranges)
        try:
            for start, stop in ranges:
                while len(running) < parallel and (next_range := next(waiting, None)):
                    running.append(self._submit(executor, *common, *next_range))
                self._attempts += running.pop(0).result()
                if self._digest:
                    for data in sink.content(start, stop):
                        self._digest.update(data)
                if self._progress is not None:
                    self._progress(stop, self._total)
        except (BrokenExecutor, CancelledError) as exc:
            raise HcpsdkError(f"GET {self._url}: a worker ended before its range: {exc}") from exc
        finally:
            for future in running:
                future.cancel()
            for future in running:
                if not future.cancelled():
                    future.exception()  # waits

    def _submit(self, executor: Executor, *arguments: Any) -> Future[int]:
        try:
            return executor.submit(fetch_range, *arguments)
        except RuntimeError as exc:  # it is broken, or was shut down
            raise HcpsdkError(f"GET {self._url}: the executor takes no more jobs: {exc}") from exc

    def _found(self) -> str | None:
        """The hash of what came, in the scheme of HCP's."""
        if self._digest is None or self._hash is None:
            return None
        return f"{self._hash.partition(' ')[0]} {self._digest.hexdigest().upper()}"

    def _verify(self, size: int) -> None:
        if self._total is None and self._hash is None:
            raise VerificationError(f"{self._url}: the response has neither a size nor a hash")
        if self._total is not None and size != self._total:
            raise VerificationError(f"{self._url}: {size} of {self._total} bytes came")
        if (found := self._found()) != self._hash:
            raise VerificationError(
                f"{self._url}: HCP has {(self._hash or '')[:200]}, what came has {found}"
            )

    def _result(self, size: int) -> TransferResult:
        seconds = time.monotonic() - self._started
        return TransferResult(
            self._url, size, self._hash, self._version, seconds, self._attempts, False
        )


def fetch_range(
    target: Target,
    url: str,
    params: Params | None,
    retries: int,
    etag: str,
    part: str,
    start: int,
    stop: int,
) -> int:
    """Write the bytes from *start* up to *stop* of an object into the file *part*, in a worker.

    Returns:
        How many requests were sent.
    """
    attempts = failures = 0
    with open_file(part, "r+b") as file, Connection(target) as connection:
        sink = Sink(file, repr(part))
        while start < stop:
            before = start
            headers = {"Range": f"bytes={start}-{stop - 1}", "If-Match": etag}
            try:
                connection.GET(url, params, headers)
                connection.raise_for_status(206)
                check_range(connection, url, start)
                file.seek(start)
                while data := connection.read(BLOCK):
                    sink.write(data[: stop - start])
                    start += len(data)
                if start == before:
                    raise HcpsdkError(f"GET {url}: HCP sent no byte of the range")
            except (LocalFileError, HcpsdkCertificateError, HcpsdkStatusError):
                raise
            except HcpsdkError:
                failures = failures + 1 if start == before else 1
                if failures > retries:
                    raise
            finally:
                attempts += connection.attempts
    return attempts


def check_range(connection: Connection, url: str, start: int) -> None:
    """Raise `HcpsdkError` unless the response starts with byte *start* of the object."""
    sent = connection.getheader("Content-Range") or f"bytes {start}-"
    if not sent.startswith(f"bytes {start}-"):
        raise HcpsdkError(f"GET {url}: HCP sent another range than the one requested")
