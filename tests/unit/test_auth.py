"""Credentials become headers."""

import copy
import enum
import pickle
from typing import Any

import pytest

import hcpsdk


@pytest.mark.parametrize(
    ("user", "password", "token"),
    [
        ("n", "n01", "bg==:1dc7fed37e11b35093d311ef66928ad9"),  # manual 10.1.2
        ("", "", ":d41d8cd98f00b204e9800998ecf8427e"),
        ("jürgen", "pässword", "asO8cmdlbg==:8e1843033a0f6ee52e2f618aa8ebbef4"),
    ],
)
def test_headers(user: str, password: str, token: str) -> None:
    """User as Base64, password as MD5, in both headers (manual 10.1.2) (contract 9)."""
    assert hcpsdk.NativeAuthorization(user, password).headers == {
        "Authorization": f"HCP {token}",
        "Cookie": f"hcp-ns-auth={token}",
    }


class Login(str, enum.Enum):
    USER = "user"
    PASSWORD = "Pa55-word"


@pytest.mark.parametrize(
    "kind",
    [
        hcpsdk.NativeAuthorization,
        hcpsdk.NativeADAuthorization,
        hcpsdk.HSwiftAuthorization,
        hcpsdk.HS3Authorization,
    ],
)
def test_members_of_an_enum_mean_their_value(kind: Any) -> None:
    """They are not sent, or shown, as the name of the member (contract 3.2)."""
    made = kind(Login.USER, Login.PASSWORD)
    assert made.headers == kind("user", "Pa55-word").headers
    assert repr(made) == repr(kind("user", "Pa55-word"))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol: int) -> None:
    """Authorizations pickle (contract 6)."""
    authorization = hcpsdk.NativeAuthorization("n", "n01")
    loaded = pickle.loads(pickle.dumps(authorization, protocol))
    assert type(loaded) is hcpsdk.NativeAuthorization
    assert loaded.headers == authorization.headers
    assert copy.deepcopy(authorization).headers == authorization.headers


@pytest.mark.parametrize("show", [repr, str, lambda a: f"{a}", lambda a: f"{[a]} {(a,)!r}"])
def test_is_shown_without_its_secrets(show: Any) -> None:
    """No `repr` shows a token or a password (contract 9)."""
    authorization = hcpsdk.NativeAuthorization("n", "Pa55-word")
    digest = authorization.headers["Cookie"].rpartition(":")[2]
    assert len(digest) == 32
    assert "Pa55-word" not in show(authorization)
    assert digest not in show(authorization)


def test_the_password_is_not_kept() -> None:
    """No `repr` of what an authorization holds can show the password (contract 9)."""
    assert "Pa55-word" not in repr(vars(hcpsdk.NativeAuthorization("n", "Pa55-word")))


@pytest.mark.parametrize("user_and_password", [("n", b"Pa55-word"), (b"Pa55-word", "n")])
def test_mistaken_types_are_not_shown(user_and_password: Any) -> None:
    """No exception shows a password, even where it is of the wrong type (contract 9)."""
    with pytest.raises(TypeError) as caught:
        hcpsdk.NativeAuthorization(*user_and_password)
    assert "Pa55" not in repr(caught.value)


def test_a_password_that_cannot_be_encoded_is_not_shown() -> None:
    """No exception shows a password, even where it is no text (contract 9)."""
    with pytest.raises(ValueError) as caught:
        hcpsdk.NativeAuthorization("n", "Pa55-word\udc80")
    error: BaseException | None = caught.value
    while error is not None:
        assert "Pa55" not in f"{error} {error!r} {error.args}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_own_kinds_of_authorization(names: Any) -> None:
    """Target takes an instance of any of BaseAuthorization's subclasses (manual 4.2): what its
    `headers`
    say is sent (contract, preface)."""

    class Anonymous(hcpsdk.BaseAuthorization):
        @property
        def headers(self) -> dict[str, str]:
            return {"X-Who": "nobody"}

    names.set("a.example", ["127.0.1.1"])
    assert hcpsdk.Target("a.example", Anonymous()).headers == {
        "Host": "a.example",
        "X-Who": "nobody",
    }
    with pytest.raises(TypeError):
        hcpsdk.BaseAuthorization()
