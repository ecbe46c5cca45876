"""Which requests a fault happens to and how often; faults of ports and of the name server."""

import contextlib
import socket
import threading
import time

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from hcpsdk.testing import (
    HCP,
    Answer,
    Blackhole,
    DnsAnswers,
    DnsFails,
    DnsSilent,
    Fault,
    HangUp,
    Refuse,
    Reset,
    Stall,
)

from ..conftest import HOST, Http

PATIENCE = 0.3  # seconds after which something that will not come has not come


def ask(
    hcp: HCP, name: str = HOST, kind: str = "A", transport: str = "udp", patience: float = 20
) -> dns.message.Message:
    server = hcp.name_server
    function = dns.query.udp if transport == "udp" else dns.query.tcp
    question = dns.message.make_query(name, kind, use_edns=False)
    return function(question, server.address, timeout=patience, port=server.port)


def addresses(reply: dns.message.Message) -> set[str]:
    return {record.address for rrset in reply.answer for record in rrset}


def reaches(hcp: HCP, index: int, port: int = 80, patience: float = 20) -> bool:
    """Whether a node accepts a connection; raises `OSError` if it refuses or is silent."""
    address = hcp.nodes[index].address
    with socket.create_connection((address, port), timeout=patience):
        return True


def statuses(http: Http, *targets: str, method: str = "GET") -> list[int]:
    return [http(method, target).status for target in targets]


# Which, and how often


def test_once(hcp: HCP, http: Http) -> None:
    """A fault happens once, unless something else is said, and is then no longer pending."""
    fault = Answer(503)
    hcp.add_fault(fault)
    assert hcp.faults == [fault]
    assert statuses(http, "/rest", "/rest") == [503, 200]
    assert hcp.faults == []


def test_times(hcp: HCP, http: Http) -> None:
    """A fault happens as often as it says."""
    hcp.add_fault(Answer(503, times=2))
    assert statuses(http, *["/rest"] * 4) == [503, 503, 200, 200]


def test_always(hcp: HCP, http: Http) -> None:
    """``times=None`` goes on until the faults are cleared."""
    hcp.add_fault(Answer(503, times=None))
    assert statuses(http, *["/rest"] * 3) == [503] * 3
    hcp.clear_faults()
    assert hcp.faults == []
    assert statuses(http, "/rest") == [200]


def test_nth(hcp: HCP, http: Http) -> None:
    """``nth`` counts the matching requests since the fault was added."""
    hcp.add_fault(Answer(503, nth=3, times=2, path="/rest/"))
    targets = ["/rest/", "/rest", "/rest/", "/rest/", "/rest", "/rest/", "/rest/"]
    assert statuses(http, *targets) == [200, 200, 200, 503, 200, 503, 200]


def test_several(hcp: HCP, http: Http) -> None:
    """Each fault counts for itself; of those that are due, the one added first happens."""
    for fault in (Answer(500), Answer(503), Answer(403, nth=4)):
        hcp.add_fault(fault)
    assert statuses(http, *["/rest"] * 5) == [500, 503, 200, 403, 200]


@pytest.mark.parametrize(
    "fault, target, happens",
    [
        (Answer(503, method="GET"), "/rest", True),
        (Answer(503, method="PUT"), "/rest", False),
        (Answer(503, path="/rest"), "/rest?type=directory", True),
        (Answer(503, path="/rest/a b/€"), "/rest/a%20b/%E2%82%AC", True),
        (Answer(503, path="/rest"), "/rest/", False),
        (Answer(503, prefix="/rest/a"), "/rest/ab", True),
        (Answer(503, prefix="/rest/a"), "/rest/b", False),
        (Answer(503, node=0), "/rest", True),
        (Answer(503, node=3), "/rest", False),
    ],
    ids=repr,
)
def test_address(hcp: HCP, fault: Fault, target: str, happens: bool) -> None:
    """A fault happens to those requests whose node, method and path it names."""
    hcp.add_fault(fault)
    first = Http(hcp.nodes[0].address)
    answer = first("GET", target, headers={"Host": HOST})
    first.close()
    assert (answer.status == 503) is happens
    assert hcp.faults == ([] if happens else [fault])


def test_address_of_a_node(hcp: HCP) -> None:
    """A fault happens to requests at the address that it names."""
    hcp.add_fault(Answer(503, node=hcp.nodes[1].address))
    for number, status in ((0, 200), (1, 503)):
        client = Http(hcp.nodes[number].address)
        assert client("GET", "/rest", headers={"Host": HOST}).status == status
        client.close()


def test_reset_forgets(hcp: HCP, http: Http) -> None:
    """`HCP.reset()` forgets all faults."""
    for fault in (Answer(503), Refuse(), DnsFails()):
        hcp.add_fault(fault)
    hcp.reset()
    assert hcp.faults == []
    assert statuses(http, "/rest") == [200]


def test_stop_ends_stalled_connections() -> None:
    """An HCP with stalled connections stops at once, and they end; none survives a new start."""
    hcp = HCP("hcp3.snomis.local")
    hcp.start()
    hcp.add_fault(Stall("connection", times=None))
    with socket.create_connection((hcp.nodes[0].address, 443), timeout=20) as stalled:
        begun = time.monotonic()
        hcp.stop()
        with contextlib.suppress(ConnectionError):
            assert stalled.recv(1) == b""
        assert time.monotonic() - begun < 10  # less than anything that is waited for elsewhere
    hcp.start()
    assert hcp.faults == []
    hcp.stop()


def test_added_while_requests_run(hcp: HCP) -> None:
    """Faults can be added from any thread while others ask: each happens exactly once."""
    seen: list[int] = []

    def keep_asking() -> None:
        client = Http()
        while len(seen) < 50:
            status = client("GET", "/rest").status
            if status != 200:
                seen.append(status)
        client.close()

    threads = [threading.Thread(target=keep_asking) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(55):
        hcp.add_fault(Answer(503))
    for thread in threads:
        thread.join(60)
    assert len(seen) + len(hcp.faults) == 55


@pytest.mark.parametrize(
    "make",
    [
        lambda: HangUp("nowhere"),  # type: ignore[arg-type]
        lambda: HangUp("before answer", after=1),
        lambda: Reset("answer body", after=-1),
        lambda: Stall("connection", method="PUT"),
        lambda: Answer(100),
        lambda: Answer(503, nth=0),
        lambda: Answer(503, times=0),
        lambda: DnsAnswers(("somewhere",)),
    ],
)
def test_contradictions(make: object) -> None:
    """A fault that can never happen is refused with ValueError when it is made."""
    with pytest.raises(ValueError):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("node", [4, -1, "127.0.0.99", "n1"])
def test_unknown_node(hcp: HCP, node: int | str) -> None:
    """A fault for a node that does not exist is refused."""
    with pytest.raises(ValueError):
        hcp.add_fault(Refuse(node))
    assert hcp.faults == []


def test_repr() -> None:
    """A fault shows how it was made."""
    assert repr(HangUp("request body", after=5, nth=2)) == (
        "HangUp(at='request body', after=5, nth=2)"
    )
    assert repr(Blackhole(1)) == "Blackhole(node=1)"


# Ports


@pytest.mark.parametrize("port", [80, 443, 9090])
def test_refuse(hcp: HCP, port: int) -> None:
    """A node that refuses connections keeps those it has, and its place in the name server."""
    open_before = Http(hcp.nodes[1].address)
    assert open_before("GET", "/rest", headers={"Host": HOST}).status == 200
    hcp.add_fault(Refuse(1))
    with pytest.raises(ConnectionRefusedError):
        reaches(hcp, 1, port)
    assert reaches(hcp, 0, port)
    assert open_before("GET", "/rest", headers={"Host": HOST}).status == 200
    open_before.close()
    assert hcp.nodes[1].is_running
    assert hcp.nodes[1].address in addresses(ask(hcp))
    hcp.clear_faults()
    assert reaches(hcp, 1, port)


@pytest.mark.parametrize("port", [80, 443, 9090])
def test_blackhole(hcp: HCP, port: int) -> None:
    """Connecting to a node behind a blackhole never ends, however many try."""
    hcp.add_fault(Blackhole(2))
    for _ in range(3):
        with pytest.raises(TimeoutError):
            reaches(hcp, 2, port, PATIENCE)
    assert reaches(hcp, 1, port)
    assert hcp.nodes[2].address in addresses(ask(hcp))
    hcp.clear_faults()
    assert reaches(hcp, 2, port)
    assert hcp.nodes[2].connection_count <= 1


def test_from_one_to_the_other(hcp: HCP) -> None:
    """A node can be stopped, started and cleared in any order."""
    hcp.add_fault(Blackhole())
    hcp.nodes[0].stop()
    with pytest.raises(ConnectionRefusedError):
        reaches(hcp, 0)
    hcp.nodes[0].start()
    with pytest.raises(TimeoutError):
        reaches(hcp, 0, patience=PATIENCE)
    hcp.clear_faults()
    hcp.add_fault(Refuse(0))
    with pytest.raises(ConnectionRefusedError):
        reaches(hcp, 0)
    hcp.nodes[0].stop()
    hcp.clear_faults()
    with pytest.raises(ConnectionRefusedError):
        reaches(hcp, 0)
    hcp.nodes[0].start()
    assert reaches(hcp, 0)


# The name server


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("rcode", ["SERVFAIL", "NXDOMAIN", "REFUSED"])
def test_dns_fails(hcp: HCP, rcode: str, transport: str) -> None:
    """The name server can give any error; the question is in its list all the same."""
    hcp.add_fault(DnsFails(rcode))
    reply = ask(hcp, transport=transport)
    assert (dns.rcode.to_text(reply.rcode()), reply.answer) == (rcode, [])
    assert len(hcp.name_server.lookups) == 1
    assert len(addresses(ask(hcp, transport=transport))) == 4


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_dns_silent(hcp: HCP, transport: str) -> None:
    """The name server can leave a question without an answer."""
    hcp.add_fault(DnsSilent())
    with pytest.raises(dns.exception.Timeout):
        ask(hcp, transport=transport, patience=PATIENCE)
    assert len(addresses(ask(hcp, transport=transport))) == 4


@pytest.mark.parametrize("given", [(), ("127.0.0.99",), ("127.0.0.53", "192.0.2.1")])
def test_dns_answers(hcp: HCP, given: tuple[str, ...]) -> None:
    """The name server can answer with other addresses, or with none."""
    hcp.add_fault(DnsAnswers(given))
    reply = ask(hcp)
    assert (reply.rcode(), addresses(reply)) == (dns.rcode.NOERROR, set(given))
    assert len(addresses(ask(hcp))) == 4


def test_dns_address(hcp: HCP) -> None:
    """A fault of the name server can be meant for one name, and one kind of record."""
    hcp.add_fault(DnsFails("SERVFAIL", name="N2.m.hcp1.snomis.local", times=None))
    hcp.add_fault(DnsFails("REFUSED", kind="AAAA", nth=2))
    codes = [
        dns.rcode.to_text(ask(hcp, name, kind).rcode())
        for name in (HOST, "n2.m.hcp1.snomis.local")
        for kind in ("A", "AAAA")
    ]
    assert codes == ["NOERROR", "NOERROR", "SERVFAIL", "REFUSED"]
