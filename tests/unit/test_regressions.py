"""Defects that were once here and were mended, those that need no socket."""

import http.client
import io
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hcpsdk
from hcpsdk import ips
from hcpsdk._request.body import BodyError, make_body
from hcpsdk._transport import idle_timer
from hcpsdk._transport.idle_timer import NEVER, IdleTimer
from hcpsdk._xml import parse
from hcpsdk.mapi._replication import _dictionary

NAME = "n1.m.hcp1.snomis.local"
PATIENCE = 30.0  # seconds after which a thread that does not come back has failed the test
LINES = ["first line\n", "second line\n", "third line\n"]


# 3.4 Text files


def opened_to_update(path: Path) -> io.TextIOWrapper:
    path.write_text("".join(LINES), newline="\n")
    return open(path, "r+", encoding="utf-8", newline="\n")


def just_written(path: Path) -> io.TextIOWrapper:
    file = open(path, "w+", encoding="utf-8", newline="\n")  # noqa: SIM115
    file.writelines(LINES)
    file.seek(0)
    return file


@pytest.mark.parametrize("open_file", [opened_to_update, just_written])
def test_file_to_update_that_is_iterated(
    tmp_path: Path, open_file: Callable[[Path], io.TextIOWrapper]
) -> None:
    """A text file opened for reading and writing, of which next() took a line, is never sent short:
    the bytes on disk from the current position, or a ValueError (contract 3.4)."""
    with open_file(tmp_path / "lines") as file:
        assert next(file) == LINES[0]
        try:
            body = make_body(file)
        except ValueError as exc:
            assert "binary mode" in str(exc)
        else:
            assert body is not None
            assert b"".join(body.blocks()) == "".join(LINES[1:]).encode()


# 3.4, 4.5 Bodies that cannot be read


class Broken:
    """Its read() ends as the answer of another HTTP request that was cut."""

    def read(self, size: int = -1) -> bytes:
        raise http.client.IncompleteRead(b"", 17)


def broken_pieces() -> Any:
    yield b"piece"
    raise http.client.IncompleteRead(b"", 17)


@pytest.mark.parametrize("make", [Broken, broken_pieces])
def test_body_that_is_a_cut_answer(make: Callable[[], Any]) -> None:
    """What a body's read() or iteration raises as `http.client` does is the body's fault, not
    HCP's, and the message says so (contract 4.5)."""
    body = make_body(make())
    assert body is not None
    with pytest.raises(BodyError, match="the body cannot be read") as caught:
        list(body.blocks())
    assert isinstance(caught.value.__cause__, http.client.IncompleteRead)


# 4.5 Time limits


@pytest.mark.parametrize("timeout", [1e10, 1e300, float("inf")])
def test_timeout_beyond_what_the_system_can(
    authorization: hcpsdk.NativeAuthorization, timeout: float
) -> None:
    """A time limit longer than the system can count is refused when the Connection is made, not
    when it is used: a ValueError that names it (contract 4.5)."""
    target = hcpsdk.Target("127.0.0.1", authorization, port=80)
    with pytest.raises(ValueError, match="timeout"):
        hcpsdk.Connection(target, timeout=timeout)


# 2.5 The pool


def test_slow_look_up_does_not_undo_a_later_one(names: Any) -> None:
    """A look-up that was begun earlier, and answers later, leaves the newer addresses in place
    (contract 2.5)."""
    old, new = ["127.0.1.1"], ["127.0.1.2", "127.0.1.3"]
    names.set(NAME, old)
    circle = ips.Circle(NAME)
    main = threading.current_thread()
    slow: list[threading.Thread] = []
    is_asking, may_answer = threading.Event(), threading.Event()

    def before_answer() -> None:
        if threading.current_thread() is main:
            names.set(NAME, new)
            return
        slow.append(threading.current_thread())
        is_asking.set()
        assert may_answer.wait(PATIENCE)
        names.set(NAME, old)  # what was true when this one was asked

    names.before_answer = before_answer
    try:
        circle.renew_after_failure(0.0)
        assert is_asking.wait(PATIENCE)
        circle.refresh()
        assert circle._addresses == new
    finally:
        may_answer.set()
    slow[0].join(PATIENCE)
    assert not slow[0].is_alive()
    assert len(names.asked) == 3
    assert circle._addresses == new


# 8 MAPI


def test_white_space_is_an_empty_value() -> None:
    """An element that holds nothing but white space is `''`; text keeps its own (contract 8)."""
    document = b"<link><name> a b </name><remote>\n    \t</remote><empty/></link>"
    assert _dictionary(parse(document, "link")) == {"name": " a b ", "remote": "", "empty": ""}


# 5 The idle timer


class Closable:
    """Watched; says when it was closed, and fails then if it shall."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.deadline = NEVER
        self.closed = threading.Event()
        self._error = error

    def close_if_idle(self, now: float) -> None:
        self.deadline = NEVER
        self.closed.set()
        if self._error is not None:
            raise self._error


def test_timer_outlives_a_fatal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the timer's thread dies from what should never happen, the next connection that is
    opened is still closed when its idle time is over (contract 5)."""
    monkeypatch.setattr(idle_timer, "THREAD_LINGER", 0.05)
    told: list[BaseException | None] = []
    is_told = threading.Event()

    def note(args: threading.ExceptHookArgs) -> None:
        told.append(args.exc_value)
        is_told.set()

    monkeypatch.setattr(threading, "excepthook", note)
    timer = IdleTimer()
    error = MemoryError("no memory is left")
    for thing in (Closable(error), Closable()):
        timer.watch(thing)
        thread = timer._thread
        thing.deadline = time.monotonic()
        timer.arm(thing.deadline)
        assert thing.closed.wait(PATIENCE)
        if not told:
            assert is_told.wait(PATIENCE)
            assert thread is not None
            thread.join(PATIENCE)
    assert told == [error]
    timer._watched.clear()
    thread = timer._thread
    if thread is not None:
        thread.join(PATIENCE)
        assert not thread.is_alive()
