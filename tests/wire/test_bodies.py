"""Bodies on the wire: whole, framed as they should be, or told as failed."""

import contextlib
import gzip
import http.client
import io
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hcpsdk

from ..support.raw_server import (
    OK,
    Connect,
    Peer,
    StartServer,
    answer,
    answering,
    chunked_answer,
    in_turn,
)

LONG = bytes(range(256)) * 12_000  # about 3 MiB


def unframed(raw: Any) -> Any:
    """The data of a chunked body, parsed by the letter of RFC 9112, section 7.1."""
    data = b""
    while True:
        size = re.match(rb"([0-9a-f]+)\r\n", raw, re.I)
        assert size, raw[:20]
        count, raw = int(size[1], 16), raw[size.end() :]
        if not count:
            assert raw == b"\r\n"
            return data
        assert raw[count : count + 2] == b"\r\n"
        data, raw = data + raw[:count], raw[count + 2 :]


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b""],
        [b"a"],
        [b"a", b"", b"bc"],
        [b"", b"", b"0\r\n\r\n"],
        [b"x" * 15, b"y" * 16, b"z" * 17],
        [b"x" * (64 * 1024 - 6), b"y"],
        [LONG],
        [b"a", LONG, b"b"],
        [LONG[n : n + 1] for n in range(300)],
    ],
    ids=lambda pieces: f"{len(pieces)}-{sum(map(len, pieces))}",
)
def test_chunks(raw_server: StartServer, connect: Connect, pieces: Any) -> None:
    """A body of unknown length is framed as chunks, byte for byte (contract 3.4)."""
    server = raw_server(answering(OK, OK))
    connection = connect(server)

    connection.PUT("/rest/a", (piece for piece in pieces))
    connection.GET("/rest/a")

    request, _ = server.requests
    assert request.headers("Transfer-Encoding") == ["chunked"]
    assert request.headers("Content-Length") == []
    assert unframed(request.raw[len(request.head) :]) == b"".join(pieces)


@pytest.mark.parametrize(
    "kind", [bytes, bytearray, memoryview, lambda data: [data[:1], data[1:]], io.BytesIO]
)
@pytest.mark.parametrize("verb", ["PUT", "POST"])
def test_length(raw_server: StartServer, connect: Connect, kind: Any, verb: str) -> None:
    """A body of known length has it told, and no chunks (contract 3.4)."""
    server = raw_server(answering(OK))
    if verb == "PUT":
        connect(server).PUT("/rest/a", kind(LONG))
    else:
        connect(server).POST("/rest/a", body=kind(LONG))

    (request,) = server.requests
    assert request.headers("Transfer-Encoding") == []
    assert request.headers("Content-Length") == [str(len(LONG))]
    assert request.raw == request.head + LONG


def test_files(raw_server: StartServer, connect: Connect, tmp_path: Path) -> None:
    """Binary and text files go out as they lie on disk, from where they stand (contract 3.4)."""
    data = "Zeile 1\r\näöü\r\n".encode("latin-1")
    (tmp_path / "file").write_bytes(data)
    server = raw_server(answering(*[OK] * 4))
    connection = connect(server)

    for options in ({"mode": "rb"}, {"mode": "r", "encoding": "latin-1"}):
        with (tmp_path / "file").open(**options) as file:
            connection.PUT("/rest/a", file)
        with (tmp_path / "file").open(**options) as file:
            file.readline()
            connection.PUT("/rest/a", file)

    assert [request.body for request in server.requests] == [data, data[9:]] * 2
    lengths = [request.headers("Content-Length") for request in server.requests]
    assert lengths == [["14"], ["5"]] * 2


def test_gzip_file(raw_server: StartServer, connect: Connect, tmp_path: Path) -> None:
    """A packed file is sent unpacked and whole: its size on disk is not its length (contract
    3.4)."""
    with gzip.open(tmp_path / "packed", "wb") as file:
        file.write(LONG)
    server = raw_server(answering(OK))
    with gzip.open(tmp_path / "packed") as file:
        connect(server).PUT("/rest/a", file)

    assert server.requests[0].body == LONG


def test_pipe(raw_server: StartServer, connect: Connect) -> None:
    """A pipe is sent to its end (contract 3.4)."""
    reader, writer = os.pipe()

    def fill() -> None:
        with open(writer, "wb") as file:
            file.write(LONG)

    thread = threading.Thread(target=fill)
    thread.start()
    server = raw_server(answering(OK))
    with open(reader, "rb") as file:
        connect(server).PUT("/rest/a", file)
    thread.join()

    assert server.requests[0].body == LONG


def test_answer_as_a_body(raw_server: StartServer, connect: Connect) -> None:
    """The answer of one Connection may be the body of another's request (contract 3.4)."""
    source = connect(raw_server(answering(answer(LONG), chunked_answer(LONG, LONG))))
    server = raw_server(answering(OK, OK))
    connection = connect(server)

    connection.PUT("/rest/a", source.GET("/rest/a"))
    connection.PUT("/rest/a", source.GET("/rest/a"))

    assert [len(request.body) for request in server.requests] == [len(LONG), 2 * len(LONG)]
    assert server.requests[0].body == LONG


@pytest.mark.parametrize("data", [answer(LONG)[:-1], chunked_answer(LONG)[:-7]])
def test_cut_answer_as_a_body(raw_server: StartServer, connect: Connect, data: Any) -> None:
    """A cut download never becomes a short upload (contract 3.6, 4.3)."""

    def cut(peer: Peer) -> None:
        peer.read_request()
        peer.send(data)

    def broken_off(peer: Peer) -> None:
        peer.wait_for_close()

    source = connect(raw_server(cut))
    server = raw_server(broken_off)
    connection = connect(server, retries=2)

    with pytest.raises(hcpsdk.HcpsdkError, match="within the response body"):
        connection.PUT("/rest/a", source.GET("/rest/a"))

    assert connection.response is None
    (peer,) = server.wait_for_finished(1)
    assert not peer.received.endswith(b"0\r\n\r\n")


def test_answer_of_the_same_connection_as_a_body(raw_server: StartServer, connect: Connect) -> None:
    """An answer cannot be its own Connection's body: refused, nothing short stored (contract
    4.3)."""
    answers = iter([answer(b"x" * 1000), OK])
    received = []

    def handler(peer: Peer) -> None:
        try:
            while request := peer.read_request():
                received.append(request)
                peer.send(next(answers))
        except Exception:
            assert not peer.received.endswith(b"0\r\n\r\n")

    connection = connect(raw_server(handler))
    with pytest.raises((hcpsdk.HcpsdkError, ValueError)):
        connection.PUT("/rest/b", connection.GET("/rest/a"))

    assert [request.method for request in received] == ["GET"]


# Bodies that fail


def recording(peer: Peer) -> None:
    """Takes whatever comes, and answers nothing."""
    with contextlib.suppress(ConnectionError):
        peer.wait_for_close()


def is_complete(raw: Any) -> Any:
    """True if *raw* is a whole request: a server would store it."""
    head, _, body = raw.partition(b"\r\n\r\n")
    if b"chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    return len(body) == int(re.search(rb"Content-Length: (\d+)", head)[1])


class Mine(Exception):
    """An exception of the caller's own."""


@pytest.mark.parametrize(
    "error",
    [
        Mine,
        OSError,
        TimeoutError,
        ConnectionResetError,
        EOFError,
        ValueError,
        http.client.BadStatusLine,
        hcpsdk.HcpsdkError,
        KeyboardInterrupt,
        SystemExit,
    ],
)
@pytest.mark.parametrize("position", [0, 1, 5])
@pytest.mark.parametrize("length", [None, 7 * 70_000])
def test_generator_that_raises(
    raw_server: StartServer, connect: Connect, error: Any, position: Any, length: Any
) -> None:
    """What a generator raises in the middle propagates unchanged, is not retried, nothing is
    stored, and the next request works (contract 4.3, 4.5, 4.6)."""
    raised = error("body")

    def pieces() -> Iterator[Any]:
        for number in range(7):
            if number == position:
                raise raised
            yield b"x" * 70_000

    server = raw_server(in_turn(recording, answering(answer(b"next"))))
    connection = connect(server, retries=3)

    with pytest.raises(error) as caught:
        connection.PUT("/rest/a", pieces(), headers={"Content-Length": length} if length else None)

    assert caught.value is raised
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert connection.attempts == (position > 0)
    assert connection.response is None
    (peer,) = server.wait_for_finished(1)  # the socket is gone, even while the traceback is kept
    assert caught.tb is not None
    assert not peer.received or not is_complete(peer.received)
    assert connection.GET("/rest/b").read() == b"next"


@pytest.mark.parametrize("told", [2, 4])
def test_generator_of_another_length_than_told(
    raw_server: StartServer, connect: Connect, told: Any
) -> None:
    """A body that is not as long as its caller said is never stored as if it were (contract
    4.3)."""
    server = raw_server(in_turn(recording))
    connection = connect(server, retries=3)

    with pytest.raises(hcpsdk.HcpsdkError):
        connection.PUT("/rest/a", iter([b"ab", b"c"]), headers={"Content-Length": str(told)})

    (peer,) = server.wait_for_finished(1)
    body = peer.received.partition(b"\r\n\r\n")[2]
    assert len(body) <= told


def test_file_that_shrinks(raw_server: StartServer, connect: Connect, tmp_path: Path) -> None:
    """A file that becomes shorter is not stored as if it were whole (contract 4.3)."""
    path, size = tmp_path / "file", 60_000_000  # more than the sockets' buffers hold
    with path.open("wb") as file:
        file.truncate(size)
    counts = []

    def handler(peer: Peer) -> None:
        peer.read_head()
        os.truncate(path, size // 2)
        counts.append(peer.count_rest())

    server = raw_server(in_turn(handler, answering(OK)))
    connection = connect(server, retries=3)
    with path.open("rb") as source, pytest.raises(hcpsdk.HcpsdkError, match=f"of {size} bytes"):
        connection.PUT("/rest/a", source)

    server.wait_for_finished(1)
    assert counts[0] < size
    assert connection.GET("/rest/b").status == 200


# Answers that come before the body is through


@pytest.mark.parametrize("closes", [True, False])
@pytest.mark.parametrize("kind", ["bytes", "generator", "file", "chunked"])
@pytest.mark.parametrize("verb", ["PUT", "POST"])
@pytest.mark.parametrize("is_kept_alive", [True, False])
def test_early_answer(
    raw_server: StartServer,
    connect: Connect,
    tmp_path: Path,
    closes: Any,
    kind: Any,
    verb: str,
    is_kept_alive: bool,
) -> None:
    """A server that answers within the body and closes is heard: no broken pipe (contract 4.4)."""

    def early(peer: Peer) -> None:
        if is_kept_alive:
            peer.read_request()
            peer.send(OK)
        peer.read_head()
        peer.send(answer(b"exists", "409 Conflict"))
        if not closes:
            with contextlib.suppress(ConnectionError):
                peer.count_rest()

    blocks = [b"x" * 1_000_000] * 40  # more than the sockets' buffers hold
    server = raw_server(in_turn(early, answering(answer(b"next"))))
    connection = connect(server, retries=2)
    if is_kept_alive:
        connection.GET("/rest/first")

    with (tmp_path / "file").open("w+b") as file:
        file.truncate(40_000_000)
        content = {
            "bytes": b"".join(blocks),
            "chunked": b"".join(blocks),
            "generator": iter(blocks),
            "file": file,
        }[kind]
        headers = {"Transfer-Encoding": "chunked"} if kind == "chunked" else {}
        if verb == "PUT":
            connection.PUT("/rest/a", content, headers=headers)
        else:
            connection.POST("/rest/a", None, headers, content)

    assert connection.response_status == 409
    assert connection.read() == b"exists"
    assert connection.attempts == 1
    assert connection.GET("/rest/b").read() == b"next"


def test_early_answer_through_request(raw_server: StartServer, connect: Connect) -> None:
    """The same for `request()`; the answer's body can be read (contract 4.4)."""

    def early(peer: Peer) -> None:
        peer.read_head()
        peer.send(answer(b"too large", "413 Request Entity Too Large"))

    connection = connect(raw_server(in_turn(early, answering(answer(b"next")))))

    response = connection.request("PUT", "/rest/a", (b"x" * 100_000 for _ in range(300)))

    assert (response.status, response.read()) == (413, b"too large")
    assert connection.GET("/rest/b").read() == b"next"


def test_early_answer_without_close(raw_server: StartServer, connect: Connect) -> None:
    """A server that answers early, and then does nothing at all, is heard too (contract 4.4)."""

    def early(peer: Peer) -> None:
        peer.read_head()
        peer.send(answer(b"", "403 Forbidden"))
        assert finished.wait(30)

    finished = threading.Event()
    connection = connect(raw_server(in_turn(early, answering(answer(b"next")))), timeout=0.5)

    connection.PUT("/rest/a", b"x" * 30_000_000)

    assert connection.response_status == 403
    assert connection.GET("/rest/b").read() == b"next"
    finished.set()


def test_interim_answer_within_the_body(raw_server: StartServer, connect: Connect) -> None:
    """``100 Continue`` is no early answer: the whole body is sent (contract 4.3, 4.4)."""

    def handler(peer: Peer) -> None:
        head = peer.read_head()
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        asked.set()
        bodies.append(peer.read_body(head))
        peer.send(answer(b"", "201 Created"))
        peer.wait_for_close()

    def pieces() -> Iterator[Any]:
        yield b"a" * 100_000
        assert asked.wait(30)
        for _ in range(5):
            yield b"b" * 100_000

    asked = threading.Event()
    bodies: list[Any] = []
    connection = connect(raw_server(handler), timeout=2)

    connection.PUT("/rest/a", pieces(), headers={"Expect": "100-continue"})

    assert connection.response_status == 201
    assert bodies == [b"a" * 100_000 + b"b" * 500_000]


def test_server_that_hangs_up_within_the_body(raw_server: StartServer, connect: Connect) -> None:
    """Without an answer a cut upload is a failure (contract 4.3)."""

    def hang_up(peer: Peer) -> None:
        peer.read_head()

    connection = connect(raw_server(in_turn(hang_up, answering(answer(b"next")))))

    with pytest.raises(hcpsdk.HcpsdkError):
        connection.PUT("/rest/a", b"x" * 30_000_000)

    assert connection.response is None
    assert connection.attempts == 1
    assert connection.GET("/rest/b").read() == b"next"


def test_bytearray_is_free_again(raw_server: StartServer, connect: Connect) -> None:
    """After the request a caller's bytearray can change its size (contract 3.4)."""
    connection = connect(raw_server(answering(OK)))
    content = bytearray(b"abc")

    response = connection.PUT("/rest/a", content)
    content.clear()

    assert response.status == 200


def test_closed_by_its_own_body(raw_server: StartServer, connect: Connect, tmp_path: Path) -> None:
    """A Connection that is closed in the middle fails; what is left of the body goes nowhere, not
    even to a file that got the number of its socket (contract 4.6)."""

    def pieces() -> Iterator[Any]:
        yield b"a" * 100_000
        connection.close()
        with open(tmp_path / "other", "wb") as file:
            yield b"b" * 100_000
            file.write(b"mine")

    server = raw_server(in_turn(lambda peer: peer.count_rest(), answering(OK)))
    connection = connect(server)

    with pytest.raises(hcpsdk.HcpsdkError):
        connection.PUT("/rest/a", pieces())

    assert (tmp_path / "other").read_bytes() == b""
    assert connection.PUT("/rest/a", b"c").status == 200


def test_body_that_fails_at_once(raw_server: Any, connect: Any) -> None:
    """`attempts` is 0 if not a byte was sent because the body's first read() failed
    (contract 4.7)."""

    class Broken:
        def read(self, size: int = -1) -> bytes:
            raise OSError("the tape is torn")

    server = raw_server(Peer.wait_for_close)
    connection = connect(server, retries=1)
    with pytest.raises(hcpsdk.HcpsdkError, match="the tape is torn"):
        connection.PUT("/rest/a", Broken())
    assert connection.attempts == 0
    server.wait_for_finished(len(server.peers))
    assert [peer.received for peer in server.peers] in ([], [b""])
