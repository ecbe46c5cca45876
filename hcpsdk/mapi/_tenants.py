"""Tenants: which ones a system has, and the properties of each."""

import copy
from typing import Any

from hcpsdk._errors import HcpsdkError, HcpsdkStatusError
from hcpsdk._target import Target
from hcpsdk.mapi._client import MapiClient, path_to

TENANTS = path_to("tenants")


class TenantError(HcpsdkStatusError):
    """The status of a request for tenants is not 200; the text starts with it."""


class Tenant(MapiClient):
    """A tenant of an HCP.

    Sends its requests over a Connection that it keeps until `close()`; usable as a context
    manager.

    Args:
        target: A Target with the system's name (``admin.…``) or the tenant's, and port 9090.
        name: The tenant's name.
        timeout: Seconds to wait for the network at each step; None waits forever.
        debuglevel: As for `Connection`: above 0, everything on the wire is printed.

    Raises:
        HcpsdkPortError: The Target's port is not 9090.
        TypeError, ValueError: Invalid argument.
    """

    _status_error = TenantError

    def __init__(
        self, target: Target, name: str, timeout: float | None = 60, debuglevel: int = 0
    ) -> None:
        self._path = path_to("tenants", name)
        super().__init__(target, timeout, debuglevel)
        self._name = name
        self._info: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """The tenant's name."""
        return self._name

    def info(self, cache: bool = True) -> dict[str, Any]:
        """The tenant's properties: ``GET /mapi/tenants/<name>``.

        Args:
            cache: True returns the result of an earlier call, if any; False sends a request.

        Returns:
            A dictionary as HCP's JSON has it: texts, numbers, ``bool``, lists and dictionaries.
            The properties depend on the release, and on the user's level and role. The tenant
            ``Default`` has no ``name``.

        Raises:
            TenantError: The status is not 200.
            HcpsdkError: The request failed, or the response is not a JSON object.
        """
        if self._info is None or not cache:
            self._info = self._get_json(self._path)
        return copy.deepcopy(self._info)

    def __repr__(self) -> str:
        return f"<Tenant {self._name!r} over {self._connection!r}>"


class _Tenants(MapiClient):
    """The list of tenants."""

    _status_error = TenantError

    def names(self) -> list[str]:
        names = self._get_json(TENANTS, {"verbose": True}).get("name", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise HcpsdkError(f"invalid list of tenants from GET {TENANTS}: no array of names")
        return names


def listtenants(target: Target, timeout: float | None = 60, debuglevel: int = 0) -> list[Tenant]:
    """List the tenants of an HCP: ``GET /mapi/tenants?verbose=true``.

    Args:
        target: A Target with the system's name (``admin.…``), a system-level user with role
            monitor or administrator, and port 9090.
        timeout: Seconds to wait for the network at each step; None waits forever. Also that of
            the Tenants returned.
        debuglevel: As for `Connection`. Also that of the Tenants returned.

    Returns:
        A `Tenant` for each, in HCP's order, ``Default`` included. None of them has opened a
        connection yet.

    Raises:
        HcpsdkPortError: The Target's port is not 9090.
        TenantError: The status is not 200.
        HcpsdkError: The request failed, or the response is not a JSON list of names.
    """
    with _Tenants(target, timeout, debuglevel) as tenants:
        names = tenants.names()
    return [Tenant(target, name, timeout, debuglevel) for name in names]
