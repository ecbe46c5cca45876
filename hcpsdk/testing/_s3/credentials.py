"""Who sends a request: by signature, token, or nobody. Imports `signatures` and `errors`.

docs/hcp/s3.rst, section 2.
"""

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import parse_qsl

from .._dates import from_http_date
from .._http.credentials import same_token
from .._http.errors import not_emulated
from .._http.messages import Request
from ..config import System, User
from . import signatures
from .errors import S3Error

MAX_SKEW = 15 * 60  # seconds, as at AWS; HCP's is not documented
UNSIGNED = "UNSIGNED-PAYLOAD"
_V4 = re.compile(
    rf"{signatures.V4}\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,"
    r"\s*Signature=([0-9a-f]{64})"
)
_STAMP = re.compile(r"\d{8}T\d{6}Z", re.ASCII)


@dataclass(frozen=True)
class Seed:
    """With what the chunks of a body are signed."""

    key: bytes
    stamp: str
    scope: str
    signature: str  # of the head


@dataclass(frozen=True)
class Sender:
    """The *user*, None for an anonymous one, and what the signature says about the body."""

    user: User | None
    payload_hash: str = UNSIGNED
    seed: Seed | None = None


@dataclass(frozen=True)
class Address:
    """Where a request goes: the *tenant*, and the *bucket* if the host names it."""

    tenant: str
    bucket: str


def is_aws(request: Request) -> bool:
    """Whether *request* has a signature of AWS: then ``/hs3`` in its path is part of a name."""
    scheme = (request.header("Authorization") or "").partition(" ")[0].upper()
    query = request.target.partition("?")[2]
    return scheme.startswith("AWS") or "X-Amz-Signature=" in query or "AWSAccessKeyId=" in query


def sender(request: Request, system: System, address: Address, now: float) -> Sender:
    """The sender of *request*; 403 if the credentials are wrong or too old."""
    query = dict(parse_qsl(request.target.partition("?")[2], keep_blank_values=True))
    header = (request.header("Authorization") or "").strip()
    scheme, _, token = header.partition(" ")
    is_below_hs3 = re.match(r"/hs3(?:[/?]|$)", request.target) is not None
    match scheme.upper():
        case "AD" | "NEGOTIATE":
            raise not_emulated("accounts of Active Directory")
        case "" if "X-Amz-Signature" in query:
            return _presigned_v4(request, system, address, query, now)
        case "" if "AWSAccessKeyId" in query:
            return _presigned_v2(request, system, address, query, now)
        case "":
            return Sender(None)
        case "AWS" | "HCP" if token.strip() == "all_users:":
            return Sender(None)
        case "HCP" if is_below_hs3:
            return Sender(_with_token(system, address, token.strip()))
        case "AWS4-HMAC-SHA256":
            return _signed_v4(request, system, address, header, now)
        case "AWS":
            return _signed_v2(request, system, address, token, now)
    raise S3Error(403, "AccessDenied", f"the scheme {scheme} is not used here")


def _with_token(system: System, address: Address, token: str) -> User:
    known = [user for user in system.users if same_token(token, user.token)]
    if not known:
        raise S3Error(403, "AccessDenied", "invalid credentials")
    return _allowed(known, address)


def _signed_v4(
    request: Request, system: System, address: Address, header: str, now: float
) -> Sender:
    found = _V4.fullmatch(header)
    if found is None:
        raise S3Error(400, "InvalidArgument", "the header Authorization is malformed")
    credential, names, signature = found.groups()
    stamp = request.header("x-amz-date") or ""
    if not stamp and (date := from_http_date(request.header("Date") or "")) is not None:
        stamp = f"{datetime.fromtimestamp(date, timezone.utc):%Y%m%dT%H%M%SZ}"
    _check_skew(_seconds(stamp), now)
    payload_hash = request.header("x-amz-content-sha256")
    if payload_hash is None:
        raise S3Error(400, "MissingSecurityHeader", "x-amz-content-sha256 is missing")
    return _verified_v4(
        request, system, address, (credential, names, signature, stamp, payload_hash.strip())
    )


def _presigned_v4(
    request: Request, system: System, address: Address, query: dict[str, str], now: float
) -> Sender:
    names = ("X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date")
    credential, headers, signature, stamp = (query.get(name, "") for name in names)
    expires = query.get("X-Amz-Expires", "")
    if query.get("X-Amz-Algorithm") != signatures.V4 or not (
        expires.isascii() and expires.isdigit()
    ):
        raise S3Error(403, "AccessDenied", "the parameters of the signature are incomplete")
    begin = _seconds(stamp)
    if begin is None or not begin - MAX_SKEW <= now <= begin + int(expires):
        raise S3Error(403, "AccessDenied", "Request has expired")
    return _verified_v4(request, system, address, (credential, headers, signature, stamp, UNSIGNED))


def _verified_v4(
    request: Request, system: System, address: Address, said: tuple[str, str, str, str, str]
) -> Sender:
    credential, names, signature, stamp, payload_hash = said
    access_key, *scope = credential.rsplit("/", 4)  # Base64 may contain a slash
    known = _known(system, access_key)
    is_complete = len(scope) == 4 and scope[0] == stamp[:8] and scope[2:] == ["s3", "aws4_request"]
    if not is_complete or "host" not in names.split(";"):
        raise S3Error(403, "SignatureDoesNotMatch", "the scope of the signature is wrong")
    text = "/".join(scope)
    for user in _by_tenant(known, address):
        key = signatures.v4_signing_key(_secret(user), text)
        for canonical in signatures.v4_canonical_requests(request, names, payload_hash):
            found = signatures.v4_signature(key, stamp, text, canonical)
            if hmac.compare_digest(found, signature):
                seed = Seed(key, stamp, text, signature)
                return Sender(_allowed([user], address), payload_hash, seed)
    raise S3Error(403, "SignatureDoesNotMatch")


def _signed_v2(
    request: Request, system: System, address: Address, token: str, now: float
) -> Sender:
    access_key, _, signature = token.strip().rpartition(":")
    amazon = request.header("x-amz-date")
    date = amazon if amazon is not None else request.header("Date") or ""
    moment: float | None = from_http_date(date)
    if moment is None:
        moment = _seconds(date)
    _check_skew(moment, now)
    signed_date = "" if amazon is not None else date
    return _verified_v2(request, system, address, (access_key, signature, signed_date))


def _presigned_v2(
    request: Request, system: System, address: Address, query: dict[str, str], now: float
) -> Sender:
    expires = query.get("Expires", "")
    if not (expires.isascii() and expires.isdigit()) or int(expires) < now:
        raise S3Error(403, "AccessDenied", "Request has expired")
    said = (query["AWSAccessKeyId"], query.get("Signature", ""), expires)
    return _verified_v2(request, system, address, said)


def _verified_v2(
    request: Request, system: System, address: Address, said: tuple[str, str, str]
) -> Sender:
    access_key, signature, date = said
    for user in _by_tenant(_known(system, access_key), address):
        for found in signatures.v2_signatures(request, _secret(user), address.bucket, date):
            if hmac.compare_digest(found.encode(), signature.encode()):
                return Sender(_allowed([user], address))
    raise S3Error(403, "SignatureDoesNotMatch")


# Users


def _known(system: System, access_key: str) -> list[User]:
    found = [user for user in system.users if user.token.partition(":")[0] == access_key]
    if not found:
        raise S3Error(403, "InvalidAccessKeyId")
    return found


def _secret(user: User) -> str:
    return user.token.rpartition(":")[2]


def _is_in(user: User, address: Address) -> bool:
    return user.tenant is not None and user.tenant.lower() == address.tenant.lower()


def _by_tenant(users: Iterable[User], address: Address) -> list[User]:
    """*users*, those of the tenant first."""
    return sorted(users, key=lambda user: not _is_in(user, address))


def _allowed(known: list[User], address: Address) -> User:
    """The user of *known* who belongs to the tenant; 403 if none does, or is disabled."""
    for user in _by_tenant(known, address):
        if _is_in(user, address) and user.enabled:
            return user
    raise S3Error(403, "AccessDenied", f"user {known[0].name} has no access")


# Times


def _seconds(stamp: str) -> float | None:
    if not _STAMP.fullmatch(stamp):
        return None
    try:
        moment = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
    except ValueError:
        return None
    return moment.replace(tzinfo=timezone.utc).timestamp()


def _check_skew(moment: float | None, now: float) -> None:
    if moment is None:
        raise S3Error(403, "AccessDenied", "neither Date nor x-amz-date is a date")
    if abs(now - moment) > MAX_SKEW:
        raise S3Error(
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        )
