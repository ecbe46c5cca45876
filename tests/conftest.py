"""A clock and a name service that do as they are told, for all shelves."""

import threading
from collections.abc import Callable, Iterable

import pytest

import hcpsdk
from hcpsdk import ips


class Clock:
    """Stands in for the module `time` in one of ours; has `monotonic()` and nothing else.

    Attributes:
        now: The time, in seconds.
        step: Seconds that pass with each look at it.
    """

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.step = 0.0

    def monotonic(self) -> float:
        self.now += self.step
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


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


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which `hcpsdk.ips` goes; it stands still until it is advanced."""
    clock = Clock()
    monkeypatch.setattr(ips, "time", clock)
    return clock


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """What `hcpsdk.ips.query` answers, for Circles and Targets."""
    names = Names()
    monkeypatch.setattr(ips, "query", names.query)
    return names


@pytest.fixture
def authorization() -> hcpsdk.NativeAuthorization:
    return hcpsdk.NativeAuthorization("n", "n01")
