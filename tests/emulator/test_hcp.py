"""The emulator as a whole: it starts, stops, leaves nothing behind, and several run at once."""

import doctest
import gc
import http.client
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator

import pytest

import hcpsdk.testing
from hcpsdk.testing import HCP, Namespace, StartError, User

FDS = pathlib.Path("/proc/self/fd")
HOST = "n1.m.hcp1.snomis.local"
FOREVER = 3600.0  # seconds: whoever waits for this runs into the time limit of the tests


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pathlib.Path]:
    """The folder for temporary files, for this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path


def possessions(folder: pathlib.Path) -> tuple[int, set[threading.Thread], list[pathlib.Path]]:
    """What a process has: open files and sockets, threads, temporary files."""
    gc.collect()  # what earlier tests have left to be found
    count = len(list(FDS.iterdir())) if FDS.exists() else 0
    return count, set(threading.enumerate()), list(folder.iterdir())


def raw(hcp: HCP, port: int = 80, node: int = 0) -> socket.socket:
    """A socket that is connected to a node, not redirected by anything."""
    chosen = hcp.nodes[node]
    return socket.create_connection((chosen.address, chosen.ports[port]), timeout=20)


def get(host: str = HOST) -> int:
    """The status of a request by plain http.client."""
    connection = http.client.HTTPConnection(host, timeout=20)
    try:
        connection.request("GET", "/rest")
        return connection.getresponse().status
    finally:
        connection.close()


def test_leaves_nothing_behind(folder: pathlib.Path) -> None:
    """After the end there is no thread, socket or file more than before."""
    with HCP():  # whatever Python and OpenSSL load once, is loaded now
        get()
    before = possessions(folder)

    with HCP() as hcp:
        assert get() == 403
        assert hcp.ca_file.exists()

    assert possessions(folder) == before


def test_stops_at_once_whatever_is_open(folder: pathlib.Path) -> None:
    """Idle and stalled connections, half an upload, half a handshake: stop() waits for none."""
    before = possessions(folder)
    hcp = HCP(idle_seconds=FOREVER)
    hcp.start()
    token = f"Authorization: HCP {hcp.users[0].token}\r\n"
    started = [raw(hcp), raw(hcp), raw(hcp), raw(hcp, 443), raw(hcp, 443)]
    started[1].sendall(b"GET /re")
    upload = f"PUT /rest/a HTTP/1.1\r\nHost: {HOST}\r\n{token}Content-Length: 9999999\r\n\r\n"
    started[2].sendall(upload.encode() + bytes(100_000))
    started[4].sendall(b"\x16\x03\x01")
    with socket.create_connection((hcp.name_server.address, hcp.name_server.port)) as question:
        question.sendall(b"\x00")

        hcp.stop()

        for connection in started:
            with connection:
                try:
                    assert connection.recv(10) == b""
                except ConnectionResetError:
                    pass  # as good an end for one that was still sending
    assert possessions(folder) == before


def test_starts_faster_than_python(environment: dict[str, str]) -> None:
    """Starting and stopping costs less than an interpreter that imports it."""

    def seconds(action: Callable[[], object]) -> float:
        """The best of a few: what else the machine does is not what is compared."""
        taken = []
        for _ in range(4):
            begin = time.monotonic()
            action()
            taken.append(time.monotonic() - begin)
        return min(taken)

    def start_and_stop() -> None:
        with HCP():
            pass

    command = [sys.executable, "-c", "import hcpsdk.testing"]
    interpreter = seconds(lambda: subprocess.run(command, check=True, env=environment))
    assert seconds(start_and_stop) < interpreter


def test_starts_again() -> None:
    """A stopped HCP starts again, empty; starting twice is a mistake, stopping twice is not."""
    hcp = HCP()
    for _ in range(2):
        hcp.start()
        with pytest.raises(RuntimeError, match="is already running"):
            hcp.start()
        assert hcp.is_running and hcp.requests == []
        assert get() == 403
        hcp.stop()
        hcp.stop()
        assert not hcp.is_running
    assert [request.status for request in hcp.requests] == [403]


def test_what_needs_a_running_hcp() -> None:
    """After the end, its nodes cannot be started, and it says why."""
    with HCP() as hcp:
        node = hcp.nodes[0]
    for function in (node.start, node.stop, hcp.reset):
        with pytest.raises(RuntimeError, match="was stopped"):
            function()


def test_no_such_address(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the nodes' addresses do not exist, the error says what to do; nothing is left."""
    monkeypatch.setattr("hcpsdk.testing._server.addresses.NETWORK", "198.51.100.")  # RFC 5737
    before = possessions(folder)
    with pytest.raises(StartError, match=r"sudo ifconfig lo0 alias 198\.51\.100\.52 up"):
        HCP().start()
    assert possessions(folder) == before


def test_the_example_in_the_docstring() -> None:
    """What `help(hcpsdk.testing)` shows works as shown."""
    assert doctest.testmod(hcpsdk.testing) == (0, 3)


def test_side_by_side() -> None:
    """Two HCPs have nodes, certificates and objects of their own."""
    with HCP() as one, HCP("hcp2.snomis.local") as two:
        assert [node.address for node in one.nodes] == [f"127.0.0.{n}" for n in range(52, 56)]
        assert [node.address for node in two.nodes] == [f"127.0.0.{n}" for n in range(56, 60)]
        assert one.ca_file.read_bytes() != two.ca_file.read_bytes()

        for host in (HOST, "n1.m.hcp2.snomis.local"):
            assert get(host) == 403

        assert [request.host for request in one.requests] == [HOST]
        assert [request.host for request in two.requests] == ["n1.m.hcp2.snomis.local"]


def test_addresses_are_given_back() -> None:
    """The addresses of a stopped HCP are free for the next one."""
    with HCP("hcp1.snomis.local"):
        first = HCP("hcp2.snomis.local")
        with first:
            pass
        with HCP("hcp3.snomis.local") as second:
            assert [n.address for n in second.nodes] == [n.address for n in first.nodes]


def test_in_many_threads() -> None:
    """HCPs start, serve and stop in any number of threads at the same time."""
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(3):
                domain = f"hcp{number}-{turn}.snomis.local"
                with HCP(domain, nodes=2):
                    assert get(f"n1.m.{domain}") == 403
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_what_it_tells() -> None:
    """Name, users, namespaces and nodes are there to be read; lists are copies."""
    hcp = HCP("Hcp9.Example.com", namespaces=[Namespace("a", "t")], users=[User("u", "p", "t")])
    assert hcp.domain == "hcp9.example.com"
    assert [namespace.host(hcp.domain) for namespace in hcp.namespaces] == ["a.t.hcp9.example.com"]
    assert [user.name for user in hcp.users] == ["u"]
    with pytest.raises(RuntimeError, match="was not started"):
        hcp.nodes  # noqa: B018
    with hcp:
        assert repr(hcp) == "<HCP hcp9.example.com RUNNING>"
        hcp.nodes.clear()
        hcp.requests.append(None)  # type: ignore[arg-type]
        assert len(hcp.nodes) == 4
        assert hcp.requests == []


@pytest.mark.parametrize(
    "wrong", [{"nodes": 0}, {"certificate": "all"}, {"domain": "a b"}, {"domain": "a..b"}]
)
def test_wrong_arguments(wrong: dict[str, object]) -> None:
    """What makes no sense is refused when it is said."""
    with pytest.raises(ValueError):
        HCP(**wrong)  # type: ignore[arg-type]


def test_requests_are_listed() -> None:
    """Each request is listed with what it was, where it went, and how it was answered."""
    with HCP() as hcp:
        token = f"HCP {hcp.users[0].token}"
        connection = http.client.HTTPConnection(HOST, timeout=20)
        connection.request("PUT", "/rest/a%20b?index=true", b"12345", {"Authorization": token})
        connection.getresponse().read()
        connection.request("GET", "/rest/a%20b", headers={"X-Mine": "yes"})
        connection.getresponse().read()
        connection.close()

        put, got = hcp.requests
        assert (put.method, put.target, put.status, put.body_size) == (
            "PUT",
            "/rest/a%20b?index=true",
            201,
            5,
        )
        assert (put.host, put.node, put.port) == (HOST, hcp.nodes[0].address, 80)
        assert (got.status, got.header("x-mine"), got.header("Nothing")) == (403, "yes", None)
        assert ("Authorization", token) in put.headers
        assert hcp.users[0].token not in repr(put)

        hcp.reset()
        assert hcp.requests == []


def test_reset_forgets_objects_and_starts_nodes() -> None:
    """After reset() all is as at the start."""
    with HCP() as hcp:
        headers = {"Authorization": f"HCP {hcp.users[0].token}"}
        for expected in (201, 201):
            connection = http.client.HTTPConnection(HOST, timeout=20)
            connection.request("PUT", "/rest/a", b"1", headers)
            assert connection.getresponse().status == expected
            connection.close()
            hcp.nodes[2].stop()
            hcp.reset()
            assert all(node.is_running for node in hcp.nodes)


def test_a_stopped_node_breaks_and_refuses() -> None:
    """A node that stops breaks its connections; new ones are refused until it starts again."""
    with HCP() as hcp:
        node = hcp.nodes[0]
        with raw(hcp) as connection:
            node.stop()
            assert connection.recv(1) == b""
        assert not node.is_running
        assert node.connection_count == 0
        for port in node.ports:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((node.address, port), timeout=20)
        ports = node.ports.copy()

        node.start()

        assert node.ports == ports
        with socket.create_connection((node.address, 443), timeout=20):
            pass
        assert get() == 403


def test_the_end_of_the_program_stops_it(
    tmp_path: pathlib.Path, environment: dict[str, str]
) -> None:
    """A program that forgets to stop its HCP ends, without a word and leaving no file."""
    script = f"""
import http.client, hcpsdk.testing
hcp = hcpsdk.testing.HCP()
hcp.start()
connection = http.client.HTTPConnection({HOST!r})
connection.request("GET", "/rest")
print(connection.getresponse().status)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**environment, "TMPDIR": str(tmp_path)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "403\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child(tmp_path: pathlib.Path, environment: dict[str, str]) -> None:
    """A forked child reaches its parent's HCP, takes nothing away, and holds nothing open."""
    script = f"""
import http.client, os, sys
import hcpsdk.testing
def get():
    connection = http.client.HTTPConnection({HOST!r}, timeout=20)
    connection.request("GET", "/rest")
    assert connection.getresponse().status == 403
    return connection
with hcpsdk.testing.HCP() as hcp:
    held = get()
    ask, answer = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        get().close()
        os.write(answer[1], b"1")
        os.read(ask[0], 1)  # stay until the parent has seen its connection end
        held.close()
        sys.exit(0)
    os.read(answer[0], 1)
    for node in hcp.nodes:
        node.stop()
    assert held.sock.recv(1) == b""
    held.close()
    os.write(ask[1], b"1")
    assert os.waitpid(child, 0)[1] == 0
    assert hcp.ca_file.exists()
    hcp.reset()
    get().close()
"""
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, cwd=tmp_path)
