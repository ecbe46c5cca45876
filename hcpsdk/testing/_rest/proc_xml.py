"""The XML documents of ``/proc``. docs/hcp/namespace_info.rst, sections 2 to 5.

All data except descriptions are attributes; layout and order are those of HCP's manuals.
"""

from collections.abc import Iterable

from .._http.responses import flag
from .._store.store import Store
from .._xml import DECLARATION, cdata, element
from ..config import Namespace

# Permissions by name of the attribute, in the order of the manual.
PERMISSION_ATTRIBUTES = {
    "browse": "browse",
    "read": "read",
    "write": "write",
    "readAcl": "read_acl",
    "writeAcl": "write_acl",
    "changeOwner": "change_owner",
    "delete": "delete",
    "privileged": "privileged",
    "purge": "purge",
    "search": "search",
}

Attributes = dict[str, str]

_DECLARATION = DECLARATION + "\n"


def namespaces(listed: Iterable[Namespace], tenant_host: str, scheme: str) -> str:
    """The namespaces *listed* of the tenant at *tenant_host*."""
    about = {"tenantHostName": tenant_host, "httpScheme": scheme}
    return _DECLARATION + _document("namespaces", "proc-namespaces", about, map(_namespace, listed))


def statistics(store: Store) -> str:
    """The present statistics of *store*."""
    level, namespace = store.counts.level, store.namespace
    about = {
        "namespaceName": namespace.name,
        "totalCapacityBytes": str(namespace.quota_bytes),
        "usedCapacityBytes": str(store.used_bytes),
        "softQuotaPercent": str(namespace.soft_quota_percent),
        "objectCount": str(level.objects),
        "shredObjectCount": "0",  # objects are deleted at once
        "shredObjectBytes": "0",
        "customMetadataObjectCount": str(level.annotated),
        "customMetadataObjectBytes": str(level.annotation_bytes),
    }
    # Without a declaration, as in the manual.
    return _document("statistics", "proc-statistics", about, [])


def retention_classes(namespace: Namespace) -> str:
    """The retention classes of *namespace*, in the order of the configuration."""
    classes = (
        element(
            "retentionClass",
            {"name": each.name, "value": each.value, "autoDelete": flag(each.auto_delete)},
            [cdata("description", each.description)],
            per_line=3,
        )
        for each in namespace.retention_classes
    )
    about = {"namespaceName": namespace.name}
    return _DECLARATION + _document("retentionClasses", "proc-retention-classes", about, classes)


def permissions(namespace: Namespace, groups: dict[str, frozenset[str]]) -> str:
    """The permissions in each of *groups*, by the name of the element."""
    elements = (
        element(
            group,
            {name: flag(each in granted) for name, each in PERMISSION_ATTRIBUTES.items()},
            [],
            per_line=5,
        )
        for group, granted in groups.items()
    )
    about = {"namespaceName": namespace.name}
    return _DECLARATION + _document("permissions", "proc-permissions", about, elements)


def _namespace(namespace: Namespace) -> str:
    about = {
        "name": namespace.name,
        "nameIDNA": _idna(namespace.name),
        "versioningEnabled": flag(namespace.versioning_enabled),
        "searchEnabled": flag(namespace.search_enabled),
        "retentionMode": "enterprise" if namespace.enterprise_mode else "compliance",
        "defaultShredValue": flag(namespace.default_shred),
        "defaultIndexValue": flag(namespace.default_index),
        "defaultRetentionValue": namespace.default_retention,
        "hashScheme": namespace.hash_scheme,
        "dpl": str(namespace.dpl),
    }
    return element("namespace", about, [cdata("description", namespace.description)])


def _idna(name: str) -> str:
    """*name* as in URLs; unchanged if host names cannot contain it."""
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


# Writing


def _document(root: str, sheet: str, about: Attributes, children: Iterable[str]) -> str:
    """The document with its stylesheet; *sheet* is the name of stylesheet and schema."""
    schema = {
        "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
        "xsi:noNamespaceSchemaLocation": f"/static/xsd/{sheet}.xsd",
    }
    instruction = f'<?xml-stylesheet type="text/xsl" href="/static/xsl/{sheet}.xsl"?>\n'
    return instruction + element(root, schema | about, children, indent="")
