"""Authentication and permissions. Imports `_http` and `config`.

docs/hcp/namespace.rst, section 2.
"""

from dataclasses import dataclass

from .._http.credentials import credentials, same_token
from .._http.errors import HTTPError
from .._http.messages import Request
from ..config import PERMISSIONS, Namespace, System, User, with_implied

LOGIN_PAGE = "/browser/"

# The permissions of anonymous access, if a namespace permits that. Ownership, access control lists,
# and privileged operations need an account.
ANONYMOUS = PERMISSIONS - {"privileged", "read_acl", "write_acl", "change_owner"}


@dataclass(frozen=True)
class Caller:
    """The user of a request (None: anonymous) with the permissions in this namespace."""

    user: User | None
    own: frozenset[str]  # of the account
    permissions: frozenset[str]  # the same, with masks applied

    @property
    def name(self) -> str:
        return self.user.name if self.user else ""

    def needs(self, permission: str) -> None:
        """403 if the caller lacks *permission*."""
        if permission not in self.permissions:
            who = f"user {self.name}" if self.user else "anonymous access"
            raise HTTPError(403, f"{who} lacks the permission: {permission}")


def caller(request: Request, system: System, namespace: Namespace) -> Caller:
    """The caller of *request*; 403, or 302 to the login page, without access."""
    given = credentials(request)
    if given is None or given == "all_users:":
        if not namespace.requires_authentication:
            return _admitted(None, system, namespace)
        if system.missing_credentials_status == 302:
            raise HTTPError(302, headers=[("Location", LOGIN_PAGE)])
        raise HTTPError(403, "the namespace requires authentication")
    for user in system.users:
        if same_token(given, user.token):
            if user.tenant is None or user.tenant.lower() != namespace.tenant.lower():
                raise HTTPError(403, f"user {user.name} has no access to the namespace")
            return _admitted(user, system, namespace)
    # Wrong credentials are refused even if none are needed.
    raise HTTPError(403, "invalid credentials")


def own_permissions(user: User | None, namespace: Namespace) -> frozenset[str]:
    """The permissions of *user* (None: anonymous) in *namespace*; empty without access."""
    if user is not None:
        return user.permissions_for(namespace)
    return frozenset() if namespace.requires_authentication else with_implied(ANONYMOUS)


def _admitted(user: User | None, system: System, namespace: Namespace) -> Caller:
    own = own_permissions(user, namespace)
    return Caller(user, own, own & system.effective_mask(namespace))
