"""Which of two systems serves a request: the rule, and whether the primary is failed over.

`decide()` is the rule (contract, section 7); `Failover` is the state that all Connections of a
Target share. Nothing here opens a connection.
"""

from __future__ import annotations

import enum
import time
from weakref import ref

from hcpsdk._constants import (
    RS_READ_ALLOWED,
    RS_READ_ON_FAILOVER,
    RS_WRITE_ALLOWED,
    RS_WRITE_ON_FAILOVER,
)
from hcpsdk._errors import HcpsdkCertificateError, HcpsdkError
from hcpsdk._log import Log
from hcpsdk._transport import atfork
from hcpsdk._transport.endpoint import Endpoint
from hcpsdk._transport.use import Use

log = Log("hcpsdk.Target")

PROBE_SECONDS = 30.0  # between two probes of a primary that is failed over (contract 7.2)

READS = frozenset({"GET", "HEAD"})
WRITES = frozenset({"PUT", "POST", "DELETE"})


# The rule


class Primary(enum.Enum):
    """The state of the primary, as a request finds it."""

    SERVING = "serves requests"
    FAILED_OVER = "failed over"
    PROBE_DUE = "failed over, probe due"


class Outcome(enum.Enum):
    """What the primary did with the request."""

    NOT_ASKED = "not asked yet"
    FAILED = "failed, retries used up"
    MISSING = "404 or 410"
    BUSY = "503"
    RESPONDED = "any other status"


class Decision(enum.Enum):
    """What is next."""

    PRIMARY = "send it to the primary"
    REPLICA = "send it to the replica"
    GIVE_UP = "no other system: what the primary did is the result"


# A look at a member of an Enum costs a function call on some Pythons.
SERVING, FAILED_OVER, PROBE_DUE = Primary
NOT_ASKED, FAILED, MISSING, BUSY, RESPONDED = Outcome
PRIMARY, REPLICA, GIVE_UP = Decision

# For which methods: the bit that is enough on failover, the bit that always allows the replica,
# and what the primary has to do that this second bit makes a difference.
_BITS = {
    READS: (RS_READ_ON_FAILOVER, RS_READ_ALLOWED, frozenset({MISSING, BUSY})),
    WRITES: (RS_WRITE_ON_FAILOVER, RS_WRITE_ALLOWED, frozenset({BUSY})),
}
_BITS_OF = {method: bits for methods, bits in _BITS.items() for method in methods}


def decide(method: str, strategy: int, primary: Primary, outcome: Outcome) -> Decision:
    """Which system a request goes to next (contract, section 7).

    Args:
        method: The HTTP method.
        strategy: ``RS_*`` values, ORed.
        primary: Its state when the request began.
        outcome: What the primary did with this request so far.
    """
    on_failover, allowed, at_once = _BITS_OF.get(method, (0, 0, frozenset()))
    if outcome is NOT_ASKED:
        if primary is FAILED_OVER and strategy & (on_failover | allowed):
            return REPLICA
        return PRIMARY
    if outcome is FAILED:
        may_go_on = strategy & (on_failover | allowed)
    else:
        may_go_on = strategy & allowed if outcome in at_once else 0
    return REPLICA if may_go_on else GIVE_UP


_OUTCOMES = {404: MISSING, 410: MISSING, 503: BUSY}
# The responses after which another system may be asked: their bodies are read and kept.
ASK_AGAIN = frozenset(_OUTCOMES)


def outcome_of(status: int) -> Outcome:
    """What a response with *status* means for the decision."""
    return _OUTCOMES.get(status, RESPONDED)


def replica_counts(method: str, status: int) -> bool:
    """True if the replica's response, with *status*, counts more than that of the primary."""
    return method in WRITES or status < 400


# The state


class Period:
    """A time in which the primary serves, or in which it is failed over.

    It ends when it gets a successor, once and for all: `dict.setdefault()` decides between threads
    that come at the same time. Unlike a lock it cannot be left locked by a signal or a fork.

    Attributes:
        reason: Why the primary is failed over; None if it is not.
        probe_at: Monotonic time from which on it may be probed; 0 as soon as it ends.
    """

    __slots__ = ("_fork_count", "_prober", "probe_at", "reason", "successor")

    def __init__(
        self, reason: str | None = None, probe_at: float = 0.0, prober: Use | None = None
    ) -> None:
        self.reason = reason
        self.probe_at = probe_at
        self.successor: dict[None, Period] = {}
        # The request that probes now. Weak, so that a request that was interrupted does not count;
        # nor does one of the parent process after a fork.
        self._prober = None if prober is None else ref(prober)
        self._fork_count = atfork.count

    def state(self) -> Primary:
        """The state of the primary for a request that begins now."""
        if self.reason is None:
            return SERVING
        if self.is_probed() or time.monotonic() < self.probe_at:
            return FAILED_OVER
        return PROBE_DUE

    def is_probed(self) -> bool:
        """True while a request probes the primary."""
        prober = self._prober
        return prober is not None and prober() is not None and self._fork_count == atfork.count

    def is_probed_by(self, use: Use) -> bool:
        """True if the request that *use* is for probes the primary."""
        return self._prober is not None and self._prober() is use

    def end_probe(self) -> None:
        """The request is over."""
        self._prober = None

    def end(self, successor: Period) -> bool:
        """Begin *successor*; False if another one has begun meanwhile."""
        self.probe_at = 0.0  # first, so that a time to come means that there is no successor
        return self.successor.setdefault(None, successor) is successor


class Failover:
    """Whether the primary of a Target is failed over; thread-safe, and safe in signal handlers.

    Args:
        primary: Where requests go.
        replica: Where they go instead, as far as *strategy* allows.
        strategy: ``RS_*`` values, ORed.
        reason: Why it starts failed over; None if it does not.
    """

    def __init__(
        self, primary: Endpoint, replica: Endpoint, strategy: int, reason: str | None = None
    ) -> None:
        self.primary = primary
        self.replica = replica
        self.strategy = strategy
        # The methods whose requests go to the replica while the primary is failed over.
        self.moved = frozenset(
            method
            for method in _BITS_OF
            if decide(method, strategy, FAILED_OVER, NOT_ASKED) is REPLICA
        )
        self.latest = Period()  # but for its successors; see `period`
        if reason is not None:
            self.start(self.latest, reason)

    def restore(self, reason: str) -> None:
        """Be failed over, as the Target was that this one is a copy of."""
        self.latest = Period(reason, time.monotonic() + PROBE_SECONDS)

    def begin(self, use: Use, method: str) -> Turn:
        """A request with *method* begins."""
        period = self.period
        state = period.state()
        if state is PROBE_DUE:
            probing = Period(period.reason, 0.0, use)
            if period.end(probing):
                period = probing
            else:  # another request was quicker
                period = self.period
                state = period.state()
        return Turn(self, period, state, use, method)

    @property
    def period(self) -> Period:
        """The current one."""
        period = self.latest
        while period.successor:
            period = self.latest = period.successor[None]
        return period

    def start(self, period: Period, reason: str) -> None:
        """From now on the primary is failed over, unless *period* has ended meanwhile."""
        if period.end(Period(reason, time.monotonic() + PROBE_SECONDS)):
            primary, replica = self.primary.fqdn, self.replica.fqdn
            log.warning("%s failed over to %s: %s", primary, replica, reason)

    def stop(self, period: Period) -> None:
        """From now on the primary serves again, unless *period* has ended meanwhile."""
        if period.end(Period()):
            primary, replica = self.primary.fqdn, self.replica.fqdn
            log.warning("%s is back: failover to %s ends", primary, replica)


class Turn:
    """A request, from its beginning to its end, as far as it matters which system serves it.

    Attributes:
        endpoint: Where it goes first.
        is_probe: True if it finds out for all whether the primary is back.
    """

    __slots__ = ("_failover", "_method", "_period", "_state", "endpoint", "is_probe")

    def __init__(
        self, failover: Failover, period: Period, state: Primary, use: Use, method: str
    ) -> None:
        self.is_probe = state is PROBE_DUE and period.is_probed_by(use)
        self._failover = failover
        self._period = period
        self._state = state
        self._method = method
        self.endpoint = self._first()

    @property
    def reason(self) -> str:
        """Why the primary is failed over; "" if it is not."""
        return self._period.reason or ""

    def _decide(self, outcome: Outcome) -> Decision:
        return decide(self._method, self._failover.strategy, self._state, outcome)

    def _first(self) -> Endpoint:
        is_replica = self._decide(NOT_ASKED) is REPLICA
        return self._failover.replica if is_replica else self._failover.primary

    def leave_probe(self) -> None:
        """Go on as a request that does not probe."""
        self.end()
        self._state = FAILED_OVER
        self.endpoint = self._first()

    def primary_failed(self, error: HcpsdkError) -> bool:
        """The primary could not serve it, with all retries used up; True if the replica is next.

        A certificate that does not verify is a mistake in the configuration, or an attack: it
        does not begin a failover, but it does not end one, either.
        """
        if self.is_probe:
            self._period.end(Period(str(error), time.monotonic() + PROBE_SECONDS))
        elif isinstance(error, HcpsdkCertificateError):
            return False
        elif self._period.reason is None:
            self._failover.start(self._period, str(error))
        return self._decide(FAILED) is REPLICA

    def primary_responded(self, status: int) -> bool:
        """The primary responded, so it is back; True if the replica is next nevertheless."""
        if self._period.reason is not None:
            self._failover.stop(self._period)
        return self._decide(outcome_of(status)) is REPLICA

    def end(self) -> None:
        """The request is over, in whichever way."""
        if self.is_probe:
            self.is_probe = False
            self._period.end_probe()


def both_failed(failover: Failover, primary: HcpsdkError, replica: HcpsdkError) -> HcpsdkError:
    """The exception for the caller: its text names both failures, and so does its chain."""
    error = type(replica)(
        f"{replica} (this was the replica, {failover.replica.fqdn}; before, the primary, "
        f"{failover.primary.fqdn}, failed: {primary})"
    )
    # The last one caused the exception; the primary's is at the beginning of all.
    first: BaseException = replica
    seen = {id(first)}
    while first.__cause__ is not None and id(first.__cause__) not in seen:
        first = first.__cause__
        seen.add(id(first))
    first.__cause__ = primary
    error.__cause__ = replica
    return error
