"""How an object gets from one store to another, and what happens if its name is taken there.

The rules for two objects of one name (mapi.md and namespace.md name only ``.lost+found``): the one
stored later keeps the name, the other one moves to the same path below ``.lost+found`` and says
``X-HCP-ReplicationCollision: true``. Both systems come to the same result, whoever is told first.
An object never takes the name of a directory: what arrives moves aside. Where the place aside is
taken, the version ID is appended to the name.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ._backlog import Identity, Item, StoreKey, identity
from ._content import Content
from ._objects import Directory, StoredObject
from ._paths import Path
from ._store import BeingWritten, NameTaken, Store

LOST_AND_FOUND = b".lost+found"


@dataclass(frozen=True)
class Parcel:
    """What is stored under a name, on its way to another store of the same namespace."""

    key: StoreKey
    path: Path
    serial: int
    item_size: int
    removed: frozenset[Identity]  # what has to go
    stored: StoredObject | None  # the sender has it; with content that belongs to the receiver
    is_directory: bool  # the sender has a directory

    def without_object(self) -> Parcel:
        """The same, but the receiver knows that the object has been deleted."""
        self.discard()
        return replace(self, stored=None)

    def discard(self) -> None:
        if self.stored is not None:
            self.stored.discard()


def packed(store: Store, item: Item, scratch: pathlib.Path) -> Parcel:
    """What is in *store* under the name of *item* now; larger files go into *scratch*."""
    found = store.find(item.path)
    is_directory = isinstance(found, Directory)
    stored = _copied(found, scratch) if isinstance(found, StoredObject) else None
    return Parcel(item.key, item.path, item.serial, item.size, item.removed, stored, is_directory)


def _copied(stored: StoredObject, scratch: pathlib.Path) -> StoredObject:
    annotations = {
        name: replace(annotation, content=_copied_content(annotation.content, scratch))
        for name, annotation in stored.annotations.items()
    }
    content = _copied_content(stored.content, scratch)
    return replace(stored, content=content, annotations=annotations)


def _copied_content(content: Content, scratch: pathlib.Path) -> Content:
    if isinstance(content.held, bytes):
        return content
    target = scratch / f"copy-{uuid.uuid4().hex}"
    try:
        os.link(content.held, target)  # the file never changes, so both can have it
    except FileNotFoundError:
        raise  # the receiver has stopped
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(content.held, target)
    return Content(content.size, target)


def unpack(store: Store, parcel: Parcel) -> list[tuple[Path, StoredObject]]:
    """Make *store* have what the sender has; returns what had to move aside, and where it is.

    Raises:
        BeingWritten: Not now; somebody is just writing that name.
    """
    path = parcel.path
    if store.is_being_written(path):
        raise BeingWritten("the object is being written")
    _forget(store, path, parcel.removed)
    if parcel.is_directory:
        with contextlib.suppress(NameTaken):
            store.make_directory(path)
    if parcel.stored is not None:
        return _place(store, path, parcel.stored)
    return []


def _forget(store: Store, path: Path, removed: frozenset[Identity]) -> None:
    found = store.find(path)
    if found is None or not path or identity(found) not in removed:
        return
    if isinstance(found, StoredObject):
        found.discard()
    elif found.entries:
        return
    store.take_out(path)
    store.tell(path, 0, found)


def _place(store: Store, path: Path, arrived: StoredObject) -> list[tuple[Path, StoredObject]]:
    found = store.find(path)
    if not isinstance(found, StoredObject):
        if not _is_free(store, path):
            return _move_aside(store, path, arrived)
        store.put(path, arrived)
        store.tell(path, arrived.size, None)
        return []
    if identity(found) != identity(arrived):
        if _rank(found) > _rank(arrived):
            return _move_aside(store, path, arrived)
        _exchange(store, path, arrived)
        return _move_aside(store, path, found)
    # The same object: whoever changed its metadata last is right.
    if _age(found) < _age(arrived):
        _exchange(store, path, arrived)
        found.discard()
    else:
        arrived.discard()
    return []


def _exchange(store: Store, path: Path, arrived: StoredObject) -> None:
    store.take_out(path)
    store.put(path, arrived)
    store.tell(path, arrived.size, None)


def _is_free(store: Store, path: Path) -> bool:
    try:
        store.refuse_if_taken(path)
    except NameTaken:
        return False
    return True


def _age(stored: StoredObject) -> tuple[int, str]:
    annotations = sorted((name, each.hash_value) for name, each in stored.annotations.items())
    return stored.changed, repr((stored.metadata, annotations))


def _rank(stored: StoredObject) -> tuple[int, int, str]:
    return stored.created, stored.version, stored.etag


def _move_aside(store: Store, path: Path, loser: StoredObject) -> list[tuple[Path, StoredObject]]:
    for place in _places_aside(store, path, loser):
        found = store.find(place)
        if isinstance(found, StoredObject) and identity(found) == identity(loser):
            break  # the other system has told of it already
        if _is_free(store, place):
            loser.collided = True
            store.put(place, loser)
            return [(place, loser)]
    loser.discard()  # or there is no place at all: somebody made ".lost+found" an object
    return []


def _places_aside(store: Store, path: Path, loser: StoredObject) -> Iterator[Path]:
    """Where *loser* may go, best first."""
    aside = path if path[0] == LOST_AND_FOUND else (LOST_AND_FOUND, *path)
    if aside != path and not isinstance(store.find(path), Directory):
        yield aside
    # The plain name is for what was in the directory: what has won there may follow it one day.
    yield (*aside[:-1], aside[-1] + b".%d" % loser.version)
    yield (LOST_AND_FOUND, b"%d" % loser.version)
