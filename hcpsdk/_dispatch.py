"""Sending a request to the primary, the replica, or both; and again while HCP is busy.

Which system is next, `_failover` decides; a `Sender` asks one system, with all retries.
"""

from __future__ import annotations

import itertools
import time

from hcpsdk._errors import HcpsdkError
from hcpsdk._failover import ASK_AGAIN, Failover, both_failed, replica_counts
from hcpsdk._log import Log
from hcpsdk._request.outgoing import Arguments, Outgoing
from hcpsdk._request.url import to_text
from hcpsdk._transport.busy import BUSY, next_pause
from hcpsdk._transport.endpoint import Endpoint
from hcpsdk._transport.response import StrictResponse
from hcpsdk._transport.use import CLOSED_BY_CALLER, Use
from hcpsdk.ips import Waiting

log = Log("hcpsdk.Connection")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Sender(Protocol):
        """What sends requests, to one system at a time."""

        endpoint: Endpoint

        def prepare(self, use: Use, arguments: Arguments) -> Outgoing:
            """The request that *arguments* stand for, which may have been sent elsewhere before."""

        def ask(self, use: Use, outgoing: Outgoing, reads_body: bool) -> StrictResponse:
            """Send a request to one system, as often as that is needed and allowed."""

        def switch_to(self, endpoint: Endpoint) -> None:
            """The next requests go to *endpoint*."""

        def be_done_with(self, use: Use, response: StrictResponse) -> None:
            """Another request follows, and *response* is not what the caller gets."""


def statuses_to_ask_again(failover: Failover | None) -> frozenset[int]:
    """The statuses after which a request may be sent again, with *failover* to another system."""
    return frozenset({BUSY}) if failover is None else ASK_AGAIN


def ask_while_busy(
    sender: Sender,
    use: Use,
    arguments: Arguments,
    reads_body: bool,
    failover: Failover | None,
    busy_timeout: float,
) -> StrictResponse:
    """Send a request, and repeat it for *busy_timeout* seconds while the status is 503."""
    end = time.monotonic() + busy_timeout
    for count in itertools.count():
        if failover is not None:
            response = ask_either(sender, use, arguments, reads_body, failover)
        else:
            response = sender.ask(use, sender.prepare(use, arguments), reads_body)
        if response.status != BUSY:
            break
        outgoing = use.outgoing
        assert outgoing is not None
        seconds = next_pause(response, count, end - time.monotonic())
        if seconds is None or not outgoing.rewind():
            break
        sender.be_done_with(use, response)
        log.debug("HCP is busy: waiting %s seconds", seconds)
        try:
            pause(use, seconds)
        except ConnectionAbortedError as exc:
            what = f"{outgoing.method} {outgoing.path}"
            raise HcpsdkError(f"{what} failed: {CLOSED_BY_CALLER} meanwhile") from exc
    return response


def pause(use: Use, seconds: float) -> None:
    """Wait; raises `ConnectionAbortedError` as soon as *use* is cancelled."""
    use.waiting = waiting = Waiting()
    use.check()  # it may have been cancelled just before
    waiting.wait(seconds)
    use.check()


def ask_either(
    sender: Sender,
    use: Use,
    arguments: Arguments,
    reads_body: bool,
    failover: Failover,
) -> StrictResponse:
    """Send a request to the system that is to serve it, and to the other one if need be."""
    method = arguments[0]
    period = failover.latest
    if (
        period.probe_at > time.monotonic()
        and method in failover.moved
        and sender.endpoint is failover.replica
    ):
        # The usual case while the primary is failed over, in short: it costs as little as a
        # request to a Target without a replica.
        outgoing = sender.prepare(use, arguments)
        try:
            return sender.ask(use, outgoing, reads_body)
        except HcpsdkError as exc:
            if not outgoing.has_failed:
                raise
            raise both_failed(failover, HcpsdkError(period.reason), exc) from exc
    if type(method) is not str:
        method = to_text(method) if isinstance(method, str) else ""  # refused below
    turn = failover.begin(use, method)
    response: StrictResponse | None = None
    error: HcpsdkError | None = None
    try:
        sender.switch_to(turn.endpoint)
        outgoing = sender.prepare(use, arguments)
        if turn.is_probe and outgoing.body is not None and not outgoing.body.can_rewind:
            turn.leave_probe()  # to another request: this one can be sent to one system only
            sender.switch_to(turn.endpoint)
            outgoing = sender.prepare(use, arguments)
        if turn.endpoint is failover.primary:
            try:
                response = sender.ask(use, outgoing, reads_body)
            except HcpsdkError as exc:
                if not outgoing.has_failed or not turn.primary_failed(exc):
                    raise
                if not outgoing.rewind():
                    text = f"{exc} (not sent to the replica: the request body cannot be rewound)"
                    raise type(exc)(text) from exc
                error = exc
            else:
                if not turn.primary_responded(response.status) or not outgoing.rewind():
                    return response
                sender.be_done_with(use, response)
            sender.switch_to(failover.replica)
            outgoing = sender.prepare(use, arguments)
        else:
            error = HcpsdkError(turn.reason)
        return _ask_replica(sender, use, outgoing, reads_body, failover, response, error)
    finally:
        turn.end()
        error = None  # else it would refer to itself, by way of its traceback


def _ask_replica(
    sender: Sender,
    use: Use,
    outgoing: Outgoing,
    reads_body: bool,
    failover: Failover,
    of_primary: StrictResponse | None,
    failure_of_primary: HcpsdkError | None,
) -> StrictResponse:
    """Send a request to the replica; what the primary did is the result if that is better."""
    try:
        response = sender.ask(use, outgoing, reads_body)
    except HcpsdkError as exc:
        if not outgoing.has_failed:
            raise
        if of_primary is None:
            assert failure_of_primary is not None
            raise both_failed(failover, failure_of_primary, exc) from exc
        log.debug("the replica failed: %s", exc)
    else:
        if of_primary is None or replica_counts(outgoing.method, response.status):
            return response
        sender.be_done_with(use, response)
    sender.switch_to(failover.primary)
    return of_primary
