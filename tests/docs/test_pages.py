"""Code in the README and the manual runs as printed; Sybil finds it. One namespace for each page.

* ``>>>`` sessions are doctests. ``.. code-block:: python`` and ``.. setup:`` (a comment, for what
  readers need not see) are scripts. ``:caption: name`` makes a file for a later command.
* ``.. code-block:: console``: ``$ command`` with its output (``...`` is any text; no output: not
  compared), in a folder with a copy of ``samples``. ``(exits with 1)`` as last line: that status.
* Anything else, or what cannot be run, has a reason in the comment before: ``.. not run: reason``.
"""

import contextlib
import doctest
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sybil import Document, Example, Region
from sybil.evaluators.doctest import OutputChecker
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.abstract.lexers import BlockLexer
from sybil.parsers.rest import DocTestParser
from sybil.parsers.rest.lexers import DirectiveInCommentLexer, DirectiveLexer

from hcpsdk import Connection
from hcpsdk.mapi import Replication
from hcpsdk.namespace import Info
from hcpsdk.testing import HCP, link

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.rst"), *sorted((ROOT / "docs").rglob("*.rst"))]
# Files that tests run, that docs/regenerate.py writes, or that are no code.
INCLUDABLE = ("samples/", "docs/samples/output/", "docs/pictures/", "LICENSE")
REASON = re.compile(r"^( *)\.\. not run: *\S.*(\n\1 +\S.*)*\s*\Z", re.MULTILINE)
LITERAL = re.compile(r"^(?P<prefix> *)(?!\.\. )\S.*(\n *\S.*)*::\n(?=\n)", re.MULTILINE)
LEXERS = {
    "code": DirectiveLexer("code-block|code|sourcecode|parsed-literal|literalinclude"),
    "setup": DirectiveInCommentLexer("setup"),
    "::": BlockLexer(LITERAL, r"\n?\Z|\n {{0,{len_prefix}}}(?=\S)"),
}


def run_console(example: Example) -> None:
    """Run each command, in bash."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
    for found in re.finditer(
        r"^\$ (.*(?:(?<=\\)\n.*)*)\n?((?:(?!\$ ).*\n?)*)", example.parsed, re.M
    ):
        command, (wanted, _, status) = found[1], found[2].partition("(exits with ")
        wanted = wanted.strip("\n")
        done = subprocess.run(
            ["bash", "-c", command], env=environment, text=True, timeout=100,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        where = f"{example.path}:{example.line}: $ {command}\n{done.stdout}"
        assert done.returncode == int(status.rstrip(")\n") or 0), where
        if wanted:
            matches = OutputChecker().check_output(f"{wanted}\n", done.stdout, doctest.ELLIPSIS)
            assert matches, f"{where}expected:\n{wanted}"


def write_file(example: Example) -> None:
    """Write the file, which some later command has to use."""
    name = example.region.lexemes["options"]["caption"]
    assert name in example.document.text[example.end :], f"{example.path}: {name} is not used"
    Path(name).write_text(example.parsed, encoding="utf-8")


def evaluator(document: Document, kind: str, region: Region) -> Callable[[Example], Any] | None:
    """What runs *region*; None if it has a reason not to.

    Raises:
        AssertionError: It cannot be run, and has no reason.
    """
    language: str | None = region.lexemes.get("arguments") if kind == "code" else kind
    if REASON.search(document.text[: region.start]):
        return None
    if region.lexemes.get("directive") == "literalinclude":
        included = (Path(document.path).parent / str(language)).resolve()
        assert included.is_file(), document.region_details(region)
        if str(included.relative_to(ROOT)).startswith(INCLUDABLE):
            return None
    if language == "python" and "caption" in region.lexemes["options"]:
        return write_file
    runners: dict[str | None, Callable[[Example], Any]]
    runners = {"python": PythonEvaluator(), "setup": PythonEvaluator(), "console": run_console}
    assert language in runners, f"no '.. not run: reason': {document.region_details(region)}"
    return runners[language]


def regions(document: Document) -> Iterator[Region]:
    """The blocks other than sessions."""
    for kind, lexer in LEXERS.items():
        for region in lexer(document):
            region.parsed = region.lexemes["source"]
            region.evaluator = evaluator(document, kind, region)
            yield region


def clean_up(values: list[Any]) -> None:
    """Close what a page left open: the emulated HCPs last."""
    for value in values:
        if isinstance(value, (Connection, Info, Replication)):
            value.close()
    for value in values:
        if isinstance(value, HCP):
            value.stop()


def run(page: Path) -> int:
    """Run all code of *page*, from top to bottom, in the current folder; return how many pieces."""
    document = Document.parse(str(page), DocTestParser(doctest.ELLIPSIS), regions)
    assert "+SKIP" not in document.text, page
    document.namespace["__name__"] = "__main__"
    count = 0
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: clean_up([*document.namespace.values()]))
        for count, example in enumerate(document, 1):  # noqa: B007
            example.evaluate()
    return count


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a new one, with the samples."""
    shutil.copytree(ROOT / "samples", tmp_path / "page" / "samples")
    monkeypatch.chdir(tmp_path / "page")
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path) -> None:
    """All code on a page runs as printed, or says why it is not run."""
    run(page)


@pytest.mark.parametrize(
    "text",
    [
        ">>> 1 + 1\n3\n",
        ".. code-block:: python\n\n   raise AssertionError\n",
        ".. setup:\n\n   raise AssertionError\n",
        ".. code-block:: console\n\n   $ echo a\n   b\n",
        ".. code-block:: console\n\n   $ true\n   $ false\n",
        ".. code-block:: console\n\n   $ true\n   (exits with 1)\n",
        ".. code-block:: console\n\n   $ echo \\\n     a\n   b\n",
        ".. code-block:: ruby\n\n   true\n",
        ".. literalinclude:: /nowhere\n",
        ".. code-block:: python\n   :caption: unused.py\n\n   pass\n",
        "Two lines,\nthen::\n\n    $ literal\n",
        ".. not run: for a reason\n\nA paragraph.\n\n* Another::\n\n    $ literal\n",
    ],
)
def test_wrong_page(text: str, folder: Path) -> None:
    """Code that does something else than printed fails, as does a block without a reason."""
    page = folder / "page.rst"
    page.write_text(text, encoding="utf-8")

    with pytest.raises(AssertionError):
        run(page)


def test_right_page(folder: Path) -> None:
    """Each kind of block runs, in the order of the page; excused ones do not."""
    page = folder / "page.rst"
    reason = "   .. not run: for\n      a reason\n\n"
    page.write_text(
        ".. setup:\n\n   a = [1]\n\n* A list:\n\n"
        f"{reason}   .. code-block:: console\n\n      $ false\n\n"
        ".. code-block:: python\n\n   a.append(2)\n\n   b = 3\n\n"
        f"* Next:\n\n{reason}   Two lines,\n   then::\n\n      literal\n\n"
        ">>> a, b\n([1, 2], 3)\n\n"
        ".. code-block:: python\n   :caption: a.py\n\n   print(4)\n\n"
        ".. code-block:: console\n\n   $ python a.py && \\\n     false\n   4\n   (exits with 1)\n",
        encoding="utf-8",
    )

    assert run(page) == 7


def test_manual_4_4() -> None:
    """The session of manual 4.4 gives the documented values."""
    with HCP():
        assert run(Path(__file__).parent / "manual_4_4.rst") > 15


def test_manual_7_8_9() -> None:
    """Each example of manual chapters 7, 8 and 9 gives the printed result."""
    with HCP() as hcp, HCP("hcp2.snomis.local") as other, link(hcp, other):
        assert run(Path(__file__).parent / "manual_7_8_9.rst") > 30
