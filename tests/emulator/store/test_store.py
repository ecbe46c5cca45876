"""The store's rules: write once, nothing half-written, nothing left behind."""

import pathlib
from collections.abc import Iterator

import pytest

from hcpsdk.testing._store import uploads
from hcpsdk.testing._store.content import MAX_BYTES_IN_MEMORY
from hcpsdk.testing._store.errors import (
    BeingWritten,
    Forgotten,
    Missing,
    NameTaken,
    Protected,
    TooLarge,
)
from hcpsdk.testing._store.objects import (
    Change,
    ChangeRefused,
    Directory,
    Metadata,
    Path,
    StoredObject,
)
from hcpsdk.testing._store.retention import Retention, parse
from hcpsdk.testing._store.store import Store
from hcpsdk.testing.config import Namespace

LARGE = bytes(MAX_BYTES_IN_MEMORY + 1)
QUOTA = 4 * MAX_BYTES_IN_MEMORY
PLAIN = Metadata(Retention(), hold=False, shred=False, index=True, owner="n")


class Clock:
    """A clock that stands still until it is told otherwise; milliseconds."""

    def __init__(self) -> None:
        self.now = 1_422_736_466_399

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: pathlib.Path, clock: Clock) -> Iterator[Store]:
    store = Store(Namespace("n1", "m", quota_bytes=QUOTA), tmp_path, clock)
    yield store
    store.clear()
    assert not list(tmp_path.iterdir())


def path(name: str) -> Path:
    return tuple(part.encode() for part in name.split("/"))


def put(store: Store, name: str, data: bytes = b"x", metadata: Metadata = PLAIN) -> StoredObject:
    with store.reserve(path(name)) as place:
        place.write(data)
        return place.finish(metadata)


def directory(store: Store, name: str) -> Directory:
    found = store.find(path(name))
    assert isinstance(found, Directory)
    return found


def test_object_comes_with_its_parents(store: Store) -> None:
    """Missing parent directories are made silently (section 5)."""
    put(store, "a/b/c")

    assert list(directory(store, "a").entries) == [b"b"]
    assert list(directory(store, "a/b").entries) == [b"c"]


@pytest.mark.parametrize("name", ["dir/obj", "dir", "dir/obj/below"])
def test_name_taken(store: Store, name: str) -> None:
    """An object, a directory, and a name below an object are taken (section 5: 409)."""
    put(store, "dir/obj")

    with pytest.raises(NameTaken):
        store.reserve(path(name))
    with pytest.raises(NameTaken):
        store.make_directory(path(name))


@pytest.mark.parametrize("name", ["a/b", "a/b/c", "a/b/c/d", "a"])
def test_first_writer_wins(store: Store, name: str) -> None:
    """While an object is being written nobody else gets its name, nor one in its way."""
    with store.reserve(path("a/b")) as place:
        with pytest.raises(NameTaken):
            store.reserve(path(name))
        stored = place.finish(PLAIN)

    assert store.find(path("a/b")) is stored


def test_writer_at_the_top(store: Store) -> None:
    """The same for an object that is no directory deep."""
    with store.reserve(path("a")), pytest.raises(NameTaken):
        store.reserve(path("a/b"))


def test_directory_beside_a_running_upload(store: Store) -> None:
    """A directory can be made where a running upload will need one, but not in its place."""
    with store.reserve(path("a/b")) as place:
        store.make_directory(path("a"))
        with pytest.raises(NameTaken):
            store.make_directory(path("a/b"))
        place.finish(PLAIN)

    assert list(directory(store, "a").entries) == [b"b"]


@pytest.mark.parametrize("data", [b"small", LARGE])
def test_cut_upload_leaves_nothing(store: Store, tmp_path: pathlib.Path, data: bytes) -> None:
    """An upload that ends early leaves no object, directory, file, or used space (section 5)."""
    with pytest.raises(ConnectionError), store.reserve(path("a/b")) as place:
        place.write(data)
        assert store.find(path("a/b")) is None
        assert store.used_bytes == len(data)
        raise ConnectionError

    assert store.find(path("a")) is None
    assert store.used_bytes == 0
    assert not list(tmp_path.iterdir())
    put(store, "a/b")


@pytest.mark.parametrize("data", [b"", b"small", bytes(MAX_BYTES_IN_MEMORY), LARGE])
def test_content_comes_back(store: Store, data: bytes) -> None:
    """What was written comes back, whole and in part, small and large."""
    content = put(store, "a", data).content

    for start, stop in [(0, len(data)), (1, max(1, len(data) - 1))]:
        read = content.read(start, stop)
        assert (read if isinstance(read, bytes) else b"".join(read)) == data[start:stop]


def test_large_content_is_a_file_until_deleted(store: Store, tmp_path: pathlib.Path) -> None:
    """Up to 1 MiB is kept in memory, more in a file that goes with the object."""
    put(store, "small", bytes(MAX_BYTES_IN_MEMORY))
    assert not list(tmp_path.iterdir())

    put(store, "large", LARGE)
    assert [file.stat().st_size for file in tmp_path.iterdir()] == [len(LARGE)]

    store.remove(path("large"))
    assert not list(tmp_path.iterdir())


def test_reader_outlives_the_object(store: Store) -> None:
    """Who began to read an object gets all of it, even if it is deleted meanwhile."""
    pieces = put(store, "a", LARGE).content.read(0, len(LARGE))
    store.remove(path("a"))

    assert not isinstance(pieces, bytes)
    assert sum(map(len, pieces)) == len(LARGE)


def test_abandoned_reader(store: Store) -> None:
    """A reader that is dropped, begun or not, leaves no open file (a warning would fail this)."""
    content = put(store, "a", LARGE).content
    content.read(0, len(LARGE))
    begun = content.read(0, len(LARGE))
    assert not isinstance(begun, bytes)

    assert next(begun)


def test_version_ids_grow(store: Store, clock: Clock) -> None:
    """Version IDs are 64 * ms + 1, and grow when a name comes again in the same millisecond."""
    first = put(store, "dir/a")
    store.remove(path("dir/a"))
    second = put(store, "dir/a")
    store.remove(path("dir/a"))
    store.remove(path("dir"))
    third = put(store, "dir/a")

    assert first.version == 64 * clock.now + 1 == 91055133849537
    assert first.version < second.version < third.version


def test_change_time(store: Store, clock: Clock) -> None:
    """An object changes a little after it was created, and whenever its metadata do."""
    stored = put(store, "a")
    created, first = stored.created, stored.changed
    clock.now += 5000
    store.change(path("a"), Change(index=False))

    assert created < first < created + 1000
    assert stored.changed == clock.now
    assert stored.created == created


def test_directory_change_time(store: Store, clock: Clock) -> None:
    """A directory changes when it is made, and when something comes into it or leaves it."""
    store.make_directory(path("d"))
    times = [directory(store, "d").changed]
    for act in (lambda: put(store, "d/a"), lambda: store.remove(path("d/a"))):
        clock.now += 1000
        act()
        times.append(directory(store, "d").changed)

    assert times == [clock.now - 2000, clock.now - 1000, clock.now]


def test_quota(store: Store) -> None:
    """What is stored and what is being written must fit into the quota; deleting makes room."""
    put(store, "a", bytes(QUOTA - 10))
    with store.reserve(path("b")) as place:
        place.expect(10)
        with pytest.raises(TooLarge):
            place.expect(11)
        place.write(bytes(10))
        with pytest.raises(TooLarge):
            place.write(b"x")
        with store.reserve(path("c")) as other, pytest.raises(TooLarge):
            other.expect(1)
        place.finish(PLAIN)
    store.remove(path("a"))

    assert store.used_bytes == 10
    put(store, "c", bytes(QUOTA - 10))


def test_largest_object(tmp_path: pathlib.Path, clock: Clock) -> None:
    """An object may have 2 TB, whatever the quota says (section 5)."""
    store = Store(Namespace("n1", "m", quota_bytes=3 * 1024**4), tmp_path, clock)
    with store.reserve(path("a")) as place:
        place.expect(2 * 1024**4)
        with pytest.raises(TooLarge):
            place.expect(2 * 1024**4 + 1)


def test_largest_object_unannounced(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object whose size is not known beforehand may not become larger either."""
    monkeypatch.setattr(uploads, "MAX_OBJECT_BYTES", 10)
    with store.reserve(path("a")) as place:
        place.write(bytes(4))
        place.write(bytes(6))
        with pytest.raises(TooLarge):
            place.write(b"x")


def test_remove(store: Store) -> None:
    """What is not there is missing; a directory must be empty, and not the root."""
    put(store, "d/a")

    with pytest.raises(Missing):
        store.remove(path("nothing"))
    with pytest.raises(Protected):
        store.remove(path("d"))
    with pytest.raises(Protected):
        store.remove(())
    store.remove(path("d/a"))
    store.remove(path("d"))
    assert store.find(path("d")) is None


def test_remove_while_being_written(store: Store) -> None:
    """An object that is being written can be neither found nor deleted (section 10: 409)."""
    with store.reserve(path("a")), pytest.raises(BeingWritten):
        store.remove(path("a"))


def test_retention_protects(store: Store, clock: Clock) -> None:
    """Retention protects until its time has come, unless the caller may override it."""
    until = Retention(clock.now // 1000 + 10)
    for name in ("a", "b"):
        put(store, name, metadata=Metadata(until, False, False, True, "n"))

    with pytest.raises(Protected):
        store.remove(path("a"))
    store.remove(path("a"), despite_retention=True)
    clock.now += 10_000
    store.remove(path("b"))


def test_hold_protects(store: Store) -> None:
    """Hold protects also from those who may override retention (section 10)."""
    put(store, "a", metadata=Metadata(Retention(), True, False, True, "n"))
    with pytest.raises(Protected):
        store.remove(path("a"), despite_retention=True)

    store.change(path("a"), Change(hold=False))
    store.remove(path("a"))


def test_refused_change_changes_nothing(store: Store, clock: Clock) -> None:
    """A change is made whole or not at all."""
    stored = put(store, "a", metadata=Metadata(Retention(), False, True, True, "n"))
    before = stored.metadata, stored.changed
    clock.now += 1000

    with pytest.raises(ChangeRefused):
        store.change(path("a"), Change(index=False, owner="", hold=True, shred=False))

    assert (stored.metadata, stored.changed) == before


@pytest.mark.parametrize(
    ("text", "shift"), [("A+1h", 3600), ("N+1h", 3600 + 5), ("R+1h", 7200), ("+1h", 7200)]
)
def test_offsets_of_a_change(store: Store, clock: Clock, text: str, shift: int) -> None:
    """Offsets count from the time stored, now, or the present setting (section 15)."""
    stored_at = clock.now // 1000
    present = Retention(stored_at + 3600)
    stored = put(store, "a", metadata=Metadata(present, False, False, True, "n"))
    clock.now += 5000
    store.change(path("a"), Change(retention=parse(text)))

    assert stored.metadata.retention.until == stored_at + shift


@pytest.mark.parametrize(("before", "after"), [(False, False), (False, True), (True, True)])
def test_shred(store: Store, before: bool, after: bool) -> None:
    """Shred may be set, or stay what it is."""
    stored = put(store, "a", metadata=Metadata(Retention(), False, before, True, "n"))
    store.change(path("a"), Change(shred=after))

    assert stored.metadata.shred is after


@pytest.mark.parametrize("name", ["nothing", "directory"])
def test_change_of_no_object(store: Store, name: str) -> None:
    """Only objects have metadata that can be changed."""
    store.make_directory(path("directory"))

    with pytest.raises(Missing):
        store.change(path(name), Change(index=False))


def test_clear(store: Store, tmp_path: pathlib.Path) -> None:
    """Clearing forgets everything, what is being written included, and leaves no file."""
    put(store, "d/large", LARGE)
    with pytest.raises(Forgotten), store.reserve(path("open")) as place:
        place.write(LARGE)
        store.clear()
        assert not list(tmp_path.iterdir())
        put(store, "open", b"new")
        place.write(b"more")

    assert store.used_bytes == len(b"new")
    assert isinstance(store.find(path("open")), StoredObject)
    assert store.find(path("d")) is None


def test_finish_after_clear(store: Store) -> None:
    """An upload that began before everything was cleared does not come back after it."""
    with pytest.raises(Forgotten), store.reserve(path("a")) as place:
        store.clear()
        place.finish(PLAIN)

    assert store.find(path("a")) is None


def test_deep_paths(store: Store) -> None:
    """The deepest path that 4095 bytes allow works, and can be cleared."""
    deep = tuple(b"d" for _ in range(2047))
    with store.reserve(deep) as place:
        place.finish(PLAIN)

    assert isinstance(store.find(deep), StoredObject)
