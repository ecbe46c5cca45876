"""Buckets: namespaces. docs/hcp/s3.rst, section 4."""

import re
from dataclasses import replace

from .. import _xml
from .._http.errors import not_emulated
from .._http.messages import Reply
from .._store.namespaces import key
from ..config import Namespace
from . import payload
from .acls import refuse_acls
from .call import Bucket, Call
from .errors import S3Error
from .responses import owner, time

_NAME = re.compile(r"(?!xn--)[A-Za-z0-9-]{3,63}")


async def get_all(call: Call) -> Reply:
    """The buckets that the user owns."""
    user = _user(call)
    created = time(0)  # when a namespace was created is not recorded
    owned = [
        {"Name": each.name, "CreationDate": created}
        for each in call.namespaces.of_tenant(call.tenant)
        if each.owner == user and each.hs3_enabled
    ]
    owned.sort(key=lambda each: each["Name"])
    record = {"Owner": owner(user), "Buckets": {"Bucket": owned}}
    return call.responses.document(call.request, "ListAllMyBucketsResult", record)


async def put(call: Call) -> Reply:
    """Create a bucket: 200, also if the user owns it already."""
    refuse_acls(call)
    if call.header("x-amz-bucket-object-lock-enabled").lower() == "true":
        raise not_emulated("object lock")
    user = _user(call)
    await payload.document(call.request, call.sender)
    found = call.find_bucket()
    if found is None and not _NAME.fullmatch(call.bucket_name):
        raise S3Error(400, "InvalidBucketName")
    if call.user is None or not call.user.manages_namespaces:
        raise S3Error(403, "AccessDenied", "the user may not create buckets")
    if found is not None and found.owner != user:
        raise S3Error(409, "BucketAlreadyExists")
    if found is None:
        call.namespaces.add(
            Namespace(call.bucket_name, call.tenant, owner=user, acls="ENFORCED", hs3_enabled=True)
        )
    return call.responses.done(200, [("Location", f"/{call.bucket_name}")])


async def head(call: Call) -> Reply:
    """Whether it is there, and the user has access."""
    call.bucket().needs("browse")
    return call.responses.done(200, [])


async def delete(call: Call) -> Reply:
    """Delete an empty bucket, which the user owns: 204."""
    bucket = _owned(call)
    is_used = any(True for _ in bucket.store.walk()) or any(True for _ in bucket.store.old_versions)
    if is_used or call.uploads.of(key(bucket.namespace)):
        raise S3Error(409, "BucketNotEmpty")
    if call.replication.covers(key(bucket.namespace)):
        raise not_emulated("the deletion of a bucket that is replicated")
    call.namespaces.remove(bucket.namespace)
    return call.responses.done(204, [])


async def get_versioning(call: Call) -> Reply:
    """Whether versions are kept."""
    bucket = call.bucket()
    bucket.needs("browse")
    record = {"Status": "Enabled"} if bucket.namespace.versioning_enabled else {}
    return call.responses.document(call.request, "VersioningConfiguration", record)


async def put_versioning(call: Call) -> Reply:
    """Keep versions, or stop that."""
    bucket = _owned(call)
    data = await payload.document(call.request, call.sender)
    try:
        status = _xml.read("VersioningConfiguration", data).get("Status")
    except _xml.Malformed as error:
        raise S3Error(400, "MalformedXML", str(error)) from error
    if status not in ("Enabled", "Suspended"):
        raise S3Error(400, "MalformedXML", "Status is neither Enabled nor Suspended")
    call.namespaces.change(replace(bucket.namespace, versioning_enabled=status == "Enabled"))
    return call.responses.done(200, [])


def _user(call: Call) -> str:
    """The name of the user; 403 for anonymous ones."""
    if call.user is None:
        raise S3Error(403, "AccessDenied", "anonymous users have no buckets")
    return call.user.name


def _owned(call: Call) -> Bucket:
    bucket = call.bucket(writes=True)
    if bucket.namespace.owner != _user(call):
        raise S3Error(403, "AccessDenied", "the user does not own the bucket")
    return bucket
