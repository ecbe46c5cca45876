"""The idle timer: sockets are closed when they should be, and never a moment earlier."""

import contextlib
import gc
import os
import pathlib
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import hcpsdk
from hcpsdk._transport.idle_timer import idle_timer

from ..support.raw_server import (
    OK,
    PATIENCE,
    Connect,
    Peer,
    StartServer,
    answer,
    answering,
    chunked_answer,
    in_turn,
)


def timer_threads() -> Any:
    """The threads of the timer, without one that is just ending after it had nothing to watch."""
    threads = [thread for thread in threading.enumerate() if thread.name == "hcpsdk-idle"]
    for thread in threads:
        if thread is not idle_timer.thread:
            thread.join(10)
    return [thread for thread in threads if thread.is_alive()]


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "POST", "DELETE"])
def test_closed_after_the_idle_time(raw_server: StartServer, connect: Connect, verb: str) -> None:
    """After a request the socket stays open for `idletime`, and is then really closed (contract
    5.1)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        answered = time.monotonic()
        peer.send(answer(b"" if verb == "HEAD" else b"abc"))
        peer.wait_for_close()
        waited.append(time.monotonic() - answered)

    waited: list[Any] = []
    server = raw_server(handler)
    connection = connect(server, idletime=0.1)
    for count in (1, 2):
        getattr(connection, verb)("/rest/a")
        connection.read()
        server.wait_for_finished(count)  # nobody but the timer closes it
        assert connection.response_status == 200

    assert all(seconds >= 0.1 for seconds in waited)
    assert len(server.peers) == 2


@pytest.mark.parametrize(
    "read",
    [
        lambda response: response.read(),
        lambda response: response.read(6),
        lambda response: [response.read(2) for _ in range(4)],
        lambda response: response.readinto(bytearray(6)),
        lambda response: list(response),
        lambda response: [response.read1(2) for _ in range(4)],
    ],
)
def test_time_starts_at_the_end_of_the_body(
    raw_server: StartServer, connect: Connect, read: Any
) -> None:
    """The idle time starts when the body was read to its end, in whichever way (contract 5.1)."""
    server = raw_server(answering(answer(b"abcdef")))
    connection = connect(server, idletime=0.01)

    read(connection.GET("/rest/a"))

    server.wait_for_finished(1)


def test_kept_open_within_the_idle_time(raw_server: StartServer, connect: Connect) -> None:
    """Within the idle time requests share one socket (contract 5.1)."""
    server = raw_server(answering(*[answer(b"x")] * 50))
    connection = connect(server, idletime=1000)
    for _ in range(50):
        connection.GET("/rest/a").read()

    assert len(server.peers) == 1


def test_no_idle_time(raw_server: StartServer, connect: Connect) -> None:
    """``idletime=0`` closes after each request (contract 5.3)."""
    server = raw_server(answering(answer(b"abc")))
    connection = connect(server, idletime=0)
    for count, verb in enumerate(["GET", "PUT", "POST", "DELETE", "GET"], 1):
        response = getattr(connection, verb)("/rest/a")
        if verb == "GET":
            assert response.read() == b"abc"
        server.wait_for_finished(count)
        assert connection.read() == (b"" if verb == "GET" else b"abc")
        assert connection.attempts == 1


def test_arming_again_and_again(raw_server: StartServer, connect: Connect) -> None:
    """A deadline that comes true while requests go on disturbs none of them (contract 5.3)."""
    server = raw_server(answering(*[answer(b"x")] * 10_000))
    connection = connect(server, idletime=0.0003)
    for number in range(500):
        assert connection.GET("/rest/a").read() == b"x"
        assert connection.attempts == 1
        if number % 50 == 0:  # now and then the timer is to win
            server.wait_for_finished(len(server.peers))

    assert len(server.peers) > 5


def wait_until_timer_has_closed(raw_server: StartServer, connect: Connect, count: Any = 2) -> None:
    """Come back when the timer has closed some Connections that were armed after now."""
    for _ in range(count):
        server = raw_server(answering(OK))
        connect(server, idletime=0.05).PUT("/rest/other", b"abc")
        server.wait_for_finished(1)


def test_not_closed_while_a_body_is_outstanding(raw_server: StartServer, connect: Connect) -> None:
    """The timer closes no socket in use: an answer that is still being read (contract 5.3)."""
    server = raw_server(answering(answer(b"x" * 1000), answer(b"next")))
    connection = connect(server, idletime=0.01)
    connection.GET("/rest/a")

    wait_until_timer_has_closed(raw_server, connect)
    assert connection.read(10) == b"x" * 10
    wait_until_timer_has_closed(raw_server, connect)
    assert connection.read() == b"x" * 990


@pytest.mark.parametrize("is_kept_alive", [True, False])
def test_not_closed_within_a_slow_upload(
    raw_server: StartServer, connect: Connect, is_kept_alive: bool
) -> None:
    """The timer closes no socket in use: a body that is still being sent (contract 5.3)."""

    def pieces() -> Iterator[Any]:
        yield b"a" * 100_000
        wait_until_timer_has_closed(raw_server, connect)
        yield b"b"

    server = raw_server(answering(OK, OK) if is_kept_alive else answering(OK))
    connection = connect(server, idletime=0.02)
    if is_kept_alive:
        connection.GET("/rest/first")

    connection.PUT("/rest/a", pieces())

    assert connection.response_status == 200
    assert connection.attempts == 1
    assert server.requests[-1].body == b"a" * 100_000 + b"b"


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
def test_not_closed_while_the_server_thinks(
    raw_server: StartServer, connect: Connect, verb: str
) -> None:
    """The timer closes no socket in use: an answer that takes its time (contract 5.3)."""

    def handler(peer: Peer) -> None:
        if peer.read_request().target == "/rest/first":
            peer.send(OK)
            if peer.read_request() is None:  # closed before the next request came
                return
        assert thought.wait(PATIENCE)
        peer.send(answer(b"abc")[:-1])
        assert thought_again.wait(PATIENCE)
        peer.send(b"c")
        peer.wait_for_close()

    def others() -> None:
        wait_until_timer_has_closed(raw_server, connect)
        thought.set()
        wait_until_timer_has_closed(raw_server, connect)
        thought_again.set()

    thought, thought_again = threading.Event(), threading.Event()
    server = raw_server(handler)
    connection = connect(server, idletime=0.02)
    connection.GET("/rest/first")
    thread = threading.Thread(target=others)
    thread.start()

    getattr(connection, verb)("/rest/a")
    assert connection.read() == b"abc"
    assert connection.attempts == 1
    thread.join()
    server.wait_for_finished(1)  # and then it is closed


def test_deadlines_of_many(raw_server: StartServer, connect: Connect) -> None:
    """Each Connection is closed at its own time, whatever the order they came in (contract 5.1)."""
    order = []

    def handler(peer: Peer) -> None:
        number = int(peer.read_request().target.rpartition("/")[2])
        peer.send(OK)
        peer.wait_for_close()
        order.append(number)

    server = raw_server(handler)
    for number in (3, 1, 4, 2):
        connect(server, idletime=0.5 * number).GET(f"/rest/{number}")
    server.wait_for_finished(4)

    assert order == [1, 2, 3, 4]


# Threads


def test_one_timer_thread_for_all(raw_server: StartServer, connect: Connect) -> None:
    """One timer thread serves all Connections (contract 5.2)."""
    server = raw_server(answering(OK, OK))
    connections = [connect(server) for _ in range(20)]
    for connection in connections * 2:
        connection.GET("/rest/a")

    assert len(timer_threads()) == 1
    assert timer_threads()[0].daemon


def test_no_thread_per_request(
    raw_server: StartServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread is started or stopped per request (contract 5.2)."""
    server = raw_server(answering(*[answer(b"x")] * 200))
    connection = connect(server)
    connection.GET("/rest/a").read()
    (timer,) = timer_threads()
    before = threading.active_count()
    started = []
    start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda it: started.append(it) or start(it))

    for _ in range(50):
        connection.GET("/rest/a").read()
        connection.POST("/rest/a")

    assert started == []
    assert threading.active_count() == before
    assert timer_threads() == [timer]


def test_no_wake_up_per_request(
    raw_server: StartServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arming and disarming cost about as much as storing a number: no wake-ups (contract 5.2)."""
    server = raw_server(answering(*[OK] * 201))
    connection = connect(server, idletime=1000)
    connection.GET("/rest/a")
    woken: list[int] = []
    wake = idle_timer._wake
    monkeypatch.setattr(idle_timer, "_wake", lambda: woken.append(1) or wake())

    for _ in range(200):
        connection.HEAD("/rest/a")

    monkeypatch.undo()
    assert len(woken) <= 1


def test_thread_ends_with_the_last_open_socket(raw_server: StartServer) -> None:
    """The timer's thread ends soon after the last open socket is closed, even while Connections
    are referenced (contract 5.2)."""
    server = raw_server(answering(OK))
    done = run(
        """
        import sys, threading, hcpsdk
        auth = hcpsdk.NativeAuthorization("n", "n01")
        target = hcpsdk.Target(sys.argv[1], auth, port=int(sys.argv[2]))
        connections = [hcpsdk.Connection(target, idletime=1000) for _ in range(3)]
        for connection in connections:
            connection.HEAD("/rest/a")
        (timer,) = (t for t in threading.enumerate() if t is not threading.current_thread())
        for connection in connections:
            connection.close()
        timer.join(30)
        print(threading.active_count())
        """,
        server.address,
        server.port,
    )
    assert done.stdout.strip() == "1"


# Unclosed Connections


@pytest.mark.parametrize("state", ["idle", "unread", "partly read", "kept body"])
def test_collected_connection(
    raw_server: StartServer, authorization: hcpsdk.NativeAuthorization, state: Any
) -> None:
    """When a Connection is garbage collected its socket is closed (contract 5.4)."""
    server = raw_server(answering(answer(b"x" * 100)))
    target = hcpsdk.Target("127.0.0.1", authorization, port=server.port)
    with warnings.catch_warnings():
        # With an unread answer two objects hold the socket, and the last one warns.
        warnings.simplefilter("error" if state in ("idle", "kept body") else "ignore")
        connection = hcpsdk.Connection(target, idletime=1000)
        if state == "kept body":
            connection.POST("/rest/a")
        else:
            connection.GET("/rest/a")
            connection.read({"idle": None, "unread": 0, "partly read": 10}[state])
        del connection
        gc.collect()

    server.wait_for_finished(1)


def test_timer_keeps_no_connection_alive(
    raw_server: StartServer, authorization: hcpsdk.NativeAuthorization
) -> None:
    """Unclosed Connections do not pile up: what is forgotten is gone (contract 5.4)."""
    server = raw_server(answering(OK))
    target = hcpsdk.Target("127.0.0.1", authorization, port=server.port)
    for _ in range(50):
        hcpsdk.Connection(target, idletime=1000).GET("/rest/a")
    gc.collect()

    server.wait_for_finished(50)


def run(code: Any, *arguments: Any, warnings: Any = "error") -> Any:
    """Run *code* as a program of its own."""
    return subprocess.run(
        [sys.executable, "-W", warnings, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(hcpsdk.__file__).parent.parent)},
    )


PROGRAM = """
    import sys, hcpsdk
    auth = hcpsdk.NativeAuthorization("n", "n01")
    target = hcpsdk.Target("127.0.0.1", auth, port=int(sys.argv[1]))
    connection = hcpsdk.Connection(target, timeout=1000, idletime=1000)
    connection.GET("/rest/a")
"""


@pytest.mark.parametrize(
    "ending",
    [
        "connection.read()",
        "",
        "connection.read(1)",
        "connection.read(); raise SystemExit(0)",
        "import threading; threading.Thread(target=connection.read).start()",
    ],
)
def test_program_end_is_not_delayed(raw_server: StartServer, ending: Any) -> None:
    """An unclosed Connection never delays the end of the program, nor clutters it (contract
    5.4)."""
    server = raw_server(answering(answer(b"abc")))

    finished = run(PROGRAM + "    " + ending, server.port)

    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    server.wait_for_finished(1)


def test_program_that_uses_a_connection_at_its_end(raw_server: StartServer) -> None:
    """A request from an exit handler works, although threads cannot be started then (contract
    5.4)."""
    server = raw_server(answering(answer(b"abc")))

    finished = run(
        """
        import atexit, sys, hcpsdk
        auth = hcpsdk.NativeAuthorization("n", "n01")
        target = hcpsdk.Target("127.0.0.1", auth, port=int(sys.argv[1]))
        connection = hcpsdk.Connection(target, idletime=1000)
        atexit.register(lambda: print(connection.GET("/rest/a").read()))
        """,
        server.port,
    )

    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "b'abc'\n", "")


def test_collected_while_the_timer_looks(raw_server: StartServer) -> None:
    """A collection in the middle of the timer's own work hangs nobody (contract 5.4, 5.2)."""
    server = raw_server(answering(answer(b"x" * 100)))

    finished = run(  # in a process of its own: what hangs there, hangs for good
        """
        import gc, sys, threading, hcpsdk
        from hcpsdk._transport.idle_timer import idle_timer

        class Collecting:
            "Looking at its deadline collects garbage, as any step of a program may."
            @property
            def deadline(self):
                gc.collect()
                looked.set()
                return float("inf")

        looked = threading.Event()
        auth = hcpsdk.NativeAuthorization("n", "n01")
        target = hcpsdk.Target("127.0.0.1", auth, port=int(sys.argv[1]))
        collecting = Collecting()
        gc.disable()
        hcpsdk.Connection(target).GET("/rest/unread")
        idle_timer.watch(collecting)
        idle_timer.arm(0)
        if not looked.wait(10):
            sys.exit("the timer hangs")
        with hcpsdk.Connection(target) as connection:
            print(connection.GET("/rest/a").status)
        """,
        server.port,
        warnings="ignore::ResourceWarning",
    )

    assert (finished.returncode, finished.stdout) == (0, "200\n"), finished.stderr
    server.wait_for_finished(2)


def test_closing_while_the_timer_does(raw_server: StartServer, connect: Connect) -> None:
    """Closing from the timer and from the program at the same instant is safe (contract 5.3,
    3.8)."""
    server = raw_server(answering(answer(b"x")))
    for count in range(1, 200):
        connection = connect(server, idletime=0.0002)
        connection.GET("/rest/a").read()
        connection.close()
        connection.close()
        server.wait_for_finished(count)


def test_chunked_answers_and_the_timer(raw_server: StartServer, connect: Connect) -> None:
    """A chunked body is at its end when that was read, not when its data were (contract 5.1,
    5.3)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        data = chunked_answer(b"abc")
        peer.send(data[:-5])
        assert others_closed.wait(PATIENCE)
        peer.send(data[-5:])
        with contextlib.suppress(ConnectionError):
            peer.wait_for_close()

    others_closed = threading.Event()
    server = raw_server(in_turn(handler))
    connection = connect(server, idletime=0.01)
    connection.GET("/rest/a")

    assert connection.read(3) == b"abc"
    wait_until_timer_has_closed(raw_server, connect)
    others_closed.set()
    assert connection.read() == b""
    server.wait_for_finished(1)
