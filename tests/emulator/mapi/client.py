"""Requests to the management API of an emulated HCP with `http.client`."""

import base64
import hashlib
import json
from http.client import HTTPSConnection
from typing import Any
from xml.etree import ElementTree

from ..conftest import SERVICE_TOKEN, UNVERIFIED, Answer, Http

DOMAIN = "hcp1.snomis.local"
JSON = "application/json"


class Mapi:
    """Sends requests as a user to the host of the system, or of a tenant, with JSON bodies."""

    def __init__(self, host: str = f"admin.{DOMAIN}", authorization: str = SERVICE_TOKEN) -> None:
        self.host = host
        self.authorization = authorization

    def __call__(
        self, method: str, path: str, body: Any = None, *, accept: str | None = JSON
    ) -> Answer:
        headers = {"Authorization": self.authorization}
        if accept is not None:
            headers["Accept"] = accept
        data = body
        if isinstance(body, dict):
            data, headers["Content-Type"] = json.dumps(body), JSON
        elif body is not None:
            headers["Content-Type"] = "application/xml"
        connection = HTTPSConnection(self.host, 9090, timeout=20, context=UNVERIFIED)
        try:
            connection.request(method, f"/mapi/{path}", data, headers)
            response = connection.getresponse()
            found = response.read()
        finally:
            connection.close()
        return Answer(response.status, response.reason, response.getheaders(), found)

    def get(self, path: str) -> Any:
        """The values of a resource; fails unless the status is 200."""
        found = self("GET", path)
        assert (found.status, found["Content-Type"]) == (200, JSON), found
        return json.loads(found.body)

    def xml(self, path: str) -> ElementTree.Element:
        """The same in XML."""
        found = self("GET", path, accept=None)
        assert (found.status, found["Content-Type"]) == (200, "application/xml"), found
        return ElementTree.fromstring(found.body)

    def status(self, method: str, path: str, body: Any = None) -> int:
        """The status of a request whose response has no body."""
        found = self(method, path, body)
        assert found.body == b""
        assert found["Content-Length"] == "0"
        return found.status


class Rest:
    """Requests to a namespace, on a new connection each."""

    def __init__(self, host: str, authorization: str | None) -> None:
        self.host = host
        self.authorization = authorization

    def __call__(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        client = Http(self.host, 443)
        client.connection = HTTPSConnection(self.host, timeout=20, context=UNVERIFIED)
        try:
            return client(method, target, body, {"Authorization": self.authorization, **headers})
        finally:
            client.close()


def token(user: str, password: str) -> str:
    """The value of the header ``Authorization``."""
    name = base64.b64encode(user.encode()).decode()
    return f"HCP {name}:{hashlib.md5(password.encode()).hexdigest()}"
