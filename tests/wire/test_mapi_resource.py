"""Any resource of the management API: what each method sends, and what it makes of the response."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest

import hcpsdk
from hcpsdk.mapi import Resource

from ..support.raw_server import OK, Peer, Received, answer, answering

MapiServer = Callable[..., tuple[Any, hcpsdk.Target]]

STATISTICS = {"objectCount": 508664, "storageCapacityUsed": 16809959424, "shredCount": 0}


def test_get(mapi_server: MapiServer) -> None:
    """The properties as JSON has them, with the read-only ones unless they are not wanted."""
    response = answer(json.dumps(STATISTICS).encode())
    server, target = mapi_server(answering(response, response))
    with Resource(target, "/mapi/tenants/m/statistics") as resource:
        assert resource.get() == STATISTICS
        assert resource.get(verbose=False) == STATISTICS
        assert resource.service_time > 1e-11
    assert [request.line for request in server.requests] == [
        b"GET /mapi/tenants/m/statistics?verbose=true HTTP/1.1",
        b"GET /mapi/tenants/m/statistics?verbose=false HTTP/1.1",
    ]
    assert server.requests[0].headers("Accept") == ["application/json"]
    assert len(server.peers) == 1


# As a live system of release 8 sends it (docs/hcp/mapi.rst, section 6.2).
PROTOCOLS = b"""{"ipSettings":{"allowIfInBothLists":false,"allowAddresses":{"ipAddress":[
 "0.0.0.0/0","::0/0"]},"denyAddresses":{"ipAddress":[]}},"httpEnabled":true,"httpActiveDirectorySSOEnabled":false,
 "webdavBasicAuthUsername":"","hswiftEnabled":false}"""


def test_nested_properties(mapi_server: MapiServer) -> None:
    """Lists, nested dictionaries and empty texts stay what they are."""
    _, target = mapi_server(answering(answer(PROTOCOLS)))
    with Resource(target, "/mapi/tenants/m/namespaces/n1/protocols/http") as resource:
        found = resource.get()
    assert found == {
        "ipSettings": {
            "allowIfInBothLists": False,
            "allowAddresses": {"ipAddress": ["0.0.0.0/0", "::0/0"]},
            "denyAddresses": {"ipAddress": []},
        },
        "httpEnabled": True,
        "httpActiveDirectorySSOEnabled": False,
        "webdavBasicAuthUsername": "",
        "hswiftEnabled": False,
    }


def test_numbers_that_start_with_the_point(mapi_server: MapiServer) -> None:
    """HCP's own way to write them is understood; texts stay what they are."""
    body = rb"""{"cpuUser":.75,"a":[-.5,1.5, .1e1],"b":"\".5, .5","c":":.5"}"""
    _, target = mapi_server(answering(answer(body)))
    with Resource(target, "/mapi/nodes/statistics") as resource:
        assert resource.get() == {
            "cpuUser": 0.75,
            "a": [-0.5, 1.5, 1.0],
            "b": '".5, .5',
            "c": ":.5",
        }


@pytest.mark.parametrize(
    ("status", "expected"),
    [("200 OK", True), ("302 Found", False), ("404 Not Found", False)],
)
def test_exists(mapi_server: MapiServer, status: str, expected: bool) -> None:
    """HCP answers 302 to HEAD where there is nothing to be seen."""
    server, target = mapi_server(answering(answer(b"", status)))
    with Resource(target, "/mapi/tenants/m") as resource:
        assert resource.exists() is expected
    assert server.requests[0].line == b"HEAD /mapi/tenants/m HTTP/1.1"


def test_create(mapi_server: MapiServer) -> None:
    """A PUT with JSON, and in the query what HCP wants there."""
    server, target = mapi_server(answering(OK, OK))
    properties = {"name": "m", "hardQuota": "10 GB", "softQuota": 85, "tags": {"tag": ["ü"]}}
    with Resource(target, "/mapi/tenants") as tenants:
        tenants.create(properties, username="admin", password="a+b c", forcePasswordChange=False)
    with Resource(target, "/mapi/services/replication/links/l/content/tenants/m") as content:
        content.create()
    first, second = server.requests
    assert first.line == (
        b"PUT /mapi/tenants?username=admin&password=a%2Bb%20c&forcePasswordChange=false HTTP/1.1"
    )
    assert first.headers("Content-Type") == ["application/json"]
    assert json.loads(first.body) == properties
    assert second.method == "PUT"
    assert second.headers("Content-Type") == []
    assert second.body == b""


def test_update(mapi_server: MapiServer) -> None:
    """A POST with nothing but the properties given, whatever they are called."""
    server, target = mapi_server(answering(OK))
    with Resource(target, "/mapi/tenants/m/namespaces/n1/versioningSettings") as resource:
        resource.update(enabled=True, pruneDays=3, self="x")
    (request,) = server.requests
    assert request.line == b"POST /mapi/tenants/m/namespaces/n1/versioningSettings HTTP/1.1"
    assert request.headers("Content-Type") == ["application/json"]
    assert json.loads(request.body) == {"enabled": True, "pruneDays": 3, "self": "x"}


def test_action(mapi_server: MapiServer) -> None:
    """A POST of a parameter; with an empty body, but for replication, where none is allowed."""
    server, target = mapi_server(answering(OK, OK))
    with Resource(target, "/mapi/tenants/m/userAccounts/u") as user:
        user.action("password", "sec ret")
    with Resource(target, "/mapi/services/replication/links/a--b") as link:
        link.action("suspend")
    first, second = server.requests
    assert first.line == b"POST /mapi/tenants/m/userAccounts/u?password=sec%20ret HTTP/1.1"
    assert (first.headers("Content-Type"), first.body) == (["application/json"], b"{}")
    assert second.line == b"POST /mapi/services/replication/links/a--b?suspend HTTP/1.1"
    assert (second.headers("Content-Type"), second.body) == ([], b"")


def test_delete(mapi_server: MapiServer) -> None:
    server, target = mapi_server(answering(OK))
    with Resource(target, "/mapi/tenants/m/namespaces/n1") as resource:
        resource.delete()
    assert server.requests[0].line == b"DELETE /mapi/tenants/m/namespaces/n1 HTTP/1.1"


@pytest.mark.parametrize(
    "method", ["get", "exists", "list", "create", "update", "action", "delete"]
)
@pytest.mark.parametrize("status", ["403 Forbidden", "409 Conflict", "201 Created"])
def test_unwanted_status(mapi_server: MapiServer, method: str, status: str) -> None:
    """Any status but 200 raises, with the status and HCP's reason."""
    arguments: dict[str, list[Any]] = {"create": [{}], "action": ["pause"]}
    refusal = answer(b"", status, "X-HCP-ErrorMessage: because")
    _, target = mapi_server(answering(refusal))
    with (
        Resource(target, "/mapi/tenants") as resource,
        pytest.raises(hcpsdk.HcpsdkStatusError) as caught,
    ):
        result = getattr(resource, method)(*arguments.get(method, []))
        list(result)  # only an iterator comes so far
    assert caught.value.status == int(status[:3])
    assert str(caught.value) == f"{status[:3]} - {status[4:]} (because)"


@pytest.mark.parametrize("body", [b"", b"<tenant/>", b"[]", b'{"a":', b"Infinity"])
def test_not_an_object(mapi_server: MapiServer, body: bytes) -> None:
    _, target = mapi_server(answering(answer(body)))
    with Resource(target, "/mapi/tenants/m") as resource, pytest.raises(hcpsdk.HcpsdkError):
        resource.get()


# Lists


class Lister:
    """A handler that serves a list of names, in parts where that is asked for.

    Args:
        names: The names.
        key: Their name in the JSON.
        has_parts: Whether it knows ``offset`` and ``count``.
    """

    def __init__(self, names: list[str], key: str = "name", has_parts: bool = True) -> None:
        self.names = names
        self.key = key
        self.has_parts = has_parts
        self.before_answer: Callable[[int], None] = lambda _count: None

    def __call__(self, peer: Peer) -> None:
        for number, request in enumerate(peer.each_request()):
            self.before_answer(number)
            parameters = dict(parse_qsl(request.target.partition("?")[2]))
            offset = int(parameters.get("offset", 0)) if self.has_parts else 0
            count = int(parameters.get("count", len(self.names)))
            names = sorted(self.names)[offset:][: count if self.has_parts else None]
            peer.send(answer(json.dumps({self.key: names}).encode()))


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1000, 1234])
@pytest.mark.parametrize(
    ("path", "key", "sort_type"),
    [
        ("/mapi/tenants", "name", "name"),
        ("/mapi/tenants/m/namespaces", "name", "name"),
        ("/mapi/tenants/m/userAccounts", "username", "username"),
    ],
)
def test_list_in_parts(
    mapi_server: MapiServer, path: str, key: str, sort_type: str, count: int
) -> None:
    """All names, each once, sorted by HCP, in requests of 500."""
    names = [f"name-{number:05}" for number in range(count)]
    server, target = mapi_server(Lister(names, key))
    with Resource(target, path) as resource:
        assert list(resource.list()) == names
    requests: list[Received] = server.requests
    assert [request.target for request in requests] == [
        f"{path}?offset={offset}&count=500&sortType={sort_type}&sortOrder=ascending"
        for offset in range(0, count + 1, 500)
    ]


@pytest.mark.parametrize("count", [499, 500, 501, 1500])
def test_a_list_that_has_no_parts(mapi_server: MapiServer, count: int) -> None:
    """An HCP that ignores the parameters sends all; each name comes once, and it ends."""
    names = [f"name-{number:05}" for number in range(count)]
    server, target = mapi_server(Lister(names, has_parts=False))
    with Resource(target, "/mapi/tenants") as resource:
        assert list(resource.list()) == names
    assert len(server.requests) == 1 + (count == 500)


def test_a_list_that_grows_meanwhile(mapi_server: MapiServer) -> None:
    """A name that moves into the next part is not listed twice."""
    names = [f"name-{number:05}" for number in range(700)]
    lister = Lister(list(names))
    lister.before_answer = lambda number: lister.names.extend(["aaa"] * (number == 1))
    _, target = mapi_server(lister)
    with Resource(target, "/mapi/tenants") as resource:
        assert list(resource.list()) == names


def test_other_lists(mapi_server: MapiServer) -> None:
    """Lists of which no parts can be had are asked for as they are."""
    server, target = mapi_server(Lister(["a--b"]))
    with Resource(target, "/mapi/services/replication/links") as resource:
        assert list(resource.list()) == ["a--b"]
    assert server.requests[0].target == "/mapi/services/replication/links"


@pytest.mark.parametrize("body", [b'{"a":1}', b'{"a":[{}]}', b'{"a":[],"b":[]}', b'{"a":{}}'])
def test_not_a_list(mapi_server: MapiServer, body: bytes) -> None:
    _, target = mapi_server(answering(answer(body)))
    with (
        Resource(target, "/mapi/nodes/statistics") as resource,
        pytest.raises(hcpsdk.HcpsdkError, match="not a list of names"),
    ):
        list(resource.list())


# Arguments


@pytest.mark.parametrize(
    ("path", "error"),
    [("tenants", ValueError), ("/rest/a", ValueError), ("", ValueError), (None, TypeError)],
)
def test_invalid_path(mapi_server: MapiServer, path: Any, error: type[Exception]) -> None:
    _, target = mapi_server(answering())
    with pytest.raises(error):
        Resource(target, path)


@pytest.mark.parametrize(
    ("properties", "error"),
    [
        ({"a": float("nan")}, ValueError),
        ({"a": {1, 2}}, TypeError),
        ({"a": b"bytes"}, TypeError),
        ([("a", 1)], TypeError),
    ],
)
def test_properties_that_json_cannot_carry(
    mapi_server: MapiServer, properties: Any, error: type[Exception]
) -> None:
    server, target = mapi_server(answering())
    with Resource(target, "/mapi/tenants") as resource, pytest.raises(error):
        resource.create(properties)
    assert server.peers == []


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/mapi/tenants/a b%20+?/statistics", "/mapi/tenants/a%20b%2520%2B%3F/statistics"),
        (hcpsdk.Quoted("/mapi/contentClasses/a%2Fb"), "/mapi/contentClasses/a%2Fb"),
    ],
)
def test_names_are_encoded(mapi_server: MapiServer, path: str, sent: str) -> None:
    server, target = mapi_server(answering(OK))
    with Resource(target, path) as resource:
        resource.delete()
        assert resource.path == path
    assert server.requests[0].target == sent


def test_passwords_are_not_shown(mapi_server: MapiServer, caplog: pytest.LogCaptureFixture) -> None:
    """What stands in the query is in no log line, exception or repr."""
    caplog.set_level("DEBUG")
    _, target = mapi_server(answering(answer(b"", "409 Conflict")))
    with Resource(target, "/mapi/tenants/m/userAccounts") as users:
        with pytest.raises(hcpsdk.HcpsdkStatusError) as caught:
            users.create({"username": "u"}, password="secret-1")
        text = f"{caplog.text} {caught.value!r} {users!r}"
    assert "/mapi/tenants/m/userAccounts" in caplog.text
    assert "secret-1" not in text
