"""Requests whose responses are XML: what `namespace` and `mapi` have in common."""

from typing import TypeVar

from hcpsdk._connection import Connection
from hcpsdk._errors import HcpsdkError
from hcpsdk._request.url import Params
from hcpsdk._target import Target
from hcpsdk._xml import Element, parse

MAX_REPLY_BYTES = 16 * 1024 * 1024  # bytes of a response that are read; no real one comes near

_Self = TypeVar("_Self", bound="Fetcher")


class Fetcher:
    """Sends requests over one Connection. Usable as a context manager; closes on exit."""

    def __init__(self, target: Target, debuglevel: int = 0) -> None:
        self._connection = Connection(target, debuglevel=debuglevel)
        self._excerpt = target.endpoint.excerpt

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
        self._connection.GET(url, params=params)
        body = self._connection.read(MAX_REPLY_BYTES + 1)
        self._raise_for_status()
        if len(body) > MAX_REPLY_BYTES:
            self._connection.close()
            raise HcpsdkError(f"the response to GET {url} is longer than {MAX_REPLY_BYTES} bytes")
        return parse(body, root, self._excerpt)

    def _post(self, url: str, params: Params | None = None) -> None:
        self._connection.POST(url, params=params)
        self._raise_for_status()

    def _raise_for_status(self) -> None:
        """Raise for any status but 200, with HCP's own message (contract 8.3)."""
        status = self._connection.response_status
        if status == 200:
            return
        text = f"{status} - {self._excerpt(self._connection.response_reason or '')}"
        if message := self._connection.getheader("X-HCP-ErrorMessage"):
            text += f" ({self._excerpt(message)})"
        raise HcpsdkError(text)

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {self._connection!r}>"
