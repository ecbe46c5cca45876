"""An authenticated request to the management API, and what operations return.

Imports `documents`, `_http` and `_replication`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from .._http.errors import HTTPError
from .._replication.service import Replication
from ..config import User
from .documents import Record, read


@dataclass(frozen=True)
class MapiCall:
    """The argument of operations."""

    replication: Replication
    user: User
    tenant: str | None  # of the requested host; None for the system
    names: list[str]  # the parts of the URL where the table of resources has {}
    parameters: dict[str, str]  # a bare name has the value ""
    body: tuple[str, bytes]  # media type and bytes, both empty if there is none

    @property
    def verbose(self) -> bool:
        """Whether to show read-only properties; an invalid value counts as false."""
        return self.parameters.get("verbose", "").lower() in ("true", "t", "1")

    @property
    def has_body(self) -> bool:
        return bool(self.body[1])

    def document(self, root: str) -> Record:
        """The values in the body; `Malformed` if it is not a document with *root*."""
        kind, body = self.body
        if not body:
            raise HTTPError(400, f"expected an action or a body: {root}")
        return read(root, body, kind)

    def needs(self, *roles: str) -> None:
        """403 unless this is a system-level user with one of *roles*."""
        if self.tenant is not None or self.user.tenant is not None:
            raise HTTPError(403, "only for system-level users on the host of the system")
        if self.user.roles.isdisjoint(roles):
            raise HTTPError(403, f"user {self.user.name} lacks the role: {' or '.join(roles)}")


class Document(NamedTuple):
    """A resource to be shown; *root* names it in XML."""

    root: str
    record: Record


Operation = Callable[[MapiCall], Document | None]  # None: a response without a body


@dataclass(frozen=True)
class Resource:
    """The operations of a resource, by method. HEAD comes with GET; all have OPTIONS."""

    operations: dict[str, Operation]
