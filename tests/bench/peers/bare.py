"""Python's own ``http.client``, one connection kept open: what the others are compared to."""

import http.client
from typing import IO

from ._common import CREDENTIALS, TIMEOUT, Place, Shared, check


def shared(place: Place) -> Shared:
    return Shared(place, place.context())


class Client:
    def __init__(self, shared: Shared) -> None:
        place, context = shared
        if context is None:
            self._connection = http.client.HTTPConnection(place.host, place.port, TIMEOUT)
        else:
            self._connection = http.client.HTTPSConnection(
                place.host, place.port, timeout=TIMEOUT, context=context
            )

    def mix(self, path: str, body: bytes) -> None:
        self._ask("PUT", path, body)
        self._ask("HEAD", path)
        self._ask("GET", path)
        self._ask("DELETE", path)

    def head(self, path: str) -> None:
        self._ask("HEAD", path)

    def upload(self, path: str, file: IO[bytes]) -> None:
        self._ask("PUT", path, file)

    def download(self, path: str, block: int) -> int:
        self._connection.request("GET", path, headers=CREDENTIALS)
        response = self._connection.getresponse()
        check(response.status)
        size = 0
        while data := response.read(block):
            size += len(data)
        return size

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, body: bytes | IO[bytes] | None = None) -> bytes:
        self._connection.request(method, path, body, CREDENTIALS)
        response = self._connection.getresponse()
        check(response.status)
        return response.read()
