"""Responses of the S3 gateway: documents, errors. docs/hcp/s3.rst, section 3."""

import secrets
from datetime import datetime, timezone

from .. import _xml
from .._http.compression import BodyStream
from .._http.errors import HTTPError
from .._http.messages import Reply, Request
from .._http.responses import Headers, Responses, error_message, response
from .._xml import Record
from .errors import code_of

XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"
NOBODY = "nobody"  # the owner of what has none


class S3Responses(Responses):
    """Responses with the headers of this interface."""

    def common(self) -> Headers:
        """The headers of all responses: HCP's S3 gateway does not name its release."""
        return [pair for pair in self.first_lines() if pair[0] == "Date"]

    def done(self, status: int, headers: Headers) -> Reply:
        """A response without a body."""
        length = [] if status == 204 else [("Content-Length", "0")]
        return response(status, [*self.common(), *headers, *length])

    def document(
        self, request: Request, root: str, record: Record, headers: Headers | None = None
    ) -> Reply:
        """A document with status 200, in chunks."""
        return self._xml(
            200, request, _with_namespace(root, self._text(request, root, record)), headers or []
        )

    def failed(self, request: Request, error: HTTPError, about: Record | None = None) -> Reply:
        """The response to *error*; HEAD and 304 have no body."""
        headers = list(error.headers)
        if error.status == 501:
            headers.append(error_message(error.message))
        if request.method == "HEAD" or error.status == 304:
            length = [] if error.status == 304 else [("Content-Length", "0")]
            return response(error.status, [*self.common(), *headers, *length])
        return self._xml(error.status, request, self.error(request, error, about), headers)

    def error(self, request: Request, error: HTTPError, about: Record | None = None) -> str:
        """The document of *error*; some come with status 200."""
        record = {
            "Code": code_of(error),
            "Message": text(error.message),
            **(about or {}),
            "RequestId": str(secrets.randbits(40)),
            "HostId": "aGNw",
        }
        return self._text(request, "Error", record)

    def error_in_200(self, request: Request, error: HTTPError) -> Reply:
        """Status 200 with an error as the body (docs/hcp/s3.rst, section 7)."""
        return self._xml(200, request, self.error(request, error), [])

    def _text(self, request: Request, root: str, record: Record) -> str:
        pretty = (request.header("x-hcp-pretty-print") or "").lower() == "true"
        return _xml.document(root, record, pretty=pretty)

    def _xml(self, status: int, request: Request, document: str, headers: Headers) -> Reply:
        kind = ("Content-Type", "application/xml;charset=UTF-8")
        data = document.encode()
        if request.method == "HEAD":
            return response(status, [*self.common(), *headers, kind])
        return response(status, [*self.common(), *headers, kind], BodyStream([data]))


def _with_namespace(root: str, document: str) -> str:
    for end in (">", "/>"):
        if f"<{root}{end}" in document:
            return document.replace(f"<{root}{end}", f'<{root} xmlns="{XMLNS}"{end}', 1)
    raise ValueError(f"no element {root}")


def text(value: str) -> str:
    """*value* with a question mark for each character that XML cannot carry."""
    return _xml.NOT_IN_XML.sub("?", value)


def time(milliseconds: int) -> str:
    """``2026-11-26T04:00:00.000Z``."""
    moment = datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def owner(name: str) -> Record:
    """The owner of a bucket, object or upload."""
    shown = name or NOBODY
    return {"ID": shown, "DisplayName": shown}
