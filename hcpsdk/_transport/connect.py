"""How a connection comes about: the next address that answers, and TLS with the right identity."""

import logging
import ssl
import time

from hcpsdk._target import Target
from hcpsdk._transport.failures import is_name_mismatch
from hcpsdk._transport.socket import HTTPSocket, open_socket, start_tls
from hcpsdk._transport.tls_sessions import Identity

log = logging.getLogger("hcpsdk.Connection")


class ConnectFailed(Exception):
    """No connection could be made; holds what happened at the last address tried."""

    def __init__(self, error: OSError, address: str) -> None:
        super().__init__(error, address)
        self.error = error
        self.address = address


def connect(target: Target, timeout: float | None, debuglevel: int) -> tuple[HTTPSocket, float]:
    """A `HTTPSocket` to the next address that answers, and the seconds it took to connect.

    Each known address is tried at most once. The ones that fail are passed over for a while, and
    the pool of addresses is renewed.

    Raises:
        ConnectFailed: All addresses failed, or a certificate does not verify: then at once.
    """
    circle = target._circle
    tried: list[str] = []
    error: OSError | None = None
    while (address := circle.next_address(tried, timeout)) is not None:
        tried.append(address)
        started = time.monotonic()
        try:
            wire = _connect(target, address, timeout, debuglevel)
        except ssl.SSLCertVerificationError as exc:
            raise ConnectFailed(exc, address) from exc
        except OSError as exc:
            error = exc
            log.debug("Connection to %s failed: %s", address, exc)
            circle.connect_failed(address, timeout)
            continue
        seconds = time.monotonic() - started
        circle.connect_succeeded(address)
        return wire, seconds
    assert error is not None  # there is always an address to try
    raise ConnectFailed(error, tried[-1]) from error


def _connect(target: Target, address: str, timeout: float | None, debuglevel: int) -> HTTPSocket:
    context = target._tls
    if context is None:
        return HTTPSocket(open_socket(address, target.port, timeout), address, debuglevel)
    mismatch: ssl.SSLCertVerificationError | None = None
    for name in _names(target, context, address):
        identity = Identity(address, name, context.verify_mode, context.check_hostname)
        session = target._sessions.find(identity)
        try:
            plain = open_socket(address, target.port, timeout)
            sock = start_tls(plain, context, name, session)
        except ssl.SSLCertVerificationError as exc:
            if not is_name_mismatch(exc):
                raise
            mismatch = mismatch or exc
            continue
        target._certificate_names_address = name == address
        if session is not None and not sock.session_reused:
            target._sessions.keep(identity, None)
        wire = HTTPSocket(sock, address, debuglevel)
        wire.identity = identity
        return wire
    assert mismatch is not None
    raise mismatch


def remember_session(target: Target, wire: HTTPSocket) -> None:
    """Keep the TLS session of *wire* for the next connection to its node.

    Called after the first answer: under TLS 1.3 the server sends the ticket for it late.
    """
    if wire.tls is None or wire.identity is None:
        return
    if not target._sessions.is_known(wire.identity):
        target._sessions.keep(wire.identity, wire.tls.session)


def _names(target: Target, context: ssl.SSLContext, address: str) -> list[str]:
    """What the certificate may be valid for, the likelier first: our name, the node's address.

    The manual demands addresses in the certificate; certificates in the field carry names.
    """
    name = target._host.strip("[]")
    if not context.check_hostname or name == address:
        return [name]
    if target._certificate_names_address:
        return [address, name]
    return [name, address]
