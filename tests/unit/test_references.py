"""Every reference to a rule or to a wire fact resolves inside the repository.

Rules are on docs/contract.rst, wire facts on the pages in docs/hcp. Sphinx checks the links of the
documentation itself; here are the references in comments, docstrings and tests.
"""

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FOLDERS = ("hcpsdk", "tests", "samples", "docs")

NUMBER = r"\d+(?:\.\d+)?"
GAP = r"[\s#]+"  # a reference may continue on the next line of a comment
AND = rf"(?:,(?:{GAP}(?:and|or))?|{GAP}(?:and|or|to))(?:{GAP}sections?)?{GAP}"
NUMBERS = rf"{NUMBER}(?:{AND}{NUMBER})*(?![\d.]*\d)"

# "contract 4.3", "contract 2.4 to 2.6, 6", "contract, section 4", ":rule:`4.3`"
RULES = re.compile(
    rf"(?i:contract),?{GAP}(?:sections?{GAP})?(?P<numbers>{NUMBERS})|:rule:`(?:[^`]*<)?([\d.]+)>?`"
)
# "docs/hcp/namespace.rst", "docs/hcp/mapi.rst, sections 4.3 and 4.4"
FACTS = re.compile(rf"docs/hcp/(?P<page>\w+)\.rst(?:,{GAP}sections?{GAP}(?P<numbers>{NUMBERS}))?")
# Pages that are not in the repository, and sections that name no document.
FOREIGN = re.compile(r"(?<![\w/])(?:\.\./)*shared/|\b[\w-]+\.md\b")
BARE = re.compile(r"(?:^|\s)(?:\[\d+\.[\d.]*\d\]|\(\d+\.\d+(?:(?:, | and | to )\d+\.\d+)*\))")
BARE_AT_END = re.compile(r"\[\d+(?:\.\d+)*\]\W*\Z")

MD, SHARED = ".md", "shared"  # apart, so that the samples below are no references themselves


@functools.cache
def labels(page: Path) -> set[str]:
    """The link targets of *page*."""
    return set(re.findall(r"^\.\. _([\w-]+):$", page.read_text(encoding="utf-8"), re.MULTILINE))


def dangling(text: str) -> list[str]:
    """The references in *text* that lead nowhere."""
    found = [f"names what is not in the repository: {each[0]}" for each in FOREIGN.finditer(text)]
    rules = labels(DOCS / "contract.rst")
    for each in RULES.finditer(text):
        for number in re.findall(NUMBER, each["numbers"] or each[2]):
            if f"contract-{number.replace('.', '-')}" not in rules:
                found.append(f"no such rule: {number}")
    for each in FACTS.finditer(text):
        page = DOCS / "hcp" / f"{each['page']}.rst"
        if not page.is_file():
            found.append(f"no such page: {each['page']}")
            continue
        for number in re.findall(NUMBER, each["numbers"] or ""):
            if f"hcp-{page.stem}-{number.replace('.', '-')}" not in labels(page):
                found.append(f"no such section: {each['page']}, {number}")
    return found


def files(*suffixes: str) -> Iterator[Path]:
    """Our own files, without this one and without what was built."""
    yield from (path for path in ROOT.glob("*.rst") if path.suffix in suffixes)
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            is_built = {"_build", "__pycache__"} & set(path.parts)
            if path.suffix in suffixes and not is_built and path != Path(__file__):
                yield path


def documented(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Each name in *tree* that can have a docstring, with that docstring."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield getattr(node, "name", "module"), ast.get_docstring(node) or ""


def prose(source: str) -> Iterator[str]:
    """The docstrings and comments in *source*."""
    yield from (text for _, text in documented(ast.parse(source)))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def test_references_resolve() -> None:
    """Rules, pages and sections that are named exist; nothing else is referred to."""
    found = {
        str(path.relative_to(ROOT)): complaints
        for path in files(".py", ".rst")
        if (complaints := dangling(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_numbers_name_their_page() -> None:
    """No comment or docstring has a number in brackets, "[4.2]" or "(4.2)", as a reference."""
    found = {
        f"{path.relative_to(ROOT)}: {bare[0].strip()}"
        for path in files(".py")
        for text in prose(path.read_text(encoding="utf-8"))
        if (bare := BARE.search(text))
    }
    assert found == set()


def test_docstrings_do_not_end_in_a_number() -> None:
    """No docstring or summary of the package ends in a bare section, such as "[4.2]" or "[9]"."""
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files(".py")
        if path.is_relative_to(ROOT / "hcpsdk")
        for name, text in documented(ast.parse(path.read_text(encoding="utf-8")))
        if BARE_AT_END.search(text) or BARE_AT_END.search(text.split("\n\n")[0])
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("see contract 4.3", 0),
        ("# (contract 4.3, 4.6, 2.4 to 2.6, 6)", 0),
        ("(contract, section 4); (contract, preface and 3.5); Contract 2.5 and 2.6", 0),
        (":rule:`2.10`, :rule:`that one <13.1>`", 0),
        ("contract 4.99", 1),
        ("# contract 4.3,\n    # 4.99 and 99", 2),
        (":rule:`14`", 1),
        ("docs/hcp/namespace.rst", 0),
        ("docs/hcp/mapi.rst, sections 4.3 and 4.4; docs/hcp/namespace.rst, section 3.1: so", 0),
        ("docs/hcp/namespace.rst, section 4, in 2015", 0),
        ("docs/hcp/namespace.rst, section 99", 1),
        ("docs/hcp/namespace.rst, sections\n    # 3 to 6, 99", 1),
        ("docs/hcp/nowhere.rst, section 1", 1),
        (f"namespace{MD}, section 4", 1),
        (f"../{SHARED}/contract", 1),
        (f"/rest/{SHARED}/file, hashlib.md5(b''), 4.99", 0),
    ],
)
def test_dangling(text: str, wrong: int) -> None:
    """References of all forms are recognised, and only those that lead nowhere are reported."""
    assert len(dangling(text)) == wrong


@pytest.mark.parametrize("page", sorted((DOCS / "hcp").glob("*.rst")), ids=lambda page: page.stem)
def test_sections_have_labels(page: Path) -> None:
    """Each numbered section of a page has its number as a link target, and no number twice."""
    text = page.read_text(encoding="utf-8")
    numbers = re.findall(rf"^({NUMBER})\.? .+\n[-~]+$", text, re.MULTILINE)

    assert len(set(numbers)) == len(numbers)
    assert {f"hcp-{page.stem}-{number.replace('.', '-')}" for number in numbers} <= labels(page)
