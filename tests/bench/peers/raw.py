"""Prepared bytes on a raw socket; the answers are counted, not parsed. No client can cost less.

How long each answer is was learned from the first one. So this is a measure, no client.
"""

import os
import re
import socket
from typing import IO

from ._common import CREDENTIALS, Place, Shared, check

BLOCK = 1024 * 1024  # bytes


def shared(place: Place) -> Shared:
    return Shared(place, place.context())


class Client:
    def __init__(self, shared: Shared) -> None:
        self._sock: socket.socket | None = None
        self._shared = shared
        self._prepared: dict[str, list[tuple[bytes, int]]] = {}  # requests, sizes of the answers

    def mix(self, path: str, body: bytes) -> None:
        sock = self._connected()
        if path not in self._prepared:
            self._learn(path, body)
        for request, size in self._prepared[path]:
            sock.send(request)
            while size > 0:
                size -= len(sock.recv(65536))

    def head(self, path: str) -> None:
        sock = self._connected()
        sock.send(self._request("HEAD", path))
        self._read_head(sock)

    def upload(self, path: str, file: IO[bytes]) -> None:
        sock = self._connected()
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        sock.send(self._request("PUT", path, size))
        if self._shared.context is None:
            sent = 0
            while sent < size:
                sent += os.sendfile(sock.fileno(), file.fileno(), sent, size - sent)
        else:
            buffer = memoryview(bytearray(BLOCK))
            while count := file.readinto(buffer):  # type: ignore[attr-defined]
                sock.sendall(buffer[:count])
        self._read_head(sock)

    def download(self, path: str, block: int) -> int:
        sock = self._connected()
        sock.send(self._request("GET", path))
        length, body = self._read_head(sock)
        size = len(body)
        buffer = bytearray(block)
        while size < length:
            size += sock.recv_into(buffer)
        return size

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()

    def _connected(self) -> socket.socket:
        if self._sock is None:
            place, context = self._shared
            sock = socket.create_connection((place.host, place.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock = context.wrap_socket(sock, server_hostname=place.host) if context else sock
        return self._sock

    def _learn(self, path: str, body: bytes) -> None:
        sock = self._connected()
        steps = self._prepared[path] = []
        for method in ("PUT", "HEAD", "GET", "DELETE"):
            request = self._request(method, path, len(body) if method == "PUT" else None)
            request += body if method == "PUT" else b""
            sock.sendall(request)
            length, start = self._read_head(sock)
            rest = length - len(start) if method == "GET" else 0
            while rest > 0:
                rest -= len(sock.recv(rest))
            steps.append((request, self._size_of_head + (length if method == "GET" else 0)))

    def _request(self, method: str, path: str, length: int | None = None) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._shared.place.host}"]
        lines += [f"{name}: {value}" for name, value in CREDENTIALS.items()]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode("ascii")

    def _read_head(self, sock: socket.socket) -> tuple[int, bytes]:
        """The ``Content-Length``, and what came of the body already."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        self._size_of_head = len(head) + 4
        check(int(head.split(b" ", 2)[1]))
        length = re.search(rb"\nContent-Length: *(\d+)", head, re.I)
        return (int(length[1]) if length else 0), body
