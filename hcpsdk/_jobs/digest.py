"""Hashes as HCP computes and names them: ``"SHA-256 47FB…"``. Imports `_errors` only."""

import functools
import hashlib
from collections.abc import Callable
from typing import Any, Protocol

from hcpsdk._errors import HcpsdkError

LIKELY = "SHA-256"  # the default of new namespaces


class Digest(Protocol):
    """A running hash."""

    def update(self, data: Any, /) -> None: ...

    def hexdigest(self) -> str: ...


# Not hashlib.new(), which takes longer to find them.
_CONSTRUCTORS: dict[str, Callable[..., Digest]] = {
    "MD5": hashlib.md5,
    "SHA-1": hashlib.sha1,
    "SHA-256": hashlib.sha256,
    "SHA-384": hashlib.sha384,
    "SHA-512": hashlib.sha512,
    "RIPEMD-160": functools.partial(hashlib.new, "ripemd160"),
}


def new_digest(scheme: str, data: bytes = b"") -> Digest:
    """A running hash of HCP's *scheme*, ``"SHA-256"``, into which *data* went already.

    Raises:
        HcpsdkError: The scheme is unknown, or this Python cannot compute it.
    """
    constructor = _CONSTRUCTORS.get(scheme)
    if constructor is None:
        raise HcpsdkError(f"unknown hash scheme {scheme[:40]!r}")
    try:
        # None of them guards a secret here; saying so keeps MD5 available on FIPS machines.
        return constructor(data, usedforsecurity=False)
    except ValueError as exc:
        raise HcpsdkError(f"this Python cannot compute {scheme}: {exc}") from exc


def is_scheme(scheme: object) -> bool:
    """True if HCP knows a hash of this name."""
    return scheme in _CONSTRUCTORS
