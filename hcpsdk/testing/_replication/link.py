"""A replication link as the program that made it sees it. Imports `end` and `states`.

docs/emulator.rst lists where it differs from a link between real systems.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal

from .end import End, FindHome, LinkState
from .states import Phase, Role

LinkType = Literal["ACTIVE_ACTIVE", "ACTIVE_PASSIVE"]


class Link(LinkState):
    """A replication link, made by `link()`. Any thread may use it.

    Attributes:
        name: Its name, by which the management API of both systems knows it.
    """

    def __init__(
        self, homes: Sequence[FindHome], kind: LinkType, name: str, description: str, delay: float
    ) -> None:
        super().__init__(name, description)
        self.delay = delay
        roles = (Role.PEER, Role.PEER) if kind == "ACTIVE_ACTIVE" else (Role.PRIMARY, Role.REPLICA)
        self.ends = tuple(End(self, home, role) for home, role in zip(homes, roles, strict=True))
        self.ends[0].attach_peer(self.ends[1])
        for end in self.ends:
            if end.has_duplicate_name:
                raise ValueError(f"{end.system.domain} has a link named {name!r} already")
        for end in self.ends:
            end.define()
        for end in self.ends:
            if end.role is not Role.REPLICA:
                end.enqueue_all()

    def __repr__(self) -> str:
        pending = " and ".join(str(len(end.backlog)) for end in self.ends)
        return f"<Link {self.name} {self.type} {self.phase.name}, pending: {pending}>"

    @property
    def type(self) -> LinkType:
        """What kind of link it is: "ACTIVE_ACTIVE" or "ACTIVE_PASSIVE"."""
        return "ACTIVE_ACTIVE" if self.ends[0].role is Role.PEER else "ACTIVE_PASSIVE"

    @property
    def delay(self) -> float:
        """Seconds that a change waits before it is sent; applies also to waiting changes."""
        return self.delay_seconds

    @delay.setter
    def delay(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"delay must not be negative: {seconds}")
        self.delay_seconds = seconds
        for end in self.ends:
            end.schedule()

    def wait(self, timeout: float = 10.0) -> None:
        """Return when everything was replicated that the state of the link allows.

        Changes that cannot be sent (link suspended, failed over, or broken) are not waited for.

        Raises:
            TimeoutError: It took more than *timeout* seconds.
        """
        with self.lock:
            if not self.lock.wait_for(self._is_settled, timeout):
                raise TimeoutError(f"not replicated after {timeout} seconds: {self!r}")

    def _is_settled(self) -> bool:
        is_sending = any(end.view.sends and end.has_work for end in self.ends)
        return not is_sending and (self.phase is not Phase.COMPLETING or not self.is_connected)

    def close(self) -> None:
        """Remove the link from both systems. Can be called more than once."""
        for end in self.ends:
            end.remove()

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self,
        kind: Any,  # not "type", which is a property of the class
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
