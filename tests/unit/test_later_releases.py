"""The names that later releases of the original added, and how programs use them."""

import copy
import logging
import pickle
from typing import Any

import pytest

import hcpsdk
from hcpsdk import mapi

FQDN = "admin.hcp.example.com"


@pytest.fixture
def target(names: Any, authorization: Any) -> hcpsdk.Target:
    names.set(FQDN, ["127.0.1.1"])
    return hcpsdk.Target(FQDN, authorization, port=hcpsdk.P_MAPI)


def test_ports() -> None:
    """The ports have names (contract 12.1)."""
    assert (
        hcpsdk.P_HTTP,
        hcpsdk.P_HTTPS,
        hcpsdk.P_MGMT,
        hcpsdk.P_SEARCH,
        hcpsdk.P_MAPI,
    ) == (80, 443, 8000, 8888, 9090)


CONSTANTS = {
    mapi.Chargeback: {
        "CBG_DAY": "day",
        "CBG_HOUR": "hour",
        "CBG_TOTAL": "total",
        "CBG_ALL": ("day", "hour", "total"),
        "CBM_CSV": "text/csv",
        "CBM_JSON": "application/json",
        "CBM_XML": "application/xml",
        "CBM_ALL": ("text/csv", "application/json", "application/xml"),
    },
    mapi.Logs: {
        "L_ACCESS": "ACCESS",
        "L_SYSTEM": "SYSTEM",
        "L_SERVICE": "SERVICE",
        "L_APPLICATION": "APPLICATION",
        "L_ALL": ("ACCESS", "SYSTEM", "SERVICE", "APPLICATION"),
    },
}


@pytest.mark.parametrize("owner", CONSTANTS)
def test_constants(owner: type) -> None:
    """Names and values of the constants of chargeback reports and logs (contract 12.2)."""
    found = {name: getattr(owner, name) for name in dir(owner) if name.isupper()}
    public = {name: value for name, value in found.items() if not name.startswith("_")}
    assert public == CONSTANTS[owner]


# Errors


@pytest.mark.parametrize(
    ("error", "parents"),
    [
        (hcpsdk.HcpsdkStatusError, (hcpsdk.HcpsdkError,)),
        (hcpsdk.HcpsdkPortError, (hcpsdk.HcpsdkError, ValueError)),
        (hcpsdk.HcpsdkCantConnectError, (hcpsdk.HcpsdkError,)),
        (
            hcpsdk.HcpsdkConnectTimeoutError,
            (hcpsdk.HcpsdkCantConnectError, hcpsdk.HcpsdkTimeoutError),
        ),
        (mapi.ChargebackError, (hcpsdk.HcpsdkStatusError,)),
        (mapi.TenantError, (hcpsdk.HcpsdkStatusError,)),
        (mapi.LogsError, (hcpsdk.HcpsdkError,)),
        (mapi.LogsNotReadyError, (mapi.LogsError,)),
        (mapi.LogsInProgessError, (mapi.LogsError, hcpsdk.HcpsdkStatusError)),
    ],
)
def test_errors(error: Any, parents: tuple[type, ...]) -> None:
    """One tree; each takes one argument, has `reason`, and pickles (contract 1.4, 12.2)."""
    assert issubclass(error, parents)
    found = pickle.loads(pickle.dumps(error("503 - Service Unavailable")))
    assert type(found) is error
    assert found.reason == str(found) == "503 - Service Unavailable"
    assert getattr(hcpsdk if error.__module__ == "hcpsdk" else mapi, error.__name__) is error
    if issubclass(error, hcpsdk.HcpsdkStatusError):
        assert found.status == 503


# Ports


def test_checkport(target: hcpsdk.Target) -> None:
    """Silent if the port is right; else an error that names both (contract 12.1)."""
    assert hcpsdk.checkport(target, 9090) is None  # type: ignore[func-returns-value]
    with pytest.raises(hcpsdk.HcpsdkPortError, match=r"443.*9090"):
        hcpsdk.checkport(target, hcpsdk.P_HTTPS)
    with pytest.raises(TypeError):
        hcpsdk.checkport(FQDN, 9090)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "make",
    [
        mapi.listtenants,
        lambda target: mapi.Tenant(target, "m"),
        mapi.Chargeback,
        mapi.Logs,
        mapi.Replication,
        lambda target: mapi.Resource(target, "/mapi/tenants"),
    ],
)
@pytest.mark.parametrize("port", [80, 443, 8000])
def test_mapi_checks_the_port(make: Any, port: int, names: Any, authorization: Any) -> None:
    """The management API is on no other port; nothing is sent (contract 12.1)."""
    names.set(FQDN, ["127.0.1.1"])
    with pytest.raises(hcpsdk.HcpsdkPortError):
        make(hcpsdk.Target(FQDN, authorization, port=port))


# Target


def test_names_of_a_target(target: hcpsdk.Target) -> None:
    """Scripts read these, the first one by its mangled name (contract 12.3)."""
    assert target._Target__fqdn == FQDN  # type: ignore[attr-defined]
    assert target.interface == hcpsdk.I_NATIVE
    assert target.replica_strategy is None
    for name in ("_Target__fqdn", "interface", "replica_strategy"):
        with pytest.raises(AttributeError):
            setattr(target, name, "x")


def test_replica_strategy(names: Any, authorization: Any) -> None:
    names.set(FQDN, ["127.0.1.1"])
    target = hcpsdk.Target(FQDN, authorization, replica_fqdn=FQDN, replica_strategy=2 | 8)
    assert target.replica_strategy == hcpsdk.RS_READ_ON_FAILOVER | hcpsdk.RS_WRITE_ON_FAILOVER


# Authorizations


def test_dummy_authorization(names: Any) -> None:
    """Neither Authorization nor Cookie (contract 12.1)."""
    authorization = hcpsdk.DummyAuthorization()
    names.set(FQDN, ["127.0.1.1"])
    assert authorization.headers == {}
    assert hcpsdk.Target(FQDN, authorization).headers == {"Host": FQDN}
    assert pickle.loads(pickle.dumps(authorization)).headers == {}
    assert repr(authorization) == "<DummyAuthorization>"


@pytest.mark.parametrize(
    ("user", "password", "value"),
    [
        ("u@ad.example.com", "pass word:1", "AD u@ad.example.com:pass word:1"),
        ("", "", "AD :"),
        ("jürgen", "€", "AD jürgen:€"),
    ],
)
def test_ad_authorization(user: str, password: str, value: str) -> None:
    """One header, in UTF-8, and no cookie."""
    headers = hcpsdk.NativeADAuthorization(user, password).headers
    assert list(headers) == ["Authorization"]
    assert headers["Authorization"].encode("latin-1").decode() == value


def test_ad_authorization_is_shown_without_its_password(caplog: pytest.LogCaptureFixture) -> None:
    """No log line and no `repr` shows it (contract 9)."""
    with caplog.at_level(logging.DEBUG):
        authorization = hcpsdk.NativeADAuthorization("u@ad.example.com", "Pa55-word")
    assert "u@ad.example.com" in caplog.text
    assert "u@ad.example.com" in repr(authorization)
    assert "Pa55" not in caplog.text + repr(authorization)
    for copied in (pickle.loads(pickle.dumps(authorization)), copy.deepcopy(authorization)):
        assert copied.headers == authorization.headers


@pytest.mark.parametrize(
    ("user", "password", "error"),
    [
        ("u", b"Pa55-word", TypeError),
        (b"u", "Pa55-word", TypeError),
        ("u", None, TypeError),
        ("u:v", "Pa55-word", ValueError),
        ("u", "Pa55-word\r\nX-Other: 1", ValueError),
        ("u\n", "Pa55-word", ValueError),
        ("u", "Pa55-word\0", ValueError),
        ("u", "Pa55-word ", ValueError),
        ("u", "Pa55-word\ud800", ValueError),
    ],
)
def test_ad_authorization_that_cannot_be_sent(
    user: Any, password: Any, error: type[Exception]
) -> None:
    """It is refused when it is made, without being shown (contract 1.4, 9)."""
    with pytest.raises(error) as caught:
        hcpsdk.NativeADAuthorization(user, password)
    shown: BaseException | None = caught.value
    while shown is not None:
        assert "Pa55" not in repr(shown)
        shown = shown.__cause__ or shown.__context__
