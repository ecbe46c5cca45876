"""One tree of exceptions."""

import copy
import inspect
import pickle
import socket
from collections.abc import Iterator
from typing import Any

import pytest

import hcpsdk
from hcpsdk import ips, mapi, pathbuilder

NAME = "n1.m.hcp1.snomis.local"

ALL = [
    hcpsdk.HcpsdkError,
    hcpsdk.HcpsdkTimeoutError,
    hcpsdk.HcpsdkCertificateError,
    hcpsdk.HcpsdkReplicaInitError,
    ips.IpsError,
    pathbuilder.PathBuilderError,
    mapi.ReplicationSettingsError,
]


def public_exceptions() -> Iterator[type[BaseException]]:
    """Every exception class that the public modules show."""
    for module in (hcpsdk, ips, mapi, pathbuilder, hcpsdk.namespace):
        for name, found in vars(module).items():
            if inspect.isclass(found) and issubclass(found, BaseException) and name[0] != "_":
                yield found


def test_one_tree() -> None:
    """Every public exception is an HcpsdkError (contract 1.4)."""
    assert set(ALL) <= set(public_exceptions())
    assert [kind for kind in public_exceptions() if not issubclass(kind, hcpsdk.HcpsdkError)] == []
    assert issubclass(hcpsdk.HcpsdkError, Exception)


@pytest.mark.parametrize("kind", ALL[1:])
def test_kinds_can_be_told_apart(kind: type[hcpsdk.HcpsdkError]) -> None:
    """Each has HcpsdkError, and no other of them, above it: an `except` for one kind catches no
    other kind (contract 1.4)."""
    assert [other for other in ALL if issubclass(kind, other)] == [hcpsdk.HcpsdkError, kind]


def test_both_spellings_of_the_pathbuilders_exception() -> None:
    """`PathBuilderError` is also reachable as `pathbuilderError` (contract 1.4)."""
    assert pathbuilder.pathbuilderError is pathbuilder.PathBuilderError


@pytest.mark.parametrize("kind", ALL)
def test_reason(kind: type[hcpsdk.HcpsdkError]) -> None:
    """Each is built with one argument, and has `.reason`, always a str (contract 1.4)."""
    assert kind("why").reason == "why"
    assert kind(reason="why").reason == "why"
    assert str(kind("why")) == "why"
    for given in (OSError(5, "broken"), 404, None, b"bytes", "", ("a", "b")):
        assert kind(given).reason == str(given)
        assert type(kind(given).reason) is str
    for wrong in ((), ("a", "b")):
        with pytest.raises(TypeError):
            kind(*wrong)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(kind: type[hcpsdk.HcpsdkError], protocol: int) -> None:
    """Each pickles, also if it was made from another exception (contract 1.4)."""
    for given in ("wärum", OSError(5, "broken")):
        loaded = pickle.loads(pickle.dumps(kind(given), protocol))
        assert type(loaded) is kind
        assert loaded.reason == str(given)
        assert copy.deepcopy(kind(given)).reason == str(given)


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("403 - Forbidden (no permission)", 403),
        ("404", 404),
        (503, 503),
        ("nonsense", 0),
        ("", 0),
        (None, 0),
        ("4031 - what", 0),
        ("-12 - what", 0),
        ("\u0664\u0660\u0663 - what", 0),
        ("9" * 5000, 0),
    ],
)
def test_status_of_an_error_made_by_hand(reason: object, status: int) -> None:
    """`HcpsdkStatusError.status` is the number at the beginning, and 0 if there is none; also of a
    copy (contract 1.4)."""
    error = hcpsdk.HcpsdkStatusError(reason)
    assert error.status == status
    assert copy.copy(error).status == status
    assert pickle.loads(pickle.dumps(error)).status == status


class Unpicklable(Exception):
    """An exception that stays in its process."""

    def __reduce__(self) -> str:
        raise TypeError("not me")


@pytest.mark.parametrize("kind", ALL)
def test_pickles_whatever_it_was_made_from(kind: type[hcpsdk.HcpsdkError]) -> None:
    """Each pickles, also if what it was made from, or lies under it, does not (contract 1.4)."""
    error = kind(Unpicklable("why"))
    error.__cause__ = Unpicklable("why")
    assert pickle.loads(pickle.dumps(error)).reason == "why"


def test_cause_of_a_failed_look_up(monkeypatch: pytest.MonkeyPatch, authorization: Any) -> None:
    """`__cause__` is set where another exception lies under it: the resolver's (contract 1.4)."""
    lies_under = socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def unknown(*args: object, **kwargs: object) -> None:
        raise lies_under

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ips.IpsError) as caught:
        hcpsdk.Target(NAME, authorization, dnscache=True)
    assert caught.value.__cause__ is lies_under


def test_cause_of_a_failed_replica(names: Any, authorization: Any) -> None:
    """`__cause__` of HcpsdkReplicaInitError is the replica's own failure (contract 1.4)."""
    names.set(NAME, ["127.0.1.1"])
    names.fail("replica.example")
    with pytest.raises(hcpsdk.HcpsdkReplicaInitError) as caught:
        hcpsdk.Target(NAME, authorization, replica_fqdn="replica.example")
    assert isinstance(caught.value.__cause__, ips.IpsError)


@pytest.mark.parametrize(
    "lies_under",
    [
        ConnectionRefusedError(111, "Connection refused"),
        OSError(113, "No route to host"),
        TimeoutError("timed out"),
        socket.gaierror(socket.EAI_NONAME, "an address that is none"),
        OSError("no number"),
        OSError(),
    ],
)
def test_no_raw_exception_from_connecting(
    monkeypatch: pytest.MonkeyPatch, names: Any, authorization: Any, lies_under: OSError
) -> None:
    """A raw OSError never reaches the caller; it is the `__cause__` (contract 1.4)."""

    def fail(*args: object, **kwargs: object) -> None:
        raise lies_under

    names.set(NAME, ["127.0.1.1"])
    connection = hcpsdk.Connection(hcpsdk.Target(NAME, authorization, 80))
    monkeypatch.setattr(socket.socket, "connect", fail)
    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        connection.GET("/rest/a")
    assert caught.value.__cause__ is lies_under
    assert type(caught.value.reason) is str
    expected = TimeoutError
    assert isinstance(caught.value, hcpsdk.HcpsdkTimeoutError) is isinstance(lies_under, expected)
    assert pickle.loads(pickle.dumps(caught.value)).reason == caught.value.reason
