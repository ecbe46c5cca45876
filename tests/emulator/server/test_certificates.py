"""Certificates: what they are valid for, and who signed them."""

import contextlib
import socket
import ssl

import pytest

from hcpsdk.testing import HCP

DOMAIN = "hcp1.snomis.local"
HOST = f"n1.m.{DOMAIN}"


def shaken_hands(hcp: HCP, context: ssl.SSLContext, name: str, port: int = 443) -> str | None:
    """The protocol agreed on with a node that claims to be *name*; None if it is not believed.

    The node is one of *hcp*, by its address: another HCP of this domain may be running.
    """
    address = (hcp.nodes[1].address, port)
    with contextlib.closing(socket.create_connection(address, timeout=20)) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=name) as secured:
                return secured.version()
        except ssl.SSLCertVerificationError:
            return None


@pytest.mark.parametrize(
    "kind, accepts_names, accepts_addresses",
    [
        ("both", True, True),
        ("names", True, False),
        ("addresses", False, True),
        ("neither", False, False),
    ],
)
def test_subject_names(kind: str, accepts_names: bool, accepts_addresses: bool) -> None:
    """Names, addresses, both, or neither are certified; the chain is always right."""
    with HCP(certificate=kind) as hcp:  # type: ignore[arg-type]
        context = ssl.create_default_context(cafile=hcp.ca_file)
        for name in (HOST, f"n2.m.{DOMAIN}", f"m.{DOMAIN}", f"admin.{DOMAIN}", DOMAIN):
            assert (shaken_hands(hcp, context, name) is not None) == accepts_names, name
        for node in hcp.nodes:
            assert (shaken_hands(hcp, context, node.address) is not None) == accepts_addresses
        assert shaken_hands(hcp, context, "example.com") is None
        context.check_hostname = False
        assert shaken_hands(hcp, context, HOST) is not None


def test_every_port_but_80(hcp: HCP) -> None:
    """Ports 443 and 9090 speak TLS."""
    context = ssl.create_default_context(cafile=hcp.ca_file)
    assert shaken_hands(hcp, context, HOST, 443)
    assert shaken_hands(hcp, context, HOST, 9090)


def test_another_authority_is_not_believed(hcp: HCP) -> None:
    """Each HCP has an authority of its own, and no other's certificate verifies it."""
    with HCP("hcp2.snomis.local") as other:
        context = ssl.create_default_context(cafile=other.ca_file)
        assert shaken_hands(hcp, context, HOST) is None


def test_sessions_are_resumed_on_any_node(hcp: HCP) -> None:
    """A client that comes back, to whichever node, may resume its TLS session."""
    context = ssl.create_default_context(cafile=hcp.ca_file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # there the ticket comes with the handshake
    session = None
    for node in hcp.nodes[:2]:
        with (
            socket.create_connection((node.address, 443), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname=HOST, session=session) as secured,
        ):
            assert secured.session_reused == (session is not None)
            session = secured.session
