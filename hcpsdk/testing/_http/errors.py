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
    """The refusal of something that a real HCP knows and this one does not."""
    return HTTPError(400, f"the emulator does not know {what}")
