"""The server: nginx where it is installed, else our own; in another process, on loopback.

Our own (``python3 -m tests.bench.server HOST PEM LARGE``) stores nothing and responds as if it did.
It is not much faster than the clients, so with it only CPU times and counts have a meaning.

All send the headers of nginx, eight for a HEAD; below ``/hcp`` 31 more, which HCP 7.1.0.10 was
recorded to send.
"""

import contextlib
import functools
import hashlib
import os
import random
import shutil
import socket
import socketserver
import ssl
import string
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from .clients import MIB, Place

HTTP_PORT = 8080
TLS_PORT = 8000  # of those that mean TLS to hcpsdk, one that needs no privilege
START_TIMEOUT = 10.0  # seconds
SMALL = 1024  # bytes
STORED = 4096  # bytes of a file of a bulk job
BULK = "bulk"  # where those are stored
LARGE = "large"  # what the path of a large object ends in

HERE = Path(__file__).parent
HCP_HEADERS = [
    f"{name}: {value.strip()}"
    for name, _, value in (
        line.partition(":") for line in (HERE / "hcp_headers.txt").read_text().splitlines()
    )
]


class Site(NamedTuple):
    """A server that runs."""

    kind: str  # "nginx" or "our own"
    host: str
    folder: Path

    def place(self, tls: bool) -> Place:
        if tls:
            return Place(self.host, TLS_PORT, str(self.folder / "authority.pem"))
        return Place(self.host, HTTP_PORT)

    @property
    def file(self) -> Path:
        """A file as large as the large object."""
        return self.folder / "file"

    @property
    def small(self) -> Path:
        """A file of a bulk job."""
        return self.folder / "small"


@contextlib.contextmanager
def running(large: int, with_nginx: bool = True) -> Iterator[Site]:
    """A server with a large object of so many bytes, until the block ends."""
    # Debian installs nginx where only root's PATH leads.
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    program = shutil.which("nginx", path=path) if with_nginx else None
    memory = Path("/dev/shm")
    is_roomy = memory.is_dir() and shutil.disk_usage(memory).free > 6 * large + 64 * MIB
    with tempfile.TemporaryDirectory(prefix="bench-", dir=memory if is_roomy else None) as name:
        host = ".".join(["127", *(str(random.randint(2, 250)) for _ in range(3))])
        site = Site("nginx" if program else "our own", host, Path(name))
        _fill(site, large)
        if program:
            command = [program, "-e", f"{name}/error.log", "-c", f"{name}/nginx.conf"]
        else:
            pem = f"{name}/server.pem"
            command = [sys.executable, "-m", f"{__package__}.server", host, pem, str(large)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        try:
            _wait(site, process)
            yield site
        finally:
            process.terminate()
            process.communicate()


def _fill(site: Site, large: int) -> None:
    """Make the objects, certificates (RSA, as is usual in the field) and the configuration."""
    import trustme

    folder = site.folder
    folder.chmod(0o755)  # nginx's worker is another user where root started it
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    authority.cert_pem.write_to_path(folder / "authority.pem")
    certificate = authority.issue_cert(site.host, key_type=trustme.KeyType.RSA)
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    with open(site.file, "wb") as file:
        for _ in range(large // MIB):
            file.write(bytes(MIB))
    site.small.write_bytes(bytes(STORED))
    for name in ("body", "unused", f"objects/{BULK}", "objects/few", "objects/hcp"):
        (folder / name).mkdir(parents=True)
        (folder / name).chmod(0o777)
        if name.startswith("objects"):
            (folder / name / LARGE).symlink_to(site.file)
            (folder / name / "small").write_bytes(bytes(SMALL))
    pairs = [line.split(": ", 1) for line in HCP_HEADERS]  # nginx omits a header without a value
    headers = "\n".join(f'add_header {name} "{value or " "}";' for name, value in pairs)
    config = string.Template((HERE / "nginx.conf").read_text())
    digest = hashlib.sha256(site.small.read_bytes()).hexdigest().upper()
    values = {
        "folder": folder,
        "digest": digest,
        "host": site.host,
        "http": HTTP_PORT,
        "tls": TLS_PORT,
    }
    (folder / "nginx.conf").write_text(config.substitute(values, headers=headers))


def _wait(site: Site, process: "subprocess.Popen[bytes]") -> None:
    """Return when the server accepts connections on both ports."""
    deadline = time.monotonic() + START_TIMEOUT
    for port in (HTTP_PORT, TLS_PORT):
        while True:
            try:
                socket.create_connection((site.host, port)).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


# Our own server


@functools.lru_cache(maxsize=10_000)
def respond(method: str, path: str, large: int) -> tuple[bytes, int]:
    """The head of a response as nginx gives it, and how many bytes of body follow."""
    size = large if path.endswith(LARGE) else SMALL
    lines = ["Server: nginx/1.22.1", "Date: Sat, 31 Jan 2015 20:34:53 GMT"]
    if method == "PUT":
        lines = ["HTTP/1.1 201 Created", *lines, "Content-Length: 0", f"Location: {path}"]
    elif method == "DELETE":
        lines = ["HTTP/1.1 204 No Content", *lines]
    else:
        lines = ["HTTP/1.1 200 OK", *lines, f"Content-Length: {size}"]
        lines += ["Content-Type: application/octet-stream", 'ETag: "54cd3df2-400"']
        lines += ["Last-Modified: Sat, 31 Jan 2015 20:34:26 GMT", "Accept-Ranges: bytes"]
    lines += ["Connection: keep-alive", *(HCP_HEADERS if path.startswith("/hcp/") else ())]
    return "\r\n".join([*lines, "", ""]).encode("ascii"), size if method == "GET" else 0


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the client closed in its way
            while line := self.rfile.readline():
                method, path, _ = line.decode("ascii").split()
                self._skip_body()
                head, size = respond(method, path, int(sys.argv[3]))
                self.wfile.write(head + bytes(min(size, MIB)))
                for _ in range(size // MIB - 1):
                    self.wfile.write(bytes(MIB))

    def _skip_body(self) -> None:
        length, is_chunked = 0, False
        while (line := self.rfile.readline().lower()) not in (b"\r\n", b""):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
            is_chunked |= line.startswith(b"transfer-encoding:")
        while is_chunked and (size := int(self.rfile.readline(), 16)):
            self.rfile.read(size + 2)
        if is_chunked:
            self.rfile.readline()
        while length > 0:
            length -= len(self.rfile.read(min(length, MIB))) or length


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 1024
    context: ssl.SSLContext | None = None

    def get_request(self) -> tuple[Any, Any]:
        sock, address = super().get_request()
        if self.context:  # the handshake is made by the handler's thread
            wrap = self.context.wrap_socket
            sock = wrap(sock, server_side=True, do_handshake_on_connect=False)
        return sock, address


def main(host: str, pem: str) -> None:
    for port in (HTTP_PORT, TLS_PORT):
        server = Server((host, port), Handler)
        if port == TLS_PORT:
            server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.context.load_cert_chain(pem)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()  # until the parent closes it, or ends


if __name__ == "__main__":
    main(*sys.argv[1:3])
