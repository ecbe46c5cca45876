"""Authorization for HS3, HCP's gateway for Amazon S3: requests and URLs are signed."""

import base64
import hashlib
import re
import time
from typing import Protocol

from hcpsdk import _constants as constants
from hcpsdk import _signature_v4 as v4
from hcpsdk._auth import BaseAuthorization, checked_strings, utf8
from hcpsdk._excerpt import MASK
from hcpsdk._log import Log
from hcpsdk._request.headers import is_token
from hcpsdk._request.unsigned import UnsignedRequest
from hcpsdk._request.url import Params, request_target, signable, to_text

__all__ = ["HS3Authorization"]

log = Log("hcpsdk.HS3Authorization")

PAYLOAD_HASH = "x-amz-content-sha256"
MAX_EXPIRES = 7 * 24 * 3600  # seconds; what S3 allows

_REGION = re.compile(r"[A-Za-z0-9-]+")


class Addressed(Protocol):
    """What a URL needs of a Target."""

    @property
    def interface(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def ssl(self) -> bool: ...
    @property
    def headers(self) -> dict[str, str]: ...


class HS3Authorization(BaseAuthorization):
    """Authorization for HS3 by user and password: each attempt of a request is signed anew.

    The signature (AWS Signature Version 4) covers method, path, parameters and headers. A body in
    memory is part of it; any other is sent as ``UNSIGNED-PAYLOAD``, unless the caller gives its
    SHA-256 in the header ``x-amz-content-sha256``. The password itself is not kept, its MD5 digest
    is: keep pickles of this object as safe as the password.

    Args:
        user: The user; the access key is its Base64 form.
        password: That user's password; the secret key is its MD5 digest.
        region: Part of the signature. HCP has no regions.

    Raises:
        TypeError: One of them is not a ``str``.
        ValueError: User or password cannot be written as UTF-8, or the region has other characters
            than letters, digits and hyphens.
    """

    __module__ = "hcpsdk"

    interface = constants.I_HS3

    def __init__(self, user: str, password: str, *, region: str = "us-east-1") -> None:
        user, password = checked_strings(user, password)
        if not isinstance(region, str):
            raise TypeError(f"region must be str, not {type(region).__name__}")
        if not _REGION.fullmatch(region):
            raise ValueError("region must consist of letters, digits and hyphens")
        self._user = user
        self._region = to_text(region)
        self._access_key = base64.b64encode(utf8(user)).decode("ascii")
        self._secret_key = hashlib.md5(utf8(password), usedforsecurity=False).hexdigest()
        log.debug("*I_HS3* authorization initialized for user: %s", user)

    @property
    def headers(self) -> dict[str, str]:
        """No headers: those of one request say nothing of the next one."""
        return {}

    def authorize(self, request: UnsignedRequest) -> dict[str, str]:
        """``Authorization``, the time, and the hash of the body, for one attempt."""
        stamp = v4.timestamp(time.time())
        payload_hash = _payload_hash(request)
        own = {"x-amz-date": stamp, PAYLOAD_HASH: payload_hash}
        others = [pair for pair in request.headers if pair[0].lower() not in own]
        signed = v4.headers_to_sign(others)
        signed = dict(sorted({**signed, **own}.items()))
        signature = v4.signature(
            self._secret_key,
            stamp,
            self._region,
            (request.method, request.target, signed, payload_hash),
        )
        value = (
            f"{v4.ALGORITHM} Credential={self._credential(stamp)}, "
            f"SignedHeaders={';'.join(signed)}, Signature={signature}"
        )
        return {**own, "Authorization": value}

    def presign(
        self,
        target: Addressed,
        method: str,
        url: str,
        expires: int = 3600,
        params: Params | None = None,
    ) -> str:
        """A URL with which anyone can send one kind of request, without credentials.

        Args:
            target: The HCP, with the interface ``I_HS3``.
            method: The HTTP method of the requests.
            url: The object's name, as for `Connection.request`.
            expires: Seconds from now on for which the URL is valid, up to seven days.
            params: More parameters of the URL.

        Raises:
            TypeError, ValueError: Invalid argument.
        """
        if not isinstance(method, str):
            raise TypeError(f"method must be str, not {type(method).__name__}")
        method = to_text(method)
        if not is_token(method):
            raise ValueError(f"invalid HTTP method: {method!r}")
        if isinstance(expires, bool) or not isinstance(expires, int):
            raise TypeError(f"expires must be int, not {type(expires).__name__}")
        if not 1 <= expires <= MAX_EXPIRES:
            raise ValueError(f"expires must be 1 to {MAX_EXPIRES} seconds, not {expires}")
        if target.interface != constants.I_HS3:
            raise ValueError(f"the Target's interface must be I_HS3, not {target.interface}")
        host = target.headers["Host"]
        scheme, usual = ("https", constants.P_HTTPS) if target.ssl else ("http", constants.P_HTTP)
        if target.port != usual:
            host = f"{host}:{target.port}"  # as the Host header of its users has it
        stamp = v4.timestamp(time.time())
        query = v4.query_string(
            [
                ("X-Amz-Algorithm", v4.ALGORITHM),
                ("X-Amz-Credential", self._credential(stamp)),
                ("X-Amz-Date", stamp),
                ("X-Amz-Expires", to_text(expires)),
                ("X-Amz-SignedHeaders", "host"),
            ]
        )
        path = signable(request_target(url, params))
        path = f"{path}{'&' if '?' in path else '?'}{query}"
        request = (method, path, {"host": host}, v4.UNSIGNED_PAYLOAD)
        signature = v4.signature(self._secret_key, stamp, self._region, request)
        return f"{scheme}://{host}{path}&X-Amz-Signature={signature}"

    def _credential(self, stamp: str) -> str:
        return f"{self._access_key}/{v4.scope(stamp, self._region)}"

    def __repr__(self) -> str:
        return f"<HS3Authorization user={self._user!r} password={MASK} region={self._region}>"


def _payload_hash(request: UnsignedRequest) -> str:
    for name, value in request.headers:
        if name.lower() == PAYLOAD_HASH:
            return value.strip()  # the caller knows it
    if request.payload is None:
        return v4.UNSIGNED_PAYLOAD
    found = hashlib.sha256()
    for piece in request.payload:
        found.update(piece)
    return found.hexdigest()
