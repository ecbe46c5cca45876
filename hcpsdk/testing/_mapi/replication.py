"""Resources: the replication service and its links. docs/hcp/mapi.rst, section 4.

Imports `call`, `properties` and `_replication`.
"""

from __future__ import annotations

import time

from .._dates import iso
from .._http.errors import HTTPError
from .._replication.actions import act, make_active_active
from .._replication.end import End
from .._replication.states import ACTIONS, ALIASES, NotNow, Phase, Role, WrongType
from .call import Document, MapiCall, Resource
from .documents import Record
from .not_emulated import missing
from .properties import Property, boolean, changes, integer, one_of, text

PORT = 5748
MAX_REASON = 1024  # characters

READERS = ("monitor", "administrator")
CHANGERS = ("administrator",)


# The service


def get_service(call: MapiCall) -> Document:
    """The settings; verbose adds the status."""
    call.needs(*READERS)
    record = dict(call.replication.settings)
    if call.verbose:
        works = call.replication.shut_down_because is None
        record["status"] = "ENABLED" if works else "SHUTDOWN"
    return Document("replicationService", record)


SERVICE_PROPERTIES = {
    "allowTenantsToMonitorNamespaces": boolean,
    "enableDNSFailover": boolean,
    "enableDomainAndCertificateSynchronization": boolean,
    "network": text(1, 64),
}


def post_service(call: MapiCall) -> None:
    """Change settings, or stop or start all links."""
    call.needs(*CHANGERS)
    stop = call.parameters.get("shutDownAllLinks")
    start = "reestablishAllLinks" in call.parameters
    if stop is None and not start:
        given = call.document("replicationService")
        call.replication.change(changes(given, SERVICE_PROPERTIES, get_service(call).record))
        return
    if stop is not None and start:
        raise HTTPError(400, "shutDownAllLinks and reestablishAllLinks exclude each other")
    _refuse_body(call)
    if stop is not None and not 1 <= len(stop) <= MAX_REASON:
        raise HTTPError(400, f"shutDownAllLinks needs a reason of up to {MAX_REASON} characters")
    call.replication.shut_down(stop)


# Links


def get_links(call: MapiCall) -> Document:
    """The names of all links."""
    call.needs(*READERS)
    return Document("links", {"name": [end.link.name for end in call.replication.ends]})


def get_link(call: MapiCall) -> Document:
    """The properties of a link; verbose adds status and statistics."""
    call.needs(*READERS)
    return Document("link", _described(_end(call), verbose=call.verbose))


def post_link(call: MapiCall) -> None:
    """Run one of the actions, or change properties."""
    call.needs(*CHANGERS)
    end = _end(call)
    actions = {ALIASES.get(name, name) for name in call.parameters} & ACTIONS
    if len(actions) > 1:
        raise HTTPError(400, f"only one action is possible: {', '.join(sorted(actions))}")
    try:
        if actions:
            _refuse_body(call)
            act(actions.pop(), end)
        else:
            _change(end, call.document("link"))
    except WrongType as error:
        raise HTTPError(400, str(error)) from error
    except NotNow as error:
        raise HTTPError(403, str(error)) from error


def delete_link(call: MapiCall) -> None:
    """Remove a link from both systems, or from this one if the other does not respond."""
    call.needs(*CHANGERS)
    end = _end(call)
    if end.other.is_running:
        end.other.remove()
    end.remove()


RESOURCES = {
    "services/replication": Resource({"GET": get_service, "POST": post_service}),
    "services/replication/links": Resource(
        {"GET": get_links, "PUT": missing("links that are made by PUT: use hcpsdk.testing.link()")}
    ),
    "services/replication/links/{}": Resource(
        {"GET": get_link, "POST": post_link, "DELETE": delete_link}
    ),
}


def _end(call: MapiCall) -> End:
    found = call.replication.end(call.names[0])
    if found is None:
        raise HTTPError(404, f"no such link: {call.names[0]}")
    return found


def _refuse_body(call: MapiCall) -> None:
    if call.has_body:  # section 3: only on these resources
        raise HTTPError(400, "a body is not allowed with an action")


# A link, in the order of section 4.3


def _described(end: End, *, verbose: bool) -> Record:
    link = end.link
    record: Record = {
        "compression": link.properties["compression"],
        "connection": {
            "localHost": ", ".join(end.addresses),
            "localPort": PORT,
            "remoteHost": ", ".join(end.other.addresses),
            "remotePort": PORT,
        },
        "description": link.properties["description"],
        "encryption": link.properties["encryption"],
        "failoverSettings": _failover_settings(end),
    }
    if verbose:
        record["id"] = link.id
    record |= {"name": link.name, "priority": link.properties["priority"]}
    if verbose:
        view = end.view
        record |= {
            "statistics": _statistics(end),
            "status": view.status,
            "statusMessage": view.message,
            "suspended": link.phase is Phase.SUSPENDED,
        }
    record["type"] = end.role.value
    return record


def _failover_settings(end: End) -> Record:
    """Those of both sides on an active/active link, else those of the replica."""
    if end.role is Role.PEER:
        return {"local": _without_recovery(end), "remote": _without_recovery(end.other)}
    if end.role is Role.REPLICA:
        return {"local": end.failover}
    return {"remote": end.other.failover}


def _without_recovery(end: End) -> Record:
    return {name: value for name, value in end.failover.items() if "Recovery" not in name}


def _statistics(end: End) -> Record:
    link, mine, theirs = end.link, end.backlog, end.other.backlog
    with link.lock:
        operations, rate = link.traffic.per_second()
        waiting = [oldest for oldest in (mine.oldest, theirs.oldest) if oldest is not None]
        up_to_date = min([int(time.time() * 1000), *waiting])
        return {
            "upToDateAsOfString": iso(up_to_date // 1000),
            "upToDateAsOfMillis": up_to_date,
            "bytesPending": mine.bytes,
            "bytesPendingRemote": theirs.bytes,
            "bytesReplicated": link.traffic.bytes,
            "bytesPerSecond": rate,
            "objectsPending": len(mine),
            "objectsPendingRemote": len(theirs),
            "objectsReplicated": link.traffic.objects,
            "operationsPerSecond": operations,
            "errors": 0,
            "errorsPerSecond": 0.0,
        }


# Changing a link

LINK_PROPERTIES = {
    "compression": boolean,
    "description": text(0, 1024),
    "encryption": boolean,
    "priority": one_of("OLDEST_FIRST", "FAIR"),
}
SIDE_PROPERTIES = {
    "autoFailover": boolean,
    "autoFailoverMinutes": integer(7, 9999),
    "autoCompleteRecovery": boolean,
    "autoCompleteRecoveryMinutes": integer(1, 9999),
}


def _change(end: End, given: Record) -> None:
    """Apply the changes *given*, completely or not at all."""
    present = _described(end, verbose=True)
    sides = given.pop("failoverSettings", {})
    kind = given.pop("type", end.role.value)
    new = changes(given, LINK_PROPERTIES, present)
    if not isinstance(sides, dict) or not set(sides) <= set(present["failoverSettings"]):
        raise HTTPError(400, f"invalid failoverSettings on a link of type {end.role.value}")
    new_sides = {
        side: changes(values, _known(present["failoverSettings"][side]), {})
        for side, values in sides.items()
    }
    if kind not in (end.role.value, Role.PEER.value):
        raise HTTPError(400, f"the type cannot become {kind}")
    if kind != end.role.value:
        make_active_active(end)
    end.link.properties = {**end.link.properties, **new}
    for side, values in new_sides.items():
        where = end if side == "local" else end.other
        where.failover = {**where.failover, **values}


def _known(present: Record) -> dict[str, Property]:
    return {name: SIDE_PROPERTIES[name] for name in present}
