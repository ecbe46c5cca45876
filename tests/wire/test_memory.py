"""What Targets, failed connections and cut responses leave behind: nothing."""

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import trustme

from ..support.raw_server import OK, StartServer, head

LIMIT = 300.0  # seconds until a script that hangs is ended: a failed test
COUNT = 2000  # times that each is done
FIRST = 400  # of them until what is kept only once is there
MOST = 3_000_000  # bytes of growth for the others: less than 2 KB for each

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="nowhere to look")

SCRIPT = """
    import gc, os, sys
    import hcpsdk

    address, port, others = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    auth = hcpsdk.NativeAuthorization("n", "n01")
    fixed = hcpsdk.Target(address, auth, port)

    def target_with_tls():
        with hcpsdk.Connection(hcpsdk.Target(address, auth, port), timeout=30) as connection:
            assert connection.HEAD("/rest/a").status == 200

    def failed_connect():
        try:
            hcpsdk.Connection(fixed, timeout=30).HEAD("/rest/a")
        except hcpsdk.HcpsdkError:
            return
        raise AssertionError("it did not fail")

    def cut_response():
        connection = hcpsdk.Connection(fixed, timeout=30)
        connection.GET("/rest/a")
        try:
            connection.read()
        except hcpsdk.HcpsdkError:
            return
        raise AssertionError("it did not fail")

    def size():
        gc.collect()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    work, count, first = globals()[others[0]], int(others[1]), int(others[2])
    for number in range(count):
        if number == first:
            before = size()
        work()
    print(size() - before, len(os.listdir("/proc/self/fd")), len(gc.garbage))
"""


def growth(work: str, server: Any) -> int:
    """By how many bytes *work* grows after its `FIRST` times."""
    arguments = [server.address, str(server.port), work, str(COUNT), str(FIRST)]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr
    grown, descriptors, garbage = map(int, done.stdout.split())
    assert descriptors < 10
    assert garbage == 0
    return grown


@pytest.mark.timeout(LIMIT)
def test_targets_with_tls(tls_node: Any, authority: trustme.CA) -> None:
    """A Target uses no memory that is not released with it (contract 6.6)."""
    assert growth("target_with_tls", tls_node("{address}", handler=answer_one)) < MOST


def answer_one(peer: Any) -> None:
    for _ in peer.each_request():
        peer.send(OK)


@pytest.mark.timeout(LIMIT)
def test_failed_connects(raw_server: StartServer) -> None:
    """Connections that fail leave nothing behind (contract 5.4)."""
    server = raw_server(answer_one)
    server.close()
    assert growth("failed_connect", server) < MOST


@pytest.mark.timeout(LIMIT)
def test_cut_responses(raw_server: StartServer) -> None:
    """Responses that are cut leave nothing behind (contract 5.4)."""

    def cut(peer: Any) -> None:
        peer.read_request()
        peer.send(head("Content-Length: 100000") + b"x" * 50000)

    assert growth("cut_response", raw_server(cut)) < MOST
