"""The name server of an HCP, over UDP and TCP. Imports `listener`, `pending_faults` and `config`.

A real HCP is the name server for its domain: it returns the addresses of the available nodes, in
rotating order.
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

from ..config import DEFAULT_NAMESPACE, System
from ..faults import DnsAnswers, DnsFails, DnsSilent, LookupFault
from .listener import Connections, Listener, PortError, bound_socket
from .pending_faults import PendingFaults

DEFAULT_UDP_BYTES = 512  # bytes of a response over UDP without another limit (RFC 1035)
MAX_MESSAGE_BYTES = 65535  # maximum size in bytes
MAX_LOOKUPS = 10_000  # lookups; older ones are dropped
PORT_ATTEMPTS = 20  # to find a port that is free for TCP and UDP


@dataclass(frozen=True)
class Lookup:
    """One lookup that the name server received.

    Attributes:
        name: The name, in lower case, without the final dot.
        kind: The kind of record, ``"A"`` or ``"AAAA"``.
        transport: ``"udp"`` or ``"tcp"``.
    """

    name: str
    kind: str
    transport: Literal["udp", "tcp"]


class NameServer:
    """The name server of one domain.

    Args:
        loop: The loop to run in.
        address: The address to listen on.
        port: The port to listen on; 0 takes any free one.
        system: The HCP whose names exist.
        running: Returns the addresses of the available nodes.
        ttl: The time to live of records, in seconds.
        taken_over: Returns the failed systems whose names resolve to our nodes.
        faults: The pending faults.

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
        self._system = system
        self._running = running
        self._turn = 0
        self._ttl = ttl
        self._connections = Connections()
        self._lock = threading.Lock()  # guards _lookups
        self._lookups: collections.deque[Lookup] = collections.deque(maxlen=MAX_LOOKUPS)
        self._listener, self._socket = self._bind(address, port)
        self.address = address
        self.port = self._listener.port

    def __repr__(self) -> str:
        return f"<NameServer {self._domain} at {self.address}:{self.port}>"

    @property
    def lookups(self) -> list[Lookup]:
        """The lookups so far, in this order; a copy."""
        with self._lock:
            return list(self._lookups)

    def clear(self) -> None:
        """Drop the lookups, and start again with the first node."""
        with self._lock:
            self._lookups.clear()
        self._turn = 0

    def abandon(self) -> None:
        """Close the sockets that a forked child inherited; the parent keeps its own."""
        self._socket.close()
        self._listener.abandon()
        self._connections.abandon()

    # In the thread of the loop

    async def open(self) -> None:
        self._listener.listen()
        self._loop.add_reader(self._socket, self._respond_to_datagram)

    async def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._listener.close()
        await self._connections.close()

    def _bind(self, address: str, port: int) -> tuple[Listener, socket.socket]:
        """A socket for TCP and one for UDP, on the same port."""
        for attempt in range(PORT_ATTEMPTS):
            listener = Listener(self._loop, address, port, self._serve)
            try:
                return listener, bound_socket(socket.SOCK_DGRAM, address, listener.port)
            except PortError:
                listener.close()
                if port or attempt == PORT_ATTEMPTS - 1:
                    raise
            except BaseException:
                listener.close()
                raise
        raise AssertionError("not reached")

    def _respond_to_datagram(self) -> None:
        try:
            wire, client = self._socket.recvfrom(MAX_MESSAGE_BYTES)
        except (BlockingIOError, InterruptedError, ConnectionError):
            return
        response = self._respond(wire, "udp")
        if response:
            with contextlib.suppress(OSError):  # as in a network, a response may get lost
                self._socket.sendto(response, client)

    def _serve(self, connection: socket.socket) -> None:
        self._connections.serve(connection, self._respond_to_stream(connection))

    async def _respond_to_stream(self, connection: socket.socket) -> None:
        """Respond to queries over TCP, each preceded by its length (RFC 1035, 4.2.2)."""
        received = b""
        with contextlib.suppress(ConnectionError):  # the client disconnected
            while data := await self._loop.sock_recv(connection, MAX_MESSAGE_BYTES):
                received += data
                while len(received) >= 2:
                    end = 2 + int.from_bytes(received[:2], "big")
                    if len(received) < end:
                        break
                    question, received = received[2:end], received[end:]
                    response = self._respond(question, "tcp")
                    if response is None:
                        return
                    if response:
                        await self._loop.sock_sendall(
                            connection, len(response).to_bytes(2, "big") + response
                        )

    # Responding

    def _respond(self, wire: bytes, transport: Literal["udp", "tcp"]) -> bytes | None:
        """The response to *wire*; None if that is not a query, empty for no response."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        if query.flags & dns.flags.QR:
            return None  # a response
        reply = dns.message.make_response(query)
        if query.opcode() != dns.opcode.QUERY:
            reply.set_rcode(dns.rcode.NOTIMP)
        elif len(query.question) != 1:
            reply.set_rcode(dns.rcode.FORMERR)
        else:
            fault = self._fill(reply, query.question[0], transport)
            if isinstance(fault, DnsSilent):
                return b""
        limit = MAX_MESSAGE_BYTES if transport == "tcp" else max(query.payload, DEFAULT_UDP_BYTES)
        try:
            return reply.to_wire(max_size=limit)
        except dns.exception.TooBig:
            reply.answer.clear()
            reply.flags |= dns.flags.TC  # the client should use TCP
            return reply.to_wire(max_size=limit)

    def _fill(
        self,
        reply: dns.message.Message,
        question: dns.rrset.RRset,
        transport: Literal["udp", "tcp"],
    ) -> LookupFault | None:
        """Fill *reply*; returns the fault that affected it."""
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
                reply.set_rcode(dns.rcode.SERVFAIL)  # no node is running
        return fault

    def _add_addresses(
        self, reply: dns.message.Message, question: dns.rrset.RRset, addresses: list[str]
    ) -> None:
        if question.rdtype not in (dns.rdatatype.A, dns.rdatatype.ANY):
            return
        # One set for each address: dnspython shuffles the records within a set.
        reply.answer += [
            dns.rrset.from_text(question.name, self._ttl, "IN", "A", address)
            for address in addresses
        ]

    def _names_beside(self, name: dns.name.Name) -> set[dns.name.Name] | None:
        """The names that exist in the domain of *name*; None for other domains."""
        if name.is_subdomain(self._domain):
            return {dns.name.from_text(known) for known in names(self._system)}
        for system in self._taken_over():
            if name.is_subdomain(dns.name.from_text(system.domain)):
                return {dns.name.from_text(other) for other in names(system)}
        return None

    def _next_order(self) -> list[str]:
        """The addresses of the running nodes, beginning with the next one each time."""
        addresses = self._running()
        if not addresses:
            return []
        start = self._turn % len(addresses)
        self._turn += 1
        return addresses[start:] + addresses[:start]


def names(system: System) -> set[str]:
    """All names that exist: the domain, its interfaces, its tenants and namespaces."""
    domain = system.domain.lower()
    found = {domain, *(f"{prefix}.{domain}" for prefix in ("admin", "api", "www"))}
    found |= {f"{tenant}.{domain}".lower() for tenant in system.all_tenants()}
    for namespace in (*system.namespaces, DEFAULT_NAMESPACE):
        found.add(namespace.host(domain).lower())
    return found
