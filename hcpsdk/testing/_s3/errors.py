"""The error codes of S3. Imports `_http.errors`. docs/hcp/s3.rst, section 3."""

from collections.abc import Iterable

from .._http.errors import HTTPError

# The code of an error that has none: by status.
CODES = {
    304: "PreconditionFailed",
    400: "InvalidRequest",
    403: "AccessDenied",
    404: "NoSuchKey",
    405: "MethodNotAllowed",
    409: "OperationAborted",
    411: "MissingContentLength",
    412: "PreconditionFailed",
    413: "OutOfSpace",
    414: "KeyTooLong",
    415: "InvalidArgument",
    416: "InvalidRange",
    501: "NotImplemented",
    503: "ServiceUnavailable",
}


class S3Error(HTTPError):
    """The request ends with this status and code."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str = "",
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(status, message or code, headers)
        self.code = code


def code_of(error: HTTPError) -> str:
    """The code of *error*, which may come from code that all interfaces share."""
    return error.code if isinstance(error, S3Error) else CODES[error.status]
