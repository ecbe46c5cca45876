"""The Swift gateway, judged by python-swiftclient and http.client (docs/hcp/swift.rst)."""

import hashlib
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pytest
import swiftclient  # type: ignore[import-untyped]

from hcpsdk.testing import HCP, Link, Namespace, User, link

from ..conftest import HOST, TOKEN, Answer, Http, Site

API = "api.hcp1.snomis.local"
ROOT = "/swift/v1/m"
DATA = b"This is an example"
MD5 = "68791e1b03badd5e4eb9287660f67745"


class Swift(Http):
    """Requests to the gateway with user n's token."""

    def __init__(self) -> None:
        super().__init__(API)

    def __call__(
        self, method: str, target: str, body: Any = None, headers: Any = None, **options: Any
    ) -> Answer:
        wanted = {"Authorization": None, "X-Auth-Token": TOKEN, **(headers or {})}
        return super().__call__(method, f"{ROOT}{target}", body, wanted, **options)


@pytest.fixture
def swift(hcp: HCP) -> Iterator[Swift]:
    client = Swift()
    yield client
    client.close()


@pytest.fixture
def client(hcp: HCP) -> Iterator[Any]:
    """OpenStack's own client."""
    made = swiftclient.Connection(
        preauthurl=f"http://{API}{ROOT}", preauthtoken=TOKEN, retries=0, timeout=20
    )
    yield made
    made.close()


# With OpenStack's client


def test_objects(client: Any, http: Http) -> None:
    """An object is the same as through /rest, with the user's metadata."""
    etag = client.put_object("n1", "d/a b.txt", DATA, headers={"X-Object-Meta-Color": "red"})
    headers, data = client.get_object("n1", "d/a b.txt")

    assert (etag, data) == (MD5, DATA)
    assert headers["x-object-meta-color"] == "red"
    assert headers["content-type"] == "text/plain"
    assert http("GET", "/rest/d/a%20b.txt").body == DATA
    annotation = http("GET", "/rest/d/a%20b.txt?type=custom-metadata&annotation=.metapairs").body
    assert annotation == b"<metapairs><meta-color><![CDATA[red]]></meta-color></metapairs>"
    client.post_object("n1", "d/a b.txt", {"X-Object-Meta-Size": "<big>"})
    headers = client.head_object("n1", "d/a b.txt")
    assert headers["x-object-meta-size"] == "<big>"
    assert "x-object-meta-color" not in headers
    client.delete_object("n1", "d/a b.txt")
    with pytest.raises(swiftclient.ClientException) as caught:
        client.head_object("n1", "d/a b.txt")
    assert caught.value.http_status == 404


def test_large_object(client: Any) -> None:
    """A large body in chunks comes back whole."""
    data = bytes(range(256)) * 10_000
    etag = client.put_object("n1", "large", iter([data[:100], data[100:]]))
    assert etag == hashlib.md5(data).hexdigest()
    _, pieces = client.get_object("n1", "large", resp_chunk_size=65536)
    assert b"".join(pieces) == data


def test_copy(client: Any) -> None:
    """A copy takes the metadata along."""
    client.put_object("n1", "a", DATA, headers={"X-Object-Meta-Color": "red"})
    client.copy_object("n1", "a", "/n2/d/copy")
    headers, data = client.get_object("n2", "d/copy")
    assert (data, headers["x-object-meta-color"]) == (DATA, "red")
    client.put_object("n1", "b", b"", headers={"X-Copy-From": "/n2/d/copy"})
    assert client.get_object("n1", "b")[1] == DATA


def test_lists(client: Any) -> None:
    """Accounts list containers, containers list objects and folders."""
    for name in ("a.txt", "d/b", "d/e/c"):
        client.put_object("n1", name, DATA)
    account, containers = client.get_account()
    headers, objects = client.get_container("n1")

    assert [each["name"] for each in containers] == ["n1", "n2"]
    assert containers[0] == {"name": "n1", "count": 3, "bytes": 3 * len(DATA)}
    assert account["x-account-object-count"] == "3"
    assert headers["x-container-object-count"] == "3"
    assert [each["name"] for each in objects] == ["a.txt", "d/", "d/b", "d/e/", "d/e/c"]
    assert (objects[0]["hash"], objects[0]["bytes"]) == (MD5, len(DATA))
    assert objects[0]["content_type"] == "text/plain"
    folded = client.get_container("n1", delimiter="/")[1]
    assert [each.get("name", each.get("subdir")) for each in folded] == ["a.txt", "d/"]
    within = client.get_container("n1", prefix="d/", delimiter="/")[1]
    assert {"subdir": "d/e/"} in within
    page = client.get_container("n1", limit=2, marker="d/")[1]
    assert [each["name"] for each in page] == ["d/b", "d/e/"]
    everything = client.get_container("n1", limit=2, full_listing=True)[1]
    assert len(everything) == 5


def test_containers(client: Any) -> None:
    """A user who may create namespaces can create and delete containers."""
    client.put_container("new-one", headers={"X-Container-Meta-Quota-Bytes": "20"})
    client.put_container("new-one")
    client.put_object("new-one", "a", DATA)
    assert client.head_container("new-one")["x-container-meta-quota-bytes"] == "20"
    refused: list[tuple[Any, int]] = [
        (lambda: client.put_object("new-one", "b", DATA), 413),
        (lambda: client.delete_container("new-one"), 409),
        (lambda: client.delete_container("n1"), 403),
        (lambda: client.put_container("no_name"), 400),
    ]
    for action, status in refused:
        with pytest.raises(swiftclient.ClientException) as caught:
            action()
        assert caught.value.http_status == status
    client.delete_object("new-one", "a")
    client.delete_container("new-one")
    assert [each["name"] for each in client.get_account()[1]] == ["n1", "n2"]


# With http.client


def test_formats(swift: Swift) -> None:
    """Lists are text, JSON or XML."""
    swift("PUT", "/n1/a%26.txt", DATA)
    text, as_json, as_xml = (
        swift("GET", "/n1", None, {"Accept": kind} if kind else {})
        for kind in (None, "application/json", "text/xml")
    )
    assert (text.body, text["Content-Type"]) == (b"a&.txt\n", "text/plain;charset=UTF-8")
    (entry,) = json.loads(as_json.body)
    root = ET.fromstring(as_xml.body)
    assert as_xml["Content-Type"] == "application/xml;charset=UTF-8"
    assert (root.tag, root.get("name")) == ("container", "n1")
    assert {each.tag: each.text for each in root[0]} == {k: str(v) for k, v in entry.items()}
    account = ET.fromstring(swift("GET", "?format=xml").body)
    assert [name.text for name in account.iterfind("container/name")] == ["n1", "n2"]
    assert swift("GET", "/n1?delimiter=.&format=xml").body.count(b'<subdir name="a&amp;."') == 1
    assert swift("GET", "/n1?limit=x").status == 412


def test_headers(swift: Swift) -> None:
    """Responses have an ID of their own."""
    first, second = swift("GET", "/n1"), swift("GET", "/n1")
    assert first["X-Trans-Id"] != second["X-Trans-Id"]
    assert first["Server"] == "HCP V7.1.0.10"
    assert swift("HEAD", "").status == 204


@pytest.mark.parametrize(
    ("token", "target", "status"),
    [
        (None, "", 401),
        (None, "/n1/a", 401),
        (None, "/public/a", 404),
        ("HCP bg==:wrong", "/n1/a", 401),
        ("HCP c2VydmljZQ==:e4e5ace7271dde224933ffa1fb38f280", "/n1/a", 403),
        (TOKEN, "/nothing/a", 404),
        (TOKEN, "/off/a", 403),
        (TOKEN, "/nohttp/a", 403),
    ],
)
def test_access(token: str | None, target: str, status: int) -> None:
    """Missing and wrong tokens get 401; what is closed gets 403."""
    on: dict[str, Any] = {"hswift_enabled": True}
    namespaces = [
        Namespace("n1", "m", **on),
        Namespace("public", "m", requires_authentication=False, **on),
        Namespace("off", "m"),
        Namespace("nohttp", "m", http_enabled=False, **on),
    ]
    with HCP(namespaces=namespaces):
        client = Swift()
        assert client("GET", target, None, {"X-Auth-Token": token}).status == status
        client.close()


def test_permissions() -> None:
    """Reading and writing need the permissions of the namespace."""
    users = [User("n", "n01", "m", frozenset(["read"]))]
    with HCP(users=users):
        client = Swift()
        assert client("PUT", "/n1/a", b"x").status == 403
        assert client("DELETE", "/n1/a").status == 403
        assert client("PUT", "/new").status == 403
        assert client("GET", "/n1").status == 200
        client.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"ETag": MD5}, 201),
        ({"ETag": f'"{MD5.upper()}"'}, 201),
        ({"ETag": 32 * "0"}, 422),
        ({"If-None-Match": "*"}, 201),
        ({"Content-Encoding": "gzip"}, 400),
        ({"Content-Encoding": "br"}, 415),
    ],
)
def test_put(swift: Swift, headers: dict[str, str], status: int) -> None:
    """What is not stored leaves nothing."""
    assert swift("PUT", "/n1/a", DATA, headers).status == status
    assert swift("GET", "/n1/a").status == (200 if status == 201 else 404)


def test_taken(swift: Swift) -> None:
    """Without versioning a name is taken; with it there is a new version."""
    for container, status in (("n1", 409), ("n2", 201)):
        swift("PUT", f"/{container}/a", b"old")
        assert swift("PUT", f"/{container}/a", DATA, {"If-None-Match": "*"}).status == 412
        assert swift("PUT", f"/{container}/a", DATA).status == status
    assert swift("GET", "/n2/a").body == DATA


def test_length_required(swift: Swift) -> None:
    """A PUT needs a length, or chunks."""
    swift.connection.putrequest("PUT", f"{ROOT}/n1/a")
    swift.connection.putheader("X-Auth-Token", TOKEN)
    swift.connection.endheaders()
    response = swift.connection.getresponse()
    assert (response.status, response.read()[:3]) == (411, b"411")


def test_directories(swift: Swift, http: Http) -> None:
    """A name that ends in a slash, or a type, makes a directory."""
    assert swift("PUT", "/n1/d/", b"").status == 201
    assert swift("PUT", "/n1/e", b"", {"Content-Type": "application/directory"}).status == 201
    assert swift("PUT", "/n1/d/", b"").status == 409
    for name in ("d", "e"):
        assert http("HEAD", f"/rest/{name}")["X-HCP-Type"] == "directory"
        assert swift("HEAD", f"/n1/{name}/")["Content-Type"].startswith("application/directory")
        assert swift("DELETE", f"/n1/{name}/").status == 204


def test_parts_and_conditions(swift: Swift) -> None:
    """Ranges and conditions work as in HTTP."""
    swift("PUT", "/n1/a", DATA)
    part = swift("GET", "/n1/a", None, {"Range": "bytes=5-6"})
    assert (part.status, part.body, part["Content-Range"]) == (206, b"is", "bytes 5-6/18")
    assert swift("GET", "/n1/a", None, {"Range": "bytes=50-"}).status == 416
    assert swift("GET", "/n1/a", None, {"If-None-Match": MD5}).status == 304
    assert swift("GET", "/n1/a", None, {"If-Match": "0"}).status == 412


def test_retention(swift: Swift, http: Http) -> None:
    """An object under retention cannot be deleted."""
    http("PUT", "/rest/a?retention=-1", b"x")
    assert swift("DELETE", "/n1/a").status == 409


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        ("PATCH", "/n1/a", "PUT, GET, HEAD, POST, COPY, DELETE"),
        ("COPY", "/n1", "PUT, GET, HEAD, POST, DELETE"),
    ],
)
def test_methods(swift: Swift, method: str, target: str, allowed: str) -> None:
    """Other methods get 405."""
    response = swift(method, target)
    assert (response.status, response["Allow"]) == (405, allowed)


@pytest.mark.parametrize("name", ["a//b", "./a", "%ff%00", "%zz", "a" * 5000])
def test_bad_names(swift: Swift, name: str) -> None:
    """Names that HCP does not allow are refused."""
    assert swift("PUT", f"/n1/{name}", b"x").status in (400, 414)


def test_foreign_metadata(swift: Swift, http: Http) -> None:
    """An annotation of that name that is something else is no metadata."""
    swift("PUT", "/n1/a", b"x")
    http("PUT", "/rest/a?type=custom-metadata&annotation=.metapairs", b"<other/>")
    assert swift("HEAD", "/n1/a").status == 200


def test_read_only_replica(site1: Site, site2: Site) -> None:
    """The replica of an active/passive link cannot be written to."""
    made: Link
    with link(site1.hcp, site2.hcp, "ACTIVE_PASSIVE") as made:
        made.wait()
        headers = {"X-Auth-Token": TOKEN, "Authorization": None}
        host = f"api.{site2.hcp.domain}"
        target = f"{ROOT}/n1/a"
        assert site2.rest("PUT", target, b"x", headers, host).status == 403
        assert site1.rest("PUT", target, b"x", headers, API).status == 201


def test_replicated_container(site1: Site, site2: Site) -> None:
    """A container that both systems have can be linked, and then cannot be deleted."""
    headers = {"X-Auth-Token": TOKEN, "Authorization": None}
    target = f"{ROOT}/new"
    for site in (site1, site2):
        assert site.rest("PUT", target, None, headers, f"api.{site.hcp.domain}").status == 201
    with link(site1.hcp, site2.hcp) as made:
        site1.rest("PUT", f"{target}/a", DATA, headers, API)
        made.wait()
        found = site2.rest("GET", f"{target}/a", None, headers, f"api.{site2.hcp.domain}")
        assert found.body == DATA
        site1.rest("DELETE", f"{target}/a", None, headers, API)
        assert site1.rest("DELETE", target, None, headers, API).status == 501


def test_native_host_is_not_swift(http: Http) -> None:
    """The gateway has a host of its own, and so has /rest."""
    assert http("GET", f"{ROOT}/n1", None, {"X-Auth-Token": TOKEN, "Host": HOST}).status != 501
