"""HS3: what needs more than one request to be safe, multipart uploads and complete lists.

Everything else is one request of a `Connection` to a Target with the interface ``I_HS3``. Who wants
an object model takes boto3: the docs show how.
"""

from hcpsdk.s3._lists import Entry, list_objects
from hcpsdk.s3._requests import S3StatusError
from hcpsdk.s3._upload import Uploaded, UploadError, upload_file

__all__ = ["Entry", "S3StatusError", "UploadError", "Uploaded", "list_objects", "upload_file"]

# Tracebacks and pickles name what is public by its public name.
for _found in (Entry, S3StatusError, UploadError, Uploaded):
    _found.__module__ = __name__
