"""Objects with their system metadata, annotations, and directories. Imports `content`, `retention`.

With the rules for system metadata: initial values and allowed changes (docs/hcp/namespace.rst,
section 15).
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..config import Namespace
from . import retention as rules
from .acl import Acl
from .content import Content
from .retention import Moment, Retention

# The parts of a name, () for the root of the namespace. Bytes, because a name may hold any of them
# but NUL (docs/hcp/namespace.rst, section 17).
Path = tuple[bytes, ...]


class ChangeRefused(ValueError):
    """This change of system metadata is not allowed."""


@dataclass(frozen=True)
class Change:
    """Requested changes of system metadata; None leaves a value unchanged."""

    retention: rules.Value | None = None
    hold: bool | None = None
    shred: bool | None = None
    index: bool | None = None
    owner: str | None = None
    dpl: int | None = None  # of a new object only
    acl: Acl | None = None


@dataclass(frozen=True)
class Metadata:
    """System metadata that can be changed."""

    retention: Retention
    hold: bool
    shred: bool
    index: bool
    owner: str
    dpl: int = 2
    acl: Acl = ()

    @classmethod
    def initial(
        cls,
        change: Change,
        namespace: Namespace,
        owner: str,
        stored: int,
        old: Metadata | None = None,
    ) -> Metadata:
        """The values for a new object of *owner*: those in *change*, else the defaults.

        A new version keeps those of the *old* one (docs/hcp/namespace.rst, section 12.1).

        Raises:
            RetentionError: The requested retention does not exist.
        """
        classes = namespace.class_values
        retention = rules.default(namespace.default_retention, stored, classes)
        value = change.retention
        if value is None and old is not None and old.retention.class_name:
            value = rules.OfClass(old.retention.class_name)
        if value is not None:
            moment = Moment(stored, stored, default=retention)
            retention = rules.resolved(value, moment, classes)
        new = cls(
            retention,
            hold=bool(change.hold),
            shred=namespace.default_shred if old is None else old.shred,
            index=namespace.default_index if old is None else old.index,
            owner=owner if old is None else old.owner,
            dpl=namespace.dpl if change.dpl is None else change.dpl,
            acl=() if old is None else old.acl,
        )
        return replace(
            new,
            shred=new.shred if change.shred is None else change.shred,
            index=new.index if change.index is None else change.index,
            acl=new.acl if change.acl is None else change.acl,
        )

    def changed(self, change: Change, moment: Moment, classes: Mapping[str, str]) -> Metadata:
        """These values with *change* applied, completely or not at all.

        Raises:
            ChangeRefused: Retention together with hold, or on hold; shred set to false.
            RetentionError: The requested retention cannot replace the present one.
        """
        after = self
        if change.retention is not None:
            if change.hold is not None:
                raise ChangeRefused("retention and hold cannot be changed together")
            if self.hold:
                raise ChangeRefused("the object is on hold: its retention cannot be changed")
            moment = replace(moment, current=self.retention)
            value = rules.changed(change.retention, moment, classes)
            after = replace(after, retention=value)
        if change.shred is not None:
            if self.shred and not change.shred:
                raise ChangeRefused("shred cannot be changed from true to false")
            after = replace(after, shred=change.shred)
        if change.hold is not None:
            after = replace(after, hold=change.hold)
        if change.index is not None:
            after = replace(after, index=change.index)
        if change.owner is not None:
            after = replace(after, owner=change.owner)
        if change.acl is not None:
            after = replace(after, acl=change.acl)
        return after


@dataclass(frozen=True)
class Annotation:
    """A finished annotation, also called custom metadata (docs/hcp/namespace.rst, section 13)."""

    content: Content
    hash_scheme: str
    hash_value: str  # upper-case hex
    changed: int  # milliseconds since the epoch
    is_xml: bool

    @property
    def size(self) -> int:
        return self.content.size


def copied_annotations(
    annotations: Mapping[str, Annotation], scratch: pathlib.Path
) -> dict[str, Annotation]:
    """Independent copies; large contents are files in *scratch*."""
    return {
        name: replace(each, content=each.content.copy(scratch))
        for name, each in annotations.items()
    }


def version_of(created: int) -> int:
    """The version ID of an object created at *created*, in milliseconds since the epoch."""
    return 64 * created + 1


@dataclass
class StoredObject:
    """A finished object; times are milliseconds since the epoch."""

    content: Content
    etag: str  # MD5 in lower-case hex, without quotes
    hash_scheme: str
    hash_value: str  # upper-case hex
    version: int
    created: int
    changed: int
    metadata: Metadata
    annotations: dict[str, Annotation] = field(default_factory=dict)  # by name
    replicated: bool = False  # all linked systems have its present state
    collided: bool = False  # it lost its name in a collision

    @property
    def size(self) -> int:
        return self.content.size

    @property
    def annotation_bytes(self) -> int:
        return sum(annotation.size for annotation in self.annotations.values())

    def copy(self, scratch: pathlib.Path) -> StoredObject:
        """A copy that is independent of this one; large contents are files in *scratch*.

        Raises:
            FileNotFoundError: *scratch* was deleted.
        """
        annotations = copied_annotations(self.annotations, scratch)
        return replace(self, content=self.content.copy(scratch), annotations=annotations)

    def discard(self) -> None:
        """Delete the bytes."""
        self.content.discard()
        for annotation in self.annotations.values():
            annotation.content.discard()


@dataclass
class Directory:
    """A directory; ``changed`` is when it was created, or its entries changed."""

    changed: int
    version: int = 0  # from the time of its creation, as for objects
    entries: dict[bytes, StoredObject | Directory] = field(default_factory=dict)


@dataclass(frozen=True)
class DeleteMarker:
    """The version that a deletion adds to an object that has versions."""

    version: int
    created: int  # milliseconds since the epoch
    owner: str


Version = StoredObject | DeleteMarker

# Version and ETag, "" for directories and delete markers: the same on all systems with the object.
Identity = tuple[int, str]


def identity(entry: StoredObject | Directory | DeleteMarker) -> Identity:
    """What is the same wherever *entry* is."""
    return entry.version, entry.etag if isinstance(entry, StoredObject) else ""
