"""Two linked stores without threads or sockets: what happens next is for the test to say.

Link, couriers, replication and stores are the real ones. What a courier wants done in the thread
of a system waits in a queue here, until the test lets it happen: the same in each run, and in an
order that two real threads may take once in a year.
"""

import pathlib
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from hcpsdk.testing._replication.link import Link
from hcpsdk.testing._replication.service import Replication
from hcpsdk.testing._store.objects import Change, Identity, Metadata, Path, StoredObject, identity
from hcpsdk.testing._store.retention import Retention
from hcpsdk.testing._store.store import Store
from hcpsdk.testing._store.uploads import ObjectUpload
from hcpsdk.testing.config import Namespace, System

PLAIN = Metadata(Retention(), hold=False, shred=False, index=True, owner="n")
KEY = ("n1", "m")


def path(name: str) -> Path:
    return tuple(part.encode() for part in name.split("/"))


class Waiting:
    """Stands in for an event loop: keeps what is to be called."""

    def __init__(self) -> None:
        self.soon: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self.later: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()

    def call_soon_threadsafe(self, function: Callable[..., object], *arguments: Any) -> None:
        self.soon.append((function, arguments))

    def call_later(self, seconds: float, function: Callable[..., object], *arguments: Any) -> None:
        self.later.append((function, arguments))


class Half:
    """What a `Link` has to know of an HCP, and what a client can do there, without HTTP."""

    def __init__(self, domain: str, folder: pathlib.Path, clock: Callable[[], int]) -> None:
        namespace = Namespace(*KEY)
        folder.mkdir()
        self.store = Store(namespace, folder, clock)
        self.stored: set[Identity] = set()  # by clients, here
        self.deleted: set[Identity] = set()
        self.loop = Waiting()
        self.domain = domain
        system = System(domain, namespaces=(namespace,))
        self.home = SimpleNamespace(  # what the link needs of a running HCP
            nodes=[SimpleNamespace(address=domain, is_running=True)],
            is_running=True,
            replication=Replication(system, {KEY: self.store}),
            loop=self.loop,
            scratch=folder,
            server_context=lambda: None,
            answer_for=lambda domain, is_active: lambda: None,
        )

    # What clients do

    def put(self, name: str, data: bytes = b"data") -> StoredObject:
        return self.finish(self.begin(name, data))

    def begin(self, name: str, data: bytes = b"data") -> ObjectUpload:
        """An upload that has not come to its end."""
        place = self.store.reserve(path(name))
        place.write(data)
        return place

    def finish(self, place: ObjectUpload) -> StoredObject:
        stored = place.finish(PLAIN)
        self.stored.add(identity(stored))
        return stored

    def change(self, name: str, **values: Any) -> None:
        self.store.change(path(name), Change(**values))

    def annotate(self, name: str, annotation: str, xml: bytes) -> None:
        with self.store.open_annotation(annotation) as upload:
            upload.write(xml)
            self.store.annotate(path(name), upload)

    def remove(self, name: str) -> None:
        found = self.store.find(path(name))
        self.store.remove(path(name))
        if isinstance(found, StoredObject):
            self.deleted.add(identity(found))

    def make(self, name: str) -> None:
        self.store.make_directory(path(name))

    # What can be seen

    @property
    def names(self) -> list[str]:
        """All that is there; directories with a slash at the end."""
        return sorted(self.contents)

    @property
    def contents(self) -> dict[str, str]:
        """What there is under each name, in full."""
        found = {}
        for place, stored in self.store.walk():
            name = b"/".join(place).decode()
            if isinstance(stored, StoredObject):
                annotations = sorted(stored.annotations.items())
                whole = (stored.etag, stored.version, stored.changed, stored.metadata, annotations)
                found[name] = repr((*whole, stored.collided, stored.replicated))
            else:
                found[f"{name}/"] = "a directory"
        return found


class Pair:
    """Two systems, and an active/active link between them over which nothing moves by itself."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.now = 1_422_736_466_399  # milliseconds; stands still until a test says otherwise
        self.left = Half("hcp1.snomis.local", folder / "left", lambda: self.now)
        self.right = Half("hcp2.snomis.local", folder / "right", lambda: self.now)
        self.both = (self.left, self.right)
        homes: list[Any] = [lambda half=half: half.home for half in self.both]
        self.link = Link(homes, "ACTIVE_ACTIVE", "link", "", 0)
        self.settle()

    def step(self, system: Half) -> bool:
        """Let the next thing happen in the thread of *system*; False if there is none."""
        if not system.loop.soon:
            return False
        function, arguments = system.loop.soon.popleft()
        function(*arguments)
        return True

    def ring(self, system: Half) -> None:
        """Let the time pass after which *system* tries again what could not be done before."""
        system.loop.soon.extend(system.loop.later)
        system.loop.later.clear()

    def run(self, system: Half) -> None:
        """Let happen all that waits in the thread of *system*."""
        while self.step(system):
            pass

    def settle(self) -> None:
        """Let everything happen until nothing is left to do."""
        while any(system.loop.soon or system.loop.later for system in self.both):
            for system in self.both:
                self.run(system)
                self.ring(system)
        assert not any(end.has_work for end in self.link.ends)
        self.link.wait(0)

    def check(self) -> None:
        """Settle; then both systems must have the same, count it right, and have lost nothing."""
        self.settle()
        assert self.left.contents == self.right.contents
        stored, deleted = (
            self.left.stored | self.right.stored,
            self.left.deleted | self.right.deleted,
        )
        for system in self.both:
            objects = [each for _, each in system.store.walk() if isinstance(each, StoredObject)]
            assert system.store.counts.level.objects == len(objects)
            sizes = [each.size + each.annotation_bytes for each in objects]
            assert system.store.used_bytes == sum(sizes)
            assert all(each.replicated for each in objects)
            assert stored - deleted <= {identity(each) for each in objects}
