"""Opening a connection: the next address that can be reached, and TLS with the right identity."""

import logging
import socket
import ssl
import time
from typing import TypeVar

from hcpsdk._transport.endpoint import Endpoint
from hcpsdk._transport.failures import is_name_mismatch
from hcpsdk._transport.socket import HTTPSocket
from hcpsdk._transport.tls_sessions import Identity
from hcpsdk._transport.use import Use
from hcpsdk.ips import IpsError

log = logging.getLogger("hcpsdk.Connection")


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

    Each known address is tried at most once. Those that fail are skipped for a while, and the
    pool of addresses is refreshed.

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
    while (address := circle.next_address(tried, timeout)) is not None:
        tried.append(address)
        use.check()
        started = time.monotonic()
        try:
            opened = _connect_to(endpoint, address, timeout, debuglevel, use)
        except ssl.SSLCertVerificationError as exc:
            raise ConnectFailed(exc, address) from exc
        except OSError as exc:
            use.check()
            error = exc
            log.debug("Connection to %s failed: %s", address, exc)
            circle.connect_failed(address, timeout)
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
        identity = Identity(address, name, context.verify_mode, context.check_hostname)
        session = endpoint.sessions.find(identity)
        # TLS comes before TCP here: if the connection is reset just then, `wrap_socket()` raises
        # without closing its socket (CPython 3.11.4 and later). A name is sent as SNI.
        tls = context.wrap_socket(
            _new_socket(address),
            server_hostname=name,
            do_handshake_on_connect=False,
            session=session,
        )
        try:
            _open(tls, endpoint, address, timeout, use)
        except ssl.SSLCertVerificationError as exc:
            if not is_name_mismatch(exc):
                raise
            mismatch = mismatch or exc
            continue
        endpoint.certificate_names_address = name == address
        if session is not None and not tls.session_reused:
            endpoint.sessions.keep(identity, None)
        return HTTPSocket(tls, address, debuglevel, identity)
    assert mismatch is not None
    raise mismatch


def _new_socket(address: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)


Socket = TypeVar("Socket", bound=socket.socket)


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
    if not context.check_hostname or name == address:
        return [name]
    if endpoint.certificate_names_address:
        return [address, name]
    return [name, address]


def remember_session(endpoint: Endpoint, opened: HTTPSocket) -> None:
    """Keep the TLS session of *opened* for the next connection to its node.

    Called after the first response: under TLS 1.3 the server sends the ticket for it late.
    """
    if opened.tls is None or opened.identity is None:
        return
    if not endpoint.sessions.is_known(opened.identity):
        endpoint.sessions.keep(opened.identity, opened.tls.session)
