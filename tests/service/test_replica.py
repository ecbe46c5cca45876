"""A Target and its replica: two linked HCPs, one of which fails and comes back."""

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import hcpsdk
from hcpsdk import _dispatch, _failover
from hcpsdk._failover import PROBE_SECONDS
from hcpsdk.mapi import Replication
from hcpsdk.namespace import Info
from hcpsdk.testing import HCP, Answer, Blackhole, HangUp, Link, Refuse, Stall, link

from ..support.doubles import Clock

ON_FAILOVER = hcpsdk.RS_READ_ON_FAILOVER | hcpsdk.RS_WRITE_ON_FAILOVER
ALLOWED = hcpsdk.RS_READ_ALLOWED | hcpsdk.RS_WRITE_ALLOWED
USER = hcpsdk.NativeAuthorization("n", "n01")


@pytest.fixture
def clock(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of failovers and name look-ups."""
    for module in (_failover, _dispatch):
        monkeypatch.setattr(module, "time", clock)
    return clock


class Pair:
    """Two HCPs, a Target with both, and a Connection to it."""

    def __init__(self, here: HCP, there: HCP, between: Link, strategy: int) -> None:
        self.here = here
        self.there = there
        self.between = between
        self.target = hcpsdk.Target(
            f"n1.m.{here.domain}",
            USER,
            replica_fqdn=f"n1.m.{there.domain}",
            replica_strategy=strategy,
        )
        self.connection = hcpsdk.Connection(self.target, timeout=10)

    def stop(self) -> None:
        for node in self.here.nodes:
            node.stop()

    def start(self) -> None:
        for node in self.here.nodes:
            node.start()

    def do(self, verb: str, *args: Any) -> tuple[int, str]:
        """The status, and which system really served the request."""
        response = getattr(self.connection, verb)(*args)
        return response.status, response.getheader("X-HCP-ServicedBySystem").partition(".")[0]

    def act(self, action: str, kind: str) -> None:
        """An administrator acts on the link, at the replica."""
        system = hcpsdk.NativeAuthorization("service", "service01")
        target = hcpsdk.Target(f"admin.{self.there.domain}", system, port=9090)
        with Replication(target) as replication:
            (name,) = replication.getlinklist()
            replication.setreplicationlinkstate(name, action, kind)


MakePair = Callable[..., Pair]


@pytest.fixture
def pair(hcp: HCP) -> Iterator[MakePair]:
    """A function that makes a `Pair`: ``pair(strategy, kind="ACTIVE_ACTIVE")``."""
    with contextlib.ExitStack() as stack:

        def make(strategy: int, kind: Any = "ACTIVE_ACTIVE") -> Pair:
            other = stack.enter_context(HCP("hcp2.snomis.local"))
            made = Pair(hcp, other, stack.enter_context(link(hcp, other, kind)), strategy)
            stack.callback(made.connection.close)
            return made

        yield make


@pytest.mark.parametrize("strategy", [ON_FAILOVER, ALLOWED])
def test_active_active(pair: MakePair, clock: Clock, strategy: int) -> None:
    """Active/active: the replica takes over without anybody's help, and gives back within one
    interval of probes; nothing is lost on either side."""
    made = pair(strategy)
    assert made.do("PUT", "/rest/monday", b"1") == (201, "hcp1")
    made.between.wait()

    made.stop()
    assert made.do("GET", "/rest/monday") == (200, "hcp2")
    assert made.connection.read() == b"1"
    assert made.do("PUT", "/rest/tuesday", b"2") == (201, "hcp2")
    assert made.do("DELETE", "/rest/monday") == (200, "hcp2")
    clock.advance(PROBE_SECONDS)
    assert made.do("HEAD", "/rest/tuesday") == (200, "hcp2")

    made.start()
    made.between.wait()
    clock.advance(PROBE_SECONDS)
    assert made.do("GET", "/rest/tuesday") == (200, "hcp1")
    assert made.do("GET", "/rest/monday")[0] == 404
    assert made.do("PUT", "/rest/wednesday", b"3") == (201, "hcp1")


def test_dns_failover(pair: MakePair, clock: Clock) -> None:
    """An administrator fails over: the primary's name leads to the other system, which serves
    it; after failing back, requests find their way home (contract 7.2, 2.5)."""
    made = pair(ON_FAILOVER)
    made.do("PUT", "/rest/monday", b"1")
    made.between.wait()
    made.stop()
    assert made.do("GET", "/rest/monday") == (200, "hcp2")
    assert made.connection.served_by is made.target.replica

    made.act(Replication.R_FAILOVER, Replication.R_ACTIVE_ACTIVE)
    clock.advance(2 * PROBE_SECONDS)  # the known addresses have expired, too
    assert made.do("GET", "/rest/monday") == (200, "hcp2")
    assert made.connection.served_by is made.target
    assert made.do("PUT", "/rest/tuesday", b"2") == (201, "hcp2")
    assert set(made.target.addresses) == {node.address for node in made.there.nodes}

    made.start()
    made.act(Replication.R_FAILBACK, Replication.R_ACTIVE_ACTIVE)
    made.between.wait()
    made.connection.close()
    clock.advance(2 * PROBE_SECONDS)
    assert made.do("GET", "/rest/tuesday") == (200, "hcp1")


def test_active_passive(pair: MakePair, clock: Clock) -> None:
    """Active/passive: the replica can be read from; it takes writes after a failover, and until
    then answers 403 (contract 7.6)."""
    made = pair(ON_FAILOVER, "ACTIVE_PASSIVE")
    assert made.do("PUT", "/rest/monday", b"1") == (201, "hcp1")
    made.between.wait()

    made.stop()
    assert made.do("GET", "/rest/monday") == (200, "hcp2")
    assert made.do("PUT", "/rest/tuesday", b"2") == (403, "hcp2")
    assert made.connection.served_by is made.target.replica
    made.act(Replication.R_FAILOVER, Replication.R_INBOUND)
    assert made.do("PUT", "/rest/tuesday", b"2") == (201, "hcp2")

    made.start()
    made.act(Replication.R_BEGINRECOVERY, Replication.R_INBOUND)
    made.act(Replication.R_COMPLETERECOVERY, Replication.R_INBOUND)
    made.between.wait()
    clock.advance(2 * PROBE_SECONDS)
    assert made.do("GET", "/rest/tuesday") == (200, "hcp1")
    assert made.do("PUT", "/rest/wednesday", b"3") == (201, "hcp1")


def test_not_replicated_yet(pair: MakePair) -> None:
    """What only the other system has is found there (contract 7.5)."""
    made = pair(ALLOWED)
    made.between.delay = 1000
    with hcpsdk.Connection(made.target.replica) as other:
        assert other.PUT("/rest/there", b"1").status == 201
    assert made.do("GET", "/rest/there") == (200, "hcp2")
    assert made.connection.read() == b"1"
    assert made.do("GET", "/rest/nowhere")[0] == 404
    assert made.connection.served_by is made.target


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "POST", "DELETE"])
def test_busy(pair: MakePair, verb: str) -> None:
    """What the primary is too busy for goes to the replica (contract 7.5, 7.6)."""
    made = pair(ALLOWED)
    made.do("PUT", "/rest/a", b"1")
    made.between.wait()
    made.here.add_fault(Answer(503))
    name = "/rest/b" if verb == "PUT" else "/rest/a"
    params = {"hold": True} if verb == "POST" else None
    made.connection.request(verb, name, params=params)
    assert made.connection.served_by is made.target.replica


class Waiting(io.BytesIO):
    """A body that is sent again only when replication has caught up."""

    def __init__(self, data: bytes, between: Link) -> None:
        super().__init__(data)
        self.between: Link | None = None
        self._between = between

    def seek(self, position: int, whence: int = 0, /) -> int:
        if self.between is not None:
            self.between.wait()
        return super().seek(position, whence)


def test_conflict_with_itself(pair: MakePair) -> None:
    """The primary took a write and replicated it, but its response was lost: the replica says
    409, and the hashes tell that it is the same object (contract 7.7)."""
    made = pair(ON_FAILOVER)
    made.here.add_fault(HangUp("before answer", method="PUT"))
    body = Waiting(b"mine", made.between)
    body.between = made.between
    assert made.do("PUT", "/rest/a", body) == (409, "hcp2")
    assert made.connection.attempts == 2
    assert made.do("HEAD", "/rest/a") == (200, "hcp2")
    digest = made.connection.getheader("X-HCP-Hash")
    with hcpsdk.Connection(made.target.replica) as other:
        assert other.PUT("/rest/same", b"mine").getheader("X-HCP-Hash") == digest


@pytest.mark.parametrize("fault", [Refuse(), Blackhole(), Stall("before request", times=None)])
def test_ways_to_fail(pair: MakePair, fault: Any) -> None:
    """Refused, swallowed, or silent: the replica serves, and each node was waited for once."""
    made = pair(ON_FAILOVER)
    made.here.add_fault(fault)
    made.connection.close()
    made.connection = hcpsdk.Connection(made.target, timeout=0.3)
    for number in range(3):
        assert made.do("PUT", f"/rest/{number}", b"") == (201, "hcp2")
        assert made.connection.attempts == (2 if not number and isinstance(fault, Stall) else 1)
    made.connection.close()
    made.here.clear_faults()


def test_namespace_info(pair: MakePair) -> None:
    """`namespace.Info` works while the primary is down (contract 7.8)."""
    made = pair(ON_FAILOVER)
    made.stop()
    with Info(made.target) as info:
        assert info.nsstatistics()["namespaceName"] == "n1"
        assert [*info.listaccessiblens()] == ["n1"]
    assert [request.target for request in made.there.requests] == [
        "/proc/statistics",
        "/proc?single=true",
    ]


def test_starts_without_primary(pair: MakePair, clock: Clock) -> None:
    """A program that starts while the primary and its name servers are down (contract 7.1)."""
    made = pair(ON_FAILOVER)
    made.stop()
    target = hcpsdk.Target(
        f"n1.m.{made.here.domain}",
        USER,
        replica_fqdn=f"n1.m.{made.there.domain}",
        replica_strategy=ON_FAILOVER,
    )
    made.connection.close()
    made.connection = hcpsdk.Connection(target, timeout=10)
    assert made.do("PUT", "/rest/a", b"1") == (201, "hcp2")
    made.start()
    clock.advance(PROBE_SECONDS)
    assert made.do("PUT", "/rest/b", b"2") == (201, "hcp1")
