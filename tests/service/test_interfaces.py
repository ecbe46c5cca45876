"""Our client at the gateways for S3 and Swift: the emulator verifies each signature."""

import pathlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hcpsdk
from hcpsdk.testing import HCP, HangUp

TENANT, BUCKET = "m.hcp1.snomis.local", "n1.m.hcp1.snomis.local"
API = "api.hcp1.snomis.local"
HS3 = hcpsdk.HS3Authorization("n", "n01")
NAMES = ["a/b.txt", "blank and + %41 ~", "ü-日本", "!*'();:@&=$,?#[]", '\\ "<>|^`{}', "a%2Fb"]


def target_of(host: str, port: int = 80, authorization: Any = HS3) -> hcpsdk.Target:
    return hcpsdk.Target(host, authorization, port=port, interface=hcpsdk.I_HS3)


@pytest.fixture
def client(hcp: HCP) -> Iterator[hcpsdk.Connection]:
    with hcpsdk.Connection(target_of(TENANT)) as connection:
        yield connection


@pytest.mark.parametrize("port", [80, 443])
@pytest.mark.parametrize(("host", "root"), [(TENANT, "/n1"), (BUCKET, "")])
@pytest.mark.parametrize("name", NAMES)
def test_names(hcp: HCP, name: str, host: str, root: str, port: int) -> None:
    """Any name, at a tenant's name and at a bucket's; the native interface has the object, too."""
    with hcpsdk.Connection(target_of(host, port)) as connection:
        connection.PUT(f"{root}/{name}", name, headers={"X-Amz-Meta-A": " b  c "})
        connection.raise_for_status(200)
        assert connection.GET(f"{root}/{name}").read() == name.encode()
        assert connection.GET(hcpsdk.Quoted(f"{root}/{quote(name)}")).status == 200
        assert connection.GET(f"{root}/", {"prefix": name}).read().count(b"<Key>") == 1
    native = hcpsdk.Target(BUCKET, hcpsdk.NativeAuthorization("n", "n01"), port=80)
    with hcpsdk.Connection(native) as connection:
        assert connection.GET(f"/rest/{name}").read() == name.encode()


parameters = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5).map("p".__add__),
        st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    ),
    max_size=3,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parameters)
def test_parameters(client: hcpsdk.Connection, params: Any) -> None:
    """Parameters are signed as the server understands them, empty and repeated ones included."""
    assert client.GET("/n1", params).status == 200


@pytest.mark.parametrize(
    "quoted",
    ["/n1/a%20b", "/n1/%61%20b", "/n1/a%20b?response-content-type=a%2fb", "/n1/a%20b?x=a/b"],
)
def test_quoted(client: hcpsdk.Connection, quoted: str) -> None:
    """A path is signed as it is given."""
    client.PUT("/n1/a b", b"x")
    assert client.GET(hcpsdk.Quoted(quoted)).status == 200


def test_bodies(client: hcpsdk.Connection, tmp_path: pathlib.Path) -> None:
    """In memory, from a file, and from an iterable with a length."""
    data = bytes(range(256)) * 1000
    path = tmp_path / "file"
    path.write_bytes(data)
    length = {"Content-Length": len(data)}
    assert client.PUT("/n1/bytes", data).status == 200
    with path.open("rb") as file:
        assert client.PUT("/n1/file", file).status == 200
    assert client.PUT("/n1/iterable", iter([data[:5], data[5:]]), headers=length).status == 200
    assert client.PUT("/n1/chunked", iter([data])).status == 411
    for name in ("bytes", "file", "iterable"):
        assert client.GET(f"/n1/{name}").read() == data


@pytest.mark.parametrize("seconds", [-1000, 1000])
def test_wrong_clock(
    client: hcpsdk.Connection, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """HCP refuses the signature, and the message says why (contract 11.3)."""
    now = hcpsdk._auth_hs3.time.time  # type: ignore[attr-defined]

    class Clock:
        @staticmethod
        def time() -> float:
            return float(now()) + seconds

    monkeypatch.setattr("hcpsdk._auth_hs3.time", Clock)
    monkeypatch.setattr("hcpsdk._channel.clock_difference", lambda date, _: f"checked {date}")
    assert client.GET("/n1/a").status == 403
    with pytest.raises(hcpsdk.HcpsdkError, match=r"403 - Forbidden \(checked .* GMT\)"):
        client.raise_for_status()
    assert b"<Code>RequestTimeTooSkewed</Code>" in client.read()


@pytest.mark.parametrize("port", [80, 443])
@pytest.mark.parametrize(("host", "root"), [(TENANT, "/n1"), (BUCKET, "")])
def test_presigned(hcp: HCP, host: str, root: str, port: int) -> None:
    """The URL is for anyone, for one method and one object."""
    target = target_of(host, port)
    name = f"{root}/a b+ü"
    with hcpsdk.Connection(target) as connection:
        connection.PUT(name, b"data")
    url = HS3.presign(target, "GET", name, 60, {"response-content-type": "image/png"})
    context = urllib.request.HTTPSHandler(context=hcp_context(hcp))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), context)
    with opener.open(url, timeout=20) as response:
        assert (response.read(), response.headers["Content-Type"]) == (b"data", "image/png")
    for request in (
        urllib.request.Request(url, method="DELETE"),
        urllib.request.Request(url.replace("a%20b", "a%20c")),
    ):
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(request, timeout=20)
        assert caught.value.code == 403
        caught.value.close()


def hcp_context(hcp: HCP) -> Any:
    import ssl

    return ssl.create_default_context(cafile=str(hcp.ca_file))


def test_wrong_password(hcp: HCP) -> None:
    """A wrong password is a response with status 403."""
    wrong = hcpsdk.HS3Authorization("n", "wrong")
    with hcpsdk.Connection(target_of(TENANT, 80, wrong)) as connection:
        response = connection.GET("/n1/a")
        assert response.status == 403
        assert b"<Code>SignatureDoesNotMatch</Code>" in response.read()


# HSwift


@pytest.mark.parametrize("port", [80, 443])
@pytest.mark.parametrize("name", NAMES)
def test_swift(hcp: HCP, name: str, port: int) -> None:
    """Objects with any name by HSwift, retried like all others (contract 11.2)."""
    authorization = hcpsdk.HSwiftAuthorization("n", "n01")
    target = hcpsdk.Target(API, authorization, port=port, interface=hcpsdk.I_HSWIFT)
    url = f"/swift/v1/m/n1/{name}"
    with hcpsdk.Connection(target, retries=1) as connection:
        hcp.add_fault(HangUp("before request"))
        assert connection.PUT(url, name, headers={"X-Object-Meta-A": "b"}).status == 201
        assert connection.attempts == 2
        assert connection.GET(url).read() == name.encode()
        assert connection.getheader("X-Object-Meta-A") == "b"
        assert connection.DELETE(url).status == 204


def test_swift_token(hcp: HCP) -> None:
    """Any other token is sent as it is; credentials that are wrong get 401."""
    for authorization, status in (
        (hcpsdk.HSwiftAuthorization(token="gAAAA"), 501),
        (hcpsdk.HSwiftAuthorization("n", "wrong"), 401),
    ):
        target = hcpsdk.Target(API, authorization, port=80, interface=hcpsdk.I_HSWIFT)
        with hcpsdk.Connection(target) as connection:
            assert connection.GET("/swift/v1/m").status == status


# Replica (contract 11.2)


def test_replica_is_signed_for() -> None:
    """A request that goes to the replica is signed for the replica's name."""
    with HCP() as hcp, HCP("hcp2.snomis.local") as other:
        target = hcpsdk.Target(
            TENANT,
            HS3,
            port=80,
            interface=hcpsdk.I_HS3,
            replica_fqdn="m.hcp2.snomis.local",
            replica_strategy=hcpsdk.RS_READ_ON_FAILOVER,
        )
        assert target.replica is not None
        with hcpsdk.Connection(target.replica) as connection:
            connection.PUT("/n1/a b", b"x", params={"p": "/"})
            connection.raise_for_status(200)
        for node in hcp.nodes:
            node.stop()
        with hcpsdk.Connection(target) as connection:
            assert connection.GET("/n1/a b", params={"p": "/"}).read() == b"x"
            assert connection.served_by is target.replica
        assert other.domain == "hcp2.snomis.local"
