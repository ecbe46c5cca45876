"""What a worker of a bulk job does: a chunk of jobs, over a Connection that it keeps.

Imports `transfer`, `_connection`, `_target`, `upload`, `files`, `_request` and `_errors`; `bulk`
imports it. Everything here can be pickled, for workers in other processes.
"""

import os
import pickle
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hcpsdk import transfer
from hcpsdk._connection import Connection
from hcpsdk._errors import HcpsdkCertificateError, HcpsdkError, HcpsdkStatusError, NotYetError
from hcpsdk._jobs.files import LocalFileError, VerificationError, read_if_small
from hcpsdk._jobs.upload import store_bytes
from hcpsdk._request.url import Params
from hcpsdk._target import Target

BUDGET = 0.5  # seconds after which a worker gives the rest of its chunk back
MAX_RUNS = 4  # whose Targets a worker process keeps


class Job(NamedTuple):
    """One file and its object."""

    path: str | os.PathLike[str]
    """The local file."""
    url: str
    """The object's name, from ``/rest`` on, or a `hcpsdk.Quoted` path."""
    params: Params | None = None
    """More parameters of this request: ``{"retention": "A+10y"}``."""
    annotations: Mapping[str, bytes | str] | None = None
    """To be stored with the object, by name (`store()` only)."""


class Result(NamedTuple):
    """How a job ended."""

    url: str
    """The object's name, as the job has it."""
    path: str | os.PathLike[str]
    """The local file, as the job has it; ``""`` for a deletion."""
    status: str
    """``"stored"``, ``"existing"`` (stored before, with the same content),
    ``"fetched"``, ``"deleted"``, ``"missing"`` (nothing to delete), or ``"failed"``.

    All but the last have been verified."""
    size: int | None
    """Bytes of the object."""
    hash: str | None
    """Its hash: ``"SHA-256 47FB…"``."""
    version: int | None
    """HCP's id of its version."""
    seconds: float
    """How long its requests took, without pauses."""
    node: str | None
    """The address of the node that served it last."""
    attempts: int
    """How often a request was sent for it."""
    error: str | None
    """Why it failed."""


Job.__module__ = Result.__module__ = "hcpsdk.bulk"


# A job on its way to a worker: its id; the job; whether an earlier attempt, maybe of an earlier
# run, began it; and how many tries, seconds and requests have gone into it.
Task = tuple[int, Job, bool, int, float, int]

# What a worker made of a task: its result, the seconds to wait at least before a retry (None:
# it is final), and when the local file was changed (nanoseconds).
Outcome = tuple[Result, float | None, int | None]


class Run:
    """What all jobs of a call have in common. In a worker process, there is one per call."""

    def __init__(
        self,
        operation: str,
        target: Target | Callable[[], Target],
        options: dict[str, Any],
        timeout: float | None,
        uid: str = "",
    ) -> None:
        if not isinstance(target, Target) and not callable(target):
            raise TypeError(f"target must be hcpsdk.Target, not {type(target).__name__}")
        self.operation = operation
        self.options = options
        self.timeout = timeout
        self.uid = uid or uuid.uuid4().hex
        self._given = target
        self._target = target if isinstance(target, Target) else None
        self._pickled: bytes | None = None
        self._lock = threading.Lock()  # guards _target and _pickled

    def target(self) -> Target:
        """The Target, made at the first call."""
        with self._lock:
            if self._target is None:
                assert not isinstance(self._given, Target)
                self._target = self._given()
            return self._target

    def name(self) -> str:
        """Where the jobs go, for the journal."""
        return self.target().fqdn

    def __reduce__(self) -> tuple[Any, ...]:
        with self._lock:
            if self._pickled is None:
                self._pickled = pickle.dumps(
                    (self.operation, self._given, self.options, self.timeout)
                )
        return load_run, (self.uid, self._pickled)


_runs: dict[str, Run] = {}
_open: dict[str, weakref.WeakSet[Connection]] = {}
_lock = threading.Lock()  # guards _runs and _open
_mine = threading.local()  # uid and connection of the run that this thread worked for last


def load_run(uid: str, pickled: bytes) -> Run:
    """The run in this process; the Target in it is loaded once, not with every chunk."""
    with _lock:
        if uid not in _runs:
            operation, target, options, timeout = pickle.loads(pickled)
            _runs[uid] = Run(operation, target, options, timeout, uid)
            while len(_runs) > MAX_RUNS:
                del _runs[next(iter(_runs))]
        return _runs[uid]


def connection_of(run: Run) -> Connection:
    """This thread's Connection for *run*; that of an earlier run is closed."""
    slot: tuple[str, Connection | None] = getattr(_mine, "slot", ("", None))
    uid, connection = slot
    if uid != run.uid:
        if connection is not None:
            close_connections(uid, connection)
        connection = Connection(run.target(), timeout=run.timeout)
        _mine.slot = run.uid, connection
        with _lock:
            _open.setdefault(run.uid, weakref.WeakSet()).add(connection)
    assert connection is not None
    return connection


def close_connections(uid: str, *some: Connection) -> None:
    """Close Connections of this process for a run: *some*, or all of them.

    (In worker processes the idle timer closes the sockets of the last run.)
    """
    with _lock:
        connections = _open.pop(uid, weakref.WeakSet())
        closed = list(some or connections)
        connections.difference_update(closed)
        if connections:
            _open[uid] = connections
    for connection in closed:
        connection.close()


def run_chunk(run: Run, chunk: list[Task]) -> tuple[list[Outcome], float]:
    """Do the tasks in their order, for about half a second at most; the rest is left.

    Returns:
        What became of the first tasks, and the seconds that they took.
    """
    connection = connection_of(run)
    perform = OPERATIONS[run.operation]
    outcomes: list[Outcome] = []
    started = now = time.monotonic()
    for _, job, was_begun, _, seconds, attempts_before in chunk:
        before = now
        if now - started > BUDGET:
            break
        pause = stamp = size = hash_ = version = error = None
        attempts = 0
        try:
            status, stamp, size, hash_, version, attempts = perform(run, connection, job, was_begun)
        except HcpsdkError as exc:
            status, error = "failed", str(exc)
            attempts = connection.attempts
            pause = seconds_before_retry(connection, exc)
        except (TypeError, ValueError) as exc:
            status, error = "failed", f"{type(exc).__name__}: {exc}"
        now = time.monotonic()
        result = Result(
            job[1],
            job[0],
            status,
            size,
            hash_,
            version,
            seconds + now - before,
            connection.address,
            attempts_before + attempts,
            error,
        )
        outcomes.append((result, pause, stamp))
    return outcomes, now - started


def seconds_before_retry(connection: Connection, error: HcpsdkError) -> float | None:
    """How long to wait, at least, before a job that failed is repeated; None: it is final."""
    if isinstance(error, (LocalFileError, VerificationError, HcpsdkCertificateError)):
        return None
    if not isinstance(error, HcpsdkStatusError):
        return 0.0  # the network
    if isinstance(error, NotYetError) or error.status in (500, 503):
        text = connection.getheader("Retry-After") or ""
        return float(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0.0
    return None


Done = tuple[str, int | None, int | None, str | None, int | None, int]


def store(run: Run, connection: Connection, job: Job, was_begun: bool) -> Done:
    """Upload the file, unless an earlier attempt has done so."""
    path, url, params, annotations = job
    common = run.options["params"]
    if common:
        params = merged(common, params)
    if not (was_begun or annotations) and (small := read_if_small(path)):
        data, stamp = small
        size, hash_, version, attempts, was_there = store_bytes(connection, data, url, params)
        status = _status_of(was_there, was_begun, attempts)
        return status, stamp, size, hash_, version, attempts
    about = modified(path) if run.options["has_journal"] else None
    stamp_of_any = about[1] if about else None
    attempts = 0
    if was_begun and not annotations:
        try:
            found = transfer.compare(connection, path, url)
            return "stored", stamp_of_any, found.size, found.hash, found.version, found.attempts
        except HcpsdkStatusError as exc:
            if exc.status != 404:
                raise
            attempts = connection.attempts
    found = transfer.upload(connection, path, url, params=params, annotations=annotations)
    status = _status_of(found.was_there, was_begun, found.attempts)
    return status, stamp_of_any, found.size, found.hash, found.version, attempts + found.attempts


def _status_of(was_there: bool, was_begun: bool, attempts: int) -> str:
    # More than PUT and HEAD: the PUT was sent twice, so the object may be our own.
    return "stored" if not was_there or was_begun or attempts > 2 else "existing"


def fetch(run: Run, connection: Connection, job: Job, was_begun: bool) -> Done:
    """Download the object."""
    path, url, params, _ = job
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise LocalFileError(f"cannot make the directory of {os.fspath(path)!r}: {exc}") from exc
    params = merged(run.options["params"], params)
    found = transfer.download(connection, url, path, params=params, retries=0)
    about = modified(path)
    stamp = about[1] if about else None
    return "fetched", stamp, found.size, found.hash, found.version, found.attempts


def delete(run: Run, connection: Connection, job: Job, was_begun: bool) -> Done:
    """Delete the object."""
    connection.DELETE(job.url, merged(run.options["params"], job.params))
    attempts = connection.attempts
    if connection.response_status == 409:  # it is being written, or repaired
        raise NotYetError("409 - the object cannot be deleted now")
    if connection.response_status == 404:
        is_ours = was_begun or attempts > 1
        return "deleted" if is_ours else "missing", None, None, None, None, attempts
    connection.raise_for_status(200)
    return "deleted", None, None, None, None, attempts


OPERATIONS: dict[str, Callable[[Run, Connection, Job, bool], Done]] = {
    "store": store,
    "fetch": fetch,
    "delete": delete,
}


def merged(common: Params | None, own: Params | None) -> Params | None:
    """Both, as pairs; None without any."""
    if not common or not own:
        return common or own
    pairs = [params.items() if isinstance(params, Mapping) else params for params in (common, own)]
    return [*pairs[0], *pairs[1]]


def modified(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Bytes of a file, and when it was changed (nanoseconds); None if it is not there."""
    try:
        status = os.stat(path)  # noqa: PTH116 (faster)
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns
