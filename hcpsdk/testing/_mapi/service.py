"""The management API: everything under ``/mapi`` on port 9090. docs/hcp/mapi.rst, sections 1 to 3.

Imports the files with resources. Each has a table of them, which is added to `RESOURCES` here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import parse_qsl

from .._http.credentials import MANAGEMENT_COOKIE, NAMESPACE_COOKIE, credentials, same_token
from .._http.errors import HTTPError
from .._http.messages import BodyCut, Reply, Request
from .._http.percent import BadName, unquoted
from .._replication.service import Replication
from ..config import System, User
from . import replication
from .call import MapiCall, Resource
from .documents import JSON, XML, Malformed
from .responses import MapiResponses

RESOURCES: dict[str, Resource] = {**replication.RESOURCES}

COOKIES = (MANAGEMENT_COOKIE, NAMESPACE_COOKIE)  # section 2
MAX_PATH_BYTES = 4095  # after "/mapi/"
MAX_BODY_BYTES = 1024 * 1024


class MapiService:
    """The management API of *system*; *now* returns seconds since the epoch."""

    def __init__(
        self, system: System, replication: Replication, now: Callable[[], float] = time.time
    ) -> None:
        self._system = system
        self._replication = replication
        self._responses = MapiResponses(system, now)

    async def answer(self, request: Request) -> Reply:
        """The response to *request*; never raises for errors of a client."""
        try:
            return await self._answer(request)
        except HTTPError as refusal:
            return self._responses.refused(refusal)
        except (Malformed, BadName) as error:
            return self._responses.refused(HTTPError(400, str(error)))
        except BodyCut:
            raise  # the client disconnected
        except UnicodeDecodeError:
            return self._responses.refused(HTTPError(400, "malformed URL"))

    async def _answer(self, request: Request) -> Reply:
        tenant = self._tenant(request.host)
        user = self._user(request, tenant)
        url_path, _, query = request.target.partition("?")
        parameters = dict(reversed(parse_qsl(query, keep_blank_values=True, errors="strict")))
        try:
            resource, names = _found(url_path)
            operations = resource.operations
            if request.method == "OPTIONS":
                return self._responses.done([("Allow", _allowed(resource))])
            method = "GET" if request.method == "HEAD" else request.method
            if method not in operations:
                raise HTTPError(405, headers=[("Allow", _allowed(resource))])
            media_type = _accepted(request)
            body = await _body(request)
            call = MapiCall(self._replication, user, tenant, names, parameters, body)
            document = operations[method](call)
        except HTTPError as refusal:
            if request.method == "HEAD" and refusal.status in (403, 404):
                raise HTTPError(302) from refusal  # section 3: what is not visible
            raise
        if document is None:
            return self._responses.done()
        pretty = _is_wanted(parameters.get("prettyprint", "false"), bare=True)
        return self._responses.document(document, media_type, pretty=pretty)

    def _tenant(self, host: str) -> str | None:
        """The tenant of *host*; None for the host of the system."""
        domain = self._system.domain
        if host == f"admin.{domain}":
            return None
        for namespace in self._system.namespaces:
            if host == f"{namespace.tenant}.{domain}".lower():
                return namespace.tenant
        raise HTTPError(403, f"no management API at {host}")

    def _user(self, request: Request, tenant: str | None) -> User:
        """The user of *request*: of the system, or of *tenant* on its host."""
        given = credentials(request, COOKIES)
        if given is None:
            raise HTTPError(403, "missing credentials")
        known = [user for user in self._system.users if same_token(given, user.token)]
        for user in known:
            if user.tenant is None or user.tenant.lower() == (tenant or "").lower():
                return user
        raise HTTPError(403, "wrong account level" if known else "invalid credentials")


def _found(url_path: str) -> tuple[Resource, list[str]]:
    """The resource at *url_path*, and the parts where the table has ``{}``."""
    if len(url_path) > len("/mapi/") + 3 * MAX_PATH_BYTES:
        raise HTTPError(414)
    parts = url_path.rstrip("/").split("/")
    if parts[:2] != ["", "mapi"]:
        raise HTTPError(404)
    if len(unquoted(url_path.removeprefix("/mapi/"))) > MAX_PATH_BYTES:
        raise HTTPError(414)
    for pattern, resource in RESOURCES.items():
        wanted = pattern.split("/")
        pairs = list(zip(wanted, parts[2:], strict=False))
        if len(wanted) == len(parts[2:]) and all(w in ("{}", part) for w, part in pairs):
            return resource, [unquoted(part).decode("utf-8") for w, part in pairs if w == "{}"]
    raise HTTPError(404)


def _allowed(resource: Resource) -> str:
    head = ["HEAD"] if "GET" in resource.operations else []
    return ",".join(["OPTIONS", *head, *resource.operations])


def _accepted(request: Request) -> str:
    """The media type of the response: the first supported one in Accept, or XML."""
    header = request.header("Accept")
    if header is None or not header.strip():
        return XML
    for kind in (item.partition(";")[0].strip().lower() for item in header.split(",")):
        if kind in ("*/*", "application/*", XML):
            return XML
        if kind == JSON:
            return JSON
    raise HTTPError(400, f"the media type is not supported: {header}")


async def _body(request: Request) -> tuple[str, bytes]:
    """The media type and the bytes of the body, both empty if there is no body."""
    body = bytearray()
    async for piece in request.body:
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise HTTPError(400, "the body is too long")
    if not body:
        return "", b""
    header = request.header("Content-Type")
    if header is None:
        raise HTTPError(415, "a body needs a Content-Type")
    kind = header.partition(";")[0].strip().lower()
    if kind not in (XML, JSON):
        raise HTTPError(400, f"the media type is not supported: {header}")
    return kind, bytes(body)


def _is_wanted(value: str, *, bare: bool) -> bool:
    """The value of a Boolean parameter; *bare* is the meaning of its name alone."""
    return value.lower() in ("true", "t", "1") or (bare and value == "")
