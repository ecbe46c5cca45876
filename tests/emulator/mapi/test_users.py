"""User and group accounts in the management API (docs/hcp/mapi.rst)."""

from typing import Any

import pytest

from hcpsdk.testing import HCP

from ..conftest import SERVICE_TOKEN, TOKEN
from .client import DOMAIN, Mapi, Rest, token

HOST = f"m.{DOMAIN}"
ADMIN = Mapi()
M = Mapi(HOST, TOKEN)
USERS = "tenants/m/userAccounts"
ANN = {
    "username": "ann",
    "fullName": "Ann A.",
    "localAuthentication": True,
    "enabled": True,
    "forcePasswordChange": False,
}


def create(*roles: str, **more: Any) -> Mapi:
    """Create the user ``ann``, password ``secret1``; the management API as this user."""
    properties = {**ANN, "roles": {"role": list(roles)}, **more}
    assert M.status("PUT", f"{USERS}?password=secret1", properties) == 200
    return Mapi(HOST, token("ann", "secret1"))


def test_list(hcp: HCP) -> None:
    """The names of the accounts of a tenant, and of the system."""
    create()
    assert M.get(USERS) == {"username": ["n", "ann"]}
    assert M.get(f"{USERS}?sortType=username") == {"username": ["ann", "n"]}
    assert M.get(f"{USERS}?filterType=username&filterString=A") == {"username": ["ann"]}
    assert ADMIN.get("userAccounts") == {"username": ["service"]}
    assert [each.tag for each in M.xml(USERS)] == ["username", "username"]


def test_properties(hcp: HCP) -> None:
    create("MONITOR", description="d")
    found = M.get(f"{USERS}/ANN?verbose=true")
    assert found["userID"] == 501
    assert {name: found[name] for name in ANN} == ANN
    assert (found["roles"], found["description"]) == ({"role": ["MONITOR"]}, "d")
    assert "userGUID" not in M.get(f"{USERS}/ann")
    assert ADMIN.get("userAccounts/service")["username"] == "service"
    assert M.status("GET", f"{USERS}/other") == 404
    assert M("HEAD", f"{USERS}/other").status == 302


def test_new_user_has_no_access(hcp: HCP) -> None:
    """A new user may do in a namespace what was granted for it, and nothing before."""
    create()
    rest = Rest(f"n1.m.{DOMAIN}", token("ann", "secret1"))
    other = Rest(f"n2.m.{DOMAIN}", token("ann", "secret1"))
    assert rest("PUT", "/rest/a", b"1").status == 403
    path = f"{USERS}/ann/dataAccessPermissions"
    assert M.get(path) == {"namespacePermission": []}
    grant = {"namespaceName": "n1", "permissions": {"permission": ["BROWSE", "WRITE"]}}
    assert M.status("POST", path, {"namespacePermission": [grant]}) == 200
    assert M.get(path) == {"namespacePermission": [grant]}
    assert rest("PUT", "/rest/a", b"1").status == 201
    assert rest("GET", "/rest/a").status == 403
    assert other("PUT", "/rest/a", b"1").status == 403
    xml = (
        "<dataAccessPermissions><namespacePermission><namespaceName>n2</namespaceName>"
        "<permissions><permission>READ</permission></permissions>"
        "</namespacePermission></dataAccessPermissions>"
    )
    assert M.status("POST", path, xml) == 200
    assert other("GET", "/rest").status == 200
    assert rest("PUT", "/rest/b", b"1").status == 201  # what is not named stays


def test_access_of_configured_user(hcp: HCP) -> None:
    """An account with permissions for all namespaces shows them for each, and can be changed."""
    path = f"{USERS}/n/dataAccessPermissions"
    granted = M.get(path)["namespacePermission"]
    assert [each["namespaceName"] for each in granted] == ["n1", "n2"]
    assert len(granted[0]["permissions"]["permission"]) == 10
    none = {"namespaceName": "n1", "permissions": {"permission": []}}
    assert M.status("POST", path, {"namespacePermission": [none]}) == 200
    assert Rest(f"n1.m.{DOMAIN}", TOKEN)("GET", "/rest").status == 403
    assert Rest(f"n2.m.{DOMAIN}", TOKEN)("GET", "/rest").status == 200


@pytest.mark.parametrize(
    "grant",
    [
        {"namespaceName": "other", "permissions": {"permission": []}},
        {"namespaceName": "n1", "permissions": {"permission": ["EVERYTHING"]}},
        {"namespaceName": "n1"},
        {"permissions": {"permission": []}},
    ],
)
def test_bad_access(hcp: HCP, grant: dict[str, Any]) -> None:
    path = f"{USERS}/n/dataAccessPermissions"
    assert M.status("POST", path, {"namespacePermission": [grant]}) == 400


def test_password(hcp: HCP) -> None:
    """The password is a parameter; the old one is no longer valid."""
    old = create("MONITOR")
    assert old.get("tenants/m")["name"] == "m"
    assert M.status("POST", f"{USERS}/ann?password=other22", {}) == 200
    assert old.status("GET", "tenants/m") == 403
    new = Mapi(HOST, token("ann", "other22"))
    assert new.get("tenants/m")["name"] == "m"
    own = {"newPassword": "third33"}
    assert new.status("POST", f"{USERS}/ann/changePassword", own) == 200
    assert (
        Mapi(HOST, token("ann", "third33")).status("POST", f"{USERS}/n/changePassword", own) == 403
    )
    assert M.status("POST", f"{USERS}?resetPasswords=fourth4", {}) == 200
    assert M.status("GET", "tenants/m") == 403
    assert Mapi(HOST, token("n", "fourth4")).get("tenants/m")["name"] == "m"


def test_password_of_the_system(hcp: HCP) -> None:
    """Of system-level accounts only the password can be changed."""
    assert ADMIN.status("POST", "userAccounts/service", {"description": "x"}) == 403
    assert ADMIN.status("POST", "userAccounts/service?password=other22") == 200
    assert ADMIN.status("GET", "tenants") == 403
    other = Mapi(authorization=token("service", "other22"))
    assert other.get("userAccounts") == {"username": ["service"]}
    hcp.reset()
    assert Mapi(authorization=SERVICE_TOKEN).status("PUT", "userAccounts", {}) == 405


@pytest.mark.parametrize("password", ["", "letters", "1234567", "a1" * 33])
def test_bad_password(hcp: HCP, password: str) -> None:
    answer = M("PUT", f"{USERS}?password={password}", ANN)
    assert (answer.status, "X-HCP-ErrorMessage" in answer) == (400, True)
    assert M.get(USERS) == {"username": ["n"]}


def test_password_is_required(hcp: HCP) -> None:
    answer = M("PUT", USERS, ANN)
    assert answer["X-HCP-ErrorMessage"] == "'password' parameter is required."


@pytest.mark.parametrize("name", sorted(ANN))
def test_required_properties(hcp: HCP, name: str) -> None:
    properties = {key: value for key, value in ANN.items() if key != name}
    assert M.status("PUT", f"{USERS}?password=secret1", properties) == 400


def test_name_taken(hcp: HCP) -> None:
    create()
    again = {**ANN, "username": "Ann"}
    assert M.status("PUT", f"{USERS}?password=secret1", again) == 409


def test_disabled(hcp: HCP) -> None:
    """A disabled account cannot be used, for data neither."""
    ann = create("MONITOR")
    assert ann.get("tenants/m")["name"] == "m"
    assert M.status("POST", f"{USERS}/ann", {"enabled": False}) == 200
    assert ann.status("GET", "tenants/m") == 403
    assert Rest(f"n1.m.{DOMAIN}", token("ann", "secret1"))("GET", "/rest").status == 403


def test_delete(hcp: HCP) -> None:
    """Accounts can be deleted, but not the last one with the role security."""
    ann = create("MONITOR")
    assert M.status("DELETE", f"{USERS}/ann") == 200
    assert M.status("DELETE", f"{USERS}/ann") == 404
    assert ann.status("GET", "tenants/m") == 403
    assert M.status("DELETE", f"{USERS}/n") == 403
    assert M.status("POST", f"{USERS}/n", {"roles": {"role": ["MONITOR"]}}) == 403
    assert M.status("POST", f"{USERS}/n", {"enabled": False}) == 403


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("MONITOR", {"read tenant", "read users"}),
        ("ADMINISTRATOR", {"read tenant", "read users", "write tenant", "create namespace"}),
        ("SECURITY", {"read users", "write user", "console"}),
        ("COMPLIANCE", {"compliance"}),
    ],
)
def test_roles(hcp: HCP, role: str, allowed: set[str]) -> None:
    """Each role may do its own part; the rest gets 403."""
    ann = create(role)
    requests = {
        "read tenant": ("GET", "tenants/m", None),
        "write tenant": ("POST", "tenants/m", {"softQuota": 80}),
        "create namespace": ("PUT", "tenants/m/namespaces", {"name": "n3", "hardQuota": "1 GB"}),
        "read users": ("GET", USERS, None),
        "write user": ("POST", f"{USERS}/ann", {"description": "new"}),
        "console": ("GET", "tenants/m/consoleSecurity", None),
        "compliance": (
            "POST",
            "tenants/m/namespaces/n1/complianceSettings",
            {"dispositionEnabled": True},
        ),
    }
    statuses = {name: ann(*request).status for name, request in requests.items()}
    assert statuses == {name: 200 if name in allowed else 403 for name in requests}


def test_administrator_changes_one_property(hcp: HCP) -> None:
    """With the role administrator only, allowNamespaceManagement can be changed."""
    ann = create("ADMINISTRATOR")
    assert ann.status("POST", f"{USERS}/n", {"description": "x"}) == 403
    assert ann.status("POST", f"{USERS}/ann", {"allowNamespaceManagement": True}) == 200
    assert M.get(f"{USERS}/ann")["allowNamespaceManagement"] is True


def test_namespace_management(hcp: HCP) -> None:
    """Without a role a user may create, read and delete his own namespaces."""
    ann = create(allowNamespaceManagement=True)
    path = "tenants/m/namespaces"
    assert ann.status("PUT", path, {"name": "own", "hardQuota": "1 GB"}) == 200
    assert ann.get(path) == {"name": ["own"]}
    assert ann.get(f"{path}/own")["owner"] == "ann"
    assert ann.status("GET", f"{path}/n1") == 403
    assert ann.status("POST", f"{path}/own/versioningSettings", {"enabled": True}) == 200
    assert ann.status("POST", f"{path}/own", {"description": "x"}) == 403
    assert ann.status("DELETE", f"{path}/n1") == 403
    assert ann.status("DELETE", f"{path}/own") == 200


def test_groups(hcp: HCP) -> None:
    """Group accounts are stored."""
    path = "tenants/m/groupAccounts"
    assert M.get(path) == {"groupname": []}
    group = {"groupname": "g1@ad", "roles": {"role": ["MONITOR"]}}
    assert M.status("PUT", path, group) == 200
    assert M.status("PUT", path, group) == 409
    assert M.get(path) == {"groupname": ["g1@ad"]}
    assert M.get(f"{path}/g1@ad")["roles"] == group["roles"]
    assert M.status("POST", f"{path}/g1@ad", {"allowNamespaceManagement": True}) == 200
    assert M.get(f"{path}/G1@ad")["allowNamespaceManagement"] is True
    assert M.status("DELETE", f"{path}/g1@ad") == 200
    assert M.status("GET", f"{path}/g1@ad") == 404
    assert ADMIN.get("groupAccounts") == {"groupname": []}
