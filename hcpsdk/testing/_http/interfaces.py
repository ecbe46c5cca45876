"""Which interface of an HCP a request is for. Imports `messages` and `config`.

docs/hcp/namespace.rst, sections 1 and 24; docs/hcp/s3.rst, section 1; docs/hcp/swift.rst,
section 1; docs/hcp/query.rst, section 1.
"""

import enum
import re
from collections.abc import Iterable

from ..config import System
from .messages import Request

MAPI_PORT = 9090


class Interface(enum.Enum):
    """An interface of HCP; the value names it in error messages."""

    REST = "native REST"
    MANAGEMENT = "the management API"
    S3 = "the S3 gateway"
    SWIFT = "the Swift gateway"
    QUERY = "the metadata query API"
    DEFAULT_NAMESPACE = "the default namespace"
    WEBDAV = "WebDAV"
    BROWSER = "the Namespace Browser"
    CONSOLE = "the System Management Console"
    STATIC = "the files below /static"


# By the first part of the path. On hosts of namespaces and tenants, everything else is S3's.
BY_PATH = {
    "rest": Interface.REST,
    "proc": Interface.REST,
    "mapi": Interface.REST,  # it is only on port 9090: refused like an unknown namespace
    "hs3": Interface.S3,
    "query": Interface.QUERY,
    "swift": Interface.SWIFT,
    "webdav": Interface.WEBDAV,
    "browser": Interface.BROWSER,
    "static": Interface.STATIC,
    "fcfs_data": Interface.DEFAULT_NAMESPACE,
    "fcfs_metadata": Interface.DEFAULT_NAMESPACE,
}
# By the part of the host's name before the domain.
BY_HOST = {
    "admin": Interface.CONSOLE,
    "api": Interface.SWIFT,
    "www": Interface.DEFAULT_NAMESPACE,
    "default": Interface.DEFAULT_NAMESPACE,
    "default.default": Interface.DEFAULT_NAMESPACE,
}
ON_EVERY_HOST = frozenset(["query", "static", "mapi"])  # paths that count more than the host
BY_METHOD = {
    **dict.fromkeys(
        ["PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK"], Interface.WEBDAV
    ),
    **dict.fromkeys(["MKDIR", "CHMOD", "CHOWN", "TOUCH"], Interface.DEFAULT_NAMESPACE),
}

_AWS_SIGNATURE = re.compile(r"(?:^|[?&])(?:X-Amz-Signature|AWSAccessKeyId)=")


def interface_of(request: Request, systems: Iterable[System]) -> Interface:
    """The interface of one of *systems* that *request* is for.

    It is REST for unknown hosts, which that interface refuses.
    """
    if request.port == MAPI_PORT:
        return Interface.MANAGEMENT
    first = re.split("[/?]", request.target.removeprefix("/"), maxsplit=1)[0]
    for system in systems:
        prefix = request.host.removesuffix(f".{system.domain}")
        if prefix in BY_HOST and first not in ON_EVERY_HOST:
            return BY_HOST[prefix]
        is_bucket_host = prefix != request.host and system.tenant_of(request.host) is not None
        if is_bucket_host and is_signed_for_s3(request):
            return Interface.S3
        is_known = is_bucket_host and (
            prefix.count(".") == 0 or system.namespace(request.host) is not None
        )
        if is_known and request.method in BY_METHOD:
            return BY_METHOD[request.method]
        if is_known or prefix in BY_HOST:
            return BY_PATH.get(first, Interface.S3)
    return Interface.REST


def is_signed_for_s3(request: Request) -> bool:
    """Whether *request* carries a signature of S3, in its header or in its URL."""
    scheme = (request.header("Authorization") or "").partition(" ")[0].upper()
    return scheme in ("AWS", "AWS4-HMAC-SHA256") or bool(
        _AWS_SIGNATURE.search(request.target.partition("?")[2])
    )
