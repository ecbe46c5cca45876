"""How a rule says that a request gets something else than what it asked for."""

from collections.abc import Iterable


class HTTPError(Exception):
    """The request ends here, with this status.

    *message* becomes the reply's ``X-HCP-ErrorMessage`` where HCP sends one; *headers* go with it.
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
