"""Resources of the management API that a real HCP has, and the emulator has not: they get 501.

docs/hcp/mapi.rst, sections 4.5, 6 and 8. Imports `call`.
"""

from __future__ import annotations

from .._http.errors import not_emulated
from .call import MapiCall, Operation, Resource

METHODS = ("GET", "PUT", "POST", "DELETE")


def missing(what: str) -> Operation:
    """An operation that is refused because *what* is not emulated."""

    def refuse(call: MapiCall) -> None:
        raise not_emulated(what)

    return refuse


def _resource(path: str) -> Resource:
    return Resource({method: missing(f"/mapi/{path}") for method in METHODS})


# A pattern that ends in "/**" stands for everything below, too.
RESOURCES = {
    path: _resource(path)
    for path in (
        "services/replication/certificates/**",
        "services/replication/links/{}/content/**",
        "services/replication/links/{}/localCandidates/**",
        "services/replication/links/{}/remoteCandidates/**",
        "services/replication/links/{}/schedule",
        "services/erasureCoding/**",
        "services/statistics",
        "healthCheckReport/**",
        "storage/**",
        "network/**",
        "supportaccesscredentials/**",
        "tenants/{}/availableServicePlans/**",
        "tenants/{}/contentClasses/**",
        "tenants/{}/cors",
        "tenants/{}/namespaces/{}/cors",
        "tenants/{}/namespaces/{}/protocols",
        "tenants/{}/groupAccounts/{}/dataAccessPermissions",
    )
}
