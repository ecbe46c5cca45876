"""libcurl through ``pycurl``, one handle used again and again.

TCP_NODELAY is libcurl's default. What is set for one request is set back after it, because
`reset()` costs more than that.
"""

from io import BytesIO
from typing import IO

import pycurl

from ._common import CREDENTIALS, TIMEOUT, Place, check

LARGEST_BUFFER = 512 * 1024  # bytes; libcurl takes no larger one to read into


def shared(place: Place) -> Place:
    return place


class Client:
    def __init__(self, place: Place) -> None:
        self._curl = pycurl.Curl()
        self._url = place.url
        # No "Expect: 100-continue": it would cost each upload a round trip.
        headers = [f"{name}: {value}" for name, value in CREDENTIALS.items()]
        self._curl.setopt(pycurl.HTTPHEADER, [*headers, "Expect:"])
        self._curl.setopt(pycurl.NOSIGNAL, 1)  # as with threads; it saves system calls, too
        self._curl.setopt(pycurl.CONNECTTIMEOUT, TIMEOUT)
        if place.authority:
            self._curl.setopt(pycurl.CAINFO, place.authority)

    def mix(self, path: str, body: bytes) -> None:
        curl = self._curl
        curl.setopt(pycurl.URL, self._url + path)
        received = BytesIO()
        curl.setopt(pycurl.WRITEFUNCTION, received.write)
        self._put(BytesIO(body), len(body))
        self._head()
        curl.setopt(pycurl.HTTPGET, 1)
        self._perform()
        received.getvalue()
        curl.setopt(pycurl.CUSTOMREQUEST, "DELETE")
        self._perform()
        curl.unsetopt(pycurl.CUSTOMREQUEST)

    def head(self, path: str) -> None:
        self._curl.setopt(pycurl.URL, self._url + path)
        self._head()

    def upload(self, path: str, file: IO[bytes]) -> None:
        size = file.seek(0, 2)
        file.seek(0)
        self._curl.setopt(pycurl.URL, self._url + path)
        self._curl.setopt(pycurl.UPLOAD_BUFFERSIZE, 1024 * 1024)
        self._put(file, size)

    def download(self, path: str, block: int) -> int:
        size = 0

        def count(data: bytes) -> None:
            nonlocal size
            size += len(data)

        self._curl.setopt(pycurl.URL, self._url + path)
        self._curl.setopt(pycurl.BUFFERSIZE, min(block, LARGEST_BUFFER))
        self._curl.setopt(pycurl.WRITEFUNCTION, count)
        self._curl.setopt(pycurl.HTTPGET, 1)
        self._perform()
        return size

    def close(self) -> None:
        self._curl.close()

    def _put(self, file: IO[bytes], size: int) -> None:
        curl = self._curl
        curl.setopt(pycurl.UPLOAD, 1)
        curl.setopt(pycurl.INFILESIZE_LARGE, size)
        curl.setopt(pycurl.READFUNCTION, file.read)
        self._perform()
        curl.setopt(pycurl.UPLOAD, 0)

    def _head(self) -> None:
        self._curl.setopt(pycurl.NOBODY, 1)
        self._perform()
        self._curl.setopt(pycurl.NOBODY, 0)

    def _perform(self) -> None:
        self._curl.perform()
        check(self._curl.getinfo(pycurl.RESPONSE_CODE))
