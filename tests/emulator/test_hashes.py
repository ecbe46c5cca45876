"""The hash schemes of a namespace (namespace.md, section 3.1)."""

import hashlib

import pytest

from hcpsdk.testing import _hashes
from hcpsdk.testing._ripemd160 import Ripemd160

# From the authors of RIPEMD-160 (Bosselaers: "The hash function RIPEMD-160", test values).
RIPEMD_VECTORS = [
    (b"", "9c1185a5c5e9fc54612808977ee8f548b2258d31"),
    (b"a", "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe"),
    (b"abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
    (b"message digest", "5d0689ef49d2fae572b881b123a85ffa21595f36"),
    (b"abcdefghijklmnopqrstuvwxyz", "f71c27109c692c1b56bbdceb5b9d2865b3708dbc"),
    (8 * b"1234567890", "9b752e45573d4b39f4dbd3323cab82bf63326bfb"),
]


@pytest.mark.parametrize(("data", "digest"), RIPEMD_VECTORS)
def test_own_ripemd160(data: bytes, digest: str) -> None:
    """The implementation of our own gives the authors' values, however the data are cut."""
    at_once, bytewise = Ripemd160(), Ripemd160()
    at_once.update(data)
    for byte in data:
        bytewise.update(bytes([byte]))

    assert (at_once.hexdigest(), bytewise.hexdigest()) == (digest, digest)


@pytest.mark.parametrize("length", [55, 56, 63, 64, 65, 119, 120, 128, 1000])
def test_ripemd160_at_block_edges(length: int) -> None:
    """Padding is right at every edge of a block, and asking does not disturb what follows."""
    whole, halves = Ripemd160(), Ripemd160()
    whole.update(bytes(length))
    halves.update(bytes(length // 2))
    halves.hexdigest()
    halves.update(bytes(length - length // 2))

    assert whole.hexdigest() == halves.hexdigest()


def test_ripemd160_without_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    """RIPEMD-160 is there on a machine whose OpenSSL does not offer it."""

    def missing(name: str, **_: object) -> object:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", missing)
    digest = _hashes.digest("RIPEMD-160")
    digest.update(b"abc")

    assert digest.hexdigest() == "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"
