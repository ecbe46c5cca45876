"""Replication links in the hands of our client: a disaster from its first minute to its last."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

import hcpsdk
from hcpsdk.mapi import Replication
from hcpsdk.testing import HCP, link


class Site:
    """One of two linked HCPs, with a Connection to its namespace and its link's state."""

    def __init__(self, hcp: Any, stack: Any) -> None:
        self.hcp = hcp
        user = hcpsdk.NativeAuthorization("n", "n01")
        system = hcpsdk.NativeAuthorization("service", "service01")
        self.data = stack.enter_context(
            hcpsdk.Connection(hcpsdk.Target(f"n1.m.{hcp.domain}", user), timeout=10)
        )
        self.replication = stack.enter_context(
            Replication(hcpsdk.Target(f"admin.{hcp.domain}", system, port=9090))
        )

    def state(self) -> Any:
        (name,) = self.replication.getlinklist()
        details = self.replication.getlinkdetails(name)
        return f"{details['status']}: {details['statusMessage']} ({details['type']})"

    def statistics(self) -> Any:
        return self.replication.getlinkdetails(self.replication.getlinklist()[0])["statistics"]

    def act(self, action: Any, linktype: Any) -> None:
        (name,) = self.replication.getlinklist()
        self.replication.setreplicationlinkstate(name, action, linktype)

    def power(self, is_on: Any) -> None:
        for node in self.hcp.nodes:
            node.start() if is_on else node.stop()


@pytest.fixture
def sites(hcp: HCP) -> Iterator[Any]:
    with HCP("hcp2.snomis.local") as other, contextlib.ExitStack() as stack:
        yield Site(hcp, stack), Site(other, stack)


def test_failover_and_failback(sites: Any) -> None:
    """Active/active: one system fails, the other stands in under both names, and gives back."""
    here, there = sites
    with link(here.hcp, there.hcp) as between:
        # What is written on one can be read on the other, and the statistics move.
        assert here.data.PUT("/rest/monday", b"here").status == 201
        between.wait()
        assert there.data.GET("/rest/monday").read() == b"here"
        assert here.statistics()["objectsReplicated"] == "1"
        assert here.statistics()["bytesReplicated"] == "4"
        assert here.state() == "GOOD: Synchronizing data (ACTIVE_ACTIVE)"

        # One loses its power; the administrator fails over to the other.
        here.power(False)
        with pytest.raises(hcpsdk.HcpsdkError, match="could not connect to any node"):
            here.data.GET("/rest/monday")
        there.act(Replication.R_FAILOVER, Replication.R_ACTIVE_ACTIVE)
        assert there.state() == "WARNING: Failed over (ACTIVE_ACTIVE)"

        # Its name leads to the other one now, which answers for it.
        user = hcpsdk.NativeAuthorization("n", "n01")
        target = hcpsdk.Target(here.data._target.fqdn, user)
        assert set(target.addresses) == {node.address for node in there.hcp.nodes}
        with hcpsdk.Connection(target) as connection:
            assert connection.GET("/rest/monday").read() == b"here"
            assert connection.getheader("X-HCP-ServicedBySystem") == there.hcp.domain
            assert connection.PUT("/rest/tuesday", b"there").status == 201

        # When it is back, failing back brings it up to date.
        here.power(True)
        there.act(Replication.R_FAILBACK, Replication.R_ACTIVE_ACTIVE)
        between.wait()
        assert here.state() == there.state() == "GOOD: Synchronizing data (ACTIVE_ACTIVE)"
        assert here.data.GET("/rest/tuesday").read() == b"there"


def test_failover_and_recovery(sites: Any) -> None:
    """Active/passive: the replica takes over, and the way back is a recovery in two steps."""
    primary, replica = sites
    with link(primary.hcp, replica.hcp, "ACTIVE_PASSIVE") as between:
        assert primary.data.PUT("/rest/monday", b"primary").status == 201
        between.wait()
        assert replica.data.GET("/rest/monday").read() == b"primary"
        # A read-only replica answers 403, with a word about it.
        assert replica.data.PUT("/rest/no", b"").status == 403
        assert replica.data.getheader("X-HCP-ErrorMessage")

        primary.power(False)
        replica.act(Replication.R_FAILOVER, Replication.R_INBOUND)
        assert replica.state() == "WARNING: Failed over (INBOUND)"
        assert replica.data.PUT("/rest/tuesday", b"replica").status == 201

        # Out of turn, HCP refuses, and says why.
        with pytest.raises(hcpsdk.HcpsdkError, match=r"^403 - Forbidden \(.+\)$"):
            replica.act(Replication.R_COMPLETERECOVERY, Replication.R_INBOUND)

        primary.power(True)
        replica.act(Replication.R_BEGINRECOVERY, Replication.R_INBOUND)
        assert replica.state() == "WARNING: Recovering data (INBOUND)"
        replica.act(Replication.R_COMPLETERECOVERY, Replication.R_INBOUND)
        between.wait()
        assert primary.state() == "GOOD: Sending data (OUTBOUND)"
        assert replica.state() == "GOOD: Receiving data (INBOUND)"
        assert primary.data.GET("/rest/tuesday").read() == b"replica"
        assert replica.data.PUT("/rest/no", b"").status == 403


def test_suspend_and_resume(sites: Any) -> None:
    """A suspended link lets nothing through until it is resumed."""
    here, there = sites
    with link(here.hcp, there.hcp) as between:
        here.act(Replication.R_SUSPEND, None)
        assert there.state() == "WARNING: Suspended by user (ACTIVE_ACTIVE)"
        here.data.PUT("/rest/a", b"abc")
        assert here.statistics()["objectsPending"] == "1"
        assert there.data.HEAD("/rest/a").status == 404

        there.act(Replication.R_RESUME, None)
        between.wait()
        assert there.data.HEAD("/rest/a").status == 200
        assert here.statistics()["objectsPending"] == "0"
