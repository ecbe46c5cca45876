"""Accounts: tenants, and lists of their containers. docs/hcp/swift.rst, section 3."""

from .._http.access import own_permissions
from .._http.messages import Reply
from .._http.responses import Headers
from .call import Call
from .listing import Entry, media_type, selected, written


async def get(call: Call) -> Reply:
    """The containers that the caller can access; 204 if there is no container."""
    shown = [
        each
        for each in call.namespaces.of_tenant(call.tenant)
        if each.hswift_enabled and own_permissions(call.user, each)
    ]
    entries: list[Entry] = []
    for each in selected(shown, lambda namespace: namespace.name, call.parameters):
        store = call.namespaces.store(each)
        count = store.counts.level.objects
        entries.append({"name": each.name, "bytes": store.used_bytes, "count": count})
    kind = media_type(call.request, call.parameters)
    headers = [*call.responses.common(), *_about(call)]
    if not entries:
        return call.responses.done(204, _about(call))
    data = written("account", call.tenant, "container", entries, kind)
    return call.responses.document(200, data, kind, headers)


async def head(call: Call) -> Reply:
    """What the account contains."""
    return call.responses.done(204, _about(call))


def _about(call: Call) -> Headers:
    """The numbers of all namespaces of the tenant, also those without HSwift."""
    stores = [call.namespaces.store(each) for each in call.namespaces.of_tenant(call.tenant)]
    return [
        ("X-Account-Container-Count", str(len(stores))),
        ("X-Account-Object-Count", str(sum(each.counts.level.objects for each in stores))),
        ("X-Account-Bytes-Used", str(sum(each.used_bytes for each in stores))),
    ]
