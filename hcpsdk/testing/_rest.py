"""The namespaces of an emulated HCP: native REST under /rest, information under /proc.

What happens to a request, in this order: which namespace (`System`), may the caller enter
(`_access`), which name (`_paths`), which parameters (`_parameters`), which operation. Operations
are functions of a `Call` in files of their own; a new one is a file and a line in `OPERATIONS`.
"""

import pathlib
import time
from collections.abc import Awaitable, Callable

from . import _annotations, _changes, _downloads, _parameters, _paths, _proc, _uploads, _whole
from ._access import Caller, caller
from ._call import Call
from ._messages import BodyCut, Reply, Request
from ._objects import ChangeRefused
from ._refusals import Refused, not_emulated
from ._replication import Replication
from ._replies import Replies
from ._retention import RetentionError
from ._store import (
    BadAnnotation,
    BeingWritten,
    Forgotten,
    Missing,
    NameTaken,
    NoAnnotation,
    Protected,
    Store,
    TooLarge,
    TooManyAnnotations,
)
from ._system import Namespace, System

Operation = Callable[[Call], Awaitable[Reply]]

# By method and the parameter "type".
OPERATIONS: dict[tuple[str, str | None], Operation] = {
    ("PUT", None): _uploads.put_object,
    ("PUT", "directory"): _uploads.put_directory,
    ("GET", None): _downloads.get,
    ("HEAD", None): _downloads.head,
    ("POST", None): _changes.post,
    ("DELETE", None): _changes.delete,
    ("PUT", "custom-metadata"): _annotations.put,
    ("GET", "custom-metadata"): _annotations.get,
    ("HEAD", "custom-metadata"): _annotations.head,
    ("DELETE", "custom-metadata"): _annotations.delete,
    ("GET", "custom-metadata-info"): _annotations.get_info,
    ("PUT", "whole-object"): _whole.put,
    ("GET", "whole-object"): _whole.get,
}
TYPES_NOT_EMULATED = frozenset(["acl"])
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
READING = ("GET", "HEAD")

# What the store's and the retention's rules say, as HTTP says it (namespace.md, section 20).
STATUSES: dict[type[Exception], int] = {
    _paths.BadName: 400,
    _paths.PathTooLong: 414,
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


class Rest:
    """The namespaces of *system*, empty at first.

    Large objects are kept as files in *scratch*; *now* tells the time in seconds since the epoch.
    All calls belong into one event loop.
    """

    def __init__(
        self, system: System, scratch: pathlib.Path, now: Callable[[], float] = time.time
    ) -> None:
        self._system = system
        self._replies = Replies(system, now)
        self._stores = {
            _key(namespace): Store(namespace, scratch, lambda: int(now() * 1000))
            for namespace in system.namespaces
        }
        self.replication = Replication(system, self._stores)

    def reset(self) -> None:
        """Forget all objects and directories; uploads that are running come to nothing."""
        for store in self._stores.values():
            store.clear()

    async def answer(self, request: Request) -> Reply:
        """The reply to *request*; its body is left unread where the head is reason to refuse."""
        try:
            namespace, asking = self._entered(request)
            if _proc.is_inquiry(request.target):
                return _proc.answer(self._inquiry(request, namespace, asking), self._replies)
            call = self._call(request, namespace, asking)
            self._refuse_read_only(call)
            return await _operation(call)(call)
        except Refused as refusal:
            return self._replies.refused(refusal)
        except BodyCut:
            return self._replies.refused(Refused(503, "the body ended before its announced length"))
        except tuple(STATUSES) as exc:
            return self._replies.refused(Refused(STATUSES[type(exc)], str(exc)))

    def _entered(self, request: Request) -> tuple[Namespace, Caller]:
        """Which namespace *request* is for, and who asks; refused at the door of either."""
        namespace = self._system.namespace(request.host)
        if namespace is None and not _proc.is_inquiry(request.target):
            # namespace.md, section 23: /proc is never taken over
            namespace = self.replication.namespace_taken_over(request.host)
        if namespace is None:
            raise Refused(403, f"no such namespace: {request.host}")
        enabled = namespace.http_enabled if request.scheme == "http" else namespace.https_enabled
        if not enabled:
            raise Refused(403, f"{request.scheme} is disabled for the namespace")
        return namespace, caller(request, self._system, namespace)

    def _inquiry(self, request: Request, namespace: Namespace, asking: Caller) -> _proc.Inquiry:
        url_path, _, query = request.target.partition("?")
        parameters = _parameters.from_query(query)
        store = self._stores[_key(namespace)]
        return _proc.Inquiry(request, url_path, parameters, self._system, namespace, store, asking)

    def _call(self, request: Request, namespace: Namespace, asking: Caller) -> Call:
        """*request* as a `Call`; refused if it is not for /rest."""
        if request.method not in METHODS:
            raise Refused(405, headers=[("Allow", ", ".join(METHODS))])
        url_path, _, query = request.target.partition("?")
        if url_path != "/rest" and not url_path.startswith("/rest/"):
            raise Refused(404)
        path, means_directory = _paths.parsed(url_path)
        return Call(
            request,
            self._system,
            namespace,
            self._stores[_key(namespace)],
            self._replies,
            asking,
            path,
            means_directory,
            _parameters.from_query(query),
        )

    def _refuse_read_only(self, call: Call) -> None:
        """Refuse writing into the replica of an active/passive link (section 23)."""
        if call.request.method not in READING:
            why = self.replication.read_only_because(_key(call.namespace))
            if why is not None:
                raise Refused(403, why)


def _key(namespace: Namespace) -> tuple[str, str]:
    return namespace.name, namespace.tenant


def _operation(call: Call) -> Operation:
    """What *call* asks for."""
    method, kind = call.request.method, call.parameters.text("type")
    operation = OPERATIONS.get((method, kind))
    if operation is not None:
        return operation
    if kind in TYPES_NOT_EMULATED:
        raise not_emulated(f"type={kind}")
    raise Refused(400, f"bad value for type: {kind}")
