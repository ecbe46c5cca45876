"""Faults for `HCP.add_fault()`: values that say what fails, where, and how often.

Imports nothing of the emulator.

>>> from hcpsdk.testing import HCP, HangUp
>>> with HCP() as hcp:
...     hcp.add_fault(HangUp("request body", after=1000, method="PUT"))
...     hcp.faults
[HangUp(at='request body', after=1000, method='PUT')]
"""

import dataclasses
import ipaddress
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import unquote

import dns.rcode

Place = Literal[
    "connection",  # accepted, before TLS and before any request
    "before request",  # a request arrived, and is not read: it is not in `hcp.requests`
    "request body",  # after `after` bytes of it, at the latest before its end: nothing is stored
    "before answer",  # the whole request was read and processed; nothing of the response is sent
    "answer head",  # after `after` bytes of status line and headers, at the latest at their end
    "answer body",  # after `after` bytes of it, at the latest at its end
    "after answer",  # the response was sent; what fails is the connection that is kept alive
]
PLACES = get_args(Place)
COUNTED = ("request body", "answer head", "answer body")


class Fault:
    """Base class of all faults."""

    def __repr__(self) -> str:
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        facts = [
            f"{each.name}={getattr(self, each.name)!r}"
            for each in sorted(fields, key=lambda each: bool(each.kw_only))
            if getattr(self, each.name) != each.default
        ]
        return f"{type(self).__name__}({', '.join(facts)})"


@dataclass(frozen=True, kw_only=True, repr=False)
class CountedFault(Fault):
    """A fault that affects some of the connections, requests or lookups that it matches.

    Attributes:
        nth: The first one that is affected, counted from 1 among those that match.
        times: How many are affected; None is all from the nth on.
    """

    nth: int = 1
    times: int | None = 1

    def __post_init__(self) -> None:
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise ValueError(f"nth and times must be at least 1: {self!r}")


@dataclass(frozen=True, kw_only=True, repr=False)
class RequestFault(CountedFault):
    """A fault that affects requests.

    Attributes:
        node: The node's address, or its index in ``hcp.nodes``; None is any.
        method: "PUT"; None is any.
        path: The path, not percent-encoded and without query, ``"/rest/a b"``; None is any.
        prefix: What the path begins with, ``"/rest/"``.
    """

    node: str | int | None = None
    method: str | None = None
    path: str | None = None
    prefix: str = ""

    def concerns(self, method: str, target: str) -> bool:
        """Whether the fault applies to a request, apart from its node."""
        path = unquote(target.partition("?")[0])
        return (
            self.method in (None, method)
            and self.path in (None, path)
            and path.startswith(self.prefix)
        )


@dataclass(frozen=True, repr=False)
class Break(RequestFault):
    """A fault that ends an exchange at a certain place.

    Attributes:
        at: The place, one of `PLACES`.
        after: Bytes of this part that still pass.
    """

    at: Place
    after: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.at not in PLACES:
            raise ValueError(f"at must be one of {', '.join(PLACES)}, not {self.at!r}")
        if self.after < 0 or (self.after and self.at not in COUNTED):
            raise ValueError(f"after counts bytes of {', '.join(COUNTED)}: {self!r}")
        if self.at == "connection" and (self.method or self.path or self.prefix):
            raise ValueError(f"a connection has no method and no path yet: {self!r}")


class HangUp(Break):
    """The node closes the connection in an orderly way (in TLS: with close_notify)."""


class Reset(Break):
    """The node resets the connection (TCP RST)."""


class Stall(Break):
    """The node stops reading and writing until `clear_faults()`; then it closes the connection."""


@dataclass(frozen=True, repr=False)
class Answer(RequestFault):
    """The node responds with *status* before it reads the body; nothing is processed or stored."""

    status: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 200 <= self.status <= 999:
            raise ValueError(f"status must be 200 to 999: {self!r}")


@dataclass(frozen=True, repr=False)
class Garbage(RequestFault):
    """The node processes the request, sends *data* instead of a response, and closes."""

    data: bytes


# Connections. The kernel refuses or ignores them, so they cannot be counted: these faults last
# until `clear_faults()`. The node stays in the records of the name server; connections stay open.


@dataclass(frozen=True, repr=False)
class Refuse(Fault):
    """The *node*, by address or index, refuses connections (None: each node)."""

    node: str | int | None = None


@dataclass(frozen=True, repr=False)
class Blackhole(Fault):
    """Connection attempts to the *node* get no reaction: its backlog is full."""

    node: str | int | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class LookupFault(CountedFault):
    """A fault of the name server.

    Attributes:
        name: The name asked for, ``"n1.m.hcp1.snomis.local"``; None is any.
        kind: The kind of record asked for; None is any.
    """

    name: str | None = None
    kind: str | None = "A"

    def concerns(self, name: str, kind: str) -> bool:
        """Whether the fault applies to a lookup of *name* (lower case, without final dot)."""
        wanted = None if self.name is None else self.name.lower().rstrip(".")
        return wanted in (None, name) and self.kind in (None, kind)


@dataclass(frozen=True, repr=False)
class DnsFails(LookupFault):
    """The name server responds with an error: "SERVFAIL", "NXDOMAIN", "REFUSED"."""

    rcode: str = "SERVFAIL"

    def __post_init__(self) -> None:
        super().__post_init__()
        dns.rcode.from_text(self.rcode)  # raises for an unknown error


@dataclass(frozen=True, repr=False)
class DnsSilent(LookupFault):
    """The name server does not respond."""


@dataclass(frozen=True, repr=False)
class DnsAnswers(LookupFault):
    """The name server responds with these *addresses*, which can be empty."""

    addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for address in self.addresses:
            ipaddress.IPv4Address(address)  # raises for another text
