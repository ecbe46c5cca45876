"""The list of an object's versions, ``version=list``.

docs/hcp/namespace.rst, sections 12.1 and 12.2.
"""

from .._http.compression import body, framing, wants_gzip
from .._http.errors import HTTPError
from .._http.messages import Reply
from .._http.paths import readable_url, url
from .._http.responses import flag, response
from .._store.objects import DeleteMarker
from .._xml import DECLARATION
from .call import Call
from .listing import entry, lines

_HEAD = f"""{DECLARATION}
<?xml-stylesheet type="text/xsl" href="/static/xsl/ns-versions.xsl"?>
<versions xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:noNamespaceSchemaLocation="/static/xsd/ns-versions.xsd"
"""


def listed(call: Call, *, show_deleted: bool) -> Reply:
    """All versions, the newest first, as in the sample of HCP's developer guide.

    Refused with 400 where versioning is off, and with 404 for an object that is deleted unless
    *show_deleted*.
    """
    if not call.namespace.versioning_enabled:
        raise HTTPError(400, "the namespace has no versions")
    versions = call.store.versions(call.path)
    is_deleted = not versions or isinstance(versions[-1], DeleteMarker)
    if not versions or call.means_directory or (is_deleted and not show_deleted):
        raise HTTPError(404)
    about = [
        ("path", url(call.path)),
        ("utf8Path", readable_url(call.path)),
        ("parentDir", url(call.path[:-1])),
        ("utf8ParentDir", readable_url(call.path[:-1])),
        ("deleted", flag(is_deleted)),
        ("showDeleted", flag(show_deleted)),
        ("namespaceName", call.namespace.name),
        ("utf8NamespaceName", call.namespace.name),
    ]
    entries = "".join(entry(call.path[-1], each) for each in reversed(versions))
    data = f"{_HEAD}{lines(about)}>\n{entries}</versions>\n".encode()
    gzip = wants_gzip(call.request)
    headers = call.responses.information(framing(len(data), gzip))
    return response(200, headers, body(data, gzip))
