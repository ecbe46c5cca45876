"""A request to the Management API that has passed the door, and what its answer is made from."""

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
    """What an operation gets to work with."""

    replication: Replication
    user: User
    tenant: str | None  # whose host was asked; None for the system's own
    names: list[str]  # what stands in the URL where the table of resources has {}
    parameters: dict[str, str]  # a bare name has the value ""
    body: tuple[str, bytes]  # media type and bytes, both empty if there is none

    @property
    def verbose(self) -> bool:
        """Whether read-only properties are to be shown; a bad Boolean counts as false."""
        return self.parameters.get("verbose", "").lower() in ("true", "t", "1")

    @property
    def has_body(self) -> bool:
        return bool(self.body[1])

    def document(self, root: str) -> Record:
        """The values in the body; `Malformed` if it is none that starts with *root*."""
        kind, body = self.body
        if not body:
            raise HTTPError(400, f"neither a known action nor a body: {root}")
        return read(root, body, kind)

    def needs(self, *roles: str) -> None:
        """Refuse the request if its user is not on system level with one of *roles*."""
        if self.tenant is not None or self.user.tenant is not None:
            raise HTTPError(403, "only system-level users on the system's own host may do this")
        if self.user.roles.isdisjoint(roles):
            raise HTTPError(403, f"user {self.user.name} lacks the role: {' or '.join(roles)}")


class Document(NamedTuple):
    """A resource to be shown; *root* names it in XML."""

    root: str
    record: Record


Operation = Callable[[MapiCall], Document | None]  # None: done, nothing to tell


@dataclass(frozen=True)
class Resource:
    """What can be done with a resource, by method. HEAD goes with GET, OPTIONS with all."""

    operations: dict[str, Operation]
