"""What the README and the manual show comes out of a real exchange."""

import doctest
from pathlib import Path

from hcpsdk.testing import HCP, link

HERE = Path(__file__).parent


def test_readme():
    """The README's session runs as printed, its failure included."""
    failed, tried = doctest.testfile(
        str(HERE.parents[1] / "README.rst"), module_relative=False, encoding="utf-8"
    )

    assert tried > 10
    assert failed == 0


def test_emulator_page():
    """The sessions on the emulator's page run as printed."""
    failed, tried = doctest.testfile(
        str(HERE.parents[1] / "docs" / "emulator.rst"), module_relative=False, encoding="utf-8"
    )

    assert tried >= 5
    assert failed == 0


def test_manual_session(hcp):
    """The session of manual 4.4 gives the documented values."""
    failed, tried = doctest.testfile(
        str(HERE / "manual_4_4.rst"),
        module_relative=False,
        optionflags=doctest.ELLIPSIS,
        encoding="utf-8",
    )

    assert tried > 15
    assert failed == 0


def test_manual_chapters_7_to_9(hcp):
    """Each example of manual chapters 7, 8 and 9 gives the printed result."""
    with HCP("hcp2.snomis.local") as other, link(hcp, other):
        failed, tried = doctest.testfile(
            str(HERE / "manual_7_8_9.rst"),
            module_relative=False,
            optionflags=doctest.ELLIPSIS,
            encoding="utf-8",
        )

    assert tried > 30
    assert failed == 0
