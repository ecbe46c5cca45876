"""Access to HCP's management API (MAPI). [9]

So far only the exception is here; the methods come with the next release of this library.
"""

from hcpsdk._errors import HcpsdkError

__all__ = ["ReplicationSettingsError"]


class ReplicationSettingsError(HcpsdkError):
    """An action is not allowed for the type of a replication link. [9.2]"""
