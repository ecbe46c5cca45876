"""What all peers share: where the server is, what they send with each request, what they expect."""

import ssl
from typing import NamedTuple

# What `hcpsdk.NativeAuthorization("n", "n01")` gives; all peers send it, as they would to a HCP.
TOKEN = "bg==:1dc7fed37e11b35093d311ef66928ad9"
CREDENTIALS = {"Authorization": f"HCP {TOKEN}", "Cookie": f"hcp-ns-auth={TOKEN}"}

TIMEOUT = 30  # seconds, our default; with one, Python polls a socket before it uses it


class Place(NamedTuple):
    """Where a server listens."""

    host: str  # an IP address
    port: int
    authority: str = ""  # over TLS the file with the certificate of who signed the server's

    @property
    def url(self) -> str:
        return f"{'https' if self.authority else 'http'}://{self.host}:{self.port}"

    def context(self) -> ssl.SSLContext | None:
        """TLS settings that verify the server; None where it speaks no TLS."""
        return ssl.create_default_context(cafile=self.authority) if self.authority else None


class Shared(NamedTuple):
    """What all connections of most peers have in common."""

    place: Place
    context: ssl.SSLContext | None


class Refused(Exception):
    """The server did not do what it was asked for."""


def check(status: int) -> None:
    """Each peer looks at each status, as a program has to."""
    if not 200 <= status < 300:
        raise Refused(f"status {status}")
