"""Hashes as HCP computes and names them: ``"SHA-256 47FB…"``. Imports `_errors` only."""

import hashlib
from typing import Any, Protocol

from hcpsdk._errors import HcpsdkError

LIKELY = "SHA-256"  # what new namespaces have if nobody chooses another one

_PYTHON_NAMES = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
    "RIPEMD-160": "ripemd160",
}


class Digest(Protocol):
    """A running hash."""

    def update(self, data: Any, /) -> None: ...

    def hexdigest(self) -> str: ...


def new_digest(scheme: str) -> Digest:
    """A running hash of HCP's *scheme*, ``"SHA-256"``.

    Raises:
        HcpsdkError: The scheme is unknown, or this Python cannot compute it.
    """
    name = _PYTHON_NAMES.get(scheme)
    if name is None:
        raise HcpsdkError(f"unknown hash scheme {scheme[:40]!r}")
    try:
        # None of them guards a secret here; saying so keeps MD5 available on FIPS machines.
        return hashlib.new(name, usedforsecurity=False)
    except ValueError as exc:
        raise HcpsdkError(f"this Python cannot compute {scheme}: {exc}") from exc


def is_scheme(scheme: object) -> bool:
    """True if HCP knows a hash of this name."""
    return scheme in _PYTHON_NAMES
