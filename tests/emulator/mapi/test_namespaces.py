"""Namespaces in the management API (docs/hcp/mapi.rst)."""

from typing import Any

import pytest

from hcpsdk.testing import HCP

from ..conftest import TOKEN
from .client import DOMAIN, Mapi, Rest

M = Mapi(f"m.{DOMAIN}", TOKEN)
ALL = "tenants/m/namespaces"
N1 = f"{ALL}/n1"


def rest(name: str = "n1") -> Rest:
    return Rest(f"{name}.m.{DOMAIN}", TOKEN)


def test_list(hcp: HCP) -> None:
    """Names in JSON and XML, sorted and filtered."""
    assert M.get(ALL) == {"name": ["n1", "n2"]}
    assert [(each.tag, each.text) for each in M.xml(ALL)] == [("name", "n1"), ("name", "n2")]
    assert M.get(f"{ALL}?sortType=name&sortOrder=descending&count=1") == {"name": ["n2"]}
    M.status("POST", f"{ALL}/n2", {"hardQuota": "2 GB"})
    assert M.get(f"{ALL}?sortType=hardQuota") == {"name": ["n2", "n1"]}


def test_properties(hcp: HCP) -> None:
    """All properties, those that cannot be changed with verbose only."""
    short, long = M.get(N1), M.get(f"{N1}?verbose=true")
    assert (short["name"], short["hardQuota"], short["softQuota"]) == ("n1", "50.00 GB", 85)
    assert (short["hashScheme"], short["enterpriseMode"]) == ("SHA-256", True)
    assert set(long) - set(short) == {
        *("fullyQualifiedName", "isDplDynamic", "mqeIndexingTimestamp"),
        *("creationTime", "dpl", "id", "replicationTimestamp"),
    }
    assert long["fullyQualifiedName"] == f"n1.m.{DOMAIN}"
    assert M.xml(f"{N1}?verbose=true").findtext("id") == long["id"]
    assert M.get(f"{ALL}/N1?verbose") == long


def test_change(hcp: HCP) -> None:
    """What was read can be sent back; what is given is changed."""
    before = M.get(f"{N1}?verbose=true")
    assert M.status("POST", N1, before) == 200
    assert M.status("POST", N1, {"description": "x°y", "servicePlan": "Gold"}) == 200
    assert M.get(f"{N1}?verbose=true") == {**before, "description": "x°y", "servicePlan": "Gold"}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"hardQuota": "400 GB"}, 400),  # more than the tenant has
        ({"softQuota": -1}, 400),
        ({"aclsUsage": "SOMETIMES"}, 400),
        ({"other": 1}, 400),
        ({"hashScheme": "MD5"}, 403),
        ({"id": "x"}, 403),
        ({"name": "n3"}, 501),
    ],
)
def test_bad_changes(hcp: HCP, change: dict[str, Any], status: int) -> None:
    """Bad values get 400, what cannot be changed 403; nothing is changed."""
    before = M.get(f"{N1}?verbose=true")
    assert M.status("POST", N1, {"description": "new", **change}) == status
    assert M.get(f"{N1}?verbose=true") == before


def test_create_use_and_delete(hcp: HCP) -> None:
    """A new namespace can be used at once; it can be deleted when it is empty."""
    assert M.status("PUT", ALL, {"name": "n3", "hashScheme": "MD5"}) == 200
    assert M.get(f"{ALL}/n3")["hashScheme"] == "MD5"
    stored = rest("n3")("PUT", "/rest/a", b"abc")
    assert (stored.status, stored["X-HCP-Hash"].split()[0]) == (201, "MD5")
    assert M.status("DELETE", f"{ALL}/n3") == 403
    assert rest("n3")("DELETE", "/rest/a").status == 200
    assert M.status("DELETE", f"{ALL}/n3") == 200
    assert M.status("GET", f"{ALL}/n3") == 404
    assert M("HEAD", f"{ALL}/n3").status == 302
    assert M.get(ALL) == {"name": ["n1", "n2"]}


def test_deleted_and_reset(hcp: HCP) -> None:
    """A namespace that was deleted is there again after a reset, and works."""
    assert M.status("DELETE", f"{ALL}/n2") == 200
    hcp.reset()
    assert M.get(ALL) == {"name": ["n1", "n2"]}
    assert rest("n2")("PUT", "/rest/a", b"abc").status == 201


def test_new_one_forgets_old_properties(hcp: HCP) -> None:
    """Nothing of a deleted namespace is left in one of the same name."""
    M.status("PUT", ALL, {"name": "n3", "servicePlan": "Gold"})
    M.status("POST", f"{ALL}/n3/protocols/nfs", {"enabled": True})
    M.status("DELETE", f"{ALL}/n3")
    M.status("PUT", ALL, {"name": "n3"})
    assert M.get(f"{ALL}/n3")["servicePlan"] == "Default"
    assert M.get(f"{ALL}/n3/protocols/nfs")["enabled"] is False


def test_defaults(hcp: HCP) -> None:
    """What is not given comes from the tenant's namespaceDefaults."""
    defaults = {"hardQuota": "5 GB", "hashScheme": "SHA-512"}
    assert M.status("POST", "tenants/m/namespaceDefaults", defaults) == 200
    assert M.status("PUT", ALL, {"name": "n3", "hashScheme": "MD5"}) == 200
    found = M.get(f"{ALL}/n3")
    assert (found["hardQuota"], found["hashScheme"]) == ("5.00 GB", "MD5")


@pytest.mark.parametrize(
    ("properties", "status"),
    [
        ({}, 400),
        ({"name": "n1"}, 409),
        ({"name": "N1"}, 409),
        ({"name": "-"}, 400),
        ({"name": "xn--a"}, 400),
        ({"name": "n3", "hardQuota": "1 TB"}, 400),
        ({"name": "n3", "hardQuota": 1}, 400),
        ({"name": "n3", "unknown": 1}, 400),
        ({"name": "n3", "versioningSettings": {"enabled": "x"}}, 400),
    ],
)
def test_not_created(hcp: HCP, properties: dict[str, Any], status: int) -> None:
    """Names are unique, and quotas those of the tenant; else there is no new namespace."""
    assert M.status("PUT", ALL, properties) == status
    assert M.get(ALL) == {"name": ["n1", "n2"]}


def test_namespace_quota(hcp: HCP) -> None:
    """A tenant has at most as many namespaces as its quota says."""
    assert M.status("POST", "tenants/m", {"namespaceQuota": 3}) == 200
    assert M.status("PUT", ALL, {"name": "n3", "hardQuota": "1 GB"}) == 200
    assert M.status("PUT", ALL, {"name": "n4", "hardQuota": "1 GB"}) == 400


# Settings that take effect


def test_quota(hcp: HCP) -> None:
    """The quota holds for the next PUT."""
    M.status("POST", N1, {"hardQuota": "0.01 MB"})
    assert rest()("PUT", "/rest/a", b"x" * 20_000).status == 413
    assert rest()("PUT", "/rest/a", b"x" * 10_000).status == 201


def test_versioning(hcp: HCP) -> None:
    """Versioning is switched on at once, and shown by /proc."""
    assert rest()("PUT", "/rest/a", b"1").status == 201
    assert rest()("PUT", "/rest/a", b"2").status == 409
    path = f"{N1}/versioningSettings"
    assert M.get(path)["enabled"] is False
    assert M.status("POST", path, {"enabled": True, "pruneDays": 7}) == 200
    assert M.get(path)["pruneDays"] == 7
    assert rest()("PUT", "/rest/a", b"2").status == 201
    assert b'versioningEnabled="true"' in rest()("GET", "/proc?single=true").body


def test_protocols(hcp: HCP) -> None:
    """Closing https, or opening the namespace to anybody, takes effect."""
    path = f"{N1}/protocols/http"
    anonymous = Rest(f"n1.m.{DOMAIN}", None)
    assert anonymous("PUT", "/rest/a", b"1").status == 403
    assert M.status("POST", path, {"restRequiresAuthentication": False}) == 200
    assert anonymous("PUT", "/rest/a", b"1").status == 201
    assert M.status("POST", path, {"httpsEnabled": False}) == 200
    assert rest()("GET", "/rest/a").status == 403
    assert M.get(path)["httpsEnabled"] is False


def test_compliance(hcp: HCP) -> None:
    """The default retention holds for new objects."""
    path = f"{N1}/complianceSettings"
    assert M.get(path)["customMetadataChanges"] == "ADD"
    change = {"retentionDefault": "-1", "customMetadataChanges": "NONE"}
    assert M.status("POST", path, change) == 200
    assert rest()("PUT", "/rest/a", b"1").status == 201
    assert rest()("HEAD", "/rest/a")["X-HCP-Retention"] == "-1"
    assert rest()("PUT", "/rest/a?type=custom-metadata", b"<a/>").status == 403
    assert M.status("POST", path, {"retentionDefault": "soon"}) == 400


def test_mask(hcp: HCP) -> None:
    """The permissions of a namespace are the most that its users have."""
    assert rest()("PUT", "/rest/a", b"1").status == 201
    assert M.status("POST", f"{N1}/permissions", {"permission": ["READ"]}) == 200
    assert M.get(f"{N1}/permissions") == {"permission": ["READ"]}
    assert (rest()("GET", "/rest/a").status, rest()("DELETE", "/rest/a").status) == (200, 403)


def test_retention_classes(hcp: HCP) -> None:
    """Classes can be added, changed, used and deleted."""
    path = f"{N1}/retentionClasses"
    assert M.get(path) == {"name": ["initial_unspecified", "deletion_prohibited", "TAX_DATA"]}
    new = {"name": "keep", "value": "A+7y", "description": "d", "allowDisposition": True}
    assert M.status("PUT", path, new) == 200
    assert M.status("PUT", path, {**new, "name": "KEEP"}) == 409
    assert M.status("PUT", path, {**new, "name": "other", "value": "?"}) == 400
    assert M.get(f"{path}/Keep?verbose=true") == new
    assert rest()("PUT", "/rest/a?retention=C%2Bkeep", b"1").status == 201
    assert M.status("POST", f"{path}/keep", {"value": "A+9y"}) == 200
    assert M.get(f"{path}/keep")["value"] == "A+9y"
    assert b'name="keep"' in rest()("GET", "/proc/retentionClasses").body
    assert M.status("DELETE", f"{path}/keep") == 200
    assert M.status("GET", f"{path}/keep") == 404
    M.status("POST", N1, {"enterpriseMode": False})
    assert M.status("DELETE", f"{path}/TAX_DATA") == 403


@pytest.mark.parametrize(
    ("name", "root", "change"),
    [
        ("protocols/http", "httpProtocol", {"webdavEnabled": True}),
        ("protocols/cifs", "cifsProtocol", {"enabled": True}),
        ("protocols/nfs", "nfsProtocol", {"uid": 7}),
        ("protocols/smtp", "smtpProtocol", {"emailFormat": ".mbox"}),
        ("replicationCollisionSettings", "replicationCollisionSettings", {"action": "RENAME"}),
        ("versioningSettings", "versioningSettings", {"prune": True}),
        ("complianceSettings", "complianceSettings", {"dispositionEnabled": True}),
    ],
)
def test_stored_settings(hcp: HCP, name: str, root: str, change: dict[str, Any]) -> None:
    """Settings without effect are stored; each namespace has its own."""
    path, other = f"{N1}/{name}", f"{ALL}/n2/{name}"
    before, others = M.get(path), M.get(other)
    assert M.status("POST", path, change) == 200
    assert M.get(path) == {**before, **change}
    assert M.get(other) == others
    shown = M.xml(path)
    assert (shown.tag, [each.tag for each in shown]) == (root, list(before))


def test_link_keeps_its_namespaces(hcp: HCP) -> None:
    """A namespace that a link replicates cannot be deleted."""
    from hcpsdk.testing import link

    with HCP("hcp9.snomis.local") as other, link(hcp, other):
        assert M.status("DELETE", f"{ALL}/n2") == 403
    assert M.status("DELETE", f"{ALL}/n2") == 200
