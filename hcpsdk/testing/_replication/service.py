"""The replication service of one HCP: settings, and its ends of links. Imports `end`."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

from .._store.objects import Path
from .._store.store import Store
from ..config import Namespace, System
from .end import End
from .transfer import StoreKey

# As printed in chapter 9 of the manual (docs/hcp/mapi.rst, section 4.1).
SETTINGS: dict[str, Any] = {
    "allowTenantsToMonitorNamespaces": True,
    "enableDNSFailover": True,
    "enableDomainAndCertificateSynchronization": True,
    "network": "[hcp_system]",
}


class Replication:
    """The replication service of *system*, which has the objects in *stores*.

    Any thread may read it: ``settings`` and ``ends`` are replaced when they change.
    """

    def __init__(self, system: System, stores: Mapping[StoreKey, Store]) -> None:
        self.system = system
        self.stores = stores
        self.settings = SETTINGS
        self.shut_down_because: str | None = None  # the reason why all links are stopped
        self.ends: tuple[End, ...] = ()
        self._lock = threading.Lock()  # guards the replacement of ends
        for key, store in stores.items():
            self.watch(key, store)

    def watch(self, key: StoreKey, store: Store) -> None:
        """Replicate the changes in *store*, if a link covers its namespace."""
        store.on_change = partial(self._note, key)

    def covers(self, key: StoreKey) -> bool:
        """Whether a link replicates the namespace *key*."""
        return any(key in end.keys for end in self.ends)

    def end(self, name: str) -> End | None:
        """The end of the link *name*, in any case (section 4.2)."""
        found = (end for end in self.ends if end.link.name.casefold() == name.casefold())
        return next(found, None)

    def add(self, end: End) -> None:
        with self._lock:
            self.ends = (*self.ends, end)

    def remove(self, end: End) -> None:
        with self._lock:
            self.ends = tuple(other for other in self.ends if other is not end)

    def change(self, settings: dict[str, Any]) -> None:
        self.settings = {**self.settings, **settings}
        self.schedule()

    def shut_down(self, reason: str | None) -> None:
        """Stop all links because of *reason*; None starts them again."""
        self.shut_down_because = reason
        self.schedule()

    def schedule(self) -> None:
        """Something changed: all links check what they can send."""
        for end in self.ends:
            end.link.schedule()

    def leave(self) -> None:
        """Remove all links, because the system stops."""
        for end in self.ends:
            end.remove()

    def reset(self) -> None:
        """Return to the state after the start, with the same links."""
        self.settings, self.shut_down_because = SETTINGS, None
        for end in self.ends:
            end.link.reset()

    # For the namespaces

    def _note(self, key: StoreKey, path: Path, size: int) -> None:
        for end in self.ends:
            end.on_change(key, path, size)

    def linked_keys(self) -> frozenset[StoreKey]:
        """The namespaces that are replicated over any link."""
        return frozenset(key for end in self.ends for key in end.keys)

    def has_pending(self, key: StoreKey, path: Path) -> bool:
        """Whether the present state of *path* was not sent to all systems."""
        return any(end.backlog.has(key, path) for end in self.ends)

    def read_only_because(self, key: StoreKey) -> str | None:
        """The reason why the namespace *key* is read-only; None if it is not."""
        for end in self.ends:
            if key in end.keys and not end.view.may_write:
                return f"the namespace is read-only: link {end.link.name}, {end.view.message}"
        return None

    # Failover

    def namespace_taken_over(self, host: str) -> Namespace | None:
        """The namespace that responds for *host*, a name of a failed system."""
        for end in self.ends:
            if end.is_failed_over_here:
                other = end.other.system.namespace(host)
                if other is not None and (other.name, other.tenant) in end.keys:
                    return self.stores[other.name, other.tenant].namespace
        return None

    def systems_taken_over(self) -> list[System]:
        """The failed systems whose names resolve to this one."""
        return [end.other.system for end in self.ends if end.is_failed_over_here]

    def context_for(self, name: str) -> ssl.SSLContext | None:
        """The TLS context for *name* if it belongs to a linked system.

        Certificates are exchanged over a link in advance (section 4.1), so that this works after
        the other system failed.
        """
        if self.settings["enableDomainAndCertificateSynchronization"]:
            for end in self.ends:
                domain = end.other.system.domain
                if name.lower() == domain or name.lower().endswith("." + domain):
                    return end.context_of_other
        return None

    def addresses_instead(self) -> list[str] | None:
        """The nodes to which the names of this system resolve; None for its own."""
        for end in self.ends:
            if end.other.is_failed_over_here:
                return end.other.available_addresses
        return None
