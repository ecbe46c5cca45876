"""Unique names, the folders they lie in, and the annotation that keeps the old name."""

import collections
import concurrent.futures
import itertools
import multiprocessing
import os
import subprocess
import sys
import uuid
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcpsdk import pathbuilder
from hcpsdk.pathbuilder import PathBuilder, PathBuilderError

PROCESSES = 8
NAMES = 5_000  # by each process


def many_names(count: Any) -> Any:
    builder = PathBuilder()
    return [builder.getunique("x")[1] for _ in range(count)]


def test_path_of_the_manual() -> None:
    """The manual's name lies where the manual says (manual 8.2)."""
    builder = PathBuilder(initialpath="/rest/mypath")

    assert (
        builder.getpath("8ac8ecb4-9f1e-11e4-a524-98fe94437d8c")
        == "/rest/mypath/b4/ec/8ac8ecb4-9f1e-11e4-a524-98fe94437d8c"
    )


def test_defaults() -> None:
    """Without arguments it begins at /rest/hcpsdk, and makes no annotation (manual 8.2)."""
    path, name = PathBuilder().getunique("x")

    assert path.startswith("/rest/hcpsdk/")
    assert PathBuilder().getpath(name) == f"{path}/{name}"


def test_names_are_uuids() -> None:
    """A name is a version 1 UUID of RFC 4122, of about now (manual 8)."""
    before = uuid.uuid1().time
    name = PathBuilder().getunique("x")[1]
    after = uuid.uuid1().time

    made = uuid.UUID(name)
    assert str(made) == name
    assert (made.version, made.variant) == (1, uuid.RFC_4122)
    # The lower 16 bits are a counter; the names made before may have pushed the time on.
    assert before - 65536 <= made.time <= after + 10_000_000


@pytest.mark.parametrize("initialpath", ["/rest/a", "/rest/a/", "/", "/rest/ä b"])
def test_found_again(initialpath: Any) -> None:
    """From a name alone its path is found again (manual 8.1)."""
    builder = PathBuilder(initialpath)
    path, name = builder.getunique("x")

    assert builder.getpath(name) == f"{path}/{name}"
    assert builder.getpath(name.upper()) == f"{path}/{name}"
    assert path == f"{initialpath.rstrip('/')}/{name[6:8]}/{name[4:6]}"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x",
        "8ac8ecb4",
        "8ac8ecb4-9f1e-11e4-a524-98fe94437d8",
        "8ac8ecb4-9f1e-11e4-a524-98fe94437d8c\n",
        " 8ac8ecb4-9f1e-11e4-a524-98fe94437d8c",
        "8ac8ecb49f1e11e4a52498fe94437d8c",
        "{8ac8ecb4-9f1e-11e4-a524-98fe94437d8c}",
        "8ac8ecb4-9f1e-11e4-a524-98fe94437dxx",
        "٨ac8ecb4-9f1e-11e4-a524-98fe94437d8c",
    ],
)
def test_no_uuid(name: Any) -> None:
    """An object name that is no UUID raises PathBuilderError, under both its names (contract
    8.5)."""
    with pytest.raises(PathBuilderError, match="not a name made by"):
        PathBuilder().getpath(name)
    assert pathbuilder.pathbuilderError is PathBuilderError


@pytest.mark.parametrize("wrong", [None, 5, b"x"])
def test_wrong_types(wrong: Any) -> None:
    """A wrong type is the caller's bug (contract 1.4)."""
    with pytest.raises(TypeError):
        PathBuilder(wrong)
    with pytest.raises(TypeError):
        PathBuilder().getunique(wrong)
    with pytest.raises(TypeError):
        PathBuilder().getpath(wrong)
    with pytest.raises(ValueError, match="starts with '/'"):
        PathBuilder("rest")


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_annotation(filename: Any) -> None:
    """The annotation parses as XML in UTF-8 and holds the name, or there is none (contract 8.5)."""
    try:
        path, name, annotation = PathBuilder(annotation=True).getunique(filename)
    except PathBuilderError:
        carried = {*map(ord, "\t\n\r"), *range(0x20, 0xFFFE), *range(0x10000, 0x110000)}
        assert any(ord(character) not in carried for character in filename)
    else:
        root = ElementTree.fromstring(annotation.encode())
        assert root.attrib == {"filename": filename, "path": path, "uuid": name}


@pytest.mark.parametrize("character", ["\0", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_what_xml_cannot_carry(character: Any) -> None:
    """A name that XML cannot carry raises PathBuilderError; without annotation it is fine (contract
    8.5)."""
    with pytest.raises(PathBuilderError, match="XML cannot carry"):
        PathBuilder(annotation=True).getunique(f"a{character}b")
    assert PathBuilder().getunique(f"a{character}b")


def test_unique_in_threads() -> None:
    """Threads that make names at the same time never make the same (contract 8.5)."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        names = list(itertools.chain(*pool.map(many_names, [NAMES] * 8)))

    assert len(set(names)) == 8 * NAMES


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_unique_in_forked_processes() -> None:
    """A forked process does not go on with its parent's names (contract 8.5)."""
    many_names(1)
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        names = list(itertools.chain(*pool.map(many_names, [NAMES] * PROCESSES, chunksize=1)))

    assert len(set(names)) == PROCESSES * NAMES


def test_unique_in_processes() -> None:
    """Processes that make names at the same time never make the same (contract 8.5)."""
    code = (
        "from hcpsdk.pathbuilder import PathBuilder as P\n"
        f"print(*[P().getunique('x')[1] for _ in range({NAMES})])"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    names = list(
        itertools.chain(*[worker.communicate(timeout=60)[0].split() for worker in workers])
    )

    assert len(names) == len(set(names)) == PROCESSES * NAMES


def test_a_clock_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names stay unique while the clock stands still, or is set back (contract 8.5)."""
    builder = PathBuilder()
    names = set(many_names(100))
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000_000_000_000_000)
    names.update(builder.getunique("x")[1] for _ in range(100))

    assert len(names) == 200


def test_spread() -> None:
    """Names that follow each other lie in different folders, and all fill alike (manual 8)."""
    builder = PathBuilder()
    folders = collections.Counter(builder.getunique("x")[0] for _ in range(2 * 65536))

    assert len(folders) == 65536
    assert set(folders.values()) == {2}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_children_have_a_node_of_their_own() -> None:
    """A forked child draws another node, so that not even the same instant collides (contract
    8.5)."""
    own = PathBuilder().getunique("x")[1][-17:]
    with multiprocessing.get_context("fork").Pool(1) as pool:
        (child,) = pool.apply(many_names, [1])

    assert child[-17:] != own
