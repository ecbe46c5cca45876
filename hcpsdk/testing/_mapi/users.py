"""User and group accounts. Imports `settings`, `lists`.

docs/hcp/mapi.rst, section 6.3."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace

from .._http.errors import HTTPError
from ..config import User
from .call import Document, MapiCall, Path, Resource
from .documents import Record
from .lists import listed
from .properties import changes, one_of, text
from .settings import (
    SECURE,
    Setting,
    Settings,
    changed,
    fact,
    free_text,
    require,
    shown,
    stored,
    strings,
    switch,
)

READ_USERS = ("security", "administrator", "monitor")
CHANGE_USERS = ("security", "administrator")
TENANT_ROLES = ("ADMINISTRATOR", "COMPLIANCE", "MONITOR", "SECURITY")
FIRST_ID = 500
MAX_PASSWORD = 64  # characters

# The names of permissions that differ from those of `User`.
CHOWN = {"CHOWN": "change_owner"}
PERMISSIONS = (
    *("BROWSE", "CHOWN", "DELETE", "PRIVILEGED", "PURGE"),
    *("READ", "READ_ACL", "SEARCH", "WRITE", "WRITE_ACL"),
)


def _roles(names: tuple[str, ...]) -> Setting:
    return Setting(
        strings("role", one_of(*names)),
        {"role": []},
        "roles",
        lambda roles: {"role": sorted(role.upper() for role in roles if role.upper() in names)},
        lambda value: frozenset(role.lower() for role in value["role"]),
    )


USER: Settings = {
    "username": Setting(text(1, 64), attribute="name", fixed=True),
    "fullName": free_text(),
    "description": free_text(),
    "roles": _roles((*TENANT_ROLES, "SEARCH", "SERVICE")),
    "allowNamespaceManagement": switch(False, "manages_namespaces"),
    "forcePasswordChange": switch(False),
    "localAuthentication": switch(True),
    "enabled": switch(True, "enabled"),
    "userID": fact(),
    "userGUID": fact(),
}
TENANT_USER: Settings = {**USER, "roles": _roles(TENANT_ROLES)}
GROUP: Settings = {
    "groupname": Setting(text(1, 255), fixed=True),
    "externalGroupID": free_text(),
    "roles": Setting(strings("role", one_of(*TENANT_ROLES)), {"role": []}),
    "allowNamespaceManagement": switch(False),
}


def first_user(call: MapiCall, tenant: str) -> User:
    """The account that a new *tenant* starts with."""
    name = call.parameters.get("username", "")
    if not name:
        raise HTTPError(400, "'username' parameter is required.")
    user = User(
        name,
        new_password(call),
        tenant,
        permissions={},
        roles=frozenset(role.lower() for role in TENANT_ROLES),
    )
    force = call.parameters.get("forcePasswordChange", "false").lower() in ("true", "t", "1", "")
    call.emulated.plain[user_path(user)] = {
        "fullName": name,
        "description": "Initial Tenant account",
        "forcePasswordChange": force,
        "userID": FIRST_ID,
    }
    return user


def new_password(call: MapiCall, name: str = "password") -> str:
    """The password in the parameters; refused if it is missing or weak."""
    password = call.parameters.get(name)
    if not password:
        raise HTTPError(400, f"'{name}' parameter is required.")
    return _checked(password)


def _checked(password: str) -> str:
    groups = [re.search(group, password) for group in ("[A-Za-z]", "[0-9]", "[^A-Za-z0-9]")]
    if len(password) > MAX_PASSWORD or sum(map(bool, groups)) < 2:
        raise HTTPError(
            400,
            f"a password has up to {MAX_PASSWORD} characters of two of the groups: letters, "
            "digits, others",
        )
    return password


def user_path(user: User) -> Path:
    """The key of the stored properties of *user*."""
    above = ("tenants", user.tenant.lower()) if user.tenant is not None else ()
    return (*above, "useraccounts", user.name.lower())


# Where accounts belong: to a tenant, or to the system


def _tenant(call: MapiCall, *roles: str) -> str | None:
    if call.path[0] == "tenants":
        return call.in_tenant(*roles)
    call.needs(*roles)
    return None


def _accounts(call: MapiCall, tenant: str | None) -> list[User]:
    return [u for u in call.system.users if _lower(u.tenant) == _lower(tenant)]


def _lower(name: str | None) -> str | None:
    return None if name is None else name.lower()


def _user(call: MapiCall, *roles: str) -> User:
    """The account that the URL names."""
    tenant = _tenant(call, *roles)
    name = call.names[0 if tenant is None else 1]
    for user in _accounts(call, tenant):
        if user.name.lower() == name.lower():
            return user
    raise HTTPError(404, f"no such user account: {name}")


def get_users(call: MapiCall) -> Document:
    """The names of the accounts."""
    users = _accounts(call, _tenant(call, *READ_USERS))
    return listed(call, "userAccounts", "username", users, lambda user: user.name)


def put_users(call: MapiCall) -> None:
    """Create an account, without access to any data."""
    tenant = call.in_tenant(*SECURE)
    password = new_password(call)
    given = call.document("userAccount")
    require(given, "username", "fullName", "localAuthentication", "enabled", "forcePasswordChange")
    fresh = User("", password, tenant, permissions={}, roles=frozenset())
    user, plain = changed(TENANT_USER, given, fresh, {}, is_new=True)
    present = _accounts(call, tenant)
    if any(other.name.lower() == user.name.lower() for other in present):
        raise HTTPError(409, f"a user account of that name exists: {user.name}")
    number = FIRST_ID + len(present)
    call.emulated.plain[user_path(user)] = {**plain, "userID": number}
    call.emulated.replace_user(None, user)


def post_users(call: MapiCall) -> None:
    """Give all accounts with the security role a new password."""
    tenant = call.in_tenant(*SECURE)
    password = new_password(call, "resetPasswords")
    for user in _accounts(call, tenant):
        if "security" in user.roles:
            call.emulated.replace_user(user, replace(user, password=password))


def get_user(call: MapiCall) -> Document:
    """The properties of an account."""
    user = _user(call, *READ_USERS)
    return Document("userAccount", _shown(call, user, verbose=call.verbose))


def _shown(call: MapiCall, user: User, *, verbose: bool) -> Record:
    settings = USER if user.tenant is None else TENANT_USER
    record = shown(settings, user, stored(call, user_path(user)), verbose=verbose)
    record["fullName"] = record["fullName"] or user.name
    if verbose:
        place = next(i for i, u in enumerate(_accounts(call, user.tenant)) if u is user)
        record["userID"] = record["userID"] or FIRST_ID + place
        record["userGUID"] = str(uuid.uuid5(uuid.NAMESPACE_DNS, "/".join(user_path(user))))
    return record


def post_user(call: MapiCall) -> None:
    """Change properties, the password, or both."""
    user = _user(call, *CHANGE_USERS)
    facts = _shown(call, user, verbose=True)
    given = call.document("userAccount") if call.has_body else {}
    given = {name: value for name, value in given.items() if value != facts.get(name)}
    if not given and "password" not in call.parameters:
        if not call.has_body:
            raise HTTPError(400, "neither a known action nor a body: userAccount")
        return
    _check_may_change(call, given)
    new, plain = changed(TENANT_USER, given, user, stored(call, user_path(user)))
    if "password" in call.parameters:
        new = replace(new, password=new_password(call))
    _keep_security(call, user, new)
    call.emulated.plain[user_path(user)] = plain
    call.emulated.replace_user(user, new)


def _check_may_change(call: MapiCall, given: Record) -> None:
    """The administrator may change one property, the security user all others."""
    wanted = {"administrator" if n == "allowNamespaceManagement" else "security" for n in given}
    if "password" in call.parameters:
        wanted.add("security")
    if call.path[0] != "tenants" and given:
        raise HTTPError(403, "of system-level accounts only the password can be changed")
    for role in sorted(wanted - call.user.roles):
        raise HTTPError(403, f"user {call.user.name} lacks the role: {role}")


def _keep_security(call: MapiCall, old: User, new: User | None) -> None:
    """Refuse what would leave the tenant without an account that manages accounts."""
    others = [u for u in _accounts(call, old.tenant) if u is not old]
    remaining = others if new is None else [*others, new]
    if not any("security" in u.roles and u.enabled for u in remaining):
        raise HTTPError(403, "this is the last account with the role security")


def delete_user(call: MapiCall) -> None:
    """Delete an account."""
    user = _user(call, *SECURE)
    _keep_security(call, user, None)
    call.emulated.replace_user(user, None)
    call.emulated.forget(user_path(user))


def post_password(call: MapiCall) -> None:
    """Change the password of an account: the user's own, or with the security role any."""
    user = _user(call)
    if user is not call.user and "security" not in call.user.roles:
        raise HTTPError(403, f"user {call.user.name} lacks the role: security")
    given = changes(call.document("updatePasswordRequest"), {"newPassword": text(1, 64)}, {})
    require(given, "newPassword")
    call.emulated.replace_user(user, replace(user, password=_checked(given["newPassword"])))


# Access to data


def get_access(call: MapiCall) -> Document:
    """What the account may do in which namespace."""
    user = _user(call, "administrator", "monitor")
    granted = []
    for namespace in call.namespaces.of_tenant(call.names[0]):
        permissions = user.permissions_for(namespace)
        names = [name for name in PERMISSIONS if CHOWN.get(name, name.lower()) in permissions]
        if names:
            granted.append({"namespaceName": namespace.name, "permissions": {"permission": names}})
    return Document("dataAccessPermissions", {"namespacePermission": granted})


def post_access(call: MapiCall) -> None:
    """Replace what the account may do in the namespaces that are named."""
    user = _user(call, "administrator")
    new = _access(call, user)
    given = changes(
        call.document("dataAccessPermissions"), {"namespacePermission": lambda value: value}, {}
    ).get("namespacePermission", [])
    for each in given if isinstance(given, list) else [given]:
        granted = changes(
            each,
            {
                "namespaceName": text(1, 63),
                "permissions": strings("permission", one_of(*PERMISSIONS)),
            },
            {},
        )
        require(granted, "namespaceName", "permissions")
        namespace = call.namespaces.find(granted["namespaceName"], call.names[0])
        if namespace is None:
            raise HTTPError(400, f"no such namespace: {granted['namespaceName']}")
        names = granted["permissions"]["permission"]
        new[namespace.name] = frozenset(CHOWN.get(name, name.lower()) for name in names)
    call.emulated.replace_user(user, replace(user, permissions=new))


def _access(call: MapiCall, user: User) -> dict[str, frozenset[str]]:
    """The user's permissions by the names of the tenant's namespaces."""
    if isinstance(user.permissions, Mapping):
        return dict(user.permissions)
    return {n.name: user.permissions for n in call.namespaces.of_tenant(call.names[0])}


# Groups, which exist in Active Directory: their accounts are only stored


def get_groups(call: MapiCall) -> Document:
    """The names of the group accounts."""
    above = ("tenants", _lower(_tenant(call, *READ_USERS)) or "", "groupaccounts")
    groups = [p for r, p in call.emulated.plain.items() if r[:3] == above and len(r) == 4]
    return listed(call, "groupAccounts", "groupname", groups, lambda group: group["groupname"])


def put_groups(call: MapiCall) -> None:
    """Add a group account."""
    call.in_tenant(*SECURE)
    given = call.document("groupAccount")
    require(given, "groupname")
    _, plain = changed(GROUP, given, None, {}, is_new=True)
    path = (*call.path, plain["groupname"].lower())
    if path in call.emulated.plain:
        raise HTTPError(409, f"a group account of that name exists: {plain['groupname']}")
    call.emulated.plain[path] = plain


def get_group(call: MapiCall) -> Document:
    """The properties of a group account."""
    return Document("groupAccount", shown(GROUP, None, _group(call), verbose=call.verbose))


def post_group(call: MapiCall) -> None:
    """Change properties."""
    present = _group(call, *CHANGE_USERS)
    _, call.emulated.plain[call.path] = changed(GROUP, call.document("groupAccount"), None, present)


def delete_group(call: MapiCall) -> None:
    """Remove a group account."""
    _group(call, *SECURE)
    call.emulated.forget(call.path)


def _group(call: MapiCall, *roles: str) -> Record:
    _tenant(call, *(roles or READ_USERS))
    if call.path not in call.emulated.plain:
        raise HTTPError(404, f"no such group account: {call.names[-1]}")
    return call.emulated.plain[call.path]


USERS = "tenants/{}/userAccounts"
GROUPS = "tenants/{}/groupAccounts"
RESOURCES = {
    USERS: Resource({"GET": get_users, "PUT": put_users, "POST": post_users}),
    f"{USERS}/{{}}": Resource({"GET": get_user, "POST": post_user, "DELETE": delete_user}),
    f"{USERS}/{{}}/changePassword": Resource({"POST": post_password}),
    f"{USERS}/{{}}/dataAccessPermissions": Resource({"GET": get_access, "POST": post_access}),
    GROUPS: Resource({"GET": get_groups, "PUT": put_groups}),
    f"{GROUPS}/{{}}": Resource({"GET": get_group, "POST": post_group, "DELETE": delete_group}),
    "userAccounts": Resource({"GET": get_users}),
    "userAccounts/{}": Resource({"GET": get_user, "POST": post_user}),
    "userAccounts/{}/changePassword": Resource({"POST": post_password}),
    "groupAccounts": Resource({"GET": get_groups}),
    "groupAccounts/{}": Resource({"GET": get_group}),
}
