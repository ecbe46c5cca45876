"""The Management API: everything under /mapi on port 9090. mapi.md, sections 1 to 3.

Each subject has a file of its own with a table of its resources; a new one is such a file and a
line in `RESOURCES`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import parse_qsl

from . import _mapi_replication
from ._access import credentials, same_token
from ._mapi_call import Document, MapiCall, Resource
from ._mapi_format import JSON, XML, Malformed, written
from ._messages import BodyCut, Reply, Request
from ._paths import BadName, unquoted
from ._refusals import Refused
from ._replication import Replication
from ._replies import REASONS, Replies, header_text
from ._system import System, User

RESOURCES: dict[str, Resource] = {**_mapi_replication.RESOURCES}

COOKIES = ("hcp-api-auth", "hcp-ns-auth")  # section 2
MAX_PATH_BYTES = 4095  # after "/mapi/"
MAX_BODY_BYTES = 1024 * 1024


class Mapi:
    """The Management API of *system*; *now* tells the time in seconds since the epoch."""

    def __init__(
        self, system: System, replication: Replication, now: Callable[[], float] = time.time
    ) -> None:
        self._system = system
        self._replication = replication
        self._replies = MapiReplies(system, now)

    async def answer(self, request: Request) -> Reply:
        """The reply to *request*; never raises for what a client did wrong."""
        try:
            return await self._answer(request)
        except Refused as refusal:
            return self._replies.refused(refusal)
        except (Malformed, BadName) as error:
            return self._replies.refused(Refused(400, str(error)))
        except BodyCut:
            raise  # nobody is left who could be told
        except UnicodeDecodeError:
            return self._replies.refused(Refused(400, "malformed URL"))

    async def _answer(self, request: Request) -> Reply:
        tenant = self._tenant(request.host)
        user = self._user(request, tenant)
        url_path, _, query = request.target.partition("?")
        parameters = dict(reversed(parse_qsl(query, keep_blank_values=True, errors="strict")))
        try:
            resource, names = _found(url_path)
            operations = resource.operations
            if request.method == "OPTIONS":
                return self._replies.done([("Allow", _allowed(resource))])
            method = "GET" if request.method == "HEAD" else request.method
            if method not in operations:
                raise Refused(405, headers=[("Allow", _allowed(resource))])
            media_type = _accepted(request)
            body = await _body(request)
            call = MapiCall(self._replication, user, tenant, names, parameters, body)
            document = operations[method](call)
        except Refused as refusal:
            if request.method == "HEAD" and refusal.status in (403, 404):
                raise Refused(302) from refusal  # section 3: what is not to be seen
            raise
        if document is None:
            return self._replies.done()
        pretty = _is_wanted(parameters.get("prettyprint", "false"), bare=True)
        return self._replies.document(document, media_type, pretty=pretty)

    def _tenant(self, host: str) -> str | None:
        """The tenant whose API *host* is, None for that of the system."""
        domain = self._system.domain
        if host == f"admin.{domain}":
            return None
        for namespace in self._system.namespaces:
            if host == f"{namespace.tenant}.{domain}".lower():
                return namespace.tenant
        raise Refused(403, f"no management API here: {host}")

    def _user(self, request: Request, tenant: str | None) -> User:
        """Who asks: a user of the system, or of *tenant* if its host was asked."""
        given = credentials(request, COOKIES)
        if given is None:
            raise Refused(403, "missing credentials")
        known = [user for user in self._system.users if same_token(given, user.token)]
        for user in known:
            if user.tenant is None or user.tenant.lower() == (tenant or "").lower():
                return user
        raise Refused(403, "wrong account level" if known else "invalid credentials")


def _found(url_path: str) -> tuple[Resource, list[str]]:
    """The resource that *url_path* names, and the names in it where the table has ``{}``."""
    if len(url_path) > len("/mapi/") + 3 * MAX_PATH_BYTES:
        raise Refused(414)
    parts = url_path.rstrip("/").split("/")
    if parts[:2] != ["", "mapi"]:
        raise Refused(404)
    if len(unquoted(url_path.removeprefix("/mapi/"))) > MAX_PATH_BYTES:
        raise Refused(414)
    for pattern, resource in RESOURCES.items():
        wanted = pattern.split("/")
        pairs = list(zip(wanted, parts[2:], strict=False))
        if len(wanted) == len(parts[2:]) and all(w in ("{}", part) for w, part in pairs):
            return resource, [unquoted(part).decode("utf-8") for w, part in pairs if w == "{}"]
    raise Refused(404)


def _allowed(resource: Resource) -> str:
    head = ["HEAD"] if "GET" in resource.operations else []
    return ",".join(["OPTIONS", *head, *resource.operations])


def _accepted(request: Request) -> str:
    """The media type to answer in: the first in Accept that we can, XML where there is none."""
    header = request.header("Accept")
    if header is None or not header.strip():
        return XML
    for kind in (item.partition(";")[0].strip().lower() for item in header.split(",")):
        if kind in ("*/*", "application/*", XML):
            return XML
        if kind == JSON:
            return JSON
    raise Refused(400, f"the media type is not supported: {header}")


async def _body(request: Request) -> tuple[str, bytes]:
    """The media type and the bytes of *request*'s body, both empty where there is none."""
    body = bytearray()
    async for piece in request.body:
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise Refused(400, "the body is too long")
    if not body:
        return "", b""
    header = request.header("Content-Type")
    if header is None:
        raise Refused(415, "a body needs a Content-Type")
    kind = header.partition(";")[0].strip().lower()
    if kind not in (XML, JSON):
        raise Refused(400, f"the media type is not supported: {header}")
    return kind, bytes(body)


def _is_wanted(value: str, *, bare: bool) -> bool:
    """A Boolean parameter; *bare* is what its name alone means."""
    return value.lower() in ("true", "t", "1") or (bare and value == "")


class MapiReplies(Replies):
    """Replies with the headers of this API."""

    def refused(self, refusal: Refused) -> Reply:
        """The reply that *refusal* stands for. No error body is documented: it is empty."""
        headers = [*self._common(), *refusal.headers]
        if refusal.message and refusal.status != 302:
            headers.append(("X-HCP-ErrorMessage", header_text(refusal.message[:500])))
        return self._whole(refusal.status, headers, b"")

    def done(self, headers: list[tuple[str, str]] | None = None) -> Reply:
        """200 with nothing to tell."""
        return self._whole(200, [*self._common(), *(headers or [])], b"")

    def document(self, document: Document, media_type: str, *, pretty: bool) -> Reply:
        """200 with *document*."""
        body = written(document.root, document.record, media_type, pretty=pretty)
        return self._whole(200, [*self._common(), ("Content-Type", media_type)], body)

    def _common(self) -> list[tuple[str, str]]:
        version = ("X-HCP-SoftwareVersion", self._system.version)
        return [*self._first_lines(), *self._stamp(), version]

    def _whole(self, status: int, headers: list[tuple[str, str]], body: bytes) -> Reply:
        return Reply(status, REASONS[status], [*headers, ("Content-Length", str(len(body)))], body)
