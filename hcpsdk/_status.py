"""What to do about a status that is not the wanted one; for `transfer`, `listing` and `bulk`.

Imports `_connection` and `_errors` only.
"""

from hcpsdk._connection import Connection
from hcpsdk._errors import HcpsdkError


class StatusError(HcpsdkError):
    """HCP responded with a status that is no success.

    The text starts with the status; `status` is its number.
    """

    @property
    def status(self) -> int:
        """The HTTP status, such as 403."""
        return int(self.reason.partition(" ")[0])


class NotYetError(StatusError):
    """HCP cannot do it now, because something else is going on with the object; try later."""


def raise_for_status(connection: Connection, *wanted: int) -> None:
    """Raise `StatusError` unless the last status of *connection* is one of *wanted*."""
    status = connection.response_status
    if status in wanted:
        return
    text = f"{status} - {connection.response_reason}"
    if message := connection.getheader("X-HCP-ErrorMessage"):
        text += f" ({message})"
    raise StatusError(text)
