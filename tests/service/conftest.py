"""An emulated HCP for the tests in which our client talks to it."""

import pytest

import hcpsdk
import hcpsdk.testing

FQDN = "n1.m.hcp1.snomis.local"


@pytest.fixture(scope="session")
def running_hcp():
    with hcpsdk.testing.HCP() as hcp:
        yield hcp


@pytest.fixture
def hcp(running_hcp):
    """The emulated HCP, empty, with all its nodes up."""
    running_hcp.reset()
    return running_hcp


@pytest.fixture
def target(hcp):
    return hcpsdk.Target(FQDN, hcpsdk.NativeAuthorization("n", "n01"))


@pytest.fixture
def connection(target):
    with hcpsdk.Connection(target) as connection:
        yield connection
