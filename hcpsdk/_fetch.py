"""One request to HCP and its response's body: what `namespace` and `mapi` have in common."""

from collections.abc import Generator
from typing import ClassVar, TypeVar

from hcpsdk._connection import Connection
from hcpsdk._errors import HcpsdkError, HcpsdkStatusError
from hcpsdk._request.content import Content
from hcpsdk._request.headers import Headers
from hcpsdk._request.url import Params
from hcpsdk._target import Target
from hcpsdk._xml import Element, parse

MAX_REPLY_BYTES = 16 * 1024 * 1024  # bytes of a response that is read whole; real ones are shorter
BLOCK = 256 * 1024  # bytes of a streamed response that are in memory at a time

_Self = TypeVar("_Self", bound="Fetcher")


class Fetcher:
    """Sends requests over one Connection. Usable as a context manager; closes on exit."""

    # What is raised for any status but 200 (contract 8.3).
    _status_error: ClassVar[type[HcpsdkStatusError]] = HcpsdkStatusError

    def __init__(self, target: Target, debuglevel: int = 0, timeout: float | None = 30) -> None:
        self._connection = Connection(target, timeout=timeout, debuglevel=debuglevel)
        self._endpoint = target.endpoint

    @property
    def connect_time(self) -> float:
        """Seconds that the last connect took, TLS handshake included."""
        return self._connection.connect_time

    @property
    def service_time(self) -> float:
        """Seconds that the last call took, from its first byte sent to the last one received."""
        return self._connection.service_time2

    def close(self) -> None:
        """Close the Connection; any number of times. The next call opens it again."""
        self._connection.close()

    def _get(self, url: str, root: str, params: Params | None = None) -> Element:
        """The root element of the response to a GET, which has to be called *root*."""
        return parse(self._exchange("GET", url, params), root, self._endpoint.excerpt)

    def _post(self, url: str, params: Params | None = None) -> None:
        self._exchange("POST", url, params)

    def _exchange(
        self,
        method: str,
        url: str,
        params: Params | None = None,
        headers: Headers | None = None,
        body: Content = None,
    ) -> bytes:
        """Send a request, and return the body of its response, which has to have status 200."""
        self._connection.request(method, url, body, params, headers)
        document = self._connection.read(MAX_REPLY_BYTES + 1)
        self._raise_for_status()
        if len(document) > MAX_REPLY_BYTES:
            self._connection.close()
            raise HcpsdkError(
                f"the response to {method} {url} is longer than {MAX_REPLY_BYTES} bytes"
            )
        return document

    def _stream(
        self,
        method: str,
        url: str,
        params: Params | None = None,
        headers: Headers | None = None,
        body: Content = None,
    ) -> Generator[bytes, None, None]:
        """The same, but yields the body block by block, and never holds all of it.

        To be closed (`contextlib.closing`), so that a body that is not read to its end does not
        keep the Connection.
        """
        response = self._connection.request(method, url, body, params, headers)
        if response.status != 200:
            self._connection.read(MAX_REPLY_BYTES)  # so that the Connection is ready again
            self._raise_for_status()
        try:
            while block := self._connection.read(BLOCK):
                yield block
        except BaseException:  # GeneratorExit, too: the rest is not wanted
            self._connection.close()
            raise

    def _raise_for_status(self) -> None:
        """Any other status than 200 is an error here, reported in HCP's own words."""
        response = self._connection.response
        if response is not None and response.status != 200:
            raise self._status_error(self._endpoint.describe_status(response))

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {self._connection!r}>"
