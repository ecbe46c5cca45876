"""Actions on a replication link, and what each end shows: two tables. Imports nothing.

docs/hcp/mapi.rst, sections 4.3 and 4.4; docs/hcp/namespace.rst, section 23.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


class Role(enum.Enum):
    """The role of a system on a link; the value is the type of the link that it shows."""

    PEER = "ACTIVE_ACTIVE"
    PRIMARY = "OUTBOUND"
    REPLICA = "INBOUND"


class Phase(enum.Enum):
    """The phase of a link, the same for both ends."""

    NORMAL = "changes are sent according to the type of the link"
    SUSPENDED = "nothing is sent until the link is resumed"
    FAILED_OVER = "one system has taken over; nothing is sent"
    RECOVERING = "active/passive: the replica sends its changes back"
    COMPLETING = "active/passive: the replica sends the rest; both are read-only"


class View(NamedTuple):
    """What a system shows of a link and does for it."""

    status: str
    message: str
    may_write: bool  # whether clients can write
    sends: bool  # whether it sends changes


GOOD, WARNING, BAD = "GOOD", "WARNING", "BAD"

VIEWS: dict[tuple[Role, Phase], View] = {
    (Role.PEER, Phase.NORMAL): View(GOOD, "Synchronizing data", True, True),
    (Role.PEER, Phase.SUSPENDED): View(WARNING, "Suspended by user", True, False),
    (Role.PEER, Phase.FAILED_OVER): View(WARNING, "Failed over", True, False),
    #
    (Role.PRIMARY, Phase.NORMAL): View(GOOD, "Sending data", True, True),
    (Role.PRIMARY, Phase.SUSPENDED): View(WARNING, "Suspended by user", True, False),
    (Role.PRIMARY, Phase.FAILED_OVER): View(WARNING, "Failed over", True, False),
    (Role.PRIMARY, Phase.RECOVERING): View(WARNING, "Receiving data", False, False),
    (Role.PRIMARY, Phase.COMPLETING): View(WARNING, "Receiving data", False, False),
    #
    (Role.REPLICA, Phase.NORMAL): View(GOOD, "Receiving data", False, False),
    (Role.REPLICA, Phase.SUSPENDED): View(WARNING, "Suspended by user", False, False),
    (Role.REPLICA, Phase.FAILED_OVER): View(WARNING, "Failed over", True, False),
    (Role.REPLICA, Phase.RECOVERING): View(WARNING, "Recovering data", True, True),
    (Role.REPLICA, Phase.COMPLETING): View(WARNING, "Completing recovery", False, True),
}

BROKEN = "Broken link"  # status BAD: the other system does not respond, or does not know the link
# Phases in which nothing is sent, so that a broken link is not shown.
STILL = frozenset([Phase.SUSPENDED, Phase.FAILED_OVER])

# By action and role of the requested system: from which phase to which. What is not in the table is
# not possible: a primary can suspend and resume, but not fail over.
_ON, _OFF, _OVER = Phase.NORMAL, Phase.SUSPENDED, Phase.FAILED_OVER
_SUSPEND = {_ON: _OFF, _OFF: _OFF}
_RESUME = {_OFF: _ON, _ON: _ON}
_FAIL_OVER = {_ON: _OVER, _OFF: _OVER, _OVER: _OVER}

STEPS: dict[str, dict[Role, dict[Phase, Phase]]] = {
    "suspend": {Role.PEER: _SUSPEND, Role.PRIMARY: _SUSPEND, Role.REPLICA: _SUSPEND},
    "resume": {Role.PEER: _RESUME, Role.PRIMARY: _RESUME, Role.REPLICA: _RESUME},
    "failOver": {
        Role.PEER: _FAIL_OVER,
        Role.REPLICA: {**_FAIL_OVER, Phase.RECOVERING: _OVER},
    },
    "failBack": {Role.PEER: {_OVER: _ON}},
    "beginRecovery": {Role.REPLICA: {_OVER: Phase.RECOVERING}},
    "completeRecovery": {Role.REPLICA: {Phase.RECOVERING: Phase.COMPLETING}},
}
RESTORE = "restore"  # does not change the phase: adds the link to the system that lost it

ACTIONS = frozenset([*STEPS, RESTORE])
ALIASES = {"beginRecover": "beginRecovery"}  # as printed in the manual (section 4.4)
# Actions for which the other system is needed.
NEED_BOTH = frozenset(["failBack", "beginRecovery", "completeRecovery"])


class WrongType(ValueError):
    """Links of this type do not have this action."""


class NotNow(Exception):
    """The action is not possible on this system, or not now."""


def next_phase(action: str, role: Role, phase: Phase) -> Phase:
    """The phase after *action* on the system that is *role*.

    Raises:
        WrongType: Neither end of such a link has the action.
        NotNow: This end does not have it, or not in this phase.
    """
    by_role = STEPS[action]
    if role in by_role:
        if phase not in by_role[role]:
            raise NotNow(f"{action} is not possible while the link is {phase.name}")
        return by_role[role][phase]
    if role is Role.PEER or set(by_role) == {Role.PEER}:
        raise WrongType(f"{action} is not possible on a link of type {role.value}")
    raise NotNow(f"{action} is possible only on the other system of the link, its replica")
