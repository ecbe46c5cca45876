"""Namespaces and their settings. Imports `settings`, `lists`, `tenants`.

docs/hcp/mapi.rst, section 6.2."""

from __future__ import annotations

import uuid
from dataclasses import replace

from .._dates import iso
from .._http.errors import HTTPError, not_emulated
from .._store.namespaces import key
from ..config import Namespace, RetentionClass
from .call import Document, MapiCall, Path, Resource
from .documents import Record
from .lists import listed
from .properties import boolean, changes, integer, one_of, text
from .settings import (
    COMPLY,
    IP_SETTINGS,
    NO_QUOTA,
    READ,
    WRITE,
    Setting,
    Settings,
    changed,
    fact,
    free_text,
    ip_settings,
    of_namespace,
    of_tenant,
    require,
    retention_value,
    shown,
    size,
    size_bytes,
    size_text,
    stored,
    strings,
    switch,
)
from .tenants import NAME, allotted, mask_given, mask_shown, properties, tenant_path

SCHEMES = ("MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512", "RIPEMD-160")
PERMISSIONS: Record = {"permission": []}

# As in the capture of release 8, and in that order.
NAMESPACE: Settings = {
    "name": Setting(text(1, 63), attribute="name", fixed=True),
    "fullyQualifiedName": fact(),
    "description": free_text(attribute="description"),
    "hardQuota": Setting(size, "50.00 GB", "quota_bytes", size_text, size_bytes),
    "softQuota": Setting(integer(0, 100), 85, "soft_quota_percent"),
    "hashScheme": Setting(one_of(*SCHEMES), "SHA-256", "hash_scheme", fixed=True),
    "indexingDefault": switch(True, "default_index"),
    "indexingEnabled": switch(True),
    "searchEnabled": switch(True, "search_enabled"),
    "enterpriseMode": switch(True, "enterprise_mode"),
    "serviceRemoteSystemRequests": switch(True),
    "isDplDynamic": fact(True),
    "customMetadataValidationEnabled": switch(False, "checks_annotations"),
    "tags": Setting(strings("tag"), {"tag": []}),
    "appendEnabled": switch(False),
    "atimeSynchronizationEnabled": switch(False),
    "allowPermissionAndOwnershipChanges": switch(False),
    "servicePlan": free_text("Default"),
    "customMetadataIndexingEnabled": switch(False),
    "mqeIndexingTimestamp": fact(),
    "aclsUsage": Setting(one_of("NOT_ENABLED", "ENFORCED", "NOT_ENFORCED"), "NOT_ENABLED", "acls"),
    "owner": Setting(text(0, 64), "", "owner"),
    "ownerType": Setting(one_of("LOCAL", "EXTERNAL"), "LOCAL"),
    "optimizedFor": Setting(one_of("CLOUD", "ALL"), "ALL"),
    "multipartUploadAutoAbortDays": Setting(integer(0, 180), 30),
    "directoryUsage": Setting(one_of("BALANCED", "UNBALANCED"), "BALANCED", fixed=True),
    "readFromReplica": switch(True),
    "replicationEnabled": switch(False),
    "allowErasureCoding": switch(False),
    "creationTime": fact(),
    "replicationTimestamp": fact(),
    "dpl": fact("Dynamic"),
    "id": fact(),
    "authUsersAlwaysGrantedAllPermissions": switch(True),
    "authMinimumPermissions": Setting(strings("permission"), PERMISSIONS),
    "authAndAnonymousMinimumPermissions": Setting(strings("permission"), PERMISSIONS),
}
DEFAULTS: Settings = {
    name: Setting(setting.check, setting.default)
    for name, setting in NAMESPACE.items()
    if not setting.read_only and name not in ("name", "owner", "ownerType", "tags")
}
VERSIONING: Settings = {
    "enabled": switch(False, "versioning_enabled"),
    "keepDeletionRecords": switch(True),
    "prune": switch(False),
    "pruneDays": Setting(integer(0, 36_500), 0),
    "useDeleteMarkers": switch(False),
}
CHANGES = {"ADD": "add", "ALL": "all", "NONE": "none"}
COMPLIANCE: Settings = {
    "customMetadataChanges": Setting(
        one_of(*CHANGES), "ADD", "annotation_changes", str.upper, CHANGES.__getitem__
    ),
    "dispositionEnabled": switch(False),
    "minimumRetentionAfterInitialUnspecified": free_text(),
    "retentionDefault": Setting(retention_value, "0", "default_retention"),
    "shreddingDefault": switch(False, "default_shred"),
}
IP = {"ipSettings": Setting(ip_settings, IP_SETTINGS)}
HTTP: Settings = {
    **IP,
    "httpEnabled": switch(False, "http_enabled"),
    "httpsEnabled": switch(True, "https_enabled"),
    "restEnabled": switch(True),
    "restRequiresAuthentication": switch(True, "requires_authentication"),
    "httpActiveDirectorySSOEnabled": switch(False),
    "hs3Enabled": switch(False, "hs3_enabled"),
    "hs3RequiresAuthentication": switch(True),
    "webdavEnabled": switch(False),
    "webdavBasicAuthEnabled": switch(False),
    "webdavCustomMetadata": switch(False),
    "webdavBasicAuthUsername": free_text(),
    "webdavBasicAuthPassword": free_text(),
    "hswiftEnabled": switch(False, "hswift_enabled"),
    "hswiftRequiresAuthentication": switch(True),
}
CIFS: Settings = {
    "enabled": switch(False),
    "caseSensitive": switch(True),
    "caseForcing": Setting(one_of("DISABLED", "UPPER", "LOWER"), "DISABLED"),
    "requiresAuthentication": switch(True),
    **IP,
}
NFS: Settings = {
    "enabled": switch(False),
    "uid": Setting(integer(0, 2**31), 0),
    "gid": Setting(integer(0, 2**31), 0),
    **IP,
}
SMTP: Settings = {
    "enabled": switch(False),
    "emailLocation": free_text("/email/"),
    "emailFormat": Setting(one_of(".eml", ".mbox"), ".eml"),
    "separateAttachments": switch(False),
    **IP,
}
COLLISIONS: Settings = {
    "action": Setting(one_of("MOVE", "RENAME"), "MOVE"),
    "deleteEnabled": switch(False),
    "deleteDays": Setting(integer(0, 36_500), 0),
}
INDEXING: Settings = {
    "contentClasses": Setting(strings("contentClass"), {"contentClass": []}),
    "fullIndexingEnabled": switch(False),
    "excludedAnnotations": free_text(),
}


def get_namespaces(call: MapiCall) -> Document:
    """The names of the namespaces: all for administrators, else those that the user owns."""
    tenant = call.in_tenant(*_roles(call, READ))
    found = call.namespaces.of_tenant(tenant)
    if call.user.roles.isdisjoint(READ):
        found = [namespace for namespace in found if namespace.owner == call.user.name]
    return listed(
        call,
        "namespaces",
        "name",
        found,
        lambda namespace: namespace.name,
        {"hardQuota": lambda namespace: namespace.quota_bytes},
        lambda namespace: stored(call, path(namespace)).get("tags", {}).get("tag", []),
    )


def put_namespaces(call: MapiCall) -> None:
    """Create a namespace: it can be used at once."""
    tenant = call.in_tenant(*_roles(call, WRITE))
    given = call.document("namespace")
    require(given, "name")
    name = str(given["name"])
    if not NAME.fullmatch(name):
        raise HTTPError(400, f"bad value for name: {name}")
    if call.namespaces.find(name, tenant) is not None:
        raise HTTPError(409, f"a namespace of that name exists: {name}")
    versioning = given.pop("versioningSettings", {})
    fresh = Namespace(name, tenant, http_enabled=False, owner=_owner(call))
    defaults = shown(
        DEFAULTS, None, stored(call, (*tenant_path(tenant), "namespacedefaults")), verbose=False
    )
    namespace, plain = changed(NAMESPACE, {**defaults, **given}, fresh, {}, is_new=True)
    namespace, versions = changed(VERSIONING, versioning, namespace, {})
    _check_quota(call, tenant, allotted(call, tenant) + namespace.quota_bytes)
    limit = properties(call, tenant)["namespaceQuota"]
    if limit != NO_QUOTA and len(call.namespaces.of_tenant(tenant)) >= int(limit):
        raise HTTPError(400, f"the tenant can have {limit} namespaces")
    created = iso(int(call.emulated.now()))
    call.namespaces.add(namespace)
    call.emulated.plain[path(namespace)] = {**plain, "creationTime": created}
    versioning_path = (*path(namespace), "versioningsettings")
    call.emulated.plain[versioning_path] = versions


def _roles(call: MapiCall, roles: tuple[str, ...]) -> tuple[str, ...]:
    return () if call.user.manages_namespaces else roles


def _owner(call: MapiCall) -> str:
    """Whoever may manage his own namespaces, and only these, owns those that he creates."""
    return call.user.name if call.user.tenant is not None and call.user.manages_namespaces else ""


def _check_quota(call: MapiCall, tenant: str, wanted: int) -> None:
    quota = properties(call, tenant)["hardQuota"]
    if wanted > size_bytes(quota):
        raise HTTPError(400, f"the quota of the tenant would be exceeded: {quota}")


def get_namespace(call: MapiCall) -> Document:
    """The properties of a namespace."""
    namespace = call.in_namespace(*READ, owners=True)
    record = shown(NAMESPACE, namespace, stored(call, path(namespace)), verbose=call.verbose)
    if call.verbose:
        record |= _facts(call, namespace, record)
    return Document("namespace", record)


def _facts(call: MapiCall, namespace: Namespace, record: Record) -> Record:
    host = namespace.host(call.system.domain)
    created = record["creationTime"] or iso(3600 * call.namespaces.store(namespace).counts.began)
    return {
        "fullyQualifiedName": host,
        "creationTime": created,
        "mqeIndexingTimestamp": created,
        "replicationTimestamp": created,
        "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, host.lower())),
    }


def post_namespace(call: MapiCall) -> None:
    """Change properties."""
    namespace = call.in_namespace(*WRITE)
    if "resetMQECheckpoint" in call.parameters:
        raise not_emulated("the metadata query engine (resetMQECheckpoint)")
    given = call.document("namespace")
    if str(given.get("name", namespace.name)) != namespace.name:
        raise not_emulated("renaming of namespaces")
    facts = _facts(
        call, namespace, {"creationTime": stored(call, path(namespace)).get("creationTime")}
    )
    given = {name: value for name, value in given.items() if value != facts.get(name)}
    new, plain = changed(NAMESPACE, given, namespace, stored(call, path(namespace)))
    others = allotted(call, namespace.tenant) - namespace.quota_bytes
    if new.quota_bytes > namespace.quota_bytes:
        _check_quota(call, namespace.tenant, others + new.quota_bytes)
    call.namespaces.change(new)
    call.emulated.plain[path(namespace)] = plain


def delete_namespace(call: MapiCall) -> None:
    """Delete a namespace that is empty."""
    namespace = call.in_namespace(*WRITE, owners=True)
    if (
        call.namespaces.store(namespace).used_bytes
        or call.namespaces.store(namespace).counts.level.objects
    ):
        raise HTTPError(403, "the namespace is not empty")
    if call.replication.covers(key(namespace)):
        raise HTTPError(403, "the namespace is being replicated")
    call.namespaces.remove(namespace)
    call.emulated.forget(path(namespace))


def path(namespace: Namespace) -> Path:
    """The key of the stored properties of *namespace*."""
    return (*tenant_path(namespace.tenant), "namespaces", namespace.name.lower())


def get_permissions(call: MapiCall) -> Document:
    """The permission mask of the namespace."""
    namespace = call.in_namespace(*READ)
    return Document("permissions", {"permission": mask_shown(namespace.permission_mask)})


def post_permissions(call: MapiCall) -> None:
    """Replace the permission mask."""
    namespace = call.in_namespace(*WRITE)
    call.namespaces.change(replace(namespace, permission_mask=mask_given(call)))


# Retention classes

CLASS_READ = ("compliance", "administrator", "monitor")
CLASS_PROPERTIES = {
    "name": text(1, 64),
    "value": retention_value,
    "description": text(0, 1024),
    "allowDisposition": boolean,
}


def get_classes(call: MapiCall) -> Document:
    """The names of the retention classes."""
    namespace = call.in_namespace(*CLASS_READ)
    return Document("retentionClasses", {"name": [c.name for c in namespace.retention_classes]})


def put_classes(call: MapiCall) -> None:
    """Add a retention class."""
    namespace = call.in_namespace(*COMPLY)
    given = changes(call.document("retentionClass"), CLASS_PROPERTIES, {})
    require(given, "name", "value")
    if any(c.name.lower() == given["name"].lower() for c in namespace.retention_classes):
        raise HTTPError(409, f"a retention class of that name exists: {given['name']}")
    _replace_class(call, namespace, None, _class(given))


def get_class(call: MapiCall) -> Document:
    """A retention class."""
    found = _found_class(call, call.in_namespace(*CLASS_READ))
    return Document("retentionClass", _class_shown(found, verbose=call.verbose))


def post_class(call: MapiCall) -> None:
    """Change a retention class."""
    namespace = call.in_namespace(*COMPLY)
    found = _found_class(call, namespace)
    present = _class_shown(found, verbose=True)
    given = changes(call.document("retentionClass"), CLASS_PROPERTIES, present)
    if given.get("name", found.name) != found.name:
        raise HTTPError(403, "the property cannot be changed: name")
    _replace_class(call, namespace, found, _class({**present, **given}))


def delete_class(call: MapiCall) -> None:
    """Remove a retention class."""
    namespace = call.in_namespace(*COMPLY)
    if not namespace.enterprise_mode:
        raise HTTPError(403, "no retention class can be deleted in compliance mode")
    _replace_class(call, namespace, _found_class(call, namespace), None)


def _found_class(call: MapiCall, namespace: Namespace) -> RetentionClass:
    for found in namespace.retention_classes:
        if found.name.lower() == call.names[2].lower():
            return found
    raise HTTPError(404, f"no such retention class: {call.names[2]}")


def _class(given: Record) -> RetentionClass:
    return RetentionClass(
        given["name"],
        given["value"],
        given.get("description", ""),
        given.get("allowDisposition", False),
    )


def _class_shown(found: RetentionClass, *, verbose: bool) -> Record:
    record = {"name": found.name} if verbose else {}
    return {
        **record,
        "value": found.value,
        "description": found.description,
        "allowDisposition": found.auto_delete,
    }


def _replace_class(
    call: MapiCall, namespace: Namespace, old: RetentionClass | None, new: RetentionClass | None
) -> None:
    classes = [new if c is old else c for c in namespace.retention_classes]
    if old is None:
        classes.append(new)
    call.namespaces.change(
        replace(namespace, retention_classes=tuple(c for c in classes if c is not None))
    )


ALL = "tenants/{}/namespaces"
ONE = f"{ALL}/{{}}"
RESOURCES = {
    "tenants/{}/namespaceDefaults": of_tenant("namespaceDefaults", DEFAULTS, READ, WRITE),
    ALL: Resource({"GET": get_namespaces, "PUT": put_namespaces}),
    ONE: Resource({"GET": get_namespace, "POST": post_namespace, "DELETE": delete_namespace}),
    f"{ONE}/complianceSettings": of_namespace("complianceSettings", COMPLIANCE, COMPLY, COMPLY),
    f"{ONE}/customMetadataIndexingSettings": of_namespace(
        "customMetadataIndexingSettings", INDEXING, READ, WRITE
    ),
    f"{ONE}/permissions": Resource({"GET": get_permissions, "POST": post_permissions}),
    f"{ONE}/protocols/http": of_namespace("httpProtocol", HTTP, READ, WRITE),
    f"{ONE}/protocols/cifs": of_namespace("cifsProtocol", CIFS, READ, WRITE),
    f"{ONE}/protocols/nfs": of_namespace("nfsProtocol", NFS, READ, WRITE),
    f"{ONE}/protocols/smtp": of_namespace("smtpProtocol", SMTP, READ, WRITE),
    f"{ONE}/replicationCollisionSettings": of_namespace(
        "replicationCollisionSettings", COLLISIONS, READ, WRITE
    ),
    f"{ONE}/retentionClasses": Resource({"GET": get_classes, "PUT": put_classes}),
    f"{ONE}/retentionClasses/{{}}": Resource(
        {"GET": get_class, "POST": post_class, "DELETE": delete_class}
    ),
    f"{ONE}/versioningSettings": of_namespace("versioningSettings", VERSIONING, READ, WRITE),
}
