"""The clients that are compared: one class each, with the same methods.

All check each status, read each body to its end, send the same credentials, wait 30 seconds at
most, and over TLS verify the server's certificate. A library is imported when its client is made,
so that the others do not pay for it.
"""

import functools
import http.client
import importlib.util
import os
import re
import socket
import ssl
from io import BytesIO
from typing import IO, Any, NamedTuple

# What `hcpsdk.NativeAuthorization("n", "n01")` gives.
TOKEN = "bg==:1dc7fed37e11b35093d311ef66928ad9"
CREDENTIALS = {"Authorization": f"HCP {TOKEN}", "Cookie": f"hcp-ns-auth={TOKEN}"}
TIMEOUT = 30  # seconds, the default of hcpsdk; with one, Python polls a socket before it uses it
LOOKED_AT = "Last-Modified"  # a header
MIB = 1024 * 1024
LARGEST_BUFFER = 512 * 1024  # bytes; libcurl accepts no larger one to read into


class Place(NamedTuple):
    """Where a server listens."""

    host: str  # an IP address
    port: int
    authority: str = ""  # for TLS: the file with the certificate of the authority

    @property
    def url(self) -> str:
        return f"{'https' if self.authority else 'http'}://{self.host}:{self.port}"

    @functools.cache  # noqa: B019 (there are two places)
    def context(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.authority) if self.authority else None


Shared = tuple[Place, ssl.SSLContext | None]


def check(status: int) -> None:
    """Each client looks at each status, as a program has to."""
    if not 200 <= status < 300:
        raise RuntimeError(f"status {status}")


def found(value: object) -> None:
    """One header of a response, which a program looks for."""
    if not value:
        raise RuntimeError(f"no {LOOKED_AT}")


class Client:
    """One persistent connection, used as the library's manual shows.

    Args:
        shared: What `shared()` returned, once for all connections.
    """

    @staticmethod
    def shared(place: Place) -> Any:
        """What all connections to a server have in common."""
        return place, place.context()

    def __init__(self, shared: Any) -> None:
        raise NotImplementedError

    def request(self, method: str, path: str, body: bytes | IO[bytes] | None = None) -> None:
        """Send a request, and read the response to its end."""
        raise NotImplementedError

    def mix(self, path: str, body: bytes) -> None:
        """Store, look at, read and delete a small object."""
        self.request("PUT", path, body)
        self.request("HEAD", path)
        self.request("GET", path)
        self.request("DELETE", path)

    def look(self, path: str) -> None:
        """Send a HEAD, and look at one header of the response."""
        self.request("HEAD", path)

    def download(self, path: str, block: int) -> int:
        """Read an object in pieces of *block* bytes; return its size."""
        raise NotImplementedError

    def close(self) -> None:
        self.connection.close()

    connection: Any  # what the library calls a connection, pool, session or client


class HttpClient(Client):
    def __init__(self, shared: Shared) -> None:
        (host, port, _), context = shared
        self.connection = (
            http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
            if context
            else http.client.HTTPConnection(host, port, TIMEOUT)
        )

    def request(self, method: str, path: str, body: bytes | IO[bytes] | None = None) -> None:
        self.connection.request(method, path, body, CREDENTIALS)
        response = self.connection.getresponse()
        check(response.status)
        response.read()

    def look(self, path: str) -> None:
        self.connection.request("HEAD", path, None, CREDENTIALS)
        response = self.connection.getresponse()
        check(response.status)
        response.read()
        found(response.getheader(LOOKED_AT))

    def download(self, path: str, block: int) -> int:
        self.connection.request("GET", path, headers=CREDENTIALS)
        response = self.connection.getresponse()
        check(response.status)
        return sum(map(len, iter(lambda: response.read(block), b"")))


class Hcpsdk(Client):
    @staticmethod
    def shared(place: Place) -> Any:
        import hcpsdk

        authorization = hcpsdk.NativeAuthorization("n", "n01")
        return hcpsdk.Target(place.host, authorization, place.port, sslcontext=place.context())

    def __init__(self, shared: Any) -> None:
        import hcpsdk

        self.connection = hcpsdk.Connection(shared)

    def request(self, method: str, path: str, body: bytes | IO[bytes] | None = None) -> None:
        check(self.connection.request(method, path, body).status)
        self.connection.read()

    def mix(self, path: str, body: bytes) -> None:
        connection = self.connection
        check(connection.PUT(path, body).status)
        check(connection.HEAD(path).status)
        check(connection.GET(path).status)
        connection.read()
        check(connection.DELETE(path).status)

    def look(self, path: str) -> None:
        check(self.connection.HEAD(path).status)
        found(self.connection.getheader(LOOKED_AT))

    def download(self, path: str, block: int) -> int:
        check(self.connection.GET(path).status)
        return sum(map(len, iter(lambda: self.connection.read(block), b"")))


class FailedOver(Hcpsdk):
    """hcpsdk with a primary that is down: its replica is the server."""

    @staticmethod
    def shared(place: Place) -> Any:
        import hcpsdk

        target = hcpsdk.Target(
            "127.9.9.9",  # of nobody
            hcpsdk.NativeAuthorization("n", "n01"),
            place.port,
            replica_fqdn=place.host,
            replica_strategy=hcpsdk.RS_READ_ALLOWED | hcpsdk.RS_WRITE_ALLOWED,
        )
        connection = hcpsdk.Connection(target, idletime=0)  # so that no idle timer is counted
        check(connection.HEAD("/few/small").status)
        connection.close()
        return target


class Urllib3(Client):
    def __init__(self, shared: Shared) -> None:
        import urllib3

        (host, port, _), context = shared
        options: dict[str, Any] = {"ssl_context": context} if context else {}
        kind = urllib3.HTTPSConnectionPool if context else urllib3.HTTPConnectionPool
        self.connection = kind(host, port, timeout=TIMEOUT, headers=CREDENTIALS, **options)

    def request(self, method: str, path: str, body: bytes | IO[bytes] | None = None) -> None:
        check(self.connection.request(method, path, body=body).status)

    def look(self, path: str) -> None:
        response = self.connection.request("HEAD", path)
        check(response.status)
        found(response.headers[LOOKED_AT])

    def download(self, path: str, block: int) -> int:
        response = self.connection.request("GET", path, preload_content=False)
        check(response.status)
        size = sum(map(len, response.stream(block)))
        response.release_conn()
        return size


class Requests(Client):
    def __init__(self, shared: Shared) -> None:
        import requests

        self.connection = requests.Session()
        self.connection.headers.update(CREDENTIALS)
        self.connection.verify = shared[0].authority or True
        self._url = shared[0].url

    def request(self, method: str, path: str, body: bytes | IO[bytes] | None = None) -> None:
        url = self._url + path
        check(self.connection.request(method, url, data=body, timeout=TIMEOUT).status_code)

    def look(self, path: str) -> None:
        response = self.connection.head(self._url + path, timeout=TIMEOUT)
        check(response.status_code)
        found(response.headers[LOOKED_AT])

    def download(self, path: str, block: int) -> int:
        url = self._url + path
        with self.connection.get(url, stream=True, timeout=TIMEOUT) as response:
            check(response.status_code)
            return sum(map(len, response.iter_content(block)))


class Httpx(Client):
    def __init__(self, shared: Shared) -> None:
        import httpx

        place, context = shared
        self.connection = httpx.Client(
            base_url=place.url, headers=CREDENTIALS, verify=context or False, timeout=TIMEOUT
        )

    def request(self, method: str, path: str, body: bytes | IO[bytes] | None = None) -> None:
        check(self.connection.request(method, path, content=body).status_code)

    def look(self, path: str) -> None:
        response = self.connection.head(path)
        check(response.status_code)
        found(response.headers[LOOKED_AT])

    def download(self, path: str, block: int) -> int:
        with self.connection.stream("GET", path) as response:
            check(response.status_code)
            return sum(map(len, response.iter_bytes(block)))


class Pycurl(Client):
    """One handle. What is set for a request is set back after it: `reset()` costs more."""

    def __init__(self, shared: Shared) -> None:
        import pycurl

        self.connection = curl = pycurl.Curl()
        self._url = shared[0].url
        # No "Expect: 100-continue": it would cost each upload a round trip.
        headers = [f"{name}: {value}" for name, value in CREDENTIALS.items()]
        curl.setopt(curl.HTTPHEADER, [*headers, "Expect:"])
        curl.setopt(curl.NOSIGNAL, 1)  # as with threads; it saves system calls, too
        curl.setopt(curl.CONNECTTIMEOUT, TIMEOUT)
        curl.setopt(curl.UPLOAD_BUFFERSIZE, MIB)
        if shared[0].authority:
            curl.setopt(curl.CAINFO, shared[0].authority)

    def request(self, method: str, path: str, body: bytes | IO[bytes] | None = None) -> None:
        curl = self.connection
        if body is not None:
            file = BytesIO(body) if isinstance(body, bytes) else body
            curl.setopt(curl.UPLOAD, 1)
            curl.setopt(curl.INFILESIZE_LARGE, file.seek(0, os.SEEK_END))
            file.seek(0)
            curl.setopt(curl.READFUNCTION, file.read)
            self._perform(path)
            curl.setopt(curl.UPLOAD, 0)
        elif method == "HEAD":
            curl.setopt(curl.NOBODY, 1)
            self._perform(path)
            curl.setopt(curl.NOBODY, 0)
        else:
            curl.setopt(curl.WRITEFUNCTION, BytesIO().write)
            curl.setopt(curl.HTTPGET, 1)
            if method == "DELETE":
                curl.setopt(curl.CUSTOMREQUEST, method)
            self._perform(path)
            curl.unsetopt(curl.CUSTOMREQUEST)

    def look(self, path: str) -> None:
        curl = self.connection
        lines: list[bytes] = []
        curl.setopt(curl.HEADERFUNCTION, lines.append)
        self.request("HEAD", path)
        wanted = LOOKED_AT.lower().encode() + b":"
        found(next(line for line in lines if line.lower().startswith(wanted)))

    def download(self, path: str, block: int) -> int:
        curl, sizes = self.connection, []
        curl.setopt(curl.BUFFERSIZE, min(block, LARGEST_BUFFER))
        curl.setopt(curl.WRITEFUNCTION, lambda data: sizes.append(len(data)))
        curl.setopt(curl.HTTPGET, 1)
        self._perform(path)
        return sum(sizes)

    def _perform(self, path: str) -> None:
        self.connection.setopt(self.connection.URL, self._url + path)
        self.connection.perform()
        check(self.connection.getinfo(self.connection.RESPONSE_CODE))


class RawSocket(Client):
    """Prepared bytes; responses are counted, not parsed. No client can cost less."""

    def __init__(self, shared: Shared) -> None:
        (self._host, port, _), context = shared
        sock = socket.create_connection((self._host, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = context.wrap_socket(sock, server_hostname=self._host) if context else sock
        self._prepared: dict[str, list[tuple[bytes, int]]] = {}  # requests, sizes of the responses

    def request(self, method: str, path: str, body: bytes | IO[bytes] | None = None) -> None:
        sock = self.connection
        if body is None or isinstance(body, bytes):
            sock.sendall(self._bytes(method, path, body))
        else:
            size = body.seek(0, os.SEEK_END)
            body.seek(0)
            sock.sendall(self._bytes(method, path, None, size))
            if not isinstance(sock, ssl.SSLSocket):
                sock.sendfile(body)
            else:
                buffer = memoryview(bytearray(MIB))
                while count := body.readinto(buffer):  # type: ignore[attr-defined]
                    sock.sendall(buffer[:count])
        self._read(method, 65536)

    def mix(self, path: str, body: bytes) -> None:
        if path not in self._prepared:
            self._prepared[path] = []
            for method in ("PUT", "HEAD", "GET", "DELETE"):
                request = self._bytes(method, path, body if method == "PUT" else None)
                self.connection.sendall(request)
                self._prepared[path].append((request, self._read(method, 65536)[1]))
            return
        sock = self.connection
        for request, size in self._prepared[path]:
            sock.send(request)
            while size > 0:
                size -= len(sock.recv(65536))

    def download(self, path: str, block: int) -> int:
        self.connection.sendall(self._bytes("GET", path))
        return self._read("GET", block)[0]

    def _bytes(self, method: str, path: str, body: bytes | None = None, size: int = 0) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in CREDENTIALS.items()]
        if method == "PUT":
            lines.append(f"Content-Length: {size or len(body or b'')}")
        return "\r\n".join([*lines, "", ""]).encode("ascii") + (body or b"")

    def _read(self, method: str, block: int) -> tuple[int, int]:
        """Read a response; return the size of its body, and of all of it."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        check(int(head.split(b" ", 2)[1]))
        found = re.search(rb"\nContent-Length: *(\d+)", head, re.I)
        length = int(found[1]) if found and method != "HEAD" else 0
        size, buffer = len(body), bytearray(block)
        while size < length:
            size += self.connection.recv_into(buffer)
        return size, len(head) + 4 + length


# In the order of the tables; the first is what the others are compared with.
CLIENTS: dict[str, type[Client]] = {
    "http.client": HttpClient,
    "urllib3": Urllib3,
    "requests": Requests,
    "httpx": Httpx,
    "pycurl": Pycurl,
    "hcpsdk": Hcpsdk,
    "socket": RawSocket,
}
# Of our own; measured for the gate only.
FAILED_OVER = "hcpsdk failed over"
VARIANTS: dict[str, type[Client]] = {FAILED_OVER: FailedOver}
BASE = "http.client"
TITLES = {"pycurl": "libcurl (pycurl)", "socket": "raw socket (floor)"}


def title(client: str) -> str:
    return TITLES.get(client, client)


def installed() -> list[str]:
    """The clients whose library is installed."""
    return [name for name in CLIENTS if importlib.util.find_spec(name.partition(".")[0])]
