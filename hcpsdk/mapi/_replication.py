"""Replication: the service's settings, and its links."""

from typing import Any

from hcpsdk._errors import HcpsdkError
from hcpsdk._request.url import Quoted
from hcpsdk._target import Target
from hcpsdk._xml import Element
from hcpsdk.mapi._client import MapiClient, path_to

SERVICE = path_to("services", "replication")
LINKS = path_to("services", "replication", "links")
TIMEOUT = 30  # seconds


class ReplicationSettingsError(HcpsdkError):
    """An action is not allowed for the type of a replication link; nothing was sent."""


class UnknownSettingError(ReplicationSettingsError, ValueError):
    """Unknown action or link type; nothing was sent."""


class Replication(MapiClient):
    """The replication service of an HCP, and its links.

    Uses a separate Connection, which it keeps open until `Replication.close()`. Usable as a
    context manager; closes on exit. Each method raises `HcpsdkError` if there is no response, if
    its status is not 200 (the text starts with the status), or if it is not the expected XML.

    Args:
        target: A Target with the system's name (``admin.…``), a system-level user, and port 9090.
        debuglevel: As for `Connection`: above 0, prints everything on the wire.

    Raises:
        HcpsdkPortError: The Target's port is not 9090.
    """

    # Types of links, as HCP names them.

    #: Both systems take writes.
    R_ACTIVE_ACTIVE = "ACTIVE_ACTIVE"
    #: Active/passive, seen from the primary.
    R_OUTBOUND = "OUTBOUND"
    #: Active/passive, seen from the replica.
    R_INBOUND = "INBOUND"

    # Actions, as HCP takes them.

    #: Stop replicating until `R_RESUME`; for any link.
    R_SUSPEND = "suspend"
    #: Continue after `R_SUSPEND`.
    R_RESUME = "resume"
    #: Bring back a link that the other system lost; for any link.
    R_RESTORE = "restore"
    #: Let this system take over for the other one; for any link; needs the link type.
    R_FAILOVER = "failOver"
    #: End a failover; for active/active links.
    R_FAILBACK = "failBack"
    #: Send to the primary what was stored on the replica in the meantime; on the inbound side.
    R_BEGINRECOVERY = "beginRecovery"
    #: Return to the primary when everything has been sent; on the inbound side.
    R_COMPLETERECOVERY = "completeRecovery"

    def __init__(self, target: Target, debuglevel: int = 0) -> None:
        super().__init__(target, TIMEOUT, debuglevel)

    def getreplicationsettings(self) -> dict[str, Any]:
        """The settings of the service: ``GET /mapi/services/replication``.

        Returns:
            A dictionary; its values are ``str`` as HCP sends them (``"true"``, ``"5"``), ``""`` for
            an empty element.
        """
        return _dictionary(self._get(SERVICE, "replicationService"))

    def getlinklist(self) -> list[str]:
        """The names of all links: ``GET /mapi/services/replication/links``.

        Returns:
            A list of ``str``, empty if there are no links.
        """
        links = self._get(LINKS, "links")
        return [child.text for child in links.children if child.name == "name"]

    def getlinkdetails(self, link: str) -> dict[str, Any]:
        """All about a link: ``GET /mapi/services/replication/links/<link>?verbose=true``.

        Args:
            link: Its name, as `getlinklist()` gives it.

        Returns:
            A dictionary; its values are ``str`` as HCP sends them, ``""`` for an empty element.
            What has parts is a dictionary again (``connection``, ``statistics``), what is repeated
            a list. Sizes are bytes, rates bytes or operations per second, times milliseconds
            since 1970; what ends in ``String`` is written out.
        """
        return _dictionary(self._get(_url(link), "link", {"verbose": True}))

    def setreplicationlinkstate(
        self, linkname: str, action: str, linktype: str | None = None
    ) -> None:
        """Suspend, resume, restore, fail over or back, or recover a link.

        Returns when HCP has accepted the action; `getlinkdetails()` shows its progress.

        Args:
            linkname: Its name, as `getlinklist()` gives it.
            action: One of ``R_SUSPEND``, ``R_RESUME``, ``R_RESTORE`` (any link), ``R_FAILOVER``
                (any link, its type is needed), ``R_FAILBACK`` (active/active links),
                ``R_BEGINRECOVERY``, ``R_COMPLETERECOVERY`` (on the inbound side).
            linktype: The link's type, ``R_ACTIVE_ACTIVE``, ``R_OUTBOUND`` or ``R_INBOUND``.

        Raises:
            ReplicationSettingsError: The action is not for that type of link; it is a
                ``ValueError`` as well if the action or type is unknown. Nothing was sent.
        """
        url = _url(linkname)
        check_action(action, linktype)
        self._post(url, {action: None})


_R = Replication
_TYPES = (_R.R_ACTIVE_ACTIVE, _R.R_OUTBOUND, _R.R_INBOUND)

# For which types of links each action is (contract 8.2); None: without a link type.
ALLOWED: dict[str, tuple[str | None, ...]] = {
    _R.R_SUSPEND: (None, *_TYPES),
    _R.R_RESUME: (None, *_TYPES),
    _R.R_RESTORE: (None, *_TYPES),
    _R.R_FAILOVER: _TYPES,
    _R.R_FAILBACK: (_R.R_ACTIVE_ACTIVE,),
    _R.R_BEGINRECOVERY: (_R.R_INBOUND,),
    _R.R_COMPLETERECOVERY: (_R.R_INBOUND,),
}


def check_action(action: str, linktype: str | None) -> None:
    """Raise `ReplicationSettingsError` if *action* is not for links of type *linktype*."""
    if action not in ALLOWED:
        raise UnknownSettingError(
            f"unknown action {action!r}; expected one of {', '.join(ALLOWED)}"
        )
    if linktype is not None and linktype not in _TYPES:
        raise UnknownSettingError(
            f"unknown link type {linktype!r}; expected one of {', '.join(_TYPES)}"
        )
    if linktype not in ALLOWED[action]:
        types = " or ".join(str(allowed) for allowed in ALLOWED[action])
        which = "without a link type" if linktype is None else f"for {linktype} links"
        raise ReplicationSettingsError(f"{action} is not possible {which}, only for {types}")


def _url(link: str) -> Quoted:
    """Where a link is found; its name may contain anything, even slashes."""
    return path_to("services", "replication", "links", link)


def _dictionary(element: Element) -> dict[str, Any]:
    """The children of *element* by name: texts, or dictionaries where they have children.

    Names that are repeated give a list.
    """
    found: dict[str, Any] = {}
    for child in element.children:
        # White space alone is indentation.
        text = child.text if child.text.strip() else ""
        value = _dictionary(child) if child.children else text
        if child.name not in found:
            found[child.name] = value
        elif isinstance(found[child.name], list):
            found[child.name].append(value)
        else:
            found[child.name] = [found[child.name], value]
    return found
