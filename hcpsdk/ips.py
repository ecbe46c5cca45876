"""Name resolution, and a pool of addresses that is used round-robin.

Each node of an HCP serves requests. A `Circle` holds their addresses and returns them in turn;
`query()` looks them up, past any cache or through the operating system.
"""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import socket
import threading
import time
from collections import namedtuple
from collections.abc import Collection

from hcpsdk._errors import HcpsdkError
from hcpsdk._handlers import raise_if_from_handler
from hcpsdk._log import Log

__all__ = ["Circle", "IpsError", "Request", "Response", "query"]

log = Log("hcpsdk.ips.Circle")

# Contract 2.5 and 2.6; all in seconds.
DEFAULT_TTL = 300.0  # where the answer has none, as the system resolver's
SHORTEST_RENEWAL = 30.0  # between two renewals because of the TTL
RENEWAL_AFTER_FAILURE = 5.0  # between two renewals because of failed connections
SKIP_SECONDS = 30.0  # how long a node that failed to connect is skipped


class IpsError(HcpsdkError):
    """A name could not be resolved.

    Raised by `Target`, `Circle` and `Circle.refresh()`; addresses known before stay in use.
    """


# (Not a `typing.NamedTuple`: importing that module takes as long as a third of the library.)
class Request(namedtuple("Request", ("fqdn", "cache"), defaults=(False,))):
    """An argument of `query()`: which name, and whether a cache may be used."""

    __slots__ = ()

    #: The name to look up.
    fqdn: str
    #: True queries the operating system, which may use its cache.
    cache: bool

    def __new__(cls, fqdn: str, cache: bool = False) -> Request:
        return super().__new__(cls, fqdn, cache)


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
        cache, fqdn = fqdn.cache, fqdn.fqdn
    if not isinstance(fqdn, str):
        return Response(fqdn, cache, raised=f"Err: fqdn must be str, not {type(fqdn).__name__}")
    fqdn = str.__str__(fqdn)  # of a member of a (str, Enum) its value
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
        raise_if_from_handler(exc)
        return Response(fqdn, True, raised=_words(exc), cause=exc)
    by_family: dict[int, list[str]] = {socket.AF_INET: [], socket.AF_INET6: []}
    for family, _type, _proto, _canonname, sockaddr in found:
        by_family.setdefault(family, []).append(str(sockaddr[0]))
    addresses = by_family[socket.AF_INET] or by_family[socket.AF_INET6]
    if not addresses:
        return Response(fqdn, True, raised=f"Err: no address for {fqdn}")
    return Response(fqdn, True, tuple(addresses))


def _ask_name_servers(fqdn: str) -> Response:
    try:
        # dnspython takes longer to import than the rest of the library together.
        import dns.resolver
    except Exception as exc:  # no file descriptor is left, or the program is at its very end
        raise_if_from_handler(exc)
        return Response(fqdn, False, raised=_words(exc), cause=exc)
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
        raise_if_from_handler(exc)
        return Response(fqdn, False, raised=_words(exc), cause=exc)
    assert rrset is not None  # else NoAnswer was raised
    ttl = float(answer.chaining_result.minimum_ttl)
    return Response(fqdn, False, tuple(item.address for item in rrset), ttl=ttl)


def _words(exc: Exception) -> str:
    return f"Err: {str(exc) or type(exc).__name__}"


class _Pool:
    """The addresses of one answer, and whose turn it is."""

    def __init__(self, number: int, addresses: tuple[str, ...]) -> None:
        self.number = number  # of the look-up
        self.addresses = addresses
        self._turns = itertools.count()

    def draw(self, wanted: Collection[str]) -> str:
        """The next address, of those in *wanted*, which is not empty."""
        for _ in self.addresses:
            address = self.addresses[next(self._turns) % len(self.addresses)]
            if address in wanted:
                return address
        return next(iter(wanted))  # other threads drew them all meanwhile

    def go_on_after(self, address: str) -> None:
        """Next comes the one after *address*, if that is known here."""
        if address in self.addresses:
            self._turns = itertools.count(self.addresses.index(address) + 1)


class _Schedule:
    """When something has to be done again, and who does it: of several callers only one."""

    def __init__(self, due: float) -> None:
        self._period = (due, itertools.count())

    def put_off(self, due: float) -> None:
        """Not before *due*."""
        self._period = (due, itertools.count())

    def is_my_turn(self, now: float, pause: float) -> bool:
        """True if it is due, for the first caller; then it is due again after *pause* seconds."""
        period = due, turns = self._period
        if now < due:
            return False
        is_first = next(turns) == 0
        if self._period is period:  # whoever was first may have been interrupted just here
            self.put_off(now + pause)
        return is_first


class Circle:
    """The addresses of one name, handed out round-robin.

    Looks the name up at once. Later look-ups happen when an address is requested and the answer's
    time to live has passed, and after failed connections; one that fails leaves the addresses
    known so far in place. Safe under any number of threads, and in signal handlers. Pickles with
    its addresses, which are looked up again at the first use.

    Args:
        fqdn: The name to be resolved.
        port: The port for which the addresses are meant.
        dnscache: True queries the operating system, which may use its cache; False queries the
            name servers directly.

    Raises:
        IpsError: The name could not be resolved.
        TypeError, ValueError: Invalid argument; nothing was looked up.
    """

    # There is no lock, because a signal handler may interrupt any step and use the same Circle
    # (contract 6.1). Each step that changes something shared is a single one of the interpreter.

    def __init__(self, fqdn: str, port: int = 443, dnscache: bool = False) -> None:
        if not isinstance(fqdn, str):
            raise TypeError(f"fqdn must be str, not {type(fqdn).__name__}")
        if not isinstance(port, int) or isinstance(port, bool):
            raise TypeError(f"port must be int, not {type(port).__name__}")
        if not 0 < port < 65536:
            raise ValueError(f"port must be 1 to 65535, not {port}")
        if dnscache not in (False, True):
            raise TypeError(f"dnscache must be bool, not {type(dnscache).__name__}")
        # Of members of a (str, Enum) or (int, Enum) the value:
        self._begin(str.__str__(fqdn), int(port), dnscache, ())
        self.refresh()

    def _begin(self, fqdn: str, port: int, dnscache: bool, addresses: tuple[str, ...]) -> None:
        self._fqdn = fqdn
        self._port = port
        self._dnscache = dnscache
        self._numbers = itertools.count(1)  # of look-ups
        self._pool = _Pool(0, addresses)
        self._last = ""  # address handed out last
        self._failed: dict[str, float] = {}  # address: monotonic time until which it is skipped
        self._renewal = _Schedule(float("inf") if as_address(fqdn) else float("-inf"))
        self._renewal_after_failure = _Schedule(float("-inf"))

    @classmethod
    def unresolved(cls, fqdn: str, port: int, dnscache: bool) -> Circle:
        """A Circle whose first look-up failed: without an address, which it looks up later."""
        circle = cls.__new__(cls)
        circle.__setstate__((fqdn, port, dnscache, ()))
        return circle

    @property
    def is_resolved(self) -> bool:
        """True once it has addresses."""
        return bool(self._pool.addresses)

    @property
    def addresses(self) -> list[str]:
        """The addresses known now, in the order received; a copy."""
        return list(self._pool.addresses)

    #: The name that the manual gives it.
    _addresses = addresses

    def refresh(self) -> None:
        """Look the name up now, and rebuild the pool from the answer.

        Raises:
            IpsError: The look-up failed; the addresses known so far stay in use.
        """
        number = next(self._numbers)
        response = query(self._fqdn, cache=self._dnscache)
        if response.raised:
            raise IpsError(f"cannot resolve {self._fqdn} - {response.raised}") from response.cause
        if number < self._pool.number:
            return  # a later look-up was quicker
        pool = _Pool(number, tuple(response.ips))
        pool.go_on_after(self._last)
        self._pool = pool
        ttl = DEFAULT_TTL if response.ttl is None else response.ttl
        self._renewal.put_off(time.monotonic() + max(ttl, SHORTEST_RENEWAL))
        log.debug("(re-) loaded IP address cache: %s", response.ips)

    def getaddr(self) -> str:
        """The next address; one that recently failed to connect only if there is no other."""
        pool = self.renewed_pool()
        if not pool.addresses:
            self.refresh()
            pool = self._pool
        address = self.next_address(pool)
        assert address is not None  # a look-up that finds nothing raises
        return address

    #: The name that the manual gives it.
    _addr = getaddr

    def renewed_pool(self, timeout: float | None = None, waiting: Waiting | None = None) -> _Pool:
        """The addresses known now, after a renewal if that is due.

        The renewal takes no longer than *timeout*, in seconds, and until *waiting* is ended.
        """
        if self._renewal.is_my_turn(time.monotonic(), SHORTEST_RENEWAL):
            self._renew(timeout, waiting)
        return self._pool

    def next_address(self, pool: _Pool, exclude: Collection[str] = ()) -> str | None:
        """The next address of *pool* that is not in *exclude*; None if there is none left.

        Addresses that recently failed to connect come last.
        """
        left = [address for address in pool.addresses if address not in exclude]
        if not left:
            return None
        now = time.monotonic()
        healthy = [address for address in left if self._failed.get(address, now) <= now]
        self._last = address = pool.draw(healthy or left)
        if self._pool is not pool:  # it was renewed meanwhile
            self._pool.go_on_after(address)
        log.debug("issued IP address: %s", address)
        return address

    def connect_failed(
        self, address: str, timeout: float | None = None, waiting: Waiting | None = None
    ) -> None:
        """Skip *address* for a while, and renew the pool; never raises."""
        now = time.monotonic()
        for other, until in list(self._failed.items()):
            if until <= now:
                self._failed.pop(other, None)
        self._failed[address] = now + SKIP_SECONDS
        self.renew_after_failure(timeout, waiting)

    def renew_after_failure(
        self, timeout: float | None = None, waiting: Waiting | None = None
    ) -> None:
        """Look the name up again, if that was not done just now; never raises."""
        if self._renewal_after_failure.is_my_turn(time.monotonic(), RENEWAL_AFTER_FAILURE):
            self._renew(timeout, waiting)

    def connect_succeeded(self, address: str) -> None:
        """Use *address* in its turn again."""
        self._failed.pop(address, None)

    def _renew(self, timeout: float | None, waiting: Waiting | None) -> None:
        """Refresh where neither failing nor taking long may hurt: the known addresses serve.

        A look-up cannot be broken off (`socket.getaddrinfo()` knows no time limit), but it can be
        left alone: when it is done, the pool is renewed.
        """
        if timeout is None and waiting is None:
            self._refresh_if_possible()
            return
        waiting = waiting or Waiting()

        def look_up() -> None:
            try:
                self._refresh_if_possible()
            finally:
                waiting.end()

        thread = threading.Thread(target=look_up, name="hcpsdk-look-up", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # this system, or this interpreter, lets no thread start
            self._refresh_if_possible()
            return
        waiting.wait(timeout)

    def _refresh_if_possible(self) -> None:
        try:
            self.refresh()
        except IpsError as exc:
            log.debug("address cache could not be renewed: %s", exc)

    def __getstate__(self) -> tuple[str, int, bool, tuple[str, ...]]:
        return self._fqdn, self._port, self._dnscache, self._pool.addresses

    def __setstate__(self, state: tuple[str, int, bool, tuple[str, ...]]) -> None:
        self._begin(*state)

    def __repr__(self) -> str:
        return f"<Circle {self._fqdn}:{self._port} {self.addresses}>"


class Waiting:
    """A wait for a look-up, which can be ended at any time, from any thread or signal handler."""

    # (An Event would not do: its lock may be held by what the signal handler interrupted.)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self, timeout: float | None) -> None:
        """Wait until it is ended, but no longer than *timeout* seconds."""
        self._lock.acquire(timeout=-1 if timeout is None else timeout)

    def end(self) -> None:
        """End the wait; any number of times."""
        with contextlib.suppress(RuntimeError):  # it was ended before
            self._lock.release()
