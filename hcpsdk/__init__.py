"""Client library for the Hitachi Content Platform (HCP).

A `Target` is one HCP (or one namespace of it), a `Connection` sends requests to it::

    import hcpsdk

    auth = hcpsdk.NativeAuthorization("n", "n01")
    target = hcpsdk.Target("n1.m.hcp1.snomis.local", auth, port=443)
    with hcpsdk.Connection(target) as connection:
        connection.PUT("/rest/hcpsdk/test1.txt", body="This is an example")
        print(connection.response_status, connection.getheader("X-HCP-Hash"))

Numbers in brackets in the docstrings are sections of the manual of release 0.9.1-1.
"""

import logging

from hcpsdk import ips, mapi, namespace, pathbuilder
from hcpsdk._auth import BaseAuthorization, NativeAuthorization
from hcpsdk._connection import Connection
from hcpsdk._constants import (
    I_NATIVE,
    RS_READ_ALLOWED,
    RS_READ_ON_FAILOVER,
    RS_WRITE_ALLOWED,
    RS_WRITE_ON_FAILOVER,
    VERSION,
)
from hcpsdk._errors import (
    HcpsdkCertificateError,
    HcpsdkError,
    HcpsdkReplicaInitError,
    HcpsdkTimeoutError,
)
from hcpsdk._target import Target
from hcpsdk._url import Quoted

__all__ = [
    "I_NATIVE",
    "RS_READ_ALLOWED",
    "RS_READ_ON_FAILOVER",
    "RS_WRITE_ALLOWED",
    "RS_WRITE_ON_FAILOVER",
    "BaseAuthorization",
    "Connection",
    "HcpsdkCertificateError",
    "HcpsdkError",
    "HcpsdkReplicaInitError",
    "HcpsdkTimeoutError",
    "NativeAuthorization",
    "Quoted",
    "Target",
    "ips",
    "mapi",
    "namespace",
    "pathbuilder",
    "version",
]

logging.getLogger("hcpsdk").addHandler(logging.NullHandler())


def version() -> str:
    """The full version of the library, ``"0.9.1-1"``. [4.1]"""
    return VERSION


# Tracebacks and pickles name what is public by its public name.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = "hcpsdk"
