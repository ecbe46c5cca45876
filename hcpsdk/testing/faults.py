"""The faults that a running HCP can be given: values that say what goes wrong, where, how often.

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
    "before request",  # a request has come, and is not read: it is not in `hcp.requests`
    "request body",  # after `after` bytes of it, at the latest before its end: nothing is stored
    "before answer",  # the whole request was read and obeyed; no byte of the answer goes out
    "answer head",  # after `after` bytes of status line and headers, at the latest at their end
    "answer body",  # after `after` bytes of it, at the latest at its end
    "after answer",  # all went well; the connection that the client may keep is what suffers
]
PLACES = get_args(Place)
COUNTED = ("request body", "answer head", "answer body")


class Fault:
    """Anything that `HCP.add_fault()` takes."""

    def __repr__(self) -> str:
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        told = [
            f"{each.name}={getattr(self, each.name)!r}"
            for each in sorted(fields, key=lambda each: bool(each.kw_only))
            if getattr(self, each.name) != each.default
        ]
        return f"{type(self).__name__}({', '.join(told)})"


@dataclass(frozen=True, kw_only=True, repr=False)
class CountedFault(Fault):
    """A fault that happens to some of the connections, requests or look-ups that it matches.

    Attributes:
        nth: The first that it happens to, counted from 1 among those that match.
        times: How many it happens to; None is all from the nth on.
    """

    nth: int = 1
    times: int | None = 1

    def __post_init__(self) -> None:
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise ValueError(f"nth and times count from 1: {self!r}")


@dataclass(frozen=True, kw_only=True, repr=False)
class RequestFault(CountedFault):
    """A fault that happens to requests.

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
    """A fault that ends an exchange at some place.

    Attributes:
        at: The place, one of `PLACES`.
        after: Bytes of the part that is named by *at* which still pass.
    """

    at: Place
    after: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.at not in PLACES:
            raise ValueError(f"at is one of {', '.join(PLACES)}, not {self.at!r}")
        if self.after < 0 or (self.after and self.at not in COUNTED):
            raise ValueError(f"after counts bytes of {', '.join(COUNTED)}: {self!r}")
        if self.at == "connection" and (self.method or self.path or self.prefix):
            raise ValueError(f"a connection has no method and no path yet: {self!r}")


class HangUp(Break):
    """The node closes the connection, with an orderly end-of-file (in TLS: with close_notify)."""


class Reset(Break):
    """The node breaks the connection off with a TCP reset."""


class Stall(Break):
    """The node neither reads nor writes any more, until `clear_faults()`; then it hangs up."""


@dataclass(frozen=True, repr=False)
class Answer(RequestFault):
    """The node answers with *status* before it reads the body; nothing is done or stored."""

    status: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 200 <= self.status <= 999:
            raise ValueError(f"an answer's status is 200 to 999: {self!r}")


@dataclass(frozen=True, repr=False)
class Garbage(RequestFault):
    """The node obeys the request, sends *data* instead of an answer, and hangs up."""

    data: bytes


# Connections. The kernel refuses or ignores them, so nobody can count them: these last until
# `clear_faults()`. The node stays in the name server's answers, and open connections stay open.


@dataclass(frozen=True, repr=False)
class Refuse(Fault):
    """The *node*, by address or index, refuses connections (None: each node)."""

    node: str | int | None = None


@dataclass(frozen=True, repr=False)
class Blackhole(Fault):
    """Connecting to the *node* never comes to an end: it accepts nothing, its backlog is full."""

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
        """Whether the question for *name*, in lower case without final dot, is meant."""
        wanted = None if self.name is None else self.name.lower().rstrip(".")
        return wanted in (None, name) and self.kind in (None, kind)


@dataclass(frozen=True, repr=False)
class DnsFails(LookupFault):
    """The name server answers with an error: "SERVFAIL", "NXDOMAIN", "REFUSED"."""

    rcode: str = "SERVFAIL"

    def __post_init__(self) -> None:
        super().__post_init__()
        dns.rcode.from_text(self.rcode)  # raises if there is no such error


@dataclass(frozen=True, repr=False)
class DnsSilent(LookupFault):
    """The name server does not answer."""


@dataclass(frozen=True, repr=False)
class DnsAnswers(LookupFault):
    """The name server answers with these *addresses*; without any the answer is empty."""

    addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for address in self.addresses:
            ipaddress.IPv4Address(address)  # raises if it is none
