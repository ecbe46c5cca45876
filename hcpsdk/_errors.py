"""The exceptions of the library: one tree, rooted in `HcpsdkError`."""

from __future__ import annotations

import re
from types import TracebackType

from hcpsdk._handlers import raise_if_from_handler

__all__ = [
    "HcpsdkCantConnectError",
    "HcpsdkCertificateError",
    "HcpsdkConnectTimeoutError",
    "HcpsdkError",
    "HcpsdkPortError",
    "HcpsdkReplicaInitError",
    "HcpsdkStatusError",
    "HcpsdkTimeoutError",
]


class HcpsdkError(Exception):
    """Something outside the calling program failed.

    The object that raised it can be used again at once. ``__cause__`` is the exception that caused
    it, if there is one.

    Args:
        reason: What happened. Anything except a ``str``, such as an exception, is converted to one.
    """

    __module__ = "hcpsdk"

    def __init__(self, reason: object) -> None:
        super().__init__(str(reason))

    @property
    def reason(self) -> str:
        """What happened, the same text as ``str()`` of the exception."""
        return str(self.args[0])


class HcpsdkTimeoutError(HcpsdkError):
    """A timeout expired: while connecting, in the TLS handshake, sending, or receiving.

    HCP may have processed the request, unless `Connection.attempts` is 0.
    """

    __module__ = "hcpsdk"


class HcpsdkCertificateError(HcpsdkError):
    """The verification of HCP's certificate failed; nothing was sent.

    The reason is OpenSSL's own: ``[SSL: CERTIFICATE_VERIFY_FAILED] …``.
    """

    __module__ = "hcpsdk"


class HcpsdkReplicaInitError(HcpsdkError):
    """The Target of the replica could not be created, so the primary's was not created either.

    Usually its name could not be resolved. Retry later, or without ``replica_fqdn``.
    """

    __module__ = "hcpsdk"


class HcpsdkCantConnectError(HcpsdkError):
    """No node could be connected to; nothing was sent.

    If that took too long, it is an `HcpsdkConnectTimeoutError`.
    """

    __module__ = "hcpsdk"


class HcpsdkConnectTimeoutError(HcpsdkCantConnectError, HcpsdkTimeoutError):
    """No node could be connected to in time; nothing was sent."""

    __module__ = "hcpsdk"


class HcpsdkStatusError(HcpsdkError):
    """The response has an unexpected status; the text starts with it.

    Args:
        reason: The status, and what is known about it: ``"403 - Forbidden (…)"``.
    """

    __module__ = "hcpsdk"

    @property
    def status(self) -> int:
        """The HTTP status; 0 if the text does not start with one."""
        status = self.reason.partition(" ")[0]
        return int(status) if re.fullmatch("[0-9]{3}", status) else 0


class NotYetError(HcpsdkStatusError):
    """HCP cannot do it now, because something else is going on with the object; try later."""


class HcpsdkPortError(HcpsdkError, ValueError):
    """The Target has another port than the one needed; nothing was sent. See `checkport()`."""

    __module__ = "hcpsdk"


class first_use:  # a function for its user, as `contextlib.suppress`
    """Around an import of what most programs do not need: if it fails, that is an `HcpsdkError`.

    No file descriptor is left, for example; or this is a signal handler, which came in the middle
    of that very import.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _type: object, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if isinstance(error, (ImportError, OSError)):
            raise_if_from_handler(error)
            raise HcpsdkError(f"what is needed now cannot be imported: {error}") from error
