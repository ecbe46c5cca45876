"""The S3 gateway: access and the table of operations, which are in files of their own."""

import time
from collections.abc import Awaitable, Callable

from .._http.errors import HTTPError, not_emulated
from .._http.messages import BodyCut, Reply, Request
from .._http.paths import PathTooLong
from .._http.percent import BadName, unquoted
from .._replication.service import Replication
from .._store.errors import (
    BeingWritten,
    Forgotten,
    Missing,
    NameTaken,
    Protected,
    TooLarge,
    TooManyAnnotations,
)
from .._store.namespaces import Namespaces
from ..config import System
from . import buckets, deletes, listing, multipart, objects
from .call import Call
from .credentials import Address, is_aws, sender
from .errors import S3Error
from .responses import S3Responses, text
from .uploads import Uploads

PREFIX = "/hs3"
Operation = Callable[[Call], Awaitable[Reply]]

# By what the URL names, method, and the parameter that makes the difference.
OPERATIONS: dict[tuple[str, str, str], Operation] = {
    ("tenant", "GET", ""): buckets.get_all,
    ("bucket", "PUT", ""): buckets.put,
    ("bucket", "HEAD", ""): buckets.head,
    ("bucket", "DELETE", ""): buckets.delete,
    ("bucket", "GET", "versioning"): buckets.get_versioning,
    ("bucket", "PUT", "versioning"): buckets.put_versioning,
    ("bucket", "GET", ""): listing.get,
    ("bucket", "GET", "versions"): listing.get_versions,
    ("bucket", "GET", "uploads"): multipart.get_all,
    ("bucket", "POST", "delete"): deletes.post,
    ("object", "PUT", ""): objects.put,
    ("object", "PUT", "x-amz-copy-source"): objects.copy,
    ("object", "GET", ""): objects.get,
    ("object", "HEAD", ""): objects.head,
    ("object", "DELETE", ""): objects.delete,
    ("object", "POST", "uploads"): multipart.start,
    ("object", "PUT", "uploadId"): multipart.put_part,
    ("object", "GET", "uploadId"): multipart.get_parts,
    ("object", "POST", "uploadId"): multipart.complete,
    ("object", "DELETE", "uploadId"): multipart.abort,
}
# Parameters that make another operation of a request; those that are in no row get 501.
SUBRESOURCES = (
    *("acl", "accelerate", "analytics", "cors", "delete", "encryption", "intelligent-tiering"),
    *("inventory", "legal-hold", "lifecycle", "location", "logging", "metrics", "notification"),
    *("object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock"),
    *("replication", "requestPayment", "restore", "retention", "select", "tagging", "torrent"),
    *("uploadId", "uploads", "versioning", "versions", "website", "attributes"),
)
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")

# The status and the code for each rule that the store enforces.
REFUSALS: dict[type[Exception], tuple[int, str]] = {
    BadName: (400, "InvalidArgument"),
    PathTooLong: (400, "KeyTooLong"),
    NameTaken: (409, "OperationAborted"),
    BeingWritten: (409, "OperationAborted"),
    Missing: (404, "NoSuchKey"),
    Protected: (409, "OperationAborted"),
    TooLarge: (413, "OutOfSpace"),
    TooManyAnnotations: (400, "InvalidRequest"),
    Forgotten: (503, "ServiceUnavailable"),
}


class S3Service:
    """The tenants of *system* and their buckets; *now* returns seconds since the epoch."""

    def __init__(
        self,
        system: System,
        namespaces: Namespaces,
        replication: Replication,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._system = system
        self._namespaces = namespaces
        self._replication = replication
        self._responses = S3Responses(system, now)
        self._now = now
        self._uploads = Uploads()

    def reset(self) -> None:
        """Forget all unfinished uploads."""
        self._uploads.clear()

    async def answer(self, request: Request) -> Reply:
        """The response to *request*; its body is not read if the head is refused."""
        bucket = name = ""
        try:
            tenant, domain, bucket, name = self._address(request)
            address = Address(tenant, bucket if _is_bucket_host(request, tenant, domain) else "")
            call = Call(
                request,
                self._system,
                self._namespaces,
                self._replication,
                self._responses,
                self._uploads,
                sender(request, self._system, address, self._now()),
                tenant,
                domain,
                bucket,
                name,
            )
            return await _operation(call)(call)
        except HTTPError as error:
            return self._failed(request, error, bucket, name)
        except BodyCut:
            cut = S3Error(503, "ServiceUnavailable", "the body ended before its length")
            return self._responses.failed(request, cut)
        except tuple(REFUSALS) as error:
            status, code = REFUSALS[type(error)]
            if isinstance(error, Protected) and request.method == "PUT":
                status, code = 403, "AccessDenied"
            return self._failed(request, S3Error(status, code, str(error)), bucket, name)

    def _failed(self, request: Request, error: HTTPError, bucket: str, name: str) -> Reply:
        about = {}
        code = error.code if isinstance(error, S3Error) else ""
        if code == "NoSuchBucket":
            about["BucketName"] = text(bucket)
        elif code == "NoSuchKey":
            about["Key"] = text(unquoted(name).decode("utf-8", "replace"))
        return self._responses.failed(request, error, about)

    def _address(self, request: Request) -> tuple[str, str, str, str]:
        """Tenant, domain, name of the bucket, and name of the object in *request*."""
        for system in (self._system, *self._replication.systems_taken_over()):
            tenant = system.tenant_of(request.host)
            if tenant is not None:
                break
        else:
            raise S3Error(403, "AccessDenied", f"no such tenant: {request.host}")
        path = request.target.partition("?")[0]
        if (path == PREFIX or path.startswith(f"{PREFIX}/")) and not is_aws(request):
            path = path.removeprefix(PREFIX)
        path = path.removeprefix("/")
        if _is_bucket_host(request, tenant, system.domain):
            bucket = request.host.removesuffix(f".{tenant}.{system.domain}".lower())
            return tenant, system.domain, bucket, path
        bucket, _, name = path.partition("/")
        return tenant, system.domain, unquoted(bucket).decode("utf-8", "replace"), name


def _is_bucket_host(request: Request, tenant: str, domain: str) -> bool:
    return request.host.lower() != f"{tenant}.{domain}".lower()


def _operation(call: Call) -> Operation:
    """The operation that *call* requests."""
    method, parameters = call.request.method, call.parameters
    if method == "OPTIONS":
        raise not_emulated("OPTIONS (CORS)")
    if method not in METHODS:
        raise S3Error(405, "MethodNotAllowed", headers=[("Allow", ", ".join(METHODS))])
    kind = "object" if call.name else "bucket" if call.bucket_name else "tenant"
    said = next((name for name in SUBRESOURCES if name in parameters), "")
    if not said and kind == "object" and call.request.header("x-amz-copy-source") is not None:
        said = "x-amz-copy-source" if method == "PUT" else ""
    found = OPERATIONS.get((kind, method, said))
    if found is not None:
        return found
    if said:
        raise not_emulated(f"{method} with the parameter {said} of the S3 gateway")
    if method == "POST":
        raise not_emulated("form uploads")
    raise S3Error(405, "MethodNotAllowed")
