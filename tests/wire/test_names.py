"""Look-ups in a real name server, in its right mind and out of it."""

from collections.abc import Callable
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import pytest

import hcpsdk
from hcpsdk import ips

NAME = "n1.m.hcp1.snomis.local"
NODES = ["127.0.1.3", "127.0.1.1", "127.0.1.2"]


@pytest.fixture
def impatient(name_server: Any) -> Any:
    """The name server; who asks it waits but a moment."""
    dns.resolver.default_resolver.lifetime = 0.3  # type: ignore[union-attr]
    return name_server


# 2.2 query()


@pytest.mark.parametrize("question", [NAME, ips.Request(NAME), ips.Request(NAME, cache=False)])
def test_a_records(name_server: Any, question: Any) -> None:
    """`cache=False` asks dnspython's default resolver, for a name or a Request; A records, their
    order kept (contract 2.2)."""
    name_server.set(NAME, "A", *NODES)
    name_server.set(NAME, "AAAA", "2001:db8::1")
    response = ips.query(question)
    assert response.ips == NODES
    assert response.raised == ""
    assert (response.fqdn, response.cache) == (NAME, False)
    assert name_server.asked == [f"{NAME} A udp"]


def test_each_query_asks_again(name_server: Any) -> None:
    """`cache=False` by-passes any cache (manual 6.2) (contract 2.2)."""
    name_server.set(NAME, "A", NODES[0])
    assert ips.query(NAME).ips == NODES[:1]
    name_server.set(NAME, "A", NODES[1])
    assert ips.query(NAME).ips == NODES[1:2]
    assert len(name_server.asked) == 2


def test_aaaa_records(name_server: Any) -> None:
    """AAAA records when there are no A records (contract 2.2)."""
    name_server.set(NAME, "AAAA", "2001:db8::2", "2001:db8::1")
    response = ips.query(NAME)
    assert response.ips == ["2001:db8::2", "2001:db8::1"]
    assert response.raised == ""
    assert name_server.asked == [f"{NAME} A udp", f"{NAME} AAAA udp"]


@pytest.mark.parametrize("kind", ["A", "AAAA"])
def test_aliases(name_server: Any, kind: str) -> None:
    """A name that is an alias has the addresses of what it stands for (contract 2.2)."""
    address = {"A": "127.0.1.1", "AAAA": "2001:db8::1"}[kind]
    name_server.set("www.example", "CNAME", "alias.example.")
    name_server.set("alias.example", "CNAME", f"{NAME}.")
    name_server.set(NAME, kind, address)
    response = ips.query("www.example")
    assert response.ips == [address]
    assert response.fqdn == "www.example"


def test_more_nodes_than_a_datagram_holds(name_server: Any) -> None:
    """An answer that is too long for UDP is fetched over TCP, all of it (contract 2.2)."""
    nodes = [f"127.0.2.{number}" for number in range(1, 81)]
    name_server.set(NAME, "A", *nodes)
    assert ips.query(NAME).ips == nodes
    assert name_server.asked == [f"{NAME} A udp", f"{NAME} A tcp"]


def refused(question: dns.message.Message) -> dns.message.Message:
    answer = dns.message.make_response(question)
    answer.set_rcode(dns.rcode.REFUSED)
    return answer


def servfail(question: dns.message.Message) -> dns.message.Message:
    answer = dns.message.make_response(question)
    answer.set_rcode(dns.rcode.SERVFAIL)
    return answer


def silent(question: dns.message.Message) -> None:
    return None


def garbage(question: dns.message.Message) -> bytes:
    return question.to_wire()[:2] + b"\x84\x00 this is no answer of any kind"


def empty_header(question: dns.message.Message) -> bytes:
    return question.to_wire()[:5]


def wrong_id(question: dns.message.Message) -> bytes:
    wire = dns.message.make_response(question).to_wire()
    return bytes([wire[0] ^ 255]) + wire[1:]


def wrong_question(question: dns.message.Message) -> dns.message.Message:
    answer = dns.message.make_response(dns.message.make_query("other.example", "A"))
    answer.id = question.id
    return answer


def short_address(question: dns.message.Message) -> bytes:
    """An A record of three bytes."""
    answer = dns.message.make_response(question).to_wire()
    record = b"\xc0\x0c" + b"\x00\x01\x00\x01" + b"\x00\x00\x00\x3c" + b"\x00\x03" + b"\x7f\x00\x01"
    return answer[:6] + b"\x00\x01" + answer[8:] + record


def pointer_loop(question: dns.message.Message) -> bytes:
    """A name that is compressed into itself."""
    answer = dns.message.make_response(question).to_wire()
    here = len(answer)
    record = bytes([0xC0 | here >> 8, here & 255]) + b"\x00\x01\x00\x01" + bytes(6)
    return answer[:6] + b"\x00\x01" + answer[8:] + record


def an_echo(question: dns.message.Message) -> bytes:
    return question.to_wire()


@pytest.mark.parametrize(
    "answerer",
    [
        refused,
        servfail,
        silent,
        garbage,
        empty_header,
        wrong_id,
        wrong_question,
        short_address,
        pointer_loop,
        an_echo,
    ],
)
def test_a_name_server_out_of_its_mind(impatient: Any, answerer: Callable[..., Any]) -> None:
    """Whatever a name server says, or does not, query() does not raise; `raised` says what
    happened in words that start with `Err: `, and `ips` is empty (contract 2.2)."""
    impatient.answerer = answerer
    response = ips.query(NAME)
    assert response.ips == []
    assert response.raised.startswith("Err: ")
    assert len(response.raised) > len("Err: ")
    assert impatient.asked


def test_not_found(name_server: Any) -> None:
    """Not found: `Err: `, in words that name the name (contract 2.2)."""
    response = ips.query(NAME)
    assert response.ips == []
    assert response.raised.startswith("Err: ")
    assert NAME in response.raised


def test_no_addresses(name_server: Any) -> None:
    """A name without A and AAAA records: `Err: ` (contract 2.2)."""
    name_server.set(NAME, "TXT", '"here be dragons"')
    response = ips.query(NAME)
    assert response.ips == []
    assert response.raised.startswith("Err: ")
    assert NAME in response.raised


def test_loop_of_aliases(impatient: Any) -> None:
    """Aliases that stand for each other: `Err: ` (contract 2.2)."""
    impatient.set(NAME, "CNAME", "other.example.")
    impatient.set("other.example", "CNAME", f"{NAME}.")
    response = ips.query(NAME)
    assert response.ips == []
    assert response.raised.startswith("Err: ")


@pytest.mark.usefixtures("name_server")
def test_nobody_listens() -> None:
    """No name server at all: `Err: ` (contract 2.2)."""
    resolver = dns.resolver.default_resolver
    assert resolver is not None
    resolver.nameservers = ["127.0.0.254"]
    resolver.lifetime = 0.3
    response = ips.query(NAME)
    assert response.ips == []
    assert response.raised.startswith("Err: ")


@pytest.mark.parametrize("answerer", [servfail, silent])
def test_target_without_a_name(
    impatient: Any, authorization: Any, answerer: Callable[..., Any]
) -> None:
    """`Target()` resolves its name at once; failure raises `ips.IpsError`, with the resolver's
    exception under it (contract 2.1, 1.4)."""
    impatient.answerer = answerer
    with pytest.raises(ips.IpsError) as caught:
        hcpsdk.Target(NAME, authorization)
    assert "Err: " in caught.value.reason
    assert isinstance(caught.value.__cause__, dns.exception.DNSException)


def test_resolver_of_the_application(name_server: Any, monkeypatch: Any) -> None:
    """`dns.resolver.get_default_resolver()` is asked at each look-up, so an application can point
    it elsewhere, early or late (contract 2.2)."""
    name_server.set(NAME, "A", *NODES)
    circle = ips.Circle(NAME)
    elsewhere = dns.resolver.Resolver(configure=False)
    elsewhere.nameservers = ["127.0.0.254"]
    elsewhere.lifetime = 0.3
    monkeypatch.setattr(dns.resolver, "default_resolver", elsewhere)
    with pytest.raises(ips.IpsError):
        circle.refresh()
    assert len(name_server.asked) == 1


# 2.5 The answer's time to live


def test_ttl(name_server: Any, clock: Any) -> None:
    """The pool is renewed once the answer's TTL has passed, on the next address asked for
    (contract 2.5)."""
    name_server.set(NAME, "A", *NODES, ttl=120)
    circle = ips.Circle(NAME)
    name_server.set(NAME, "A", "127.0.1.9", ttl=120)
    clock.advance(119)
    assert circle._addr() in NODES
    assert len(name_server.asked) == 1
    clock.advance(2)
    assert circle._addr() == "127.0.1.9"
    assert len(name_server.asked) == 2


def test_ttl_of_an_alias(name_server: Any, clock: Any) -> None:
    """The answer holds no longer than each of its records (contract 2.5; RFC 2181, 5.2)."""
    name_server.set("www.example", "CNAME", f"{NAME}.", ttl=60)
    name_server.set(NAME, "A", *NODES, ttl=3600)
    circle = ips.Circle("www.example")
    name_server.set("www.example", "CNAME", "hcp2.example.", ttl=60)
    name_server.set("hcp2.example", "A", "127.0.1.9")
    clock.advance(61)
    assert circle._addr() == "127.0.1.9"


def test_ttl_of_zero(name_server: Any, clock: Any) -> None:
    """Never more often than once in 30 seconds (contract 2.5)."""
    name_server.set(NAME, "A", *NODES, ttl=0)
    circle = ips.Circle(NAME)
    for _ in range(20):
        circle._addr()
    clock.advance(29)
    circle._addr()
    assert len(name_server.asked) == 1
    clock.advance(2)
    for _ in range(20):
        circle._addr()
    assert len(name_server.asked) == 2


def test_the_systems_resolver(monkeypatch: Any, name_server: Any, authorization: Any) -> None:
    """`cache=True` asks the operating system, and no name server (contract 2.2)."""
    target = hcpsdk.Target("localhost", authorization, dnscache=True)
    assert target.addresses in (["127.0.0.1"], ["::1"])
    assert name_server.asked == []


# All together


def test_from_name_to_answer(
    name_server: Any, cluster: Any, authorization: Any, dialled: list[str]
) -> None:
    """A name, a look-up, a pool, a request at its second address: the first was taken by Target()
    itself (manual 10.1.2) (contract 2.1, 2.3)."""
    nodes = cluster(3)
    name_server.set(NAME, "A", *nodes.addresses)
    target = hcpsdk.Target(NAME, authorization, nodes.port)
    with hcpsdk.Connection(target) as connection:
        assert connection.GET("/rest/a").status == 200
        assert connection.address == nodes.addresses[1]
    assert dialled == [nodes.addresses[1]]
    assert nodes.connections() == [0, 1, 0]
