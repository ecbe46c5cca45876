"""Copies of objects (docs/hcp/namespace.rst, section 16)."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from hcpsdk.testing import HCP, Namespace, User

from ..conftest import Http

NOTE = "?type=custom-metadata&annotation=note"


def copy(http: Http, source: str, target: str = "/rest/copy", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return http("PUT", target, None, {"X-HCP-CopySource": source, **named}).status


@pytest.fixture
def http(hcp: HCP) -> Iterator[Http]:
    client = Http()
    client("PUT", "/rest/d/a%20b?index=false", b"data")
    client("PUT", f"/rest/d/a%20b{NOTE}", b"<note/>")
    yield client
    client.close()


@pytest.mark.parametrize(
    "source",
    ["n1.m/d/a%20b", "/n1.m/d/a%20b", "N1.M/d/a%20b", quote("n1.m/d/a%20b"), "n1.m/d%2Fa%20b"],
)
def test_copy(http: Http, source: str) -> None:
    """The data are copied; annotations and system metadata are not."""
    response = http("PUT", "/rest/x/copy", None, {"X-HCP-CopySource": source})
    head = http("HEAD", "/rest/x/copy")

    assert response.status == 201
    for name in ("ETag", "X-HCP-Hash", "X-HCP-VersionId"):
        assert response[name] == head[name]
    assert http("GET", "/rest/x/copy").body == b"data"
    assert (head["X-HCP-Index"], head["X-HCP-Custom-Metadata"]) == ("true", "false")


def test_annotations(http: Http) -> None:
    """ALL copies the annotations as well."""
    assert copy(http, "n1.m/d/a%20b", X_HCP_MetadataDirective="ALL") == 201
    assert http("GET", f"/rest/copy{NOTE}").body == b"<note/>"
    http("DELETE", "/rest/d/a%20b")
    assert http("GET", f"/rest/copy{NOTE}").body == b"<note/>"


def test_parameters(http: Http) -> None:
    """System metadata come from the request."""
    assert copy(http, "n1.m/d/a%20b", "/rest/copy?index=false&retention=-1") == 201
    head = http("HEAD", "/rest/copy")
    assert (head["X-HCP-Index"], head["X-HCP-Retention"]) == ("false", "-1")


def test_other_namespace(http: Http) -> None:
    """The source may be in another namespace, and in an old version or a deleted one."""
    other = {"Host": "n2.m.hcp1.snomis.local"}
    version = http("PUT", "/rest/v", b"old", other)["X-HCP-VersionId"]
    http("PUT", "/rest/v", b"new", other)
    http("DELETE", "/rest/v", None, other)

    assert copy(http, "n2.m/v") == 404
    assert copy(http, f"n2.m/v?version={version}") == 201
    assert http("GET", "/rest/copy").body == b"old"
    listed = http("GET", "/rest/v?version=list&deleted=true", None, other).body.decode()
    marker = listed.split('version="', 2)[2].split('"')[0]
    assert copy(http, f"n2.m/v?version={marker}", "/rest/other") == 204
    assert copy(http, "n1.m/d/a%20b", "/rest/v", Host=other["Host"]) == 201  # a new version


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("n1.m/nothing", 404),
        ("n1.m/d/a%20b?version=1", 404),
        ("n9.m/d/a%20b", 400),
        ("", 400),
        ("n1.m/d//a", 400),
        ("n1.m/d/a%20b?x=1", 400),
        ("default.default/a", 501),
        ("n1.m/d/a%20b?version=1-2", 501),
    ],
)
def test_bad_source(http: Http, source: str, status: int) -> None:
    """Without a source nothing is stored."""
    assert copy(http, source) == status
    assert http("HEAD", "/rest/copy").status == 404


def test_taken(http: Http) -> None:
    """Without versioning the target must be new."""
    assert copy(http, "n1.m/d/a%20b", "/rest/d/a%20b") == 409


def test_bad_directive(http: Http) -> None:
    """The directive is one of two words."""
    assert copy(http, "n1.m/d/a%20b", X_HCP_MetadataDirective="SOME") == 400


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("If_Match", '"0"', 412),
        ("If_Match", "*", 201),
        ("If_None_Match", "*", 304),
        ("If_Modified_Since", "Tue, 01 Jan 2999 00:00:00 GMT", 304),
        ("If_Unmodified_Since", "Thu, 01 Jan 1970 00:00:01 GMT", 412),
    ],
)
def test_conditions(http: Http, name: str, value: str, status: int) -> None:
    """Conditions for the source have headers of their own."""
    assert copy(http, "n1.m/d/a%20b", **{f"X_HCP_CopySource_{name}": value}) == status


def test_directory(http: Http) -> None:
    """A copy of a directory is an empty one."""
    assert copy(http, "n1.m/d") == 201
    assert http("HEAD", "/rest/copy")["X-HCP-Type"] == "directory"
    assert b"<entry" not in http("GET", "/rest/copy").body


def test_large(http: Http) -> None:
    """A large object is copied whole, and lives longer than its source."""
    data = bytes(range(256)) * 10_000
    http("PUT", "/rest/large", data)
    assert copy(http, "n1.m/large") == 201
    http("DELETE", "/rest/large")
    assert http("GET", "/rest/copy").body == data


def test_permissions() -> None:
    """A copy needs read in the source's namespace and write in the target's."""
    users = [
        User("n", "n01", "m"),
        User("w", "w", "m", {"n1": frozenset(["write"]), "n2": frozenset(["read", "write"])}),
    ]
    namespaces = [Namespace("n1", "m"), Namespace("n2", "m"), Namespace("n3", "t")]
    with HCP(namespaces=namespaces, users=users):
        http = Http()
        http("PUT", "/rest/a", b"x")
        http("PUT", "/rest/a", b"x", {"Host": "n2.m.hcp1.snomis.local"})
        token = {"Authorization": "HCP dw==:f1290186a5d0b1ceab27f4e77c0c5d68"}
        for source, status in (("n2.m/a", 201), ("n1.m/a", 403), ("n3.t/a", 403)):
            headers = {"X-HCP-CopySource": source, **token}
            assert http("PUT", "/rest/copy", None, headers).status == status
        http.close()


def test_malformed_annotation() -> None:
    """HCP's trap: if the target refuses the annotation, an empty object stays behind."""
    namespaces = [Namespace("n1", "m"), Namespace("free", "m", checks_annotations=False)]
    with HCP("hcp2.snomis.local", namespaces=namespaces):
        client = Http("n1.m.hcp2.snomis.local")
        free = {"Host": "free.m.hcp2.snomis.local"}
        client("PUT", "/rest/a", b"x", free)
        client("PUT", f"/rest/a{NOTE}", b"no xml", free)
        assert copy(client, "free.m/a", X_HCP_MetadataDirective="ALL") == 400
        assert client("GET", "/rest/copy").body == b""
        client.close()
