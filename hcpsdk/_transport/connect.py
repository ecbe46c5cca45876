"""Opening a connection: the next address that can be reached, and TLS with the right identity."""

from __future__ import annotations

import socket
import ssl
import time

from hcpsdk._handlers import raise_if_from_handler
from hcpsdk._log import Log
from hcpsdk._transport.endpoint import Endpoint
from hcpsdk._transport.failures import is_name_mismatch
from hcpsdk._transport.socket import HTTPSocket
from hcpsdk._transport.tls_sessions import Identity
from hcpsdk._transport.use import Use, shut_down
from hcpsdk.ips import IpsError, Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Socket = TypeVar("Socket", bound=socket.socket)

log = Log("hcpsdk.Connection")


class ConnectFailed(Exception):
    """No connection could be opened; holds the error of the last address tried, or the look-up."""

    def __init__(self, error: Exception, address: str) -> None:
        super().__init__(error, address)
        self.error = error
        self.address = address


def connect(
    endpoint: Endpoint, timeout: float | None, debuglevel: int, use: Use
) -> tuple[HTTPSocket, float]:
    """An `HTTPSocket` to the next address that can be reached, and the seconds it took to connect.

    Each address that is known now is tried at most once (contract 2.10). Those that fail are
    skipped for a while, and the pool of addresses is refreshed, for later.

    Raises:
        ConnectFailed: All addresses failed, or (at once) a certificate does not verify.
        ConnectionAbortedError: *use* was cancelled.
    """
    circle = endpoint.circle
    if not circle.is_resolved:
        try:
            circle.refresh()
        except IpsError as exc:
            raise ConnectFailed(exc, endpoint.fqdn) from exc
    tried: list[str] = []
    error: OSError | None = None
    use.waiting = waiting = Waiting()
    use.check()
    pool = circle.renewed_pool(timeout, waiting)
    while (address := circle.next_address(pool, tried)) is not None:
        tried.append(address)
        use.check()
        started = time.monotonic()
        try:
            opened = _connect_to(endpoint, address, timeout, debuglevel, use)
        except ssl.SSLCertVerificationError as exc:
            raise_if_from_handler(exc)
            raise ConnectFailed(exc, address) from exc
        except OSError as exc:
            raise_if_from_handler(exc)
            use.waiting = waiting = Waiting()
            use.check()
            error = exc
            log.debug("Connection to %s failed: %s", address, exc)
            circle.connect_failed(address, timeout, waiting)
            continue
        seconds = time.monotonic() - started
        circle.connect_succeeded(address)
        return opened, seconds
    assert error is not None  # there is always an address to try
    raise ConnectFailed(error, tried[-1]) from error


def _connect_to(
    endpoint: Endpoint, address: str, timeout: float | None, debuglevel: int, use: Use
) -> HTTPSocket:
    context = endpoint.context
    if context is None:
        plain = _open(_new_socket(address), endpoint, address, timeout, use)
        return HTTPSocket(plain, address, debuglevel)
    mismatch: ssl.SSLCertVerificationError | None = None
    for name in _names(endpoint, context, address):
        try:
            if has_own_wrap_socket(context):
                tls, identity = _open_by_own(context, name, endpoint, address, timeout, use), None
            else:
                tls, identity = _open_tls(context, name, endpoint, address, timeout, use)
        except ssl.SSLCertVerificationError as exc:
            raise_if_from_handler(exc)
            if not is_name_mismatch(exc):
                raise
            mismatch = mismatch or exc
            continue
        # An end without the TLS end may be an attacker's: it raises (contract 3.6).
        tls.suppress_ragged_eofs = False  # type: ignore[attr-defined]
        endpoint.certificate_names_address = name == address
        return HTTPSocket(tls, address, debuglevel, identity)
    assert mismatch is not None
    raise mismatch


def _open_tls(
    context: ssl.SSLContext,
    name: str,
    endpoint: Endpoint,
    address: str,
    timeout: float | None,
    use: Use,
) -> tuple[ssl.SSLSocket, Identity]:
    identity = (address, name, context.verify_mode, context.check_hostname)
    session = endpoint.sessions.find(identity)
    # TLS comes before TCP here: if the connection is reset just then, `wrap_socket()` raises
    # without closing its socket (CPython 3.11.4 and later). A name is sent as SNI.
    tls = context.wrap_socket(
        _new_socket(address),
        server_hostname=name,
        do_handshake_on_connect=False,
        session=session,
    )
    _open(tls, endpoint, address, timeout, use)
    if session is not None and not tls.session_reused:
        endpoint.sessions.give_up(identity)
    return tls, identity


def has_own_wrap_socket(context: ssl.SSLContext) -> bool:
    """True if *context* has a ``wrap_socket()`` of the caller's."""
    method = getattr(context.wrap_socket, "__func__", None)
    return method is not ssl.SSLContext.wrap_socket


def _open_by_own(
    context: ssl.SSLContext,
    name: str,
    endpoint: Endpoint,
    address: str,
    timeout: float | None,
    use: Use,
) -> ssl.SSLSocket:
    """The same by a ``wrap_socket()`` of the caller's.

    It may look at the certificate, so the connection has to be there; and it may have been written
    for a Python whose own had fewer arguments. No session is resumed, because it may not look then.
    """
    plain = _open(_new_socket(address), endpoint, address, timeout, use)
    # `close()` needs a socket to end the handshake: this one is void once it is wrapped.
    with plain, plain.dup() as handle:
        use.sock = handle
        use.check()
        try:
            tls = context.wrap_socket(plain, server_hostname=name)
        except BaseException:
            shut_down(handle)
            raise
        use.sock = tls
    if not isinstance(tls, ssl.SSLSocket):  # any other would be written to without TLS
        raise TypeError(f"wrap_socket() must return ssl.SSLSocket, not {type(tls).__name__}")
    return tls


def _new_socket(address: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)


def _open(
    sock: Socket, endpoint: Endpoint, address: str, timeout: float | None, use: Use
) -> Socket:
    """Connect *sock*, and do the TLS handshake if it is for TLS; closes it if that fails."""
    try:
        use.sock = sock
        use.check()
        sock.settimeout(timeout)
        sock.connect((address, endpoint.port))
        use.check()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
    except BaseException:
        sock.close()
        raise
    return sock


def _names(endpoint: Endpoint, context: ssl.SSLContext, address: str) -> list[str]:
    """What the certificate may be valid for, in the order to try: our name, the node's address.

    The manual demands addresses in the certificate; certificates in the field carry names.
    """
    name = endpoint.host.strip("[]")
    address = address.partition("%")[0]  # the zone of an IPv6 address is ours only
    if not context.check_hostname or name == address:
        return [name]
    if endpoint.certificate_names_address:
        return [address, name]
    return [name, address]


def remember_session(endpoint: Endpoint, opened: HTTPSocket) -> None:
    """Keep the TLS session of *opened*, after its first response, for the next connection."""
    if opened.tls is not None and opened.identity is not None:
        endpoint.sessions.remember(opened.identity, opened.tls)
