"""``httpx``, one client."""

from typing import IO

import httpx

from ._common import CREDENTIALS, TIMEOUT, Place, Shared, check


def shared(place: Place) -> Shared:
    return Shared(place, place.context())


class Client:
    def __init__(self, shared: Shared) -> None:
        place, context = shared
        self._client = httpx.Client(
            base_url=place.url, headers=CREDENTIALS, verify=context or False, timeout=TIMEOUT
        )

    def mix(self, path: str, body: bytes) -> None:
        client = self._client
        check(client.put(path, content=body).status_code)
        check(client.head(path).status_code)
        check(client.get(path).status_code)
        check(client.delete(path).status_code)

    def head(self, path: str) -> None:
        check(self._client.head(path).status_code)

    def upload(self, path: str, file: IO[bytes]) -> None:
        check(self._client.put(path, content=file).status_code)

    def download(self, path: str, block: int) -> int:
        with self._client.stream("GET", path) as response:
            check(response.status_code)
            return sum(map(len, response.iter_bytes(block)))

    def close(self) -> None:
        self._client.close()
