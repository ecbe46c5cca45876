"""A request that has passed the door: who asks, for what, in which namespace."""

from dataclasses import dataclass

from .._http.errors import HTTPError
from .._http.messages import Request
from .._store.objects import Directory, Path, StoredObject
from .._store.store import Store
from ..config import Namespace, System
from .access import Caller
from .parameters import Parameters
from .responses import RestResponses


@dataclass(frozen=True)
class Call:
    """What an operation gets to work with."""

    request: Request
    system: System
    namespace: Namespace
    store: Store
    responses: RestResponses
    caller: Caller
    path: Path
    means_directory: bool  # the URL ends in a slash, or is /rest itself
    parameters: Parameters  # of the URL

    def existing(self) -> StoredObject | Directory:
        """What the URL names; refuses with 404 if that is not there."""
        found = self.store.find(self.path)
        if found is None or (self.means_directory and not isinstance(found, Directory)):
            raise HTTPError(404)
        return found
