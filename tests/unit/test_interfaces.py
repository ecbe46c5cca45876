"""Interfaces, and which authorizations fit them (contract 11.1, 11.4)."""

from collections.abc import Mapping
from typing import Any

import pytest

import hcpsdk
from hcpsdk._transport.clock import clock_difference

FITTING: dict[str, list[hcpsdk.BaseAuthorization]] = {
    hcpsdk.I_NATIVE: [
        hcpsdk.NativeAuthorization("n", "n01"),
        hcpsdk.NativeADAuthorization("n@ad", "n01"),
        hcpsdk.DummyAuthorization(),
    ],
    hcpsdk.I_HS3: [hcpsdk.HS3Authorization("n", "n01")],
    hcpsdk.I_HSWIFT: [
        hcpsdk.HSwiftAuthorization("n", "n01"),
        hcpsdk.HSwiftAuthorization(token="abc"),
    ],
}
PAIRS = [
    (interface, authorization, interface == fitting)
    for interface in FITTING
    for fitting, authorizations in FITTING.items()
    for authorization in authorizations
]


class Attribute(hcpsdk.BaseAuthorization):
    def __init__(self) -> None:
        self.headers = {"X-A": "1"}  # type: ignore[misc]


class Property(hcpsdk.BaseAuthorization):
    @property
    def headers(self) -> dict[str, str]:
        return {"X-A": "1"}


class Signing(hcpsdk.BaseAuthorization):
    def authorize(self, request: hcpsdk.UnsignedRequest) -> Mapping[str, str]:
        return {}


class Neither(hcpsdk.BaseAuthorization):
    pass


@pytest.mark.parametrize(("interface", "authorization", "fits"), PAIRS)
def test_authorizations_fit_interfaces(
    interface: str, authorization: hcpsdk.BaseAuthorization, fits: bool
) -> None:
    """One that does not fit is a ValueError; the Target returns its interface (contract 11.1)."""
    if fits:
        assert hcpsdk.Target("127.0.0.1", authorization, interface=interface).interface == interface
    else:
        with pytest.raises(ValueError, match=interface):
            hcpsdk.Target("127.0.0.1", authorization, interface=interface)


@pytest.mark.parametrize("interface", ["", "native", None, "I_S3"])
def test_unknown_interface(interface: Any) -> None:
    """An interface that does not exist is a ValueError."""
    with pytest.raises(ValueError, match="I_NATIVE, I_HS3, I_HSWIFT"):
        hcpsdk.Target("127.0.0.1", FITTING[hcpsdk.I_NATIVE][0], interface=interface)


@pytest.mark.parametrize("interface", list(FITTING))
@pytest.mark.parametrize("kind", [Attribute, Property, Signing])
def test_own_kinds(kind: type[hcpsdk.BaseAuthorization], interface: str) -> None:
    """A class with an attribute, a property, or only `authorize` fits all (contract 11.4)."""
    target = hcpsdk.Target("127.0.0.1", kind(), interface=interface)
    expected = {} if kind is Signing else {"X-A": "1"}
    assert target.headers == {"Host": "127.0.0.1", **expected}


def test_own_kind_without_credentials() -> None:
    """A class with neither is a mistake, and found early."""
    with pytest.raises(TypeError, match="Neither has neither headers nor authorize"):
        hcpsdk.Target("127.0.0.1", Neither())


def test_replica_has_the_interface(names: Any) -> None:
    """A replica is spoken to in the same way."""
    names.set("a.example", ["127.0.1.1"])
    names.set("b.example", ["127.0.1.2"])
    target = hcpsdk.Target(
        "a.example",
        hcpsdk.HS3Authorization("n", "n01"),
        interface=hcpsdk.I_HS3,
        replica_fqdn="b.example",
    )
    assert target.replica is not None
    assert target.replica.interface == hcpsdk.I_HS3


# HSwift


def test_swift_headers() -> None:
    """The token of user and password, or any other (docs/hcp/swift.rst, section 1)."""
    assert hcpsdk.HSwiftAuthorization("n", "n01").headers == {
        "X-Auth-Token": "HCP bg==:1dc7fed37e11b35093d311ef66928ad9"
    }
    assert hcpsdk.HSwiftAuthorization(token="abc").headers == {"X-Auth-Token": "abc"}
    assert hcpsdk.LocalSwiftAuthorization is hcpsdk.HSwiftAuthorization


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        ((), {}, TypeError),
        (("n",), {}, TypeError),
        (("n", "n01"), {"token": "a"}, TypeError),
        ((), {"token": b"a"}, TypeError),
        ((), {"token": ""}, ValueError),
        ((), {"token": "a\nb"}, ValueError),
        (("n", "\udc80"), {}, ValueError),
    ],
)
def test_swift_arguments(arguments: Any, options: Any, error: type[Exception]) -> None:
    """Either user and password, or a token that can be sent."""
    with pytest.raises(error):
        hcpsdk.HSwiftAuthorization(*arguments, **options)


def test_swift_shows_no_secret() -> None:
    """No token in the repr (contract 9)."""
    assert repr(hcpsdk.HSwiftAuthorization("n", "n01")) == (
        "<HSwiftAuthorization user='n' password=********>"
    )
    assert repr(hcpsdk.HSwiftAuthorization(token="abc")) == "<HSwiftAuthorization token=********>"


# Clocks


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, ""),
        (60, ""),
        (-60, ""),
        (61, "the clock of this computer is 1 min 1 s ahead of HCP's"),
        (-1200, "the clock of this computer is 20 min behind HCP's"),
        (90061, "the clock of this computer is 1 d 1 h 1 min 1 s ahead of HCP's"),
    ],
)
def test_clock_difference(seconds: int, words: str) -> None:
    """A difference is reported in words."""
    assert clock_difference("Thu, 26 Nov 2026 04:00:00 GMT", 1795665600.0 + seconds) == words


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_no_clock(date: str | None) -> None:
    """A server that does not say its time does no harm."""
    assert clock_difference(date, 0) == ""
