"""What travels from one store to another, with bytes of its own."""

from __future__ import annotations

import os
import pathlib
import shutil
import uuid
from dataclasses import dataclass, replace

from .._store.content import Content
from .._store.objects import Path, StoredObject
from .._store.store import Store
from .._store.tombstones import Tombstones
from .backlog import Item, StoreKey


@dataclass(frozen=True)
class Snapshot:
    """What is stored under a name, on its way to another store of the same namespace."""

    key: StoreKey
    path: Path
    serial: int
    item_size: int
    gone: Tombstones  # what has to go
    stored: StoredObject | None  # the sender has it; with content that belongs to the receiver
    directories: tuple[int, ...]  # versions of those that the sender has on the way to the path

    def discard(self) -> None:
        if self.stored is not None:
            self.stored.discard()


def packed(store: Store, item: Item, scratch: pathlib.Path) -> Snapshot:
    """What is in *store* under the name of *item* now; larger files go into *scratch*."""
    found = store.find(item.path)
    stored = _copied(found, scratch) if isinstance(found, StoredObject) else None
    directories = tuple(each.version for each in store.directories(item.path))
    return Snapshot(item.key, item.path, item.serial, item.size, item.gone, stored, directories)


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
