"""A replication link between two emulated HCPs: what both ends have in common.

Where it differs from a link between real ones: all namespaces that both systems have take part;
accounts and settings of tenants do not travel; data travel within the process, not over port 5748;
nothing happens by itself but the end of a recovery (autoFailover is only told); a recovery takes
no longer than its data; there are no schedules, chains of passive links, or reading from the
replica. A primary that runs while its replica is failed over takes writes until the recovery
begins (namespace.md, section 23, does not say otherwise).
"""

from __future__ import annotations

import threading
import uuid
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from . import _link_rules as rules
from ._backlog import Traffic
from ._link_end import End
from ._link_rules import NotNow, Phase, Role
from ._mapi_properties import text

if TYPE_CHECKING:
    from ._hcp import HCP

LinkType = Literal["ACTIVE_ACTIVE", "ACTIVE_PASSIVE"]


def link(
    first: HCP,
    second: HCP,
    type: LinkType = "ACTIVE_ACTIVE",
    *,
    delay: float = 0.0,
    name: str | None = None,
    description: str | None = None,
) -> Link:
    """A replication link between two running HCPs; what they hold travels at once.

    Namespaces are replicated that both systems have, by name and tenant. End the link with
    ``close()`` or a ``with`` block, or just stop the HCPs.

    Args:
        first: The primary, if the link is active/passive.
        second: The replica, if it is.
        type: "ACTIVE_ACTIVE", or "ACTIVE_PASSIVE" from *first* to *second*.
        delay: Seconds for which a change waits before it travels.
        name: 1 to 64 characters; by default made of the systems' names, ``hcp1--<-->--hcp2``.
        description: Free text.
    """
    if type not in ("ACTIVE_ACTIVE", "ACTIVE_PASSIVE"):
        raise ValueError(f"type is ACTIVE_ACTIVE or ACTIVE_PASSIVE, not {type!r}")
    if first.domain == second.domain:
        raise ValueError(f"linked systems have different domains, not both {first.domain}")
    here, there = (hcp.domain.partition(".")[0] for hcp in (first, second))
    if type == "ACTIVE_ACTIVE":
        name = name or f"{here}--<-->--{there}"
        words = f"active/active replication between {here.upper()} and {there.upper()}"
    else:
        name = name or f"{here}-->--{there}"
        words = f"active/passive replication from {here.upper()} to {there.upper()}"
    description = words if description is None else description
    text(1, 64)(name)
    text(0, 1024)(description)
    return Link(first, second, type, name, description, delay)


class Link:
    """A replication link, made by `link()`. Any thread may use it.

    Attributes:
        name: Its name, by which the management API of both systems knows it.
    """

    def __init__(
        self, first: HCP, second: HCP, kind: LinkType, name: str, description: str, delay: float
    ) -> None:
        # Guards all that can change here and in both ends. It is held for a moment only: nobody
        # who holds it waits for another thread or calls into an event loop.
        self.lock = threading.Condition(threading.RLock())
        self.name = name
        self.id = str(uuid.uuid4())
        self.properties = {
            "description": description,
            "compression": False,
            "encryption": False,
            "priority": "OLDEST_FIRST",
        }
        self.phase = Phase.NORMAL
        self.survivor: End | None = None  # active/active: who stands in for the other
        self.traffic = Traffic()
        self.ends: tuple[End, ...] = ()
        self.epoch = 0  # what set out in an earlier one is not taken in any more
        self.delay = delay
        roles = (Role.PEER, Role.PEER) if kind == "ACTIVE_ACTIVE" else (Role.PRIMARY, Role.REPLICA)
        self.ends = End(self, first, roles[0]), End(self, second, roles[1])
        self.ends[0].meet(self.ends[1])
        self._begin()

    def _begin(self) -> None:
        for end in self.ends:
            end.check()
        for end in self.ends:
            end.define()
        for end in self.ends:
            if end.role is not Role.REPLICA:
                end.courier.take_stock()

    def __repr__(self) -> str:
        pending = " and ".join(str(len(end.backlog)) for end in self.ends)
        return f"<Link {self.name} {self.type} {self.phase.name}, pending: {pending}>"

    @property
    def type(self) -> LinkType:
        """What kind of link it is: "ACTIVE_ACTIVE" or "ACTIVE_PASSIVE"."""
        return "ACTIVE_ACTIVE" if self.ends[0].role is Role.PEER else "ACTIVE_PASSIVE"

    @property
    def delay(self) -> float:
        """Seconds that a change waits before it travels; can be set, also for what waits now."""
        return self._delay

    @delay.setter
    def delay(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"a delay is not negative: {seconds}")
        self._delay = seconds
        for end in self.ends:
            end.courier.kick()

    def wait(self, timeout: float = 10.0) -> None:
        """Return when everything has arrived that can travel as the link stands now.

        What cannot (because the link is suspended, failed over, or broken) is not waited for.

        Raises:
            TimeoutError: It took more than *timeout* seconds.
        """
        with self.lock:
            if not self.lock.wait_for(self._is_settled, timeout):
                raise TimeoutError(f"not replicated after {timeout} seconds: {self!r}")

    def _is_settled(self) -> bool:
        travels = any(end.view.sends and end.courier.has_work for end in self.ends)
        return not travels and (self.phase is not Phase.COMPLETING or not self.is_connected)

    def close(self) -> None:
        """Remove the link from both systems; closing twice does no harm."""
        for end in self.ends:
            end.lose()

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self,
        kind: Any,  # not "type", which is a property of the class
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # For the ends, and for the management API

    @property
    def is_connected(self) -> bool:
        """Whether both systems have the link, and a node that runs."""
        return all(end.is_up for end in self.ends)

    def act(self, action: str, end: End) -> None:
        """Do *action* on the system of *end*.

        Raises:
            WrongType, NotNow: It is not possible on this type of link, here, or now.
        """
        with self.lock:
            if action == rules.RESTORE:
                self._restore(end)
            else:
                self._step(action, end)
        self.kick()

    def _step(self, action: str, end: End) -> None:
        phase = rules.next_phase(action, end.role, self.phase)
        if self.survivor not in (None, end):
            raise NotNow(f"{action} is possible only on the other system, which took over")
        if action in rules.NEED_BOTH and not self.is_connected:
            raise NotNow(f"{action} needs the other system, which does not answer")
        self.move(phase, end)

    def move(self, phase: Phase, end: End) -> None:
        """Be in *phase* from now on, because of what happened on the system of *end*."""
        with self.lock:
            self.phase = phase
            failed_over = phase is Phase.FAILED_OVER and end.role is Role.PEER
            self.survivor = end if failed_over else None
            if phase is Phase.COMPLETING:
                end.courier.complete_if_done()
            self.lock.notify_all()

    def _restore(self, end: End) -> None:
        if end.other.is_defined:
            raise NotNow("restore is not possible: the other system has the link")
        if not end.other.is_running:
            raise NotNow("restore needs the other system, which does not answer")
        if end.other.has_namesake:
            raise NotNow(f"the other system has another link called {self.name}")
        self.epoch += 1
        end.backlog.take_back()
        end.other.define()
        end.courier.take_stock()
        if end.role is Role.PEER:  # the other one need not be empty: it may have lost the link only
            end.other.courier.take_stock()

    def make_active_active(self) -> None:
        """Turn an active/passive link into an active/active one."""
        with self.lock:
            if self.phase not in (Phase.NORMAL, Phase.SUSPENDED):
                raise NotNow(f"the type cannot be changed while the link is {self.phase.name}")
            for end in self.ends:
                end.role = Role.PEER
        self.kick()

    def kick(self) -> None:
        """Something changed: let both ends see whether they can send."""
        with self.lock:
            self.lock.notify_all()
        for end in self.ends:
            end.courier.kick()

    def reset(self) -> None:
        """Be as just made between two empty systems; what is on its way will not arrive."""
        with self.lock:
            self.epoch += 1
            self.phase, self.survivor, self.traffic = Phase.NORMAL, None, Traffic()
            for end in self.ends:
                end.courier.forget()
            self.lock.notify_all()
