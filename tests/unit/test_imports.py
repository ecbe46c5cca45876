"""Which module may import which, and what an import brings along."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hcpsdk

PACKAGE = Path(hcpsdk.__file__).parent

# A module imports only what stands after it (style, "Files").
ORDER = [
    "hcpsdk",
    "hcpsdk.namespace",
    "hcpsdk.mapi",
    "hcpsdk.pathbuilder",
    "hcpsdk._fetch",
    "hcpsdk.bulk",
    "hcpsdk._worker",
    "hcpsdk._journal",
    "hcpsdk.transfer",
    "hcpsdk.listing",
    "hcpsdk._files",
    "hcpsdk._digest",
    "hcpsdk._status",
    "hcpsdk._connection",
    "hcpsdk._kept",
    "hcpsdk._idle",
    "hcpsdk._open",
    "hcpsdk._target",
    "hcpsdk.ips",
    "hcpsdk._auth",
    "hcpsdk._failures",
    "hcpsdk._wire",
    "hcpsdk._http",
    "hcpsdk._head",
    "hcpsdk._sessions",
    "hcpsdk._request",
    "hcpsdk._body",
    "hcpsdk._url",
    "hcpsdk._xml",
    "hcpsdk._fork",
    "hcpsdk._constants",
    "hcpsdk._errors",
]


def library_modules() -> dict[str, Path]:
    """All modules of the library, without the emulator: name and file."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        relative = path.relative_to(PACKAGE)
        if relative.parts[0] == "testing":
            continue
        parts = ("hcpsdk", *relative.with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = library_modules()


def imported_from(name: str) -> Iterator[str]:
    """The modules of hcpsdk that module *name* imports, wherever in it that stands."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                above = parents[: len(parents) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            inside = [f"{base}.{alias.name}" for alias in node.names]
            candidates = [sub if is_module(sub) else base for sub in inside]
        else:
            continue
        yield from (found for found in candidates if found.split(".")[0] == "hcpsdk")


def is_module(name: str) -> bool:
    return name in MODULES or name.split(".")[:2] == ["hcpsdk", "testing"]


def place(name: str) -> int:
    """Where *name* stands in the order; the parts of a subpackage stand where it does."""
    return ORDER.index(name if name in ORDER else ".".join(name.split(".")[:2]))


def run(code: str) -> str:
    """What *code* prints in an interpreter of its own, where any warning is an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_the_walk_finds_imports() -> None:
    """The tests below see something."""
    assert "hcpsdk._target" in set(imported_from("hcpsdk._connection"))
    assert "hcpsdk._http" in set(imported_from("hcpsdk._connection"))
    assert "hcpsdk.ips" in set(imported_from("hcpsdk"))


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_point_to_the_right(name: str) -> None:
    """Imports point one way, left to right, never back (style, "Files")."""
    backwards = [
        found
        for found in imported_from(name)
        if place(found) <= place(name) and found.split(".")[:2] != name.split(".")[:2]
    ]
    assert backwards == []


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_module_imports_the_emulator(name: str) -> None:
    """No library module imports `hcpsdk.testing` (contract 1.2, style "Files")."""
    assert [found for found in imported_from(name) if "testing" in found.split(".")] == []


def test_import_brings_the_public_modules() -> None:
    """`import hcpsdk` makes ips, namespace, mapi and pathbuilder usable (contract 1.2)."""
    assert (
        run(
            "import hcpsdk; print(hcpsdk.ips.query.__module__, hcpsdk.namespace.__name__,"
            " hcpsdk.mapi.ReplicationSettingsError.__name__,"
            " hcpsdk.pathbuilder.PathBuilderError.__name__)"
        )
        == "hcpsdk.ips hcpsdk.namespace ReplicationSettingsError PathBuilderError"
    )


@pytest.mark.parametrize("first", ["mapi", "ips", "namespace", "pathbuilder"])
def test_import_of_one_module_alone(first: str) -> None:
    """`import hcpsdk.mapi` alone makes everything usable, and so does any other (contract 1.2)."""
    assert (
        run(
            f"import hcpsdk.{first}; print(hcpsdk.ips.query.__module__, hcpsdk.namespace.__name__,"
            " hcpsdk.mapi.ReplicationSettingsError.__name__,"
            " hcpsdk.pathbuilder.PathBuilderError.__name__, hcpsdk.version())"
        )
        == "hcpsdk.ips hcpsdk.namespace ReplicationSettingsError PathBuilderError 0.9.1-1"
    )


@pytest.mark.parametrize("module", ["hcpsdk", "hcpsdk.mapi", "hcpsdk.ips"])
def test_import_does_not_load_the_emulator(module: str) -> None:
    """The library never imports the emulator, nor what only the emulator needs (contract 1.2)."""
    loaded = run(f"import {module}, sys; print(*sorted(sys.modules))").split()
    assert module in loaded
    heavy = ("hcpsdk.testing", "h11", "trustme", "cryptography", "asyncio", "dns")
    assert [name for name in loaded if name.startswith(heavy)] == []


def test_use_of_the_library_does_not_load_the_emulator() -> None:
    """The library never imports the emulator, not even while it works (contract 1.2)."""
    loaded = run(
        "import hcpsdk, sys\n"
        "auth = hcpsdk.NativeAuthorization('n', 'n01')\n"
        "with hcpsdk.Connection(hcpsdk.Target('127.0.0.1', auth, 1, sslcontext=None)) as c:\n"
        "    try: c.GET('/rest/a')\n"
        "    except hcpsdk.HcpsdkError: print('refused')\n"
        "print(*sorted(sys.modules))"
    ).split()
    assert loaded[0] == "refused"
    assert [name for name in loaded if name.startswith(("hcpsdk.testing", "h11"))] == []


def test_import_waits_for_the_first_use() -> None:
    """`import hcpsdk` costs next to nothing; what is used is imported then, and only that."""
    loaded = run(
        "import sys, hcpsdk\n"
        "before = set(sys.modules)\n"
        "hcpsdk.Quoted('/rest/a')\n"
        "print(*(name for name in before if name.startswith('hcpsdk.')), 'and',\n"
        "      *sorted(name for name in set(sys.modules) - before if name.startswith('hcpsdk.')))"
    )
    assert loaded == "and hcpsdk._url"


def test_names_that_wait() -> None:
    """All public names are there for `dir()`, for ``*``, and under the name they go by."""
    assert set(hcpsdk.__all__) == set(dir(hcpsdk))
    for name in hcpsdk.__all__:
        found = getattr(hcpsdk, name)
        if isinstance(found, type):
            assert (found.__module__, found.__qualname__) == ("hcpsdk", name)
    with pytest.raises(AttributeError, match="no attribute 'Conection'"):
        hcpsdk.Conection  # type: ignore[attr-defined]  # noqa: B018
