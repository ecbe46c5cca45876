"""`hcpsdk.mapi` against the emulated HCP: tenants, chargeback, logs, resources (contract 12)."""

import csv
import io
import json
import tarfile
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone

import pytest

import hcpsdk
from hcpsdk import mapi
from hcpsdk.testing import HCP, User

DOMAIN = "hcp1.snomis.local"
SERVICE = hcpsdk.NativeAuthorization("service", "service01")
N = hcpsdk.NativeAuthorization("n", "n01")
DEFAULT = f"default.default.{DOMAIN}"


@pytest.fixture
def admin(hcp: HCP) -> hcpsdk.Target:
    return hcpsdk.Target(f"admin.{DOMAIN}", SERVICE, port=hcpsdk.P_MAPI)


@pytest.fixture
def tenant(hcp: HCP) -> hcpsdk.Target:
    return hcpsdk.Target(f"m.{DOMAIN}", N, port=hcpsdk.P_MAPI)


@pytest.fixture
def monitor() -> Iterator[hcpsdk.Target]:
    """A Target of a system whose only user is a monitor."""
    users = [User("watch", "watch01", roles=frozenset(["monitor"]))]
    with HCP("other.snomis.local", users=users):
        auth = hcpsdk.NativeAuthorization("watch", "watch01")
        yield hcpsdk.Target("admin.other.snomis.local", auth, port=hcpsdk.P_MAPI)


# Tenants


def test_listtenants(admin: hcpsdk.Target) -> None:
    """All tenants; each returns its properties, ``Default`` without a name."""
    tenants = mapi.listtenants(admin)
    assert [each.name for each in tenants] == ["Default", "m"]
    infos = [each.info() for each in tenants]
    for each in tenants:
        each.close()
    assert "name" not in infos[0]
    assert (infos[1]["name"], infos[1]["hardQuota"]) == ("m", "200.00 GB")
    assert infos[1]["snmpLoggingEnabled"] is False


def test_tenant_info_is_cached(admin: hcpsdk.Target, hcp: HCP) -> None:
    with mapi.Tenant(admin, "m") as found, mapi.Resource(admin, "/mapi/tenants/m") as resource:
        before = found.info()
        resource.update(softQuota=33)
        assert found.info() == before
        assert found.info(cache=False)["softQuota"] == 33


def test_tenant_errors(admin: hcpsdk.Target, tenant: hcpsdk.Target) -> None:
    """The text of errors starts with the status."""
    with mapi.Tenant(admin, "missing") as missing, pytest.raises(mapi.TenantError, match=r"^404 "):
        missing.info()
    with pytest.raises(mapi.TenantError, match=r"^403 "):
        mapi.listtenants(tenant)


# Chargeback


def work(hcp: HCP) -> None:
    """Two writes, one read, one delete in namespace ``n1``."""
    with hcpsdk.Connection(hcpsdk.Target(f"n1.m.{DOMAIN}", N)) as connection:
        connection.PUT("/rest/a", body=b"12345")
        connection.PUT("/rest/b", body=b"123")
        connection.GET("/rest/a")
        assert connection.read() == b"12345"
        connection.DELETE("/rest/b")


@pytest.mark.parametrize("granularity", mapi.Chargeback.CBG_ALL)
@pytest.mark.parametrize("name", ["admin", "tenant"])
def test_chargeback(hcp: HCP, granularity: str, name: str, request: pytest.FixtureRequest) -> None:
    """All formats and granularities say what was done."""
    work(hcp)
    with mapi.Chargeback(request.getfixturevalue(name)) as chargeback:
        reports = {
            fmt: chargeback.request("m", granularity=granularity, fmt=fmt).read()
            for fmt in mapi.Chargeback.CBM_ALL
        }
    done = {"objectCount": 1, "bytesIn": 8, "bytesOut": 5, "reads": 1, "writes": 2, "deletes": 1}
    texts = {key: str(value) for key, value in done.items()}
    rows = list(csv.DictReader(io.StringIO(reports[mapi.Chargeback.CBM_CSV])))
    records = json.loads(reports[mapi.Chargeback.CBM_JSON])["chargebackData"]
    root = ET.fromstring(reports[mapi.Chargeback.CBM_XML])
    # In a run over the end of an hour there are two intervals: their sums count.
    for key, value in done.items():
        if key != "objectCount":
            assert sum(int(row[key]) for row in rows if row["namespaceName"] == "n1") == value
            assert sum(r[key] for r in records if "namespaceName" not in r) == value
            found = [
                int(data.findtext(key, "")) for data in root if data.find("namespaceName") is None
            ]
            assert sum(found) == value
    assert [row for row in rows if not row["namespaceName"]][-1]["objectCount"] == texts[
        "objectCount"
    ]
    assert {row["tenantName"] for row in rows} == {"m"}


def test_chargeback_times(tenant: hcpsdk.Target) -> None:
    """Start and end reach HCP with their time zones; the tenant is the Target's."""
    start = datetime(2024, 5, 1, 10, 30, tzinfo=timezone(timedelta(hours=2)))
    with mapi.Chargeback(tenant) as chargeback:
        text = chargeback.request(start=start, end=start + timedelta(hours=3)).read()
    total = json.loads(text)["chargebackData"][-1]
    assert (total["startTime"], total["endTime"]) == (
        "2024-05-01T09:00:00+0100",
        "2024-05-01T12:59:59+0100",
    )


def test_chargeback_errors(admin: hcpsdk.Target, tenant: hcpsdk.Target) -> None:
    with mapi.Chargeback(admin) as chargeback:
        with pytest.raises(mapi.ChargebackError, match=r"^404 "):
            chargeback.request("missing")
        with pytest.raises(mapi.ChargebackError, match=r"^403 "):
            chargeback.request("Default")
        now = datetime.now()
        with pytest.raises(mapi.ChargebackError, match=r"^400 "):
            chargeback.request("m", start=now, end=now - timedelta(days=1))
    with mapi.Resource(tenant, "/mapi/tenants/m") as resource:
        resource.update(administrationAllowed=False)
    with mapi.Chargeback(admin) as chargeback:
        (total,) = json.loads(chargeback.request("m").read())["chargebackData"]
    assert "namespaceName" not in total


# Logs


def test_logs(hcp: HCP, admin: hcpsdk.Target) -> None:
    """Mark, prepare, wait, download, cancel."""
    work(hcp)
    received: list[int] = []
    numbers = [node.address.rpartition(".")[2] for node in hcp.nodes][:2]
    with mapi.Logs(admin) as logs:
        logs.mark("a mark, with blanks & more")
        first, last, xml = logs.prepare(startdate=date(2015, 1, 31))
        assert (first, last) == (date(2015, 1, 31), date.today())
        assert "<startDate>01/31/2015</startDate>" in xml
        with pytest.raises(mapi.LogsNotReadyError):
            logs.download()
        status = logs.status()
        assert (status["started"], status["readyForStreaming"], status["error"]) == (
            True,
            True,
            False,
        )
        file, name = logs.download(nodes=numbers, progresshook=received.append)
        with file, zipfile.ZipFile(file) as archive:
            assert archive.testzip() is None
            folder = name.removesuffix(".zip")
            assert archive.namelist() == [
                f"{folder}/manifest.csv",
                *(f"{folder}/{number}.tar.bz2" for number in numbers),
            ]
            packed = archive.read(f"{folder}/{numbers[0]}.tar.bz2")
        assert name == logs.suggestedfilename
        assert received == sorted(received)
        with tarfile.open(fileobj=io.BytesIO(packed)) as node:
            system = node.extractfile(f"{int(numbers[0]):03}/var/log/system.log")
            assert system is not None
            assert b"MARK a mark, with blanks & more" in system.read()
        assert logs.cancel() is True
        assert logs.status()["started"] is False
        assert logs.cancel() is True


def test_logs_in_progress(admin: hcpsdk.Target) -> None:
    with mapi.Logs(admin) as logs:
        logs.prepare()
        with pytest.raises(mapi.LogsInProgessError, match="A log download"):
            logs.prepare()


def test_logs_into_a_file(admin: hcpsdk.Target) -> None:
    """Only what is asked for is sent, into the caller's file."""
    file = io.BytesIO()
    with mapi.Logs(admin) as logs:
        logs.prepare()
        logs.status()
        logs.download(hdl=file, logs=[mapi.Logs.L_ACCESS])
        assert logs.status()["content"] == ["ACCESS"]
    with zipfile.ZipFile(file) as archive:
        assert len(archive.namelist()) == 5


def test_logs_without_role(monitor: hcpsdk.Target) -> None:
    """A monitor may read the status and nothing else."""
    with mapi.Logs(monitor) as logs:
        assert logs.status()["started"] is False
        for call in (logs.cancel, logs.prepare, lambda: logs.mark("x")):
            with pytest.raises(mapi.LogsError, match=r"^403 "):
                call()


# Any resource


def test_administration(hcp: HCP, admin: hcpsdk.Target) -> None:
    """What administrators automate: a tenant, a namespace, a user with access, versioning."""
    with mapi.Resource(admin, "/mapi/tenants") as tenants:
        tenants.create(
            {
                "name": "t2",
                "hardQuota": "10 GB",
                "softQuota": 80,
                "namespaceQuota": "5",
                "administrationAllowed": True,
                "searchConfigurationEnabled": True,
                "replicationConfigurationEnabled": False,
                "complianceConfigurationEnabled": True,
                "versioningConfigurationEnabled": True,
                "servicePlanSelectionEnabled": False,
            },
            username="boss",
            password="secret01",
        )
        assert list(tenants.list()) == ["Default", "m", "t2"]
    with mapi.Resource(admin, "/mapi/tenants/t2/namespaces") as namespaces:
        namespaces.create({"name": "data", "hardQuota": "5 GB"})
        assert list(namespaces.list()) == ["data"]
    with mapi.Resource(admin, "/mapi/tenants/t2/namespaces/data/versioningSettings") as versioning:
        versioning.update(enabled=True)
        assert versioning.get()["enabled"] is True
    access = {
        "namespacePermission": [
            {"namespaceName": "data", "permissions": {"permission": ["READ", "WRITE", "PURGE"]}}
        ]
    }
    path = "/mapi/tenants/t2/userAccounts/boss/dataAccessPermissions"
    with mapi.Resource(admin, path) as permissions:
        permissions.update(**access)
    auth = hcpsdk.NativeAuthorization("boss", "secret01")
    with hcpsdk.Connection(hcpsdk.Target(f"data.t2.{DOMAIN}", auth)) as connection:
        for body in (b"first", b"second"):
            connection.PUT("/rest/a", body=body)
            connection.raise_for_status(201)
        connection.GET("/rest/a")
        assert connection.read() == b"second"
        with mapi.Resource(admin, "/mapi/tenants/t2/namespaces/data/statistics") as statistics:
            assert statistics.get()["objectCount"] == 2  # versions count
        with mapi.Resource(admin, "/mapi/tenants/t2/namespaces/data") as namespace:
            with pytest.raises(hcpsdk.HcpsdkStatusError, match=r"^403 .*not empty"):
                namespace.delete()
            connection.DELETE("/rest/a", params={"purge": "true"})
            connection.raise_for_status(200)
            namespace.delete()
            assert namespace.exists() is False


def test_lists_in_parts(tenant: hcpsdk.Target) -> None:
    """Long lists are read in parts, and are complete."""
    with mapi.Resource(tenant, "/mapi/tenants/m/userAccounts") as users:
        for number in range(6):
            users.create(
                {
                    "username": f"u{number}",
                    "fullName": "U",
                    "localAuthentication": True,
                    "enabled": True,
                    "forcePasswordChange": False,
                },
                password="secret01",
            )
        assert list(users.list()) == ["n", *(f"u{number}" for number in range(6))]


def test_resource_errors(admin: hcpsdk.Target) -> None:
    with mapi.Resource(admin, "/mapi/tenants/missing") as missing:
        assert missing.exists() is False
        with pytest.raises(hcpsdk.HcpsdkStatusError, match=r"^404 "):
            missing.get()
    with mapi.Resource(admin, "/mapi/tenants/m") as tenant:
        assert tenant.exists() is True
        with pytest.raises(hcpsdk.HcpsdkStatusError, match=r"^405 "):
            tenant.delete()
        with pytest.raises(hcpsdk.HcpsdkStatusError, match=r"^400 .*unknown property"):
            tenant.update(color="red")
    licenses = mapi.Resource(admin, "/mapi/storage/licenses")
    with licenses, pytest.raises(hcpsdk.HcpsdkStatusError, match=r"^501 .*the emulator does not"):
        licenses.get()


def test_node_statistics(admin: hcpsdk.Target, hcp: HCP) -> None:
    with mapi.Resource(admin, "/mapi/nodes/statistics") as resource:
        nodes = resource.get()["nodes"]["node"]
    assert [each["backendIpAddress"] for each in nodes] == [each.address for each in hcp.nodes]


def test_action(admin: hcpsdk.Target) -> None:
    with mapi.Resource(admin, "/mapi/tenants/m/userAccounts") as users:
        users.action("resetPasswords", "other123")
    auth = hcpsdk.NativeAuthorization("n", "other123")
    target = hcpsdk.Target(f"m.{DOMAIN}", auth, port=hcpsdk.P_MAPI)
    with mapi.Tenant(target, "m") as tenant:
        assert tenant.info()["name"] == "m"


# The default namespace


def test_dummy_authorization(hcp: HCP) -> None:
    """Without credentials the default namespace can be used, and no other."""
    with hcpsdk.Connection(hcpsdk.Target(DEFAULT, hcpsdk.DummyAuthorization())) as connection:
        connection.PUT("/fcfs_data/a", body=b"data")
        connection.raise_for_status(201)
        connection.GET("/fcfs_metadata/a/retention.txt")
        assert connection.read() == b"0\nDeletion Allowed\n"
        assert connection.HEAD("/fcfs_metadata/a/custom-metadata.xml").status == 404
        connection.GET("/fcfs_data")
        assert b'urlName="a"' in connection.read()
    assert all("authorization" not in (n.lower() for n, _ in r.headers) for r in hcp.requests)
    target = hcpsdk.Target(f"n1.m.{DOMAIN}", hcpsdk.DummyAuthorization())
    with hcpsdk.Connection(target) as connection:
        assert connection.HEAD("/rest").status == 403


def test_port_is_checked(hcp: HCP) -> None:
    with pytest.raises(hcpsdk.HcpsdkPortError):
        mapi.Logs(hcpsdk.Target(f"admin.{DOMAIN}", SERVICE))
