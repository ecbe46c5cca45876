"""What the transport has to know of a Target."""

from ssl import CERT_NONE, SSLContext
from typing import Protocol

from hcpsdk._request.headers import PreparedHeaders
from hcpsdk._transport.tls_sessions import Sessions, sessions_of
from hcpsdk.ips import Circle


class Authorization(Protocol):
    """What makes requests authorized: headers."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers with the credentials."""


class Endpoint:
    """One HCP as the transport sees it; shared by all Connections to it.

    Args:
        fqdn: Its name, as the caller wrote it.
        host: Its name as the ``Host`` header has it, which is also what certificates are for.
        port: The port of all its nodes.
        circle: The addresses of its nodes.
        context: How its certificates are verified; None: it speaks no TLS.
        authorization: Has the headers that authorize a request, which may change.
    """

    def __init__(
        self,
        fqdn: str,
        host: str,
        port: int,
        circle: Circle,
        context: SSLContext | None,
        authorization: Authorization,
    ) -> None:
        self.fqdn = fqdn
        self.host = host
        self.port = port
        self.circle = circle
        self.context = context
        is_verified = context is not None and context.verify_mode != CERT_NONE
        self.sessions = sessions_of(context, port) if is_verified else Sessions()
        # Which identity a certificate was last found valid for: our name, or the node's address
        # (contract 2.8). One assignment sets it, so it needs no lock.
        self.certificate_names_address = False
        self._authorization = authorization
        self._prepared: PreparedHeaders | None = None  # replaced when the credentials change

    def prepare_headers(self) -> PreparedHeaders:
        """``Host`` and the credentials, ready to be sent."""
        credentials = self._authorization.headers
        prepared = self._prepared
        if prepared is None or prepared.credentials != credentials:
            self._prepared = prepared = PreparedHeaders(self.host, credentials)
        return prepared
