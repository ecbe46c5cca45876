"""Access to HCP's management API (MAPI).

Each class is in a separate file of this package. They need a `Target` made with the name of the
system or of a tenant (``"admin.hcp.example.com"``), and with port 9090.
"""

from hcpsdk.mapi._chargeback import Chargeback, ChargebackError
from hcpsdk.mapi._logs import Logs, LogsError, LogsInProgessError, LogsNotReadyError
from hcpsdk.mapi._replication import Replication, ReplicationSettingsError
from hcpsdk.mapi._resource import Resource
from hcpsdk.mapi._tenants import Tenant, TenantError, listtenants

__all__ = [
    "Chargeback",
    "ChargebackError",
    "Logs",
    "LogsError",
    "LogsInProgessError",
    "LogsNotReadyError",
    "Replication",
    "ReplicationSettingsError",
    "Resource",
    "Tenant",
    "TenantError",
    "listtenants",
]

# Tracebacks and pickles name what is public by its public name.
for _found in [globals()[_name] for _name in __all__]:
    if isinstance(_found, type):
        _found.__module__ = __name__
