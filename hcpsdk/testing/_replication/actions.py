"""What an administrator can do with a link. Imports `end` and `states`.

docs/hcp/mapi.rst, section 4.4.
"""

from .end import End
from .states import NEED_BOTH, RESTORE, NotNow, Phase, Role, next_phase


def act(action: str, end: End) -> None:
    """Do *action* on the system of *end*.

    Raises:
        WrongType, NotNow: It is not possible on this type of link, here, or now.
    """
    with end.link.lock:
        if action == RESTORE:
            _restore(end)
        else:
            _step(action, end)
    end.link.schedule()


def _step(action: str, end: End) -> None:
    link = end.link
    phase = next_phase(action, end.role, link.phase)
    if link.survivor not in (None, end):
        raise NotNow(f"{action} is possible only on the other system, which took over")
    if action in NEED_BOTH and not link.is_connected:
        raise NotNow(f"{action} needs the other system, which does not respond")
    link.move(phase, end)


def _restore(end: End) -> None:
    if end.other.is_defined:
        raise NotNow("restore is not possible: the other system has the link")
    if not end.other.is_running:
        raise NotNow("restore needs the other system, which does not respond")
    if end.other.has_duplicate_name:
        raise NotNow(f"the other system has another link called {end.link.name}")
    end.link.epoch += 1
    end.send_again()
    end.other.define()
    end.enqueue_all()
    if end.role is Role.PEER:  # the other system may have lost only the link
        end.other.enqueue_all()


def make_active_active(end: End) -> None:
    """Turn an active/passive link into an active/active one.

    Raises:
        NotNow: It is not possible now.
    """
    with end.link.lock:
        if end.link.phase not in (Phase.NORMAL, Phase.SUSPENDED):
            raise NotNow(f"the type cannot be changed while the link is {end.link.phase.name}")
        for each in end.link.ends:
            each.role = Role.PEER
    end.link.schedule()
