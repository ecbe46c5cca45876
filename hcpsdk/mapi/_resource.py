"""Any resource of the management API, read and changed as a dictionary."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hcpsdk._errors import HcpsdkError
from hcpsdk._request.url import Values
from hcpsdk._target import Target
from hcpsdk.mapi._client import JSON, MapiClient

PAGE = 500  # names per request

# The lists that HCP serves in parts, and what their parts have to be sorted by: without sorting,
# the order is arbitrary, so that parts would overlap (docs/hcp/mapi.rst, section 3).
PAGED = {"tenants": "name", "namespaces": "name", "userAccounts": "username"}

Names = list[str]  # in `Resource`, `list` is the method

# Actions on these take no body, on all others an empty one (docs/hcp/mapi.rst, section 3).
REPLICATION = "/mapi/services/replication"


class Resource(MapiClient):
    """A resource of the management API: a tenant, a namespace, a user account, …

    Properties are dictionaries as in HCP's JSON: no XML or JSON to write. Sends its requests over a
    Connection that it keeps until `close()`; usable as a context manager. Each method raises
    `HcpsdkStatusError` for any status but 200, and another `HcpsdkError` if the request failed or
    the response cannot be understood.

    Args:
        target: A Target with the system's name (``admin.…``) or a tenant's, and port 9090.
        path: The resource, starting with ``/mapi/``, with plain names: they are percent-encoded
            here. A path that is already encoded, because a name contains a slash, is passed as
            `hcpsdk.Quoted`.
        timeout: Seconds to wait for the network at each step; None waits forever.
        debuglevel: As for `Connection`: above 0, everything on the wire is printed.

    Raises:
        HcpsdkPortError: The Target's port is not 9090.
        TypeError, ValueError: Invalid argument.
    """

    def __init__(
        self, target: Target, path: str, timeout: float | None = 60, debuglevel: int = 0
    ) -> None:
        if not isinstance(path, str):
            raise TypeError(f"path must be str, not {type(path).__name__}")
        if not path.startswith("/mapi/"):
            raise ValueError(f"path must start with '/mapi/': {path!r}")
        super().__init__(target, timeout, debuglevel)
        self._path = path

    @property
    def path(self) -> str:
        """The path of the resource."""
        return self._path

    def get(self, verbose: bool = True) -> dict[str, Any]:
        """Read the resource's properties.

        Args:
            verbose: False omits those that cannot be changed.
        """
        return self._get_json(self._path, {"verbose": verbose})

    def exists(self) -> bool:
        """False if the resource does not exist or is hidden from the user: HCP responds alike."""
        status = self._connection.HEAD(self._path, headers={"Accept": JSON}).status
        if status in (302, 404):  # HCP says 302 here, where a GET gets 404 or 403
            return False
        self._raise_for_status()
        return True

    def create(self, properties: Mapping[str, Any] | None = None, **params: Values) -> None:
        """Create a resource with *properties* in this list of resources: a ``PUT``.

        Args:
            properties: Those of the new resource, including its name; None: no body.
            params: The query, where HCP requires one, as for the password of a new user.
        """
        self._change("PUT", params, None if properties is None else _written(properties))

    def update(self, /, **properties: Any) -> None:
        """Change properties; those not given stay as they are. Lists are replaced as a whole."""
        self._change("POST", {}, _written(properties))

    def action(self, name: str, value: Values = None) -> None:
        """Run an action on the resource: a ``POST`` with only ``?<name>=<value>``.

        Args:
            name: The action, such as ``"pause"``.
            value: Its argument; None sends only the name.
        """
        is_replication = f"{self._path}/".startswith(f"{REPLICATION}/")
        self._change("POST", {name: value}, None if is_replication else _written({}))

    def delete(self) -> None:
        """Delete the resource."""
        self._change("DELETE", {}, None)

    def list(self) -> Iterator[str]:
        """The names in this list of resources, as they are received.

        Long lists are requested page by page. Names that are created or deleted in the meantime may
        be missing.
        """
        sort_type = PAGED.get(self._path.rstrip("/").rpartition("/")[2])
        if sort_type is None:
            yield from self._names({})
            return
        offset = 0
        previous: set[str] = set()
        while True:
            names = self._names(
                {"offset": offset, "count": PAGE, "sortType": sort_type, "sortOrder": "ascending"}
            )
            new = [name for name in names if name not in previous]
            yield from new
            # More than asked for, or nothing new: this HCP does not serve it in parts.
            if len(names) != PAGE or not new:
                return
            offset += PAGE
            previous = set(names)

    def _names(self, params: dict[str, Values]) -> Names:
        found = self._get_json(self._path, params)
        values: Any = next(iter(found.values()), []) if len(found) < 2 else None
        if not isinstance(values, list) or not all(isinstance(name, str) for name in values):
            raise HcpsdkError(f"{self._path} is not a list of names")
        names: Names = values
        return names

    def _change(self, method: str, params: Mapping[str, Values], body: bytes | None) -> None:
        headers = {"Accept": JSON} if body is None else {"Accept": JSON, "Content-Type": JSON}
        self._exchange(method, self._path, params, headers, body)

    def __repr__(self) -> str:
        return f"<Resource {self._path} over {self._connection!r}>"


def _written(properties: Mapping[str, Any]) -> bytes:
    """*properties* as JSON.

    Raises:
        TypeError, ValueError: JSON cannot carry one of them.
    """
    if not isinstance(properties, Mapping):
        raise TypeError(f"properties must be a dictionary, not {type(properties).__name__}")
    return json.dumps(dict(properties), allow_nan=False).encode("ascii")
