"""What /proc tells about namespaces (docs/hcp/namespace_info.rst)."""

import gzip
import xml.etree.ElementTree as ET

import pytest

from hcpsdk.testing import HCP, Namespace, RetentionClass, User

from ..conftest import Http, Https

SCHEMA = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"

INFORMATION_HEADERS = [
    *("Date", "Server", "X-RequestId", "X-HCP-ServicedBySystem", "X-HCP-Time"),
    *("X-HCP-SoftwareVersion", "Content-Type", "Content-Length", "Cache-Control", "Pragma"),
    "Expires",
]
TARGETS = ["/proc", "/proc/statistics", "/proc/retentionClasses", "/proc/permissions"]

# Without schema location: what the manual (manual 7.1) prints, as text and in the order of the
# spec.
NAMESPACE = {
    "name": "n1",
    "nameIDNA": "n1",
    "versioningEnabled": "false",
    "searchEnabled": "true",
    "retentionMode": "enterprise",
    "defaultShredValue": "false",
    "defaultIndexValue": "true",
    "defaultRetentionValue": "0",
    "hashScheme": "SHA-256",
    "dpl": "2",
}
STATISTICS = {
    "namespaceName": "n1",
    "totalCapacityBytes": "53687091200",
    "usedCapacityBytes": "0",
    "softQuotaPercent": "85",
    "objectCount": "0",
    "shredObjectCount": "0",
    "shredObjectBytes": "0",
    "customMetadataObjectCount": "0",
    "customMetadataObjectBytes": "0",
}
PERMISSIONS = [
    *("browse", "read", "write", "readAcl", "writeAcl"),
    *("changeOwner", "delete", "privileged", "purge", "search"),
]


def asked(http: Http, target: str) -> ET.Element:
    """The root element of the answer, without its schema location."""
    answer = http("GET", target)
    assert answer.status == 200
    root = ET.fromstring(answer.body)
    del root.attrib[SCHEMA]
    return root


def description(element: ET.Element) -> str:
    [child] = element
    assert child.tag == "description"
    assert child.text is not None
    return child.text.strip()


@pytest.mark.parametrize("target", TARGETS)
def test_headers(http: Http, target: str) -> None:
    """XML, with the headers of a listing but for its change time and type (section 1)."""
    answer = http("GET", target)

    assert (answer.status, answer.reason) == (200, "OK")
    assert [name for name, _ in answer.headers] == INFORMATION_HEADERS
    assert answer["Content-Type"] == "text/xml"


@pytest.mark.parametrize(
    ("target", "name", "root", "is_declared"),
    [
        ("/proc", "proc-namespaces", "namespaces", True),
        ("/proc/statistics", "proc-statistics", "statistics", False),
        ("/proc/retentionClasses", "proc-retention-classes", "retentionClasses", True),
        ("/proc/permissions", "proc-permissions", "permissions", True),
    ],
)
def test_document(http: Http, target: str, name: str, root: str, is_declared: bool) -> None:
    """Each document has a stylesheet, a schema, and a root element of its own."""
    body = http("GET", target).body
    declaration = b'<?xml version="1.0" encoding="UTF-8"?>\n' if is_declared else b""
    sheet = f'<?xml-stylesheet type="text/xsl" href="/static/xsl/{name}.xsl"?>\n'.encode()
    element = ET.fromstring(body)

    assert body.startswith(declaration + sheet + f"<{root} xmlns:xsi=".encode())
    assert element.tag == root
    assert element.get(SCHEMA) == f"/static/xsd/{name}.xsd"


def test_all_namespaces(http: Http) -> None:
    """/proc tells the settings of the tenant's namespaces, n2 before n1 as in the manual."""
    root = asked(http, "/proc")
    n2, n1 = root

    assert root.attrib == {"tenantHostName": "m.hcp1.snomis.local", "httpScheme": "http"}
    assert list(n1.attrib.items()) == list(NAMESPACE.items())
    assert n2.attrib == NAMESPACE | {"name": "n2", "nameIDNA": "n2", "versioningEnabled": "true"}
    assert description(n1) == "replicated°search°no versioning"
    assert description(n2) == "replicated°search°versioning"


@pytest.mark.parametrize(("query", "count"), [("single=true", 1), ("single=false", 2)])
def test_single(http: Http, query: str, count: int) -> None:
    """With single=true /proc tells of the namespace that is asked, only."""
    names = [each.get("name") for each in asked(http, f"/proc?{query}")]

    assert len(names) == count
    assert names[-1] == "n1"


def test_description_is_cdata(http: Http) -> None:
    """Descriptions are CDATA, with blanks and line breaks around the text (section 2)."""
    body = http("GET", "/proc?single=true").body.decode()

    assert "<![CDATA[\n        replicated°search°no versioning\n    ]]>" in body


def test_scheme(https: Https) -> None:
    """The scheme told is the one the tenant is reached by."""
    assert asked(https, "/proc").get("httpScheme") == "https"


def test_statistics_of_an_empty_namespace(http: Http) -> None:
    """An empty namespace has the nine figures that the manual (manual 7.2) prints."""
    assert list(asked(http, "/proc/statistics").attrib.items()) == list(STATISTICS.items())


def test_statistics_are_counted(http: Http) -> None:
    """Objects and bytes are counted as they come and go; directories do not count."""
    http("PUT", "/rest/d/a", b"12345")
    http("PUT", "/rest/b", b"678")
    http("PUT", "/rest/b", b"refused")
    both = asked(http, "/proc/statistics")
    http("DELETE", "/rest/d/a")
    one = asked(http, "/proc/statistics")

    assert both.attrib == STATISTICS | {"objectCount": "2", "usedCapacityBytes": "8"}
    assert one.attrib == STATISTICS | {"objectCount": "1", "usedCapacityBytes": "3"}


def test_statistics_are_of_one_namespace(http: Http) -> None:
    """What is stored in n2 counts there."""
    http("PUT", "/rest/a", b"x", {"Host": "n2.m.hcp1.snomis.local"})

    assert asked(http, "/proc/statistics").get("objectCount") == "0"


def test_reset_forgets(hcp: HCP, http: Http) -> None:
    """After a reset nothing is counted."""
    http("PUT", "/rest/a", b"x")
    hcp.reset()

    assert asked(http, "/proc/statistics").attrib == STATISTICS


def test_retention_classes(http: Http) -> None:
    """The retention classes of the manual's namespaces, with their descriptions."""
    root = asked(http, "/proc/retentionClasses")

    assert root.attrib == {"namespaceName": "n1"}
    assert [(list(each.attrib.items()), description(each)) for each in root] == [
        (
            [("name", "initial_unspecified"), ("value", "-2"), ("autoDelete", "false")],
            "Retention Class with an initial unspecified value.",
        ),
        (
            [("name", "deletion_prohibited"), ("value", "-1"), ("autoDelete", "false")],
            "Class which prohibits deletion.",
        ),
        (
            [("name", "TAX_DATA"), ("value", "A+10y"), ("autoDelete", "true")],
            "Class for tax data - actually 10 years.",
        ),
    ]


def test_retention_classes_work(http: Http) -> None:
    """What /proc tells of a class is what objects get that are put into it."""
    http("PUT", "/rest/a?retention=C+deletion_prohibited", b"x")
    answer = http("HEAD", "/rest/a")

    assert answer["X-HCP-RetentionClass"] == "deletion_prohibited"
    assert answer["X-HCP-Retention"] == "-1"


def test_permissions(http: Http) -> None:
    """Four groups of ten permissions, in the order of the spec; all are granted by default."""
    root = asked(http, "/proc/permissions")

    assert root.attrib == {"namespaceName": "n1"}
    assert [group.tag for group in root] == [
        "namespacePermissions",
        "namespaceEffectivePermissions",
        "userPermissions",
        "userEffectivePermissions",
    ]
    assert all(list(group.attrib.items()) == [(p, "true") for p in PERMISSIONS] for group in root)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["HEAD", "PUT", "POST", "DELETE", "OPTIONS"])
def test_other_methods(http: Http, method: str, target: str) -> None:
    """There is nothing to do but GET (section 1): 405."""
    answer = http(method, target)

    assert (answer.status, answer["Allow"]) == (405, "GET")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/proc/", 404),
        ("/proc/Statistics", 404),
        ("/proc/statistics/n1", 404),
        ("/proc/secrets", 404),
        ("/proc?single=yes", 400),
        ("/proc?all=true", 400),
        ("/proc/statistics?single=true", 400),
    ],
)
def test_bad_requests(http: Http, target: str, status: int) -> None:
    """What is not there gets 404; parameters that mean nothing get 400."""
    assert http("GET", target).status == status


@pytest.mark.parametrize(
    "authorization", [None, "HCP bg==:00000000000000000000000000000000", "HCP eA==:x"]
)
@pytest.mark.parametrize("target", TARGETS)
def test_credentials(http: Http, target: str, authorization: str | None) -> None:
    """Bad or missing credentials get 403, as everywhere."""
    assert http("GET", target, None, {"Authorization": authorization}).status == 403


def test_compressed(http: Http) -> None:
    """Whoever takes gzip gets gzip, with the length that unpacking gives."""
    plain = http("GET", "/proc").body
    answer = http("GET", "/proc", None, {"Accept-Encoding": "gzip"})

    assert gzip.decompress(answer.body) == plain
    assert (answer["Content-Encoding"], answer["X-HCP-ContentLength"]) == ("gzip", str(len(plain)))


def test_configured_namespace() -> None:
    """Every setting can be chosen when the emulator is made, and /proc tells it."""
    awkward = '<b> & "quotes" ]]> größe \x0b'
    classes = (RetentionClass('a"<&', "N+1d", awkward), RetentionClass("plain", "0"))
    namespace = Namespace(
        *("special", "m"),
        hash_scheme="MD5",
        dpl=1,
        default_retention="A+1y",
        default_shred=True,
        default_index=False,
        quota_bytes=1000,
        enterprise_mode=False,
        retention_classes=classes,
        description=awkward,
        soft_quota_percent=70,
        versioning_enabled=True,
        search_enabled=False,
    )
    with HCP(namespaces=[namespace], users=[User("n", "n01", "m")]):
        http = Http("special.m.hcp1.snomis.local")
        [told] = asked(http, "/proc")
        statistics = asked(http, "/proc/statistics")
        first, second = asked(http, "/proc/retentionClasses")
        http.close()

    assert told.attrib == {
        "name": "special",
        "nameIDNA": "special",
        "versioningEnabled": "true",
        "searchEnabled": "false",
        "retentionMode": "compliance",
        "defaultShredValue": "true",
        "defaultIndexValue": "false",
        "defaultRetentionValue": "A+1y",
        "hashScheme": "MD5",
        "dpl": "1",
    }
    readable = awkward.replace("\x0b", "?")  # XML cannot carry that one
    assert description(told) == readable
    assert statistics.get("totalCapacityBytes") == "1000"
    assert statistics.get("softQuotaPercent") == "70"
    assert first.attrib == {"name": 'a"<&', "value": "N+1d", "autoDelete": "false"}
    assert (description(first), description(second)) == (readable, "")


def test_no_retention_classes() -> None:
    """Without classes the root is empty (section 4)."""
    with HCP(namespaces=[Namespace("n1", "m")]):
        http = Http()
        root = asked(http, "/proc/retentionClasses")
        http.close()

    assert (root.tag, list(root)) == ("retentionClasses", [])
