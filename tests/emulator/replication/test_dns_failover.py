"""DNS failover: the names of a system that failed lead to the one that stands in for it.

docs/hcp/namespace.rst, section 23: names only, not addresses; native REST only, never /proc.
"""

import pathlib
import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPSConnection

import dns.message
import dns.query
import dns.rcode
import dns.resolver
import pytest

from hcpsdk.testing import HCP, Link, link

from ..conftest import HOST, Http, Https, Site

NODES1 = {f"127.0.0.{number}" for number in range(52, 56)}
NODES2 = {f"127.0.0.{number}" for number in range(56, 60)}
HOST2 = "n1.m.hcp2.snomis.local"


@pytest.fixture
def linked(site1: Site, site2: Site) -> Iterator[Link]:
    """An active/active link; an object is on both systems."""
    with link(site1.hcp, site2.hcp) as made:
        assert site1.rest("PUT", "/rest/a", b"data").status == 201
        made.wait()
        yield made


@pytest.fixture
def failed_over(linked: Link, site1: Site, site2: Site) -> Link:
    """The same, after ``hcp1`` lost its power and ``hcp2`` was told to stand in."""
    for node in site1.hcp.nodes:
        node.stop()
    assert site2.act(linked, "failOver").status == 200
    return linked


def resolved(name: str) -> set[str]:
    """What this process gets for *name*; dnspython and the socket module agree on it."""
    told = {record.address for record in dns.resolver.resolve(name, "A")}
    assert told == {entry[4][0] for entry in socket.getaddrinfo(name, 443)}
    return told


def asked(hcp: HCP, name: str) -> tuple[dns.rcode.Rcode, set[str]]:
    """What the name server of *hcp* says itself."""
    server = hcp.name_server
    query = dns.message.make_query(name, "A")
    reply = dns.query.udp(query, server.address, timeout=20, port=server.port)
    return reply.rcode(), {record.address for rrset in reply.answer for record in rrset}


def test_before(linked: Link, site1: Site, site2: Site) -> None:
    """A link alone changes no name."""
    assert resolved(HOST) == NODES1
    assert resolved(HOST2) == NODES2
    assert asked(site2.hcp, HOST) == (dns.rcode.REFUSED, set())


def test_names(failed_over: Link, site1: Site, site2: Site) -> None:
    """All names of the failed system lead to the other one, whichever name server is asked."""
    for name in (HOST, HOST.upper(), "n2.m.hcp1.snomis.local", "m.hcp1.snomis.local"):
        assert resolved(name) == NODES2
    for hcp in (site1.hcp, site2.hcp):
        assert asked(hcp, HOST) == (dns.rcode.NOERROR, NODES2)
        assert asked(hcp, "nobody.hcp1.snomis.local")[0] == dns.rcode.NXDOMAIN
    assert resolved(HOST2) == NODES2
    assert asked(site2.hcp, "n1.m.hcp3.snomis.local")[0] == dns.rcode.REFUSED


def test_only_running_nodes(failed_over: Link, site2: Site) -> None:
    """Names lead to nodes that run."""
    site2.hcp.nodes[0].stop()
    assert resolved(HOST) == NODES2 - {site2.hcp.nodes[0].address}


def test_namespace(failed_over: Link) -> None:
    """The one that stands in answers under the old name, and tells who it is."""
    client = Http()
    assert client.host == HOST
    answer = client("GET", "/rest/a")
    assert (answer.status, answer.body) == (200, b"data")
    assert answer["X-HCP-ServicedBySystem"] == "hcp2.snomis.local"
    assert client("PUT", "/rest/b", b"new").status == 201
    client.close()


def test_certificate(
    linked: Link, site1: Site, site2: Site, tmp_path: pathlib.Path, http: Http
) -> None:
    """It shows the failed system's certificate, which the link brought it beforehand."""
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(site1.hcp.ca_file.read_bytes())
    assert site2.act(linked, "failOver").status == 200
    for host, file in ((HOST, ca_file), (HOST2, site2.hcp.ca_file)):
        client = Https(file, host)
        answer = client("GET", "/rest/a")
        assert (answer.status, answer["X-HCP-ServicedBySystem"]) == (200, "hcp2.snomis.local")
        client.close()


def test_certificate_that_was_not_exchanged(linked: Link, site1: Site, site2: Site) -> None:
    """Where the setting is off, it has only a certificate of its own."""
    body = '{"enableDomainAndCertificateSynchronization": false}'
    answer = site2.mapi("POST", "", body, {"Content-Type": "application/json"})
    assert answer.status == 200
    assert site2.act(linked, "failOver").status == 200
    context = ssl.create_default_context(cafile=site1.hcp.ca_file)
    connection = HTTPSConnection(HOST, timeout=20, context=context)
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.connect()
    connection.close()


def test_addresses_are_not_redirected(linked: Link, site1: Site, site2: Site) -> None:
    """Whoever asks a node by its address gets that system, under its own names."""
    assert site2.act(linked, "failOver").status == 200
    answer = site1.rest("GET", "/rest/a")
    assert (answer.status, answer["X-HCP-ServicedBySystem"]) == (200, "hcp1.snomis.local")
    assert site1.rest("GET", "/rest/a", host=HOST2).status == 403


def test_proc_is_not_taken_over(failed_over: Link) -> None:
    """``/proc`` is answered for a system's own namespaces only."""
    for host, status in ((HOST, 403), (HOST2, 200)):
        client = Http(host)
        assert client("GET", "/proc/statistics").status == status
        client.close()


def test_management_is_not_taken_over(failed_over: Link, site2: Site) -> None:
    """The failed system's management API is not there under its name."""
    assert site2.mapi("GET", host="admin.hcp1.snomis.local").status == 403
    assert site2.mapi("GET").status == 200


def test_switched_off(linked: Link, site1: Site, site2: Site) -> None:
    """Without DNS failover in the settings of the one that stands in, names stay as they are."""
    json = {"Content-Type": "application/json"}
    assert site2.mapi("POST", "", '{"enableDNSFailover": false}', json).status == 200
    assert site2.act(linked, "failOver").status == 200
    assert resolved(HOST) == NODES1
    assert site2.rest("GET", "/rest/a", host=HOST).status == 403
    assert site2.mapi("POST", "", '{"enableDNSFailover": true}', json).status == 200
    assert resolved(HOST) == NODES2
    assert site2.rest("GET", "/rest/a", host=HOST).status == 200


def test_fail_back(failed_over: Link, site1: Site, site2: Site) -> None:
    """After the failback, names are again what they were."""
    client = Http()
    assert client("PUT", "/rest/b", b"meanwhile").status == 201
    client.close()
    for node in site1.hcp.nodes:
        node.start()
    assert resolved(HOST) == NODES2
    assert site2.act(failed_over, "failBack").status == 200
    failed_over.wait()
    assert resolved(HOST) == NODES1
    assert asked(site2.hcp, HOST)[0] == dns.rcode.REFUSED
    client = Http()
    answer = client("GET", "/rest/b")
    assert (answer.body, answer["X-HCP-ServicedBySystem"]) == (b"meanwhile", "hcp1.snomis.local")
    client.close()


def test_complete_recovery(site1: Site, site2: Site) -> None:
    """On an active/passive link, the replica stands in until the recovery is complete."""
    with link(site1.hcp, site2.hcp, "ACTIVE_PASSIVE") as made:
        assert site2.act(made, "failOver").status == 200
        client = Http()
        assert client("PUT", "/rest/a", b"on the replica").status == 201
        client.close()
        assert site2.act(made, "beginRecovery").status == 200
        made.wait()
        assert resolved(HOST) == NODES2
        assert site2.act(made, "completeRecovery").status == 200
        made.wait()
        assert resolved(HOST) == NODES1
        client = Http()
        assert client("GET", "/rest/a").body == b"on the replica"
        client.close()


def test_system_that_is_gone(site2: Site) -> None:
    """A system may be gone altogether; its names live on as long as the link."""
    with HCP("gone.snomis.local") as gone:
        made = link(gone, site2.hcp)
        name = "n1.m.gone.snomis.local"
        assert Site(gone).rest("PUT", "/rest/a", b"saved").status == 201
        made.wait()
        gone.stop()
        assert site2.act(made, "failOver").status == 200
        assert resolved(name) == NODES2
        client = Http(name)
        answer = client("GET", "/rest/a")
        client.close()
        assert (answer.status, answer.body) == (200, b"saved")
        made.close()
        assert asked(site2.hcp, name)[0] == dns.rcode.REFUSED
