"""An emulated HCP for the tests in which our client talks to it."""

from collections.abc import Iterator
from typing import Any

import pytest

import hcpsdk
import hcpsdk.testing
from hcpsdk.testing import HCP

FQDN = "n1.m.hcp1.snomis.local"


@pytest.fixture(scope="session")
def running_hcp() -> Iterator[Any]:
    with hcpsdk.testing.HCP() as hcp:
        yield hcp


@pytest.fixture
def hcp(running_hcp: Any) -> Any:
    """The emulated HCP, empty, with all its nodes up."""
    running_hcp.reset()
    return running_hcp


@pytest.fixture
def target(hcp: HCP) -> Any:
    return hcpsdk.Target(FQDN, hcpsdk.NativeAuthorization("n", "n01"))


@pytest.fixture
def connection(target: hcpsdk.Target) -> Iterator[Any]:
    with hcpsdk.Connection(target) as connection:
        yield connection


@pytest.fixture
def versioned_target(hcp: HCP) -> hcpsdk.Target:
    """The namespace that keeps versions."""
    authorization = hcpsdk.NativeAuthorization("n", "n01")
    return hcpsdk.Target("n2.m.hcp1.snomis.local", authorization, port=80)


@pytest.fixture
def versioned(versioned_target: hcpsdk.Target) -> Iterator[hcpsdk.Connection]:
    """To the same; may retry twice."""
    with hcpsdk.Connection(versioned_target, retries=2) as connection:
        yield connection
