"""No success for a body that was not sent whole: over http and https, on a fresh and on a kept
socket, with and without retries, for each method and each kind of body."""

import contextlib
import gzip
import http.client
import io
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hcpsdk

from ..support.dishonest import DISHONEST, CountsOnlyWithOneArgument, Rewindable, SeekDoesNothing
from ..support.raw_server import OK, Gone, Peer, RawServer, answer

DATA = os.urandom(1_000_000) * 40  # more than the sockets' buffers hold
ALIKE = bytes(6_000_000)
MIXED = os.urandom(len(ALIKE))
COMPRESSED = gzip.compress(os.urandom(5_000_000), 1)
CREATED = answer(b"", "201 Created")


@pytest.fixture(params=["http", "https"])
def serve(
    request: pytest.FixtureRequest,
    raw_server: Callable[..., RawServer],
    loopback: str,
    tls_context: ssl.SSLContext,
    authorization: hcpsdk.NativeAuthorization,
) -> Iterator[Callable[..., tuple[RawServer, hcpsdk.Connection]]]:
    """A function that starts a server, and makes a Connection to it: ``serve(handler,
    is_kept=True, retries=2)``. A kept socket has carried a GET already."""
    stack = contextlib.ExitStack()

    def start(
        handler: Callable[[Peer], None], is_kept: bool = False, **options: Any
    ) -> tuple[RawServer, hcpsdk.Connection]:
        def serve_one(peer: Peer) -> None:
            if is_kept and peer.number == 0:
                peer.read_request()
                peer.send(OK)
            handler(peer)

        if request.param == "https":
            server = raw_server(serve_one, loopback, 8000, tls_context)
        else:
            server = raw_server(serve_one)
        target = hcpsdk.Target(server.address, authorization, port=server.port)
        connection = stack.enter_context(hcpsdk.Connection(target, **options))
        if is_kept:
            connection.GET("/rest/first")
        return server, connection

    with stack:
        yield start


def in_blocks(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 1_000_000):
        yield data[start : start + 1_000_000]


LENGTH = {"Content-Length": str(len(DATA))}
CHUNKED = {"Transfer-Encoding": "chunked"}
# Name: how it is made of a file that holds DATA, the headers, whether it can be sent again.
BODIES: dict[str, tuple[Callable[[Any], Any], dict[str, str], bool]] = {
    "bytes": (lambda _: DATA, {}, True),
    "chunked bytes": (lambda _: DATA, CHUNKED, True),
    "list": (lambda _: list(in_blocks(DATA)), {}, True),
    "file": (lambda file: file, {}, True),  # over http the system sends it
    "chunked file": (lambda file: file, CHUNKED, True),
    "BytesIO": (lambda _: io.BytesIO(DATA), {}, True),
    "text file": (lambda file: io.TextIOWrapper(file, encoding="latin-1"), {}, True),
    "generator": (lambda _: in_blocks(DATA), {}, False),
    "generator with a length": (lambda _: in_blocks(DATA), LENGTH, False),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bodies") / "data"
    path.write_bytes(DATA)
    return path


def put_or_post(connection: hcpsdk.Connection, verb: str, body: Any, headers: Any) -> Any:
    if verb == "PUT":
        return connection.PUT("/rest/a", body, headers=headers)
    if verb == "POST":
        return connection.POST("/rest/a", headers=headers, body=body)
    return connection.request("DELETE", "/rest/a", body, headers=headers)


# 4.4 A success that comes too early


@pytest.mark.parametrize("closes", [True, False])
@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("retries", [0, 2])
def test_early_success(
    serve: Callable[..., tuple[RawServer, hcpsdk.Connection]],
    path: Path,
    kind: str,
    closes: bool,
    retries: int,
) -> None:
    """A server that responds 201 when it has a part of the body is not believed: the request has
    failed, and is retried if the body can be sent again (contract 4.4)."""

    def early(peer: Peer) -> None:
        head = peer.read_head()
        if head is None or head.startswith(b"GET"):
            peer.send(OK)
            return
        peer.read_exactly(100_000)
        peer.send(CREATED)
        if not closes:
            peer.count_rest()

    make, headers, can_rewind = BODIES[kind]
    _server, connection = serve(early, retries=retries)
    with path.open("rb") as file, pytest.raises(hcpsdk.HcpsdkError) as caught:
        connection.PUT("/rest/a", make(file), headers=headers)

    assert not isinstance(caught.value, hcpsdk.HcpsdkTimeoutError)
    assert connection.response_status is None
    assert connection.attempts == (retries + 1 if can_rewind else 1)
    assert ("cannot be rewound" in str(caught.value)) == (retries > 0 and not can_rewind)
    assert connection.GET("/rest/b").status == 200


@pytest.mark.parametrize("verb", ["PUT", "POST", "DELETE"])
@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "302 Found", "304 Not Modified"])
@pytest.mark.parametrize("kind", ["bytes", "file", "generator"])
@pytest.mark.parametrize("is_kept", [False, True])
def test_early_status_below_400(
    serve: Callable[..., tuple[RawServer, hcpsdk.Connection]],
    path: Path,
    verb: str,
    status: str,
    kind: str,
    is_kept: bool,
) -> None:
    """Nor is any other status below 400, to any method, on a socket that was used before
    (contract 4.4)."""

    def early(peer: Peer) -> None:
        if peer.read_head() is not None:
            peer.send(answer(b"", status))
            peer.count_rest()

    make, headers, _ = BODIES[kind]
    _server, connection = serve(early, is_kept)
    with path.open("rb") as file, pytest.raises(hcpsdk.HcpsdkError, match=status[:3]):
        put_or_post(connection, verb, make(file), headers)

    assert connection.attempts == 1


@pytest.mark.parametrize("status", [201, 403])
@pytest.mark.parametrize("size", [1, 100_000])
def test_response_before_the_last_chunk(
    serve: Callable[..., tuple[RawServer, hcpsdk.Connection]], size: int, status: int
) -> None:
    """Before the end of a chunked body the server cannot know that it has all of it: a success is
    none, a refusal is one (contract 4.4)."""

    def early(peer: Peer) -> None:
        peer.read_head()
        peer.read_exactly(size)
        peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # do not wait for an ACK
        peer.send(answer(b"", f"{status} Whatever"))
        responded.set()
        peer.count_rest()

    def pieces() -> Iterator[bytes]:
        yield b"x" * size
        assert responded.wait(30)

    responded = threading.Event()
    _server, connection = serve(early)
    if status < 400:
        with pytest.raises(hcpsdk.HcpsdkError, match="201"):
            connection.PUT("/rest/a", pieces())
        assert connection.response is None
    else:
        assert connection.PUT("/rest/a", pieces()).status == 403


def test_success_after_a_retry(
    serve: Callable[..., tuple[RawServer, hcpsdk.Connection]], path: Path
) -> None:
    """The attempt that reaches the server whole is the one that counts (contract 4.3, 4.4)."""

    def handler(peer: Peer) -> None:
        if peer.number < 2:
            peer.read_head()
            peer.send(CREATED)
            peer.count_rest()
        elif (request := peer.read_request()) is not None:
            bodies.append(request.body)
            peer.send(CREATED)
            peer.wait_for_close()

    bodies: list[bytes] = []
    _server, connection = serve(handler, retries=2)
    with path.open("rb") as file:
        assert connection.PUT("/rest/a", file).status == 201

    assert connection.attempts == 3
    assert len(bodies) == 1
    assert bodies[0] == DATA


# 3.4 Rewinding that does not rewind


def cutting(stored: list[bytes], ending: str, after: int | None) -> Callable[[Peer], None]:
    """A handler whose first PUT is cut *after* so many bytes (None: after all of them); further
    ones are stored."""
    cuts = iter([True])

    def handler(peer: Peer) -> None:
        with contextlib.suppress(Gone, OSError):
            while (head := peer.read_head()) is not None:
                if not next(cuts, False):
                    stored.append(peer.read_body(head))
                    peer.send(CREATED)
                    continue
                if after is None:
                    peer.read_body(head)
                else:
                    peer.read_exactly(after)
                if ending == "reset":
                    peer.reset()
                return

    return handler


@pytest.mark.parametrize("kind", DISHONEST)
@pytest.mark.parametrize(("is_kept", "retries"), [(False, 2), (True, 0), (True, 2)])
@pytest.mark.parametrize("after", [100_000, None])
@pytest.mark.parametrize("has_length", [False, True])
def test_rewinding_that_does_not_rewind(
    serve: Callable[..., tuple[RawServer, hcpsdk.Connection]],
    kind: Any,
    is_kept: bool,
    retries: int,
    after: int | None,
    has_length: bool,
) -> None:
    """A body that does not go back is not sent again, not even by the resend that costs no retry;
    the failure of the connection is reported first (contract 3.4, 4.2, 4.3)."""
    stored: list[bytes] = []
    _server, connection = serve(cutting(stored, "reset", after), is_kept, retries=retries)
    data = MIXED if has_length else ALIKE
    headers = {"Content-Length": str(len(data))} if has_length else None

    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        connection.PUT("/rest/a", kind(io.BytesIO(data)), headers=headers)

    assert stored == []
    assert connection.attempts == 1
    assert str(caught.value).endswith(" (not retried: the request body cannot be rewound)")
    assert isinstance(
        caught.value.__cause__, (ConnectionError, ssl.SSLError, http.client.HTTPException)
    )
    assert str(caught.value.__cause__) in str(caught.value)
    assert connection.PUT("/rest/b", b"next").status == 201
    assert stored == [b"next"]


def test_only_the_end_shows_it(
    serve: Callable[..., tuple[RawServer, hcpsdk.Connection]],
) -> None:
    """Where bytes that are all alike, and a length, hide that an object does not go back, too few
    of them are left: nothing is stored (contract 4.3)."""
    stored: list[bytes] = []
    _server, connection = serve(cutting(stored, "reset", 100_000), retries=2)

    with pytest.raises(hcpsdk.HcpsdkError, match="the body ended after"):
        connection.PUT(
            "/rest/a",
            CountsOnlyWithOneArgument(io.BytesIO(ALIKE)),
            headers={"Content-Length": str(len(ALIKE))},
        )

    assert stored == []
    assert connection.response is None


def test_a_free_resend_without_rewinding_is_reported(
    serve: Callable[..., tuple[RawServer, hcpsdk.Connection]],
) -> None:
    """With ``retries=0`` on a fresh socket there is nothing to rewind for (contract 4.3)."""
    _server, connection = serve(cutting([], "close", None))

    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        connection.PUT("/rest/a", SeekDoesNothing(io.BytesIO(ALIKE)))

    assert "rewound" not in str(caught.value)


@pytest.mark.parametrize("after", [100_000, None])
@pytest.mark.parametrize("ending", ["close", "reset"])
@pytest.mark.parametrize(("is_kept", "retries"), [(False, 2), (True, 0), (True, 2)])
@pytest.mark.parametrize("has_length", [False, True])
def test_honest_reader_is_rewound(
    serve: Callable[..., tuple[RawServer, hcpsdk.Connection]],
    after: int | None,
    ending: str,
    is_kept: bool,
    retries: int,
    has_length: bool,
) -> None:
    """A reader that shows progress is sent again, whole (contract 3.4, 4.2, 4.3)."""
    stored: list[bytes] = []
    _server, connection = serve(cutting(stored, ending, after), is_kept, retries=retries)
    data = DATA[:6_000_000]
    headers = {"Content-Length": str(len(data))} if has_length else None

    assert connection.PUT("/rest/a", Rewindable(io.BytesIO(data)), headers=headers).status == 201
    assert connection.attempts == 2
    assert stored == [data]


def test_gzip_over_a_pipe(
    serve: Callable[..., tuple[RawServer, hcpsdk.Connection]],
) -> None:
    """A compressed file over a pipe says that it can seek, and only goes forward: the failure of
    the connection is reported (contract 4.3)."""
    stored: list[bytes] = []
    _server, connection = serve(cutting(stored, "reset", 100_000), retries=2)
    reader, writer = os.pipe()

    def fill() -> None:
        with contextlib.suppress(BrokenPipeError), open(writer, "wb") as file:
            file.write(COMPRESSED)

    thread = threading.Thread(target=fill)
    thread.start()
    with (
        open(reader, "rb") as pipe,
        gzip.GzipFile(fileobj=pipe) as file,
        pytest.raises(hcpsdk.HcpsdkError, match="the request body cannot be rewound") as caught,
    ):
        connection.PUT("/rest/a", file)
    thread.join()

    assert isinstance(caught.value.__cause__, (ConnectionError, ssl.SSLError))
    assert stored == []


# 4.5 Failures of the body


@pytest.mark.parametrize("is_kept", [False, True])
@pytest.mark.parametrize("retries", [0, 2])
@pytest.mark.parametrize("cut", [20, 2_000_000])
def test_cut_compressed_file(
    serve: Callable[..., tuple[RawServer, hcpsdk.Connection]],
    is_kept: bool,
    retries: int,
    cut: int,
) -> None:
    """A compressed file that was cut raises HcpsdkError with its cause; it is not retried, and
    nothing is stored (contract 1.4, 4.3)."""

    def handler(peer: Peer) -> None:
        with contextlib.suppress(Gone, OSError):
            while (request := peer.read_request()) is not None:
                stored.append(request.body)
                peer.send(CREATED)

    stored: list[bytes] = []
    server, connection = serve(handler, is_kept, retries=retries)
    compressed = io.BytesIO(COMPRESSED[:-cut])

    with pytest.raises(hcpsdk.HcpsdkError, match="the body cannot be read") as caught:
        connection.PUT("/rest/a", gzip.GzipFile(fileobj=compressed))

    assert isinstance(caught.value.__cause__, EOFError)
    assert connection.attempts == 1
    server.wait_for_finished(1)
    assert stored == []
    assert connection.PUT("/rest/b", b"next").status == 201


@pytest.mark.parametrize("error", [ValueError, RuntimeError, TimeoutError])
@pytest.mark.parametrize("is_kept", [False, True])
@pytest.mark.parametrize("has_length", [False, True])
def test_error_of_the_callers_reader(
    serve: Callable[..., tuple[RawServer, hcpsdk.Connection]],
    error: type[Exception],
    is_kept: bool,
    has_length: bool,
) -> None:
    """What a reader of the caller's raises propagates unchanged and is not retried
    (contract 4.5)."""
    raised = error("mine")

    class Broken(Rewindable):
        def read(self, size: int = -1) -> bytes:
            if self.tell() > 2_000_000:
                raise raised
            return super().read(size)

    stored: list[bytes] = []
    _server, connection = serve(cutting(stored, "close", None), is_kept, retries=3)
    headers = {"Content-Length": str(len(ALIKE))} if has_length else None

    with pytest.raises(error) as caught:
        connection.PUT("/rest/a", Broken(io.BytesIO(ALIKE)), headers=headers)

    assert caught.value is raised
    assert connection.attempts == 1
    assert stored == []


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer signals here")
def test_time_limit_of_a_signal_handler(
    serve: Callable[..., tuple[RawServer, hcpsdk.Connection]],
) -> None:
    """A signal handler that raises while the body waits for its data is not taken for a failure
    of HCP, nor of the body (contract 4.5)."""

    def handler(peer: Peer) -> None:
        with contextlib.suppress(ConnectionError):
            peer.count_rest()

    def too_late(*_args: object) -> None:
        raise TimeoutError("the program's own limit")

    class Silent:
        """Gives a piece, then waits as a pipe does."""

        was_asked = False

        def read(self, size: int = -1) -> bytes:
            if self.was_asked:
                signal.setitimer(signal.ITIMER_REAL, 0.01)
                return file.read(size)
            self.was_asked = True
            return b"first"

    server, connection = serve(handler, retries=3)
    reader, writer = os.pipe()
    before = signal.signal(signal.SIGALRM, too_late)
    try:
        with open(reader, "rb") as file, pytest.raises(TimeoutError, match="own limit"):
            connection.PUT("/rest/a", Silent())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        os.close(writer)

    assert connection.attempts == 1
    assert len(server.wait_for_finished(1)) == 1


# 3.4 Refused before anything is sent


@pytest.mark.parametrize("is_kept", [False, True])
@pytest.mark.parametrize("has_length", [False, True])
def test_text_behind_a_wrapper(
    serve: Callable[..., tuple[RawServer, hcpsdk.Connection]],
    tmp_path: Path,
    is_kept: bool,
    has_length: bool,
) -> None:
    """Text that a wrapper hides is found before a byte of the request is sent: it would be stored
    in another encoding (contract 3.4)."""

    class Wrapper:
        def __init__(self, file: Any) -> None:
            self._file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

    stored: list[bytes] = []
    server, connection = serve(cutting(stored, "close", 0), is_kept, retries=2)
    (tmp_path / "text").write_bytes(b"\xe4" * 100)
    headers = {"Content-Length": "100"} if has_length else None
    with (
        (tmp_path / "text").open(encoding="latin-1") as file,
        pytest.raises(TypeError, match="binary mode"),
    ):
        connection.PUT("/rest/a", Wrapper(file), headers=headers)

    assert connection.attempts == 0
    server.wait_for_finished(1)
    assert all(b"/rest/a" not in peer.received for peer in server.peers)


@pytest.mark.parametrize("wrap", [lambda lie: lie, lambda lie: [lie], lambda lie: iter([lie])])
@pytest.mark.parametrize("has_length", [False, True])
def test_length_that_lies(
    serve: Callable[..., tuple[RawServer, hcpsdk.Connection]],
    wrap: Callable[[Any], Any],
    has_length: bool,
) -> None:
    """A subclass of bytes is sent as the bytes that it holds (contract 3.4)."""

    class Lie(bytes):
        def __len__(self) -> int:
            return 3

    stored: list[bytes] = []
    handler = cutting(stored, "close", None)
    _server, connection = serve(handler, retries=0)
    with contextlib.suppress(hcpsdk.HcpsdkError):
        connection.PUT("/rest/first")  # which is cut
    headers = {"Content-Length": "10"} if has_length else None

    assert connection.PUT("/rest/a", wrap(Lie(b"0123456789")), headers=headers).status == 201
    assert stored == [b"0123456789"]
