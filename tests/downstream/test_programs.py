"""hcpt, hcplogs and hcpcbc, unchanged, against the emulated HCP: what they list, store and report.

Needs an environment that `install` has made, in ``HCPSDK_DOWNSTREAM`` (contract 12).
"""

import csv
import json
import os
import pathlib
import subprocess
from typing import Any
from xml.etree import ElementTree

import pytest

VARIABLE = "HCPSDK_DOWNSTREAM"
DRIVER = pathlib.Path(__file__).with_name("driver.py")
DOMAIN = "hcp1.snomis.local"
N1 = f"n1.m.{DOMAIN}"
DEFAULT = f"default.default.{DOMAIN}"

Request = tuple[str, str, str, str | None]

pytestmark = pytest.mark.skipif(
    VARIABLE not in os.environ,
    reason=f"PROGRAMS OF OTHERS ARE NOT TESTED: {VARIABLE} names no environment with them "
    "(python3 tests/downstream/install.py FOLDER)",
)


class Result:
    """What a run left: exit codes, responses, and what was printed."""

    def __init__(self, output: str, printed: str) -> None:
        found = json.loads(output.splitlines()[-1])
        self.codes: list[int] = found["codes"]
        self.responses: list[dict[str, Any]] = found["responses"]
        self.printed = printed


def run(
    folder: pathlib.Path,
    *commands: list[str],
    before: list[Request] | None = None,
    after: list[Request] | None = None,
) -> Result:
    """Run programs in *folder*, beside an HCP with what *before* stored."""
    plan = {"before": before or [], "commands": commands, "after": after or []}
    (folder / "plan.json").write_text(json.dumps(plan))
    python = pathlib.Path(os.environ[VARIABLE]) / "bin" / "python"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), str(DRIVER), "plan.json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return Result(done.stdout, done.stderr)


def put(url: str, body: str, user: str = "n") -> Request:
    return ("PUT", f"https://{url}", user, body)


def get(url: str, user: str = "n") -> Request:
    return ("GET", f"https://{url}", user, None)


def rows(path: pathlib.Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def hcpt(*arguments: str) -> list[str]:
    return ["hcpt", "-u", "n", "-p", "n01", "-t", "2", "-i", "1", *arguments]


# hcpt


def test_hcpt_lists_the_default_namespace(tmp_path: pathlib.Path) -> None:
    """``list --fat``: files, directories, retention, and whether there is custom metadata."""
    result = run(
        tmp_path,
        hcpt(
            *("list", "-c", DEFAULT, "-d", "/fcfs_data", "--fat"),
            *("--out", "csv", "--outfile", "o.csv"),
        ),
        before=[
            put(f"{DEFAULT}/fcfs_data/d/a.txt", "data", ""),
            put(f"{DEFAULT}/fcfs_metadata/d/a.txt/custom-metadata.xml", "<a/>", ""),
            put(f"{DEFAULT}/fcfs_data/d/b.txt", "12", ""),
            put(f"{DEFAULT}/fcfs_metadata/d/b.txt/retention.txt", "-1", ""),
        ],
    )
    assert result.codes == [0], result.printed
    names = ("urlName", "type", "size", "retention", "retentionString", "mode", "customMetadata")
    found = [tuple(row[name] or "" for name in names) for row in rows(tmp_path / "o.csv", ";")]
    assert sorted(found) == [
        ("/fcfs_data", "directory", "", "", "", "", ""),
        ("/fcfs_data/d", "directory", "0", "", "", "040700", ""),
        ("/fcfs_data/d/a.txt", "file", "4", "0", "Deletion Allowed", "0100400", "true"),
        ("/fcfs_data/d/b.txt", "file", "2", "-1", "Deletion Prohibited", "0100400", "false"),
    ]
    assert "Errors: 0" in result.printed


def test_hcpt_loads_lists_and_unloads(tmp_path: pathlib.Path) -> None:
    """What ``load`` stores is what ``list`` finds, and what ``unload`` deletes."""
    (tmp_path / "f.txt").write_text("hello")
    target = ["-c", N1, "-d", "/rest/t"]  # unload encodes no names
    result = run(
        tmp_path,
        hcpt("load", *target, "-f", "f.txt", "-r", "0", "--structure", "2", "2"),
        hcpt("list", *target, "--fat", "--out", "csv", "--outfile", "o.csv"),
        hcpt("unload", *target, "--YES"),
        after=[
            get(f"{N1}/proc/statistics"),
            get(f"m.{DOMAIN}:9090/mapi/tenants/m/namespaces/n1/chargebackReport"),
        ],
    )
    assert result.codes == [0, 0, 0], result.printed
    objects = [row for row in rows(tmp_path / "o.csv", ";") if row["type"] == "object"]
    assert len(objects) == 4
    assert {(row["size"], row["hashScheme"], row["state"]) for row in objects} == {
        ("5", "SHA-256", "created")
    }
    assert 'objectCount="0"' in result.responses[0]["body"]
    report = ElementTree.fromstring(result.responses[1]["body"])
    written = sum(int(each.findtext("bytesIn", "")) for each in report)
    assert written == 4 * 5


# hcplogs

LOGS = f"""[target a]
fqdn = admin.{DOMAIN}
user = service
password = service01
folder = hcp
last collected =

[access logs]
access = yes
admin = yes
mapi = yes
omit empty = yes

[local archive store]
enable = yes
path = ./out

[compliant archive store]
enable = yes
path = https://{N1}/rest/accesslogs
user = n
password = n01
retention = 0

[logging]
log to stdout = yes
log to file = no
logfile = ./l.log
rotateMB = 10
backups = 9
status query = 0
debug = no

[temporary store]
tempdir = ./tmp
"""


def test_hcplogs(tmp_path: pathlib.Path) -> None:
    """The access logs of the nodes arrive on disk and, the same, in the namespace."""
    (tmp_path / "c.ini").write_text(LOGS)
    (tmp_path / "tmp").mkdir()
    paths = [f"/rest/d/{number}" for number in range(8)]
    result = run(
        tmp_path,
        ["hcplogs", "-i", "c.ini"],
        before=[put(f"{N1}{path}", "data") for path in paths],
        after=[get(f"{N1}/rest/accesslogs/hcp")],
    )
    assert result.codes == [0], result.printed
    assert "ERROR" not in result.printed, result.printed
    logs = {
        str(path.relative_to(tmp_path / "out" / "hcp")): path.read_text()
        for path in (tmp_path / "out" / "hcp").rglob("*.log.0")
    }
    kinds = {name.split("/")[2] for name in logs}
    assert kinds == {"http_gateway_request", "mapi_gateway_request"}
    requests = "".join(text for name, text in logs.items() if "/http_gateway_request/" in name)
    stored = [line.split('"')[1].split()[1] for line in requests.splitlines()]
    assert sorted(path for path in stored if path.startswith("/rest/d/")) == paths
    management = "".join(text for name, text in logs.items() if "/mapi_gateway_request/" in name)
    assert "POST /mapi/logs?mark=HCPLOGS" in management
    nodes = {name.split("/")[0] for name in logs}
    listed = ElementTree.fromstring(result.responses[0]["body"].encode("latin-1"))
    assert {entry.get("urlName") for entry in listed} == nodes
    assert "last collected = 20" in (tmp_path / "c.ini").read_text()


# hcpcbc


def configuration(present: dict[str, Any]) -> dict[str, Any]:
    """The program's own template of a configuration, for the emulated HCP."""
    (target, *_) = present["1 targets"]
    target |= {"1 fqdn": DOMAIN, "2 user": "service", "3 password": "service01", "4 folder": "hcp1"}
    present["1 targets"] = [target]
    present["4 charts"]["1 enable"] = False
    return present


def test_hcpcbc(tmp_path: pathlib.Path) -> None:
    """The reports on disk say what was done, per namespace and for the tenant."""
    python = pathlib.Path(os.environ[VARIABLE]) / "bin" / "python"
    code = "import json; from cbc.template import template; print(json.dumps(template))"
    template = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    settings = configuration(json.loads(template.stdout))
    (tmp_path / "c.json").write_text(json.dumps(settings))
    result = run(
        tmp_path,
        ["hcpcbc", "-i", "c.json"],
        before=[
            put(f"{N1}/rest/a", "12345"),
            put(f"n2.m.{DOMAIN}/rest/a", "123"),
            get(f"{N1}/rest/a"),
        ],
    )
    assert result.codes == [0], result.printed
    folder = tmp_path / "_hcpcbc.dir" / "hcp1" / "m"
    assert {path.name for path in folder.iterdir()} == {"__raw", "__tenant", "n1", "n2"}
    expected = {"n1": (1, 5, 5, 1, 1), "n2": (1, 3, 0, 0, 1), "__tenant": (2, 8, 5, 1, 2)}
    names = ("objectCount", "bytesIn", "bytesOut", "reads", "writes")
    for name, figures in expected.items():
        for granularity in ("hour", "day", "total"):
            (path,) = (folder / name / granularity).iterdir()
            # In a run over the end of an hour there are two intervals.
            found = rows(path)
            sums = tuple(sum(int(row[key]) for row in found) for key in names[1:])
            assert (int(found[-1]["objectCount"]), *sums) == figures, path
    after = json.loads((tmp_path / "c.json").read_text())
    tenants = after["1 targets"][0]["9 tenants"]
    assert list(tenants) == ["m"]
    assert tenants["m"]["1 adminAllowed"] is True
