"""Directories: making, listing, deleting (docs/hcp/namespace.rst, section 11)."""

import xml.etree.ElementTree as ET

import pytest

from ..conftest import Http


def words(text: str) -> list[str]:
    return text.split()


LISTING_HEADERS = words(
    """Date Server X-RequestId X-HCP-ServicedBySystem X-HCP-Time
    X-HCP-SoftwareVersion Content-Type Cache-Control Pragma Expires X-HCP-ChangeTimeMilliseconds
    X-HCP-ChangeTimeString Last-Modified X-HCP-Type Transfer-Encoding"""
)

ROOT_ATTRIBUTES = words(
    """path utf8Path parentDir utf8ParentDir dirDeleted showDeleted namespaceName
    utf8NamespaceName changeTimeMilliseconds changeTimeString"""
)
# As recorded from 8.0, without ingestTimeMilliseconds, which is 8.0's (sections 3 and 11).
OBJECT_ATTRIBUTES = words(
    """urlName utf8Name type size hashScheme hash etag retention retentionString
    retentionClass ingestTime ingestTimeString hold shred dpl index customMetadata
    customMetadataAnnotations version replicated changeTimeMilliseconds changeTimeString owner
    domain hasAcl state"""
)
DIRECTORY_ATTRIBUTES = words(
    """urlName utf8Name type changeTimeMilliseconds changeTimeString
    state"""
)

SCHEMA = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"


def listing(http: Http, target: str) -> ET.Element:
    answer = http("GET", target)
    assert answer.status == 200
    return ET.fromstring(answer.body)


def test_make(http: Http) -> None:
    """PUT with type=directory gives 201, and makes the parents too."""
    answer = http("PUT", "/rest/a/b?type=directory")

    assert (answer.status, answer.reason, answer.body) == (201, "Created", b"")
    assert http("HEAD", "/rest/a").status == 200
    assert http("HEAD", "/rest/a/b")["X-HCP-Type"] == "directory"


@pytest.mark.parametrize("target", ["/rest/a?type=directory", "/rest/a/", "/rest", "/rest/"])
def test_make_twice(http: Http, target: str) -> None:
    """What is there already gets 409; the root is always there."""
    http("PUT", "/rest/a?type=directory")

    assert http("PUT", target).status == 409


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("PUT", "/rest/a?type=directory&index=true"),
        ("GET", "/rest?mostRecentDirTimes=yes"),
        ("GET", "/rest?deleted=yes"),
        ("HEAD", "/rest?deleted=true"),
    ],
)
def test_bad_parameters(http: Http, method: str, target: str) -> None:
    """Parameters that do not belong to a request, and bad values, get 400 (section 18)."""
    assert http(method, target).status == 400
    assert http("HEAD", "/rest/a").status == 404


@pytest.mark.parametrize("query", ["", "?index=true"])
def test_slash_makes_a_directory(http: Http, query: str) -> None:
    """A name that ends in a slash becomes an empty directory; the data are dropped (section 5)."""
    assert http("PUT", f"/rest/a/{query}", b"data").status == 201

    assert http("HEAD", "/rest/a")["X-HCP-Type"] == "directory"
    assert not list(listing(http, "/rest/a"))


def test_headers(http: Http) -> None:
    """A listing has the recorded headers in their order, and no Content-Length."""
    http("PUT", "/rest/d/a", b"x")
    answer = http("GET", "/rest/d")

    assert [name for name, _ in answer.headers] == LISTING_HEADERS
    assert answer["Content-Type"] == "text/xml"
    assert answer["Transfer-Encoding"] == "chunked"


def test_head(http: Http) -> None:
    """HEAD of a directory tells its type and its change time; it has no body."""
    http("PUT", "/rest/d?type=directory")
    answer = http("HEAD", "/rest/d")
    shown = listing(http, "/rest/d")

    assert (answer.status, answer.body) == (200, b"")
    assert answer["X-HCP-ChangeTimeMilliseconds"] == shown.get("changeTimeMilliseconds")
    assert answer["X-HCP-ChangeTimeString"] == shown.get("changeTimeString")


@pytest.mark.parametrize("target", ["/rest/d", "/rest/d/"])
def test_listing(http: Http, target: str) -> None:
    """A listing tells each entry's metadata in attributes, in the recorded order."""
    http("PUT", "/rest/d/test1.txt?retention=-2&shred=true", b"This is an example")
    http("PUT", "/rest/d/Sub/deeper", b"x")
    root = listing(http, target)
    sub, obj = root

    assert root.tag == "directory"
    assert root.attrib.pop(SCHEMA) == "/static/xsd/ns-directory-6.0.xsd"
    assert list(root.attrib) == ROOT_ATTRIBUTES
    assert (root.get("path"), root.get("parentDir")) == ("/rest/d", "/rest")
    assert root.get("namespaceName") == "n1"
    assert list(sub.attrib) == DIRECTORY_ATTRIBUTES
    assert (sub.get("urlName"), sub.get("type"), sub.get("state")) == (
        "Sub",
        "directory",
        "created",
    )
    assert list(obj.attrib) == OBJECT_ATTRIBUTES


def test_listing_agrees_with_head(http: Http) -> None:
    """What the listing says of an object is what HEAD says."""
    http("PUT", "/rest/d/a?retention=N%2B1y&shred=true&index=false", b"This is an example")
    head = http("HEAD", "/rest/d/a")
    (entry,) = listing(http, "/rest/d")

    for attribute, header in {
        "size": "X-HCP-Size",
        "retention": "X-HCP-Retention",
        "retentionString": "X-HCP-RetentionString",
        "ingestTime": "X-HCP-IngestTime",
        "hold": "X-HCP-RetentionHold",
        "shred": "X-HCP-Shred",
        "dpl": "X-HCP-DPL",
        "index": "X-HCP-Index",
        "version": "X-HCP-VersionId",
        "changeTimeMilliseconds": "X-HCP-ChangeTimeMilliseconds",
        "changeTimeString": "X-HCP-ChangeTimeString",
        "owner": "X-HCP-Owner",
    }.items():
        assert entry.get(attribute) == head[header], attribute
    assert f"{entry.get('hashScheme')} {entry.get('hash')}" == head["X-HCP-Hash"]
    assert f'"{entry.get("etag")}"' == head["ETag"]


def test_root(http: Http) -> None:
    """The root is a directory like others; it has no parent (section 25)."""
    http("PUT", "/rest/a", b"x")

    for target in ("/rest", "/rest/"):
        root = listing(http, target)
        assert (root.get("path"), root.get("parentDir")) == ("/rest", "")
        assert [entry.get("urlName") for entry in root] == ["a"]
        assert http("HEAD", target)["X-HCP-Type"] == "directory"


def test_immediate_children_only(http: Http) -> None:
    """A listing shows what is in the directory itself, in order, each once."""
    for name in ("b/c/d", "a", "b/x", "B"):
        http("PUT", f"/rest/{name}", b"x")

    assert [entry.get("urlName") for entry in listing(http, "/rest")] == ["B", "a", "b"]


@pytest.mark.parametrize(
    ("escaped", "url_name", "utf8_name"),
    [
        ("a%26%3C%3E%22%27", "a%26%3C%3E%22%27", "a&<>\"'"),
        ("%C3%A4%20%2B", "%C3%A4%20%2B", "ä +"),
        ("%01%09%0A%7F", "%01%09%0A%7F", "%01%09%0A%7F"),  # XML cannot carry these, or changes them
        ("%C2%85%E2%80%A8", "%C2%85%E2%80%A8", "%C2%85%E2%80%A8"),  # line ends outside ASCII
        ("%EF%BF%BE%EE%80%80", "%EF%BF%BE%EE%80%80", "%EF%BF%BE%EE%80%80"),
        ("x%FF%C3", "x%FF%C3", "x%FF%C3"),  # no UTF-8
        ("%F0%9F%98%80", "%F0%9F%98%80", "\N{GRINNING FACE}"),
    ],
)
def test_names_in_listing(http: Http, escaped: str, url_name: str, utf8_name: str) -> None:
    """urlName is percent-encoded, utf8Name is text; what is unprintable stays percent-encoded."""
    http("PUT", f"/rest/{escaped}/{escaped}", b"x")
    root = listing(http, f"/rest/{escaped}")
    (entry,) = root

    assert (entry.get("urlName"), entry.get("utf8Name")) == (url_name, utf8_name)
    assert (root.get("path"), root.get("utf8Path")) == (f"/rest/{url_name}", f"/rest/{utf8_name}")


@pytest.mark.parametrize("query", ["", "?deleted=false"])
def test_deleted_entries(http: Http, query: str) -> None:
    """Without versioning nothing deleted is kept, so nothing can be shown of it."""
    http("PUT", "/rest/d/a", b"x")
    http("DELETE", "/rest/d/a")
    root = listing(http, f"/rest/d{query}")

    assert (root.get("showDeleted"), len(root)) == ("false", 0)
    assert http("GET", "/rest/d?deleted=true").status == 400


def test_large_listing(http: Http) -> None:
    """A listing of many entries comes whole, in pieces."""
    for number in range(300):
        http("PUT", f"/rest/d/{number:03}", b"x")

    names = [entry.get("urlName") for entry in listing(http, "/rest/d?mostRecentDirTimes=true")]
    assert names == [f"{number:03}" for number in range(300)]


def test_delete(http: Http) -> None:
    """A directory can be deleted when it is empty; before that it gets 403 (section 10)."""
    http("PUT", "/rest/d/a", b"x")

    answer = http("DELETE", "/rest/d")
    assert (answer.status, answer["X-HCP-ErrorMessage"]) == (403, "the directory is not empty")
    http("DELETE", "/rest/d/a")
    assert http("DELETE", "/rest/d/").status == 200
    assert http("HEAD", "/rest/d").status == 404


def test_root_stays(http: Http) -> None:
    """The root cannot be deleted."""
    assert http("DELETE", "/rest").status == 403
    assert http("HEAD", "/rest").status == 200


def test_metadata_of_directory(http: Http) -> None:
    """A directory has no metadata that could be changed."""
    http("PUT", "/rest/d?type=directory")

    assert http("POST", "/rest/d", "index=true").status == 400
