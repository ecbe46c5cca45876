"""Bodies in both directions: streamed, refused, cut off; and sites that fail."""

import http.client
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from hcpsdk.testing import HCP, BodyCut, EmulatorBug, Reply, Request, System

HOST = "n1.m.hcp1.snomis.local"
MIB = 1024 * 1024


class Site:
    """What a site may do with bodies, chosen by the target."""

    def __init__(self, system: System, scratch: pathlib.Path) -> None:
        self.cut = threading.Event()
        self.closed = threading.Event()

    def reset(self) -> None:
        self.cut.clear()
        self.closed.clear()

    async def answer(self, request: Request) -> Reply:
        action = request.target.strip("/")
        if action == "refuse":
            return Reply(409, "Conflict", [("Content-Length", "4")], b"no.\n")
        if action == "taste":
            await request.body.__anext__()
            return Reply(413, "Request Entity Too Large", [("Content-Length", "0")])
        if action == "fail":
            raise ZeroDivisionError("a bug")
        size = 0
        try:
            async for piece in request.body:
                size += len(piece)
        except BodyCut:
            self.cut.set()
            raise
        if action == "stream":
            return Reply(200, "OK", [("Content-Length", str(64 * MIB))], self._pieces(64))
        if action == "chunks":
            return Reply(200, "OK", [("X-A", "b")], self._pieces(3))
        if action == "short":
            return Reply(200, "OK", [("Content-Length", str(9 * MIB))], self._pieces(1))
        if action == "long":
            return Reply(200, "OK", [("Content-Length", "5")], self._pieces(1))
        if action == "broken":
            return Reply(200, "OK", [("Content-Length", str(9 * MIB))], self._pieces(1, OSError))
        if action == "header":
            return Reply(200, "OK", [("X-A", "a\r\nb")])
        return Reply(200, "OK", [("Content-Length", str(len(str(size))))], str(size).encode())

    async def _pieces(
        self, count: int, error: type[Exception] | None = None
    ) -> AsyncIterator[bytes]:
        try:
            for _ in range(count):
                yield b""  # says nothing, and must not look like the end
                yield bytes(MIB)
            if error:
                raise error("the disk is gone")
        finally:
            self.closed.set()


@pytest.fixture(scope="module")
def sites() -> list[Site]:
    return []


@pytest.fixture(scope="module")
def running_hcp(sites: list[Site]) -> Iterator[HCP]:
    def make(system: System, scratch: pathlib.Path) -> Site:
        sites.append(Site(system, scratch))
        return sites[-1]

    with HCP(site=make) as running:
        yield running


@pytest.fixture
def site(hcp: HCP, sites: list[Site]) -> Site:
    return sites[-1]


@pytest.fixture(params=["http", "https"])
def connection(hcp: HCP, request: pytest.FixtureRequest) -> Iterator[http.client.HTTPConnection]:
    """Over plain TCP, and over TLS."""
    if request.param == "http":
        opened = http.client.HTTPConnection(HOST, timeout=20)
    else:
        context = ssl.create_default_context(cafile=hcp.ca_file)
        opened = http.client.HTTPSConnection(HOST, timeout=20, context=context)
    yield opened
    opened.close()


def test_chunked_upload(connection: http.client.HTTPConnection) -> None:
    """An upload of unknown length arrives whole."""
    connection.request("PUT", "/read", iter([b"abc"] * 1000))
    assert connection.getresponse().read() == b"3000"


def test_a_reply_without_length_is_chunked(connection: http.client.HTTPConnection) -> None:
    """Pieces without Content-Length go out as chunks, and the connection stays."""
    for _ in range(2):
        connection.request("GET", "/chunks")
        answer = connection.getresponse()
        assert answer.getheaders() == [("X-A", "b"), ("Transfer-Encoding", "chunked")]
        assert len(answer.read()) == 3 * MIB


def test_http_1_0_gets_no_chunks(hcp: HCP) -> None:
    """A client of HTTP/1.0 gets the same bytes, ended by the close."""
    with socket.create_connection((HOST, 80), timeout=20) as raw:
        raw.sendall(f"GET /chunks HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        received = b""
        while data := raw.recv(MIB):
            received += data
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert len(body) == 3 * MIB


def test_a_small_body_that_nobody_read(connection: http.client.HTTPConnection) -> None:
    """A refused upload of some kilobytes costs nothing: the connection stays."""
    connection.connect()
    first = connection.sock
    for _ in range(3):
        connection.request("PUT", "/refuse", bytes(50_000))
        assert connection.getresponse().read() == b"no.\n"
        assert connection.sock is first


@pytest.mark.parametrize("action, status", [("refuse", 409), ("taste", 413)])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_an_early_refusal_reaches_the_client(
    connection: http.client.HTTPConnection, action: str, status: int, is_chunked: bool
) -> None:
    """A client that sends all of a large body before it reads finds the answer, no reset."""
    headers = {} if is_chunked else {"Content-Length": str(64 * MIB)}
    connection.request("PUT", f"/{action}", (bytes(MIB) for _ in range(64)), headers)
    answer = connection.getresponse()
    assert answer.status == status
    assert answer.getheader("Connection") == "close"
    answer.read()
    connection.request("PUT", "/read", b"again")  # http.client opens a new connection by itself
    assert connection.getresponse().read() == b"5"


def test_an_early_refusal_comes_early(hcp: HCP) -> None:
    """The answer is there before the body is, and the end of what the node has to say too."""
    with socket.create_connection((HOST, 80), timeout=20) as raw:
        head = f"PUT /refuse HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {1024 * MIB}\r\n\r\n"
        raw.sendall(head.encode())
        received = b""
        while data := raw.recv(65536):
            received += data
        assert received.startswith(b"HTTP/1.1 409 ") and received.endswith(b"no.\n")
        raw.sendall(bytes(MIB))  # still taken: no reset


def test_lingering_ends(hcp: HCP, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that does not go away after its refusal is not listened to for ever."""
    monkeypatch.setattr("hcpsdk.testing._server.connection.LINGER_SECONDS", 0.1)
    with socket.create_connection((HOST, 80), timeout=20) as raw:
        head = f"PUT /refuse HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {1 << 60}\r\n\r\n"
        raw.sendall(head.encode())
        with pytest.raises(ConnectionError):
            while True:
                raw.sendall(bytes(1000))


def test_an_upload_that_is_cut(hcp: HCP, site: Site) -> None:
    """The site learns that the body is not whole; no bug, no answer."""
    with socket.create_connection((HOST, 80), timeout=20) as raw:
        raw.sendall(f"PUT /read HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 9\r\n\r\nab".encode())
        raw.shutdown(socket.SHUT_WR)
        assert site.cut.wait(20)
        raw.recv(1000)
    assert hcp.requests[-1].body_size == 2


def test_a_download_that_nobody_wants(connection: http.client.HTTPConnection, site: Site) -> None:
    """If the client goes away, the site's generator is closed, and with it its files."""
    connection.request("GET", "/stream")
    connection.getresponse().read(1000)
    connection.close()
    assert site.closed.wait(20)


def test_a_client_that_reads_slowly_holds_the_site_back(hcp: HCP, site: Site) -> None:
    """The site is asked for more only as the client takes it."""
    with socket.create_connection((HOST, 80), timeout=20) as raw:
        raw.sendall(f"GET /stream HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        raw.recv(1000)
        with socket.create_connection((HOST, 80), timeout=20) as other:
            other.sendall(f"GET /read HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
            while other.recv(1000):
                pass
        assert not site.closed.is_set()  # others are served meanwhile; the stream is not at its end


# Constant memory


SCRIPT = """
import http.client, resource, ssl
from hcpsdk.testing import HCP
block = bytes(1 << 20)
with HCP() as hcp:
    headers = {"Authorization": "HCP " + hcp.users[0].token}
    context = ssl.create_default_context(cafile=hcp.ca_file)
    host = "n1.m.hcp1.snomis.local"
    for name, blocks in (("first", 4), ("second", 256)):
        for connection in (
            http.client.HTTPConnection(host),
            http.client.HTTPSConnection(host, context=context),
        ):
            target = f"/rest/{name}{connection.port}"
            length = {"Content-Length": str(blocks << 20)}
            connection.request("PUT", target, (block for _ in range(blocks)), headers | length)
            answer = connection.getresponse()
            assert answer.status == 201
            answer.read()
            connection.request("GET", target, headers=headers)
            answer, size = connection.getresponse(), 0
            while data := answer.read(1 << 20):
                size += len(data)
            assert size == blocks << 20, size
            connection.close()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in other units")
def test_large_bodies_need_no_memory(environment: dict[str, str]) -> None:
    """256 MiB up and down, plain and in TLS, need an eighth of that at most, client included."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment
    )
    assert done.stderr == ""
    before, after = map(int, done.stdout.split())  # KiB
    assert after - before < 256 * 1024 / 8


# Sites that fail


def test_a_bug_is_a_500_and_cannot_hide(
    hcp: HCP, connection: http.client.HTTPConnection, caplog: pytest.LogCaptureFixture
) -> None:
    """A site that raises: the client gets 500, the log the traceback, and reset() raises."""
    connection.request("PUT", "/fail", b"abc")
    assert connection.getresponse().status == 500
    assert "ZeroDivisionError: a bug" in caplog.text
    with pytest.raises(EmulatorBug, match="a bug") as caught:
        hcp.reset()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    hcp.reset()  # told once


def test_a_bug_is_raised_at_the_end() -> None:
    """The `with` statement raises what went wrong, if nothing else was raised in it."""

    def fail() -> None:
        connection = http.client.HTTPConnection("n1.m.hcp2.snomis.local", timeout=20)
        connection.request("GET", "/fail")
        connection.getresponse().read()
        connection.close()

    with pytest.raises(EmulatorBug), HCP("hcp2.snomis.local", site=Site):
        fail()
    with pytest.raises(KeyError), HCP("hcp2.snomis.local", site=Site):
        fail()
        raise KeyError


@pytest.mark.parametrize("action", ["short", "broken", "long", "header"])
def test_a_reply_that_contradicts_itself(
    hcp: HCP, connection: http.client.HTTPConnection, action: str
) -> None:
    """The client never takes such a reply for a whole one, and it counts as a bug."""
    connection.request("GET", f"/{action}")
    with pytest.raises((http.client.IncompleteRead, http.client.RemoteDisconnected)):
        connection.getresponse().read()
    with pytest.raises(EmulatorBug):
        hcp.reset()
