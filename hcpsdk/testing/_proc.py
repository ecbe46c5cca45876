"""Namespace information: everything under /proc. shared/hcp/namespace-info.md, section 1.

Whoever has any permission for a namespace may read all of this; no one in particular is needed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from . import _proc_xml
from ._access import Caller, own_permissions
from ._coding import Stream, packed, wants_gzip
from ._messages import Reply, Request
from ._parameters import Parameters
from ._refusals import Refused
from ._replies import REASONS, Replies
from ._store import Store
from ._system import Namespace, System, with_implied


@dataclass(frozen=True)
class Inquiry:
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


def answer(asked: Inquiry, replies: Replies) -> Reply:
    """The reply to a question; refused with 401, not 403, where there is no access."""
    if asked.request.method != "GET":
        raise Refused(405, headers=[("Allow", "GET")])
    document = DOCUMENTS.get(asked.url_path)
    if document is None:
        raise Refused(404)
    if document is not _namespaces:
        asked.parameters.only()
        if not asked.caller.own:
            raise Refused(401)
    data = document(asked).encode()
    if wants_gzip(asked.request):
        framing = [("Content-Encoding", "gzip"), ("X-HCP-ContentLength", str(len(data)))]
        return Reply(200, REASONS[200], replies.information(framing), Stream(packed([data])))
    framing = [("Content-Length", str(len(data)))]
    return Reply(200, REASONS[200], replies.information(framing), data)


def _namespaces(asked: Inquiry) -> str:
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
    return _proc_xml.namespaces(listed, host, asked.request.scheme)


def _statistics(asked: Inquiry) -> str:
    return _proc_xml.statistics(asked.store)


def _retention_classes(asked: Inquiry) -> str:
    return _proc_xml.retention_classes(asked.namespace)


def _permissions(asked: Inquiry) -> str:
    """Section 5: the masks of the namespace and of everything above it, then the caller's own."""
    groups = {
        "namespacePermissions": with_implied(asked.namespace.permission_mask),
        "namespaceEffectivePermissions": asked.system.effective_mask(asked.namespace),
        "userPermissions": asked.caller.own,
        "userEffectivePermissions": asked.caller.permissions,
    }
    return _proc_xml.permissions(asked.namespace, groups)


DOCUMENTS: dict[str, Callable[[Inquiry], str]] = {
    "/proc": _namespaces,
    "/proc/statistics": _statistics,
    "/proc/retentionClasses": _retention_classes,
    "/proc/permissions": _permissions,
}
