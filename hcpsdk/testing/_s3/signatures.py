"""Signatures V2 and V4: what the client should have computed. docs/hcp/s3.rst, section 2.

Imports `_http.messages` and `_http.percent`.
"""

import base64
import hashlib
import hmac
import itertools
import re
from collections.abc import Iterator
from urllib.parse import quote_from_bytes, unquote_to_bytes

from .._http.messages import Request

V4 = "AWS4-HMAC-SHA256"
_BLANKS = re.compile(r"\s+", re.ASCII)

# Parameters that are part of a signature V2.
_V2_PARAMETERS = frozenset(
    (
        *("acl", "cors", "delete", "lifecycle", "location", "logging", "notification"),
        *("partNumber", "policy", "requestPayment", "tagging", "torrent", "uploadId", "uploads"),
        *("versionId", "versioning", "versions", "website", "object-lock"),
        *("response-cache-control", "response-content-disposition", "response-content-encoding"),
        *("response-content-language", "response-content-type", "response-expires"),
    )
)


def values(request: Request, name: str) -> str:
    """All values of a header, with commas."""
    found = [value for key, value in request.headers if key.lower() == name.lower()]
    return ",".join(_BLANKS.sub(" ", value).strip() for value in found)


# Version 4


def v4_signing_key(secret: str, scope: str) -> bytes:
    """The key for *scope*, ``"20261126/us-east-1/s3/aws4_request"``."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode("utf-8"), "sha256")
    return key


def v4_signature(key: bytes, stamp: str, scope: str, canonical: bytes) -> str:
    """The signature of a canonical request."""
    digest = hashlib.sha256(canonical).hexdigest()
    return hmac.new(key, f"{V4}\n{stamp}\n{scope}\n{digest}".encode(), "sha256").hexdigest()


def v4_canonical_requests(
    request: Request, signed_headers: str, payload_hash: str
) -> Iterator[bytes]:
    """The canonical forms of *request*: as it was sent, and with its URL encoded as S3 demands."""
    path, _, query = request.target.partition("?")
    headers = "".join(f"{name}:{values(request, name)}\n" for name in signed_headers.split(";"))
    for each, parameters in itertools.product({path, _encoded(path, "/")}, _queries(query)):
        lines = [request.method, each, parameters, headers, signed_headers, payload_hash]
        yield "\n".join(lines).encode("latin-1")


def _queries(query: str) -> set[str]:
    pairs = [item.partition("=")[::2] for item in query.split("&")] if query else []
    pairs = [(name, value) for name, value in pairs if name != "X-Amz-Signature"]
    as_sent = "&".join(f"{name}={value}" for name, value in sorted(pairs))
    encoded = sorted((_encoded(name), _encoded(value)) for name, value in pairs)
    return {as_sent, "&".join(f"{name}={value}" for name, value in encoded)}


def _encoded(text: str, safe: str = "") -> str:
    return quote_from_bytes(unquote_to_bytes(text), safe=safe)


# Version 2


def v2_signatures(request: Request, secret: str, bucket: str, date: str) -> Iterator[str]:
    """The possible signatures; *bucket* is "" unless the host names it."""
    amazon = sorted({key.lower() for key, _ in request.headers if key.lower().startswith("x-amz-")})
    lines = [request.method, values(request, "Content-MD5"), values(request, "Content-Type"), date]
    lines += [f"{name}:{values(request, name)}" for name in amazon]
    path, _, query = request.target.partition("?")
    whole = f"/{bucket}{path}" if bucket else path
    # Path addressing: boto3 signs "/bucket/" for "/bucket".
    others = {f"{whole}/"} if whole.count("/") == 1 and whole != "/" else set()
    for each in {whole, *others}:
        text = "\n".join([*lines, each + _v2_parameters(query)])
        digest = hmac.digest(secret.encode(), text.encode("latin-1"), "sha1")
        yield base64.b64encode(digest).decode("ascii")


def _v2_parameters(query: str) -> str:
    pairs = [item.partition("=") for item in query.split("&")]
    found = sorted(
        name + equals + unquote_to_bytes(value).decode("latin-1")
        for name, equals, value in pairs
        if name in _V2_PARAMETERS
    )
    return "?" + "&".join(found) if found else ""
