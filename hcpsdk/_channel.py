"""What a Connection does inside: requests, one at a time, over a socket that is kept and replaced.

Here is the only retry loop of the library. Knows Endpoints, but no Target.
"""

from __future__ import annotations

import logging
import time

from hcpsdk._errors import HcpsdkError, first_use
from hcpsdk._handlers import raise_if_from_handler
from hcpsdk._log import Log
from hcpsdk._request.content import BodyError, CallerError, Content
from hcpsdk._request.headers import Headers
from hcpsdk._request.outgoing import Arguments, Outgoing, prepare
from hcpsdk._request.url import Params, repeatable
from hcpsdk._transport.clock import clock_difference
from hcpsdk._transport.connect import ConnectFailed, connect, remember_session
from hcpsdk._transport.endpoint import Endpoint
from hcpsdk._transport.failures import (
    TRANSPORT_ERRORS,
    Failure,
    Phase,
    Verdict,
    clear_locals,
    describe,
    judge,
    to_hcpsdk_error,
    was_hung_up,
)
from hcpsdk._transport.idle_timer import idle_timer
from hcpsdk._transport.keepalive import IN_USE, KeepAlive
from hcpsdk._transport.response import StrictResponse
from hcpsdk._transport.socket import MAX_DRAIN_BYTES, HTTPSocket
from hcpsdk._transport.state import CLOSED, IDLE, READING, WAITING, State
from hcpsdk._transport.tcp_keepalive import TcpKeepAlive
from hcpsdk._transport.use import CLOSED_BY_CALLER, Use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hcpsdk._failover import Failover

log = Log("hcpsdk.Connection")

# A time before anything was measured; not zero, so that it can be divided by (contract 1.7).
UNMEASURED = 1e-11  # seconds

# What the retry loop handles; all else is a mistake, the caller's or ours, and propagates.
FAILURES = (*TRANSPORT_ERRORS, ConnectFailed, BodyError)

MAX_KEPT_BODY = 1024 * 1024  # bytes of a body that a verb reads and keeps (contract 3.5)

FORBIDDEN = 403  # the status of a signature that is refused

PARENTS = "this response was created in the parent process and cannot be read after fork()"


class Channel:
    """Sends the requests of one Connection, and holds what came of the last one.

    Args:
        endpoint: Where they go.
        failover: When they go to a replica instead; None: never.
        timeout: Seconds to wait for the network at each step; None waits for ever.
        idletime: Seconds for which an unused socket stays open.
        retries: How often a request that failed is tried again.
        debuglevel: Above 0, prints everything on the wire.
        tcp_keepalive: How the system probes silent connections; None: not at all.
        busy_timeout: Seconds for which a request is repeated while the status is 503.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        failover: Failover | None,
        timeout: float | None,
        idletime: float,
        retries: int,
        debuglevel: int,
        tcp_keepalive: TcpKeepAlive | None,
        busy_timeout: float,
    ) -> None:
        self.address: str | None = None  # last connected to
        self.connect_time = UNMEASURED
        self.endpoint = endpoint  # where the last request went; where the socket leads to
        self._failover = failover
        self._timeout = timeout
        self._retries = retries
        self._debuglevel = debuglevel
        self._tcp_keepalive = tcp_keepalive
        self._busy_timeout = busy_timeout
        # The statuses after which the request may be sent again.
        self._again: frozenset[int] = frozenset()
        if failover is not None or busy_timeout:
            with first_use():
                from hcpsdk._dispatch import ask_either, ask_while_busy, statuses_to_ask_again
            self._ask_either, self._ask_while_busy = ask_either, ask_while_busy
            self._again = statuses_to_ask_again(failover)
        self._keepalive = KeepAlive(idletime)
        self._is_logged = False  # looked up once per request: each look costs, seen or not
        self._path = ""  # of the last request
        self._started = 0.0  # monotonic time at which the running read began
        self._response: StrictResponse | None = None
        self.attempts = 0
        self.service_time1 = UNMEASURED
        self.service_time2 = UNMEASURED

    @property
    def state(self) -> State:
        """Where it is in its life."""
        return self._keepalive.state

    @property
    def response(self) -> StrictResponse | None:
        """The last request's response; None before it, and if it failed."""
        return self._response

    def readable_response(self) -> StrictResponse:
        """The last request's response.

        Raises:
            RuntimeError: A request is running.
            HcpsdkError: No response available.
        """
        response = self._response
        if response is None:
            if self._keepalive.is_in_use():
                raise RuntimeError(IN_USE)
            raise HcpsdkError("no response available: no request was made, or the last one failed")
        return response

    # Requests

    def send(
        self,
        method: str,
        url: str,
        content: Content,
        params: Params | None,
        headers: Headers | None,
        reads_body: bool,
    ) -> StrictResponse:
        """Send a request, as often as that is needed and allowed.

        With *reads_body*, the response's body is read, and kept if it is not large.
        """
        if params is not None:
            params = repeatable(params)
        use = Use()
        try:
            # Be done with the last request: a failed one never shows an earlier one's response.
            keepalive = self._keepalive
            was_armed = keepalive.acquire(use)
            self._is_logged = log.isEnabledFor(logging.DEBUG)
            if self._is_logged:
                self._log_cancel(was_armed)
            last, self._response = self._response, None
            self.attempts = 0
            self.service_time1 = self.service_time2 = UNMEASURED
            if last is not None and last.owner is not None:
                self._discard_unread_body(last, use)
            keepalive.move(WAITING)
            arguments = (method, url, content, params, headers)
            if self._busy_timeout:
                response = self._ask_while_busy(
                    self, use, arguments, reads_body, self._failover, self._busy_timeout
                )
            elif self._failover is None:
                response = self.ask(use, self.prepare(use, arguments), reads_body)
            else:
                response = self._ask_either(self, use, arguments, reads_body, self._failover)
            self._response = response
            if response.owner is not None:
                state = READING
            else:
                state = CLOSED if response.will_close or response.has_leftover else IDLE
            self._release(use, state)
            return response
        except BaseException as exc:
            # Ctrl-C too: what is in the middle of a request cannot be used for another one.
            if self._keepalive.is_user(use):
                self._fail("the request failed")
            clear_locals(exc)
            if not isinstance(exc, CallerError):
                raise
            error = exc.error
        raise error  # the caller's own, as it was raised

    def prepare(self, use: Use, arguments: Arguments) -> Outgoing:
        """The request that *arguments* stand for, which may have been sent elsewhere before."""
        try:
            outgoing = prepare(arguments, self.endpoint.prepare_headers(), use.outgoing)
        except BaseException:
            if self._keepalive.is_user(use):
                self._release(use, IDLE)  # nothing was sent: the socket is still good
            raise
        use.outgoing = outgoing
        outgoing.retries_left = self._retries
        if self._is_logged:
            log.debug("URL = %s", outgoing.path)
        return outgoing

    def ask(self, use: Use, outgoing: Outgoing, reads_body: bool) -> StrictResponse:
        """Send a request to one system, as often as that is needed and allowed."""
        while True:
            try:
                return self._attempt(use, outgoing, reads_body)
            except FAILURES as exc:
                raise_if_from_handler(exc)
                self._retry_or_raise(use, outgoing, exc)

    def _attempt(self, use: Use, outgoing: Outgoing, reads_body: bool) -> StrictResponse:
        opened = self._open_socket(use)
        is_first = not opened.was_used
        head = outgoing.head or outgoing.make_head()
        try:
            response = opened.exchange(outgoing.method, head, outgoing.body)
        finally:
            self.attempts += opened.first_byte_at > 0
        if response.status == FORBIDDEN and self.endpoint.authorize is not None:
            response.clock_note = note = clock_difference(response.getheader("Date"), time.time())
            if note:
                log.warning("%s %s: %s", outgoing.method, outgoing.path, note)
        if is_first:
            remember_session(self.endpoint, opened)
        self.service_time1 = self.service_time2 = opened.seconds or UNMEASURED
        if self._is_logged:
            log.debug(
                "%s Request for %s - service_time1 = %s",
                outgoing.method,
                outgoing.path,
                self.service_time1,
            )
        if response.length == 0:
            if response.fp is not None:
                response.end()
        elif reads_body or response.status in self._again:
            self._read_body(response)
        else:
            self._path = outgoing.path
            response.owner = self
        if use.is_cancelled:  # then an end may be the end that `close()` made
            use.check()
        return response

    def switch_to(self, endpoint: Endpoint) -> None:
        """The next requests go to *endpoint*; the connection to the other system is kept."""
        if endpoint is not self.endpoint:
            self._keepalive.exchange()
            self.endpoint = endpoint

    def be_done_with(self, use: Use, response: StrictResponse) -> None:
        """Another request follows, and *response* is not what the caller gets."""
        if response.owner is not None:
            self._discard_unread_body(response, use)
        elif response.will_close or response.has_leftover:
            self._keepalive.close()

    def _open_socket(self, use: Use) -> HTTPSocket:
        """The socket kept, unless the server closed it meanwhile, or a new one."""
        opened = self._keepalive.socket
        if opened is not None:
            use.sock = opened.raw
            if use.is_cancelled:
                use.check()
            if not opened.is_stale():
                return opened
            self._keepalive.close()
        log.debug("Connection needs to be opened")
        opened, seconds = connect(self.endpoint, self._timeout, self._debuglevel, use)
        if self._tcp_keepalive is not None:
            self._tcp_keepalive.apply(opened.raw)
        self._keepalive.store(opened)
        use.check()
        self.address = opened.address
        self.connect_time = seconds or UNMEASURED
        log.debug(
            "Connection open: IP %s (%s) - connect_time: %s",
            opened.address,
            self.endpoint.fqdn,
            seconds,
        )
        return opened

    def _read_body(self, response: StrictResponse) -> None:
        """Read the body for the caller; keep it if it is not large."""
        started = time.monotonic()
        body = response.read(MAX_KEPT_BODY + 1)
        while len(body) > MAX_KEPT_BODY and response.read(MAX_DRAIN_BYTES):
            pass
        if len(body) > MAX_KEPT_BODY:
            response.unreadable_reason = (
                f"the body was longer than {MAX_KEPT_BODY} bytes, so it was not kept; use "
                f"request({response.method!r}, …), which leaves the body to you"
            )
        elif body:
            response.keep(body)
        self.service_time2 += time.monotonic() - started

    def _retry_or_raise(self, use: Use, outgoing: Outgoing, error: Exception) -> None:
        """Prepare for another attempt, or raise what the caller is to see."""
        failure = self._classify(error)
        self.endpoint.clean(failure.error)
        happened = describe(failure.error)
        log.debug("Request raised exception: %s", happened)
        self._keepalive.close()
        what = f"{outgoing.method} {outgoing.path}"
        if use.is_cancelled or not self._keepalive.is_user(use):
            raise HcpsdkError(f"{what} failed: {CLOSED_BY_CALLER} meanwhile") from error
        verdict = judge(failure, outgoing)
        outgoing.has_failed = not isinstance(error, BodyError)
        if failure.phase is Phase.EXCHANGING and not isinstance(error, BodyError):
            self.endpoint.circle.renew_after_failure(self._timeout)
        body = outgoing.body
        if verdict in (Verdict.RESEND, Verdict.RETRY) and body is not None and not body.rewind():
            verdict = Verdict.BODY_IS_SPENT
        if verdict is Verdict.RESEND:
            outgoing.was_resent = True
        elif verdict is Verdict.RETRY:
            outgoing.retries_left -= 1
        else:
            cause = failure.error
            if isinstance(cause, BodyError) and isinstance(cause.__cause__, Exception):
                cause = cause.__cause__  # what the caller's file raised
            raise to_hcpsdk_error(failure, what, self.attempts, verdict) from cause

    def _classify(self, error: Exception) -> Failure:
        if isinstance(error, ConnectFailed):
            if not isinstance(error.error, HcpsdkError):  # else the name was not resolved
                self.address = error.address
            where = f"[{error.address}]" if ":" in error.address else error.address
            return Failure(error.error, Phase.CONNECTING, f"{where}:{self.endpoint.port}")
        opened = self._keepalive.socket
        if opened is None:
            return Failure(error, Phase.EXCHANGING, self.address)
        hung_up = opened.was_used and not opened.received_any and was_hung_up(error)
        phase = Phase.KEPT_ALIVE if hung_up else Phase.EXCHANGING
        return Failure(error, phase, opened.address)

    # Reads: what a response reports to its owner

    def begin_read(self, use: Use, response: StrictResponse) -> None:
        """A read begins; raises if the body cannot be read (any more, or just now)."""
        keepalive = self._keepalive
        keepalive.acquire(use)
        opened = keepalive.socket
        if response.owner is None or opened is None:  # it was not, just before
            if response.owner is not None:
                response.make_unreadable(PARENTS if keepalive.was_inherited else CLOSED_BY_CALLER)
            keepalive.release(keepalive.state)
            raise HcpsdkError(response.unreadable_reason or "the body was read by another thread")
        use.sock = opened.raw
        if use.is_cancelled:
            use.check()
        self._started = time.monotonic()

    def finished(self, use: Use, response: StrictResponse) -> None:
        """The read is done, and maybe the body."""
        self.service_time1 = time.monotonic() - self._started or UNMEASURED
        self.service_time2 += self.service_time1
        if self._is_logged:
            log.debug("(partial?) read: service_time1 = %s secs", self.service_time1)
        if use.is_cancelled:  # then an end may be the end that `close()` made
            use.check()
        state = READING
        if response.fp is None:  # at its end
            response.owner = None
            state = CLOSED if response.will_close or response.has_leftover else IDLE
        self._release(use, state)

    def failed(self, use: Use, response: StrictResponse, error: BaseException) -> None:
        """The read failed; raises what the caller is to see instead of *error*."""
        if not self._keepalive.is_user(use):
            return
        failure = Failure(error, Phase.EXCHANGING, self.address)  # type: ignore[arg-type]
        what = f"reading the response to {response.method} {self._path}"
        # Ctrl-C too: what was read is lost, so reading on would leave a hole.
        self._fail("the rest of the body could not be read")
        clear_locals(error)
        if isinstance(error, TRANSPORT_ERRORS):
            raise_if_from_handler(error)
            self.endpoint.clean(error)
            if use.is_cancelled:
                raise HcpsdkError(f"{what} failed: {CLOSED_BY_CALLER} meanwhile") from error
            raise to_hcpsdk_error(failure, what, self.attempts) from error

    def response_closed(self, response: StrictResponse) -> None:
        """The caller closed *response* before its body was read to the end."""
        self._close("the response was closed before its body was read to the end", False)

    def _discard_unread_body(self, response: StrictResponse, use: Use) -> None:
        """Read what is left of the last response's body, or close the socket."""
        why = "the rest of the body was discarded by the next request"
        response.owner = None
        is_drained = False
        try:
            opened = self._keepalive.socket
            left = response.length or 0
            if opened is not None and not response.will_close and left <= MAX_DRAIN_BYTES:
                use.sock = opened.raw
                use.check()
                is_drained = opened.drain(response)
        except TRANSPORT_ERRORS as exc:
            raise_if_from_handler(exc)  # else: it was not wanted anyway
        finally:
            if not is_drained:
                self._keepalive.close()
            response.make_unreadable(why)

    # The end of a use

    def _release(self, use: Use, state: State) -> None:
        is_armed = self._keepalive.release(state)
        if is_armed and self._is_logged:
            self._log_cancel(False)
            log.debug("idletimer started: %s", idle_timer)
        if use.is_cancelled:  # too late to end it, but in time to close what it left
            self._close(CLOSED_BY_CALLER, False)

    def _fail(self, why: str) -> None:
        """End the use that is running, and the connection with it."""
        self._lose_response(why)
        self._response = None
        self._keepalive.release(CLOSED)

    def _lose_response(self, why: str) -> None:
        """Whoever reads on in an unfinished response gets *why*."""
        response = self._response
        if response is not None and response.owner is not None:
            response.make_unreadable(why)

    def close(self) -> None:
        """Close the socket; a request or read that is running ends with an `HcpsdkError`."""
        self._close(CLOSED_BY_CALLER, log.isEnabledFor(logging.DEBUG))
        log.debug("Connection object closed: IP %s (%s)", self.address, self.endpoint.fqdn)

    def _close(self, why: str, is_logged: bool) -> None:
        use = Use()
        try:
            was_armed = self._keepalive.acquire_or_cancel(use)
            if is_logged:
                self._log_cancel(bool(was_armed))
        finally:
            if self._keepalive.is_user(use):
                self._lose_response(why)
                self._keepalive.release(CLOSED)

    def _log_cancel(self, was_armed: bool) -> None:
        # In the words of the manual, whose timers were cancelled and made anew.
        if was_armed:
            log.debug("idletimer canceled: %s", idle_timer)
        else:
            log.debug("tried to cancel a non-existing idletimer (pretty OK)")
