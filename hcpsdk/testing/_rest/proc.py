"""Namespace information: everything under /proc. docs/hcp/namespace-info.rst, section 1.

Whoever has any permission for a namespace may read all of this; no one in particular is needed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from .._http.compression import BodyStream, packed, wants_gzip
from .._http.errors import HTTPError
from .._http.messages import Reply, Request
from .._http.responses import response
from .._store.store import Store
from ..config import Namespace, System, with_implied
from . import proc_xml
from .access import Caller, own_permissions
from .parameters import Parameters
from .responses import RestResponses


@dataclass(frozen=True)
class ProcCall:
    """A question about a namespace, from somebody who has passed the door."""

    request: Request
    url_path: str
    parameters: Parameters
    system: System
    namespace: Namespace
    store: Store
    caller: Caller


def is_inquiry(target: str) -> bool:
    """Whether the *target* of a request leads here."""
    return re.match(r"/proc([/?]|\Z)", target) is not None


def answer(asked: ProcCall, responses: RestResponses) -> Reply:
    """The reply to a question; refused with 401, not 403, where there is no access."""
    if asked.request.method != "GET":
        raise HTTPError(405, headers=[("Allow", "GET")])
    document = DOCUMENTS.get(asked.url_path)
    if document is None:
        raise HTTPError(404)
    if document is not _namespaces:
        asked.parameters.only()
        if not asked.caller.own:
            raise HTTPError(401)
    data = document(asked).encode()
    if wants_gzip(asked.request):
        framing = [("Content-Encoding", "gzip"), ("X-HCP-ContentLength", str(len(data)))]
        return response(200, responses.information(framing), BodyStream(packed([data])))
    framing = [("Content-Length", str(len(data)))]
    return response(200, responses.information(framing), data)


def _namespaces(asked: ProcCall) -> str:
    """All namespaces of the tenant that the caller may enter; with ``single`` this one only."""
    asked.parameters.only("single")
    tenant = asked.namespace.tenant
    listed = [
        each
        for each in asked.system.namespaces
        if each.tenant.lower() == tenant.lower() and own_permissions(asked.caller.user, each)
    ]
    if asked.parameters.boolean("single"):
        listed = [each for each in listed if each is asked.namespace]
    # The manual [7.1] prints n2 before n1: those made last come first.
    listed.reverse()
    host = f"{tenant}.{asked.system.domain}"
    return proc_xml.namespaces(listed, host, asked.request.scheme)


def _statistics(asked: ProcCall) -> str:
    return proc_xml.statistics(asked.store)


def _retention_classes(asked: ProcCall) -> str:
    return proc_xml.retention_classes(asked.namespace)


def _permissions(asked: ProcCall) -> str:
    """Section 5: the masks of the namespace and of everything above it, then the caller's own."""
    groups = {
        "namespacePermissions": with_implied(asked.namespace.permission_mask),
        "namespaceEffectivePermissions": asked.system.effective_mask(asked.namespace),
        "userPermissions": asked.caller.own,
        "userEffectivePermissions": asked.caller.permissions,
    }
    return proc_xml.permissions(asked.namespace, groups)


DOCUMENTS: dict[str, Callable[[ProcCall], str]] = {
    "/proc": _namespaces,
    "/proc/statistics": _statistics,
    "/proc/retentionClasses": _retention_classes,
    "/proc/permissions": _permissions,
}
