"""HS3: what is signed, and how (contract 11.3; docs/hcp/s3.rst, section 2)."""

import enum
import hashlib
import io
import pickle
import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hcpsdk
from hcpsdk._request.content import Content
from hcpsdk._request.headers import Headers, PreparedHeaders
from hcpsdk._request.outgoing import prepare
from hcpsdk._request.url import Params

from ..support.aws import botocore_verifies, botocore_verifies_url

ACCESS, SECRET = "bg==", "1dc7fed37e11b35093d311ef66928ad9"
HOST = "n1.m.hcp1.snomis.local"
WHEN = 1795665600.0  # 2026-11-26 04:00:00 UTC


def head_of(
    method: str = "GET",
    url: str = "/a",
    content: Content = None,
    params: Params | None = None,
    headers: Headers | None = None,
    host: str = HOST,
) -> bytes:
    """The head of a request, signed."""
    authorization = hcpsdk.HS3Authorization("n", "n01")
    prepared = PreparedHeaders(host, {}, authorization.authorize)
    outgoing = prepare((method, url, content, params, headers), prepared)
    assert outgoing.head == b""
    return outgoing.make_head()


def value_of(head: bytes, name: str) -> str:
    lines = head.decode("latin-1").split("\r\n")
    (found,) = [line.partition(": ")[2] for line in lines if line.lower().startswith(f"{name}: ")]
    return found


# Vectors


@pytest.mark.parametrize(
    ("host", "arguments", "signature"),
    [
        (
            "m.hcp1.snomis.local",
            {"url": "/n1", "params": {"list-type": 2, "prefix": "a/"}},
            "027815cde3738901b9990be0168645e39af117dfe9215f5fdd7c3c1c1b5e88be",
        ),
        (
            HOST,
            {"method": "PUT", "url": "/a/b.txt", "content": "This is an example"},
            "5718db4fa66fa11a7252619231b4e609dcde5f290631bb17d98ad13037693c8e",
        ),
    ],
    ids=["list", "PUT"],
)
def test_vectors(
    monkeypatch: pytest.MonkeyPatch, host: str, arguments: Any, signature: str
) -> None:
    """The signatures that are published for these requests."""
    monkeypatch.setattr("time.time", lambda: WHEN)
    head = head_of(host=host, **arguments)
    assert value_of(head, "x-amz-date") == "20261126T040000Z"
    assert value_of(head, "authorization") == (
        f"AWS4-HMAC-SHA256 Credential={ACCESS}/20261126/us-east-1/s3/aws4_request, "
        f"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}"
    )


# Anything that can be sent

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
params = st.lists(
    st.tuples(texts, st.none() | st.booleans() | st.integers() | texts | st.lists(texts)),
    max_size=4,
)
names = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=8)
# botocore takes every blank of Unicode for one; it is a character like any other on the wire.
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(
    lambda text: "".join(c for c in text if c in " \t" or not (c.isspace() or c == "\0"))
)
ours = {"host", "content-length", "transfer-encoding"}


@given(
    st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE"]),
    texts.map(lambda text: f"/{text}") | texts.map(lambda t: hcpsdk.Quoted("/" + quote(t, "!+'"))),
    params,
    st.dictionaries(
        names.filter(lambda name: name.lower() not in ours)
        | names.map(lambda name: f"X-Amz-Meta-{name}")
        | st.sampled_from(["Authorization", "X-AMZ-DATE", "content-type", "User-Agent", "Expect"]),
        values.map(str.encode),
        max_size=5,
    ),
    st.none() | st.binary() | texts | st.binary().map(io.BytesIO),
)
def test_botocore_verifies(
    method: str, url: str, query: Any, headers: dict[str, bytes], content: Content
) -> None:
    """Whatever is sent, botocore computes the same signature; of the caller's headers it covers all
    but those that are replaced, or that proxies change."""
    head = head_of(method, url, content, query, headers)
    covered = botocore_verifies(head, ACCESS, SECRET)
    assert {name.lower() for name in headers if name.lower().startswith("x-amz-meta-")} <= covered
    assert {"host", "x-amz-date", "x-amz-content-sha256"} <= covered


def test_names_that_differ_in_case() -> None:
    """Two headers that differ in case are one for the server: both values are signed."""
    head = head_of(headers={"X-Amz-Meta-A": "1  2", "x-amz-meta-a": " 3"})
    assert "x-amz-meta-a" in botocore_verifies(head, ACCESS, SECRET)


def test_query_is_sent_as_signed() -> None:
    """In a signed query ``/`` leaves encoded, as the signature demands of everything but letters,
    digits and ``-._~``."""
    head = head_of(url="/n1", params=[("prefix", "a/ü+b ~"), ("uploads", None)])
    assert head.startswith(b"GET /n1?prefix=a%2F%C3%BC%2Bb%20~&uploads HTTP/1.1\r\n")


# The payload


@pytest.mark.parametrize(
    ("content", "hashed"),
    [
        (None, b""),
        (b"abc", b"abc"),
        ("\xfc", b"\xc3\xbc"),
        (bytearray(b"abc"), b"abc"),
        ([b"a", b"bc"], b"abc"),
        (io.StringIO("abc"), b"abc"),
    ],
)
def test_payload_in_memory(content: Any, hashed: bytes) -> None:
    """A body in memory is part of the signature (contract 11.3)."""
    head = head_of("PUT", content=content)
    assert value_of(head, "x-amz-content-sha256") == hashlib.sha256(hashed).hexdigest()


def test_payload_in_a_memory_file() -> None:
    """What is left in a `BytesIO` is part of the signature, and stays where it is."""
    file = io.BytesIO(b"abcdef")
    file.seek(3)
    head = head_of("PUT", content=file)
    assert value_of(head, "x-amz-content-sha256") == hashlib.sha256(b"def").hexdigest()
    assert file.tell() == 3


def test_payload_elsewhere(tmp_path: Any) -> None:
    """Any other body is sent unsigned, unless the caller knows its hash (contract 11.3)."""
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    with path.open("rb") as file:
        head = head_of("PUT", content=file)
        assert value_of(head, "x-amz-content-sha256") == "UNSIGNED-PAYLOAD"
        known = hashlib.sha256(b"abc").hexdigest()
        head = head_of("PUT", content=file, headers={"X-Amz-Content-SHA256": known})
    assert value_of(head, "x-amz-content-sha256") == known
    botocore_verifies(head, ACCESS, SECRET)
    assert (
        value_of(head_of("PUT", content=iter([b"abc"])), "x-amz-content-sha256")
        == "UNSIGNED-PAYLOAD"
    )


# URLs


@given(
    st.sampled_from(["GET", "PUT"]),
    texts.map(lambda text: f"/{text}"),
    params,
    st.sampled_from([80, 443, 8081]),
)
def test_presigned(method: str, url: str, query: Any, port: int) -> None:
    """botocore computes the same signature for a presigned URL."""
    authorization = hcpsdk.HS3Authorization("n", "n01")
    target = hcpsdk.Target("127.0.0.1", authorization, port, interface=hcpsdk.I_HS3)
    signed = authorization.presign(target, method, url, params=query)
    address = {80: "http://127.0.0.1/", 443: "https://127.0.0.1/"}.get(port)
    assert signed.startswith(address or "http://127.0.0.1:8081/")
    botocore_verifies_url(method, signed, ACCESS, SECRET)


class Text(str, enum.Enum):
    METHOD = "GET"
    REGION = "eu-west-1"


class Number(int, enum.Enum):
    EXPIRES = 60
    PORT = 8080


def test_members_of_an_enum_mean_their_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """In what is signed, too (contract 3.2)."""
    monkeypatch.setattr("hcpsdk._auth_hs3.time.time", lambda: WHEN)
    urls = []
    for region, method, expires, port in (
        ("eu-west-1", "GET", 60, 8080),
        (Text.REGION, Text.METHOD, Number.EXPIRES, Number.PORT),
    ):
        authorization = hcpsdk.HS3Authorization("n", "n01", region=region)
        target = hcpsdk.Target("127.0.0.1", authorization, port=port, interface=hcpsdk.I_HS3)
        urls.append(authorization.presign(target, method, "/a", expires))
    assert urls[0] == urls[1]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"expires": 0}, ValueError),
        ({"expires": 604801}, ValueError),
        ({"expires": True}, TypeError),
        ({"expires": 1.5}, TypeError),
        ({"method": "GE T"}, ValueError),
        ({"method": None}, TypeError),
        ({"url": "a"}, ValueError),
    ],
)
def test_presign_refuses(change: Any, error: type[Exception]) -> None:
    """An argument that cannot be right is refused."""
    authorization = hcpsdk.HS3Authorization("n", "n01")
    target = hcpsdk.Target("127.0.0.1", authorization, interface=hcpsdk.I_HS3)
    arguments: Any = {"target": target, "method": "GET", "url": "/a", **change}
    with pytest.raises(error):
        authorization.presign(**arguments)


def test_presign_for_another_interface() -> None:
    """A URL for the native interface would not work: it is refused."""
    target = hcpsdk.Target("127.0.0.1", hcpsdk.NativeAuthorization("n", "n01"))
    with pytest.raises(ValueError, match="I_HS3"):
        hcpsdk.HS3Authorization("n", "n01").presign(target, "GET", "/a")


# The object


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("n", None), TypeError),
        ((b"n", "n01"), TypeError),
        (("n", "\udc80"), ValueError),
    ],
)
def test_arguments(arguments: Any, error: type[Exception]) -> None:
    """User and password are text that can be encoded."""
    with pytest.raises(error):
        hcpsdk.HS3Authorization(*arguments)


@pytest.mark.parametrize(
    ("region", "error"), [("a/b", ValueError), ("", ValueError), (1, TypeError)]
)
def test_regions(region: Any, error: type[Exception]) -> None:
    """A region cannot change the structure of the signature."""
    with pytest.raises(error):
        hcpsdk.HS3Authorization("n", "n01", region=region)


def test_shows_no_secret() -> None:
    """The repr shows neither password nor key; a copy by pickle signs alike (contract 9)."""
    authorization = hcpsdk.HS3Authorization("n", "n01", region="eu-1")
    assert repr(authorization) == "<HS3Authorization user='n' password=******** region=eu-1>"
    request = hcpsdk.UnsignedRequest("GET", "/a?secret=1", (("Host", HOST), ("X-Secret", "1")))
    copied = pickle.loads(pickle.dumps(authorization))
    assert copied.authorize(request).keys() == authorization.authorize(request).keys()
    assert "secret" not in repr(request).lower()
