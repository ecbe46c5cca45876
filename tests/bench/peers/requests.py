"""``requests``, one session."""

from typing import IO

import requests

from ._common import CREDENTIALS, TIMEOUT, Place, check


def shared(place: Place) -> Place:
    return place


class Client:
    def __init__(self, place: Place) -> None:
        self._session = requests.Session()
        self._session.headers.update(CREDENTIALS)
        self._session.verify = place.authority or True
        self._url = place.url

    def mix(self, path: str, body: bytes) -> None:
        session = self._session
        url = self._url + path
        check(session.put(url, data=body, timeout=TIMEOUT).status_code)
        check(session.head(url, timeout=TIMEOUT).status_code)
        check(session.get(url, timeout=TIMEOUT).status_code)
        check(session.delete(url, timeout=TIMEOUT).status_code)

    def head(self, path: str) -> None:
        check(self._session.head(self._url + path, timeout=TIMEOUT).status_code)

    def upload(self, path: str, file: IO[bytes]) -> None:
        check(self._session.put(self._url + path, data=file, timeout=TIMEOUT).status_code)

    def download(self, path: str, block: int) -> int:
        with self._session.get(self._url + path, stream=True, timeout=TIMEOUT) as response:
            check(response.status_code)
            return sum(map(len, response.iter_content(block)))

    def close(self) -> None:
        self._session.close()
