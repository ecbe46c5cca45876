"""Tenants by the management API: the list, and the properties of one."""

import json
from collections.abc import Callable
from typing import Any

import pytest

import hcpsdk
from hcpsdk.mapi import Tenant, TenantError, listtenants

from ..support.raw_server import Peer, answer, answering, chunked_answer

MapiServer = Callable[..., tuple[Any, hcpsdk.Target]]

# As a live system of release 8 sends it (docs/hcp/mapi.rst, section 6.1).
INFO = {
    "name": "m",
    "systemVisibleDescription": "",
    "softQuota": 85,
    "hardQuota": "400.00 GB",
    "namespaceQuota": "None",
    "authenticationTypes": {"authenticationType": ["LOCAL"]},
    "tags": {"tag": []},
    "fullyQualifiedName": "m.hcp1.snomis.local",
    "searchConfigurationEnabled": True,
    "replicationConfigurationEnabled": False,
    "creationTime": "2018-02-06T15:37:29+0800",
}
# The tenant Default has no name (docs/hcp/mapi.rst, section 6.1).
DEFAULT = {"snmpLoggingEnabled": False, "systemVisibleDescription": "Größe"}


def test_listtenants(mapi_server: MapiServer) -> None:
    """A Tenant for each name, in HCP's order; they ask only when they are asked."""
    responses = [
        answer(b'{\n  "name" : [ "Default", "m", "z\xc3\xb6" ]\n}', "200 OK"),
        answer(json.dumps(DEFAULT).encode()),
        answer(json.dumps(INFO, ensure_ascii=False).encode()),
    ]

    def handler(peer: Peer) -> None:
        for _ in peer.each_request():
            peer.send(responses.pop(0))

    server, target = mapi_server(handler)
    tenants = listtenants(target, timeout=20)
    assert [tenant.name for tenant in tenants] == ["Default", "m", "zö"]
    assert [request.target for request in server.requests] == ["/mapi/tenants?verbose=true"]
    assert server.requests[0].headers("Accept") == ["application/json"]

    default, m, _ = tenants
    with pytest.raises(KeyError):
        default.info()["name"]
    assert default.info() == DEFAULT
    assert m.info() == INFO
    assert [request.target for request in server.requests[1:]] == [
        "/mapi/tenants/Default",
        "/mapi/tenants/m",
    ]
    for tenant in tenants:
        tenant.close()
        tenant.close()


def test_info_is_kept(mapi_server: MapiServer) -> None:
    """One request for any number of calls, unless the caller wants news; a copy each time."""
    server, target = mapi_server(
        answering(answer(b'{"tags":{"tag":["a"]}}'), answer(b'{"tags":{"tag":["b"]}}'))
    )
    with Tenant(target, "m") as tenant:
        first = tenant.info()
        first["tags"]["tag"].append("mine")
        assert tenant.info() == tenant.info(True) == {"tags": {"tag": ["a"]}}
        assert tenant.info(cache=False) == {"tags": {"tag": ["b"]}}
        assert tenant.info() == {"tags": {"tag": ["b"]}}
    assert len(server.requests) == 2
    assert len(server.peers) == 1


def test_no_tenants(mapi_server: MapiServer) -> None:
    _, target = mapi_server(answering(answer(b'{"name":[]}')))
    assert listtenants(target) == []


@pytest.mark.parametrize("call", ["listtenants", "info"])
def test_unwanted_status(mapi_server: MapiServer, call: str) -> None:
    """Any status but 200 raises TenantError, whose text starts with it."""
    refusal = answer(b"", "403 Forbidden", "X-HCP-ErrorMessage: invalid credentials")
    _, target = mapi_server(answering(refusal))
    with Tenant(target, "m") as tenant, pytest.raises(TenantError) as caught:
        listtenants(target) if call == "listtenants" else tenant.info()
    assert str(caught.value) == "403 - Forbidden (invalid credentials)"
    assert caught.value.status == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<tenants><name>m</name></tenants>",
        b'{"name":["m"]',
        b'{"name":["m"]} {}',
        b'["m"]',
        b'"m"',
        b"null",
        b'{"name":"m"}',
        b'{"name":[1]}',
        b'{"name":[null]}',
        b'{"name":["m"],"x":NaN}',
        b'{"name":["m\xff"]}',
        '{"name":["m"]}'.encode("utf-16"),
        b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"name":' + b"9" * 10_000 + b"}",
        b'{"name":["m"]' + b" " * (16 * 1024 * 1024) + b"}",
    ],
    ids=range(16),
)
def test_not_a_list_of_tenants(mapi_server: MapiServer, body: bytes) -> None:
    """Whatever else comes raises an exception of ours."""
    _, target = mapi_server(answering(answer(body)))
    with pytest.raises(hcpsdk.HcpsdkError):
        listtenants(target)


def test_a_cut_list(mapi_server: MapiServer) -> None:
    """A list that is cut where it is still JSON is no short list."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(chunked_answer(b'{"name":["m"]}', b" ")[:-5])

    _, target = mapi_server(handler)
    with pytest.raises(hcpsdk.HcpsdkError):
        listtenants(target)


@pytest.mark.parametrize(
    ("name", "error"), [(None, TypeError), ("", ValueError), ("..", ValueError)]
)
def test_invalid_name(mapi_server: MapiServer, name: Any, error: type[Exception]) -> None:
    _, target = mapi_server(answering())
    with pytest.raises(error):
        Tenant(target, name)


def test_name_is_read_only(mapi_server: MapiServer) -> None:
    _, target = mapi_server(answering())
    tenant = Tenant(target, "m")
    with pytest.raises(AttributeError):
        tenant.name = "x"  # type: ignore[misc]
    assert repr(tenant).startswith("<Tenant 'm' over ")
