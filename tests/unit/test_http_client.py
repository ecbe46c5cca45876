"""The insides of `http.client` and `io` that `hcpsdk._transport.response` relies on.

A failure here means: read `hcpsdk/_transport/response.py` anew beside the new release of Python.
"""

import http.client
import inspect
import io
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hcpsdk._transport import response as lib
from hcpsdk._transport.streams import MAX_LINE_BYTES, Incoming

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class FakeSocket:
    """Gives *data* to whoever reads, and then the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.closed = 0

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(io.BytesIO(self._data))


def response(data: bytes, method: str = "GET") -> Any:
    """`http.client`'s own response to *data*, its head read."""
    found = http.client.HTTPResponse(FakeSocket(data), method=method)  # type: ignore[arg-type]
    found.begin()
    return found


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("begin", []),
        ("read", ["amt"]),
        ("readinto", ["b"]),
        ("read1", ["n"]),
        ("readline", ["limit"]),
        ("peek", ["n"]),
        ("close", []),
        ("_close_conn", []),
        ("_get_chunk_left", []),
        ("_read_next_chunk_size", []),
        ("_peek_chunked", ["n"]),
    ],
)
def test_methods_that_are_replaced_or_called(name: str, arguments: list[str]) -> None:
    """They are there, and take what we give them."""
    method = getattr(http.client.HTTPResponse, name)

    assert list(inspect.signature(method).parameters) == ["self", *arguments]
    assert hasattr(lib.StrictResponse, name)


def test_constructor() -> None:
    """It sets nothing that we do not set as well: ours does not call it."""
    theirs = http.client.HTTPResponse(FakeSocket(b""), 0, method="GET")  # type: ignore[arg-type]
    with socket.socket() as sock:
        ours = lib.StrictResponse(sock, 0, "GET")

    assert set(vars(theirs)) <= set(dir(lib.StrictResponse)) | set(vars(ours))
    assert isinstance(theirs.fp, io.BufferedReader)
    assert (theirs.headers, theirs.msg, theirs.debuglevel) == (None, None, 0)
    assert (ours.headers, ours.msg, ours.debuglevel) == (None, None, 0)


def test_state_after_the_head() -> None:
    """``length``, ``chunked``, ``will_close`` and ``fp`` say how the body is delimited."""
    found = response(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
    assert (found.length, bool(found.chunked), found.will_close) == (3, False, False)
    assert found.fp is not None

    found = response(CHUNKED + b"0\r\n\r\n")
    assert (found.length, bool(found.chunked), found.will_close) == (None, True, False)
    assert found.chunk_left is None

    found = response(b"HTTP/1.1 200 OK\r\n\r\nabc")
    assert (found.length, bool(found.chunked), found.will_close) == (None, False, True)

    assert response(b"HTTP/1.1 204 No Content\r\n\r\n").length == 0
    assert response(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD").length == 0


@pytest.mark.parametrize(
    "body",
    [b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"],
    ids=["length", "chunked"],
)
@pytest.mark.parametrize(
    "read",
    [
        lambda found: found.read(),
        lambda found: b"".join(iter(lambda: found.read(2), b"")),
        lambda found: b"".join(iter(lambda: found.read1(2), b"")) and found.read(),
        lambda found: found.readinto(bytearray(9)) and found.read(),
    ],
    ids=["read", "read-2", "read1", "readinto"],
)
def test_end_of_the_body(body: bytes, read: Callable[[Any], object]) -> None:
    """The end of a body closes by way of ``_close_conn()``, which drops ``fp``; then `isclosed`."""
    found = response(b"HTTP/1.1 200 OK\r\n" + body)
    calls = []
    close_conn = found._close_conn
    found._close_conn = lambda: (calls.append(1), close_conn())

    read(found)

    assert found.isclosed()
    assert found.fp is None
    assert calls == [1]


def test_close_calls_close_conn() -> None:
    """`close()` in the middle of a body goes by way of ``_close_conn()``, too."""
    found = response(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
    found.close()

    assert found.fp is None
    assert found.closed


def test_head_is_read_by_lines_from_fp() -> None:
    """`begin()` reads by nothing but ``self.fp.readline(limit)``, so that we can stand between;
    where there is nothing at all, it raises `RemoteDisconnected`, and closes nothing else."""
    limits = []

    class Lines:
        def __init__(self, data: bytes) -> None:
            self._lines: Iterator[bytes] = iter(data.splitlines(keepends=True))

        def readline(self, limit: int) -> bytes:
            limits.append(limit)
            return next(self._lines, b"")

        def flush(self) -> None: ...

        def close(self) -> None: ...

    for data in (b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nC: d\r\n\r\n", b""):
        found: Any = http.client.HTTPResponse(FakeSocket(b""))  # type: ignore[arg-type]
        found.fp = Lines(data)
        if data:
            found.begin()
            assert found.getheaders() == [("C", "d")]
        else:
            with pytest.raises(http.client.RemoteDisconnected):
                found.begin()
    assert set(limits) == {MAX_LINE_BYTES + 1}


def test_a_cut_head_is_overlooked() -> None:
    """Why there is `IncompleteHead`: `http.client` takes the end for the end of the head."""
    assert response(b"HTTP/1.1 200 OK\r\nContent-Le").status == 200


def test_chunks_go_by_the_methods_we_replace() -> None:
    """Every way of reading chunks asks ``_read_next_chunk_size()``, by ``_get_chunk_left()``,
    which gives None after the last one, and turns a ValueError into IncompleteRead."""
    for read in ("read", "read1", "peek", "readline"):
        found = response(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n")
        asked: list[Any] = []
        next_size = found._read_next_chunk_size
        found._read_next_chunk_size = lambda asked=asked, size=next_size: (asked.append(1), size())[
            1
        ]
        assert getattr(found, read)() == b"abc"
        assert asked

    found = response(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n")
    assert found._get_chunk_left() == 3
    assert found.read() == b"abc"
    assert found.isclosed()

    found = response(CHUNKED + b"0\r\n\r\n")
    assert found._get_chunk_left() is None

    found = response(CHUNKED + b"3\r\nabc\r\n")

    def fails() -> int:
        raise ValueError

    found._read_next_chunk_size = fails
    with pytest.raises(http.client.IncompleteRead):
        found._get_chunk_left()


def test_peek_of_chunks_goes_by_peek_chunked() -> None:
    """`peek()` and `readline()` look at chunks by way of ``_peek_chunked()``."""
    found = response(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n")
    found._peek_chunked = lambda n: b"x"
    assert found.peek(1) == b"x"


def test_incomplete_read() -> None:
    """It takes what came and what is missing."""
    error = http.client.IncompleteRead(b"abc", 5)

    assert (error.partial, error.expected) == (b"abc", 5)
    assert isinstance(error, http.client.HTTPException)
    assert http.client.IncompleteRead(b"").expected is None


def test_buffered_reader_asks_the_instance() -> None:
    """A BufferedReader reads by ``raw.readinto``, looked up at the instance, each time anew, so
    that it can be replaced: by the socket's own method, or to see what lies in the buffer."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        raw = Incoming(ours, b"ab")
        file = io.BufferedReader(raw)
        assert file.read(1) == b"a"
        assert raw.readinto == ours.recv_into
        theirs.sendall(b"cd")
        assert file.read(2) == b"bc"
        theirs.sendall(b"not in the buffer")

        assert not raw.stop()

        assert file.peek(1) == b"d"
        assert file.read(2) == b"d"
        assert file.peek(1) == b""
        assert Incoming(ours, b"ab").stop()
