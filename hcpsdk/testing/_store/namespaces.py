"""The namespaces of a running system, each with its store. Imports `store`.

They can be added, changed and removed while requests are processed.
"""

import pathlib
from collections.abc import Callable
from dataclasses import replace

from ..config import DEFAULT_NAMESPACE, Namespace, System
from .counts import Counts
from .store import Store

Key = tuple[str, str]  # name and tenant


class Namespaces:
    """The namespaces of *system* and their stores, empty at first.

    Args:
        system: The running system; its ``namespaces`` are replaced here, and only here.
        scratch: Where large objects are kept.
        clock: Returns milliseconds since the epoch.

    Attributes:
        stores: The store of each namespace, by name and tenant.
        default: The store of the default namespace, which is not in ``stores``.
        removed: The tenant and the counts of each namespace that was removed.
        on_add: Called with the key and the store of a namespace that is added.
    """

    def __init__(self, system: System, scratch: pathlib.Path, clock: Callable[[], int]) -> None:
        self._system = system
        self._configured = replace(system)
        self._scratch = scratch
        self._clock = clock
        self.stores: dict[Key, Store] = {key(each): self._store(each) for each in system.namespaces}
        self.default = self._store(DEFAULT_NAMESPACE)
        self.removed: list[tuple[str, Counts]] = []
        self.on_add: Callable[[Key, Store], None] = lambda key, store: None

    def _store(self, namespace: Namespace) -> Store:
        return Store(namespace, self._scratch, self._clock)

    def of_tenant(self, tenant: str) -> list[Namespace]:
        """The namespaces of *tenant*, the one created last at the end."""
        return [n for n in self._system.namespaces if n.tenant.lower() == tenant.lower()]

    def find(self, name: str, tenant: str) -> Namespace | None:
        """The namespace called *name*; names are not case-sensitive."""
        found = (n for n in self.of_tenant(tenant) if n.name.lower() == name.lower())
        return next(found, None)

    def store(self, namespace: Namespace) -> Store:
        """Its store."""
        return self.stores[key(namespace)]

    def add(self, namespace: Namespace) -> None:
        """Create *namespace*: it can be used at once."""
        self.stores[key(namespace)] = store = self._store(namespace)
        self.on_add(key(namespace), store)
        self._system.namespaces = (*self._system.namespaces, namespace)

    def change(self, namespace: Namespace) -> None:
        """Give a namespace the settings of *namespace*, which has its name and tenant."""
        self.store(namespace).namespace = namespace
        self._system.namespaces = tuple(
            namespace if key(each) == key(namespace) else each for each in self._system.namespaces
        )

    def remove(self, namespace: Namespace) -> None:
        """Remove *namespace*, which must be empty."""
        self._system.namespaces = tuple(
            each for each in self._system.namespaces if key(each) != key(namespace)
        )
        store = self.stores.pop(key(namespace))
        self.removed.append((namespace.tenant, store.counts.closed()))
        store.clear()

    def reset(self) -> None:
        """Return to the namespaces, users and tenants of the start, without objects."""
        self._system.users = self._configured.users
        self._system.tenants = self._configured.tenants
        self._system.tenant_masks = self._configured.tenant_masks
        self._system.namespaces = self._configured.namespaces
        self.default.clear()
        for store in self.stores.values():
            store.clear()
        wanted = {key(each): each for each in self._configured.namespaces}
        for name in self.stores.keys() - wanted.keys():
            del self.stores[name]
        for name, namespace in wanted.items():
            if name in self.stores:
                self.stores[name].namespace = namespace
            else:
                self.stores[name] = self._store(namespace)
                self.on_add(name, self.stores[name])
        self.removed.clear()


def key(namespace: Namespace) -> Key:
    """By what *namespace* is found."""
    return namespace.name, namespace.tenant
