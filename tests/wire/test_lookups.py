"""Look-ups inside a request: they hold it up no longer than its own time limit."""

import threading

import hcpsdk

from ..support.doubles import Clock, Names
from ..support.raw_server import OK, StartServer, answering


def test_a_slow_look_up_holds_up_no_request(
    raw_server: StartServer, authorization: hcpsdk.NativeAuthorization, names: Names, clock: Clock
) -> None:
    """A renewal that hangs is left alone; the known addresses serve (contract 2.4, 4.5)."""
    server = raw_server(answering(OK))
    names.set("hcp.example", ["127.0.0.1"], ttl=1)
    target = hcpsdk.Target("hcp.example", authorization, port=server.port)
    release = threading.Event()
    names.before_answer = lambda: release.wait(60)
    clock.advance(1000)  # the time to live has passed
    try:
        with hcpsdk.Connection(target, timeout=1) as connection:
            assert connection.HEAD("/rest/a").status == 200
        assert len(names.asked) == 2  # it was asked, and did not answer
    finally:
        release.set()


def test_what_a_slow_look_up_finds_is_used(
    raw_server: StartServer, authorization: hcpsdk.NativeAuthorization, names: Names, clock: Clock
) -> None:
    """When an abandoned look-up answers at last, the pool is renewed (contract 2.5)."""
    server = raw_server(answering(OK))
    names.set("hcp.example", ["127.0.0.1"], ttl=1)
    target = hcpsdk.Target("hcp.example", authorization, port=server.port)
    release = threading.Event()
    names.before_answer = lambda: release.wait(60)
    clock.advance(1000)
    with hcpsdk.Connection(target, timeout=1) as connection:
        connection.HEAD("/rest/a")
    names.set("hcp.example", ["127.0.0.1", "127.0.0.2"], ttl=1)
    release.set()
    for thread in threading.enumerate():
        if thread.name == "hcpsdk-look-up":
            thread.join(60)

    assert target.addresses == ["127.0.0.1", "127.0.0.2"]
