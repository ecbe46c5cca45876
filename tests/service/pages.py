"""Every block of code on a page of the manual, and how each kind is tried.

Pages are plain reStructuredText. What is run, from top to bottom, in one namespace for the page:

* ``>>>`` sessions, as doctests;
* ``.. code-block:: python``: as a script. With ``:caption: name.py`` it is not run, but written to
  the page's folder, for a shell block further down to use;
* ``.. code-block:: console``: each ``$ command`` by bash, in a folder that holds a copy of
  ``samples``. What stands below a command is what it prints (``...`` stands for anything); nothing
  below it: whatever it prints. It has to end with status 0, or ``(exits with 1)`` is the last line;
* ``.. setup:``, a comment: Python that the reader does not see, run like a block.

All else (other languages, ``::`` blocks, ``literalinclude``) is not run, and has to say why, in a
comment above it: ``.. not run: reason``. So does a block of the kinds above that cannot be run.
Listings of files that tests run, or that a script makes, need no reason.
"""

import doctest
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import hcpsdk
from hcpsdk.mapi import Replication
from hcpsdk.namespace import Info
from hcpsdk.testing import HCP

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.rst", *sorted((ROOT / "docs").rglob("*.rst"))]
OPTIONS = doctest.ELLIPSIS

# Files that are run by tests, made by docs/regenerate.py, or no code at all.
INCLUDABLE = ("samples/", "docs/samples/output/", "LICENSE", "docs/generated/")

_COMMENT = re.compile(r"(?P<indent> *)\.\. (?P<kind>not run|setup):(?P<text>.*)")
_DIRECTIVE = re.compile(
    r"(?P<indent> *)\.\. (?P<kind>code-block|code|sourcecode|literalinclude|parsed-literal)::"
    r"(?P<text>.*)"
)
_LITERAL = re.compile(r"(?P<indent> *)(?!\.\. )\S?.*::$")
_OPTION = re.compile(r":(\w+): *(.*)")
_COMMAND = re.compile(r"^\$ ", re.MULTILINE)
_EXITS = re.compile(r"\(exits with (\d+)\)\n?\Z")


@dataclass
class Block:
    """A piece of code on a page."""

    kind: str  # ">>>", "python", "console", "setup", "literalinclude", "::", or another language
    line: int  # where it begins, counted from 1
    text: str  # without indentation; of a literalinclude: the path
    options: dict[str, str] = field(default_factory=dict)
    excuse: str = ""  # why it is not run

    @property
    def is_tried(self) -> bool:
        return not self.excuse and self.kind in RUNNERS

    @property
    def needs_excuse(self) -> bool:
        return self.kind not in RUNNERS and not self.excuse


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of *page*, in their order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    number, excuse = 0, ""
    while number < len(lines):
        line, start = lines[number], number + 1
        number += 1
        if not line.strip():
            continue
        if found := _COMMENT.fullmatch(line) or _DIRECTIVE.fullmatch(line):
            body, number = _indented(lines, number, len(found["indent"]))
            kind, text = found["kind"], found["text"].strip()
            if kind == "not run":
                excuse = " ".join([text, *body.split()]).strip()
                continue
            options = {}
            while kind != "setup" and (option := _OPTION.match(body)):
                options[option[1]] = option[2]
                body = body.partition("\n")[2]
            if kind == "literalinclude":
                path = (page.parent / text).resolve()
                if str(path.relative_to(ROOT)).startswith(INCLUDABLE):
                    excuse = excuse or "run or made elsewhere"
                body = str(path)
            elif kind in ("code-block", "code", "sourcecode"):
                kind = text
            yield Block(kind, start, body.lstrip("\n"), options, excuse)
        elif line.lstrip().startswith(">>> "):
            begin = number - 1
            while number < len(lines) and lines[number].strip():
                number += 1
            yield Block(">>>", start, dedent("\n".join(lines[begin:number])) + "\n", {}, excuse)
        elif found := _LITERAL.fullmatch(line):
            body, number = _indented(lines, number, len(found["indent"]))
            yield Block("::", start, body.lstrip("\n"), {}, excuse)
        elif number < len(lines) and lines[number].strip():
            continue  # an excuse is for what the paragraph ends with
        excuse = ""


def _indented(lines: list[str], number: int, indent: int) -> tuple[str, int]:
    """The lines from *number* on that are indented further, dedented, and where they end."""
    end = number
    while end < len(lines) and (
        not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > indent
    ):
        end += 1
    return dedent("\n".join(lines[number:end])).rstrip() + "\n", end


class Trial:
    """Runs the blocks of one page."""

    def __init__(self, page: Path, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "__main__"}
        shutil.copytree(ROOT / "samples", folder / "samples")

    def run(self, block: Block) -> None:
        RUNNERS[block.kind](self, block)

    def clean_up(self) -> None:
        """Close what the page left open: Connections first, then the emulated HCPs."""
        left = list(self.names.values())
        for value in left:
            if isinstance(value, (hcpsdk.Connection, Info, Replication)):
                value.close()
        for value in left:
            if isinstance(value, HCP):
                value.stop()

    def session(self, block: Block) -> None:
        runner = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False)
        test = doctest.DocTestParser().get_doctest(
            block.text, self.names, self.page.name, str(self.page), block.line - 1
        )
        test.globs = self.names  # not a copy: the next block goes on with them
        said: list[str] = []
        runner.run(test, out=said.append, clear_globs=False)
        assert not runner.failures, "".join(said)

    def script(self, block: Block) -> None:
        if name := block.options.get("caption"):
            (self.folder / name).write_text(block.text, encoding="utf-8")
            return
        place = "\n" * block.line + block.text  # tracebacks show the page's lines
        exec(compile(place, str(self.page), "exec"), self.names)

    def console(self, block: Block) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        for command, wanted in _commands(block.text):
            status = int(exits[1]) if (exits := _EXITS.search(wanted)) else 0
            wanted = _EXITS.sub("", wanted)
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=self.folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=100,
            )
            where = f"{self.page.name}:{block.line}: $ {command}"
            assert done.returncode == status, f"{where}\n{done.stdout}"
            matches = doctest.OutputChecker().check_output(wanted, done.stdout, OPTIONS)
            assert not wanted or matches, f"{where}\nexpected:\n{wanted}\ngot:\n{done.stdout}"


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, and what stands below it."""
    assert text.startswith("$ "), "a console block begins with a command: $ …"
    for piece in _COMMAND.split(text)[1:]:
        command, _, rest = piece.partition("\n")
        while command.endswith("\\"):
            more, _, rest = rest.partition("\n")
            command += f"\n{more}"
        yield command, rest.strip("\n") + "\n" if rest.strip() else ""


RUNNERS = {
    ">>>": Trial.session,
    "python": Trial.script,
    "setup": Trial.script,
    "console": Trial.console,
}
