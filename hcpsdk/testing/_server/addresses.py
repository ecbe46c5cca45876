"""Loopback addresses for the nodes of all HCPs in this process. Imports `listener`."""

import threading

from .listener import StartError

NETWORK = "127.0.0."
# As the last numbers of the nodes in the manual: 52 to 55, and 56 to 59 of its second system.
FIRST, LAST = 52, 254

_lock = threading.Lock()  # guards _taken
_taken: set[int] = set()


def take_addresses(count: int) -> list[str]:
    """*count* consecutive addresses that no other HCP of this process uses."""
    with _lock:
        for first in range(FIRST, LAST + 2 - count):
            block = range(first, first + count)
            if _taken.isdisjoint(block):
                _taken.update(block)
                return [f"{NETWORK}{number}" for number in block]
    raise StartError(f"no {count} consecutive loopback addresses are free; stop another HCP first")


def give_back(addresses: list[str]) -> None:
    with _lock:
        _taken.difference_update(int(address.removeprefix(NETWORK)) for address in addresses)
