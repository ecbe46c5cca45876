"""Namespace information under ``/proc``. docs/hcp/namespace_info.rst, section 1.

Readable with any permission for the namespace.
"""

import re
from collections.abc import Callable

from .._http.compression import body, framing, wants_gzip
from .._http.errors import HTTPError
from .._http.messages import Reply
from .._http.responses import response
from ..config import with_implied
from . import proc_xml
from .access import own_permissions
from .call import Call


def is_proc(target: str) -> bool:
    """Whether the *target* of a request is under ``/proc``."""
    return re.match(r"/proc([/?]|\Z)", target) is not None


def answer(asked: Call) -> Reply:
    """The response to a request; without access it is 401, not 403."""
    if asked.request.method != "GET":
        raise HTTPError(405, headers=[("Allow", "GET")])
    document = DOCUMENTS.get(asked.request.target.partition("?")[0])
    if document is None:
        raise HTTPError(404)
    if document is not _namespaces:
        asked.parameters.only()
        if not asked.caller.own:
            raise HTTPError(401)
    data = document(asked).encode()
    gzip = wants_gzip(asked.request)
    return response(200, asked.responses.information(framing(len(data), gzip)), body(data, gzip))


def _namespaces(asked: Call) -> str:
    """The namespaces of the tenant that the caller can access; ``single`` limits it to this one."""
    asked.parameters.only("single")
    tenant = asked.namespace.tenant
    listed = [
        each
        for each in asked.system.namespaces
        if each.tenant.lower() == tenant.lower() and own_permissions(asked.caller.user, each)
    ]
    if asked.parameters.boolean("single"):
        listed = [each for each in listed if each is asked.namespace]
    # The manual prints n2 before n1: the newest first.
    listed.reverse()
    host = f"{tenant}.{asked.system.domain}"
    return proc_xml.namespaces(listed, host, asked.request.scheme)


def _statistics(asked: Call) -> str:
    return proc_xml.statistics(asked.store)


def _retention_classes(asked: Call) -> str:
    return proc_xml.retention_classes(asked.namespace)


def _permissions(asked: Call) -> str:
    """The masks of the namespace and of all levels, then those of the caller (section 5)."""
    groups = {
        "namespacePermissions": with_implied(asked.namespace.permission_mask),
        "namespaceEffectivePermissions": asked.system.effective_mask(asked.namespace),
        "userPermissions": asked.caller.own,
        "userEffectivePermissions": asked.caller.permissions,
    }
    return proc_xml.permissions(asked.namespace, groups)


DOCUMENTS: dict[str, Callable[[Call], str]] = {
    "/proc": _namespaces,
    "/proc/statistics": _statistics,
    "/proc/retentionClasses": _retention_classes,
    "/proc/permissions": _permissions,
}
