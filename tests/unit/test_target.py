"""The access point: what it looks up, prepares, and how it travels."""

import copy
import enum
import pickle
import ssl
from typing import Any

import pytest

import hcpsdk
from hcpsdk import ips

NAME = "n1.m.hcp1.snomis.local"
REPLICA = "n1.m.hcp2.snomis.local"
NODES = ["127.0.1.1", "127.0.1.2", "127.0.1.3"]


@pytest.fixture
def nodes(names: Any) -> Any:
    """The name service, with our names in it."""
    names.set(NAME, NODES)
    names.set(REPLICA, ["127.0.2.1"])
    return names


# 2.1, 2.3 Look-ups


def test_target_resolves_at_once(nodes: Any, authorization: Any) -> None:
    """`Target()` resolves its name at once, past caches unless told otherwise (contract 2.1)."""
    target = hcpsdk.Target(NAME, authorization)
    assert nodes.asked == [(NAME, False)]
    assert target.addresses == NODES
    hcpsdk.Target(NAME, authorization, dnscache=True)
    assert nodes.asked[1:] == [(NAME, True)]


class Site(str, enum.Enum):
    NAME = NAME
    ADDRESS = "127.0.1.1"


class Port(int, enum.Enum):
    HTTP = 80


def test_members_of_an_enum_mean_their_value(nodes: Any, authorization: Any) -> None:
    """As name and port, too: what is looked up, sent and shown is the value (contract 3.2)."""
    target = hcpsdk.Target(Site.NAME, authorization, port=Port.HTTP)
    assert nodes.asked == [(NAME, False)]
    assert [type(name) for name, _ in nodes.asked] == [str]
    assert repr(target) == repr(hcpsdk.Target(NAME, authorization, port=80))
    nodes.set("127.0.1.1", ["127.0.1.1"])
    address = hcpsdk.Target(Site.ADDRESS, authorization).headers["Host"]
    assert f"{address}" == "127.0.1.1"


def test_target_that_cannot_resolve(names: Any, authorization: Any) -> None:
    """Failure raises `ips.IpsError`, which is an HcpsdkError (contract 2.1)."""
    names.fail(NAME)
    with pytest.raises(ips.IpsError) as caught:
        hcpsdk.Target(NAME, authorization)
    assert isinstance(caught.value, hcpsdk.HcpsdkError)
    assert "on strike" in caught.value.reason


def test_target_takes_the_first_address(nodes: Any, authorization: Any) -> None:
    """Target() itself takes the first address of the pool, so the first that it gives out is the
    second (manual 10.1.2) (contract 2.3)."""
    target = hcpsdk.Target(NAME, authorization)
    assert [target.getaddr() for _ in range(4)] == [*NODES[1:], *NODES[:2]]


# The attributes of the manual


@pytest.mark.parametrize(
    ("port", "speaks_tls"),
    [
        (443, True),
        (8000, True),
        (9090, True),
        (80, False),
        (8888, False),
        (8443, False),
        (444, False),
        (1, False),
        (65535, False),
    ],
)
def test_ports(nodes: Any, authorization: Any, port: int, speaks_tls: bool) -> None:
    """`port` 443, 8000, 9090 mean TLS (contract 2.7)."""
    target = hcpsdk.Target(NAME, authorization, port)
    assert target.port == port
    assert target.ssl is speaks_tls


def test_defaults(nodes: Any, authorization: Any) -> None:
    """The manual's attributes tell what Target was made for (manual 4.2) (contract, preface)."""
    target = hcpsdk.Target(NAME, authorization)
    assert (target.fqdn, target.port, target.ssl) == (NAME, 443, True)
    assert target.replica is None
    assert target.addresses == NODES


@pytest.mark.parametrize(
    ("fqdn", "host"),
    [
        (NAME, NAME),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "[::1]"),
        ("[::1]", "[::1]"),
        ("2001:db8::53", "[2001:db8::53]"),
        ("bücher.m.hcp1.snomis.local", "xn--bcher-kva.m.hcp1.snomis.local"),
    ],
)
def test_host(names: Any, authorization: Any, fqdn: str, host: str) -> None:
    """The name stands in the Host header, an IPv6 address in brackets (contract 2.2)."""
    names.set(fqdn, ["127.0.1.1"])
    assert hcpsdk.Target(fqdn, authorization).headers["Host"] == host


def test_path_behind_a_host(names: Any, authorization: Any) -> None:
    """A name with a path is refused before the look-up; the message says what to write."""
    with pytest.raises(ValueError, match="pass the name alone, without a path"):
        hcpsdk.Target("n1.m.hcp1.snomis.local/rest", authorization)


@pytest.mark.parametrize("fqdn", ["::1", "[::1]"])
def test_addresses_of_an_ipv6_address(authorization: Any, fqdn: str) -> None:
    """An IP address as "name" resolves to itself (contract 2.2)."""
    target = hcpsdk.Target(fqdn, authorization)
    assert target.addresses == ["::1"]
    assert target.getaddr() == "::1"
    assert target.fqdn == fqdn


@pytest.mark.parametrize("fqdn", ["fe80::1%eth0", "[fe80::1%eth0]"])
def test_zone_of_an_address(authorization: Any, fqdn: str) -> None:
    """The zone of an IPv6 address is for connecting; it is not in ``Host`` (contract 2.2)."""
    target = hcpsdk.Target(fqdn, authorization)
    assert target.headers["Host"] == "[fe80::1]"
    assert target.addresses == ["fe80::1%eth0"]


def test_url_instead_of_a_name(authorization: Any) -> None:
    """A URL is refused with what to write instead, and is not repeated: it may have a password."""
    with pytest.raises(
        ValueError, match=r"leave out 'https://' and the path, .*port=443"
    ) as caught:
        hcpsdk.Target("https://n:secret@n1.m.hcp1.snomis.local/rest", authorization)
    assert "secret" not in str(caught.value)


# 2.7 Contexts


@pytest.mark.parametrize("port", [80, 443, 8443, 8888])
def test_a_context_means_tls(nodes: Any, authorization: Any, port: int) -> None:
    """A given sslcontext means TLS on whichever port (contract 2.7)."""
    context = ssl.create_default_context()
    target = hcpsdk.Target(NAME, authorization, port, sslcontext=context)
    assert target.ssl is True
    assert target.endpoint.context is context


def test_context_of_a_server(nodes: Any, authorization: Any) -> None:
    """A context that a client cannot use is refused before anything is looked up (contract
    2.7)."""
    nodes.asked.clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with pytest.raises(ValueError, match="for servers"):
        hcpsdk.Target(NAME, authorization, sslcontext=context)
    assert nodes.asked == []


# 6 Pickles


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_target_pickles(nodes: Any, authorization: Any, protocol: int) -> None:
    """Target pickles, with all that it was made for (contract 6)."""
    target = hcpsdk.Target(
        NAME,
        authorization,
        9090,
        True,
        replica_fqdn=REPLICA,
        replica_strategy=hcpsdk.RS_READ_ON_FAILOVER | hcpsdk.RS_WRITE_ALLOWED,
    )
    loaded = pickle.loads(pickle.dumps(target, protocol))
    assert type(loaded) is hcpsdk.Target
    for one, other in ((target, loaded), (target.replica, loaded.replica)):
        assert one is not other
        assert (one.fqdn, one.port, one.ssl) == (other.fqdn, other.port, other.ssl)
        assert one.headers == other.headers
        assert one.addresses == other.addresses
        assert one.sslcontext is other.sslcontext is None
    assert loaded._replica_strategy == target._replica_strategy == 6


@pytest.mark.parametrize("travel", [copy.deepcopy, pickle.dumps])
def test_loaded_target_brings_its_addresses(nodes: Any, authorization: Any, travel: Any) -> None:
    """Loading looks up no name: the pickled addresses are there. The first use renews them, by the
    same resolver (contract 2.9)."""
    for dnscache in (False, True):
        nodes.set(NAME, NODES)
        travelled = travel(hcpsdk.Target(NAME, authorization, dnscache=dnscache))
        nodes.asked.clear()
        nodes.set(NAME, ["127.0.3.1"])
        loaded = pickle.loads(travelled) if travel is pickle.dumps else travelled
        assert loaded.addresses == NODES
        assert nodes.asked == []
        assert loaded.getaddr() == "127.0.3.1"
        assert nodes.asked == [(NAME, dnscache)]
        assert loaded.addresses == ["127.0.3.1"]


def test_loaded_target_that_cannot_resolve(nodes: Any, authorization: Any) -> None:
    """Where the name is unknown, the pickled addresses are used (contract 2.9)."""
    target = hcpsdk.Target(NAME, authorization, replica_fqdn=REPLICA)
    pickled = pickle.dumps(target)
    nodes.fail(NAME)
    nodes.fail(REPLICA)
    nodes.asked.clear()
    loaded = pickle.loads(pickled)
    assert nodes.asked == []
    assert sorted(loaded.getaddr() for _ in NODES) == sorted(NODES)
    assert loaded.replica.getaddr() in target.replica.addresses
    assert nodes.asked == [(NAME, False), (REPLICA, False)]


def test_loaded_target_of_an_address(authorization: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An IP address needs no renewal (contract 2.2, 2.9)."""
    pickled = pickle.dumps(hcpsdk.Target("127.0.0.1", authorization))
    monkeypatch.setattr(ips, "query", lambda *_args, **_more: pytest.fail("it was looked up"))
    assert pickle.loads(pickled).getaddr() == "127.0.0.1"


@pytest.mark.parametrize("travel", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("port", [443, 80])
@pytest.mark.parametrize("verifies", [True, False])
def test_context_does_not_pickle(
    nodes: Any, authorization: Any, travel: Any, port: int, verifies: bool
) -> None:
    """A Target with a context of the caller's own raises TypeError saying that SSL contexts do not
    pickle; it never turns into an unverified one (contract 6)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not verifies:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    target = hcpsdk.Target(NAME, authorization, port, sslcontext=context, replica_fqdn=REPLICA)
    with pytest.raises(TypeError, match="SSL contexts do not pickle"):
        travel(target)


def test_context_of_the_replica_does_not_pickle(nodes: Any, authorization: Any) -> None:
    """The replica's context is the caller's too: it does not pickle by itself either
    (contract 6, 7)."""
    context = ssl.create_default_context()
    target = hcpsdk.Target(NAME, authorization, sslcontext=context, replica_fqdn=REPLICA)
    assert target.replica is not None
    assert target.replica.sslcontext is context
    with pytest.raises(TypeError, match="SSL contexts do not pickle"):
        pickle.dumps(target.replica)


def test_the_callers_context_is_left_alone(nodes: Any, authorization: Any) -> None:
    """Target changes nothing of the context that it is given (contract 2.7, 2.8)."""
    context = ssl.create_default_context()
    before = (context.check_hostname, context.verify_mode, context.options)
    target = hcpsdk.Target(NAME, authorization, sslcontext=context)
    assert target.sslcontext is context
    assert (context.check_hostname, context.verify_mode, context.options) == before


def test_what_a_target_shows(nodes: Any, authorization: Any) -> None:
    """No `repr` shows a token or a password (contract 9)."""
    target = hcpsdk.Target(NAME, authorization)
    for shown in (repr(target), str(target), repr(target._circle), repr(hcpsdk.Connection(target))):
        assert "1dc7fed37e11b35093d311ef66928ad9" not in shown
        assert "n01" not in shown
        assert NAME in shown
