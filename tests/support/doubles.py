"""Doubles for the module `time` and for the name service."""

import threading
from collections.abc import Callable, Iterable

from hcpsdk import ips

TIMEOUT = 30.0  # seconds; a wait that takes longer has failed the test


class Clock:
    """Stands in for the module `time` in one of ours; has `monotonic()` and nothing else.

    It stands still until it is advanced, from any thread.

    Attributes:
        now: The time, in seconds.
        step: Seconds that pass with each look at it.
        looks: How often the time was looked at.
    """

    def __init__(self, step: float = 0.0) -> None:
        self.now = 1_000_000.0
        self.step = step
        self.looks = 0
        self._changed = threading.Condition()  # guards all

    def monotonic(self) -> float:
        with self._changed:
            self.now += self.step
            self.looks += 1
            self._changed.notify_all()
            return self.now

    def advance(self, seconds: float) -> None:
        with self._changed:
            self.now += seconds

    def wait_for_look(self, after: int = 0) -> None:
        """Return when the time was looked at more than *after* times."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.looks > after, TIMEOUT):
                raise AssertionError(f"{self.looks} looks at the clock, not more than {after}")


class Names:
    """Stands in for `hcpsdk.ips.query`: a few names, their addresses, and who asked for them.

    Attributes:
        asked: All questions so far, as pairs of name and ``cache``.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.before_answer: Callable[[], object] = lambda: None
        self._answers: dict[str, tuple[tuple[str, ...], str, float | None]] = {}
        self._lock = threading.Lock()  # guards asked

    def set(self, name: str, addresses: Iterable[str], ttl: float | None = None) -> None:
        """From now on *name* has *addresses*."""
        self._answers[name] = (tuple(addresses), "", ttl)

    def fail(self, name: str, why: str = "Err: the name servers are on strike") -> None:
        """From now on *name* cannot be looked up."""
        self._answers[name] = ((), why, None)

    def query(self, fqdn: str | ips.Request, cache: bool = False) -> ips.Response:
        if isinstance(fqdn, ips.Request):
            fqdn, cache = fqdn
        with self._lock:
            self.asked.append((fqdn, cache))
        self.before_answer()
        addresses, raised, ttl = self._answers.get(fqdn, ((), "Err: no such name", None))
        return ips.Response(fqdn, cache, addresses, raised, ttl)
