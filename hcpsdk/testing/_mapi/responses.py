"""Responses of the management API. Imports `call`, `documents` and `_http`.

docs/hcp/mapi.rst, section 3.
"""

from .._http.compression import BodyStream
from .._http.errors import HTTPError
from .._http.messages import Reply
from .._http.responses import Responses, error_message, response
from .call import Document, Raw
from .documents import written


class MapiResponses(Responses):
    """Responses with the headers of this API."""

    def refused(self, refusal: HTTPError) -> Reply:
        """The response to *refusal*. Its body is empty: no error body is documented."""
        headers = [*self._common(), *refusal.headers]
        if refusal.message and refusal.status != 302:
            headers.append(error_message(refusal.message))
        return self._whole(refusal.status, headers, b"")

    def done(self, headers: list[tuple[str, str]] | None = None) -> Reply:
        """200 without a body."""
        return self._whole(200, [*self._common(), *(headers or [])], b"")

    def document(self, document: Document, media_type: str, *, pretty: bool) -> Reply:
        """200 with *document*."""
        body = written(document.root, document.record, media_type, pretty=pretty)
        return self._whole(200, [*self._common(), ("Content-Type", media_type)], body)

    def raw(self, raw: Raw) -> Reply:
        """200 with a body that is no document; in chunks if its length is not known."""
        headers = [*self._common(), ("Content-Type", raw.media_type), *raw.headers]
        if isinstance(raw.body, bytes):
            return self._whole(200, headers, raw.body)
        return response(200, headers, BodyStream(raw.body))

    def _common(self) -> list[tuple[str, str]]:
        return [*self.first_lines(), *self.stamp(), self.version()]

    def _whole(self, status: int, headers: list[tuple[str, str]], body: bytes) -> Reply:
        return response(status, [*headers, ("Content-Length", str(len(body)))], body)
