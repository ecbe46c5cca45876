"""How a connection comes about: the next address that answers, and TLS with the right identity."""

import logging
import socket
import ssl
import time

from hcpsdk._failures import is_name_mismatch
from hcpsdk._http import Wire, open_socket, start_tls
from hcpsdk._target import Target

log = logging.getLogger("hcpsdk.Connection")


class NoConnection(Exception):
    """No connection could be made; holds what happened at the last address tried."""

    def __init__(self, error: OSError, address: str) -> None:
        super().__init__(error, address)
        self.error = error
        self.address = address


def open_wire(target: Target, timeout: float | None, debuglevel: int) -> tuple[Wire, float]:
    """A `Wire` to the next address that answers, and the seconds it took to connect.

    Each known address is tried at most once. The ones that fail are passed over for a while, and
    the pool of addresses is renewed.

    Raises:
        NoConnection: All addresses failed, or a certificate does not verify: then at once.
    """
    circle = target._circle
    tried: list[str] = []
    error: OSError | None = None
    while (address := circle.next_address(tried, timeout)) is not None:
        tried.append(address)
        started = time.monotonic()
        try:
            sock = _connect(target, address, timeout)
        except ssl.SSLCertVerificationError as exc:
            raise NoConnection(exc, address) from exc
        except OSError as exc:
            error = exc
            log.debug("Connection to %s failed: %s", address, exc)
            circle.connect_failed(address, timeout)
            continue
        seconds = time.monotonic() - started
        circle.connect_succeeded(address)
        return Wire(sock, address, debuglevel), seconds
    assert error is not None  # there is always an address to try
    raise NoConnection(error, tried[-1]) from error


def _connect(target: Target, address: str, timeout: float | None) -> socket.socket:
    context = target._tls
    if context is None:
        return open_socket(address, target.port, timeout)
    mismatch: ssl.SSLCertVerificationError | None = None
    for name in _identities(target, context, address):
        try:
            # Taken out, because a ticket is meant for one use (RFC 8446, section C.4).
            session = target._sessions.pop((address, name), None)
            sock = start_tls(open_socket(address, target.port, timeout), context, name, session)
        except ssl.SSLCertVerificationError as exc:
            if not is_name_mismatch(exc):
                raise
            mismatch = mismatch or exc
        else:
            target._certificate_names_address = name == address
            return sock
    assert mismatch is not None
    raise mismatch


def remember_session(target: Target, wire: Wire) -> None:
    """Keep the TLS session of *wire* for the next connection to its node, as the same name.

    Called after the first answer: under TLS 1.3 the server sends the ticket for it late.
    """
    if wire.tls is not None and wire.tls.session is not None:
        target._sessions[wire.address, str(wire.tls.server_hostname)] = wire.tls.session


def _identities(target: Target, context: ssl.SSLContext, address: str) -> list[str]:
    """What the certificate may be valid for, the likelier first: our name, the node's address.

    The manual demands addresses in the certificate; certificates in the field carry names.
    """
    name = target._host.strip("[]")
    if not context.check_hostname or name == address:
        return [name]
    if target._certificate_names_address:
        return [address, name]
    return [name, address]
