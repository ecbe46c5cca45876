"""The headers of replies: those that a HCP was recorded to send, and those of a plain server.

A HEAD answered by nginx has 8 headers; with the 31 below, which are what a HCP 7.1.0.10 sent beyond
those 8, it has 39.
"""

HCP_HEADERS = {
    "X-RequestId": "38AD86EF250DEB35",
    "X-HCP-ServicedBySystem": "hcp1.snomis.local",
    "X-HCP-Time": "1422736493",
    "X-HCP-SoftwareVersion": "7.1.0.10",
    "Cache-Control": "no-cache,no-store",
    "Pragma": "no-cache",
    "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
    "X-HCP-Type": "object",
    "X-HCP-Size": "18",
    "X-HCP-Hash": "SHA-256 47FB563CC8F86DC37C86D08BC542968F7986ACD81C97BF76DB7AD744407FE117",
    "X-HCP-VersionId": "91055133849537",
    "X-HCP-IngestTime": "1422736466",
    "X-HCP-RetentionClass": "",
    "X-HCP-RetentionString": "Deletion Allowed",
    "X-HCP-Retention": "0",
    "X-HCP-IngestProtocol": "HTTP",
    "X-HCP-RetentionHold": "false",
    "X-HCP-Shred": "false",
    "X-HCP-DPL": "2",
    "X-HCP-Index": "true",
    "X-HCP-Custom-Metadata": "false",
    "X-HCP-ACL": "false",
    "X-HCP-Owner": "n",
    "X-HCP-Domain": "",
    "X-HCP-UID": "",
    "X-HCP-GID": "",
    "X-HCP-CustomMetadataAnnotations": "",
    "X-HCP-Replicated": "false",
    "X-HCP-ReplicationCollision": "false",
    "X-HCP-ChangeTimeMilliseconds": "1422736466446.00",
    "X-HCP-ChangeTimeString": "2015-01-31T21:34:26+0100",
}

ALWAYS = {"Server": "nginx/1.22.1", "Date": "Sat, 31 Jan 2015 20:34:53 GMT"}
OF_A_BODY = {
    "Content-Type": "application/octet-stream",
    "Last-Modified": "Sat, 31 Jan 2015 20:34:26 GMT",
    "ETag": '"54cd3df2-400"',
    "Accept-Ranges": "bytes",
}

# By the first part of a path.
MORE_HEADERS: dict[str, dict[str, str]] = {"few": {}, "hcp": HCP_HEADERS}

SMALL = 1024  # bytes
LARGE = "large"  # what the path of a large object ends in


def nginx_headers() -> str:
    """`HCP_HEADERS` as lines for nginx, which leaves out a header without a value."""
    return "\n".join(f'add_header {name} "{value or " "}";' for name, value in HCP_HEADERS.items())


def canned(method: str, path: str, large: int) -> tuple[bytes, int]:
    """The head of an answer as nginx gives it, and how many bytes of body follow.

    Args:
        method: ``"PUT"`` stores, ``"DELETE"`` deletes, all else shows an object.
        path: Starts with a name of `MORE_HEADERS`.
        large: Bytes of the large object.
    """
    size = large if path.endswith(LARGE) else SMALL
    kinds = {
        "PUT": ("201 Created", {"Content-Length": "0", "Location": path}),
        "DELETE": ("204 No Content", {}),
    }
    status, own = kinds.get(method) or ("200 OK", {"Content-Length": str(size), **OF_A_BODY})
    headers = {
        **ALWAYS,
        **own,
        "Connection": "keep-alive",
        **MORE_HEADERS[path.split("/")[1]],
    }
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("ascii"), size if method == "GET" else 0
