"""What may happen on a replication link, and what each end of it shows: two tables.

docs/hcp/mapi.rst, sections 4.3 and 4.4; docs/hcp/namespace.rst, section 23.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


class Role(enum.Enum):
    """What a system is on a link; the value is the link's type as this system shows it."""

    PEER = "ACTIVE_ACTIVE"
    PRIMARY = "OUTBOUND"
    REPLICA = "INBOUND"


class Phase(enum.Enum):
    """Where a link stands; the same for both ends."""

    NORMAL = "changes travel as the type of the link says"
    SUSPENDED = "nothing travels until somebody resumes"
    FAILED_OVER = "one system stands in for the other; nothing travels"
    RECOVERING = "active/passive: what the replica took in travels back"
    COMPLETING = "active/passive: the rest of it does, and nobody may write"


class View(NamedTuple):
    """What a system shows of a link, and does for it."""

    status: str
    message: str
    may_write: bool  # whether clients may
    sends: bool  # its changes travel to the other system


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

BROKEN = "Broken link"  # status BAD: the other system does not answer, or has lost the link
# Phases in which nothing is to travel anyway, so that a broken link is no news.
STILL = frozenset([Phase.SUSPENDED, Phase.FAILED_OVER])

# By action and role of the system that is asked: from which phase to which. Asking for what is
# already so changes nothing. That a primary suspends, resumes but does not fail over, is in the
# table by what is not.
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
RESTORE = "restore"  # changes no phase: it makes the link anew on the system that has lost it

ACTIONS = frozenset([*STEPS, RESTORE])
ALIASES = {"beginRecover": "beginRecovery"}  # as the manual prints it (section 4.4)
# What the other system has to take part in.
NEED_BOTH = frozenset(["failBack", "beginRecovery", "completeRecovery"])


class WrongType(ValueError):
    """Links of this type know no such action."""


class NotNow(Exception):
    """The link does not allow it, on this system or at this time; says why."""


def next_phase(action: str, role: Role, phase: Phase) -> Phase:
    """The phase after *action* on the system that is *role*.

    Raises:
        WrongType: Neither end of such a link knows the action.
        NotNow: This end does not, or not in this phase.
    """
    by_role = STEPS[action]
    if role in by_role:
        if phase not in by_role[role]:
            raise NotNow(f"{action} is not possible while the link is {phase.name}")
        return by_role[role][phase]
    if role is Role.PEER or set(by_role) == {Role.PEER}:
        raise WrongType(f"{action} is not possible on a link of type {role.value}")
    raise NotNow(f"{action} is possible only on the other system of the link, its replica")
