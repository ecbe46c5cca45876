"""Statistics and chargeback agree with what was done (docs/hcp/mapi.rst, section 6.4)."""

import csv
import io
import pathlib
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from hcpsdk.testing import HCP, System
from hcpsdk.testing._services import Services

from ..conftest import TOKEN
from .client import DOMAIN, Mapi, Rest

ADMIN = Mapi()
M = Mapi(f"m.{DOMAIN}", TOKEN)
N1 = "tenants/m/namespaces/n1"
COLUMNS = (
    "systemName,tenantName,namespaceName,startTime,endTime,objectCount,ingestedVolume,"
    "storageCapacityUsed,bytesIn,bytesOut,reads,writes,deletes,multipartObjects,"
    "multipartObjectParts,multipartObjectBytes,multipartUploads,multipartUploadParts,"
    "multipartUploadBytes,deleted,valid"
)
LARGE = b"x" * 3_000_000  # kept in a file, and sent in pieces


def rest(name: str = "n1") -> Rest:
    return Rest(f"{name}.m.{DOMAIN}", TOKEN)


def figures(record: dict[str, Any]) -> dict[str, int]:
    """The figures of a record that are not 0."""
    names = ("objectCount", "ingestedVolume", "bytesIn", "bytesOut", "reads", "writes", "deletes")
    return {name: record[name] for name in names if record[name]}


def report(path: str = N1, query: str = "") -> list[dict[str, Any]]:
    found = M.get(f"{path}/chargebackReport{query}")
    assert list(found) == ["chargebackData"]
    records: list[dict[str, Any]] = found["chargebackData"]
    return records


def test_statistics(hcp: HCP) -> None:
    """Statistics count what is stored, in the namespace and in all of the tenant."""
    assert M.get(f"{N1}/statistics") == dict.fromkeys(
        (
            *("customMetadataCount", "customMetadataSize", "ingestedVolume", "objectCount"),
            *("shredCount", "shredSize", "storageCapacityUsed"),
        ),
        0,
    )
    rest()("PUT", "/rest/a", b"12345")
    rest()("PUT", "/rest/a?type=custom-metadata", b"<a/>")
    rest("n2")("PUT", "/rest/b", b"123")
    found = M.get(f"{N1}/statistics")
    assert (found["objectCount"], found["ingestedVolume"]) == (1, 9)
    assert (found["customMetadataCount"], found["customMetadataSize"]) == (1, 4)
    tenant = M.xml("tenants/m/statistics")
    assert tenant.tag == "statistics"
    assert (tenant.findtext("objectCount"), tenant.findtext("storageCapacityUsed")) == ("2", "12")
    rest()("DELETE", "/rest/a")
    assert M.get(f"{N1}/statistics")["ingestedVolume"] == 0
    assert M.status("POST", f"{N1}/statistics") == 405


def test_statistics_agree_with_proc(hcp: HCP) -> None:
    for number in range(3):
        rest()("PUT", f"/rest/{number}", b"x" * 100)
    found = M.get(f"{N1}/statistics")
    shown = rest()("GET", "/proc/statistics").body.decode()
    assert f'usedCapacityBytes="{found["storageCapacityUsed"]}"' in shown
    assert f'objectCount="{found["objectCount"]}"' in shown


def test_operations(hcp: HCP) -> None:
    """Reads, writes, deletes and bytes are counted as they happen."""
    assert figures(report()[0]) == {}
    rest()("PUT", "/rest/a", b"12345")
    stored = {"objectCount": 1, "ingestedVolume": 5, "bytesIn": 5, "writes": 1}
    assert figures(report()[0]) == stored
    rest()("GET", "/rest/a")
    rest()("GET", "/rest/a", None, Range="bytes=1-2")
    assert figures(report()[0]) == {**stored, "reads": 2, "bytesOut": 7}
    rest()("PUT", "/rest/a?type=custom-metadata", b"<a/>")
    rest()("GET", "/rest/a?type=custom-metadata")
    annotated = {"ingestedVolume": 9, "bytesIn": 9, "writes": 2, "reads": 3, "bytesOut": 11}
    assert figures(report()[0]) == {**stored, **annotated}
    rest()("DELETE", "/rest/a")
    done = {"bytesIn": 9, "writes": 2, "reads": 3, "bytesOut": 11, "deletes": 1}
    assert figures(report()[0]) == done


def test_not_counted(hcp: HCP) -> None:
    """What is refused, HEAD, and listings are no reads or writes."""
    rest()("PUT", "/rest/a", b"1")
    before = report()
    assert rest()("PUT", "/rest/a", b"1").status == 409
    assert rest()("GET", "/rest/b").status == 404
    assert Rest(f"n1.m.{DOMAIN}", None)("GET", "/rest/a").status == 403
    rest()("HEAD", "/rest/a")
    rest()("GET", "/rest")
    rest()("GET", "/proc")
    assert [figures(each) for each in report()] == [figures(each) for each in before]


def test_swift(hcp: HCP) -> None:
    """Requests through the Swift gateway count, too, as long as the namespace is open for it."""
    swift = Rest(f"api.{DOMAIN}", None)
    token = {"X-Auth-Token": TOKEN}
    assert swift("PUT", "/swift/v1/m/n1/a", b"12345", **token).status == 201
    assert swift("GET", "/swift/v1/m/n1/a", None, **token).body == b"12345"
    assert M.status("POST", f"{N1}/protocols/http", {"hswiftEnabled": False}) == 200
    assert swift("GET", "/swift/v1/m/n1/a", None, **token).status >= 400
    found = figures(report()[0])
    assert (found["writes"], found["reads"], found["bytesOut"]) == (1, 1, 5)


def test_large_and_packed(hcp: HCP) -> None:
    """Bytes are counted before compression, of objects of all sizes."""
    rest()("PUT", "/rest/a", LARGE)
    rest()("GET", "/rest/a")
    packed = rest()("GET", "/rest/a", None, **{"Accept-Encoding": "gzip"})
    assert len(packed.body) < len(LARGE)
    found = figures(report()[0])
    assert (found["bytesIn"], found["bytesOut"]) == (len(LARGE), 2 * len(LARGE))


def test_tenant_report(hcp: HCP) -> None:
    """A record for each namespace, and their sum, which has no namespaceName."""
    rest()("PUT", "/rest/a", b"12345")
    rest("n2")("PUT", "/rest/a", b"123")
    first, second, total = report("tenants/m")
    assert (first["namespaceName"], second["namespaceName"]) == ("n1", "n2")
    assert "namespaceName" not in total
    assert figures(total) == {"objectCount": 2, "ingestedVolume": 8, "bytesIn": 8, "writes": 2}
    assert {each["systemName"] for each in (first, second, total)} == {DOMAIN}
    assert {each["tenantName"] for each in (first, second, total)} == {"m"}
    assert (total["deleted"], total["valid"]) == ("false", True)
    assert first["endTime"][13:19] == ":59:59"


def test_deleted_namespace(hcp: HCP) -> None:
    """The figures of a namespace that was deleted stay in the sum, which says so."""
    M("PUT", "tenants/m/namespaces", {"name": "n3", "hardQuota": "1 GB"})
    rest("n3")("PUT", "/rest/a", b"12345")
    rest("n3")("DELETE", "/rest/a")
    assert M.status("DELETE", "tenants/m/namespaces/n3") == 200
    *namespaces, total = report("tenants/m")
    assert [each["namespaceName"] for each in namespaces] == ["n1", "n2"]
    assert figures(total) == {"bytesIn": 5, "writes": 1, "deletes": 1}
    assert total["deleted"] == "included"


def test_formats(hcp: HCP) -> None:
    """XML, JSON and CSV say the same; CSV has its columns in the documented order."""
    rest()("PUT", "/rest/a", b"12345")
    records = report("tenants/m")
    shown = M("GET", "tenants/m/chargebackReport", accept="text/csv")
    assert (shown.status, shown["Content-Type"]) == (200, "text/csv")
    lines = shown.body.decode().splitlines()
    assert lines[0] == COLUMNS
    rows = list(csv.DictReader(io.StringIO(shown.body.decode())))
    assert len(rows) == len(records) == 3
    for row, record in zip(rows, records, strict=True):
        texts = {key: str(value).replace("True", "true") for key, value in record.items()}
        assert row == {"namespaceName": "", **texts}
    root = M.xml("tenants/m/chargebackReport")
    assert (root.tag, {each.tag for each in root}) == ("chargebackReport", {"chargebackData"})
    assert root[0].findtext("writes") == "1"


def test_tiering_columns() -> None:
    """Where asked for, there are columns for tiering instead of those for multipart uploads."""
    with HCP("tier.snomis.local", reports_tiering=True):
        api = Mapi("admin.tier.snomis.local")
        shown = api("GET", "tenants/m/chargebackReport", accept="text/csv")
    assert shown.body.decode().splitlines()[0] == (
        "systemName,tenantName,namespaceName,startTime,endTime,objectCount,ingestedVolume,"
        "storageCapacityUsed,bytesIn,bytesOut,reads,writes,deletes,tieredObjects,tieredBytes,"
        "metadataOnlyObjects,metadataOnlyBytes,deleted,valid"
    )


def test_administration(hcp: HCP) -> None:
    """The system's users get the records of namespaces only if the tenant allows it."""
    assert len(ADMIN.get("tenants/m/chargebackReport")["chargebackData"]) == 3
    M("POST", "tenants/m", {"administrationAllowed": False})
    (total,) = ADMIN.get("tenants/m/chargebackReport")["chargebackData"]
    assert "namespaceName" not in total
    assert ADMIN.status("GET", f"{N1}/chargebackReport") == 403


@pytest.mark.parametrize(
    "query",
    [
        "granularity=week",
        "start=yesterday",
        "start=2015-01-01T00:00:00+0100",  # "+" is a blank
        "end=2015-01-01",
        "start=2015-13-01T00:00:00Z",
        "start=2015-01-02T00:00:00Z&end=2015-01-01T00:00:00Z",
        "start=2015-01-02T00:00:00Z&end=2015-01-02T00:00:00Z",
    ],
)
def test_bad_parameters(hcp: HCP, query: str) -> None:
    assert M.status("GET", f"tenants/m/chargebackReport?{query}") == 400


def test_total_is_widened_to_hours(hcp: HCP) -> None:
    """The times of a report are widened to full hours, in HCP's time zone."""
    query = f"?start={quote('2015-01-31T09:10:00+0000')}&end={quote('2099-01-31T09:00:00+0100')}"
    (record,) = report(N1, query)
    assert record["startTime"] == "2015-01-31T10:00:00+0100"
    assert record["endTime"] == "2099-01-31T09:59:59+0100"


# Hours and days: with a clock of our own


class Ticking(Services):
    """The services of an HCP, with a clock that is moved by hand."""

    now = time.time()

    def __init__(self, system: System, scratch: pathlib.Path) -> None:
        super().__init__(system, scratch, lambda: Ticking.now)


@pytest.fixture
def api() -> Iterator[Mapi]:
    """An HCP whose clock stands at 2015-01-31, 22:30 in its time zone."""
    Ticking.now = 1422739800.0
    with HCP("clock.snomis.local", site=Ticking):
        yield Mapi("m.clock.snomis.local", TOKEN)


def test_hours_and_days(api: Mapi) -> None:
    """Operations add up by the hour or day; levels are those at its end, also of idle ones."""
    client = Rest("n1.m.clock.snomis.local", TOKEN)
    client("PUT", "/rest/a", b"12345")
    client("GET", "/rest/a")
    Ticking.now += 3600
    client("PUT", "/rest/b", b"123")
    Ticking.now += 2 * 3600
    client("DELETE", "/rest/a")
    path = f"{N1}/chargebackReport?granularity="
    hours = api.get(f"{path}hour")["chargebackData"]
    assert [(each["startTime"], each["endTime"]) for each in hours] == [
        ("2015-01-31T22:00:00+0100", "2015-01-31T22:59:59+0100"),
        ("2015-01-31T23:00:00+0100", "2015-01-31T23:59:59+0100"),
        ("2015-02-01T00:00:00+0100", "2015-02-01T00:59:59+0100"),
        ("2015-02-01T01:00:00+0100", "2015-02-01T01:59:59+0100"),
    ]
    first = {"bytesIn": 5, "writes": 1, "reads": 1, "bytesOut": 5}
    assert [figures(each) for each in hours] == [
        {"objectCount": 1, "ingestedVolume": 5, **first},
        {"objectCount": 2, "ingestedVolume": 8, "bytesIn": 3, "writes": 1},
        {"objectCount": 2, "ingestedVolume": 8},
        {"objectCount": 1, "ingestedVolume": 3, "deletes": 1},
    ]
    days = api.get(f"{path}DAY")["chargebackData"]
    assert [each["startTime"] for each in days] == [
        "2015-01-31T00:00:00+0100",
        "2015-02-01T00:00:00+0100",
    ]
    assert [figures(each) for each in days] == [
        {"objectCount": 2, "ingestedVolume": 8, **first, "bytesIn": 8, "writes": 2},
        {"objectCount": 1, "ingestedVolume": 3, "deletes": 1},
    ]
    (total,) = api.get(f"{path}total")["chargebackData"]
    assert figures(total)["writes"] == sum(each["writes"] for each in hours)
    part = f"hour&start={quote('2015-01-31T23:10:00+0100')}&end={quote('2015-02-01T00:00:00+0100')}"
    assert api.get(path + part)["chargebackData"] == hours[1:3]
