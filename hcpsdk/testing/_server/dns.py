"""The name server of an emulated HCP, over UDP and TCP.

A real HCP is its own name server for its domain: it gives the addresses of the nodes that are
available, in rotating order.
"""

import asyncio
import collections
import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from ..config import System
from ..faults import DnsAnswers, DnsFails, DnsSilent, LookupFault
from .listener import Connections, Listener, PortError, bound_socket
from .pending_faults import PendingFaults

PLAIN_UDP = 512  # bytes of an answer over UDP, if the client names no other limit (RFC 1035)
DATAGRAM = 65535  # bytes, the longest there are
KEPT = 10_000  # lookups; older ones are forgotten
ATTEMPTS = 20  # at finding a port that is free for both TCP and UDP


@dataclass(frozen=True)
class Lookup:
    """One question that the name server was asked.

    Attributes:
        name: The name, in lower case, without the final dot.
        kind: The kind of record, ``"A"`` or ``"AAAA"``.
        transport: How it was asked.
    """

    name: str
    kind: str
    transport: Literal["udp", "tcp"]


class NameServer:
    """Answers for one domain on a port of its own.

    Args:
        loop: The loop to run in.
        address: The address to listen on.
        port: The port to listen on; 0 takes any free one.
        system: The HCP whose names exist.
        running: Tells the addresses of the nodes that are available.
        ttl: Seconds for which an answer may be kept.
        taken_over: Tells the systems that failed, whose names are answered with our nodes.
        faults: What is to go wrong.

    Attributes:
        address: The address it listens on.
        port: The port it listens on.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        address: str,
        port: int,
        system: System,
        running: Callable[[], list[str]],
        ttl: int,
        taken_over: Callable[[], list[System]] = list,
        faults: PendingFaults | None = None,
    ) -> None:
        self._loop = loop
        self._taken_over = taken_over
        self._faults = faults or PendingFaults()
        self._domain = dns.name.from_text(system.domain.lower())
        self._names = {dns.name.from_text(name) for name in names(system)}
        self._running = running
        self._turn = 0
        self._ttl = ttl
        self._connections = Connections()
        self._lock = threading.Lock()  # guards _lookups
        self._lookups: collections.deque[Lookup] = collections.deque(maxlen=KEPT)
        self._listener, self._socket = self._bind(address, port)
        self.address = address
        self.port = self._listener.port

    def __repr__(self) -> str:
        return f"<NameServer {self._domain} at {self.address}:{self.port}>"

    @property
    def lookups(self) -> list[Lookup]:
        """What was asked so far, in this order; a copy."""
        with self._lock:
            return list(self._lookups)

    def clear(self) -> None:
        """Forget the questions, and start again with the first node."""
        with self._lock:
            self._lookups.clear()
        self._turn = 0

    def abandon(self) -> None:
        """Close a forked child's copies of the sockets, which changes nothing for the parent."""
        self._socket.close()
        self._listener.abandon()
        self._connections.abandon()

    # In the thread of the loop

    async def open(self) -> None:
        self._listener.listen()
        self._loop.add_reader(self._socket, self._answer_datagram)

    async def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._listener.close()
        await self._connections.close()

    def _bind(self, address: str, port: int) -> tuple[Listener, socket.socket]:
        """A socket for TCP and one for UDP, on the same port."""
        for attempt in range(ATTEMPTS):
            listener = Listener(self._loop, address, port, self._serve)
            try:
                return listener, bound_socket(socket.SOCK_DGRAM, address, listener.port)
            except PortError:
                listener.close()
                if port or attempt == ATTEMPTS - 1:
                    raise
            except BaseException:
                listener.close()
                raise
        raise AssertionError("not reached")

    def _answer_datagram(self) -> None:
        try:
            wire, client = self._socket.recvfrom(DATAGRAM)
        except (BlockingIOError, InterruptedError, ConnectionError):
            return
        answer = self._answer(wire, "udp")
        if answer:
            with contextlib.suppress(OSError):  # as a network would: an answer may get lost
                self._socket.sendto(answer, client)

    def _serve(self, connection: socket.socket) -> None:
        self._connections.serve(connection, self._answer_stream(connection))

    async def _answer_stream(self, connection: socket.socket) -> None:
        """Answer questions over TCP, each with its length before it (RFC 1035, 4.2.2)."""
        received = b""
        with contextlib.suppress(ConnectionError):  # the client has gone
            while data := await self._loop.sock_recv(connection, DATAGRAM):
                received += data
                while len(received) >= 2:
                    end = 2 + int.from_bytes(received[:2], "big")
                    if len(received) < end:
                        break
                    question, received = received[2:end], received[end:]
                    answer = self._answer(question, "tcp")
                    if answer is None:
                        return
                    if answer:
                        await self._loop.sock_sendall(
                            connection, len(answer).to_bytes(2, "big") + answer
                        )

    # Answering

    def _answer(self, wire: bytes, transport: Literal["udp", "tcp"]) -> bytes | None:
        """The answer to *wire*; None if that is no question, empty if it is to get none."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        if query.flags & dns.flags.QR:
            return None  # an answer, and we have asked nothing
        reply = dns.message.make_response(query)
        if query.opcode() != dns.opcode.QUERY:
            reply.set_rcode(dns.rcode.NOTIMP)
        elif len(query.question) != 1:
            reply.set_rcode(dns.rcode.FORMERR)
        else:
            fault = self._fill(reply, query.question[0], transport)
            if isinstance(fault, DnsSilent):
                return b""
        limit = DATAGRAM if transport == "tcp" else max(query.payload, PLAIN_UDP)
        try:
            return reply.to_wire(max_size=limit)
        except dns.exception.TooBig:
            reply.answer.clear()
            reply.flags |= dns.flags.TC  # "ask again over TCP"
            return reply.to_wire(max_size=limit)

    def _fill(
        self,
        reply: dns.message.Message,
        question: dns.rrset.RRset,
        transport: Literal["udp", "tcp"],
    ) -> LookupFault | None:
        """Put the answer into *reply*; returns the fault that had a hand in it."""
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        with self._lock:
            self._lookups.append(Lookup(name, kind, transport))
        existing = self._names_beside(question.name)
        if existing is None:
            reply.set_rcode(dns.rcode.REFUSED)
            return None
        fault = self._faults.of_lookup(name, kind)
        reply.flags |= dns.flags.AA
        if isinstance(fault, DnsFails):
            reply.set_rcode(dns.rcode.from_text(fault.rcode))
        elif isinstance(fault, DnsAnswers):
            self._add_addresses(reply, question, list(fault.addresses))
        elif question.name not in existing:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif question.rdtype in (dns.rdatatype.A, dns.rdatatype.ANY):
            addresses = self._next_order()
            self._add_addresses(reply, question, addresses)
            if not addresses:
                reply.set_rcode(dns.rcode.SERVFAIL)  # no node, so nobody who could know
        return fault

    def _add_addresses(
        self, reply: dns.message.Message, question: dns.rrset.RRset, addresses: list[str]
    ) -> None:
        if question.rdtype not in (dns.rdatatype.A, dns.rdatatype.ANY):
            return
        # One set for each: dnspython shuffles the records within a set.
        reply.answer += [
            dns.rrset.from_text(question.name, self._ttl, "IN", "A", address)
            for address in addresses
        ]

    def _names_beside(self, name: dns.name.Name) -> set[dns.name.Name] | None:
        """The names that exist in the domain of *name*; None if it is not for us to answer."""
        if name.is_subdomain(self._domain):
            return self._names
        for system in self._taken_over():
            if name.is_subdomain(dns.name.from_text(system.domain)):
                return {dns.name.from_text(other) for other in names(system)}
        return None

    def _next_order(self) -> list[str]:
        """The addresses of the running nodes, each time beginning with the next one."""
        addresses = self._running()
        if not addresses:
            return []
        start = self._turn % len(addresses)
        self._turn += 1
        return addresses[start:] + addresses[:start]


def names(system: System) -> set[str]:
    """All names that exist: the domain, its administration, its tenants and namespaces."""
    domain = system.domain.lower()
    found = {domain, f"admin.{domain}"}
    for namespace in system.namespaces:
        found.add(f"{namespace.tenant}.{domain}".lower())
        found.add(namespace.host(domain).lower())
    return found
