"""The hash schemes that a namespace can have. Imports `config`."""

import hashlib
from typing import Protocol

from ..config import HashScheme


class Digest(Protocol):
    """A running digest."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


def digest(scheme: HashScheme) -> Digest:
    """A new running digest of *scheme*, as HCP names it ("SHA-256")."""
    # None of them protects a secret here; with this flag MD5 is available on FIPS machines.
    return hashlib.new(scheme.replace("-", "").lower(), usedforsecurity=False)
