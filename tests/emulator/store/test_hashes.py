"""The hash schemes of a namespace (docs/hcp/namespace.rst, section 3.1)."""

import hashlib

import pytest

from hcpsdk.testing import Namespace


def test_ripemd160_without_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    """A namespace cannot have RIPEMD-160 where OpenSSL does not offer it."""

    def missing(name: str, **_: object) -> object:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", missing)

    with pytest.raises(ValueError, match="RIPEMD-160"):
        Namespace("n1", "m", hash_scheme="RIPEMD-160")
    assert Namespace("n1", "m", hash_scheme="SHA-512").hash_scheme == "SHA-512"
