"""Names in URLs: what is one name, what is none (docs/hcp/namespace.rst, section 17)."""

import itertools
import xml.etree.ElementTree as ET
from urllib.parse import unquote_to_bytes

import pytest

from ..conftest import Http


@pytest.mark.parametrize(
    ("stored_as", "read_as"),
    [
        ("a%20b", "%61%20%62"),
        ("a+b", "a%2Bb"),
        ("%c3%a4", "%C3%A4"),
        ("a&b=c", "a%26b%3dc"),
        ("~", "%7E"),
    ],
)
def test_same_name(http: Http, stored_as: str, read_as: str) -> None:
    """Percent-encoding does not matter, nor the case of its digits; "+" is a plus."""
    http("PUT", f"/rest/{stored_as}", b"x")

    assert http("GET", f"/rest/{read_as}").body == b"x"


SIMILAR = ["a b", "a+b", "a%20b", "a%2520b", "A b", "a b ", " a b", "a\tb", "a\nb", "ä", "a\u0308"]


def test_different_names(http: Http) -> None:
    """Names that differ in a byte are different objects, and are listed as they went in."""
    for name in SIMILAR:
        escaped = "".join(f"%{byte:02x}" for byte in name.encode())
        assert http("PUT", f"/rest/d/{escaped}", name.encode()).status == 201

    listed = ET.fromstring(http("GET", "/rest/d").body).findall("entry")
    assert {unquote_to_bytes(entry.get("urlName", "")).decode() for entry in listed} == {*SIMILAR}
    for entry in listed:
        name = entry.get("urlName", "")
        assert http("GET", f"/rest/d/{name}").body == unquote_to_bytes(name)


def test_every_byte(http: Http) -> None:
    """A name may hold any byte but NUL; each comes back from the listing (section 17)."""
    every = bytes(byte for byte in range(1, 256) if byte != ord("/"))
    escaped = "".join(f"%{byte:02X}" for byte in every)
    answer = http("PUT", f"/rest/{escaped}", b"x")
    assert answer.status == 201
    assert unquote_to_bytes(answer["Location"]) == b"/rest/" + every

    (entry,) = ET.fromstring(http("GET", "/rest").body).findall("entry")
    assert unquote_to_bytes(entry.get("urlName", "")) == every


@pytest.mark.parametrize(
    "name",
    [
        *("a%00b", "a%0", "a%zz", ".", "..", "a/./b", "a/../b", "a//b", "/a", "a//", "%2e", "%2f"),
        *(".directory-metadata", "a/.directory-metadata"),
    ],
)
def test_no_name(http: Http, name: str) -> None:
    """What cannot be a name gets 400, whoever asks."""
    for method in ("PUT", "GET"):
        answer = http(method, f"/rest/{name}")
        assert answer.status == 400
        assert answer["X-HCP-ErrorMessage"]


@pytest.mark.parametrize("unit", ["a", "%61", "%c3%a4"])
def test_longest_name(http: Http, unit: str) -> None:
    """The path after /rest/ may have 4095 bytes, percent-encoding undone; more gets 414."""
    per_unit = len(unquote_to_bytes(unit))
    longest = unit * (4095 // per_unit)
    longest += "a" * (4095 - 4095 // per_unit * per_unit)

    assert http("PUT", f"/rest/{longest}", b"x").status == 201
    assert http("GET", f"/rest/{longest}").body == b"x"
    answer = http("PUT", f"/rest/{longest}a", b"x")
    assert (answer.status, answer.reason) == (414, "Request URI Too Large")


def test_deepest_path(http: Http) -> None:
    """2048 parts fit into a path; so many directories can be made and listed."""
    parts = list(itertools.repeat("a", 2048))
    assert http("PUT", "/rest/" + "/".join(parts), b"x").status == 201

    assert http("GET", "/rest/" + "/".join(parts[:-1])).status == 200


def test_case_matters(http: Http) -> None:
    """Everything after the host is case-sensitive; the host is not (section 1)."""
    http("PUT", "/rest/Name", b"x", {"Host": "N1.M.HCP1.snomis.LOCAL"})

    assert http("GET", "/rest/name").status == 404
    assert http("GET", "/rest/Name").body == b"x"


def test_host_with_port(http: Http) -> None:
    """The Host header may name a port (section 1)."""
    http("PUT", "/rest/a", b"x")

    assert http("GET", "/rest/a", None, {"Host": f"{http.host}:80"}).body == b"x"


def test_object_is_no_directory(http: Http) -> None:
    """A slash at the end asks for a directory: an object is not found under it."""
    http("PUT", "/rest/a", b"x")

    for method in ("GET", "HEAD", "POST", "DELETE"):
        assert http(method, "/rest/a/").status == 404
    assert http("GET", "/rest/a").body == b"x"
