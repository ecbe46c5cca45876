"""``urllib3``, a pool of one connection."""

from typing import IO

import urllib3

from ._common import CREDENTIALS, TIMEOUT, Place, Shared, check


def shared(place: Place) -> Shared:
    return Shared(place, place.context())


class Client:
    def __init__(self, shared: Shared) -> None:
        place, context = shared
        if context is None:
            self._pool = urllib3.HTTPConnectionPool(
                place.host, place.port, timeout=TIMEOUT, headers=CREDENTIALS
            )
        else:
            self._pool = urllib3.HTTPSConnectionPool(
                place.host, place.port, timeout=TIMEOUT, headers=CREDENTIALS, ssl_context=context
            )

    def mix(self, path: str, body: bytes) -> None:
        request = self._pool.request
        check(request("PUT", path, body=body).status)
        check(request("HEAD", path).status)
        check(request("GET", path).status)
        check(request("DELETE", path).status)

    def head(self, path: str) -> None:
        check(self._pool.request("HEAD", path).status)

    def upload(self, path: str, file: IO[bytes]) -> None:
        check(self._pool.request("PUT", path, body=file).status)

    def download(self, path: str, block: int) -> int:
        response = self._pool.request("GET", path, preload_content=False)
        check(response.status)
        size = sum(map(len, response.stream(block)))
        response.release_conn()
        return size

    def close(self) -> None:
        self._pool.close()
