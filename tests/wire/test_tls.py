"""Certificates of all kinds, and what is asked of them."""

import datetime
import gc
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme

import hcpsdk
from hcpsdk._transport.tls_sessions import Sessions

from ..support.nodes import TLS_PORT as PORT
from ..support.raw_server import OK, Peer, answer, answering, head, in_turn

NAME = "n1.m.hcp1.snomis.local"
DOMAIN = "*.m.hcp1.snomis.local"
OTHER = "n1.m.hcp2.snomis.local"


@pytest.fixture
def connect_to(names: Any, authorization: Any) -> Iterator[Callable[..., hcpsdk.Connection]]:
    """A function that makes a Connection to TLS nodes by a name; each request opens a socket.

    Target() itself takes the first address, so the last node is put in front: nodes are asked in
    the order in which they are given.
    """
    connections: list[hcpsdk.Connection] = []

    def make(
        *nodes: Any, context: ssl.SSLContext | None = None, name: str = NAME, **options: Any
    ) -> hcpsdk.Connection:
        addresses = [node.address for node in nodes]
        names.set(name, addresses[-1:] + addresses[:-1])
        target = hcpsdk.Target(name, authorization, PORT, sslcontext=context)
        connections.append(hcpsdk.Connection(target, **{"idletime": 0, "timeout": 20, **options}))
        return connections[-1]

    yield make
    for connection in connections:
        connection.close()


@pytest.fixture
def verifying(authority: trustme.CA) -> ssl.SSLContext:
    """A context that trusts our authority, and wants the right name."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def chain_only(verifying: ssl.SSLContext) -> ssl.SSLContext:
    """A context that trusts our authority, whatever the name is."""
    verifying.check_hostname = False
    assert verifying.verify_mode is ssl.CERT_REQUIRED
    return verifying


def openssls_words(node: Any, context: ssl.SSLContext, name: str) -> str:
    """What Python's own TLS says to this certificate, for *name*."""
    with socket.create_connection((node.address, node.port), 20) as sock:
        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            context.wrap_socket(sock, server_hostname=name)
        return str(caught.value)


def nothing_was_sent(node: Any, connections: int) -> bool:
    """True if *node* got that many connections, and no byte of a request."""
    peers = node.wait_for_finished(connections)
    assert all(peer.tls_error is not None for peer in peers)
    return len(peers) == connections and all(peer.received == b"" for peer in peers)


# 2.7 No verification


@pytest.mark.parametrize("identity", [NAME, OTHER, "{address}"])
@pytest.mark.parametrize("name", [NAME, None])
def test_no_check_by_default(tls_node: Any, connect_to: Any, identity: str, name: Any) -> None:
    """Default `sslcontext=None`: no certificate check, whoever signed it and whatever it is for
    (contract 2.7)."""
    node = tls_node(identity, authority=trustme.CA())
    connection = connect_to(node, name=name or node.address)
    assert connection._target.ssl is True
    assert connection.PUT("/rest/a", b"data").status == 200
    assert [request.body for request in node.requests] == [b"data"]
    assert len(node.peers) == 1


def test_pythons_default_is_another_one(
    tls_node: Any, connect_to: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No check, whatever Python's own default is (contract 2.7)."""
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl.create_default_context)
    monkeypatch.setattr(ssl, "_create_unverified_context", ssl.create_default_context)
    connection = connect_to(tls_node(OTHER, authority=trustme.CA()))
    assert connection.HEAD("/rest/a").status == 200


def test_name_is_sent_without_verification(tls_node: Any, connect_to: Any) -> None:
    """The name is sent as SNI without verification too, so that HCP shows the right certificate
    (contract 2.8)."""
    node = tls_node(NAME, authority=trustme.CA())
    assert connect_to(node).HEAD("/rest/a").status == 200
    assert node.sni == [NAME]


def test_ports_that_mean_tls(
    tls_node: Any, raw_server: Any, names: Any, authorization: Any
) -> None:
    """8000 and 9090 mean TLS; any other port but 443 is plain (contract 2.7)."""
    node = tls_node(NAME)
    other_port = raw_server(node._handler, node.address, 9090, node.context)
    plain = raw_server(node._handler, node.address)
    names.set(NAME, [node.address])
    for server in (node, other_port, plain):
        target = hcpsdk.Target(NAME, authorization, server.port)
        with hcpsdk.Connection(target, timeout=20) as connection:
            assert connection.HEAD("/rest/a").status == 200
    assert [len(server.requests) for server in (node, other_port, plain)] == [1, 1, 1]


# 2.8 Verification: certificates that are good


@pytest.mark.parametrize(
    ("identities", "sni"),
    [
        ([NAME], [NAME]),
        ([DOMAIN], [NAME]),
        ([OTHER, NAME], [NAME]),
        ([NAME, "{address}"], [NAME]),
        (["{address}"], [NAME, None]),
        (["{address}", OTHER], [NAME, None]),
        (["{address}", "127.0.0.1"], [NAME, None]),
    ],
)
def test_good_certificates(
    tls_node: Any,
    connect_to: Any,
    verifying: ssl.SSLContext,
    identities: list[str],
    sni: list[str | None],
) -> None:
    """The certificate must be valid for the FQDN or for the node's address; the FQDN is tried
    first and sent as SNI (contract 2.8)."""
    node = tls_node(*identities)
    connection = connect_to(node, context=verifying)
    assert connection.PUT("/rest/a", b"data").status == 200
    assert connection.attempts == 1
    assert node.sni == sni
    assert [request.body for request in node.requests] == [b"data"]


@pytest.mark.parametrize(("identity", "further"), [(NAME, [NAME] * 3), ("{address}", [None] * 3)])
def test_what_worked_is_remembered(
    tls_node: Any, connect_to: Any, verifying: ssl.SSLContext, identity: str, further: list[Any]
) -> None:
    """Which of the two worked is remembered by the Target, for all its Connections: it costs one
    handshake from then on (contract 2.8)."""
    node = tls_node(identity)
    connection = connect_to(node, context=verifying)
    connection.HEAD("/rest/a")
    node.sni.clear()
    connection.HEAD("/rest/a")
    with hcpsdk.Connection(connection._target, idletime=0) as another:
        another.HEAD("/rest/a")
        another.HEAD("/rest/a")
    assert node.sni == further


def test_another_target_knows_nothing(
    tls_node: Any, connect_to: Any, verifying: ssl.SSLContext
) -> None:
    """What worked is remembered by the Target, not by the context or the process
    (contract 2.8)."""
    node = tls_node("{address}")
    connect_to(node, context=verifying).HEAD("/rest/a")
    connect_to(node, context=verifying).HEAD("/rest/a")
    assert node.sni == [NAME, None, NAME, None]


@pytest.mark.parametrize(("before", "after"), [("{address}", NAME), (NAME, "{address}")])
def test_certificates_that_change(
    tls_node: Any,
    connect_to: Any,
    verifying: ssl.SSLContext,
    authority: trustme.CA,
    before: str,
    after: str,
) -> None:
    """What is remembered is only tried first: a new certificate for the other one verifies, and
    is remembered in its turn (contract 2.8)."""
    node = tls_node(before)
    connection = connect_to(node, context=verifying)
    connection.HEAD("/rest/a")
    node.present(authority, after.format(address=node.address))
    assert connection.HEAD("/rest/a").status == 200
    node.sni.clear()
    assert connection.HEAD("/rest/a").status == 200
    assert len(node.sni) == 1


def test_each_node_by_its_own_address(
    tls_node: Any, connect_to: Any, verifying: ssl.SSLContext
) -> None:
    """With addresses in the certificates, each node's must hold its own (contract 2.8)."""
    nodes = [tls_node("{address}") for _ in range(3)]
    connection = connect_to(*nodes, context=verifying)
    for node in (*nodes, *nodes):
        assert connection.HEAD("/rest/a").status == 200
        assert connection.address == node.address
    assert [node.sni for node in nodes] == [[NAME, None, None], [None] * 2, [None] * 2]


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("N1.M.HCP1.snomis.LOCAL", NAME),
        (f"{NAME}.", NAME),
        ("bücher.m.hcp1.snomis.local", "xn--bcher-kva.m.hcp1.snomis.local"),
    ],
)
def test_names_in_other_writing(
    tls_node: Any, connect_to: Any, verifying: ssl.SSLContext, name: str, identity: str
) -> None:
    """The certificate is for the FQDN, however that is written (contract 2.8)."""
    node = tls_node(identity)
    connection = connect_to(node, context=verifying, name=name)
    assert connection.HEAD("/rest/a").status == 200
    assert [sni.lower() for sni in node.sni] == [identity]


def test_target_by_address(tls_node: Any, connect_to: Any, verifying: ssl.SSLContext) -> None:
    """Where the FQDN is an address, that is what the certificate must be valid for
    (contract 2.8, 2.2)."""
    good, bad = tls_node("{address}"), tls_node(NAME)
    assert connect_to(good, context=verifying, name=good.address).HEAD("/rest/a").status == 200
    assert len(good.peers) == 1
    with pytest.raises(hcpsdk.HcpsdkCertificateError):
        connect_to(bad, context=verifying, name=bad.address).HEAD("/rest/a")
    assert nothing_was_sent(bad, 1)


# check_hostname=False


@pytest.mark.parametrize("identity", [NAME, OTHER, "{address}", "127.0.0.1"])
def test_chain_only(
    tls_node: Any, connect_to: Any, chain_only: ssl.SSLContext, identity: str
) -> None:
    """A context with `check_hostname=False` checks the chain only; the FQDN is sent as SNI all the
    same (contract 2.8)."""
    node = tls_node(identity)
    connection = connect_to(node, context=chain_only)
    for _ in range(2):
        assert connection.HEAD("/rest/a").status == 200
    assert node.sni == [NAME, NAME]


@pytest.mark.parametrize("identity", [NAME, OTHER])
def test_chain_only_does_check_the_chain(
    tls_node: Any, connect_to: Any, chain_only: ssl.SSLContext, identity: str
) -> None:
    """A context with `check_hostname=False` does check the chain (contract 2.8)."""
    node = tls_node(identity, authority=trustme.CA())
    with pytest.raises(hcpsdk.HcpsdkCertificateError):
        connect_to(node, context=chain_only, retries=3).PUT("/rest/a", b"data")
    assert nothing_was_sent(node, 1)


def test_context_that_checks_nothing(tls_node: Any, connect_to: Any) -> None:
    """A context of the caller's that verifies nothing verifies nothing (contract 2.8)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    node = tls_node(OTHER, authority=trustme.CA())
    assert connect_to(node, context=context).HEAD("/rest/a").status == 200


# Certificates that are bad


@pytest.mark.parametrize("identity", [OTHER, "127.0.0.1", "m.hcp1.snomis.local", "*.snomis.local"])
@pytest.mark.parametrize("retries", [0, 3])
def test_wrong_identity(
    tls_node: Any, connect_to: Any, verifying: ssl.SSLContext, identity: str, retries: int
) -> None:
    """A certificate for neither raises HcpsdkCertificateError at once, without retries, its text
    as OpenSSL gives it; nothing is sent (contract 2.8)."""
    node = tls_node(identity)
    spare = tls_node(NAME)
    connection = connect_to(node, spare, context=verifying, retries=retries)
    with pytest.raises(hcpsdk.HcpsdkCertificateError) as caught:
        connection.PUT("/rest/a", b"data")
    assert nothing_was_sent(node, 2)  # the FQDN, the address
    assert spare.peers == []
    assert connection.attempts == 0
    assert connection.response_status is None
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert caught.value.reason.startswith("[SSL: CERTIFICATE_VERIFY_FAILED] ")
    assert caught.value.reason == openssls_words(node, verifying, NAME)


@pytest.mark.parametrize("identity", [NAME, "{address}", OTHER])
@pytest.mark.parametrize("retries", [0, 3])
def test_untrusted_authority(
    tls_node: Any, connect_to: Any, verifying: ssl.SSLContext, identity: str, retries: int
) -> None:
    """A certificate that somebody else signed is refused at the first handshake: another name
    would not help (contract 2.8)."""
    node = tls_node(identity, authority=trustme.CA())
    spare = tls_node(NAME)
    connection = connect_to(node, spare, context=verifying, retries=retries)
    with pytest.raises(hcpsdk.HcpsdkCertificateError) as caught:
        connection.POST("/rest/a", body=b"data")
    assert len(node.wait_for_finished(1)) <= 2
    assert nothing_was_sent(node, len(node.peers))
    assert spare.peers == []
    assert connection.attempts == 0
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert caught.value.reason.startswith("[SSL: CERTIFICATE_VERIFY_FAILED] ")
    assert caught.value.reason == openssls_words(node, verifying, NAME)


@pytest.mark.parametrize("identity", [NAME, "{address}"])
def test_expired(tls_node: Any, connect_to: Any, verifying: ssl.SSLContext, identity: str) -> None:
    """An expired certificate is refused, for the FQDN and for the address (contract 2.8)."""

    class Expired:
        """Our authority, years ago."""

        def issue_cert(self, *identities: str) -> trustme.LeafCert:
            return authority.issue_cert(
                *identities, not_after=datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
            )

    authority = trustme.CA()
    authority.configure_trust(verifying)
    node = tls_node(identity, authority=Expired())
    with pytest.raises(hcpsdk.HcpsdkCertificateError, match="expired"):
        connect_to(node, context=verifying).PUT("/rest/a", b"data")
    assert nothing_was_sent(node, len(node.peers))


def test_remembered_identity_does_not_weaken(
    tls_node: Any, connect_to: Any, verifying: ssl.SSLContext, authority: trustme.CA
) -> None:
    """A Target that once verified by the address goes on verifying (contract 2.8)."""
    node = tls_node("{address}")
    connection = connect_to(node, context=verifying)
    connection.HEAD("/rest/a")
    node.present(authority, OTHER)
    with pytest.raises(hcpsdk.HcpsdkCertificateError) as caught:
        connection.PUT("/rest/a", b"data")
    assert caught.value.reason.startswith("[SSL: CERTIFICATE_VERIFY_FAILED] ")
    node.present(trustme.CA(), node.address)
    with pytest.raises(hcpsdk.HcpsdkCertificateError):
        connection.PUT("/rest/a", b"data")
    assert [request.method for request in node.requests] == ["HEAD"]


def test_another_nodes_address_is_no_identity(
    tls_node: Any, connect_to: Any, verifying: ssl.SSLContext
) -> None:
    """The address must be that of the node asked, not that of any node (contract 2.8)."""
    good = tls_node("{address}")
    bad = tls_node(good.address)
    connection = connect_to(good, bad, context=verifying)
    assert connection.HEAD("/rest/a").status == 200
    with pytest.raises(hcpsdk.HcpsdkCertificateError):
        connection.HEAD("/rest/a")


def test_connection_after_a_bad_certificate(
    tls_node: Any, connect_to: Any, verifying: ssl.SSLContext, authority: trustme.CA
) -> None:
    """After a certificate that was refused the Connection is usable at once (contract 2.8, 4.6)."""
    node = tls_node(OTHER)
    connection = connect_to(node, context=verifying)
    for _ in range(2):
        with pytest.raises(hcpsdk.HcpsdkCertificateError):
            connection.HEAD("/rest/a")
    node.present(authority, NAME)
    assert connection.HEAD("/rest/a").status == 200


# Any other TLS failure


def hang_up(peer: Any) -> None:
    peer.read_some()


def reset(peer: Any) -> None:
    peer.read_some()
    peer.reset()


def speak_plain(peer: Any) -> None:
    peer.read_some()
    peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def refuse_by_alert(peer: Any) -> None:
    """A fatal alert: handshake_failure (RFC 8446, section 6)."""
    peer.read_some()
    peer.send(b"\x15\x03\x03\x00\x02\x02\x28")


BROKEN = [hang_up, reset, speak_plain, refuse_by_alert]


@pytest.mark.parametrize("handler", BROKEN)
@pytest.mark.parametrize("verifies", [True, False])
def test_broken_handshake_is_a_failed_connection(
    tls_node: Any,
    raw_server: Any,
    connect_to: Any,
    verifying: ssl.SSLContext,
    handler: Any,
    verifies: bool,
    random_address: str,
) -> None:
    """Any other TLS failure is an ordinary connection failure: the next node is asked
    (contract 2.8)."""
    broken = raw_server(handler, random_address, PORT)
    good = tls_node(NAME)
    connection = connect_to(broken, good, context=verifying if verifies else None)
    assert connection.HEAD("/rest/a").status == 200
    assert connection.address == good.address
    assert connection.attempts == 1
    assert len(broken.peers) == 1


@pytest.mark.parametrize("handler", BROKEN)
@pytest.mark.parametrize("retries", [0, 2])
def test_broken_handshakes_use_up_the_retries(
    raw_server: Any,
    connect_to: Any,
    verifying: ssl.SSLContext,
    handler: Any,
    retries: int,
    random_address: str,
) -> None:
    """Any other TLS failure is an ordinary connection failure: it is retried, and then raises an
    HcpsdkError that is no HcpsdkCertificateError (contract 2.8, 4.1)."""
    broken = raw_server(handler, random_address, PORT)
    connection = connect_to(broken, context=verifying, retries=retries)
    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        connection.PUT("/rest/a", b"data")
    assert type(caught.value) is hcpsdk.HcpsdkCantConnectError
    assert isinstance(caught.value.__cause__, OSError)
    assert connection.attempts == 0
    assert len(broken.wait_for_peers(retries + 1)) == retries + 1


def test_no_common_protocol(tls_node: Any, connect_to: Any, verifying: ssl.SSLContext) -> None:
    """A node that speaks no protocol of ours is no certificate's fault (contract 2.8)."""
    old = tls_node(NAME)
    old.context.maximum_version = ssl.TLSVersion.TLSv1_2
    verifying.minimum_version = ssl.TLSVersion.TLSv1_3
    good = tls_node(NAME)
    connection = connect_to(old, good, context=verifying)
    assert connection.HEAD("/rest/a").status == 200
    assert connection.address == good.address
    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        connect_to(old, context=verifying).HEAD("/rest/a")
    assert type(caught.value) is hcpsdk.HcpsdkCantConnectError
    assert isinstance(caught.value.__cause__, ssl.SSLError)


# Resuming sessions


@pytest.fixture
def resumed(raw_server: Any, loopback: str, authority: trustme.CA) -> Any:
    """A TLS server at (its address, the list in which it notes who resumed a session)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(loopback, "hcp.example").configure_cert(context)
    noted: list[bool] = []

    def handler(peer: Any) -> None:
        try:
            peer.sock = context.wrap_socket(peer.sock, server_side=True)
        except (ssl.SSLError, ConnectionError):
            return  # the client does not trust us
        noted.append(peer.sock.session_reused)
        for _ in peer.each_request():
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    raw_server(handler, loopback, 8000)
    return loopback, noted


@pytest.mark.parametrize("is_verified", [False, True])
def test_sessions_are_resumed(
    resumed: Any, authorization: Any, authority: trustme.CA, is_verified: bool
) -> None:
    """A reconnect by any Connection of the Target resumes the TLS session (contract 2.8)."""
    address, noted = resumed
    context = None
    if is_verified:
        context = ssl.create_default_context()
        authority.configure_trust(context)
    target = hcpsdk.Target(address, authorization, port=8000, sslcontext=context)
    for _ in range(3):
        with hcpsdk.Connection(target) as connection:
            assert connection.HEAD("/rest/a").status == 200
    with hcpsdk.Connection(target) as one, hcpsdk.Connection(target) as other:
        one.HEAD("/rest/a")
        target.endpoint.sessions.clear()
        other.HEAD("/rest/a")

    assert noted == [False, True, True, True, False]


def test_targets_with_the_same_context_share_sessions(
    resumed: Any, authorization: Any, authority: trustme.CA
) -> None:
    """A program that makes a Target for each operation resumes too; one with a context of its own
    verifies anew."""
    address, noted = resumed
    context = ssl.create_default_context()
    authority.configure_trust(context)
    other = ssl.create_default_context()
    authority.configure_trust(other)
    for each in (context, context, other, context, None, None):
        target = hcpsdk.Target(address, authorization, port=8000, sslcontext=each)
        with hcpsdk.Connection(target) as connection:
            connection.HEAD("/rest/a")

    assert noted == [False, True, False, True, False, False]


def test_no_session_for_another_identity(
    resumed: Any, authorization: Any, authority: trustme.CA, names: Any
) -> None:
    """A session verified for one name is not resumed for another one (contract 2.8)."""
    address, noted = resumed
    names.set("hcp.example", [address])
    context = ssl.create_default_context()
    authority.configure_trust(context)
    target = hcpsdk.Target("hcp.example", authorization, port=8000, sslcontext=context)
    for by_address in (False, True, False, True):
        target.endpoint.certificate_names_address = by_address
        with hcpsdk.Connection(target) as connection:
            connection.HEAD("/rest/a")

    assert noted == [False, False, True, True]


def test_no_session_for_a_stricter_context(
    resumed: Any, authorization: Any, authority: trustme.CA
) -> None:
    """What was not verified when the session began is verified as soon as it has to be (contract
    2.8)."""
    address, noted = resumed
    context = ssl.create_default_context()  # does not know our authority
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    target = hcpsdk.Target(address, authorization, port=8000, sslcontext=context)
    with hcpsdk.Connection(target) as connection:
        connection.HEAD("/rest/a")
    context.verify_mode = ssl.CERT_REQUIRED

    with hcpsdk.Connection(target) as connection, pytest.raises(hcpsdk.HcpsdkCertificateError):
        connection.HEAD("/rest/a")
    assert True not in noted


def test_a_session_does_not_last(
    resumed: Any, authorization: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is resumed, after a while the certificate is asked for again (contract
    2.8)."""
    address, noted = resumed
    target = hcpsdk.Target(address, authorization, port=8000)
    monkeypatch.setattr("hcpsdk._transport.tls_sessions.time", clock)
    for clock.now in (0.0, 200.0, 299.0, 301.0, 400.0):
        with hcpsdk.Connection(target) as connection:
            connection.HEAD("/rest/a")

    assert noted == [False, True, True, False, True]


def test_reset_just_before_the_handshake(
    raw_server: Any, loopback: str, authorization: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reset between connect and handshake is a failed connection, and leaves no socket (contract
    4.6)."""
    about_to_begin, was_reset = threading.Event(), threading.Event()
    original = ssl.SSLSocket.do_handshake

    def handler(peer: Any) -> None:
        assert about_to_begin.wait(30)
        peer.reset()
        was_reset.set()

    def late(sock: ssl.SSLSocket) -> None:
        about_to_begin.set()
        assert was_reset.wait(30)
        original(sock)

    raw_server(handler, loopback, 8000)
    target = hcpsdk.Target(loopback, authorization, port=8000)
    monkeypatch.setattr(ssl.SSLSocket, "do_handshake", late)
    with hcpsdk.Connection(target) as connection, pytest.raises(hcpsdk.HcpsdkError) as caught:
        connection.HEAD("/rest/a")
    assert connection.attempts == 0

    del caught
    gc.collect()  # an open socket would warn now, and a warning is an error


def test_unasked_bytes_inside_tls(tls_node: Any, authorization: Any) -> None:
    """What a server sends behind the answer is not taken for the next one, also where it was
    decrypted already, out of the sight of the system (contract 3.6, 4.2)."""
    body = b"x" * 8192

    def smuggle(peer: Peer) -> None:
        peer.read_request()
        peer.send(head("Content-Length: 8192"))
        peer.send(body + answer(b"unasked", "299 Unasked"))  # one record
        for _ in peer.each_request():
            peer.send(OK)

    node = tls_node("{address}", handler=in_turn(smuggle, answering(answer(b"mine"))))
    target = hcpsdk.Target(node.address, authorization, port=PORT)
    with hcpsdk.Connection(target) as connection:
        connection.GET("/rest/a")
        assert connection.read() == body
        assert connection.GET("/rest/a").status == 200
        assert connection.read() == b"mine"
    assert len(node.peers) == 2


@pytest.mark.parametrize("size", [None, 10, 100_000, 5_000_000])
def test_alert_after_the_handshake(
    raw_server: Any,
    connect_to: Any,
    authority: trustme.CA,
    verifying: ssl.SSLContext,
    random_address: str,
    size: int | None,
) -> None:
    """Under TLS 1.3 a server refuses a client without a certificate only after the handshake: the
    message has the text of its alert, whatever was being sent then (contract 2.8)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    authority.issue_cert(NAME).configure_cert(context)
    server = raw_server(answering(), random_address, PORT, context)
    connection = connect_to(server, context=verifying)
    for _ in range(3):
        with pytest.raises(hcpsdk.HcpsdkError, match="alert certificate required"):
            connection.PUT("/rest/a", None if size is None else b"x" * size)


# 2.7 A context of the caller's


def test_a_context_is_never_ignored(
    raw_server: Any, names: Any, authorization: Any, authority: trustme.CA, verifying: Any
) -> None:
    """A given context means TLS on any port (contract 2.7)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(context)
    server = raw_server(answering(OK), "127.0.0.1", 0, context)
    names.set(NAME, [server.address])
    target = hcpsdk.Target(NAME, authorization, server.port, sslcontext=verifying)
    assert target.ssl is True
    with hcpsdk.Connection(target, timeout=20) as connection:
        assert connection.HEAD("/rest/a").status == 200


def test_tls_port_without_a_context(
    raw_server: Any, tls_context: ssl.SSLContext, connect: Any
) -> None:
    """If the server speaks TLS and we do not, the message says what to pass (contract 4.5)."""

    def alert(peer: Any) -> None:
        peer.read_head()
        peer.send(b"\x15\x03\x01\x00\x02\x02\x46")  # protocol_version, as OpenSSL sends it

    connection = connect(raw_server(alert))
    with pytest.raises(hcpsdk.HcpsdkError, match="speaks TLS on this port: pass an sslcontext"):
        connection.HEAD("/rest/a")


class Pinned(ssl.SSLContext):
    """Verifies a certificate in `wrap_socket()`, which has the arguments of an older Python."""

    pin: bytes | None = None
    error: type[Exception] = ssl.SSLCertVerificationError

    def wrap_socket(  # type: ignore[override]
        self,
        sock: socket.socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | None = None,
    ) -> ssl.SSLSocket:
        wrapped = super().wrap_socket(
            sock,
            server_side,
            do_handshake_on_connect,
            suppress_ragged_eofs,
            server_hostname,
        )
        if wrapped.getpeercert(binary_form=True) != self.pin:
            wrapped.close()
            raise self.error("the certificate is not the pinned one")
        return wrapped


@pytest.fixture
def pinned(authority: trustme.CA) -> Pinned:
    context = Pinned(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize("identity", [NAME, "{address}"])
def test_context_that_verifies_in_wrap_socket(
    tls_node: Any, connect_to: Any, pinned: Pinned, verifying: ssl.SSLContext, identity: str
) -> None:
    """A subclass whose wrap_socket() verifies, and is written for an older Python, works, with the
    name or with the address in the certificate (contract 2.7, 2.8)."""
    node = tls_node(identity)
    name = NAME if identity == NAME else node.address
    with (
        socket.create_connection((node.address, node.port), 20) as sock,
        verifying.wrap_socket(sock, server_hostname=name) as wrapped,
    ):
        pinned.pin = wrapped.getpeercert(binary_form=True)
    connection = connect_to(node, context=pinned)
    for _ in range(2):
        assert connection.PUT("/rest/a", b"data").status == 200
    assert [request.body for request in node.requests] == [b"data", b"data"]


def test_pin_that_does_not_fit(tls_node: Any, connect_to: Any, pinned: Pinned) -> None:
    """A certificate error that a subclass raises, without OpenSSL's code, is an
    HcpsdkCertificateError; nothing was sent (contract 2.8)."""
    node = tls_node(NAME)
    connection = connect_to(node, context=pinned, retries=3)
    with pytest.raises(hcpsdk.HcpsdkCertificateError, match="not the pinned one"):
        connection.PUT("/rest/a", b"data")
    assert len(node.wait_for_finished(1)) == 1
    assert node.requests == []


def test_wrap_socket_that_wraps_nothing(tls_node: Any, connect_to: Any) -> None:
    """What a subclass returns has to be TLS: nothing is sent over any other socket (contract
    2.7)."""

    class Careless(ssl.SSLContext):
        def wrap_socket(self, sock: socket.socket, **_options: Any) -> Any:  # type: ignore[override]
            return sock

    node = tls_node(NAME)
    connection = connect_to(node, context=Careless(ssl.PROTOCOL_TLS_CLIENT))
    with pytest.raises(TypeError, match=r"must return ssl\.SSLSocket"):
        connection.PUT("/rest/a", b"data")
    assert nothing_was_sent(node, 1)


def test_close_within_a_handshake_of_the_callers(
    raw_server: Any, loopback: str, authorization: Any, pinned: Pinned
) -> None:
    """close() ends a handshake in the caller's wrap_socket() (contract 6.3)."""
    is_waiting = threading.Event()

    def stall(peer: Any) -> None:
        peer.read_some()  # the hello
        is_waiting.set()
        peer.wait_for_close()

    raw_server(stall, loopback, PORT)
    target = hcpsdk.Target(loopback, authorization, PORT, sslcontext=pinned)
    connection = hcpsdk.Connection(target, timeout=None)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            connection.HEAD("/rest/a")
        except BaseException as exc:
            errors.append(exc)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert is_waiting.wait(20)
    connection.close()
    thread.join(20)
    assert not thread.is_alive()
    assert [type(error) for error in errors] == [hcpsdk.HcpsdkError]


def test_sessions_while_others_forget() -> None:
    """Threads that forget sessions while others look for one disturb nobody (contract 6.1)."""
    sessions = Sessions()
    identity = ("127.0.0.1", NAME, ssl.CERT_NONE, False)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    errors: list[BaseException] = []

    def forget() -> None:
        for _ in range(20000):
            sessions.give_up(identity)
            sessions.clear()

    def find() -> None:
        try:
            for _ in range(20000):
                sessions.find(identity)
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=work) for work in (forget, find, find)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    assert errors == []
