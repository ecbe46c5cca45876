"""What travels over a link: objects, their metadata, deletions; and who wins if two differ."""

import random
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from hcpsdk.testing import HCP, Link, link

from ..conftest import Answer, Http, Site

# What an object is, wherever it is. (X-HCP-Replicated is told apart.)
SAME = (
    *("ETag", "X-HCP-VersionId", "X-HCP-Hash", "X-HCP-Size", "X-HCP-IngestTime"),
    *("X-HCP-ChangeTimeMilliseconds", "X-HCP-RetentionClass", "X-HCP-RetentionString"),
    *("X-HCP-RetentionHold", "X-HCP-Shred", "X-HCP-Index", "X-HCP-Owner"),
    *("X-HCP-CustomMetadataAnnotations", "X-HCP-ReplicationCollision"),
)


@pytest.fixture
def linked(site1: Site, site2: Site) -> Iterator[Link]:
    """An active/active link between the two, as fast as it can be."""
    with link(site1.hcp, site2.hcp) as made:
        yield made


def is_the_same(left: Site, right: Site, target: str = "/rest/a") -> Answer:
    """What both systems have under *target*; fails where they differ."""
    answers = [site.rest("GET", target) for site in (left, right)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].body == answers[1].body
    for name in SAME:
        assert answers[0][name] == answers[1][name], name
    return answers[1]


def losers(site: Site, name: str) -> list[str]:
    """The new names of the objects that lost *name*, ``.lost+found/replication/…/<name>``."""
    listing = site.rest("GET", "/rest/.lost+found/replication").body.decode()
    directories = re.findall('urlName="(.*)"', listing)
    found = [f"/rest/.lost+found/replication/{each}/{name}" for each in directories]
    return [target for target in found if site.rest("HEAD", target).status == 200]


@pytest.mark.parametrize("size", [0, 100, 1024 * 1024, 3_000_000])
def test_object(linked: Link, site1: Site, site2: Site, size: int) -> None:
    """An object arrives as it is: data, version, times, hash, settings."""
    data = bytes(range(251)) * (size // 251 + 1)
    target = "/rest/a%20b/c%C3%BC?retention=2035-01-01T00:00:00%2B0100&shred=true&index=false"
    assert site1.rest("PUT", target, data[:size]).status == 201
    linked.wait()
    answer = is_the_same(site1, site2, "/rest/a%20b/c%C3%BC")
    assert answer.body == data[:size]
    assert answer["X-HCP-RetentionString"] == "2035-01-01T00:00:00+0100"
    assert answer["X-HCP-ServicedBySystem"] == "hcp2.snomis.local"


def test_both_directions(linked: Link, site1: Site, site2: Site) -> None:
    """Over an active/active link, changes travel from either system."""
    assert site1.rest("PUT", "/rest/one", b"1").status == 201
    assert site2.rest("PUT", "/rest/two", b"2").status == 201
    linked.wait()
    assert is_the_same(site1, site2, "/rest/one").body == b"1"
    assert is_the_same(site1, site2, "/rest/two").body == b"2"


def test_what_was_there_before(site1: Site, site2: Site) -> None:
    """A new link brings what each system had already, empty directories included."""
    assert site1.rest("PUT", "/rest/old/one", b"1").status == 201
    assert site1.rest("PUT", "/rest/empty?type=directory").status == 201
    assert site2.rest("PUT", "/rest/old/two", b"2").status == 201
    with link(site1.hcp, site2.hcp) as made:
        made.wait()
        assert is_the_same(site1, site2, "/rest/old/one").body == b"1"
        assert is_the_same(site1, site2, "/rest/old/two").body == b"2"
        assert site2.rest("GET", "/rest/empty").status == 200


def test_deleted_between_two_links(site1: Site, site2: Site) -> None:
    """What was deleted on one system while there was no link comes back from the other one."""
    with link(site1.hcp, site2.hcp) as made:
        assert site1.rest("PUT", "/rest/a", b"data").status == 201
        made.wait()
    assert site1.rest("DELETE", "/rest/a").status == 200
    with link(site1.hcp, site2.hcp) as made:
        made.wait()
        assert is_the_same(site1, site2).body == b"data"


def test_deleted_between_two_links_of_three(site1: Site, site2: Site) -> None:
    """With a link to a third system in between, both systems have the same in the end."""
    with HCP("hcp3.snomis.local") as third, link(site1.hcp, third) as other:
        with link(site1.hcp, site2.hcp) as made:
            assert site1.rest("PUT", "/rest/a", b"data").status == 201
            made.wait()
        assert site1.rest("DELETE", "/rest/a").status == 200
        other.wait()
        with link(site1.hcp, site2.hcp) as again:
            for each in (again, other, again):
                each.wait()
            statuses = {site.rest("GET", "/rest/a").status for site in (site1, site2)}
            assert len(statuses) == 1


def test_primary_does_not_get_what_the_replica_had(site1: Site, site2: Site) -> None:
    """Over an active/passive link, nothing travels from the replica."""
    assert site1.rest("PUT", "/rest/one", b"1").status == 201
    assert site2.rest("PUT", "/rest/two", b"2").status == 201
    with link(site1.hcp, site2.hcp, "ACTIVE_PASSIVE") as made:
        made.wait()
        assert is_the_same(site1, site2, "/rest/one").body == b"1"
        assert site1.rest("GET", "/rest/two").status == 404
        assert site1.details(made)["objectsPendingRemote"] == "0"


@pytest.mark.parametrize(
    "change", ["hold=true", "index=false", "shred=true", "retention=A%2B10y", "retention=-2"]
)
def test_metadata(linked: Link, site1: Site, site2: Site, change: str) -> None:
    """Changed metadata follow the object; they count on the other system like its own."""
    assert site1.rest("PUT", "/rest/a", b"data").status == 201
    linked.wait()
    assert site2.rest("POST", f"/rest/a?{change}").status == 200
    linked.wait()
    is_the_same(site1, site2)
    deletable = change in ("index=false", "shred=true")
    assert site1.rest("DELETE", "/rest/a").status == (200 if deletable else 403)


def test_annotations(linked: Link, site1: Site, site2: Site) -> None:
    """Annotations arrive, are replaced, and go."""
    target = "/rest/a?type=custom-metadata&annotation=x"
    assert site1.rest("PUT", "/rest/a", b"data").status == 201
    for xml in (b"<first/>", b"<second/>"):
        assert site1.rest("PUT", target, xml).status == 201
        linked.wait()
        is_the_same(site1, site2)
        assert site2.rest("GET", target).body == xml
    assert site2.rest("DELETE", target).status == 200
    linked.wait()
    is_the_same(site1, site2)
    assert site1.rest("HEAD", "/rest/a")["X-HCP-Custom-Metadata"] == "false"


def test_delete(linked: Link, site1: Site, site2: Site) -> None:
    """A deletion travels too; directories that are deleted with it as well."""
    assert site1.rest("PUT", "/rest/d/e/a", b"data").status == 201
    linked.wait()
    for target in ("/rest/d/e/a", "/rest/d/e", "/rest/d"):
        assert site2.rest("DELETE", target).status == 200
    linked.wait()
    assert site1.rest("GET", "/rest/d/e/a").status == 404
    assert site1.rest("GET", "/rest/d").status == 404


def test_privileged_delete(linked: Link, site1: Site, site2: Site) -> None:
    """What was deleted despite retention goes on the other system, too."""
    assert site1.rest("PUT", "/rest/a?retention=-1", b"data").status == 201
    linked.wait()
    assert site1.rest("DELETE", "/rest/a?privileged=true&reason=test").status == 200
    linked.wait()
    assert site2.rest("GET", "/rest/a").status == 404


def test_delete_and_store_again(linked: Link, site1: Site, site2: Site) -> None:
    """An object that took the name of a deleted one takes it on the other system, too."""
    assert site1.rest("PUT", "/rest/a", b"first").status == 201
    linked.wait()
    linked.delay = 3600  # so that the deletion and the new object travel at once
    assert site1.rest("DELETE", "/rest/a").status == 200
    assert site1.rest("PUT", "/rest/a", b"second").status == 201
    linked.delay = 0
    linked.wait()
    assert is_the_same(site1, site2).body == b"second"
    assert site2.rest("GET", "/rest/.lost%2Bfound").status == 404


def test_name_that_changes_its_kind(linked: Link, site1: Site, site2: Site) -> None:
    """A directory may become an object, and that a directory, in one go."""
    assert site1.rest("PUT", "/rest/a/b", b"below").status == 201
    linked.wait()
    linked.delay = 3600
    assert site1.rest("DELETE", "/rest/a/b").status == 200
    assert site1.rest("DELETE", "/rest/a").status == 200
    assert site1.rest("PUT", "/rest/a", b"now an object").status == 201
    linked.delay = 0
    linked.wait()
    assert is_the_same(site1, site2).body == b"now an object"
    linked.delay = 3600
    assert site1.rest("DELETE", "/rest/a").status == 200
    assert site1.rest("PUT", "/rest/a/b", b"below again").status == 201
    linked.delay = 0
    linked.wait()
    assert is_the_same(site1, site2, "/rest/a/b").body == b"below again"


# Told by the object, and by the link


def test_replicated(linked: Link, site1: Site, site2: Site) -> None:
    """``X-HCP-Replicated`` is true once the other system has the object as it is."""
    linked.delay = 3600
    assert site1.rest("PUT", "/rest/a", b"data").status == 201
    told = [site1.rest("HEAD", "/rest/a")["X-HCP-Replicated"]]
    linked.delay = 0
    linked.wait()
    told += [site.rest("HEAD", "/rest/a")["X-HCP-Replicated"] for site in (site1, site2)]
    assert b'replicated="true"' in site2.rest("GET", "/rest").body
    linked.delay = 3600
    assert site2.rest("POST", "/rest/a?index=false").status == 200
    told += [site2.rest("HEAD", "/rest/a")["X-HCP-Replicated"]]
    linked.delay = 0
    linked.wait()
    told += [site2.rest("HEAD", "/rest/a")["X-HCP-Replicated"]]
    assert told == ["false", "true", "true", "false", "true"]


def test_not_linked(site1: Site) -> None:
    """Without a link nothing is replicated."""
    assert site1.rest("PUT", "/rest/a", b"data").status == 201
    assert site1.rest("HEAD", "/rest/a")["X-HCP-Replicated"] == "false"


def test_statistics(linked: Link, site1: Site, site2: Site) -> None:
    """The link counts what waits and what has travelled, and tells since when it is late."""
    linked.delay = 3600
    for name, size in (("a", 1000), ("b", 500)):
        assert site1.rest("PUT", f"/rest/{name}", bytes(size)).status == 201
    assert site1.rest("POST", "/rest/a?index=false").status == 200
    mine, theirs = site1.details(linked), site2.details(linked)
    assert (mine["objectsPending"], mine["bytesPending"]) == ("2", "1500")
    assert (mine["objectsPendingRemote"], mine["bytesPendingRemote"]) == ("0", "0")
    assert (theirs["objectsPending"], theirs["objectsPendingRemote"]) == ("0", "2")
    assert theirs["bytesPendingRemote"] == "1500"
    assert mine["objectsReplicated"] == "0"
    late = int(mine["upToDateAsOfMillis"])
    assert late == int(site1.details(linked)["upToDateAsOfMillis"])  # it stands still
    linked.delay = 0
    linked.wait()
    told = site1.details(linked)
    assert (told["objectsPending"], told["bytesPending"]) == ("0", "0")
    assert (told["objectsReplicated"], told["bytesReplicated"]) == ("2", "1500")
    assert float(told["bytesPerSecond"]) == 25.0  # the mean over a minute
    assert int(told["upToDateAsOfMillis"]) >= late
    assert site1.rest("DELETE", "/rest/a").status == 200
    linked.wait()
    assert site2.details(linked)["objectsReplicated"] == "3"


def test_suspend_and_resume(linked: Link, site1: Site, site2: Site) -> None:
    """While the link is suspended nothing travels; resumed, it catches up."""
    assert site2.act(linked, "suspend").status == 200
    assert site1.rest("PUT", "/rest/a", b"1").status == 201
    assert site2.rest("PUT", "/rest/b", b"2").status == 201
    linked.wait()
    assert site2.rest("GET", "/rest/a").status == 404
    assert site1.rest("GET", "/rest/b").status == 404
    assert site1.details(linked)["objectsPending"] == "1"
    assert site1.act(linked, "resume").status == 200
    linked.wait()
    assert is_the_same(site1, site2, "/rest/a").body == b"1"
    assert is_the_same(site1, site2, "/rest/b").body == b"2"


def test_nodes_down(linked: Link, site1: Site, site2: Site) -> None:
    """What cannot be delivered because the other system is down arrives when it is up."""
    for node in site2.hcp.nodes:
        node.stop()
    assert site1.rest("PUT", "/rest/a", b"patient").status == 201
    linked.wait()
    assert site1.rest("HEAD", "/rest/a")["X-HCP-Replicated"] == "false"
    site2.hcp.nodes[1].start()
    linked.wait()
    assert is_the_same(site1, site2).body == b"patient"


# Both wrote


def written_on_both(linked: Link, site1: Site, site2: Site) -> None:
    """Different objects of one name, that on ``hcp2`` the later one, before either travels."""
    linked.delay = 3600
    first = site1.rest("PUT", "/rest/d/a", b"earlier")["X-HCP-VersionId"]
    while True:  # until a millisecond has passed
        second = site2.rest("PUT", "/rest/d/a", b"later")["X-HCP-VersionId"]
        if second > first:
            break
        site2.rest("DELETE", "/rest/d/a")


def test_collision(linked: Link, site1: Site, site2: Site) -> None:
    """The later object keeps the name; the other one moves to ``.lost+found`` and is flagged."""
    written_on_both(linked, site1, site2)
    linked.delay = 0
    linked.wait()
    assert is_the_same(site1, site2, "/rest/d/a").body == b"later"
    (moved,) = losers(site1, "d/a")
    loser = is_the_same(site1, site2, moved)
    assert loser.body == b"earlier"
    assert loser["X-HCP-ReplicationCollision"] == "true"
    assert site1.rest("HEAD", "/rest/d/a")["X-HCP-ReplicationCollision"] == "false"
    for target in ("/rest/d/a", moved):
        for site in (site1, site2):
            assert site.rest("HEAD", target)["X-HCP-Replicated"] == "true"


@pytest.mark.parametrize(
    ("method", "change"),
    [("POST", "?hold=true"), ("PUT", "?type=custom-metadata"), ("DELETE", "?type=custom-metadata")],
)
def test_flag_of_a_collision(
    linked: Link, site1: Site, site2: Site, method: str, change: str
) -> None:
    """Any change of a moved object takes the flag away, on both systems."""
    written_on_both(linked, site1, site2)
    assert site1.rest("PUT", "/rest/d/a?type=custom-metadata", b"<a/>").status == 201
    linked.delay = 0
    linked.wait()
    (moved,) = losers(site2, "d/a")
    assert is_the_same(site1, site2, moved)["X-HCP-ReplicationCollision"] == "true"
    body = b"<b/>" if method == "PUT" else None
    assert site2.rest(method, moved + change, body).status in (200, 201)
    linked.wait()
    assert is_the_same(site1, site2, moved)["X-HCP-ReplicationCollision"] == "false"


def test_second_collision(linked: Link, site1: Site, site2: Site) -> None:
    """Each object that loses the same name has its own directory."""
    for count in (1, 2):
        written_on_both(linked, site1, site2)
        linked.delay = 0
        linked.wait()
        assert len(losers(site1, "d/a")) == count
        assert losers(site1, "d/a") == losers(site2, "d/a")
        assert site1.rest("DELETE", "/rest/d/a").status == 200
        linked.wait()


def test_metadata_changed_on_both(linked: Link, site1: Site, site2: Site) -> None:
    """Of two changes to the same object the later one counts, on both systems."""
    assert site1.rest("PUT", "/rest/a", b"data").status == 201
    linked.wait()
    linked.delay = 3600
    assert site1.rest("POST", "/rest/a?hold=true").status == 200
    first = site1.rest("HEAD", "/rest/a")["X-HCP-ChangeTimeMilliseconds"]
    while site2.rest("HEAD", "/rest/a")["X-HCP-ChangeTimeMilliseconds"] <= first:
        assert site2.rest("POST", "/rest/a?index=false").status == 200
    linked.delay = 0
    linked.wait()
    answer = is_the_same(site1, site2)
    assert (answer["X-HCP-RetentionHold"], answer["X-HCP-Index"]) == ("false", "false")


def test_deleted_here_changed_there(linked: Link, site1: Site, site2: Site) -> None:
    """A deletion wins over a change of metadata, whichever came later."""
    assert site1.rest("PUT", "/rest/a", b"data").status == 201
    linked.wait()
    linked.delay = 3600
    assert site1.rest("DELETE", "/rest/a").status == 200
    assert site2.rest("POST", "/rest/a?index=false").status == 200
    linked.delay = 0
    linked.wait()
    assert [site.rest("GET", "/rest/a").status for site in (site1, site2)] == [404, 404]
    assert site1.rest("PUT", "/rest/a", b"new").status == 201
    linked.wait()
    assert is_the_same(site1, site2).body == b"new"


def test_same_name_being_written(linked: Link, site1: Site, site2: Site) -> None:
    """An object arrives after the upload that has its name at the moment; then they collide."""
    address = site2.hcp.nodes[0].address
    client = Http(address)
    half_sent, go_on = threading.Event(), threading.Event()

    def body() -> Any:
        yield b"half "
        half_sent.set()
        assert go_on.wait(20)
        yield b"whole"

    answers: list[Answer] = []
    headers = {"Host": "n1.m.hcp2.snomis.local", "Transfer-Encoding": "chunked"}
    upload = threading.Thread(
        target=lambda: answers.append(
            client("PUT", "/rest/a", body(), headers, encode_chunked=True)
        )
    )
    upload.start()
    assert half_sent.wait(20)
    while site2.rest("DELETE", "/rest/a").status != 409:  # until the upload has its name
        pass
    assert site1.rest("PUT", "/rest/a", b"from hcp1").status == 201
    with pytest.raises(TimeoutError):
        linked.wait(0.1)
    go_on.set()
    upload.join(20)
    client.close()
    assert answers[0].status == 201
    linked.wait()
    assert is_the_same(site1, site2).body == b"from hcp1"  # it was stored later
    (moved,) = losers(site1, "a")
    assert is_the_same(site1, site2, moved).body == b"half whole"


def test_many(linked: Link, site1: Site, site2: Site) -> None:
    """Many objects from many threads, on both systems, and in the end both have all of them."""

    def store(site: Site, start: int) -> None:
        for number in range(start, start + 20):
            assert site.rest("PUT", f"/rest/d/{number}", bytes(number)).status == 201
            if number % 5 == 0:
                assert site.rest("DELETE", f"/rest/d/{number}").status == 200

    threads = [
        threading.Thread(target=store, args=((site1, site2)[part % 2], part * 20))
        for part in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    linked.wait()
    for site in (site1, site2):
        assert site.rest("GET", "/rest/d").body.count(b"<entry") == 128
    assert site1.rest("GET", "/rest/.lost+found").status == 404


@pytest.mark.parametrize("seed", range(8))
def test_anything(linked: Link, site1: Site, site2: Site, seed: int) -> None:
    """Whatever is done on both systems in whatever order, in the end both have the same."""
    dice = random.Random(seed)
    for _ in range(120):
        site = dice.choice([site1, site2])
        name = dice.choice(["a", "b", "d/c", "d/e"])
        method, target = dice.choice(
            [("PUT", name), ("PUT", name), ("DELETE", name), ("POST", f"{name}?index=false")]
        )
        body = dice.randbytes(8) if method == "PUT" else None
        site.rest(method, f"/rest/{target}", body)
        if dice.random() < 0.2:
            linked.delay = dice.choice([0, 3600])
        if linked.delay == 0 and dice.random() < 0.1:
            linked.wait()
    linked.delay = 0
    linked.wait()
    for name in ("a", "b", "d/c", "d/e"):
        targets = [*losers(site1, name), f"/rest/{name}"]
        assert targets[:-1] == losers(site2, name)
        for target in targets:
            statuses = [site.rest("HEAD", target).status for site in (site1, site2)]
            assert statuses[0] == statuses[1], target
            if statuses[0] == 200:
                assert is_the_same(site1, site2, target)["X-HCP-Replicated"] == "true"
