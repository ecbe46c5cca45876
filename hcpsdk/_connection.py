"""The public `Connection`: requests to one HCP, and what came of the last one."""

from __future__ import annotations

from threading import TIMEOUT_MAX

from hcpsdk._channel import Channel
from hcpsdk._errors import HcpsdkStatusError
from hcpsdk._log import Log
from hcpsdk._request.content import Content
from hcpsdk._request.headers import Headers
from hcpsdk._request.url import Params
from hcpsdk._target import Target
from hcpsdk._transport.response import StrictResponse
from hcpsdk._transport.tcp_keepalive import TcpKeepAlive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
else:
    Any = object  # for `typing.get_type_hints()`

__all__ = ["Connection"]

log = Log("hcpsdk.Connection")


class Connection:
    """A persistent, self-healing HTTP connection to one HCP.

    Opened by the first request, kept open between requests, and usable again at once after any
    failure or `close()`. It does one thing at a time: use a Connection for each thread. Usable as
    a context manager; closes on exit.

    Args:
        target: The HCP.
        timeout: Seconds to wait for the network at each step (connect, handshake, send, receive);
            None waits for ever.
        idletime: Seconds for which an unused socket stays open; 0 closes it after each request.
        retries: How often a failed request is retried.
        debuglevel: 1 to 9 print everything on the wire, **including the credentials**; 0 does not.
        sock_keepalive: True makes the operating system probe whether a silent HCP is still there,
            which also keeps firewalls from dropping the connection.
        tcp_keepalive: Seconds of silence before the first probe.
        tcp_keepintvl: Seconds between probes.
        tcp_keepcnt: Probes without a response before the connection is closed.
        busy_timeout: Seconds for which a request is repeated while HCP responds with 503; after
            ``Retry-After``, or else after growing pauses. 0: not at all.

    Raises:
        TypeError, ValueError: Invalid argument.
    """

    __module__ = "hcpsdk"

    def __init__(
        self,
        target: Target,
        timeout: float | None = 30,
        idletime: float = 30,
        retries: int = 0,
        debuglevel: int = 0,
        sock_keepalive: bool = False,
        tcp_keepalive: int = 60,
        tcp_keepintvl: int = 60,
        tcp_keepcnt: int = 3,
        *,
        busy_timeout: float = 0,
    ) -> None:
        _check_arguments(target, timeout, idletime, retries, debuglevel, busy_timeout)
        if sock_keepalive not in (False, True):
            raise TypeError(f"sock_keepalive must be bool, not {type(sock_keepalive).__name__}")
        self._target = target
        probes = TcpKeepAlive(tcp_keepalive, tcp_keepintvl, tcp_keepcnt)
        probes.check()
        self._channel = Channel(
            target.endpoint,
            target.failover,
            timeout,
            idletime,
            retries,
            debuglevel,
            probes if sock_keepalive else None,
            min(busy_timeout, TIMEOUT_MAX),
        )
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
        return self._channel.address

    @property
    def response(self) -> StrictResponse | None:
        """The last request's `http.client.HTTPResponse`; None before it, and if it failed."""
        return self._channel.response

    Response = response

    @property
    def response_status(self) -> int | None:
        """The last request's HTTP status; None before it, and if it failed."""
        response = self._channel.response
        return response.status if response else None

    @property
    def response_reason(self) -> str | None:
        """The last request's HTTP reason phrase; None before it, and if it failed."""
        response = self._channel.response
        return response.reason if response else None

    @property
    def attempts(self) -> int:
        """How often the last request was sent, wholly or in part; 0 if no connection could be made.

        The attempts on the primary and on the replica, together. If this is above 1, a status of
        409 to a PUT, or of 404 to a DELETE, may be caused by the request's own earlier attempt;
        on the replica too, which may have got it from the primary meanwhile.
        """
        return self._channel.attempts

    @property
    def served_by(self) -> Target | None:
        """The Target that gave the last response: the one given, or its `Target.replica`.

        None before the first request, and if the last one failed.
        """
        if self._channel.response is None:
            return None
        is_primary = self._channel.endpoint is self._target.endpoint
        return self._target if is_primary else self._target.replica

    @property
    def connect_time(self) -> float:
        """Seconds that the last connect took, TLS handshake included."""
        return self._channel.connect_time

    @property
    def service_time1(self) -> float:
        """Seconds of the last action: a request until its headers were here, or one read."""
        return self._channel.service_time1

    @property
    def service_time2(self) -> float:
        """Seconds of the last request up to now: the sum of its `service_time1`."""
        return self._channel.service_time2

    def getheader(self, name: str, default: Any = None) -> Any:
        """One header of the response, as `http.client.HTTPResponse.getheader` returns it.

        Args:
            name: Its name, in any case.
            default: Returned if the header is missing.

        Raises:
            HcpsdkError: No response available.
        """
        if not isinstance(name, str):
            raise TypeError(f"a header's name must be str, not {type(name).__name__}")
        return self._channel.readable_response().getheader(name, default)

    def getheaders(self) -> list[tuple[str, str]]:
        """All headers of the response, as pairs, in the order received.

        Raises:
            HcpsdkError: No response available.
        """
        return self._channel.readable_response().getheaders()

    def raise_for_status(self, *wanted: int) -> StrictResponse:
        """Make sure that the last request has the status that you expect.

        Args:
            wanted: The expected statuses; without any, all below 400.

        Returns:
            The response.

        Raises:
            HcpsdkStatusError: The status is another one; the text starts with it.
            HcpsdkError: No response available.
            TypeError: A status is no int.
        """
        for status in wanted:
            if not isinstance(status, int):
                raise TypeError(f"a status must be int, not {type(status).__name__}")
        response = self._channel.readable_response()
        if response.status in wanted if wanted else response.status < 400:
            return response
        raise HcpsdkStatusError(self._target.endpoint.describe_status(response))

    def read(self, amt: int | None = None) -> bytes:
        """Up to *amt* bytes of the response's body; everything that is left if it is None.

        Returns:
            The bytes; fewer than *amt* (or none) only at the end of the body. The Connection is
            ready for the next request then.

        Raises:
            HcpsdkTimeoutError: Nothing came for too long.
            HcpsdkError: The body ended early, its remainder was discarded, or no response is
                available.
            RuntimeError: Another request or read is running on this Connection.
        """
        return self._channel.readable_response().read(amt)

    # Requests

    def request(
        self,
        method: str,
        url: str,
        body: Content = None,
        params: Params | None = None,
        headers: Headers | None = None,
    ) -> StrictResponse:
        """Send a request, and return its response with the body still to be read.

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
            The response, whatever its status; redirects are not followed. What is not read of its
            body is discarded by the next request.

        Raises:
            TypeError, ValueError: Invalid argument; nothing was sent. (A piece of a
                body that is no bytes shows only when its turn comes; HCP keeps nothing of it.)
            HcpsdkTimeoutError: A time limit passed.
            HcpsdkCertificateError: HCP's certificate does not verify; nothing was sent.
            HcpsdkError: Any other failure; if `attempts` is above 0, HCP may have acted.
            RuntimeError: Another request or read is running on this Connection.
        """
        return self._channel.send(method, url, body, params, headers, reads_body=False)

    def PUT(
        self,
        url: str,
        body: Content = None,
        params: Params | None = None,
        headers: Headers | None = None,
    ) -> StrictResponse:
        """Store an object. Reads and buffers the response body; see `request()` for the rest."""
        return self._channel.send("PUT", url, body, params, headers, reads_body=True)

    def GET(
        self, url: str, params: Params | None = None, headers: Headers | None = None
    ) -> StrictResponse:
        """Request an object, whose body `read()` returns; see `request()` for the rest."""
        return self._channel.send("GET", url, None, params, headers, reads_body=False)

    def HEAD(
        self, url: str, params: Params | None = None, headers: Headers | None = None
    ) -> StrictResponse:
        """Request an object's metadata; see `request()` for the rest."""
        return self._channel.send("HEAD", url, None, params, headers, reads_body=True)

    def POST(
        self,
        url: str,
        params: Params | None = None,
        headers: Headers | None = None,
        body: Content = None,
    ) -> StrictResponse:
        """Change an object's metadata. Reads and buffers the response body; see `request()`."""
        return self._channel.send("POST", url, body, params, headers, reads_body=True)

    def DELETE(
        self, url: str, params: Params | None = None, headers: Headers | None = None
    ) -> StrictResponse:
        """Delete an object. Reads and buffers the response body; see `request()` for the rest."""
        return self._channel.send("DELETE", url, None, params, headers, reads_body=True)

    def close(self) -> None:
        """Close the connection: any number of times, from anywhere.

        A request or read that is running in another thread, or was interrupted by the caller's
        signal handler, ends with an `HcpsdkError`. The last response's headers stay available;
        what was not read of its body does not. The next request opens the connection again.
        """
        self._channel.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        channel = self._channel
        return f"<Connection {self._target.fqdn} IP={channel.address} {channel.state.name}>"


def _check_arguments(
    target: Target,
    timeout: float | None,
    idletime: float,
    retries: int,
    debuglevel: int,
    busy_timeout: float,
) -> None:
    if not isinstance(target, Target):
        raise TypeError(f"target must be hcpsdk.Target, not {type(target).__name__}")
    # No message repeats a number: one of thousands of digits has no text.
    times = (("timeout", timeout), ("idletime", idletime), ("busy_timeout", busy_timeout))
    for name, seconds in times:
        if name == "timeout" and seconds is None:
            continue
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
            raise TypeError(f"{name} must be a number of seconds, not {type(seconds).__name__}")
    if timeout is not None and not 0 < timeout <= TIMEOUT_MAX:
        raise ValueError(
            f"timeout must be above 0 seconds and at most {TIMEOUT_MAX:.0f}; None waits for ever"
        )
    for name, least_0 in (("idletime", idletime), ("busy_timeout", busy_timeout)):
        if not least_0 >= 0:
            raise ValueError(f"{name} must be 0 seconds or more")
    for name, number in (("retries", retries), ("debuglevel", debuglevel)):
        if not isinstance(number, int):
            raise TypeError(f"{name} must be int, not {type(number).__name__}")
        if number < 0:
            raise ValueError(f"{name} must be 0 or more")
