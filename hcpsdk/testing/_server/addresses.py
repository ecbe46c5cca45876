"""Loopback addresses for the nodes of the HCPs in this process."""

import threading

from .listener import StartError

NETWORK = "127.0.0."
# The nodes in the library's manual are 192.168.0.52 to .55, those of its second system .56 to .59.
FIRST, LAST = 52, 254

_lock = threading.Lock()  # guards _taken
_taken: set[int] = set()


def take_addresses(count: int) -> list[str]:
    """*count* addresses in a row that no other HCP of this process has; give them back later."""
    with _lock:
        for first in range(FIRST, LAST + 2 - count):
            block = range(first, first + count)
            if _taken.isdisjoint(block):
                _taken.update(block)
                return [f"{NETWORK}{number}" for number in block]
    raise StartError(f"no {count} loopback addresses in a row are left; stop another HCP first")


def give_back(addresses: list[str]) -> None:
    with _lock:
        _taken.difference_update(int(address.removeprefix(NETWORK)) for address in addresses)
