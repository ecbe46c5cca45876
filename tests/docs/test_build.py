"""The manual builds without a warning, and has an entry for all that the original's index has.

Needs the extra ``docs``; CI installs it.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sphinx")

from sphinx.util.inventory import InventoryFile

import hcpsdk
import hcpsdk.testing

DOCS = Path(__file__).parents[2] / "docs"

# The index of the manual of release 0.9.1-1, and the names in its chapters that it forgot.
NAMES = (Path(__file__).parent / "names.txt").read_text(encoding="ascii").split()
MODULES = (
    hcpsdk,
    hcpsdk.bulk,
    hcpsdk.ips,
    hcpsdk.listing,
    hcpsdk.mapi,
    hcpsdk.namespace,
    hcpsdk.pathbuilder,
    hcpsdk.s3,
    hcpsdk.testing,
    hcpsdk.transfer,
)
TERMS = {"Data Access Account", "DNS", "FQDN", "HS3", "HSwift", "MAPI", "Namespace", "reST"}


@pytest.fixture(scope="module")
def html(tmp_path_factory: Any) -> Any:
    """The manual, built by the documented command, from nothing."""
    folder = tmp_path_factory.mktemp("manual")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", folder / "doctrees", DOCS, folder / "html"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "html"


@pytest.fixture(scope="module")
def objects(html: Any) -> Any:
    """What the manual describes: names by kind, as in ``objects.inv``."""
    inventory = InventoryFile.loads((html / "objects.inv").read_bytes(), uri="")
    return getattr(inventory, "data", inventory)


def test_links(html: Any) -> None:
    """All links within the manual lead somewhere, and each picture has a text beside it."""
    done = subprocess.run(
        [sys.executable, DOCS / "check_html.py", html], capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_names(objects: Any, html: Any) -> None:
    """Each documented name of the original has its entry in the reference, and in the index."""
    described = {name for kind in objects if kind.startswith("py:") for name in objects[kind]}
    index = (html / "genindex.html").read_text(encoding="utf-8")

    assert set(NAMES) - described == set()
    assert [n for n in NAMES if f'#{n}"' not in index and f'#module-{n}"' not in index] == []


def test_pages(html: Any) -> None:
    """Each page shows the version, and has what makes the copy buttons."""
    pages = [page for page in html.rglob("*.html") if "_static" not in page.parts]

    assert len(pages) > 30
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert f"Version {hcpsdk.version()}" in text, page
        assert "_static/copybutton.js" in text, page


def test_sources(html: Any) -> None:
    """Each public class, exception and function has a link to its source."""
    linked = set()
    for page in (html / "api").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        for name, signature in re.findall(
            r'<dt class="sig[^>]* id="([^"]+)">(.*?)</dt>', text, re.S
        ):
            if "viewcode-link" in signature:
                linked.add(name)
    names = {
        f"{module.__name__}.{name}"
        for module in MODULES
        for name in module.__all__
        if callable(getattr(module, name))
    }

    assert len(names) > 40
    aliases = {"hcpsdk.LocalSwiftAuthorization", "hcpsdk.pathbuilder.pathbuilderError"}
    assert names - linked == aliases


def test_terms(objects: Any) -> None:
    """The glossary has the original's terms."""
    assert (TERMS | {"Tenant"}) - set(objects.get("std:term", ())) == set()


def test_all_is_described(objects: Any) -> None:
    """All that is public is in the reference."""
    described = {name for kind in objects if kind.startswith("py:") for name in objects[kind]}
    for module in MODULES:
        names = [name for name in module.__all__ if not name.startswith(("RS_", "I_"))]
        assert [name for name in names if f"{module.__name__}.{name}" not in described] == []
