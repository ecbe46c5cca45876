"""The benchmark itself: its arithmetic, and that it runs at all."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from . import __main__ as command
from . import gate, picture, tables
from .peers import BASE, NAMES, load
from .peers._common import CREDENTIALS
from .replies import HCP_HEADERS, LARGE, canned
from .results import Results, Spread, spread
from .server import running
from .worker import Cost, ready
from .works import ALL_WORKS, FIGURES, MIB, WORKS, by_name

ROOT = Path(__file__).parents[2]
ONE_OF_A_KIND = ("small-http-hcp", "small-https-few", "put-https", "get-http-64k", "connect-https")

SHORT = [
    *("--short", "--canned", "--peers", "ours", "raw", "--only"),
    *("small-http-*", "put-http", "get-https-1m", "connect-http", "turns-10", "threads-[2is]*"),
    *("processes-2", "import-cpu"),
]


@pytest.fixture
def results():
    """One work and two figures; the round that was slow was so for both."""
    costs = {
        "small-http-hcp": {
            BASE: [Cost(1.0, 2.0, 0), Cost(10.0, 20.0, 0), Cost(1.0, 2.0, 4096)],
            "ours": [Cost(0.5, 2.0, 0), Cost(4.0, 10.0, 2 * MIB), Cost(0.3, 1.0, 0)],
        }
    }
    figures = {"instructions-few": {BASE: 400.0, "ours": 100.0}, "calls": {"ours": 4.3}}
    return Results({"server": "canned"}, costs, figures)


@pytest.fixture(scope="module")
def site():
    with running(2 * MIB, nginx=False) as site:
        yield site


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """No other certificates than those that the peers are told."""
    for name in command.MISLEADING:
        monkeypatch.delenv(name, raising=False)


# Arithmetic


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0], (3.0, 3.0, 3.0)),
        ([1.0, 3.0], (1.5, 2.0, 2.5)),
        ([5.0, 1.0, 4.0, 2.0, 3.0], (2.0, 3.0, 4.0)),
    ],
)
def test_quartiles(values, expected):
    """They lie within what was measured, however few values there are."""
    assert spread(values) == Spread(*expected)


def test_ratios(results):
    """A ratio is made of two costs of the same round, so a slow round does no harm."""
    work = by_name("small-http-hcp")

    assert results.cpu(work, "ours") == pytest.approx((0.35, 0.4, 0.45))
    assert results.wall(work, "ours") == pytest.approx((0.5, 0.5, 0.75))
    assert results.memory(work, "ours") == 2 * MIB
    assert results.cpu(work, "pycurl") is None


def test_figures(results):
    """Some are ratios, others are what they are."""
    by_title = {figure.name: results.figure(figure, "ours") for figure in FIGURES}

    assert by_title["instructions-few"] == 0.25
    assert by_title["calls"] == 4.3
    assert by_title["memory"] == 2.0
    assert by_title["import-cpu"] is None


def test_file(results, tmp_path):
    """What is kept in a file comes back the same."""
    results.save(tmp_path / "results.json")

    assert Results.load(tmp_path / "results.json") == results


def test_goals(results):
    """A goal that is missed is marked, and one that is met as printed is met."""
    lines = {line.split("  ")[0]: line for line in tables.goals(results).splitlines()}

    assert lines["small objects, http, 39 headers"].endswith("0.40 (0.35-0.45)  0.38  MISSED")
    assert lines["instructions per request, few headers"].endswith("0.28     yes")
    assert (tables.met(0.384, 0.38), tables.met(0.386, 0.38)) == ("yes", "MISSED")


def test_table():
    """Columns are as wide as their widest cell."""
    assert tables.table(["a", "bb"], [["ccc", "1"], ["d", "100"]]) == (
        "===  ===\na     bb\n===  ===\nccc    1\nd    100\n===  ===\n"
    )


def test_picture(results):
    """It is XML, has the bars, and tells what it shows."""
    root = ElementTree.fromstring(picture.svg(results))
    texts = [element.text for element in root.iter() if element.text]

    assert "CPU time of HTTP clients, http.client = 1" in texts
    assert {"hcpsdk", "0.40", "the original *", "1.54"} <= set(texts)


def test_limits():
    """A Python with figures of its own is held to them, another one to the loosest of all."""
    recorded = {
        "3.11": {"instructions-few": 0.2, "instructions-hcp": 0.1},
        "3.12": {"instructions-few": 0.1, "instructions-hcp": 0.2},
    }

    assert gate.limits(recorded, "3.11") == pytest.approx(
        {"instructions-few": 0.22, "instructions-hcp": 0.11}
    )
    assert gate.limits(recorded, "3.99") == pytest.approx(
        {"instructions-few": 0.25, "instructions-hcp": 0.25}
    )


def test_names():
    """Works have a name each, and those that are drawn exist."""
    names = [work.name for work in ALL_WORKS]

    assert len(set(names)) == len(names)
    assert set(picture.PICTURED) <= set(names)


def test_replies():
    """Our own server sends as many headers as nginx does, and as a HCP."""
    few, size = canned("HEAD", "/few/small", MIB)
    hcp, _ = canned("HEAD", "/hcp/small", MIB)

    assert size == 0
    assert few.count(b"\r\n") - 2 == 8
    assert hcp.count(b"\r\n") - 2 == 8 + len(HCP_HEADERS) == 39
    assert canned("GET", f"/few/{LARGE}", MIB)[1] == MIB


# Peers


@pytest.mark.parametrize("kind", ONE_OF_A_KIND)
@pytest.mark.parametrize("name", NAMES)
def test_peer(name, kind, site):
    """Each does all that it is asked for."""
    if name not in (BASE, "ours", "raw"):
        pytest.importorskip(name)
    work = by_name(kind)

    with ready(load(name), work, site.place(work.tls), str(site.file)) as batch:
        batch(2)


@pytest.mark.parametrize("name", NAMES)
def test_download(name, site):
    """All that the server sends is read."""
    if name not in (BASE, "ours", "raw"):
        pytest.importorskip(name)
    peer = load(name)
    client = peer.Client(peer.shared(site.place(tls=False)))

    try:
        assert client.download(f"/few/{LARGE}", 65536) == 2 * MIB
    finally:
        client.close()


def test_credentials():
    """The peers send what our client sends."""
    import hcpsdk

    assert hcpsdk.NativeAuthorization("n", "n01").headers == CREDENTIALS


# The command


def test_short_form(tmp_path):
    """It measures each kind of work, and leaves tables, a picture, and a file behind."""
    kept, drawn = tmp_path / "results.json", tmp_path / "picture.svg"
    options = [*SHORT, "--json", str(kept), "--picture", str(drawn)]

    done = _run(*options)

    assert done.returncode == 0, done.stderr
    found = Results.load(kept)
    assert {work.kind for work in WORKS if work.name in found.costs} == {
        work.kind for work in ALL_WORKS
    }
    assert found.figures["threads-started"]["ours"] == 0
    assert found.figures["threads-idle"]["ours"] == 1
    assert "small objects, http, 39 headers" in done.stdout
    assert drawn.read_text().startswith("<svg")


def test_load(results, tmp_path, capsys):
    """Tables can be made again from a file."""
    results.save(tmp_path / "results.json")

    assert command.main(["--load", str(tmp_path / "results.json")]) == 0
    assert "0.40 (0.35-0.45)" in capsys.readouterr().out


def test_docs(results, tmp_path, monkeypatch):
    """What stands around the figures stays as it is, however often they are made."""
    page = tmp_path / "performance.rst"
    page.write_text(f"Before\n\n{command.MARKS[0]}old\n{command.MARKS[1]}\nAfter\n")
    monkeypatch.setattr(command, "PAGE", page)
    monkeypatch.setattr(command, "PICTURE", tmp_path / "picture.svg")
    results.save(tmp_path / "results.json")

    for _ in range(2):
        command.main(["--docs", "--load", str(tmp_path / "results.json")])

    text = page.read_text()
    assert text.startswith("Before\n\n" + command.MARKS[0])
    assert text.endswith(command.MARKS[1] + "\nAfter\n")
    assert "old" not in text
    assert text.count("0.40 (0.35-0.45)") == 2


def _run(*options):
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    return subprocess.run(
        [sys.executable, "-m", "tests.bench", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
