"""Annotations of objects (docs/hcp/namespace.rst, section 13)."""

import gzip
import hashlib
import xml.etree.ElementTree as ET

import pytest

from hcpsdk.testing import HCP

from ..conftest import Answer, Http

XML = b"<?xml version='1.0'?>\n<a b='c'>text</a>"
OTHER = b"<other/>"
ANNOTATION = "/rest/d/a?type=custom-metadata"
NAMED = f"{ANNOTATION}&annotation=extra"
INFO = "/rest/d/a?type=custom-metadata-info"

STAMP = ["Date", "Server", "X-RequestId", "X-HCP-ServicedBySystem", "X-HCP-Time"]
ANNOTATION_HEADERS = [
    *(*STAMP, "X-HCP-SoftwareVersion", "ETag", "Cache-Control", "Pragma", "Expires"),
    *("Content-Type", "Content-Length", "X-HCP-Type", "X-HCP-Size", "X-HCP-Hash"),
    *("X-HCP-ChangeTimeMilliseconds", "X-HCP-ChangeTimeString", "Last-Modified"),
]


@pytest.fixture(autouse=True)
def stored(http: Http) -> Answer:
    """The object ``/rest/d/a``, as it was stored."""
    return http("PUT", "/rest/d/a", b"data")


def sha256(data: bytes) -> str:
    return f"SHA-256 {hashlib.sha256(data).hexdigest().upper()}"


def listed(http: Http) -> list[dict[str, str]]:
    """The annotations as type=custom-metadata-info lists them."""
    answer = http("GET", INFO)
    assert answer.status == 200
    root = ET.fromstring(answer.body)
    assert (root.tag, root.attrib) == ("annotations", {})
    return [{field.tag: field.text or "" for field in each} for each in root]


def statistics(http: Http) -> tuple[int, int, int]:
    """Objects with annotations, the bytes of these, and all bytes used, as /proc tells."""
    root = ET.fromstring(http("GET", "/proc/statistics").body)
    names = ("customMetadataObjectCount", "customMetadataObjectBytes", "usedCapacityBytes")
    count, size, used = (int(root.attrib[name]) for name in names)
    return count, size, used


@pytest.mark.parametrize("target", [ANNOTATION, NAMED])
def test_put_and_get(http: Http, target: str, stored: Answer) -> None:
    """What was put is got back, with the recorded headers; the ETag is the object's."""
    put = http("PUT", target, XML)
    got = http("GET", target)

    assert (put.status, put.reason, put.body) == (201, "Created", b"")
    assert put["X-HCP-CustomMetadataHash"] == sha256(XML)
    assert put["Location"] == "/rest/d/a"
    assert (got.status, got.body) == (200, XML)
    assert [name for name, _ in got.headers] == ANNOTATION_HEADERS
    assert got["Content-Type"] == "text/xml"
    assert got["ETag"] == stored["ETag"]
    assert got["X-HCP-Type"] == "annotation"
    assert got["X-HCP-Size"] == str(len(XML))
    assert got["X-HCP-Hash"] == sha256(XML)


def test_head(http: Http) -> None:
    """HEAD gives the headers of GET, and no body."""
    http("PUT", ANNOTATION, XML)
    got, head = http("GET", ANNOTATION), http("HEAD", ANNOTATION)

    assert (head.status, head.body) == (200, b"")
    passing = ("Date", "X-RequestId", "X-HCP-Time")
    assert [h for h in head.headers if h[0] not in passing] == [
        h for h in got.headers if h[0] not in passing
    ]


def test_default_name(http: Http) -> None:
    """Without a name it is the annotation called "default" that is meant."""
    http("PUT", ANNOTATION, XML)

    assert http("GET", f"{ANNOTATION}&annotation=default").body == XML


def test_replace(http: Http) -> None:
    """An annotation is replaced as a whole, again with 201; others stay."""
    http("PUT", ANNOTATION, XML)
    http("PUT", NAMED, XML)
    again = http("PUT", ANNOTATION, OTHER)

    assert again.status == 201
    assert http("GET", ANNOTATION).body == OTHER
    assert http("GET", NAMED).body == XML
    assert http("GET", "/rest/d/a").body == b"data"


def test_delete(http: Http) -> None:
    """DELETE takes away the one annotation: 200, and 204 the next time."""
    http("PUT", ANNOTATION, XML)
    http("PUT", NAMED, XML)

    assert http("DELETE", NAMED).status == 200
    assert http("DELETE", NAMED).status == 204
    assert http("GET", ANNOTATION).body == XML


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_no_annotation(http: Http, method: str) -> None:
    """An object without that annotation gets 204, with the documented message."""
    answer = http(method, NAMED)

    assert (answer.status, answer.reason, answer.body) == (204, "No Content", b"")
    assert answer["X-HCP-ErrorMessage"] == "No annotation exists with name extra"
    assert "Content-Length" not in answer


@pytest.mark.parametrize("method", ["PUT", "GET", "HEAD", "DELETE"])
def test_no_object(http: Http, method: str) -> None:
    """Without an object there is nothing to annotate: 404."""
    body = XML if method == "PUT" else None

    assert http(method, "/rest/d/b?type=custom-metadata", body).status == 404
    assert http("HEAD", "/rest/d/b").status == 404


def test_directory(http: Http) -> None:
    """A directory cannot be annotated; the message is the one that clients know."""
    answer = http("PUT", "/rest/d?type=custom-metadata", XML)

    assert answer.status == 400
    assert answer["X-HCP-ErrorMessage"] == "Custom Metadatasetting is not allowed on a directory"
    assert http("GET", "/rest/d?type=custom-metadata").status == 400
    assert http("GET", "/rest/d?type=custom-metadata-info").status == 400


def test_shown_with_the_object(http: Http) -> None:
    """The object's headers and its entry in the listing name its annotations."""
    http("PUT", ANNOTATION, XML)
    http("PUT", NAMED, OTHER)
    head = http("HEAD", "/rest/d/a")
    [entry] = ET.fromstring(http("GET", "/rest/d").body)
    names = f"default;{len(XML)}, extra;{len(OTHER)}"

    assert head["X-HCP-Custom-Metadata"] == entry.get("customMetadata") == "true"
    assert head["X-HCP-CustomMetadataAnnotations"] == names
    assert entry.get("customMetadataAnnotations") == names


def test_not_shown_any_more(http: Http) -> None:
    """Without annotations the headers say so again, empty as recorded."""
    http("PUT", ANNOTATION, XML)
    http("DELETE", ANNOTATION)
    head = http("HEAD", "/rest/d/a")

    assert (head["X-HCP-Custom-Metadata"], head["X-HCP-CustomMetadataAnnotations"]) == ("false", "")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_change_time(http: Http, method: str, stored: Answer) -> None:
    """Annotations move the object's change time, and nothing else of it."""
    http("PUT", ANNOTATION, XML)
    before = http("HEAD", "/rest/d/a")
    http(method, ANNOTATION, OTHER if method == "PUT" else None)
    after = http("HEAD", "/rest/d/a")

    name = "X-HCP-ChangeTimeMilliseconds"
    assert float(after[name]) > float(before[name])
    assert after["X-HCP-VersionId"] == before["X-HCP-VersionId"] == stored["X-HCP-VersionId"]
    assert after["ETag"] == stored["ETag"]
    assert after["X-HCP-IngestTime"] == before["X-HCP-IngestTime"]


def test_info(http: Http) -> None:
    """The list tells name, hash, change time, size and type of each annotation."""
    http("PUT", NAMED, OTHER)
    http("PUT", ANNOTATION, XML)
    extra, default = listed(http)
    got = http("GET", ANNOTATION)

    assert default == {
        "name": "default",
        "hash": sha256(XML),
        "changeTimeMilliseconds": got["X-HCP-ChangeTimeMilliseconds"],
        "changeTimeString": got["X-HCP-ChangeTimeString"],
        "size": str(len(XML)),
        "contentType": "text/xml",
    }
    assert (extra["name"], extra["size"]) == ("extra", str(len(OTHER)))


def test_info_of_none(http: Http) -> None:
    """Without annotations there is nothing to list: 204; without an object 404."""
    assert http("GET", INFO).status == 204
    assert http("GET", "/rest/d/b?type=custom-metadata-info").status == 404


def test_statistics(http: Http) -> None:
    """Annotations count as they come, are replaced, and go; with their object they all go."""
    told = [statistics(http)]
    for method, target, body in [
        ("PUT", ANNOTATION, XML),
        ("PUT", NAMED, OTHER),
        ("PUT", ANNOTATION, OTHER),
        ("PUT", NAMED, b"<refused"),
        ("DELETE", NAMED, None),
        ("PUT", NAMED, XML),
        ("DELETE", "/rest/d/a", None),
    ]:
        http(method, target, body)
        told.append(statistics(http))

    sizes = [
        *(0, len(XML), len(XML) + len(OTHER), 2 * len(OTHER), 2 * len(OTHER)),
        *(len(OTHER), len(OTHER) + len(XML)),
    ]
    assert told[:-1] == [(int(size > 0), size, 4 + size) for size in sizes]
    assert told[-1] == (0, 0, 0)


def test_deleted_with_the_object(http: Http) -> None:
    """A new object of the same name starts without annotations."""
    http("PUT", ANNOTATION, XML)
    http("DELETE", "/rest/d/a")
    http("PUT", "/rest/d/a", b"data")

    assert http("GET", ANNOTATION).status == 204


def test_gzip(http: Http) -> None:
    """Annotations can be sent and fetched packed, as objects can."""
    put = http("PUT", ANNOTATION, gzip.compress(XML), {"Content-Encoding": "gzip"})
    got = http("GET", ANNOTATION, None, {"Accept-Encoding": "gzip"})

    assert put["X-HCP-CustomMetadataHash"] == sha256(XML)
    assert gzip.decompress(got.body) == XML
    assert got["X-HCP-ContentLength"] == str(len(XML))
    assert "Content-Length" not in got


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    "name", ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"]
)
def test_conditions(http: Http, method: str, name: str) -> None:
    """Conditions are not for annotations (section 9): 400."""
    http("PUT", ANNOTATION, XML)
    body = OTHER if method == "PUT" else None

    assert http(method, ANNOTATION, body, {name: "*"}).status == 400
    assert http("GET", ANNOTATION).body == XML


@pytest.mark.parametrize(
    "query",
    [
        "type=custom-metadata&annotation=",
        "type=custom-metadata&annotation=a;b",
        "type=custom-metadata&annotation=a,b",
        "type=custom-metadata&annotation=a%20b",
        "type=custom-metadata&annotation=%3Ca%3E",
        "type=custom-metadata&annotation=a&annotation=b",
        "type=custom-metadata&retention=0",
        "type=metadata",
        "annotation=a",
    ],
)
def test_bad_parameters(http: Http, query: str) -> None:
    """Names that cannot be, and parameters that do not belong here, get 400."""
    assert http("PUT", f"/rest/d/a?{query}", XML).status == 400
    assert http("GET", INFO).status == 204


def test_metapairs(http: Http) -> None:
    """The name under which the gateways keep their pairs is one like others."""
    http("PUT", f"{ANNOTATION}&annotation=.metapairs", XML)

    assert [each["name"] for each in listed(http)] == [".metapairs"]


def test_reset_forgets(hcp: HCP, http: Http) -> None:
    """After a reset there are no annotations, and no bytes of them."""
    http("PUT", ANNOTATION, bytes(10))
    http("PUT", ANNOTATION, XML)
    hcp.reset()

    assert http("GET", ANNOTATION).status == 404
    assert statistics(http) == (0, 0, 0)
