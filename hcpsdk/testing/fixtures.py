"""Fixtures for pytest: ``pytest_plugins = ["hcpsdk.testing.fixtures"]`` in ``conftest.py``.

The report of a failed test shows the requests that its HCPs received. Imports `hcpsdk.testing`.
"""

from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

import pytest

from . import HCP, Link, link

MAX_REQUESTS = 50  # in the report of a failed test; the last ones


class Pair(NamedTuple):
    """Two HCPs that replicate to each other.

    Attributes:
        first: ``hcp1.snomis.local``, the one of the fixture ``hcp``.
        second: ``hcp2.snomis.local``.
        link: The active/active link between them.
    """

    first: HCP
    second: HCP
    link: Link


@pytest.fixture(scope="session")
def hcp_options() -> dict[str, Any]:
    """The arguments of `HCP`; override this fixture to have others."""
    return {}


@pytest.fixture(scope="session")
def hcp_session(hcp_options: dict[str, Any]) -> Iterator[HCP]:
    """The HCP of the whole session, for fixtures with a wider scope. `hcp` resets it."""
    with HCP(**hcp_options) as running:
        yield running


@pytest.fixture
def hcp(hcp_session: HCP, monkeypatch: pytest.MonkeyPatch) -> Iterator[HCP]:
    """A running HCP without objects, requests and faults, which shows real time.

    Python processes that the test starts reach it, too. If the emulator itself fails during the
    test, that is an error.
    """
    hcp_session.reset()
    for name, value in hcp_session.environ.items():
        monkeypatch.setenv(name, value)
    yield hcp_session
    hcp_session.reset()


@pytest.fixture(scope="session")
def hcp_session_2(hcp_options: dict[str, Any]) -> Iterator[HCP]:
    """The second system of `hcp_pair`."""
    with HCP(**{**hcp_options, "domain": "hcp2.snomis.local"}) as running:
        yield running


@pytest.fixture
def hcp_pair(hcp: HCP, hcp_session_2: HCP, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """`hcp` and a second HCP, both empty, with an active/active link; see `Pair`."""
    hcp_session_2.reset()
    for name, value in hcp.environ.items():
        monkeypatch.setenv(name, value)
    with link(hcp, hcp_session_2) as between:
        yield Pair(hcp, hcp_session_2, between)
    hcp_session_2.reset()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the received requests to the report of a failed test."""
    report = yield
    if report.failed and report.when != "teardown":  # then they are gone
        for each in systems(getattr(item, "funcargs", {}).values()):
            report.sections.append((f"Requests received by {each.domain}", received(each)))
    return report


def systems(values: Any) -> list[HCP]:
    """The running HCPs among the *values* of fixtures."""
    found: dict[HCP, None] = {}
    for value in values:
        for each in value if isinstance(value, Pair) else [value]:
            if isinstance(each, HCP) and each.is_running:
                found[each] = None
    return list(found)


def received(hcp: HCP) -> str:
    """One line for each request, the last ones if there are many."""
    requests = hcp.requests
    lines = [str(request) for request in requests[-MAX_REQUESTS:]]
    if len(requests) > MAX_REQUESTS:
        lines.insert(0, f"({len(requests) - MAX_REQUESTS} earlier ones)")
    return "\n".join(lines) or "(none)"
