"""Redirects public names and ports of emulated HCPs, in this process. Imports nothing of hcpsdk.

While at least one HCP is running,

* dnspython's default resolver asks the emulated name server for names of its domain,
* `socket.getaddrinfo()` and the older functions do the same,
* a socket that is connected to port 80, 443 or 9090 of an emulated node is connected to the free
  port on which that node really listens.

Everything else works as before, and when the last HCP stops, the originals are restored. So clients
need no changes for tests.

Other processes load this file alone, see `_other_processes`, with the routes that the process of
the HCPs has exported.
"""

import ipaddress
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.resolver

ROUTES_VARIABLE = "HCPSDK_TESTING_ROUTES"  # the environment variable with exported routes
MISSING: Any = object()  # the attribute did not exist
LOOKUP_TIMEOUT = 30.0  # seconds for a lookup by socket.getaddrinfo(), which has no timeout


@dataclass(frozen=True)
class Route:
    """How to reach one running HCP."""

    domain: str  # lower case
    name_server: tuple[str, int]
    ports: dict[tuple[str, int], int]  # the real port, by address and public port
    # For the domain of another HCP: whether that is failed over to this one. Else None.
    is_active: Callable[[], bool] | None = None

    def owns(self, name: str) -> bool:
        if self.is_active is not None and not self.is_active():
            return False
        name = name.rstrip(".").lower()
        return name == self.domain or name.endswith("." + self.domain)

    def exported(self) -> list[Any]:
        """What JSON can carry of it."""
        ports = [[*public, real] for public, real in self.ports.items()]
        return [self.domain, self.name_server, ports]

    def resolver(self) -> dns.resolver.Resolver:
        """A resolver that asks the emulated name server."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [self.name_server[0]]
        resolver.port = self.name_server[1]
        return resolver


def imported(domain: str, name_server: list[Any], ports: list[list[Any]]) -> Route:
    """The route of which `Route.exported()` gave these values."""
    return Route(
        str(domain),
        checked(*name_server),
        {(address, int(public)): checked(address, real)[1] for address, public, real in ports},
    )


def checked(address: str, port: int) -> tuple[str, int]:
    """An address and a port of this machine; `ValueError` for any other."""
    if not ipaddress.IPv4Address(str(address)).is_loopback:
        raise ValueError(f"{address} is no loopback address")
    return str(address), int(port)


class Redirect:
    """The routes to all running HCPs, and the originals of what was replaced.

    A replacement that is called after the last route was removed works like the original.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _routes and _originals while they change
        self._routes: tuple[Route, ...] = ()  # replaced, never changed: readers need no lock
        self._originals: list[tuple[Any, str, Any]] = []

    def add(self, route: Route) -> None:
        with self._lock:
            if not self._routes:
                self._replace()
            # The latest one wins if two have the same domain. Routes of failed-over systems come
            # first: those systems may be running.
            routes = (route, *self._routes)
            self._routes = tuple(sorted(routes, key=lambda each: each.is_active is None))

    def remove(self, route: Route) -> None:
        with self._lock:
            self._routes = tuple(other for other in self._routes if other is not route)
            if not self._routes:
                self._restore()

    def exported(self) -> str:
        """The routes to all running HCPs, for `add_exported()` in another process.

        Without those of failed-over systems, which only this process knows: the name server of the
        failed system gives the addresses of the other one, as long as it runs.
        """
        return json.dumps([each.exported() for each in self._routes if each.is_active is None])

    def add_exported(self, text: str) -> None:
        """Add the routes that another process has exported.

        Raises:
            ValueError: It is something else, or leads to another machine.
        """
        try:
            routes = [imported(*each) for each in json.loads(text)]
        except (ValueError, TypeError) as error:
            raise ValueError(f"{ROUTES_VARIABLE} has no routes to emulated HCPs: {error}") from None
        for route in reversed(routes):  # the first one wins
            self.add(route)

    def route(self, host: object) -> Route | None:
        """The route to the HCP whose domain contains the name *host*."""
        if isinstance(host, (bytes, bytearray)):
            host = host.decode("ascii", "replace")
        if not isinstance(host, str):
            return None
        return next((route for route in self._routes if route.owns(host)), None)

    def real_address(self, address: Any) -> Any:
        """The address to which a socket has to connect instead of *address*."""
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
    """Uses emulated name servers for names in emulated domains, and the previous one for others."""

    def __init__(self, redirect: Redirect) -> None:
        super().__init__(configure=False)
        self._redirect = redirect
        self._before = dns.resolver.default_resolver

    def resolve(self, qname: Any, *args: Any, **kwargs: Any) -> dns.resolver.Answer:
        route = self._redirect.route(str(qname))
        if route is None:
            if self._before is None:  # as dnspython does at the first lookup
                self._before = dns.resolver.Resolver()
            return self._before.resolve(qname, *args, **kwargs)
        resolver = route.resolver()
        resolver.timeout, resolver.lifetime = self.timeout, self.lifetime
        return resolver.resolve(qname, *args, **kwargs)


# Replacements for functions of the module socket


def addresses_of(route: Route, host: Any) -> list[str]:
    """The addresses of *host*; raises `socket.gaierror` like the resolver of the system."""
    name = host if isinstance(host, str) else bytes(host).decode("ascii")
    try:
        answer = route.resolver().resolve(name, "A", search=False, lifetime=LOOKUP_TIMEOUT)
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
