"""The access point to one HCP: its name, addresses, credentials, and TLS settings."""

from __future__ import annotations

from ssl import CERT_NONE, PROTOCOL_TLS_CLIENT, PROTOCOL_TLS_SERVER, SSLContext

from hcpsdk import _constants as constants
from hcpsdk._auth import BaseAuthorization
from hcpsdk._errors import HcpsdkError, HcpsdkPortError, HcpsdkReplicaInitError, first_use
from hcpsdk._log import Log
from hcpsdk._request.url import to_text
from hcpsdk._transport.endpoint import Endpoint
from hcpsdk.ips import Circle, IpsError, as_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hcpsdk._failover import Failover
else:
    Failover = object  # for `typing.get_type_hints()`; it is imported for a replica only

__all__ = ["Target", "checkport"]

log = Log("hcpsdk.Target")

RS_READS = constants.RS_READ_ALLOWED | constants.RS_READ_ON_FAILOVER

# Characters that a host name must not contain (RFC 9110, section 7.2): blank, controls, and these.
_NOT_IN_A_HOST = frozenset([*map(chr, range(0x21)), *"\x7f/?#@\\"])


class Target:
    """One HCP, or one namespace of it: what all `Connection` objects to it have in common.

    Looks its name up at once. Thread-safe; any number of Connections may share it. Pickles with
    its addresses (and looks its name up again at its first use), unless it has an ``sslcontext``.
    Usable as a context manager, though it holds nothing that needs closing.

    Args:
        fqdn: ``"namespace.tenant.hcp.example.com"``, or an IP address.
        authorization: Gives the headers with the credentials.
        port: 443, 8000 and 9090 mean TLS; any other does with an ``sslcontext``.
        dnscache: True resolves through the operating system, which may use its cache; False
            queries the name servers.
        sslcontext: How certificates are verified. None: not at all. One that verifies wants a
            certificate for the FQDN or for the node's address.
        interface: ``I_NATIVE``, ``I_HS3`` or ``I_HSWIFT``; the authorization has to fit.
        replica_fqdn: The name of the replica; builds `replica`.
        replica_strategy: ``RS_*`` values, ORed: which requests go to the replica, and when.
            Without it, none does. Requests to port 9090 (MAPI) never do.

    Raises:
        HcpsdkError: The name cannot be resolved (its subclass `ips.IpsError`), or the replica's
            cannot (`HcpsdkReplicaInitError`). With a strategy for reads it is enough if the
            replica's can: then the Target starts failed over.
        TypeError, ValueError: Invalid argument; nothing was looked up.
    """

    __module__ = "hcpsdk"

    # These are in the module hcpsdk, too.

    #: HCP's native http/REST interface.
    I_NATIVE = constants.I_NATIVE
    #: HS3, the gateway for Amazon S3.
    I_HS3 = constants.I_HS3
    #: HSwift, the gateway for OpenStack Swift.
    I_HSWIFT = constants.I_HSWIFT
    #: The replica may be read from, always.
    RS_READ_ALLOWED = constants.RS_READ_ALLOWED
    #: The replica may be read from while the primary is failed over.
    RS_READ_ON_FAILOVER = constants.RS_READ_ON_FAILOVER
    #: The replica may be written to, always; for active/active links only.
    RS_WRITE_ALLOWED = constants.RS_WRITE_ALLOWED
    #: The replica may be written to while the primary is failed over.
    RS_WRITE_ON_FAILOVER = constants.RS_WRITE_ON_FAILOVER

    def __init__(
        self,
        fqdn: str,
        authorization: BaseAuthorization,
        port: int = 443,
        dnscache: bool = False,
        sslcontext: SSLContext | None = None,
        interface: str = constants.I_NATIVE,
        replica_fqdn: str | None = None,
        replica_strategy: int | None = None,
    ) -> None:
        self._host = _host_header(fqdn)
        _check_arguments(authorization, sslcontext, interface)
        _check_replica(replica_fqdn, replica_strategy)
        # Of members of a (str, Enum) or (int, Enum) the value; the Circle checks the port.
        self._fqdn = fqdn = to_text(fqdn)
        self._authorization = authorization
        if isinstance(port, int) and not isinstance(port, bool):
            port = int(port)
        self._port = port
        self._dnscache = dnscache
        self._sslcontext = sslcontext
        self._interface = interface
        self._replica_strategy = replica_strategy
        unresolved: IpsError | None = None
        try:
            self._circle = Circle(fqdn, port, dnscache)  # checks its arguments, and looks up
        except IpsError as exc:
            if not self._strategy & RS_READS:
                raise
            unresolved = exc
            self._circle = Circle.unresolved(fqdn, port, dnscache)
        else:
            self._circle.getaddr()  # as the manual's debug output shows
        self._endpoint = self._make_endpoint()
        self._replica = self._make_replica(replica_fqdn, unresolved) if replica_fqdn else None
        self._failover = self._make_failover(None if unresolved is None else str(unresolved))
        log.debug("Target initialized: %s:%s - SSL = %s", fqdn, port, self.ssl)

    def _make_endpoint(self) -> Endpoint:
        context = (self._sslcontext or _unverified_context()) if self.ssl else None
        authorization = self._authorization
        authorize = authorization.authorize if authorization.sees_requests() else None
        return Endpoint(
            self._fqdn, self._host, self._port, self._circle, context, authorization, authorize
        )

    @property
    def _strategy(self) -> int:
        """The strategy, as far as it applies: MAPI calls never leave their system."""
        return 0 if self._port == constants.P_MAPI else self._replica_strategy or 0

    def _make_failover(self, reason: str | None) -> Failover | None:
        if self._replica is None or not self._strategy:
            return None
        with first_use():
            from hcpsdk._failover import Failover
        return Failover(self._endpoint, self._replica.endpoint, self._strategy, reason)

    def _make_replica(self, fqdn: str, unresolved: IpsError | None) -> Target:
        try:
            return Target(
                fqdn,
                self._authorization,
                self._port,
                self._dnscache,
                self._sslcontext,
                self._interface,
            )
        except HcpsdkError as exc:
            if unresolved is not None:
                raise IpsError(f"{unresolved}; nor can the replica be used: {exc}") from unresolved
            raise HcpsdkReplicaInitError(f"could not initialize the replica: {exc}") from exc

    @property
    def fqdn(self) -> str:
        """The name for which the Target was made, as it was given."""
        return self._fqdn

    # The name under which programs written for the original read it.
    _Target__fqdn = fqdn

    @property
    def port(self) -> int:
        """The port it uses."""
        return self._port

    @property
    def ssl(self) -> bool:
        """True if it speaks TLS: its port decides, or a given ``sslcontext``."""
        return self._sslcontext is not None or self._port in constants.TLS_PORTS

    @property
    def addresses(self) -> list[str]:
        """The IP addresses known now, in the order received from the name server; a copy."""
        return self._circle.addresses

    @property
    def headers(self) -> dict[str, str]:
        """The headers of each request: ``Host``, and those with the credentials; a copy."""
        return {"Host": self._host, **self._authorization.headers}

    @property
    def interface(self) -> str:
        """The interface it speaks: ``I_NATIVE``, ``I_HS3`` or ``I_HSWIFT``."""
        return self._interface

    @property
    def replica(self) -> Target | None:
        """The replica's Target; None if no ``replica_fqdn`` was given."""
        return self._replica

    @property
    def replica_strategy(self) -> int | None:
        """Which requests go to the replica, as it was given: ``RS_*`` values, ORed."""
        return self._replica_strategy

    @property
    def sslcontext(self) -> SSLContext | None:
        """The context given by the caller; None if certificates are not verified."""
        return self._sslcontext

    def getaddr(self) -> str:
        """The next IP address out of the pool, round-robin.

        Looks the name up again if the pool is due for it; a look-up that fails leaves the known
        addresses in use. Nodes that recently failed to connect are skipped.
        """
        return self._circle.getaddr()

    @property
    def endpoint(self) -> Endpoint:
        """What a Connection needs to know of it; for the library's own use."""
        return self._endpoint

    @property
    def failover(self) -> Failover | None:
        """When requests go to the replica; None: never. For the library's own use."""
        return self._failover

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing, any number of times: only Connections hold something that needs closing."""

    def __getstate__(self) -> dict[str, object]:
        if self._sslcontext is not None:
            raise TypeError(
                "a Target with an sslcontext cannot be pickled, because SSL contexts do not "
                "pickle; make the Target anew where it is needed"
            )
        state = self.__dict__.copy()
        del state["_endpoint"]
        state["_failover"] = self._failover and self._failover.period.reason
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._endpoint = self._make_endpoint()
        self._failover = self._make_failover(None)
        reason = state["_failover"]
        if self._failover is not None and isinstance(reason, str):
            self._failover.restore(reason)

    def __repr__(self) -> str:
        return f"<Target {self._fqdn}:{self._port} SSL={self.ssl} addresses={self.addresses}>"


def checkport(target: Target, port: int) -> None:
    """Make sure that a Target has the port needed, ``P_MAPI`` say.

    Args:
        target: The Target.
        port: The port that it should have.

    Raises:
        HcpsdkPortError: It has another one.
    """
    if not isinstance(target, Target):
        raise TypeError(f"target must be hcpsdk.Target, not {type(target).__name__}")
    if target.port != port:
        raise HcpsdkPortError(f"the Target needs port {port}, but has port {target.port}")


def _host_header(fqdn: str) -> str:
    """The Host header for *fqdn*; also the name that a certificate must be valid for."""
    if not isinstance(fqdn, str):
        raise TypeError(f"fqdn must be str, not {type(fqdn).__name__}")
    fqdn = to_text(fqdn)
    if not fqdn:
        raise ValueError("fqdn is empty")
    if "://" in fqdn:
        raise ValueError(
            "fqdn is a URL, but must be a host name: leave out 'https://' and the path, and pass "
            "port=443 for https, port=80 for http"
        )
    if not _NOT_IN_A_HOST.isdisjoint(fqdn):
        found = next(filter(_NOT_IN_A_HOST.__contains__, fqdn))
        # The rest is not repeated: it may be a password, as in a URL.
        hint = "; pass the name alone, without a path" if found == "/" else ""
        raise ValueError(f"host name must not contain {found!r}{hint}")
    if address := as_address(fqdn):
        # The zone of an address, "%eth0", means nothing to others (RFC 6874, section 4).
        return f"[{address.partition('%')[0]}]" if ":" in address else address
    if ":" in fqdn:
        raise ValueError("host name must not contain ':'; pass the port as port=...")
    if fqdn.isascii():
        return fqdn.rstrip(".")
    try:
        return fqdn.rstrip(".").encode("idna").decode("ascii")
    except UnicodeError as exc:
        raise ValueError(f"invalid host name: {fqdn!r} ({exc})") from exc


def _check_arguments(
    authorization: BaseAuthorization, sslcontext: SSLContext | None, interface: str
) -> None:
    if not isinstance(authorization, BaseAuthorization):
        raise TypeError(
            "authorization must be an instance of a subclass of hcpsdk.BaseAuthorization, "
            f"not {type(authorization).__name__}"
        )
    if not (authorization.has_headers() or authorization.sees_requests()):
        raise TypeError(f"{type(authorization).__name__} has neither headers nor authorize()")
    if sslcontext is not None and not isinstance(sslcontext, SSLContext):
        raise TypeError(f"sslcontext must be ssl.SSLContext, not {type(sslcontext).__name__}")
    if sslcontext is not None and sslcontext.protocol is PROTOCOL_TLS_SERVER:
        raise ValueError("sslcontext is for servers: make it with ssl.create_default_context()")
    if interface not in constants.INTERFACES:
        raise ValueError(
            f"interface must be one of {', '.join(constants.INTERFACES)}, not {interface!r}"
        )
    if authorization.interface not in (None, interface):
        raise ValueError(
            f"{type(authorization).__name__} is for {authorization.interface}, not for {interface}"
        )


def _check_replica(replica_fqdn: str | None, replica_strategy: int | None) -> None:
    if replica_fqdn is not None:
        _host_header(replica_fqdn)
    if replica_strategy is None:
        return
    if not isinstance(replica_strategy, int) or isinstance(replica_strategy, bool):
        raise TypeError(f"replica_strategy must be int, not {type(replica_strategy).__name__}")
    if replica_strategy & ~constants.RS_ALL:
        raise ValueError(f"replica_strategy has unknown bits: {replica_strategy}")
    if replica_strategy and replica_fqdn is None:
        raise ValueError("replica_strategy needs a replica_fqdn")


def _unverified_context() -> SSLContext:
    context = SSLContext(PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = CERT_NONE
    return context
