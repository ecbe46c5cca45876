"""A name server on a free port of 127.0.0.1 that answers what a test tells it, right or wrong."""

import socket
import threading
from collections.abc import Callable

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from .raw_server import Peer, RawServer

# Gets the question; gives the answer, or bytes to send as they are, or None to keep silent.
Answerer = Callable[[dns.message.Message], "dns.message.Message | bytes | None"]


class NameServer:
    """Answers over UDP and TCP from a small zone, until `close()`.

    Attributes:
        asked: The questions so far, as ``"a.example A udp"``.
        answerer: Set it to answer otherwise than from the zone.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answerer: Answerer = self.from_zone
        self.largest = 512  # bytes of an answer over UDP (RFC 1035)
        self._zone: dict[tuple[str, str], dns.rrset.RRset] = {}
        self._changed = threading.Condition()  # guards asked and _errors
        self._errors: list[BaseException] = []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tcp, self.port = self._bind()
        self._thread = threading.Thread(target=self._serve_udp, name="name-server")
        self._thread.start()

    def _bind(self) -> tuple[RawServer, int]:
        """The same free port for TCP and UDP."""
        for _ in range(20):
            tcp = RawServer(self._serve_tcp)
            try:
                self._udp.bind(("127.0.0.1", tcp.port))
            except OSError:
                tcp.close()
            else:
                return tcp, tcp.port
        raise AssertionError("no port is free for both TCP and UDP")

    # What it says

    def set(self, name: str, kind: str, *data: str, ttl: int = 60) -> None:
        """From now on *name* has these records of this *kind*."""
        rrset = dns.rrset.from_text_list(f"{name}.", ttl, "IN", kind, list(data))
        self._zone[name.lower(), kind] = rrset

    def from_zone(self, question: dns.message.Message) -> dns.message.Message:
        """The answer that the zone gives, aliases followed."""
        answer = dns.message.make_response(question)
        name = question.question[0].name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.question[0].rdtype)
        for _ in range(20):  # a loop of aliases is served as one
            alias = self._zone.get((name, "CNAME"))
            if alias is None or kind == "CNAME":
                break
            answer.answer.append(alias)
            name = alias[0].target.to_text(omit_final_dot=True).lower()
        if (name, kind) in self._zone:
            answer.answer.append(self._zone[name, kind])
        elif not any(known == name for known, _ in self._zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer

    def close(self) -> None:
        """Stop; raises what went wrong in here."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
            knock.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._udp.close()
        self._tcp.close()
        if self._errors:
            raise self._errors[0]

    # How it says it

    def _serve_udp(self) -> None:
        while True:
            data, client = self._udp.recvfrom(65535)
            if not data:
                return
            try:
                answer = self._answer(data, "udp")
                wire: bytes | None
                if isinstance(answer, dns.message.Message):
                    wire = render(answer)
                    if len(wire) > self.largest:
                        answer.answer.clear()
                        answer.flags |= dns.flags.TC
                        wire = render(answer)
                else:
                    wire = answer
                if wire is not None:
                    self._udp.sendto(wire, client)
            except Exception as exc:
                self._errors.append(exc)

    def _serve_tcp(self, peer: Peer) -> None:
        size = int.from_bytes(peer.read_exactly(2), "big")
        answer = self._answer(peer.read_exactly(size), "tcp")
        wire = render(answer) if isinstance(answer, dns.message.Message) else answer
        if wire is not None:
            peer.send(len(wire).to_bytes(2, "big") + wire)
        peer.wait_for_close()

    def _answer(self, data: bytes, transport: str) -> dns.message.Message | bytes | None:
        question = dns.message.from_wire(data)
        asked = question.question[0]
        name = asked.name.to_text(omit_final_dot=True)
        with self._changed:
            self.asked.append(f"{name} {dns.rdatatype.to_text(asked.rdtype)} {transport}")
            self._changed.notify_all()
        return self.answerer(question)


def render(message: dns.message.Message) -> bytes:
    """*message* with its records in their order; dnspython shuffles them otherwise."""
    return message.to_wire(want_shuffle=False)
