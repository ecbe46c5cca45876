"""`namespace.Info` and `mapi.Replication`: their requests, and what they return or raise."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

import hcpsdk
from hcpsdk.mapi import Replication, ReplicationSettingsError
from hcpsdk.namespace import Info

from ..support.raw_server import Peer, StartServer, answer, answering

SETTINGS = b"""<replicationService><allowTenantsToMonitorNamespaces>true\
</allowTenantsToMonitorNamespaces><network>[hcp_system]</network><empty/></replicationService>"""
LINK = """<link>
  <connection>
    <localHost>127.0.0.52, 127.0.0.53</localHost>
    <localPort>5748</localPort>
  </connection>
  <description></description>
  <name>ä&lt;-&gt;</name>
  <statistics><local><a>1</a></local><a>2</a></statistics>
</link>"""
COMPACT_LINK = "".join(line.strip() for line in LINK.splitlines())
DETAILS = {
    "connection": {"localHost": "127.0.0.52, 127.0.0.53", "localPort": "5748"},
    "description": "",
    "name": "ä<->",
    "statistics": {"local": {"a": "1"}, "a": "2"},
}

# Each question, and the XML that would answer it.
QUESTIONS = {
    "nsstatistics": (Info, lambda i: i.nsstatistics(), b"<statistics/>"),
    "listaccessiblens": (Info, lambda i: i.listaccessiblens(), b"<namespaces/>"),
    "listretentionclasses": (Info, lambda i: i.listretentionclasses(), b"<retentionClasses/>"),
    "listpermissions": (Info, lambda i: i.listpermissions(), b"<permissions/>"),
    "getreplicationsettings": (
        Replication,
        lambda r: r.getreplicationsettings(),
        b"<replicationService/>",
    ),
    "getlinklist": (Replication, lambda r: r.getlinklist(), b"<links/>"),
    "getlinkdetails": (Replication, lambda r: r.getlinkdetails("a"), b"<link/>"),
    "setreplicationlinkstate": (
        Replication,
        lambda r: r.setreplicationlinkstate("a", "suspend"),
        b"",
    ),
}


@pytest.fixture
def asking(
    raw_server: StartServer, mapi_server: Any, names: Any, authorization: hcpsdk.NativeAuthorization
) -> Iterator[Any]:
    """Make an Info or a Replication that asks a server which gives these answers."""
    made = []

    def ask(kind: Any, *answers: Any) -> Any:
        if kind is Replication:
            server, target = mapi_server(answering(*answers))
        else:
            server = raw_server(answering(*answers))
            names.set("127.0.0.1", ["127.0.0.1"])
            target = hcpsdk.Target("127.0.0.1", authorization, port=server.port)
        made.append(kind(target))
        return made[-1], server

    yield ask
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("call", "target"),
    [
        (lambda i: i.nsstatistics(), "/proc/statistics"),
        (lambda i: i.listaccessiblens(), "/proc?single=true"),
        (lambda i: i.listaccessiblens(all=True), "/proc"),
        (lambda i: i.listretentionclasses(), "/proc/retentionClasses"),
        (lambda i: i.listpermissions(), "/proc/permissions"),
        (lambda r: r.getreplicationsettings(), "/mapi/services/replication"),
        (lambda r: r.getlinklist(), "/mapi/services/replication/links"),
        (
            lambda r: r.getlinkdetails("hcp1--<-->--hcp2"),
            "/mapi/services/replication/links/hcp1--%3C--%3E--hcp2?verbose=true",
        ),
        (lambda r: r.getlinkdetails("a/b ä%?"), "…/a%2Fb%20%C3%A4%25%3F?verbose=true"),
        (lambda r: r.setreplicationlinkstate("a b", "suspend"), "…/a%20b?suspend"),
        (lambda r: r.setreplicationlinkstate("a", "failOver", "INBOUND"), "…/a?failOver"),
    ],
)
def test_what_is_asked(asking: Any, call: Any, target: str) -> None:
    """Each method asks for what the documents say; names of links are encoded (contract 8.1,
    8.2)."""
    target = target.replace("…", "/mapi/services/replication/links")
    kind = Info if target.startswith("/proc") else Replication
    asker, server = asking(kind, answer(b"", "503 Busy"))

    with pytest.raises(hcpsdk.HcpsdkError, match=r"^503 - Busy"):
        call(asker)

    (received,) = server.requests
    assert received.target == target
    assert received.method == ("POST" if "links/a" in target and "verbose" not in target else "GET")
    if received.method == "POST":
        assert received.headers("Content-Length") == ["0"]


def test_values(asking: Any) -> None:
    """Numbers and truth values come as such, names and texts stay what they are (contract 8.1)."""
    xml = (
        b'<namespaces xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        b'xsi:noNamespaceSchemaLocation="/static/xsd/proc-namespaces.xsd" tenantHostName="m">\n'
        b'<namespace name="007" nameIDNA="true" dpl="2" defaultRetentionValue="-1" x="A+10y" '
        b'searchEnabled="false" y="1.5" z=""><description><![CDATA[\n  a \xc2\xb0 12\xc2\xb0\n'
        b"]]></description></namespace></namespaces>"
    )
    info, _server = asking(Info, answer(xml))

    assert info.listaccessiblens() == {
        "007": {
            "name": "007",
            "nameIDNA": "true",
            "dpl": 2,
            "defaultRetentionValue": -1,
            "x": "A+10y",
            "searchEnabled": False,
            "y": "1.5",
            "z": "",
            "description": ["a", "12", ""],
        }
    }


def test_statistics(asking: Any) -> None:
    """The schema attribute is dropped; the name stays a text even if it is a number (contract
    8.1)."""
    xml = (
        b'<?xml-stylesheet type="text/xsl" href="/static/xsl/proc-statistics.xsl"?>\n'
        b'<statistics xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        b'xsi:noNamespaceSchemaLocation="x" namespaceName="1" objectCount="402403"/>'
    )
    info, _server = asking(Info, answer(xml))

    assert info.nsstatistics() == {"namespaceName": "1", "objectCount": 402403}


def test_leaf_values(asking: Any) -> None:
    """Leaf values are str, an empty element is '' (contract 8.2)."""
    replication, _server = asking(Replication, answer(SETTINGS))

    assert replication.getreplicationsettings() == {
        "allowTenantsToMonitorNamespaces": "true",
        "network": "[hcp_system]",
        "empty": "",
    }


@pytest.mark.parametrize("xml", [LINK, COMPACT_LINK], ids=["indented", "compact"])
def test_indented_xml(asking: Any, xml: Any) -> None:
    """Nesting decides by child elements: indented XML gives the same (contract 8.2)."""
    replication, _server = asking(Replication, answer(xml.encode()))

    assert replication.getlinkdetails("x") == DETAILS


def test_lists(asking: Any) -> None:
    """Names that are repeated in a group give a list; links are a list of names (contract 8.2)."""
    roles = b"<link><roles><role>a</role><role>b</role><role>c</role></roles></link>"
    links = b"<links><name>a</name>\n<name>b&lt;</name></links>"
    replication, _server = asking(Replication, answer(roles), answer(links))

    assert replication.getlinkdetails("x") == {"roles": {"role": ["a", "b", "c"]}}
    assert replication.getlinklist() == ["a", "b<"]


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("status", ["201 Created", "204 No Content", "302 Found", "403 Forbidden"])
def test_any_status_but_200(asking: Any, name: Any, status: Any) -> None:
    """Any status but 200 raises; the text starts with it and quotes HCP's message (contract
    8.3)."""
    kind, call, xml = QUESTIONS[name]
    body = b"" if status.startswith("204") else xml
    asker, _server = asking(kind, answer(body, status, "X-HCP-ErrorMessage: no, sorry"))

    with pytest.raises(hcpsdk.HcpsdkStatusError) as caught:
        call(asker)

    assert caught.value.reason == f"{status[:3]} - {status[4:]} (no, sorry)"
    assert caught.value.status == int(status[:3])


@pytest.mark.parametrize("name", [name for name in QUESTIONS if name != "setreplicationlinkstate"])
@pytest.mark.parametrize("body", [b"", b"<html/>", b"oops", b"<a", b"<!DOCTYPE a><a/>"])
def test_no_xml(asking: Any, name: Any, body: Any) -> None:
    """What is not the XML asked for is an HcpsdkError, and the next call works (contract 1.4,
    8.4)."""
    kind, call, xml = QUESTIONS[name]
    asker, server = asking(kind, answer(body), answer(xml))

    with pytest.raises(hcpsdk.HcpsdkError, match="invalid <"):
        call(asker)
    assert not call(asker)
    assert len(server.peers) == 1


@pytest.mark.parametrize("name", ["listaccessiblens", "listretentionclasses"])
def test_nameless(asking: Any, name: Any) -> None:
    """An entry without a name is an HcpsdkError, no KeyError (contract 1.4)."""
    kind, call, xml = QUESTIONS[name]
    asker, _server = asking(kind, answer(xml.replace(b"/>", b"><x/></") + xml[1:-2] + b">"))

    with pytest.raises(hcpsdk.HcpsdkError, match="without a name"):
        call(asker)


def test_cut_answer(mapi_server: Any) -> None:
    """A list whose connection breaks is an error, never a shorter list (contract 3.6)."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer(b"<links><name>a</name></links>")[:-5])

    _server, target = mapi_server(handler)
    # Under TLS without the TLS end.
    with Replication(target) as replication, pytest.raises(hcpsdk.HcpsdkError, match="was closed"):
        replication.getlinklist()


def test_nothing_is_sent(asking: Any) -> None:
    """What is not allowed for a link raises before anything is sent (contract 8.2)."""
    replication, server = asking(Replication, answer(b""))
    with pytest.raises(ReplicationSettingsError):
        replication.setreplicationlinkstate("a", "failBack", "OUTBOUND")
    with pytest.raises(ValueError):
        replication.setreplicationlinkstate("a", "nonsense")
    for wrong in (5, None, b"a"):
        with pytest.raises(TypeError):
            replication.setreplicationlinkstate(wrong, "suspend")
    with pytest.raises(ValueError):
        replication.getlinkdetails("")

    assert server.peers == []


@pytest.mark.parametrize("kind", [Info, Replication])
def test_times_and_life(asking: Any, kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    """They keep their last call's times, reuse one Connection, and close (contract 8.4)."""
    call, xml = (
        (lambda it: it.nsstatistics(), b"<statistics/>")
        if kind is Info
        else (lambda it: it.getlinklist(), b"<links/>")
    )
    asker, server = asking(kind, *[answer(xml)] * 3)
    assert asker.connect_time == asker.service_time == 1e-11

    with caplog.at_level(logging.DEBUG), asker:
        call(asker)
        first = asker.service_time
        call(asker)
    asker.close()

    assert first > 1e-11
    assert asker.service_time != first
    assert asker.connect_time > 1e-11
    assert len(server.peers) == 1
    server.wait_for_finished(1)  # closed by the with block
    assert "1dc7fed37e11b35093d311ef66928ad9" not in caplog.text + repr(asker)
    call(asker)  # a closed one opens again
