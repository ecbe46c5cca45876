"""Which module may import which, and what an import brings along."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hcpsdk

PACKAGE = Path(hcpsdk.__file__).parent

# A module imports only what comes after it.
ORDER = [
    "hcpsdk",
    "hcpsdk.namespace",
    "hcpsdk.mapi",
    "hcpsdk.mapi._chargeback",
    "hcpsdk.mapi._logs",
    "hcpsdk.mapi._replication",
    "hcpsdk.mapi._resource",
    "hcpsdk.mapi._tenants",
    "hcpsdk.mapi._client",
    "hcpsdk.pathbuilder",
    "hcpsdk.s3",
    "hcpsdk.s3._lists",
    "hcpsdk.s3._upload",
    "hcpsdk.s3._parts",
    "hcpsdk.s3._requests",
    "hcpsdk._fetch",
    "hcpsdk.bulk",
    "hcpsdk._jobs.worker",
    "hcpsdk._jobs.journal",
    "hcpsdk._jobs.concurrency",
    "hcpsdk.transfer",
    "hcpsdk._jobs.download",
    "hcpsdk._jobs.upload",
    "hcpsdk._jobs.object_head",
    "hcpsdk.listing",
    "hcpsdk._jobs.files",
    "hcpsdk._jobs.digest",
    "hcpsdk._jobs",
    "hcpsdk._connection",
    "hcpsdk._target",
    "hcpsdk._auth_hs3",
    "hcpsdk._signature_v4",
    "hcpsdk._auth",
    "hcpsdk._channel",
    "hcpsdk._dispatch",
    "hcpsdk._failover",
    "hcpsdk._transport.busy",
    "hcpsdk._transport.keepalive",
    "hcpsdk._transport.idle_timer",
    "hcpsdk._transport.connect",
    "hcpsdk._transport.endpoint",
    "hcpsdk._transport.failures",
    "hcpsdk._transport.clock",
    "hcpsdk._transport.socket",
    "hcpsdk._transport.tcp_keepalive",
    "hcpsdk._transport.response",
    "hcpsdk._transport.readers",
    "hcpsdk._transport.streams",
    "hcpsdk._transport.response_head",
    "hcpsdk._transport.tls_sessions",
    "hcpsdk._transport.registry",
    "hcpsdk._transport.use",
    "hcpsdk._transport.state",
    "hcpsdk._transport.atfork",
    "hcpsdk._transport",
    "hcpsdk.ips",
    "hcpsdk._request.outgoing",
    "hcpsdk._request.headers",
    "hcpsdk._request.unsigned",
    "hcpsdk._request.body_kinds",
    "hcpsdk._request.body_file",
    "hcpsdk._request.body",
    "hcpsdk._request.content",
    "hcpsdk._request.url",
    "hcpsdk._request",
    "hcpsdk._xml",
    "hcpsdk._constants",
    "hcpsdk._errors",
    "hcpsdk._excerpt",
    "hcpsdk._log",
    "hcpsdk._handlers",
]

# The same for the emulator. A package stands for all modules in it, whose own order is that of its
# files' imports: without circles.
EMULATOR_ORDER = [
    "hcpsdk.testing.__main__",
    "hcpsdk.testing.fixtures",
    "hcpsdk.testing",
    "hcpsdk.testing._serve",
    "hcpsdk.testing._run",
    "hcpsdk.testing._hcp",
    "hcpsdk.testing._other_processes",
    "hcpsdk.testing._running",
    "hcpsdk.testing._services",
    "hcpsdk.testing._preload",
    "hcpsdk.testing._mapi",
    "hcpsdk.testing._rest",
    "hcpsdk.testing._s3",
    "hcpsdk.testing._swift",
    "hcpsdk.testing._replication",
    "hcpsdk.testing._store",
    "hcpsdk.testing._server",
    "hcpsdk.testing._http",
    "hcpsdk.testing.faults",
    "hcpsdk.testing.clock",
    "hcpsdk.testing.config",
    "hcpsdk.testing._xml",
    "hcpsdk.testing._dates",
]
# What the docstrings of these packages say about each other.
STRANGERS = [
    ("_mapi", "_rest"),
    ("_mapi", "_server"),
    ("_mapi", "_s3"),
    ("_mapi", "_swift"),
    ("_rest", "_server"),
    ("_rest", "_swift"),
    ("_rest", "_s3"),
    ("_s3", "_server"),
    ("_s3", "_swift"),
    ("_swift", "_server"),
    ("_replication", "_server"),
    ("_replication", "_http"),
    ("_store", "_server"),
    ("_store", "_http"),
]


def all_modules() -> dict[str, Path]:
    """All modules of the package: name and file."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = ("hcpsdk", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


EVERYTHING = all_modules()
EMULATOR = {n: p for n, p in EVERYTHING.items() if n.split(".")[:2] == ["hcpsdk", "testing"]}
MODULES = {name: path for name, path in EVERYTHING.items() if name not in EMULATOR}


def imported_from(name: str) -> Iterator[str]:
    """The modules of hcpsdk that module *name* imports, wherever in it that stands."""
    path = EVERYTHING[name]
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
    return name in EVERYTHING


def emulator_place(name: str) -> int:
    """Where *name*, of the emulator, stands in the order."""
    found = name if name in EMULATOR_ORDER else ".".join(name.split(".")[:3])
    return EMULATOR_ORDER.index(found)


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
    assert "hcpsdk._transport.response" in set(imported_from("hcpsdk._channel"))
    assert "hcpsdk.ips" in set(imported_from("hcpsdk"))


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_point_to_the_right(name: str) -> None:
    """Imports point one way, left to right, never back."""
    place = ORDER.index
    backwards = [found for found in imported_from(name) if place(found) <= place(name)]
    assert backwards == []


def test_requests_are_made_without_the_network() -> None:
    """`hcpsdk._request` imports only `hcpsdk._errors`."""
    modules = [name for name in MODULES if name.startswith("hcpsdk._request.")]
    assert len(modules) > 1
    for name in modules:
        for found in imported_from(name):
            assert found == "hcpsdk._errors" or found.startswith("hcpsdk._request."), name


def foreign_underscores(source: str) -> list[str]:
    """The private names of other objects that *source* uses."""
    tree = ast.parse(source)
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    own |= {"self", "cls"}
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not re.match(r"_[a-z]", node.attr):
            continue
        base = node.value
        is_super = isinstance(base, ast.Call) and ast.unparse(base) == "super()"
        if not is_super and not (isinstance(base, ast.Name) and base.id in own):
            found.append(ast.unparse(node))
    return found


def test_foreign_underscores_are_found() -> None:
    """The test below sees something."""
    source = (
        "class A:\n    def b(self):\n        self._c + other._d + self.e._f + super()._g + A._h"
    )
    assert sorted(foreign_underscores(source)) == ["other._d", "self.e._f"]


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_module_touches_the_underscores_of_others(name: str) -> None:
    """A leading underscore means: only this object uses it."""
    assert foreign_underscores(MODULES[name].read_text("utf-8")) == []


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_module_imports_the_emulator(name: str) -> None:
    """No library module imports `hcpsdk.testing` (contract 1.2)."""
    assert [found for found in imported_from(name) if "testing" in found.split(".")] == []


@pytest.mark.parametrize("name", sorted(EMULATOR))
def test_order_of_the_emulator(name: str) -> None:
    """Imports of the emulator point one way; it imports nothing of the library (contract 1.2)."""
    imported = set(imported_from(name))
    assert [found for found in imported if found not in EMULATOR] == []
    backwards = [
        found
        for found in imported
        if emulator_place(found) <= emulator_place(name)
        and found.split(".")[:3] != name.split(".")[:3]
    ]
    assert backwards == []


@pytest.mark.parametrize(("package", "stranger"), STRANGERS)
def test_packages_that_do_not_know_each_other(package: str, stranger: str) -> None:
    """A package of the emulator imports only what its docstring lists."""
    modules = [name for name in EMULATOR if name.split(".")[2:3] == [package]]
    assert len(modules) > 1
    for name in modules:
        imported = {found.split(".")[2:3] == [stranger] for found in imported_from(name)}
        assert True not in imported


def test_no_circles_in_the_emulator() -> None:
    """No module of the emulator imports itself, by whatever detour, imports for types included."""
    left = {name: set(imported_from(name)) - {name} for name in EMULATOR}
    while ends := [name for name, imported in left.items() if not imported & left.keys()]:
        for name in ends:
            del left[name]
    assert left == {}


@pytest.mark.parametrize("name", sorted(EMULATOR))
def test_first_lines_of_the_emulator(name: str) -> None:
    """Each file begins with a docstring."""
    assert ast.get_docstring(ast.parse(EMULATOR[name].read_text("utf-8")))


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


def test_import_brings_the_modules_for_complete_tasks() -> None:
    """The same holds for transfer, listing and bulk (contract 1.2)."""
    code = (
        "; print(hcpsdk.transfer.upload.__name__, hcpsdk.listing.walk.__name__,"
        " hcpsdk.bulk.store.__name__)"
    )
    for first in ("hcpsdk", "hcpsdk.mapi", "hcpsdk.bulk"):
        assert run(f"import {first}{code}") == "upload walk store"


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
    assert loaded == "and hcpsdk._request hcpsdk._request.url"


def test_import_of_what_every_program_uses() -> None:
    """It brings nothing along that most programs do not need, and nothing for annotations only."""
    loaded = run(
        "import http.client, threading, logging, urllib.parse, sys; before = set(sys.modules)\n"
        "from hcpsdk import Connection, NativeAuthorization, Target\n"
        "print(*sorted(set(sys.modules) - before))"
    ).split()
    assert "hcpsdk._channel" in loaded
    unwanted = {
        "typing",
        "dataclasses",
        "hashlib",
        "signal",
        "hcpsdk._failover",
        "hcpsdk._dispatch",
        "hcpsdk._transport.busy",
        "hcpsdk._request.body",
        "hcpsdk._request.body_file",
        "hcpsdk._request.body_kinds",
    }
    assert unwanted.intersection(loaded) == set()


ALIASES = {"LocalSwiftAuthorization": "HSwiftAuthorization"}


def test_names_that_wait() -> None:
    """All public names are there for `dir()`, for ``*``, and under the name they go by."""
    assert set(hcpsdk.__all__) == set(dir(hcpsdk))
    for name in dir(hcpsdk):
        found = getattr(hcpsdk, name)
        if isinstance(found, type):
            shown = ALIASES.get(name, name)
            assert (found.__module__, found.__qualname__) == ("hcpsdk", shown)
    with pytest.raises(AttributeError, match="no attribute 'Conection'"):
        hcpsdk.Conection  # type: ignore[attr-defined]  # noqa: B018
