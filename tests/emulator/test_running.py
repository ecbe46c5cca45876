"""Which HCPs run in this process."""

from hcpsdk.testing import HCP, running


def test_running() -> None:
    """Those that were started and not stopped, in that order; the list is a copy."""
    before = running()
    with HCP("hcp8.snomis.local") as one:
        with HCP("hcp9.snomis.local") as other:
            assert running() == [*before, one, other]
            running().clear()
        assert running() == [*before, one]
    assert running() == before
