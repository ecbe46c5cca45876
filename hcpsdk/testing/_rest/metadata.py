"""POST, which changes system metadata, and DELETE.

docs/hcp/namespace.rst, sections 10 and 15.
"""

from .._http.conditions import refuse_all
from .._http.errors import HTTPError
from .._http.messages import Reply
from .._store.objects import Directory
from .call import Call, version_number
from .parameters import Parameters, from_body_or

CHANGEABLE = ("hold", "index", "retention", "shred", "owner", "domain")  # by POST
MAX_REASON = 1024  # characters


async def post(call: Call) -> Reply:
    """Change system metadata, completely or not at all: 200."""
    refuse_all(call.request)
    call.parameters.only(*CHANGEABLE)
    call.needs("write", call.store.find(call.path))
    if isinstance(call.existing(), Directory):
        raise HTTPError(400, "a directory has no system metadata")
    parameters = await from_body_or(call.parameters, call.request)
    parameters.only(*CHANGEABLE)
    if not parameters:
        raise HTTPError(400, "no parameter with a change")
    change = parameters.change()
    if change.hold is not None:
        call.caller.needs("privileged")
    _check_owner(call, parameters)
    call.store.change(call.path, change)
    return call.responses.done()


def _check_owner(call: Call, parameters: Parameters) -> None:
    owner, domain = parameters.text("owner"), parameters.text("domain")
    if owner is None and domain is None:
        return
    call.caller.needs("change_owner")
    if domain:
        raise HTTPError(400, f"no such Active Directory domain: {domain}")
    if owner and owner not in {u.name for u in call.system.users if _belongs(u.tenant, call)}:
        raise HTTPError(400, f"no such user: {owner}")


def _belongs(tenant: str | None, call: Call) -> bool:
    return tenant is not None and tenant.lower() == call.namespace.tenant.lower()


async def delete(call: Call) -> Reply:
    """Delete an object, one version of it, all of them, or an empty directory: 200."""
    refuse_all(call.request)
    call.needs("delete", call.store.find(call.path))
    if call.means_directory:  # "/rest/name/" is no name of an object
        call.existing()
    parameters = await from_body_or(call.parameters, call.request)
    parameters.only("purge", "privileged", "reason", "version")
    purges, number = bool(parameters.boolean("purge")), version_number(parameters)
    if purges:
        call.caller.needs("purge")
    privileged = _is_privileged(call, parameters)
    if number is None:
        call.store.remove(
            call.path, despite_retention=privileged, purges=purges, user=call.caller.name
        )
    elif purges:
        raise HTTPError(400, "purge deletes all versions, not one")
    else:
        call.store.remove_version(call.path, number, despite_retention=privileged)
    return call.responses.done()


def _is_privileged(call: Call, parameters: Parameters) -> bool:
    """Whether to override retention; needs a reason, permission, and enterprise mode."""
    privileged = bool(parameters.boolean("privileged"))
    reason = parameters.text("reason")
    if privileged != (reason is not None):
        raise HTTPError(400, "privileged and reason are needed together")
    if reason is None:
        return False
    if not 1 <= len(reason) <= MAX_REASON:
        raise HTTPError(400, f"the reason must have 1 to {MAX_REASON} characters")
    call.caller.needs("privileged")
    if not call.namespace.enterprise_mode:
        raise HTTPError(403, "no privileged delete in compliance mode")
    return True
