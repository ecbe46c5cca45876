"""Which action is for which type of link: every cell of the table (contract 8.2)."""

import pickle
from typing import Any

import pytest

import hcpsdk
from hcpsdk.mapi import Replication, ReplicationSettingsError
from hcpsdk.mapi._replication import check_action

AA, OUT, IN = Replication.R_ACTIVE_ACTIVE, Replication.R_OUTBOUND, Replication.R_INBOUND

# Written down from the contract, cell by cell: no type, active/active, outbound, inbound.
CELLS = {
    "suspend": (True, True, True, True),
    "resume": (True, True, True, True),
    "restore": (True, True, True, True),
    "failOver": (False, True, True, True),
    "failBack": (False, True, False, False),
    "beginRecovery": (False, False, False, True),
    "completeRecovery": (False, False, False, True),
}


@pytest.mark.parametrize("action", CELLS)
@pytest.mark.parametrize(("column", "linktype"), [*enumerate([None, AA, OUT, IN])])
def test_cells(action: Any, column: Any, linktype: Any) -> None:
    """What the table allows passes, everything else raises ReplicationSettingsError (contract
    8.2)."""
    if CELLS[action][column]:
        check_action(action, linktype)
        return
    with pytest.raises(ReplicationSettingsError, match=action) as caught:
        check_action(action, linktype)
    assert not isinstance(caught.value, ValueError)


def test_constants() -> None:
    """The constants are those of the manual (manual 9.1), the values those on the wire."""
    assert {
        name: getattr(Replication, name) for name in vars(Replication) if name.startswith("R_")
    } == {
        "R_ACTIVE_ACTIVE": "ACTIVE_ACTIVE",
        "R_OUTBOUND": "OUTBOUND",
        "R_INBOUND": "INBOUND",
        "R_SUSPEND": "suspend",
        "R_RESUME": "resume",
        "R_RESTORE": "restore",
        "R_FAILOVER": "failOver",
        "R_FAILBACK": "failBack",
        "R_BEGINRECOVERY": "beginRecovery",
        "R_COMPLETERECOVERY": "completeRecovery",
    }


@pytest.mark.parametrize(
    ("action", "linktype"), [("explode", None), ("SUSPEND", None), (None, AA), ("suspend", "A/A")]
)
def test_unknown(action: Any, linktype: Any) -> None:
    """An unknown action or type is a ReplicationSettingsError and a ValueError (contract 1.4,
    8.2)."""
    with pytest.raises(ReplicationSettingsError) as caught:
        check_action(action, linktype)

    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, hcpsdk.HcpsdkError)
    loaded = pickle.loads(pickle.dumps(caught.value))
    assert (type(loaded), loaded.reason) == (type(caught.value), caught.value.reason)
