"""System metadata: at creation, changed with POST, and guarding against DELETE.

docs/hcp/namespace.rst, sections 5, 10 and 15.
"""

import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from hcpsdk.testing import HCP, Namespace, RetentionClass, User

from ..conftest import Answer, Http

CLASSES = (RetentionClass("tax_data", "A+10y"), RetentionClass("never", "-1"))


@pytest.fixture(scope="module")
def running_hcp() -> Iterator[HCP]:
    """An HCP with namespaces whose defaults differ from the usual ones."""
    namespaces = [
        Namespace("n1", "m", retention_classes=CLASSES),
        Namespace("careful", "m", default_retention="A+1y", default_shred=True),
        Namespace("strict", "m", default_index=False, enterprise_mode=False, dpl=1),
        Namespace("tiny", "m", quota_bytes=1000),
    ]
    users = [User("n", "n01", "m"), User("other", "o01", "m"), User("foreign", "f01", "t")]
    with HCP(namespaces=namespaces, users=users) as hcp:
        yield hcp


def at(namespace: str) -> dict[str, str]:
    return {"Host": f"{namespace}.m.hcp1.snomis.local"}


def metadata(http: Http, target: str = "/rest/a") -> dict[str, str]:
    answer = http("HEAD", target)
    assert answer.status == 200
    return {
        "hold": answer["X-HCP-RetentionHold"],
        "shred": answer["X-HCP-Shred"],
        "index": answer["X-HCP-Index"],
        "retention": answer["X-HCP-Retention"],
        "class": answer["X-HCP-RetentionClass"],
        "owner": answer["X-HCP-Owner"],
    }


USUAL = {
    "hold": "false",
    "shred": "false",
    "index": "true",
    "retention": "0",
    "class": "",
    "owner": "n",
}


@pytest.mark.parametrize(
    ("query", "differs"),
    [
        ("", {}),
        ("?index=false&shred=true", {"index": "false", "shred": "true"}),
        ("?hold=true&retention=-2", {"hold": "true", "retention": "-2"}),
        ("?retention=Deletion%20Prohibited", {"retention": "-1"}),
        ("?retention=4102444800", {"retention": "4102444800"}),
        ("?retention=2100-01-01T01:00:00+0100", {"retention": "4102444800"}),
        ("?retention=2100-01-01T01:00:00%2B0100", {"retention": "4102444800"}),
        ("?retention=1000", {"retention": "1000"}),
        ("?retention=C+NEVER", {"retention": "-1", "class": "never"}),
    ],
)
def test_at_creation(http: Http, query: str, differs: dict[str, str]) -> None:
    """PUT sets what its parameters name; a "+" may come raw or as %2B (section 17)."""
    assert http("PUT", f"/rest/a{query}", b"x").status == 201

    assert metadata(http) == USUAL | differs


@pytest.mark.parametrize("plus", ["+", "%2B"])
def test_offset_at_creation(http: Http, plus: str) -> None:
    """A+10y is ten years after the object was stored, by the calendar of HCP's zone."""
    http("PUT", f"/rest/a?retention=A{plus}10y", b"x")
    answer = http("HEAD", "/rest/a")

    ingested = time.gmtime(int(answer["X-HCP-IngestTime"]) + 3600)
    year_later = time.strftime("%m-%dT%H:%M:%S+0100", ingested).replace("02-29", "02-28")
    assert answer["X-HCP-RetentionString"] == f"{ingested.tm_year + 10}-{year_later}"


def test_defaults_of_the_namespace(http: Http) -> None:
    """What is not named comes from the namespace."""
    http("PUT", "/rest/a", b"x", at("careful"))
    http("PUT", "/rest/a", b"x", at("strict"))
    careful = http("HEAD", "/rest/a", None, at("careful"))
    strict = http("HEAD", "/rest/a", None, at("strict"))

    assert int(careful["X-HCP-Retention"]) > int(careful["X-HCP-IngestTime"]) + 364 * 86400
    assert (careful["X-HCP-Shred"], careful["X-HCP-DPL"]) == ("true", "2")
    assert (strict["X-HCP-Index"], strict["X-HCP-DPL"]) == ("false", "1")


@pytest.mark.parametrize("is_body", [True, False], ids=["body", "query"])
@pytest.mark.parametrize(
    ("form", "differs"),
    [
        ("hold=true", {"hold": "true"}),
        ("index=false&shred=true", {"index": "false", "shred": "true"}),
        ("retention=-2", {"retention": "-2"}),
        ("retention=2100-01-01T01:00:00+0100", {"retention": "4102444800"}),
        ("retention=Deletion%20Prohibited&index=false", {"retention": "-1", "index": "false"}),
        ("owner=other&domain=", {"owner": "other"}),
        ("owner=", {"owner": ""}),
        ("owner", {"owner": ""}),
    ],
)
def test_change(http: Http, form: str, differs: dict[str, str], is_body: bool) -> None:
    """POST changes what it names and nothing else, from its body or its URL (section 15)."""
    http("PUT", "/rest/a", b"x")
    before = http("HEAD", "/rest/a")
    answer = http("POST", "/rest/a", form) if is_body else http("POST", f"/rest/a?{form}")
    after = http("HEAD", "/rest/a")

    assert answer.status == 200
    assert metadata(http) == USUAL | differs
    for name in ("X-HCP-VersionId", "ETag", "X-HCP-IngestTime"):
        assert before[name] == after[name]
    changed = [float(head["X-HCP-ChangeTimeMilliseconds"]) for head in (before, after)]
    assert changed[0] < changed[1]


def test_form_encoding(http: Http) -> None:
    """In a form's body a "+" is a blank in words, and a plus in retention values."""
    http("PUT", "/rest/a?retention=-2", b"x")

    assert http("POST", "/rest/a", "retention=Deletion+Prohibited").status == 200
    assert metadata(http)["retention"] == "-1"
    http("PUT", "/rest/b", b"x")
    assert http("POST", "/rest/b", "retention=C+never").status == 200
    assert metadata(http, "/rest/b")["class"] == "never"


@pytest.mark.parametrize(
    ("present", "form"),
    [
        ("", "retention=-1&hold=true"),
        ("hold=true", "retention=-1"),
        ("hold=true", "retention=-1&hold=false"),
        ("shred=true", "shred=false"),
        ("retention=C+never", "retention=-1"),
        ("retention=C+tax_data", "retention=N+20y"),
        ("retention=-1", "retention=0"),
        ("retention=4102444800", "retention=4102444799"),
        ("retention=4102444800", "retention=R-1s"),
        ("", "retention=R+1y"),
        ("", "retention=C+unknown"),
        ("", "owner=nobody-we-know"),
        ("", "owner=foreign"),
        ("", "domain=ad.example.com"),
        ("", "colour=red"),
        ("", "index=perhaps"),
        ("", "index=false&index=true"),
        ("", ""),
    ],
)
def test_change_refused(http: Http, present: str, form: str) -> None:
    """What the rules forbid gets 400 with a message; nothing of the request is done."""
    http("PUT", f"/rest/a?{present}", b"x")
    before = metadata(http)
    answer = http("POST", "/rest/a", form)

    assert answer.status == 400
    assert answer["X-HCP-ErrorMessage"]
    assert metadata(http) == before


def test_parameters_in_both_places(http: Http) -> None:
    """Parameters in the URL as well as in the body are refused."""
    http("PUT", "/rest/a", b"x")

    assert http("POST", "/rest/a?index=false", "shred=true").status == 400
    assert http("DELETE", "/rest/a?purge=true", "privileged=true&reason=x").status == 400
    assert metadata(http) == USUAL


def test_change_of_nothing(http: Http) -> None:
    """POST to what is not there gets 404."""
    assert http("POST", "/rest/a", "index=false").status == 404


def test_endless_form(http: Http) -> None:
    """A form that is no form is not read for ever."""
    http("PUT", "/rest/a", b"x")

    assert http("POST", "/rest/a", bytes(1024 * 1024 + 1)).status == 413


# Deleting


def test_retention_guards(http: Http) -> None:
    """An object under retention gets 403 with a message, and stays (section 10)."""
    http("PUT", "/rest/a?retention=2100-01-01T01:00:00+0100", b"x")
    answer = http("DELETE", "/rest/a")

    assert (answer.status, answer.reason) == (403, "Forbidden")
    assert "2100-01-01T01:00:00+0100" in answer["X-HCP-ErrorMessage"]
    assert http("GET", "/rest/a").body == b"x"


@pytest.mark.parametrize("value", ["0", "1000", "2015-01-31T21:34:26+0100"])
def test_no_retention(http: Http, value: str) -> None:
    """An object whose retention is 0 or past can be deleted."""
    http("PUT", f"/rest/a?retention={value}", b"x")

    assert http("DELETE", "/rest/a").status == 200


PRIVILEGED = [
    "privileged=true&reason=because",
    "reason=no%20longer%20needed&privileged=true&purge=true",
    "purge=false&privileged=true&reason=x",
    f"privileged=true&reason={1024 * 'x'}",
    f"privileged=true&reason={quote(1024 * 'ä')}",
]


@pytest.mark.parametrize("form", PRIVILEGED, ids=len)
@pytest.mark.parametrize("is_body", [True, False], ids=["body", "query"])
def test_privileged_delete(http: Http, form: str, is_body: bool) -> None:
    """privileged with a reason overrides retention, sent as a form or in the URL."""
    http("PUT", "/rest/a?retention=-1", b"x")
    answer = http("DELETE", "/rest/a", form) if is_body else http("DELETE", f"/rest/a?{form}")

    assert answer.status == 200
    assert http("HEAD", "/rest/a").status == 404


@pytest.mark.parametrize(
    "query",
    [
        "privileged=true",
        "reason=because",
        "privileged=true&reason=",
        f"privileged=true&reason={1025 * 'x'}",
        "privileged=false&reason=x",
        "purge=yes",
        "index=true",
    ],
    ids=lambda query: query[:40],
)
def test_bad_delete(http: Http, query: str) -> None:
    """privileged and reason go together; unknown parameters are refused; nothing is deleted."""
    http("PUT", "/rest/a", b"x")

    assert http("DELETE", f"/rest/a?{query}").status == 400
    assert http("GET", "/rest/a").body == b"x"


def test_hold_guards(http: Http) -> None:
    """An object on hold gets 403, even privileged; releasing it restores what was (section 15)."""
    http("PUT", "/rest/a?hold=true", b"x")

    for query in ("", "?purge=true", "?privileged=true&reason=x"):
        assert http("DELETE", f"/rest/a{query}").status == 403
    http("POST", "/rest/a", "hold=false")
    assert metadata(http) == USUAL
    assert http("DELETE", "/rest/a").status == 200


def test_compliance_mode(http: Http) -> None:
    """In compliance mode nobody deletes what is under retention."""
    http("PUT", "/rest/a?retention=-2", b"x", at("strict"))

    answer = http("DELETE", "/rest/a?privileged=true&reason=x", None, at("strict"))
    assert answer.status == 403
    assert http("HEAD", "/rest/a", None, at("strict")).status == 200


def test_purge(http: Http) -> None:
    """Without old versions, purge is a delete."""
    http("PUT", "/rest/a", b"x")

    assert http("DELETE", "/rest/a?purge=true").status == 200
    assert http("HEAD", "/rest/a").status == 404


# Space


def put_tiny(http: Http, name: str, size: int, is_chunked: bool) -> Answer:
    headers = at("tiny") | ({"Transfer-Encoding": "chunked"} if is_chunked else {})
    body = iter([bytes(size // 2), bytes(size - size // 2)]) if is_chunked else bytes(size)
    return http("PUT", f"/rest/{name}", body, headers, encode_chunked=is_chunked)


@pytest.mark.parametrize("is_chunked", [True, False])
def test_quota(http: Http, is_chunked: bool) -> None:
    """What does not fit into the quota gets 413 and is not stored; deleting makes room."""
    assert put_tiny(http, "a", 999, is_chunked).status == 201
    answer = put_tiny(http, "b", 2, is_chunked)

    assert (answer.status, answer.reason) == (413, "File Too Large")
    assert http("HEAD", "/rest/b", None, at("tiny")).status == 404
    assert put_tiny(http, "c", 1, is_chunked).status == 201
    http("DELETE", "/rest/a", None, at("tiny"))
    assert put_tiny(http, "b", 999, is_chunked).status == 201
