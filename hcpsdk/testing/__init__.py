"""An HCP on your own machine, for trying things out and for tests.

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

It is a real server on real sockets: four nodes on loopback addresses of their own, a name server
for its domain, certificates made at each start. Inside the ``with`` block this process reaches it
by its public names and ports. No other process sees anything of it; for these there is
``python3 -m hcpsdk.testing serve``, and for a script as it stands,
``python3 -m hcpsdk.testing run SCRIPT``.

Needs the packages that ``pip install '.[testing]'`` brings, in a clone of hcpsdk.
"""

try:
    import h11 as _h11  # noqa: F401
    import trustme as _trustme  # noqa: F401
except ImportError as missing:
    raise ImportError(
        f"hcpsdk.testing needs the package {missing.name!r}, which comes with the extra "
        "'testing': pip install '.[testing]' in a clone of hcpsdk"
    ) from missing

from ._hcp import HCP, EmulatorBug, link
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
]
