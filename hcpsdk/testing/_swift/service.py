"""The Swift gateway: access, and the table of operations, which are in the other files."""

import time
from collections.abc import Awaitable, Callable

from .._http.credentials import same_token
from .._http.errors import HTTPError, not_emulated
from .._http.messages import BodyCut, Reply, Request
from .._http.paths import PathTooLong
from .._http.percent import BadName, unquoted
from .._replication.service import Replication
from .._store.errors import (
    BeingWritten,
    Forgotten,
    Missing,
    NameTaken,
    Protected,
    TooLarge,
    TooManyAnnotations,
)
from .._store.namespaces import Namespaces
from ..config import System, User
from . import account, container, objects
from .call import Call
from .responses import SwiftResponses

ROOT = "/swift/v1/"
Operation = Callable[[Call], Awaitable[Reply]]

# By what the URL names and method.
OPERATIONS: dict[tuple[str, str], Operation] = {
    ("account", "GET"): account.get,
    ("account", "HEAD"): account.head,
    ("container", "PUT"): container.put,
    ("container", "GET"): container.get,
    ("container", "HEAD"): container.head,
    ("container", "POST"): container.post,
    ("container", "DELETE"): container.delete,
    ("object", "PUT"): objects.put,
    ("object", "GET"): objects.get,
    ("object", "HEAD"): objects.head,
    ("object", "POST"): objects.post,
    ("object", "COPY"): objects.copy,
    ("object", "DELETE"): objects.delete,
}

STATUSES: dict[type[Exception], int] = {
    BadName: 400,
    PathTooLong: 414,
    NameTaken: 409,
    BeingWritten: 409,
    Missing: 404,
    Protected: 409,
    TooLarge: 413,
    TooManyAnnotations: 400,
    Forgotten: 503,
    UnicodeDecodeError: 400,
}


class SwiftService:
    """The tenants of *system* as accounts; *now* returns seconds since the epoch."""

    def __init__(
        self,
        system: System,
        namespaces: Namespaces,
        replication: Replication,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._system = system
        self._namespaces = namespaces
        self._replication = replication
        self._responses = SwiftResponses(system, now)

    async def answer(self, request: Request) -> Reply:
        """The response to *request*; its body is not read if the head is refused."""
        try:
            call, kind = self._call(request)
            operation = OPERATIONS.get((kind, request.method))
            if operation is None:
                raise _refusal(kind, request.method)
            return await operation(call)
        except HTTPError as refusal:
            return self._responses.refused(refusal)
        except BodyCut:
            return self._responses.refused(HTTPError(503, "the body ended before its length"))
        except tuple(STATUSES) as error:
            return self._responses.refused(HTTPError(STATUSES[type(error)], str(error)))

    def _call(self, request: Request) -> tuple[Call, str]:
        """*request* as a `Call`, and what it names: account, container, or object."""
        path = request.target.partition("?")[0]
        if not path.startswith(ROOT):
            raise not_emulated(f"{path} of the Swift gateway")
        name, _, rest = path.removeprefix(ROOT).partition("/")
        wanted = unquoted(name).decode()
        if wanted.upper().startswith("AUTH_"):
            raise not_emulated("accounts of Keystone")
        tenant = self._system.tenant(wanted)
        user = self._user(request, wanted)
        if tenant is None:
            raise HTTPError(404, "no such account")
        bucket, _, item = rest.partition("/")
        call = Call(
            request,
            self._system,
            self._namespaces,
            self._responses,
            self._replication,
            tenant,
            user,
            unquoted(bucket).decode(),
            item,
        )
        kind = "object" if item else "container" if bucket else "account"
        if user is None and kind == "account":
            raise HTTPError(401, "the token is missing")
        return call, kind

    def _user(self, request: Request, tenant: str) -> User | None:
        """The user with the token of *request*, None for an anonymous one; else 401."""
        token = request.header("X-Auth-Token")
        if token is None:
            return None
        scheme, _, given = token.strip().partition(" ")
        if scheme.upper() != "HCP":
            raise not_emulated("tokens of Keystone")
        known = [u for u in self._system.users if u.enabled and same_token(given.strip(), u.token)]
        for user in known:
            if user.tenant is not None and user.tenant.lower() == tenant.lower():
                return user
        if known:
            raise HTTPError(403, f"user {known[0].name} has no access to the account")
        raise HTTPError(401, "the token is wrong")


def _refusal(kind: str, method: str) -> HTTPError:
    """The error for a method without operation."""
    if (kind, method) in (("account", "POST"), ("account", "PUT"), ("account", "DELETE")):
        return not_emulated(f"{method} of an account")
    allowed = ", ".join(each for found, each in OPERATIONS if found == kind)
    return HTTPError(405, "", [("Allow", allowed)])
