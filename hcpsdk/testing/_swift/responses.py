"""Responses of the Swift gateway. docs/hcp/swift.rst, section 2."""

import uuid

from .._http.errors import HTTPError
from .._http.messages import Reply
from .._http.responses import REASONS, Headers, Responses, error_message, response


class SwiftResponses(Responses):
    """Responses with the headers of this interface."""

    def common(self) -> Headers:
        """The headers of all responses."""
        return [*self.first_lines(), ("X-Trans-Id", str(uuid.uuid4()))]

    def refused(self, refusal: HTTPError) -> Reply:
        """The response to *refusal*. The format of its body is not documented."""
        headers = [*self.common(), *refusal.headers]
        if refusal.status == 501:
            headers.append(error_message(refusal.message))
        if refusal.status == 304:
            return response(304, headers)
        text = f"{refusal.status} {REASONS[refusal.status]}: {refusal.message}".rstrip(": ")
        return self.document(refusal.status, f"{text}\n".encode(), "text/plain", headers)

    def done(self, status: int, headers: Headers) -> Reply:
        """A response without a body."""
        length = [] if status == 204 else [("Content-Length", "0")]
        return response(status, [*self.common(), *headers, *length])

    def document(
        self, status: int, data: bytes, media_type: str, headers: Headers | None = None
    ) -> Reply:
        """A response with *data*; *headers* replace the common ones."""
        before = self.common() if headers is None else headers
        about = [
            ("Content-Type", f"{media_type};charset=UTF-8"),
            ("Content-Length", str(len(data))),
        ]
        return response(status, [*before, *about], data)
