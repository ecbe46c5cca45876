"""What all classes of the management API have in common."""

from collections.abc import Callable
from typing import Any

import pytest

import hcpsdk
from hcpsdk import mapi

from ..support.raw_server import OK, Peer, answer, answering, chunked_answer

MapiServer = Callable[..., tuple[Any, hcpsdk.Target]]

# How each class is made, with a time limit where it takes one, and a request by it.
CLIENTS: dict[str, tuple[Callable[..., Any], Callable[[Any], object]]] = {
    "Tenant": (lambda target, **options: mapi.Tenant(target, "m", **options), lambda it: it.info()),
    "Chargeback": (mapi.Chargeback, lambda it: it.request("m")),
    "Logs": (mapi.Logs, lambda it: it.cancel()),
    "Replication": (mapi.Replication, lambda it: it.getlinklist()),
    "Resource": (
        lambda target, **options: mapi.Resource(target, "/mapi/tenants", **options),
        lambda it: it.get(),
    ),
}


@pytest.mark.parametrize("name", ["Tenant", "Chargeback", "Resource"])
def test_time_limit(mapi_server: MapiServer, name: str) -> None:
    """`timeout` limits the wait for each step (contract 12.2)."""

    def stall(peer: Peer) -> None:
        peer.read_request()
        peer.wait_for_close()

    _, target = mapi_server(stall)
    make, call = CLIENTS[name]
    with make(target, timeout=0.1) as client, pytest.raises(hcpsdk.HcpsdkTimeoutError):
        call(client)


def test_time_limit_of_listtenants(mapi_server: MapiServer) -> None:
    def stall(peer: Peer) -> None:
        peer.read_request()
        peer.wait_for_close()

    _, target = mapi_server(stall)
    with pytest.raises(hcpsdk.HcpsdkTimeoutError):
        mapi.listtenants(target, 0.1)


@pytest.mark.parametrize("name", CLIENTS)
def test_debuglevel(mapi_server: MapiServer, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Above 0, everything on the wire is printed; else nothing is (contract 3.9)."""
    _, target = mapi_server(answering(OK))
    make, call = CLIENTS[name]
    for level in (0, 1):
        with make(target, debuglevel=level) as client:
            try:
                call(client)
            except hcpsdk.HcpsdkError:
                pass  # most of them want a document
        assert ("send:" in capsys.readouterr().out) is bool(level)


@pytest.mark.parametrize("name", CLIENTS)
def test_stays_on_its_system(
    mapi_server: MapiServer, names: Any, authorization: Any, name: str
) -> None:
    """No strategy sends a request of the management API to the replica (contract 7)."""
    replica, _ = mapi_server(answering(OK), "admin.replica.example.com")
    primary, _ = mapi_server(answering(), "admin.hcp.example.com")
    target = hcpsdk.Target(
        "admin.hcp.example.com",
        authorization,
        port=hcpsdk.P_MAPI,
        replica_fqdn="admin.replica.example.com",
        replica_strategy=1 | 2 | 4 | 8,
    )
    primary.close()
    make, call = CLIENTS[name]
    with make(target) as client:
        for _ in range(2):
            with pytest.raises(hcpsdk.HcpsdkCantConnectError):
                call(client)
    assert replica.peers == []


@pytest.mark.parametrize("name", CLIENTS)
def test_life(mapi_server: MapiServer, name: str) -> None:
    """It opens when it is used, closes with its block, and may be closed and used again."""
    server, target = mapi_server(answering(OK))
    make, call = CLIENTS[name]
    client = make(target)
    assert server.peers == []
    for number in (1, 2):
        with client:
            try:
                call(client)
            except hcpsdk.HcpsdkError:
                pass  # most of them want a document
        client.close()
        server.wait_for_finished(number)
    assert len(server.peers) == 2


STATUS = b"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<logDownloadStatus>
    <readyForStreaming>true</readyForStreaming>
    <streamingInProgress>false</streamingInProgress>
    <started>true</started>
    <error>false</error>
    <content>ACCESS,SYSTEM,SERVICE,APPLICATION</content>
</logDownloadStatus>
"""

# For each call that reads a document: the document, as a live system sends it, and the result.
REPLIES: dict[str, tuple[Callable[[hcpsdk.Target], object], bytes, object]] = {
    "listtenants": (
        lambda target: [tenant.name for tenant in mapi.listtenants(target)],
        b'{"name":["Default","m"]}',
        ["Default", "m"],
    ),
    "Tenant": (
        lambda target: read(mapi.Tenant(target, "m"), "info"),
        b'{"name":"m","softQuota":85,"tags":{"tag":[]}}',
        {"name": "m", "softQuota": 85, "tags": {"tag": []}},
    ),
    "Resource": (
        lambda target: read(mapi.Resource(target, "/mapi/tenants/m/statistics"), "get"),
        b'{"objectCount":508664,"shredCount":0,"storageCapacityUsed":16809959424}',
        {"objectCount": 508664, "shredCount": 0, "storageCapacityUsed": 16809959424},
    ),
    "Resource.list": (
        lambda target: read(mapi.Resource(target, "/mapi/tenants/m/userAccounts"), "list"),
        b'{"username":["admin","user1"]}',
        ["admin", "user1"],
    ),
    "Logs": (
        lambda target: read(mapi.Logs(target), "status")["readyForStreaming"],
        STATUS,
        True,
    ),
}


def read(client: Any, method: str) -> Any:
    """The result of a method; an iterator becomes a list."""
    with client:
        found = getattr(client, method)()
        return found if isinstance(found, dict) else list(found)


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_cut_reply(mapi_server: MapiServer, name: str, is_chunked: bool) -> None:
    """A document that ends early, at any place, raises; the whole one is understood."""
    call, document, expected = REPLIES[name]
    whole = chunked_answer(document, b"\n") if is_chunked else answer(document + b"\n")
    end = len(whole)
    for length in (0, 20, end - len(document) // 2, end - (6 if is_chunked else 1)):
        _, target = mapi_server(cut(whole[:length]))
        with pytest.raises(hcpsdk.HcpsdkError):
            call(target)
    _, target = mapi_server(answering(whole))
    assert call(target) == expected


def cut(data: bytes) -> Callable[[Peer], None]:
    """A handler that closes after *data*."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(data)

    return handler


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize(
    "document",
    [b"", b"\0", b"<html><body>Login</body></html>", b'{"name":', b"[1, 2]", b"\xff\xfe{}", b"<a>"],
)
def test_a_malformed_reply(mapi_server: MapiServer, name: str, document: bytes) -> None:
    """Whatever comes with status 200, only exceptions of ours are raised."""
    _, target = mapi_server(answering(answer(document)))
    with pytest.raises(hcpsdk.HcpsdkError):
        REPLIES[name][0](target)
