"""Versions of objects (docs/hcp/namespace.rst, section 12)."""

import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from hcpsdk.testing import HCP, Link, Namespace, User, link

from ..conftest import Answer, Http, Site

HOST = "n2.m.hcp1.snomis.local"
NOTE = "?type=custom-metadata&annotation=note"


@pytest.fixture
def http(hcp: HCP) -> Iterator[Http]:
    """Requests to ``n2``, which keeps versions."""
    client = Http(HOST)
    yield client
    client.close()


def store(http: Http, data: bytes, target: str = "/rest/d/a") -> str:
    """The ID of the version that is made."""
    stored = http("PUT", target, data)
    assert stored.status == 201
    return stored["X-HCP-VersionId"]


def listed(http: Http, query: str = "", target: str = "/rest/d/a") -> list[tuple[str, str]]:
    """State and ID of each version, the newest first."""
    response = http("GET", f"{target}?version=list{query}")
    assert (response.status, response["Content-Type"]) == (200, "text/xml")
    return [
        (each.get("state", ""), each.get("version", "")) for each in ET.fromstring(response.body)
    ]


def test_a_second_put_makes_a_version(http: Http) -> None:
    """The name stands for the newest version; each of them can be read by its ID."""
    first, second = store(http, b"first"), store(http, b"second!")

    assert int(first) < int(second)
    assert http("GET", "/rest/d/a").body == b"second!"
    for version, data in ((first, b"first"), (second, b"second!")):
        got = http("GET", f"/rest/d/a?version={version}")
        assert (got.status, got.body, got["X-HCP-VersionId"]) == (200, data, version)
        head = http("HEAD", f"/rest/d/a?version={version}")
        assert (head.status, head["X-HCP-Size"]) == (200, str(len(data)))
    assert listed(http) == [("created", second), ("created", first)]


def test_list(http: Http) -> None:
    """The list has the attributes of the manual."""
    version = store(http, b"x")
    root = ET.fromstring(http("GET", "/rest/d/a?version=list").body)
    (entry,) = root

    assert root.tag == "versions"
    assert {name: root.get(name) for name in ("path", "parentDir", "deleted", "showDeleted")} == {
        "path": "/rest/d/a",
        "parentDir": "/rest/d",
        "deleted": "false",
        "showDeleted": "false",
    }
    assert (entry.get("urlName"), entry.get("version"), entry.get("size")) == ("a", version, "1")


def test_delete_leaves_a_marker(http: Http) -> None:
    """A deleted object has a marker and its old versions; a second deletion finds nothing."""
    first = store(http, b"x")
    assert http("DELETE", "/rest/d/a").status == 200

    assert [http(method, "/rest/d/a").status for method in ("GET", "HEAD", "DELETE")] == [404] * 3
    assert http("GET", "/rest/d/a?version=list").status == 404
    (state, marker), old = listed(http, "&deleted=true")
    assert (state, old) == ("deleted", ("created", first))
    assert http("GET", f"/rest/d/a?version={first}").body == b"x"
    assert http("GET", f"/rest/d/a?version={marker}").status == 204
    assert http("HEAD", f"/rest/d/a?version={marker}")["X-HCP-Type"] == "object"
    third = store(http, b"again")
    assert listed(http) == [("created", third), ("deleted", marker), ("created", first)]


def test_listing_with_deleted_entries(http: Http) -> None:
    """A listing shows deleted objects only on demand."""
    store(http, b"x")
    store(http, b"x", "/rest/d/b")
    http("DELETE", "/rest/d/a")

    for query, names in (
        ("", [("b", "created")]),
        ("?deleted=true", [("a", "deleted"), ("b", "created")]),
    ):
        root = ET.fromstring(http("GET", f"/rest/d{query}").body)
        assert [(each.get("urlName"), each.get("state")) for each in root] == names


def test_purge(http: Http) -> None:
    """A purge removes all versions without a trace, also of a deleted object."""
    for deletes_first in (False, True):
        first = store(http, b"x")
        store(http, b"y")
        if deletes_first:
            http("DELETE", "/rest/d/a")
        assert http("DELETE", "/rest/d/a?purge=true").status == 200
        assert http("GET", "/rest/d/a?version=list&deleted=true").status == 404
        assert http("GET", f"/rest/d/a?version={first}").status == 404
        statistics = http("GET", "/proc/statistics").body
        assert b'objectCount="0"' in statistics
        assert b'usedCapacityBytes="0"' in statistics
    assert http("DELETE", "/rest/d/a?purge=true").status == 404


def test_privileged_purge(http: Http) -> None:
    """Retention prevents new versions, deletion and purge; privileged deletes are possible."""
    store(http, b"x")
    store(http, b"y")
    assert http("POST", "/rest/d/a?retention=-1").status == 200

    assert http("PUT", "/rest/d/a", b"z").status == 403
    assert http("DELETE", "/rest/d/a").status == 403
    assert http("DELETE", "/rest/d/a?purge=true").status == 403
    assert http("DELETE", "/rest/d/a?purge=true&privileged=true&reason=because").status == 200
    assert http("GET", "/rest/d/a?version=list&deleted=true").status == 404


def test_hold_prevents_a_version(http: Http) -> None:
    """An object on hold gets no new version, and is not deleted."""
    store(http, b"x", "/rest/d/a?hold=true")
    assert http("PUT", "/rest/d/a", b"z").status == 403
    assert http("DELETE", "/rest/d/a?purge=true&privileged=true&reason=because").status == 403
    assert http("GET", "/rest/d/a").body == b"x"


def test_delete_of_one_version(http: Http) -> None:
    """A version can be deleted alone; if it was current, the one before it becomes so."""
    first, second, third = (store(http, data) for data in (b"1", b"2", b"3"))
    assert http("DELETE", f"/rest/d/a?version={second}").status == 200
    assert listed(http) == [("created", third), ("created", first)]
    assert http("DELETE", f"/rest/d/a?version={third}").status == 200
    assert http("GET", "/rest/d/a").body == b"1"
    assert http("DELETE", f"/rest/d/a?version={third}").status == 404
    http("DELETE", "/rest/d/a")
    marker = listed(http, "&deleted=true")[0][1]
    assert http("DELETE", f"/rest/d/a?version={marker}").status == 200
    assert http("GET", "/rest/d/a").body == b"1"


@pytest.mark.parametrize(
    ("method", "query", "status"),
    [
        ("GET", "version=1", 404),
        ("GET", "version=", 400),
        ("GET", "version=x", 400),
        ("HEAD", "version=list", 400),
        ("PUT", "version=1", 400),
        ("POST", "version=1&index=true", 400),
        ("PUT", "type=custom-metadata&version=1", 400),
        ("DELETE", "type=custom-metadata&version=1", 400),
        ("DELETE", "version=1&purge=true", 400),
        ("DELETE", "version=list", 400),
        ("GET", "version=1-5", 501),
        ("GET", "version=@1", 501),
        ("DELETE", "version=@1-@5", 501),
    ],
)
def test_refused(http: Http, method: str, query: str, status: int) -> None:
    """Unknown versions get 404, wrong uses 400, and what the emulator does not know 501."""
    store(http, b"x")
    assert http(method, f"/rest/d/a?{query}").status == status
    assert http("GET", "/rest/d/a").body == b"x"
    assert len(listed(http)) == 1


def test_what_a_version_inherits(http: Http) -> None:
    """Index, shred, class and annotations go on, unless the request gives others."""
    store(http, b"x", "/rest/d/a?index=false&shred=true")
    http("PUT", f"/rest/d/a{NOTE}", b"<note/>")
    store(http, b"y")
    head = http("HEAD", "/rest/d/a")
    assert [head[f"X-HCP-{name}"] for name in ("Index", "Shred", "CustomMetadataAnnotations")] == [
        "false",
        "true",
        "note;7",
    ]
    store(http, b"z", "/rest/d/a?index=true")
    assert http("HEAD", "/rest/d/a")["X-HCP-Index"] == "true"
    assert http("GET", f"/rest/d/a{NOTE}").body == b"<note/>"


def test_annotations_of_versions(http: Http) -> None:
    """An annotation changes the current version and makes no new one; old ones can be read."""
    first = store(http, b"x")
    http("PUT", f"/rest/d/a{NOTE}", b"<old/>")
    store(http, b"y")
    http("PUT", f"/rest/d/a{NOTE}", b"<new/>")

    assert http("GET", f"/rest/d/a{NOTE}").body == b"<new/>"
    assert http("GET", f"/rest/d/a{NOTE}&version={first}").body == b"<old/>"
    assert (
        b"<name>note</name>"
        in http("GET", f"/rest/d/a?type=custom-metadata-info&version={first}").body
    )
    assert len(listed(http)) == 2


def test_owner_of_all_versions(http: Http) -> None:
    """The owner belongs to all versions."""
    first = store(http, b"x")
    store(http, b"y")
    assert http("POST", "/rest/d/a?owner=").status == 200
    assert http("HEAD", f"/rest/d/a?version={first}")["X-HCP-Owner"] == ""


def test_conditions_look_at_the_version(http: Http) -> None:
    """A condition is checked against the version that is asked for."""
    first = store(http, b"x")
    etag = http("HEAD", "/rest/d/a")["ETag"]
    store(http, b"y")
    assert http("GET", f"/rest/d/a?version={first}", None, {"If-Match": etag}).status == 200
    assert http("GET", "/rest/d/a", None, {"If-Match": etag}).status == 412
    assert http("PUT", "/rest/d/a", b"z", {"If-Match": etag}).status == 412


def test_counts(http: Http) -> None:
    """Old versions count as objects, delete markers do not."""
    store(http, b"xx")
    store(http, b"yyy")
    http("DELETE", "/rest/d/a")
    statistics = http("GET", "/proc/statistics").body
    assert b'objectCount="2"' in statistics
    assert b'usedCapacityBytes="5"' in statistics


def test_large_versions_leave_no_file(http: Http) -> None:
    """Large contents of old versions, and of annotations that they share, go with them."""
    large = bytes(2_000_000)
    version = store(http, large)
    http("PUT", "/rest/d/a?type=custom-metadata", b"<a>" + large.replace(b"\0", b"x") + b"</a>")
    store(http, large[:-1])
    http("DELETE", "/rest/d/a")
    assert len(http("GET", f"/rest/d/a?version={version}").body) == len(large)
    assert len(http("GET", f"/rest/d/a?type=custom-metadata&version={version}").body) == 2_000_007
    assert http("DELETE", "/rest/d/a?purge=true").status == 200
    assert b'usedCapacityBytes="0"' in http("GET", "/proc/statistics").body


def test_directory_of_a_deleted_object(http: Http) -> None:
    """An empty directory can be deleted; the versions of its deleted objects remain."""
    first = store(http, b"x")
    http("DELETE", "/rest/d/a")
    assert http("DELETE", "/rest/d").status == 200
    assert http("GET", f"/rest/d/a?version={first}").body == b"x"
    store(http, b"y")
    assert len(listed(http)) == 3


def test_directories_have_none(http: Http) -> None:
    """A directory is not versioned."""
    store(http, b"x")
    assert http("GET", "/rest/d?version=list").status == 404
    assert http("PUT", "/rest/d", b"x").status == 409
    assert http("PUT", "/rest/d?type=directory").status == 409


def test_concurrent_uploads(http: Http) -> None:
    """Uploads of one name each make a version; the one that ends last is current."""
    first = Http(HOST)
    go_on, has_begun = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b"slow"
        has_begun.set()
        assert go_on.wait(20)
        yield b"ly"

    answers: list[Answer] = []
    thread = threading.Thread(
        target=lambda: answers.append(first("PUT", "/rest/d/a", slowly(), encode_chunked=True))
    )
    thread.start()
    assert has_begun.wait(20)
    assert http("GET", "/rest/d/a").status == 404
    quick = store(http, b"quick")
    go_on.set()
    thread.join()
    first.close()

    assert int(answers[0]["X-HCP-VersionId"]) > int(quick)
    assert http("GET", "/rest/d/a").body == b"slowly"
    assert len(listed(http)) == 2


def test_without_versions(hcp: HCP) -> None:
    """Without versioning the current version has its ID, and there is no list."""
    http = Http()
    version = store(http, b"x")
    assert http("PUT", "/rest/d/a", b"y").status == 409
    assert http("GET", f"/rest/d/a?version={version}").body == b"x"
    assert http("GET", "/rest/d/a?version=list").status == 400
    assert http("GET", "/rest/d?deleted=true").status == 400
    assert http("DELETE", f"/rest/d/a?version={version}").status == 200
    assert http("GET", "/rest/d/a").status == 404
    http.close()


def test_purge_needs_permission() -> None:
    """Who may delete may not purge."""
    users = [User("n", "n01", "m", frozenset(["read", "write", "delete"]))]
    namespaces = [Namespace("n2", "m", versioning_enabled=True)]
    with HCP(namespaces=namespaces, users=users):
        http = Http(HOST)
        store(http, b"x")
        assert http("DELETE", "/rest/d/a?purge=true").status == 403
        assert http("DELETE", "/rest/d/a").status == 200
        http.close()


# Replication


@pytest.fixture
def linked(site1: Site, site2: Site) -> Iterator[Link]:
    with link(site1.hcp, site2.hcp) as made:
        yield made


def ask(site: Site, method: str, query: str = "", body: bytes | None = None) -> Answer:
    return site.rest(method, f"/rest/d/a{query}", body, host=f"n2.m.{site.hcp.domain}")


def ids(site: Site) -> list[str | None]:
    root = ET.fromstring(ask(site, "GET", "?version=list&deleted=true").body)
    return [each.get("version") for each in root]


def test_versions_are_replicated(linked: Link, site1: Site, site2: Site) -> None:
    """The other system has all versions and delete markers, and loses them with a purge."""
    for data in (b"1", b"2"):
        ask(site1, "PUT", body=data)
    linked.wait()
    assert ids(site1) == ids(site2)
    assert ask(site2, "GET").body == b"2"
    assert ask(site2, "HEAD")["X-HCP-Replicated"] == "true"
    ask(site2, "DELETE")
    linked.wait()
    assert ask(site1, "GET").status == 404
    assert len(ids(site1)) == 3
    ask(site1, "DELETE", "?purge=true")
    linked.wait()
    assert ask(site2, "GET", "?version=list&deleted=true").status == 404


def test_versions_of_both_systems(linked: Link, site1: Site, site2: Site) -> None:
    """What both systems stored apart stays as versions; the later one is current."""
    site1.act(linked, "suspend")
    ask(site1, "PUT", body=b"earlier")
    ask(site2, "PUT", body=b"later")
    site1.act(linked, "resume")
    linked.wait()

    for site in (site1, site2):
        assert ask(site, "GET").body == b"later"
        assert ask(site, "HEAD")["X-HCP-ReplicationCollision"] == "false"
    assert len(ids(site1)) == 2
    assert ids(site1) == ids(site2)


def test_link_made_afterwards(site1: Site, site2: Site) -> None:
    """A new link sends what was deleted before, too."""
    ask(site1, "PUT", body=b"1")
    ask(site1, "DELETE")
    with link(site1.hcp, site2.hcp) as made:
        made.wait()
        assert ids(site1) == ids(site2)
        assert ask(site2, "GET").status == 404
