"""The seam through which a program in this process reaches an emulated HCP by its public names.

While at least one HCP is running,

* dnspython's default resolver asks the emulated name server for names of its domain,
* `socket.getaddrinfo()` and its older sisters do the same,
* a socket that is connected to port 80, 443 or 9090 of an emulated node is connected to the free
  port on which that node really listens.

Everything else goes where it went before, and when the last HCP stops, what was replaced is put
back. So no client needs to know that it is being tested.
"""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.resolver

MISSING: Any = object()  # the attribute was not there
LIFETIME = 30.0  # seconds for a look-up by socket.getaddrinfo(), which names no limit itself


@dataclass(frozen=True)
class Route:
    """How to reach one running HCP."""

    domain: str  # lower case
    name_server: tuple[str, int]
    ports: dict[tuple[str, int], int]  # the real port, by address and public port
    # None where the domain is the HCP's own; else it stands in for another one, while this is true
    stands_in: Callable[[], bool] | None = None

    def owns(self, name: str) -> bool:
        if self.stands_in is not None and not self.stands_in():
            return False
        name = name.rstrip(".").lower()
        return name == self.domain or name.endswith("." + self.domain)

    def resolver(self) -> dns.resolver.Resolver:
        """A resolver that asks the emulated name server."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [self.name_server[0]]
        resolver.port = self.name_server[1]
        return resolver


class Redirect:
    """The routes to all running HCPs, and what was replaced because of them.

    A replacement that is called after the last route has gone (because somebody kept it) does
    what the original does.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _routes and _originals while they change
        self._routes: tuple[Route, ...] = ()  # replaced, never changed: readers need no lock
        self._originals: list[tuple[Any, str, Any]] = []

    def add(self, route: Route) -> None:
        with self._lock:
            if not self._routes:
                self._replace()
            # The latest first: it wins where two have the same domain. But before them all come
            # those who stand in for another system, which may be running all the same.
            routes = (route, *self._routes)
            self._routes = tuple(sorted(routes, key=lambda each: each.stands_in is None))

    def remove(self, route: Route) -> None:
        with self._lock:
            self._routes = tuple(other for other in self._routes if other is not route)
            if not self._routes:
                self._restore()

    def route(self, host: object) -> Route | None:
        """The route to the HCP to whose domain the name *host* belongs."""
        if isinstance(host, (bytes, bytearray)):
            host = host.decode("ascii", "replace")
        if not isinstance(host, str):
            return None
        return next((route for route in self._routes if route.owns(host)), None)

    def real_address(self, address: Any) -> Any:
        """Where a socket must connect to reach *address*."""
        if isinstance(address, tuple) and len(address) == 2:
            host, port = address
            if self.route(host):
                host = socket.gethostbyname(host)
            for route in self._routes:
                if (host, port) in route.ports:
                    return host, route.ports[host, port]
        return address

    def _replace(self) -> None:
        replacements: list[tuple[Any, str, Any]] = [
            (dns.resolver, "default_resolver", EmulatedResolver(self)),
            (socket, "getaddrinfo", replaced_getaddrinfo(self)),
            (socket, "gethostbyname", replaced_gethostbyname(self)),
            (socket, "gethostbyname_ex", replaced_gethostbyname_ex(self)),
            (socket.socket, "connect", replaced_connect(self, "connect")),
            (socket.socket, "connect_ex", replaced_connect(self, "connect_ex")),
        ]
        for owner, name, replacement in replacements:
            self._originals.append((owner, name, vars(owner).get(name, MISSING)))
            setattr(owner, name, replacement)

    def _restore(self) -> None:
        while self._originals:
            owner, name, original = self._originals.pop()
            if original is MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, original)


class EmulatedResolver(dns.resolver.Resolver):
    """Asks emulated name servers for names of emulated domains, and whoever was asked before
    for all others."""

    def __init__(self, redirect: Redirect) -> None:
        super().__init__(configure=False)
        self._redirect = redirect
        self._before = dns.resolver.default_resolver

    def resolve(self, qname: Any, *args: Any, **kwargs: Any) -> dns.resolver.Answer:
        route = self._redirect.route(str(qname))
        if route is None:
            if self._before is None:  # dnspython reads the system's settings when first asked
                self._before = dns.resolver.Resolver()
            return self._before.resolve(qname, *args, **kwargs)
        resolver = route.resolver()
        resolver.timeout, resolver.lifetime = self.timeout, self.lifetime
        return resolver.resolve(qname, *args, **kwargs)


# Replacements for functions of the module socket


def addresses_of(route: Route, host: Any) -> list[str]:
    """The addresses of *host*; `socket.gaierror` as the system's own resolver raises it."""
    name = host if isinstance(host, str) else bytes(host).decode("ascii")
    try:
        answer = route.resolver().resolve(name, "A", search=False, lifetime=LIFETIME)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer) as error:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from error
    except dns.exception.DNSException as error:
        text = "Temporary failure in name resolution"
        raise socket.gaierror(socket.EAI_AGAIN, text) from error
    return [record.address for record in answer]


def replaced_getaddrinfo(redirect: Redirect) -> Any:
    original = socket.getaddrinfo

    def getaddrinfo(
        host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> list[Any]:
        route = redirect.route(host)
        if route is None or flags & socket.AI_NUMERICHOST:
            return original(host, port, family, type, proto, flags)
        if family not in (socket.AF_UNSPEC, socket.AF_INET):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found: list[Any] = []
        for address in addresses_of(route, host):
            found += original(address, port, socket.AF_INET, type, proto, flags)
        return found

    return getaddrinfo


def replaced_gethostbyname(redirect: Redirect) -> Any:
    original = socket.gethostbyname

    def gethostbyname(hostname: Any) -> str:
        route = redirect.route(hostname)
        return addresses_of(route, hostname)[0] if route else original(hostname)

    return gethostbyname


def replaced_gethostbyname_ex(redirect: Redirect) -> Any:
    original = socket.gethostbyname_ex

    def gethostbyname_ex(hostname: Any) -> tuple[str, list[str], list[str]]:
        route = redirect.route(hostname)
        if route:
            return hostname, [], addresses_of(route, hostname)
        return original(hostname)

    return gethostbyname_ex


def replaced_connect(redirect: Redirect, name: str) -> Any:
    original = getattr(socket.socket, name)

    def connect(self: socket.socket, address: Any) -> Any:
        return original(self, redirect.real_address(address))

    connect.__name__ = name
    return connect


redirect = Redirect()
