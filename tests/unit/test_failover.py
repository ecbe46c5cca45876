"""Which system serves a request: the rule as a table, and the state that Connections share."""

import itertools
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

import hcpsdk
from hcpsdk import _failover
from hcpsdk._failover import PROBE_SECONDS, Decision, Failover, Outcome, Primary, decide
from hcpsdk._transport.use import Use

from ..support.doubles import Clock, Names

PRIMARY, REPLICA, GIVE_UP = Decision
ON_FAILOVER = {"GET": hcpsdk.RS_READ_ON_FAILOVER, "PUT": hcpsdk.RS_WRITE_ON_FAILOVER}
ALLOWED = {"GET": hcpsdk.RS_READ_ALLOWED, "PUT": hcpsdk.RS_WRITE_ALLOWED}

# For reads and for writes: without a bit, with that on failover, and with that always.
TABLE: dict[tuple[str, Primary, Outcome], tuple[Decision, Decision, Decision]] = {
    ("GET", Primary.SERVING, Outcome.NOT_ASKED): (PRIMARY, PRIMARY, PRIMARY),
    ("GET", Primary.FAILED_OVER, Outcome.NOT_ASKED): (PRIMARY, REPLICA, REPLICA),
    ("GET", Primary.PROBE_DUE, Outcome.NOT_ASKED): (PRIMARY, PRIMARY, PRIMARY),
    ("GET", Primary.SERVING, Outcome.FAILED): (GIVE_UP, REPLICA, REPLICA),
    ("GET", Primary.FAILED_OVER, Outcome.FAILED): (GIVE_UP, REPLICA, REPLICA),
    ("GET", Primary.PROBE_DUE, Outcome.FAILED): (GIVE_UP, REPLICA, REPLICA),
    ("GET", Primary.SERVING, Outcome.MISSING): (GIVE_UP, GIVE_UP, REPLICA),
    ("GET", Primary.FAILED_OVER, Outcome.MISSING): (GIVE_UP, GIVE_UP, REPLICA),
    ("GET", Primary.PROBE_DUE, Outcome.MISSING): (GIVE_UP, GIVE_UP, REPLICA),
    ("GET", Primary.SERVING, Outcome.BUSY): (GIVE_UP, GIVE_UP, REPLICA),
    ("GET", Primary.FAILED_OVER, Outcome.BUSY): (GIVE_UP, GIVE_UP, REPLICA),
    ("GET", Primary.PROBE_DUE, Outcome.BUSY): (GIVE_UP, GIVE_UP, REPLICA),
    ("GET", Primary.SERVING, Outcome.RESPONDED): (GIVE_UP, GIVE_UP, GIVE_UP),
    ("GET", Primary.FAILED_OVER, Outcome.RESPONDED): (GIVE_UP, GIVE_UP, GIVE_UP),
    ("GET", Primary.PROBE_DUE, Outcome.RESPONDED): (GIVE_UP, GIVE_UP, GIVE_UP),
    ("PUT", Primary.SERVING, Outcome.NOT_ASKED): (PRIMARY, PRIMARY, PRIMARY),
    ("PUT", Primary.FAILED_OVER, Outcome.NOT_ASKED): (PRIMARY, REPLICA, REPLICA),
    ("PUT", Primary.PROBE_DUE, Outcome.NOT_ASKED): (PRIMARY, PRIMARY, PRIMARY),
    ("PUT", Primary.SERVING, Outcome.FAILED): (GIVE_UP, REPLICA, REPLICA),
    ("PUT", Primary.FAILED_OVER, Outcome.FAILED): (GIVE_UP, REPLICA, REPLICA),
    ("PUT", Primary.PROBE_DUE, Outcome.FAILED): (GIVE_UP, REPLICA, REPLICA),
    ("PUT", Primary.SERVING, Outcome.MISSING): (GIVE_UP, GIVE_UP, GIVE_UP),
    ("PUT", Primary.FAILED_OVER, Outcome.MISSING): (GIVE_UP, GIVE_UP, GIVE_UP),
    ("PUT", Primary.PROBE_DUE, Outcome.MISSING): (GIVE_UP, GIVE_UP, GIVE_UP),
    ("PUT", Primary.SERVING, Outcome.BUSY): (GIVE_UP, GIVE_UP, REPLICA),
    ("PUT", Primary.FAILED_OVER, Outcome.BUSY): (GIVE_UP, GIVE_UP, REPLICA),
    ("PUT", Primary.PROBE_DUE, Outcome.BUSY): (GIVE_UP, GIVE_UP, REPLICA),
    ("PUT", Primary.SERVING, Outcome.RESPONDED): (GIVE_UP, GIVE_UP, GIVE_UP),
    ("PUT", Primary.FAILED_OVER, Outcome.RESPONDED): (GIVE_UP, GIVE_UP, GIVE_UP),
    ("PUT", Primary.PROBE_DUE, Outcome.RESPONDED): (GIVE_UP, GIVE_UP, GIVE_UP),
}
METHODS = {"GET": ["GET", "HEAD"], "PUT": ["PUT", "POST", "DELETE"]}
OTHERS = {"GET": "PUT", "PUT": "GET"}


def test_table() -> None:
    """Each row, for all methods of its kind, and whichever bits of the other kind are set
    (contract 7.3 to 7.6, 7.9)."""
    assert len(TABLE) == len(METHODS) * len(Primary) * len(Outcome)
    for (kind, primary, outcome), expected in TABLE.items():
        other = OTHERS[kind]
        for more in (0, ON_FAILOVER[other], ALLOWED[other], ON_FAILOVER[other] | ALLOWED[other]):
            strategies = [0, ON_FAILOVER[kind], ALLOWED[kind], ALLOWED[kind] | ON_FAILOVER[kind]]
            for method in METHODS[kind]:
                found = [decide(method, bits | more, primary, outcome) for bits in strategies]
                assert found == [*expected, expected[-1]], (method, primary, outcome, more)


@pytest.mark.parametrize("method", ["OPTIONS", "CHECKRESTORE", "get", ""])
def test_other_methods(method: str) -> None:
    """What is neither a read nor a write stays at the primary (contract 7, 7.9)."""
    for primary in Primary:
        assert decide(method, 15, primary, Outcome.NOT_ASKED) is PRIMARY
        for outcome in set(Outcome) - {Outcome.NOT_ASKED}:
            assert decide(method, 15, primary, outcome) is GIVE_UP


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.RESPONDED),
        (403, Outcome.RESPONDED),
        (404, Outcome.MISSING),
        (410, Outcome.MISSING),
        (500, Outcome.RESPONDED),
        (503, Outcome.BUSY),
    ],
)
def test_outcomes(status: int, outcome: Outcome) -> None:
    """Which statuses mean that another system may have more to say (contract 7.5, 7.6)."""
    assert _failover.outcome_of(status) is outcome


def test_which_response_counts() -> None:
    """A read takes the replica's response below 400 only, a write takes it always
    (contract 7.5, 7.6)."""
    for method, status, expected in [
        ("GET", 200, True),
        ("HEAD", 304, True),
        ("GET", 404, False),
        ("HEAD", 503, False),
        ("PUT", 201, True),
        ("PUT", 403, True),
        ("DELETE", 503, True),
    ]:
        assert _failover.replica_counts(method, status) is expected


# The state


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(_failover, "time", clock)
    return clock


@pytest.fixture
def failover(names: Names, authorization: Any, clock: Clock) -> Failover:
    names.set("a.example", ["192.0.2.1"])
    names.set("b.example", ["192.0.2.2"])
    target = hcpsdk.Target("a.example", authorization, replica_fqdn="b.example", replica_strategy=2)
    assert target.failover is not None
    return target.failover


FAILED = hcpsdk.HcpsdkError("it is down")


def fail_over(failover: Failover) -> None:
    use = Use()
    turn = failover.begin(use, "GET")
    assert turn.primary_failed(FAILED)
    turn.end()


def test_probe(failover: Failover, clock: Clock) -> None:
    """Failed over, one request in 30 seconds probes, and success ends it (contract 7.2)."""
    assert failover.begin(Use(), "GET").endpoint is failover.primary
    fail_over(failover)
    clock.advance(PROBE_SECONDS - 0.1)
    assert failover.begin(Use(), "GET").endpoint is failover.replica

    clock.advance(0.1)
    use = Use()
    turn = failover.begin(use, "GET")
    assert turn.endpoint is failover.primary and turn.is_probe
    clock.advance(10 * PROBE_SECONDS)  # however long that takes
    assert failover.begin(Use(), "GET").endpoint is failover.replica
    turn.primary_failed(FAILED)
    turn.end()
    assert failover.begin(Use(), "GET").endpoint is failover.replica

    clock.advance(PROBE_SECONDS)
    turn = failover.begin(use, "GET")
    assert turn.is_probe
    assert not turn.primary_responded(200)
    turn.end()
    assert failover.period.reason is None
    assert failover.begin(Use(), "GET").endpoint is failover.primary


def test_probe_that_is_lost(failover: Failover, clock: Clock) -> None:
    """A probe that was interrupted leaves the next request to probe (contract 7.2)."""
    fail_over(failover)
    clock.advance(PROBE_SECONDS)
    use = Use()
    assert failover.begin(use, "GET").is_probe
    assert not failover.begin(Use(), "GET").is_probe
    del use
    use = Use()
    assert failover.begin(use, "GET").is_probe


def test_write_ends_it(failover: Failover) -> None:
    """A request that has to go to the primary shows as well as a probe that it is back."""
    use = Use()
    fail_over(failover)
    turn = failover.begin(use, "PUT")
    assert turn.endpoint is failover.primary and not turn.is_probe
    turn.primary_responded(201)
    assert failover.period.reason is None


def test_late_failures_and_responses(failover: Failover, clock: Clock) -> None:
    """What a request meets that began before says nothing about the present."""
    early = [failover.begin(Use(), "GET") for _ in range(2)]
    fail_over(failover)
    early[0].primary_responded(200)
    assert failover.period.reason == "it is down"
    clock.advance(PROBE_SECONDS)
    use = Use()
    failover.begin(use, "GET").primary_responded(200)
    early[1].primary_failed(FAILED)
    assert failover.period.reason is None


def test_certificate(failover: Failover, clock: Clock) -> None:
    """A certificate that does not verify begins no failover, and ends none (contract 7.2)."""
    wrong = hcpsdk.HcpsdkCertificateError("it does not verify")
    use = Use()
    assert not failover.begin(use, "GET").primary_failed(wrong)
    assert failover.period.reason is None
    fail_over(failover)
    clock.advance(PROBE_SECONDS)
    assert failover.begin(use, "GET").primary_failed(wrong)
    assert failover.period.reason == "it does not verify"


def test_one_warning(failover: Failover, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """However many threads see it: one failover, one WARNING, one probe, one WARNING at its end
    (contract 7.2)."""
    caplog.set_level(logging.DEBUG, "hcpsdk.Target")
    threads = 8
    barrier = threading.Barrier(threads)
    uses = [Use() for _ in range(threads)]
    probes: list[bool] = []

    def run(use: Use, *jobs: Callable[[Any], Any]) -> None:
        for job in jobs:
            barrier.wait(30)
            turn = failover.begin(use, "GET")
            barrier.wait(30)
            job(turn)

    def run_all(job: Callable[[Any], Any]) -> None:
        runners = [threading.Thread(target=run, args=(use, job)) for use in uses]
        for runner in runners:
            runner.start()
        for runner in runners:
            runner.join(30)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            run_all(lambda turn: turn.primary_failed(FAILED))
            assert failover.period.reason == "it is down"
            clock.advance(PROBE_SECONDS)
            probes.clear()
            run_all(
                lambda turn: (
                    probes.append(turn.is_probe),
                    turn.primary_responded(200) if turn.is_probe else None,
                    turn.end(),
                )
            )
            assert sorted(probes) == [False] * (threads - 1) + [True]
            assert failover.period.reason is None
            messages = [record.getMessage() for record in caplog.records]
            assert messages == [
                "a.example failed over to b.example: it is down",
                "a.example is back: failover to b.example ends",
            ]
            assert {record.levelname for record in caplog.records} == {"WARNING"}
            caplog.clear()
    finally:
        sys.setswitchinterval(interval)


def test_signal_handler(failover: Failover, clock: Clock) -> None:
    """A request of a signal handler, wherever it interrupts another one, neither waits for that
    nor breaks it (contract 7.2, 6.1)."""
    for step in itertools.count():
        failover.begin(Use(), "PUT").primary_responded(200)
        clock.advance(PROBE_SECONDS)
        lines = 0

        def interrupt(frame: Any, event: str, _arg: object, step: int = step) -> Any:
            nonlocal lines
            if frame.f_code.co_filename != _failover.__file__:
                return None
            if event == "line":
                lines += 1
                if lines == step:
                    sys.settrace(None)
                    fail_over(failover)
                    return None
            return interrupt

        before = sys.gettrace()
        sys.settrace(interrupt)
        try:
            turn = failover.begin(Use(), "GET")
            turn.primary_failed(FAILED)
            turn.end()
        finally:
            sys.settrace(before)
        assert failover.period.reason == "it is down"
        assert failover.begin(Use(), "GET").endpoint is failover.replica
        if step > lines:
            break
    assert step > 10
