"""Names and numbers that the whole library shares."""

__all__ = [
    "I_HS3",
    "I_HSWIFT",
    "I_NATIVE",
    "P_HTTP",
    "P_HTTPS",
    "P_MAPI",
    "P_MGMT",
    "P_SEARCH",
    "RS_READ_ALLOWED",
    "RS_READ_ON_FAILOVER",
    "RS_WRITE_ALLOWED",
    "RS_WRITE_ON_FAILOVER",
]

VERSION = "0.9.1-1"

# Interface dialects (contract 11.1).
I_NATIVE = "I_NATIVE"
I_HS3 = "I_HS3"
I_HSWIFT = "I_HSWIFT"
INTERFACES = (I_NATIVE, I_HS3, I_HSWIFT)

# Replica strategies, to be ORed (manual, section 4.2; values: contract 1.3).
RS_READ_ALLOWED = 1
RS_READ_ON_FAILOVER = 2
RS_WRITE_ALLOWED = 4
RS_WRITE_ON_FAILOVER = 8
RS_ALL = RS_READ_ALLOWED | RS_READ_ON_FAILOVER | RS_WRITE_ALLOWED | RS_WRITE_ON_FAILOVER

# HCP's ports: namespaces, system console, search console, management API.
P_HTTP = 80
P_HTTPS = 443
P_MGMT = 8000
P_SEARCH = 8888
P_MAPI = 9090

# Ports on which HCP speaks TLS: namespaces, system console, management (contract 2.7).
TLS_PORTS = frozenset({P_HTTPS, P_MGMT, P_MAPI})
