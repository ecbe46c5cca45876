"""The benchmark itself: its arithmetic, and that it runs at all."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

import hcpsdk

from . import __main__ as command
from . import counts, jobs, report
from .clients import BASE, CLIENTS, CREDENTIALS, MIB, installed
from .measure import Cost, ready, spread
from .server import HCP_HEADERS, LARGE, Site, respond, running
from .works import ALL_WORKS, FIGURES, by_name

ONE_OF_A_KIND = (
    *("small-http-hcp", "small-https-few", "put-https", "get-http-64k", "connect-https"),
    *("look-http", "target-https"),
)
SHORT = [
    *("--short", "--peers", "hcpsdk", "socket", "--only"),
    *("small-http-hcp", "put-http", "get-https-1m", "connect-http", "turns-10", "threads-[2is]*"),
    *("processes-2"),
]

every_client = pytest.mark.parametrize("name", installed())


@pytest.fixture
def results() -> report.Results:
    """One work and two figures; the slow round was slow for both clients."""
    costs = {
        "small-http-hcp": {
            BASE: [Cost(1.0, 2.0, 0), Cost(10.0, 20.0, 0), Cost(1.0, 2.0, 4096)],
            "hcpsdk": [Cost(0.5, 2.0, 0), Cost(4.0, 10.0, 2 * MIB), Cost(0.3, 1.0, 0)],
        }
    }
    figures = {"instructions-few": {BASE: 400.0, "hcpsdk": 100.0}, "calls": {"hcpsdk": 4.3}}
    return report.Results({"server": "nginx"}, costs, figures)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running(2 * MIB, with_nginx=False) as site:
        yield site


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other certificates than that of the server."""
    for name in command.MISLEADING:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0], (3.0, 3.0, 3.0)),
        ([1.0, 3.0], (1.5, 2.0, 2.5)),
        ([5.0, 1.0, 4.0, 2.0, 3.0], (2.0, 3.0, 4.0)),
    ],
)
def test_quartiles(values: list[float], expected: tuple[float, ...]) -> None:
    """They lie within what was measured, however few values there are."""
    assert spread(values) == expected


def test_ratios(results: report.Results) -> None:
    """A ratio is made of two costs of the same round, so a slow round does no harm."""
    work = by_name("small-http-hcp")
    figures = {figure.name: results.figure(figure, "hcpsdk") for figure in FIGURES}

    assert results.ratio(work, "hcpsdk") == pytest.approx((0.35, 0.4, 0.45))
    assert results.ratio(work, "hcpsdk", "wall") == pytest.approx((0.5, 0.5, 0.75))
    assert results.ratio(work, "pycurl") is None
    assert (figures["instructions-few"], figures["calls"], figures["memory"]) == (0.25, 4.3, 2.0)
    assert figures["import-used"] is None


def test_goals(results: report.Results) -> None:
    """A goal that is missed is marked, and one that is met as printed is met."""
    lines = {line.split("  ")[0]: line for line in report.goals(results).splitlines()}

    assert lines["small objects, http, 39 headers"].endswith("0.40 (0.35-0.45)  0.38  MISSED")
    assert lines["instructions per request, few headers"].endswith("0.28     yes")
    assert (report.met(0.384, 0.38), report.met(0.386, 0.38)) == ("yes", "MISSED")


def test_docs(results: report.Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures of the page are replaced, and the rest stays; the picture has the bars."""
    page = tmp_path / "performance.rst"
    page.write_text(f"Before\n\n{command.MARKS[0]}old\n{command.MARKS[1]}\nAfter\n")
    monkeypatch.setattr(command, "PAGE", page)
    monkeypatch.setattr(command, "PICTURE", tmp_path / "picture.svg")
    text = "\n".join(text for _title, text in report.sections(results)) + "\n"

    for _ in range(2):
        command.write_docs(text, report.picture(results))

    expected = f"Before\n\n{command.MARKS[0]}{text}{command.MARKS[1]}\nAfter\n"
    assert page.read_text() == expected
    assert "0.40 (0.35-0.45)" in text
    root = ElementTree.fromstring((tmp_path / "picture.svg").read_text())
    texts = {element.text for element in root.iter()}
    assert {"hcpsdk", "0.40", "the original *", "1.54"} <= texts


def test_limits() -> None:
    """A Python with figures is held to them, another one to the highest of all."""
    recorded = {
        "3.11": {"instructions-few": 0.2, "instructions-hcp": 0.1},
        "3.12": {"instructions-few": 0.1, "instructions-hcp": 0.2},
    }
    known = {"instructions-few": 0.22, "instructions-hcp": 0.11}

    assert counts.limits(recorded, "3.11") == pytest.approx(known)
    assert counts.limits(recorded, "3.99") == pytest.approx(dict.fromkeys(known, 0.25))


def test_names() -> None:
    """Works have a name each, and those in the picture exist."""
    names = [work.name for work in ALL_WORKS]

    assert len(set(names)) == len(names)
    assert set(report.PICTURED) <= set(names)


def test_responses() -> None:
    """Our own server sends as many headers as nginx does, and as HCP."""
    few, size = respond("HEAD", "/few/small", MIB)
    hcp, _ = respond("HEAD", "/hcp/small", MIB)

    assert size == 0
    assert few.count(b"\r\n") - 2 == 8
    assert hcp.count(b"\r\n") - 2 == 8 + len(HCP_HEADERS) == 39
    assert respond("GET", f"/few/{LARGE}", MIB)[1] == MIB


@pytest.mark.parametrize("kind", ONE_OF_A_KIND)
@every_client
def test_client(name: str, kind: str, site: Site) -> None:
    """Each does all kinds of work."""
    work = by_name(kind)

    with ready(name, work, site.place(work.tls), str(site.file)) as batch:
        batch(2)


@every_client
def test_download(name: str, site: Site) -> None:
    """All that the server sends is read."""
    client = CLIENTS[name](CLIENTS[name].shared(site.place(tls=False)))

    try:
        assert client.download(f"/few/{LARGE}", 65536) == 2 * MIB
    finally:
        client.close()


def test_credentials() -> None:
    """All send what our client sends."""
    assert hcpsdk.NativeAuthorization("n", "n01").headers == CREDENTIALS


def test_short_form() -> None:
    """It measures each kind of work, and prints tables."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", *SHORT],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert any(line[:5] == ["small", "objects,", "http,", "39", "headers"] for line in lines)
    assert ["threads", "started", "per", "request"] in [line[:4] for line in lines]


def test_jobs(capsys: pytest.CaptureFixture[str]) -> None:
    """Files are stored, listings are read, and each way is compared with the first."""
    ways = ["bare PUTs", "bulk.store", "bulk.store with a journal", "bare expat", "listing.listdir"]
    try:
        jobs.main(["--rounds", "1", "--files", "20", "--entries", "50", "--ways", *ways])
    except SystemExit as exc:
        pytest.skip(str(exc))

    lines = capsys.readouterr().out.splitlines()
    assert [way for way in ways if any(line.startswith(f"{way}  ") for line in lines)] == ways
    assert sum("  1.00 (1.00-1.00)  1.00 (1.00-1.00)  " in line for line in lines) == 2
