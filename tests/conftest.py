"""A clock and a name service that do as they are told, for all shelves."""

import pytest

import hcpsdk
from hcpsdk import ips

from .support.doubles import Clock, Names

# An assert in these modules, which are no test modules, fails under ``python -O``, too.
pytest.register_assert_rewrite(
    *(f"{__package__}.{name}" for name in ("emulator", "soak", "support.aws", "unit"))
)


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
