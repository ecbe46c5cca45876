"""An authenticated request to a namespace, with all that operations need."""

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

    def existing(self) -> StoredObject | Directory:
        """The object or directory at the URL; 404 if it does not exist."""
        found = self.store.find(self.path)
        if found is None or (self.means_directory and not isinstance(found, Directory)):
            raise HTTPError(404)
        return found
