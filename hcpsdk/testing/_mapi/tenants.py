"""Tenants and their settings. Imports `settings`, `lists`, `users`.

docs/hcp/mapi.rst, section 6.1. The names of the properties of `consoleSecurity`, `contactInfo`,
`emailNotification` and `searchSecurity` are not in it; those here are a selection.
"""

from __future__ import annotations

import re
import uuid

from .._dates import iso
from .._http.errors import HTTPError, not_emulated
from ..config import DEFAULT_TENANT, GIB
from .call import Document, MapiCall, Path, Resource
from .documents import Record
from .lists import listed
from .properties import boolean, changes, integer, one_of, text
from .settings import (
    IP_SETTINGS,
    NO_QUOTA,
    READ,
    SECURE,
    WRITE,
    Setting,
    Settings,
    changed,
    fact,
    free_text,
    integer_or_none,
    ip_settings,
    of_tenant,
    require,
    shown,
    size,
    size_bytes,
    size_text,
    stored,
    strings,
    switch,
)
from .users import first_user

NAME = re.compile(r"(?!xn--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)

DESCRIPTIONS: Settings = {
    "systemVisibleDescription": free_text(),
    "tenantVisibleDescription": free_text(),
    "snmpLoggingEnabled": switch(False),
    "syslogLoggingEnabled": switch(False),
}
TENANT: Settings = {
    "name": Setting(text(1, 63), "", fixed=True),
    "softQuota": Setting(integer(0, 100), 85),
    "hardQuota": Setting(size, "200.00 GB"),
    "namespaceQuota": Setting(integer_or_none, NO_QUOTA),
    "authenticationTypes": Setting(
        strings("authenticationType", one_of("LOCAL", "RADIUS", "EXTERNAL")),
        {"authenticationType": ["LOCAL"]},
    ),
    "tags": Setting(strings("tag"), {"tag": []}),
    "managementNetwork": free_text("[hcp_system]"),
    "dataNetwork": free_text("[hcp_system]"),
    "fullyQualifiedName": fact(),
    "administrationAllowed": switch(True),
    "maxNamespacesPerUser": Setting(integer(0, 10_000), 100),
    "searchConfigurationEnabled": switch(True),
    "replicationConfigurationEnabled": switch(True),
    "complianceConfigurationEnabled": switch(True),
    "versioningConfigurationEnabled": switch(True),
    "servicePlanSelectionEnabled": switch(False),
    "creationTime": fact(),
    "id": fact(),
    "erasureCodingSelectionEnabled": fact(False),
    **DESCRIPTIONS,
}
REQUIRED = (
    *("name", "hardQuota", "softQuota", "namespaceQuota"),
    *("searchConfigurationEnabled", "replicationConfigurationEnabled"),
    *("complianceConfigurationEnabled", "versioningConfigurationEnabled"),
    "servicePlanSelectionEnabled",
)
NOBODY_ID = "00000000-0000-0000-0000-000000000000"


def get_tenants(call: MapiCall) -> Document:
    """The names of all tenants."""
    call.needs(*READ)
    names = [DEFAULT_TENANT, *call.system.all_tenants()]
    return listed(
        call,
        "tenants",
        "name",
        names,
        lambda name: name,
        {"hardQuota": lambda name: size_bytes(properties(call, name).get("hardQuota", "0 GB"))},
        lambda name: properties(call, name).get("tags", {}).get("tag", []),
    )


def put_tenants(call: MapiCall) -> None:
    """Create a tenant, with a first user account."""
    call.needs(*WRITE)
    given = call.document("tenant")
    if "initialSecurityGroup" in call.parameters:
        raise not_emulated("groups of Active Directory (initialSecurityGroup)")
    require(given, *REQUIRED)
    name = str(given["name"])
    if not NAME.fullmatch(name):
        raise HTTPError(400, f"bad value for name: {name}")
    taken = (DEFAULT_TENANT.lower(), "admin", "www")
    if name.lower() in taken or call.system.tenant(name) is not None:
        raise HTTPError(409, f"a tenant of that name exists: {name}")
    # Administrators of the new tenant decide whether system-level users may administer it, too.
    start = {"administrationAllowed": False}
    _, plain = changed(TENANT, given, None, start, is_new=True)
    user = first_user(call, name)
    plain["creationTime"] = iso(int(call.emulated.now()))
    call.emulated.plain[tenant_path(name)] = plain
    call.system.tenants = (*call.system.tenants, name)
    call.emulated.replace_user(None, user)


def get_tenant(call: MapiCall) -> Document:
    """The properties of a tenant."""
    tenant = call.in_tenant(*READ, is_shared=True)
    return Document("tenant", properties(call, tenant, verbose=call.verbose))


def post_tenant(call: MapiCall) -> None:
    """Change properties."""
    tenant = call.in_tenant(*WRITE, is_shared=True)
    path = tenant_path(tenant)
    settings = DESCRIPTIONS if tenant == DEFAULT_TENANT else TENANT
    given = call.document("tenant")
    if isinstance(given, dict) and tenant != DEFAULT_TENANT:
        present = properties(call, tenant, verbose=True)
        if given.get("name", tenant) != tenant:
            raise not_emulated("renaming of tenants")
        given = {name: value for name, value in given.items() if value != present.get(name)}
    _, plain = changed(settings, given, None, stored(call, path))
    if "hardQuota" in given and size_bytes(plain["hardQuota"]) < allotted(call, tenant):
        raise HTTPError(400, "bad value for hardQuota: the namespaces have been given more")
    call.emulated.plain[path] = plain


def properties(call: MapiCall, tenant: str, *, verbose: bool = False) -> Record:
    """The properties of *tenant*."""
    settings = DESCRIPTIONS if tenant == DEFAULT_TENANT else TENANT
    record = shown(settings, None, stored(call, tenant_path(tenant)), verbose=verbose)
    facts = {"fullyQualifiedName": f"{tenant}.{call.system.domain}", "id": NOBODY_ID}
    if tenant != DEFAULT_TENANT:
        record["name"] = tenant
        facts["id"] = str(uuid.uuid5(uuid.NAMESPACE_DNS, facts["fullyQualifiedName"].lower()))
        if "hardQuota" not in stored(call, tenant_path(tenant)):
            record["hardQuota"] = size_text(max(200 * GIB, allotted(call, tenant)))
        facts["creationTime"] = record.get("creationTime") or iso(
            3600 * call.namespaces.default.counts.began
        )
    return {**record, **facts} if verbose else record


def allotted(call: MapiCall, tenant: str) -> int:
    """Bytes of the quotas of all namespaces of *tenant*."""
    return sum(namespace.quota_bytes for namespace in call.namespaces.of_tenant(tenant))


def tenant_path(tenant: str) -> Path:
    """The key of the stored properties of *tenant*."""
    return "tenants", tenant.lower()


# The permission mask of the tenant's namespaces

# Permissions of a mask, and what of a user's permissions each of them covers.
MASK = {
    "DELETE": frozenset(["delete"]),
    "PRIVILEGED": frozenset(["privileged"]),
    "PURGE": frozenset(["purge"]),
    "READ": frozenset(["read", "browse", "read_acl"]),
    "SEARCH": frozenset(["search"]),
    "WRITE": frozenset(["write", "write_acl", "change_owner"]),
}


def mask_shown(mask: frozenset[str]) -> list[str]:
    """*mask* as the API has it."""
    return [name for name, covered in MASK.items() if covered & mask]


def mask_kept(names: list[str]) -> frozenset[str]:
    """The reverse of `mask_shown`."""
    return frozenset[str]().union(*(MASK[name] for name in names))


def mask_given(call: MapiCall) -> frozenset[str]:
    """The mask in the body of a request."""
    given = call.document("permissions")
    try:
        return mask_kept(strings("permission", one_of(*MASK))(given)["permission"])
    except ValueError as error:
        raise HTTPError(400, f"bad value for permission: {error}") from error


def get_permissions(call: MapiCall) -> Document:
    """The mask of the tenant."""
    tenant = call.in_tenant(*READ)
    masks = {name.lower(): mask for name, mask in call.system.tenant_masks.items()}
    everything = mask_kept(list(MASK))
    return Document(
        "permissions", {"permission": mask_shown(masks.get(tenant.lower(), everything))}
    )


def post_permissions(call: MapiCall) -> None:
    """Replace the mask."""
    tenant = call.in_tenant(*WRITE)
    others = {n: m for n, m in call.system.tenant_masks.items() if n.lower() != tenant.lower()}
    call.system.tenant_masks = {**others, tenant: mask_given(call)}


# What is only stored

CONSOLE_SECURITY: Settings = {
    "ipSettings": Setting(ip_settings, IP_SETTINGS),
    "loginMessage": free_text(),
    "minimumPasswordLength": Setting(integer(1, 64), 6),
    "forcePasswordChangeDays": Setting(integer(0, 999_999), 180),
    "disableAfterAttempts": Setting(integer(0, 999), 5),
    "disableAfterInactiveDays": Setting(integer(0, 999_999), 180),
    "logoutOnInactive": Setting(integer(0, 999_999), 10),
}
CONTACT_INFO: Settings = {
    name: free_text()
    for name in (
        *("firstName", "lastName", "emailAddress", "confirmEmailAddress", "primaryPhone"),
        *("extension", "address1", "address2", "city", "state", "zipOrPostalCode"),
        "countryOrRegion",
    )
}


def template(value: object) -> Record:
    """The parts of an e-mail."""
    parts = {"from": text(0, 1024), "subject": text(0, 1024), "body": text(0, 65_536)}
    return changes(value, parts, {})


EMAIL_NOTIFICATION: Settings = {
    "enabled": Setting(boolean, False),
    "emailTemplate": Setting(template, {"from": "", "subject": "", "body": ""}),
}
SEARCH_SECURITY: Settings = {"ipSettings": Setting(ip_settings, IP_SETTINGS)}

RESOURCES = {
    "tenants": Resource({"GET": get_tenants, "PUT": put_tenants}),
    "tenants/{}": Resource({"GET": get_tenant, "POST": post_tenant}),
    "tenants/{}/permissions": Resource({"GET": get_permissions, "POST": post_permissions}),
    "tenants/{}/consoleSecurity": of_tenant("consoleSecurity", CONSOLE_SECURITY, SECURE, SECURE),
    "tenants/{}/contactInfo": of_tenant("contactInfo", CONTACT_INFO, READ, WRITE),
    "tenants/{}/emailNotification": of_tenant("emailNotification", EMAIL_NOTIFICATION, READ, WRITE),
    "tenants/{}/searchSecurity": of_tenant("searchSecurity", SEARCH_SECURITY, SECURE, SECURE),
}
