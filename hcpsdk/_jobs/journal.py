"""What a bulk job has done so far, in a file that survives the end of the process.

Imports `_errors` and `_request.url`; `bulk` imports it.

One row per job. It is committed before the job's first request, so a job without a row was never
sent, and a row without a status may have been. Commits survive the end of the process at any
moment. A crash of the machine can lose the last of them, which is safe: what they were about is
compared with HCP then, because a store is conditional and never makes an object twice.
"""

import os
import time
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from hcpsdk._errors import HcpsdkError
from hcpsdk._request.url import Quoted

FLUSH_SECONDS = 1.0  # after which a finished job is committed at the latest

_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (operation TEXT NOT NULL, target TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS job (
    id INTEGER PRIMARY KEY, url TEXT NOT NULL, path BLOB NOT NULL, status TEXT,
    size INTEGER, hash TEXT, version INTEGER, seconds REAL, node TEXT, attempts INTEGER,
    error TEXT, modified INTEGER, UNIQUE (url, path)
);
"""
# Of many rows: one statement lets other threads run once, not once for each row. (Older releases
# of SQLite accept 999 values.)
_INSERT = "INSERT OR IGNORE INTO job (id, url, path) VALUES "
MAX_NEW = 300  # jobs in one call of `Journal.begin()`
_UPDATE = """
UPDATE job SET status = ?, size = ?, hash = ?, version = ?, seconds = ?, node = ?, attempts = ?,
error = ?, modified = ? WHERE id = ?
"""
_SELECT = """
SELECT id, status, size, hash, version, seconds, node, attempts, error, modified
FROM job WHERE url = ? AND path = ?
"""


def url_key(url: str) -> str:
    """One text for all ways to write the name of an object.

    An invalid name has a key as well: the job fails later, and must not end all the others.
    """
    if isinstance(url, Quoted):
        return quote(unquote_to_bytes(url), safe="/")
    if isinstance(url, str):
        return quote(url, safe="/", errors="surrogatepass")
    return f"?{url!r}"  # no valid name starts with this


def path_key(path: str | os.PathLike[str]) -> bytes:
    """The path in bytes; an invalid one has a key as well."""
    try:
        return os.fsencode(path)
    except (TypeError, UnicodeError):
        return b"\0%a" % (path,)  # no valid path starts with this


class Row(NamedTuple):
    """What the journal says of a job."""

    id: int
    status: str | None = None  # None: begun, and not finished
    size: int | None = None
    hash: str | None = None
    version: int | None = None
    seconds: float = 0.0
    node: str | None = None
    attempts: int = 0
    error: str | None = None
    modified: int | None = None  # nanoseconds, of the local file


class Journal:
    """The journal in the file *path*, which is locked until `close()`.

    Args:
        path: The file; made if it is not there.
        operation: What the jobs do, ``"store"``.
        target: Where, ``"n1.m.hcp.example.com"``.

    Raises:
        HcpsdkError: It cannot be used: it is locked, damaged, or about something else.
    """

    def __init__(self, path: str | os.PathLike[str], operation: str, target: str) -> None:
        import sqlite3  # here, because few programs need it

        self._path = os.fspath(path)
        self._sqlite_error = sqlite3.Error
        self._finished: list[tuple[Any, ...]] = []
        self._flushed = time.monotonic()
        try:
            self._database = sqlite3.connect(
                # Only a relative path could mean a database that is not a file: "", ":memory:".
                Path(self._path).absolute(),
                timeout=1,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as exc:
            raise self._failure(exc) from exc
        try:
            self._open(operation, target)
        except sqlite3.Error as exc:
            self._database.close()
            raise self._failure(exc) from exc
        except HcpsdkError:
            self._database.close()
            raise

    def _open(self, operation: str, target: str) -> None:
        execute = self._database.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} COMMIT;")
        about = execute("SELECT operation, target FROM about").fetchone()
        if about is None:
            execute("INSERT INTO about VALUES (?, ?)", (operation, target))
        elif about != (operation, target):
            raise HcpsdkError(
                f"the journal {self._path!r} is about: {about[0]} at {about[1]}, not: "
                f"{operation} at {target}"
            )
        self._next_id = execute("SELECT coalesce(max(id), 0) + 1 FROM job").fetchone()[0]

    def begin(self, jobs: Sequence[tuple[str, bytes]]) -> list[tuple[int, Row | None]]:
        """Write down that the *jobs* (up to `MAX_NEW` pairs of URL and path) are about to be sent.

        Returns:
            For each its id, and what was written about it in an earlier run, if it was there.
        """
        ids = range(self._next_id, self._next_id + len(jobs))
        rows = [(number, *job) for number, job in zip(ids, jobs, strict=True)]
        try:
            count = self._commit(rows)
            self._next_id = ids.stop
            if count == len(jobs):
                return [(number, None) for number in ids]
            return [self._look_up(number, job) for number, job in zip(ids, jobs, strict=True)]
        except self._sqlite_error as exc:
            raise self._failure(exc) from exc

    def _look_up(self, number: int, job: tuple[str, bytes]) -> tuple[int, Row | None]:
        row = Row(*self._database.execute(_SELECT, job).fetchone())
        return row.id, None if row.id == number else row

    def finish(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write down how jobs ended, soon: tuples of the fields of a `Row`, the id at the end."""
        self._finished += rows
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write down now what has been finished."""
        if not self._finished:
            return
        try:
            self._commit([])
        except self._sqlite_error as exc:
            raise self._failure(exc) from exc

    def _commit(self, new: list[tuple[int, str, bytes]]) -> int:
        """Write what is finished and what is *new*; how many of the latter were not there."""
        database, finished = self._database, self._finished.copy()
        try:
            database.execute("BEGIN")
            database.executemany(_UPDATE, finished)
            count = 0
            if new:
                values = ", ".join(["(?, ?, ?)"] * len(new))
                count = database.execute(_INSERT + values, [*chain(*new)]).rowcount
            database.execute("COMMIT")
        except BaseException:  # Ctrl-C, too
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise
        del self._finished[: len(finished)]
        self._flushed = time.monotonic()
        return count

    def close(self) -> None:
        """Write everything, and release the file."""
        try:
            self.flush()
        finally:
            self._database.close()

    def _failure(self, exc: Exception) -> HcpsdkError:
        return HcpsdkError(f"the journal {self._path!r} cannot be used: {exc}")
