"""Clients of the S3 gateway: boto3, and http.client with signatures that are computed here."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.config import Config  # type: ignore[import-untyped]

from hcpsdk.testing import HCP

from ..conftest import Answer, Http

TENANT = "m.hcp1.snomis.local"
ACCESS, SECRET = "bg==", "1dc7fed37e11b35093d311ef66928ad9"
EMPTY = hashlib.sha256().hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"


def boto(
    version: str = "s3v4", style: str = "path", access: str = ACCESS, secret: str = SECRET
) -> Any:
    """boto3's client, set up as docs/hcp/s3.rst, section 8 says."""
    config = Config(
        signature_version=version,
        s3={"addressing_style": style},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"max_attempts": 0},
    )
    return boto3.client(
        "s3",
        endpoint_url=f"http://{TENANT}",
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=config,
    )


@pytest.fixture
def client(hcp: HCP) -> Iterator[Any]:
    """boto3 with signatures V4."""
    made = boto()
    yield made
    made.close()


class S3:
    """Requests with a signature V4 that is computed here, without botocore."""

    def __init__(self, host: str = TENANT, now: Callable[[], float] = time.time) -> None:
        self.http = Http(host)
        self.access, self.secret, self.region = ACCESS, SECRET, "eu-1"
        self._now = now

    def __call__(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        payload: str | None = None,
        damage: Callable[[str], str] = lambda header: header,
    ) -> Answer:
        """The response; *damage* changes the header ``Authorization`` before it is sent."""
        given, _, _ = self.signed(method, target, body, headers or {}, payload)
        given["Authorization"] = damage(given["Authorization"])
        return self.http(method, target, body or None, given)

    def signed(
        self, method: str, target: str, body: bytes, headers: dict[str, str], payload: str | None
    ) -> tuple[dict[str, str], bytes, str]:
        """The headers, and with what chunks are signed: key and first signature."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now()))
        hashed = hashlib.sha256(body).hexdigest() if payload is None else payload
        own = {"x-amz-date": stamp, "x-amz-content-sha256": hashed, **headers}
        lower = {"host": self.http.host} | {name.lower(): own[name] for name in own}
        path, _, query = target.partition("?")
        pairs = sorted(item.partition("=")[::2] for item in query.split("&") if item)
        lines = [method, path, "&".join(f"{name}={value}" for name, value in pairs)]
        lines += [f"{name}:{lower[name]}" for name in sorted(lower)]
        lines += ["", ";".join(sorted(lower)), hashed]
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        key = f"AWS4{self.secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
        signature = hmac.new(key, text.encode(), "sha256").hexdigest()
        own["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access}/{scope}, "
            f"SignedHeaders={';'.join(sorted(lower))}, Signature={signature}"
        )
        return own, key, signature

    def chunks(
        self, target: str, pieces: list[bytes], damage: Callable[[bytes], bytes] = lambda b: b
    ) -> Answer:
        """Store *pieces* as signed chunks; *damage* changes the body before it is sent."""
        size = sum(map(len, pieces))
        about = {"x-amz-decoded-content-length": str(size), "Content-Encoding": "aws-chunked"}
        streaming = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
        given, key, previous = self.signed("PUT", target, b"", about, streaming)
        stamp = given["x-amz-date"]
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        body = b""
        for piece in [*pieces, b""]:
            digest = hashlib.sha256(piece).hexdigest()
            lines = ["AWS4-HMAC-SHA256-PAYLOAD", stamp, scope, previous, EMPTY, digest]
            previous = hmac.new(key, "\n".join(lines).encode(), "sha256").hexdigest()
            body += b"%x;chunk-signature=%b\r\n%b\r\n" % (len(piece), previous.encode(), piece)
        return self.http("PUT", target, damage(body), given)

    def close(self) -> None:
        self.http.close()


@pytest.fixture
def s3(hcp: HCP) -> Iterator[S3]:
    made = S3()
    yield made
    made.close()


def v2(method: str, resource: str, date: str, kind: str = "", md5: str = "") -> str:
    """The signature V2 of a request without ``x-amz-`` headers."""
    text = "\n".join([method, md5, kind, date, resource])
    return base64.b64encode(hmac.digest(SECRET.encode(), text.encode(), "sha1")).decode()


def encoded(name: str) -> str:
    return quote(name, safe="/-_.~")
