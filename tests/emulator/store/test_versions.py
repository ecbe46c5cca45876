"""Versions in the store: which is current, what they occupy, and what two systems make of them."""

import pathlib
import random
from collections.abc import Iterator

import pytest

from hcpsdk.testing._replication.merge import Merge
from hcpsdk.testing._replication.transfer import Item, take
from hcpsdk.testing._store import metapairs
from hcpsdk.testing._store.content import MAX_BYTES_IN_MEMORY
from hcpsdk.testing._store.errors import Missing, Protected
from hcpsdk.testing._store.objects import (
    Change,
    DeleteMarker,
    Metadata,
    StoredObject,
    identity,
)
from hcpsdk.testing._store.retention import Retention
from hcpsdk.testing._store.store import Store
from hcpsdk.testing.config import Namespace

A = (b"d", b"a")
LARGE = bytes(MAX_BYTES_IN_MEMORY + 1)
XML = b"<a>" + LARGE.replace(b"\0", b"x") + b"</a>"
PLAIN = Metadata(Retention(), hold=False, shred=False, index=True, owner="n")
NAMESPACE = Namespace("n2", "m", versioning_enabled=True)


def opened(folder: pathlib.Path) -> Store:
    folder.mkdir()
    # A clock that stands still: versions are told apart all the same.
    return Store(NAMESPACE, folder, lambda: 1_422_736_466_399)


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Store]:
    store = opened(tmp_path / "store")
    yield store
    store.clear()
    assert not list(store.scratch.iterdir())


def put(store: Store, data: bytes = b"x") -> StoredObject:
    with store.reserve(A) as upload:
        upload.write(data)
        return upload.finish(PLAIN)


def annotate(store: Store) -> None:
    with store.open_annotation("default") as annotation:
        annotation.write(XML)
        store.annotate(A, annotation)


def test_purge_leaves_nothing(store: Store) -> None:
    """Contents and annotations of all versions are files, which go with the last of them."""
    put(store, LARGE)
    annotate(store)
    put(store, LARGE)
    store.remove(A)
    put(store, LARGE)
    assert len(list(store.scratch.iterdir())) == 5  # the third version inherits no annotation
    assert store.counts.level.objects == 3
    store.remove(A, purges=True)

    assert store.used_bytes == 0
    assert store.counts.level.objects == 0
    assert not list(store.scratch.iterdir())


def test_replaced_annotation(store: Store) -> None:
    """A version that inherits an annotation has a copy of its own."""
    first = put(store)
    annotate(store)
    second = put(store)
    store.remove_annotation(A, "default")
    assert not second.annotations
    data = first.annotations["default"].content.read(0, len(XML))
    assert (data if isinstance(data, bytes) else b"".join(data)) == XML


def test_interrupted_upload(store: Store) -> None:
    """An upload that is not finished makes no version."""
    first = put(store)
    with pytest.raises(ConnectionError), store.reserve(A) as upload:
        upload.write(LARGE)
        raise ConnectionError
    assert store.versions(A) == [first]
    assert store.used_bytes == 1


def test_protected_in_the_meantime(store: Store) -> None:
    """A hold that comes during an upload prevents the version."""
    first = put(store)
    with pytest.raises(Protected), store.reserve(A) as upload:
        upload.write(LARGE)
        store.change(A, Change(hold=True))
        upload.finish(PLAIN)
    assert store.versions(A) == [first]
    assert store.used_bytes == 1


def test_removed_marker(store: Store) -> None:
    """Without its delete marker an object is there again."""
    first = put(store)
    marker = store.remove(A, user="n")
    assert marker is not None
    assert (store.find(A), store.version(A, marker.version)) == (None, marker)
    store.remove_version(A, marker.version)
    assert store.find(A) is first
    with pytest.raises(Missing):
        store.version(A, marker.version)


def travel(source: Store, target: Store) -> None:
    Merge(target, take(source, Item((NAMESPACE.name, "m"), A, 0), target.scratch)).apply()


def shown(store: Store) -> list[tuple[object, ...]]:
    return [
        (identity(each), isinstance(each, DeleteMarker), getattr(each, "metadata", None))
        for each in store.versions(A)
    ]


@pytest.mark.parametrize("seed", range(30))
def test_both_systems_agree(tmp_path: pathlib.Path, seed: int) -> None:
    """Whatever clients do on two systems, both end with the same versions, and with no more."""
    chance = random.Random(seed)
    stores = [opened(tmp_path / name) for name in ("one", "two")]
    for each in stores:
        each.keep_tombstones(True)
    # Two systems do not make the same version: one counts on from a later time.
    now = [1_422_736_466_399, 1_422_736_900_000]
    for index, each in enumerate(stores):
        each.clock = lambda index=index: now[index]  # type: ignore[misc]
    for _ in range(12):
        acting, other = chance.sample(stores, 2)
        what = chance.randrange(6)
        if what < 3:
            put(acting, chance.choice([b"x", b"yy", LARGE]))
        elif what == 3 and acting.find(A):
            acting.remove(A)
        elif what == 4 and acting.versions(A):
            acting.remove_version(A, chance.choice(acting.versions(A)).version)
        elif what == 5 and acting.versions(A):
            acting.remove(A, purges=True)
        if chance.random() < 0.5:
            travel(acting, other)
    for _ in range(2):
        travel(stores[0], stores[1])
        travel(stores[1], stores[0])

    assert shown(stores[0]) == shown(stores[1])
    for each in stores:
        objects = [found for found in each.versions(A) if isinstance(found, StoredObject)]
        assert each.used_bytes == sum(found.size for found in objects)
        assert each.counts.level.objects == len(objects)
        each.clear()
        assert not list(each.scratch.iterdir())


@pytest.mark.parametrize(
    "pairs", [{}, {"color": "red"}, {"a": "<&>", "b": "]]>", "c": "ä\u20ac"}, {"x": "\x01"}]
)
def test_metapairs(pairs: dict[str, str]) -> None:
    """User metadata survive their annotation, but for what XML cannot carry."""
    wanted = {name: value.replace("\x01", "?") for name, value in pairs.items()}
    assert metapairs.read(metapairs.written(pairs)) == wanted


def test_names_of_metapairs() -> None:
    """Characters that XML does not allow in names are replaced."""
    assert metapairs.read(metapairs.written({"city/town": "x"})) == {"city_town": "x"}


@pytest.mark.parametrize("data", [b"", b"<other/>", b"<!DOCTYPE metapairs><metapairs/>", b"\xff"])
def test_no_metapairs(data: bytes) -> None:
    """An annotation that is something else has no pairs."""
    assert metapairs.read(data) is None
