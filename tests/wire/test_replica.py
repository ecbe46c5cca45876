"""Requests to a primary that cannot serve them, and its replica (contract, section 7)."""

import contextlib
import gc
import io
import logging
import os
import pickle
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

import hcpsdk
from hcpsdk import (
    RS_READ_ALLOWED,
    RS_READ_ON_FAILOVER,
    RS_WRITE_ALLOWED,
    RS_WRITE_ON_FAILOVER,
    _dispatch,
    _failover,
    ips,
)
from hcpsdk._failover import PROBE_SECONDS
from hcpsdk.mapi import Replication
from hcpsdk.namespace import Info

from ..support.doubles import Clock, Names
from ..support.nodes import TlsNode, answer_each, random_loopback
from ..support.raw_server import Handler, Peer, RawServer, StartServer, answer, answering, in_turn

ON_FAILOVER = RS_READ_ON_FAILOVER | RS_WRITE_ON_FAILOVER
ALLOWED = RS_READ_ALLOWED | RS_WRITE_ALLOWED
READS = ["GET", "HEAD"]
WRITES = ["PUT", "POST", "DELETE"]
VERBS = READS + WRITES
BIT = {
    **dict.fromkeys(READS, (RS_READ_ON_FAILOVER, RS_READ_ALLOWED)),
    **dict.fromkeys(WRITES, (RS_WRITE_ON_FAILOVER, RS_WRITE_ALLOWED)),
}


def hang_up(peer: Peer) -> None:
    peer.read_request()


def statuses(*lines: str) -> Handler:
    """A handler that responds with each of *lines* in turn, the body being the line."""

    def handler(peer: Peer) -> None:
        for line in lines:
            request = peer.read_request()
            if request is None:
                return
            peer.send(answer(b"" if request.method == "HEAD" else line.encode(), line))
        peer.wait_for_close()

    return handler


class Systems:
    """A primary and its replica, at two addresses with one port."""

    def __init__(
        self,
        start: StartServer,
        authorization: Any,
        primary: Handler | None,
        replica: Handler | None,
        strategy: int | None,
        **options: Any,
    ) -> None:
        here, there = random_loopback(), random_loopback()
        self.primary: RawServer = start(primary or answer_each, here)
        self.replica: RawServer = start(replica or answer_each, there, self.primary.port)
        if replica is None:
            self.replica.close()
        if primary is None:
            self.primary.close()
        self.target = hcpsdk.Target(
            here,
            authorization,
            self.primary.port,
            replica_fqdn=there,
            replica_strategy=strategy,
        )
        self.connection = hcpsdk.Connection(self.target, **options)

    def another(self, **options: Any) -> hcpsdk.Connection:
        """Another Connection to the same Target."""
        return hcpsdk.Connection(self.target, **options)

    def methods(self) -> tuple[list[str], list[str]]:
        """The methods of the requests that the primary has read, and those of the replica."""
        return (
            [request.method for request in self.primary.requests],
            [request.method for request in self.replica.requests],
        )


Start = Callable[..., Systems]


@pytest.fixture
def systems(raw_server: StartServer, authorization: Any) -> Iterator[Start]:
    """A function that starts both: ``systems(primary, replica, strategy, **options)``; one that
    is None refuses connections."""
    with contextlib.ExitStack() as stack:

        def start(*args: Any, **options: Any) -> Systems:
            made = Systems(raw_server, authorization, *args, **options)
            stack.callback(made.connection.close)
            return made

        yield start


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of failovers."""
    clock = Clock()
    for module in (_failover, _dispatch):
        monkeypatch.setattr(module, "time", clock)
    return clock


def send(connection: hcpsdk.Connection, verb: str, body: Any = b"abc") -> Any:
    if verb == "PUT":
        return connection.PUT("/rest/a", body)
    if verb == "POST":
        return connection.POST("/rest/a", body=body)
    return getattr(connection, verb)("/rest/a")


# Strategies


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("strategy", [None, 0, "others"])
def test_nothing_without_the_bit(systems: Start, verb: str, strategy: Any) -> None:
    """Nothing goes to a replica without the bit that allows it (contract 7.1, 7.9)."""
    if strategy == "others":
        strategy = ALLOWED | ON_FAILOVER
        for bit in BIT[verb]:
            strategy &= ~bit
    made = systems(statuses("404 Not Found", "503 Busy"), answer_each, strategy)
    assert send(made.connection, verb).status == 404
    assert send(made.connection, verb).status == 503
    made.connection.close()
    made.primary.close()
    for _ in range(2):
        with pytest.raises(hcpsdk.HcpsdkError, match="could not connect"):
            send(made.connection, verb)
    assert made.replica.peers == []


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("verb", VERBS)
def test_failover(systems: Start, dialled: list[str], verb: str, which: int) -> None:
    """What the primary cannot serve goes to the replica, and so does what follows, at once
    (contract 7.2 to 7.6)."""
    made = systems(None, answer_each, BIT[verb][which])
    for _ in range(3):
        assert send(made.connection, verb).status == 200
        assert made.connection.served_by is made.target.replica
        assert made.connection.attempts == 1
    assert made.methods()[1] == [verb] * 3
    assert dialled == [made.primary.address, made.replica.address]


@pytest.mark.parametrize("verb", VERBS)
def test_retries_come_first(systems: Start, verb: str) -> None:
    """All retries are used up before the replica is asked, and `attempts` counts the tries on
    both (contract 7.2, 7.7)."""
    made = systems(hang_up, answer_each, BIT[verb][0], retries=2)
    assert send(made.connection, verb).status == 200
    assert made.methods() == ([verb] * 3, [verb])
    assert made.connection.attempts == 4


def test_retries_on_the_replica(systems: Start) -> None:
    """The replica gets retries of its own."""
    made = systems(None, in_turn(hang_up, hang_up, answer_each), 15, retries=2)
    assert made.connection.PUT("/rest/a", b"abc").status == 200
    assert made.connection.attempts == 3


def test_other_methods_stay(systems: Start) -> None:
    """Reads are GET and HEAD, writes PUT, POST, DELETE; others stay (contract 7)."""
    made = systems(None, answer_each, 15)
    with pytest.raises(hcpsdk.HcpsdkError, match="could not connect"):
        made.connection.request("OPTIONS", "/rest/a")
    assert made.connection.GET("/rest/a").status == 200
    with pytest.raises(hcpsdk.HcpsdkError, match="could not connect"):
        made.connection.request("OPTIONS", "/rest/a")
    assert made.methods()[1] == ["GET"]


@pytest.mark.parametrize("kind", ["bytes", "file", "wrapped", "str", "list", "declared"])
def test_body_is_rewound(systems: Start, tmp_path: Path, kind: str) -> None:
    """The replica gets the whole body, from where it stood (contract 7.4, 4.3)."""
    whole = b"0123456789" * 20_000
    file = tmp_path / "file"
    file.write_bytes(b"head" + whole)

    def some_of_it(peer: Peer) -> None:
        peer.read_exactly(100_000)
        peer.reset()

    headers = None
    with file.open("rb") as opened:
        opened.seek(4)
        memory = io.BytesIO(b"head" + whole)
        memory.seek(4)
        bodies = {
            "bytes": whole,
            "file": opened,
            "wrapped": memory,
            "str": whole.decode(),
            "list": [whole[:7], whole[7:]],
        }
        body: Any = bodies.get(kind, memory)
        if kind == "declared":
            headers = {"Content-Length": str(len(whole))}
        made = systems(some_of_it, answer_each, RS_WRITE_ON_FAILOVER, retries=1)
        assert made.connection.PUT("/rest/a", body, headers=headers).status == 200
    (received,) = made.replica.requests
    assert received.body == whole
    assert received.headers("Host") == [made.replica.address]
    assert made.connection.attempts == 3


def test_generator(systems: Start, dialled: list[str]) -> None:
    """A body that cannot be rewound is never sent twice, and the error says so; where nothing of
    it was sent, the replica gets it (contract 7.4, 4.3)."""
    made = systems(hang_up, answer_each, 15, retries=1)
    with pytest.raises(hcpsdk.HcpsdkError, match="not sent to the replica: the request body can"):
        made.connection.PUT("/rest/a", iter([b"a", b"b"]))
    assert made.methods() == (["PUT"], [])
    assert made.connection.served_by is None

    made.connection.PUT("/rest/a", iter([b"a", b"b"]))
    assert [request.body for request in made.replica.requests] == [b"ab"]


def test_generator_is_no_probe(systems: Start, clock: Clock) -> None:
    """What can be sent to one system only does not try the primary first."""
    made = systems(in_turn(hang_up, answer_each), answer_each, 15)
    made.connection.GET("/rest/a")
    clock.advance(PROBE_SECONDS)
    made.connection.PUT("/rest/a", iter([b"a"]))
    assert made.connection.served_by is made.target.replica
    made.connection.PUT("/rest/a", b"a")
    assert made.connection.served_by is made.target


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "503 Busy"])
@pytest.mark.parametrize("verb", READS)
def test_reads_allowed(systems: Start, verb: str, status: str) -> None:
    """A read to which the primary responds with 404, 410 or 503 goes to the replica at once; its
    response counts below 400, else the primary's does (contract 7.5)."""
    made = systems(
        statuses(*[status] * 3), statuses("200 OK", "403 Forbidden", "204 None"), RS_READ_ALLOWED
    )
    connection = made.connection
    expected = b"" if verb == "HEAD" else status.encode()
    send(connection, verb)
    assert (connection.response_status, connection.attempts) == (200, 2)
    assert connection.served_by is made.target.replica
    assert connection.read() == (b"" if verb == "HEAD" else b"200 OK")
    send(connection, verb)
    assert (connection.response_status, connection.attempts) == (int(status[:3]), 2)
    assert connection.served_by is made.target
    assert connection.read() == expected
    send(connection, verb)
    assert connection.response_status == 204
    # Nobody has failed over, and the connections to both are kept.
    assert made.target.failover and made.target.failover.period.reason is None
    assert (len(made.primary.peers), len(made.replica.peers)) == (1, 1)


@pytest.mark.parametrize("status", ["400 Bad", "403 Forbidden", "500 Error", "504 Timeout"])
def test_other_statuses_stay(systems: Start, status: str) -> None:
    """Other statuses are the primary's last word (contract 7.5, 7.6)."""
    made = systems(statuses(*[status] * 5), answer_each, ALLOWED)
    for verb in VERBS:
        assert send(made.connection, verb).status == int(status[:3])
    assert made.replica.peers == []


@pytest.mark.parametrize("verb", VERBS)
def test_on_failover_takes_a_status(systems: Start, verb: str) -> None:
    """Without the bit that always allows it, 404, 410 and 503 are the primary's last word
    (contract 7.3, 7.4)."""
    lines = ["404 Not Found", "410 Gone", "503 Busy"]
    made = systems(statuses(*lines), answer_each, ON_FAILOVER)
    assert [send(made.connection, verb).status for _ in lines] == [404, 410, 503]
    assert made.replica.peers == []


@pytest.mark.parametrize("replica", [None, hang_up])
def test_replica_fails_after_a_404(systems: Start, replica: Any) -> None:
    """If the replica cannot be asked, the primary's response counts (contract 7.5)."""
    made = systems(statuses("404 Not Found", "404 Not Found"), replica, RS_READ_ALLOWED)
    for _ in range(2):
        assert made.connection.GET("/rest/a").status == 404
        assert made.connection.read() == b"404 Not Found"
        assert made.connection.served_by is made.target


@pytest.mark.parametrize("verb", WRITES)
@pytest.mark.parametrize("status", ["201 Created", "403 Forbidden", "409 Conflict", "503 Busy"])
def test_writes_allowed(systems: Start, verb: str, status: str) -> None:
    """A write to which the primary responds with 503 goes to the replica at once, and the caller
    gets the replica's response, 403 as well (contract 7.6)."""
    made = systems(statuses("503 Busy", "404 Not Found"), statuses(status), RS_WRITE_ALLOWED)
    body = io.BytesIO(b"abc")
    response = send(made.connection, verb, body)
    assert (response.status, response.read()) == (int(status[:3]), status.encode())
    assert made.connection.served_by is made.target.replica
    if verb != "DELETE":
        assert [request.body for request in made.replica.requests] == [b"abc"]
    # 404 and 410 are no reason.
    assert send(made.connection, verb).status == 404
    assert made.connection.served_by is made.target


def test_write_that_is_busy_and_spent(systems: Start) -> None:
    """A body that was sent and cannot be rewound leaves the primary's 503 (contract 7.6, 4.3)."""
    made = systems(statuses("503 Busy"), answer_each, RS_WRITE_ALLOWED)
    assert made.connection.PUT("/rest/a", iter([b"a"])).status == 503
    assert made.replica.peers == []


def test_conflict_with_itself(systems: Start) -> None:
    """A 409 from the replica may be the program's own write: `attempts` tells (contract 7.7)."""
    made = systems(hang_up, statuses("409 Conflict"), RS_WRITE_ON_FAILOVER)
    assert made.connection.PUT("/rest/a", b"abc").status == 409
    assert made.connection.attempts == 2


# The state


def test_shared(systems: Start, dialled: list[str]) -> None:
    """All Connections of a Target share the state (contract 7.2)."""
    made = systems(None, answer_each, 15)
    made.connection.GET("/rest/a")
    with made.another() as other:
        other.PUT("/rest/a", b"")
        assert other.served_by is made.target.replica
    assert dialled.count(made.primary.address) == 1
    # Another Target has its own.
    with hcpsdk.Connection(pickle.loads(pickle.dumps(made.target.replica))) as third:
        assert third.GET("/rest/a").status == 200


def test_probe(systems: Start, raw_server: StartServer, clock: Clock, dialled: list[str]) -> None:
    """Once in 30 seconds a request tries the primary first; success ends it (contract 7.2)."""
    made = systems(None, answer_each, 15)
    for number in range(1, 4):
        for _ in range(3):
            assert made.connection.GET("/rest/a").status == 200
            assert made.connection.served_by is made.target.replica
        assert dialled.count(made.primary.address) == number
        clock.advance(PROBE_SECONDS)
    primary = raw_server(answer_each, made.primary.address, made.primary.port)
    for _ in range(3):
        made.connection.GET("/rest/a")
        assert made.connection.served_by is made.target
    assert len(primary.requests) == 3


def test_probe_gets_a_status(systems: Start, clock: Clock) -> None:
    """Any response shows that the primary is back, even one that sends the read on."""
    made = systems(in_turn(hang_up, statuses("404 None", "200 OK")), answer_each, RS_READ_ALLOWED)
    made.connection.GET("/rest/a")
    clock.advance(PROBE_SECONDS)
    made.connection.GET("/rest/a")
    assert made.connection.served_by is made.target.replica
    made.connection.GET("/rest/a")
    assert made.connection.served_by is made.target


def test_one_probes(systems: Start, clock: Clock) -> None:
    """While one request waits for a silent primary, the others go on (contract 7.2)."""
    is_silent, may_end = threading.Event(), threading.Event()

    def silent(peer: Peer) -> None:
        peer.read_request()
        is_silent.set()
        assert may_end.wait(30)

    made = systems(in_turn(hang_up, silent), answer_each, 15)
    made.connection.GET("/rest/a")
    clock.advance(PROBE_SECONDS)
    prober = threading.Thread(target=made.connection.GET, args=("/rest/probe",))
    prober.start()
    assert is_silent.wait(30)
    clock.advance(PROBE_SECONDS)
    with made.another() as other:
        for verb in VERBS:
            assert send(other, verb).status == 200
            assert other.served_by is made.target.replica
    may_end.set()
    prober.join(30)
    assert made.connection.served_by is made.target.replica
    assert [request.target for request in made.primary.requests] == ["/rest/a", "/rest/probe"]


def test_silent_primary(systems: Start, clock: Clock) -> None:
    """A silent primary costs its time limits once per probe, not per request (contract 7.2)."""
    made = systems(lambda peer: peer.wait_for_close(), answer_each, 15, timeout=0.2, retries=1)
    for probes in (1, 2):
        for _ in range(5):
            made.connection.HEAD("/rest/a")
            assert made.connection.served_by is made.target.replica
        assert len(made.primary.peers) == 2 * probes  # attempts
        clock.advance(PROBE_SECONDS)


def test_lookup_that_fails(
    raw_server: StartServer, authorization: Any, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up that fails while known addresses serve is no reason (contract 7.2)."""
    monkeypatch.setattr(ips, "SHORTEST_RENEWAL", 0.0)
    primary = raw_server(answer_each, random_loopback())
    names.set("a.example", [primary.address], ttl=0)
    names.set("b.example", [random_loopback()])
    target = hcpsdk.Target(
        "a.example", authorization, primary.port, replica_fqdn="b.example", replica_strategy=15
    )
    names.fail("a.example")
    asked = len(names.asked)
    with hcpsdk.Connection(target, idletime=0) as connection:
        for _ in range(3):
            connection.GET("/rest/a")
            connection.read()
            assert connection.served_by is target
    assert len(names.asked) > asked
    assert target.failover and target.failover.period.reason is None


def test_pickle(systems: Start, dialled: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """A copy of a Target has its strategy, and is failed over if that was (contract 6.5)."""
    made = systems(None, answer_each, RS_READ_ON_FAILOVER)
    made.connection.GET("/rest/a")
    caplog.clear()
    copy = pickle.loads(pickle.dumps(made.target))
    assert copy.replica_strategy == RS_READ_ON_FAILOVER
    with hcpsdk.Connection(copy) as connection:
        assert connection.GET("/rest/a").status == 200
        assert connection.served_by is copy.replica
    assert dialled.count(made.primary.address) == 1
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_logging(systems: Start, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """One WARNING at the failover, one at its end, and nothing else above DEBUG."""
    caplog.set_level(logging.DEBUG, "hcpsdk")
    made = systems(in_turn(hang_up, answer_each), answer_each, 15)
    for _ in range(3):
        made.connection.PUT("/rest/a", b"abc")
    clock.advance(PROBE_SECONDS)
    for _ in range(3):
        made.connection.PUT("/rest/a", b"abc")
    found = [record for record in caplog.records if record.levelno > logging.DEBUG]
    here, there = made.target.fqdn, made.replica.address
    assert [(record.levelname, record.name) for record in found] == [
        ("WARNING", "hcpsdk.Target")
    ] * 2
    assert (
        found[0]
        .getMessage()
        .startswith(f"{here} failed over to {there}: PUT /rest/a failed at {here} ")
    )
    assert found[1].getMessage() == f"{here} is back: failover to {there} ends"


# Failures


@pytest.mark.parametrize("is_state", [False, True])
def test_both_fail(systems: Start, is_state: bool) -> None:
    """The text and the chain name both failures (contract 7.2), and no cycle is left."""
    made = systems(hang_up, hang_up, 15)
    if is_state:
        with pytest.raises(hcpsdk.HcpsdkError):
            made.connection.GET("/rest/before")
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(hcpsdk.HcpsdkError) as caught:
            made.connection.GET("/rest/a")
    finally:
        gc.enable()
    here, there = made.primary.address, made.replica.address
    text = str(caught.value)
    assert f"failed at {there} after {1 if is_state else 2} attempt" in text
    assert f"the primary, {here}, failed: GET /rest/{'before' if is_state else 'a'} failed" in text
    chain: list[BaseException] = [caught.value]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    assert f"failed at {there}" in str(chain[1]) and there in str(chain[1])
    assert any(f"failed at {here}" in str(error) for error in chain[2:])
    assert "".join(traceback.format_exception(caught.value)).count(f"failed at {here}") >= 2
    pickled = pickle.loads(pickle.dumps(caught.value))
    assert (type(pickled), str(pickled)) == (type(caught.value), text)
    assert made.connection.served_by is None
    assert made.connection.response_status is None


def test_both_time_out(systems: Start) -> None:
    """The exception is that of the replica's failure (contract 4.5)."""
    made = systems(None, lambda peer: peer.wait_for_close(), 15, timeout=0.2)
    with pytest.raises(hcpsdk.HcpsdkTimeoutError, match="refused"):
        made.connection.GET("/rest/a")


def test_file_that_fails(systems: Start) -> None:
    """A body that cannot be read is no failure of the primary (contract 7.2, 4.5)."""

    class Broken(io.BytesIO):
        def read(self, size: Any = -1, /) -> bytes:
            raise OSError("the disk is broken")

    made = systems(lambda peer: peer.wait_for_close(), answer_each, 15)
    with pytest.raises(hcpsdk.HcpsdkError, match="the disk is broken"):
        made.connection.PUT("/rest/a", Broken(b"abc"))
    assert made.target.failover and made.target.failover.period.reason is None
    assert made.replica.peers == []


def test_close_while_the_replica_is_asked(systems: Start) -> None:
    """`close()` ends it, without another attempt, and the 404 is not returned (contract 6.3)."""
    is_asked = threading.Event()

    def silent(peer: Peer) -> None:
        peer.read_request()
        is_asked.set()
        peer.wait_for_close()

    made = systems(statuses("404 None"), silent, 15, retries=3)
    errors: list[Exception] = []

    def get() -> None:
        try:
            made.connection.GET("/rest/a")
        except Exception as exc:
            errors.append(exc)

    thread = threading.Thread(target=get)
    thread.start()
    assert is_asked.wait(30)
    made.connection.close()
    thread.join(30)
    assert [type(error) for error in errors] == [hcpsdk.HcpsdkError]
    assert "was closed" in str(errors[0])
    assert len(made.replica.peers) == 1


def test_invalid_arguments(systems: Start) -> None:
    """They raise before anything is sent, and leave the Connection usable (contract 1.4)."""
    made = systems(answer_each, answer_each, 15)
    made.connection.GET("/rest/a")
    for method in ("G T", 1):
        with pytest.raises((ValueError, TypeError)):
            made.connection.request(method, "/rest/a")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="starts with"):
        made.connection.GET("rest/a")
    made.connection.GET("/rest/a")
    assert made.methods() == (["GET"] * 2, [])


# What belongs to a response


def test_served_by(systems: Start) -> None:
    """The Target that gave the last response; None before the first (contract 7.9)."""
    made = systems(in_turn(statuses("200 OK"), hang_up, hang_up), answering(answer(b"abcdef")), 2)
    connection = made.connection
    assert connection.served_by is None
    connection.GET("/rest/a")
    assert connection.served_by is made.target
    connection.read()
    assert connection.served_by is made.target
    connection.close()
    connection.GET("/rest/a")
    assert connection.read(3) == b"abc"
    assert connection.served_by is made.target.replica
    with pytest.raises(hcpsdk.HcpsdkError):
        connection.PUT("/rest/a", b"")
    assert connection.served_by is None
    with pytest.raises(AttributeError):
        connection.served_by = made.target  # type: ignore[misc]


def test_body_that_is_not_read(systems: Start) -> None:
    """The rest of a body from one system is discarded before the next request (contract 3.5)."""
    primary = answering(answer(b"x" * 1000), answer(b"", "404 None"), answer(b"last"))
    replica = answering(answer(b"y" * 1000), answer(b"z" * 1000))
    made = systems(primary, replica, RS_READ_ALLOWED)
    for expected in (b"x", b"y", b"l"):
        made.connection.GET("/rest/a")
        assert made.connection.read(1) == expected
    assert (len(made.primary.peers), len(made.replica.peers)) == (1, 1)


def test_connections_are_kept(systems: Start) -> None:
    """However often requests change between the systems, each has one connection."""
    lines = ["404 None", "200 OK"] * 10
    made = systems(statuses(*lines), answer_each, RS_READ_ALLOWED)
    for _ in lines:
        made.connection.GET("/rest/a")
    assert (len(made.primary.peers), len(made.replica.peers)) == (1, 1)
    made.connection.close()
    made.primary.wait_for_finished(1)
    made.replica.wait_for_finished(1)


@pytest.mark.parametrize("is_dropped", [False, True])
def test_spare_connection_is_closed(systems: Start, is_dropped: bool) -> None:
    """The connection to the other system is closed after its idle time, and with the Connection
    (contract 5.1, 5.4)."""
    made = systems(statuses("404 None", "200 OK"), answer_each, RS_READ_ALLOWED)
    connection = made.another(idletime=30 if is_dropped else 0.1)
    connection.GET("/rest/a")
    connection.GET("/rest/a")
    connection.read()
    if is_dropped:
        del connection
    made.primary.wait_for_finished(1)
    made.replica.wait_for_finished(1)


def test_no_idle_time(systems: Start) -> None:
    """``idletime=0`` closes both after each request (contract 5.3)."""
    made = systems(statuses("404 None"), answer_each, RS_READ_ALLOWED, idletime=0)
    made.connection.GET("/rest/a")
    made.primary.wait_for_finished(1)
    made.replica.wait_for_finished(1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_fork(systems: Start) -> None:
    """A child opens sockets of its own, and leaves both of its parent's alone (contract 6.4)."""
    handler = statuses(*["404 None", "200 OK"] * 2)
    made = systems(handler, answer_each, RS_READ_ALLOWED)
    connection = made.connection
    connection.GET("/rest/a")
    connection.GET("/rest/a")
    child = os.fork()
    if not child:
        code = 1
        try:
            connection.GET("/rest/child")
            code = 0 if connection.served_by is made.target.replica else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    connection.GET("/rest/a")
    connection.GET("/rest/a")
    assert (len(made.primary.peers), len(made.replica.peers)) == (2, 2)


# Namespaces, management, TLS, names


def test_namespace_info(systems: Start) -> None:
    """Reads of `namespace.Info` follow the strategy as reads do (contract 7.8)."""
    xml = b'<statistics namespaceName="n1" objectCount="3"/>'
    made = systems(in_turn(statuses("503 Busy"), hang_up), answering(*[answer(xml)] * 3), 1)
    with Info(made.target) as info:
        for _ in range(3):
            assert info.nsstatistics() == {"namespaceName": "n1", "objectCount": 3}
            info._connection.close()
    assert made.primary.requests[0].target == "/proc/statistics"


def test_mapi_stays(
    raw_server: StartServer, authorization: Any, tls_context: ssl.SSLContext
) -> None:
    """MAPI requests never leave the system that they were addressed to (contract 7.8)."""
    here, there = random_loopback(), random_loopback()
    primary = raw_server(statuses(*["503 Busy", "404 None"] * 2), here, 9090, tls_context)
    replica = raw_server(answer_each, there, 9090, tls_context)
    target = hcpsdk.Target(here, authorization, 9090, replica_fqdn=there, replica_strategy=15)
    with Replication(target) as replication:
        for status in ("503", "404"):
            with pytest.raises(hcpsdk.HcpsdkError, match=status):
                replication.getlinklist()
        with pytest.raises(hcpsdk.HcpsdkError, match="503"):
            replication.setreplicationlinkstate("a", Replication.R_SUSPEND)
        replication.close()
        primary.close()
        with pytest.raises(hcpsdk.HcpsdkError, match="could not connect"):
            replication.getlinklist()
    with hcpsdk.Connection(target) as connection, pytest.raises(hcpsdk.HcpsdkError):
        connection.GET("/mapi/services/replication")
    assert replica.peers == []


def test_tls(tls_node: Callable[..., TlsNode], authority: trustme.CA, authorization: Any) -> None:
    """The replica is verified with the same context (contract 7.1)."""
    primary, good = tls_node("{address}"), tls_node("{address}")
    bad = tls_node("{address}", authority=trustme.CA())
    primary.close()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    for replica, is_good in ((good, True), (bad, False)):
        target = hcpsdk.Target(
            primary.address,
            authorization,
            primary.port,
            sslcontext=context,
            replica_fqdn=replica.address,
            replica_strategy=15,
        )
        with hcpsdk.Connection(target) as connection:
            if is_good:
                assert connection.GET("/rest/a").status == 200
            else:
                with pytest.raises(hcpsdk.HcpsdkCertificateError, match="refused"):
                    connection.GET("/rest/a")


def test_certificate_of_the_primary(
    tls_node: Callable[..., TlsNode], authority: trustme.CA, authorization: Any
) -> None:
    """A certificate that does not verify is raised at once; nothing fails over (contract 7.2,
    2.8)."""
    primary, replica = tls_node("{address}", authority=trustme.CA()), tls_node("{address}")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    target = hcpsdk.Target(
        primary.address,
        authorization,
        primary.port,
        sslcontext=context,
        replica_fqdn=replica.address,
        replica_strategy=15,
    )
    with hcpsdk.Connection(target) as connection:
        for _ in range(2):
            with pytest.raises(hcpsdk.HcpsdkCertificateError):
                connection.GET("/rest/a")
    assert replica.peers == []
    assert target.failover and target.failover.period.reason is None


# The primary's name does not resolve


@pytest.mark.parametrize("strategy", [None, RS_WRITE_ON_FAILOVER, RS_WRITE_ALLOWED])
def test_unresolved(names: Names, authorization: Any, strategy: Any) -> None:
    """Without a strategy for reads the Target cannot be made (contract 7.1, 2.1)."""
    names.set("b.example", ["127.0.0.1"])
    with pytest.raises(ips.IpsError, match=r"a\.example"):
        hcpsdk.Target(
            "a.example", authorization, replica_fqdn="b.example", replica_strategy=strategy
        )


def test_neither_resolves(names: Names, authorization: Any) -> None:
    """If the replica's name does not resolve either, the primary's failure is raised, and names
    both (contract 7.1)."""
    with pytest.raises(ips.IpsError, match=r"a\.example.*b\.example"):
        hcpsdk.Target("a.example", authorization, replica_fqdn="b.example", replica_strategy=15)


def test_mapi_does_not_start_unresolved(names: Names, authorization: Any) -> None:
    """Requests to the management API would find nobody (contract 7.8)."""
    names.set("b.example", ["127.0.0.1"])
    with pytest.raises(ips.IpsError):
        hcpsdk.Target(
            "a.example", authorization, 9090, replica_fqdn="b.example", replica_strategy=15
        )


@pytest.mark.parametrize("strategy", [RS_READ_ON_FAILOVER, RS_READ_ALLOWED])
def test_starts_failed_over(
    raw_server: StartServer,
    authorization: Any,
    names: Names,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    strategy: int,
) -> None:
    """With a strategy for reads a Target starts failed over where only its replica resolves, and
    a probe looks the primary up (contract 7.1)."""
    here, there = random_loopback(), random_loopback()
    primary = raw_server(answer_each, here)
    raw_server(answer_each, there, primary.port)
    names.set("b.example", [there])
    target = hcpsdk.Target(
        "a.example",
        authorization,
        primary.port,
        replica_fqdn="b.example",
        replica_strategy=strategy,
    )
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert target.addresses == []
    with pytest.raises(ips.IpsError, match=r"a\.example"):
        target.getaddr()
    copy = pickle.loads(pickle.dumps(target))
    with hcpsdk.Connection(target) as connection, hcpsdk.Connection(copy) as other:
        asked = len(names.asked)
        for each in (connection, other, connection):
            each.GET("/rest/a")
            assert each.served_by and each.served_by.fqdn == "b.example"
        assert "a.example" not in [name for name, _ in names.asked[asked:]]
        with pytest.raises(hcpsdk.HcpsdkError, match=r"PUT /rest/a failed: cannot resolve a\.ex"):
            connection.PUT("/rest/a", b"")
        assert (connection.attempts, connection.address) == (0, there)
        clock.advance(PROBE_SECONDS)
        connection.GET("/rest/a")
        assert connection.served_by is target.replica
        names.set("a.example", [here])
        clock.advance(PROBE_SECONDS)
        connection.GET("/rest/a")
        assert connection.served_by is target
        assert target.addresses == [here]
