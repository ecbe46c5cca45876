"""An authenticated request to a namespace, with all that operations need."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .._http.access import Caller
from .._http.errors import HTTPError, not_emulated
from .._http.messages import Request
from .._store.acl import permissions_of
from .._store.objects import DeleteMarker, Directory, Path, StoredObject
from .._store.store import Store
from ..config import Namespace, System
from .parameters import Parameters
from .responses import RestResponses

_NUMBER = re.compile(r"\d{1,20}", re.ASCII)
_RANGE = re.compile(r"@\d+|@?\d*-@?\d*", re.ASCII)


@dataclass(frozen=True)
class Call:
    """The argument of operations."""

    request: Request
    system: System
    namespace: Namespace
    store: Store
    responses: RestResponses
    caller: Caller
    parameters: Parameters  # of the URL
    path: Path = ()
    means_directory: bool = True  # the URL ends in a slash, or is /rest itself
    # The stores of all namespaces, by name and tenant.
    stores: Mapping[tuple[str, str], Store] = field(default_factory=dict)

    def needs(self, permission: str, found: StoredObject | Directory | None = None) -> None:
        """Refuse the request if neither the caller's account nor the ACL of *found* allows it."""
        if isinstance(found, StoredObject) and self.namespace.acls == "ENFORCED":
            name = self.caller.name if self.caller.user else None
            granted = permissions_of(found.metadata.acl, name)
            if permission in granted & self.system.effective_mask(self.namespace):
                return
        self.caller.needs(permission)

    def existing(self) -> StoredObject | Directory:
        """What the URL names; refuses with 404 if that is not there.

        With the parameter ``version`` it is that version; a delete marker gets 204.
        """
        number = version_number(self.parameters)
        if number is None:
            found: StoredObject | Directory | DeleteMarker | None = self.store.find(self.path)
        else:
            found = self.store.version(self.path, number)
        if isinstance(found, DeleteMarker):
            headers = [("X-HCP-Type", "object"), ("X-HCP-VersionId", str(found.version))]
            raise HTTPError(204, "the version is a delete marker", headers)
        if found is None or (self.means_directory and not isinstance(found, Directory)):
            raise HTTPError(404)
        return found


def version_number(parameters: Parameters) -> int | None:
    """The ID of the version that is asked for; None if no version is."""
    text = parameters.text("version")
    if text is None:
        return None
    if _RANGE.fullmatch(text):
        raise not_emulated("ranges of versions, and versions by time")
    if not _NUMBER.fullmatch(text):
        raise HTTPError(400, f"bad value for version: {text}")
    return int(text)
