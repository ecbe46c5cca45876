"""What an emulated HCP is made of: its domain, namespaces, and users.

Values only. The defaults are those of the manual's examples, so that each of them runs as printed.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

# Data access permissions (shared/hcp/namespace.md, section 2).
PERMISSIONS = frozenset(
    (
        *("browse", "read", "write", "delete", "purge", "privileged", "search"),
        *("read_acl", "write_acl", "change_owner"),
    )
)

HashScheme = Literal["MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512", "RIPEMD-160"]

GIB = 1024**3


@dataclass(frozen=True)
class User:
    """An account; ``tenant`` is None for a system-level one, which has no access to data."""

    name: str
    password: str = field(repr=False)
    tenant: str | None = None
    permissions: frozenset[str] = PERMISSIONS

    @property
    def token(self) -> str:
        """``base64(user):md5hex(password)``, as HCP compares it (release 6 and later)."""
        name = base64.b64encode(self.name.encode()).decode("ascii")
        return f"{name}:{hashlib.md5(self.password.encode()).hexdigest()}"


@dataclass(frozen=True)
class Namespace:
    """A data store of one tenant, with the settings that decide how it answers."""

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
    retention_classes: dict[str, str] = field(default_factory=dict)

    def host(self, domain: str) -> str:
        return f"{self.name}.{self.tenant}.{domain}"


@dataclass(frozen=True)
class System:
    """One HCP as its administrator configured it."""

    domain: str = "hcp1.snomis.local"
    version: str = "7.1.0.10"
    namespaces: tuple[Namespace, ...] = (Namespace("n1", "m"), Namespace("n2", "m"))
    users: tuple[User, ...] = (User("n", "n01", "m"), User("service", "service01"))
    # What a request without credentials gets: 403, or 302 to the login page as older releases do.
    missing_credentials_status: Literal[403, 302] = 403

    def namespace(self, host: str) -> Namespace | None:
        """The namespace that *host* (without port) names; host names know no case."""
        return _first(n for n in self.namespaces if n.host(self.domain).lower() == host.lower())


def _first(found: Iterable[Namespace]) -> Namespace | None:
    return next(iter(found), None)
