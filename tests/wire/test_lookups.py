"""Look-ups inside a request: they hold it up no longer than its own time limit."""

import socket
import threading

import pytest

import hcpsdk
from hcpsdk import ips
from hcpsdk._transport import keepalive
from hcpsdk._transport.idle_timer import IdleTimer

from ..support.doubles import Clock, Names
from ..support.raw_server import OK, StartServer, answering


def test_a_slow_look_up_holds_up_no_request(
    raw_server: StartServer, authorization: hcpsdk.NativeAuthorization, names: Names, clock: Clock
) -> None:
    """A renewal that hangs is left alone; the known addresses serve (contract 2.4, 4.5)."""
    server = raw_server(answering(OK))
    names.set("hcp.example", ["127.0.0.1"], ttl=1)
    target = hcpsdk.Target("hcp.example", authorization, port=server.port)
    release = threading.Event()
    names.before_answer = lambda: release.wait(60)
    clock.advance(1000)  # the time to live has passed
    try:
        with hcpsdk.Connection(target, timeout=1) as connection:
            assert connection.HEAD("/rest/a").status == 200
        assert len(names.asked) == 2  # it was asked, and did not answer
    finally:
        release.set()


def test_what_a_slow_look_up_finds_is_used(
    raw_server: StartServer, authorization: hcpsdk.NativeAuthorization, names: Names, clock: Clock
) -> None:
    """When an abandoned look-up answers at last, the pool is renewed (contract 2.5)."""
    server = raw_server(answering(OK))
    names.set("hcp.example", ["127.0.0.1"], ttl=1)
    target = hcpsdk.Target("hcp.example", authorization, port=server.port)
    release = threading.Event()
    names.before_answer = lambda: release.wait(60)
    clock.advance(1000)
    with hcpsdk.Connection(target, timeout=1) as connection:
        connection.HEAD("/rest/a")
    names.set("hcp.example", ["127.0.0.1", "127.0.0.2"], ttl=1)
    release.set()
    for thread in threading.enumerate():
        if thread.name == "hcpsdk-look-up":
            thread.join(60)

    assert target.addresses == ["127.0.0.1", "127.0.0.2"]


def test_addresses_are_fixed_for_an_attempt(
    authorization: hcpsdk.NativeAuthorization,
    names: Names,
    dialled: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name server that returns another dead node each time prolongs no request (contract
    2.10)."""
    for limit in ("SHORTEST_RENEWAL", "RENEWAL_AFTER_FAILURE"):
        monkeypatch.setattr(ips, limit, 0.0)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    def another_node() -> None:
        assert len(names.asked) < 50, "the request has no end"
        names.set("hcp.example", [f"127.9.9.{len(names.asked)}"], ttl=0)

    names.before_answer = another_node
    target = hcpsdk.Target("hcp.example", authorization, port=port)
    connection = hcpsdk.Connection(target, timeout=5, retries=2)
    with pytest.raises(hcpsdk.HcpsdkError):
        connection.HEAD("/rest/a")
    assert len(dialled) == len(set(dialled)) == 3  # one for each attempt


@pytest.mark.parametrize("timeout", [30, None])
def test_close_does_not_wait_for_a_look_up(
    authorization: hcpsdk.NativeAuthorization,
    names: Names,
    clock: Clock,
    dialled: list[str],
    timeout: float | None,
) -> None:
    """close() ends a request that waits for a look-up, without waiting for it (contract 6.3)."""
    names.set("hcp.example", ["127.0.0.1"], ttl=1)
    target = hcpsdk.Target("hcp.example", authorization, port=80)
    is_asking, release = threading.Event(), threading.Event()

    def hang() -> None:
        is_asking.set()
        release.wait(60)

    names.before_answer = hang
    clock.advance(1000)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            connection.HEAD("/rest/a")
        except BaseException as exc:
            errors.append(exc)

    connection = hcpsdk.Connection(target, timeout=timeout, retries=2)
    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert is_asking.wait(30)
        connection.close()
        thread.join(20)
        assert not thread.is_alive()
    finally:
        release.set()
        thread.join(30)
    (error,) = errors
    assert type(error) is hcpsdk.HcpsdkError
    assert "closed" in str(error)
    assert dialled == []


def test_without_threads(
    raw_server: StartServer,
    authorization: hcpsdk.NativeAuthorization,
    names: Names,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where no thread can be started requests work, and the pool is renewed in the calling thread
    (contract 5.2)."""
    start = threading.Thread.start
    refused: list[str] = []

    def refuse(thread: threading.Thread) -> None:
        if not thread.name.startswith("hcpsdk-"):
            return start(thread)
        refused.append(thread.name)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(keepalive, "idle_timer", IdleTimer())  # the usual one may have its thread
    monkeypatch.setattr(threading.Thread, "start", refuse)
    server = raw_server(answering(OK, OK))
    names.set("hcp.example", ["127.0.0.1"], ttl=1)
    target = hcpsdk.Target("hcp.example", authorization, port=server.port)
    names.set("hcp.example", ["127.0.0.1", "127.0.0.2"], ttl=1)
    clock.advance(1000)
    with hcpsdk.Connection(target, timeout=20) as connection:
        assert connection.HEAD("/rest/a").status == 200
        assert connection.HEAD("/rest/a").status == 200
    assert target.addresses == ["127.0.0.1", "127.0.0.2"]
    assert set(refused) == {"hcpsdk-idle", "hcpsdk-look-up"}
    assert len(server.peers) == 1
