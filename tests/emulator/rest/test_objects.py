"""Objects are stored and read, with the recorded responses (docs/hcp/namespace.rst, 3 to 6, 10)."""

import hashlib
import re
import time
from collections.abc import Iterator

import pytest

from hcpsdk.testing import HCP, Namespace
from hcpsdk.testing.config import HashScheme

from ..conftest import Answer, Http

EXAMPLE = b"This is an example"
KIB128 = 8192 * b"0123456789abcdef"
SCHEMES: tuple[HashScheme, ...] = ("MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512", "RIPEMD-160")


def words(text: str) -> list[str]:
    return text.split()


PUT_HEADERS = words(
    """Date Server X-HCP-ServicedBySystem Location X-HCP-VersionId X-HCP-Hash ETag
    X-RequestId X-HCP-Time Content-Length"""
)
HEAD_HEADERS = words(
    """Date Server X-RequestId X-HCP-ServicedBySystem X-HCP-Time X-HCP-SoftwareVersion
    ETag Cache-Control Pragma Expires Content-Type Content-Length X-HCP-Type X-HCP-Size X-HCP-Hash
    X-HCP-VersionId X-HCP-IngestTime X-HCP-RetentionClass X-HCP-RetentionString X-HCP-Retention
    X-HCP-IngestProtocol X-HCP-RetentionHold X-HCP-Shred X-HCP-DPL X-HCP-Index
    X-HCP-Custom-Metadata X-HCP-ACL X-HCP-Owner X-HCP-Domain X-HCP-UID X-HCP-GID
    X-HCP-CustomMetadataAnnotations X-HCP-Replicated X-HCP-ReplicationCollision
    X-HCP-ChangeTimeMilliseconds X-HCP-ChangeTimeString Last-Modified"""
)
SHORT_HEADERS = words(
    """Date Server X-RequestId X-HCP-ServicedBySystem X-HCP-Time
    Content-Length"""
)
REFUSED_HEADERS = [*SHORT_HEADERS[:-1], "X-HCP-ErrorMessage", "Content-Length"]

# Everything in the manual's HEAD reply that does not depend on the time (section 3).
RECORDED = {
    "Server": "HCP V7.1.0.10",
    "X-HCP-ServicedBySystem": "hcp1.snomis.local",
    "X-HCP-SoftwareVersion": "7.1.0.10",
    "ETag": '"68791e1b03badd5e4eb9287660f67745"',
    "Cache-Control": "no-cache,no-store",
    "Pragma": "no-cache",
    "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
    "Content-Type": "text/plain",
    "Content-Length": "18",
    "X-HCP-Type": "object",
    "X-HCP-Size": "18",
    "X-HCP-Hash": "SHA-256 47FB563CC8F86DC37C86D08BC542968F7986ACD81C97BF76DB7AD744407FE117",
    "X-HCP-RetentionClass": "",
    "X-HCP-RetentionString": "Deletion Allowed",
    "X-HCP-Retention": "0",
    "X-HCP-IngestProtocol": "HTTP",
    "X-HCP-RetentionHold": "false",
    "X-HCP-Shred": "false",
    "X-HCP-DPL": "2",
    "X-HCP-Index": "true",
    "X-HCP-Custom-Metadata": "false",
    "X-HCP-ACL": "false",
    "X-HCP-Owner": "n",
    "X-HCP-Domain": "",
    "X-HCP-UID": "",
    "X-HCP-GID": "",
    "X-HCP-CustomMetadataAnnotations": "",
    "X-HCP-Replicated": "false",
    "X-HCP-ReplicationCollision": "false",
}


def names(answer: Answer) -> list[str]:
    return [name for name, _ in answer.headers]


@pytest.fixture(scope="module")
def running_hcp() -> Iterator[HCP]:
    """An HCP with a namespace for each hash scheme beside the manual's."""
    schemes = [Namespace(scheme.lower(), "m", hash_scheme=scheme) for scheme in SCHEMES]
    with HCP(namespaces=[Namespace("n1", "m"), *schemes]) as hcp:
        yield hcp


def test_put_reply(http: Http) -> None:
    """PUT gives 201, no body, and the recorded headers in their order (section 3)."""
    answer = http("PUT", "/rest/hcpsdk/test1.txt?index=true", EXAMPLE)

    assert (answer.status, answer.reason, answer.body) == (201, "Created", b"")
    assert names(answer) == PUT_HEADERS
    assert answer["Server"] == "HCP V7.1.0.10"
    assert answer["Location"] == "/rest/hcpsdk/test1.txt"
    assert answer["X-HCP-Hash"] == RECORDED["X-HCP-Hash"]
    assert answer["ETag"] == RECORDED["ETag"]


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_head_and_get_reply(http: Http, method: str) -> None:
    """HEAD and GET give the manual's headers in their order, empty ones included (section 3)."""
    http("PUT", "/rest/hcpsdk/test1.txt", EXAMPLE)
    answer = http(method, "/rest/hcpsdk/test1.txt")

    assert (answer.status, answer.reason) == (200, "OK")
    assert answer.body == (EXAMPLE if method == "GET" else b"")
    assert names(answer) == HEAD_HEADERS
    assert {name: answer[name] for name in RECORDED} == RECORDED


def test_delete_reply(http: Http) -> None:
    """DELETE gives 200 without a body; the object is gone then (sections 10 and 25)."""
    http("PUT", "/rest/a", b"x")
    answer = http("DELETE", "/rest/a")

    assert (answer.status, answer.reason, answer.body) == (200, "OK", b"")
    assert names(answer) == SHORT_HEADERS
    assert http("HEAD", "/rest/a").status == 404
    assert http("DELETE", "/rest/a").status == 404


def test_post_reply(http: Http) -> None:
    """POST gives 200 without object headers (section 25)."""
    http("PUT", "/rest/a", b"x")
    answer = http("POST", "/rest/a", "index=false")

    assert (answer.status, answer.reason, names(answer)) == (200, "OK", SHORT_HEADERS)


def test_missing_object(http: Http) -> None:
    """404 has no body and no message (section 25)."""
    answer = http("GET", "/rest/nothing/here")

    assert (answer.status, answer.reason, answer.body) == (404, "Not Found", b"")
    assert names(answer) == SHORT_HEADERS


@pytest.mark.parametrize("method", ["PATCH", "TRACE"])
def test_other_methods(http: Http, method: str) -> None:
    """There are five methods; others get 405 and are told which (section 4)."""
    answer = http(method, "/rest/a")

    assert (answer.status, answer.reason) == (405, "Method Not Allowed")
    assert answer["Allow"] == "GET, HEAD, PUT, POST, DELETE"


@pytest.mark.parametrize("name", ["a", "a/b", "dir", "dir/"])
def test_write_once(http: Http, name: str) -> None:
    """A name that is taken, by an object or a directory, gets 409 and keeps its content."""
    http("PUT", "/rest/a", b"first")
    http("PUT", "/rest/dir?type=directory")
    answer = http("PUT", f"/rest/{name}", b"second")

    assert (answer.status, answer.reason) == (409, "Conflict")
    assert names(answer) == REFUSED_HEADERS
    assert http("GET", "/rest/a").body == b"first"


def test_name_is_free_after_delete(http: Http) -> None:
    """A deleted object makes room for another one, with a higher version ID (section 3.1)."""
    first = http("PUT", "/rest/a", b"first")
    http("DELETE", "/rest/a")
    second = http("PUT", "/rest/a", b"second")

    assert second.status == 201
    assert int(second["X-HCP-VersionId"]) > int(first["X-HCP-VersionId"])
    assert http("GET", "/rest/a").body == b"second"


@pytest.mark.parametrize(
    ("data", "etag", "sha256"),
    [
        (EXAMPLE, "68791e1b03badd5e4eb9287660f67745", RECORDED["X-HCP-Hash"][8:]),
        (
            KIB128,
            "ced877c812a6b561fa8c28b99fda69f2",
            "A2706A20394E48179A86C71E82C360C2960D3652340F9B9FDB355A42E3AC7691",
        ),
        (b"", hashlib.md5(b"").hexdigest(), hashlib.sha256(b"").hexdigest().upper()),
    ],
)
def test_vectors(http: Http, data: bytes, etag: str, sha256: str) -> None:
    """The known-good vectors come out, and an empty object is an object (sections 3.1, 5)."""
    stored = http("PUT", "/rest/a", data)
    read = http("GET", "/rest/a")

    assert (stored["ETag"], stored["X-HCP-Hash"]) == (f'"{etag}"', f"SHA-256 {sha256}")
    assert (read["ETag"], read["X-HCP-Hash"]) == (f'"{etag}"', f"SHA-256 {sha256}")
    assert read.body == data


# Digests of "abc": RFC 1321, FIPS 180, and the authors of RIPEMD-160.
ABC = {
    "MD5": "900150983CD24FB0D6963F7D28E17F72",
    "SHA-1": "A9993E364706816ABA3E25717850C26C9CD0D89D",
    "SHA-256": "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
    "SHA-384": "CB00753F45A35E8BB5A03D699AC65007272C32AB0EDED163"
    "1A8B605A43FF5BED8086072BA1E7CC2358BAECA134C825A7",
    "SHA-512": "DDAF35A193617ABACC417349AE20413112E6FA4E89A97EA20A9EEEE64B55D39A"
    "2192992A274FC1A836BA3C23A3FEEBBD454D4423643CE80E2A9AC94FA54CA49F",
    "RIPEMD-160": "8EB208F7E05D987A9B044A8E98C6B087F15A0BFC",
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_hash_schemes(http: Http, scheme: str) -> None:
    """Each of the six schemes gives its digest, in upper case after one blank (section 3.1)."""
    host = {"Host": f"{scheme.lower()}.m.hcp1.snomis.local"}
    stored = http("PUT", "/rest/a", b"abc", host)

    assert stored["X-HCP-Hash"] == f"{scheme} {ABC[scheme]}"
    assert http("HEAD", "/rest/a", None, host)["X-HCP-Hash"] == f"{scheme} {ABC[scheme]}"


def test_namespaces_are_separate(http: Http) -> None:
    """An object is in its namespace only."""
    http("PUT", "/rest/a", b"x")

    assert http("HEAD", "/rest/a", None, {"Host": "md5.m.hcp1.snomis.local"}).status == 404


@pytest.mark.parametrize("size", [1024 * 1024, 1024 * 1024 + 1, 5_000_000])
def test_large_objects(http: Http, size: int) -> None:
    """Objects that are kept in a file come back as they went in, with Content-Length."""
    data = bytes(range(251)) * (size // 251 + 1)
    stored = http("PUT", "/rest/a", data[:size])
    read = http("GET", "/rest/a")

    assert stored["ETag"] == f'"{hashlib.md5(data[:size]).hexdigest()}"'
    assert read["Content-Length"] == str(size)
    assert read.body == data[:size]


def test_chunked_upload(http: Http) -> None:
    """A body may come in chunks (section 5)."""
    pieces = [b"This ", b"is ", b"an example"]
    http("PUT", "/rest/a", iter(pieces), {"Transfer-Encoding": "chunked"}, encode_chunked=True)

    assert http("GET", "/rest/a").body == EXAMPLE


def test_times(http: Http) -> None:
    """The times of a reply fit to each other and to the clock (section 3.1)."""
    before = int(time.time())
    stored = http("PUT", "/rest/a", b"x")
    answer = http("HEAD", "/rest/a")
    after = int(time.time()) + 1

    milliseconds, remainder = divmod(int(answer["X-HCP-VersionId"]), 64)
    changed, _, hundredths = answer["X-HCP-ChangeTimeMilliseconds"].partition(".")
    assert remainder == 1
    assert before <= int(answer["X-HCP-IngestTime"]) == milliseconds // 1000 <= after
    assert milliseconds < int(changed)
    assert hundredths == "00"
    assert before <= int(stored["X-HCP-Time"]) <= int(answer["X-HCP-Time"]) <= after
    changed_gmt = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(int(changed) // 1000))
    assert answer["Last-Modified"] == changed_gmt
    shifted = time.gmtime(int(changed) // 1000 + 3600)  # HCP's own zone
    shown = time.strftime("%Y-%m-%dT%H:%M:%S+0100", shifted)
    assert answer["X-HCP-ChangeTimeString"] == shown


def test_request_ids(http: Http) -> None:
    """Each reply has an ID of its own, hexadecimal in upper case (section 3.1)."""
    ids = [http("HEAD", "/rest")["X-RequestId"] for _ in range(20)]

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[1-9A-F][0-9A-F]{0,15}", one) for one in ids)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", "text/plain"),
        ("A.HTML", "text/html"),
        ("a.xml.json", "application/json"),
        ("a.pdf", "application/pdf"),
        ("a.txt.gz", "application/octet-stream"),
        ("a.no-such-suffix", "application/octet-stream"),
        ("plain", "application/octet-stream"),
        (".txt", "application/octet-stream"),
    ],
)
def test_content_type(http: Http, name: str, kind: str) -> None:
    """The name decides the type, whatever the upload said (section 5, release 7.1)."""
    http("PUT", f"/rest/{name}", b"x", {"Content-Type": "image/png"})

    assert http("HEAD", f"/rest/{name}")["Content-Type"] == kind


@pytest.mark.parametrize(
    "query",
    [
        "verbose=true",
        "index",
        "index=yes",
        "shred=True",
        "hold=1",
        "retention=soon",
        "index=true&index=true",
        "nowait",
        "index=%zz",
        "index=%ff",
        "type=file",
    ],
)
def test_bad_parameters(http: Http, query: str) -> None:
    """Unknown parameters and bad values get 400 with a message, and store nothing (section 18)."""
    answer = http("PUT", f"/rest/a?{query}", b"x")

    assert (answer.status, answer.reason) == (400, "Bad Request")
    assert names(answer) == REFUSED_HEADERS
    assert http("HEAD", "/rest/a").status == 404


@pytest.mark.parametrize("query", ["nowait", "forceEtag=true", "deleted=false&nowait"])
def test_parameters_of_get(http: Http, query: str) -> None:
    """Parameters that change nothing for an ordinary object are accepted (section 18)."""
    http("PUT", "/rest/a", b"x")

    assert http("GET", f"/rest/a?{query}").body == b"x"


@pytest.mark.parametrize("query", ["nowait=1", "forceEtag=false", "deleted", "index=true"])
def test_bad_parameters_of_get(http: Http, query: str) -> None:
    """Their values are checked all the same."""
    http("PUT", "/rest/a", b"x")

    assert http("GET", f"/rest/a?{query}").status == 400


def test_reset_forgets(hcp: HCP, http: Http) -> None:
    """After a reset nothing is stored."""
    http("PUT", "/rest/d/a", bytes(2_000_000))
    hcp.reset()

    assert http("HEAD", "/rest/d").status == 404
