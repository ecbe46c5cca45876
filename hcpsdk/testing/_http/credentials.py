"""Credentials in a request: the ``Authorization`` header and cookies. Imports `messages`, `errors`.

docs/hcp/namespace.rst, section 2.
"""

from collections.abc import Container

from .errors import not_emulated
from .messages import Request

NAMESPACE_COOKIE = "hcp-ns-auth"
MANAGEMENT_COOKIE = "hcp-api-auth"


def credentials(request: Request, cookies: Container[str] = (NAMESPACE_COOKIE,)) -> str | None:
    """The token that was sent, ``""`` for an unknown scheme, None if there was none.

    Credentials of Active Directory are refused with 501.
    """
    header = request.header("Authorization")
    if header is not None:  # takes precedence over cookies
        scheme, _, token = header.strip().partition(" ")
        if scheme.upper() in ("AD", "NEGOTIATE"):
            raise not_emulated("accounts of Active Directory")
        return token.strip() if scheme.upper() == "HCP" else ""
    for name, value in request.headers:
        if name.lower() == "cookie":
            for pair in value.split(";"):
                key, _, token = pair.strip().partition("=")
                if key in cookies:
                    return token.strip('"')
    return None


def same_token(given: str, right: str) -> bool:
    """Base64 compares exactly; MD5 in either case, as vendor examples show both."""
    user, _, password = given.partition(":")
    right_user, _, right_password = right.partition(":")
    return user == right_user and password.lower() == right_password
