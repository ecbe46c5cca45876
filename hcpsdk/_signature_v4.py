"""AWS Signature Version 4 for S3: pure functions, from a request to its signature.

Imports nothing of the library. docs/hcp/s3.rst, section 2.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Iterable
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

# What proxies may change, what is the signature, and what it replaces.
_NOT_SIGNED = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "keep-alive",
        "te",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-amz-date",
        "x-amzn-trace-id",
    }
)
_BLANKS = re.compile(r"[ \t]+")

Pairs = Iterable[tuple[str, str]]


def timestamp(seconds: float) -> str:
    """*seconds* since the epoch as signatures have it, ``"20261126T040000Z"``."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def scope(stamp: str, region: str) -> str:
    """What a signature of the time *stamp* is valid for."""
    return f"{stamp[:8]}/{region}/s3/aws4_request"


def headers_to_sign(headers: Pairs) -> dict[str, str]:
    """The headers that a signature covers, names in lower case and sorted.

    Names that differ only in case become one, with all values.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        if key not in _NOT_SIGNED:
            text = _BLANKS.sub(" ", value).strip(" ")
            found[key] = f"{found[key]},{text}" if key in found else text
    return dict(sorted(found.items()))


def signature(
    secret: str, stamp: str, region: str, request: tuple[str, str, dict[str, str], str]
) -> str:
    """The signature, in hexadecimal.

    Args:
        secret: The secret key.
        stamp: The time, as `timestamp` returns it.
        region: The region of the `scope`.
        request: Method, target, the result of `headers_to_sign`, and the payload's hash.
    """
    method, target, headers, payload_hash = request
    path, _, query = target.partition("?")
    lines = [method, path, canonical_query(query)]
    lines += [f"{name}:{value}" for name, value in headers.items()]
    lines += ["", ";".join(headers), payload_hash]
    # Latin-1: the bytes as they leave.
    digest = hashlib.sha256("\n".join(lines).encode("latin-1")).hexdigest()
    to_sign = f"{ALGORITHM}\n{stamp}\n{scope(stamp, region)}\n{digest}"
    key = f"AWS4{secret}".encode()
    for part in (stamp[:8], region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, to_sign.encode(), "sha256").hexdigest()


def canonical_query(query: str) -> str:
    """The parameters of *query* in the order in which they are signed, each with a ``=``."""
    pairs = [item.partition("=") for item in query.split("&")] if query else []
    return "&".join(f"{name}={value}" for name, value in sorted((n, v) for n, _, v in pairs))


def query_string(pairs: Pairs) -> str:
    """*pairs* as a query, encoded as signatures demand."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
