"""The configuration of an HCP: its domain, namespaces, and users. Imports nothing of the emulator.

Values only. The defaults are those of the manual, so that each of its examples runs as printed.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

# Data access permissions (docs/hcp/namespace.rst, section 2).
PERMISSIONS = frozenset(
    (
        *("browse", "read", "write", "delete", "purge", "privileged", "search"),
        *("read_acl", "write_acl", "change_owner"),
    )
)

# "Read" and "purge" include another permission (section 2).
IMPLIED = {"read": "browse", "purge": "delete"}

# Roles of administrators (docs/hcp/mapi.rst, section 6).
ROLES = frozenset(["administrator", "compliance", "monitor", "search", "security", "service"])

HashScheme = Literal["MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512", "RIPEMD-160"]

GIB = 1024**3

T = TypeVar("T")


def with_implied(permissions: frozenset[str]) -> frozenset[str]:
    """*permissions* and those that they include."""
    return permissions | {IMPLIED[name] for name in permissions & IMPLIED.keys()}


def _check_permissions(*sets: frozenset[str]) -> None:
    unknown = frozenset[str]().union(*sets) - PERMISSIONS
    if unknown:
        raise ValueError(f"unknown permission: {', '.join(sorted(unknown))}")


@dataclass(frozen=True)
class User:
    """An account.

    Args:
        name: The login name.
        password: The password.
        tenant: The name of its tenant; None for a system-level account, which has no access to
            data.
        permissions: The permissions in all namespaces of the tenant; or a mapping from names of
            namespaces to the permissions there, without access to the others. Possible values:
            ``browse``, ``read``, ``write``, ``delete``, ``purge``, ``privileged``, ``search``,
            ``read_acl``, ``write_acl`` and ``change_owner``.
        roles: The roles in the management API: ``administrator``, ``compliance``,
            ``monitor``, ``search``, ``security``, ``service``.
        enabled: False refuses its credentials.
        manages_namespaces: Whether it may create namespaces and manage those that it owns.
    """

    name: str
    password: str = field(repr=False)
    tenant: str | None = None
    permissions: frozenset[str] | Mapping[str, frozenset[str]] = PERMISSIONS
    roles: frozenset[str] = ROLES
    enabled: bool = True
    manages_namespaces: bool = False

    def __post_init__(self) -> None:
        if unknown := self.roles - ROLES:
            raise ValueError(f"unknown role: {', '.join(sorted(unknown))}")
        if isinstance(self.permissions, Mapping):
            _check_permissions(*self.permissions.values())
        else:
            _check_permissions(self.permissions)

    def permissions_for(self, namespace: "Namespace") -> frozenset[str]:
        """The permissions of the account in *namespace*, without masks; empty without access."""
        if self.tenant is None or self.tenant.lower() != namespace.tenant.lower():
            return frozenset()
        if not isinstance(self.permissions, Mapping):
            return with_implied(self.permissions)
        for name, permissions in self.permissions.items():
            if name.lower() == namespace.name.lower():
                return with_implied(permissions)
        return frozenset()

    @property
    def token(self) -> str:
        """``base64(user):md5hex(password)``, as HCP compares it (release 6 and later)."""
        name = base64.b64encode(self.name.encode()).decode("ascii")
        return f"{name}:{hashlib.md5(self.password.encode()).hexdigest()}"


@dataclass(frozen=True)
class RetentionClass:
    """A named retention.

    Args:
        name: The name.
        value: ``"0"``, ``"-1"``, ``"-2"``, or an offset such as ``"A+10y"``.
        description: Free text.
        auto_delete: Shown only: the emulator never deletes expired objects.
    """

    name: str
    value: str
    description: str = ""
    auto_delete: bool = False


@dataclass(frozen=True)
class Namespace:
    """A data store of one tenant, with its settings.

    Args:
        name: The name, which is the first part of the host name.
        tenant: The name of the tenant, which is the second part.
        hash_scheme: The algorithm of ``X-HCP-Hash``.
        dpl: The number of copies that HCP keeps; shown only.
        default_retention: The retention of objects that are stored without a retention.
        default_shred: The default of the shred setting.
        default_index: The default of the index setting.
        quota_bytes: The capacity; a PUT beyond that gets 413.
        http_enabled: Whether port 80 serves it.
        https_enabled: Whether port 443 serves it.
        requires_authentication: False permits anonymous access.
        enterprise_mode: True allows privileged deletes; False is compliance mode.
        retention_classes: The retention classes.
        description: Free text; ``°`` separates parts.
        soft_quota_percent: Shown only.
        versioning_enabled: Whether old versions of objects are kept, and deletions recorded.
        search_enabled: Shown only: there is no search.
        permission_mask: The permissions that can be used in it.
        checks_annotations: True refuses annotations that are not well-formed XML.
        annotation_changes: The changes of annotations that are possible under retention or hold.
        acls: Whether objects can have access control lists, and whether these give permissions.
        hs3_enabled: Whether the S3 gateway serves it.
        hswift_enabled: Whether the Swift gateway serves it.
        owner: The name of the user who owns it.
    """

    name: str
    tenant: str
    hash_scheme: HashScheme = "SHA-256"
    dpl: int = 2
    default_retention: str = "0"
    default_shred: bool = False
    default_index: bool = True
    quota_bytes: int = 50 * GIB
    http_enabled: bool = True
    https_enabled: bool = True
    requires_authentication: bool = True
    enterprise_mode: bool = True
    retention_classes: tuple[RetentionClass, ...] = ()
    description: str = ""
    soft_quota_percent: int = 85
    versioning_enabled: bool = False
    search_enabled: bool = True
    permission_mask: frozenset[str] = PERMISSIONS
    checks_annotations: bool = True
    annotation_changes: Literal["all", "add", "none"] = "add"
    owner: str = ""
    acls: Literal["ENFORCED", "NOT_ENFORCED", "NOT_ENABLED"] = "NOT_ENABLED"
    hs3_enabled: bool = False
    hswift_enabled: bool = False

    def __post_init__(self) -> None:
        _check_permissions(self.permission_mask)
        if self.hash_scheme == "RIPEMD-160":
            try:
                hashlib.new("ripemd160", usedforsecurity=False)
            except ValueError as error:
                raise ValueError("the OpenSSL of this Python does not offer RIPEMD-160") from error

    @property
    def class_values(self) -> dict[str, str]:
        """The value of each retention class, by its name."""
        return {each.name: each.value for each in self.retention_classes}

    def host(self, domain: str) -> str:
        """The namespace's full name in *domain*, ``"n1.m.hcp1.snomis.local"``."""
        return f"{self.name}.{self.tenant}.{domain}"


# As printed in chapter 7 of the manual.
_CLASSES = (
    RetentionClass(
        "initial_unspecified", "-2", "Retention Class with an initial unspecified value."
    ),
    RetentionClass("deletion_prohibited", "-1", "Class which prohibits deletion."),
    RetentionClass(
        "TAX_DATA", "A+10y", "Class for tax data - actually 10 years.", auto_delete=True
    ),
)
_GATEWAYS: dict[str, Any] = {"acls": "ENFORCED", "hs3_enabled": True, "hswift_enabled": True}
_N1 = Namespace(
    "n1",
    "m",
    retention_classes=_CLASSES,
    description="replicated°search°no versioning",
    **_GATEWAYS,
)
_N2 = Namespace(
    "n2",
    "m",
    retention_classes=_CLASSES,
    description="replicated°search°versioning",
    versioning_enabled=True,
    **_GATEWAYS,
)


DEFAULT_TENANT = "Default"  # it has one namespace, which is open to anonymous users

DEFAULT_NAMESPACE = Namespace("default", "default", requires_authentication=False)


@dataclass
class System:
    """One HCP as its administrator configured it; a `Site` is made from it.

    While an HCP runs, its management API assigns to ``namespaces``, ``users`` and ``tenants``. The
    tuples themselves are never altered, so that any thread can read them.
    """

    domain: str = "hcp1.snomis.local"
    version: str = "7.1.0.10"
    namespaces: tuple[Namespace, ...] = (_N1, _N2)
    users: tuple[User, ...] = (
        User("n", "n01", "m", manages_namespaces=True),
        User("service", "service01"),
    )
    tenants: tuple[str, ...] = ()  # besides those of the namespaces and users
    # The status for requests without credentials: 403, or 302 to the login page (older releases).
    missing_credentials_status: Literal[403, 302] = 403
    # The permissions that can be used in the whole system, and by name of the tenant.
    permission_mask: frozenset[str] = PERMISSIONS
    tenant_masks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    # Whether chargeback reports have columns for tiering, as those of releases from 7.3 on.
    reports_tiering: bool = False

    def __post_init__(self) -> None:
        _check_permissions(self.permission_mask, *self.tenant_masks.values())

    def effective_mask(self, namespace: Namespace) -> frozenset[str]:
        """The permissions that the masks of system, tenant and *namespace* all allow."""
        allowed = with_implied(self.permission_mask) & with_implied(namespace.permission_mask)
        for tenant, mask in self.tenant_masks.items():
            if tenant.lower() == namespace.tenant.lower():
                allowed &= with_implied(mask)
        return allowed

    def all_tenants(self) -> list[str]:
        """The names of all tenants, each once; without the one of the default namespace."""
        names = [namespace.tenant for namespace in self.namespaces]
        names += [user.tenant for user in self.users if user.tenant is not None]
        found: dict[str, str] = {}
        for name in (*names, *self.tenants):
            found.setdefault(name.lower(), name)
        return list(found.values())

    def tenant(self, name: str) -> str | None:
        """The tenant called *name* as it is written; names of tenants are not case-sensitive."""
        return _first(each for each in self.all_tenants() if each.lower() == name.lower())

    def tenant_of(self, host: str) -> str | None:
        """The tenant that *host* is a name of, or of one of its namespaces."""
        domain = self.domain.lower()
        return _first(
            name
            for name in self.all_tenants()
            if f".{host.lower()}".endswith(f".{name.lower()}.{domain}")
        )

    def is_default_namespace(self, host: str) -> bool:
        """Whether *host* names the default namespace (docs/hcp/namespace.rst, section 24)."""
        return host.lower() in (DEFAULT_NAMESPACE.host(self.domain).lower(), f"www.{self.domain}")

    def namespace(self, host: str) -> Namespace | None:
        """The namespace with the name *host* (without port, in any case)."""
        return _first(n for n in self.namespaces if n.host(self.domain).lower() == host.lower())


def _first(found: Iterable[T]) -> T | None:
    return next(iter(found), None)
