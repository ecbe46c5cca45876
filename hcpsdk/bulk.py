"""Many files at once: store, fetch and delete them (contract 13.3).

The caller's thread reads the jobs, hands them out in small chunks, and writes the journal
(``_jobs/journal.py``). The workers, which any executor provides, do one chunk at a time
(``_jobs/worker.py``), by the functions of ``transfer``.
"""

import collections
import heapq
import os
import queue
import random
import reprlib
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

from hcpsdk._errors import HcpsdkError
from hcpsdk._jobs.concurrency import INTERVAL, Concurrency
from hcpsdk._jobs.journal import MAX_NEW, Journal, Row, path_key, url_key
from hcpsdk._jobs.worker import (
    Job,
    Outcome,
    Result,
    Run,
    Task,
    close_connections,
    modified,
    run_chunk,
)
from hcpsdk._request.url import Params
from hcpsdk._target import Target

__all__ = ["Job", "Result", "Totals", "delete", "fetch", "store"]

CHUNK_SECONDS = 0.1  # what a chunk of jobs should take: then handing it out costs little
MAX_CHUNK = 32  # jobs; a slow one delays at most so many others
MAX_BATCH = MAX_NEW  # jobs that are written into the journal at once
MAX_PAUSE = 30.0  # seconds between two attempts of a job


class Totals(NamedTuple):
    """What has been done so far, for a progress bar."""

    done: int
    """Jobs with a result, failed ones included."""
    failed: int
    """Jobs that failed."""
    bytes: int
    """Bytes of the objects that were stored or fetched, and of those found stored already."""


Progress = Callable[[Totals], object]

Done = tuple[list[Outcome], float]  # of a chunk


def store(
    target: Target | Callable[[], Target],
    jobs: Iterable[Job | tuple[Any, ...]],
    *,
    executor: Executor | None = None,
    workers: int = 8,
    journal: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    params: Params | None = None,
    retries: int = 5,
    timeout: float | None = 30,
) -> Iterator[Result]:
    """Store files as objects, each verified by its hash, as with `transfer.upload()`.

    With a *journal*, it can be interrupted in any way, and called again with the same jobs: each
    object is stored once. Jobs that an earlier call finished are reported again without a request,
    unless the file has changed. Jobs that it only started are compared with HCP first.

    Args:
        target: The Target; or a function that creates it, to be called once in each worker
            process (for a Target with an ``sslcontext``, which cannot be sent to another process).
        jobs: `Job` values, or tuples ``(path, url)``; read as they are needed, so it can be a
            generator. Two jobs for one URL store the first that comes.
        executor: Who does the work: threads, processes, ``client.get_executor()`` of
            ``dask.distributed``. It is left open. None makes *workers* threads.
        workers: How many chunks of jobs run at the same time; of a given executor, its workers. (Of
            threads, fewer are used while a processor is busy with them already.)
        journal: A file, made if it is not there, and locked meanwhile.
        progress: Called with `Totals` in the calling thread before each result.
        params: Parameters of all PUTs; those of a `Job` come in addition.
        retries: How often a job is repeated after a failure of the network, 500, or 503, with
            growing pauses in which the worker does other jobs.
        timeout: Seconds, as of a Connection.

    Returns:
        An iterator over one `Result` per job, in the order in which they end. The work is done
        while it is read. After it is closed, or after Ctrl-C, no new job is started; running jobs
        are completed and written to the journal, and the connections are closed.

    Raises:
        HcpsdkError: The journal cannot be used, or a worker process died. The failure of a job is
            in its `Result` instead.
        TypeError, ValueError: Invalid argument; nothing was sent.
    """
    run = Run("store", target, {"params": params, "has_journal": journal is not None}, timeout)
    return _Bulk(run, executor, workers, journal, progress, retries).results(jobs)


def fetch(
    target: Target | Callable[[], Target],
    jobs: Iterable[Job | tuple[Any, ...]],
    *,
    executor: Executor | None = None,
    workers: int = 8,
    journal: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    params: Params | None = None,
    retries: int = 5,
    timeout: float | None = 30,
) -> Iterator[Result]:
    """Fetch objects into files, each verified by its hash, as with `transfer.download()`.

    Directories are made as needed. Arguments, results and exceptions are those of `store()`, and
    the jobs are `Job` values or tuples ``(path, url)`` as well. With a *journal*, a file that was
    fetched is not fetched again, unless it has changed since or is missing.
    """
    run = Run("fetch", target, {"params": params, "has_journal": journal is not None}, timeout)
    return _Bulk(run, executor, workers, journal, progress, retries).results(jobs)


def delete(
    target: Target | Callable[[], Target],
    urls: Iterable[str],
    *,
    executor: Executor | None = None,
    workers: int = 8,
    journal: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    params: Params | None = None,
    retries: int = 5,
    timeout: float | None = 30,
) -> Iterator[Result]:
    """Delete objects.

    Arguments, results and exceptions are those of `store()`; *params* are those of DELETE, such
    as ``{"purge": True}``. An object that does not exist is ``"missing"``, which is not a failure.
    """
    if isinstance(urls, str):
        raise TypeError("urls must be several, a list for example; not one str")
    run = Run("delete", target, {"params": params, "has_journal": journal is not None}, timeout)
    jobs = (Job("", url) for url in urls)
    return _Bulk(run, executor, workers, journal, progress, retries).results(jobs)


class _Bulk:
    """One call of `store()`, `fetch()` or `delete()`."""

    def __init__(
        self,
        run: Run,
        executor: Executor | None,
        workers: int,
        journal: str | os.PathLike[str] | None,
        progress: Progress | None,
        retries: int,
    ) -> None:
        if executor is not None and not hasattr(executor, "submit"):
            raise TypeError(f"executor has no submit(): {type(executor).__name__}")
        for name, number, least in (("workers", workers, 1), ("retries", retries, 0)):
            if not isinstance(number, int):
                raise TypeError(f"{name} must be int, not {type(number).__name__}")
            if number < least:
                raise ValueError(f"{name} must be {least} or more, not {number}")
        if progress is not None and not callable(progress):
            raise TypeError(f"progress must be callable, not {type(progress).__name__}")
        self._run = run
        self._executor = executor
        self._workers = workers
        self._journal_path = journal
        self._progress = progress
        self._retries = retries

        self._ids = 0  # of jobs without a journal
        self._chunk_size = 1  # jobs; adapted to what one takes
        self._ready: collections.deque[Task] = collections.deque()
        self._delayed: list[tuple[float, int, Task]] = []  # a heap, by the time when it is due
        self._running: dict[Future[Done], list[Task]] = {}
        self._ended: queue.SimpleQueue[Future[Done]] = queue.SimpleQueue()
        self._most_delayed = MAX_CHUNK * 2 * workers  # above it, no new job is begun
        self._concurrency = Concurrency(2 * workers, time.monotonic(), time.process_time())
        self._has_threads = executor is None or isinstance(executor, ThreadPoolExecutor)
        self._is_slow = False  # the source of the jobs
        self._totals = Totals(0, 0, 0)

    def results(self, jobs: Iterable[Job | tuple[Any, ...]]) -> Iterator[Result]:
        """Do the jobs, starting with the first ``next()``."""
        return self._results(iter(jobs))

    def _results(self, jobs: Iterator[Any]) -> Iterator[Result]:
        journal = None
        if self._journal_path is not None:
            journal = Journal(self._journal_path, self._run.operation, self._run.name())
        executor = self._executor or ThreadPoolExecutor(self._workers, "hcpsdk-bulk")
        is_finished = False
        try:
            yield from self._loop(jobs, journal, executor)
        finally:
            # After Ctrl-C, too: what runs is brought to its end, and written down.
            try:
                self._finish_running(journal)
                is_finished = True
            finally:
                if executor is not self._executor:
                    executor.shutdown(wait=is_finished, cancel_futures=True)
                close_connections(self._run.uid)
                if journal:
                    journal.close()

    def _loop(
        self, jobs: Iterator[Any], journal: Journal | None, executor: Executor
    ) -> Iterator[Result]:
        has_more = True
        while True:
            while len(self._running) < self._concurrency.limit:
                if not self._ready and has_more and len(self._delayed) < self._most_delayed:
                    if self._is_slow and not self._ended.empty():
                        break  # results that are there do not wait for jobs that are not
                    batch = self._read(jobs, self._batch_size(journal))
                    has_more = bool(batch)
                    yield from self._begin(batch, journal)
                    continue
                chunk = self._next_chunk()
                if not chunk:
                    break
                self._submit(executor, chunk)
            if not (self._running or self._delayed):
                return
            future = self._wait()
            if future is not None:
                for result in self._end(future, journal):
                    if self._progress is not None:
                        self._count(self._progress, result)
                    yield result

    # From jobs to tasks

    def _read(self, jobs: Iterator[Any], count: int) -> list[Any]:
        """The next jobs; less than *count* if it takes long to make them."""
        batch = []
        until = time.monotonic() + CHUNK_SECONDS
        self._is_slow = False
        for job in islice(jobs, count):
            batch.append(job)
            if time.monotonic() > until:
                self._is_slow = True
                break
        return batch

    def _batch_size(self, journal: Journal | None) -> int:
        if journal is None:
            return self._chunk_size
        return min(MAX_BATCH, self._chunk_size * self._workers)

    def _begin(self, batch: list[Any], journal: Journal | None) -> Iterator[Result]:
        """Make tasks of the jobs; yield the results of those that are finished already."""
        jobs = [job if type(job) is Job else _as_job(job) for job in batch]
        if journal is None:
            for job in jobs:
                self._ids += 1
                self._ready.append((self._ids, job, False, 0, 0.0, 0))
            return
        rows = journal.begin([(url_key(job.url), path_key(job.path)) for job in jobs])
        finished = []
        for job, (number, row) in zip(jobs, rows, strict=True):
            if row is not None and self._is_finished(job, row):
                finished.append((job, row))
            else:
                self._ready.append((number, job, row is not None, 0, 0.0, 0))
        for job, row in finished:
            result = _from_row(job, row)
            if self._progress is not None:
                self._count(self._progress, result)
            yield result

    def _is_finished(self, job: Job, row: Row) -> bool:
        if row.status is None or row.status == "failed":
            return False
        if self._run.operation == "delete":
            return True
        return row.modified is not None and modified(job.path) == (row.size, row.modified)

    def _next_chunk(self) -> list[Task]:
        chunk: list[Task] = []
        now = time.monotonic()
        while self._delayed and self._delayed[0][0] <= now and len(chunk) < self._chunk_size:
            chunk.append(heapq.heappop(self._delayed)[2])
        while self._ready and len(chunk) < self._chunk_size:
            chunk.append(self._ready.popleft())
        return chunk

    # From tasks to results

    def _submit(self, executor: Executor, chunk: list[Task]) -> None:
        try:
            future = executor.submit(run_chunk, self._run, chunk)
        except RuntimeError as exc:  # it is broken, or was shut down
            raise HcpsdkError(f"the executor takes no more jobs: {exc}") from exc
        self._running[future] = chunk
        future.add_done_callback(self._ended.put)

    def _wait(self) -> "Future[Done] | None":
        """The next chunk that has ended; None if another can be submitted before."""
        timeout = None
        if len(self._running) >= self._concurrency.limit:
            if self._concurrency.is_reduced:
                timeout = INTERVAL
        elif self._delayed:
            timeout = max(0.0, self._delayed[0][0] - time.monotonic())
        try:
            return self._ended.get(timeout=timeout)
        except queue.Empty:
            self._adapt(0)
            return None

    def _adapt(self, jobs: int) -> None:
        """Have more or less chunks in flight from now on; so many *jobs* have ended."""
        if self._has_threads:
            self._concurrency.note(jobs, time.monotonic(), time.process_time())

    def _end(self, future: "Future[Done]", journal: Journal | None) -> list[Result]:
        """Take note of what came of a chunk; what has to be repeated is scheduled."""
        chunk = self._running[future]
        try:
            outcomes, seconds = future.result()
        except (BrokenExecutor, CancelledError) as exc:
            raise HcpsdkError(f"a worker ended before its jobs did: {exc}") from exc
        results, rows = [], []
        for task, (result, pause, stamp) in zip(chunk, outcomes, strict=False):
            number, _, _, tries, _, _ = task
            if pause is not None and tries < self._retries:
                self._delay(task, result, pause)
                continue
            results.append(result)
            if journal:
                rows.append((*result[2:], stamp, number))
        # The worker has not come to the rest.
        self._ready.extendleft(reversed(chunk[len(outcomes) :]))
        if journal:
            journal.finish(rows)
        del self._running[future]  # last: after Ctrl-C in between, it is done once more
        wanted = int(CHUNK_SECONDS * len(outcomes) / max(seconds, 1e-6)) if outcomes else 1
        self._chunk_size = max(1, min(MAX_CHUNK, wanted, 2 * self._chunk_size))
        self._adapt(len(outcomes))
        return results

    def _delay(self, task: Task, result: Result, least: float) -> None:
        number, job, _, tries, _, _ = task
        pause = min(MAX_PAUSE, 0.5 * 2 ** min(tries, 10)) * random.uniform(0.5, 1.0)
        due = time.monotonic() + max(pause, least)
        again = (number, job, True, tries + 1, result.seconds, result.attempts)
        heapq.heappush(self._delayed, (due, number, again))

    def _count(self, progress: Progress, result: Result) -> None:
        done, failed, count = self._totals
        is_failed = result.status == "failed"
        size = 0 if is_failed else result.size or 0
        self._totals = Totals(done + 1, failed + is_failed, count + size)
        progress(self._totals)

    def _finish_running(self, journal: Journal | None) -> None:
        for future in list(self._running):
            if future.cancel():
                del self._running[future]
        for future in list(self._running):
            if future.exception() is None:
                self._end(future, journal)


def _as_job(job: object) -> Job:
    if not isinstance(job, (tuple, list)) or not 2 <= len(job) <= 4:
        raise TypeError(f"a job is a bulk.Job or a tuple (path, url), not {reprlib.repr(job)}")
    return Job(*job)


def _from_row(job: Job, row: Row) -> Result:
    _, status, size, hash_, version, seconds, node, attempts, error, _ = row
    return Result(
        job.url, job.path, status or "", size, hash_, version, seconds, node, attempts, error
    )
