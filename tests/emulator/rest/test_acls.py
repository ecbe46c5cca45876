"""Access control lists (docs/hcp/namespace.rst, section 14)."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pytest

from hcpsdk.testing import HCP, Namespace, User

from ..conftest import Http
from .test_access import of

ACL = "/rest/a?type=acl"
NAMESPACES = [
    Namespace("n1", "m", acls="ENFORCED", versioning_enabled=True),
    Namespace("weak", "m", acls="NOT_ENFORCED"),
    Namespace("off", "m"),
]
USERS = [
    User("n", "n01", "m"),
    User("guest", "pw", "m", {}),
    User("writer", "pw", "m", frozenset(["write", "read", "write_acl"])),
    User("foreign", "pw", "t"),
]


@pytest.fixture(scope="module")
def running_hcp() -> Iterator[HCP]:
    with HCP(namespaces=NAMESPACES, users=USERS) as hcp:
        yield hcp


@pytest.fixture(autouse=True)
def stored(http: Http) -> str:
    """The ID of an object's first version."""
    return http("PUT", "/rest/a", b"data")["X-HCP-VersionId"]


def grant(name: str, *permissions: str, kind: str = "user") -> dict[str, Any]:
    grantee = {"name": name, "type": kind}
    return {"grantee": grantee, "permissions": {"permission": list(permissions)}}


def put(http: Http, *grants: dict[str, Any], **headers: str | None) -> int:
    kind = {"Content-Type": "application/json", **headers}
    return http("PUT", ACL, json.dumps({"grant": grants}), kind).status


XML = b"""<?xml version="1.0"?>
<accessControlList>
  <grant>
    <permissions><permission>READ</permission><permission>DELETE</permission></permissions>
    <grantee><type>user</type><name>guest</name></grantee>
  </grant>
  <grant>
    <grantee><name>all_users</name><type>group</type></grantee>
    <permissions><permission>READ</permission></permissions>
  </grant>
</accessControlList>"""


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/xml; charset=utf-8"}])
def test_xml(http: Http, headers: dict[str, str]) -> None:
    """An ACL that was stored as XML can be read as XML and as JSON."""
    assert http("HEAD", "/rest/a")["X-HCP-ACL"] == "false"
    assert http("PUT", ACL, XML, headers).status == 201
    assert http("HEAD", "/rest/a")["X-HCP-ACL"] == "true"
    assert http("HEAD", ACL)["X-HCP-ACL"] == "true"
    assert b'hasAcl="true"' in http("GET", "/rest").body

    root = ET.fromstring(http("GET", ACL).body)
    assert root.tag == "accessControlList"
    assert [name.text for name in root.iterfind("grant/grantee/name")] == ["guest", "all_users"]
    for kind in ("Accept", "Content-Type"):
        response = http("GET", ACL, None, {kind: "application/json"})
        assert response["Content-Type"] == "application/json"
        assert json.loads(response.body) == {
            "grant": [grant("guest", "READ", "DELETE"), grant("all_users", "READ", kind="group")]
        }
    assert http("GET", ACL, None, {"Accept": "text/plain"}).status == 406


def test_what_it_gives(http: Http) -> None:
    """A grant opens the object to a user without permissions, and nothing else."""
    guest = of("guest")
    assert http("GET", "/rest/a", None, guest).status == 403
    assert put(http, grant("guest", "READ")) == 201
    assert http("GET", "/rest/a", None, guest).body == b"data"
    assert http("HEAD", "/rest/a", None, guest).status == 200
    assert http("PUT", "/rest/a", b"x", guest).status == 403
    assert http("DELETE", "/rest/a", None, guest).status == 403
    assert http("GET", "/rest", None, guest).status == 403
    assert put(http, grant("guest", "WRITE", "DELETE")) == 201
    assert http("GET", "/rest/a", None, guest).status == 403
    assert http("PUT", "/rest/a", b"x", guest).status == 201
    assert http("DELETE", "/rest/a", None, guest).status == 200


@pytest.mark.parametrize("name", ["all_users", "authenticated"])
def test_groups(http: Http, name: str) -> None:
    """A group has all users, or those with credentials."""
    assert put(http, grant(name, "READ", kind="group")) == 201
    assert http("GET", "/rest/a", None, of("guest")).body == b"data"


def test_all_versions(http: Http, stored: str) -> None:
    """The ACL belongs to all versions."""
    http("PUT", "/rest/a", b"new")
    assert put(http, grant("guest", "READ")) == 201
    assert http("GET", f"/rest/a?version={stored}", None, of("guest")).body == b"data"


def test_delete(http: Http) -> None:
    """Deleting takes the permissions away; the ACL of an object without one is empty."""
    put(http, grant("guest", "READ"))
    assert http("DELETE", ACL).status == 200
    assert http("GET", "/rest/a", None, of("guest")).status == 403
    assert http("DELETE", ACL).status == 204
    assert b"grantee" not in http("GET", ACL).body


@pytest.mark.parametrize(
    ("canned", "name"), [("all_read", "all_users"), ("auth_read", "authenticated")]
)
def test_canned(http: Http, canned: str, name: str) -> None:
    """An object can be stored with one of two ACLs."""
    assert http("PUT", f"/rest/b?acl={canned}", b"x").status == 201
    response = http("GET", "/rest/b?type=acl", None, {"Accept": "application/json"})
    assert json.loads(response.body) == {"grant": [grant(name, "READ", kind="group")]}
    assert http("PUT", "/rest/c?acl=public", b"x").status == 400


def test_owner(http: Http) -> None:
    """The owner may always read and change the ACL; others need the permission."""
    writer = of("writer")
    assert http("GET", ACL, None, writer).status == 403
    http("PUT", "/rest/w", b"x", writer)
    assert http("GET", "/rest/w?type=acl", None, writer).status == 200
    assert http("PUT", ACL, XML, of("guest")).status == 403


def test_grants_at_most_what_one_has(http: Http) -> None:
    """Nobody can grant more than they have."""
    assert put(http, grant("guest", "READ"), **of("writer")) == 201
    assert put(http, grant("guest", "READ", "DELETE"), **of("writer")) == 403


BAD = [
    [grant("nobody", "READ")],
    [grant("foreign", "READ")],
    [grant("guest", "READ", kind="group")],
    [grant("all_users", "READ")],
    [grant("guest", "EXECUTE")],
    [grant("guest", "READ", kind="host")],
    [grant("guest", "READ"), grant("guest", "WRITE")],
    [{"grantee": {"name": "guest", "type": "user"}}],
    [{**grant("guest", "READ"), "grantee": {"name": "guest", "type": "user", "domain": "AD"}}],
    [grant("guest", "READ")] * 1001,
    ["guest"],
]


@pytest.mark.parametrize("grants", BAD, ids=lambda grants: str(grants)[:60])
def test_bad_grants(http: Http, grants: list[Any]) -> None:
    """A list that makes no sense is refused, and the old one stays."""
    put(http, grant("guest", "READ"))
    assert put(http, *grants) == 400
    assert http("GET", "/rest/a", None, of("guest")).body == b"data"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"<acl/>", "application/xml", 400),
        (b"<!DOCTYPE a><accessControlList/>", "application/xml", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (XML, "text/xml", 415),
    ],
)
def test_bad_body(http: Http, body: bytes, kind: str, status: int) -> None:
    """What is no ACL, or of another media type, is refused."""
    assert http("PUT", ACL, body, {"Content-Type": kind}).status == status
    assert http("HEAD", "/rest/a")["X-HCP-ACL"] == "false"


def test_where_there_is_none(http: Http) -> None:
    """Missing objects get 404; directories have no ACL."""
    assert http("GET", "/rest/b?type=acl").status == 404
    http("PUT", "/rest/d?type=directory")
    assert http("GET", "/rest/d?type=acl").status == 400


def test_not_enabled(http: Http) -> None:
    """Where ACLs are off they are refused; where they are not enforced they give nothing."""
    off, weak = ({"Host": f"{name}.m.hcp1.snomis.local"} for name in ("off", "weak"))
    for host in (off, weak):
        http("PUT", "/rest/a", b"x", host)
    assert http("PUT", ACL, XML, off).status == 400
    assert http("GET", ACL, None, off).status == 400
    assert http("PUT", "/rest/b?acl=all_read", b"x", off).status == 400
    assert http("PUT", ACL, XML, weak).status == 201
    assert http("GET", "/rest/a", None, {**weak, **of("guest")}).status == 403
