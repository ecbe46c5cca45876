"""The exception that ends a request with an error status. Imports nothing of the emulator."""

from collections.abc import Iterable


class HTTPError(Exception):
    """The request ends with this status.

    *message* becomes ``X-HCP-ErrorMessage`` if HCP sends one; *headers* are added.
    """

    def __init__(
        self, status: int, message: str = "", headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.headers = list(headers)


def not_emulated(what: str) -> HTTPError:
    """The error for what a real HCP has and the emulator does not (contract 10).

    All interfaces use it, never the response of a real HCP to something that does not exist.
    """
    return HTTPError(501, f"the emulator does not support {what}")
