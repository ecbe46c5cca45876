"""The soak: a short form in every run, the long one with ``pytest tests/soak --operations N``."""

import pytest

SHORT = 1500  # operations


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--operations", type=int, help=f"length of the soak (default: {SHORT})")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--operations", None):
        for item in items:
            item.add_marker(pytest.mark.timeout(0))


@pytest.fixture
def operations(request: pytest.FixtureRequest) -> int:
    """How many operations are to be done."""
    return request.config.getoption("--operations", None) or SHORT
