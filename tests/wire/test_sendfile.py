"""Files that the system sends by itself: the same bytes, and the same failures, as any body."""

import contextlib
import errno
import gzip
import io
import os
import select
import selectors
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

import hcpsdk

from ..support.raw_server import (
    OK,
    PATIENCE,
    Connect,
    Peer,
    StartServer,
    answer,
    answering,
    in_turn,
)

DATA = os.urandom(3_000_000)


@pytest.fixture
def path(tmp_path: Path) -> Any:
    path = tmp_path / "data"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def sparse(tmp_path: Path) -> Any:
    """A file larger than 2 GiB that lies nowhere, and than all buffers between us and a server."""
    path = tmp_path / "sparse"
    with open(path, "wb") as file:
        file.truncate(3 * 2**30 + 5)
    return path


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The calls of `os.sendfile`, each as place and size."""
    calls = []
    sendfile = os.sendfile

    def counted(out: Any, file: Any, place: Any, size: Any) -> Any:
        calls.append((place, size))
        return sendfile(out, file, place, size)

    monkeypatch.setattr(os, "sendfile", counted)
    return calls


@pytest.mark.parametrize(
    ("mode", "options", "is_sent_by_the_system"),
    [
        ("rb", {}, True),
        ("rb", {"buffering": 0}, True),
        ("r", {"encoding": "latin-1", "newline": ""}, True),
        ("r+b", {}, False),
        ("r+b", {"buffering": 0}, True),
        ("a+b", {}, False),
    ],
)
@pytest.mark.parametrize("start", [0, 1, 1_500_000])
def test_files(
    raw_server: StartServer,
    connect: Connect,
    path: Any,
    calls: Any,
    mode: Any,
    options: Any,
    is_sent_by_the_system: Any,
    start: Any,
) -> None:
    """A file is sent from its position, and left at its end, whoever reads it (contract 3.4)."""
    server = raw_server(answering(OK))
    with open(path, mode, **options) as file:
        file.seek(start)
        file.read(start // 2)
        position = file.tell()
        connect(server).PUT("/rest/a", file)

        assert server.requests[0].body == DATA[position:]
        assert file.tell() == len(DATA)
        assert not file.read(1)
    assert bool(calls) is is_sent_by_the_system


@pytest.mark.parametrize(
    "make", [tempfile.TemporaryFile, tempfile.NamedTemporaryFile, tempfile.SpooledTemporaryFile]
)
def test_temporary_files(raw_server: StartServer, connect: Connect, make: Any) -> None:
    """What was just written to a temporary file is sent whole (contract 3.4)."""
    server = raw_server(answering(OK))
    with make() as file:
        file.write(DATA)
        file.seek(7)
        connect(server).PUT("/rest/a", file)

        assert server.requests[0].body == DATA[7:]
        assert file.tell() == len(DATA)


@pytest.mark.parametrize("size", [len(DATA), 200_000])
def test_a_file_number_that_means_another_file(
    raw_server: StartServer, connect: Connect, tmp_path: Path, size: Any
) -> None:
    """What an object reads is sent, not what lies in the file whose number it has, even if the
    caller says how long it is (contract 3.4)."""
    with gzip.open(tmp_path / "packed", "wb", 0) as packed:
        packed.write(DATA)
    server = raw_server(answering(OK))
    with io.BufferedReader(gzip.open(tmp_path / "packed")) as file:
        connect(server).PUT("/rest/a", file, headers={"Content-Length": str(size)})

    assert server.requests[0].body == DATA[:size]


def test_a_file_that_tells_no_size(raw_server: StartServer, connect: Connect) -> None:
    """Neither is a file of /proc taken for what it says of itself (contract 3.4)."""
    if sys.platform != "linux":
        pytest.skip("no /proc here")
    with open("/proc/self/maps", "rb") as file:
        first = file.read(100)
        file.seek(0)
        server = raw_server(answering(OK))
        connect(server).PUT("/rest/a", file, headers={"Content-Length": str(len(first))})

    assert server.requests[0].body == first


def test_rewound(raw_server: StartServer, connect: Connect, path: Any, calls: Any) -> None:
    """Each attempt sends all of the file, from where it stood at the call (contract 4.3)."""

    def cut(peer: Peer) -> None:
        peer.read_head()
        peer.reset()

    server = raw_server(in_turn(cut, cut, answering(OK)))
    connection = connect(server, retries=2)
    with open(path, "rb") as file:
        file.seek(5)
        connection.PUT("/rest/a", file)

        assert file.tell() == len(DATA)
    assert connection.attempts == 3
    assert server.requests[-1].body == DATA[5:]
    assert {place for place, _ in calls} >= {5}


def test_chunked_if_wanted(
    raw_server: StartServer, connect: Connect, path: Any, calls: Any
) -> None:
    """Who wants chunks gets chunks (contract 3.4)."""
    server = raw_server(answering(OK))
    with open(path, "rb") as file:
        connect(server).PUT("/rest/a", file, headers={"Transfer-Encoding": "chunked"})

    assert server.requests[0].headers("Content-Length") == []
    assert server.requests[0].body == DATA
    assert not calls


@pytest.mark.parametrize("size", [0, len(DATA) - 1, len(DATA) + 1])
def test_another_length(raw_server: StartServer, connect: Connect, path: Any, size: Any) -> None:
    """A length that is not the file's is refused before anything is sent (contract 1.4)."""
    connection = connect(raw_server(answering(OK)))
    with open(path, "rb") as file:
        with pytest.raises(ValueError, match="Content-Length"):
            connection.PUT("/rest/a", file, headers={"Content-Length": str(size)})

        assert file.tell() == 0
    assert connection.attempts == 0


# What happens meanwhile


@pytest.mark.parametrize("size", [10, 20_000_000])
def test_truncated_meanwhile(
    raw_server: StartServer, connect: Connect, tmp_path: Path, size: Any
) -> None:
    """A file that shrinks meanwhile fails, at once and without a retry, and never makes a short
    object (contract 4.3)."""

    def handler(peer: Peer) -> None:
        peer.read_head()
        os.truncate(tmp_path / "data", size)
        peer.count_rest()

    (tmp_path / "data").write_bytes(bytes(40_000_000))
    connection = connect(raw_server(handler), retries=3)
    with (
        open(tmp_path / "data", "rb") as file,
        pytest.raises(hcpsdk.HcpsdkError, match="body ended"),
    ):
        connection.PUT("/rest/a", file)

    assert connection.attempts == 1


def test_growing_meanwhile(raw_server: StartServer, connect: Connect, tmp_path: Path) -> None:
    """A file that grows meanwhile is sent as long as it was at the call (contract 3.4)."""

    def handler(peer: Peer) -> None:
        head = peer.read_head()
        with open(tmp_path / "data", "ab") as file:
            file.write(b"more")
        assert len(peer.read_body(head)) == 20_000_000
        peer.send(OK)
        peer.wait_for_close()

    (tmp_path / "data").write_bytes(bytes(20_000_000))
    connection = connect(raw_server(handler))
    with open(tmp_path / "data", "rb") as file:
        assert connection.PUT("/rest/a", file).status == 200
        assert file.tell() == 20_000_000


def test_closed_meanwhile(
    raw_server: StartServer, connect: Connect, sparse: Any, tmp_path: Path
) -> None:
    """If the file is closed meanwhile, nothing is sent of another one that gets its number; the
    Connection is usable at once (contract 4.3, 4.6)."""

    def handler(peer: Peer) -> None:
        peer.read_head()
        file.close()
        others.append(os.open(tmp_path / "other", os.O_RDONLY))
        while data := peer.sock.recv(65536):
            assert not data.strip(b"\0")

    (tmp_path / "other").write_bytes(b"\1" * 40_000_000)
    others: list[Any] = []
    file = open(sparse, "rb")  # noqa: SIM115
    number = file.fileno()
    server = raw_server(in_turn(handler, answering(OK)))
    connection = connect(server)
    with pytest.raises(ValueError, match="closed file"):
        connection.PUT("/rest/a", file)

    assert others == [number]
    assert connection.PUT("/rest/a", b"x").status == 200
    os.close(number)


def test_deleted(raw_server: StartServer, connect: Connect, path: Any) -> None:
    """A file that is open can be sent, whatever became of its name (contract 3.4)."""
    server = raw_server(answering(OK))
    with open(path, "rb") as file:
        path.unlink()
        connect(server).PUT("/rest/a", file)

    assert server.requests[0].body == DATA


@pytest.mark.parametrize("timeout", [30, None])
@pytest.mark.parametrize("interim", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_early_answer(
    raw_server: StartServer, connect: Connect, sparse: Any, timeout: Any, interim: Any
) -> None:
    """A server that answers while a file is sent, and closes, is heard (contract 4.4); and files
    have no limit at 2 GiB."""

    def handler(peer: Peer) -> None:
        head = peer.read_head()
        lengths.append(b"Content-Length: %d\r\n" % (3 * 2**30 + 5) in head)
        peer.send(interim + answer(b"exists", "409 Conflict"))

    lengths: list[int] = []
    connection = connect(raw_server(handler), timeout=timeout)
    with open(sparse, "rb") as file:
        response = connection.request("PUT", "/rest/a", file)
        assert (response.status, response.read()) == (409, b"exists")

    assert lengths == [True]
    assert connection.attempts == 1


def test_server_stops_reading(raw_server: StartServer, connect: Connect, sparse: Any) -> None:
    """A server that stops reading raises HcpsdkTimeoutError (contract 4.5)."""

    def handler(peer: Peer) -> None:
        peer.read_head()
        assert over.wait(30)

    over = threading.Event()
    connection = connect(raw_server(handler), timeout=0.1)
    with open(sparse, "rb") as file, pytest.raises(hcpsdk.HcpsdkTimeoutError):
        connection.PUT("/rest/a", file)
    over.set()

    assert connection.attempts == 1


@pytest.mark.parametrize("name", ["EINVAL", "ENOSYS", "EOPNOTSUPP", "EPERM", "ENOMEM"])
def test_a_system_that_cannot(
    raw_server: StartServer, connect: Connect, monkeypatch: pytest.MonkeyPatch, path: Any, name: Any
) -> None:
    """Where the system cannot send a file, we do (contract 3.4)."""

    def refuse(*_args: Any) -> None:
        raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)))

    monkeypatch.setattr(os, "sendfile", refuse)
    server = raw_server(answering(OK))
    with open(path, "rb") as file:
        connect(server).PUT("/rest/a", file)

        assert file.tell() == len(DATA)
    assert server.requests[0].body == DATA


def test_only_select(
    raw_server: StartServer, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where `select` is all there is to wait with, as after eventlet has patched the modules, a
    file is sent all the same, to a server that is slower than we are (contract 1.4)."""
    waits = threading.Event()

    class Selector(selectors.SelectSelector):
        def select(self, timeout: float | None = None) -> Any:
            waits.set()
            return super().select(timeout)

    for name in ("poll", "epoll", "devpoll", "kqueue"):
        monkeypatch.delattr(select, name, raising=False)
        monkeypatch.delattr(selectors, f"{name.title()}Selector", raising=False)
    monkeypatch.setattr(selectors, "DefaultSelector", Selector)

    def handler(peer: Peer) -> None:
        head = peer.read_head()
        assert head is not None
        assert waits.wait(PATIENCE)
        bodies.append(peer.read_body(head))
        peer.send(OK)
        assert peer.read_request() is not None
        peer.send(OK)
        peer.wait_for_close()

    bodies: list[bytes] = []
    connection = connect(raw_server(handler), timeout=PATIENCE)
    path = tmp_path / "larger than all buffers"
    path.write_bytes(DATA * 5)
    with open(path, "rb") as file:
        assert connection.PUT("/rest/a", file).status == 200
    assert connection.PUT("/rest/a", DATA).status == 200
    assert bodies == [DATA * 5]
    assert connection.attempts == 1


def test_a_file_that_cannot_be_read(
    raw_server: StartServer, connect: Connect, monkeypatch: pytest.MonkeyPatch, path: Any
) -> None:
    """A broken disk is not the server's fault: no retry, an HcpsdkError with its cause (contract
    1.4)."""

    def fail(out: Any, file: Any, start: Any, _length: Any) -> Any:
        if start:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return sendfile(out, file, start, 1000)

    sendfile = os.sendfile
    monkeypatch.setattr(os, "sendfile", fail)
    connection = connect(raw_server(lambda peer: peer.count_rest()), retries=3)
    with open(path, "rb") as file, pytest.raises(hcpsdk.HcpsdkError, match="cannot be read"):
        connection.PUT("/rest/a", file)

    assert connection.attempts == 1


@pytest.mark.parametrize("retries", [0, 1])
def test_reset_meanwhile(
    raw_server: StartServer, connect: Connect, sparse: Any, retries: int
) -> None:
    """A connection that breaks while a file is sent fails as any other (contract 4.3, 4.6)."""

    def handler(peer: Peer) -> None:
        with contextlib.suppress(OSError):
            peer.read_head()
            peer.read_exactly(2_000_000)
            peer.reset()

    server = raw_server(in_turn(*[handler] * (retries + 1), answering(OK)))
    connection = connect(server, retries=retries)
    with open(sparse, "rb") as file, pytest.raises(hcpsdk.HcpsdkError):
        connection.PUT("/rest/a", file)

    assert connection.attempts == retries + 1
    assert connection.PUT("/rest/a", b"x").status == 200
