"""The management API: everything under ``/mapi`` on port 9090. docs/hcp/mapi.rst, sections 1 to 3.

Imports the files with resources. Each has a table of them, which is added to `RESOURCES` here.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from .._http.credentials import MANAGEMENT_COOKIE, NAMESPACE_COOKIE, credentials, same_token
from .._http.errors import HTTPError, not_emulated
from .._http.messages import BodyCut, Reply, Request
from .._http.percent import BadName, unquoted
from ..config import User
from . import namespaces, nodes, replication, tenants, usage, users
from .call import Document, Emulated, MapiCall, Path, Resource
from .documents import JSON, XML, Malformed
from .logs import Logs
from .not_emulated import RESOURCES as NOT_EMULATED
from .responses import MapiResponses

RESOURCES: dict[str, Resource] = {
    **replication.RESOURCES,
    **tenants.RESOURCES,
    **namespaces.RESOURCES,
    **users.RESOURCES,
    **usage.RESOURCES,
    **nodes.RESOURCES,
    **NOT_EMULATED,
}

COOKIES = (MANAGEMENT_COOKIE, NAMESPACE_COOKIE)  # section 2
MAX_PATH_BYTES = 4095  # after "/mapi/"
MAX_BODY_BYTES = 1024 * 1024


class MapiService:
    """The management API of a system."""

    def __init__(self, emulated: Emulated) -> None:
        self._system = emulated.system
        self._emulated = emulated
        self._responses = MapiResponses(emulated.system, emulated.now)
        self._logs = Logs()
        self._resources = {**RESOURCES, **self._logs.resources}

    def reset(self) -> None:
        """Forget what was changed, apart from namespaces, users and tenants."""
        self._emulated.plain.clear()
        self._emulated.marks.clear()
        self._logs.reset()

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
            resource, path, names = _found(url_path, self._resources)
            operations = resource.operations
            if request.method == "OPTIONS":
                return self._responses.done([("Allow", _allowed(resource))])
            method = "GET" if request.method == "HEAD" else request.method
            if method not in operations:
                raise HTTPError(405, headers=[("Allow", _allowed(resource))])
            media_type = _accepted(request, resource, parameters)
            body = await _body(request)
            call = MapiCall(self._emulated, user, tenant, path, names, parameters, body, media_type)
            done = operations[method](call)
        except HTTPError as refusal:
            if request.method == "HEAD" and refusal.status in (403, 404):
                raise HTTPError(302) from refusal  # section 3: what is not visible
            raise
        if done is None:
            return self._responses.done()
        if not isinstance(done, Document):
            return self._responses.raw(done)
        pretty = _is_wanted(parameters.get("prettyprint", "false"))
        return self._responses.document(done, media_type, pretty=pretty)

    def _tenant(self, host: str) -> str | None:
        """The tenant of *host*; None for the host of the system."""
        domain = self._system.domain
        if host == f"admin.{domain}":
            return None
        name, dot, rest = host.partition(".")
        tenant = self._system.tenant(name) if dot and rest == domain.lower() else None
        if tenant is None:
            raise HTTPError(403, f"no management API here: {host}")
        return tenant

    def _user(self, request: Request, tenant: str | None) -> User:
        """The user of *request*: of the system, or of *tenant* on its host."""
        given = credentials(request, COOKIES)
        if given is None:
            raise HTTPError(403, "missing credentials")
        known = [user for user in self._system.users if _may_enter(given, user)]
        for user in known:
            if user.tenant is None or user.tenant.lower() == (tenant or "").lower():
                return user
        raise HTTPError(403, "wrong account level" if known else "invalid credentials")


def _may_enter(given: str, user: User) -> bool:
    return user.enabled and same_token(given, user.token)


def _found(url_path: str, resources: dict[str, Resource]) -> tuple[Resource, Path, list[str]]:
    """The resource that *url_path* names, its path, and what stands where the table has ``{}``."""
    if len(url_path) > len("/mapi/") + 3 * MAX_PATH_BYTES:
        raise HTTPError(414)
    parts = url_path.rstrip("/").split("/")
    if parts[:2] != ["", "mapi"]:
        raise HTTPError(404)
    if len(unquoted(url_path.removeprefix("/mapi/"))) > MAX_PATH_BYTES:
        raise HTTPError(414)
    for pattern, resource in resources.items():
        wanted, given = pattern.split("/"), parts[2:]
        if wanted[-1] == "**":  # and everything below
            wanted.pop()
            given = given[: len(wanted)]
        pairs = list(zip(wanted, given, strict=False))
        if len(wanted) == len(given) and all(w in ("{}", part) for w, part in pairs):
            texts = [unquoted(part).decode("utf-8") for part in parts[2:]]
            names = [text for w, text in zip(wanted, texts, strict=False) if w == "{}"]
            return resource, tuple(text.lower() for text in texts), names
    raise HTTPError(404)


def _allowed(resource: Resource) -> str:
    head = ["HEAD"] if "GET" in resource.operations else []
    return ",".join(["OPTIONS", *head, *resource.operations])


def _accepted(request: Request, resource: Resource, parameters: dict[str, str]) -> str:
    """The media type of the response: the first in Accept that is possible, XML by default."""
    if "callback" in parameters:
        raise not_emulated("JavaScript (callback)")
    header = request.header("Accept")
    if header is None or not header.strip():
        return XML
    kinds = [item.partition(";")[0].strip().lower() for item in header.split(",")]
    for kind in kinds:
        if kind in ("*/*", "application/*", XML):
            return XML
        if kind == JSON or kind in resource.media_types:
            return kind
    if "application/javascript" in kinds:
        raise not_emulated("application/javascript")
    raise HTTPError(415, f"the media type is not supported: {header}")


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
        raise HTTPError(415, f"the media type is not supported: {header}")
    return kind, bytes(body)


def _is_wanted(value: str) -> bool:
    """A Boolean parameter; its name alone means true."""
    return value.lower() in ("true", "t", "1", "")
