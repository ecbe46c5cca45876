"""What all requests that store an object have in common: PUT, copy, whole objects.

docs/hcp/namespace.rst, section 5.
"""

from dataclasses import replace

from .._http.errors import HTTPError, not_emulated
from .._store.acl import CANNED
from .._store.objects import Change, Metadata, StoredObject
from .._store.uploads import ObjectUpload
from .call import Call


def initial_change(call: Call, *other_parameters: str) -> Change:
    """The system metadata that an upload names; refuses it if the caller may not do that."""
    call.needs("write", call.store.find(call.path))
    if call.request.header("X-HCP-LabelRetentionHold") is not None:
        raise not_emulated("the header X-HCP-LabelRetentionHold")
    call.parameters.only("hold", "index", "retention", "shred", "dpl", "acl", *other_parameters)
    change = call.parameters.change()
    if change.hold:
        call.caller.needs("privileged")
    canned = call.parameters.text("acl")
    if canned is None:
        return change
    refuse_without_acls(call)
    if canned not in CANNED:
        raise HTTPError(400, f"bad value for acl: {canned}")
    return replace(change, acl=CANNED[canned])


def refuse_without_acls(call: Call) -> None:
    """Refuse the request if the namespace has no ACLs."""
    if call.namespace.acls == "NOT_ENABLED":
        raise HTTPError(400, "access control lists are not enabled for the namespace")


def initial_metadata(call: Call, change: Change, place: ObjectUpload) -> Metadata:
    """The system metadata of the object that is going to *place*."""
    found = call.store.find(call.path)
    old = found.metadata if isinstance(found, StoredObject) else None
    return Metadata.initial(change, call.namespace, call.caller.name, place.created // 1000, old)


def announced_size(call: Call) -> int:
    """The announced size of the body; a packed one will be larger."""
    length = call.request.header("Content-Length") or ""
    return int(length) if length.isascii() and length.isdigit() else 0
