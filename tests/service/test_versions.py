"""A PUT that is retried, in a namespace that keeps versions: one version or two, never another.

What the caller sees is what `docs/failures.rst` says.
"""

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import hcpsdk
from hcpsdk import bulk, listing, transfer
from hcpsdk.testing import HCP, Garbage, HangUp, Reset

URL = "/rest/letters/1"
DATA = b"Dear Alice, ..." * 1000
HASH = f"SHA-256 {hashlib.sha256(DATA).hexdigest().upper()}"

# HCP has stored the object, its response is lost.
LOST_RESPONSES = [
    HangUp("before answer"),
    Reset("before answer"),
    HangUp("answer head", 20),
    Reset("answer head", 20),
    Garbage(b"x\r\n"),
]
# HCP has not stored anything.
LOST_REQUESTS = [
    HangUp("before request"),
    Reset("before request"),
    HangUp("request body", 10_000),
    Reset("request body", 10_000),
]
BODIES: list[Callable[[bytes], Any]] = [bytes, io.BytesIO, lambda data: [data[:9], data[9:]]]


def versions(connection: hcpsdk.Connection) -> list[listing.Entry]:
    """The oldest first."""
    return sorted(listing.versions(connection, URL), key=lambda entry: entry.version or 0)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(
    ("fault", "count"),
    [(fault, 2) for fault in LOST_RESPONSES] + [(fault, 1) for fault in LOST_REQUESTS],
    ids=str,
)
def test_retried_put(
    hcp: HCP, versioned: hcpsdk.Connection, fault: Any, count: int, body: Callable[[bytes], Any]
) -> None:
    """It succeeds with two attempts; two versions have the same content, if HCP has processed both
    requests. The response has the id of the newer one."""
    hcp.add_fault(fault)
    response = versioned.PUT(URL, body(DATA))

    assert (response.status, versioned.attempts) == (201, 2)
    found = versions(versioned)
    assert [entry.hash for entry in found] == [HASH] * count
    assert str(found[-1].version) == response.getheader("X-HCP-VersionId")
    for entry in found:
        assert versioned.GET(URL, {"version": entry.version}).read() == DATA


def test_put_that_is_not_retried(versioned: hcpsdk.Connection) -> None:
    """One attempt, one version."""
    versioned.PUT(URL, b"other")
    response = versioned.PUT(URL, DATA)

    assert (response.status, versioned.attempts) == (201, 1)
    assert [entry.size for entry in versions(versioned)] == [5, len(DATA)]


def test_put_that_failed(hcp: HCP, versioned: hcpsdk.Connection) -> None:
    """After an exception there may be as many new versions as attempts, each complete."""
    versioned.PUT(URL, b"other")
    versioned.close()
    hcp.add_fault(replace(LOST_RESPONSES[0], times=3))
    with pytest.raises(hcpsdk.HcpsdkError, match="after 3 attempts"):
        versioned.PUT(URL, DATA)

    first, *found = versions(versioned)
    assert first.size == 5
    assert [entry.hash for entry in found] == [HASH] * 3


def test_retention(hcp: HCP, versioned: hcpsdk.Connection) -> None:
    """An object under retention gets no second version: the retry is refused with 403."""
    hcp.add_fault(LOST_RESPONSES[0])
    response = versioned.PUT(URL, DATA, {"retention": "A+1d"})

    assert (response.status, versioned.attempts) == (403, 2)
    assert [entry.hash for entry in versions(versioned)] == [HASH]


@pytest.mark.parametrize("fault", LOST_RESPONSES, ids=str)
def test_condition_for_a_new_object(hcp: HCP, versioned: hcpsdk.Connection, fault: Any) -> None:
    """With ``If-None-Match: *`` there is one version, and the retry is refused with 412."""
    hcp.add_fault(fault)
    response = versioned.PUT(URL, DATA, headers={"If-None-Match": "*"})

    assert (response.status, versioned.attempts) == (412, 2)
    assert [entry.hash for entry in versions(versioned)] == [HASH]


@pytest.mark.parametrize("fault", LOST_RESPONSES, ids=str)
def test_condition_for_a_new_version(hcp: HCP, versioned: hcpsdk.Connection, fault: Any) -> None:
    """With ``If-Match``, the ETag of what is replaced, there is one new version."""
    etag = versioned.PUT(URL, b"other").getheader("ETag")
    hcp.add_fault(fault)
    response = versioned.PUT(URL, DATA, headers={"If-Match": etag})

    assert (response.status, versioned.attempts) == (412, 2)
    assert [entry.size for entry in versions(versioned)] == [5, len(DATA)]
    assert versioned.HEAD(URL).getheader("X-HCP-Hash") == HASH


@pytest.mark.parametrize("fault", LOST_RESPONSES, ids=str)
@pytest.mark.parametrize(("new_version", "count"), [(False, 1), (True, 2)])
def test_transfer(
    hcp: HCP, versioned: hcpsdk.Connection, fault: Any, new_version: bool, count: int
) -> None:
    """`transfer.upload` stores one version, and finds it after the retry; two if it may store new
    ones."""
    hcp.add_fault(fault)
    done = transfer.upload(versioned, io.BytesIO(DATA), URL, new_version=new_version)

    found = versions(versioned)
    assert [entry.hash for entry in found] == [HASH] * count
    assert (done.hash, done.version) == (HASH, found[-1].version)
    assert done.was_there is (not new_version)


def test_bulk(
    hcp: HCP, versioned_target: hcpsdk.Target, versioned: hcpsdk.Connection, tmp_path: Path
) -> None:
    """`bulk.store` makes one version of each object, whatever responses are lost."""
    path = tmp_path / "file"
    path.write_bytes(DATA)
    urls = [f"/rest/letters/{number}" for number in range(20)]
    hcp.add_fault(replace(LOST_RESPONSES[0], method="PUT", nth=3, times=5))
    results = list(bulk.store(versioned_target, [(path, url) for url in urls], workers=4))

    assert {result.status for result in results} == {"stored"}
    assert any(result.attempts > 1 for result in results)
    for result in results:
        (entry,) = listing.versions(versioned, result.url)
        assert (entry.hash, entry.version) == (HASH, result.version)


@pytest.mark.parametrize("fault", LOST_RESPONSES, ids=str)
def test_hs3(hcp: HCP, versioned: hcpsdk.Connection, fault: Any) -> None:
    """The same with HS3, where the id is ``x-amz-version-id``, with and without condition."""
    authorization = hcpsdk.HS3Authorization("n", "n01")
    target = hcpsdk.Target("m.hcp1.snomis.local", authorization, 80, interface=hcpsdk.I_HS3)
    with hcpsdk.Connection(target, retries=2) as connection:
        hcp.add_fault(fault)
        response = connection.PUT("/n2/letters/1", DATA)
        assert (response.status, connection.attempts) == (200, 2)
        found = versions(versioned)
        assert [entry.hash for entry in found] == [HASH] * 2
        assert str(found[-1].version) == response.getheader("x-amz-version-id")

        hcp.add_fault(fault)
        only_if_new = {"If-None-Match": "*"}
        assert connection.PUT("/n2/letters/2", DATA, headers=only_if_new).status == 412
        assert connection.attempts == 2
    assert len(list(listing.versions(versioned, "/rest/letters/2"))) == 1
