"""What the headers of a response say about an object, and the value made of it.

Imported by ``transfer``, ``upload`` and ``download``.
"""

from typing import NamedTuple

from hcpsdk._connection import Connection
from hcpsdk._jobs.files import VerificationError
from hcpsdk._transport.response import StrictResponse


class TransferResult(NamedTuple):
    """One object, transferred and verified."""

    url: str
    """The object's name, as it was given."""
    size: int
    """Bytes of the object."""
    hash: str | None
    """The hash that was compared, as HCP writes it: ``"SHA-256 47FB…"``.

    None only for a download of an object for which HCP has no hash (one that was uploaded in
    parts by S3): then only its length was compared.
    """
    version: int | None
    """HCP's id of the object's version."""
    seconds: float
    """How long all of it took."""
    attempts: int
    """How often a request was sent, wholly or in part."""
    was_there: bool
    """True if an upload found the object stored already, with the same content."""


TransferResult.__module__ = "hcpsdk.transfer"


def check_is_object(head: Connection | StrictResponse, url: str) -> None:
    kind = head.getheader("X-HCP-Type", "object")
    if kind != "object":
        raise VerificationError(f"{url} is no object but: {kind[:20]}")


def hash_of(response: StrictResponse) -> str | None:
    """The hash that HCP reports: ``"SHA-256 47FB…"``."""
    found = response.find_header(b"\r\nX-HCP-Hash: ") or response.getheader("X-HCP-Hash")
    return found or None


def version_id(response: StrictResponse) -> int | None:
    """HCP's id of the object's version."""
    text = (
        response.find_header(b"\r\nX-HCP-VersionId: ")
        or response.getheader("X-HCP-VersionId")
        or ""
    )
    return number_in(text)


def number_in(text: str) -> int | None:
    """The number of bytes, or the id, in a header; None if no object can have it."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
