"""Tenants in the management API (docs/hcp/mapi.rst)."""

import socket
from typing import Any

import pytest

from hcpsdk.testing import HCP

from ..conftest import TOKEN, Https
from .client import DOMAIN, Mapi, Rest, token

ADMIN = Mapi()
M = Mapi(f"m.{DOMAIN}", TOKEN)
NEW = {
    "name": "t2",
    "hardQuota": "10 GB",
    "softQuota": 80,
    "namespaceQuota": 2,
    "searchConfigurationEnabled": True,
    "replicationConfigurationEnabled": True,
    "complianceConfigurationEnabled": True,
    "versioningConfigurationEnabled": True,
    "servicePlanSelectionEnabled": False,
}
CREATE = "tenants?username=boss&password=secret01"


def created(**properties: Any) -> Mapi:
    """Create tenant ``t2``; its management API as its first user."""
    assert ADMIN.status("PUT", CREATE, {**NEW, **properties}) == 200
    return Mapi(f"t2.{DOMAIN}", token("boss", "secret01"))


def test_list(hcp: HCP) -> None:
    """All tenants, the one of the default namespace included, in JSON and XML."""
    assert ADMIN.get("tenants") == {"name": ["Default", "m"]}
    assert [each.text for each in ADMIN.xml("tenants")] == ["Default", "m"]
    assert ADMIN.xml("tenants").tag == "tenants"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("offset=1", ["m", "t2"]),
        ("count=1", ["Default"]),
        ("offset=1&count=1", ["m"]),
        ("sortType=name&sortOrder=descending", ["t2", "m", "Default"]),
        ("sortType=hardQuota", ["Default", "t2", "m"]),
        ("filterType=name&filterString=T", ["t2"]),
        ("filterType=tag&filterString=go", ["t2"]),
        ("filterType=tag&filterString=other", []),
        ("unknown=1", ["Default", "m", "t2"]),
    ],
)
def test_parts_of_the_list(hcp: HCP, query: str, names: list[str]) -> None:
    """Lists come in parts, sorted, and filtered by prefixes."""
    created(tags={"tag": ["Gold"]})
    assert ADMIN.get(f"tenants?{query}") == {"name": names}


@pytest.mark.parametrize("query", ["offset=x", "count=-1", "sortType=x", "filterType=x"])
def test_bad_parameters_of_the_list(hcp: HCP, query: str) -> None:
    """Parameters with bad values get 400."""
    assert ADMIN.status("GET", f"tenants?{query}") == 400


def test_properties(hcp: HCP) -> None:
    """What can be changed is shown; the rest with verbose. Names are not case-sensitive."""
    short = ADMIN.get("tenants/m")
    assert (short["name"], short["hardQuota"], short["namespaceQuota"]) == (
        "m",
        "200.00 GB",
        "None",
    )
    assert short["authenticationTypes"] == {"authenticationType": ["LOCAL"]}
    long = ADMIN.get("tenants/M?verbose=true")
    assert set(long) - set(short) == {
        *("creationTime", "fullyQualifiedName", "id", "erasureCodingSelectionEnabled")
    }
    assert long["fullyQualifiedName"] == f"m.{DOMAIN}"
    assert ADMIN.xml("tenants/m").tag == "tenant"


def test_default(hcp: HCP) -> None:
    """The tenant of the default namespace has four properties, and no name."""
    assert ADMIN.get("tenants/Default") == {
        "systemVisibleDescription": "",
        "tenantVisibleDescription": "",
        "snmpLoggingEnabled": False,
        "syslogLoggingEnabled": False,
    }
    long = ADMIN.get("tenants/default?verbose=true")
    assert (long["id"], long["fullyQualifiedName"]) == (
        "00000000-0000-0000-0000-000000000000",
        f"Default.{DOMAIN}",
    )
    assert ADMIN.status("GET", "tenants/Default/namespaces") == 404
    assert ADMIN.status("GET", "tenants/Default/chargebackReport") == 403


def test_change(hcp: HCP) -> None:
    """POST changes what is given and nothing else; what was read can be sent back."""
    change = {"tenantVisibleDescription": "the <first>", "tags": {"tag": ["a", "b"]}}
    assert ADMIN.status("POST", "tenants/m", change) == 200
    after = ADMIN.get("tenants/m?verbose=true")
    assert {name: after[name] for name in change} == change
    assert ADMIN.status("POST", "tenants/m", after) == 200
    assert ADMIN.get("tenants/m?verbose=true") == after
    xml = "<tenant><softQuota>70</softQuota><tags><tag>c</tag></tags></tenant>"
    assert ADMIN.status("POST", "tenants/m", xml) == 200
    assert ADMIN.get("tenants/m?verbose=true") == {**after, "softQuota": 70, "tags": {"tag": ["c"]}}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"softQuota": 101}, 400),
        ({"softQuota": "x"}, 400),
        ({"hardQuota": "many"}, 400),
        ({"hardQuota": "1 GB"}, 400),  # the namespaces have been given more
        ({"administrationAllowed": "maybe"}, 400),
        ({"tags": {"other": []}}, 400),
        ({"color": "red"}, 400),
        ({"creationTime": "2015-01-01T00:00:00+0100"}, 403),
        ({"name": "other"}, 501),
    ],
)
def test_bad_changes(hcp: HCP, change: dict[str, Any], status: int) -> None:
    """Unknown properties and bad values get 400, read-only properties 403; nothing is changed."""
    before = ADMIN.get("tenants/m?verbose=true")
    answer = ADMIN("POST", "tenants/m", {"syslogLoggingEnabled": True, **change})
    assert (answer.status, "X-HCP-ErrorMessage" in answer) == (status, True)
    assert ADMIN.get("tenants/m?verbose=true") == before


def test_new_tenant_is_usable_at_once(hcp: HCP) -> None:
    """Its names resolve and its certificate is valid; its user makes a namespace, and uses it."""
    host = f"new.t2.{DOMAIN}"
    with pytest.raises(socket.gaierror):
        socket.gethostbyname(host)
    tenant = created()
    assert tenant.get("tenants/t2")["hardQuota"] == "10.00 GB"
    assert (
        tenant.status("PUT", "tenants/t2/namespaces", {"name": "new", "hardQuota": "1 GB"}) == 200
    )
    grant = {
        "namespacePermission": [
            {"namespaceName": "new", "permissions": {"permission": ["READ", "WRITE"]}}
        ]
    }
    path = "tenants/t2/userAccounts/boss/dataAccessPermissions"
    assert tenant.status("POST", path, grant) == 200
    assert socket.gethostbyname(host) == hcp.nodes[0].address
    client = Https(hcp.ca_file, host)
    headers = {"Authorization": token("boss", "secret01")}
    try:
        assert client("PUT", "/rest/a", b"data", headers).status == 201
        assert client("GET", "/rest/a", None, headers).body == b"data"
        listed = client("GET", "/proc", None, headers)
        assert (listed.status, b'name="new"' in listed.body) == (200, True)
    finally:
        client.close()
    assert [each.name for each in hcp.namespaces] == ["n1", "n2", "new"]
    assert Rest(f"n1.m.{DOMAIN}", token("boss", "secret01"))("GET", "/rest/a").status == 403


def test_reset_forgets_tenants(hcp: HCP) -> None:
    """A reset returns to the tenants and properties of the start."""
    before = ADMIN.get("tenants/m")
    created()
    ADMIN("POST", "tenants/m", {"softQuota": 1})
    hcp.reset()
    assert ADMIN.get("tenants") == {"name": ["Default", "m"]}
    assert ADMIN.get("tenants/m") == before
    with pytest.raises(socket.gaierror):
        socket.gethostbyname(f"t2.{DOMAIN}")


@pytest.mark.parametrize("name", ["t2", "T2", "m", "default", "admin"])
def test_name_taken(hcp: HCP, name: str) -> None:
    """Names of tenants are unique in any case: 409."""
    created()
    assert ADMIN.status("PUT", CREATE, {**NEW, "name": name}) == 409


@pytest.mark.parametrize("name", ["", "-a", "a-", "a.b", "a_b", "xn--a", "a" * 64])
def test_bad_name(hcp: HCP, name: str) -> None:
    assert ADMIN.status("PUT", CREATE, {**NEW, "name": name}) == 400


@pytest.mark.parametrize("name", sorted(NEW))
def test_required_properties(hcp: HCP, name: str) -> None:
    """A new tenant needs its properties: 400 otherwise, and no tenant."""
    properties = {key: value for key, value in NEW.items() if key != name}
    assert ADMIN.status("PUT", CREATE, properties) == 400
    assert ADMIN.get("tenants") == {"name": ["Default", "m"]}


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("", 400, "'username' parameter is required."),
        ("?username=u", 400, "'password' parameter is required."),
        ("?username=u&password=letters", 400, None),
        ("?initialSecurityGroup=g", 501, None),
    ],
)
def test_first_user(hcp: HCP, query: str, status: int, message: str | None) -> None:
    """A new tenant needs a user with a password."""
    answer = ADMIN("PUT", f"tenants{query}", NEW)
    assert answer.status == status
    if message:
        assert answer["X-HCP-ErrorMessage"] == message
    assert ADMIN.get("tenants") == {"name": ["Default", "m"]}


def test_administration_by_the_system(hcp: HCP) -> None:
    """The system's users reach a tenant's resources only if it allows that; its own, always."""
    tenant = created()
    assert ADMIN.get("tenants/t2")["administrationAllowed"] is False
    assert ADMIN.status("GET", "tenants/t2/namespaces") == 403
    assert ADMIN.get("tenants/t2/statistics")["objectCount"] == 0
    assert tenant.get("tenants/t2/namespaces") == {"name": []}
    assert tenant.status("POST", "tenants/t2", {"administrationAllowed": True}) == 200
    assert ADMIN.get("tenants/t2/namespaces") == {"name": []}


def test_levels(hcp: HCP) -> None:
    """A tenant's users see their tenant, at its host; unknown tenants are 404, or 302 for HEAD."""
    assert M.get("tenants/m")["name"] == "m"
    assert M.status("GET", "tenants") == 403
    assert M.status("GET", "tenants/other") == 403
    assert Mapi(authorization=TOKEN).status("GET", "tenants/m") == 403
    assert ADMIN.status("GET", "tenants/other") == 404
    assert ADMIN("HEAD", "tenants/other").status == 302
    assert ADMIN("HEAD", "tenants/m").status == 200
    assert ADMIN.status("DELETE", "tenants/m") == 405


def test_mask(hcp: HCP) -> None:
    """The permissions of a tenant hold for all its namespaces."""
    rest = Rest(f"n1.m.{DOMAIN}", TOKEN)
    assert rest("PUT", "/rest/a", b"1").status == 201
    names = ["DELETE", "PRIVILEGED", "PURGE", "READ", "SEARCH", "WRITE"]
    assert M.get("tenants/m/permissions") == {"permission": names}
    assert M.status("POST", "tenants/m/permissions", {"permission": ["READ"]}) == 200
    assert M.get("tenants/m/permissions") == {"permission": ["READ"]}
    assert rest("PUT", "/rest/b", b"1").status == 403
    assert rest("GET", "/rest/a").status == 200
    hcp.reset()
    assert rest("PUT", "/rest/b", b"1").status == 201


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("consoleSecurity", {"minimumPasswordLength": 8, "loginMessage": "Welcome"}),
        ("contactInfo", {"firstName": "Ada", "city": "Berlin"}),
        ("emailNotification", {"enabled": True}),
        ("searchSecurity", {"ipSettings": {"allowAddresses": {"ipAddress": ["192.168.0.1"]}}}),
        ("namespaceDefaults", {"hardQuota": "5 GB", "hashScheme": "SHA-512"}),
    ],
)
def test_stored_properties(hcp: HCP, name: str, change: dict[str, Any]) -> None:
    """Other settings are stored: POST changes what is given; XML and JSON show the same."""
    before = M.get(f"tenants/m/{name}")
    assert M.status("POST", f"tenants/m/{name}", change) == 200
    after = M.get(f"tenants/m/{name}")
    assert after.keys() == before.keys()
    assert {key for key in after if after[key] != before[key]} == set(change)
    root = M.xml(f"tenants/m/{name}")
    assert (root.tag, [each.tag for each in root]) == (name, list(after))
    assert M.status("POST", f"tenants/m/{name}", {"unknown": 1}) == 400


@pytest.mark.parametrize(
    "path",
    [
        "tenants/m/availableServicePlans",
        "tenants/m/availableServicePlans/Default",
        "tenants/m/contentClasses",
        "tenants/m/cors",
        "tenants/m/namespaces/n1/cors",
        "storage/licenses",
        "network",
        "healthCheckReport",
        "healthCheckReport/prepare",
        "services/statistics",
        "services/replication/certificates",
        "services/replication/certificates/server",
        "services/replication/links/l/content/tenants/m",
        "services/replication/links/l/schedule",
        "services/erasureCoding/ecTopologies",
        "supportaccesscredentials",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_not_emulated(hcp: HCP, path: str, method: str) -> None:
    """What a real HCP has and the emulator has not gets 501, with a message (contract 10)."""
    answer = ADMIN(method, path)
    assert (answer.status, answer.body) == (501, b"")
    assert answer["X-HCP-ErrorMessage"].startswith("the emulator does not ")


def test_links_are_not_made_by_put(hcp: HCP) -> None:
    assert ADMIN.status("PUT", "services/replication/links", {"name": "l"}) == 501


@pytest.mark.parametrize("path", ["other", "tenants/m/other", "", "logs/other"])
def test_unknown_resources(hcp: HCP, path: str) -> None:
    """What no HCP has gets 404."""
    assert ADMIN.status("GET", path) == 404


def test_media_types(hcp: HCP) -> None:
    """Known media types that a resource cannot have get 415; JavaScript is not emulated."""
    assert ADMIN("GET", "tenants", accept="text/csv").status == 415
    assert ADMIN("GET", "tenants", accept="text/html").status == 415
    assert ADMIN("GET", "tenants", accept="text/html, application/json").status == 200
    assert ADMIN("GET", "tenants", accept="application/javascript").status == 501
    assert ADMIN("GET", "tenants?callback=f").status == 501
