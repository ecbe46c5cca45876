"""What authorizations send."""

import itertools
import traceback
from typing import Any

import pytest

import hcpsdk

from ..support.aws import botocore_verifies
from ..support.raw_server import OK, Peer, RawServer, answering, head, in_turn


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (hcpsdk.DummyAuthorization(), []),
        (
            hcpsdk.NativeADAuthorization("jürgen@ad.example.com", "pass: €"),
            ["AD jürgen@ad.example.com:pass: €"],
        ),
    ],
    ids=["none", "AD"],
)
def test_authorization(
    raw_server: Any, authorization: hcpsdk.BaseAuthorization, expected: list[str]
) -> None:
    """The header as documented, in UTF-8, and no cookie (contract 12.1)."""
    server = raw_server(answering(OK))
    target = hcpsdk.Target(server.address, authorization, port=server.port)
    with hcpsdk.Connection(target) as connection:
        connection.HEAD("/fcfs_data/a")
    (request,) = server.requests
    found = request.headers("Authorization")
    assert [value.encode("latin-1").decode() for value in found] == expected
    assert request.headers("Cookie") == []


# Authorizations that see each attempt


def read_only(peer: Peer) -> None:
    """Reads a request, and hangs up."""
    peer.read_request()


def hs3_target(server: RawServer) -> hcpsdk.Target:
    return hcpsdk.Target(
        server.address,
        hcpsdk.HS3Authorization("n", "n01"),
        port=server.port,
        interface=hcpsdk.I_HS3,
    )


def test_each_attempt_is_signed(raw_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry has a signature of its own time, which botocore verifies (contract 11.3)."""
    clock = iter(range(1795665600, 1795669200))
    monkeypatch.setattr("hcpsdk._auth_hs3.time.time", lambda: next(clock))
    server = raw_server(in_turn(read_only, answering(OK)))
    with hcpsdk.Connection(hs3_target(server), retries=1) as connection:
        connection.PUT(
            "/n1/a b", "text", params={"a/b": ["", "c+d"]}, headers={"Content-Type": "x"}
        )
        assert connection.attempts == 2
    stamps = [request.headers("x-amz-date") for request in server.requests]
    assert stamps == [["20261126T040000Z"], ["20261126T040001Z"]]
    for request in server.requests:
        botocore_verifies(request.head, "bg==", "1dc7fed37e11b35093d311ef66928ad9")


def test_wrong_clock_is_reported(raw_server: Any, caplog: pytest.LogCaptureFixture) -> None:
    """If a signed request is refused and the clocks differ, the message and the log say so."""
    refused = head("Content-Length: 0", "Date: Thu, 26 Nov 2020 04:00:00 GMT", status="403 No")
    server = raw_server(answering(refused))
    with hcpsdk.Connection(hs3_target(server)) as connection:
        connection.GET("/n1/a")
        with pytest.raises(hcpsdk.HcpsdkError, match=r"403 - No \(the clock .* ahead of HCP's\)"):
            connection.raise_for_status()
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "GET /n1/a: the clock of this computer is" in record.getMessage()


class Counting(hcpsdk.BaseAuthorization):
    """A scheme that a user may write."""

    def __init__(self) -> None:
        self.seen: list[hcpsdk.UnsignedRequest] = []

    def authorize(self, request: hcpsdk.UnsignedRequest) -> dict[str, str]:
        self.seen.append(request)
        return {"x-number": str(len(self.seen))}


def test_own_scheme(raw_server: Any) -> None:
    """`authorize` sees all of each attempt, its headers replace the caller's (contract 11.4)."""
    server = raw_server(in_turn(read_only, answering(OK)))
    scheme = Counting()
    target = hcpsdk.Target(server.address, scheme, port=server.port)
    with hcpsdk.Connection(target, retries=1) as connection:
        connection.PUT("/rest/a", b"abc", params={"b": "/"}, headers={"X-Number": "0", "X-B": "1"})
    first, second = scheme.seen
    assert first == second
    assert (first.method, first.target) == ("PUT", "/rest/a?b=%2F")
    assert (first.length, b"".join(first.payload or ())) == (3, b"abc")
    assert first.headers[0] == ("Host", server.address)
    assert {("X-B", "1"), ("Content-Length", "3")} <= set(first.headers)
    assert [request.headers("x-number") for request in server.requests] == [["1"], ["2"]]
    assert [request.body for request in server.requests] == [b"abc", b"abc"]


class Failing(hcpsdk.BaseAuthorization):
    def __init__(self, outcome: Any) -> None:
        self._outcome = outcome

    def authorize(self, request: hcpsdk.UnsignedRequest) -> dict[str, str]:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return {self._outcome: "1"}


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (OSError("no key"), OSError),
        ("Content-Length", ValueError),
        ("Host", ValueError),
        ("a b", ValueError),
    ],
)
def test_own_scheme_that_fails(raw_server: Any, outcome: Any, error: type[Exception]) -> None:
    """What `authorize` raises reaches the caller as it is; headers that would change the framing
    are refused; nothing is sent, nothing retried (contract 11.4)."""
    server = raw_server(Peer.wait_for_close)
    target = hcpsdk.Target(server.address, Failing(outcome), port=server.port)
    with hcpsdk.Connection(target, retries=3) as connection:
        with pytest.raises(error):
            connection.PUT("/rest/a", b"abc")
        assert connection.attempts == 0
    assert server.requests == []


# Secrets that are not, or no longer, in `headers`


class PerRequest(hcpsdk.BaseAuthorization):
    """Has no headers, but a token for each attempt."""

    def authorize(self, request: hcpsdk.UnsignedRequest) -> dict[str, str]:
        return {"X-Token": "Pa55-word-of-one-attempt"}


class Rotating(hcpsdk.BaseAuthorization):
    """Has another token each time somebody looks."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    @property
    def headers(self) -> dict[str, str]:  # type: ignore[override]
        return {"X-Token": f"Pa55-word-{next(self._numbers)}"}


def echo_in_reason(peer: Peer) -> None:
    for request in peer.each_request():
        (token,) = request.headers("X-Token")
        peer.send(head("Content-Length: 0", f"X-HCP-ErrorMessage: {token}", status=f"403 {token}"))


def echo_as_a_head(peer: Peer) -> None:
    request = peer.read_request()
    if request:
        peer.send(request.headers("X-Token")[0].encode() + b"\r\n\r\n")


@pytest.mark.parametrize("kind", [PerRequest, Rotating])
@pytest.mark.parametrize("handler", [echo_in_reason, echo_as_a_head])
def test_token_that_is_sent_back(raw_server: Any, kind: Any, handler: Any) -> None:
    """It is not shown, even if the authorization no longer has it, or never had it in `headers`
    (contract 9.3)."""
    server = raw_server(handler)
    target = hcpsdk.Target(server.address, kind(), port=server.port)
    with hcpsdk.Connection(target) as connection, pytest.raises(hcpsdk.HcpsdkError) as caught:
        connection.GET("/rest/a")
        connection.raise_for_status()
    assert "Pa55" not in "".join(traceback.format_exception(caught.value))
    assert "********" in str(caught.value)
