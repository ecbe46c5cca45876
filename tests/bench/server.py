"""The server: nginx where it is installed, else our own; in a process of its own, on loopback."""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import trustme

from .peers._common import Place
from .replies import LARGE, MORE_HEADERS, nginx_headers

HTTP_PORT = 8080
TLS_PORT = 8000  # of those that mean TLS to hcpsdk, one that needs no privilege
PATIENCE = 10.0  # seconds for a server to start
MIB = 1024 * 1024

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    types {{ }}
    default_type application/octet-stream;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    sendfile on;
    tcp_nopush on;
    client_max_body_size 0;
    client_body_buffer_size 64k;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/unused;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    server {{
        listen {host}:{http_port} backlog=4096;
        listen {host}:{tls_port} ssl backlog=4096;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_tickets on;
        root {folder}/objects;
        dav_methods PUT DELETE;
        location /few/ {{ }}
        location /hcp/ {{
            {headers}
        }}
    }}
}}
"""


class Site(NamedTuple):
    """A server that runs."""

    kind: str  # "nginx", or "canned", which is our own
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


@contextlib.contextmanager
def running(large: int, nginx: bool = True) -> Iterator[Site]:
    """A server, and the files it needs, until the block ends.

    Args:
        large: Size of the large object, in bytes.
        nginx: False takes our own even where nginx is installed.
    """
    program = _find_nginx() if nginx else None
    with _folder(large) as folder:
        site = Site("nginx" if program else "canned", random_loopback(), folder)
        _make_certificates(site)
        _make_objects(site, large)
        command = _nginx(program, site) if program else _canned(site, large)
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        try:
            _wait(site, process)
            yield site
        finally:
            process.terminate()
            process.communicate()


def random_loopback() -> str:
    """An address of 127.0.0.0/8 that is most likely nobody's."""
    return ".".join(["127", *(str(random.randint(2, 250)) for _ in range(3))])


def _find_nginx() -> str | None:
    """Debian installs it where only root's PATH leads."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def _folder(large: int) -> Iterator[Path]:
    """A folder in memory if there is room for the objects, else on disk."""
    memory = Path("/dev/shm")
    is_roomy = memory.is_dir() and shutil.disk_usage(memory).free > 6 * large + 64 * MIB
    with tempfile.TemporaryDirectory(prefix="bench-", dir=memory if is_roomy else None) as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's worker is somebody else where root started it
        yield folder


def _make_certificates(site: Site) -> None:
    """Signed with RSA, as is usual in the field."""
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    authority.cert_pem.write_to_path(site.folder / "authority.pem")
    certificate = authority.issue_cert(site.host, key_type=trustme.KeyType.RSA)
    certificate.private_key_and_cert_chain_pem.write_to_path(site.folder / "server.pem")


def _make_objects(site: Site, large: int) -> None:
    with open(site.file, "wb") as file:
        for _ in range(large // MIB):
            file.write(bytes(MIB))
    for name in ("body", "unused", *(f"objects/{more}" for more in MORE_HEADERS)):
        _make_writable(site.folder / name)
    for more in MORE_HEADERS:
        (site.folder / "objects" / more / LARGE).symlink_to(site.file)
        _write(site.folder / "objects" / more / "small")


def _write(path: Path) -> None:
    path.write_bytes(bytes(1024))


def _make_writable(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o777)


def _nginx(program: str, site: Site) -> list[str]:
    config = site.folder / "nginx.conf"
    config.write_text(
        NGINX.format(
            folder=site.folder,
            host=site.host,
            http_port=HTTP_PORT,
            tls_port=TLS_PORT,
            headers=nginx_headers(),
        )
    )
    return [program, "-e", str(site.folder / "error.log"), "-c", str(config)]


def _canned(site: Site, large: int) -> list[str]:
    pem = str(site.folder / "server.pem")
    ports = [str(HTTP_PORT), str(TLS_PORT)]
    return [sys.executable, "-m", f"{__package__}.canned", site.host, *ports, pem, str(large)]


def _wait(site: Site, process: "subprocess.Popen[bytes]") -> None:
    """Come back when the server answers on both ports."""
    deadline = time.monotonic() + PATIENCE
    for port in (HTTP_PORT, TLS_PORT):
        while True:
            try:
                socket.create_connection((site.host, port)).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
