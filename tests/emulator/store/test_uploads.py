"""The store's rules for annotations: nothing half-written, nothing left behind."""

import pathlib
from collections.abc import Iterator

import pytest

from hcpsdk.testing._store.content import MAX_BYTES_IN_MEMORY
from hcpsdk.testing._store.errors import BadAnnotation, Forgotten, Missing, TooLarge
from hcpsdk.testing._store.objects import Metadata
from hcpsdk.testing._store.retention import Retention
from hcpsdk.testing._store.store import Store
from hcpsdk.testing.config import Namespace

LARGE = b"<a>" + b" " * MAX_BYTES_IN_MEMORY + b"</a>"
QUOTA = 4 * MAX_BYTES_IN_MEMORY
PLAIN = Metadata(Retention(), hold=False, shred=False, index=True, owner="n")
PATH = (b"d", b"a")


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Store]:
    """A store with one object, ``d/a``, of four bytes; in the end no file may be left."""
    store = Store(Namespace("n1", "m", quota_bytes=QUOTA), tmp_path, lambda: 1_422_736_466_399)
    with store.reserve(PATH) as place:
        place.write(b"data")
        place.finish(PLAIN)
    yield store
    store.clear()
    assert not list(tmp_path.iterdir())
    assert store.used_bytes == 0


def annotate(store: Store, data: bytes = LARGE, name: str = "default") -> None:
    with store.open_annotation(name) as upload:
        upload.write(data)
        store.annotate(PATH, upload)


@pytest.mark.parametrize("data", [b"<a/>", LARGE])
def test_unfinished_upload(store: Store, tmp_path: pathlib.Path, data: bytes) -> None:
    """A upload that is given up leaves no bytes, no file, and no annotation."""
    with store.open_annotation("default") as upload:
        upload.write(data)
        assert store.used_bytes == 4 + len(data)

    assert store.used_bytes == 4
    assert store.counts.level.annotation_bytes == 0
    assert not list(tmp_path.iterdir())


def test_replaced(store: Store, tmp_path: pathlib.Path) -> None:
    """An annotation that is replaced, or deleted, gives its file back."""
    annotate(store)
    annotate(store)
    assert len(list(tmp_path.iterdir())) == 1

    store.remove_annotation(PATH, "default")
    assert not list(tmp_path.iterdir())


def test_deleted_with_its_object(store: Store, tmp_path: pathlib.Path) -> None:
    """With its object an annotation goes, file and all."""
    annotate(store)
    store.remove(PATH)

    assert not list(tmp_path.iterdir())
    assert (store.used_bytes, store.counts.level.annotated) == (0, 0)


def test_object_deleted_meanwhile(store: Store) -> None:
    """If the object goes while its annotation is being written, there is nothing to annotate."""
    with store.open_annotation("default") as upload:
        upload.write(LARGE)
        store.remove(PATH)
        with pytest.raises(Missing):
            store.annotate(PATH, upload)

    assert store.used_bytes == 0


def test_malformed_with_its_object(store: Store) -> None:
    """An object is not finished with an annotation that is none; it can be, without."""
    path = (b"b",)
    with store.reserve(path) as place, store.open_annotation("default") as upload:
        place.write(LARGE)
        upload.write(b"<a>")
        with pytest.raises(BadAnnotation):
            place.finish(PLAIN, upload)
        assert store.find(path) is None
        place.start_again()
        assert place.finish(PLAIN).size == 0

    assert store.used_bytes == 4


def test_two_at_once(store: Store) -> None:
    """Of two who write the same annotation, the one who finishes last has written it."""
    with store.open_annotation("default") as first, store.open_annotation("default") as second:
        first.write(b"<first/>")
        second.write(b"<second/>")
        store.annotate(PATH, second)
        store.annotate(PATH, first)

    assert store.used_bytes == 4 + len(b"<first/>")


def test_cleared_meanwhile(store: Store, tmp_path: pathlib.Path) -> None:
    """Clearing the store ends uploads too: they cannot go on, and give their files back."""
    with store.open_annotation("default") as upload:
        upload.write(LARGE)
        store.clear()
        assert not list(tmp_path.iterdir())
        with pytest.raises(Forgotten):
            upload.write(b"more")
        with pytest.raises(Forgotten):
            store.annotate(PATH, upload)

    assert store.used_bytes == 0


def test_quota(store: Store) -> None:
    """Drafts count against the quota while they are being written."""
    with store.open_annotation("default") as upload:
        upload.write(b" " * (QUOTA - 4))
        with pytest.raises(TooLarge):
            upload.write(b" ")
