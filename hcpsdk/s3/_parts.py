"""The parts of a multipart upload: read from the file, sent by workers, asked for."""

import base64
import hashlib
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, field

from hcpsdk._connection import Connection
from hcpsdk._errors import HcpsdkError
from hcpsdk._target import Target
from hcpsdk.s3._requests import MAX_DOCUMENT_BYTES, request_document, status_error, text_of

WORKERS = 4  # parts at a time, without an executor of the caller's
BUSY = frozenset({500, 503})  # statuses that may be others the next time


@dataclass(frozen=True)
class Job:
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


def parts_at_hcp(connection: Connection, url: str, upload_id: str) -> dict[int, tuple[int, str]]:
    """Size and ETag of the parts that are at HCP, by their number."""
    known: dict[int, tuple[int, str]] = {}
    last = 0
    while True:
        params = {"uploadId": upload_id, "part-number-marker": str(last)}
        page = request_document(connection, "ListPartsResult", "GET", url, params)
        for part in page.children:
            if part.name == "Part":
                number = int(text_of(part, "PartNumber"))
                known[number] = (int(text_of(part, "Size")), text_of(part, "ETag").strip('"'))
        following = max(known, default=0)
        if text_of(page, "IsTruncated") != "true" or following <= last:
            return known
        last = following


def send_parts(job: Job, executor: Executor | None) -> list[tuple[str, bool]]:
    """ETag of each part, and whether it was sent now."""
    if executor is None:
        with ThreadPoolExecutor(min(WORKERS, job.count())) as own:
            return send_parts(job, own)
    futures = {executor.submit(send_part, job, n): n for n in range(1, job.count() + 1)}
    try:
        sent = {futures[future]: future.result() for future in as_completed(futures)}
    except BaseException:
        for future in futures:
            future.cancel()
        wait(futures)  # what runs still would outlive the end of the upload
        raise
    return [sent[number] for number in sorted(sent)]


def send_part(job: Job, number: int) -> tuple[str, bool]:
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
            raise status_error(response.status, response.reason, body)
        etag = str(response.getheader("ETag", "")).strip('"')
    if not etag:
        raise HcpsdkError(f"the response to part {number} has no ETag")
    return etag, True
