"""The workhorse: requests to one HCP over a connection that is kept and mended."""

import enum
import logging
import time
from collections.abc import Callable
from threading import TIMEOUT_MAX
from typing import Any

from hcpsdk._errors import HcpsdkError
from hcpsdk._request.body import BodyError, Content
from hcpsdk._request.headers import Headers
from hcpsdk._request.outgoing import Outgoing, prepare
from hcpsdk._request.url import Params
from hcpsdk._target import Target
from hcpsdk._transport.connect import ConnectFailed, connect, remember_session
from hcpsdk._transport.failures import (
    TRANSPORT_ERRORS,
    Failure,
    Phase,
    Verdict,
    describe,
    judge,
    to_hcpsdk_error,
    was_hung_up,
)
from hcpsdk._transport.idle_timer import idle_timer
from hcpsdk._transport.keepalive import KeepAlive
from hcpsdk._transport.response import Read, StrictResponse
from hcpsdk._transport.socket import HTTPSocket

__all__ = ["Connection"]

log = logging.getLogger("hcpsdk.Connection")

# A time before anything was measured; not zero, so that it can be divided by (contract 1.7).
UNMEASURED = 1e-11  # seconds

# What the retry loop deals with; all else is a mistake, the caller's or ours, and goes through.
FAILURES = (*TRANSPORT_ERRORS, ConnectFailed, BodyError)

MAX_KEPT_BODY = 1024 * 1024  # bytes of a body that a verb reads and keeps (contract 3.5)
MAX_DRAIN_BYTES = 64 * 1024  # bytes that are read to save a connection whose body nobody read
MAX_DRAIN_SECONDS = 1.0  # seconds for which that is tried: a new connection takes no longer


class State(enum.Enum):
    """Where a Connection is in its life."""

    CLOSED = "no socket; the next request opens one"
    IDLE = "socket open, nothing outstanding"
    WAITING = "request sent, response headers not here yet"
    READING = "headers read, body not yet exhausted"


class Connection:
    """A connection to one HCP, opened when needed, kept while used, mended when broken. [4.2]

    For one thread at a time. After any failure it can be used again at once. A closed one opens
    again with its next request. As a context manager it closes at the end.

    Args:
        target: The HCP.
        timeout: Seconds to wait for the network at each step (connect, handshake, send, receive);
            None waits for ever.
        idletime: Seconds for which an unused socket stays open; 0 closes it after each request.
        retries: How often a request that failed is tried again.
        debuglevel: 1 to 9 print all that is on the wire, **the credentials included**; 0 does not.

    Raises:
        TypeError, ValueError: An argument cannot be right.
    """

    __module__ = "hcpsdk"

    def __init__(
        self,
        target: Target,
        timeout: float | None = 30,
        idletime: float = 30,
        retries: int = 0,
        debuglevel: int = 0,
    ) -> None:
        _check_arguments(target, timeout, idletime, retries, debuglevel)
        self._target = target
        self._timeout = timeout
        self._retries = retries
        self._debuglevel = debuglevel

        self._keepalive = KeepAlive(idletime)
        self._is_logged = False  # looked up once per request: each look costs, seen or not
        self._is_waiting = False
        self._address: str | None = None
        self._connect_time = UNMEASURED
        self._forget_answer()
        log.debug(
            "Connection object initialized: IP %s (%s) - timeout: %s - idletime: %s - retries: %s",
            None,
            target.fqdn,
            timeout,
            idletime,
            retries,
        )
        if target.ssl:
            log.debug("SSLcontext = %s", target.sslcontext)

    # What the last request gave

    @property
    def address(self) -> str | None:
        """The IP address last connected to; None before the first request."""
        return self._address

    @property
    def response(self) -> StrictResponse | None:
        """The last request's `http.client.HTTPResponse`; None before it, and if it failed."""
        return self._response

    Response = response

    @property
    def response_status(self) -> int | None:
        """The last request's HTTP status; None before it, and if it failed."""
        return self._response.status if self._response else None

    @property
    def response_reason(self) -> str | None:
        """The last request's HTTP reason phrase; None before it, and if it failed."""
        return self._response.reason if self._response else None

    @property
    def attempts(self) -> int:
        """How often the last request was sent, wholly or in part; 0 if no connection was made.

        An answer of 409 to a PUT, or of 404 to a DELETE, may be the doing of the request's own
        earlier attempt where this is above 1.
        """
        return self._attempts

    @property
    def connect_time(self) -> float:
        """Seconds that the last connect took, TLS handshake included."""
        return self._connect_time

    @property
    def service_time1(self) -> float:
        """Seconds of the last action: a request until its headers were here, or one read."""
        return self._service_time1

    @property
    def service_time2(self) -> float:
        """Seconds of the last request up to now: the sum of its `service_time1`."""
        return self._service_time2

    def getheader(self, name: str, default: Any = None) -> Any:
        """One header of the answer, as `http.client.HTTPResponse.getheader` gives it.

        Args:
            name: Its name, in any case.
            default: What to return if there is no such header.

        Raises:
            HcpsdkError: There is no answer.
        """
        if not isinstance(name, str):
            raise TypeError(f"a header's name must be str, not {type(name).__name__}")
        return self._answer().getheader(name, default)

    def getheaders(self) -> list[tuple[str, str]]:
        """All headers of the answer, as pairs, in the order received.

        Raises:
            HcpsdkError: There is no answer.
        """
        return self._answer().getheaders()

    def read(self, amt: int | None = None) -> bytes:
        """Up to *amt* bytes of the answer's body; all that is left if it is None.

        Returns:
            The bytes; fewer than *amt* (or none) only at the end of the body. The Connection is
            ready for the next request then.

        Raises:
            HcpsdkTimeoutError: Nothing came for too long.
            HcpsdkError: The body ended early, its rest was given up, or there is no answer.
        """
        return self._answer().read(amt)

    def _answer(self) -> StrictResponse:
        if self._response is None:
            raise HcpsdkError("there is no answer: no request was made, or the last one failed")
        return self._response

    def _forget_answer(self) -> None:
        self._response: StrictResponse | None = None
        self._attempts = 0
        self._service_time1 = UNMEASURED
        self._service_time2 = UNMEASURED

    # Requests

    def request(
        self,
        method: str,
        url: str,
        body: Content = None,
        params: Params | None = None,
        headers: Headers | None = None,
    ) -> StrictResponse:
        """Send a request, and return its answer with the body still to be read. [4.2]

        Args:
            method: ``"GET"``, ``"PUT"`` and so on.
            url: The object's name, from ``/rest`` on, as it is called: it is percent-encoded here.
                One that is encoded already is given as `hcpsdk.Quoted`.
            body: Bytes, a str (sent as UTF-8), a file in binary or text mode (its bytes on disk,
                from its position), anything with ``read()``, or an iterable of bytes.
            params: The query: a dictionary or a list of pairs.
            headers: More headers; ``Host``, ``Authorization`` and ``Cookie`` stay the Target's,
                whatever is given here.

        Returns:
            The answer, whatever its status; redirects are not followed. If its body is not read
            to the end, the next request gives up the rest.

        Raises:
            TypeError, ValueError: An argument cannot be right; nothing was sent. (A piece of a
                body that is no bytes shows only when its turn comes; HCP keeps nothing of it.)
            HcpsdkTimeoutError: A time limit passed.
            HcpsdkCertificateError: HCP's certificate does not verify; nothing was sent.
            HcpsdkError: Any other failure; `attempts` tells whether HCP may have acted.
        """
        return self._perform(method, url, body, params, headers, cleans_up=False)

    def PUT(
        self,
        url: str,
        body: Content = None,
        params: Params | None = None,
        headers: Headers | None = None,
    ) -> StrictResponse:
        """Store an object. Cleans up; arguments, returns, and raises as `request()`. [4.2]"""
        return self._perform("PUT", url, body, params, headers, cleans_up=True)

    def GET(
        self, url: str, params: Params | None = None, headers: Headers | None = None
    ) -> StrictResponse:
        """Ask for an object; `read()` it to the end. Else as `request()`. [4.2]"""
        return self._perform("GET", url, None, params, headers, cleans_up=False)

    def HEAD(
        self, url: str, params: Params | None = None, headers: Headers | None = None
    ) -> StrictResponse:
        """Ask for an object's metadata. Cleans up; else as `request()`. [4.2]"""
        return self._perform("HEAD", url, None, params, headers, cleans_up=True)

    def POST(
        self,
        url: str,
        params: Params | None = None,
        headers: Headers | None = None,
        body: Content = None,
    ) -> StrictResponse:
        """Change an object's metadata. Cleans up; else as `request()`. [4.2]"""
        return self._perform("POST", url, body, params, headers, cleans_up=True)

    def DELETE(
        self, url: str, params: Params | None = None, headers: Headers | None = None
    ) -> StrictResponse:
        """Delete an object. Cleans up; else as `request()`. [4.2]"""
        return self._perform("DELETE", url, None, params, headers, cleans_up=True)

    def _perform(
        self,
        method: str,
        url: str,
        content: Content,
        params: Params | None,
        headers: Headers | None,
        cleans_up: bool,
    ) -> StrictResponse:
        self._begin()
        try:
            outgoing = prepare(method, url, content, params, headers, self._target._prepare())
        except BaseException:
            self._release()  # nothing was sent: the socket is as good as before
            raise
        outgoing.retries_left = self._retries
        if self._is_logged:
            log.debug("URL = %s", outgoing.path)
        try:
            while True:
                try:
                    return self._attempt(outgoing, cleans_up)
                except FAILURES as exc:
                    self._try_again_or_raise(outgoing, exc)
        except BaseException:
            # Ctrl-C too: what is in the middle of a request cannot be used for another one.
            self._drop("the request failed")
            self._response = None
            raise

    def _begin(self) -> None:
        """Be done with the last request: a failed one never shows the answer of an earlier one."""
        self._claim()
        response = self._response
        self._forget_answer()
        if response is not None and response.observer is not None:
            self._discard_unread_body(response)

    def _attempt(self, outgoing: Outgoing, cleans_up: bool) -> StrictResponse:
        wire = self._ready_wire()
        is_first = not wire.was_used
        self._is_waiting = True
        try:
            response = wire.exchange(outgoing.method, outgoing.head, outgoing.body)
        finally:
            self._attempts += wire.first_byte_at > 0
        self._is_waiting = False
        if is_first:
            remember_session(self._target, wire)
        self._service_time1 = self._service_time2 = wire.seconds or UNMEASURED
        if self._is_logged:
            log.debug(
                "%s Request for %s - service_time1 = %s",
                outgoing.method,
                outgoing.path,
                self._service_time1,
            )
        self._response = response
        if cleans_up:
            self._clean_up(response)
        elif response.length == 0:
            response.end()
            self._finish(response)
        else:
            self._path = outgoing.path
            response.observer = self
        return response

    def _try_again_or_raise(self, outgoing: Outgoing, error: Exception) -> None:
        """Prepare for another attempt, or raise what the caller is to be told."""
        failure = self._classify(error)
        happened = describe(failure.error)
        log.debug("Request raised exception: %s", happened)
        self._drop("the request failed")
        self._response = None
        verdict = judge(failure, outgoing)
        if failure.phase is Phase.EXCHANGING and not isinstance(error, BodyError):
            self._target._circle.renew_after_failure(self._timeout)
        if verdict is Verdict.RESEND:
            outgoing.was_resent = True
        elif verdict is Verdict.RETRY:
            outgoing.retries_left -= 1
        else:
            what = f"{outgoing.method} {outgoing.path}"
            raise to_hcpsdk_error(failure, what, self._attempts, verdict) from failure.error

    def _classify(self, error: Exception) -> Failure:
        if isinstance(error, ConnectFailed):
            self._address = error.address
            where = f"{error.address}, port {self._target.port},"
            return Failure(error.error, Phase.CONNECTING, where)
        wire = self._keepalive.wire
        if wire is None:  # closed by the caller meanwhile, while we asked for the body for example
            return Failure(error, Phase.EXCHANGING, self._address)
        hung_up = wire.was_used and not wire.received_any and was_hung_up(error)
        phase = Phase.KEPT_ALIVE if hung_up else Phase.EXCHANGING
        return Failure(error, phase, wire.address)

    # Reading

    def _observe_read(
        self, response: StrictResponse, read: Callable[[Any], Read], size: Any
    ) -> Read:
        """Called by a `StrictResponse` for each read of its body."""
        started = time.monotonic()
        try:
            if self._keepalive.belongs_to_parent_process():
                raise HcpsdkError("the answer belongs to the process that asked for it")
            result = read(size)
            self._service_time1 = time.monotonic() - started or UNMEASURED
            self._service_time2 += self._service_time1
            if self._is_logged:
                log.debug("(partial?) read: service_time1 = %s secs", self._service_time1)
            if response.fp is None:  # at its end
                self._finish(response)
            return result
        except TRANSPORT_ERRORS as exc:
            failure = Failure(exc, Phase.EXCHANGING, self._address)
            self._drop("the rest of the body could not be read")
            self._response = None
            what = f"reading the answer to {response.method} {self._path}"
            raise to_hcpsdk_error(failure, what, self._attempts) from exc
        except BaseException:
            # Ctrl-C too: what was read is lost, so reading on would leave a hole.
            self._drop("reading the body was interrupted")
            self._response = None
            raise

    def _response_was_closed(self, response: StrictResponse) -> None:
        """Called by a `StrictResponse` that the caller closes before its end."""
        self._drop(response.unreadable_reason)

    def _clean_up(self, response: StrictResponse) -> None:
        """Read the body for the caller; keep it if it is not large."""
        if response.length == 0:
            response.end()
            self._finish(response)
            return
        started = time.monotonic()
        body = response.read(MAX_KEPT_BODY + 1)
        while len(body) > MAX_KEPT_BODY and response.read(MAX_DRAIN_BYTES):
            pass
        if len(body) > MAX_KEPT_BODY:
            response.unreadable_reason = (
                f"the body was longer than {MAX_KEPT_BODY} bytes, so it was not kept"
            )
        elif body:
            response.keep(body)
        self._service_time2 += time.monotonic() - started
        self._finish(response)

    def _discard_unread_body(self, response: StrictResponse) -> None:
        """Get rid of what the caller did not read of the last answer."""
        why = "the rest of the body was given up for the next request"
        response.observer = None
        is_drained = False
        try:
            if not response.will_close and (response.length or 0) <= MAX_DRAIN_BYTES:
                self._drain(response)
                is_drained = response.isclosed() and not response.has_leftover
        except TRANSPORT_ERRORS:
            pass  # it was not wanted anyway
        finally:
            if not is_drained:
                self._drop(why)
            response.unreadable_reason = why
            response.close()

    def _drain(self, response: StrictResponse) -> None:
        """Read up to `MAX_DRAIN_BYTES` bytes and throw them away, in next to no time."""
        wire = self._keepalive.wire
        assert wire is not None
        end = time.monotonic() + MAX_DRAIN_SECONDS
        wire.set_timeout(min(MAX_DRAIN_SECONDS, self._timeout or MAX_DRAIN_SECONDS))
        count = 0
        while not response.isclosed() and count <= MAX_DRAIN_BYTES and time.monotonic() < end:
            count += len(response.read1(MAX_DRAIN_BYTES))
        wire.set_timeout(self._timeout)

    def _finish(self, response: StrictResponse) -> None:
        """The body was read to its end: wait for the next request, for a while."""
        response.observer = None
        if response.will_close or response.has_leftover:
            self._keepalive.close()
        else:
            self._release()

    # The socket's life

    def _ready_wire(self) -> HTTPSocket:
        """An open wire: the one kept, unless the server closed it meanwhile, or a new one."""
        if self._keepalive.wire is not None:
            if not self._keepalive.wire.is_stale():
                return self._keepalive.wire
            self._keepalive.close()
        log.debug("Connection needs to be opened")
        wire, seconds = connect(self._target, self._timeout, self._debuglevel)
        self._keepalive.store(wire)
        self._address = wire.address
        self._connect_time = seconds or UNMEASURED
        log.debug(
            "Connection open: IP %s (%s) - connect_time: %s",
            wire.address,
            self._target.fqdn,
            seconds,
        )
        return wire

    def close(self) -> None:
        """Close the connection; any number of times. The next request opens it again. [4.2]

        The last answer's headers stay; what was not read of its body is given up.
        """
        self._claim()
        self._drop("the Connection was closed")
        log.debug("Connection object closed: IP %s (%s)", self._address, self._target.fqdn)

    def _claim(self) -> None:
        """Take the socket out of the idle timer's reach, and out of a forked child's."""
        if self._keepalive.belongs_to_parent_process():
            self._drop("the answer belongs to the process that asked for it")
        was_armed = self._keepalive.acquire()
        self._is_logged = log.isEnabledFor(logging.DEBUG)
        if self._is_logged:
            self._log_cancel(was_armed)

    def _release(self) -> None:
        """Let the idle timer have the socket, if there is one, until the next request."""
        if self._keepalive.release() and self._is_logged:
            self._log_cancel(False)
            log.debug("idletimer started: %s", idle_timer)

    def _log_cancel(self, was_armed: bool) -> None:
        # In the words of the manual, whose timers were cancelled and made anew.
        if was_armed:
            log.debug("idletimer canceled: %s", idle_timer)
        else:
            log.debug("tried to cancel a non-existing idletimer (pretty OK)")

    def _drop(self, why: str) -> None:
        """Close the socket; a reader of an unfinished answer is told *why*."""
        self._is_waiting = False
        self._lose_answer(why)
        self._keepalive.close()

    def _lose_answer(self, why: str) -> None:
        response = self._response
        if response is not None and response.observer is not None:
            response.observer = None
            response.unreadable_reason = why
            response.close()

    @property
    def _state(self) -> State:
        if self._keepalive.wire is None:
            return State.CLOSED
        if self._is_waiting:
            return State.WAITING
        if self._response is not None and self._response.observer is not None:
            return State.READING
        return State.IDLE

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Connection {self._target.fqdn} IP={self._address} {self._state.name}>"


def _check_arguments(
    target: Target, timeout: float | None, idletime: float, retries: int, debuglevel: int
) -> None:
    if not isinstance(target, Target):
        raise TypeError(f"target must be hcpsdk.Target, not {type(target).__name__}")
    for name, seconds in (("timeout", timeout), ("idletime", idletime)):
        if name == "timeout" and seconds is None:
            continue
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
            raise TypeError(f"{name} must be a number of seconds, not {type(seconds).__name__}")
    if timeout is not None and not 0 < timeout <= TIMEOUT_MAX:
        raise ValueError(f"timeout must be above 0 seconds (None waits for ever), not {timeout}")
    if not idletime >= 0:
        raise ValueError(f"idletime must be 0 seconds or more, not {idletime}")
    for name, number in (("retries", retries), ("debuglevel", debuglevel)):
        if not isinstance(number, int):
            raise TypeError(f"{name} must be int, not {type(number).__name__}")
        if number < 0:
            raise ValueError(f"{name} must be 0 or more, not {number}")
