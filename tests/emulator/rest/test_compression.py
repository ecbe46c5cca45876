"""Compression of uploads and replies (docs/hcp/namespace.rst, sections 5 and 8)."""

import gzip
import hashlib

import pytest

from ..conftest import HOST, TOKEN, Http

DATA = 5000 * b"compressible "
LARGE = 200_000 * b"compressible "


@pytest.fixture(params=[DATA, LARGE], ids=["small", "large"])
def stored(request: pytest.FixtureRequest, http: Http) -> tuple[Http, bytes]:
    """An `Http`, and what it finds as /rest/a."""
    data: bytes = request.param
    http("PUT", "/rest/a", data)
    return http, data


@pytest.mark.parametrize("accepted", ["gzip", "*", "deflate, GZIP;q=0.5", "identity, gzip;q=1.0"])
def test_packed_reply(stored: tuple[Http, bytes], accepted: str) -> None:
    """For gzip or * the body is packed and chunked; X-HCP-ContentLength tells its true length."""
    http, data = stored
    answer = http("GET", "/rest/a", None, {"Accept-Encoding": accepted})

    assert answer["Content-Encoding"] == "gzip"
    assert answer["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in answer
    assert answer["X-HCP-ContentLength"] == answer["X-HCP-Size"] == str(len(data))
    assert len(answer.body) < len(data) // 10
    assert gzip.decompress(answer.body) == data


@pytest.mark.parametrize("accepted", ["identity", "", "gzip;q=0, identity", "gzip;q=0, *"])
def test_plain_reply(stored: tuple[Http, bytes], accepted: str) -> None:
    """Without gzip the body is plain, for "identity" too, which Python's http.client sends."""
    http, data = stored
    answer = http("GET", "/rest/a", None, {"Accept-Encoding": accepted})

    assert (answer.status, answer.body) == (200, data)
    assert answer["Content-Length"] == str(len(data))
    assert "Content-Encoding" not in answer


@pytest.mark.parametrize("accepted", ["deflate", "br, x", "identity;q=0", "gzip;q=0"])
def test_not_acceptable(http: Http, accepted: str) -> None:
    """Who takes neither gzip nor plain gets 406."""
    http("PUT", "/rest/a", DATA)
    answer = http("GET", "/rest/a", None, {"Accept-Encoding": accepted})

    assert (answer.status, answer.reason) == (406, "Not Acceptable")


def test_no_accept_encoding_at_all(http: Http) -> None:
    """A request that says nothing of encodings gets the plain body."""
    http("PUT", "/rest/a", DATA)
    http.connection.putrequest("GET", "/rest/a", skip_accept_encoding=True)
    http.connection.putheader("Authorization", TOKEN)
    http.connection.endheaders()

    assert http.connection.getresponse().read() == DATA


def test_packed_listing(http: Http) -> None:
    """Listings are packed as well."""
    http("PUT", "/rest/d/a", b"x")
    plain = http("GET", "/rest/d").body
    answer = http("GET", "/rest/d", None, {"Accept-Encoding": "gzip"})

    assert answer["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == plain


def test_parts_are_plain(http: Http) -> None:
    """A part of an object is never packed: its bytes are counted in the object."""
    http("PUT", "/rest/a", DATA)
    answer = http("GET", "/rest/a", None, {"Accept-Encoding": "gzip", "Range": "bytes=13-24"})

    assert (answer.status, answer.body) == (206, b"compressible")


@pytest.mark.parametrize("data", [b"", DATA, LARGE], ids=len)
@pytest.mark.parametrize("is_chunked", [True, False])
def test_packed_upload(http: Http, data: bytes, is_chunked: bool) -> None:
    """A gzip upload is unpacked before it is stored; ETag and size are those of the data."""
    packed = gzip.compress(data)
    body = iter([packed[i : i + 777] for i in range(0, len(packed), 777)]) if is_chunked else packed
    headers = {"Content-Encoding": "gzip"}
    if is_chunked:
        headers["Transfer-Encoding"] = "chunked"
    answer = http("PUT", "/rest/a", body, headers, encode_chunked=is_chunked)

    assert answer["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    assert http("GET", "/rest/a").body == data


def test_upload_of_several_members(http: Http) -> None:
    """Several gzip files in a row are one, as gzip itself reads them."""
    packed = gzip.compress(b"one ") + gzip.compress(b"two")
    http("PUT", "/rest/a", packed, {"Content-Encoding": "gzip"})

    assert http("GET", "/rest/a").body == b"one two"


PACKED = gzip.compress(DATA)


@pytest.mark.parametrize(
    "body",
    [b"", b"plain", PACKED[:-1], PACKED[:30], PACKED + b"rest", PACKED[:-8] + bytes(8)],
    ids=["empty", "plain", "cut", "cut early", "with a tail", "wrong sum"],
)
def test_upload_that_is_not_gzip(http: Http, body: bytes) -> None:
    """What claims to be gzip and is not gets 400, and nothing is stored."""
    answer = http("PUT", "/rest/a", body, {"Content-Encoding": "gzip"})

    assert answer.status == 400
    assert "gzip" in answer["X-HCP-ErrorMessage"]
    assert http("HEAD", "/rest/a").status == 404


@pytest.mark.parametrize("encoding", ["deflate", "br", "gzip, gzip"])
def test_other_encodings(http: Http, encoding: str) -> None:
    """Another Content-Encoding gets 415."""
    answer = http("PUT", "/rest/a", b"x", {"Content-Encoding": encoding})

    assert (answer.status, answer.reason) == (415, "Unsupported Media Type")
    assert http("HEAD", "/rest/a").status == 404


def test_packed_head(http: Http) -> None:
    """HEAD shows the headers that the packed GET would have."""
    http("PUT", "/rest/a", DATA)
    answer = http("HEAD", "/rest/a", None, {"Accept-Encoding": "gzip"})

    assert answer["X-HCP-ContentLength"] == str(len(DATA))
    assert "Content-Length" not in answer


def test_client_that_leaves_early(http: Http) -> None:
    """A client that takes only the beginning of a packed reply harms nobody."""
    http("PUT", "/rest/a", LARGE)
    hasty = Http(HOST)
    hasty.connection.request(
        "GET", "/rest/a", headers={"Authorization": TOKEN, "Accept-Encoding": "gzip"}
    )
    hasty.connection.getresponse().close()
    hasty.close()

    assert http("GET", "/rest/a").body == LARGE
