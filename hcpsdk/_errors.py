"""The exceptions of the library: one tree, rooted in `HcpsdkError`."""

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
    """Something outside the calling program went wrong.

    After it the object that raised it may be used again at once. Where another exception lies
    under it, ``__cause__`` holds that one.

    Args:
        reason: What happened. Anything but a ``str`` (an exception, say) is turned into one.
    """

    __module__ = "hcpsdk"

    def __init__(self, reason: object) -> None:
        super().__init__(str(reason))

    @property
    def reason(self) -> str:
        """What happened, the same text as ``str()`` of the exception."""
        return str(self.args[0])


class HcpsdkTimeoutError(HcpsdkError):
    """A time limit passed: while connecting, in the TLS handshake, sending, or receiving.

    HCP may have acted all the same; `Connection.attempts` is 0 only if it never saw the request.
    """

    __module__ = "hcpsdk"


class HcpsdkCertificateError(HcpsdkError):
    """The certificate that HCP presented does not verify; nothing was sent.

    The reason is OpenSSL's own: ``[SSL: CERTIFICATE_VERIFY_FAILED] …``.
    """

    __module__ = "hcpsdk"


class HcpsdkReplicaInitError(HcpsdkError):
    """The Target of the replica could not be made, so the primary's was not made either.

    Most often its name could not be resolved; try again later, or without ``replica_fqdn``.
    """

    __module__ = "hcpsdk"


class HcpsdkCantConnectError(HcpsdkError):
    """No node could be connected to; nothing was sent.

    Where that took too long, it is a `HcpsdkConnectTimeoutError`.
    """

    __module__ = "hcpsdk"


class HcpsdkConnectTimeoutError(HcpsdkCantConnectError, HcpsdkTimeoutError):
    """No node could be connected to in time; nothing was sent."""

    __module__ = "hcpsdk"


class HcpsdkStatusError(HcpsdkError):
    """The response has a status that was not wanted; the text starts with it.

    Args:
        reason: The status, and what is known about it: ``"403 - Forbidden (…)"``.
    """

    __module__ = "hcpsdk"

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.reason.partition(" ")[0])


class HcpsdkPortError(HcpsdkError, ValueError):
    """The Target has another port than the one needed; nothing was sent. See `checkport()`."""

    __module__ = "hcpsdk"
