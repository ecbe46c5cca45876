"""An authenticated request to an account, with all that operations need. Imports `responses`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from .._http.access import Caller, caller_in
from .._http.errors import HTTPError
from .._http.messages import Request
from .._http.paths import Path, parsed
from .._replication.service import Replication
from .._store.namespaces import Namespaces, key
from .._store.store import Store
from ..config import Namespace, System, User
from .responses import SwiftResponses


@dataclass(frozen=True)
class Call:
    """The argument of operations."""

    request: Request
    system: System
    namespaces: Namespaces
    responses: SwiftResponses
    replication: Replication
    tenant: str
    user: User | None  # None for an anonymous one
    container: str  # "" for the account
    name: str  # of the object, percent-encoded; "" for the container

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the URL; unknown ones are ignored."""
        return dict(parse_qsl(self.request.target.partition("?")[2], keep_blank_values=True))

    def bucket(self, permission: str, name: str | None = None) -> Bucket:
        """The container, or that called *name*; refused without access or *permission*."""
        found = self.namespaces.find(self.container if name is None else name, self.tenant)
        if found is None:
            raise HTTPError(404, "no such container")
        if not found.hswift_enabled:
            raise HTTPError(403, "HSwift is disabled for the namespace")
        is_http = self.request.scheme == "http"
        if not (found.http_enabled if is_http else found.https_enabled):
            raise HTTPError(403, f"{self.request.scheme} is disabled for the namespace")
        if self.user is None and found.requires_authentication:
            raise HTTPError(401, "the namespace requires authentication")
        caller = caller_in(found, self.user, self.system)
        caller.needs(permission)
        if permission == "write" and (why := self.replication.read_only_because(key(found))):
            raise HTTPError(403, why)
        return Bucket(found, self.namespaces.store(found), caller)

    def path(self) -> tuple[Path, bool]:
        """The name of the object, and whether it ends in a slash, which means a directory."""
        return parsed(f"/rest/{self.name}")


@dataclass(frozen=True)
class Bucket:
    """A container: a namespace with its store, and what the caller may do there."""

    namespace: Namespace
    store: Store
    caller: Caller
