"""Look-ups by the operating system, and the pool of addresses."""

import collections
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from typing import Any

import dns.resolver
import pytest

from hcpsdk import ips

NAME = "n1.m.hcp1.snomis.local"
NODES = ["127.0.1.1", "127.0.1.2", "127.0.1.3"]
PATIENCE = 30.0  # seconds after which a thread that does not come back has failed the test


def v4(address: str) -> tuple[Any, ...]:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))


def v6(address: str) -> tuple[Any, ...]:
    return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, 0, 0, 0))


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """A function that says what `socket.getaddrinfo` finds, or raises; gives the names asked."""

    def answer(*found: Any) -> list[str]:
        asked: list[str] = []

        def getaddrinfo(host: str, port: object, *args: object, **kwargs: object) -> list[Any]:
            asked.append(host)
            if isinstance(found[0], BaseException):
                raise found[0]
            return list(found)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return answer


@pytest.fixture
def no_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking dnspython fails the test."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the name servers were asked")

    monkeypatch.setattr(dns.resolver, "get_default_resolver", refuse)
    monkeypatch.setattr(dns.resolver.Resolver, "resolve", refuse)


# 2.2 query()


@pytest.mark.usefixtures("no_name_server")
@pytest.mark.parametrize(
    "ask", [lambda: ips.query(NAME, cache=True), lambda: ips.query(ips.Request(NAME, cache=True))]
)
def test_query_of_the_system(system: Any, ask: Callable[[], ips.Response]) -> None:
    """`cache=True` asks `socket.getaddrinfo()` and nobody else, by a name or a Request
    (contract 2.2)."""
    asked = system(v4("127.0.1.2"), v4("127.0.1.1"))
    response = ask()
    assert asked == [NAME]
    assert response.ips == ["127.0.1.2", "127.0.1.1"]
    assert response.raised == ""
    assert response.fqdn == NAME
    assert response.cache is True


def test_query_does_not_cache_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """`cache` defaults to False, in query() and in Request: dnspython's default resolver is
    asked, wherever an application points it (contract 2.2)."""

    class Asked(Exception):
        pass

    class Resolver(dns.resolver.Resolver):
        asked: list[str] = []  # noqa: RUF012

        def resolve(self, qname: Any, *args: Any, **kwargs: Any) -> Any:
            self.asked.append(str(qname))
            raise dns.resolver.NXDOMAIN

    monkeypatch.setattr(dns.resolver, "default_resolver", Resolver(configure=False))
    for question in (NAME, ips.Request(NAME), ips.Request(NAME, False)):
        Resolver.asked.clear()
        response = ips.query(question)
        assert Resolver.asked == [NAME]
        assert response.cache is False
        assert response.fqdn == NAME
        assert response.raised.startswith("Err: ")


def test_query_without_a_resolver_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a resolver configuration is an `Err: ` too: query() never raises
    (contract 2.2)."""

    def unconfigured() -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "get_default_resolver", unconfigured)
    response = ips.query(NAME)
    assert response.raised.startswith("Err: ")
    assert response.ips == []


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("192.168.0.53", "192.168.0.53"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("2001:db8::53", "2001:db8::53"),
    ],
)
@pytest.mark.usefixtures("no_name_server")
def test_query_of_an_address(cache: bool, name: str, address: str) -> None:
    """An IP address as "name" resolves to itself; nobody is asked (contract 2.2)."""
    response = ips.query(name, cache)
    assert response.ips == [address]
    assert response.raised == ""


@pytest.mark.parametrize("name", ["[127.0.0.1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "[[::1]]"])
def test_query_of_what_only_resembles_an_address(system: Any, name: str) -> None:
    """Only an IP address resolves to itself (contract 2.2)."""
    asked = system(v4("127.0.1.1"))
    assert ips.query(name, cache=True).ips == ["127.0.1.1"]
    assert asked == [name]


def test_duplicates(system: Any) -> None:
    """Duplicates are dropped, order kept (contract 2.2)."""
    system(*(v4(f"127.0.1.{number}") for number in (3, 1, 3, 2, 1, 3)))
    assert ips.query(NAME, cache=True).ips == ["127.0.1.3", "127.0.1.1", "127.0.1.2"]


def test_a_records_are_preferred(system: Any) -> None:
    """A records, where there are any, wherever they stand (contract 2.2)."""
    system(v6("2001:db8::1"), v4("127.0.1.2"), v6("2001:db8::2"), v4("127.0.1.1"))
    assert ips.query(NAME, cache=True).ips == ["127.0.1.2", "127.0.1.1"]


def test_aaaa_records(system: Any) -> None:
    """AAAA records when there are no A records (contract 2.2)."""
    system(v6("2001:db8::2"), v6("2001:db8::1"), v6("2001:db8::2"))
    assert ips.query(NAME, cache=True).ips == ["2001:db8::2", "2001:db8::1"]


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        TimeoutError("timed out"),
        OSError(24, "Too many open files"),
        UnicodeError("label empty or too long"),
        ValueError("embedded null character"),
        OSError(),
    ],
)
def test_query_never_raises(system: Any, error: Exception) -> None:
    """query() never raises: `raised` says what happened in words that start with `Err: `, and
    `ips` is empty (contract 2.2)."""
    system(error)
    response = ips.query(NAME, cache=True)
    assert response.ips == []
    assert response.raised.startswith("Err: ")
    assert len(response.raised) > len("Err: ")
    assert str(error) in response.raised


def test_query_of_a_name_without_addresses(system: Any) -> None:
    """No answer: an `Err: ` (contract 2.2)."""
    system((socket.AF_UNIX, socket.SOCK_STREAM, 0, "", "/tmp/socket"))
    response = ips.query(NAME, cache=True)
    assert (response.ips, response.raised[:5]) == ([], "Err: ")


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        None,
        5,
        b"a.example",
        ["a.example"],
        ips.Request(None),  # type: ignore[arg-type]
        ips.Request(5),  # type: ignore[arg-type]
        "a" * 64 + ".example",
        "a..example",
        ".".join(["abcdefgh"] * 40),
        "a\udc80.example",
        "\x00.example",
        "ä" * 80,
        "\\",
        "\\300",
        "xn--\u200d.example",
    ],
)
def test_query_of_what_is_no_name(name: Any, cache: bool, monkeypatch: Any) -> None:
    """query() never raises, whatever it is given (contract 2.2)."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = []
    monkeypatch.setattr(dns.resolver, "default_resolver", resolver)

    def getaddrinfo(host: str | bytes, *args: object, **kwargs: object) -> None:
        # What the real one does with names before it asks anybody.
        if not isinstance(host, bytes):
            host.encode("idna")
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    response = ips.query(name, cache)
    assert response.ips == []
    assert response.raised.startswith("Err: ")
    assert len(response.raised) > len("Err: ")


def test_query_without_descriptors() -> None:
    """query() does not raise if the process has no file descriptor left, not even for the import
    of the resolver (contract 2.2)."""
    code = """
        import os, resource
        import hcpsdk
        from hcpsdk import ips
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
        print(ips.query("nowhere.invalid").raised[:5], ips.query("x", cache=True).raised[:5])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("Err:  Err: \n", "")


# 2.3 Circle


def test_circle_looks_up_at_once(names: Any) -> None:
    """Circle looks its name up through the module's `query()`, with the resolver that was chosen
    (contract 2.3)."""
    names.set(NAME, NODES)
    circle = ips.Circle(NAME)
    cached = ips.Circle(NAME, 443, True)
    assert names.asked == [(NAME, False), (NAME, True)]
    assert circle._addresses == cached._addresses == NODES


def test_circle_that_cannot_be_made(names: Any) -> None:
    """A name that does not resolve raises IpsError with the reason (contract 2.1)."""
    names.fail(NAME, "Err: the name servers are on strike")
    with pytest.raises(ips.IpsError, match="the name servers are on strike") as caught:
        ips.Circle(NAME)
    assert NAME in caught.value.reason


def test_round_robin(names: Any) -> None:
    """`_addr()` gives the next address, round-robin from the first (manual 6.1) (contract 2.3)."""
    names.set(NAME, NODES)
    circle = ips.Circle(NAME)
    assert [circle._addr() for _ in range(7)] == [*NODES, *NODES, NODES[0]]
    assert names.asked == [(NAME, False)]


def test_addresses_are_a_copy(names: Any) -> None:
    """`_addresses` is a copy of the pool (contract 2.3)."""
    names.set(NAME, NODES)
    circle = ips.Circle(NAME)
    circle._addresses.reverse()
    circle._addresses.clear()
    assert type(circle._addresses) is list
    assert circle._addresses == NODES
    assert circle._addr() == NODES[0]


def test_round_robin_goes_on_after_a_renewal(names: Any) -> None:
    """A renewed pool is used from the address after the last one, so that no node gets more than
    its share; name servers rotate their answers (contract 2.3)."""
    names.set(NAME, NODES)
    circle = ips.Circle(NAME)
    counts: collections.Counter[str] = collections.Counter()
    for turn in range(30):
        names.set(NAME, NODES[turn % 3 :] + NODES[: turn % 3])
        circle.refresh()
        counts[circle._addr()] += 1
    assert set(counts.values()) == {10}


def run_threads(count: int, work: Callable[[], object]) -> None:
    """Run *work* in *count* threads that start together; raise what one of them raised."""
    barrier = threading.Barrier(count)
    errors: list[BaseException] = []

    def body() -> None:
        try:
            barrier.wait(PATIENCE)
            work()
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=body, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]


def test_any_number_of_threads(names: Any) -> None:
    """Safe under any number of threads: each address is given out exactly in its turn
    (contract 2.3, 6)."""
    names.set(NAME, NODES)
    circle = ips.Circle(NAME)
    issued: list[str] = []
    run_threads(24, lambda: issued.extend([circle._addr() for _ in range(500)]))
    assert collections.Counter(issued) == dict.fromkeys(NODES, 4000)


def test_threads_that_use_and_renew(names: Any) -> None:
    """Safe under any number of threads, while some renew the pool and some report nodes
    (contract 2.3, 6)."""
    names.set(NAME, NODES)
    circle = ips.Circle(NAME)
    pools = [NODES, NODES[:1], ["127.0.9.9"], NODES[1:]]

    def work() -> None:
        for turn in range(200):
            names.set(NAME, pools[turn % 4])
            circle.refresh()
            address = circle._addr()
            assert address in [*NODES, "127.0.9.9"]
            circle.connect_failed(address)
            assert circle._addresses in pools
            circle.connect_succeeded(address)

    run_threads(12, work)


@pytest.mark.parametrize("why", ["refresh", "ttl", "failure"])
def test_no_look_up_under_the_lock(names: Any, clock: Any, why: str) -> None:
    """No look-up happens while the lock is held: the others go on meanwhile, with the addresses
    known so far (contract 2.3)."""
    names.set(NAME, NODES)
    circle = ips.Circle(NAME)
    looking_up, done = threading.Event(), threading.Event()

    def slow() -> None:
        looking_up.set()
        assert done.wait(PATIENCE)

    names.before_answer = slow
    clock.advance(301)
    renew = {
        "refresh": circle.refresh,
        "ttl": circle._addr,
        "failure": lambda: circle.connect_failed(NODES[2]),
    }[why]
    slow_thread = threading.Thread(target=renew, daemon=True)
    slow_thread.start()
    assert looking_up.wait(PATIENCE)
    others_done = threading.Event()
    issued: list[str] = []

    def others() -> None:
        names.before_answer = lambda: None  # a look-up of their own need not wait
        issued.extend([circle._addr(), circle._addr()])
        circle.connect_succeeded(issued[0])
        assert circle._addresses == NODES
        assert repr(circle)
        others_done.set()

    thread = threading.Thread(target=others, daemon=True)
    thread.start()
    went_on = others_done.wait(PATIENCE / 3)
    done.set()
    slow_thread.join(PATIENCE)
    thread.join(PATIENCE)
    assert went_on
    assert set(issued) <= set(NODES)


# 2.4 A refresh that fails


def test_refresh_that_fails(names: Any) -> None:
    """refresh() that fails keeps the addresses known so far, and raises IpsError
    (contract 2.4)."""
    names.set(NAME, NODES)
    circle = ips.Circle(NAME)
    assert circle._addr() == NODES[0]
    names.fail(NAME, "Err: out of order")
    for _ in range(3):
        with pytest.raises(ips.IpsError, match="out of order"):
            circle.refresh()
    assert circle._addresses == NODES
    assert [circle._addr(), circle._addr()] == NODES[1:]


def test_refresh_after_one_that_failed(names: Any) -> None:
    """A failed refresh() leaves nothing behind: the next one rebuilds the pool (contract 2.4)."""
    names.set(NAME, NODES)
    circle = ips.Circle(NAME)
    names.fail(NAME)
    with pytest.raises(ips.IpsError):
        circle.refresh()
    names.set(NAME, ["127.0.1.9"])
    circle.refresh()
    assert circle._addresses == ["127.0.1.9"]
    assert circle._addr() == "127.0.1.9"


@pytest.mark.parametrize("why", ["ttl", "failure"])
def test_own_renewal_that_fails(names: Any, clock: Any, why: str) -> None:
    """A refresh that the library does by itself never fails: the known addresses still serve
    (contract 2.4)."""
    names.set(NAME, NODES)
    circle = ips.Circle(NAME)
    names.asked.clear()
    names.fail(NAME)
    clock.advance(301)
    if why == "failure":
        circle.connect_failed("127.0.1.3")
    assert [circle._addr(), circle._addr()] == NODES[:2]
    assert len(names.asked) >= 1
    assert circle._addresses == NODES


# 2.5 Renewal


def renewals(names: Any, act: Callable[[], object]) -> int:
    before = len(names.asked)
    act()
    return len(names.asked) - before


@pytest.mark.parametrize(
    ("ttl", "seconds"), [(None, 300), (300.0, 300), (3600.0, 3600), (60.0, 60), (30.0, 30)]
)
def test_renewal_by_time(names: Any, clock: Any, ttl: float | None, seconds: float) -> None:
    """The pool is renewed once the answer's TTL has passed, after five minutes where the resolver
    tells none: on the next address asked for, and not before (contract 2.5)."""
    names.set(NAME, NODES[:1], ttl)
    circle = ips.Circle(NAME)
    names.set(NAME, NODES[1:], ttl)
    clock.advance(seconds - 0.1)
    assert renewals(names, circle._addr) == 0
    clock.advance(0.2)
    assert renewals(names, lambda: circle._addresses) == 0  # lazily: nobody asked for an address
    assert circle._addr() in NODES[1:]
    assert circle._addresses == NODES[1:]
    assert renewals(names, lambda: [circle._addr() for _ in range(50)]) == 0
    clock.advance(seconds + 0.1)
    assert renewals(names, lambda: [circle._addr() for _ in range(50)]) == 1


@pytest.mark.parametrize("ttl", [0.0, 1.0, 29.0])
def test_renewal_has_its_limit(names: Any, clock: Any, ttl: float) -> None:
    """However short the TTL is, never more often than once in 30 seconds (contract 2.5)."""
    names.set(NAME, NODES, ttl)
    circle = ips.Circle(NAME)
    clock.advance(29.9)
    assert renewals(names, circle._addr) == 0
    clock.advance(0.2)
    assert renewals(names, circle._addr) == 1
    clock.advance(29.9)
    assert renewals(names, circle._addr) == 0
    clock.advance(0.2)
    assert renewals(names, circle._addr) == 1


def test_renewal_that_fails_has_its_limit(names: Any, clock: Any) -> None:
    """A renewal that failed is tried again, but not more often than once in 30 seconds
    (contract 2.5)."""
    names.set(NAME, NODES, 60.0)
    circle = ips.Circle(NAME)
    names.fail(NAME)
    clock.advance(61)
    assert renewals(names, lambda: [circle._addr() for _ in range(50)]) == 1
    clock.advance(29)
    assert renewals(names, circle._addr) == 0
    names.set(NAME, NODES[:1])
    clock.advance(1.1)
    assert renewals(names, circle._addr) == 1
    assert circle._addresses == NODES[:1]


def test_renewal_by_one_of_many_threads(names: Any, clock: Any) -> None:
    """When the TTL has passed, one thread looks up, and the others go on (contract 2.5, 2.3)."""
    names.set(NAME, NODES, 60.0)
    circle = ips.Circle(NAME)
    clock.advance(61)
    names.asked.clear()
    run_threads(16, lambda: [circle._addr() for _ in range(20)])
    assert names.asked == [(NAME, False)]


def test_renewal_after_a_failed_connection(names: Any, clock: Any) -> None:
    """After a failed connection the pool is renewed, at most once in 5 seconds
    (contract 2.5)."""
    names.set(NAME, NODES)
    circle = ips.Circle(NAME)
    clock.advance(10)
    names.set(NAME, NODES[1:])
    assert renewals(names, lambda: circle.connect_failed(NODES[0])) == 1
    assert circle._addresses == NODES[1:]
    clock.advance(4.9)
    assert renewals(names, lambda: circle.connect_failed(NODES[1])) == 0
    clock.advance(0.2)
    assert renewals(names, lambda: circle.connect_failed(NODES[2])) == 1


def test_address_never_renews(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An IP address resolves to itself, today and tomorrow: nobody is asked again
    (contract 2.2, 2.5)."""
    asked: list[str] = []
    real_query = ips.query
    monkeypatch.setattr(ips, "query", lambda n, cache: asked.append(n) or real_query(n, cache))
    circle = ips.Circle("127.0.1.1")
    assert asked == ["127.0.1.1"]
    clock.advance(10**9)
    assert circle._addr() == "127.0.1.1"
    assert asked == ["127.0.1.1"]


# 2.6 Nodes that failed


def test_a_failed_node_is_passed_over(names: Any, clock: Any) -> None:
    """A node that failed to connect is passed over for 30 seconds while another one is left
    (contract 2.6)."""
    names.set(NAME, NODES)
    circle = ips.Circle(NAME)
    circle.connect_failed(NODES[1])
    assert collections.Counter(circle._addr() for _ in range(10)) == {NODES[0]: 5, NODES[2]: 5}
    clock.advance(29.9)
    assert NODES[1] not in [circle._addr() for _ in range(10)]
    clock.advance(0.2)
    assert collections.Counter(circle._addr() for _ in range(9)) == dict.fromkeys(NODES, 3)


def test_a_failed_node_stays_passed_over_after_a_renewal(names: Any, clock: Any) -> None:
    """A look-up that still tells a dead node's address does not bring it back (contract 2.6)."""
    names.set(NAME, NODES)
    circle = ips.Circle(NAME)
    circle.connect_failed(NODES[1])
    circle.refresh()
    assert NODES[1] in circle._addresses
    assert NODES[1] not in [circle._addr() for _ in range(10)]


def test_all_nodes_failed(names: Any, clock: Any) -> None:
    """If all failed, they are tried again (contract 2.6)."""
    names.set(NAME, NODES)
    circle = ips.Circle(NAME)
    for node in NODES:
        circle.connect_failed(node)
    assert sorted(circle._addr() for _ in range(3)) == NODES
    clock.advance(10)
    circle.connect_failed(NODES[0])
    circle.connect_succeeded(NODES[2])
    assert {circle._addr() for _ in range(10)} == {NODES[2]}


def test_the_only_node_failed(names: Any, clock: Any) -> None:
    """While no other is left, even a failed node is given out (contract 2.6)."""
    names.set(NAME, NODES[:1])
    circle = ips.Circle(NAME)
    circle.connect_failed(NODES[0])
    assert [circle._addr(), circle._addr()] == [NODES[0], NODES[0]]


def test_slow_look_up_does_not_undo_a_later_one(names: Any) -> None:
    """A look-up that was begun earlier, and answers later, leaves the newer addresses in place
    (contract 2.5)."""
    old, new = ["127.0.1.1"], ["127.0.1.2", "127.0.1.3"]
    names.set(NAME, old)
    circle = ips.Circle(NAME)
    main = threading.current_thread()
    slow: list[threading.Thread] = []
    is_asking, may_answer = threading.Event(), threading.Event()

    def before_answer() -> None:
        if threading.current_thread() is main:
            names.set(NAME, new)
            return
        slow.append(threading.current_thread())
        is_asking.set()
        assert may_answer.wait(PATIENCE)
        names.set(NAME, old)  # what was true when this one was asked

    names.before_answer = before_answer
    try:
        circle.renew_after_failure(0.0)
        assert is_asking.wait(PATIENCE)
        circle.refresh()
        assert circle._addresses == new
    finally:
        may_answer.set()
    slow[0].join(PATIENCE)
    assert not slow[0].is_alive()
    assert len(names.asked) == 3
    assert circle._addresses == new
