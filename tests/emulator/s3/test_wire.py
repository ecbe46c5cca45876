"""The S3 gateway, judged by http.client with signatures of these tests, and by curl."""

import base64
import hashlib
import shutil
import subprocess
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from hcpsdk.testing import HCP, Namespace, User

from ..conftest import HOST, TOKEN, Answer, Http
from .conftest import ACCESS, S3, SECRET, TENANT, UNSIGNED, v2

DATA = b"This is an example"
ETAG = '"68791e1b03badd5e4eb9287660f67745"'
NOW = "Thu, 26 Nov 2026 04:00:00 GMT"
NS = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def error(answer: Answer) -> tuple[int, str | None]:
    """Status and code of an error document."""
    root = ElementTree.fromstring(answer.body)
    assert root.tag == "Error"
    assert root.findtext("RequestId")
    return answer.status, root.findtext("Code")


# Version 4


def test_put_and_get(s3: S3) -> None:
    """The headers of the responses."""
    answer = s3("PUT", "/n1/a.txt", DATA)
    assert (answer.status, answer["ETag"], answer["Content-Length"]) == (200, ETAG, "0")
    assert "Server" not in answer
    answer = s3("GET", "/n1/a.txt")
    assert (answer.status, answer.body, answer["Accept-Ranges"]) == (200, DATA, "bytes")
    assert "x-amz-version-id" not in answer


@pytest.mark.parametrize(
    "damage",
    [
        lambda header: header[:-1] + ("0" if header[-1] != "0" else "1"),
        lambda header: header.replace("eu-1", "eu-2"),
        lambda header: header.replace("host;", ""),
        lambda header: header.replace("/s3/", "/ec2/"),
    ],
    ids=["signature", "region", "no host", "service"],
)
def test_damaged_signatures(s3: S3, damage: Callable[[str], str]) -> None:
    """Whatever is changed, the signature does not match."""
    assert error(s3("GET", "/n1/a", damage=damage)) == (403, "SignatureDoesNotMatch")


def test_malformed_signature(s3: S3) -> None:
    """A header that cannot be read is a mistake of the client."""
    answer = s3("GET", "/n1/a", damage=lambda header: header.replace("Signature", "Sig"))
    assert error(answer) == (400, "InvalidArgument")


@pytest.mark.parametrize("seconds", [-1000, 1000])
def test_skewed_clock(hcp: HCP, seconds: int) -> None:
    """A clock that is wrong by more than 15 minutes."""
    s3 = S3(now=lambda: time.time() + seconds)
    assert error(s3("GET", "/n1/a")) == (403, "RequestTimeTooSkewed")
    s3.close()


def test_payload_is_checked(s3: S3) -> None:
    """A body that is not the one that was signed is not stored."""
    wrong = hashlib.sha256(b"other").hexdigest()
    assert error(s3("PUT", "/n1/a", DATA, payload=wrong)) == (400, "BadDigest")
    assert s3("PUT", "/n1/a", DATA, payload=UNSIGNED).status == 200
    assert error(s3("PUT", "/n1/b", DATA, payload="x")) == (400, "InvalidArgument")


def test_content_md5(s3: S3) -> None:
    """A wrong one is refused, and nothing is stored."""
    right = base64.b64encode(hashlib.md5(DATA).digest()).decode()
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert error(s3("PUT", "/n1/a", DATA, {"Content-MD5": wrong})) == (400, "BadDigest")
    assert error(s3("PUT", "/n1/a", DATA, {"Content-MD5": "?"})) == (400, "InvalidDigest")
    assert s3("PUT", "/n1/a", DATA, {"Content-MD5": right}).status == 200


@pytest.mark.parametrize("target", ["/n1/a!b'(c)*", "/n1/a%21b%27%28c%29%2a", "/n1/%61!b'%28c%29*"])
def test_encodings_of_one_name(s3: S3, target: str) -> None:
    """A name may be signed as it was sent, whatever encoding that is."""
    assert s3("PUT", target, DATA).status == 200
    listed = s3("GET", "/n1").body
    assert b"<Key>a!b'(c)*</Key>" in listed


# Chunks


def test_chunks(s3: S3) -> None:
    """What is stored are the data without the frames."""
    assert s3.chunks("/n1/a", [b"x" * 70_000, b"y" * 65_536, b"z"]).status == 200
    assert s3("GET", "/n1/a").body == b"x" * 70_000 + b"y" * 65_536 + b"z"
    assert s3.chunks("/n1/empty", []).status == 200
    assert s3("GET", "/n1/empty").body == b""


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda body: body.replace(b"xx", b"xy", 1), (403, "SignatureDoesNotMatch")),
        (lambda body: body.replace(b"signature=", b"signatur3=", 1), (400, "InvalidRequest")),
        (lambda body: body[:-90], (400, "InvalidRequest")),
        (lambda body: b"q" * 1000, (400, "InvalidRequest")),
    ],
    ids=["data", "name", "cut", "nonsense"],
)
def test_damaged_chunks(s3: S3, damage: Callable[[bytes], bytes], expected: Any) -> None:
    """Nothing of them is stored."""
    assert error(s3.chunks("/n1/a", [b"x" * 100], damage)) == expected
    assert s3("HEAD", "/n1/a").status == 404


@pytest.mark.parametrize(
    ("headers", "payload"),
    [
        ({"x-amz-trailer": "x-amz-checksum-crc32"}, UNSIGNED),
        ({}, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ({}, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
    ],
)
def test_trailers(s3: S3, headers: dict[str, str], payload: str) -> None:
    """501 rather than a body with its frames."""
    assert error(s3("PUT", "/n1/a", DATA, headers, payload=payload)) == (501, "NotImplemented")
    assert s3("HEAD", "/n1/a").status == 404


# Version 2


def signed_v2(
    method: str, target: str, resource: str, body: bytes | None = None, host: str = TENANT
) -> Answer:
    http = Http(host)
    date = formatdate(usegmt=True)
    kind = "text/plain" if body is not None else ""
    headers = {"Date": date, "Authorization": f"AWS {ACCESS}:{v2(method, resource, date, kind)}"}
    if kind:
        headers["Content-Type"] = kind
    answer = http(method, target, body, headers)
    http.close()
    return answer


def test_v2(hcp: HCP) -> None:
    """Both ways of addressing, with sub-resources and without."""
    assert signed_v2("PUT", "/n1/a%20b", "/n1/a%20b", DATA).status == 200
    assert signed_v2("GET", "/a%20b", "/n1/a%20b", host=HOST).body == DATA
    assert signed_v2("GET", "/n1/?versions", "/n1/?versions").status == 200
    assert signed_v2("GET", "/n1?prefix=a", "/n1").status == 200
    assert signed_v2("GET", "/n1?prefix=a", "/n1/").status == 200
    assert error(signed_v2("GET", "/n1?prefix=a", "/n1?prefix=a")) == (403, "SignatureDoesNotMatch")


def test_v2_vectors() -> None:
    """The signatures that are published (docs/hcp/s3.rst, section 2)."""
    assert v2("GET", "/", NOW) == "cjEZfaYia0ymeCLxBFTCG6vt2Ck="
    assert v2("PUT", "/n1/a/b.txt", NOW, "text/plain") == "h72VZH0rCzRFBgJTPctB1PR0uJc="
    assert v2("GET", "/n1/a/b.txt", "1795665600") == "Ev7GypeUl3sRbMzHnWiBgt9Rhas="
    assert v2("GET", "/n1/?versions", NOW) == "hbyA9gTAQ2b+rferwQKmK5lFxQc="


@pytest.mark.parametrize("date", [None, "yesterday", "Thu, 26 Nov 2020 04:00:00 GMT"])
def test_v2_dates(hcp: HCP, date: str | None) -> None:
    """A date is required, and has to be about now."""
    http = Http(TENANT)
    given = {"Authorization": f"AWS {ACCESS}:{v2('GET', '/n1/a', date or '')}", "Date": date}
    answer = http("GET", "/n1/a", None, given)
    is_date = (date or "").endswith("GMT")
    assert error(answer) == (403, "RequestTimeTooSkewed" if is_date else "AccessDenied")
    http.close()


def test_v2_presigned(hcp: HCP) -> None:
    """Until it expires."""
    signed_v2("PUT", "/n1/a", "/n1/a", DATA)
    http = Http(TENANT)
    for seconds, status in [(60, 200), (-60, 403)]:
        expires = str(int(time.time()) + seconds)
        signature = quote(v2("GET", "/n1/a", expires), safe="")
        query = f"AWSAccessKeyId={quote(ACCESS)}&Expires={expires}&Signature={signature}"
        answer = http("GET", f"/n1/a?{query}", None, {"Authorization": None})
        assert answer.status == status
    assert error(answer) == (403, "AccessDenied")
    http.close()


# The scheme HCP, and none


def test_hcp_scheme(http: Http, s3: S3) -> None:
    """Below /hs3, with the token of the native interface."""
    assert http("PUT", "/hs3/a", DATA).status == 200
    assert http("GET", "/hs3/a").body == DATA
    tenant = Http(TENANT)
    assert tenant("GET", "/hs3/n1/a").body == DATA
    assert tenant("GET", "/hs3").status == 200
    assert error(tenant("GET", "/n1/a")) == (403, "AccessDenied")
    wrong = {"Authorization": TOKEN[:-1] + "0"}
    assert error(tenant("GET", "/hs3/n1/a", None, wrong)) == (403, "AccessDenied")
    tenant.close()


def test_prefix_is_for_the_hcp_scheme(http: Http, s3: S3) -> None:
    """With a signature of AWS, hs3 is the name of a bucket, or begins that of an object."""
    assert http("PUT", "/hs3/a", DATA).status == 200
    assert error(s3("GET", "/hs3/n1/a")) == (404, "NoSuchBucket")
    bucket = S3(HOST)
    assert error(bucket("GET", "/hs3/a")) == (404, "NoSuchKey")
    assert bucket("PUT", "/hs3/a", b"another").status == 200
    assert http("GET", "/hs3/a").body == DATA
    assert http("GET", "/hs3/hs3/a").body == b"another"
    bucket.close()


OPEN = Namespace("open", "m", requires_authentication=False, hs3_enabled=True)
PRIVATE = Namespace("private", "m", hs3_enabled=True)
CLOSED = Namespace("closed", "m")


def test_anonymous() -> None:
    """Only where the namespace allows it; buckets and multipart uploads need a user."""
    with HCP(namespaces=[OPEN, PRIVATE, CLOSED], users=[User("n", "n01", "m")]):
        http = Http(TENANT)
        none: dict[str, str | None] = {"Authorization": None}
        assert http("PUT", "/open/a", DATA, none).status == 200
        for header in ("AWS all_users:", "HCP all_users:"):
            assert http("GET", "/open/a", None, {"Authorization": header}).body == DATA
        assert error(http("GET", "/private/a", None, none)) == (403, "AccessDenied")
        assert error(http("POST", "/open/a?uploads", None, none)) == (403, "AccessDenied")
        assert error(http("GET", "/", None, none)) == (403, "AccessDenied")
        assert error(http("GET", "/hs3/closed/a")) == (403, "AccessDenied")
        http.close()


def test_active_directory(hcp: HCP) -> None:
    """501 for what is not emulated."""
    http = Http(TENANT)
    answer = http("GET", "/n1/a", None, {"Authorization": "AD n@d:p"})
    assert error(answer) == (501, "NotImplemented")
    assert "Active Directory" in answer["X-HCP-ErrorMessage"]
    http.close()


def test_permissions() -> None:
    """Those of the account count."""
    reader = User("n", "n01", "m", frozenset({"read"}))
    with HCP(namespaces=[PRIVATE], users=[reader]):
        s3 = S3()
        assert error(s3("PUT", "/private/a", DATA)) == (403, "AccessDenied")
        assert error(s3("DELETE", "/private/a")) == (403, "AccessDenied")
        assert error(s3("PUT", "/new")) == (403, "AccessDenied")
        assert error(s3("GET", "/private/a")) == (404, "NoSuchKey")
        s3.close()


# Documents


def test_error_documents(s3: S3) -> None:
    """What is missing is named, only where it is that."""
    root = ElementTree.fromstring(s3("GET", "/n1/a%20b").body)
    assert (root.findtext("Code"), root.findtext("Key")) == ("NoSuchKey", "a b")
    assert root.find("BucketName") is None
    root = ElementTree.fromstring(s3("GET", "/none/a").body)
    assert (root.findtext("Code"), root.findtext("BucketName")) == ("NoSuchBucket", "none")
    assert root.find("Key") is None


def test_pretty_documents(s3: S3) -> None:
    """On one line, unless the client wants to read them."""
    plain = s3("GET", "/n1")
    assert plain["Content-Type"] == "application/xml;charset=UTF-8"
    assert plain["Transfer-Encoding"] == "chunked"
    assert b"\n" not in plain.body
    assert s3("GET", "/n1", headers={"x-hcp-pretty-print": "true"}).body.count(b"\n") > 5


@pytest.mark.parametrize(
    "body", [b"", b"<a/>", b"<Delete/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><Delete/>"]
)
def test_malformed_documents(s3: S3, body: bytes) -> None:
    """Not XML, or not the right one."""
    md5 = {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}
    assert error(s3("POST", "/n1?delete", body, md5)) == (400, "MalformedXML")


def test_deletes_need_md5(s3: S3) -> None:
    """HCP insists on it."""
    body = b"<Delete><Object><Key>a</Key></Object></Delete>"
    assert error(s3("POST", "/n1?delete", body)) == (400, "InvalidRequest")


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("GET", "/n1?max-keys=x", (400, "InvalidArgument")),
        ("GET", "/n1?encoding-type=x", (400, "InvalidArgument")),
        ("PUT", "/n1/a//b", (400, "InvalidArgument")),
        ("PUT", "/n1/a?partNumber=0&uploadId=1", (400, "InvalidArgument")),
        ("PUT", "/n1/a?partNumber=1&uploadId=1", (404, "NoSuchUpload")),
        ("GET", "/n1/a?versionId=x", (400, "InvalidArgument")),
        ("PUT", "/x_", (400, "InvalidBucketName")),
        ("POST", "/n1", (501, "NotImplemented")),
        ("PATCH", "/n1/a", (405, "MethodNotAllowed")),
        ("OPTIONS", "/n1/a", (501, "NotImplemented")),
        ("GET", "/?location=", (501, "NotImplemented")),
    ],
)
def test_refused(s3: S3, method: str, target: str, expected: tuple[int, str]) -> None:
    """Each mistake has its code."""
    assert error(s3(method, target)) == expected


def test_length_is_required(s3: S3) -> None:
    """A body in chunks of HTTP has no length."""
    given, _, _ = s3.signed("PUT", "/n1/a", b"", {}, UNSIGNED)
    answer = s3.http("PUT", "/n1/a", iter([DATA]), given, encode_chunked=True)
    assert error(answer) == (411, "MissingContentLength")


def test_case_of_parameters(s3: S3) -> None:
    """Unknown parameters are ignored, so that a wrong spelling deletes the object."""
    s3("PUT", "/n1/a", DATA)
    assert s3("DELETE", "/n1/a?uploadid=1").status == 204
    assert s3("HEAD", "/n1/a").status == 404


def test_host_of_a_bucket(hcp: HCP) -> None:
    """Without the name of the bucket in the path; the same object as through /rest."""
    s3 = S3(HOST)
    assert s3("PUT", "/rest/a", DATA).status == 200
    assert s3("GET", "/?prefix=rest").status == 200
    http = Http()
    assert http("GET", "/rest/rest/a").body == DATA
    http.close()
    s3.close()


# curl


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl(hcp: HCP, tmp_path: Any) -> None:
    """curl signs by itself."""
    node = hcp.nodes[0]
    file = tmp_path / "file"
    file.write_bytes(DATA)
    words = ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*"]
    words += ["--connect-to", f"::{node.address}:{node.ports[80]}"]
    words += ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{ACCESS}:{SECRET}"]
    words += ["-H", f"x-amz-content-sha256: {UNSIGNED}"]
    url = f"http://{TENANT}/n1/dir/a"
    for more in (["--upload-file", str(file)], []):
        done = subprocess.run([*words, *more, url], capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
    assert done.stdout == DATA
