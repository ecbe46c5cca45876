"""An authenticated request, with all that operations need. Imports `responses`, `credentials`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from .._http.access import Caller, caller_in
from .._http.messages import Request
from .._http.paths import Path, parsed
from .._replication.service import Replication
from .._store.acl import permissions_of
from .._store.namespaces import Namespaces, key
from .._store.objects import Directory, StoredObject
from .._store.store import Store
from ..config import Namespace, System, User
from .credentials import Sender
from .errors import S3Error
from .responses import S3Responses
from .uploads import Uploads


@dataclass(frozen=True)
class Call:
    """The argument of operations."""

    request: Request
    system: System
    namespaces: Namespaces
    replication: Replication
    responses: S3Responses
    uploads: Uploads
    sender: Sender
    tenant: str
    domain: str  # of the system that the host names, which may be one that is taken over
    bucket_name: str  # "" for the tenant
    name: str  # of the object, percent-encoded; "" for the bucket

    @property
    def user(self) -> User | None:
        """The user; None for an anonymous one."""
        return self.sender.user

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the URL; unknown ones are ignored."""
        return dict(
            parse_qsl(
                self.request.target.partition("?")[2],
                keep_blank_values=True,
                errors="surrogateescape",
            )
        )

    def header(self, name: str) -> str:
        """A header's value without blanks around it; "" without one."""
        return (self.request.header(name) or "").strip()

    def find_bucket(self, name: str | None = None) -> Namespace | None:
        """The namespace of the URL, or that called *name*."""
        wanted = self.bucket_name if name is None else name
        if self.domain == self.system.domain:
            return self.namespaces.find(wanted, self.tenant)
        return self.replication.namespace_taken_over(f"{wanted}.{self.tenant}.{self.domain}")

    def bucket(self, *, writes: bool = False, name: str | None = None) -> Bucket:
        """The bucket; refused if it is not there, or closed to the gateway or the user."""
        found = self.find_bucket(name)
        if found is None:
            raise S3Error(404, "NoSuchBucket", "The specified bucket does not exist")
        if not found.hs3_enabled:
            raise S3Error(403, "AccessDenied", "HS3 is disabled for the bucket")
        is_http = self.request.scheme == "http"
        if not (found.http_enabled if is_http else found.https_enabled):
            raise S3Error(403, "AccessDenied", f"{self.request.scheme} is disabled for the bucket")
        if self.user is None and found.requires_authentication:
            raise S3Error(403, "AccessDenied", "the bucket requires authentication")
        if writes and (why := self.replication.read_only_because(key(found))):
            raise S3Error(403, "AccessDenied", why)
        caller = caller_in(found, self.user, self.system)
        return Bucket(found, self.namespaces.store(found), caller, self.system)

    def path(self) -> tuple[Path, bool]:
        """The name of the object, and whether it ends in a slash, which means a folder."""
        return parsed(f"/rest/{self.name}")

    def at(self, bucket: str, name: str) -> Call:
        """The same call for another object."""
        return replace(self, bucket_name=bucket, name=name)


@dataclass(frozen=True)
class Bucket:
    """A namespace with its store, and what the caller may do there."""

    namespace: Namespace
    store: Store
    caller: Caller
    system: System

    def needs(self, permission: str, found: StoredObject | Directory | None = None) -> None:
        """403 if neither the account nor the ACL of *found* allows it."""
        if isinstance(found, StoredObject) and self.namespace.acls == "ENFORCED":
            name = self.caller.name if self.caller.user else None
            granted = permissions_of(found.metadata.acl, name)
            if permission in granted & self.system.effective_mask(self.namespace):
                return
        self.caller.needs(permission)
