"""Who may ask /proc, what masks leave of permissions, and that both are enforced.

docs/hcp/namespace_info.rst, sections 1 and 5; docs/hcp/namespace.rst, section 2.
"""

import base64
import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from hcpsdk.testing import HCP, Namespace, User

from ..conftest import Http

EVERYTHING = frozenset(
    (
        *("browse", "read", "write", "delete", "purge", "privileged", "search"),
        *("read_acl", "write_acl", "change_owner"),
    )
)
ABOUT_ONE = ["/proc/statistics", "/proc/retentionClasses", "/proc/permissions"]


@pytest.fixture(scope="module")
def running_hcp() -> Iterator[HCP]:
    """Masks at all three levels, and users with access here and there."""
    namespaces = [
        Namespace("n1", "m"),
        Namespace("readonly", "m", permission_mask=frozenset(["read", "search", "change_owner"])),
        Namespace("public", "m", requires_authentication=False),
        Namespace("n1", "masked"),
        Namespace("shut", "masked", permission_mask=frozenset()),
    ]
    users = [
        User("n", "n01", "m"),
        User("reader", "pw", "m", frozenset(["read"])),
        User("searcher", "pw", "m", frozenset(["search"])),
        User("nothing", "pw", "m", frozenset()),
        User("some", "pw", "m", {"N1": frozenset(["write", "purge"]), "other": EVERYTHING}),
        User("one", "pw", "masked"),
    ]
    with HCP(
        namespaces=namespaces,
        users=users,
        permission_mask=EVERYTHING - {"privileged"},
        tenant_masks={"Masked": frozenset(["read", "write"])},
    ) as hcp:
        yield hcp


def of(name: str, host: str = "n1.m") -> dict[str, str | None]:
    """The Authorization of a user, and the namespace that is asked."""
    user = base64.b64encode(name.encode()).decode()
    token = f"{user}:{hashlib.md5(b'n01' if name == 'n' else b'pw').hexdigest()}"
    return {"Authorization": f"HCP {token}", "Host": f"{host}.hcp1.snomis.local"}


def names(http: Http, target: str, headers: dict[str, str | None]) -> list[str | None]:
    """The names of the namespaces listed."""
    answer = http("GET", target, None, headers)
    assert answer.status == 200
    return [each.get("name") for each in ET.fromstring(answer.body)]


def groups(http: Http, headers: dict[str, str | None]) -> dict[str, set[str]]:
    """The permissions that /proc/permissions calls true, by group."""
    root = ET.fromstring(http("GET", "/proc/permissions", None, headers).body)
    return {each.tag: {p for p, granted in each.items() if granted == "true"} for each in root}


@pytest.mark.parametrize("user", ["reader", "searcher", "some"])
@pytest.mark.parametrize("target", ABOUT_ONE)
def test_any_permission_will_do(http: Http, target: str, user: str) -> None:
    """Who has any permission for a namespace may ask everything about it."""
    assert http("GET", target, None, of(user)).status == 200


@pytest.mark.parametrize(("user", "host"), [("nothing", "n1.m"), ("some", "readonly.m")])
@pytest.mark.parametrize("target", ABOUT_ONE)
def test_no_access(http: Http, target: str, user: str, host: str) -> None:
    """Who has none gets 401, not 403."""
    answer = http("GET", target, None, of(user, host))

    assert (answer.status, answer.reason, answer.body) == (401, "Unauthorized", b"")


def test_list_of_what_is_accessible(http: Http) -> None:
    """/proc lists the namespaces of the tenant that the user can access, and no others."""
    assert names(http, "/proc", of("n")) == ["public", "readonly", "n1"]
    assert names(http, "/proc", of("some")) == ["n1"]
    assert names(http, "/proc", of("some", "readonly.m")) == ["n1"]
    assert names(http, "/proc?single=true", of("some")) == ["n1"]


@pytest.mark.parametrize(
    ("target", "user", "host"),
    [
        ("/proc", "nothing", "n1.m"),
        ("/proc?single=true", "nothing", "n1.m"),
        ("/proc?single=true", "some", "readonly.m"),
    ],
)
def test_nothing_is_accessible(http: Http, target: str, user: str, host: str) -> None:
    """Without access to anything the list is empty, and the status 200."""
    assert names(http, target, of(user, host)) == []


@pytest.mark.parametrize("target", ["/proc", *ABOUT_ONE])
def test_another_tenant(http: Http, target: str) -> None:
    """A user of another tenant is nobody here: 403."""
    assert http("GET", target, None, of("one", "n1.m")).status == 403


def test_anonymous(http: Http) -> None:
    """Where a namespace is open, anybody may ask, and sees the open ones."""
    headers = of("n", "public.m") | {"Authorization": None}

    assert names(http, "/proc", headers) == ["public"]
    assert groups(http, headers)["userPermissions"] == {
        *("browse", "read", "write", "delete", "purge", "search"),
    }


def test_masks(http: Http) -> None:
    """What is effective is what system, tenant, namespace and user all allow (section 5)."""
    assert groups(http, of("n", "readonly.m")) == {
        "namespacePermissions": {"browse", "read", "search", "changeOwner"},
        "namespaceEffectivePermissions": {"browse", "read", "search", "changeOwner"},
        "userPermissions": {
            *("browse", "read", "write", "readAcl", "writeAcl"),
            *("changeOwner", "delete", "privileged", "purge", "search"),
        },
        "userEffectivePermissions": {"browse", "read", "search", "changeOwner"},
    }
    some = groups(http, of("some"))
    assert some["userPermissions"] == {"write", "purge", "delete"}
    assert "privileged" in some["namespacePermissions"]
    assert "privileged" not in some["namespaceEffectivePermissions"]
    one = groups(http, of("one", "n1.masked"))
    assert one["userEffectivePermissions"] == {"browse", "read", "write"}


@pytest.mark.parametrize("target", ["/proc", *ABOUT_ONE])
def test_masked_user_may_still_ask(http: Http, target: str) -> None:
    """Masks take away what can be done, not the access."""
    assert http("GET", target, None, of("one", "shut.masked")).status == 200


@pytest.mark.parametrize(
    ("user", "host", "method", "target", "status"),
    [
        ("reader", "n1.m", "PUT", "/rest/a", 403),
        ("reader", "n1.m", "GET", "/rest", 200),
        ("some", "n1.m", "PUT", "/rest/a", 201),
        ("some", "n1.m", "GET", "/rest", 403),
        ("some", "readonly.m", "GET", "/rest", 403),
        ("n", "readonly.m", "PUT", "/rest/a", 403),
        ("n", "readonly.m", "GET", "/rest", 200),
        ("n", "n1.m", "PUT", "/rest/a?hold=true", 403),
        ("one", "n1.masked", "PUT", "/rest/a", 201),
        ("one", "n1.masked", "DELETE", "/rest/a", 403),
        ("one", "shut.masked", "GET", "/rest", 403),
        ("nothing", "n1.m", "GET", "/rest", 403),
    ],
)
def test_enforced(http: Http, user: str, host: str, method: str, target: str, status: int) -> None:
    """What is not effective is refused with 403 and a message."""
    answer = http(method, target, None, of(user, host))

    assert answer.status == status
    assert ("X-HCP-ErrorMessage" in answer) == (status == 403)


@pytest.mark.parametrize(
    "make",
    [
        lambda typo: User("n", "n01", "m", typo),
        lambda typo: User("n", "n01", "m", {"n1": typo}),
        lambda typo: Namespace("n1", "m", permission_mask=typo),
        lambda typo: HCP(permission_mask=typo),
        lambda typo: HCP(tenant_masks={"m": typo}),
    ],
)
def test_misspelled_permission(make: object) -> None:
    """A permission that does not exist is an error at once, not a user who may do nothing."""
    assert callable(make)
    with pytest.raises(ValueError, match="unknown permission: readAcl"):
        make(frozenset(["readAcl"]))
