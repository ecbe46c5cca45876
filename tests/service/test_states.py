"""Each arrow in the manual's picture of a Connection's states is one that is really taken."""

import contextlib
import runpy
import threading
import time
from pathlib import Path
from typing import Any

import hcpsdk
from hcpsdk.testing import HCP, HangUp, Stall

DOCS = Path(__file__).parents[2] / "docs"
DRAWING = runpy.run_path(str(DOCS / "drawing.py"))
State = DRAWING["State"]

BIG = b"x" * 100_000  # a body that is not drained
IDLE = 1000  # seconds; longer than the test, however slow the machine is


def state(connection: hcpsdk.Connection) -> Any:
    return repr(connection).split()[-1].rstrip(">")


def waits_in_the_middle(hcp: Any, connection: hcpsdk.Connection) -> Any:
    """The state of *connection* while HCP is silent about its request."""
    hcp.add_fault(Stall("before answer"))

    def ask() -> None:
        with contextlib.suppress(hcpsdk.HcpsdkError):
            connection.HEAD("/rest/a")

    thread = threading.Thread(target=ask)
    before = len(hcp.requests)
    thread.start()
    end = time.monotonic() + 10
    while len(hcp.requests) == before and time.monotonic() < end:
        time.sleep(0.001)
    found = state(connection)
    hcp.clear_faults()
    thread.join()
    return found


def moves(hcp: Any, target: Any) -> Any:
    """Do all that can be done to a Connection; give the states before and after."""
    seen: set[tuple[str, str]] = set()

    def step(action: Any) -> None:
        before = state(connection)
        with contextlib.suppress(hcpsdk.HcpsdkError):
            action()
        seen.add((before, state(connection)))

    def ask_in_vain() -> None:
        before = state(connection)
        waiting = waits_in_the_middle(hcp, connection)
        seen.update([(before, waiting), (waiting, state(connection))])

    def ask(method: Any, *arguments: Any) -> None:
        """A request that is answered: it was WAITING in between."""
        before = state(connection)
        getattr(connection, method)(*arguments)
        seen.update([(before, "WAITING"), ("WAITING", state(connection))])

    def let_it_idle() -> None:
        """Let the time pass after which the timer closes the socket."""
        connection._channel._keepalive.close_if_idle(time.monotonic() + 2 * IDLE)

    with hcpsdk.Connection(target, idletime=IDLE) as connection:
        ask_in_vain()
        ask("PUT", "/rest/a", BIG)
        ask_in_vain()
        ask("PUT", "/rest/b", b"small")
        ask("GET", "/rest/b")
        ask_in_vain()
        ask("GET", "/rest/b")
        step(connection.read)
        ask("GET", "/rest/a")
        step(connection.close)
        hcp.add_fault(HangUp("answer body", after=1000, path="/rest/a"))
        ask("GET", "/rest/a")
        step(connection.read)
        ask("HEAD", "/rest/a")
        step(let_it_idle)
        ask("HEAD", "/rest/a")
        step(connection.close)
    return seen


def test_moves(hcp: HCP, target: hcpsdk.Target) -> None:
    """The picture shows the moves that can be seen, and no others."""
    table = DRAWING["MOVES"]
    drawn = {(old.name, new.name) for old in table for new in table[old]}

    assert moves(hcp, target) == drawn


def test_states() -> None:
    """The picture shows the states of the code, with their meanings."""
    picture = (DOCS / "pictures" / "states.svg").read_text(encoding="utf-8")

    for each in State:
        assert f">{each.name}<" in picture
        assert all(word in picture for word in each.value.split())
