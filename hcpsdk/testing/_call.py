"""A request that has passed the door: who asks, for what, in which namespace."""

from dataclasses import dataclass

from ._access import Caller
from ._messages import Request
from ._objects import Directory, StoredObject
from ._parameters import Parameters
from ._paths import Path
from ._refusals import Refused
from ._replies import Replies
from ._store import Store
from ._system import Namespace, System


@dataclass(frozen=True)
class Call:
    """What an operation gets to work with."""

    request: Request
    system: System
    namespace: Namespace
    store: Store
    replies: Replies
    caller: Caller
    path: Path
    means_directory: bool  # the URL ends in a slash, or is /rest itself
    parameters: Parameters  # of the URL

    def existing(self) -> StoredObject | Directory:
        """What the URL names; refuses with 404 if that is not there."""
        found = self.store.find(self.path)
        if found is None or (self.means_directory and not isinstance(found, Directory)):
            raise Refused(404)
        return found
