"""Parts of objects, and requests under a condition (docs/hcp/namespace.rst, sections 7 and 9)."""

import email.utils
import hashlib

import pytest

from ..conftest import Http

DATA = bytes(range(100))
ETAG = f'"{hashlib.md5(DATA).hexdigest()}"'
OTHER = '"00000000000000000000000000000000"'


@pytest.fixture
def stored(http: Http) -> Http:
    """An `Http` that finds `DATA` as /rest/a."""
    assert http("PUT", "/rest/a", DATA).status == 201
    return http


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=90-", 90, 100),
        ("bytes=90-1000", 90, 100),
        ("bytes=-5", 95, 100),
        ("bytes=-1000", 0, 100),
        ("bytes=0-", 0, 100),
        ("Bytes = 1-2", 1, 3),
    ],
)
def test_part(stored: Http, asked: str, start: int, stop: int) -> None:
    """A range gets 206 with that part only, zero-based and inclusive."""
    answer = stored("GET", "/rest/a", None, {"Range": asked})

    assert (answer.status, answer.reason) == (206, "Partial Content")
    assert answer.body == DATA[start:stop]
    assert answer["Content-Range"] == f"bytes {start}-{stop - 1}/100"
    assert answer["Content-Length"] == str(stop - start)
    assert answer["X-HCP-Size"] == "100"


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=5-4", "bytes=-0"])
def test_no_such_part(stored: Http, asked: str) -> None:
    """A start beyond the end, and an empty range, get 416."""
    answer = stored("GET", "/rest/a", None, {"Range": asked})

    assert (answer.status, answer.reason) == (416, "Requested Range Not Satisfiable")
    assert answer["Content-Range"] == "bytes */100"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=0-1", "bytes=", "bytes=-", "0-1", "x"])
def test_no_range(stored: Http, asked: str) -> None:
    """Several ranges, other units, and what is no range are passed over."""
    answer = stored("GET", "/rest/a", None, {"Range": asked})

    assert (answer.status, answer.body) == (200, DATA)


def test_part_of_nothing(http: Http) -> None:
    """An empty object has no part."""
    http("PUT", "/rest/a")

    assert http("GET", "/rest/a", None, {"Range": "bytes=0-"}).status == 416


def test_head_knows_no_parts(stored: Http) -> None:
    """HEAD tells of the whole object."""
    answer = stored("HEAD", "/rest/a", None, {"Range": "bytes=0-1"})

    assert (answer.status, answer["Content-Length"]) == (200, "100")


@pytest.mark.parametrize(("start", "stop"), [(1_000_000, 1_000_010), (5, 1_999_990)])
def test_part_of_large_object(http: Http, start: int, stop: int) -> None:
    """Parts of objects that are kept in a file are right, too."""
    data = bytes(range(200)) * 10_000
    http("PUT", "/rest/a", data)
    answer = http("GET", "/rest/a", None, {"Range": f"bytes={start}-{stop - 1}"})

    assert (answer.status, answer.body) == (206, data[start:stop])


# Headers, and what GET, HEAD and PUT say to them for an object that is there.
BEFORE, AT, AFTER = "before", "at", "after"  # the object's change
TABLE = [
    ({"If-Match": ETAG}, 200, 409),
    ({"If-Match": f"{OTHER}, {ETAG}"}, 200, 409),
    ({"If-Match": ETAG.strip('"')}, 200, 409),
    ({"If-Match": "*"}, 200, 409),
    ({"If-Match": OTHER}, 412, 412),
    ({"If-None-Match": ETAG}, 304, 412),
    ({"If-None-Match": f"{OTHER},{ETAG}"}, 304, 412),
    ({"If-None-Match": "*"}, 304, 412),
    ({"If-None-Match": OTHER}, 200, 409),
    ({"If-Modified-Since": BEFORE}, 200, 409),
    ({"If-Modified-Since": AT}, 304, 304),
    ({"If-Modified-Since": AFTER}, 304, 304),
    ({"If-Unmodified-Since": BEFORE}, 412, 412),
    ({"If-Unmodified-Since": AT}, 200, 409),
    ({"If-Unmodified-Since": AFTER}, 200, 409),
    ({"If-Modified-Since": "yesterday"}, 200, 409),
    ({"If-Match": OTHER, "If-Modified-Since": AFTER}, 412, 412),
    ({"If-None-Match": OTHER, "If-Modified-Since": AFTER}, 200, 409),
    ({"If-None-Match": ETAG, "If-Unmodified-Since": BEFORE}, 304, 412),
]


@pytest.mark.parametrize(("conditions", "reading", "writing"), TABLE)
def test_conditions(stored: Http, conditions: dict[str, str], reading: int, writing: int) -> None:
    """Conditions on GET, HEAD and PUT are decided as in the table of section 9."""
    changed = email.utils.parsedate_to_datetime(stored("HEAD", "/rest/a")["Last-Modified"])
    seconds = int(changed.timestamp())
    dates = {
        word: email.utils.formatdate(seconds + shift, usegmt=True)
        for word, shift in ((BEFORE, -1), (AT, 0), (AFTER, 1))
    }
    headers = {name: dates.get(value, value) for name, value in conditions.items()}

    got = {method: stored(method, "/rest/a", None, headers) for method in ("GET", "HEAD", "PUT")}
    assert {method: answer.status for method, answer in got.items()} == {
        "GET": reading,
        "HEAD": reading,
        "PUT": writing,
    }
    assert got["GET"].body == (DATA if reading == 200 else b"")


def test_not_modified(stored: Http) -> None:
    """304 names the ETag that still holds, and no length of a body that it does not have."""
    answer = stored("GET", "/rest/a", None, {"If-None-Match": ETAG})

    assert (answer.status, answer.reason, answer["ETag"]) == (304, "Not Modified", ETAG)
    assert "Content-Length" not in answer


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("If-None-Match", "*", 201),
        ("If-None-Match", OTHER, 201),
        ("If-Match", "*", 412),
        ("If-Match", OTHER, 412),
        ("If-Modified-Since", "Thu, 01 Jan 2015 00:00:00 GMT", 201),
        ("If-Unmodified-Since", "Thu, 01 Jan 2015 00:00:00 GMT", 201),
    ],
)
def test_conditions_on_a_new_name(http: Http, name: str, value: str, status: int) -> None:
    """ "*" means "exists": If-None-Match: * stores only a new object."""
    assert http("PUT", "/rest/a", b"x", {name: value}).status == status
    assert http("HEAD", "/rest/a").status == (200 if status == 201 else 404)


def test_missing_comes_first(http: Http) -> None:
    """A condition on what is not there gets 404."""
    assert http("GET", "/rest/a", None, {"If-Match": "*"}).status == 404


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "name", ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"]
)
def test_no_conditions_on_changes(stored: Http, method: str, name: str) -> None:
    """A conditional POST or DELETE gets 400 and does nothing."""
    answer = stored(
        method, "/rest/a?index=false" if method == "POST" else "/rest/a", None, {name: "*"}
    )

    assert answer.status == 400
    assert name in answer["X-HCP-ErrorMessage"]
    assert stored("HEAD", "/rest/a")["X-HCP-Index"] == "true"
