"""What the classes of this package share: one Connection to the management port of one system.

Knows no resource. Imported by the other files of this package only.
"""

import json
import re
from typing import Any
from urllib.parse import quote

from hcpsdk._constants import P_MAPI
from hcpsdk._errors import HcpsdkError
from hcpsdk._fetch import Fetcher
from hcpsdk._request.url import Params, Quoted
from hcpsdk._target import Target, checkport

JSON = "application/json"
XML = "application/xml"

# Some of HCP's numbers start with the point, ``.75`` (docs/hcp/mapi.rst, section 7).
_STRING_OR_POINT = re.compile(r'"(?:[^"\\]|\\.)*"|(?<![0-9])\.(?=[0-9])')


class MapiClient(Fetcher):
    """Sends requests to the management API over one Connection.

    Args:
        target: A Target with port 9090.
        timeout: As for `Connection`.
        debuglevel: As for `Connection`.

    Raises:
        HcpsdkPortError: The Target has another port.
    """

    def __init__(self, target: Target, timeout: float | None, debuglevel: int) -> None:
        checkport(target, P_MAPI)
        super().__init__(target, debuglevel, timeout)
        self._target = target

    @property
    def target(self) -> Target:
        """The Target that requests go to."""
        return self._target

    def _get_json(self, url: str, params: Params | None = None) -> dict[str, Any]:
        """The JSON object that a GET returns."""
        document = self._exchange("GET", url, params, headers={"Accept": JSON})
        return parse_object(document, f"response to GET {url}")


def path_to(*names: str) -> Quoted:
    """The path of a resource; each name is encoded, slashes too, since it may hold anything.

    Raises:
        TypeError, ValueError: One of the names is not a ``str``, is empty, or cannot be a part of
            a path.
    """
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"a name must be str, not {type(name).__name__}")
        if name in ("", ".", ".."):
            raise ValueError(f"not the name of a resource: {name!r}")
    return Quoted("/".join(["/mapi", *(quote(name, safe="") for name in names)]))


def parse_object(document: bytes, what: str) -> dict[str, Any]:
    """The JSON object in *document*; *what* names the document in messages.

    Raises:
        HcpsdkError: It is not UTF-8, not JSON (RFC 8259: no ``NaN``), nested too deeply, or no
            object.
    """
    try:
        text = _STRING_OR_POINT.sub(_with_zero, document.decode("utf-8"))
        found = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise HcpsdkError(f"invalid JSON in the {what}: {exc}") from exc
    if not isinstance(found, dict):
        raise HcpsdkError(f"invalid {what}: a JSON object was expected, not {_kind(found)}")
    return found


def _with_zero(found: re.Match[str]) -> str:
    return "0." if found[0] == "." else found[0]


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _kind(value: object) -> str:
    return "an array" if isinstance(value, list) else "a single value"
