"""An emulated HCP for each module, empty for each test, and plain HTTP to speak with it.

The emulator is judged here by http.client, raw sockets, curl and dnspython, never by our client.
"""

import os
import pathlib
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

import hcpsdk
from hcpsdk.testing import HCP, Link

HOST = "n1.m.hcp1.snomis.local"
SERVICE_TOKEN = "HCP c2VydmljZQ==:e4e5ace7271dde224933ffa1fb38f280"  # service / service01
TOKEN = "HCP bg==:1dc7fed37e11b35093d311ef66928ad9"  # n / n01, as in docs/hcp/namespace.rst

UNVERIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
UNVERIFIED.check_hostname, UNVERIFIED.verify_mode = False, ssl.CERT_NONE


@dataclass(frozen=True)
class Answer:
    """What came back, read to its end."""

    status: int
    reason: str
    headers: list[tuple[str, str]]  # in the order received
    body: bytes

    def __getitem__(self, name: str) -> str:
        """The value of header *name*; KeyError if there is none."""
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        return any(key.lower() == name.lower() for key, _ in self.headers)


class Http:
    """Sends requests to namespace ``n1`` as user ``n``, over one kept-alive connection.

    ``http("PUT", "/rest/a", b"data")`` gives an `Answer`. Header values of None are left out,
    so ``{"Authorization": None}`` asks without credentials.
    """

    def __init__(self, host: str = HOST, port: int = 80) -> None:
        self.host = host
        self.connection: HTTPConnection = HTTPConnection(host, port, timeout=20)

    def __call__(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str | None] | None = None,
        **options: Any,
    ) -> Answer:
        wanted: dict[str, str | None] = {"Authorization": TOKEN, **(headers or {})}
        given = {name: value for name, value in wanted.items() if value is not None}
        self.connection.request(method, target, body, given, **options)
        response = self.connection.getresponse()
        data = response.read()
        return Answer(response.status, response.reason, response.getheaders(), data)

    def close(self) -> None:
        self.connection.close()


class Https(Http):
    """The same over TLS, verified against *cafile*."""

    def __init__(
        self, cafile: Any, host: str = HOST, port: int = 443, *, is_verified: bool = True
    ) -> None:
        self.host = host
        context = ssl.create_default_context(cafile=cafile) if is_verified else UNVERIFIED
        self.connection = HTTPSConnection(host, port, timeout=20, context=context)


class Site:
    """One of the systems of a link, asked at the address of its first running node.

    By address, so that what answers is this system, whatever the name servers say.
    """

    def __init__(self, hcp: HCP) -> None:
        self.hcp = hcp

    @property
    def _node(self) -> str:
        return next(node.address for node in self.hcp.nodes if node.is_running)

    def rest(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str | None] | None = None,
        host: str | None = None,
    ) -> Answer:
        """Ask the namespace ``n1``, or *host*, as user ``n``."""
        client = Http(self._node)
        host = host or f"n1.m.{self.hcp.domain}"
        try:
            return client(method, target, body, {"Host": host, **(headers or {})})
        finally:
            client.close()

    def mapi(
        self,
        method: str,
        target: str = "",
        body: Any = None,
        headers: Mapping[str, str | None] | None = None,
        host: str | None = None,
    ) -> Answer:
        """Ask the management API below ``/mapi/services/replication`` as user ``service``."""
        client = Https(None, self._node, 9090, is_verified=False)
        host = host or f"admin.{self.hcp.domain}"
        wanted = {"Host": host, "Authorization": SERVICE_TOKEN, **(headers or {})}
        if not target.startswith("/mapi"):
            target = f"/mapi/services/replication{target}"
        try:
            return client(method, target, body, wanted)
        finally:
            client.close()

    def act(self, link: Link, action: str) -> Answer:
        """Do an action on *link* here."""
        return self.mapi("POST", f"/links/{quote(link.name)}?{action}")

    def details(self, link: Link) -> dict[str, str]:
        """All that this system tells about *link*; what is nested has its own name only."""
        answer = self.mapi("GET", f"/links/{quote(link.name)}?verbose=true")
        assert answer.status == 200, answer
        root = ElementTree.fromstring(answer.body)
        return {element.tag: element.text or "" for element in root.iter() if not len(element)}

    def state(self, link: Link) -> str:
        """Status, message and type of *link* as this system shows them."""
        told = self.details(link)
        return f"{told['status']}: {told['statusMessage']} ({told['type']})"


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which other interpreters find the package that is being tested.

    Their temporary files go into a folder of pytest's: those that get killed leave some.
    """
    root = pathlib.Path(hcpsdk.__file__).parents[1]
    folder = tmp_path_factory.mktemp("temporary")
    return {**os.environ, "PYTHONPATH": str(root), "TMPDIR": str(folder)}


@pytest.fixture(scope="module")
def running_hcp() -> Iterator[HCP]:
    with HCP() as hcp:
        yield hcp


@pytest.fixture
def hcp(running_hcp: HCP) -> Iterator[HCP]:
    """A running HCP with the manual's users and namespaces, empty at the start of each test.

    If the emulator itself fails during the test, the test fails.
    """
    running_hcp.reset()
    yield running_hcp
    running_hcp.reset()


@pytest.fixture
def http(hcp: HCP) -> Iterator[Http]:
    """A function that sends a request to ``n1`` with credentials; see `Http`."""
    client = Http()
    yield client
    client.close()


@pytest.fixture
def https(hcp: HCP) -> Iterator[Https]:
    """The same over TLS."""
    client = Https(hcp.ca_file)
    yield client
    client.close()


@pytest.fixture(scope="module")
def running_hcp2(running_hcp: HCP) -> Iterator[HCP]:
    """A second system; started after the first, which has the first addresses."""
    with HCP("hcp2.snomis.local") as hcp:
        yield hcp


@pytest.fixture
def site1(hcp: HCP) -> Site:
    """The system ``hcp1.snomis.local``, empty."""
    return Site(hcp)


@pytest.fixture
def site2(running_hcp2: HCP) -> Iterator[Site]:
    """The system ``hcp2.snomis.local``, empty and not linked yet."""
    running_hcp2.reset()
    yield Site(running_hcp2)
    running_hcp2.reset()
