"""What the README and the manual show comes out of a real exchange."""

import contextlib
import doctest
from pathlib import Path

import pytest

from hcpsdk.testing import HCP, link

from .pages import PAGES, ROOT, Block, Trial, blocks

HERE = Path(__file__).parent

each_page = pytest.mark.parametrize(
    "page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES]
)


@each_page
def test_page(page, tmp_path, monkeypatch):
    """All code on a page runs as printed, from top to bottom."""
    trial = Trial(page, tmp_path / "page")
    monkeypatch.chdir(trial.folder)
    with contextlib.ExitStack() as stack:
        stack.callback(trial.clean_up)
        for block in blocks(page):
            if block.is_tried:
                trial.run(block)


@each_page
def test_excuses(page):
    """What is not run says why."""
    silent = [f"{page.name}:{block.line}" for block in blocks(page) if block.needs_excuse]

    assert silent == []
    assert "+SKIP" not in page.read_text(encoding="utf-8")


def test_captions():
    """A file that a page shows is used on the same page, further down."""
    for page in PAGES:
        found = list(blocks(page))
        for number, block in enumerate(found):
            if name := block.kind == "python" and block.options.get("caption"):
                later = [other for other in found[number:] if other.kind == "console"]
                assert any(name in other.text for other in later), f"{page.name}: {name}"


def test_listings():
    """A listing is of a file that is there."""
    for page in PAGES:
        for block in blocks(page):
            if block.kind == "literalinclude":
                assert Path(block.text).is_file(), f"{page.name}:{block.line}"


PAGE = """\
Title
=====

>>> 1 + 1
2

.. not run: this

Two lines,
then::

    $ literal

.. not run: for
   a reason

.. code-block:: python
   :caption: a.py

   print(1)

   print(2)

.. setup:

   a = 1

* A list

  .. code-block:: console

     $ true

A line that ends with ``::`` is none, nor is a comment:

.. literalinclude:: /nowhere
"""


def test_blocks(tmp_path):
    """All kinds of blocks are found, with their lines, options and excuses."""
    page = ROOT / "docs" / "page.rst"
    folder = tmp_path / "page.rst"
    folder.write_text(PAGE.replace("/nowhere", str(ROOT / "setup.py")), encoding="utf-8")

    assert page not in PAGES
    assert list(blocks(folder)) == [
        Block(">>>", 4, ">>> 1 + 1\n2\n"),
        Block("::", 10, "$ literal\n", {}, "this"),
        Block("python", 17, "print(1)\n\nprint(2)\n", {"caption": "a.py"}, "for a reason"),
        Block("setup", 24, "a = 1\n"),
        Block("console", 30, "$ true\n"),
        Block("literalinclude", 36, str(ROOT / "setup.py")),
    ]


def test_wrong_page(tmp_path):
    """A page whose code does something else than printed is found out."""
    page = tmp_path / "page.rst"
    trial = Trial(page, tmp_path / "folder")
    for text in (
        ">>> 1 + 1\n3\n",
        ".. code-block:: python\n\n   assert False\n",
        ".. code-block:: console\n\n   $ echo a\n   b\n",
        ".. code-block:: console\n\n   $ false\n",
        ".. code-block:: console\n\n   $ true\n   (exits with 1)\n",
    ):
        page.write_text(text, encoding="utf-8")
        (block,) = blocks(page)
        with pytest.raises(AssertionError):
            trial.run(block)


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
