"""Uploads that are refused, cut off, or concurrent (docs/hcp/namespace.rst, sections 5 and 10)."""

import http.client
import pathlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from hcpsdk.testing import HCP, Namespace
from hcpsdk.testing._services import Services
from hcpsdk.testing.config import System

from ..conftest import HOST, TOKEN, Answer, Http

TB = 1024**4
LARGE = 3 * 1024 * 1024  # kept in a file


@pytest.fixture(scope="module")
def scratch() -> list[pathlib.Path]:
    """The folder in which the emulator keeps large objects, once it runs."""
    return []


@pytest.fixture(scope="module")
def running_hcp(scratch: list[pathlib.Path]) -> Iterator[HCP]:
    """An HCP whose folder is known, with namespaces of other sizes."""

    def site(system: System, folder: pathlib.Path) -> Services:
        scratch.append(folder)
        return Services(system, folder)

    namespaces = [
        Namespace("n1", "m"),
        Namespace("huge", "m", quota_bytes=10 * TB),
        Namespace("tiny", "m", quota_bytes=1000),
    ]
    with HCP(namespaces=namespaces, site=site) as hcp:
        yield hcp


class Raw:
    """A connection on which a request is sent bit by bit."""

    def __init__(self, method: str, target: str, *headers: str, host: str = HOST) -> None:
        connection = http.client.HTTPConnection(HOST, 80, timeout=20)
        connection.connect()
        assert connection.sock is not None
        self.sock: socket.socket = connection.sock
        self.lines: BinaryIO = self.sock.makefile("rb")
        head = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"Authorization: {TOKEN}", *headers]
        self.send("\r\n".join([*head, "", ""]).encode())

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def end(self) -> None:
        """Say that nothing more will come; the answer can still be read."""
        self.sock.shutdown(socket.SHUT_WR)

    def answer(self, method: str = "PUT") -> Answer:
        response = http.client.HTTPResponse(self.sock, method=method)
        response.begin()
        data = response.read()
        answer = Answer(response.status, response.reason, response.getheaders(), data)
        response.close()
        return answer

    def close(self) -> None:
        self.lines.close()
        self.sock.close()

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def files(scratch: list[pathlib.Path]) -> list[pathlib.Path]:
    return list(scratch[0].iterdir())


REFUSED_EARLY = [
    ("/rest/taken", [], HOST, 409),
    ("/rest/taken/", [], HOST, 409),
    ("/rest/taken?type=directory", [], HOST, 409),
    ("/rest/a?verbose=true", [], HOST, 400),
    ("/rest/a//b", [], HOST, 400),
    ("/rest/a", ["Content-Encoding: br"], HOST, 415),
    ("/rest/a", ["If-Match: *"], HOST, 412),
    ("/rest/a", ["X-HCP-LabelRetentionHold: []"], HOST, 501),
    ("/rest/a", [], "n3.m.hcp1.snomis.local", 403),
    ("/rest/a", [], "tiny.m.hcp1.snomis.local", 413),
]


@pytest.mark.parametrize(("target", "headers", "host", "status"), REFUSED_EARLY)
@pytest.mark.parametrize("expect", [[], ["Expect: 100-continue"]], ids=["", "expect"])
def test_refused_before_the_body(
    http: Http, target: str, headers: list[str], host: str, status: int, expect: list[str]
) -> None:
    """What can be refused from its head is answered at once, whether the client waits or not."""
    http("PUT", "/rest/taken", b"x")
    with Raw("PUT", target, "Content-Length: 100000000", *headers, *expect, host=host) as raw:
        assert raw.lines.readline().startswith(f"HTTP/1.1 {status} ".encode())


def test_waiting_client_is_told_to_go_on(http: Http) -> None:
    """A client that waits for 100 Continue gets it once nothing speaks against its upload."""
    with Raw("PUT", "/rest/a", "Content-Length: 4", "Expect: 100-continue") as raw:
        assert raw.lines.readline() == b"HTTP/1.1 100 Continue\r\n"
        raw.send(b"data")
        assert raw.lines.readline() in (b"\r\n",)
        assert raw.lines.readline() == b"HTTP/1.1 201 Created\r\n"

    assert http("GET", "/rest/a").body == b"data"


@pytest.mark.parametrize("size", [2 * TB + 1, 50 * 1024 * TB])
def test_too_large_object(http: Http, size: int) -> None:
    """An object of more than 2 TB gets 413, though the quota would allow it."""
    host = "huge.m.hcp1.snomis.local"
    with Raw("PUT", "/rest/a", f"Content-Length: {size}", host=host) as raw:
        answer = raw.answer()

    assert (answer.status, answer.reason) == (413, "File Too Large")


@pytest.mark.parametrize("sent", [0, 10, LARGE])
def test_body_shorter_than_announced(http: Http, scratch: list[pathlib.Path], sent: int) -> None:
    """Content-Length larger than what arrives gets 503, and nothing stays, not even a directory."""
    with Raw("PUT", "/rest/d/a", f"Content-Length: {sent + 1}") as raw:
        raw.send(bytes(sent))
        raw.end()
        answer = raw.answer()

    assert (answer.status, answer.reason) == (503, "Service Unavailable")
    assert answer["X-HCP-ErrorMessage"]
    assert http("HEAD", "/rest/d").status == 404
    assert not files(scratch)
    assert http("PUT", "/rest/d/a", b"x").status == 201


@pytest.mark.parametrize("sent", [b"", b"a\r\n" + bytes(10) + b"\r\n", b"a\r\n" + bytes(9)])
def test_chunks_without_an_end(http: Http, sent: bytes) -> None:
    """A chunked body that does not come to its end is not stored."""
    with Raw("PUT", "/rest/a", "Transfer-Encoding: chunked") as raw:
        raw.send(sent)
        raw.end()
        assert raw.answer().status == 503

    assert http("HEAD", "/rest/a").status == 404


def test_client_that_goes_away(http: Http, scratch: list[pathlib.Path]) -> None:
    """A client that hangs up in the middle leaves nothing, and frees the name."""
    with Raw("PUT", "/rest/a", f"Content-Length: {2 * LARGE}") as raw:
        raw.send(bytes(LARGE))

    while (answer := http("PUT", "/rest/a", b"x")).status == 409:
        pass  # the emulator has not noticed yet; the test's time limit ends this
    assert answer.status == 201
    assert not files(scratch)


def test_short_form_changes_nothing(http: Http) -> None:
    """A POST whose form is cut changes nothing."""
    http("PUT", "/rest/a", b"x")
    with Raw("POST", "/rest/a", "Content-Length: 30") as raw:
        raw.send(b"index=false")
        raw.end()
        assert raw.answer("POST").status == 503

    assert http("HEAD", "/rest/a")["X-HCP-Index"] == "true"


def test_first_upload_wins(http: Http) -> None:
    """While an upload runs its name is taken, but not there yet (sections 5, 6, 10)."""
    with Raw("PUT", "/rest/d/a", "Content-Length: 5", "Expect: 100-continue") as raw:
        assert raw.lines.readline() == b"HTTP/1.1 100 Continue\r\n"
        raw.send(b"fir")
        assert http("PUT", "/rest/d/a", b"second").status == 409
        assert http("PUT", "/rest/d", b"second").status == 409
        assert http("GET", "/rest/d/a").status == 404
        assert http("DELETE", "/rest/d/a").status == 409
        assert http("PUT", "/rest/d/b", b"beside").status == 201
        raw.send(b"st")
        assert raw.lines.readline() == b"\r\n"
        assert raw.lines.readline() == b"HTTP/1.1 201 Created\r\n"

    assert http("GET", "/rest/d/a").body == b"first"


def test_one_winner_of_many(http: Http) -> None:
    """Of many that store the same new name at once, one gets 201 and its data are there."""
    statuses: dict[bytes, int] = {}
    ready = threading.Barrier(8)

    def store(data: bytes) -> None:
        client = Http()
        ready.wait()
        statuses[data] = client("PUT", "/rest/a", data).status
        client.close()

    threads = [threading.Thread(target=store, args=(b"%d" % i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses.values()) == [201] + 7 * [409]
    assert statuses[http("GET", "/rest/a").body] == 201


def test_reset_ends_uploads(hcp: HCP, http: Http, scratch: list[pathlib.Path]) -> None:
    """An upload that runs while everything is forgotten comes to nothing."""
    with Raw("PUT", "/rest/a", "Content-Length: 5", "Expect: 100-continue") as raw:
        assert raw.lines.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert raw.lines.readline() == b"\r\n"
        hcp.reset()
        raw.send(b"first")
        assert raw.answer().status == 503

    assert http("HEAD", "/rest/a").status == 404
    assert not files(scratch)


def test_files_go_with_their_objects(http: Http, scratch: list[pathlib.Path]) -> None:
    """A large object is a file as long as it exists."""
    http("PUT", "/rest/a", bytes(LARGE))
    assert [file.stat().st_size for file in files(scratch)] == [LARGE]

    http("DELETE", "/rest/a")
    assert not files(scratch)


def test_upload_over_the_quota(http: Http, scratch: list[pathlib.Path]) -> None:
    """A chunked upload is refused when the quota is used up, with its rest unread."""
    host = "tiny.m.hcp1.snomis.local"
    with Raw("PUT", "/rest/a", "Transfer-Encoding: chunked", host=host) as raw:
        raw.send(b"3e9\r\n" + bytes(0x3E9) + b"\r\n")
        assert raw.lines.readline() == b"HTTP/1.1 413 File Too Large\r\n"

    assert not files(scratch)
    assert http("PUT", "/rest/a", bytes(1000), {"Host": host}).status == 201


# Downloads


def test_download_outlives_the_object(http: Http) -> None:
    """A download that has begun comes to its end even if the object is deleted meanwhile."""
    data = bytes(range(256)) * 256 * 1024
    http("PUT", "/rest/a", data)
    slow = Http()
    slow.connection.request("GET", "/rest/a", headers={"Authorization": TOKEN})
    response = slow.connection.getresponse()
    assert http("DELETE", "/rest/a").status == 200

    assert response.read() == data
    slow.close()


def test_slow_client_holds_up_nobody(http: Http) -> None:
    """While a client does not take its download, others are served; its leaving harms nobody."""
    http("PUT", "/rest/a", bytes(64 * 1024 * 1024))
    slow = Http()
    slow.connection.request("GET", "/rest/a", headers={"Authorization": TOKEN})
    response = slow.connection.getresponse()

    assert http("PUT", "/rest/b", b"x").status == 201
    response.close()
    slow.close()
    assert http("GET", "/rest/b").body == b"x"


# Run in a process of its own, because only there the peak of memory is this test's.
MEMORY = f"""
import http.client, resource, sys
from hcpsdk.testing import HCP

PIECE = bytes(1024 * 1024)
COUNT = 192

def peak():  # MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

with HCP() as hcp:
    connection = http.client.HTTPConnection("{HOST}", 80)
    headers = {{"Authorization": "{TOKEN}"}}
    def run(count):
        body = (PIECE for _ in range(count))
        connection.request("PUT", "/rest/%d" % count, body, headers, encode_chunked=True)
        response = connection.getresponse()
        response.read()
        assert response.status == 201, response.status
        for encoding in ("identity", "gzip"):
            accepted = {{"Accept-Encoding": encoding}}
            connection.request("GET", "/rest/%d" % count, None, headers | accepted)
            response = connection.getresponse()
            while response.read(1024 * 1024):
                pass
    run(4)
    before = peak()
    run(COUNT)
    print(peak() - before)
    connection.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs the resource module")
def test_memory() -> None:
    """Storing and reading a large object needs no memory for its bytes."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", MEMORY], capture_output=True, text=True, check=True
    )

    assert int(run.stdout) < 24, "MiB for an object of 192 MiB"
