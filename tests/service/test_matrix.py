"""Every fault at every place, for every method and kind of body: is anything lost?

One rule judges, by what the caller was told and what HCP stored: told success, stored exactly what
was given; told failure, a clear exception, and the next request works.
"""

import hashlib
import http.client
import io
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

import hcpsdk
from hcpsdk.testing import HCP, Answer, Garbage, HangUp, Refuse, Reset, Stall

from ..support.dishonest import CountsOnly, Rewindable

HOST = "n1.m.hcp1.snomis.local"
USER = hcpsdk.NativeAuthorization("n", "n01")
SMALL = b"This is an example"
LARGE = bytes(range(256)) * 10_000  # 2.5 MB: more than two of our blocks
PATIENCE = 0.5  # seconds; only stalls are waited for

BREAKS = [
    ("connection", 0),
    ("before request", 0),
    ("request body", 0),
    ("request body", 7),
    ("request body", 2_000_000),
    ("before answer", 0),
    ("answer head", 1),
    ("answer head", 12),
    ("answer head", 300),
    ("answer head", 10_000),
    ("answer body", 1),
    ("answer body", 1_000_000),
    ("after answer", 0),
]
FAULTS = [
    *(HangUp(at, after) for at, after in BREAKS),
    *(Reset(at, after) for at, after in BREAKS),
    *(Answer(status) for status in (403, 409, 413, 500, 503)),
    Garbage(b"\x16\x03\x01 this is no HTTP\r\n\r\n"),
    Garbage(b"HTTP/1.1 200"),
    Refuse(node=0),
]
STALLS = [Stall(at, after) for at, after in BREAKS if at != "after answer"]


# What is put: how it is handed over, and whether it can be had again.
BODIES = {
    "small bytes": lambda: SMALL,
    "large bytes": lambda: LARGE,
    "large file": lambda: io.BytesIO(LARGE),
    "large reader": lambda: Rewindable(io.BytesIO(LARGE)),
    "large dishonest reader": lambda: CountsOnly(io.BytesIO(LARGE)),
    "large generator": lambda: (LARGE[i : i + 99_999] for i in range(0, len(LARGE), 99_999)),
}
DATA = {kind: SMALL if kind.startswith("small") else LARGE for kind in BODIES}
# The interfaces: where they are, who asks, and the statuses of success.
INTERFACES = {
    "native": (HOST, USER, hcpsdk.I_NATIVE, "/rest", 201, 200),
    "HS3": (
        *("m.hcp1.snomis.local", hcpsdk.HS3Authorization("n", "n01"), hcpsdk.I_HS3),
        *("/n1", 200, 204),
    ),
}
CALLS = [*(f"PUT {kind}" for kind in BODIES), "GET", "HEAD", "POST", "DELETE"]


@pytest.fixture(scope="module")
def emulated() -> Iterator[Any]:
    with HCP(nodes=2) as hcp:
        yield hcp


def stored(path: Any) -> Any:
    """What HCP has under *path*, told by another client; None if nothing."""
    node = http.client.HTTPConnection(HOST, timeout=20)
    node.request("GET", path, headers=USER.headers)
    answer = node.getresponse()
    body = answer.read()
    node.close()
    assert answer.status in (200, 404)
    return body if answer.status == 200 else None


def store(path: Any, data: Any) -> None:
    node = http.client.HTTPConnection(HOST, timeout=20)
    node.request("PUT", path, data, headers=USER.headers)
    assert node.getresponse().status == 201
    node.close()


def call(connection: hcpsdk.Connection, name: Any, path: Any, interface: Any) -> Any:
    """Do it; the status told, or the exception."""
    method, _, kind = name.partition(" ")
    try:
        if method == "PUT":
            is_s3 = interface == "HS3"  # it wants a length
            length = {"Content-Length": len(DATA[kind])} if is_s3 else None
            connection.PUT(path, BODIES[kind](), headers=length)
        elif method == "POST":
            connection.POST(
                path, params={"uploads": None} if interface == "HS3" else {"index": False}
            )
        else:
            getattr(connection, method)(path)
        status = connection.response_status
        body = connection.read()
    except hcpsdk.HcpsdkError as exc:
        assert f"{method} {path}" in exc.reason
        return exc, b""
    return status, body


def check(name: Any, path: Any, told: Any, body: Any, attempts: Any, interface: Any) -> None:
    """The rule."""
    method, _, kind = name.partition(" ")
    *_, stored_status, deleted_status = INTERFACES[interface]
    there = stored(path)
    if method == "PUT":
        data = DATA[kind]
        assert there in (None, data), "something else is stored than was given"
        assert told != stored_status or there == data, "told as stored, and is not there"
        if told == 409 and attempts > 1:
            assert there == data
    elif method == "DELETE":
        assert told != deleted_status or there is None, "told as deleted, and is there"
        assert told != 404 or (attempts > 1 and there is None)
    else:
        assert there == LARGE
    if method == "GET" and told == 200:
        assert body == LARGE, "told as read, and is something else"
    if method == "HEAD":
        assert body == b""


def run_cell(
    hcp: Any,
    fault: Any,
    name: Any,
    port: Any,
    retries: Any,
    is_kept_alive: bool,
    interface: str = "native",
) -> Any:
    hcp.reset()
    if not name.startswith("PUT"):
        store("/rest/matrix/object", LARGE)
    host, user, kind, root, stored_status, _ = INTERFACES[interface]
    path = f"{root}/matrix/object"
    target = hcpsdk.Target(host, user, port=port, interface=kind)
    timeout = PATIENCE if isinstance(fault, Stall) else 20
    with hcpsdk.Connection(target, timeout=timeout, retries=retries) as connection:
        if is_kept_alive:
            connection.HEAD(root)
        hcp.add_fault(fault)
        told, body = call(connection, name, path, interface)
        attempts = connection.attempts
        hcp.clear_faults()
        if isinstance(told, hcpsdk.HcpsdkError):
            assert connection.response is None
            assert isinstance(told, hcpsdk.HcpsdkTimeoutError) == isinstance(fault, Stall)
        check(name, "/rest/matrix/object", told, body, attempts, interface)

        after = hashlib.md5(name.encode()).hexdigest()
        assert connection.PUT(f"{root}/matrix/{after}", b"next").status == stored_status
        assert connection.GET(f"{root}/matrix/{after}").read() == b"next"
    return told


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_broken(emulated: Any, fault: Any, name: Any) -> None:
    """Whatever breaks, nothing is lost and nothing is told wrongly (contract 4)."""
    for port, retries, is_kept_alive in itertools.product((80, 443), (0, 2), (False, True)):
        try:
            run_cell(emulated, fault, name, port, retries, is_kept_alive)
        except Exception as exc:
            exc.args = (f"{exc} [{port=} {retries=} {is_kept_alive=}]",)
            raise


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("fault", STALLS, ids=repr)
def test_stalled(emulated: Any, fault: Any, name: Any) -> None:
    """Whatever falls silent, a time limit ends it, and nothing is lost (contract 4.5)."""
    for port, is_kept_alive in ((80, True), (443, False)):
        run_cell(emulated, fault, name, port, 0, is_kept_alive)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_broken_hs3(emulated: Any, fault: Any, name: Any) -> None:
    """The same for HS3, whose attempts are signed anew (contract 11.2, 11.3)."""
    for port, retries, is_kept_alive in ((80, 2, True), (443, 0, False)):
        run_cell(emulated, fault, name, port, retries, is_kept_alive, "HS3")


@pytest.mark.parametrize("port", [80, 443])
def test_early_answer_to_a_very_large_body(emulated: Any, port: Any) -> None:
    """An existing object is told as such (409), however large the body is (contract 4.4)."""
    emulated.reset()
    store("/rest/matrix/there", b"first")
    block = bytes(1024 * 1024)
    count = 0

    def gibibyte() -> Iterator[Any]:
        nonlocal count
        for _ in range(1024):
            count += 1
            yield block

    with hcpsdk.Connection(hcpsdk.Target(HOST, USER, port=port)) as connection:
        assert connection.PUT("/rest/matrix/there", gibibyte()).status == 409
        assert connection.attempts == 1
        assert count < 1024  # it stopped when the answer was there
        assert connection.GET("/rest/matrix/there").read() == b"first"
