"""Raw servers as the nodes of an HCP: several addresses with one port, and nodes that speak TLS."""

import random
import ssl

import trustme

from .raw_server import OK, Handler, Peer, RawServer

TLS_PORT = 8000  # of those that mean TLS, one that needs no privilege


def random_loopback() -> str:
    """An address of 127.0.0.0/8 that is most likely nobody's."""
    return f"127.{random.randint(1, 250)}.{random.randint(1, 250)}.{random.randint(2, 250)}"


def answer_each(peer: Peer) -> None:
    """Answer 200 to each request, until the client closes."""
    for _ in peer.each_request():
        peer.send(OK)


class Cluster:
    """Nodes on addresses of their own with one port, which die and come back.

    Args:
        count: How many.
        handler: What each node does with a connection.
    """

    def __init__(self, count: int, handler: Handler = answer_each) -> None:
        self._handler = handler
        start = random_loopback().rpartition(".")[0]
        first = RawServer(handler, f"{start}.1")
        self.port = first.port
        self.addresses = [f"{start}.{number + 1}" for number in range(count)]
        self._servers: dict[int, RawServer] = {0: first}
        self._former: list[tuple[int, RawServer]] = []
        for number in range(1, count):
            self.revive(number)

    def kill(self, *numbers: int) -> None:
        """Nodes *numbers* refuse connections from now on; those open are ended."""
        for number in numbers:
            server = self._servers.pop(number)
            self._former.append((number, server))
            server.close()

    def revive(self, *numbers: int) -> None:
        """Nodes *numbers* answer again."""
        for number in numbers:
            self._servers[number] = RawServer(self._handler, self.addresses[number], self.port)

    def connections(self) -> list[int]:
        """How many connections each node got, over all of its lives."""
        lives = [*self._former, *self._servers.items()]
        return [
            sum(len(server.peers) for number, server in lives if number == wanted)
            for wanted in range(len(self.addresses))
        ]

    def close(self) -> None:
        self.kill(*list(self._servers))


class TlsNode(RawServer):
    """A `RawServer` that speaks TLS on port 8000, at an address of its own.

    Attributes:
        sni: The names that clients sent in their hello; None where one sent none.
        context: Its TLS settings.
    """

    def __init__(
        self,
        authority: trustme.CA,
        *identities: str,
        handler: Handler = answer_each,
        address: str | None = None,
    ) -> None:
        address = address or random_loopback()
        self.sni: list[str | None] = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.present(authority, *(name.format(address=address) for name in identities))
        super().__init__(handler, address, TLS_PORT, self.context)

    def present(self, authority: trustme.CA, *identities: str) -> None:
        """From now on show a certificate for *identities*."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # As a server that was restarted with another certificate: it resumes no old session.
        context.num_tickets = self.context.num_tickets = 0
        authority.issue_cert(*identities).configure_cert(context)

        def note(sock: ssl.SSLObject, name: str | None, _context: object) -> None:
            self.sni.append(name)
            sock.context = context

        authority.issue_cert(*identities).configure_cert(self.context)
        self.context.sni_callback = note
