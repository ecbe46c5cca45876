"""The certificates of an HCP, new at each start. Imports `config`."""

import ipaddress
import ssl
from collections.abc import Callable, Iterable
from typing import Literal

import trustme

from ..config import DEFAULT_NAMESPACE, System

CertificateKind = Literal["both", "addresses", "names", "neither"]

# The subject of certificates: not a host name, because clients use it if there is no name in the
# subjectAltName.
SUBJECT = "emulated HCP"

NO_NAME = "neither.invalid"

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
        self._authority = trustme.CA(organization_name=SUBJECT)
        self.ca_pem: bytes = self._authority.cert_pem.bytes()
        self._system = system
        self._has_names = kind in ("both", "names")
        self._addresses: list[str] = []
        if kind in ("both", "addresses"):
            self._addresses = [str(ipaddress.ip_address(address)) for address in addresses]
        self._names: list[str] = []
        self._certificate = self._issue()

    def _issue(self) -> trustme.LeafCert:
        if self._has_names:
            self._names = names(self._system)
        # An empty subjectAltName would be no valid certificate (RFC 5280, 4.2.1.6).
        subjects = [*self._names, *self._addresses] or [NO_NAME]
        return self._authority.issue_cert(*subjects, common_name=SUBJECT)

    def server_context(
        self, others: Callable[[str], ssl.SSLContext | None] | None = None
    ) -> ssl.SSLContext:
        """A TLS context for all ports of all nodes.

        *others* returns the context to use if the client sends the name of another system.
        """
        context = self._context()

        def choose(tls: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
            nonlocal context
            other = others(name) if others and name else None
            if other is None and self._has_names and self._names != names(self._system):
                # A new tenant: its names are certified from now on.
                self._certificate = self._issue()
                context = self._context()
            if other is not None or tls.context is not context:
                tls.context = other or context

        if others:
            context.sni_callback = choose
        return context

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._certificate.configure_cert(context)
        return context


def names(system: System) -> list[str]:
    """The domain, and wildcards that cover its tenants and namespaces (one label each)."""
    tenants = sorted({*system.all_tenants(), DEFAULT_NAMESPACE.tenant})
    domain = system.domain
    return [domain, f"*.{domain}", *(f"*.{tenant}.{domain}" for tenant in tenants)]
