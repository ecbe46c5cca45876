"""Requests for access control lists, ``type=acl``, and the checks of those that clients send.

docs/hcp/namespace.rst, section 14.
"""

import json
from typing import Any

from .._http.compression import body, framing, unpacker, wants_gzip
from .._http.conditions import refuse_all
from .._http.errors import HTTPError
from .._http.messages import Reply, Request
from .._http.responses import flag, response
from .._store.acl import ALL_USERS, AUTHENTICATED, MAX_GRANTS, PERMISSIONS, Acl, Grant
from .._store.objects import Change, Directory, StoredObject
from .._xml import Malformed, Record, document, read
from .call import Call
from .new_object import refuse_without_acls

XML, JSON = "application/xml", "application/json"
ROOT = "accessControlList"
MAX_BYTES = 1024 * 1024


async def put(call: Call) -> Reply:
    """Give an object an ACL, in place of another one: 201."""
    refuse_all(call.request)
    found = _found(call, "write_acl")
    media_type = _media_type(call.request.header("Content-Type")) or XML
    if media_type not in (XML, JSON):
        raise HTTPError(415)
    acl = _acl(await _body(call.request), media_type)
    _check_grantees(call, acl)
    if found.metadata.owner != call.caller.name:
        for permission in {each for grant in acl for each in grant.permissions}:
            call.needs(PERMISSIONS[permission], found)  # users cannot grant more than they have
    call.store.change(call.path, Change(acl=acl))
    return call.responses.created(call.path)


async def get(call: Call) -> Reply:
    """The ACL as XML or JSON; without grants if the object has no ACL."""
    found = _found(call, "read_acl")
    media_type = _wanted(call.request)
    record = {"grant": [_record(grant) for grant in found.metadata.acl]}
    if media_type == JSON:
        data = json.dumps(record).encode()
    else:
        data = document(ROOT, record, pretty=True).encode()
    gzip = wants_gzip(call.request)
    headers = call.responses.information(framing(len(data), gzip), media_type)
    return response(200, headers, body(data, gzip))


async def head(call: Call) -> Reply:
    """Whether there is an ACL."""
    has_acl = bool(_found(call, "read_acl").metadata.acl)
    headers = call.responses.information([("Content-Length", "0")])
    return response(200, [*headers, ("X-HCP-ACL", flag(has_acl))])


async def delete(call: Call) -> Reply:
    """Delete the ACL: 200, or 204 if the object has no ACL."""
    refuse_all(call.request)
    if not _found(call, "write_acl").metadata.acl:
        raise HTTPError(204, "the object has no access control list")
    call.store.change(call.path, Change(acl=()))
    return call.responses.done()


def _found(call: Call, permission: str) -> StoredObject:
    """The object of the URL; its owner needs no *permission* for its ACL."""
    call.parameters.only("type")
    refuse_without_acls(call)
    found = call.store.find(call.path)
    is_owner = isinstance(found, StoredObject) and found.metadata.owner == call.caller.name
    if not (is_owner and call.caller.user):
        call.needs(permission, found)
    found = call.existing()
    if isinstance(found, Directory):
        raise HTTPError(400, "a directory has no access control list")
    return found


def _media_type(header: str | None) -> str:
    return (header or "").partition(";")[0].strip().lower()


def _wanted(request: Request) -> str:
    """The format of the response: as Accept says, else as Content-Type says, else XML."""
    kind = _media_type(request.header("Accept"))
    if kind in ("", "*/*"):
        kind = _media_type(request.header("Content-Type")) or XML
    if kind not in (XML, JSON):
        raise HTTPError(406)
    return kind


async def _body(request: Request) -> bytes:
    unpack, data = unpacker(request), bytearray()
    async for piece in request.body:
        for plain in unpack.unpacked(piece):
            data += plain
            if len(data) > MAX_BYTES:
                raise HTTPError(413)
    unpack.finish()
    return bytes(data)


# Reading


def _acl(data: bytes, media_type: str) -> Acl:
    try:
        record = json.loads(data) if media_type == JSON else read(ROOT, data)
        acl = tuple(map(_grant, _list(record.get("grant", []))))
    except (Malformed, ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise HTTPError(400, f"not an access control list: {error}") from error
    if len(acl) > MAX_GRANTS:
        raise HTTPError(400, f"an access control list has at most {MAX_GRANTS} grants")
    if len({(grant.name, grant.is_group) for grant in acl}) < len(acl):
        raise HTTPError(400, "two grants for the same grantee")
    return acl


def _grant(record: Any) -> Grant:
    grantee, permissions = record["grantee"], _list(record["permissions"]["permission"])
    if grantee.get("domain"):
        raise ValueError("there is no Active Directory")
    if grantee["type"] not in ("user", "group"):
        raise ValueError(f"unknown type of grantee: {grantee['type']}")
    if unknown := [each for each in permissions if each not in PERMISSIONS]:
        raise ValueError(f"unknown permission: {unknown[0]}")
    return Grant(str(grantee["name"]), grantee["type"] == "group", frozenset(permissions))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _check_grantees(call: Call, acl: Acl) -> None:
    tenant = call.namespace.tenant.lower()
    users = {user.name for user in call.system.users if (user.tenant or "").lower() == tenant}
    for grant in acl:
        if grant.name not in ((ALL_USERS, AUTHENTICATED) if grant.is_group else users):
            raise HTTPError(400, f"no such grantee: {grant.name}")


def _record(grant: Grant) -> Record:
    permissions = [each for each in PERMISSIONS if each in grant.permissions]
    kind = "group" if grant.is_group else "user"
    return {
        "grantee": {"name": grant.name, "type": kind},
        "permissions": {"permission": permissions},
    }
