"""A request to the management API that was admitted, what it works with, and what it returns.

Who may do what is in docs/hcp/mapi.rst, section 2; each operation calls one of the checks
here first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from .._http.access_log import AccessLog
from .._http.errors import HTTPError
from .._replication.service import Replication
from .._store.namespaces import Namespaces
from ..config import DEFAULT_TENANT, Namespace, System, User
from .documents import Record, read

Path = tuple[str, ...]  # of a resource: the parts of its URL below /mapi, in lower case


class NodeView(Protocol):
    """What the API reports of a node."""

    @property
    def address(self) -> str: ...
    @property
    def is_running(self) -> bool: ...
    def connections_at(self, port: int) -> int: ...


@dataclass
class Emulated:
    """The system that the API manages.

    Attributes:
        plain: The properties that are only stored, by resource; the others are in `system`.
    """

    system: System
    namespaces: Namespaces
    replication: Replication
    access_log: AccessLog
    nodes: Callable[[], Sequence[NodeView]]
    now: Callable[[], float]
    plain: dict[Path, Record] = field(default_factory=dict)
    marks: list[tuple[float, str]] = field(default_factory=list)  # in the logs: time and text

    def forget(self, path: Path) -> None:
        """Drop what is stored of the resource *path* and of those below it."""
        for other in [each for each in self.plain if each[: len(path)] == path]:
            del self.plain[other]

    def replace_user(self, old: User | None, new: User | None) -> None:
        """Replace, add (no *old*) or remove (no *new*) a user."""
        users = [user for user in self.system.users if user is not old]
        position = len(users)
        if old is not None:
            position = next(i for i, user in enumerate(self.system.users) if user is old)
        users[position:position] = [] if new is None else [new]
        self.system.users = tuple(users)


@dataclass(frozen=True)
class MapiCall:
    """The argument of operations."""

    emulated: Emulated
    user: User
    tenant: str | None  # of the requested host; None for the system
    path: Path
    names: list[str]  # the parts of the URL where the table of resources has {}
    parameters: dict[str, str]  # a bare name has the value ""
    body: tuple[str, bytes]  # media type and bytes, both empty without a body
    accept: str = ""  # the media type of the response

    @property
    def replication(self) -> Replication:
        return self.emulated.replication

    @property
    def system(self) -> System:
        return self.emulated.system

    @property
    def namespaces(self) -> Namespaces:
        return self.emulated.namespaces

    @property
    def verbose(self) -> bool:
        """Whether to show read-only properties; an invalid value counts as false."""
        return self.parameters.get("verbose", "false").lower() in ("true", "t", "1", "")

    @property
    def has_body(self) -> bool:
        return bool(self.body[1])

    def document(self, root: str) -> Record:
        """The values in the body; `Malformed` if it is not a document with *root*."""
        kind, body = self.body
        if not body:
            raise HTTPError(400, f"expected an action or a body: {root}")
        return read(root, body, kind)

    # Access

    def needs(self, *roles: str) -> None:
        """403 unless this is a system-level user with one of *roles*."""
        if self.tenant is not None or self.user.tenant is not None:
            raise HTTPError(403, "only for system-level users on the host of the system")
        self._needs_role(roles)

    def in_tenant(self, *roles: str, is_shared: bool = False) -> str:
        """The tenant that the URL names, if the user has one of *roles* for it.

        *is_shared*: system-level users need no permission of the tenant. The tenant ``Default``
        has such resources only.
        """
        name = self.names[0]
        tenant = self.system.tenant(name)
        if tenant is None and is_shared and name.lower() == DEFAULT_TENANT.lower():
            tenant = DEFAULT_TENANT
        if self.tenant is not None and tenant != self.tenant:
            raise HTTPError(403, f"this host manages the tenant {self.tenant} only")
        if tenant is None:
            raise HTTPError(404, f"no such tenant: {name}")
        self._needs_role(roles)
        is_guest = self.user.tenant is None and not (is_shared and self.tenant is None)
        if is_guest and not self.may_administer(tenant):
            raise HTTPError(403, f"{tenant} does not allow administration by system-level users")
        return tenant

    def in_namespace(self, *roles: str, owners: bool = False) -> Namespace:
        """The namespace that the URL names, if the user has one of *roles* for its tenant.

        *owners*: a user who may manage namespaces needs no role for those that they own.
        """
        wanted: tuple[str, ...] = () if owners and self.user.manages_namespaces else roles
        tenant = self.in_tenant(*wanted)
        found = self.namespaces.find(self.names[1], tenant)
        if found is None:
            raise HTTPError(404, f"no such namespace: {self.names[1]}")
        if wanted != roles and found.owner != self.user.name:
            self._needs_role(roles)
        return found

    def may_administer(self, tenant: str) -> bool:
        """Whether system-level users may administer *tenant*."""
        stored = self.emulated.plain.get(("tenants", tenant.lower()), {})
        return bool(stored.get("administrationAllowed", True))

    def _needs_role(self, roles: Iterable[str]) -> None:
        if roles and self.user.roles.isdisjoint(roles):
            raise HTTPError(403, f"user {self.user.name} lacks the role: {' or '.join(roles)}")


class Document(NamedTuple):
    """A resource to be shown; *root* names it in XML."""

    root: str
    record: Record


class Raw(NamedTuple):
    """A body that is no document."""

    media_type: str
    body: bytes | Iterable[bytes]  # an iterable is sent in chunks
    headers: list[tuple[str, str]] = []  # noqa: RUF012 - never changed


Operation = Callable[[MapiCall], Document | Raw | None]  # None: done, nothing to return


@dataclass(frozen=True)
class Resource:
    """The operations of a resource, by method. HEAD comes with GET; all have OPTIONS."""

    operations: dict[str, Operation]
    media_types: tuple[str, ...] = ()  # of GET, in addition to XML and JSON
