"""Authentication and permissions. Imports `credentials` and `config`.

docs/hcp/namespace.rst, section 2.
"""

from dataclasses import dataclass

from ..config import PERMISSIONS, Namespace, System, User, with_implied
from .credentials import credentials, same_token
from .errors import HTTPError
from .messages import Request

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
            return caller_in(namespace, None, system)
        if system.missing_credentials_status == 302:
            raise HTTPError(302, headers=[("Location", LOGIN_PAGE)])
        raise HTTPError(403, "the namespace requires authentication")
    known = [user for user in system.users if user.enabled and same_token(given, user.token)]
    for user in known:
        if user.tenant is not None and user.tenant.lower() == namespace.tenant.lower():
            return caller_in(namespace, user, system)
    if known:
        raise HTTPError(403, f"user {known[0].name} has no access to the namespace")
    # Wrong credentials are refused even where none are needed.
    raise HTTPError(403, "invalid credentials")


def own_permissions(user: User | None, namespace: Namespace) -> frozenset[str]:
    """The permissions of *user* (None: anonymous) in *namespace*; empty without access."""
    if user is not None:
        return user.permissions_for(namespace)
    return frozenset() if namespace.requires_authentication else with_implied(ANONYMOUS)


def caller_in(namespace: Namespace, user: User | None, system: System) -> Caller:
    """*user*, None for an anonymous one, with what it may do in *namespace*."""
    own = own_permissions(user, namespace)
    return Caller(user, own, own & system.effective_mask(namespace))
