"""What the transport has to know of a Target."""

from __future__ import annotations

import http.client
from collections import deque
from collections.abc import Mapping
from ssl import CERT_NONE, SSLContext

from hcpsdk._excerpt import MAX_LENGTH, excerpt
from hcpsdk._request.headers import Authorize, PreparedHeaders
from hcpsdk._request.unsigned import UnsignedRequest
from hcpsdk._transport.tls_sessions import Sessions, sessions_of
from hcpsdk.ips import Circle

# Credentials that are kept in mind, to be recognized in what a server sends; those of as many
# threads may be under way.
MAX_REMEMBERED = 64


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

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
        authorize: Returns more of them for one attempt of a request; None if there are no more.
    """

    def __init__(
        self,
        fqdn: str,
        host: str,
        port: int,
        circle: Circle,
        context: SSLContext | None,
        authorization: Authorization,
        authorize: Authorize | None = None,
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
        self.authorize = authorize and self._authorize
        self._given_authorize = authorize
        self._authorization = authorization
        # What was sent last, which is not always what an authorization says now: secrets.
        self._sent: deque[Mapping[str, str]] = deque(maxlen=MAX_REMEMBERED)
        self._prepared: PreparedHeaders | None = None  # replaced when the credentials change

    def excerpt(self, text: str, limit: int = MAX_LENGTH) -> str:
        """*text*, which it sent, fit for messages and logs."""
        return excerpt(text, self._authorization.headers, *self._sent.copy(), limit=limit)

    def describe_status(self, response: http.client.HTTPResponse) -> str:
        """The status of *response*, with HCP's own message (contract 8.3)."""
        text = f"{response.status} - {self.excerpt(response.reason or '')}"
        if message := response.getheader("X-HCP-ErrorMessage"):
            text += f" ({self.excerpt(message)})"
        if note := getattr(response, "clock_note", ""):
            text += f" ({note})"
        return text

    def clean(self, error: BaseException) -> None:
        """Make *error*, which may quote it, fit for tracebacks."""
        if isinstance(error, http.client.HTTPException):
            error.args = tuple(
                self.excerpt(arg) if isinstance(arg, str) else arg for arg in error.args
            )
            if isinstance(error, http.client.BadStatusLine):
                error.line = error.args[0]  # type: ignore[attr-defined]

    def prepare_headers(self) -> PreparedHeaders:
        """``Host`` and the credentials, ready to be sent."""
        credentials = self._authorization.headers
        prepared = self._prepared
        if prepared is None or prepared.credentials != credentials:
            self._prepared = prepared = PreparedHeaders(self.host, credentials, self.authorize)
            self._sent.append(prepared.credentials)
        return prepared

    def _authorize(self, request: UnsignedRequest) -> Mapping[str, str]:
        assert self._given_authorize is not None
        more = self._given_authorize(request)
        self._sent.append(more)
        return more
