"""Deletion of many objects by one request. docs/hcp/s3.rst, section 6."""

from urllib.parse import quote

from .. import _xml
from .._http.errors import HTTPError
from .._http.messages import Reply
from .._http.paths import parsed
from .._http.percent import BadName
from .._store.errors import StoreError
from .._xml import Record
from . import payload
from .call import Bucket, Call
from .errors import S3Error, code_of
from .objects import remove
from .responses import text

MAX_OBJECTS = 1000


async def post(call: Call) -> Reply:
    """Delete the objects that the body lists: 200, with what became of each."""
    bucket = call.bucket(writes=True)
    payload.check_head(call.request, call.sender)
    if call.request.header("Content-MD5") is None:
        raise S3Error(
            400, "InvalidRequest", "Missing required header for this request: Content-MD5"
        )
    data = await payload.document(call.request, call.sender)
    try:
        record = _xml.read("Delete", data, keeps_blanks=True)
    except _xml.Malformed as error:
        raise S3Error(400, "MalformedXML", str(error)) from error
    wanted = record.get("Object", [])
    objects = wanted if isinstance(wanted, list) else [wanted]
    if not 0 < len(objects) <= MAX_OBJECTS or not all(_is_object(each) for each in objects):
        raise S3Error(400, "MalformedXML", "no list of objects")
    is_quiet = str(record.get("Quiet", "")).strip().lower() == "true"
    deleted: list[Record] = []
    failed: list[Record] = []
    for each in objects:
        result = _deleted(bucket, each)
        (failed if "Code" in result else deleted).append(result)
    result = {"Deleted": [] if is_quiet else deleted, "Error": failed}
    return call.responses.document(call.request, "DeleteResult", result)


def _is_object(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("Key"), str) and bool(value["Key"])


def _deleted(bucket: Bucket, wanted: Record) -> Record:
    key = wanted["Key"]
    shown: Record = {"Key": text(key)}
    try:
        if "VersionId" in wanted:
            raise S3Error(501, "NotImplemented", "versions cannot be deleted by this request")
        path, means_folder = parsed(f"/rest/{quote(key)}")
        bucket.needs("delete", bucket.store.find(path))
        marker = remove(bucket, path, means_folder)
    except HTTPError as error:
        return {**shown, "Code": code_of(error), "Message": text(error.message)}
    except (StoreError, BadName, ValueError) as error:
        return {**shown, "Code": "OperationAborted", "Message": text(str(error))}
    if marker is None:
        return shown
    return {**shown, "DeleteMarker": True, "DeleteMarkerVersionId": "Not Implemented"}
