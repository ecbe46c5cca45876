"""The replication service of one HCP: its settings, and its ends of the links to others."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

from .._store.objects import Path
from .._store.store import Store
from .._store.tombstones import Tombstones
from ..config import Namespace, System
from .backlog import StoreKey
from .link import End

# As the library's manual prints them (chapter 9; docs/hcp/mapi.rst, section 4.1).
SETTINGS: dict[str, Any] = {
    "allowTenantsToMonitorNamespaces": True,
    "enableDNSFailover": True,
    "enableDomainAndCertificateSynchronization": True,
    "network": "[hcp_system]",
}


class Replication:
    """The replication service of *system*, which has the objects in *stores*.

    Read from any thread; ``settings`` and ``ends`` are replaced when they change, never altered.
    """

    def __init__(self, system: System, stores: Mapping[StoreKey, Store]) -> None:
        self.system = system
        self.stores = stores
        self.settings = SETTINGS
        self.shut_down_because: str | None = None  # why no link of this system works
        self.ends: tuple[End, ...] = ()
        self._lock = threading.Lock()  # guards the replacement of ends
        for key, store in stores.items():
            store.on_change = partial(self._note, key)

    def end(self, name: str) -> End | None:
        """This system's end of the link *name*; names of links know no case (section 4.2)."""
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
        """Something changed that may let changes travel, here or on the way here."""
        for end in self.ends:
            end.link.schedule()

    def leave(self) -> None:
        """This system stops, and will know of no link when it starts again."""
        for end in self.ends:
            end.remove()

    def reset(self) -> None:
        """Be as after the start; links stay, but start anew."""
        self.settings, self.shut_down_because = SETTINGS, None
        for end in self.ends:
            end.link.reset()

    # For the namespaces

    def _note(self, key: StoreKey, path: Path, size: int, gone: Tombstones) -> None:
        for end in self.ends:
            end.courier.note(key, path, size, gone)

    def has_pending(self, key: StoreKey, path: Path) -> bool:
        """Whether another system still waits for what is stored there."""
        return any(end.backlog.has(key, path) for end in self.ends)

    def read_only_because(self, key: StoreKey) -> str | None:
        """Why clients may not write into the namespace *key*; None if they may."""
        for end in self.ends:
            if key in end.keys and not end.view.may_write:
                return f"the namespace is read-only: link {end.link.name}, {end.view.message}"
        return None

    # Standing in for others, and others for us

    def namespace_taken_over(self, host: str) -> Namespace | None:
        """The namespace of ours that answers for *host*, a name of a system that failed."""
        for end in self.ends:
            if end.is_failed_over_here:
                other = end.other.system.namespace(host)
                if other is not None and (other.name, other.tenant) in end.keys:
                    return self.stores[other.name, other.tenant].namespace
        return None

    def systems_taken_over(self) -> list[System]:
        """The systems whose names our name server answers for."""
        return [end.other.system for end in self.ends if end.is_failed_over_here]

    def context_for(self, name: str) -> ssl.SSLContext | None:
        """The certificate to show to a client that asks for *name*, if it is another system's.

        Certificates are exchanged over a link beforehand (section 4.1), so that a system can
        stand in for one that is not there any more.
        """
        if self.settings["enableDomainAndCertificateSynchronization"]:
            for end in self.ends:
                domain = end.other.system.domain
                if name.lower() == domain or name.lower().endswith("." + domain):
                    return end.context_of_other
        return None

    def addresses_instead(self) -> list[str] | None:
        """The nodes that answer for our names; None as long as these are our own."""
        for end in self.ends:
            if end.other.is_failed_over_here:
                return end.other.available_addresses
        return None
