"""Threads that share a Target, forks, and workers that are sent one."""

import json
import os
import pickle
import subprocess
import sys
import textwrap
import threading
from typing import Any

import pytest

import hcpsdk

NAME = "n1.m.hcp1.snomis.local"
PATIENCE = 60.0  # seconds
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def run_script(code: str, *arguments: str, given: bytes = b"") -> Any:
    """What *code* writes as JSON to stdout, run by an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        input=given,
        capture_output=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def echo(peer: Any) -> None:
    """Answer each request with its path, and the number of the connection it came over."""
    for request in peer.each_request():
        body = b"" if request.method == "HEAD" else f"{peer.number} {request.target}".encode()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


# Threads


def test_one_target_many_threads(cluster: Any, names: Any, authorization: Any) -> None:
    """One Target, any number of threads, each with a Connection of its own: each gets its own
    answers, and all nodes are used alike (contract 6)."""
    nodes = cluster(4, echo)
    names.set(NAME, nodes.addresses)
    target = hcpsdk.Target(NAME, authorization, nodes.port)
    barrier = threading.Barrier(16)
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            barrier.wait(PATIENCE)
            with hcpsdk.Connection(target, idletime=0) as connection:
                for turn in range(25):
                    path = f"/rest/{number}/{turn}"
                    connection.GET(path)
                    assert connection.read().decode().split(" ")[1] == path
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert errors == []
    assert nodes.connections() == [100, 100, 100, 100]


def test_many_threads_lose_a_node(cluster: Any, names: Any, authorization: Any) -> None:
    """Threads that share a Target all go on when a node dies under them (contract 6, 2.6)."""
    nodes = cluster(3, echo)
    names.set(NAME, nodes.addresses)
    target = hcpsdk.Target(NAME, authorization, nodes.port)
    barrier = threading.Barrier(9)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with hcpsdk.Connection(target, idletime=30, retries=3) as connection:
                for turn in range(40):
                    if turn == 10:
                        barrier.wait(PATIENCE)
                        barrier.wait(PATIENCE)  # meanwhile a node dies
                    connection.HEAD("/rest/a")
                    assert connection.response_status == 200
        except BaseException as exc:
            errors.append(exc)
            barrier.abort()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    barrier.wait(PATIENCE)
    nodes.kill(1)
    barrier.wait(PATIENCE)
    for thread in threads:
        thread.join(PATIENCE)
    assert errors == []


def test_connection_handed_to_another_thread(raw_server: Any, connect: Any) -> None:
    """A Connection is for one thread at a time, not for one thread for ever (contract 6)."""
    connection = connect(raw_server(echo))
    connection.GET("/rest/a")
    found: list[bytes] = []

    def work() -> None:
        found.append(connection.read())
        connection.GET("/rest/b")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(PATIENCE)
    assert [*found, connection.read()] == [b"0 /rest/a", b"0 /rest/b"]


# Forks

FORK = """
    import hcpsdk, json, os, signal, sys, threading, warnings
    warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside the timer's thread
    signal.alarm(50)

    def in_child(work):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            signal.alarm(40)
            try:
                told = work()
            except BaseException as exc:
                told = repr(exc)
            os.write(writing, json.dumps(told).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            told = pipe.read()
        os.waitpid(child, 0)
        return json.loads(told or '"the child died"')

    address, port = sys.argv[1], int(sys.argv[2])
    target = hcpsdk.Target(address, hcpsdk.NativeAuthorization("n", "n01"), port)
    connection = hcpsdk.Connection(target, timeout=20)

    def get(path, connection=connection):
        connection.GET(path)
        return connection.read().decode()
"""


@pytest.fixture(params=["plain", "tls"])
def server(request: pytest.FixtureRequest, raw_server: Any, tls_node: Any) -> Any:
    """A server that echoes, plain and with TLS."""
    return raw_server(echo) if request.param == "plain" else tls_node(NAME, handler=echo)


def fork_script(server: Any, code: str) -> Any:
    script = textwrap.dedent(FORK) + textwrap.dedent(code)
    return run_script(script, server.address, str(server.port))


@forks
def test_child_opens_a_socket_of_its_own(server: Any) -> None:
    """After fork() a Connection opens a socket of its own instead of sharing its parent's, which
    the parent goes on using (contract 6)."""
    told = fork_script(
        server,
        """
        told = [get("/rest/1")]
        told.append(in_child(lambda: [get("/rest/2"), get("/rest/3")]))
        told.append(get("/rest/4"))
        told.append(in_child(lambda: [get("/rest/5"), connection.close(), get("/rest/6")]))
        told.append(get("/rest/7"))
        print(json.dumps(told))
        """,
    )
    assert told == [
        "0 /rest/1",
        ["1 /rest/2", "1 /rest/3"],
        "0 /rest/4",
        ["2 /rest/5", None, "3 /rest/6"],
        "0 /rest/7",
    ]
    assert [len(peer.requests) for peer in server.peers] == [3, 2, 1, 1]


@forks
def test_grandchild(server: Any) -> None:
    """Each fork is noticed, that of a child too (contract 6)."""
    told = fork_script(
        server,
        """
        told = [get("/rest/1")]
        told.append(in_child(lambda: [get("/rest/2"), in_child(lambda: get("/rest/3")),
                                      get("/rest/4")]))
        told.append(get("/rest/5"))
        print(json.dumps(told))
        """,
    )
    assert told == ["0 /rest/1", ["1 /rest/2", "2 /rest/3", "1 /rest/4"], "0 /rest/5"]


@forks
@pytest.mark.parametrize(
    "act",
    [
        "connection.close()",
        "del globals()['connection'], get; import gc; gc.collect()",
        "connection.__exit__()",
        "None",
        "sys.exit()",
    ],
)
def test_child_that_closes_does_not_disturb_the_parent(server: Any, act: str) -> None:
    """Whatever a child does with the Connection that it got, the parent's socket lives
    (contract 6)."""
    told = fork_script(
        server,
        f"""
        def act():
            global get
            {act}
        told = [get("/rest/1")]
        in_child(act)
        told.append(get("/rest/2"))
        print(json.dumps(told))
        """,
    )
    assert told == ["0 /rest/1", "0 /rest/2"]


@forks
def test_fork_in_the_middle_of_an_answer(server: Any) -> None:
    """The rest of an answer is the parent's: the child does not take a byte of it, and makes
    requests of its own (contract 6)."""
    told = fork_script(
        server,
        """
        def child():
            try:
                connection.read(1)
            except hcpsdk.HcpsdkError as exc:
                return [exc.reason != "", get("/rest/2")]

        response = connection.GET("/rest/1")
        told = [connection.read(2).decode()]
        told.append(in_child(child))
        told.append(in_child(lambda: get("/rest/3")))
        told.append(connection.read().decode())
        told.append(get("/rest/4"))
        print(json.dumps(told))
        """,
    )
    assert told == ["0 ", [True, "1 /rest/2"], "2 /rest/3", "/rest/1", "0 /rest/4"]


@forks
@pytest.mark.parametrize(
    "act",
    [
        "response.read()",
        "response.close()",
        "connection.close()",
        "connection.GET('/rest/2')",
        "globals().clear(); import gc; gc.collect()",
        "None",
    ],
)
def test_child_that_ends_an_answer_does_not_disturb_the_parent(server: Any, act: str) -> None:
    """Whatever a child does with an answer that is not yet read, the parent reads it to its end,
    over the socket that it goes on using (contract 6)."""
    told = fork_script(
        server,
        f"""
        def act():
            {act}
        response = connection.GET("/rest/1")
        told = [connection.read(2).decode()]
        in_child(act)
        told.append(connection.read().decode())
        told.append(get("/rest/4"))
        print(json.dumps(told))
        """,
    )
    assert told == ["0 ", "/rest/1", "0 /rest/4"]


@forks
def test_idle_time_in_a_child(server: Any) -> None:
    """A child's Connections are closed after their idle time, as the parent's are: its timer
    works (contract 6, 5.1)."""
    told = fork_script(
        server,
        """
        get("/rest/1")

        def child():
            own = hcpsdk.Connection(target, timeout=20, idletime=0.05)
            told = get("/rest/2", own)
            while own._channel._keepalive.socket is not None:
                threading.Event().wait(0.01)
            return [told, get("/rest/3", own)]

        print(json.dumps(in_child(child)))
        """,
    )
    assert told == ["1 /rest/2", "2 /rest/3"]


@forks
def test_forks_while_threads_work(raw_server: Any) -> None:
    """A fork at any moment leaves the child with a Target and a Connection that work: no lock is
    left taken (contract 6)."""
    told = fork_script(
        raw_server(echo),
        """
        stop = threading.Event()

        def work():
            own = hcpsdk.Connection(target, timeout=20, idletime=0.001)
            while not stop.is_set():
                target.getaddr()
                target._circle.connect_failed(address)
                target._circle.refresh()
                own.HEAD("/rest/a")
            own.close()

        get("/rest/1")
        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        told = [in_child(lambda: [target.getaddr(), get("/rest/2").split()[1]])
                for _ in range(40)]
        stop.set()
        for thread in threads:
            thread.join()
        print(json.dumps([told, get("/rest/3").split()[1]]))
        """,
    )
    assert told == [[["127.0.0.1", "/rest/2"]] * 40, "/rest/3"]


@forks
def test_fork_while_locks_are_taken(server: Any) -> None:
    """Whichever lock another thread holds at the moment of a fork, the child's Target and
    Connection work (contract 6)."""
    told = fork_script(
        server,
        """
        get("/rest/1")
        with connection._channel._keepalive._repair:
            told = in_child(lambda: [target.getaddr() == address, get("/rest/2"), target.addresses
                                     == [address], connection.close(), get("/rest/3")])
        print(json.dumps([told, get("/rest/4")]))
        """,
    )
    assert told == [[True, "1 /rest/2", True, None, "2 /rest/3"], "0 /rest/4"]


@forks
def test_the_parents_close_closes(server: Any) -> None:
    """A Connection that is closed in the parent is really closed, even while a child from before
    lives on: the child shares nothing (contract 6, 5.1)."""
    script = textwrap.dedent(FORK) + textwrap.dedent(
        """
        get("/rest/1")
        child = os.fork()
        if not child:
            sys.stdin.buffer.read()  # until the test has seen what it wants to see
            os._exit(0)
        connection.close()
        print("closed", flush=True)
        os.waitpid(child, 0)
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, server.address, str(server.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "closed\n"
            server.wait_for_finished(1)
            assert process.poll() is None
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(PATIENCE)


@forks
@pytest.mark.parametrize("act", ["get('/rest/2')", "connection.close()", "gc.collect()"])
def test_child_that_closes_all_descriptors(server: Any, act: str) -> None:
    """A daemon forks and closes all descriptors; then other files have their numbers. The
    Connection works there, and leaves the other files alone (contract 6.4)."""
    told = fork_script(
        server,
        f"""
        import gc

        def daemon():
            global connection
            fifos = []  # ours, to tell what happened
            for number in range(3, 64):
                try:
                    if stat.S_ISFIFO(os.fstat(number).st_mode):
                        fifos.append(number)
                except OSError:
                    pass
            others = sorted(set(range(3, 64)) - set(fifos))
            for number in others:
                null = os.open(os.devnull, os.O_RDONLY)
                if null != number:
                    os.dup2(null, number)
                    os.close(null)
            {act}
            path = get("/rest/3").split()[1]
            connection.close()
            del connection
            gc.collect()
            return [path, all(stat.S_ISCHR(os.fstat(number).st_mode) for number in others)]

        import stat
        told = [get("/rest/1"), in_child(daemon), get("/rest/4")]
        print(json.dumps(told))
        """,
    )
    assert told == ["0 /rest/1", ["/rest/3", True], "0 /rest/4"]


@forks
@pytest.mark.parametrize("retries", [0, 2])
def test_fork_within_a_body(server: Any, retries: int) -> None:
    """A generator that forks while it is being sent: the parent's object is whole and unmixed, and
    the child fails, or opens a socket of its own (contract 6.4)."""
    told = fork_script(
        server,
        f"""
        connection = hcpsdk.Connection(target, timeout=20, retries={retries})
        reading, writing = os.pipe()
        child = None

        def body():
            global child
            yield b"a" * 70000
            child = os.fork()
            if not child:
                signal.alarm(40)
            else:
                # Once the child is done, the parent goes on.
                os.close(writing)
                os.read(reading, 1)
            yield (b"parent" if child else b"child") * 20000

        try:
            status = connection.PUT("/rest/mixed", body()).status
            told = [status]
        except BaseException as exc:
            told = [type(exc).__name__]
        if not child:
            try:
                told.append(get("/rest/child", connection).split()[1])
            except BaseException as exc:
                told.append(repr(exc))
            os.write(writing, json.dumps(told).encode())
            os._exit(0)
        os.waitpid(child, 0)
        told.append(get("/rest/after", connection).split()[1])
        print(json.dumps(told))
        """,
    )
    assert told == [200, "/rest/after"]
    whole = [request for request in server.requests if request.method == "PUT"]
    assert [request.body for request in whole] == [b"a" * 70000 + b"parent" * 20000]
    assert [request.target for request in server.requests if request.method == "GET"] == [
        "/rest/after",
        "/rest/child",
    ]


# Pickles


def test_target_sent_to_a_worker(server: Any, authorization: Any) -> None:
    """Targets and authorizations pickle, so that they can be sent to worker processes: there they
    work as here (contract 6)."""
    target = hcpsdk.Target(server.address, authorization, server.port)
    told = run_script(
        """
        import json, pickle, sys
        target = pickle.load(sys.stdin.buffer)
        import hcpsdk
        with hcpsdk.Connection(target, timeout=20) as connection:
            connection.GET("/rest/a")
            answer = connection.read().decode()
        print(json.dumps([answer, target.addresses]))
        """,
        given=pickle.dumps(target),
    )
    assert told == ["0 /rest/a", [server.address]]
    sent = server.requests[0]
    for name in ("Host", "Authorization", "Cookie"):
        assert sent.headers(name) == [target.headers[name]]


def test_authorization_sent_to_a_worker(authorization: Any) -> None:
    """Authorizations pickle (contract 6)."""
    told = run_script(
        "import json, pickle, sys; print(json.dumps(pickle.load(sys.stdin.buffer).headers))",
        given=pickle.dumps(authorization),
    )
    assert told == authorization.headers


def test_worker_that_cannot_resolve(raw_server: Any, names: Any, authorization: Any) -> None:
    """A Target loads and works in a worker in which its name does not resolve, with the addresses
    that it brings (contract 2.9, 6.5)."""
    server = raw_server(echo)
    names.set("nowhere.invalid", [server.address])
    target = hcpsdk.Target("nowhere.invalid", authorization, server.port)
    told = run_script(
        """
        import dns.resolver, hcpsdk, json, pickle, sys
        dns.resolver.default_resolver = dns.resolver.Resolver(configure=False)
        dns.resolver.default_resolver.nameservers = ["127.0.0.254"]
        dns.resolver.default_resolver.lifetime = 0.3
        target = pickle.load(sys.stdin.buffer)
        with hcpsdk.Connection(target) as connection:
            connection.GET("/rest/a")
            print(json.dumps(connection.read().decode()))
        """,
        given=pickle.dumps(target),
    )
    assert told == "0 /rest/a"


def test_errors_come_back_from_workers(raw_server: Any, connect: Any) -> None:
    """What a real failure raises pickles, so that a worker can send it back (contract 1.4)."""
    connection = connect(raw_server(lambda peer: peer.read_request() and None))
    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        connection.POST("/rest/a", body=b"data")
    loaded = pickle.loads(pickle.dumps(caught.value))
    assert type(loaded) is type(caught.value)
    assert loaded.reason == caught.value.reason
