"""Who is asking, and what may they do? namespace.md, section 2."""

from collections.abc import Container
from dataclasses import dataclass

from ._messages import Request
from ._refusals import Refused
from ._system import PERMISSIONS, Namespace, System, User, with_implied

COOKIE = "hcp-ns-auth"
LOGIN_PAGE = "/browser/"

# Where a namespace lets people in without credentials: what they may do. What belongs to a user's
# account (ownership, access lists, privileged work) needs one.
ANONYMOUS = PERMISSIONS - {"privileged", "read_acl", "write_acl", "change_owner"}


@dataclass(frozen=True)
class Caller:
    """The user who asks, None for an anonymous one, with the permissions for this namespace."""

    user: User | None
    own: frozenset[str]  # what the account was given
    permissions: frozenset[str]  # what is left of it under the masks

    @property
    def name(self) -> str:
        return self.user.name if self.user else ""

    def needs(self, permission: str) -> None:
        """Refuse the request if the caller lacks *permission*."""
        if permission not in self.permissions:
            who = f"user {self.name}" if self.user else "anonymous access"
            raise Refused(403, f"{who} lacks the permission: {permission}")


def caller(request: Request, system: System, namespace: Namespace) -> Caller:
    """Who asks; refuses (403, or 302 to the login page) whoever may not enter at all."""
    given = credentials(request)
    if given is None or given == "all_users:":
        if not namespace.requires_authentication:
            return _admitted(None, system, namespace)
        if system.missing_credentials_status == 302:
            raise Refused(302, headers=[("Location", LOGIN_PAGE)])
        raise Refused(403, "the namespace requires authentication")
    for user in system.users:
        if same_token(given, user.token):
            if user.tenant is None or user.tenant.lower() != namespace.tenant.lower():
                raise Refused(403, f"user {user.name} has no access to the namespace")
            return _admitted(user, system, namespace)
    # Wrong credentials are refused even where none are needed.
    raise Refused(403, "invalid credentials")


def own_permissions(user: User | None, namespace: Namespace) -> frozenset[str]:
    """What *user*, None for anybody, was given for *namespace*; empty if that is closed to them."""
    if user is not None:
        return user.permissions_for(namespace)
    return frozenset() if namespace.requires_authentication else with_implied(ANONYMOUS)


def _admitted(user: User | None, system: System, namespace: Namespace) -> Caller:
    own = own_permissions(user, namespace)
    return Caller(user, own, own & system.effective_mask(namespace))


def credentials(request: Request, cookies: Container[str] = (COOKIE,)) -> str | None:
    """The token that was sent, ``""`` if in a form that is not known; None if there was none."""
    header = request.header("Authorization")
    if header is not None:  # the cookie does not count then
        scheme, _, token = header.strip().partition(" ")
        return token.strip() if scheme.upper() == "HCP" else ""
    for name, value in request.headers:
        if name.lower() == "cookie":
            for pair in value.split(";"):
                key, _, token = pair.strip().partition("=")
                if key in cookies:
                    return token.strip('"')
    return None


def same_token(given: str, right: str) -> bool:
    """Base64 compares exactly; MD5 in either case, as vendor examples show both."""
    user, _, password = given.partition(":")
    right_user, _, right_password = right.partition(":")
    return user == right_user and password.lower() == right_password
