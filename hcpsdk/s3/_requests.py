"""One request of HS3 whose response is an XML document, and the error that HS3 responds with.

Knows no resource. Imported by the other files of this package only.
"""

from hcpsdk._connection import Connection
from hcpsdk._errors import HcpsdkError, HcpsdkStatusError
from hcpsdk._excerpt import excerpt
from hcpsdk._request.headers import Headers
from hcpsdk._request.url import Params
from hcpsdk._xml import Element, parse

MIB = 1024 * 1024
MAX_DOCUMENT_BYTES = 16 * MIB  # of a response that is XML


class S3StatusError(HcpsdkStatusError):
    """HS3 refused a request.

    Attributes:
        code: The error code, ``"NoSuchBucket"``; "" without one.
    """

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.code = code


def request_document(
    connection: Connection,
    root: str,
    method: str,
    url: str,
    params: Params,
    headers: Headers | None = None,
    body: bytes | None = None,
) -> Element:
    """The response's document; an error raises, also one with status 200."""
    response = connection.request(method, url, body, params, headers)
    document = connection.read(MAX_DOCUMENT_BYTES)
    if response.status != 200:
        raise status_error(response.status, response.reason, document)
    if b"<Error>" in document[:200]:
        raise status_error(response.status, response.reason, document)
    return parse(document, root, has_namespaces=False)


def status_error(status: int, reason: str, document: bytes) -> S3StatusError:
    text, code = f"{status} - {excerpt(reason, {})}", ""
    try:
        error = parse(document, "Error", has_namespaces=False)
        code = text_of(error, "Code")
        text += f" ({excerpt(f'{code}: ' + text_of(error, 'Message'), {})})"
    except HcpsdkError:
        pass  # there is no document, or another one
    return S3StatusError(text, code)


def text_of(element: Element, name: str) -> str:
    """The text of the first child called *name*; "" without one."""
    return next((child.text for child in element.children if child.name == name), "")
