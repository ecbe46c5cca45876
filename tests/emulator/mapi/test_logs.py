"""The logs in the management API (docs/hcp/mapi.rst, section 5)."""

import io
import tarfile
import zipfile
from typing import Any
from xml.etree import ElementTree

import pytest

from hcpsdk.testing import HCP

from ..conftest import TOKEN, Answer, Http
from .client import DOMAIN, Mapi, Rest

ADMIN = Mapi()
PREPARE = "<logPrepare><startDate>01/01/1970</startDate></logPrepare>"
EVERYTHING = "<logDownload><content>ACCESS,SYSTEM,SERVICE,APPLICATION</content></logDownload>"


def status() -> dict[str, str]:
    found = ADMIN.xml("logs")
    assert found.tag == "logDownloadStatus"
    return {each.tag: each.text or "" for each in found}


def prepare() -> None:
    """Prepare a package and wait until it is ready."""
    assert ADMIN.status("POST", "logs/prepare", PREPARE) == 200
    assert status()["readyForStreaming"] == "false"
    assert status()["readyForStreaming"] == "true"


def download(body: str = EVERYTHING) -> Answer:
    return ADMIN("POST", "logs/download", body, accept="*/*")


def numbers(hcp: HCP) -> list[str]:
    """The numbers of the nodes."""
    return [node.address.rpartition(".")[2] for node in hcp.nodes]


def unpacked(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {each.name: (archive.extractfile(each) or io.BytesIO()).read() for each in archive}


def archives(answer: Answer) -> dict[str, dict[str, bytes]]:
    """The files in a package, by the number of the node and their name."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            if name.endswith(".tar.bz2"):
                number = name.rpartition("/")[2].removesuffix(".tar.bz2")
                found[number] = unpacked(archive.read(name))
    return found


def test_states(hcp: HCP) -> None:
    """Nothing, being prepared, ready; cancelling goes back, whether there is one or not."""
    nothing = {
        "readyForStreaming": "false",
        "streamingInProgress": "false",
        "started": "false",
        "error": "false",
        "content": "ACCESS,SYSTEM,SERVICE,APPLICATION",
    }
    assert status() == nothing
    assert ADMIN.status("POST", "logs/prepare", PREPARE) == 200
    assert status() == {**nothing, "started": "true"}
    ready = {**nothing, "started": "true", "readyForStreaming": "true"}
    assert (status(), status()) == (ready, ready)
    for _ in range(2):
        assert ADMIN.status("POST", "logs?cancel", "<logs/>") == 200
        assert status() == nothing
    assert ADMIN.get("logs")["started"] is False


def test_one_at_a_time(hcp: HCP) -> None:
    """While a package is prepared another one is refused; a finished one is replaced."""
    assert ADMIN.status("POST", "logs/prepare", PREPARE) == 200
    answer = ADMIN("POST", "logs/prepare", PREPARE)
    assert answer.status == 400
    assert answer["X-HCP-ErrorMessage"].startswith("A log download")
    status()
    assert ADMIN.status("POST", "logs/prepare", PREPARE) == 200


def test_package(hcp: HCP) -> None:
    """A zip in chunks, with a manifest and an archive for each node."""
    prepare()
    answer = download()
    assert (answer.status, answer["Content-Type"]) == (200, "application/zip")
    assert (answer["Transfer-Encoding"], answer["Accept-Ranges"]) == ("chunked", "none")
    disposition = answer["Content-Disposition"]
    assert disposition.startswith(f"attachment; filename=HCPLogs-admin.{DOMAIN}-")
    folder = disposition.partition("filename=")[2].removesuffix(".zip")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        files = [f"{folder}/{number}.tar.bz2" for number in numbers(hcp)]
        assert archive.namelist() == [f"{folder}/manifest.csv", *files]
        manifest = archive.read(f"{folder}/manifest.csv").decode()
    lines = [
        f"{node.address},{file},{number}"
        for node, file, number in zip(hcp.nodes, files, numbers(hcp), strict=True)
    ]
    assert manifest.partition('"Node IP","File","Node"\n')[2].split() == lines


def access_logs(node: str, files: dict[str, bytes]) -> dict[str, str]:
    """The texts of the access logs of a node by their names."""
    (name,) = [name for name in files if "access-logs" in name]
    assert name.startswith(f"{int(node):03}/var/ris/retired/access-logs-")
    inner = unpacked(files[name])
    return {each.rpartition("/")[2]: text.decode() for each, text in inner.items()}


def test_access_logs(hcp: HCP) -> None:
    """Each node's access logs list the requests that it served, without secrets."""
    rest = Rest(f"n1.m.{DOMAIN}", TOKEN)
    for name in range(8):
        rest("PUT", f"/rest/{name}", b"data")
    rest("GET", "/rest/missing?x=1")
    Mapi(f"m.{DOMAIN}", TOKEN)("POST", "tenants/m/userAccounts?resetPasswords=hidden1", {})
    prepare()
    seen: dict[str, list[str]] = {}
    for number, files in archives(download()).items():
        texts = access_logs(number, files)
        assert set(texts) == {
            *("admin_request.log.0", "http_gateway_request.log.0", "mapi_gateway_request.log.0")
        }
        address = f"127.0.0.{number}"
        expected = [r for r in hcp.requests if r.node == address and r.port != 9090]
        lines = texts["http_gateway_request.log.0"].splitlines()
        assert len(lines) == len(expected)
        for line, request in zip(lines, expected, strict=True):
            assert f'"{request.method} {request.target} HTTP/1.1" {request.status} ' in line
            assert line.split()[2] == "n"
        for log, text in texts.items():
            seen.setdefault(log, []).append(text)
    everything = "".join(text for texts in seen.values() for text in texts)
    assert "hidden1" not in everything
    assert TOKEN.split(":")[1] not in everything
    assert '"POST /mapi/logs/prepare HTTP/1.1" 200' in "".join(seen["mapi_gateway_request.log.0"])


def test_mark(hcp: HCP) -> None:
    """Marks are in the logs; blanks are sent as + or %20."""
    assert ADMIN.status("POST", "logs?mark=one+two%20three") == 200
    assert ADMIN.status("POST", "logs?mark=") == 400
    assert ADMIN.status("POST", "logs") == 400
    node = numbers(hcp)[0]
    prepare()
    (files,) = archives(
        download(f"<logDownload><nodes>{node}</nodes><content>SYSTEM</content></logDownload>")
    ).values()
    assert list(files) == [f"{int(node):03}/var/log/system.log"]
    assert (
        files[f"{int(node):03}/var/log/system.log"].decode().rstrip().endswith("MARK one two three")
    )


def test_parts(hcp: HCP) -> None:
    """Nodes and kinds can be chosen; an empty list of nodes means none."""
    prepare()
    first, second = numbers(hcp)[:2]
    nodes = f"<nodes>{second},{first}</nodes>"
    some = f"<logDownload>{nodes}<snodes/><content>ACCESS</content></logDownload>"
    answer = download(some)
    assert list(archives(answer)) == [second, first]
    assert "-acc-" in answer["Content-Disposition"]
    assert all(len(files) == 1 for files in archives(answer).values())
    assert status()["content"] == "ACCESS"
    none = "<logDownload><nodes/><content>ACCESS</content></logDownload>"
    assert archives(download(none)) == {}


def test_dates(hcp: HCP) -> None:
    """Only what happened on the days asked for is in the logs."""
    Rest(f"n1.m.{DOMAIN}", TOKEN)("PUT", "/rest/a", b"data")
    old = "<logPrepare><startDate>01/01/1970</startDate><endDate>01/02/1970</endDate></logPrepare>"
    assert ADMIN.status("POST", "logs/prepare", old) == 200
    status()
    for number, files in archives(download()).items():
        assert set(access_logs(number, files).values()) == {""}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("prepare", "<logPrepare><startDate>2015-01-01</startDate></logPrepare>"),
        ("prepare", "<logPrepare><startDate>01/01/2099</startDate></logPrepare>"),
        ("prepare", "<logPrepare><snodes>s1</snodes></logPrepare>"),
        ("prepare", "<logPrepare><other/></logPrepare>"),
        ("prepare", "<other/>"),
        ("download", "<logDownload/>"),
        ("download", "<logDownload><content/></logDownload>"),
        ("download", "<logDownload><content>NEWS</content></logDownload>"),
        ("download", "<logDownload><nodes>9</nodes><content>ACCESS</content></logDownload>"),
    ],
)
def test_bad_requests(hcp: HCP, path: str, body: str) -> None:
    if path == "download":
        prepare()
    assert ADMIN.status("POST", f"logs/{path}", body) == 400


def test_not_ready(hcp: HCP) -> None:
    """Nothing can be downloaded before the package is ready."""
    assert download().status == 400
    ADMIN("POST", "logs/prepare", PREPARE)
    answer = download()
    assert (answer.status, answer.body) == (400, b"")


def test_levels(hcp: HCP) -> None:
    """Logs are for system-level users."""
    tenant = Mapi(f"m.{DOMAIN}", TOKEN)
    for method, path in (("GET", "logs"), ("POST", "logs?cancel"), ("POST", "logs/prepare")):
        assert tenant.status(method, path) == 403
    assert ADMIN.status("GET", "logs/prepare") == 405


def nodes() -> list[dict[str, Any]]:
    found = ADMIN.get("nodes/statistics")
    assert list(found) == ["requestTime", "nodes"]
    statistics: list[dict[str, Any]] = found["nodes"]["node"]
    return statistics


def test_node_statistics(hcp: HCP) -> None:
    """Each node's connections and bytes are what they are."""
    before = nodes()
    assert [str(each["nodeNumber"]) for each in before] == numbers(hcp)
    assert before[0]["frontendIpAddresses"] == {"ipAddress": [hcp.nodes[0].address]}
    assert sum(each["openHttpsConnections"] for each in before) >= 1  # the one that asks
    kept = Http(hcp.nodes[1].address)
    try:
        assert kept("GET", "/rest", None, {"Host": f"n1.m.{DOMAIN}"}).status == 200
        assert nodes()[1]["openHttpConnections"] >= 1
    finally:
        kept.close()
    for _ in range(4):
        Rest(f"n1.m.{DOMAIN}", TOKEN)("PUT", "/rest/a", b"x" * 1000)
        Rest(f"n1.m.{DOMAIN}", TOKEN)("GET", "/rest/a")
    after = nodes()
    assert sum(each["frontEndBytesRead"] for each in after) >= 4000
    assert sum(each["frontEndBytesWritten"] for each in after) >= 4000
    root = ElementTree.fromstring(ADMIN("GET", "nodes/statistics", accept=None).body)
    assert (root.tag, len(root.findall("nodes/node"))) == ("nodeStatistics", 4)
    assert Mapi(f"m.{DOMAIN}", TOKEN).status("GET", "nodes/statistics") == 403
