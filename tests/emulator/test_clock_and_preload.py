"""What tests prepare: the time of an HCP, and its objects."""

from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from hcpsdk.testing import HCP, Answer, Namespace, link

from .conftest import Http, Site


def test_retention_ends(hcp: HCP, http: Http) -> None:
    """An object can be deleted when the clock was moved past its retention, and not before."""
    assert http("PUT", "/rest/a?retention=A%2B10y", b"abc").status == 201
    hcp.clock.advance(timedelta(days=9 * 365))
    assert http("DELETE", "/rest/a").status == 403
    hcp.clock.advance(timedelta(days=2 * 365))
    assert http("DELETE", "/rest/a").status == 200


def test_clock_of_new_objects(hcp: HCP, http: Http) -> None:
    """New objects, offsets and Date headers follow the clock; so do responses of faults."""
    before = hcp.clock.now()
    hcp.clock.advance(timedelta(days=1000))
    put = http("PUT", "/rest/a?retention=A%2B1d", b"abc")
    head = http("HEAD", "/rest/a")
    hcp.add_fault(Answer(503))
    dates = [parsedate_to_datetime(answer["Date"]) for answer in (put, head, http("GET", "/rest"))]
    ingested = datetime.fromtimestamp(int(head["X-HCP-IngestTime"]), timezone.utc)
    for each in (*dates, ingested):
        assert timedelta(days=999) < each - before < timedelta(days=1001)
    kept = datetime.fromtimestamp(int(head["X-HCP-Retention"]), timezone.utc)
    assert kept - ingested == timedelta(days=1)


def test_clock_is_reset(hcp: HCP) -> None:
    """`reset()` and a new start return to real time; it moves forward only."""
    hcp.clock.advance(1e7)
    assert hcp.clock.now() > datetime.now(timezone.utc) + timedelta(seconds=9e6)
    assert hcp.clock.time() == pytest.approx(hcp.clock.now().timestamp(), abs=1e6)
    hcp.reset()
    assert hcp.clock.now() < datetime.now(timezone.utc) + timedelta(seconds=1e6)
    with pytest.raises(ValueError, match="forward only"):
        hcp.clock.advance(-1)
    other = HCP("other.example.com", nodes=1)
    other.clock.advance(1e7)
    with other:
        assert other.clock.now() < datetime.now(timezone.utc) + timedelta(seconds=1e6)


def test_preload(hcp: HCP, http: Http, tmp_path: Path) -> None:
    """Objects are there as if a client had stored them, and no request came."""
    (tmp_path / "file").write_bytes(b"\0" * 3_000_000)
    hcp.preload({"/rest/to alice/ü%41": "Dear Alice", "/rest/b": b"\xff"})
    hcp.preload({"/rest/large": tmp_path / "file"}, retention="A+1d")
    hcp.preload({"/rest/held": b""}, hold=True)
    assert hcp.requests == []

    found = http("GET", "/rest/to%20alice/%C3%BC%2541")
    assert (found.status, found.body) == (200, b"Dear Alice")
    assert (found["X-HCP-Owner"], found["X-HCP-Hash"][:8]) == ("n", "SHA-256 ")
    assert http("GET", "/rest/b").body == b"\xff"
    assert http("HEAD", "/rest/large")["Content-Length"] == "3000000"
    assert http("DELETE", "/rest/large").status == http("DELETE", "/rest/held").status == 403
    hcp.reset()
    assert http("GET", "/rest/b").status == 404


def test_preload_of_other_namespaces(hcp: HCP) -> None:
    """The namespace can be chosen."""
    hcp.preload({"/rest/a": "abc"}, hcp.namespaces[1])
    site = Site(hcp)
    assert site.rest("GET", "/rest/a").status == 404
    assert site.rest("GET", "/rest/a", host="n2.m.hcp1.snomis.local").body == b"abc"


def test_preload_is_replicated(site1: Site, site2: Site) -> None:
    """What is there before a test is replicated like anything else."""
    site1.hcp.preload({"/rest/a": "abc"})
    with link(site1.hcp, site2.hcp) as between:
        site2.hcp.preload({"/rest/b": "def"})
        between.wait()
        assert site2.rest("GET", "/rest/a").body == b"abc"
        assert site1.rest("GET", "/rest/b").body == b"def"


def test_preload_that_is_wrong(hcp: HCP) -> None:
    """A wrong path, retention or namespace, and a name that is taken, are a `ValueError`."""
    for path in ("/rest", "/rest/", "/rest/a/", "/rest/a//b", "/proc/a", "a", ""):
        with pytest.raises(ValueError):
            hcp.preload({path: b"abc"})
    with pytest.raises(ValueError, match="not a retention value"):
        hcp.preload({"/rest/a": b"abc"}, retention="soon")
    with pytest.raises(ValueError, match=r"no namespace n9\.m\.hcp1"):
        hcp.preload({"/rest/a": b"abc"}, Namespace("n9", "m"))
    hcp.preload({"/rest/a": b"abc"})
    with pytest.raises(ValueError, match="exists"):
        hcp.preload({"/rest/a": b"abc"})
