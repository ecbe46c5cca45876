"""The certificates of an emulated HCP, made anew at each start."""

import ipaddress
import ssl
from collections.abc import Callable, Iterable
from typing import Literal

import trustme

from ..config import System

CertificateKind = Literal["both", "addresses", "names", "neither"]

# The subject of certificates: no host name, since where a subjectAltName has none, clients believe
# this one.
NOBODY = "emulated HCP"

NO_HOST = "nobody.invalid"

KINDS: tuple[CertificateKind, ...] = ("both", "addresses", "names", "neither")


class Certificates:
    """A certificate authority, and a server certificate that it signed.

    Args:
        system: The HCP whose names are certified.
        addresses: Those of its nodes.
        kind: What stands in the server certificate's subjectAltName: the node addresses (the
            library's manual demands them for verification), the names of the domain (which is
            what certificates in the field carry), both, or neither.
    """

    def __init__(self, system: System, addresses: Iterable[str], kind: CertificateKind) -> None:
        authority = trustme.CA(organization_name=NOBODY)
        self.ca_pem: bytes = authority.cert_pem.bytes()
        subjects: list[str] = []
        if kind in ("both", "names"):
            subjects += names(system)
        if kind in ("both", "addresses"):
            subjects += [str(ipaddress.ip_address(address)) for address in addresses]
        # An empty subjectAltName would be no valid certificate (RFC 5280, 4.2.1.6).
        subjects = subjects or [NO_HOST]
        self._certificate = authority.issue_cert(*subjects, common_name=NOBODY)

    def server_context(
        self, others: Callable[[str], ssl.SSLContext | None] | None = None
    ) -> ssl.SSLContext:
        """A context for the listening side, the same for all ports of all nodes.

        *others* tells the context to go on with if the client asks for a name of another system.
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
    """The domain, and wildcards that cover its tenants and namespaces (one label each)."""
    tenants = sorted({namespace.tenant for namespace in system.namespaces})
    domain = system.domain
    return [domain, f"*.{domain}", *(f"*.{tenant}.{domain}" for tenant in tenants)]
