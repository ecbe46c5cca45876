"""Access to HCP's management API (MAPI).

Each of its resources is a class in a separate file of this package. They need a `Target` made
with the name of the system or of a tenant (``"admin.hcp.example.com"``), and with port 9090.
"""

from hcpsdk.mapi._replication import Replication, ReplicationSettingsError

__all__ = ["Replication", "ReplicationSettingsError"]

# Tracebacks and pickles name what is public by its public name.
Replication.__module__ = ReplicationSettingsError.__module__ = __name__
