"""Namespace information under ``/proc``. docs/hcp/namespace_info.rst, section 1.

Readable with any permission for the namespace.
"""

import re
from collections.abc import Callable

from .._http.access import own_permissions
from .._http.compression import body, framing, wants_gzip
from .._http.errors import HTTPError
from .._http.messages import Reply
from .._http.responses import response
from ..config import with_implied
from . import proc_xml
from .call import Call


def is_proc(target: str) -> bool:
    """Whether the *target* of a request is under ``/proc``."""
    return re.match(r"/proc([/?]|\Z)", target) is not None


def answer(call: Call) -> Reply:
    """The response to a request; without access it is 401, not 403."""
    if call.request.method != "GET":
        raise HTTPError(405, headers=[("Allow", "GET")])
    document = DOCUMENTS.get(call.request.target.partition("?")[0])
    if document is None:
        raise HTTPError(404)
    if document is not _namespaces:
        call.parameters.only()
        if not call.caller.own:
            raise HTTPError(401)
    data = document(call).encode()
    gzip = wants_gzip(call.request)
    return response(200, call.responses.information(framing(len(data), gzip)), body(data, gzip))


def _namespaces(call: Call) -> str:
    """The namespaces of the tenant that the caller can access; ``single`` limits it to this one."""
    call.parameters.only("single")
    tenant = call.namespace.tenant
    listed = [
        each
        for each in call.system.namespaces
        if each.tenant.lower() == tenant.lower() and own_permissions(call.caller.user, each)
    ]
    if call.parameters.boolean("single"):
        listed = [each for each in listed if each is call.namespace]
    # The manual prints n2 before n1: the newest first.
    listed.reverse()
    host = f"{tenant}.{call.system.domain}"
    return proc_xml.namespaces(listed, host, call.request.scheme)


def _statistics(call: Call) -> str:
    return proc_xml.statistics(call.store)


def _retention_classes(call: Call) -> str:
    return proc_xml.retention_classes(call.namespace)


def _permissions(call: Call) -> str:
    """The masks of the namespace and of all levels, then those of the caller (section 5)."""
    groups = {
        "namespacePermissions": with_implied(call.namespace.permission_mask),
        "namespaceEffectivePermissions": call.system.effective_mask(call.namespace),
        "userPermissions": call.caller.own,
        "userEffectivePermissions": call.caller.permissions,
    }
    return proc_xml.permissions(call.namespace, groups)


DOCUMENTS: dict[str, Callable[[Call], str]] = {
    "/proc": _namespaces,
    "/proc/statistics": _statistics,
    "/proc/retentionClasses": _retention_classes,
    "/proc/permissions": _permissions,
}
