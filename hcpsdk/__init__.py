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

# As typing.TYPE_CHECKING: true for those who check types. Nothing is imported before its first
# use, `typing` included: a program that may need HCP starts as fast as one that never will.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from hcpsdk import bulk, ips, listing, mapi, namespace, pathbuilder, transfer
    from hcpsdk._auth import BaseAuthorization, NativeAuthorization
    from hcpsdk._connection import Connection
    from hcpsdk._constants import (
        I_NATIVE,
        RS_READ_ALLOWED,
        RS_READ_ON_FAILOVER,
        RS_WRITE_ALLOWED,
        RS_WRITE_ON_FAILOVER,
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
    "bulk",
    "ips",
    "listing",
    "mapi",
    "namespace",
    "pathbuilder",
    "transfer",
    "version",
]

_MODULES = ("bulk", "ips", "listing", "mapi", "namespace", "pathbuilder", "transfer")
_HOMES = {
    "_auth": ("BaseAuthorization", "NativeAuthorization"),
    "_connection": ("Connection",),
    "_constants": (
        "I_NATIVE",
        "RS_READ_ALLOWED",
        "RS_READ_ON_FAILOVER",
        "RS_WRITE_ALLOWED",
        "RS_WRITE_ON_FAILOVER",
    ),
    "_errors": (
        "HcpsdkCertificateError",
        "HcpsdkError",
        "HcpsdkReplicaInitError",
        "HcpsdkTimeoutError",
    ),
    "_target": ("Target",),
    "_url": ("Quoted",),
}

logging.getLogger("hcpsdk").addHandler(logging.NullHandler())


def version() -> str:
    """The full version of the library, ``"0.9.1-1"``. [4.1]"""
    from hcpsdk._constants import VERSION

    return VERSION


def __getattr__(name: str) -> object:
    """Import what is asked for, once (PEP 562)."""
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"hcpsdk.{name}")
    for home, names in _HOMES.items():
        if name in names:
            found = getattr(import_module(f"hcpsdk.{home}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module 'hcpsdk' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
