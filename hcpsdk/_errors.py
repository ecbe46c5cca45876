"""The exceptions of the library: one tree, rooted in `HcpsdkError`."""

__all__ = [
    "HcpsdkCertificateError",
    "HcpsdkError",
    "HcpsdkReplicaInitError",
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
