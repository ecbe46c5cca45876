"""What requests say about access control, which is not emulated. docs/hcp/s3.rst, section 6."""

from .._http.errors import not_emulated
from .call import Call
from .errors import S3Error


def refuse_acls(call: Call) -> None:
    """501 for any access control list but that of the owner alone, the default."""
    canned = call.header("x-amz-acl")
    grants = [name for name, _ in call.request.headers if name.lower().startswith("x-amz-grant-")]
    if canned and grants:
        raise S3Error(400, "InvalidRequest", "x-amz-acl and x-amz-grant-* exclude each other")
    if canned not in ("", "private"):
        raise not_emulated(f"x-amz-acl: {canned}")
    if grants:
        raise not_emulated(f"the header {grants[0]}")
