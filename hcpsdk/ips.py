"""Name resolution, and a pool of addresses that is used round-robin.

Each node of an HCP serves requests. A `Circle` holds their addresses and returns them in turn;
`query()` looks them up, past any cache or through the operating system.
"""

import ipaddress
import logging
import os
import socket
import threading
import time
import weakref
from collections.abc import Collection
from typing import NamedTuple

from hcpsdk._errors import HcpsdkError

__all__ = ["Circle", "IpsError", "Request", "Response", "query"]

log = logging.getLogger("hcpsdk.ips.Circle")

# Contract 2.5 and 2.6; all in seconds.
DEFAULT_TTL = 300.0  # where the answer has none, as the system resolver's
SHORTEST_RENEWAL = 30.0  # between two renewals because of the TTL
RENEWAL_AFTER_FAILURE = 5.0  # between two renewals because of failed connections
SKIP_SECONDS = 30.0  # how long a node that failed to connect is skipped


class IpsError(HcpsdkError):
    """A name could not be resolved.

    Raised by `Target`, `Circle` and `Circle.refresh()`; addresses known before stay in use.
    """


class Request(NamedTuple):
    """An argument of `query()`: which name, and whether a cache may be used."""

    #: The name to look up.
    fqdn: str
    #: True queries the operating system, which may use its cache.
    cache: bool = False


class Response:
    """What a `query()` found.

    Args:
        fqdn: The name that was looked up.
        cache: True if the operating system was queried, False if its caches were bypassed.
        ips: The addresses; of duplicates the first one counts.
        raised: What went wrong, ``""`` for nothing.
        ttl: Seconds for which the answer is valid; None if unknown.
        cause: The exception that *raised* describes.
    """

    __slots__ = ("_cache", "_cause", "_fqdn", "_ips", "_raised", "_ttl")

    def __init__(
        self,
        fqdn: str,
        cache: bool,
        ips: tuple[str, ...] = (),
        raised: str = "",
        ttl: float | None = None,
        cause: Exception | None = None,
    ) -> None:
        self._fqdn = fqdn
        self._cache = cache
        self._ips = tuple(dict.fromkeys(ips))
        self._raised = raised
        self._ttl = ttl
        self._cause = cause  # the exception that ``raised`` describes

    @property
    def ips(self) -> list[str]:
        """The addresses found, as strings, in the order received; empty if none were."""
        return list(self._ips)

    @property
    def fqdn(self) -> str:
        """The name that was looked up."""
        return self._fqdn

    @property
    def cache(self) -> bool:
        """True if the operating system was queried, False if its caches were bypassed."""
        return self._cache

    @property
    def raised(self) -> str:
        """``""``, or what went wrong, in words that start with ``Err:`` and a blank."""
        return self._raised

    @property
    def ttl(self) -> float | None:
        """Seconds for which the answer is valid; None if unknown."""
        return self._ttl

    @property
    def cause(self) -> Exception | None:
        """The exception that `raised` describes."""
        return self._cause

    def __repr__(self) -> str:
        return (
            f"<Response fqdn={self._fqdn!r} cache={self._cache} ips={self.ips} "
            f"raised={self._raised!r}>"
        )


def query(fqdn: str | Request, cache: bool = False) -> Response:
    """Look up the addresses of *fqdn*, one per storage node.

    Never raises: ``Response.raised`` describes what went wrong.

    Args:
        fqdn: The name to look up, ``"n1.m.hcp.example.com"``, or a `Request`, whose ``cache`` then
            counts. An IP address resolves to itself, an IPv6 address with or without brackets.
        cache: True queries the operating system, which may use its cache; False queries the name
            servers directly, through dnspython's default resolver.

    Returns:
        A `Response`; its ``ips`` are IPv4 addresses, or IPv6 addresses where the name has no
        others.
    """
    if isinstance(fqdn, Request):
        fqdn, cache = fqdn
    if not isinstance(fqdn, str):
        return Response(fqdn, cache, raised=f"Err: fqdn must be str, not {type(fqdn).__name__}")
    if address := as_address(fqdn):
        return Response(fqdn, cache, (address,), ttl=float("inf"))
    return _ask_system(fqdn) if cache else _ask_name_servers(fqdn)


def as_address(name: str) -> str | None:
    """*name* without brackets if it is an IP address, else None."""
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        return None
    return bare


def _ask_system(fqdn: str) -> Response:
    try:
        found = socket.getaddrinfo(fqdn, None, type=socket.SOCK_STREAM)
    except Exception as exc:  # the promise is never to raise: ValueError, for names like "\0"
        return Response(fqdn, True, raised=_words(exc), cause=exc)
    by_family: dict[int, list[str]] = {socket.AF_INET: [], socket.AF_INET6: []}
    for family, _type, _proto, _canonname, sockaddr in found:
        by_family.setdefault(family, []).append(str(sockaddr[0]))
    addresses = by_family[socket.AF_INET] or by_family[socket.AF_INET6]
    if not addresses:
        return Response(fqdn, True, raised=f"Err: no address for {fqdn}")
    return Response(fqdn, True, tuple(addresses))


def _ask_name_servers(fqdn: str) -> Response:
    # dnspython takes longer to import than the rest of the library together.
    import dns.resolver

    try:
        resolver = dns.resolver.get_default_resolver()
        answer = resolver.resolve(fqdn, "A", raise_on_no_answer=False)
        if answer.rrset is None:
            answer = resolver.resolve(fqdn, "AAAA")
        rrset = answer.rrset
    except dns.resolver.NXDOMAIN as exc:
        return Response(fqdn, False, raised=f"Err: the name does not exist: {fqdn}", cause=exc)
    except dns.resolver.NoAnswer as exc:
        return Response(fqdn, False, raised=f"Err: the name has no address: {fqdn}", cause=exc)
    except Exception as exc:  # the promise is never to raise, whatever dnspython makes of a name
        return Response(fqdn, False, raised=_words(exc), cause=exc)
    assert rrset is not None  # else NoAnswer was raised
    ttl = float(answer.chaining_result.minimum_ttl)
    return Response(fqdn, False, tuple(item.address for item in rrset), ttl=ttl)


def _words(exc: Exception) -> str:
    return f"Err: {str(exc) or type(exc).__name__}"


class Circle:
    """The addresses of one name, handed out round-robin.

    Looks the name up at once. Later look-ups happen when an address is requested and the answer's
    time to live has passed, and after failed connections; one that fails leaves the addresses
    known so far in place. Safe under any number of threads.

    Args:
        fqdn: The name to be resolved.
        port: The port for which the addresses are meant.
        dnscache: True queries the operating system, which may use its cache; False queries the
            name servers directly.

    Raises:
        IpsError: The name could not be resolved.
        TypeError, ValueError: Invalid argument; nothing was looked up.
    """

    def __init__(self, fqdn: str, port: int = 443, dnscache: bool = False) -> None:
        if not isinstance(fqdn, str):
            raise TypeError(f"fqdn must be str, not {type(fqdn).__name__}")
        if not isinstance(port, int) or isinstance(port, bool):
            raise TypeError(f"port must be int, not {type(port).__name__}")
        if not 0 < port < 65536:
            raise ValueError(f"port must be 1 to 65535, not {port}")
        self._fqdn = fqdn
        self._port = port
        self._dnscache = dnscache
        self._lock = threading.Lock()  # guards all below; never held during a look-up
        self._pool: tuple[str, ...] = ()
        self._last = ""  # address handed out last
        self._asked = 0  # look-ups begun
        self._answered = 0  # which of them the pool comes from
        self._failed: dict[str, float] = {}  # address: monotonic time until which it is skipped
        self._renewal_due = 0.0  # monotonic time
        self._renewed_after_failure = float("-inf")  # monotonic time
        _circles.add(self)
        self.refresh()

    @property
    def addresses(self) -> list[str]:
        """The addresses known now, in the order received; a copy."""
        return list(self._pool)

    #: The name that the manual gives it.
    _addresses = addresses

    def refresh(self) -> None:
        """Look the name up now, and rebuild the pool from the answer.

        Raises:
            IpsError: The look-up failed; the addresses known so far stay in use.
        """
        with self._lock:
            self._asked += 1
            number = self._asked
        response = query(self._fqdn, cache=self._dnscache)
        if response.raised:
            raise IpsError(f"cannot resolve {self._fqdn} - {response.raised}") from response.cause
        ttl = DEFAULT_TTL if response.ttl is None else response.ttl
        with self._lock:
            if number < self._answered:
                return  # a later look-up was quicker
            self._answered = number
            self._pool = tuple(response.ips)
            self._renewal_due = time.monotonic() + max(ttl, SHORTEST_RENEWAL)
        log.debug("(re-) loaded IP address cache: %s", response.ips)

    def getaddr(self) -> str:
        """The next address; one that recently failed to connect only if there is no other."""
        address = self.next_address()
        assert address is not None  # the pool is never empty
        return address

    #: The name that the manual gives it.
    _addr = getaddr

    def next_address(
        self, exclude: Collection[str] = (), timeout: float | None = None
    ) -> str | None:
        """The next address that is not in *exclude*; None if no other is left.

        Addresses that recently failed to connect come last. If the pool has to be renewed, that
        takes no longer than *timeout*, in seconds.
        """
        self._renew_if_due(timeout)
        with self._lock:
            now = time.monotonic()
            start = self._pool.index(self._last) + 1 if self._last in self._pool else 0
            in_turn = self._pool[start:] + self._pool[:start]
            left = [address for address in in_turn if address not in exclude]
            healthy = [address for address in left if self._failed.get(address, now) <= now]
            if not left:
                return None
            self._last = address = (healthy or left)[0]
        log.debug("issued IP address: %s", address)
        return address

    def connect_failed(self, address: str, timeout: float | None = None) -> None:
        """Skip *address* for a while, and renew the pool; never raises."""
        with self._lock:
            self._failed[address] = time.monotonic() + SKIP_SECONDS
        self.renew_after_failure(timeout)

    def renew_after_failure(self, timeout: float | None = None) -> None:
        """Look the name up again, if that was not done just now; never raises."""
        with self._lock:
            now = time.monotonic()
            if now - self._renewed_after_failure < RENEWAL_AFTER_FAILURE:
                return
            self._renewed_after_failure = now
        self._renew(timeout)

    def connect_succeeded(self, address: str) -> None:
        """Use *address* in its turn again."""
        with self._lock:
            self._failed.pop(address, None)

    def _renew_if_due(self, timeout: float | None) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._renewal_due:
                return
            # Claimed here, so that one thread looks up while the others go on.
            self._renewal_due = now + SHORTEST_RENEWAL
        self._renew(timeout)

    def _renew(self, timeout: float | None) -> None:
        """Refresh where neither failing nor taking long may hurt: the known addresses serve.

        A look-up cannot be broken off (`socket.getaddrinfo()` knows no time limit), but it can be
        left alone: when it is done, the pool is renewed.
        """
        if timeout is None:
            self._refresh_if_possible()
            return
        look_up = threading.Thread(
            target=self._refresh_if_possible, name="hcpsdk-look-up", daemon=True
        )
        try:
            look_up.start()
        except RuntimeError:  # the interpreter is ending: no other address is needed
            return
        look_up.join(timeout)

    def _refresh_if_possible(self) -> None:
        try:
            self.refresh()
        except IpsError as exc:
            log.debug("address cache could not be renewed: %s", exc)

    def renew_lock(self) -> None:
        """In the child of a fork: a thread of the parent may have held the old one."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Circle {self._fqdn}:{self._port} {self.addresses}>"


# At a fork, another thread may hold a lock, which would never be released in the child.
_circles: "weakref.WeakSet[Circle]" = weakref.WeakSet()


def _renew_locks() -> None:
    for circle in _circles:
        circle.renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
