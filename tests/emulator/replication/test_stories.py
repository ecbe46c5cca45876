"""Two walks through a disaster, as in docs/hcp/mapi.rst 4.4 and namespace.rst 23."""

from hcpsdk.testing import HCP, link

from ..conftest import Site
from .test_transfer import losers


def power_off(site: Site) -> None:
    for node in site.hcp.nodes:
        node.stop()


def power_on(site: Site) -> None:
    for node in site.hcp.nodes:
        node.start()


def test_failover_and_recovery(site1: Site, site2: Site) -> None:
    """Active/passive: the primary fails, the replica takes over, and gives back what it got."""
    primary, replica = site1, site2
    with link(primary.hcp, replica.hcp, "ACTIVE_PASSIVE") as made:
        # An ordinary day: the primary is written, the replica can be read.
        assert primary.rest("PUT", "/rest/monday", b"on the primary").status == 201
        made.wait()
        assert replica.rest("GET", "/rest/monday").body == b"on the primary"
        assert replica.rest("PUT", "/rest/no", b"").status == 403
        assert primary.state(made) == "GOOD: Sending data (OUTBOUND)"
        assert replica.state(made) == "GOOD: Receiving data (INBOUND)"

        # The primary loses its power. Until somebody decides, the replica stays read-only.
        power_off(primary)
        assert replica.state(made) == "BAD: Broken link (INBOUND)"
        assert replica.rest("PUT", "/rest/no", b"").status == 403

        # The administrator fails over to the replica, which can be written now.
        assert replica.act(made, "failOver").status == 200
        assert replica.state(made) == "WARNING: Failed over (INBOUND)"
        assert replica.rest("PUT", "/rest/tuesday", b"on the replica").status == 201
        assert replica.rest("DELETE", "/rest/monday").status == 200

        # Without the primary there is nothing to recover.
        assert replica.act(made, "beginRecovery").status == 403

        # It comes back, and nothing happens by itself.
        power_on(primary)
        assert primary.state(made) == "WARNING: Failed over (OUTBOUND)"
        assert primary.rest("GET", "/rest/tuesday").status == 404
        assert primary.act(made, "beginRecovery").status == 403  # only on the replica

        # The recovery brings the changes back, while clients go on with the replica.
        made.delay = 3600
        assert replica.act(made, "beginRecovery").status == 200
        assert replica.state(made) == "WARNING: Recovering data (INBOUND)"
        assert primary.state(made) == "WARNING: Receiving data (OUTBOUND)"
        assert replica.details(made)["objectsPending"] == "2"
        assert primary.details(made)["objectsPendingRemote"] == "2"
        assert primary.rest("PUT", "/rest/no", b"").status == 403
        assert replica.rest("PUT", "/rest/wednesday", b"late").status == 201

        # For the last changes nobody may write.
        assert replica.act(made, "completeRecovery").status == 200
        assert replica.state(made) == "WARNING: Completing recovery (INBOUND)"
        assert [site.rest("PUT", "/rest/no", b"").status for site in (primary, replica)] == [
            403
        ] * 2

        # When all has arrived, the link is as it was before, by itself.
        made.delay = 0
        made.wait()
        assert primary.state(made) == "GOOD: Sending data (OUTBOUND)"
        assert replica.state(made) == "GOOD: Receiving data (INBOUND)"
        assert primary.rest("GET", "/rest/tuesday").body == b"on the replica"
        assert primary.rest("GET", "/rest/wednesday").body == b"late"
        assert primary.rest("GET", "/rest/monday").status == 404
        assert primary.rest("PUT", "/rest/thursday", b"home again").status == 201
        made.wait()
        assert replica.rest("GET", "/rest/thursday").body == b"home again"
        assert replica.rest("PUT", "/rest/no", b"").status == 403


def test_primary_that_had_not_sent_all(site1: Site, site2: Site) -> None:
    """What the primary could not send before it failed follows after the recovery."""
    with link(site1.hcp, site2.hcp, "ACTIVE_PASSIVE", delay=3600) as made:
        assert site1.rest("PUT", "/rest/unsent", b"unsent").status == 201
        assert site1.rest("PUT", "/rest/both", b"primary").status == 201
        power_off(site1)
        assert site2.act(made, "failOver").status == 200
        first = int(site2.rest("PUT", "/rest/both", b"replica")["X-HCP-VersionId"])
        power_on(site1)
        assert int(site1.rest("HEAD", "/rest/both")["X-HCP-VersionId"]) < first
        made.delay = 0
        for action in ("beginRecovery", "completeRecovery"):
            assert site2.act(made, action).status == 200
        made.wait()
        for site in (site1, site2):
            assert site.rest("GET", "/rest/unsent").body == b"unsent"
            assert site.rest("GET", "/rest/both").body == b"replica"
            (moved,) = losers(site, "both")
            assert site.rest("GET", moved).body == b"primary"
            told = site.details(made)
            assert (told["objectsPending"], told["objectsPendingRemote"]) == ("0", "0")


def test_recovery_that_fails(site1: Site, site2: Site) -> None:
    """The primary fails again while it recovers: the replica can take over once more."""
    with link(site1.hcp, site2.hcp, "ACTIVE_PASSIVE", delay=3600) as made:
        assert site2.act(made, "failOver").status == 200
        assert site2.rest("PUT", "/rest/a", b"kept").status == 201
        assert site2.act(made, "beginRecovery").status == 200
        power_off(site1)
        assert site2.state(made) == "BAD: Broken link (INBOUND)"
        assert site2.act(made, "completeRecovery").status == 403
        assert site2.act(made, "failOver").status == 200
        power_on(site1)
        made.delay = 0
        for action in ("beginRecovery", "completeRecovery"):
            assert site2.act(made, action).status == 200
        made.wait()
        assert site1.rest("GET", "/rest/a").body == b"kept"


def test_failover_and_failback(site1: Site, site2: Site) -> None:
    """Active/active: one system fails, the other one stands in, and both meet again."""
    with link(site1.hcp, site2.hcp) as made:
        # An ordinary day: both are written.
        assert site1.rest("PUT", "/rest/one", b"1").status == 201
        assert site2.rest("PUT", "/rest/two", b"2").status == 201
        made.wait()
        assert site1.rest("GET", "/rest/two").body == b"2"

        # The first system fails, and the second one is told to stand in for it.
        power_off(site1)
        assert site2.state(made) == "BAD: Broken link (ACTIVE_ACTIVE)"
        assert site2.act(made, "failOver").status == 200
        assert site2.state(made) == "WARNING: Failed over (ACTIVE_ACTIVE)"
        assert site2.rest("PUT", "/rest/three", b"3").status == 201
        assert site2.act(made, "failBack").status == 403  # there is nobody to fail back to

        # It comes back. Both can be written, as always, but nothing travels yet.
        power_on(site1)
        assert site1.state(made) == "WARNING: Failed over (ACTIVE_ACTIVE)"
        assert site1.rest("PUT", "/rest/four", b"4").status == 201
        made.wait()
        assert site1.rest("GET", "/rest/three").status == 404
        assert site1.act(made, "failBack").status == 403  # only on the system that stood in
        assert site2.act(made, "beginRecovery").status == 400  # not on this type of link

        # Failing back, they catch up with each other.
        assert site2.act(made, "failBack").status == 200
        made.wait()
        for site in (site1, site2):
            assert site.state(made) == "GOOD: Synchronizing data (ACTIVE_ACTIVE)"
            assert site.rest("GET", "/rest/three").body == b"3"
            assert site.rest("GET", "/rest/four").body == b"4"


def test_primary_that_lost_everything() -> None:
    """A primary that is replaced by an empty machine gets its link and its objects back."""
    with HCP("left.snomis.local") as left, HCP("right.snomis.local") as right:
        primary, replica = Site(left), Site(right)
        made = link(left, right, "ACTIVE_PASSIVE")
        assert primary.rest("PUT", "/rest/a", b"precious").status == 201
        made.wait()
        left.stop()
        assert replica.act(made, "failOver").status == 200
        left.start()
        assert primary.rest("GET", "/rest/a").status == 404
        assert replica.act(made, "beginRecovery").status == 403  # no link there yet
        for action in ("restore", "beginRecovery", "completeRecovery"):
            assert replica.act(made, action).status == 200
        made.wait()
        assert primary.rest("GET", "/rest/a").body == b"precious"
        assert primary.state(made) == "GOOD: Sending data (OUTBOUND)"
