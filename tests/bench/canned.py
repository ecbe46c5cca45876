"""A server that keeps nothing, and answers as if it did: for machines without nginx.

Run in a process of its own: ``python3 -m tests.bench.canned HOST HTTP_PORT TLS_PORT PEM LARGE``,
where LARGE is the size of the large object in bytes. Each connection has a thread. It is written in
Python, so it is not much faster than the clients: how long a client takes says little then. What a
client needs of the CPU stays what it is.
"""

import functools
import re
import socket
import ssl
import sys
import threading

from .replies import canned

BLOCK = 1024 * 1024  # bytes
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.I)

answer = functools.lru_cache(maxsize=10_000)(canned)


class Conversation:
    """One connection, from its first request until the client closes."""

    def __init__(self, sock: socket.socket, large: int) -> None:
        self._sock = sock
        self._large = large
        self._data = b""  # received, and not looked at yet

    def run(self) -> None:
        with self._sock:
            try:
                while self._one_request():
                    pass
            except OSError:
                pass  # the client closed in its own way

    def _one_request(self) -> bool:
        head = self._read_head()
        if not head:
            return False
        self._skip_body(head)
        method, path, _ = head.split(b" ", 2)
        reply, size = answer(method.decode("ascii"), path.decode("ascii"), self._large)
        if size <= BLOCK:
            self._sock.sendall(reply + bytes(size))
        else:
            self._send_large(reply, size)
        return True

    def _read_head(self) -> bytes:
        while b"\r\n\r\n" not in self._data:
            received = self._sock.recv(65536)
            if not received:
                return b""
            self._data += received
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        return head

    def _skip_body(self, head: bytes) -> None:
        if CHUNKED.search(head):
            # What is sent here never has these bytes at the end of a piece.
            while not self._data.endswith(b"0\r\n\r\n"):
                self._data = self._data[-4:] + self._receive()
            self._data = b""
        elif length := LENGTH.search(head):
            rest = int(length[1]) - len(self._data)
            while rest > 0:
                rest -= len(self._receive())
            self._data = b""

    def _receive(self) -> bytes:
        received = self._sock.recv(BLOCK)
        if not received:
            raise OSError("the client closed in the middle of a body")
        return received

    def _send_large(self, reply: bytes, size: int) -> None:
        block = bytes(BLOCK)
        self._sock.sendall(reply)
        for _ in range(size // BLOCK):
            self._sock.sendall(block)


def serve(listener: socket.socket, context: ssl.SSLContext | None, large: int) -> None:
    """Answer on *listener*, for ever."""
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_converse, args=(sock, context, large), daemon=True).start()


def _converse(sock: socket.socket, context: ssl.SSLContext | None, large: int) -> None:
    if context is not None:
        try:
            sock = context.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            return
    Conversation(sock, large).run()


def main(host: str, http_port: str, tls_port: str, pem: str, large: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    for port, tls in ((http_port, None), (tls_port, context)):
        listener = socket.create_server((host, int(port)), backlog=1024)
        threading.Thread(target=serve, args=(listener, tls, int(large)), daemon=True).start()
    sys.stdin.read()  # until who started us closes it, or ends


if __name__ == "__main__":
    main(*sys.argv[1:])
