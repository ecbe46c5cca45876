"""Our client and a whole HCP: names, nodes, certificates, threads."""

import ssl
import threading
from typing import Any

import pytest

import hcpsdk
from hcpsdk import ips
from hcpsdk.testing import HCP

NAME = "n1.m.hcp1.snomis.local"
PATIENCE = 60.0


def authorization() -> hcpsdk.NativeAuthorization:
    return hcpsdk.NativeAuthorization("n", "n01")


@pytest.mark.parametrize("cache", [False, True])
def test_both_resolvers_find_all_nodes(hcp: HCP, cache: bool) -> None:
    """Both resolvers give the addresses of all nodes (contract 2.2)."""
    response = ips.query(NAME, cache)
    assert sorted(response.ips) == sorted(node.address for node in hcp.nodes)
    assert response.raised == ""


@pytest.mark.parametrize("cache", [False, True])
def test_both_resolvers_find_nothing(hcp: HCP, cache: bool) -> None:
    """Not found: `raised` says so, and Target() raises IpsError (contract 2.1, 2.2)."""
    name = f"nobody.{hcp.domain}"
    response = ips.query(name, cache)
    assert response.ips == []
    assert response.raised.startswith("Err: ")
    with pytest.raises(ips.IpsError):
        hcpsdk.Target(name, authorization(), dnscache=cache)


@pytest.mark.parametrize("port", [80, 443])
def test_a_node_that_stops_and_starts(hcp: HCP, port: int, clock: Any) -> None:
    """A node that stops costs nothing; when it is back, the look-up after the next failed attempt
    finds it (contract 2.5, 2.6, 2.10)."""
    target = hcpsdk.Target(NAME, authorization(), port)
    with hcpsdk.Connection(target, idletime=0, timeout=20, retries=1) as connection:
        assert connection.PUT("/rest/a", b"data").status == 201
        down = hcp.nodes[0]
        down.stop()
        for _ in range(8):
            assert connection.HEAD("/rest/a").status == 200
            assert connection.address != down.address
        down.start()
        for node in hcp.nodes[1:]:
            node.stop()
        clock.advance(5.1)
        assert connection.HEAD("/rest/a").status == 200
        assert connection.address == down.address


@pytest.mark.parametrize("certificate", ["addresses", "names", "both"])
def test_certificates_in_the_field(certificate: Any) -> None:
    """A certificate for the names or for the addresses verifies (contract 2.8)."""
    with HCP(certificate=certificate) as system:
        context = ssl.create_default_context(cafile=str(system.ca_file))
        target = hcpsdk.Target(NAME, authorization(), sslcontext=context)
        with hcpsdk.Connection(target, idletime=0, timeout=20) as connection:
            for _ in range(5):
                assert connection.PUT("/rest/a", b"data").status in (201, 409)


def test_certificate_for_neither() -> None:
    """A certificate for neither raises HcpsdkCertificateError, and nothing is sent; without
    verification it does not matter (contract 2.7, 2.8)."""
    with HCP(certificate="neither") as system:
        context = ssl.create_default_context(cafile=str(system.ca_file))
        target = hcpsdk.Target(NAME, authorization(), sslcontext=context)
        with hcpsdk.Connection(target, retries=2) as connection:
            with pytest.raises(hcpsdk.HcpsdkCertificateError) as caught:
                connection.PUT("/rest/a", b"data")
            assert caught.value.reason.startswith("[SSL: CERTIFICATE_VERIFY_FAILED] ")
            assert connection.attempts == 0
        assert system.requests == []
        with hcpsdk.Connection(hcpsdk.Target(NAME, authorization())) as connection:
            assert connection.PUT("/rest/a", b"data").status == 201


def test_many_threads(hcp: HCP) -> None:
    """One Target, many threads, each with a Connection of its own (contract 6)."""
    target = hcpsdk.Target(NAME, authorization())
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with hcpsdk.Connection(target, timeout=20) as connection:
                for turn in range(10):
                    path, content = f"/rest/{number}/{turn}", f"{number} {turn}".encode()
                    assert connection.PUT(path, content).status == 201
                    connection.GET(path)
                    assert connection.read() == content
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert errors == []
