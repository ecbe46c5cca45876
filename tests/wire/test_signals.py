"""Signal handlers that use the Target which they interrupt: no deadlock, nothing lost."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from ..support.raw_server import StartServer

LIMIT = 120.0  # seconds until a script that hangs is ended: a failed test

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer signals here")


def echo(peer: Any) -> None:
    """Answer each request with its body, or with its path."""
    for request in peer.each_request():
        body = request.body or request.target.encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        peer.send(head if request.method == "HEAD" else head + body)


def run(code: str, *arguments: str) -> list[str]:
    """The lines that *code* prints, run by another interpreter; it hangs no longer than `LIMIT`."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    assert done.stderr == ""
    return done.stdout.splitlines()


# A call from a trace function comes at the same places as one of a signal handler, but at each of
# them, and each time.
AT_EACH_LINE = """
    import faulthandler, os, sys
    import hcpsdk
    from hcpsdk import ips, pathbuilder
    from hcpsdk._transport.idle_timer import idle_timer

    faulthandler.dump_traceback_later(60, exit=True)
    address, port, wanted = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    library = os.path.dirname(hcpsdk.__file__)
    # Each address that is asked for needs a look-up.
    ips.SHORTEST_RENEWAL = ips.RENEWAL_AFTER_FAILURE = 0.0
    ips.query = lambda name, cache=False: ips.Response(name, cache, (address,), ttl=0)
    target = hcpsdk.Target("hcp.example", hcpsdk.NativeAuthorization("n", "n01"), port)
    builder = pathbuilder.PathBuilder()
    made = []
    places = set()

    def handler():
        target.getaddr()
        target._circle.connect_failed(address)
        made.append(builder.getunique("a")[1])
        with hcpsdk.Connection(target, timeout=20, idletime=1000) as connection:
            assert connection.HEAD("/rest/handler").status == 200

    def trace(frame, event, argument):
        path = frame.f_code.co_filename
        if not any(path == os.path.join(library, name) for name in wanted):
            return None
        if event == "line" and (path, frame.f_lineno) not in places:
            places.add((path, frame.f_lineno))
            handler()
        return trace

    connection = hcpsdk.Connection(target, timeout=20, idletime=1000)
    connection.HEAD("/rest/imports/what/it/needs")
    connection.close()
    idle_timer.reset()  # the next connection starts its thread
    sys.settrace(trace)
    for _ in range(2):
        assert connection.HEAD("/rest/a").status == 200
        connection.close()
        made.append(builder.getunique("a")[1])
        target.getaddr()
        target._circle.connect_failed(address)
        target.addresses
    sys.settrace(None)
    assert len(set(made)) == len(made)
    print(len(places))
"""


@pytest.mark.parametrize(
    "modules",
    [
        ["ips.py"],
        ["pathbuilder.py"],
        ["_transport/idle_timer.py", "_transport/registry.py"],
        ["_transport/keepalive.py", "_transport/connect.py"],
    ],
    ids=lambda modules: modules[0],
)
def test_used_again_at_each_line(raw_server: StartServer, modules: list[str]) -> None:
    """What the same thread does in the middle of another use finds nothing locked (contract
    6.1)."""
    server = raw_server(echo)
    (places,) = run(AT_EACH_LINE, server.address, str(server.port), *modules)
    assert int(places) > 5


LAZY_IMPORTS = """
    import os, sys
    import hcpsdk
    from hcpsdk._errors import HcpsdkError

    library = os.path.dirname(hcpsdk.__file__) + os.sep
    left = int(sys.argv[1])  # lines until the signal comes
    results = []

    def trace(frame, event, argument):
        global left
        path = frame.f_code.co_filename
        if not path.startswith(library) or frame.f_code.co_name != "<module>":
            return None
        left -= event == "line"
        if left == 0 and not results:
            try:
                results.append(hcpsdk.Connection.__name__)
            except HcpsdkError:
                results.append("HcpsdkError")
        return trace

    sys.settrace(trace)
    hcpsdk.Target
    sys.settrace(None)
    print(*results, hcpsdk.Connection.__name__, hcpsdk.Target.__name__)
"""


def test_imported_again_within_the_import() -> None:
    """A signal handler that uses a name which is just being imported gets it, or an HcpsdkError;
    afterwards it is there (contract 1.4, 6.1)."""
    found = {run(LAZY_IMPORTS, str(lines))[0] for lines in (1, 10, 30, 60, 100, 150)}
    assert "HcpsdkError Connection Target" in found
    assert found <= {f"{result}Connection Target" for result in ("HcpsdkError ", "Connection ", "")}


# What is imported at its first use, each by what needs it.
FIRST_USES = {
    "hashlib": "hcpsdk.NativeAuthorization('n', 'n01')",
    "hcpsdk._failover": "hcpsdk.Target('127.0.0.1', dummy, 80, replica_fqdn='127.0.0.2',"
    " replica_strategy=1)",
    "hcpsdk._dispatch": "hcpsdk.Connection(target, busy_timeout=1)",
    "hcpsdk._request.body_kinds": "hcpsdk.Connection(target).PUT('/rest/a', [b'abc'])",
}

BEFORE_THE_FIRST_USE = """
    import sys
    import hcpsdk

    module, code, address, port = sys.argv[1:5]
    dummy = hcpsdk.DummyAuthorization()
    target = hcpsdk.Target(address, dummy, int(port))
    hcpsdk.Connection(target).HEAD("/rest/a")
    assert module not in sys.modules
"""

INTERRUPTED_FIRST_USE = """
    left = int(sys.argv[5])  # lines until the signal comes
    results = []

    def trace(frame, event, argument):
        global left
        if frame.f_code.co_name != "<module>":
            return None
        left -= event == "line"
        if left == 0 and not results:
            try:
                results.append(type(eval(code)).__name__)
            except hcpsdk.HcpsdkError:
                results.append("HcpsdkError")
        return trace

    sys.settrace(trace)
    result = eval(code)
    sys.settrace(None)
    print(*results or ["not interrupted"], type(result).__name__, module in sys.modules)
"""


@pytest.mark.parametrize("module", FIRST_USES)
def test_imported_again_within_a_first_use(raw_server: StartServer, module: str) -> None:
    """The same for what is imported when it is first used (contract 1.4, 6.1)."""
    server = raw_server(echo)
    found = set()
    for lines in ("1", "3", "10", "30"):
        code = BEFORE_THE_FIRST_USE + INTERRUPTED_FIRST_USE
        (line,) = run(code, module, FIRST_USES[module], server.address, str(server.port), lines)
        result, kind, is_imported = line.rsplit(" ", 2)
        assert result in (kind, "HcpsdkError", "not interrupted")
        assert is_imported == "True"
        found.add(result)
    assert "HcpsdkError" in found


NO_DESCRIPTORS = """
    import os, resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    connection = hcpsdk.Connection(target)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        eval(code)
    except hcpsdk.HcpsdkError as exc:
        print(type(exc.__cause__).__name__)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    print(type(eval(code)).__name__)
"""


@pytest.mark.parametrize("module", list(FIRST_USES)[1:])  # (hashlib has more than one way.)
def test_first_use_without_a_descriptor(raw_server: StartServer, module: str) -> None:
    """What cannot be imported now is an HcpsdkError, and is imported later (contract 1.4)."""
    server = raw_server(echo)
    code = BEFORE_THE_FIRST_USE + NO_DESCRIPTORS
    found = run(code, module, FIRST_USES[module], server.address, str(server.port))
    assert found[0] in ("OSError", "ImportError", "ModuleNotFoundError")
    assert found[1] in ("Target", "Connection", "StrictResponse")


AT_THE_END = {
    "closure": """
        connection = hcpsdk.Connection(target, idletime=1000)
        connection.HEAD("/rest/a")
        def hook(*args, kept=connection):
            pass
        sys.excepthook = sys.displayhook = hook
    """,
    "finalizer": """
        class Last:
            def __init__(self):
                self.connection, self.error = hcpsdk.Connection(target), hcpsdk.HcpsdkError
            def __del__(self):
                try:
                    self.connection.HEAD("/rest/a")
                except self.error:
                    pass
        sys.kept = Last()
    """,
    "query": """
        class Last:
            query = staticmethod(hcpsdk.ips.query)
            def __del__(self):
                self.query("nowhere.invalid", cache=True)
        sys.kept = Last()
    """,
}


@pytest.mark.parametrize("use", AT_THE_END)
def test_used_at_the_very_end(raw_server: StartServer, use: str) -> None:
    """A Connection that lives, or is used, until the interpreter ends is silent, or raises an
    HcpsdkError (contract 1.4, 5.4)."""
    server = raw_server(echo)
    begin = """
        import sys, hcpsdk
        auth = hcpsdk.NativeAuthorization("n", "n01")
        target = hcpsdk.Target(sys.argv[1], auth, int(sys.argv[2]))
    """
    code = textwrap.dedent(begin) + textwrap.dedent(AT_THE_END[use])
    assert run(code, server.address, str(server.port)) == []


STRESS = """
    import faulthandler, gc, os, signal, sys, threading, traceback, warnings
    import hcpsdk

    faulthandler.dump_traceback_later(100, exit=True)
    warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside other threads
    address, port = sys.argv[1], int(sys.argv[2])
    target = hcpsdk.Target(address, hcpsdk.NativeAuthorization("n", "n01"), port)
    errors = []
    threading.excepthook = lambda args: errors.append(repr(args.exc_value))
    sys.unraisablehook = lambda args: errors.append(repr(args.exc_value))
    of_handler = hcpsdk.Connection(target, timeout=30)
    handled = 0

    def handler(*_):
        global handled
        handled += 1
        try:
            if of_handler.HEAD("/rest/handler").status != 200:
                errors.append("the handler's status")
            if handled % 5 == 0:
                of_handler.close()
            if handled % 3 == 0:
                hcpsdk.Connection(target, idletime=0.01).HEAD("/rest/handler")
        except BaseException as exc:
            errors.append(f"in the handler: {exc!r}")
        if handled < 1500:  # on a slow machine nothing else would get on
            signal.setitimer(signal.ITIMER_REAL, 0.0003)

    def use(connection, name):
        body = name.encode() * 100
        connection.PUT("/rest/" + name, (body for _ in range(3)))
        if connection.read() != body * 3:
            errors.append("the response of another request")
        connection.GET("/rest/" + name)
        if connection.read() != b"/rest/" + name.encode():
            errors.append("the body of another object")

    def work(name):
        try:
            for turn in range(3):
                connection = hcpsdk.Connection(
                    target, timeout=30, idletime=(0, 0.001, 30)[turn]
                )
                use(connection, f"{name}-{turn}")
                if turn == 0:
                    connection.close()
                elif turn == 1:
                    connection.cycle = connection  # for the garbage collector
        except BaseException as exc:
            errors.append(f"in {name}: {exc!r}")

    def sockets():
        found = []
        for number in os.listdir("/proc/self/fd"):
            try:
                found.append(os.readlink(f"/proc/self/fd/{number}").startswith("socket:"))
            except OSError:
                pass
        return sum(found)

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0003)
    own = hcpsdk.Connection(target, timeout=30)
    for turn in range(25):
        threads = [threading.Thread(target=work, args=(f"{turn}-{n}",)) for n in range(3)]
        for thread in threads:
            thread.start()
        use(own, f"main-{turn}")
        if turn % 5 == 0:
            child = os.fork()
            if not child:
                code = 1
                try:
                    signal.signal(signal.SIGALRM, signal.SIG_IGN)
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    signal.signal(signal.SIGALRM, signal.SIG_DFL)
                    signal.alarm(40)
                    use(own, "child")
                    use(hcpsdk.Connection(target, timeout=30), "grandchild")
                    code = len(errors)
                    print(*errors, end="", file=sys.stderr)
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(code)
            if os.waitpid(child, 0)[1]:
                errors.append("in the child")
        for thread in threads:
            thread.join()
        gc.collect()
    signal.setitimer(signal.ITIMER_REAL, 0)
    of_handler.close()
    own.close()
    gc.collect()
    while threading.active_count() > 1:  # until the idle timer has nothing to do any more
        threading.enumerate()[-1].join()
    for error in errors[:10]:
        print(error)
    print(sockets(), "sockets", handled > 100)
"""


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="nowhere to count sockets")
def test_signals_threads_forks_and_garbage(raw_server: StartServer) -> None:
    """A signal every few hundred microseconds, whose handler uses the same Target, while threads
    come and go, processes are forked, and Connections are collected: no deadlock, no lost socket,
    no foreign exception (contract 6)."""
    server = raw_server(echo)
    assert run(STRESS, server.address, str(server.port)) == ["0 sockets True"]
