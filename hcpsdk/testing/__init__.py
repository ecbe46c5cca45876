"""An emulated HCP on this machine, for experiments and tests.

>>> import http.client, ssl
>>> from hcpsdk.testing import HCP
>>> with HCP() as hcp:
...     user = hcp.users[0]
...     context = ssl.create_default_context(cafile=hcp.ca_file)
...     node = http.client.HTTPSConnection("n1.m.hcp1.snomis.local", context=context)
...     node.request("PUT", "/rest/hello", b"world", {"Authorization": f"HCP {user.token}"})
...     print(node.getresponse().status)
...     node.close()
201

It is a real server on real sockets, with four nodes on loopback addresses, a name server for its
domain, and new certificates at each start. Inside the ``with`` block this process reaches it by its
public names and ports. Other processes can use ``python3 -m hcpsdk.testing serve``, unchanged
scripts ``python3 -m hcpsdk.testing run SCRIPT``.

Needs the packages of ``pip install '.[testing]'``, in a clone of hcpsdk. Imports nothing of hcpsdk.

Packages, from top to bottom: ``_mapi``, ``_rest``, ``_s3`` and ``_swift`` (interfaces),
``_replication``, ``_store``, ``_server``, ``_http``; ``_services`` is the only module that knows
all services.
"""

try:
    import h11 as _h11  # noqa: F401
    import trustme as _trustme  # noqa: F401
except ImportError as missing:
    raise ImportError(
        f"hcpsdk.testing needs the package {missing.name!r}, which comes with the extra "
        "'testing': pip install '.[testing]' in a clone of hcpsdk"
    ) from missing

from ._hcp import HCP, EmulatorBug, link, running
from ._http.messages import BodyCut, Reply, Request, Site
from ._http.request_log import Received
from ._replication.link import Link
from ._server.dns import Lookup, NameServer
from ._server.listener import StartError
from ._server.node import Node
from .config import Namespace, RetentionClass, System, User
from .faults import (
    Answer,
    Blackhole,
    DnsAnswers,
    DnsFails,
    DnsSilent,
    Fault,
    Garbage,
    HangUp,
    Refuse,
    Reset,
    Stall,
)

__all__ = [
    "HCP",
    "Answer",
    "Blackhole",
    "BodyCut",
    "DnsAnswers",
    "DnsFails",
    "DnsSilent",
    "EmulatorBug",
    "Fault",
    "Garbage",
    "HangUp",
    "Link",
    "Lookup",
    "NameServer",
    "Namespace",
    "Node",
    "Received",
    "Refuse",
    "Reply",
    "Request",
    "Reset",
    "RetentionClass",
    "Site",
    "Stall",
    "StartError",
    "System",
    "User",
    "link",
    "running",
]
