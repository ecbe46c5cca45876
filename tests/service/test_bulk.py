"""Many files at once: each stored once and verified, whatever happens in between."""

import collections
import contextlib
import hashlib
import itertools
import math
import multiprocessing
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest

import hcpsdk
from hcpsdk import bulk, listing
from hcpsdk._jobs import concurrency
from hcpsdk.testing import HCP, Answer, HangUp, Namespace, Reset, Stall

from . import bulk_process

PROGRAM = Path(bulk_process.__file__)


def make_files(folder: Path, count: int, size: int = 100) -> list[tuple[Path, str]]:
    """Files with contents of their own, and a URL for each."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:04}").write_bytes(b"%d " % number * size)
    return [(path, f"/rest/bulk/{path.name}") for path in sorted(folder.iterdir())]


@pytest.fixture
def files(tmp_path: Path) -> list[tuple[Path, str]]:
    """Forty of them."""
    return make_files(tmp_path / "files", 40)


def check_stored(connection: hcpsdk.Connection, files: list[tuple[Path, str]]) -> None:
    """All files are stored, each with its content, and nothing else is."""
    found = {entry.url: entry.hash for entry in listing.listdir(connection, "/rest/bulk")}
    assert found == {
        url: f"SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest().upper()}"
        for path, url in files
    }


def puts(hcp: HCP) -> "collections.Counter[tuple[str, int | None]]":
    """How often a PUT to which target had which status."""
    return collections.Counter(
        (request.target, request.status) for request in hcp.requests if request.method == "PUT"
    )


def statuses(results: Any) -> "collections.Counter[str]":
    return collections.Counter(result.status for result in results)


# What it does


def test_store(
    hcp: HCP,
    target: hcpsdk.Target,
    connection: hcpsdk.Connection,
    files: list[tuple[Path, str]],
) -> None:
    """There is one result per file, with all that is known of it (contract 13.3)."""
    results = {result.url: result for result in bulk.store(target, files)}

    check_stored(connection, files)
    assert len(results) == len(files)
    for path, url in files:
        result = results[url]
        data = path.read_bytes()
        assert (result.path, result.status, result.error) == (path, "stored", None)
        assert result.hash == f"SHA-256 {hashlib.sha256(data).hexdigest().upper()}"
        assert (result.size, result.attempts) == (len(data), 1)
        assert result.node in target.addresses
        assert result.seconds > 0
        assert isinstance(result.version, int)
    assert {request.node for request in hcp.requests} == set(target.addresses)


def test_store_again(target: hcpsdk.Target, files: list[tuple[Path, str]]) -> None:
    """What is there already is compared; what differs has failed, and stays."""
    assert statuses(bulk.store(target, files[:20])) == {"stored": 20}
    files[0][0].write_bytes(b"other")
    results = list(bulk.store(target, files))

    assert statuses(results) == {"existing": 19, "stored": 20, "failed": 1}
    (failed,) = (result for result in results if result.status == "failed")
    assert failed.url == files[0][1]
    assert failed.error is not None and "another content" in failed.error


def test_store_with_rules(
    target: hcpsdk.Target, connection: hcpsdk.Connection, files: list[tuple[Path, str]]
) -> None:
    """Parameters are for all, and for each; annotations come with their object."""
    (path, url), (other_path, other_url) = files[:2]
    jobs = [bulk.Job(path, url, {"index": False}, {"x": "<x/>"}), (other_path, other_url)]
    assert statuses(bulk.store(target, jobs, params={"shred": True})) == {"stored": 2}

    names = "X-HCP-Shred", "X-HCP-Index", "X-HCP-CustomMetadataAnnotations"
    found = []
    for each in (url, other_url):
        connection.HEAD(each)
        found.append([connection.getheader(name) for name in names])
    assert found == [["true", "false", "x;4"], ["true", "true", ""]]


def test_fetch(target: hcpsdk.Target, tmp_path: Path, files: list[tuple[Path, str]]) -> None:
    """Objects become files, in directories that are made as needed."""
    list(bulk.store(target, files))
    jobs = [(tmp_path / "new" / str(n % 3) / path.name, url) for n, (path, url) in enumerate(files)]
    results = list(bulk.fetch(target, [*jobs, (tmp_path / "none", "/rest/none")]))

    assert statuses(results) == {"fetched": 40, "failed": 1}
    assert [job[0].read_bytes() for job in jobs] == [path.read_bytes() for path, _ in files]
    (failed,) = (result for result in results if result.status == "failed")
    assert failed.error is not None and failed.error.startswith("404 ")
    assert not (tmp_path / "none").exists()


def test_delete(
    target: hcpsdk.Target, connection: hcpsdk.Connection, files: list[tuple[Path, str]]
) -> None:
    """Objects are deleted; one that is not there is no failure, one on hold is."""
    list(bulk.store(target, files[:20]))
    connection.POST(files[0][1], {"hold": True})
    results = list(bulk.delete(target, [url for _, url in files]))

    assert statuses(results) == {"deleted": 19, "missing": 20, "failed": 1}
    assert [entry.url for entry in listing.listdir(connection, "/rest/bulk")] == [files[0][1]]
    connection.POST(files[0][1], {"hold": False})


def test_progress(target: hcpsdk.Target, files: list[tuple[Path, str]], tmp_path: Path) -> None:
    """`progress=` receives what has been done so far."""
    seen: list[bulk.Totals] = []
    jobs = [*files, (tmp_path / "none", "/rest/bulk/none")]
    results = list(bulk.store(target, jobs, progress=seen.append))

    assert [totals.done for totals in seen] == list(range(1, 42))
    assert (seen[-1].failed, statuses(results)["failed"]) == (1, 1)
    assert seen[-1].bytes == sum(path.stat().st_size for path, _ in files)


@pytest.mark.parametrize("has_journal", [False, True])
def test_jobs_that_are_wrong(
    target: hcpsdk.Target, tmp_path: Path, files: list[tuple[Path, str]], has_journal: bool
) -> None:
    """A file or a name that is wrong fails alone; the others are stored."""
    jobs = [
        *files,
        (tmp_path / "none", "/rest/bulk/a"),
        (files[0][0], "no path"),
        (files[0][0], "/rest/\ud800"),
    ]
    journal = tmp_path / "journal" if has_journal else None
    results = list(bulk.store(target, jobs, journal=journal))

    assert statuses(results) == {"stored": 40, "failed": 3}
    errors = sorted(str(result.error) for result in results if result.status == "failed")
    assert [error.partition(":")[0] for error in errors] == [
        "ValueError",
        "ValueError",
        f"cannot read {str(tmp_path / 'none')!r}",
    ]


def test_wrong_arguments(target: hcpsdk.Target, tmp_path: Path) -> None:
    """Invalid arguments raise at the call, before anything is sent (contract 1.4)."""
    with pytest.raises(TypeError, match="target must be"):
        bulk.store("n1", [])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="no submit"):
        bulk.store(target, [], executor=7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="workers must be 1 or more"):
        bulk.store(target, [], workers=0)
    with pytest.raises(TypeError, match="retries must be int"):
        bulk.store(target, [], retries=1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="progress must be callable"):
        bulk.store(target, [], progress=7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not iterable"):
        bulk.store(target, 7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not one str"):
        bulk.delete(target, "/rest/a")
    with pytest.raises(TypeError, match=r"a job is a bulk\.Job or a tuple"):
        list(bulk.store(target, ["/rest/a"]))  # type: ignore[list-item]
    assert list(bulk.store(target, [])) == []


def test_results_are_values(target: hcpsdk.Target, files: list[tuple[Path, str]]) -> None:
    """Results pickle."""
    results = list(bulk.store(target, files[:3]))

    assert pickle.loads(pickle.dumps(results)) == results


class Watched(ThreadPoolExecutor):
    """Threads, and how many chunks of jobs they had at a time: now, at most, and lately."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self.open = self.most = 0
        self.lately = collections.deque([sys.maxsize] * 10, 10)  # after each of the last
        self.lock = threading.Lock()

    def submit(self, *args: Any, **options: Any) -> "Future[Any]":
        with self.lock:
            self.open += 1
            self.most = max(self.most, self.open)
            self.lately.append(self.open)
        future = super().submit(*args, **options)
        future.add_done_callback(self.count_down)
        return future

    def count_down(self, _future: "Future[Any]") -> None:
        with self.lock:
            self.open -= 1


def test_jobs_are_read_as_they_are_needed(
    target: hcpsdk.Target, files: list[tuple[Path, str]]
) -> None:
    """The number of jobs in flight is bounded, for any number of jobs (contract 13.3)."""
    taken = itertools.count()

    def endless() -> Iterator[tuple[Path, str]]:
        for number in taken:
            yield files[0][0], f"/rest/bulk/{number}"

    with Watched(4) as executor:
        results = bulk.store(target, endless(), executor=executor, workers=4)
        read = [next(results) for _ in range(200)]
        results.close()  # type: ignore[attr-defined]

    assert statuses(read) == {"stored": 200}
    assert executor.most <= 2 * 4
    # In addition to the results: 8 chunks of 32 jobs, and those read last.
    assert next(taken) <= 200 + 9 * 32


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The process seems to use a processor all the time, for many small jobs, while this is set."""
    used = itertools.count()
    is_busy = threading.Event()
    is_busy.set()
    monkeypatch.setattr(concurrency, "MAX_CPU", math.inf)
    monkeypatch.setattr(time, "process_time", lambda: is_busy.is_set() and next(used) * 1e6)
    return is_busy


def test_busy_threads(
    hcp: HCP, target: hcpsdk.Target, files: list[tuple[Path, str]], busy: threading.Event
) -> None:
    """Threads that keep a processor busy get less at a time; more, as soon as they wait."""
    path, _ = files[0]
    endless = ((path, f"/rest/bulk/{number}") for number in itertools.count())
    with Watched(8) as executor:
        results = bulk.store(target, endless, executor=executor, workers=8, timeout=30)
        assert any(max(executor.lately) <= 2 for _ in itertools.islice(results, 20_000))

        hcp.add_fault(Stall("before request", method="PUT", times=2))  # all that are left
        busy.clear()
        assert statuses(itertools.islice(results, 1000)) == {"stored": 1000}
        assert max(executor.lately) > 2
        hcp.clear_faults()
        results.close()  # type: ignore[attr-defined]


def test_jobs_that_come_slowly(
    target: hcpsdk.Target, files: list[tuple[Path, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results that are there do not wait until many more jobs have been read."""
    monkeypatch.setattr(bulk, "CHUNK_SECONDS", 0.0)  # any source of jobs is slow
    submitted: list[Future[Any]] = []
    most = done = 0

    class Noting(ThreadPoolExecutor):
        def submit(self, *args: Any, **options: Any) -> "Future[Any]":  # type: ignore[override]
            submitted.append(super().submit(*args, **options))
            return submitted[-1]

    def slowly() -> Iterator[tuple[Path, str]]:
        nonlocal most
        for number, job in enumerate(files):
            wait(submitted)
            most = max(most, number - done)
            yield job

    with Noting(8) as executor:
        for _ in bulk.store(target, slowly(), executor=executor):
            done += 1
    assert done == len(files)
    assert most <= 4  # and not 2 * 8


def test_everything_is_closed(target: hcpsdk.Target, files: list[tuple[Path, str]]) -> None:
    """Threads and connections are gone at the end, also if the results are not read to the end."""
    before = {thread.name for thread in threading.enumerate()}
    list(bulk.store(target, files))
    for _ in bulk.store(target, ((path, f"{url}x") for path, url in files)):
        break

    left = {thread.name for thread in threading.enumerate()} - before
    assert not any("bulk" in name for name in left)
    assert target.addresses


def test_connections_are_kept(hcp: HCP, target: hcpsdk.Target, tmp_path: Path) -> None:
    """One Connection per worker, for all its jobs (contract 13.3)."""
    opened: list[int] = []
    jobs = make_files(tmp_path / "many", 200, 1)
    with ThreadPoolExecutor(3, initializer=lambda: opened.append(1)) as executor:
        assert statuses(bulk.store(target, jobs, executor=executor, workers=3)) == {"stored": 200}

    per_node = collections.Counter(request.node for request in hcp.requests)
    assert len(per_node) <= 3 == len(opened)


# Failures


def test_failures_are_repeated(
    hcp: HCP, target: hcpsdk.Target, connection: hcpsdk.Connection, files: list[tuple[Path, str]]
) -> None:
    """Broken connections, lost responses and 503 cost attempts, and nothing else."""
    for number in range(3, 33, 6):
        hcp.add_fault(HangUp("request body", after=3, method="PUT", nth=number))
        hcp.add_fault(HangUp("before answer", method="PUT", nth=number + 2))
        hcp.add_fault(Reset("answer head", after=10, method="PUT", nth=number + 3))
        hcp.add_fault(Answer(503, method="PUT", nth=number + 4))
    results = list(bulk.store(target, files))

    assert statuses(results) == {"stored": 40}
    check_stored(connection, files)
    assert sum(result.attempts for result in results) > 40
    assert max(count for (_, status), count in puts(hcp).items() if status == 201) == 1


def test_503_does_not_stall_the_others(
    hcp: HCP, target: hcpsdk.Target, files: list[tuple[Path, str]]
) -> None:
    """A job that has to wait lets the others pass (contract 13.3)."""
    path, url = files[0]
    hcp.add_fault(Answer(503, path=url, times=2))
    results = list(bulk.store(target, files, workers=1))

    assert [result.url for result in results] == [url for _, url in [*files[1:], files[0]]]
    assert (results[-1].status, results[-1].attempts) == ("stored", 4)  # and a HEAD
    assert path == results[-1].path


def test_slow_node_does_not_stall_the_others(
    hcp: HCP, target: hcpsdk.Target, files: list[tuple[Path, str]]
) -> None:
    """A node that is silent delays the jobs of one chunk, and no others."""
    hcp.add_fault(Stall("before request", method="PUT", nth=2))
    results = list(bulk.store(target, files, workers=4, timeout=2))

    assert statuses(results) == {"stored": 40}
    (slow,) = (number for number, result in enumerate(results) if result.attempts > 1)
    assert slow >= len(files) - 16


def test_failures_come_to_an_end(
    hcp: HCP, target: hcpsdk.Target, files: list[tuple[Path, str]]
) -> None:
    """After all retries a job has failed, with the last error."""
    hcp.add_fault(Answer(503, method="PUT", times=None))
    results = list(bulk.store(target, files[:3], retries=1))

    assert statuses(results) == {"failed": 3}
    assert {str(result.error)[:4] for result in results} == {"503 "}
    assert {count for (_, status), count in puts(hcp).items() if status == 503} == {2}


def test_many_retries(
    hcp: HCP, target: hcpsdk.Target, files: list[tuple[Path, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retries may go on for hours: the pauses grow up to a limit."""
    monkeypatch.setattr(bulk, "MAX_PAUSE", 0.0)
    hcp.add_fault(Answer(503, method="PUT", times=1100))
    (result,) = bulk.store(target, files[:1], retries=2000)

    assert (result.status, result.attempts > 1100) == ("stored", True)


def test_attempts_of_a_file_that_is_missing(
    target: hcpsdk.Target, tmp_path: Path, files: list[tuple[Path, str]]
) -> None:
    """Nothing was sent for it, although other jobs were sent before."""
    jobs = [*files, (tmp_path / "none", "/rest/bulk/none")]
    results = list(bulk.store(target, jobs, workers=1))

    assert [result.attempts for result in results] == [1] * 40 + [0]


def test_wrong_certificate_is_final(hcp: HCP, files: list[tuple[Path, str]]) -> None:
    """A certificate that does not verify is not tried again."""
    import ssl

    auth = hcpsdk.NativeAuthorization("n", "n01")
    target = hcpsdk.Target("n1.m.hcp1.snomis.local", auth, sslcontext=ssl.create_default_context())
    (result,) = bulk.store(target, files[:1])

    assert result.status == "failed"
    assert "CERTIFICATE_VERIFY_FAILED" in str(result.error)


# The journal


def rows(journal: Path) -> dict[str, str | None]:
    """What a journal says: URLs and statuses."""
    with contextlib.closing(sqlite3.connect(journal)) as database:
        return dict(database.execute("SELECT url, status FROM job"))


def test_journal(
    hcp: HCP, target: hcpsdk.Target, tmp_path: Path, files: list[tuple[Path, str]]
) -> None:
    """What an earlier call finished is reported again, without a request (contract 13.3)."""
    journal = tmp_path / "journal"
    first = list(bulk.store(target, files[:30], journal=journal))
    count = len(hcp.requests)
    again = list(bulk.store(target, files, journal=str(journal)))

    assert sorted(again)[:30] == sorted(first)
    assert len(hcp.requests) == count + 10
    assert rows(journal) == {url: "stored" for _, url in files}


def test_journal_is_written_before_the_request(
    hcp: HCP, target: hcpsdk.Target, tmp_path: Path, files: list[tuple[Path, str]]
) -> None:
    """At the first PUT, the journal knows of the job already (contract 13.3)."""
    seen: list[tuple[str, bool]] = []

    class Looking(ThreadPoolExecutor):
        def submit(self, function: Any, run: Any, chunk: Any) -> "Future[Any]":  # type: ignore[override]
            wal = Path(f"{tmp_path / 'journal'}-wal").read_bytes()
            seen.extend((job.url, job.url.encode() in wal) for _, job, *_ in chunk)
            return super().submit(function, run, chunk)

    with Looking(2) as executor:
        list(bulk.store(target, files, executor=executor, journal=tmp_path / "journal"))

    assert len(seen) == len(files)
    assert all(is_written for _, is_written in seen)


def test_journal_and_a_file_that_changed(
    target: hcpsdk.Target, tmp_path: Path, files: list[tuple[Path, str]]
) -> None:
    """No result is "stored" that was not verified: a changed file is compared once more."""
    journal = tmp_path / "journal"
    list(bulk.store(target, files, journal=journal))
    files[5][0].write_bytes(b"changed")
    results = list(bulk.store(target, files, journal=journal))

    assert statuses(results) == {"stored": 39, "failed": 1}
    assert rows(journal)[files[5][1]] == "failed"


def test_journal_of_names(
    hcp: HCP, target: hcpsdk.Target, tmp_path: Path, files: list[tuple[Path, str]]
) -> None:
    """Names survive in the journal; a `Quoted` one is the same object as the plain one."""
    odd = tmp_path / "files" / "\udcff\n"
    odd.write_bytes(b"odd")
    plain = [(odd, "/rest/bulk/ü %41"), (odd, "/rest/bulk/ü A")]
    quoted = [
        (path, hcpsdk.Quoted("/rest/bulk/%C3%BC%20" + end))
        for (path, _), end in zip(plain, ("%2541", "%41"), strict=True)
    ]
    journal = tmp_path / "journal"
    assert statuses(bulk.store(target, plain, journal=journal)) == {"stored": 2}
    count = len(hcp.requests)

    assert statuses(bulk.store(target, quoted, journal=journal)) == {"stored": 2}
    assert len(hcp.requests) == count


def test_journal_of_something_else(
    target: hcpsdk.Target, tmp_path: Path, files: list[tuple[Path, str]]
) -> None:
    """A journal is for one namespace and one operation, and any other file is refused."""
    journal = tmp_path / "journal"
    list(bulk.store(target, files[:1], journal=journal))
    with pytest.raises(hcpsdk.HcpsdkError, match="is about: store at n1"):
        list(bulk.delete(target, [files[0][1]], journal=journal))
    for path in (files[0][0], tmp_path, tmp_path / "none" / "journal"):
        with pytest.raises(hcpsdk.HcpsdkError, match="cannot be used"):
            list(bulk.store(target, files, journal=path))


def test_journal_is_a_file(
    target: hcpsdk.Target,
    tmp_path: Path,
    files: list[tuple[Path, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Names that mean "no file" to SQLite do not."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(hcpsdk.HcpsdkError, match="cannot be used"):
        list(bulk.store(target, files[:1], journal=""))
    assert statuses(bulk.store(target, files[:1], journal=":memory:")) == {"stored": 1}
    assert (tmp_path / ":memory:").exists()


@pytest.mark.parametrize("has_journal", [False, True])
def test_function_that_makes_no_target(
    tmp_path: Path, files: list[tuple[Path, str]], has_journal: bool
) -> None:
    """The function must return a Target."""
    make: Any = lambda: None  # noqa: E731
    with pytest.raises(TypeError, match=r"must return an hcpsdk\.Target, not NoneType"):
        list(bulk.store(make, files, journal=tmp_path / "journal" if has_journal else None))


def test_journal_in_use(
    target: hcpsdk.Target, tmp_path: Path, files: list[tuple[Path, str]]
) -> None:
    """Two programs do not work by one journal at the same time."""
    first = bulk.store(target, files, journal=tmp_path / "journal")
    next(first)
    with pytest.raises(hcpsdk.HcpsdkError, match="locked"):
        list(bulk.store(target, files, journal=tmp_path / "journal"))
    assert len(list(first)) == 39


def test_journal_of_fetch_and_delete(
    hcp: HCP, target: hcpsdk.Target, tmp_path: Path, files: list[tuple[Path, str]]
) -> None:
    """What was fetched or deleted is not done again, unless the file is missing."""
    list(bulk.store(target, files))
    jobs = [(tmp_path / "new" / path.name, url) for path, url in files]
    urls = [url for _, url in files]
    assert statuses(bulk.fetch(target, jobs, journal=tmp_path / "f")) == {"fetched": 40}
    jobs[7][0].unlink()
    count = len(hcp.requests)
    assert statuses(bulk.fetch(target, jobs, journal=tmp_path / "f")) == {"fetched": 40}
    assert len(hcp.requests) == count + 1
    assert statuses(bulk.delete(target, urls, journal=tmp_path / "d")) == {"deleted": 40}
    assert statuses(bulk.delete(target, urls, journal=tmp_path / "d")) == {"deleted": 40}
    assert len(hcp.requests) == count + 41


def test_leaving_early_is_written_down(
    hcp: HCP, target: hcpsdk.Target, tmp_path: Path, files: list[tuple[Path, str]]
) -> None:
    """If the results are not read to the end, all that was sent is in the journal."""
    journal = tmp_path / "journal"
    for _ in bulk.store(target, files, journal=journal, workers=2):
        break
    stored = {url for (url, status) in puts(hcp) if status == 201}

    assert {url for url, status in rows(journal).items() if status == "stored"} == stored
    assert statuses(bulk.store(target, files, journal=journal)) == {"stored": 40}
    assert max(puts(hcp).values()) == 1


# Other processes


@pytest.fixture
def bulk_hcp(monkeypatch: pytest.MonkeyPatch) -> Iterator[HCP]:
    """An emulated HCP that other processes reach by their environment variables."""
    with HCP("bulk.local", nodes=1, namespaces=[Namespace("n1", "m")]) as hcp:
        for name, value in hcp.environ.items():
            monkeypatch.setenv(name, value)
        yield hcp


@pytest.fixture
def bulk_connection(bulk_hcp: HCP) -> Iterator[hcpsdk.Connection]:
    target = hcpsdk.Target(bulk_process.FQDN, hcpsdk.NativeAuthorization("n", "n01"))
    with hcpsdk.Connection(target) as connection:
        yield connection


def start(folder: Path, journal: Path) -> "subprocess.Popen[str]":
    """The program in a new process."""
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(folder), str(journal)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.timeout(300)
def test_kill(bulk_hcp: HCP, bulk_connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """Killed again and again, no object is stored twice, none is missing, none is unverified
    (contract 13.3)."""
    files = make_files(tmp_path / "files", 150, 1)
    kills = 0
    for limit in itertools.count(3, 13):
        with start(tmp_path / "files", tmp_path / "journal") as process:
            assert process.stdout is not None
            lines = list(itertools.islice(process.stdout, limit))
            if len(lines) < limit:
                break
            process.kill()
            kills += process.wait() == -signal.SIGKILL
    assert process.returncode == 0
    assert kills >= 5
    assert collections.Counter(line.split()[0] for line in lines) == {"stored": len(files)}
    check_stored(bulk_connection, files)
    stored = [url for (url, status), count in puts(bulk_hcp).items() if status == 201]
    assert sorted(stored) == [url for _, url in files]
    assert max(count for (_, status), count in puts(bulk_hcp).items() if status == 201) == 1
    assert set(rows(tmp_path / "journal").values()) == {"stored"}


@pytest.mark.timeout(300)
def test_interrupt(bulk_hcp: HCP, bulk_connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """Ctrl-C stops it; what ran is brought to its end, and written down (contract 13.3)."""
    files = make_files(tmp_path / "files", 2000, 1)
    journal = tmp_path / "journal"
    with start(tmp_path / "files", journal) as process:
        assert process.stdout is not None
        lines = list(itertools.islice(process.stdout, 20))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()

    assert (process.returncode, err) == (130, "")
    assert out.splitlines()[-1] == "interrupted"
    assert len(lines) == 20
    stored = {url for url, status in puts(bulk_hcp) if status == 201}
    assert 20 <= len(stored) < len(files)
    written = rows(journal)
    assert stored <= written.keys()
    finished = {url for url, status in written.items() if status == "stored"}
    assert finished <= stored
    assert len(stored - finished) <= 16  # Ctrl-C came just when a chunk was handed out
    assert set(written.values()) <= {"stored", None}


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processes that are spawned can import the tests, however pytest was started."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2])


def test_spawned_processes(
    bulk_hcp: HCP, bulk_connection: hcpsdk.Connection, tmp_path: Path, importable: None
) -> None:
    """Worker processes that are spawned do the work as threads do (contract 13.3)."""
    files = make_files(tmp_path / "files", 60)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        results = list(
            bulk.store(
                bulk_process.make_target,
                files,
                executor=executor,
                workers=2,
                journal=tmp_path / "journal",
            )
        )

    assert statuses(results) == {"stored": 60}
    check_stored(bulk_connection, files)


class Dying(Executor):
    """Processes whose worker dies with its first chunk."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    def submit(self, *_args: Any, **_options: Any) -> "Future[Any]":  # type: ignore[override]
        return self.executor.submit(os._exit, 3)


def test_process_that_dies(
    target: hcpsdk.Target, tmp_path: Path, files: list[tuple[Path, str]]
) -> None:
    """A worker process that dies is an error, and its jobs stay unfinished in the journal."""
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=context) as executor,
        pytest.raises(hcpsdk.HcpsdkError, match=r"worker ended|takes no more"),
    ):
        list(bulk.store(target, files, executor=Dying(executor), journal=tmp_path / "journal"))

    assert set(rows(tmp_path / "journal").values()) == {None}
    assert statuses(bulk.store(target, files, journal=tmp_path / "journal")) == {"stored": 40}


def test_context_does_not_travel(files: list[tuple[Path, str]], hcp: HCP) -> None:
    """A Target with an SSL context does not reach another process: `TypeError`, no silence."""
    import ssl

    auth = hcpsdk.NativeAuthorization("n", "n01")
    context = ssl.create_default_context(cafile=str(hcp.ca_file))
    target = hcpsdk.Target("n1.m.hcp1.snomis.local", auth, sslcontext=context)
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=spawn) as executor,
        pytest.raises(TypeError, match="sslcontext"),
    ):
        list(bulk.store(target, files, executor=executor))
    assert statuses(bulk.store(target, files)) == {"stored": 40}


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("default")  # dask's own
def test_dask(
    bulk_hcp: HCP, bulk_connection: hcpsdk.Connection, tmp_path: Path, importable: None
) -> None:
    """A dask cluster of two workers does the work, too (contract 13.3)."""
    distributed = pytest.importorskip(
        "distributed", reason="NOT TESTED: dask.distributed is not installed (extra 'dask')"
    )
    files = make_files(tmp_path / "files", 60)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        results = list(bulk.store(bulk_process.make_target, files, executor=executor, workers=2))

    assert statuses(results) == {"stored": 60}
    check_stored(bulk_connection, files)
