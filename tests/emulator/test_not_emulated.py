"""The emulator says what it does not emulate, instead of what a real HCP says (contract 10)."""

import socket
from http.client import HTTPConnection

import pytest

from hcpsdk.testing import HCP

from .conftest import HOST, TOKEN, Http

TENANT, ADMIN, API = (f"{name}.hcp1.snomis.local" for name in ("m", "admin", "api"))
DEFAULT = "default.default.hcp1.snomis.local"
SWIFT = {"X-Auth-Token": TOKEN}
ANONYMOUS = {"Authorization": "AWS all_users:"}

CASES = [
    # By path
    ("POST", HOST, "/query", {}, "the metadata query API"),
    ("POST", TENANT, "/query?prettyprint", {}, "the metadata query API"),
    ("POST", ADMIN, "/query", {}, "the metadata query API"),
    ("POST", "default.hcp1.snomis.local", "/query", {}, "the metadata query API"),
    ("GET", HOST, "/browser/", {}, "the Namespace Browser"),
    ("GET", HOST, "/static/xsd/ns-directory-6.0.xsd", {}, "the files below /static"),
    ("GET", ADMIN, "/static/x", {}, "the files below /static"),
    ("GET", HOST, "/webdav/a", {}, "WebDAV"),
    ("GET", HOST, "/fcfs_data/a", {}, "the default namespace"),
    ("GET", HOST, "/fcfs_metadata/a/hash.txt", {}, "the default namespace"),
    ("GET", HOST, "/?acl", ANONYMOUS, "GET with the parameter acl of the S3 gateway"),
    ("GET", HOST, "/hs3/?cors", {}, "GET with the parameter cors of the S3 gateway"),
    ("PUT", HOST, "/hs3/a", {"x-amz-acl": "public-read"}, "x-amz-acl: public-read"),
    # By host
    ("GET", API, "/v3/auth/tokens", {}, "/v3/auth/tokens of the Swift gateway"),
    ("GET", API, "/swift/v1/AUTH_1", {}, "accounts of Keystone"),
    ("GET", API, "/swift/v1/m", {"X-Auth-Token": "gAAAA"}, "tokens of Keystone"),
    ("POST", API, "/swift/v1/m", SWIFT, "POST of an account"),
    ("POST", API, "/swift/v1/m/n1", SWIFT, "changes of a container"),
    (
        *("PUT", API, "/swift/v1/m/new", {**SWIFT, "X-Container-Read": "*"}),
        "access control lists of containers (X-Container-Read)",
    ),
    (
        *("PUT", API, "/swift/v1/m/n1/a", {**SWIFT, "X-Object-Manifest": "n1/a"}),
        "the header X-Object-Manifest",
    ),
    (
        "PUT",
        API,
        "/swift/v1/m/n1/a?multipart-manifest=put",
        SWIFT,
        "the parameter multipart-manifest",
    ),
    ("GET", ADMIN, "/", {}, "the System Management Console"),
    ("GET", DEFAULT, "/rest/a", {}, "/rest/a of the default namespace"),
    ("GET", "www.hcp1.snomis.local", "/proc", {}, "/proc of the default namespace"),
    # By method
    ("PROPFIND", HOST, "/rest/a", {}, "WebDAV"),
    ("MKCOL", HOST, "/a", {}, "WebDAV"),
    ("COPY", HOST, "/rest/a", {}, "WebDAV"),
    ("MKDIR", HOST, "/rest/a", {}, "the default namespace"),
    ("OPTIONS", HOST, "/rest/a", {}, "OPTIONS (CORS)"),
    # By credentials
    ("GET", HOST, "/rest/a", {"Authorization": "AD n@m:n01"}, "accounts of Active Directory"),
    ("GET", HOST, "/rest/a", {"Authorization": "Negotiate YII"}, "accounts of Active Directory"),
    # Parameters and headers of /rest
    ("GET", HOST, "/rest/a?version=1-2", {}, "ranges of versions, and versions by time"),
    ("DELETE", HOST, "/rest/a?version=@1", {}, "ranges of versions, and versions by time"),
    (
        *("PUT", HOST, "/rest/a", {"X-HCP-CopySource": "default.default/a"}),
        "copies from the default namespace",
    ),
    ("PUT", HOST, "/rest/a?label_hold=[]", {}, "the parameter label_hold"),
    ("POST", HOST, "/rest/here?label_hold=[]", {}, "the parameter label_hold"),
    (
        *("PUT", HOST, "/rest/a", {"X-HCP-LabelRetentionHold": "[]"}),
        "the header X-HCP-LabelRetentionHold",
    ),
]


@pytest.mark.parametrize(("method", "host", "target", "headers", "what"), CASES)
def test_not_emulated(
    http: Http, method: str, host: str, target: str, headers: dict[str, str | None], what: str
) -> None:
    """Whatever a real HCP knows and the emulator does not gets 501 and the reason (contract 10)."""
    http("PUT", "/rest/here", b"x")
    response = http(method, target, None, {"Host": host, **headers})

    assert (response.status, response.reason) == (501, "Not Implemented")
    assert response["X-HCP-ErrorMessage"] == f"the emulator does not support {what}"
    is_rest = host != API and "S3" not in what and "x-amz" not in what  # the gateways have bodies
    assert response.body == b"" or not is_rest
    assert http("HEAD", "/rest/a").status == 404


@pytest.mark.parametrize(
    ("host", "target", "status"),
    [
        ("n9.m.hcp1.snomis.local", "/rest/a", 403),
        ("n9.m.hcp1.snomis.local", "/", 403),
        ("n1.t.hcp1.snomis.local", "/query", 403),
        ("t.hcp1.snomis.local", "/", 403),
        ("n1.m.hcp9.snomis.local", "/", 403),
        ("hcp1.snomis.local", "/", 403),
        (HOST, "/restless", 403),
        (HOST, "/REST/a", 403),
        (HOST, "/Proc", 403),
        (TENANT, "/", 403),
        ("M.HCP1.Snomis.Local", "/", 403),
        (HOST, "/mapi/tenants", 403),
        (ADMIN, "/mapi/tenants", 403),
        (HOST, "/rest/nothing", 404),
        (HOST, "/proc/nothing", 404),
    ],
)
def test_not_there(http: Http, host: str, target: str, status: int) -> None:
    """What a real HCP does not have either gets the same from the emulator."""
    assert http("GET", target, None, {"Host": host}).status == status


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (f"http://{HOST}/rest/a?nowait", 200),
        (f"HTTP://{HOST.upper()}:80/rest/a", 200),
        ("http://n9.m.hcp1.snomis.local/rest/a", 403),
        (f"http://{HOST}", 403),
        (f"http://{HOST}?a=/rest/a", 403),
    ],
)
def test_absolute_target(hcp: HCP, http: Http, target: str, status: int) -> None:
    """A request may name a whole URL, which counts more than the Host header (RFC 9112, 3.2.2)."""
    http("PUT", "/rest/a", b"data")
    connection = HTTPConnection(hcp.nodes[0].address, 80, timeout=20)
    connection.request("GET", target, None, {"Host": "elsewhere", "Authorization": TOKEN})
    response = connection.getresponse()
    body = response.read()
    connection.close()

    assert response.status == status
    assert status != 200 or body == b"data"


def test_unread_body(hcp: HCP) -> None:
    """A refusal does not wait for the body."""
    head = f"PUT /webdav/a HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100000000\r\n\r\n"
    with socket.create_connection((hcp.nodes[0].address, 80), timeout=20) as raw:
        raw.sendall(head.encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 501 Not Implemented\r\n")


@pytest.mark.parametrize(("query", "level"), [("dpl=1", "1"), ("dpl=4&index=false", "4")])
def test_dpl(http: Http, query: str, level: str) -> None:
    """The data protection level can be given on PUT, as in older releases (section 5)."""
    assert http("PUT", f"/rest/a?{query}", b"x").status == 201
    assert http("HEAD", "/rest/a")["X-HCP-DPL"] == level
    assert http("PUT", "/rest/b?dpl=9", b"x").status == 400


def test_retention_without_end(http: Http) -> None:
    """A retention may end after the year 9999 (section 15)."""
    assert http("PUT", "/rest/a?retention=A+9999y", b"x").status == 201
    shown = http("HEAD", "/rest/a")["X-HCP-RetentionString"]
    assert int(shown.partition("-")[0]) > 12_000
    assert shown in http("GET", "/rest").body.decode()


def test_retention_from_the_present_setting(http: Http) -> None:
    """R on a new object means the namespace's default, which here is no date."""
    response = http("PUT", "/rest/a?retention=R+1y", b"x")
    assert response.status == 400
    assert "namespace's default for new objects" in response["X-HCP-ErrorMessage"]
