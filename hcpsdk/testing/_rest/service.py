"""The namespaces: native REST under ``/rest``, information under ``/proc``.

A request passes these steps: namespace (`System`), access (`access`), name (`paths`), parameters
(`parameters`), operation. Operations are functions of a `Call`. Imports the files with operations,
which are added to `OPERATIONS` here.
"""

import time
from collections.abc import Awaitable, Callable, Mapping

from .._http.access import Caller, caller
from .._http.errors import HTTPError, not_emulated
from .._http.messages import BodyCut, Reply, Request
from .._http.paths import PathTooLong, parsed
from .._http.percent import BadName
from .._replication.service import Replication
from .._store.errors import (
    BadAnnotation,
    BeingWritten,
    Forgotten,
    Missing,
    NameTaken,
    NoAnnotation,
    Protected,
    TooLarge,
    TooManyAnnotations,
)
from .._store.objects import ChangeRefused, Path
from .._store.retention import RetentionError
from .._store.store import Store
from ..config import Namespace, System
from . import acls, annotations, get, metadata, proc, put, whole_object
from .call import Call
from .parameters import from_query
from .responses import RestResponses

Operation = Callable[[Call], Awaitable[Reply]]

# By method and the parameter "type".
OPERATIONS: dict[tuple[str, str | None], Operation] = {
    ("PUT", None): put.put_object,
    ("PUT", "directory"): put.put_directory,
    ("GET", None): get.get,
    ("HEAD", None): get.head,
    ("POST", None): metadata.post,
    ("DELETE", None): metadata.delete,
    ("PUT", "custom-metadata"): annotations.put,
    ("GET", "custom-metadata"): annotations.get,
    ("HEAD", "custom-metadata"): annotations.head,
    ("DELETE", "custom-metadata"): annotations.delete,
    ("GET", "custom-metadata-info"): annotations.get_info,
    ("PUT", "whole-object"): whole_object.put,
    ("GET", "whole-object"): whole_object.get,
    ("PUT", "acl"): acls.put,
    ("GET", "acl"): acls.get,
    ("HEAD", "acl"): acls.head,
    ("DELETE", "acl"): acls.delete,
}
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
READING = ("GET", "HEAD")

# The status for each rule that the store enforces (docs/hcp/namespace.rst, section 20).
STATUSES: dict[type[Exception], int] = {
    BadName: 400,
    PathTooLong: 414,
    ChangeRefused: 400,
    RetentionError: 400,
    NameTaken: 409,
    BeingWritten: 409,
    Missing: 404,
    Protected: 403,
    TooLarge: 413,
    NoAnnotation: 204,
    TooManyAnnotations: 400,
    BadAnnotation: 400,
    Forgotten: 503,
}
# What an operation can raise.
FAILURES: tuple[type[Exception], ...] = (HTTPError, BodyCut, *STATUSES)


def refusal(error: Exception) -> HTTPError:
    """One of `FAILURES` as the status of the response."""
    if isinstance(error, HTTPError):
        return error
    if isinstance(error, BodyCut):
        return HTTPError(503, "the body ended before its announced length")
    return HTTPError(STATUSES[type(error)], str(error))


class RestService:
    """The namespaces of *system*, with their *stores*; *now* returns seconds since the epoch."""

    def __init__(
        self,
        system: System,
        stores: Mapping[tuple[str, str], Store],
        replication: Replication,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._system = system
        self._stores = stores
        self._replication = replication
        self._responses = RestResponses(system, now)

    async def answer(self, request: Request) -> Reply:
        """The response to *request*; its body is not read if the head is refused."""
        try:
            namespace, asking = self._entered(request)
            if proc.is_proc(request.target):
                return proc.answer(self._call(request, namespace, asking))
            call = self._call(request, namespace, asking, *_path(request))
            self._refuse_read_only(call)
            return await _operation(call)(call)
        except FAILURES as error:
            return self._responses.refused(refusal(error))

    def _entered(self, request: Request) -> tuple[Namespace, Caller]:
        """The namespace and the caller of *request*; 403 without access."""
        namespace = self._system.namespace(request.host)
        if namespace is None and not proc.is_proc(request.target):
            # docs/hcp/namespace.rst, section 23: /proc is never redirected
            namespace = self._replication.namespace_taken_over(request.host)
        if namespace is None:
            raise HTTPError(403, f"no such namespace: {request.host}")
        enabled = namespace.http_enabled if request.scheme == "http" else namespace.https_enabled
        if not enabled:
            raise HTTPError(403, f"{request.scheme} is disabled for the namespace")
        return namespace, caller(request, self._system, namespace)

    def _call(
        self,
        request: Request,
        namespace: Namespace,
        asking: Caller,
        path: Path = (),
        means_directory: bool = True,
    ) -> Call:
        return Call(
            request,
            self._system,
            namespace,
            self._stores[_key(namespace)],
            self._responses,
            asking,
            from_query(request.target.partition("?")[2]),
            path,
            means_directory,
            self._stores,
        )

    def _refuse_read_only(self, call: Call) -> None:
        """403 for writing to the replica of an active/passive link (section 23)."""
        if call.request.method not in READING:
            why = self._replication.read_only_because(_key(call.namespace))
            if why is not None:
                raise HTTPError(403, why)


def _key(namespace: Namespace) -> tuple[str, str]:
    return namespace.name, namespace.tenant


def _path(request: Request) -> tuple[Path, bool]:
    """The path under ``/rest``, and whether it means a directory."""
    url_path = request.target.partition("?")[0]
    if url_path != "/rest" and not url_path.startswith("/rest/"):
        raise HTTPError(403, "the management API is at port 9090")
    if request.method == "OPTIONS":
        raise not_emulated("OPTIONS (CORS)")
    if request.method not in METHODS:
        raise HTTPError(405, headers=[("Allow", ", ".join(METHODS))])
    return parsed(url_path)


def _operation(call: Call) -> Operation:
    """The operation that *call* requests."""
    method, kind = call.request.method, call.parameters.text("type")
    operation = OPERATIONS.get((method, kind))
    if operation is not None:
        return operation
    raise HTTPError(400, f"invalid value for type: {kind}")
