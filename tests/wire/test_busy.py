"""An HCP that is busy: a request that is repeated while the status is 503 (contract 4.8)."""

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest

import hcpsdk
from hcpsdk import _dispatch
from hcpsdk._transport import busy
from hcpsdk._transport.use import Use

from ..support.doubles import Clock
from ..support.nodes import random_loopback
from ..support.raw_server import Connect, Handler, Peer, StartServer, answer, answering, in_turn

VERBS = ["GET", "HEAD", "PUT", "POST", "DELETE"]
BUSY = answer(b"", "503 Service Unavailable")


class Pauses(list[float]):
    """The pauses so far, in seconds; none takes any time by a real clock."""


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    """Pauses take time by a clock that stands still otherwise."""
    pauses, clock = Pauses(), Clock()

    def pause(_use: Use, seconds: float) -> None:
        pauses.append(seconds)
        clock.advance(seconds)

    monkeypatch.setattr(_dispatch, "pause", pause)
    monkeypatch.setattr(_dispatch, "time", clock)
    return pauses


def busy_for(count: int, *headers: str) -> Handler:
    """A handler that is busy *count* times; else 200."""
    response = answer(b"busy", "503 Service Unavailable", *headers)
    return answering(*[response] * count, answer(b"done"))


def send(connection: hcpsdk.Connection, verb: str, body: Any = None) -> Any:
    if verb in ("PUT", "POST"):
        return getattr(connection, verb)("/rest/a", body=body)
    return getattr(connection, verb)("/rest/a")


@pytest.mark.parametrize("verb", VERBS)
def test_default(raw_server: StartServer, connect: Connect, verb: str) -> None:
    """By default a 503 is returned at once."""
    server = raw_server(answering(BUSY))
    connection = connect(server)
    assert send(connection, verb).status == 503
    assert connection.attempts == 1
    assert len(server.requests) == 1


@pytest.mark.parametrize("verb", VERBS)
def test_repeated(raw_server: StartServer, connect: Connect, pauses: Pauses, verb: str) -> None:
    """With ``busy_timeout`` it is repeated, over the same connection; `attempts` counts all."""
    server = raw_server(answering(BUSY, BUSY, BUSY, answer(b"")))
    connection = connect(server, busy_timeout=60)
    assert send(connection, verb).status == 200
    assert connection.attempts == len(server.requests) == 4
    assert len(server.peers) == 1
    assert len(pauses) == 3


def test_pauses_grow(raw_server: StartServer, connect: Connect, pauses: Pauses) -> None:
    """Without ``Retry-After`` the pauses grow and are random; when the time has passed, the 503
    is returned, and its body can be read."""
    server = raw_server(busy_for(100))
    connection = connect(server, busy_timeout=60)
    assert connection.GET("/rest/a").status == 503
    assert connection.read() == b"busy"
    assert sum(pauses) == pytest.approx(60)
    for count, seconds in enumerate(pauses[:-1]):
        longest = min(busy.FIRST_PAUSE * 2**count, busy.LONGEST_PAUSE)
        assert longest / 2 <= seconds <= longest
    assert connection.attempts == len(pauses) + 1
    assert len({seconds / 2**count for count, seconds in enumerate(pauses[:5])}) == 5


def test_retry_after(raw_server: StartServer, connect: Connect, pauses: Pauses) -> None:
    """``Retry-After`` says how long to wait."""
    connection = connect(raw_server(busy_for(2, "Retry-After: 7")), busy_timeout=20)
    assert connection.GET("/rest/a").status == 200
    assert pauses == [7, 7]


def test_retry_after_as_a_date(raw_server: StartServer, connect: Connect, pauses: Pauses) -> None:
    """A date counts by the clock of the server."""
    dates = ("Date: Sat, 01 Jan 2000 00:00:00 GMT", "Retry-After: Sat, 01 Jan 2000 00:00:09 GMT")
    connection = connect(raw_server(busy_for(1, *dates)), busy_timeout=20)
    assert connection.GET("/rest/a").status == 200
    assert pauses == [9]


@pytest.mark.parametrize(
    "value", ["0", "", "soon", "-1", "1.5", "\xb2", "Sat, 01 Jan 2000 00:00:09 GMT", "Sat, 99 X"]
)
def test_retry_after_that_says_nothing(
    raw_server: StartServer, connect: Connect, pauses: Pauses, value: str
) -> None:
    """What gives no time to wait leaves the pauses as they are; none is zero."""
    connection = connect(raw_server(busy_for(1, f"Retry-After: {value}")), busy_timeout=20)
    assert connection.GET("/rest/a").status == 200
    assert 0 < pauses[0] <= busy.FIRST_PAUSE


@pytest.mark.parametrize("value", ["21", "9" * 400])
def test_retry_after_that_is_too_late(
    raw_server: StartServer, connect: Connect, pauses: Pauses, value: str
) -> None:
    """If HCP is not to be asked again before the time has passed, the 503 is returned at once."""
    connection = connect(raw_server(busy_for(1, f"Retry-After: {value}")), busy_timeout=20)
    assert connection.GET("/rest/a").status == 503
    assert pauses == []


def test_body_is_rewound(raw_server: StartServer, connect: Connect, pauses: Pauses) -> None:
    """Each time the whole body is sent, from where it stood."""
    server = raw_server(busy_for(2))
    body = io.BytesIO(b"head" + b"x" * 100_000)
    body.seek(4)
    assert connect(server, busy_timeout=60).PUT("/rest/a", body).status == 200
    assert [request.body for request in server.requests] == [b"x" * 100_000] * 3


def test_params_that_can_be_iterated_once(
    raw_server: StartServer, connect: Connect, pauses: Pauses
) -> None:
    """Each repetition has the params, even if the caller passed an iterator: a DELETE of one
    version never becomes one of the object (contract 4.8)."""
    server = raw_server(busy_for(1))
    connection = connect(server, busy_timeout=60)
    assert connection.DELETE("/rest/a", params=iter([("version", "1")])).status == 200
    assert [request.target for request in server.requests] == ["/rest/a?version=1"] * 2


def test_body_that_cannot_be_rewound(
    raw_server: StartServer, connect: Connect, pauses: Pauses
) -> None:
    """It is never sent twice: the 503 is returned (contract 4.3)."""
    server = raw_server(busy_for(1))
    assert connect(server, busy_timeout=60).PUT("/rest/a", iter([b"abc"])).status == 503
    assert len(server.requests) == 1


def test_connection_that_ends(raw_server: StartServer, connect: Connect, pauses: Pauses) -> None:
    """A 503 after which the server closes is repeated over a new connection."""
    closing = answering(answer(b"", "503 Busy", "Connection: close"))
    server = raw_server(in_turn(closing, busy_for(0)))
    connection = connect(server, busy_timeout=60)
    assert connection.GET("/rest/a").status == 200
    assert connection.attempts == 2


def test_early_response(raw_server: StartServer, connect: Connect, pauses: Pauses) -> None:
    """A 503 in the middle of the body is repeated with the whole body (contract 4.4)."""

    def refuse(peer: Peer) -> None:
        peer.read_exactly(1000)
        peer.send(BUSY)
        peer.count_rest()

    server = raw_server(in_turn(refuse, busy_for(0)))
    whole = b"x" * 5_000_000
    assert connect(server, busy_timeout=60).PUT("/rest/a", whole).status == 200
    assert server.requests[-1].body == whole


def test_retries(raw_server: StartServer, connect: Connect, pauses: Pauses) -> None:
    """Failures in between are retried as always, and fail as always (contract 4.3)."""

    def busy_once(peer: Peer) -> None:
        peer.read_request()
        peer.send(BUSY)
        peer.read_request()

    server = raw_server(in_turn(busy_once, busy_for(1)))
    connection = connect(server, busy_timeout=60, retries=1)
    assert connection.POST("/rest/a").status == 200
    assert connection.attempts == 4

    server = raw_server(in_turn(busy_once))
    with pytest.raises(hcpsdk.HcpsdkError, match="after 2 attempts"):
        connect(server, busy_timeout=60).POST("/rest/a")


@pytest.mark.parametrize("status", ["429 Slow", "500 Error", "502 Bad", "504 Timeout"])
def test_other_statuses(
    raw_server: StartServer, connect: Connect, pauses: Pauses, status: str
) -> None:
    """Only 503 is repeated."""
    server = raw_server(answering(answer(b"", status, "Retry-After: 1")))
    assert connect(server, busy_timeout=60).GET("/rest/a").status == int(status[:3])
    assert pauses == []


def test_close_in_a_pause(raw_server: StartServer, connect: Connect) -> None:
    """`close()` ends a pause at once, without another attempt (contract 6.3); no other request
    can begin meanwhile (contract 6.2)."""
    server = raw_server(busy_for(5, "Retry-After: 3600"))
    connection = connect(server, busy_timeout=7200)
    errors: list[Exception] = []

    def get() -> None:
        try:
            connection.GET("/rest/a")
        except Exception as exc:
            errors.append(exc)

    is_pausing = threading.Event()
    real_pause: Callable[..., None] = _dispatch.pause

    def pause(use: Use, seconds: float) -> None:
        is_pausing.set()
        real_pause(use, seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_dispatch, "pause", pause)
        thread = threading.Thread(target=get)
        thread.start()
        assert is_pausing.wait(30)
        with pytest.raises(RuntimeError, match="in use"):
            connection.GET("/rest/b")
        connection.close()
        thread.join(30)
    assert not thread.is_alive()
    assert [type(error) for error in errors] == [hcpsdk.HcpsdkError]
    assert str(errors[0]) == "GET /rest/a failed: the Connection was closed meanwhile"
    assert len(server.requests) == 1


def test_real_pause(raw_server: StartServer, connect: Connect) -> None:
    """By a real clock as well."""
    connection = connect(raw_server(busy_for(2)), busy_timeout=30)
    assert connection.GET("/rest/a").status == 200
    assert connection.attempts == 3


@pytest.mark.parametrize("value", [-1, float("nan")])
def test_invalid_value(authorization: Any, value: float) -> None:
    """It is 0 or more seconds, and keyword only."""
    target = hcpsdk.Target("127.0.0.1", authorization)
    with pytest.raises(ValueError, match="busy_timeout"):
        hcpsdk.Connection(target, busy_timeout=value)
    with pytest.raises(TypeError, match="busy_timeout"):
        hcpsdk.Connection(target, busy_timeout="1")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        hcpsdk.Connection(target, 30, 30, 0, 0, False, 60, 60, 3, 1)  # type: ignore[misc]


@pytest.mark.parametrize("value", [10**400, float("inf")], ids=["huge", "inf"])
def test_for_ever(raw_server: StartServer, connect: Connect, pauses: Pauses, value: float) -> None:
    """A time without end works, and no pause is longer than the system can wait."""
    dates = ("Date: Sat, 01 Jan 2000 00:00:00 GMT", "Retry-After: Fri, 31 Dec 9999 00:00:00 GMT")
    server = raw_server(
        answering(BUSY, BUSY, answer(b"done"), answer(b"", "503 Service Unavailable", *dates))
    )
    connection = connect(server, busy_timeout=value)
    assert connection.GET("/rest/a").status == 200
    assert len(pauses) == 2
    assert connection.GET("/rest/b").status == 503
    assert len(pauses) == 2


@pytest.mark.parametrize("verb", ["GET", "PUT"])
def test_with_a_replica(
    raw_server: StartServer, authorization: Any, pauses: Pauses, verb: str
) -> None:
    """A 503 that may go to the replica does so at once; a pause follows when both are busy
    (contract 7.5, 7.6)."""
    here, there = random_loopback(), random_loopback()
    primary = raw_server(busy_for(5), here)
    replica = raw_server(busy_for(1), there, primary.port)
    target = hcpsdk.Target(
        here,
        authorization,
        primary.port,
        replica_fqdn=there,
        replica_strategy=hcpsdk.RS_READ_ALLOWED | hcpsdk.RS_WRITE_ALLOWED,
    )
    with hcpsdk.Connection(target, busy_timeout=60) as connection:
        assert send(connection, verb, io.BytesIO(b"abc")).status == 200
        assert connection.served_by is target.replica
        assert connection.attempts == 4
    assert (len(primary.requests), len(replica.requests), len(pauses)) == (2, 2, 1)
