"""Names and ports are redirected inside the `with` statement, and nothing else is changed."""

import asyncio
import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from typing import Any

import dns.resolver
import pytest

from hcpsdk.testing import HCP

HOST = "n1.m.hcp1.snomis.local"
NODES = {f"127.0.0.{number}" for number in range(52, 56)}
MISSING = object()

REPLACED = [
    (dns.resolver, "default_resolver"),
    (socket, "getaddrinfo"),
    (socket, "gethostbyname"),
    (socket, "gethostbyname_ex"),
    (socket.socket, "connect"),
    (socket.socket, "connect_ex"),
]


def world() -> list[Any]:
    """Everything that could have been changed, found in a way that tells absence from equality."""
    found = [vars(owner).get(name, MISSING) for owner, name in REPLACED]
    return [*found, set(vars(socket)), set(vars(socket.socket)), set(vars(dns.resolver))]


@pytest.fixture
def unchanged() -> Iterator[None]:
    """The test leaves everything as it was, the very same objects."""
    before = world()
    yield
    after = world()
    assert all(a is b or a == b for a, b in zip(before, after, strict=True))


def status(host: str, port: int = 80) -> int:
    with contextlib.closing(http.client.HTTPConnection(host, port, timeout=20)) as connection:
        connection.request("GET", "/rest", headers={"Host": HOST})
        return connection.getresponse().status


def resolves(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, 80))
    except socket.gaierror:
        return False


def test_both_kinds_of_resolution(unchanged: None) -> None:
    """dnspython's default resolver and the system's interface give the same nodes."""
    with HCP():
        answer = dns.resolver.resolve(HOST, "A")
        assert {record.address for record in answer} == NODES
        assert answer.rrset is not None and answer.rrset.ttl == 60
        again = dns.resolver.get_default_resolver().resolve(HOST + ".", lifetime=5)
        assert {record.address for record in again} == NODES
        found = socket.getaddrinfo(HOST.upper(), 443, type=socket.SOCK_STREAM)
        assert {entry[4] for entry in found} == {(address, 443) for address in NODES}
        assert {entry[:3] for entry in found} == {
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        }
        assert socket.gethostbyname(HOST) in NODES
        assert set(socket.gethostbyname_ex(HOST)[2]) == NODES
        assert socket.getaddrinfo(HOST.encode(), "https", type=socket.SOCK_STREAM)[0][4][1] == 443
    assert not resolves(HOST)


def test_what_does_not_exist(unchanged: None) -> None:
    """Unknown names of the domain fail as names fail; so does IPv6."""
    unknown = "n9." + HOST
    with HCP() as hcp:
        with pytest.raises(dns.resolver.NXDOMAIN):
            dns.resolver.resolve(unknown)
        with pytest.raises(dns.resolver.NoAnswer):
            dns.resolver.resolve(HOST, "AAAA")
        for name, family in ((unknown, 0), (HOST, socket.AF_INET6)):
            with pytest.raises(socket.gaierror) as caught:
                socket.getaddrinfo(name, 443, family)
            assert caught.value.errno == socket.EAI_NONAME
        for node in hcp.nodes:
            node.stop()
        with pytest.raises(dns.resolver.NoNameservers):
            dns.resolver.resolve(HOST)
        with pytest.raises(socket.gaierror) as caught:
            socket.getaddrinfo(HOST, 443)
        assert caught.value.errno == socket.EAI_AGAIN


def test_ports_are_redirected(unchanged: None) -> None:
    """However a socket is connected, a node's public port is reached."""
    with HCP() as hcp:
        node = hcp.nodes[1]
        assert status(HOST) == status(node.address) == 403
        for port in (80, 443, 9090):
            with socket.create_connection((node.address, port), timeout=20) as connection:
                assert connection.getpeername() == (node.address, node.ports[port])
            with socket.socket() as connection:
                connection.connect((HOST, port))
            with socket.socket() as connection:
                assert connection.connect_ex((node.address, port)) == 0
        assert status(node.address, node.ports[80]) == 403  # the real port works as well
        assert {request.port for request in hcp.requests} == {80}


def test_asyncio_is_redirected(unchanged: None) -> None:
    """Programs that use asyncio reach the nodes in the same way."""

    async def exchange() -> bytes:
        reader, writer = await asyncio.open_connection(HOST, 80)
        writer.write(f"GET /rest HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return line

    with HCP():
        assert asyncio.run(exchange()).startswith(b"HTTP/1.1 403 ")


def test_everything_else_goes_where_it_went(unchanged: None) -> None:
    """Other names, addresses and ports are none of our business."""
    outside = socket.getaddrinfo("localhost", 80)
    with socket.create_server(("127.0.0.1", 0)) as server, HCP():
        assert socket.getaddrinfo("localhost", 80) == outside
        assert socket.getaddrinfo(None, 80) == socket.getaddrinfo(None, 80, 0, 0, 0, 0)
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(HOST, 80, flags=socket.AI_NUMERICHOST)
        with socket.create_connection(server.getsockname(), timeout=20) as connection:
            assert connection.getpeername() == server.getsockname()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.52", 8000), timeout=20)
        if hasattr(socket, "AF_UNIX"):
            with socket.socket(socket.AF_UNIX) as connection, pytest.raises(FileNotFoundError):
                connection.connect("/nowhere/at/all")


def test_the_resolver_that_was_there_is_asked(
    unchanged: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of other domains are looked up by the resolver that was the default before."""

    class Before(dns.resolver.Resolver):
        def resolve(self, qname: Any, *args: Any, **kwargs: Any) -> Any:
            return qname, args, kwargs

    before = Before(configure=False)
    with monkeypatch.context() as patch:
        patch.setattr(dns.resolver, "default_resolver", before)
        with HCP():
            asked: Any = dns.resolver.get_default_resolver().resolve("example.com", "A", lifetime=3)
            assert asked == ("example.com", ("A",), {"lifetime": 3})
        assert dns.resolver.default_resolver is before


@pytest.mark.parametrize("is_nested", [True, False])
def test_two_in_any_order(unchanged: None, is_nested: bool) -> None:
    """Each HCP is reached as long as it runs, whichever of two ends first."""
    one, two = HCP(), HCP("hcp2.snomis.local")
    one.start()
    two.start()
    assert status(HOST) == 403 and resolves("n1.m.hcp2.snomis.local")
    first, second = (two, one) if is_nested else (one, two)
    first.stop()
    assert not resolves(f"n1.m.{first.domain}")
    assert resolves(f"n1.m.{second.domain}")
    second.stop()
    assert not resolves(f"n1.m.{second.domain}")


def test_the_latest_of_two_with_one_name_is_found(unchanged: None) -> None:
    """A second HCP of the same name hides the first until it ends."""
    with HCP() as outer:
        with HCP() as inner:
            assert status(HOST) == 403
            assert (len(outer.requests), len(inner.requests)) == (0, 1)
        assert status(HOST) == 403
        assert (len(outer.requests), len(inner.requests)) == (1, 1)


def test_whoever_kept_a_replacement(unchanged: None) -> None:
    """A function kept from inside the `with` statement does afterwards what the original does."""
    with HCP():
        getaddrinfo, resolver = socket.getaddrinfo, dns.resolver.get_default_resolver()
        connect = socket.socket.connect
    assert getaddrinfo("localhost", 80) == socket.getaddrinfo("localhost", 80)
    assert isinstance(resolver, dns.resolver.Resolver)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as connection:
        connect(connection, server.getsockname())


def test_the_end_by_an_exception(unchanged: None) -> None:
    """An exception ends the redirect like anything else."""
    with pytest.raises(KeyError), HCP():
        raise KeyError


def test_many_threads_see_the_same(unchanged: None) -> None:
    """Inside, all threads of the process are redirected."""
    found: list[int] = []
    with HCP():
        threads = [threading.Thread(target=lambda: found.append(status(HOST))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [403] * 20
