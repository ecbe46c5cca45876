"""``hcpsdk``, as its README shows."""

from typing import IO

import hcpsdk

from ._common import Place, check


def shared(place: Place) -> hcpsdk.Target:
    authorization = hcpsdk.NativeAuthorization("n", "n01")
    return hcpsdk.Target(place.host, authorization, place.port, sslcontext=place.context())


class Client:
    def __init__(self, target: hcpsdk.Target) -> None:
        self._connection = hcpsdk.Connection(target)

    def mix(self, path: str, body: bytes) -> None:
        connection = self._connection
        check(connection.PUT(path, body).status)
        check(connection.HEAD(path).status)
        check(connection.GET(path).status)
        connection.read()
        check(connection.DELETE(path).status)

    def head(self, path: str) -> None:
        check(self._connection.HEAD(path).status)

    def upload(self, path: str, file: IO[bytes]) -> None:
        check(self._connection.PUT(path, file).status)

    def download(self, path: str, block: int) -> int:
        check(self._connection.GET(path).status)
        size = 0
        while data := self._connection.read(block):
            size += len(data)
        return size

    def close(self) -> None:
        self._connection.close()
