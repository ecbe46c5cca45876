"""What annotations may be, and who may change them when (docs/hcp/namespace.rst, section 13)."""

import base64
import hashlib
import pathlib
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from hcpsdk.testing import HCP, Namespace, User

from ..conftest import Answer, Http

MB = 1024 * 1024
QUERY = "type=custom-metadata"
XML = b"<a/>"
PERMISSIONS = ("browse", "read", "write", "delete", "privileged")


@pytest.fixture(scope="module")
def running_hcp() -> Iterator[HCP]:
    """Namespaces with each rule about annotations, and users who may do one thing each."""
    namespaces = [
        Namespace("n1", "m"),
        Namespace("unchecked", "m", checks_annotations=False),
        Namespace("add", "m", annotation_changes="add"),
        Namespace("none", "m", annotation_changes="none"),
        Namespace("all", "m", annotation_changes="all"),
        Namespace("tiny", "m", quota_bytes=100),
    ]
    users = [User(name, "pw", "m", frozenset([name])) for name in PERMISSIONS]
    with HCP(namespaces=namespaces, users=[User("n", "n01", "m"), *users]) as hcp:
        yield hcp


def at(namespace: str) -> dict[str, str | None]:
    return {"Host": f"{namespace}.m.hcp1.snomis.local"}


def of(name: str) -> dict[str, str | None]:
    user = base64.b64encode(name.encode()).decode()
    return {"Authorization": f"HCP {user}:{hashlib.md5(b'pw').hexdigest()}"}


def annotate(
    http: Http, body: bytes, name: str = "a", headers: dict[str, str | None] | None = None
) -> Answer:
    return http("PUT", f"/rest/a?{QUERY}&annotation={name}", body, headers)


def padded(size: int) -> bytes:
    """Well-formed XML of *size* bytes."""
    return b"<a>" + bytes(size - 7).replace(b"\0", b" ") + b"</a>"


# Well-formed or not

MALFORMED = [
    b"",
    b"text",
    b"<a>",
    b"<a></b>",
    b"<a/><b/>",
    b"<a b=c/>",
    b"<a>&undeclared;</a>",
    b"<a>\xff</a>",
    b"<a>\0</a>",
    b"<?xml version='1.0' encoding='no-such-thing'?><a/>",
    b"\x1f\x8b",
]
WELL_FORMED = [
    b"<a/>",
    b"\xef\xbb\xbf<a/>",
    "<größe einheit='°'/>".encode(),
    "<?xml version='1.0' encoding='iso-8859-1'?><größe/>".encode("latin-1"),
    "<?xml version='1.0' encoding='utf-16'?><größe/>".encode("utf-16"),
    b"<!DOCTYPE a SYSTEM 'file:///no/such/file'><a>&unknown;</a>",
    b"<!DOCTYPE a [<!ELEMENT a ANY>]><a/>",
]


@pytest.mark.parametrize("body", MALFORMED)
def test_malformed(http: Http, body: bytes) -> None:
    """What is not well-formed XML gets 400 with a reason, and what was there stays."""
    http("PUT", "/rest/a", b"data")
    annotate(http, XML)
    answer = annotate(http, body)

    assert (answer.status, answer.reason) == (400, "Bad Request")
    assert answer["X-HCP-ErrorMessage"].startswith("the annotation is not well-formed XML: ")
    assert http("GET", f"/rest/a?{QUERY}&annotation=a").body == XML


@pytest.mark.parametrize("body", WELL_FORMED)
def test_well_formed(http: Http, body: bytes) -> None:
    """Well-formed XML in any usual encoding is taken, and given back byte by byte."""
    http("PUT", "/rest/a", b"data")

    assert annotate(http, body).status == 201
    assert http("GET", f"/rest/a?{QUERY}&annotation=a").body == body


def bomb(declarations: int) -> bytes:
    """A few lines that stand for ten to the power of *declarations* characters."""
    lines = [b"<!ENTITY e0 '0123456789'>"]
    lines += [b"<!ENTITY e%d '%s'>" % (i, b"&e%d;" % (i - 1) * 10) for i in range(1, declarations)]
    last = b"&e%d;" % (declarations - 1)
    return b"<!DOCTYPE a [" + b"".join(lines) + b"]><a b='" + last + b"'>" + last + b"</a>"


@pytest.mark.parametrize("declarations", [1, 12])
def test_entity_bomb(http: Http, declarations: int) -> None:
    """Internal entities are refused where they are declared, so a bomb never goes off."""
    http("PUT", "/rest/a", b"data")
    answer = annotate(http, bomb(declarations))

    assert answer.status == 400
    assert "declares the entity e0" in answer["X-HCP-ErrorMessage"]


def test_external_entity(http: Http, tmp_path: pathlib.Path) -> None:
    """An external entity is not looked at: the annotation is kept as it is, byte by byte."""
    secret = tmp_path / "malformed"
    secret.write_text("</a>")
    body = f"<!DOCTYPE a [<!ENTITY e SYSTEM '{secret.as_uri()}'>]><a>&e;</a>".encode()
    http("PUT", "/rest/a", b"data")

    assert annotate(http, body).status == 201
    assert http("GET", f"/rest/a?{QUERY}&annotation=a").body == body


def test_unchecked(http: Http) -> None:
    """Where the namespace does not check, anything is taken; its type is then unknown."""
    http("PUT", "/rest/a", b"data", at("unchecked"))

    assert annotate(http, b"no <XML>", "a", at("unchecked")).status == 201
    assert annotate(http, XML, "b", at("unchecked")).status == 201
    got = http("GET", f"/rest/a?{QUERY}&annotation=a", None, at("unchecked"))
    info = http("GET", "/rest/a?type=custom-metadata-info", None, at("unchecked"))
    assert (got.body, got["Content-Type"]) == (b"no <XML>", "application/octet-stream")
    types = [each.findtext("contentType") for each in ET.fromstring(info.body)]
    assert types == ["unknown", "text/xml"]


# Limits


def test_ten_annotations(http: Http) -> None:
    """An object has room for ten; the eleventh gets 400, replacing one does not."""
    http("PUT", "/rest/a", b"data")
    statuses = [annotate(http, XML, f"a{i}").status for i in range(11)]

    assert statuses == [201] * 10 + [400]
    assert annotate(http, b"<b/>", "a3").status == 201
    http("DELETE", f"/rest/a?{QUERY}&annotation=a0")
    assert annotate(http, XML, "a10").status == 201


@pytest.mark.parametrize(
    ("name", "size", "status"),
    [("a", MB, 201), ("a", MB + 1, 413), ("default", MB + 1, 201)],
)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_size(http: Http, name: str, size: int, status: int, is_chunked: bool) -> None:
    """A named annotation may have 1 MB, the default one more."""
    http("PUT", "/rest/a", b"data")
    data = padded(size)
    body = iter([data]) if is_chunked else data
    answer = http("PUT", f"/rest/a?{QUERY}&annotation={name}", body)

    assert answer.status == status
    got = http("GET", f"/rest/a?{QUERY}&annotation={name}")
    assert (got.status, got.body) == ((200, data) if status == 201 else (204, b""))


def test_size_of_the_default_annotation(http: Http) -> None:
    """The default annotation may have 1 GB; more is refused before it is sent."""
    http("PUT", "/rest/a", b"data")
    http.connection.putrequest("PUT", f"/rest/a?{QUERY}")
    http.connection.putheader("Authorization", "HCP bg==:1dc7fed37e11b35093d311ef66928ad9")
    http.connection.putheader("Content-Length", str(1024 * MB + 1))
    http.connection.endheaders()
    answer = http.connection.getresponse()
    answer.read()

    assert answer.status == 413


def test_quota(http: Http) -> None:
    """Annotations count against the quota (413), and what is refused leaves nothing behind."""
    http("PUT", "/rest/a", bytes(50), at("tiny"))

    assert annotate(http, padded(51), "a", at("tiny")).status == 413
    assert annotate(http, padded(50), "a", at("tiny")).status == 201
    assert annotate(http, XML, "b", at("tiny")).status == 413
    http("DELETE", f"/rest/a?{QUERY}&annotation=a", None, at("tiny"))
    assert http("PUT", "/rest/b", bytes(50), at("tiny")).status == 201


def test_cut_upload(http: Http) -> None:
    """An annotation whose upload breaks off leaves the former one as it was."""
    http("PUT", "/rest/a", b"data")
    annotate(http, XML)
    broken = Http()
    broken.connection.putrequest("PUT", f"/rest/a?{QUERY}&annotation=a")
    broken.connection.putheader("Authorization", "HCP bg==:1dc7fed37e11b35093d311ef66928ad9")
    broken.connection.putheader("Content-Length", "100")
    broken.connection.endheaders(b"<b/>")
    broken.close()

    assert http("GET", f"/rest/a?{QUERY}&annotation=a").body == XML


# Under retention


@pytest.mark.parametrize("guard", ["retention=-1", "retention=N+1y", "hold=true"])
@pytest.mark.parametrize(
    ("namespace", "statuses"),
    [("add", [201, 403, 403]), ("none", [403, 403, 403]), ("all", [201, 201, 200])],
)
def test_under_retention(http: Http, namespace: str, guard: str, statuses: list[int]) -> None:
    """Whether a guarded object's annotations can be added, replaced, deleted: the setting says."""
    here = at(namespace)
    http("PUT", "/rest/a", b"data", here)
    annotate(http, XML, "old", here)
    http("POST", f"/rest/a?{guard}", None, here)

    answers = [
        annotate(http, XML, "new", here),
        annotate(http, b"<b/>", "old", here),
        http("DELETE", f"/rest/a?{QUERY}&annotation=old", None, here),
    ]
    assert [answer.status for answer in answers] == statuses


@pytest.mark.parametrize("namespace", ["add", "none", "all"])
def test_without_retention(http: Http, namespace: str) -> None:
    """Without retention everything can be changed."""
    here = at(namespace)
    http("PUT", "/rest/a", b"data", here)

    assert annotate(http, XML, "a", here).status == 201
    assert annotate(http, b"<b/>", "a", here).status == 201
    assert http("DELETE", f"/rest/a?{QUERY}&annotation=a", None, here).status == 200


# Permissions

NEEDED = {
    "PUT": ("write", f"/rest/a?{QUERY}&annotation=a"),
    "GET": ("read", f"/rest/a?{QUERY}&annotation=a"),
    "HEAD": ("read", f"/rest/a?{QUERY}&annotation=a"),
    "DELETE": ("delete", f"/rest/a?{QUERY}&annotation=a"),
}


@pytest.mark.parametrize("permission", PERMISSIONS)
@pytest.mark.parametrize("method", NEEDED)
def test_permissions(http: Http, method: str, permission: str) -> None:
    """Annotations need the permission that the object's data need (section 2)."""
    needed, target = NEEDED[method]
    http("PUT", "/rest/a", b"data")
    annotate(http, XML)
    answer = http(method, target, b"<b/>" if method == "PUT" else None, of(permission))

    assert (answer.status == 403) == (permission != needed)


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_permission_to_list(http: Http, permission: str) -> None:
    """Listing annotations takes what reading them takes."""
    http("PUT", "/rest/a", b"data")
    annotate(http, XML)
    answer = http("GET", "/rest/a?type=custom-metadata-info", None, of(permission))

    assert answer.status == (200 if permission == "read" else 403)
