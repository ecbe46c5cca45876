"""capacity.py, chargeback_report.py and collect_logs.py, run as a user runs them."""

import json
import signal
import subprocess
import zipfile
from datetime import date
from pathlib import Path

import pytest

from ..support.samples import SAMPLES, command, run

# Beginnings of scripts that use the samples one after the other, in one run of the emulated HCP.
HEAD = f"""\
import sys
sys.path.insert(0, {str(SAMPLES)!r})
import capacity, chargeback_report, collect_logs, hcpsdk
system = hcpsdk.Target(
    "admin.hcp1.snomis.local", hcpsdk.NativeAuthorization("service", "service01"), port=9090)
target = hcpsdk.Target("n1.m.hcp1.snomis.local", hcpsdk.NativeAuthorization("n", "n01"))
with hcpsdk.Connection(target) as connection:
    connection.PUT("/rest/a", b"x" * 3000)
    connection.raise_for_status(201)
    connection.GET("/rest/a")
    connection.read()
"""


def script(folder: Path, text: str) -> Path:
    path = folder / "script.py"
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def test_capacity(tmp_path: Path) -> None:
    """Objects and bytes of tenants and namespaces, and what that is of their quotas."""
    done = run(script(tmp_path, "sys.exit(capacity.main([]))"), folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    found = [line.split() for line in done.stdout.splitlines()]
    assert found[1:5] == [
        ["Default", "0", "0", "-", "-"],
        ["m", "1", "3,000", "214,748,364,800", "0.0", "%"],
        ["m/n1", "1", "3,000", "53,687,091,200", "0.0", "%"],
        ["m/n2", "0", "0", "53,687,091,200", "0.0", "%"],
    ]
    assert done.stdout.endswith("4 disks; the fullest one is used by 0.0 %\n")


def test_capacity_that_is_used_up(tmp_path: Path) -> None:
    """Status 3, and a word beside the namespace that has reached its soft quota."""
    text = """
with hcpsdk.mapi.Resource(system, "/mapi/tenants/m/namespaces/n1") as n1:
    n1.update(hardQuota="1 GB", softQuota=10)
with hcpsdk.Connection(target) as connection:
    connection.PUT("/rest/b", bytes(110 * 1024 * 1024))
    connection.raise_for_status(201)
sys.exit(capacity.main([]))
"""
    done = run(script(tmp_path, text), folder=tmp_path)

    assert (done.returncode, done.stderr) == (3, "")
    assert [line.split()[0] for line in done.stdout.splitlines() if "FULL" in line] == ["m/n1"]


def test_capacity_of_disks(tmp_path: Path) -> None:
    """Status 3 if a disk has reached the limit."""
    arguments = ["capacity.main(['--disk-limit', '0'])", "capacity.main(['--disk-limit', '1'])"]
    done = run(script(tmp_path, f"print({', '.join(arguments)})"), folder=tmp_path)

    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "3 0")


def test_capacity_of_tenants_that_are_closed(tmp_path: Path) -> None:
    """Namespaces that the user may not see are left out; that is no failure."""
    text = """
with hcpsdk.mapi.Resource(system, "/mapi/tenants/m") as tenant:
    tenant.update(administrationAllowed=False)
sys.exit(capacity.main(["--json"]))
"""
    done = run(script(tmp_path, text), folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)["tenants"]
    assert [(each["name"], each["bytes"]) for each in found] == [("Default", 0), ("m", 3000)]


def test_chargeback(tmp_path: Path) -> None:
    """A table for each tenant: its namespaces, and their sum."""
    done = run(script(tmp_path, "sys.exit(chargeback_report.main([]))"), folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "m:"
    # from, namespace, objects, bytes stored, in, out, reads, writes, deletes
    assert [line.split()[1:] for line in lines[2:]] == [
        ["n1", "1", "3,000", "3,000", "3,000", "1", "1", "0"],
        ["n2", "0", "0", "0", "0", "0", "0", "0"],
        ["(all)", "1", "3,000", "3,000", "3,000", "1", "1", "0"],
    ]


def test_chargeback_json(tmp_path: Path) -> None:
    """All records and failures for programs; one tenant that fails does not hide the others."""
    text = """
sys.exit(chargeback_report.main(["--json", "--tenant", "nowhere", "--tenant", "m"]))
"""
    done = run(script(tmp_path, text), folder=tmp_path)

    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert [each["namespace"] for each in found["records"]] == ["n1", "n2", None]
    assert found["records"][0]["bytesIn"] == 3000
    assert list(found["failed"]) == ["nowhere"]
    assert found["failed"]["nowhere"].startswith("404 ")
    assert done.stderr.startswith("nowhere: 404 ")


def test_chargeback_plot(tmp_path: Path) -> None:
    """`--plot` draws the sums of the tenants over time."""
    pytest.importorskip("matplotlib", reason="NOT TESTED: matplotlib is not installed")
    arguments = ("--granularity", "day", "--plot", "plot.svg")
    done = run(SAMPLES / "chargeback_report.py", *arguments, folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "plot.svg").read_text(encoding="utf-8").rstrip().endswith("</svg>")


def test_collect_logs(tmp_path: Path) -> None:
    """The archive has HCP's name and is complete; HCP does not keep it."""
    text = """
status = collect_logs.main(["--kind", "ACCESS", "--wait", "0"])
with hcpsdk.mapi.Logs(system) as logs:
    print(logs.status()["started"])
sys.exit(status)
"""
    done = run(script(tmp_path, text), folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    (path,) = tmp_path.glob("*.zip")
    size = path.stat().st_size
    assert done.stdout == f"{path.name}: {size:,} bytes\nFalse\n"
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0].endswith("/manifest.csv")
        assert len(archive.namelist()) == 1 + 4


def test_collect_logs_json(tmp_path: Path) -> None:
    done = run(SAMPLES / "collect_logs.py", "--json", "--wait", "0", folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    (path,) = tmp_path.iterdir()
    assert json.loads(done.stdout) == {"file": path.name, "bytes": path.stat().st_size}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_collect_logs_interrupted(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """In the middle of the download: no half archive is left, and HCP's package is gone."""
    text = f"""
import pathlib, runpy, signal, time
import hcp_options
from hcpsdk.mapi import Logs
cancel = Logs.cancel
def reporting_cancel(logs):
    done = cancel(logs)
    print("cancelled", logs.status()["started"], flush=True)
    return done
def pause(progress, done, total=None):
    print([path.name[:14] for path in pathlib.Path().iterdir()], flush=True)
    while True:  # a single longer call could miss a signal that comes just before it
        time.sleep(0.05)
Logs.cancel, hcp_options.Progress.__call__ = reporting_cancel, pause
sys.argv = ["collect_logs.py", "--wait", "0"]
runpy.run_path({str(SAMPLES / "collect_logs.py")!r}, run_name="__main__")
"""
    program = script(tmp_path, text)
    empty = tmp_path / "empty"
    empty.mkdir()
    with subprocess.Popen(
        command(program), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=empty
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "['.collect_logs-']\n"
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()

    assert (process.returncode, out, err) == (code, "cancelled False\n", "")
    assert list(empty.iterdir()) == []


def test_collect_logs_while_others_do(tmp_path: Path) -> None:
    """What somebody else has HCP pack is left alone."""
    text = """
with hcpsdk.mapi.Logs(system) as logs:
    logs.prepare()
    try:
        collect_logs.main([])
    except SystemExit as end:
        print(end.code)
    print(logs.status()["started"])
"""
    done = run(script(tmp_path, text), folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    message, started = done.stdout.splitlines()
    assert message.startswith("admin.hcp1.snomis.local is busy with logs already - 400 ")
    assert started == "True"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["capacity.py", "--user", "nobody"], 1, "no capacity of admin.hcp1.snomis.local - 403 "),
        (["chargeback_report.py", "--days", "181"], 2, "--days must be from 1 to 180"),
        (["chargeback_report.py", "--plot", "x.svg"], 2, "--plot needs --granularity day or hour"),
        (["chargeback_report.py", "--user", "nobody"], 1, "no report on admin.hcp1."),
        (["collect_logs.py", "--folder", "nowhere"], 2, "nowhere is no folder"),
        (["collect_logs.py", "--start", "2024-13-01"], 2, "invalid fromisoformat value"),
        (["collect_logs.py", "--start", f"{date.max}"], 2, "--start is after the last day"),
        (["collect_logs.py", "--node", "1"], 1, "no logs of admin.hcp1.snomis.local - 400 "),
        (["collect_logs.py", "--port", "443"], 1, "no logs of admin.hcp1.snomis.local - "),
    ],
)
def test_failures(tmp_path: Path, arguments: list[str], status: int, message: str) -> None:
    """What goes wrong is one line, and a status that is not 0; no file is left."""
    wait = ["--wait", "0"] if arguments[0] == "collect_logs.py" else []
    done = run(SAMPLES / arguments[0], *arguments[1:], *wait, folder=tmp_path)

    assert done.returncode == status
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
