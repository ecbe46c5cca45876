"""ingest.py, fetch.py and tree.py, run as a user runs them: output, exit codes, `--json`."""

import json
from pathlib import Path

import pytest

from ..support.samples import SAMPLES, run, run_alone


def script(folder: Path, *lines: str) -> Path:
    """A script that uses the samples one after the other, so that one finds what the other did."""
    path = folder / "script.py"
    head = ["import sys", f"sys.path.insert(0, {str(SAMPLES)!r})", "import fetch, ingest, tree"]
    path.write_text("\n".join([*head, *lines]), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with odd names in it."""
    folder = tmp_path / "data"
    for name in ("a.txt", "sub/b%20c", "sub/deeper/ü", "sub/\udcff"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode("utf-8", "surrogateescape") * 1000)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_round_trip(tmp_path: Path) -> None:
    """All three in one run; what comes back is what went."""
    done = run(SAMPLES / "round_trip.py", folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["$ ingest.py", "files: 2 stored; 131,740 bytes"]
    assert "    ├── 128kbfile  131,072" in lines
    assert lines[-2:] == ["files: 2 fetched; 131,740 bytes", "both folders are equal"]


def test_odd_names(tmp_path: Path, files: Path) -> None:
    """Names survive the way there and back, and do no harm to the terminal."""
    done = run(
        script(
            tmp_path,
            "assert ingest.main(['data', '--prefix', '/rest/x']) == 0",
            "assert tree.main(['/rest/x']) == 0",
            "assert fetch.main(['/rest/x', 'new']) == 0",
        ),
        folder=tmp_path,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert content(tmp_path / "new") == content(files)
    assert "\\udcff" in done.stdout


def test_json(tmp_path: Path, files: Path) -> None:
    """`--json` is for programs."""
    done = run(
        script(
            tmp_path,
            "ingest.main(['data', '--prefix', '/rest/x', '--json'])",
            "print('--')",
            "tree.main(['/rest/x', '--json'])",
            "print('--')",
            "fetch.main(['/rest/x', 'new', '--json'])",
        ),
        folder=tmp_path,
    )

    assert (done.returncode, done.stderr) == (0, "")
    report, entries, fetched = done.stdout.split("--\n")
    found = json.loads(report)
    assert found["files"] == {"stored": 4}
    assert sum(node["files"] for node in found["nodes"].values()) == 4
    assert all(node["p50"] <= node["p99"] for node in found["nodes"].values())
    kinds = [json.loads(line)["kind"] for line in entries.splitlines()]
    assert sorted(kinds) == ["directory"] * 2 + ["object"] * 4
    size = sum(map(len, content(files).values()))
    assert json.loads(fetched) == {"files": {"fetched": 4}, "bytes": size, "failed": {}}


def test_ingest_again(tmp_path: Path, files: Path) -> None:
    """With a journal nothing is stored twice, and what failed is repeated."""
    done = run(
        script(
            tmp_path,
            "import hcpsdk",
            "auth = hcpsdk.NativeAuthorization('n', 'n01')",
            "target = hcpsdk.Target('n1.m.hcp1.snomis.local', auth)",
            "with hcpsdk.Connection(target) as connection:",
            "    connection.PUT('/rest/ingest/a.txt', 'something else')",
            "    print(ingest.main(['data', '--journal', 'journal']))",
            "    connection.DELETE('/rest/ingest/a.txt')",
            "    print(ingest.main(['data', '--journal', 'journal']))",
        ),
        folder=tmp_path,
    )

    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if line.startswith(("files", "0", "1"))]
    assert lines[0].startswith("files: 1 failed, 3 stored; ")
    assert lines[1] == "1"
    assert lines[2].startswith("files: 4 stored; ")
    assert lines[3] == "0"
    assert done.stderr.startswith("data/a.txt: /rest/ingest/a.txt: the object has another content")


def test_ingest_with_a_plot(tmp_path: Path, files: Path) -> None:
    """`--plot` draws the run."""
    pytest.importorskip("matplotlib", reason="NOT TESTED: matplotlib is not installed")
    done = run(SAMPLES / "ingest.py", files, "--plot", "plot.svg", folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "plot.svg").read_text(encoding="utf-8").rstrip().endswith("</svg>")


def test_ingest_of_a_folder_that_cannot_be_read(tmp_path: Path, files: Path) -> None:
    """It is not left out silently."""
    done = run(
        script(
            tmp_path,
            "import os",
            "real = os.scandir",
            "def scandir(path):",
            "    if str(path).endswith('deeper'):",
            "        raise PermissionError(13, 'Permission denied', path)",
            "    return real(path)",
            "os.scandir = scandir",
            "ingest.main(['data'])",
        ),
        folder=tmp_path,
    )

    assert done.returncode == 1
    assert done.stderr == "ingest failed - [Errno 13] Permission denied: 'data/sub/deeper'\n"


def test_tree_of_any_depth(tmp_path: Path) -> None:
    """More directories than Python nests calls by default, on a terminal that shows ASCII only."""
    done = run(
        script(
            tmp_path,
            "import hcpsdk",
            "auth = hcpsdk.NativeAuthorization('n', 'n01')",
            "target = hcpsdk.Target('n1.m.hcp1.snomis.local', auth)",
            "with hcpsdk.Connection(target) as connection:",
            "    connection.PUT('/rest/' + 'd/' * 1100 + 'last', b'')",
            "sys.stdout.reconfigure(encoding='ascii')",
            "assert tree.main([]) == 0",
        ),
        folder=tmp_path,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].endswith("last  0")
    assert len(done.stdout.splitlines()) == 1102


def test_ingest_with_a_plot_that_fails(tmp_path: Path, files: Path) -> None:
    """The files are stored; what is wrong is one line."""
    pytest.importorskip("matplotlib", reason="NOT TESTED: matplotlib is not installed")
    for name, why in (("nowhere/x.svg", "No such file"), ("x.unknown", "not supported")):
        done = run(SAMPLES / "ingest.py", files, "--plot", name, folder=tmp_path)

        assert (done.returncode, done.stdout.partition(";")[0]) == (1, "files: 4 stored")
        assert done.stderr.startswith(f"no plot in {name} - ") and why in done.stderr
        assert "Traceback" not in done.stderr


def test_fetch_of_one_object(tmp_path: Path, files: Path) -> None:
    """An object is fetched under its own name."""
    done = run(
        script(
            tmp_path,
            "ingest.main(['data'])",
            "assert fetch.main(['/rest/ingest/sub/b%20c', 'new']) == 0",
        ),
        folder=tmp_path,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert content(tmp_path / "new") == {"b%20c": (files / "sub" / "b%20c").read_bytes()}


@pytest.mark.parametrize("name", ["round_trip", "replication_links", "unique_names"])
def test_help_of_short_samples(tmp_path: Path, name: str) -> None:
    """`--help` prints the usage and does nothing else: it needs no HCP."""
    done = run_alone(SAMPLES / f"{name}.py", "--help", folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {name}.py [-h]")


@pytest.mark.parametrize(
    "name", ["ingest", "fetch", "tree", "capacity", "chargeback_report", "collect_logs"]
)
def test_help(tmp_path: Path, name: str) -> None:
    """`--help` lists the options; it needs no HCP."""
    done = run_alone(SAMPLES / f"{name}.py", "--help", folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "--json" in done.stdout and "HCP_PASSWORD" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["ingest.py", "nowhere"], 2, "nowhere is not a directory"),
        (["ingest.py", ".", "--workers", "0"], 2, "--workers must be 1 or more"),
        (["ingest.py", ".", "--ca-file", "nowhere.pem"], 1, "failure on nowhere.pem"),
        (["ingest.py", ".", "--prefix", "/x"], 2, "not a URL below /rest: '/x'"),
        (["ingest.py", ".", "--prefix", "/rest/\udcff"], 2, "not UTF-8: '/rest/\\udcff'"),
        (["ingest.py", ".", "--port", "99999"], 1, "invalid --fqdn or --port"),
        (["fetch.py", "nowhere", "."], 2, "not a URL below /rest: 'nowhere'"),
        (["fetch.py", "/rest", __file__], 2, "is not a directory"),
        (["fetch.py", "/rest/nowhere", "."], 1, "/rest/nowhere: 404 - Not Found"),
        (["tree.py", "/restx"], 2, "not a URL below /rest: '/restx'"),
        (["tree.py", "--depth", "0"], 2, "--depth must be 1 or more"),
        (["tree.py", "--fqdn", "https://x"], 1, "invalid --fqdn or --port"),
        (["tree.py", "/rest/nowhere"], 1, "/rest/nowhere: 404 - Not Found"),
        (["tree.py", "--fqdn", "127.0.0.1", "--port", "1"], 1, "/rest: GET /rest failed"),
    ],
)
def test_failures(tmp_path: Path, arguments: list[str], status: int, message: str) -> None:
    """What goes wrong is one line, and a status that is not 0."""
    done = run(SAMPLES / arguments[0], *arguments[1:], folder=tmp_path)

    assert done.returncode == status
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
