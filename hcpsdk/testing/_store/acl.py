"""Access control lists: what their grants allow a user. Imports nothing of the emulator.

docs/hcp/namespace.rst, section 14.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# Permissions of a grant, and what they allow as names in `config.PERMISSIONS`.
PERMISSIONS = {
    "READ": "read",
    "READ_ACL": "read_acl",
    "WRITE": "write",
    "WRITE_ACL": "write_acl",
    "DELETE": "delete",
}
ALL_USERS, AUTHENTICATED = "all_users", "authenticated"  # the groups
MAX_GRANTS = 1000


@dataclass(frozen=True)
class Grant:
    """What a user, or each member of a group, may do with an object."""

    name: str
    is_group: bool
    permissions: frozenset[str]  # keys of `PERMISSIONS`

    def applies_to(self, user: str | None) -> bool:
        """Whether it is for *user*; None for an anonymous one."""
        if self.is_group:
            return self.name == ALL_USERS or user is not None
        return self.name == user


Acl = tuple[Grant, ...]

CANNED: dict[str, Acl] = {
    "all_read": (Grant(ALL_USERS, True, frozenset(["READ"])),),
    "auth_read": (Grant(AUTHENTICATED, True, frozenset(["READ"])),),
}


def permissions_of(acl: Iterable[Grant], user: str | None) -> frozenset[str]:
    """What *acl* allows *user*, None for an anonymous one; READ includes browsing."""
    given = {each for grant in acl if grant.applies_to(user) for each in grant.permissions}
    allowed = frozenset(PERMISSIONS[each] for each in given)
    return allowed | {"browse"} if "read" in allowed else allowed
