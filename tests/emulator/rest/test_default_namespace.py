"""The default namespace (docs/hcp/namespace.rst, section 24)."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

import pytest

from hcpsdk.testing import HCP

from ..conftest import TOKEN, Answer, Http, Https

HOST = "default.default.hcp1.snomis.local"
XML = b"<a>b</a>"


class Anonymous(Http):
    """Requests to the default namespace, without credentials."""

    def __call__(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str | None] | None = None,
        **options: Any,
    ) -> Answer:
        return super().__call__(
            method, target, body, {"Authorization": None, **(headers or {})}, **options
        )


@pytest.fixture
def ask(hcp: HCP) -> Iterator[Anonymous]:
    client = Anonymous(HOST)
    yield client
    client.close()


def test_store_and_read(ask: Anonymous) -> None:
    """Objects are stored and read without credentials."""
    stored = ask("PUT", "/fcfs_data/d/a.txt", b"0123456789")
    assert stored.status == 201
    sha = hashlib.sha256(b"0123456789").hexdigest().upper()
    assert stored["X-ArcHash"] == f"SHA-256 {sha}"
    read = ask("GET", "/fcfs_data/d/a.txt")
    assert (read.status, read.body) == (200, b"0123456789")
    assert ask("PUT", "/fcfs_data/d/a.txt", b"2").status == 409
    assert ask("DELETE", "/fcfs_data/d/a.txt").status == 200
    assert ask("GET", "/fcfs_data/d/a.txt").status == 404


def test_head(ask: Anonymous) -> None:
    """The headers that were recorded, in their order."""
    ask("PUT", "/fcfs_data/a.txt", b"0123456789")
    head = ask("HEAD", "/fcfs_data/a.txt")
    assert [name for name, _ in head.headers] == [
        *("Date", "Server", "X-ArcServicedBySystem", "X-ArcClusterTime", "X-RequestId"),
        *("X-HCP-ServicedBySystem", "X-HCP-Time", "X-HCP-SoftwareVersion", "ETag"),
        *("Cache-Control", "Pragma", "Expires", "Content-Type", "Content-Length"),
        *("X-ArcPermissionsUidGid", "X-ArcTimes", "X-ArcSize"),
    ]
    assert (head.status, head["Content-Type"], head["X-ArcSize"]) == (200, "text/plain", "10")
    assert head["X-ArcPermissionsUidGid"] == "mode=0100400; uid=0; gid=0"


def test_other_names(hcp: HCP) -> None:
    """It is the namespace of www, too, with TLS and whatever credentials a client sends."""
    www = Anonymous("www.hcp1.snomis.local")
    tls = Https(hcp.ca_file, HOST)
    try:
        assert www("PUT", "/fcfs_data/a", b"1").status == 201
        assert tls("GET", "/fcfs_data/a", None, {"Authorization": TOKEN}).body == b"1"
    finally:
        www.close()
        tls.close()


def test_listing(ask: Anonymous) -> None:
    """A directory lists files and directories, one attribute a line."""
    ask("PUT", "/fcfs_data/d/a%20%C3%A4", b"0123456789")
    assert ask("MKDIR", "/fcfs_data/d/sub").status == 201
    assert ask("MKDIR", "/fcfs_data/d/sub").status == 409
    listed = ask("GET", "/fcfs_data/d")
    assert (listed.status, listed["Content-Type"]) == (200, "text/xml")
    root = ElementTree.fromstring(listed.body)
    assert (root.tag, root.get("path"), root.get("utf8Path")) == (
        "directory",
        "/fcfs_data/d",
        "/fcfs_data/d",
    )
    file, directory = root
    assert (file.get("urlName"), file.get("utf8Name")) == ("a%20%C3%A4", "a ä")
    assert (file.get("fileType"), file.get("size"), file.get("retention")) == ("file", "10", "0")
    assert file.get("hash") == hashlib.sha256(b"0123456789").hexdigest().upper()
    assert (directory.get("urlName"), directory.get("fileType")) == ("sub", "directory")
    assert b'\n utf8Name="sub"\n' in listed.body
    assert [
        each.get("urlName") for each in ElementTree.fromstring(ask("GET", "/fcfs_data").body)
    ] == ["d"]
    assert ask("DELETE", "/fcfs_data/d").status == 403


def test_metafiles(ask: Anonymous) -> None:
    """Metadata are files with one line, or two."""
    ask("PUT", "/fcfs_data/a", b"0123456789")
    meta = "/fcfs_metadata/a"
    assert ask("GET", f"{meta}/retention.txt").body == b"0\nDeletion Allowed\n"
    seconds, date = ask("GET", f"{meta}/created.txt").body.decode().split()
    assert seconds.isdigit() and "T" in date
    assert ask("GET", f"{meta}/dpl.txt").body == b"2\n"
    assert ask("GET", f"{meta}/hash.txt").body.startswith(b"SHA-256 ")
    assert (ask("GET", f"{meta}/index.txt").body, ask("GET", f"{meta}/shred.txt").body) == (
        b"1\n",
        b"0\n",
    )
    assert ask("HEAD", f"{meta}/shred.txt")["Content-Length"] == "2"
    assert ask("GET", f"{meta}/other.txt").status == 404
    assert ask("GET", "/fcfs_metadata/missing/retention.txt").status == 404
    assert ask("GET", f"{meta}/core-metadata.xml").status == 501


def test_change_metafiles(ask: Anonymous) -> None:
    """A new line changes the metadata, under the same rules as elsewhere."""
    ask("PUT", "/fcfs_data/a?index=false", b"1")
    meta = "/fcfs_metadata/a"
    assert ask("GET", f"{meta}/index.txt").body == b"0\n"
    assert ask("PUT", f"{meta}/shred.txt", b"1\n").status == 200
    assert ask("GET", f"{meta}/shred.txt").body == b"1\n"
    assert ask("PUT", f"{meta}/shred.txt", b"0").status == 400
    assert ask("PUT", f"{meta}/retention.txt", b"-1").status == 200
    assert ask("GET", f"{meta}/retention.txt").body == b"-1\nDeletion Prohibited\n"
    assert ask("DELETE", "/fcfs_data/a").status == 403
    assert ask("PUT", f"{meta}/retention.txt", b"soon").status == 400
    assert ask("PUT", f"{meta}/created.txt", b"1").status == 403


def test_custom_metadata(ask: Anonymous) -> None:
    """HEAD tells whether there is custom metadata."""
    ask("PUT", "/fcfs_data/a", b"1")
    path = "/fcfs_metadata/a/custom-metadata.xml"
    assert ask("HEAD", path).status == 404
    assert ask("PUT", path, XML).status == 201
    assert (ask("HEAD", path).status, ask("GET", path).body) == (200, XML)
    assert ask("PUT", path, b"<a>").status == 400
    assert ask("DELETE", path).status == 200
    assert ask("GET", path).status == 404


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("POST", "/fcfs_data/a", 405),
        ("GET", "/rest/a", 501),
        ("GET", "/proc", 501),
        ("GET", "/fcfs_data?hash=1", 501),
        ("GET", "/fcfs_data/a?x=1", 400),
        ("GET", "/fcfs_data//a", 400),
        ("PUT", "/fcfs_data", 409),
    ],
)
def test_refused(ask: Anonymous, method: str, target: str, status: int) -> None:
    assert ask(method, target).status == status


def test_other_namespaces_have_none(http: Http) -> None:
    """Namespaces of tenants have no such files here."""
    assert http("GET", "/fcfs_data/a").status == 501


def test_separate(ask: Anonymous, http: Http) -> None:
    """Its objects are in no other namespace."""
    ask("PUT", "/fcfs_data/a", b"1")
    assert http("GET", "/rest/a").status == 404
