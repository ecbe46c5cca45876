"""Many files at once: jobs that cannot be done, and executors that take none (contract 13.3)."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import hcpsdk
from hcpsdk import bulk

WRONG_PATHS: list[Any] = [None, 1.5, "\ud800", "a\0b", ["a"]]
WRONG_URLS: list[Any] = [None, 5, b"/rest/a", "rest/a", ["/rest/a"], "/rest/\ud800"]


@pytest.fixture
def files(tmp_path: Path) -> list[tuple[Path, str]]:
    """Five of them."""
    for number in range(5):
        (tmp_path / f"file {number}").write_bytes(b"%d" % number)
    return [(path, f"/rest/{path.name}") for path in sorted(tmp_path.iterdir())]


@pytest.fixture(params=[False, True], ids=["no journal", "journal"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "journal" if request.param else None


@pytest.mark.parametrize("operation", [bulk.store, bulk.fetch])
def test_jobs_that_cannot_be_done(
    target: hcpsdk.Target, files: list[Any], journal: Path | None, operation: Any
) -> None:
    """A job with an invalid path or URL fails; all others are done, and the next call as well."""
    assert len(list(bulk.store(target, files))) == 5
    others = [files[0][0].with_name(f"other {number}") for number, _ in enumerate(WRONG_URLS)]
    for path in others:  # one for each: two downloads into one file would be a failure, too
        path.write_bytes(b"other")
    wrong = [(path, "/rest/a") for path in WRONG_PATHS] + [*zip(others, WRONG_URLS, strict=True)]
    for as_job in (tuple, lambda job: bulk.Job(*job)):
        jobs = [as_job(job) for job in (*wrong, *files)]
        results = list(operation(target, jobs, journal=journal))
        assert len(results) == len(jobs)
        failed = [result for result in results if result.status == "failed"]
        assert sorted(repr((it.path, it.url)) for it in failed) == sorted(map(repr, wrong))
        assert all(it.error for it in failed)


def test_urls_that_cannot_be_deleted(target: hcpsdk.Target, journal: Path | None) -> None:
    """The same for deletions."""
    results = list(bulk.delete(target, [*WRONG_URLS, "/rest/a"], journal=journal))
    assert [result.status for result in results if result.url == "/rest/a"] == ["missing"]
    assert sum(result.status == "failed" for result in results) == len(WRONG_URLS)


def test_journal_of_wrong_jobs(target: hcpsdk.Target, files: list[Any], tmp_path: Path) -> None:
    """A wrong job is no other one in the journal, however similar the two look."""
    journal = tmp_path / "journal"
    jobs = [(files[0][0], "None"), (files[0][0], None), (None, files[0][1]), ("None", files[0][1])]
    results = list(bulk.store(target, jobs, journal=journal))
    assert [result.status for result in results] == ["failed"] * 4
    with sqlite3.connect(journal) as database:
        assert database.execute("SELECT count(*) FROM job").fetchone() == (4,)
    database.close()


@pytest.mark.parametrize("job", [5, None, "ab", b"ab", (), ("a",), ("a", "b", None, None, 5)])
def test_what_is_no_job(target: hcpsdk.Target, files: list[Any], job: Any) -> None:
    """What is neither a `Job` nor such a tuple is an invalid argument: `TypeError` shows it."""
    with pytest.raises(TypeError, match=r"a job is a bulk\.Job or a tuple \(path, url\)") as caught:
        list(bulk.store(target, [*files, job]))
    assert repr(job) in str(caught.value)


def test_executor_that_was_shut_down(
    target: hcpsdk.Target, files: list[Any], journal: Path | None
) -> None:
    """It takes no job: `HcpsdkError`, as from one that is broken; another call does the jobs."""
    with ThreadPoolExecutor(1) as executor:
        pass
    with pytest.raises(hcpsdk.HcpsdkError, match="takes no more jobs") as caught:
        list(bulk.store(target, files, executor=executor, journal=journal))
    assert isinstance(caught.value.__cause__, RuntimeError)
    statuses = [result.status for result in bulk.store(target, files, journal=journal)]
    assert statuses == ["stored"] * 5


def test_executor_that_is_shut_down_in_between(target: hcpsdk.Target, files: list[Any]) -> None:
    """The jobs that it took are completed, and those that follow raise."""
    with ThreadPoolExecutor(1) as executor:

        def jobs() -> Any:
            yield files[0]
            executor.shutdown(wait=False)
            yield from files[1:]

        with pytest.raises(hcpsdk.HcpsdkError, match="takes no more jobs"):
            list(bulk.store(target, jobs(), executor=executor))
    results = list(bulk.store(target, files))
    assert sorted(result.status for result in results) == ["existing"] + ["stored"] * 4
