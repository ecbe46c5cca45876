"""The certificates of an HCP, new at each start. Imports `config`."""

import ipaddress
import ssl
from collections.abc import Callable, Iterable
from typing import Literal

import trustme

from ..config import System

CertificateKind = Literal["both", "addresses", "names", "neither"]

# The subject of certificates: not a host name, because clients use it if there is no name in the
# subjectAltName.
SUBJECT = "emulated HCP"

NO_NAME = "nobody.invalid"

CERTIFICATE_KINDS: tuple[CertificateKind, ...] = ("both", "addresses", "names", "neither")


class Certificates:
    """A certificate authority, and a server certificate that it signed.

    Args:
        system: The HCP whose names are certified.
        addresses: The addresses of its nodes.
        kind: What is in the subjectAltName: the addresses of the nodes (which the manual requires
            for verification), the names of the domain (as in practice), both, or neither.
    """

    def __init__(self, system: System, addresses: Iterable[str], kind: CertificateKind) -> None:
        authority = trustme.CA(organization_name=SUBJECT)
        self.ca_pem: bytes = authority.cert_pem.bytes()
        subjects: list[str] = []
        if kind in ("both", "names"):
            subjects += names(system)
        if kind in ("both", "addresses"):
            subjects += [str(ipaddress.ip_address(address)) for address in addresses]
        # An empty subjectAltName is not allowed (RFC 5280, 4.2.1.6).
        subjects = subjects or [NO_NAME]
        self._certificate = authority.issue_cert(*subjects, common_name=SUBJECT)

    def server_context(
        self, others: Callable[[str], ssl.SSLContext | None] | None = None
    ) -> ssl.SSLContext:
        """A TLS context for all ports of all nodes.

        *others* returns the context to use if the client sends the name of another system.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._certificate.configure_cert(context)

        def choose(tls: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
            other = others(name) if others and name else None
            if other is not None:
                tls.context = other

        if others:
            context.sni_callback = choose
        return context


def names(system: System) -> list[str]:
    """The domain, and wildcards for its tenants and namespaces (one label each)."""
    tenants = sorted({namespace.tenant for namespace in system.namespaces})
    domain = system.domain
    return [domain, f"*.{domain}", *(f"*.{tenant}.{domain}" for tenant in tenants)]
