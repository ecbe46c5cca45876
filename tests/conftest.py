"""A clock and a name service that tests control, and Ctrl-C, for all folders of tests."""

import signal
from collections.abc import Iterator

import pytest

import hcpsdk
from hcpsdk import ips

from .support.doubles import Clock, Names

# An assert in these modules, which are no test modules, fails under ``python -O``, too.
pytest.register_assert_rewrite(
    *(f"{__package__}.{name}" for name in ("emulator", "soak", "support.aws", "unit"))
)


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_in_child_processes() -> Iterator[None]:
    """Ctrl-C ends child processes, even if a shell runs the tests in the background.

    It has Ctrl-C ignored then, which the children would inherit. A handler is not inherited.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: None)
    yield
    signal.signal(signal.SIGINT, before)


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
