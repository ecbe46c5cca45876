"""Requests as they left, verified by botocore's signer."""

import re
from urllib.parse import urlsplit

from botocore.auth import (  # type: ignore[import-untyped]
    S3SigV4Auth,
    S3SigV4QueryAuth,
)
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(.+)/(\d{8})/([^/]+)/s3/aws4_request, "
    r"SignedHeaders=([a-z0-9;.!#$%&'*+^_`|~-]+), Signature=([0-9a-f]{64})"
)


def as_text(value: bytes) -> str:
    """A header's value; botocore writes it as UTF-8 into what it signs."""
    return value.decode("utf-8")


def botocore_verifies(head: bytes, access_key: str, secret_key: str) -> set[str]:
    """Make sure that botocore computes the signature in *head*; returns which headers it covers."""
    request_line, *lines = head.split(b"\r\n\r\n")[0].split(b"\r\n")
    method, target, _ = request_line.decode("ascii").split(" ")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers.setdefault(name.decode("ascii").lower(), []).append(as_text(value.strip(b" ")))
    (given,) = headers.pop("authorization")
    found = _AUTHORIZATION.fullmatch(given)
    assert found is not None, given
    key, date, region, names, signature = found.groups()
    assert key == access_key
    (stamp,) = headers["x-amz-date"]
    assert stamp.startswith(date)

    request = AWSRequest(method, f"http://{headers['host'][0]}{target}")
    for key in names.split(";"):
        for text in headers[key]:
            request.headers.add_header(key, text)
    request.context["timestamp"] = stamp
    (payload_hash,) = headers["x-amz-content-sha256"]

    signer = S3SigV4Auth(Credentials(access_key, secret_key), "s3", region)
    signer.payload = lambda request: payload_hash
    canonical = signer.canonical_request(request)
    assert signer.signature(signer.string_to_sign(request, canonical), request) == signature
    return set(names.split(";"))


def botocore_verifies_url(method: str, url: str, access_key: str, secret_key: str) -> None:
    """The same for a presigned URL."""
    signed, _, signature = url.rpartition("&X-Amz-Signature=")
    parameters = dict(item.partition("=")[::2] for item in urlsplit(signed).query.split("&"))
    request = AWSRequest(method, signed)
    request.headers["host"] = urlsplit(url).netloc
    request.context["timestamp"] = parameters["X-Amz-Date"]
    signer = S3SigV4QueryAuth(Credentials(access_key, secret_key), "s3", "us-east-1")
    canonical = signer.canonical_request(request)
    assert signer.signature(signer.string_to_sign(request, canonical), request) == signature
