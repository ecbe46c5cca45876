"""A Connection does one thing at a time; `close()` ends it, from anywhere (contract 6)."""

import contextlib
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

import hcpsdk

from ..support.raw_server import OK, PATIENCE, Gone, answer, answering, chunked_answer

IN_USE = "a Connection for each thread"
CLOSED = "the Connection was closed"


class Scheme(NamedTuple):
    """http or https."""

    serve: Callable[..., Any]
    target: Callable[..., hcpsdk.Target]


@pytest.fixture(params=["http", "https"])
def scheme(
    request: Any, raw_server: Any, loopback: str, tls_context: Any, authorization: Any
) -> Scheme:
    """How to start a server, and how to make a Target for it."""
    where = (loopback, 8000, tls_context) if request.param == "https" else (loopback,)

    def target(server: Any) -> hcpsdk.Target:
        return hcpsdk.Target(server.address, authorization, server.port)

    return Scheme(lambda handler: raw_server(handler, *where), target)


class Running:
    """Something that runs in another thread; `result` is what it returned or raised."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self.result: Any = None
        self._action = action
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._action()
        except BaseException as exc:
            self.result = exc

    def wait_for_network(self) -> None:
        """Return once it waits in a call of Python's own socket code."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            frame = sys._current_frames().get(self._thread.ident or 0)
            if frame is not None and frame.f_code.co_name in WAITING:
                return
            time.sleep(0.001)
        raise AssertionError("it does not wait for the network")

    def outcome(self) -> Any:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "it was not ended"
        return self.result


# The functions in which something waits for the network.
WAITING = {
    "recv",
    "recv_into",
    "read",
    "readline",
    "_receive",
    "send",
    "_send_bytes",
    "do_handshake",
    "_open",
    "connect",  # of the emulator, if another test uses it
    "_next_chunk",
}


# Used while it is in use


@pytest.mark.parametrize("port", ["http", "https"])
def test_threads_with_one_connection(
    raw_server: Any, loopback: str, tls_context: Any, port: str
) -> None:
    """Threads that share a Connection get their own object or a RuntimeError: never another
    object's bytes, never a crash."""
    script = """
        import sys, threading, hcpsdk
        authorization = hcpsdk.NativeAuthorization("n", "n01")
        target = hcpsdk.Target(sys.argv[1], authorization, int(sys.argv[2]))
        connection = hcpsdk.Connection(target, timeout=20)
        counts = {"whole": 0, "refused": 0}
        def work(digit):
            for _ in range(100):
                try:
                    body = connection.GET(f"/rest/{digit}").read()
                except RuntimeError as exc:
                    assert "a Connection for each thread" in str(exc), exc
                    counts["refused"] += 1
                    continue
                except hcpsdk.HcpsdkError as exc:
                    # Another thread's request discarded the body before it was read.
                    assert "discarded" in exc.reason or "no response" in exc.reason, exc
                    continue
                assert body == str(digit).encode() * 100_000, body[:20]
                counts["whole"] += 1
        failures = []
        threading.excepthook = lambda args: failures.append(args.exc_value)
        threads = [threading.Thread(target=work, args=(digit,)) for digit in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert not failures, failures
        connection.close()
        print(counts["whole"] > 0, counts["refused"] > 0)
    """

    def handler(peer: Any) -> None:
        try:
            for request in peer.each_request():
                peer.send(answer(request.target[-1:].encode() * 100_000))
        except (Gone, OSError):
            pass  # the rest was discarded

    where = (loopback, 8000, tls_context) if port == "https" else (loopback,)
    server = raw_server(handler, *where)
    command = [sys.executable, "-c", textwrap.dedent(script), server.address, str(server.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert (done.returncode, done.stdout.split()) == (0, ["True", "True"]), done.stderr


def test_read_while_another_read_is_running(scheme: Scheme) -> None:
    """A second read is refused; the first one gets its bytes."""
    go_on = threading.Event()

    def handler(peer: Any) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
        assert go_on.wait(PATIENCE)
        peer.send(b"rest")
        answering(OK)(peer)

    with hcpsdk.Connection(scheme.target(scheme.serve(handler))) as connection:
        connection.GET("/rest/a")
        assert connection.read(4) == b"half"
        reading = Running(connection.read)
        reading.wait_for_network()
        for action in (connection.read, lambda: connection.HEAD("/rest/b")):
            with pytest.raises(RuntimeError, match=IN_USE):
                action()
        assert repr(connection).endswith("READING>")
        go_on.set()
        assert reading.outcome() == b"rest"
        assert connection.HEAD("/rest/c").status == 200


def test_request_while_another_one_is_running(scheme: Scheme) -> None:
    """A second request, or a read, is refused; the first one gets its response."""
    go_on = threading.Event()

    def handler(peer: Any) -> None:
        peer.read_request()
        assert go_on.wait(PATIENCE)
        peer.send(answer(b"body"))

    with hcpsdk.Connection(scheme.target(scheme.serve(handler)), idletime=0.01) as connection:
        running = Running(lambda: connection.PUT("/rest/a", b"data").status)
        running.wait_for_network()
        for action in (connection.read, lambda: connection.GET("/rest/b")):
            with pytest.raises(RuntimeError, match=IN_USE):
                action()
        assert repr(connection).endswith("WAITING>")
        go_on.set()
        assert running.outcome() == 200
        assert connection.attempts == 1
        assert connection.read() == b"body"


@pytest.mark.parametrize("length", [None, 10], ids=["chunked", "length"])
def test_body_that_uses_the_connection_which_sends_it(scheme: Scheme, length: int | None) -> None:
    """It is refused; if the body goes on all the same, exactly its pieces are stored."""
    server = scheme.serve(answering(OK))
    refusals = []

    with hcpsdk.Connection(scheme.target(server), retries=2) as connection:

        def body() -> Iterator[bytes]:
            for _ in range(2):
                try:
                    connection.GET("/rest/source")
                except RuntimeError as exc:
                    refusals.append(str(exc))
                yield b"piece"

        headers = {"Content-Length": length} if length else None
        assert connection.PUT("/rest/a", body(), headers=headers).status == 200
        assert connection.attempts == 1

    assert len(refusals) == 2
    assert "the body of a request" in refusals[0]
    stored = server.requests
    assert len(stored) == 1
    framed = b"piecepiece" if length else b"5\r\npiece\r\n5\r\npiece\r\n0\r\n\r\n"
    assert stored[0].body in (b"piecepiece", framed)


def test_body_that_does_not_expect_to_be_refused(scheme: Scheme) -> None:
    """What it raises reaches the caller as it is; the object is not stored, nothing is retried."""

    def handler(peer: Any) -> None:
        with pytest.raises(Gone):
            peer.read_request()

    server = scheme.serve(handler)
    with hcpsdk.Connection(scheme.target(server), retries=2) as connection:

        def body() -> Iterator[bytes]:
            yield b"piece"
            yield connection.GET("/rest/source").read()

        with pytest.raises(RuntimeError, match=IN_USE):
            connection.PUT("/rest/a", body())
        assert connection.attempts == 1
        assert connection.response_status is None
    assert len(server.wait_for_finished(1)) == 1


@pytest.fixture
def on_signal() -> Iterator[Callable[[Callable[[], Any]], Callable[[], None]]]:
    """``on_signal(action)`` makes *action* a signal's handler; returns what sends the signal."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")
    before = signal.getsignal(signal.SIGUSR1)

    def install(action: Callable[[], Any]) -> Callable[[], None]:
        handled = threading.Event()

        def handler(_number: int, _frame: Any) -> None:
            try:
                action()
            finally:
                handled.set()

        def send() -> None:
            handled.clear()
            main = threading.main_thread()
            # Again and again: a signal that comes just before a system call does not end it.
            for _ in range(int(PATIENCE / 0.1)):
                signal.pthread_kill(main.ident or 0, signal.SIGUSR1)
                if threading.current_thread() is main or handled.wait(0.1):
                    return
            raise AssertionError("the signal was not handled")

        signal.signal(signal.SIGUSR1, handler)
        return send

    yield install
    signal.signal(signal.SIGUSR1, before)


def test_signal_handler_that_uses_the_connection(scheme: Scheme, on_signal: Any) -> None:
    """It is refused; the request that it interrupts gets its own response and stores its body."""
    refusals = []

    def handler(peer: Any) -> None:
        assert peer.read_request().body == b"onetwo"
        send()
        peer.send(answer(b"", status="201 Created"))

    with hcpsdk.Connection(scheme.target(scheme.serve(handler)), retries=2) as connection:

        def head() -> None:
            try:
                connection.HEAD("/rest/b")
            except RuntimeError as exc:
                refusals.append(str(exc))

        def body() -> Iterator[bytes]:
            yield b"one"
            send()
            yield b"two"

        send = on_signal(head)
        response = connection.PUT("/rest/a", body(), headers={"Content-Length": 6})
        assert response.status == 201
    assert len(refusals) == 2
    assert "signal handlers" in refusals[0]


# Closed while it is in use


def silent(peer: Any) -> None:
    """Take a request, and send nothing."""
    with contextlib.suppress(OSError):
        peer.read_request()
    wait_for_the_end(peer)


def wait_for_the_end(peer: Any) -> None:
    try:
        while peer.sock.recv(65536):
            pass
    except OSError:
        pass


def half(head: bytes, was_sent: threading.Event) -> Callable[[Any], None]:
    def handler(peer: Any) -> None:
        assert peer.read_request()
        peer.send(head + b"half")
        was_sent.set()
        wait_for_the_end(peer)

    return handler


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n"
KNOWN = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "POST", "DELETE"])
def test_closed_while_waiting_for_the_response(scheme: Scheme, verb: str) -> None:
    """The request ends with a clear error, at once, and is not sent again."""
    server = scheme.serve(silent)
    connection = hcpsdk.Connection(scheme.target(server), timeout=None, retries=2)
    running = Running(lambda: getattr(connection, verb)("/rest/a"))
    server.wait_for_peers(1)
    running.wait_for_network()

    connection.close()

    error = running.outcome()
    assert isinstance(error, hcpsdk.HcpsdkError), error
    assert CLOSED in error.reason
    assert connection.response_status is None
    assert repr(connection).endswith("CLOSED>")
    assert len(server.wait_for_finished(1)) == 1


@pytest.mark.parametrize("head", [KNOWN, CHUNKED, UNTIL_CLOSE], ids=["length", "chunked", "close"])
@pytest.mark.parametrize("way", ["read", "clean up", "iterate"])
def test_closed_while_reading(scheme: Scheme, head: bytes, way: str) -> None:
    """The read ends with a clear error, at once: what came so far never looks whole."""
    was_sent = threading.Event()
    server = scheme.serve(half(head, was_sent))
    connection = hcpsdk.Connection(scheme.target(server), timeout=None, retries=2)
    actions: dict[str, Callable[[], Any]] = {
        "read": connection.read,
        "clean up": lambda: connection.PUT("/rest/a", b"data"),
        "iterate": lambda: list(connection.response or []),
    }
    if way != "clean up":
        connection.GET("/rest/a")
    running = Running(actions[way])
    assert was_sent.wait(PATIENCE)
    running.wait_for_network()

    connection.close()

    error = running.outcome()
    assert isinstance(error, hcpsdk.HcpsdkError), error
    assert CLOSED in error.reason
    with pytest.raises(hcpsdk.HcpsdkError):
        connection.read()
    assert repr(connection).endswith("CLOSED>")
    assert len(server.wait_for_finished(1)) == 1


def test_response_closed_while_it_is_read(scheme: Scheme) -> None:
    """`close()` of the response ends a read that is running, as the Connection's does."""
    server = scheme.serve(half(UNTIL_CLOSE, threading.Event()))
    connection = hcpsdk.Connection(scheme.target(server), timeout=None)
    response = connection.GET("/rest/a")
    running = Running(response.read)
    running.wait_for_network()

    response.close()

    assert isinstance(running.outcome(), hcpsdk.HcpsdkError)


def test_closed_while_sending(scheme: Scheme) -> None:
    """A body that the server does not take ends, too."""
    is_over = threading.Event()

    def handler(_peer: Any) -> None:
        assert is_over.wait(PATIENCE)

    connection = hcpsdk.Connection(scheme.target(scheme.serve(handler)), timeout=None, retries=2)
    running = Running(lambda: connection.PUT("/rest/a", b"x" * 50_000_000))
    running.wait_for_network()

    connection.close()

    error = running.outcome()
    is_over.set()
    assert isinstance(error, hcpsdk.HcpsdkError), error
    assert CLOSED in error.reason


def test_closed_within_the_tls_handshake(
    raw_server: Any, loopback: str, authorization: Any
) -> None:
    """A server that is silent in the handshake does not hold up `close()`."""
    server = raw_server(wait_for_the_end, loopback, 8000)
    target = hcpsdk.Target(loopback, authorization, 8000)
    connection = hcpsdk.Connection(target, timeout=None, retries=2)
    running = Running(lambda: connection.HEAD("/rest/a"))
    server.wait_for_peers(1)
    running.wait_for_network()

    connection.close()

    error = running.outcome()
    assert isinstance(error, hcpsdk.HcpsdkError), error
    assert CLOSED in error.reason
    assert connection.attempts == 0
    assert len(server.peers) == 1


def test_closed_while_connecting(loopback: str, authorization: Any) -> None:
    """A node that does not take the connection does not hold up `close()`."""
    listener = socket.create_server((loopback, 0), backlog=0)
    address = listener.getsockname()
    others = [socket.socket() for _ in range(3)]  # fill the backlog
    for other in others:
        other.setblocking(False)
        other.connect_ex(address)
    target = hcpsdk.Target(loopback, authorization, address[1])
    connection = hcpsdk.Connection(target, timeout=None, retries=2)
    running = Running(lambda: connection.HEAD("/rest/a"))
    running.wait_for_network()

    connection.close()

    error = running.outcome()
    for each in (listener, *others):
        each.close()
    assert isinstance(error, hcpsdk.HcpsdkError), error
    assert CLOSED in error.reason
    assert connection.attempts == 0


def test_closed_by_the_body(scheme: Scheme) -> None:
    """A body that closes the Connection which sends it ends the request, without a retry."""

    def handler(peer: Any) -> None:
        with pytest.raises(Gone):
            peer.read_request()

    server = scheme.serve(handler)
    connection = hcpsdk.Connection(scheme.target(server), retries=2)

    def body() -> Iterator[bytes]:
        yield b"piece"
        connection.close()
        yield b"another"

    with pytest.raises(hcpsdk.HcpsdkError, match=CLOSED):
        connection.PUT("/rest/a", body())
    assert connection.attempts == 1
    assert len(server.wait_for_finished(1)) == 1


def test_closed_by_a_signal_handler(scheme: Scheme, on_signal: Any) -> None:
    """A signal's handler can end the request that it interrupts."""

    def handler(peer: Any) -> None:
        peer.read_request()
        send()
        wait_for_the_end(peer)

    server = scheme.serve(handler)
    connection = hcpsdk.Connection(scheme.target(server), timeout=None, retries=2)
    send = on_signal(connection.close)

    with pytest.raises(hcpsdk.HcpsdkError, match=CLOSED):
        connection.GET("/rest/a")
    assert connection.attempts == 1
    assert len(server.wait_for_finished(1)) == 1


def test_usable_after_it_was_closed_in_use(scheme: Scheme) -> None:
    """The next request opens it again, and gets its own response."""
    handlers = [silent, answering(chunked_answer(b"next"))]
    server = scheme.serve(lambda peer: handlers[peer.number](peer))
    with hcpsdk.Connection(scheme.target(server), timeout=None) as connection:
        running = Running(lambda: connection.GET("/rest/a"))
        server.wait_for_peers(1)
        running.wait_for_network()
        connection.close()
        assert isinstance(running.outcome(), hcpsdk.HcpsdkError)

        assert connection.GET("/rest/b").status == 200
        assert connection.read() == b"next"
