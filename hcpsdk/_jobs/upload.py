"""One object stored, and compared with what HCP says of it.

Imports `digest`, `files`, `object_head`, the Connection and what is below it; `transfer` and
`worker` import it.
"""

from collections.abc import Mapping

from hcpsdk._connection import Connection
from hcpsdk._errors import NotYetError
from hcpsdk._jobs.digest import new_digest
from hcpsdk._jobs.files import Source, VerificationError
from hcpsdk._jobs.object_head import check_is_object, hash_of, version_id
from hcpsdk._request.content import Content
from hcpsdk._request.headers import FixedHeaders, Headers
from hcpsdk._request.url import Params
from hcpsdk._transport.response import StrictResponse

# Without versions HCP responds 409 to a name that exists; with versions this makes it 412, so that
# a retry makes no second version.
NEW_OBJECT = FixedHeaders({"If-None-Match": "*"})

# Size, hash, version, attempts, and whether the object was there.
Stored = tuple[int, str, int | None, int, bool]


def store_bytes(
    connection: Connection,
    data: bytes,
    url: str,
    params: Params | None = None,
    new_version: bool = False,
) -> Stored:
    """Store the content of a small file."""
    headers = None if new_version else NEW_OBJECT
    response, attempts, was_there = _put(connection, data, url, params, headers)
    reported = _reported_hash(response, url)
    if was_there:
        _compare_sizes(response, url, len(data))
    scheme, _, digits = reported.partition(" ")
    found = new_digest(scheme, data).hexdigest().upper()
    if found != digits:
        _compare_hashes(reported, url, f"{scheme} {found}")
        reported = reported.upper()
    return len(data), reported, version_id(response), attempts, was_there


def store_source(
    connection: Connection, source: Source, url: str, params: Params | None, new_version: bool
) -> Stored:
    """Store a file of any size."""
    headers: Mapping[str, str] = source.headers
    if not new_version:
        headers = {**headers, **NEW_OBJECT} if headers else NEW_OBJECT
    response, attempts, was_there = _put(connection, source, url, params, headers or None)
    size, found = verify_source(response, url, source, was_there)
    return size, found, version_id(response), attempts, was_there


def _put(
    connection: Connection, body: Content, url: str, params: Params | None, headers: Headers | None
) -> tuple[StrictResponse, int, bool]:
    """The response that describes the object, the attempts, and whether it was there."""
    response = connection.PUT(url, body, params, headers)
    attempts = connection.attempts
    status = response.status
    if status == 201:
        return response, attempts, False
    if status not in (409, 412):
        connection.raise_for_status(201)
    response = connection.HEAD(url)
    if response.status == 404:
        # Another request is storing it at this moment, or it was deleted meanwhile.
        raise NotYetError(f"{status} - refused, but there is no such object yet")
    connection.raise_for_status(200)
    check_is_object(response, url)
    return response, attempts + connection.attempts, True


def verify_source(
    response: StrictResponse, url: str, source: Source, has_size: bool
) -> tuple[int, str]:
    """Size and hash of *source*, compared with what *response* says of the object."""
    reported = _reported_hash(response, url)
    if has_size and source.size is not None:
        _compare_sizes(response, url, source.size)
    count, found = source.finish(reported)
    _compare_hashes(reported, url, found)
    return count, found


def _reported_hash(response: StrictResponse, url: str) -> str:
    reported = hash_of(response)
    if reported is None:
        raise VerificationError(f"{url}: HCP reports no hash of the object to compare with")
    return reported


def _compare_sizes(response: StrictResponse, url: str, size: int) -> None:
    reported = response.getheader("X-HCP-Size")
    if reported is not None and reported != str(size):
        raise VerificationError(
            f"{url}: the object has another content: it has {reported[:20]} bytes, "
            f"the file has {size}"
        )


def _compare_hashes(reported: str, url: str, found: str) -> None:
    if found != reported.upper():
        raise VerificationError(
            f"{url}: the object has another content: HCP has {reported[:200]}, the file has {found}"
        )
