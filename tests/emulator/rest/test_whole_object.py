"""An object and an annotation in one request (docs/hcp/namespace.rst, sections 5 and 13)."""

import gzip
import hashlib
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from hcpsdk.testing import HCP

from ..conftest import Http

DATA = b"This is an example"
XML = b"<note>about it</note>"
WHOLE = "/rest/a.txt?type=whole-object"
SIZE: dict[str, str | None] = {"X-HCP-Size": str(len(DATA))}


@pytest.mark.parametrize(
    ("target", "name"), [(WHOLE, "default"), (f"{WHOLE}&annotation=extra", "extra")]
)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_put(http: Http, target: str, name: str, is_chunked: bool) -> None:
    """Data and annotation are told apart by X-HCP-Size, however the body is cut into pieces."""
    pieces = [(DATA + XML)[i : i + 5] for i in range(0, len(DATA + XML), 5)]
    body: Any = iter(pieces) if is_chunked else DATA + XML
    answer = http("PUT", target, body, SIZE)

    assert answer.status == 201
    assert answer["ETag"] == f'"{hashlib.md5(DATA).hexdigest()}"'
    digest = hashlib.sha256(XML).hexdigest().upper()
    assert answer["X-HCP-CustomMetadataHash"] == f"SHA-256 {digest}"
    assert http("GET", "/rest/a.txt").body == DATA
    got = http("GET", f"/rest/a.txt?type=custom-metadata&annotation={name}")
    assert got.body == XML
    head = http("HEAD", "/rest/a.txt")
    assert head["X-HCP-CustomMetadataAnnotations"] == f"{name};{len(XML)}"


def test_put_with_metadata(http: Http) -> None:
    """Retention and the like can be given as for any object; the annotation comes with it."""
    answer = http("PUT", f"{WHOLE}&retention=-1&index=false", DATA + XML, SIZE)
    head = http("HEAD", "/rest/a.txt")

    assert answer.status == 201
    assert (head["X-HCP-Retention"], head["X-HCP-Index"]) == ("-1", "false")
    assert head["X-HCP-Custom-Metadata"] == "true"


def test_put_packed(http: Http) -> None:
    """X-HCP-Size counts unpacked bytes."""
    body = gzip.compress(DATA + XML)

    assert http("PUT", WHOLE, body, SIZE | {"Content-Encoding": "gzip"}).status == 201
    assert http("GET", "/rest/a.txt").body == DATA


@pytest.mark.parametrize(
    ("headers", "target"),
    [
        ({}, WHOLE),
        ({"X-HCP-Size": "many"}, WHOLE),
        ({"X-HCP-Size": "-1"}, WHOLE),
        ({"X-HCP-Size": "1000"}, WHOLE),
        (SIZE | {"X-HCP-CustomMetadataFirst": "perhaps"}, WHOLE),
        (SIZE, "/rest/a.txt/?type=whole-object"),
        (SIZE, f"{WHOLE}&annotation=a;b"),
        (SIZE, f"{WHOLE}&nowait"),
    ],
)
def test_bad_put(http: Http, headers: dict[str, str | None], target: str) -> None:
    """Without a size, or with one bigger than the body, nothing is stored: 400."""
    assert http("PUT", target, DATA + XML, headers).status == 400
    assert http("HEAD", "/rest/a.txt").status == 404


def test_annotation_first_is_not_emulated(http: Http) -> None:
    """The emulator says that it does not support uploads with the annotation first."""
    headers = SIZE | {"X-HCP-CustomMetadataFirst": "true"}
    answer = http("PUT", WHOLE, XML + DATA, headers)

    assert answer.status == 501
    assert answer["X-HCP-ErrorMessage"].startswith("the emulator does not support ")


def test_malformed_annotation_leaves_an_empty_object(http: Http) -> None:
    """HCP's trap: if the annotation is refused, an empty object stays behind (section 5)."""
    answer = http("PUT", WHOLE, DATA + b"<note>", SIZE)
    got = http("GET", "/rest/a.txt")
    statistics = ET.fromstring(http("GET", "/proc/statistics").body)

    assert answer.status == 400
    assert (got.status, got.body) == (200, b"")
    assert got["ETag"] == f'"{hashlib.md5(b"").hexdigest()}"'
    assert got["X-HCP-Custom-Metadata"] == "false"
    assert statistics.get("usedCapacityBytes") == "0"
    assert http("PUT", WHOLE, DATA + XML, SIZE).status == 409


def test_large_parts(http: Http) -> None:
    """Parts that are too large for memory go through files, and come back the same."""
    data = b"0123456789abcdef" * 200_000
    annotation = b"<a>" + data + b"</a>"
    put = http("PUT", WHOLE, data + annotation, {"X-HCP-Size": str(len(data))})
    got = http("GET", WHOLE)
    http("DELETE", "/rest/a.txt")

    assert put.status == 201
    assert got.body == data + annotation


def test_written_once(http: Http) -> None:
    """A name that is taken gets 409, and the object there keeps its annotations."""
    http("PUT", "/rest/a.txt", b"old")

    assert http("PUT", WHOLE, DATA + XML, SIZE).status == 409
    assert http("HEAD", "/rest/a.txt")["X-HCP-Custom-Metadata"] == "false"


@pytest.mark.parametrize(
    ("first", "body"), [(None, DATA + XML), ("false", DATA + XML), ("true", XML + DATA)]
)
def test_get(http: Http, first: str | None, body: bytes) -> None:
    """Both parts come without a separator, in the order asked for; X-HCP-Size is the data's."""
    http("PUT", WHOLE, DATA + XML, SIZE)
    answer = http("GET", WHOLE, None, {"X-HCP-CustomMetadataFirst": first})

    assert (answer.status, answer.body) == (200, body)
    assert answer["X-HCP-Size"] == str(len(DATA))
    assert answer["Content-Length"] == str(len(body))
    assert answer["X-HCP-DataContentType"] == "text/plain"
    assert answer["X-HCP-CustomMetadataContentType"] == "text/xml"
    assert answer["X-HCP-CustomMetadataFirst"] == (first or "false")
    assert answer["X-HCP-Type"] == "object"


def test_get_packed(http: Http) -> None:
    """Whoever takes gzip gets both parts packed as one."""
    http("PUT", WHOLE, DATA + XML, SIZE)
    answer = http("GET", WHOLE, None, {"Accept-Encoding": "gzip"})

    assert gzip.decompress(answer.body) == DATA + XML
    assert answer["X-HCP-ContentLength"] == str(len(DATA + XML))


def test_get_without_annotation(http: Http) -> None:
    """A whole object without that annotation is not there: 404, with the message of section 13."""
    http("PUT", "/rest/a.txt", DATA)
    answer = http("GET", f"{WHOLE}&annotation=extra")

    assert answer.status == 404
    assert answer["X-HCP-ErrorMessage"] == "No annotation exists with name extra"


def test_get_a_part(http: Http) -> None:
    """No part of a whole object can be had (section 7): 400."""
    http("PUT", WHOLE, DATA + XML, SIZE)

    assert http("GET", WHOLE, None, {"Range": "bytes=0-1"}).status == 400


def test_other_methods(http: Http) -> None:
    """Whole objects are stored and fetched, and nothing else."""
    http("PUT", WHOLE, DATA + XML, SIZE)

    assert [http(method, WHOLE).status for method in ("HEAD", "DELETE", "POST")] == [400] * 3


def test_directory(hcp: HCP, http: Http) -> None:
    """A directory is no whole object: 400."""
    http("PUT", "/rest/a.txt?type=directory")

    assert http("GET", WHOLE).status == 400
    assert http("PUT", WHOLE, DATA + XML, SIZE).status == 409
