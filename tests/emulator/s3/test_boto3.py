"""The S3 gateway, judged by boto3 (docs/hcp/s3.rst)."""

import base64
import hashlib
import io
import threading
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from hcpsdk.testing import HCP

from ..conftest import Http
from .conftest import boto

DATA = b"This is an example"
MD5 = '"68791e1b03badd5e4eb9287660f67745"'
MIB = 1024 * 1024
NAMES = ["a/b.txt", "blank and + plus %25", "ü/~!*'()", "日本", "a&b=c?d#e", "trailing "]


def code(caught: Any) -> tuple[int, str]:
    """Status and code of a boto3 exception."""
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


# Objects


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("version", ["s3", "s3v4"])
@pytest.mark.parametrize("name", NAMES)
def test_names(hcp: HCP, version: str, style: str, name: str) -> None:
    """Any name, with both signatures and both ways of addressing."""
    client = boto(version, style)
    assert client.put_object(Bucket="n1", Key=name, Body=DATA)["ETag"] == MD5
    found = client.get_object(Bucket="n1", Key=name)
    assert (found["Body"].read(), found["ETag"]) == (DATA, MD5)
    listed = client.list_objects_v2(Bucket="n1", Prefix=name)
    assert [each["Key"] for each in listed["Contents"]] == [name]
    client.delete_object(Bucket="n1", Key=name)
    with pytest.raises(ClientError) as caught:
        client.head_object(Bucket="n1", Key=name)
    assert code(caught)[0] == 404
    client.close()


def test_same_objects_as_rest(client: Any, http: Http) -> None:
    """What comes in through one interface goes out through the other."""
    client.put_object(Bucket="n1", Key="d/a", Body=DATA, Metadata={"Color": "red", "a": "1"})
    answer = http("GET", "/rest/d/a")
    assert (answer.body, answer["ETag"]) == (DATA, MD5)
    pairs = http("GET", "/rest/d/a?type=custom-metadata&annotation=.metapairs").body
    assert b"<meta-color><![CDATA[red]]></meta-color>" in pairs
    http("PUT", "/rest/d/b", b"other")
    assert client.get_object(Bucket="n1", Key="d/b")["Body"].read() == b"other"
    assert client.get_object(Bucket="n1", Key="d/a")["Metadata"] == {"color": "red", "a": "1"}


def test_ranges(client: Any) -> None:
    """Parts of an object; a start beyond the end is InvalidRange."""
    client.put_object(Bucket="n1", Key="a", Body=DATA)
    found = client.get_object(Bucket="n1", Key="a", Range="bytes=5-6")
    assert (found["Body"].read(), found["ContentRange"]) == (b"is", "bytes 5-6/18")
    assert client.get_object(Bucket="n1", Key="a", Range="bytes=-7")["Body"].read() == b"example"
    with pytest.raises(ClientError) as caught:
        client.get_object(Bucket="n1", Key="a", Range="bytes=18-")
    assert code(caught) == (416, "InvalidRange")


def test_conditions(client: Any) -> None:
    """ETags and dates, in GET and PUT."""
    client.put_object(Bucket="n1", Key="a", Body=DATA)
    with pytest.raises(ClientError) as caught:
        client.get_object(Bucket="n1", Key="a", IfNoneMatch=MD5)
    assert code(caught)[0] == 304
    with pytest.raises(ClientError) as caught:
        client.get_object(Bucket="n1", Key="a", IfMatch='"x"')
    assert code(caught) == (412, "PreconditionFailed")
    with pytest.raises(ClientError) as caught:
        client.put_object(Bucket="n2", Key="a", Body=DATA, IfMatch=MD5)
    assert code(caught) == (412, "PreconditionFailed")


def test_no_overwriting(client: Any) -> None:
    """Without versions a name is used once."""
    client.put_object(Bucket="n1", Key="a", Body=DATA)
    with pytest.raises(ClientError) as caught:
        client.put_object(Bucket="n1", Key="a", Body=b"other")
    assert code(caught) == (409, "OperationAborted")
    assert client.get_object(Bucket="n1", Key="a")["Body"].read() == DATA


def test_large_object(client: Any) -> None:
    """An object that is not kept in memory."""
    data = bytes(range(256)) * 16 * 1024
    client.put_object(Bucket="n1", Key="a", Body=io.BytesIO(data))
    assert client.get_object(Bucket="n1", Key="a")["Body"].read() == data


def test_overrides(client: Any) -> None:
    """Parameters of GET can replace headers."""
    client.put_object(Bucket="n1", Key="a.txt", Body=DATA)
    assert client.get_object(Bucket="n1", Key="a.txt")["ContentType"] == "text/plain"
    found = client.get_object(Bucket="n1", Key="a.txt", ResponseContentType="image/png")
    assert found["ContentType"] == "image/png"


def test_folders(client: Any) -> None:
    """Folders have an entry, but no data."""
    client.put_object(Bucket="n1", Key="f/", Body=b"")
    client.put_object(Bucket="n1", Key="f/", Body=b"")
    client.head_object(Bucket="n1", Key="f/")
    with pytest.raises(ClientError) as caught:
        client.get_object(Bucket="n1", Key="f/")
    assert code(caught) == (404, "NoSuchKey")
    client.put_object(Bucket="n1", Key="f/a", Body=DATA)
    with pytest.raises(ClientError) as caught:
        client.delete_object(Bucket="n1", Key="f/")
    assert code(caught) == (409, "OperationAborted")


def test_metadata_is_limited(client: Any) -> None:
    """2 KB in all."""
    with pytest.raises(ClientError) as caught:
        client.put_object(Bucket="n1", Key="a", Body=DATA, Metadata={"a": "x" * 2048})
    assert code(caught) == (400, "MetadataTooLarge")


def test_foreign_metadata(client: Any, http: Http) -> None:
    """An annotation that is not of the gateways is reported as missing."""
    client.put_object(Bucket="n1", Key="a", Body=DATA)
    http("PUT", "/rest/a?type=custom-metadata&annotation=.metapairs", b"<other/>")
    assert client.head_object(Bucket="n1", Key="a")["MissingMeta"] == 1


# Copies


def test_copy(client: Any) -> None:
    """With the metadata, or with others."""
    client.put_object(Bucket="n1", Key="a b", Body=DATA, Metadata={"x": "1"})
    source = {"Bucket": "n1", "Key": "a b"}
    assert (
        client.copy_object(Bucket="n2", Key="c", CopySource=source)["CopyObjectResult"]["ETag"]
        == MD5
    )
    assert client.head_object(Bucket="n2", Key="c")["Metadata"] == {"x": "1"}
    client.copy_object(
        Bucket="n1", Key="d", CopySource=source, MetadataDirective="REPLACE", Metadata={"y": "2"}
    )
    found = client.get_object(Bucket="n1", Key="d")
    assert (found["Body"].read(), found["Metadata"]) == (DATA, {"y": "2"})


def test_copy_onto_itself(client: Any) -> None:
    """It changes the metadata, even without versions."""
    client.put_object(Bucket="n1", Key="a", Body=DATA, Metadata={"x": "1"})
    source = {"Bucket": "n1", "Key": "a"}
    with pytest.raises(ClientError) as caught:
        client.copy_object(Bucket="n1", Key="a", CopySource=source)
    assert code(caught) == (400, "InvalidRequest")
    client.copy_object(
        Bucket="n1", Key="a", CopySource=source, MetadataDirective="REPLACE", Metadata={"y": "2"}
    )
    assert client.head_object(Bucket="n1", Key="a")["Metadata"] == {"y": "2"}


def test_copy_conditions(client: Any) -> None:
    """Each one that fails is 412."""
    client.put_object(Bucket="n1", Key="a", Body=DATA)
    with pytest.raises(ClientError) as caught:
        client.copy_object(Bucket="n1", Key="b", CopySource="n1/a", CopySourceIfNoneMatch=MD5)
    assert code(caught) == (412, "PreconditionFailed")
    with pytest.raises(ClientError) as caught:
        client.copy_object(Bucket="n1", Key="b", CopySource="n1/none")
    assert code(caught) == (404, "NoSuchKey")


# Versions


def test_versions(client: Any) -> None:
    """Old versions, delete markers, and the deletion of single versions."""
    first = client.put_object(Bucket="n2", Key="a", Body=b"1")["VersionId"]
    second = client.put_object(Bucket="n2", Key="a", Body=b"2")["VersionId"]
    marker = client.delete_object(Bucket="n2", Key="a")
    assert marker["DeleteMarker"] is True
    with pytest.raises(ClientError) as caught:
        client.get_object(Bucket="n2", Key="a")
    assert code(caught) == (404, "NoSuchKey")
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-delete-marker"] == "true"
    assert client.get_object(Bucket="n2", Key="a", VersionId=first)["Body"].read() == b"1"
    listed = client.list_object_versions(Bucket="n2")
    assert [each["VersionId"] for each in listed["Versions"]] == [first, second]
    (shown,) = listed["DeleteMarkers"]
    assert (shown["VersionId"], shown["IsLatest"]) == (marker["VersionId"], True)
    client.delete_object(Bucket="n2", Key="a", VersionId=marker["VersionId"])
    assert client.get_object(Bucket="n2", Key="a")["Body"].read() == b"2"


def test_versioning_of_a_bucket(client: Any) -> None:
    """The owner can turn it on and off."""
    client.create_bucket(Bucket="mine")
    assert "Status" not in client.get_bucket_versioning(Bucket="mine")
    client.put_bucket_versioning(Bucket="mine", VersioningConfiguration={"Status": "Enabled"})
    assert client.get_bucket_versioning(Bucket="mine")["Status"] == "Enabled"
    for data in (b"1", b"2"):
        client.put_object(Bucket="mine", Key="a", Body=data)
    assert len(client.list_object_versions(Bucket="mine")["Versions"]) == 2
    with pytest.raises(ClientError) as caught:
        client.put_bucket_versioning(Bucket="n1", VersioningConfiguration={"Status": "Enabled"})
    assert code(caught) == (403, "AccessDenied")


# Lists


def fill(client: Any, *names: str) -> None:
    for name in names:
        client.put_object(Bucket="n1", Key=name, Body=b"x")


@pytest.mark.parametrize("kind", ["list_objects", "list_objects_v2", "list_object_versions"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_pages(client: Any, kind: str, size: int) -> None:
    """All pages together have everything once, in order, whatever their size."""
    fill(client, "a", "b/c", "b/d", "e +%&<", "ü")
    pages = client.get_paginator(kind).paginate(Bucket="n1", PaginationConfig={"PageSize": size})
    key = "Versions" if kind == "list_object_versions" else "Contents"
    found = [each["Key"] for page in pages for each in page.get(key, [])]
    assert found == ["a", "b/", "b/c", "b/d", "e +%&<", "ü"]


@pytest.mark.parametrize("kind", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_delimiter(client: Any, kind: str, size: int) -> None:
    """What has a common prefix is one entry, on one page."""
    fill(client, "a", "b/c", "b/d", "e/f/g", "h")
    pages = client.get_paginator(kind).paginate(
        Bucket="n1", Delimiter="/", PaginationConfig={"PageSize": size}
    )
    names, prefixes = [], []
    for page in pages:
        names += [each["Key"] for each in page.get("Contents", [])]
        prefixes += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
    assert (names, prefixes) == (["a", "h"], ["b/", "e/"])


def test_prefix_and_start(client: Any) -> None:
    """Only names that start with a prefix, or come after another one."""
    fill(client, "a", "b1", "b2", "c")
    listed = client.list_objects_v2(Bucket="n1", Prefix="b", StartAfter="b1", FetchOwner=True)
    (found,) = listed["Contents"]
    assert (found["Key"], found["Size"], found["Owner"]["ID"]) == ("b2", 1, "n")
    assert listed["KeyCount"] == 1
    assert client.list_objects_v2(Bucket="n1", MaxKeys=0)["KeyCount"] == 0
    with pytest.raises(ClientError) as caught:
        client.list_objects_v2(Bucket="n1", ContinuationToken="?")
    assert code(caught) == (400, "InvalidArgument")


# Deletes


def with_md5(request: Any, **_: Any) -> None:
    """HCP wants a Content-MD5; botocore sends another checksum instead."""
    for name in [name for name in request.headers if "-checksum-" in name.lower()]:
        del request.headers[name]
    digest = hashlib.md5(request.body, usedforsecurity=False).digest()
    request.headers["Content-MD5"] = base64.b64encode(digest).decode()


def test_many_deletes(client: Any) -> None:
    """Each with its result; what is not there counts as deleted."""
    client.meta.events.register("before-sign.s3.DeleteObjects", with_md5)
    fill(client, "a", " b ", "f/c")
    names = ["a", " b ", "f/", "none"]
    answer = client.delete_objects(
        Bucket="n1", Delete={"Objects": [{"Key": name} for name in names]}
    )
    assert [each["Key"] for each in answer["Deleted"]] == ["a", " b ", "none"]
    (error,) = answer["Errors"]
    assert (error["Key"], error["Code"]) == ("f/", "OperationAborted")
    answer = client.delete_objects(Bucket="n1", Delete={"Objects": [{"Key": "f/c"}], "Quiet": True})
    assert "Deleted" not in answer
    assert [each["Key"] for each in client.list_objects(Bucket="n1")["Contents"]] == ["f/"]


# Buckets


def test_buckets(client: Any) -> None:
    """Create, list, and delete."""
    assert client.list_buckets()["Buckets"] == []
    client.create_bucket(Bucket="new")
    client.create_bucket(Bucket="new")
    assert [each["Name"] for each in client.list_buckets()["Buckets"]] == ["new"]
    client.put_object(Bucket="new", Key="a", Body=DATA)
    with pytest.raises(ClientError) as caught:
        client.delete_bucket(Bucket="new")
    assert code(caught) == (409, "BucketNotEmpty")
    client.delete_object(Bucket="new", Key="a")
    client.delete_bucket(Bucket="new")
    with pytest.raises(ClientError) as caught:
        client.list_objects(Bucket="new")
    assert code(caught) == (404, "NoSuchBucket")
    with pytest.raises(ClientError) as caught:
        client.create_bucket(Bucket="n1")
    assert code(caught) == (409, "BucketAlreadyExists")


# Multipart uploads


def start(client: Any, key: str = "big", **options: Any) -> str:
    return str(client.create_multipart_upload(Bucket="n1", Key=key, **options)["UploadId"])


def upload(
    client: Any, number: int, data: bytes, identity: str, key: str = "big"
) -> dict[str, Any]:
    done = client.upload_part(Bucket="n1", Key=key, UploadId=identity, PartNumber=number, Body=data)
    return {"PartNumber": number, "ETag": done["ETag"]}


def complete(client: Any, identity: str, *parts: dict[str, Any], **options: Any) -> Any:
    return client.complete_multipart_upload(
        Bucket="n1", Key="big", UploadId=identity, MultipartUpload={"Parts": list(parts)}, **options
    )


def test_multipart(client: Any, http: Http) -> None:
    """Parts in any order become one object; it is not there before."""
    identity = start(client, Metadata={"x": "1"})
    second = upload(client, 2, b"end", identity)
    upload(client, 1, b"wrong", identity)
    first = upload(client, 1, b"a" * MIB, identity)
    assert http("HEAD", "/rest/big").status == 404
    listed = client.list_parts(Bucket="n1", Key="big", UploadId=identity)["Parts"]
    assert [(each["PartNumber"], each["Size"]) for each in listed] == [(1, MIB), (2, 3)]
    (found,) = client.list_multipart_uploads(Bucket="n1")["Uploads"]
    assert (found["Key"], found["UploadId"]) == ("big", identity)
    complete(client, identity, first, second)
    assert http("GET", "/rest/big").body == b"a" * MIB + b"end"
    assert client.head_object(Bucket="n1", Key="big")["Metadata"] == {"x": "1"}
    assert "Uploads" not in client.list_multipart_uploads(Bucket="n1")
    with pytest.raises(ClientError) as caught:
        complete(client, identity, first, second)
    assert code(caught) == (404, "NoSuchUpload")


def test_wrong_lists_of_parts(client: Any) -> None:
    """They come with status 200, and the upload goes on."""
    identity = start(client)
    first, second = upload(client, 1, b"a", identity), upload(client, 2, b"b", identity)
    for parts, expected in [
        ((second, first), "InvalidPartOrder"),
        (({**first, "ETag": '"x"'},), "InvalidPart"),
        ((first, {**second, "PartNumber": 3}), "InvalidPart"),
        ((first, second), "EntityTooSmall"),
    ]:
        with pytest.raises(ClientError) as caught:
            complete(client, identity, *parts)
        assert code(caught)[1] == expected
    complete(client, identity, second)
    assert client.get_object(Bucket="n1", Key="big")["Body"].read() == b"b"


def test_abort(client: Any, hcp: HCP) -> None:
    """Nothing is left."""
    identity = start(client)
    upload(client, 1, b"a", identity)
    client.abort_multipart_upload(Bucket="n1", Key="big", UploadId=identity)
    with pytest.raises(ClientError) as caught:
        upload(client, 2, b"a", identity)
    assert code(caught) == (404, "NoSuchUpload")
    assert "Uploads" not in client.list_multipart_uploads(Bucket="n1")


def test_reset_ends_uploads(client: Any, hcp: HCP) -> None:
    """`HCP.reset()` forgets uploads."""
    start(client)
    hcp.reset()
    assert "Uploads" not in client.list_multipart_uploads(Bucket="n1")


def test_completion_of_a_name_in_use(client: Any) -> None:
    """That a name is in use shows only at the end, and the upload is still there."""
    identity = start(client)
    part = upload(client, 1, b"a", identity)
    client.put_object(Bucket="n1", Key="big", Body=DATA)
    with pytest.raises(ClientError) as caught:
        complete(client, identity, part)
    assert code(caught) == (409, "OperationAborted")
    client.delete_object(Bucket="n1", Key="big")
    complete(client, identity, part)
    assert client.get_object(Bucket="n1", Key="big")["Body"].read() == b"a"


def test_part_copies(client: Any) -> None:
    """A part of another object as a part."""
    client.put_object(Bucket="n1", Key="a", Body=DATA)
    identity = start(client)
    copied = client.upload_part_copy(
        Bucket="n1",
        Key="big",
        UploadId=identity,
        PartNumber=1,
        CopySource="n1/a",
        CopySourceRange="bytes=0-3",
    )
    part = {"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}
    complete(client, identity, part)
    assert client.get_object(Bucket="n1", Key="big")["Body"].read() == b"This"


def test_parts_at_once(client: Any) -> None:
    """Several clients store parts of one upload."""
    identity = start(client)
    done: dict[int, Any] = {}

    def store(number: int) -> None:
        done[number] = upload(client, number, bytes([number]) * MIB, identity)

    threads = [threading.Thread(target=store, args=[number]) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    complete(client, identity, *(done[number] for number in sorted(done)))
    data = client.get_object(Bucket="n1", Key="big")["Body"].read()
    assert data == b"".join(bytes([number]) * MIB for number in range(1, 5))


# Credentials


@pytest.mark.parametrize("version", ["s3", "s3v4"])
@pytest.mark.parametrize(
    ("access", "secret", "expected"),
    [
        ("bg==", "wrong", (403, "SignatureDoesNotMatch")),
        ("unknown", "wrong", (403, "InvalidAccessKeyId")),
        ("c2VydmljZQ==", "e4e5ace7271dde224933ffa1fb38f280", (403, "AccessDenied")),
    ],
    ids=["signature", "user", "tenant"],
)
def test_wrong_credentials(
    hcp: HCP, version: str, access: str, secret: str, expected: tuple[int, str]
) -> None:
    """Each mistake has its code."""
    client = boto(version, access=access, secret=secret)
    with pytest.raises(ClientError) as caught:
        client.list_objects(Bucket="n1")
    assert code(caught) == expected
    client.close()


@pytest.mark.parametrize("version", ["s3", "s3v4"])
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_presigned(hcp: HCP, version: str, style: str) -> None:
    """A presigned URL needs no credentials; it is for one object, and ends."""
    client = boto(version, style)
    client.put_object(Bucket="n1", Key="a b+c", Body=DATA)
    url = client.generate_presigned_url("get_object", Params={"Bucket": "n1", "Key": "a b+c"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=20) as response:
        assert response.read() == DATA
    for wrong in (url.replace("a%20b", "a%20c"), url[:-1] + ("0" if url[-1] != "0" else "1")):
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(wrong, timeout=20)
        assert caught.value.code == 403
        caught.value.close()
    client.close()


# What is not emulated


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("get_bucket_acl", {}),
        ("get_bucket_cors", {}),
        ("get_bucket_location", {}),
        ("get_bucket_policy", {}),
        ("get_bucket_tagging", {}),
        ("get_object_acl", {"Key": "a"}),
        ("get_object_tagging", {"Key": "a"}),
        ("put_object", {"Key": "b", "ACL": "public-read"}),
        ("put_object", {"Key": "b", "Tagging": "a=b"}),
        ("put_object", {"Key": "b", "ChecksumAlgorithm": "CRC32"}),
        ("put_object", {"Key": "b", "ObjectLockLegalHoldStatus": "ON"}),
    ],
)
def test_not_emulated(client: Any, method: str, arguments: Any) -> None:
    """501, and nothing is stored (contract 10)."""
    client.put_object(Bucket="n1", Key="a", Body=DATA)
    with pytest.raises(ClientError) as caught:
        getattr(client, method)(Bucket="n1", **arguments)
    assert code(caught) == (501, "NotImplemented")
    assert [each["Key"] for each in client.list_objects(Bucket="n1")["Contents"]] == ["a"]
