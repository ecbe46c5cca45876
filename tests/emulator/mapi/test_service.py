"""The management API on port 9090: who may ask, in which form, and what comes back."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from hcpsdk.testing import HCP, System, User

from ..conftest import UNVERIFIED

ADMIN = "admin.hcp1.snomis.local"
SERVICE = "/mapi/services/replication"
TOKEN = "c2VydmljZQ==:e4e5ace7271dde224933ffa1fb38f280"  # service / service01
TENANT_TOKEN = "bg==:1dc7fed37e11b35093d311ef66928ad9"  # n / n01
AUTHORIZED = {"Authorization": f"HCP {TOKEN}"}

SETTINGS = (
    '<?xml version="1.0" encoding="UTF-8"?><replicationService>'
    "<allowTenantsToMonitorNamespaces>true</allowTenantsToMonitorNamespaces>"
    "<enableDNSFailover>true</enableDNSFailover>"
    "<enableDomainAndCertificateSynchronization>true</enableDomainAndCertificateSynchronization>"
    "<network>[hcp_system]</network></replicationService>"
)


class Asked:
    """An answer, read to its end."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.reason = response.reason
        self.headers = response.headers
        self.body = response.read()

    @property
    def message(self) -> str | None:
        return self.headers["X-HCP-ErrorMessage"]


def ask(
    method: str,
    target: str,
    body: Any = None,
    headers: dict[str, str] = AUTHORIZED,
    *,
    host: str = ADMIN,
    port: int = 9090,
) -> Asked:
    connection = http.client.HTTPSConnection(host, port, timeout=20, context=UNVERIFIED)
    try:
        connection.request(method, target, body, headers)
        return Asked(connection.getresponse())
    finally:
        connection.close()


# Who may ask


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"HCP {TOKEN}"},
        {"Authorization": f"hcp {TOKEN.upper().replace('C2VYDMLJZQ', 'c2VydmljZQ')}"},
        {"Cookie": f"hcp-api-auth={TOKEN}"},
        {"Cookie": f"other=1; hcp-ns-auth={TOKEN}"},
        {"Authorization": f"HCP {TOKEN}", "Cookie": "hcp-ns-auth=nonsense"},
    ],
    ids=["header", "upper-case hex", "api cookie", "namespace cookie", "both"],
)
def test_admitted(hcp: HCP, headers: dict[str, str]) -> None:
    """A system-level user enters with the header, or with one of the two cookies."""
    assert ask("GET", SERVICE, headers=headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "HCP c2VydmljZQ==:00000000000000000000000000000000"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"HCP {TENANT_TOKEN}"},
        {"Authorization": "HCP wrong", "Cookie": f"hcp-api-auth={TOKEN}"},
    ],
    ids=["none", "wrong", "other scheme", "tenant user", "header before cookie"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_not_admitted(hcp: HCP, headers: dict[str, str], method: str) -> None:
    """Missing or wrong credentials get 403, for every method."""
    answer = ask(method, SERVICE, headers=headers)
    assert answer.status == 403
    assert answer.message
    assert answer.body == b""


@pytest.mark.parametrize("token", [TOKEN, TENANT_TOKEN])
def test_tenant_host(hcp: HCP, token: str) -> None:
    """On a tenant's host there is no replication, neither for its users nor for the system's."""
    headers = {"Authorization": f"HCP {token}"}
    answer = ask("GET", SERVICE, headers=headers, host="m.hcp1.snomis.local")
    assert (answer.status, bool(answer.message)) == (403, True)


def test_other_hosts(hcp: HCP) -> None:
    """Port 9090 answers for the system and its tenants, not for namespaces or strangers."""
    for name in ("n1.m.hcp1.snomis.local", "hcp1.snomis.local", "admin.example.com"):
        answer = ask("GET", SERVICE, headers={**AUTHORIZED, "Host": name})
        assert answer.status == 403, name


def test_host_forms(hcp: HCP) -> None:
    """The node's address with the name in Host is as good, with and without port, in any case."""
    for name in (ADMIN, f"{ADMIN}:9090", ADMIN.upper()):
        address = hcp.nodes[2].address
        answer = ask("GET", SERVICE, headers={**AUTHORIZED, "Host": name}, host=address)
        assert answer.status == 200, name


def test_port_left_out(hcp: HCP) -> None:
    """Without the port the request lands where namespaces are: 403."""
    assert ask("GET", SERVICE, port=443).status == 403


def test_namespaces_are_elsewhere(hcp: HCP) -> None:
    """There is no /rest on port 9090, and no /mapi on 443."""
    assert ask("GET", "/rest/a").status == 404
    headers = {"Authorization": f"HCP {TENANT_TOKEN}"}
    host = "n1.m.hcp1.snomis.local"
    assert ask("GET", SERVICE, headers=headers, host=host, port=443).status == 403


@pytest.fixture(scope="module")
def with_roles() -> Iterator[None]:
    """A system with an account for each role."""
    users = [
        User(role, "secret", roles=frozenset([role]))
        for role in ("monitor", "administrator", "security")
    ]
    with HCP("roles.snomis.local", users=users):
        yield


@pytest.mark.parametrize(
    "role, reads, changes",
    [("monitor", 200, 403), ("administrator", 200, 200), ("security", 403, 403)],
)
def test_roles(with_roles: None, role: str, reads: int, changes: int) -> None:
    """Monitors and administrators read; administrators alone change."""
    host = "admin.roles.snomis.local"
    headers = {"Authorization": f"HCP {User(role, 'secret').token}"}
    body_headers = {**headers, "Content-Type": "application/xml"}
    body = "<replicationService><enableDNSFailover>true</enableDNSFailover></replicationService>"
    assert ask("GET", SERVICE, headers=headers, host=host).status == reads
    assert ask("HEAD", SERVICE, headers=headers, host=host).status == {403: 302}.get(reads, reads)
    assert ask("POST", SERVICE, body, body_headers, host=host).status == changes


def test_unknown_role() -> None:
    """A role that HCP does not know is the caller's mistake."""
    with pytest.raises(ValueError, match="janitor"):
        User("x", "y", roles=frozenset(["janitor"]))


def test_users_with_the_same_credentials() -> None:
    """An account of a tenant does not hide the system's account of that name and password."""
    users = [User("twin", "secret", "m"), User("twin", "secret")]
    with HCP("twins.snomis.local", users=users) as hcp:
        headers = {"Authorization": f"HCP {hcp.users[1].token}"}
        assert ask("GET", SERVICE, headers=headers, host="admin.twins.snomis.local").status == 200


# Formats


@pytest.mark.parametrize("accept", [None, "application/xml", "*/*", "text/x, application/*;q=0.5"])
def test_xml(hcp: HCP, accept: str | None) -> None:
    """The manual's settings: XML on one line, without a blank between elements (section 3)."""
    answer = ask("GET", SERVICE, headers={**AUTHORIZED, **({"Accept": accept} if accept else {})})
    assert answer.body.decode() == SETTINGS
    assert answer.headers["Content-Type"] == "application/xml"


def test_json(hcp: HCP) -> None:
    """JSON on request, Booleans as such."""
    answer = ask("GET", SERVICE, headers={**AUTHORIZED, "Accept": "application/json"})
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.body) == {
        "allowTenantsToMonitorNamespaces": True,
        "enableDNSFailover": True,
        "enableDomainAndCertificateSynchronization": True,
        "network": "[hcp_system]",
    }
    assert b"\n" not in answer.body


@pytest.mark.parametrize("value", ["prettyprint", "prettyprint=true", "prettyprint="])
def test_pretty_xml(hcp: HCP, value: str) -> None:
    """``prettyprint``, with and without value, indents."""
    lines = ask("GET", f"{SERVICE}?{value}").body.decode().splitlines()
    assert lines[1] == "<replicationService>"
    assert lines[3] == "  <enableDNSFailover>true</enableDNSFailover>"


def test_pretty_json(hcp: HCP) -> None:
    """JSON is indented by two blanks, with blanks around colons."""
    headers = {**AUTHORIZED, "Accept": "application/json"}
    text = ask("GET", f"{SERVICE}?prettyprint", headers=headers).body.decode()
    assert text.splitlines()[:2] == ["{", '  "allowTenantsToMonitorNamespaces" : true,']
    assert ask("GET", f"{SERVICE}/links?prettyprint", headers=headers).body == (
        b'{\n  "name" : []\n}'
    )


def test_not_pretty(hcp: HCP) -> None:
    """``prettyprint=false``, unknown parameters and names in other case change nothing."""
    for query in ("prettyprint=false", "PrettyPrint=true", "verbose=maybe", "colour=red&x"):
        assert ask("GET", f"{SERVICE}?{query}").body.decode() == SETTINGS, query


def test_no_links(hcp: HCP) -> None:
    """A system without links has an empty list."""
    assert ask("GET", f"{SERVICE}/links").body.endswith(b"?><links/>")
    headers = {**AUTHORIZED, "Accept": "application/json"}
    assert ask("GET", f"{SERVICE}/links", headers=headers).body == b'{"name":[]}'


def test_headers(hcp: HCP) -> None:
    """Every reply tells the release; success as well as errors."""
    for target, status in ((SERVICE, 200), (f"{SERVICE}/links/none", 404), ("/mapi/none", 404)):
        answer = ask("GET", target)
        assert answer.status == status
        assert answer.headers["X-HCP-SoftwareVersion"] == System().version
        assert answer.headers["Server"] == f"HCP V{System().version}"
        assert answer.headers["X-HCP-ServicedBySystem"] == "hcp1.snomis.local"
        assert answer.headers["Content-Length"] == str(len(answer.body))


# What is refused


@pytest.mark.parametrize(
    "method, target, headers, body, status",
    [
        ("GET", "/mapi", {}, None, 404),
        ("GET", "/mapi/services/replication/links/a/b/c", {}, None, 404),
        ("GET", "/mapi/services/replication/links/%ff", {}, None, 400),
        ("GET", "/mapi/services/replication/links/%zz", {}, None, 400),
        ("GET", "/mapi/services/replication?verbose=%ff", {}, None, 400),
        ("GET", "/mapi/services/replication/links/" + "x" * 4095, {}, None, 414),
        ("GET", SERVICE, {"Accept": "text/html"}, None, 415),
        ("GET", SERVICE, {"Accept": "text/csv"}, None, 415),
        ("DELETE", SERVICE, {}, None, 405),
        ("PUT", SERVICE, {}, None, 405),
        ("POST", f"{SERVICE}/links", {}, None, 405),
        ("POST", SERVICE, {}, None, 400),
        ("POST", SERVICE, {}, "<replicationService/>", 415),
        ("POST", SERVICE, {"Content-Type": "text/plain"}, "<replicationService/>", 415),
        ("POST", SERVICE, {"Content-Type": "application/xml"}, "<replicationService>", 400),
        ("POST", SERVICE, {"Content-Type": "application/xml"}, "<link/>", 400),
        ("POST", SERVICE, {"Content-Type": "application/json"}, "[]", 400),
        ("POST", SERVICE, {"Content-Type": "application/json"}, "{", 400),
        ("POST", SERVICE, {"Content-Type": "application/json"}, '{"a":' * 20_000, 400),
        ("POST", SERVICE, {"Content-Type": "application/xml"}, "<a>" * 20_000, 400),
        ("POST", SERVICE, {"Content-Type": "application/xml"}, "x" * 1_100_000, 400),
        ("POST", f"{SERVICE}?shutDownAllLinks", {}, None, 400),
        ("POST", f"{SERVICE}?shutDownAllLinks=" + "x" * 1025, {}, None, 400),
        ("POST", f"{SERVICE}?shutDownAllLinks=a&reestablishAllLinks", {}, None, 400),
    ],
)
def test_refused(
    hcp: HCP, method: str, target: str, headers: dict[str, str], body: str | None, status: int
) -> None:
    """What is wrong with a request is told by its status, without a body."""
    answer = ask(method, target, body, {**AUTHORIZED, **headers})
    assert (answer.status, answer.body) == (status, b"")
    assert status in (404, 405, 414) or answer.message


def test_allow(hcp: HCP) -> None:
    """405 and OPTIONS tell which methods there are."""
    assert ask("DELETE", SERVICE).headers["Allow"] == "OPTIONS,HEAD,GET,POST"
    answer = ask("OPTIONS", f"{SERVICE}/links/x")
    assert (answer.status, answer.headers["Allow"]) == (200, "OPTIONS,HEAD,GET,POST,DELETE")


def test_head(hcp: HCP) -> None:
    """HEAD has GET's headers; where GET gives 404, it gives 302 (section 3)."""
    get, head = ask("GET", SERVICE), ask("HEAD", SERVICE)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(get.body))
    assert ask("HEAD", f"{SERVICE}/links/none").status == 302
    assert ask("HEAD", "/mapi/none").status == 302


ENTITY_BOMB = """<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<replicationService><network>&c;</network></replicationService>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<replicationService><network>&a;</network></replicationService>"""


@pytest.mark.parametrize(
    "body", [ENTITY_BOMB, OUTSIDE, "<replicationService><network>&x;</network>"]
)
def test_entities(hcp: HCP, body: str) -> None:
    """Entities in a document do nothing: it is refused, and the settings stay."""
    answer = ask("POST", SERVICE, body, {**AUTHORIZED, "Content-Type": "application/xml"})
    assert answer.status == 400
    assert ask("GET", SERVICE).body.decode() == SETTINGS


def test_encodings(hcp: HCP) -> None:
    """XML in the encodings that it declares; an unknown one is refused."""
    text = "<replicationService><network>Zürich</network></replicationService>"
    headers = {**AUTHORIZED, "Content-Type": "application/xml; charset=whatever"}
    for encoding in ("utf-8", "iso-8859-1", "utf-16"):
        body = f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(encoding)
        assert ask("POST", SERVICE, body, headers).status == 200
        assert "Zürich" in ask("GET", SERVICE).body.decode()
        hcp.reset()
    for encoding in ("utf-7", "big5", "nonsense"):
        body = f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode()
        assert ask("POST", SERVICE, body, headers).status == 400, encoding


# Settings


@pytest.mark.parametrize(
    "kind, body",
    [
        (
            "application/xml",
            "<replicationService>\n <enableDNSFailover>false</enableDNSFailover>\n"
            "<network>net &lt;1&gt;</network></replicationService>",
        ),
        ("application/json", '{"enableDNSFailover": false, "network": "net <1>"}'),
    ],
)
def test_change_settings(hcp: HCP, kind: str, body: str) -> None:
    """Settings that are named change, the others stay, and a reset brings back the first ones."""
    answer = ask("POST", SERVICE, body, {**AUTHORIZED, "Content-Type": kind})
    assert (answer.status, answer.headers["Content-Length"]) == (200, "0")
    headers = {**AUTHORIZED, "Accept": "application/json"}
    told = json.loads(ask("GET", SERVICE, headers=headers).body)
    assert told["enableDNSFailover"] is False
    assert told["network"] == "net <1>"
    assert told["allowTenantsToMonitorNamespaces"] is True
    hcp.reset()
    assert ask("GET", SERVICE).body.decode() == SETTINGS


@pytest.mark.parametrize(
    "settings",
    [
        {"enableDNSFailover": "perhaps", "network": "x"},
        {"network": "x", "enableDNSFailover": [True]},
        {"network": 7},
        {"network": "x" * 65},
        {"network": "\u0001"},
        {"network": "x", "colour": "red"},
    ],
)
def test_bad_settings(hcp: HCP, settings: dict[str, object]) -> None:
    """One bad or unknown setting, and none of them is changed."""
    headers = {**AUTHORIZED, "Content-Type": "application/json"}
    assert ask("POST", SERVICE, json.dumps(settings), headers).status == 400
    assert ask("GET", SERVICE).body.decode() == SETTINGS


def test_settings_as_they_came(hcp: HCP) -> None:
    """What GET gives can be sent back by POST."""
    for kind in ("application/xml", "application/json"):
        body = ask("GET", SERVICE, headers={**AUTHORIZED, "Accept": kind}).body
        assert ask("POST", SERVICE, body, {**AUTHORIZED, "Content-Type": kind}).status == 200


def test_shut_down(hcp: HCP) -> None:
    """Shutting down all links, and bringing them back, shows in the verbose settings."""
    assert b"<status>ENABLED</status>" in ask("GET", f"{SERVICE}?verbose=true").body
    assert ask("POST", f"{SERVICE}?shutDownAllLinks=moving+house").status == 200
    assert b"<status>SHUTDOWN</status>" in ask("GET", f"{SERVICE}?verbose=1").body
    assert ask("POST", f"{SERVICE}?reestablishAllLinks").status == 200
    assert b"<status>ENABLED</status>" in ask("GET", f"{SERVICE}?verbose=t").body
