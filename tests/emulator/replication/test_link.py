"""`hcpsdk.testing.link()`: linking two HCPs, and what a link is to the program that made it."""

import threading
from collections.abc import Iterator

import pytest

from hcpsdk.testing import HCP, Link, NameServer, Namespace, Reply, Request, link

from ..conftest import Site


@pytest.fixture
def linked(site1: Site, site2: Site) -> Iterator[Link]:
    with link(site1.hcp, site2.hcp) as made:
        yield made


def test_defaults(linked: Link) -> None:
    """Two words link two systems in the manual's way."""
    assert linked.name == "hcp1--<-->--hcp2"
    assert linked.type == "ACTIVE_ACTIVE"
    assert linked.delay == 0
    assert repr(linked) == "<Link hcp1--<-->--hcp2 ACTIVE_ACTIVE NORMAL, pending: 0 and 0>"


def test_passive_defaults(site1: Site, site2: Site) -> None:
    """An active/passive link has a name and description that tell its direction."""
    with link(site1.hcp, site2.hcp, "ACTIVE_PASSIVE") as made:
        assert made.name == "hcp1-->--hcp2"
        words = "active/passive replication from HCP1 to HCP2"
        assert site2.details(made)["description"] == words


@pytest.mark.parametrize(
    "options",
    [
        {"type": "PASSIVE"},
        {"name": "x" * 65},
        {"name": "\u0001"},
        {"description": "\0"},
        {"delay": -1},
    ],
)
def test_bad_options(site1: Site, site2: Site, options: dict[str, object]) -> None:
    """What is no link is refused, and nothing is left of it."""
    with pytest.raises(ValueError):
        link(site1.hcp, site2.hcp, **options)  # type: ignore[arg-type]
    assert site1.mapi("GET", "/links").body.endswith(b"<links/>")


def test_same_name(linked: Link, site1: Site, site2: Site) -> None:
    """A system has one link of a name; another name makes another link."""
    with pytest.raises(ValueError, match="has a link named"):
        link(site1.hcp, site2.hcp, name=linked.name.upper())
    with link(site1.hcp, site2.hcp, name="other"):
        body = site1.mapi("GET", "/links").body
        assert body.count(b"<name>") == 2
    assert site1.mapi("GET", "/links").body.count(b"<name>") == 1


def test_same_domain(site1: Site) -> None:
    """Two systems of one domain cannot be linked."""
    with HCP(site1.hcp.domain) as other, pytest.raises(ValueError, match="different domains"):
        link(site1.hcp, other)


def test_not_running(site1: Site) -> None:
    """Only running HCPs can be linked."""
    with pytest.raises(RuntimeError, match="not running"):
        link(site1.hcp, HCP("hcp2.snomis.local"))
    assert site1.mapi("GET", "/links").body.endswith(b"<links/>")


def test_site_of_its_own(site1: Site) -> None:
    """An HCP whose user answers the requests himself has nothing that could be replicated."""

    class Empty:
        def __init__(self, *_: object) -> None: ...

        def reset(self) -> None: ...

        async def answer(self, request: Request) -> Reply:
            raise AssertionError

    own = HCP("own.snomis.local", site=Empty)
    with own, pytest.raises(RuntimeError, match="custom site"):
        link(site1.hcp, own)
    assert site1.mapi("GET", "/links").body.endswith(b"<links/>")


def test_close(linked: Link, site1: Site, site2: Site) -> None:
    """Closing removes the link from both systems, any number of times."""
    linked.close()
    linked.close()
    for site in (site1, site2):
        assert site.mapi("GET", "/links").body.endswith(b"<links/>")
    with link(site1.hcp, site2.hcp) as again:
        assert again.name == linked.name


@pytest.mark.parametrize("first_to_stop", [0, 1])
def test_stop(first_to_stop: int) -> None:
    """Linked HCPs stop in either order, with changes on their way, and leave no thread."""
    before = set(threading.enumerate())
    pair = [HCP("left.snomis.local"), HCP("right.snomis.local")]
    for hcp in pair:
        hcp.start()
    made = link(pair[0], pair[1])
    sites = [Site(hcp) for hcp in pair]
    for number in range(20):
        assert sites[number % 2].rest("PUT", f"/rest/{number}", bytes(100)).status == 201
    pair[first_to_stop].stop()
    assert sites[1 - first_to_stop].state(made) == "BAD: Broken link (ACTIVE_ACTIVE)"
    pair[1 - first_to_stop].stop()
    made.close()
    assert set(threading.enumerate()) <= before


def test_stop_both_at_once() -> None:
    """Two threads may stop the two systems at the same time."""
    pair = [HCP("left.snomis.local"), HCP("right.snomis.local")]
    for hcp in pair:
        hcp.start()
    link(pair[0], pair[1])
    for number in range(20):
        assert Site(pair[number % 2]).rest("PUT", f"/rest/{number}", bytes(100)).status == 201
    threads = [threading.Thread(target=hcp.stop) for hcp in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def test_wait_that_takes_too_long(site1: Site, site2: Site) -> None:
    """`wait()` says what has not arrived in time; a shorter delay lets it arrive at once."""
    with link(site1.hcp, site2.hcp, delay=3600) as made:
        assert site1.rest("PUT", "/rest/a", b"slow").status == 201
        with pytest.raises(TimeoutError, match="pending: 1 and 0"):
            made.wait(0.01)
        assert site2.rest("GET", "/rest/a").status == 404
        made.delay = 0
        made.wait()
        assert site2.rest("GET", "/rest/a").body == b"slow"


def test_delay(site1: Site, site2: Site) -> None:
    """A change waits for the delay, and then travels by itself."""
    with link(site1.hcp, site2.hcp, delay=0.05) as made:
        for name in "abc":
            assert site1.rest("PUT", f"/rest/{name}", name.encode()).status == 201
        made.wait()
        assert [site2.rest("GET", f"/rest/{name}").body for name in "abc"] == [b"a", b"b", b"c"]


def test_reset(linked: Link, site1: Site, site2: Site) -> None:
    """Resetting the systems leaves the link as it was made, with nothing to send."""
    linked.delay = 3600
    assert site1.rest("PUT", "/rest/a", b"x").status == 201
    assert site1.act(linked, "failOver").status == 200
    for site in (site1, site2):
        site.hcp.reset()
    linked.delay = 0
    linked.wait()
    assert site2.rest("GET", "/rest/a").status == 404
    for site in (site1, site2):
        told = site.details(linked)
        assert told["statusMessage"] == "Synchronizing data"
        assert (told["objectsPending"], told["objectsReplicated"]) == ("0", "0")


def test_namespaces_of_one_side(site1: Site) -> None:
    """Only namespaces that both systems have are replicated; the others stay as they are."""
    n2, few_n2 = "n2.m.hcp1.snomis.local", "n2.m.few.snomis.local"
    few = HCP("few.snomis.local", namespaces=[Namespace("n2", "m"), Namespace("x", "m")])
    with few, link(site1.hcp, few, "ACTIVE_PASSIVE") as made:
        assert site1.rest("PUT", "/rest/a", b"1").status == 201
        assert site1.rest("PUT", "/rest/a", b"2", host=n2).status == 201
        made.wait()
        site = Site(few)
        assert site.rest("GET", "/rest/a", host=few_n2).body == b"2"
        assert site.rest("PUT", "/rest/b", b"", host=few_n2).status == 403
        assert site.rest("PUT", "/rest/b", b"", host="x.m.few.snomis.local").status == 201
        assert site1.rest("HEAD", "/rest/a")["X-HCP-Replicated"] == "false"
        assert site1.rest("HEAD", "/rest/a", host=n2)["X-HCP-Replicated"] == "true"


def test_three_systems(site1: Site, site2: Site) -> None:
    """Through a chain of links, what one system gets the others get, and no link is a loop."""
    with HCP("hcp3.snomis.local") as third:
        site3 = Site(third)
        with (
            link(site1.hcp, site2.hcp) as one,
            link(site2.hcp, third) as two,
            link(third, site1.hcp) as three,
        ):
            assert site1.rest("PUT", "/rest/a", b"round").status == 201
            for _ in range(3):  # from one to the next, and that one may have to tell others
                for made in (one, two, three):
                    made.wait()
            for site in (site1, site2, site3):
                answer = site.rest("GET", "/rest/a")
                assert (answer.body, answer["X-HCP-Replicated"]) == (b"round", "true")
            assert site2.rest("DELETE", "/rest/a").status == 200
            for _ in range(3):
                for made in (one, two, three):
                    made.wait()
            assert [site.rest("GET", "/rest/a").status for site in (site1, site2, site3)] == [
                404
            ] * 3


def test_name_servers_alone(linked: Link, site1: Site, site2: Site) -> None:
    """As long as nothing failed, each name server answers for its own domain."""
    assert isinstance(site1.hcp.name_server, NameServer)
    assert site1.rest("GET", "/rest", host="n1.m.hcp2.snomis.local").status == 403
