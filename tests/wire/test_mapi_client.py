"""What all classes of the management API have in common."""

from collections.abc import Callable
from typing import Any

import pytest

import hcpsdk
from hcpsdk import mapi

from ..support.raw_server import OK, Peer, answering

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
