"""Ctrl-C, at any moment: the Connection stays usable, and nothing half done is left behind."""

import _weakrefset
import concurrent.futures
import contextlib
import functools
import itertools
import linecache
import pathlib
import re
import signal
import socket
import ssl
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

import hcpsdk

from ..support.raw_server import (
    OK,
    PATIENCE,
    Connect,
    Gone,
    Peer,
    StartServer,
    answer,
    answering,
    chunked_answer,
    in_turn,
)

LIBRARY = str(pathlib.Path(hcpsdk.__file__).parent)


@pytest.fixture
def interrupt() -> Iterator[Any]:
    """A function for any thread: Ctrl-C, as soon as the library waits for the network."""
    main = threading.main_thread()
    if threading.current_thread() is not main:
        pytest.skip("signals reach the main thread only")

    taken = threading.Event()

    def send() -> None:
        # Again and again: a signal that comes just before a system call does not end it.
        for _ in range(int(PATIENCE / 0.01)):
            signal.pthread_kill(main.ident, signal.SIGINT)
            if taken.wait(0.01):
                return
        raise AssertionError("the library does not wait for the network")

    def handler(_number: Any, frame: Any) -> None:
        if not taken.is_set() and waits_for_the_network(frame):
            taken.set()
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handler)
    yield send
    taken.set()
    signal.signal(signal.SIGINT, before)


def waits_for_the_network(frame: Any) -> Any:
    """True if *frame* is where the library sends or receives."""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    if not re.search(
        r"sock\.recv|stream\.(read|peek)|\.readline\(|recv_into|self\.read\(|_send_bytes|\.send\("
        r"|do_hand",
        line,
    ):
        return False
    while frame is not None and not frame.f_code.co_filename.startswith(LIBRARY):
        frame = frame.f_back
    return frame is not None


def within_the_headers(peer: Peer, interrupt: Any) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-")
    interrupt()


def before_the_answer(peer: Peer, interrupt: Any) -> None:
    peer.read_request()
    interrupt()


def within_the_request(peer: Peer, interrupt: Any) -> None:
    peer.read_head()
    interrupt()


def within_the_answers_body(peer: Peer, interrupt: Any) -> None:
    peer.read_request()
    peer.send(answer(b"abc")[:-1])
    interrupt()


def within_the_answers_chunks(peer: Peer, interrupt: Any) -> None:
    peer.read_request()
    peer.send(chunked_answer(b"abc")[:-6])
    interrupt()


@pytest.mark.parametrize("is_kept_alive", [True, False])
@pytest.mark.parametrize(
    "moment",
    [
        within_the_request,
        before_the_answer,
        within_the_headers,
        within_the_answers_body,
        within_the_answers_chunks,
    ],
)
def test_interrupted_upload(
    raw_server: StartServer, connect: Connect, interrupt: Any, moment: Any, is_kept_alive: bool
) -> None:
    """After Ctrl-C the socket is gone, and the Connection usable at once (contract 4.6)."""

    def handler(peer: Peer) -> None:
        if is_kept_alive:
            peer.read_request()
            peer.send(answer(b"old"))
        moment(peer, interrupt)
        counts.append(peer.count_rest())

    counts: list[int] = []
    server = raw_server(in_turn(handler, answering(answer(b"next"))))
    connection = connect(server, retries=3)
    if is_kept_alive:
        connection.POST("/rest/first")
    size = 40_000_000 if moment is within_the_request else 3

    with pytest.raises(KeyboardInterrupt) as caught:
        connection.PUT("/rest/a", b"x" * size)

    server.wait_for_finished(1)  # the socket is gone, although the traceback is kept
    assert caught.tb is not None
    assert counts[0] < size
    assert connection.response is None
    assert connection.response_status is None
    assert connection.GET("/rest/b").read() == b"next"
    assert connection.attempts == 1


@pytest.mark.parametrize("data", [answer(b"abcdef")[:-3], chunked_answer(b"abc", b"def")[:-5]])
@pytest.mark.parametrize(
    "read",
    [
        lambda c, r: c.read(),
        lambda c, r: r.read(),
        lambda c, r: [c.read(2) for _ in range(9)],
        lambda c, r: [r.read1() for _ in range(9)],
        lambda c, r: r.readinto(bytearray(99)),
        lambda c, r: list(r),
    ],
)
def test_interrupted_download(
    raw_server: StartServer, connect: Connect, interrupt: Any, data: Any, read: Any
) -> None:
    """After Ctrl-C the rest of a body is not to be had, and never looks like its end (contract 4.6,
    3.6)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(data)
        assert reading.wait(30)
        interrupt()
        peer.wait_for_close()

    reading = threading.Event()
    server = raw_server(in_turn(handler, answering(answer(b"next"))))
    connection = connect(server)
    response = connection.GET("/rest/a")

    with pytest.raises(KeyboardInterrupt):
        reading.set()
        read(connection, response)

    server.wait_for_finished(1)
    for again in (connection.read, response.read, response.readline):
        with pytest.raises(hcpsdk.HcpsdkError):
            again()
    assert connection.GET("/rest/b").read() == b"next"


@pytest.mark.parametrize("data", [answer(b"abcdef")[:-3], chunked_answer(b"abc", b"def")[:-5]])
def test_interrupted_draining(
    raw_server: StartServer, connect: Connect, interrupt: Any, data: Any
) -> None:
    """Ctrl-C while the rest of an earlier answer is drained leaves nothing behind (contract 4.6,
    3.6)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(data)
        assert draining.wait(30)
        interrupt()
        peer.wait_for_close()

    draining = threading.Event()
    server = raw_server(in_turn(handler, answering(answer(b"next"))))
    connection = connect(server)
    response = connection.GET("/rest/a")

    with pytest.raises(KeyboardInterrupt):
        draining.set()
        connection.GET("/rest/b")

    server.wait_for_finished(1)  # although the old response is still held
    for read in (response.read, response.readline, lambda: response.read(1)):
        with pytest.raises(hcpsdk.HcpsdkError):
            read()
    assert connection.response is None
    assert connection.GET("/rest/c").read() == b"next"


def test_interrupted_handshake(
    raw_server: StartServer,
    authorization: hcpsdk.NativeAuthorization,
    interrupt: Any,
    loopback: str,
    tls_context: ssl.SSLContext,
) -> None:
    """After Ctrl-C in the TLS handshake the Connection is usable at once (contract 4.6)."""

    def handler(peer: Peer) -> None:
        if peer.number == 0:
            interrupt()
            peer.wait_for_close()
        else:
            peer.sock = tls_context.wrap_socket(peer.sock, server_side=True)
            answering(answer(b"next"))(peer)

    server = raw_server(handler, loopback, 8000)
    target = hcpsdk.Target(loopback, authorization, port=8000)
    with hcpsdk.Connection(target) as connection:
        with pytest.raises(KeyboardInterrupt):
            connection.GET("/rest/a")

        server.wait_for_finished(1)
        assert connection.attempts == 0
        assert connection.GET("/rest/a").read() == b"next"


def test_harmless_signals(raw_server: StartServer, connect: Connect) -> None:
    """A signal whose handler does nothing disturbs nothing (contract 4.6)."""
    main = threading.main_thread()
    if threading.current_thread() is not main:
        pytest.skip("signals reach the main thread only")

    def handler(peer: Peer) -> None:
        for _ in peer.each_request():
            data = answer(b"abc")
            for number in range(len(data)):
                signal.pthread_kill(main.ident, signal.SIGUSR1)
                peer.send(data[number : number + 1])

    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        connection = connect(raw_server(handler))
        connection.PUT("/rest/a", b"x" * 3_000_000)
        assert connection.read() == b"abc"
        assert connection.GET("/rest/a").read() == b"abc"
        assert connection.attempts == 1
    finally:
        signal.signal(signal.SIGUSR1, before)


# Exceptions of the caller's signal handlers


class RaisingHandler:
    """A signal handler that raises *error* as soon as the library waits for the network."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.taken = threading.Event()

    def __call__(self, _number: Any, frame: Any) -> None:
        if not self.taken.is_set() and waits_for_the_network(frame):
            self.taken.set()
            raise self.error

    def send(self) -> None:
        """Have it called, until it has raised."""
        main = threading.main_thread().ident
        assert main is not None
        for _ in range(int(PATIENCE / 0.01)):
            signal.pthread_kill(main, signal.SIGUSR1)
            if self.taken.wait(0.01):
                return
        raise AssertionError("the library does not wait for the network")


def as_function(handler: RaisingHandler) -> Any:
    return lambda number, frame: handler(number, frame)


def as_method(handler: RaisingHandler) -> Any:
    return handler.__call__


def as_partial(handler: RaisingHandler) -> Any:
    return functools.partial(as_function(handler))


@pytest.mark.parametrize("kind", [as_function, as_method, as_partial, lambda handler: handler])
@pytest.mark.parametrize(
    "error",
    [TimeoutError("the caller's"), ConnectionResetError("the caller's"), ssl.SSLEOFError("theirs")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("moment", [before_the_answer, within_the_headers, within_the_answers_body])
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no such signals here")
def test_a_handlers_exception_is_the_callers(
    raw_server: StartServer, connect: Connect, moment: Any, error: Exception, kind: Any
) -> None:
    """What a signal handler raises while the library waits for the network propagates at once and
    is never retried, whatever its type is (contract 4.5)."""
    handler = RaisingHandler(error)

    def interrupted(peer: Peer) -> None:
        moment(peer, handler.send)
        peer.wait_for_close()

    server = raw_server(in_turn(interrupted, answering(OK)))
    connection = connect(server, retries=3)
    before = signal.signal(signal.SIGUSR1, kind(handler))
    try:
        with pytest.raises(type(error)) as caught:
            connection.GET("/rest/a")
            connection.read()
    finally:
        handler.taken.set()
        signal.signal(signal.SIGUSR1, before)
    assert caught.value is error
    assert connection.HEAD("/rest/b").status == 200
    assert len(server.peers) == 2


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no such signals here")
def test_a_handlers_exception_within_the_handshake(
    raw_server: StartServer, loopback: str, authorization: hcpsdk.NativeAuthorization
) -> None:
    """The same while a connection is opened: no other node is tried (contract 4.5)."""
    error = TimeoutError("the caller's")
    handler = RaisingHandler(error)

    def stall(peer: Peer) -> None:
        handler.send()
        peer.wait_for_close()

    server = raw_server(stall, loopback, 8000)
    target = hcpsdk.Target(loopback, authorization, port=8000)
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with hcpsdk.Connection(target, retries=3) as connection:
            with pytest.raises(TimeoutError) as caught:
                connection.HEAD("/rest/a")
            assert connection.attempts == 0
    finally:
        handler.taken.set()
        signal.signal(signal.SIGUSR1, before)
    assert caught.value is error
    assert len(server.peers) == 1


# Anywhere, at one place after the other


class Interruption:
    """Raises KeyboardInterrupt at the *number*-th place where a signal may be handled.

    Python handles signals when a function is entered, and between steps of one: here, before each
    line of the library, and on entry of what it calls in the modules below it. Not at `NO_PLACES`.
    """

    # Tracing comes a second time to lines with ``with``, before the lock is let go, and since
    # Python 3.12 to comprehensions, where what it raises passes ``with`` by. Signals do not.
    NO_PLACES = re.compile(r"\s*with |.*[\[({].* for .* in ")

    MODULES = (threading, socket, ssl, weakref, _weakrefset)

    def __init__(self, number: Any) -> None:
        self.left = number
        self.where: str | None = None  # the place, once it came to that

    def __enter__(self) -> Any:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_exc_info: Any) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: Any, event: Any, _argument: Any) -> Any:
        path = frame.f_code.co_filename
        is_library = path.startswith(LIBRARY)
        if frame.f_code.co_name == "<genexpr>":
            return None  # may be collected just now, where exceptions come to nothing
        if not is_library and path not in {module.__file__ for module in self.MODULES}:
            return None
        is_place = event == "call"
        if event == "line" and is_library:
            is_place = not self.NO_PLACES.match(linecache.getline(path, frame.f_lineno))
        if is_place and self._is_within_the_library(frame):
            if not self.left:
                self.where = f"{pathlib.Path(path).name}:{frame.f_lineno} {frame.f_code.co_name}"
                sys.settrace(None)
                raise KeyboardInterrupt
            self.left -= 1
        return self._trace if is_library else None

    def _is_within_the_library(self, frame: Any) -> Any:
        while frame is not None:
            if frame.f_code.co_filename.startswith(LIBRARY):
                return True
            frame = frame.f_back
        return False


def put(connection: hcpsdk.Connection) -> None:
    connection.PUT("/rest/this", b"abc")


def put_pieces(connection: hcpsdk.Connection) -> None:
    connection.PUT("/rest/this", (piece for piece in (b"x" * 70_000, b"abc")))


def get(connection: hcpsdk.Connection) -> None:
    connection.GET("/rest/this")
    assert connection.read(2) == b"th"
    assert connection.read() == b"is"


def get_lines(connection: hcpsdk.Connection) -> None:
    assert list(connection.GET("/rest/this")) == [b"this"]


def get_and_close_response(connection: hcpsdk.Connection) -> None:
    connection.GET("/rest/this").close()


def give_up_the_rest(connection: hcpsdk.Connection) -> None:
    connection.GET("/rest/this")
    connection.GET("/rest/this").read()


def close(connection: hcpsdk.Connection) -> None:
    connection.GET("/rest/this")
    connection.close()


def in_a_generator(action: Any, connection: hcpsdk.Connection) -> Iterator[None]:
    """Do *action* where `sys.exc_info()` is local.

    What tracing raises in ``except ...: return`` leaves the handled exception there for good. A
    signal does not come at that place.
    """
    action(connection)
    yield


ACTIONS = [put, put_pieces, get, get_lines, get_and_close_response, give_up_the_rest, close]


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # what reference counts close is closed
# Python 3.13 tells what was raised in finalizers, where an interruption comes to nothing.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("action", "is_kept_alive"),
    [*((action, True) for action in ACTIONS), (put, False), (get, False)],
)
def test_interrupted_anywhere(
    raw_server: StartServer, connect: Connect, action: Any, is_kept_alive: bool
) -> None:
    """Ctrl-C anywhere leaves a usable Connection that shows no earlier answer (contract 4.6,
    1.8)."""
    answers = {
        "/rest/first": chunked_answer(b"first"),
        "/rest/this": chunked_answer(b"this", status="201 Created"),
        "/rest/next": chunked_answer(b"next", status="202 Accepted"),
    }
    targets = []

    def handler(peer: Peer) -> None:
        with contextlib.suppress(Gone, ConnectionError):  # interrupted in the middle
            for request in peer.each_request():
                assert request.method == "GET" or request.body[-3:] in (b"", b"abc")
                targets.append(request.target)
                peer.send(answers[request.target])

    server = raw_server(handler)
    others = connect(server)
    with concurrent.futures.ThreadPoolExecutor(1) as another_thread:
        for number in itertools.count():
            connection = connect(server)
            if is_kept_alive:
                connection.POST("/rest/first")
            targets.clear()
            interruption = Interruption(number)
            with contextlib.suppress(KeyboardInterrupt), interruption:
                list(in_a_generator(action, connection))

            where = interruption.where
            assert sys.exc_info()[1] is None, where  # else all later tests have it as __context__
            if "/rest/this" in targets:
                assert connection.response_status in (None, 201), where
            response = connection.GET("/rest/next")
            assert (response.status, response.read()) == (202, b"next"), where
            connection.close()
            # Nothing is left locked for other threads, nor any socket.
            another_thread.submit(others.PUT, "/rest/next").result(PATIENCE)
            another_thread.submit(others.close).result(PATIENCE)
            del response
            try:
                server.wait_for_finished(len(server.peers))
            except AssertionError:
                pytest.fail(f"interrupted at {where}, the socket is still open")
            if where is None:
                break
    assert number > 50, "the library was not interrupted at all"
