"""Each arrow in the manual's picture of a Connection's states is one that is really taken."""

import contextlib
import runpy
import threading
import time
from pathlib import Path

import hcpsdk
from hcpsdk._connection import State
from hcpsdk.testing import HangUp, Stall

DRAWING = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "drawing.py"))

BIG = b"x" * 100_000  # a body that is not drained
IDLE = 1000  # seconds; longer than the test, however slow the machine is


def state(connection):
    return repr(connection).split()[-1].rstrip(">")


def waits_in_the_middle(hcp, connection):
    """The state of *connection* while HCP is silent about its request."""
    hcp.add_fault(Stall("before answer"))

    def ask():
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


def moves(hcp, target):
    """Do all that can be done to a Connection; give the states before and after."""
    seen = set()

    def step(action):
        before = state(connection)
        with contextlib.suppress(hcpsdk.HcpsdkError):
            action()
        seen.add((before, state(connection)))

    def ask_in_vain():
        before = state(connection)
        waiting = waits_in_the_middle(hcp, connection)
        seen.update([(before, waiting), (waiting, state(connection))])

    def ask(method, *arguments):
        """A request that is answered: it was WAITING in between."""
        before = state(connection)
        getattr(connection, method)(*arguments)
        seen.update([(before, "WAITING"), ("WAITING", state(connection))])

    def let_it_idle():
        """Let the time pass after which the timer closes the socket."""
        connection._keepalive.close_if_idle(time.monotonic() + 2 * IDLE)

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


def test_moves(hcp, target):
    """The picture shows the moves that can be seen, and no others."""
    drawn = {(old, new) for old, new, *_ in DRAWING["MOVES"]}

    assert moves(hcp, target) == drawn


def test_states():
    """The picture shows the states of the code, with their meanings."""
    picture = DRAWING["states"]()

    assert set(DRAWING["PLACES"]) == {each.name for each in State}
    for each in State:
        assert f">{each.name}<" in picture
        assert all(word in picture for word in each.value.split())
