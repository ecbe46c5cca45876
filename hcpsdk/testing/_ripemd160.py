"""RIPEMD-160 in plain Python.

OpenSSL 3 hands the algorithm out only where its "legacy" provider is loaded, and the emulator has
to give the same ``X-HCP-Hash`` on every machine. Written from the authors' description
(Dobbertin, Bosselaers, Preneel: "RIPEMD-160, a strengthened version of RIPEMD", 1996).
"""

import struct

BLOCK = 64  # bytes

# Five rounds of sixteen steps in two lines that run side by side. Per step: which of the block's
# sixteen words is added, and by how many bits the sum is rotated.
_PERMUTATION = (7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8)

_LEFT_SHIFTS = (
    (11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8),
    (7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12),
    (11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5),
    (11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12),
    (9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6),
)
_RIGHT_SHIFTS = (
    (8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6),
    (9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11),
    (9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5),
    (15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8),
    (8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11),
)
_LEFT_CONSTANTS = (0x00000000, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E)
_RIGHT_CONSTANTS = (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0x00000000)
_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)

_Chain = tuple[int, int, int, int, int]


class Ripemd160:
    """A running digest with the two methods that ``hashlib``'s objects have as well."""

    def __init__(self) -> None:
        self._chain: _Chain = _START
        self._rest = b""  # fewer bytes than a block
        self._length = 0

    def update(self, data: bytes) -> None:
        """Take *data* into the digest."""
        self._length += len(data)
        data = self._rest + data
        whole = len(data) - len(data) % BLOCK
        for start in range(0, whole, BLOCK):
            self._chain = _compressed(self._chain, data[start : start + BLOCK])
        self._rest = data[whole:]

    def hexdigest(self) -> str:
        """The digest of everything so far, 40 digits in lower case."""
        bits = (self._length * 8) & 0xFFFFFFFFFFFFFFFF
        zeros = (BLOCK - 9 - len(self._rest)) % BLOCK
        tail = self._rest + b"\x80" + bytes(zeros) + struct.pack("<Q", bits)
        chain = self._chain
        for start in range(0, len(tail), BLOCK):
            chain = _compressed(chain, tail[start : start + BLOCK])
        return struct.pack("<5I", *chain).hex()


def _word_orders() -> tuple[list[list[int]], list[list[int]]]:
    """Which word each step takes: every round permutes the order of the one before."""
    left = [list(range(16))]
    right = [[(9 * i + 5) % 16 for i in range(16)]]
    for _ in range(4):
        left.append([_PERMUTATION[i] for i in left[-1]])
        right.append([_PERMUTATION[i] for i in right[-1]])
    return left, right


_LEFT_WORDS, _RIGHT_WORDS = _word_orders()


def _mixed(kind: int, x: int, y: int, z: int) -> int:
    """The function of a round: 0 is the first one of the left line, 4 that of the right line."""
    if kind == 0:
        return x ^ y ^ z
    if kind == 1:
        return (x & y) | (~x & z)
    if kind == 2:
        return (x | ~y) ^ z
    if kind == 3:
        return (x & z) | (y & ~z)
    return x ^ (y | ~z)


def _rotated(value: int, bits: int) -> int:
    value &= 0xFFFFFFFF
    return (value << bits | value >> (32 - bits)) & 0xFFFFFFFF


def _line(
    chain: _Chain,
    words: tuple[int, ...],
    orders: list[list[int]],
    shifts: tuple[tuple[int, ...], ...],
    constants: tuple[int, ...],
    kinds: tuple[int, ...],
) -> _Chain:
    """One of the two lines over one block."""
    a, b, c, d, e = chain
    for order, shift, constant, kind in zip(orders, shifts, constants, kinds, strict=True):
        for word, bits in zip(order, shift, strict=True):
            total = a + _mixed(kind, b, c, d) + words[word] + constant
            a, e, d, c, b = e, d, _rotated(c, 10), b, (_rotated(total, bits) + e) & 0xFFFFFFFF
    return a, b, c, d, e


def _compressed(chain: _Chain, block: bytes) -> _Chain:
    """The chaining value after one block of 64 bytes."""
    words = struct.unpack("<16I", block)
    left = _line(chain, words, _LEFT_WORDS, _LEFT_SHIFTS, _LEFT_CONSTANTS, (0, 1, 2, 3, 4))
    right = _line(chain, words, _RIGHT_WORDS, _RIGHT_SHIFTS, _RIGHT_CONSTANTS, (4, 3, 2, 1, 0))
    a, b, c, d, e = (
        (chain[(i + 1) % 5] + left[(i + 2) % 5] + right[(i + 3) % 5]) & 0xFFFFFFFF for i in range(5)
    )
    return a, b, c, d, e
