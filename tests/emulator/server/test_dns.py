"""The name server, asked by dnspython and by hand."""

import random
import socket

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from hcpsdk.testing import HCP, Lookup, Namespace

DOMAIN = "hcp1.snomis.local"
HOST = f"n1.m.{DOMAIN}"


def ask(hcp: HCP, query: dns.message.Message, transport: str = "udp") -> dns.message.Message:
    function = dns.query.udp if transport == "udp" else dns.query.tcp
    server = hcp.name_server
    return function(query, server.address, timeout=20, port=server.port)


def question(name: str = HOST, kind: str = "A") -> dns.message.Message:
    # Without EDNS, as the oldest clients ask.
    return dns.message.make_query(name, kind, use_edns=False)


def addresses(reply: dns.message.Message) -> list[str]:
    return [record.address for rrset in reply.answer for record in rrset]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_rotation(hcp: HCP, transport: str) -> None:
    """Each answer has all nodes, and begins with the next one."""
    answers = [addresses(ask(hcp, question(), transport)) for _ in range(5)]
    nodes = [node.address for node in hcp.nodes]
    assert answers == [nodes[n:] + nodes[:n] for n in (0, 1, 2, 3, 0)]


def test_only_running_nodes(hcp: HCP) -> None:
    """A node that is stopped is not in the answers, one that starts again is."""
    nodes = [node.address for node in hcp.nodes]
    hcp.nodes[1].stop()
    hcp.nodes[3].stop()
    assert set(addresses(ask(hcp, question()))) == {nodes[0], nodes[2]}
    hcp.nodes[1].start()
    assert set(addresses(ask(hcp, question()))) == set(nodes[:3])


def test_no_node_at_all(hcp: HCP) -> None:
    """With all nodes down, nobody knows anything."""
    for node in hcp.nodes:
        node.stop()
    assert ask(hcp, question()).rcode() == dns.rcode.SERVFAIL


@pytest.mark.parametrize(
    "name, kind, code, count",
    [
        (HOST, "A", "NOERROR", 4),
        (HOST.upper(), "A", "NOERROR", 4),
        (f"n2.m.{DOMAIN}", "A", "NOERROR", 4),
        (f"m.{DOMAIN}", "A", "NOERROR", 4),
        (f"admin.{DOMAIN}", "A", "NOERROR", 4),
        (DOMAIN, "A", "NOERROR", 4),
        (HOST, "ANY", "NOERROR", 4),
        (HOST, "AAAA", "NOERROR", 0),
        (HOST, "MX", "NOERROR", 0),
        (f"n3.m.{DOMAIN}", "A", "NXDOMAIN", 0),
        (f"n1.other.{DOMAIN}", "AAAA", "NXDOMAIN", 0),
        (f"x.{HOST}", "A", "NXDOMAIN", 0),
        ("example.com", "A", "REFUSED", 0),
        (f"x{DOMAIN}", "A", "REFUSED", 0),
    ],
)
def test_what_exists(hcp: HCP, name: str, kind: str, code: str, count: int) -> None:
    """Domain, administration, tenants and namespaces have addresses; other names do not exist."""
    reply = ask(hcp, question(name, kind))
    assert (dns.rcode.to_text(reply.rcode()), len(addresses(reply))) == (code, count)
    assert bool(reply.flags & dns.flags.AA) == (code != "REFUSED")


def test_lookups_are_listed(hcp: HCP) -> None:
    """Tests can see what was asked; reset() forgets it."""
    ask(hcp, question(HOST.upper()))
    ask(hcp, question(kind="AAAA"), "tcp")
    assert hcp.name_server.lookups == [Lookup(HOST, "A", "udp"), Lookup(HOST, "AAAA", "tcp")]
    hcp.reset()
    assert hcp.name_server.lookups == []


def test_time_to_live() -> None:
    """How long answers may be kept can be chosen."""
    with HCP("hcp7.snomis.local", ttl=7) as hcp:
        reply = ask(hcp, question("n1.m.hcp7.snomis.local"))
        assert {rrset.ttl for rrset in reply.answer} == {7}


def test_nonsense_is_ignored(hcp: HCP) -> None:
    """Whatever arrives that is no question gets no answer, and does no harm."""
    server = (hcp.name_server.address, hcp.name_server.port)
    chance = random.Random(1)
    whole = question().to_wire()
    nonsense = [chance.randbytes(length) for length in range(300)]
    nonsense += [whole[:end] for end in range(len(whole))]
    nonsense += [dns.message.make_response(question()).to_wire()]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number, packet in enumerate(nonsense):
            sender.sendto(packet, server)
            if number % 20 == 0:  # more at once might be lost, and the question with it
                assert addresses(ask(hcp, question())) != []
    assert addresses(ask(hcp, question())) != []


def test_questions_it_does_not_know(hcp: HCP) -> None:
    """Other operations, and two questions at once, get the answer the RFC has for them."""
    update = question()
    update.set_opcode(dns.opcode.STATUS)
    assert ask(hcp, update).rcode() == dns.rcode.NOTIMP
    two = question()
    two.question += question("m." + DOMAIN).question
    assert ask(hcp, two).rcode() == dns.rcode.FORMERR


def test_questions_over_tcp_come_in_pieces(hcp: HCP) -> None:
    """Over TCP, however it is cut, several questions are answered; nonsense ends the connection."""
    server = (hcp.name_server.address, hcp.name_server.port)
    wire = question().to_wire()
    packed = len(wire).to_bytes(2, "big") + wire
    with socket.create_connection(server, timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in packed:
            connection.sendall(bytes([byte]))
        connection.sendall(packed)
        for _ in range(2):
            reply, _ = dns.query.receive_tcp(connection)
            assert len(addresses(reply)) == 4
        connection.sendall(b"\x00\x02xx")
        assert connection.recv(1) == b""


def test_an_answer_too_long_for_udp() -> None:
    """More nodes than fit into 512 bytes: the client is told to ask over TCP."""
    with HCP("hcp8.snomis.local", nodes=60, namespaces=[Namespace("n1", "m")]) as hcp:
        query = question("n1.m.hcp8.snomis.local")
        short = ask(hcp, query)
        assert short.flags & dns.flags.TC and short.answer == []
        assert len(addresses(ask(hcp, query, "tcp"))) == 60
        roomy = dns.message.make_query("n1.m.hcp8.snomis.local", "A", payload=4096)
        assert len(addresses(ask(hcp, roomy))) == 60
