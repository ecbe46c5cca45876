"""The XML documents of ``/proc``. docs/hcp/namespace-info.rst, sections 2 to 5.

All data are in attributes, but for descriptions; layout and order are those of the manuals.
"""

from collections.abc import Iterable
from xml.sax.saxutils import escape

from .._http.responses import flag
from .._store.store import Store
from .._xml import NOT_IN_XML
from ..config import Namespace

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

# Permissions as attributes are called, in the order of the manual.
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

_QUOTES = {'"': "&quot;"}

Attributes = dict[str, str]


def namespaces(listed: Iterable[Namespace], tenant_host: str, scheme: str) -> str:
    """The namespaces *listed*, of the tenant at *tenant_host*, which is reached by *scheme*."""
    about = {"tenantHostName": tenant_host, "httpScheme": scheme}
    return DECLARATION + _document("namespaces", "proc-namespaces", about, map(_namespace, listed))


def statistics(store: Store) -> str:
    """What *store* holds at this moment."""
    counts, namespace = store.counts, store.namespace
    about = {
        "namespaceName": namespace.name,
        "totalCapacityBytes": str(namespace.quota_bytes),
        "usedCapacityBytes": str(store.used_bytes),
        "softQuotaPercent": str(namespace.soft_quota_percent),
        "objectCount": str(counts.objects),
        "shredObjectCount": "0",  # what is deleted is gone at once
        "shredObjectBytes": "0",
        "customMetadataObjectCount": str(counts.annotated),
        "customMetadataObjectBytes": str(counts.annotation_bytes),
    }
    # Without a declaration, as in the manual's sample.
    return _document("statistics", "proc-statistics", about, [])


def retention_classes(namespace: Namespace) -> str:
    """The retention classes of *namespace*, in the order they were configured."""
    classes = (
        _element(
            "retentionClass",
            {"name": each.name, "value": each.value, "autoDelete": flag(each.auto_delete)},
            [_description(each.description)],
            per_line=3,
        )
        for each in namespace.retention_classes
    )
    about = {"namespaceName": namespace.name}
    return DECLARATION + _document("retentionClasses", "proc-retention-classes", about, classes)


def permissions(namespace: Namespace, groups: dict[str, frozenset[str]]) -> str:
    """For each of *groups*, by the name of its element, which permissions are in it."""
    elements = (
        _element(
            group,
            {name: flag(each in granted) for name, each in PERMISSION_ATTRIBUTES.items()},
            [],
            per_line=5,
        )
        for group, granted in groups.items()
    )
    about = {"namespaceName": namespace.name}
    return DECLARATION + _document("permissions", "proc-permissions", about, elements)


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
    return _element("namespace", about, [_description(namespace.description)])


def _idna(name: str) -> str:
    """*name* as URLs have it; as it is where host names cannot hold it."""
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


# Writing


def _document(root: str, sheet: str, about: Attributes, children: Iterable[str]) -> str:
    """The document from its stylesheet on; *sheet* is the name of that and of the schema."""
    schema = {
        "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
        "xsi:noNamespaceSchemaLocation": f"/static/xsd/{sheet}.xsd",
    }
    instruction = f'<?xml-stylesheet type="text/xsl" href="/static/xsl/{sheet}.xsl"?>\n'
    return instruction + _element(root, schema | about, children, indent="")


def _element(
    name: str, about: Attributes, children: Iterable[str], indent: str = "  ", per_line: int = 1
) -> str:
    """An element with so many attributes *per_line*, and a line break after it."""
    pairs = [f'{key}="{escape(_speakable(value), _QUOTES)}"' for key, value in about.items()]
    lines = (" ".join(pairs[i : i + per_line]) for i in range(0, len(pairs), per_line))
    attributes = f"\n{indent}    ".join(lines)
    inner = "".join(children)
    end = f">\n{inner}{indent}</{name}>\n" if inner else "/>\n"
    return f"{indent}<{name} {attributes}{end}"


def _description(text: str) -> str:
    # "]]>" would end the section: it is cut in two.
    inner = _speakable(text).replace("]]>", "]]]]><![CDATA[>")
    return f"    <description><![CDATA[\n        {inner}\n    ]]></description>\n"


def _speakable(text: str) -> str:
    """*text* with a question mark for each character that XML does not know."""
    return NOT_IN_XML.sub("?", text)
