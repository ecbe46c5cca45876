"""Names, versions, and what can be seen of objects that have not talked to anyone."""

import http.client
import importlib.metadata
import inspect
import itertools
import pickle
import typing
from collections.abc import Callable, Iterator
from typing import Any

import packaging.version
import pytest

import hcpsdk
from hcpsdk import ips, mapi

NAME = "n1.m.hcp1.snomis.local"
UNMEASURED = 1e-11


@pytest.fixture
def target(names: Any, authorization: Any) -> hcpsdk.Target:
    names.set(NAME, ["127.0.1.1", "127.0.1.2"])
    names.set("replica.example", ["127.0.2.1"])
    return hcpsdk.Target(NAME, authorization, 80, replica_fqdn="replica.example")


@pytest.fixture
def connection(target: hcpsdk.Target) -> hcpsdk.Connection:
    return hcpsdk.Connection(target)


# 1.1 Versions


def test_version() -> None:
    """`hcpsdk.version()` returns '0.9.1-1' (contract 1.1)."""
    assert hcpsdk.version() == "0.9.1-1"


def test_distribution() -> None:
    """The distribution is called `hcpsdk` and has the same version (contract 1.1)."""
    told = importlib.metadata.version("hcpsdk")
    assert told == "0.9.1.post1"
    assert packaging.version.Version(hcpsdk.version()) == packaging.version.Version(told)
    assert importlib.metadata.metadata("hcpsdk")["Name"] == "hcpsdk"


# 1.3 Constants


@pytest.mark.parametrize("place", [hcpsdk, hcpsdk.Target])
def test_constants(place: object) -> None:
    """`I_NATIVE` and `RS_*` exist on Target and in the module; values as ordered (contract 1.3)."""
    assert place.I_NATIVE == "I_NATIVE"  # type: ignore[attr-defined]
    names = ["RS_READ_ALLOWED", "RS_READ_ON_FAILOVER", "RS_WRITE_ALLOWED", "RS_WRITE_ON_FAILOVER"]
    assert [getattr(place, name) for name in names] == [1, 2, 4, 8]


@pytest.mark.parametrize("bits", list(itertools.product([0, 1], [0, 2], [0, 4], [0, 8])))
def test_strategies_can_be_ored(bits: tuple[int, ...], names: Any, authorization: Any) -> None:
    """`RS_*` can be ORed: Target takes each combination (contract 1.3)."""
    names.set(NAME, ["127.0.1.1"])
    strategy = 0
    for bit in bits:
        strategy |= bit
    target = hcpsdk.Target(NAME, authorization, replica_fqdn=NAME, replica_strategy=strategy)
    assert target.replica is not None


# Signatures as in the manual


@pytest.mark.parametrize(
    ("function", "signature"),
    [
        (hcpsdk.version, ""),
        (hcpsdk.NativeAuthorization, "user password"),
        (
            hcpsdk.Target,
            "fqdn authorization port=443 dnscache=False sslcontext=None interface='I_NATIVE' "
            "replica_fqdn=None replica_strategy=None",
        ),
        (
            hcpsdk.Connection,
            "target timeout=30 idletime=30 retries=0 debuglevel=0 sock_keepalive=False "
            "tcp_keepalive=60 tcp_keepintvl=60 tcp_keepcnt=3 busy_timeout=0",
        ),
        (hcpsdk.Connection.request, "self method url body=None params=None headers=None"),
        (hcpsdk.Connection.PUT, "self url body=None params=None headers=None"),
        (hcpsdk.Connection.GET, "self url params=None headers=None"),
        (hcpsdk.Connection.HEAD, "self url params=None headers=None"),
        (hcpsdk.Connection.POST, "self url params=None headers=None body=None"),
        (hcpsdk.Connection.DELETE, "self url params=None headers=None"),
        (hcpsdk.Connection.read, "self amt=None"),
        (hcpsdk.Connection.getheaders, "self"),
        (hcpsdk.Connection.close, "self"),
        (hcpsdk.Target.getaddr, "self"),
        (ips.Circle, "fqdn port=443 dnscache=False"),
        (ips.Circle.refresh, "self"),
        (ips.Circle._addr, "self"),
        (ips.query, "fqdn cache=False"),
        (ips.Request, "fqdn cache=False"),
        (hcpsdk.HcpsdkError, "reason"),
        (ips.IpsError, "reason"),
        # Later releases (contract 12)
        (hcpsdk.DummyAuthorization, ""),
        (hcpsdk.NativeADAuthorization, "user password"),
        (hcpsdk.checkport, "target port"),
        (mapi.listtenants, "target timeout=60 debuglevel=0"),
        (mapi.Tenant, "target name timeout=60 debuglevel=0"),
        (mapi.Tenant.info, "self cache=True"),
        (mapi.Chargeback, "target timeout=600 debuglevel=0"),
        (
            mapi.Chargeback.request,
            "self tenant=None start=None end=None granularity='total' fmt='application/json'",
        ),
        (mapi.Logs, "target debuglevel=0"),
        (mapi.Logs.mark, "self message"),
        (mapi.Logs.prepare, "self startdate=None enddate=None snodes=()"),
        (mapi.Logs.status, "self"),
        (
            mapi.Logs.download,
            "self hdl=None nodes=() snodes=() logs=() progresshook=None hidden=True",
        ),
        (mapi.Logs.cancel, "self"),
        (mapi.Resource, "target path timeout=60 debuglevel=0"),
        (mapi.Replication, "target debuglevel=0"),
    ],
)
def test_signatures(function: Callable[..., Any], signature: str) -> None:
    """Names, order and defaults of all arguments (contract, preface, 3.5 and 12)."""
    parameters = inspect.signature(function).parameters.values()
    shown = [
        parameter.name
        if parameter.default is parameter.empty
        else f"{parameter.name}={parameter.default!r}"
        for parameter in parameters
    ]
    assert " ".join(shown) == signature


PUBLIC_MODULES = [
    hcpsdk,
    *(getattr(hcpsdk, name) for name in dir(hcpsdk) if inspect.ismodule(getattr(hcpsdk, name))),
]


def public_functions(module: Any) -> Iterator[Callable[..., Any]]:
    """The functions of *module*, and the methods, properties and constructors of its classes."""
    for name in module.__all__:
        found = getattr(module, name)
        if inspect.isfunction(found):
            yield found
        if not inspect.isclass(found):
            continue
        for kind in found.__mro__:
            if kind.__module__.partition(".")[0] != "hcpsdk":
                continue
            for name, member in vars(kind).items():
                function = getattr(member, "__func__", getattr(member, "fget", member))
                if inspect.isfunction(function) and (name[0] != "_" or name[:2] == "__"):
                    yield function


@pytest.mark.parametrize("module", PUBLIC_MODULES, ids=lambda module: module.__name__)
def test_annotations_can_be_evaluated(module: Any) -> None:
    """`typing.get_type_hints()` knows the types of all that is public."""
    functions = list(public_functions(module))
    assert len(functions) > 5 or module is hcpsdk.pathbuilder
    for function in functions:
        hints = typing.get_type_hints(function)
        assert hints.keys() == function.__annotations__.keys(), function
    for name in module.__all__:
        if inspect.isclass(found := getattr(module, name)):
            typing.get_type_hints(found)


def test_annotations_name_what_is_public() -> None:
    """The types are the ones that a program can import."""
    hints = typing.get_type_hints
    assert hints(hcpsdk.BaseAuthorization.authorize)["request"] is hcpsdk.UnsignedRequest
    assert hints(hcpsdk.Connection.__init__)["target"] is hcpsdk.Target
    assert issubclass(hints(hcpsdk.Connection.GET)["return"], http.client.HTTPResponse)
    assert hints(ips.query) == {
        "fqdn": str | ips.Request,
        "cache": bool,
        "return": ips.Response,
    }
    assert hints(ips.Request) == {"fqdn": str, "cache": bool}


def test_named_tuples() -> None:
    """`ips.Request` and `UnsignedRequest` are named tuples, with all that these have."""
    request = ips.Request("a.example")
    assert tuple(request) == ("a.example", False)
    assert request._replace(cache=True) == ips.Request("a.example", True)
    assert repr(request) == "Request(fqdn='a.example', cache=False)"
    assert request._field_defaults == {"cache": False}
    unsigned = hcpsdk.UnsignedRequest("GET", "/rest/a", (("Host", "a"),))
    assert unsigned._asdict() == {
        "method": "GET",
        "target": "/rest/a",
        "headers": (("Host", "a"),),
        "payload": (),
        "length": 0,
    }
    for found in (request, unsigned):
        again = pickle.loads(pickle.dumps(found))
        assert (type(again), again) == (type(found), found)
        assert not hasattr(found, "__dict__")


def test_response_is_built_from_name_and_cache() -> None:
    """`ips.Response(fqdn, cache)` is enough to make one (manual 6.1) (contract, preface)."""
    response = ips.Response("a.example", True)
    assert (response.fqdn, response.cache, response.ips, response.raised) == (
        "a.example",
        True,
        [],
        "",
    )


# 1.5 Read-only

READ_ONLY = [
    *((hcpsdk.Target, name) for name in ("fqdn", "port", "ssl", "addresses", "headers", "replica")),
    *(
        (hcpsdk.Connection, name)
        for name in (
            "address",
            "Response",
            "response",
            "response_status",
            "response_reason",
            "connect_time",
            "service_time1",
            "service_time2",
            "attempts",
        )
    ),
    (ips.Circle, "_addresses"),
    *((ips.Response, name) for name in ("ips", "fqdn", "cache", "raised")),
    *((error, "reason") for error in (hcpsdk.HcpsdkError, ips.IpsError)),
]


@pytest.mark.parametrize(("owner", "name"), READ_ONLY)
def test_read_only_attributes(owner: type, name: str, connection: Any, target: Any) -> None:
    """Attributes that the manual calls read-only are properties; setting one raises
    AttributeError (contract 1.5)."""
    thing = {
        hcpsdk.Target: target,
        hcpsdk.Connection: connection,
        ips.Circle: target._circle,
        ips.Response: ips.Response(NAME, False),
    }.get(owner) or owner("why")
    assert isinstance(inspect.getattr_static(owner, name), property)
    before = getattr(thing, name)
    with pytest.raises(AttributeError):
        setattr(thing, name, "something else")
    with pytest.raises(AttributeError):
        delattr(thing, name)
    assert getattr(thing, name) == before


def test_lists_and_dictionaries_are_copies(target: Any) -> None:
    """What a caller does to a list or dictionary handed out changes nothing (contract 1.5)."""
    handed_out: list[Callable[[], Any]] = [
        lambda: target.addresses,
        lambda: target.headers,
        lambda: target._circle._addresses,
        lambda: target._authorization.headers,
    ]
    found = ips.query("127.0.0.1")
    response = ips.Response("a.example", False, ("127.0.0.1",))
    handed_out += [lambda: response.ips]
    for give in handed_out:
        before = type(give())(give())
        assert before
        give().clear()
        assert give() == before
    assert type(found.ips) is list


def test_headers_prepared_for_the_target(target: Any) -> None:
    """`headers` holds Host and the manual's credentials for n/n01 [4.2, 10.1.2] (contract 1)."""
    assert target.headers == {
        "Host": NAME,
        "Authorization": "HCP bg==:1dc7fed37e11b35093d311ef66928ad9",
        "Cookie": "hcp-ns-auth=bg==:1dc7fed37e11b35093d311ef66928ad9",
    }


# 1.6 to 1.8 A Connection that has not been used


def test_response_has_two_names() -> None:
    """`Connection.Response` and `.response` are the same property (contract 1.6)."""
    assert inspect.getattr_static(hcpsdk.Connection, "Response") is inspect.getattr_static(
        hcpsdk.Connection, "response"
    )


@pytest.mark.parametrize("name", ["connect_time", "service_time1", "service_time2"])
def test_times_before_anything_was_measured(connection: Any, name: str) -> None:
    """Times are floats, 1e-11 before anything was measured, fit to divide by (contract 1.7)."""
    seconds = getattr(connection, name)
    assert isinstance(seconds, float)
    assert seconds == UNMEASURED
    assert 1 / seconds > 0


@pytest.mark.parametrize("name", ["response_status", "response_reason", "Response", "response"])
def test_no_answer_before_the_first_request(connection: Any, name: str) -> None:
    """Before the first request there is no status, reason or response (contract 1.8)."""
    assert getattr(connection, name) is None


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c.getheader("Server"),
        lambda c: c.getheader("Server", "default"),
        lambda c: c.getheaders(),
        lambda c: c.read(),
        lambda c: c.read(1),
        lambda c: c.read(0),
    ],
)
def test_asking_for_an_answer_before_the_first_request(connection: Any, ask: Any) -> None:
    """getheader(), getheaders() and read() raise HcpsdkError while there is no answer
    (contract 1.8)."""
    with pytest.raises(hcpsdk.HcpsdkError):
        ask(connection)


def test_a_new_connection_has_no_address_and_no_attempts(connection: Any) -> None:
    """The manual's "Connection *c* uses IP address: None": none is acquired earlier than needed
    (manual 10.1.1) (contract 1, preface)."""
    assert connection.address is None
    assert connection.attempts == 0


# 1.4 The caller's mistakes


@pytest.mark.parametrize(
    "call",
    [
        lambda t, a: hcpsdk.NativeAuthorization(None, "n01"),
        lambda t, a: hcpsdk.NativeAuthorization("n", None),
        lambda t, a: hcpsdk.NativeAuthorization(b"n", "n01"),
        lambda t, a: hcpsdk.NativeAuthorization("n", b"n01"),
        lambda t, a: hcpsdk.Target(None, a),
        lambda t, a: hcpsdk.Target(5, a),
        lambda t, a: hcpsdk.Target(NAME.encode(), a),
        lambda t, a: hcpsdk.Target("", a),
        lambda t, a: hcpsdk.Target(f"{NAME}:443", a),
        lambda t, a: hcpsdk.Target(f"https://{NAME}", a),
        lambda t, a: hcpsdk.Target(f"{NAME}\r\nX: y", a),
        lambda t, a: hcpsdk.Target(NAME, None),
        lambda t, a: hcpsdk.Target(NAME, "HCP bg==:1dc7"),
        lambda t, a: hcpsdk.Target(NAME, hcpsdk.NativeAuthorization),
        lambda t, a: hcpsdk.Target(NAME, a, port="443"),
        lambda t, a: hcpsdk.Target(NAME, a, port=443.0),
        lambda t, a: hcpsdk.Target(NAME, a, port=True),
        lambda t, a: hcpsdk.Target(NAME, a, port=None),
        lambda t, a: hcpsdk.Target(NAME, a, port=0),
        lambda t, a: hcpsdk.Target(NAME, a, port=65536),
        lambda t, a: hcpsdk.Target(NAME, a, dnscache="no"),
        lambda t, a: hcpsdk.Target(NAME, a, dnscache=None),
        lambda t, a: hcpsdk.Target(NAME, a, sslcontext=True),
        lambda t, a: hcpsdk.Target(NAME, a, sslcontext="context"),
        lambda t, a: hcpsdk.Target(NAME, a, interface="I_HS3"),
        lambda t, a: hcpsdk.Target(NAME, a, interface=None),
        lambda t, a: hcpsdk.Target(NAME, a, replica_fqdn=5),
        lambda t, a: hcpsdk.Target(NAME, a, replica_fqdn=NAME, replica_strategy="1"),
        lambda t, a: hcpsdk.Target(NAME, a, replica_fqdn=NAME, replica_strategy=16),
        lambda t, a: hcpsdk.Target(NAME, a, replica_fqdn=NAME, replica_strategy=-1),
        lambda t, a: hcpsdk.Target(NAME, a, replica_strategy=1),
        lambda t, a: hcpsdk.Connection(None),
        lambda t, a: hcpsdk.Connection(NAME),
        lambda t, a: hcpsdk.Connection(t, timeout="30"),
        lambda t, a: hcpsdk.Connection(t, timeout=True),
        lambda t, a: hcpsdk.Connection(t, timeout=-1),
        lambda t, a: hcpsdk.Connection(t, timeout=float("nan")),
        lambda t, a: hcpsdk.Connection(t, idletime="30"),
        lambda t, a: hcpsdk.Connection(t, idletime=None),
        lambda t, a: hcpsdk.Connection(t, idletime=-1),
        lambda t, a: hcpsdk.Connection(t, idletime=float("nan")),
        lambda t, a: hcpsdk.Connection(t, retries="1"),
        lambda t, a: hcpsdk.Connection(t, retries=None),
        lambda t, a: hcpsdk.Connection(t, retries=1.5),
        lambda t, a: hcpsdk.Connection(t, retries=-1),
        lambda t, a: hcpsdk.Connection(t, debuglevel="9"),
        lambda t, a: hcpsdk.Connection(t, debuglevel=None),
        lambda t, a: hcpsdk.Connection(t, debuglevel=-1),
        lambda t, a: hcpsdk.Connection(t, busy_timeout="1"),
        lambda t, a: hcpsdk.Connection(t, busy_timeout=None),
        lambda t, a: hcpsdk.Connection(t, busy_timeout=True),
        lambda t, a: hcpsdk.Connection(t, sock_keepalive="no"),
        lambda t, a: hcpsdk.Connection(t, sock_keepalive=None),
        lambda t, a: hcpsdk.Connection(t, sock_keepalive=60),
        lambda t, a: hcpsdk.Connection(t, tcp_keepalive="60"),
        lambda t, a: hcpsdk.Connection(t, tcp_keepalive=0),
        lambda t, a: hcpsdk.Connection(t, tcp_keepintvl=1.5),
        lambda t, a: hcpsdk.Connection(t, tcp_keepcnt=128),
        lambda t, a: ips.Circle(5),
        lambda t, a: ips.Circle(None),
        lambda t, a: ips.Circle(NAME, port="443"),
        lambda t, a: ips.Circle(NAME, port=None),
        lambda t, a: ips.Circle(NAME, dnscache="no"),
    ],
)
def test_wrong_arguments(call: Any, names: Any, target: Any, authorization: Any) -> None:
    """A wrong type in a call raises TypeError or ValueError at the call, before anything is
    looked up (contract 1.4)."""
    names.asked.clear()
    with pytest.raises((TypeError, ValueError)):
        call(target, authorization)
    assert names.asked == []


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((None,), {}),
        ((5,), {}),
        ((b"/rest/a",), {}),
        ((["/rest/a"],), {}),
        (("/rest/a",), {"params": 5}),
        (("/rest/a",), {"params": "a=b"}),
        (("/rest/a",), {"params": [5]}),
        (("/rest/a",), {"params": {5: "b"}}),
        (("/rest/a",), {"params": {"a": object()}}),
        (("/rest/a",), {"params": {"a": [object()]}}),
        (("/rest/a",), {"headers": 5}),
        (("/rest/a",), {"headers": "X-A: b"}),
        (("/rest/a",), {"headers": {5: "b"}}),
        (("/rest/a",), {"headers": {"X-A": None}}),
        (("/rest/a",), {"headers": {"X-A": 1.5}}),
        (("/rest/a",), {"headers": {"X-A": ["b"]}}),
    ],
)
def test_wrong_arguments_of_verbs(connection: Any, verb: str, arguments: Any, options: Any) -> None:
    """A wrong type raises TypeError or ValueError before anything is sent (contract 1.4)."""
    with pytest.raises((TypeError, ValueError)):
        getattr(connection, verb)(*arguments, **options)
    assert connection.attempts == 0
    assert connection.address is None


@pytest.mark.parametrize("verb", ["PUT", "POST"])
@pytest.mark.parametrize("body", [5, 1.5, object(), True, ["text"], [5], {"a": "b"}, [b"a", "b"]])
def test_wrong_bodies(connection: Any, verb: str, body: Any) -> None:
    """A body of a wrong type raises TypeError or ValueError before anything is sent
    (contract 1.4)."""
    with pytest.raises((TypeError, ValueError)):
        getattr(connection, verb)("/rest/a", body=body)
    assert connection.attempts == 0
    assert connection.address is None


@pytest.mark.parametrize("method", [None, 5, b"GET", "", "GE T", "GET\r\n", "GÄT", "CONNECT"])
def test_wrong_methods(connection: Any, method: Any) -> None:
    """A method that is none raises TypeError or ValueError before anything is sent
    (contract 1.4)."""
    with pytest.raises((TypeError, ValueError)):
        connection.request(method, "/rest/a")
    assert connection.attempts == 0


@pytest.mark.parametrize("timeout", [1e10, 1e300, float("inf")])
def test_timeout_beyond_what_the_system_can(
    authorization: hcpsdk.NativeAuthorization, timeout: float
) -> None:
    """A time limit longer than the system can count is refused when the Connection is made, not
    when it is used: a ValueError that names it (contract 4.5)."""
    target = hcpsdk.Target("127.0.0.1", authorization, port=80)
    with pytest.raises(ValueError, match="timeout"):
        hcpsdk.Connection(target, timeout=timeout)


@pytest.mark.parametrize("argument", ["timeout", "idletime", "busy_timeout", "retries"])
def test_message_names_the_argument(target: Any, argument: str) -> None:
    """A number that cannot be right raises TypeError or ValueError that names the argument,
    however many digits it has (contract 1.4)."""
    wrong = [-1, -1e300, -(10**400), -(10**5000), float("nan"), "1", b"1", [1], object()]
    if argument == "timeout":
        wrong += [0, 10**400, 10**5000]
    for value in wrong:
        with pytest.raises((TypeError, ValueError), match=f"^{argument} must be "):
            hcpsdk.Connection(target, **{argument: value})


@pytest.mark.parametrize("argument", ["idletime", "busy_timeout", "retries"])
def test_numbers_without_end(target: Any, argument: str) -> None:
    """Where more is no different from much, any number works (contract 1.4)."""
    for value in (10**400, 10**5000):
        hcpsdk.Connection(target, **{argument: value}).close()


@pytest.mark.parametrize("argument", ["sock_keepalive", "retries", "debuglevel"])
def test_flags_and_counts(target: Any, argument: str) -> None:
    """0 and 1, False and True mean the same (contract 1.4)."""
    for value in (False, True, 0, 1):
        hcpsdk.Connection(target, **{argument: value}).close()
