"""Who may do what (docs/hcp/namespace.rst, section 2)."""

import base64
import hashlib
from collections.abc import Iterator

import pytest

from hcpsdk.testing import HCP, Namespace, User

from ..conftest import TOKEN, Http

PLAIN_TOKEN = TOKEN.removeprefix("HCP ")
PERMISSIONS = ("browse", "read", "write", "delete", "purge", "privileged", "change_owner")
LIMITED = [User(name, "pw", "m", frozenset([name])) for name in PERMISSIONS]
ABLE = User("able", "pw", "m", frozenset(["read", "write", "purge"]))


@pytest.fixture(scope="module")
def running_hcp() -> Iterator[HCP]:
    """An HCP with users who may do one thing each, and namespaces that are open or closed."""
    namespaces = [
        Namespace("n1", "m"),
        Namespace("public", "m", requires_authentication=False),
        Namespace("nohttp", "m", http_enabled=False),
        Namespace("nohttps", "m", https_enabled=False),
    ]
    users = [
        User("n", "n01", "m"),
        User("service", "service01"),
        User("foreign", "f01", "t"),
        User("größe", "ü", "m"),
        ABLE,
        *LIMITED,
    ]
    with HCP(namespaces=namespaces, users=users) as hcp:
        yield hcp


def of(name: str, password: str = "pw") -> dict[str, str | None]:
    """The Authorization of a user, made here as section 2 says."""
    user = base64.b64encode(name.encode()).decode()
    return {"Authorization": f"HCP {user}:{hashlib.md5(password.encode()).hexdigest()}"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "HCP bg==:1dc7fed37e11b35093d311ef66928ad9"},
        {"Authorization": "HCP bg==:1DC7FED37E11B35093D311EF66928AD9"},
        {"Authorization": "hcp bg==:1dc7fed37e11b35093d311ef66928ad9"},
        {"Authorization": None, "Cookie": f"hcp-ns-auth={PLAIN_TOKEN}"},
        {"Authorization": None, "Cookie": f'a=b; hcp-ns-auth="{PLAIN_TOKEN}"; c=d'},
        {"Cookie": "hcp-ns-auth=bg==:wrong"},
        of("größe", "ü"),
    ],
)
def test_right_credentials(http: Http, headers: dict[str, str | None]) -> None:
    """Header or cookie will do; MD5 in either case; the header beats the cookie."""
    assert http("PUT", "/rest/a", b"x", headers).status == 201


@pytest.mark.parametrize("host", ["n1", "public"])
@pytest.mark.parametrize(
    "headers",
    [
        of("n", "wrong"),
        of("N", "n01"),
        of("nobody"),
        {"Authorization": "HCP bg=="},
        {"Authorization": "HCP"},
        {"Authorization": ""},
        {"Authorization": "Basic bjpuMDE="},
        {"Authorization": None, "Cookie": "hcp-ns-auth=bg==:wrong"},
        {"Authorization": "HCP wrong", "Cookie": f"hcp-ns-auth={PLAIN_TOKEN}"},
        of("service", "service01"),
        of("foreign", "f01"),
    ],
)
def test_wrong_credentials(http: Http, headers: dict[str, str | None], host: str) -> None:
    """Wrong credentials get 403, even where none are needed; so do system-level users."""
    answer = http("PUT", "/rest/a", b"x", {"Host": f"{host}.m.hcp1.snomis.local", **headers})

    assert (answer.status, answer.reason) == (403, "Forbidden")
    assert answer["X-HCP-ErrorMessage"]
    assert http("HEAD", "/rest/a").status == 404


@pytest.mark.parametrize("headers", [{}, {"Cookie": "a=b"}, {"Authorization": "HCP all_users:"}])
def test_missing_credentials(http: Http, headers: dict[str, str]) -> None:
    """Missing credentials get 403."""
    answer = http("GET", "/rest", None, {"Authorization": None, **headers})

    assert answer.status == 403
    assert answer["X-HCP-ErrorMessage"] == "the namespace requires authentication"


def test_redirect_for_missing_credentials() -> None:
    """As a switch, missing credentials get 302 to the login page (section 25); wrong ones 403."""
    with HCP(missing_credentials_status=302):
        http = Http()
        answer = http("GET", "/rest", None, {"Authorization": None})
        wrong = http("GET", "/rest", None, of("n", "wrong"))
        http.close()

    assert (answer.status, answer.reason, answer["Location"]) == (302, "Found", "/browser/")
    assert wrong.status == 403


@pytest.mark.parametrize("given", [None, "HCP all_users:"])
def test_anonymous(http: Http, given: str | None) -> None:
    """Where a namespace allows it, nobody in particular can read and write, and owns nothing."""
    headers = {"Authorization": given, "Host": "public.m.hcp1.snomis.local"}

    assert http("PUT", "/rest/a", b"x", headers).status == 201
    assert http("HEAD", "/rest/a", None, headers)["X-HCP-Owner"] == ""
    assert http("GET", "/rest/a", None, headers).body == b"x"
    assert http("POST", "/rest/a", "owner=n", headers).status == 403
    assert http("POST", "/rest/a", "hold=true", headers).status == 403
    assert http("DELETE", "/rest/a", None, headers).status == 200


# What each permission by itself is good for. write brings in "post" what exists for all.
ALLOWED = {
    "browse": {"head", "list"},
    "read": {"head", "list", "get"},
    "write": {"put", "mkdir", "post"},
    "delete": {"delete"},
    "purge": {"delete", "purge"},
    "privileged": set(),
    "change_owner": set(),
}
REQUESTS = {
    "head": ("HEAD", "/rest/a"),
    "list": ("GET", "/rest"),
    "get": ("GET", "/rest/a"),
    "put": ("PUT", "/rest/b"),
    "mkdir": ("PUT", "/rest/d?type=directory"),
    "put on hold": ("PUT", "/rest/c?hold=true"),
    "post": ("POST", "/rest/a?index=false"),
    "hold": ("POST", "/rest/a?hold=true"),
    "owner": ("POST", "/rest/a?owner="),
    "privileged": ("DELETE", "/rest/a?privileged=true&reason=x"),
    "purge": ("DELETE", "/rest/a?purge=true"),
    "delete": ("DELETE", "/rest/a"),
}


@pytest.mark.parametrize("permission", PERMISSIONS)
@pytest.mark.parametrize("request_name", REQUESTS)
def test_permissions(http: Http, permission: str, request_name: str) -> None:
    """Each request needs its permission; without it 403 with a message, and nothing is done."""
    http("PUT", "/rest/a", b"x")
    answer = http(*REQUESTS[request_name], None, of(permission))

    if request_name in ALLOWED[permission]:
        assert answer.status in (200, 201)
    else:
        assert answer.status == 403
        assert "X-HCP-ErrorMessage" in answer
        assert [http("HEAD", f"/rest/{name}").status for name in "abcd"] == [200, 404, 404, 404]


@pytest.mark.parametrize("request_name", ["put on hold", "hold", "owner", "privileged"])
def test_work_of_the_privileged(http: Http, request_name: str) -> None:
    """Hold, ownership and privileged delete take more than write and delete."""
    http("PUT", "/rest/a", b"x")

    assert http(*REQUESTS[request_name], None, of("able")).status == 403
    assert http(*REQUESTS[request_name]).status in (200, 201)


@pytest.mark.parametrize(
    "host", ["n3.m.hcp1.snomis.local", "m.hcp1.snomis.local", "n1.m.example.com", "127.0.0.52"]
)
def test_unknown_host(http: Http, host: str) -> None:
    """A Host that names no namespace gets 403 (section 1)."""
    answer = http("GET", "/rest", None, {"Host": host})

    assert answer.status == 403
    assert host in answer["X-HCP-ErrorMessage"]


def test_closed_protocols(http: Http, https: Http) -> None:
    """The protocol that a namespace has closed gets 403, the other one works (section 1)."""
    no_http = {"Host": "nohttp.m.hcp1.snomis.local"}
    no_https = {"Host": "nohttps.m.hcp1.snomis.local"}

    statuses = [
        client("HEAD", "/rest", None, host).status
        for host in (no_http, no_https)
        for client in (http, https)
    ]
    assert statuses == [403, 200, 200, 403]


def test_owner(http: Http) -> None:
    """The owner is whoever stored the object; a name that is no ASCII is percent-encoded."""
    http("PUT", "/rest/a", b"x", of("write"))
    http("PUT", "/rest/b", b"x", of("größe", "ü"))

    assert http("HEAD", "/rest/a")["X-HCP-Owner"] == "write"
    assert http("HEAD", "/rest/b")["X-HCP-Owner"] == "gr%C3%B6%C3%9Fe"
