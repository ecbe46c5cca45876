"""Replication links in the management API: what is shown, and what can be changed."""

import json
import re
import uuid
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from hcpsdk.testing import Link, link

from ..conftest import Site

NODES1 = ", ".join(f"127.0.0.{number}" for number in range(52, 56))
NODES2 = ", ".join(f"127.0.0.{number}" for number in range(56, 60))
XML = {"Content-Type": "application/xml"}
JSON = {"Content-Type": "application/json"}

# As in docs/hcp/mapi.rst, section 4.3, except for what differs from system to system.
LINK = """<link>
<compression>false</compression>
<connection>
<localHost>{mine}</localHost><localPort>5748</localPort>
<remoteHost>{theirs}</remoteHost><remotePort>5748</remotePort>
</connection>
<description>active/active replication between HCP1 and HCP2</description>
<encryption>false</encryption>
<failoverSettings>
<local><autoFailover>false</autoFailover><autoFailoverMinutes>120</autoFailoverMinutes></local>
<remote><autoFailover>false</autoFailover><autoFailoverMinutes>120</autoFailoverMinutes></remote>
</failoverSettings>
<id>ID</id>
<name>hcp1--&lt;--&gt;--hcp2</name>
<priority>OLDEST_FIRST</priority>
<statistics>
<upToDateAsOfString>TIME</upToDateAsOfString>
<upToDateAsOfMillis>MILLIS</upToDateAsOfMillis>
<bytesPending>0</bytesPending><bytesPendingRemote>0</bytesPendingRemote>
<bytesReplicated>0</bytesReplicated><bytesPerSecond>0.0</bytesPerSecond>
<objectsPending>0</objectsPending><objectsPendingRemote>0</objectsPendingRemote>
<objectsReplicated>0</objectsReplicated><operationsPerSecond>0.0</operationsPerSecond>
<errors>0</errors><errorsPerSecond>0.0</errorsPerSecond>
</statistics>
<status>GOOD</status>
<statusMessage>Synchronizing data</statusMessage>
<suspended>false</suspended>
<type>ACTIVE_ACTIVE</type>
</link>""".replace("\n", "")


@pytest.fixture
def linked(site1: Site, site2: Site) -> Iterator[Link]:
    """An active/active link between the two."""
    with link(site1.hcp, site2.hcp) as made:
        yield made


@pytest.fixture
def passive(site1: Site, site2: Site) -> Iterator[Link]:
    """An active/passive link, ``hcp1`` the primary."""
    with link(site1.hcp, site2.hcp, "ACTIVE_PASSIVE", name="a p", description="") as made:
        yield made


def test_list(linked: Link, site1: Site, site2: Site) -> None:
    """Both systems list the link, under the manual's name."""
    for site in (site1, site2):
        body = site.mapi("GET", "/links").body
        assert body.endswith(b"?><links><name>hcp1--&lt;--&gt;--hcp2</name></links>")
        answer = site.mapi("GET", "/links", headers={"Accept": "application/json"})
        assert answer.body == b'{"name":["hcp1--<-->--hcp2"]}'


def test_details(linked: Link, site1: Site, site2: Site) -> None:
    """All properties of the manual, in its order and with its values, on one line."""
    for site, mine, theirs in ((site1, NODES1, NODES2), (site2, NODES2, NODES1)):
        body = site.mapi("GET", f"/links/{quote(linked.name)}?verbose=true").body.decode()
        text = body.removeprefix('<?xml version="1.0" encoding="UTF-8"?>')
        identity = re.search("<id>(.*)</id>", text)
        assert identity and str(uuid.UUID(identity[1])) == linked.id
        text = text.replace(linked.id, "ID")
        text = re.sub(r">\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0100<", ">TIME<", text)
        text = re.sub(r"Millis>\d{13}<", "Millis>MILLIS<", text)
        assert text == LINK.format(mine=mine, theirs=theirs)


def test_not_verbose(linked: Link, site1: Site) -> None:
    """Without ``verbose``, only what can be changed (section 4.3)."""
    whole = json_of(site1, linked, "?verbose=true")
    short = json_of(site1, linked, "")
    missing = {"id", "statistics", "status", "statusMessage", "suspended"}
    assert set(whole) - set(short) == missing
    assert set(short) <= set(whole)


def json_of(site: Site, made: Link, query: str) -> dict[str, object]:
    answer = site.mapi(
        "GET", f"/links/{quote(made.name)}{query}", headers={"Accept": "application/json"}
    )
    found = json.loads(answer.body)
    assert isinstance(found, dict)
    return found


def test_json_types(linked: Link, site1: Site) -> None:
    """Numbers and Booleans are such in JSON."""
    told = json_of(site1, linked, "?verbose=true")
    assert told["suspended"] is False
    assert isinstance(told["statistics"], dict)
    assert told["statistics"]["objectsPending"] == 0
    assert isinstance(told["statistics"]["upToDateAsOfMillis"], int)
    assert told["connection"] == {
        "localHost": NODES1,
        "localPort": 5748,
        "remoteHost": NODES2,
        "remotePort": 5748,
    }


def test_passive_details(passive: Link, site1: Site, site2: Site) -> None:
    """Primary and replica have their own types, messages, and sides of the failover settings."""
    primary = json_of(site1, passive, "?verbose=true")
    replica = json_of(site2, passive, "?verbose=true")
    assert [end["type"] for end in (primary, replica)] == ["OUTBOUND", "INBOUND"]
    messages = [end["statusMessage"] for end in (primary, replica)]
    assert messages == ["Sending data", "Receiving data"]
    settings = {
        "autoFailover": False,
        "autoFailoverMinutes": 120,
        "autoCompleteRecovery": False,
        "autoCompleteRecoveryMinutes": 120,
    }
    assert primary["failoverSettings"] == {"remote": settings}
    assert replica["failoverSettings"] == {"local": settings}
    assert b"<description/>" in site1.mapi("GET", "/links/a%20p").body


def test_names(site1: Site, site2: Site) -> None:
    """A name may have any characters; in URLs they are percent-encoded, and case is one."""
    name = "Zürich / Größe <1> %2F+ &"
    with link(site1.hcp, site2.hcp, name=name):
        for written in (name, name.upper().replace("SS", "ß"), name.lower()):
            assert site1.mapi("GET", f"/links/{quote(written, safe='')}").status == 200, written
        assert site1.mapi("GET", "/links/Z").status == 404
        assert site1.mapi("HEAD", f"/links/{quote(name, safe='')}").status == 200
        assert site1.mapi("HEAD", "/links/Z").status == 302


@pytest.mark.parametrize(
    "kind, body",
    [
        (
            XML,
            "<link><description>a &amp; b</description><compression>true</compression>"
            "<priority>FAIR</priority></link>",
        ),
        (JSON, '{"description": "a & b", "compression": true, "priority": "FAIR"}'),
    ],
)
def test_change(linked: Link, site1: Site, site2: Site, kind: dict[str, str], body: str) -> None:
    """What is changed on one system shows on the other one."""
    answer = site1.mapi("POST", f"/links/{quote(linked.name)}", body, kind)
    assert (answer.status, answer["Content-Length"]) == (200, "0")
    told = site2.details(linked)
    assert told["description"] == "a & b"
    assert (told["compression"], told["encryption"]) == ("true", "false")
    assert told["priority"] == "FAIR"


def test_change_failover_settings(linked: Link, site1: Site, site2: Site) -> None:
    """What is local here is remote there."""
    body = json.dumps({"failoverSettings": {"local": {"autoFailoverMinutes": 7}}})
    assert site1.mapi("POST", f"/links/{quote(linked.name)}", body, JSON).status == 200
    there = json_of(site2, linked, "")["failoverSettings"]
    assert isinstance(there, dict)
    assert [there[side]["autoFailoverMinutes"] for side in ("local", "remote")] == [120, 7]


def test_send_back(linked: Link, passive: Link, site1: Site, site2: Site) -> None:
    """What GET gives can be sent back by POST, verbose or not, in both formats."""
    for site in (site1, site2):
        for made in (linked, passive):
            for query in ("", "?verbose=true"):
                for kind in ("application/xml", "application/json"):
                    target = f"/links/{quote(made.name)}"
                    body = site.mapi("GET", target + query, headers={"Accept": kind}).body
                    if query:  # the time goes on
                        body = re.sub(rb"<statistics>.*</statistics>", b"", body)
                        body = re.sub(rb'"statistics":{[^}]*},', b"", body)
                    answer = site.mapi("POST", target, body, {"Content-Type": kind})
                    assert answer.status == 200, (made, query, kind)


@pytest.mark.parametrize(
    "change, status",
    [
        ({"priority": "NONE", "description": "x"}, 400),
        ({"compression": "maybe", "description": "x"}, 400),
        ({"description": ["x"]}, 400),
        ({"description": "x", "colour": "red"}, 400),
        ({"description": "x", "id": "7"}, 403),
        ({"description": "x", "name": "other"}, 403),
        ({"description": "x", "suspended": True}, 403),
        ({"description": "x", "connection": {"localPort": 1}}, 403),
        ({"description": "x", "type": "INBOUND"}, 400),
        ({"description": "x", "type": ["ACTIVE_ACTIVE"]}, 400),
        ({"description": "x", "failoverSettings": {"local": {"autoFailoverMinutes": 6}}}, 400),
        ({"description": "x", "failoverSettings": {"local": {"autoFailoverMinutes": True}}}, 400),
        ({"description": "x", "failoverSettings": {"middle": {}}}, 400),
        ({"description": "x", "failoverSettings": {"local": 7}}, 400),
        ({"description": "x", "failoverSettings": 7}, 400),
        ({"description": "x", "failoverSettings": {"local": {"autoCompleteRecovery": True}}}, 400),
    ],
)
def test_bad_change(linked: Link, site1: Site, change: dict[str, object], status: int) -> None:
    """One bad, unknown or unchangeable property, and nothing is changed."""
    before = json_of(site1, linked, "")
    answer = site1.mapi("POST", f"/links/{quote(linked.name)}", json.dumps(change), JSON)
    assert answer.status == status
    assert answer["X-HCP-ErrorMessage"]
    assert json_of(site1, linked, "") == before


def test_become_active_active(passive: Link, site1: Site, site2: Site) -> None:
    """An active/passive link can become active/active, and then both ends send."""
    body = "<link><type>ACTIVE_ACTIVE</type></link>"
    assert site2.rest("PUT", "/rest/early", b"").status == 403
    assert site2.mapi("POST", "/links/a%20p", body, XML).status == 200
    for site in (site1, site2):
        assert site.state(passive) == "GOOD: Synchronizing data (ACTIVE_ACTIVE)"
    assert passive.type == "ACTIVE_ACTIVE"
    assert site2.rest("PUT", "/rest/a", b"from hcp2").status == 201
    passive.wait()
    assert site1.rest("GET", "/rest/a").body == b"from hcp2"


def test_become_active_active_in_time(passive: Link, site2: Site) -> None:
    """Not while the link is failed over."""
    assert site2.act(passive, "failOver").status == 200
    body = "<link><type>ACTIVE_ACTIVE</type></link>"
    assert site2.mapi("POST", "/links/a%20p", body, XML).status == 403
    assert site2.details(passive)["type"] == "INBOUND"


def test_delete(linked: Link, site1: Site, site2: Site) -> None:
    """DELETE removes the link from both systems; nothing travels any more."""
    assert site1.mapi("DELETE", f"/links/{quote(linked.name)}").status == 200
    for site in (site1, site2):
        assert site.mapi("GET", f"/links/{quote(linked.name)}").status == 404
        assert site.mapi("DELETE", f"/links/{quote(linked.name)}").status == 404
    assert site1.rest("PUT", "/rest/a", b"here").status == 201
    linked.wait()
    assert site2.rest("GET", "/rest/a").status == 404


def test_shut_down_all(linked: Link, site1: Site, site2: Site) -> None:
    """When one system shuts down its links nothing travels; afterwards the rest follows."""
    assert site2.mapi("POST", "?shutDownAllLinks=works%20in%20the%20cellar").status == 200
    assert site1.rest("PUT", "/rest/a", b"late").status == 201
    linked.wait()
    assert site2.rest("GET", "/rest/a").status == 404
    for site in (site1, site2):
        told = site.details(linked)
        assert (told["status"], told["suspended"]) == ("WARNING", "false")
    assert site2.mapi("POST", "?reestablishAllLinks").status == 200
    linked.wait()
    assert site2.rest("GET", "/rest/a").body == b"late"
