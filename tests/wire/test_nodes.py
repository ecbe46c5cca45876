"""A pool of nodes, some of which die and come back."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import hcpsdk

NAME = "n1.m.hcp1.snomis.local"


@pytest.fixture
def connect_to(names: Any, authorization: Any) -> Iterator[Callable[..., hcpsdk.Connection]]:
    """A function that makes a Connection to a cluster by name; each request opens a socket,
    unless *idletime* says otherwise."""
    connections: list[hcpsdk.Connection] = []

    def make(nodes: Any, **options: Any) -> hcpsdk.Connection:
        names.set(NAME, nodes.addresses)
        target = hcpsdk.Target(NAME, authorization, nodes.port)
        connections.append(hcpsdk.Connection(target, **{"idletime": 0, "timeout": 20, **options}))
        return connections[-1]

    yield make
    for connection in connections:
        connection.close()


def take_turns(dialled: list[str], nodes: Any) -> list[int]:
    """Which nodes were dialled, by number, since this was last asked."""
    numbers = [nodes.addresses.index(address) for address in dialled]
    dialled.clear()
    return numbers


def test_all_nodes_are_used(cluster: Any, connect_to: Any) -> None:
    """The addresses are used round-robin [1.3, 6.1]: no node is left out (contract 2.3)."""
    nodes = cluster(3)
    connection = connect_to(nodes)
    for _ in range(9):
        assert connection.HEAD("/rest/a").status == 200
    assert nodes.connections() == [3, 3, 3]


def test_the_kept_connection_asks_for_no_address(
    cluster: Any, connect_to: Any, names: Any, clock: Any
) -> None:
    """Lazily: a Connection that keeps its socket needs no address, so nothing is looked up
    (contract 2.5)."""
    nodes = cluster(3)
    connection = connect_to(nodes, idletime=60)
    connection.HEAD("/rest/a")
    clock.advance(10_000)
    for _ in range(3):
        connection.HEAD("/rest/a")
    assert len(names.asked) == 1
    assert nodes.connections() == [0, 1, 0]


def test_renewal_leads_to_the_new_nodes(
    cluster: Any, connect_to: Any, names: Any, clock: Any
) -> None:
    """The pool is renewed on the next address asked for, once its time has passed
    (contract 2.5)."""
    nodes = cluster(4)
    connection = connect_to(nodes)
    names.set(NAME, nodes.addresses[3:])
    connection.HEAD("/rest/a")
    assert connection.address == nodes.addresses[1]
    clock.advance(301)
    connection.HEAD("/rest/a")
    assert connection.address == nodes.addresses[3]
    assert len(names.asked) == 2


def test_dead_node_costs_nothing(cluster: Any, connect_to: Any, dialled: list[str]) -> None:
    """A request goes to the next address when one cannot be connected to, also with `retries=0`
    (contract 2.6, 4.1)."""
    nodes = cluster(3)
    connection = connect_to(nodes)
    nodes.kill(1)
    assert connection.HEAD("/rest/a").status == 200
    assert connection.address == nodes.addresses[2]
    assert connection.attempts == 1
    assert take_turns(dialled, nodes) == [1, 2]


@pytest.mark.usefixtures("clock")
def test_dead_node_is_passed_over(cluster: Any, connect_to: Any, dialled: list[str]) -> None:
    """A node that failed to connect is passed over while another one is left: it is not even
    tried (contract 2.6)."""
    nodes = cluster(3)
    connection = connect_to(nodes)
    nodes.kill(1)
    for _ in range(7):
        assert connection.HEAD("/rest/a").status == 200
    assert take_turns(dialled, nodes) == [1, 2, 0, 2, 0, 2, 0, 2]


def test_node_that_came_back(cluster: Any, connect_to: Any, dialled: list[str], clock: Any) -> None:
    """After 30 seconds a node that came back is used in its turn (contract 2.6)."""
    nodes = cluster(3)
    connection = connect_to(nodes)
    nodes.kill(1)
    connection.HEAD("/rest/a")
    nodes.revive(1)
    clock.advance(29.9)
    for _ in range(4):
        connection.HEAD("/rest/a")
    assert 1 not in take_turns(dialled, nodes)[1:]
    clock.advance(0.2)
    for _ in range(6):
        connection.HEAD("/rest/a")
    assert sorted(take_turns(dialled, nodes)) == [0, 0, 1, 1, 2, 2]


def test_node_that_did_not_come_back(
    cluster: Any, connect_to: Any, dialled: list[str], clock: Any
) -> None:
    """A node that is still dead after 30 seconds costs one try, and is passed over again
    (contract 2.6)."""
    nodes = cluster(3)
    connection = connect_to(nodes)
    nodes.kill(1)
    connection.HEAD("/rest/a")
    for _ in range(3):
        take_turns(dialled, nodes)
        clock.advance(30.1)
        for _ in range(6):
            assert connection.HEAD("/rest/a").status == 200
        assert take_turns(dialled, nodes).count(1) == 1


def test_all_nodes_dead(cluster: Any, connect_to: Any, dialled: list[str], clock: Any) -> None:
    """If all failed, they are tried again: each once per request (contract 2.6, 4.1)."""
    nodes = cluster(3)
    connection = connect_to(nodes)
    nodes.kill(0, 1, 2)
    for _ in range(3):
        with pytest.raises(hcpsdk.HcpsdkError) as caught:
            connection.HEAD("/rest/a")
        assert type(caught.value) is hcpsdk.HcpsdkCantConnectError
        assert isinstance(caught.value.__cause__, ConnectionRefusedError)
        assert connection.attempts == 0
        assert sorted(take_turns(dialled, nodes)) == [0, 1, 2]
    nodes.revive(2)
    assert connection.HEAD("/rest/a").status == 200
    assert connection.address == nodes.addresses[2]


@pytest.mark.usefixtures("clock")
def test_passed_over_nodes_are_the_last_resort(
    cluster: Any, connect_to: Any, dialled: list[str]
) -> None:
    """A node is passed over only while another one is left: when the others fail, it serves,
    within its 30 seconds too (contract 2.6)."""
    nodes = cluster(3)
    connection = connect_to(nodes)
    nodes.kill(1)
    connection.HEAD("/rest/a")
    nodes.revive(1)
    nodes.kill(0, 2)
    take_turns(dialled, nodes)
    assert connection.HEAD("/rest/a").status == 200
    assert connection.address == nodes.addresses[1]
    assert take_turns(dialled, nodes) == [0, 2, 1]
    assert connection.HEAD("/rest/a").status == 200
    assert take_turns(dialled, nodes) == [1]  # a node that served is not passed over


@pytest.mark.usefixtures("clock")
def test_two_connections_share_what_is_known(
    cluster: Any, connect_to: Any, dialled: list[str]
) -> None:
    """The pool is the Target's: what one Connection learned of a node, another one need not learn
    (contract 2.6)."""
    nodes = cluster(3)
    first = connect_to(nodes)
    nodes.kill(1)
    first.HEAD("/rest/a")
    with hcpsdk.Connection(first._target, idletime=0) as second:
        for _ in range(4):
            second.HEAD("/rest/a")
    assert take_turns(dialled, nodes).count(1) == 1


# Renewal, and look-ups that fail


def test_renewal_after_a_failed_connection(
    cluster: Any, connect_to: Any, names: Any, clock: Any
) -> None:
    """After a failed connection the pool is renewed; so a system that moved is found
    (manual 1.3) (contract 2.5, 4.1)."""
    nodes = cluster(4)
    connection = connect_to(nodes, retries=1)
    connection._target._circle.refresh()
    nodes.kill(0, 1, 2)
    names.set(NAME, nodes.addresses[3:])
    assert connection.HEAD("/rest/a").status == 200
    assert connection.address == nodes.addresses[3]
    assert connection._target.addresses == nodes.addresses[3:]


def test_renewal_after_failures_has_its_limit(
    cluster: Any, connect_to: Any, names: Any, clock: Any
) -> None:
    """At most one renewal in 5 seconds, however many nodes fail (contract 2.5)."""
    nodes = cluster(3)
    connection = connect_to(nodes, retries=2)
    nodes.kill(0, 1, 2)
    names.asked.clear()
    for _ in range(3):
        with pytest.raises(hcpsdk.HcpsdkError):
            connection.HEAD("/rest/a")
    assert len(names.asked) == 1
    clock.advance(5.1)
    with pytest.raises(hcpsdk.HcpsdkError):
        connection.HEAD("/rest/a")
    assert len(names.asked) == 2


@pytest.mark.parametrize("seconds", [0, 301])
def test_a_look_up_that_fails_fails_no_request(
    cluster: Any, connect_to: Any, names: Any, clock: Any, seconds: float
) -> None:
    """A refresh that the library does by itself, after a failure or by time, never fails a
    request that could still be served from the known addresses (contract 2.4)."""
    nodes = cluster(3)
    connection = connect_to(nodes)
    names.fail(NAME)
    nodes.kill(1)
    for _ in range(4):
        clock.advance(seconds)
        assert connection.HEAD("/rest/a").status == 200
    assert len(names.asked) > 1
    assert connection._target.addresses == nodes.addresses


def test_no_node_and_no_name(cluster: Any, connect_to: Any, names: Any, clock: Any) -> None:
    """With all nodes dead and the look-up failing, the caller learns of the nodes; when they come
    back, the known addresses serve (contract 2.4, 1.4)."""
    nodes = cluster(2)
    connection = connect_to(nodes, retries=1)
    names.fail(NAME)
    nodes.kill(0, 1)
    clock.advance(301)
    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        connection.HEAD("/rest/a")
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    nodes.revive(0)
    assert connection.HEAD("/rest/a").status == 200


def test_renewed_pool_without_the_node_of_the_kept_socket(
    cluster: Any, connect_to: Any, names: Any, clock: Any
) -> None:
    """A renewal in the middle of a request disturbs neither it nor the kept socket
    (contract 2.4, 2.5)."""
    nodes = cluster(3)
    connection = connect_to(nodes, idletime=60)
    connection.HEAD("/rest/a")
    names.set(NAME, nodes.addresses[2:])
    connection._target._circle.refresh()
    assert connection.HEAD("/rest/a").status == 200
    assert connection.address == nodes.addresses[1]
    nodes.kill(1)
    assert connection.HEAD("/rest/a").status == 200
    assert connection.address == nodes.addresses[2]


# Addresses as names


def test_host_header(cluster: Any, connect_to: Any, raw_server: Any, authorization: Any) -> None:
    """What is sent as Host is the name, whichever node is asked (contract 2.2)."""
    hosts: list[list[str]] = []

    def note(peer: Any) -> None:
        for request in peer.each_request():
            hosts.append(request.headers("Host"))
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    connection = connect_to(cluster(2, note))
    connection.HEAD("/rest/a")
    connection.HEAD("/rest/a")
    assert hosts == [[NAME], [NAME]]


@pytest.mark.parametrize("name", ["::1", "[::1]"])
def test_ipv6_address(raw_server: Any, authorization: Any, name: str) -> None:
    """An IPv6 address resolves to itself, and stands in brackets in the Host header
    (contract 2.2)."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("this machine has no IPv6")

    def serve(peer: Any) -> None:
        for _ in peer.each_request():
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    server = raw_server(serve, "::1")
    with hcpsdk.Connection(hcpsdk.Target(name, authorization, server.port)) as connection:
        assert connection.HEAD("/rest/a").status == 200
        assert connection.address == "::1"
    assert server.requests[0].headers("Host") == ["[::1]"]
