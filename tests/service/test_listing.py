"""Directories, entry by entry: names survive, and what is cut is never taken for whole."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

import hcpsdk
from hcpsdk import listing
from hcpsdk.testing import HCP, HangUp, Reset

from ..support.raw_server import Peer, RawServer, chunked_answer

NAMES = [
    "plain.txt",
    "a b",
    "a+b",
    "a%20b",
    "%",
    "a?b=c#d",
    "a&b<c>\"d'",
    "tab\tnewline\nreturn\r",
    "\x01\x1f\x7f",
    "\u0085\u2028",
    "é",
    "e\u0301",
    "日本語",
    "😀",
    "back\\slash",
    "..hidden",
    " ",
]


def test_facts(connection: hcpsdk.Connection) -> None:
    """An entry has the facts of the listing, as values of their types (contract 13.2)."""
    before = datetime.now(timezone.utc) - timedelta(seconds=2)
    until = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=1)
    rules = {"retention": int(until.timestamp()), "shred": True, "index": False}
    connection.PUT("/rest/folder/a.txt", b"This is an example", params=rules)
    connection.PUT("/rest/folder/a.txt", "<x/>", {"type": "custom-metadata", "annotation": "x"})
    head = dict(connection.HEAD("/rest/folder/a.txt").getheaders())
    (entry,) = listing.listdir(connection, "/rest/folder")

    assert (entry.name, entry.url, entry.kind) == ("a.txt", "/rest/folder/a.txt", "object")
    assert entry.is_object and not entry.is_directory and not entry.is_deleted
    assert (entry.size, entry.hash, entry.etag) == (18, head["X-HCP-Hash"], head["ETag"])
    assert entry.version == int(head["X-HCP-VersionId"])
    assert (entry.retention, entry.retained_until) == (int(until.timestamp()), until)
    assert (entry.is_shredded, entry.is_indexed, entry.is_on_hold) == (True, False, False)
    assert (entry.owner, entry.domain, entry.retention_class) == ("n", None, None)
    assert entry.annotations == {"x": 4}
    assert entry.created is not None and entry.changed is not None
    assert before < entry.created <= entry.changed + timedelta(seconds=1)
    assert entry.created.utcoffset() == timedelta(0)
    assert (entry.has_acl, entry.is_replicated, entry.symlink_target) == (False, False, None)
    assert entry.attributes["hashScheme"] == "SHA-256"


def test_directories(connection: hcpsdk.Connection) -> None:
    """A directory has no facts of an object."""
    connection.PUT("/rest/folder", params={"type": "directory"})
    (entry,) = listing.listdir(connection)

    assert (entry.name, entry.kind, entry.is_directory) == ("folder", "directory", True)
    assert (entry.size, entry.hash, entry.version, entry.created) == (None, None, None, None)
    assert (entry.retention, entry.retained_until, entry.is_on_hold) == (None, None, None)
    assert entry.annotations == {}
    assert entry.changed is not None
    assert list(listing.listdir(connection, "/rest/folder")) == []


def test_entry_is_a_value(connection: hcpsdk.Connection) -> None:
    """Entries compare, hash, pickle, and cannot be changed."""
    connection.PUT("/rest/a", b"a")
    connection.PUT("/rest/b", b"b")
    first, second = listing.listdir(connection)
    again = pickle.loads(pickle.dumps(first))

    assert again == first != second
    assert len({first, again, second}) == 2
    assert first != "a"
    assert repr(first) == "<Entry object /rest/a size=1>"
    with pytest.raises(AttributeError):
        first.size = 2  # type: ignore[misc]
    first.attributes["size"] = "2"
    assert first.size == 1


@pytest.mark.parametrize("folder", ["/rest", "/rest/ü %/x"])
def test_names(connection: hcpsdk.Connection, folder: str) -> None:
    """Names survive whatever they hold, and their URLs lead to the objects (contract 13.2)."""
    for name in NAMES:
        assert connection.PUT(f"{folder}/{name}", name).status == 201, name
    entries = list(listing.listdir(connection, folder))

    assert sorted(entry.name for entry in entries) == sorted(NAMES)
    for entry in entries:
        assert connection.GET(entry.url).read() == entry.name.encode(), entry


def test_names_that_are_no_text(connection: hcpsdk.Connection) -> None:
    """Names in another encoding than UTF-8 survive, too."""
    connection.PUT(hcpsdk.Quoted("/rest/folder/%E4%FF"), b"x")
    (entry,) = listing.listdir(connection, "/rest/folder")

    assert entry.name == b"\xe4\xff".decode("utf-8", "surrogateescape")
    assert connection.GET(entry.url).read() == b"x"


@pytest.mark.parametrize("url", ["/rest/a b", "/rest/a b/", hcpsdk.Quoted("/rest/a%20b")])
def test_urls(connection: hcpsdk.Connection, url: str) -> None:
    """A directory is named as any object, with or without the slash behind it."""
    connection.PUT("/rest/a b/c", b"x")
    (entry,) = listing.listdir(connection, url)

    assert entry.url == "/rest/a%20b/c"
    assert isinstance(entry.url, hcpsdk.Quoted)


def test_walk(connection: hcpsdk.Connection) -> None:
    """`walk()` descends; a directory comes before what is in it (contract 13.2)."""
    for name in ("b/x/1", "b/2", "a/3", "4", "a b/%/5"):
        connection.PUT(f"/rest/{name}", name)
    found = [entry.url for entry in listing.walk(connection)]

    assert sorted(found) == sorted(
        ["/rest/" + name for name in ("4", "a", "a/3", "a%20b", "a%20b/%25", "a%20b/%25/5")]
        + ["/rest/" + name for name in ("b", "b/2", "b/x", "b/x/1")]
    )
    for url in found:
        parent = url.rpartition("/")[0]
        assert parent == "/rest" or found.index(parent) < found.index(url)
    assert [entry.url for entry in listing.walk(connection, "/rest/b/x")] == ["/rest/b/x/1"]


@pytest.mark.parametrize("name", [*NAMES, "folder/ü %/x"])
def test_versions(versioned: hcpsdk.Connection, name: str) -> None:
    """Each version has its facts, and can be read by its id (contract 13.2)."""
    for data in (b"first", b"second!"):
        versioned.PUT(f"/rest/{name}", data)
    first, second = sorted(
        listing.versions(versioned, f"/rest/{name}"), key=lambda entry: entry.version or 0
    )

    assert (first.size, second.size) == (5, 7)
    assert first.url == second.url
    assert versioned.GET(second.url).read() == b"second!"
    for entry, data in ((first, b"first"), (second, b"second!")):
        assert versioned.GET(entry.url, {"version": entry.version}).read() == data
        assert not entry.is_deleted


def test_versions_of_what_is_deleted(versioned: hcpsdk.Connection) -> None:
    """They are listed on demand, with the entry that marks the deletion."""
    url = hcpsdk.Quoted("/rest/a%20b")
    versioned.PUT(url, b"first")
    versioned.DELETE(url)
    with pytest.raises(hcpsdk.HcpsdkStatusError, match="404"):
        next(listing.versions(versioned, url))
    found = listing.versions(versioned, url, deleted=True)
    old, marker = sorted(found, key=lambda entry: entry.version or 0)

    assert (old.is_deleted, old.size, old.url) == (False, 5, url)
    assert (marker.is_deleted, marker.size, marker.url) == (True, None, url)


def test_versions_where_none_are_kept(connection: hcpsdk.Connection) -> None:
    """There is no list, which is no empty one."""
    connection.PUT("/rest/a", b"x")
    with pytest.raises(hcpsdk.HcpsdkStatusError, match="400"):
        next(listing.versions(connection, "/rest/a"))


def test_status(connection: hcpsdk.Connection) -> None:
    """A directory that does not exist is an error that begins with the status."""
    with pytest.raises(hcpsdk.HcpsdkError, match=r"^404 "):
        list(listing.listdir(connection, "/rest/none"))


def test_object_is_no_directory(connection: hcpsdk.Connection) -> None:
    """An object's data is not read as a listing; the Connection is ready afterwards."""
    connection.PUT("/rest/a", b"<directory/>" + b" " * 1_000_000)
    with pytest.raises(hcpsdk.HcpsdkError, match="not a directory, but: object"):
        list(listing.listdir(connection, "/rest/a"))

    assert connection.HEAD("/rest/a").status == 200


def fill(connection: hcpsdk.Connection, count: int) -> None:
    for number in range(count):
        connection.PUT(f"/rest/many/{number:04}", b"")


@pytest.mark.parametrize("kind", [HangUp, Reset])
@pytest.mark.parametrize("after", [0, 300, 5_000, 60_000])
def test_listing_that_is_cut(
    hcp: HCP, connection: hcpsdk.Connection, kind: type[HangUp | Reset], after: int
) -> None:
    """A listing that is cut raises, wherever that is (contract 13.2)."""
    fill(connection, 100)
    hcp.add_fault(kind("answer body", after=after, method="GET"))
    with pytest.raises(hcpsdk.HcpsdkError):
        list(listing.listdir(connection, "/rest/many"))

    assert len(list(listing.listdir(connection, "/rest/many"))) == 100


def test_leaving_early(hcp: HCP, connection: hcpsdk.Connection) -> None:
    """The loop may be left at any time; the Connection is ready for the next request."""
    fill(connection, 300)
    for entry in listing.listdir(connection, "/rest/many"):
        assert entry.name == "0000"
        break

    assert connection.HEAD("/rest/many/0299").status == 200


def test_another_request_meanwhile(connection: hcpsdk.Connection) -> None:
    """Another request on the same Connection ends the listing with an error, not silently."""
    fill(connection, 300)
    entries = listing.listdir(connection, "/rest/many")
    next(entries)
    connection.HEAD("/rest/many/0000")
    with pytest.raises(hcpsdk.HcpsdkError):
        list(entries)


# Servers that misbehave

Serve = Callable[[bytes], hcpsdk.Connection]


@pytest.fixture
def serve(authorization: hcpsdk.NativeAuthorization, request: pytest.FixtureRequest) -> Serve:
    """A function that makes a Connection to a server that sends the given listing."""

    def start(document: bytes) -> hcpsdk.Connection:
        def handle(peer: Peer) -> None:
            for _ in peer.each_request():
                peer.send(
                    chunked_answer(
                        *(document[i : i + 7_000] for i in range(0, len(document), 7_000))
                    )
                )

        server = RawServer(handle)
        request.addfinalizer(server.close)
        target = hcpsdk.Target(server.address, authorization, port=server.port)
        connection = hcpsdk.Connection(target)
        request.addfinalizer(connection.close)
        return connection

    return start


BOMB = (
    b'<!DOCTYPE directory [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    b'<directory><entry urlName="&b;"/></directory>'
)
EXTERNAL = (
    b'<!DOCTYPE directory SYSTEM "file:///etc/passwd"><directory><entry urlName="a"/></directory>'
)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (BOMB, "document type"),
        (EXTERNAL, "document type"),
        (b"", "no element found"),
        (b"<directory>", "no element found"),
        (b"<directory></directory><directory/>", "junk"),
        (b"<html><entry urlName='a'/></html>", "it is <html>"),
        (b"<entry urlName='a'/>", "it is <entry>"),
        (b"not XML", "syntax error|not well-formed"),
        (b"<?xml version='1.0' encoding='x-none'?><directory/>", "encoding"),
        (b"<directory>" + b"<a>" * 1_000, "too many other elements"),
        (b"<directory><entry urlName='" + b"a" * 3_000_000, "no entry within"),
        (b"<directory>" + b" " * 3_000_000, "no entry within"),
    ],
)
def test_documents_that_are_no_listing(serve: Serve, document: bytes, message: str) -> None:
    """What is no listing, or does harm, raises; nothing is expanded or fetched (contract 8.4)."""
    with pytest.raises(hcpsdk.HcpsdkError, match=message):
        list(listing.listdir(serve(document)))


@pytest.mark.parametrize("document", [b"<directory/>", b"<versions><entry urlName='a'/>", b"data"])
def test_documents_that_are_no_list_of_versions(serve: Serve, document: bytes) -> None:
    """What is no list of versions, or is cut, raises."""
    with pytest.raises(hcpsdk.HcpsdkError, match="is not the XML of <versions>"):
        list(listing.versions(serve(document), "/rest/a"))


@pytest.mark.parametrize("name", [b"a%2Fb", b"%2E%2E", b"..", b".", b"", b"a%00b"])
def test_names_that_lead_elsewhere(serve: Serve, name: bytes) -> None:
    """A name that no entry can have is refused before it becomes a local path."""
    (entry,) = listing.listdir(serve(b"<directory><entry urlName='" + name + b"'/></directory>"))
    with pytest.raises(hcpsdk.HcpsdkError, match="impossible name"):
        entry.name  # noqa: B018


def test_names_that_are_not_encoded(serve: Serve) -> None:
    """What HCP leaves as it is, and what would end a path, is encoded for the next request."""
    document = "<directory><entry urlname='ä b?c#d%25'/></directory>".encode()
    (entry,) = listing.listdir(serve(document), "/rest/x")

    assert entry.url == "/rest/x/%C3%A4%20b%3Fc%23d%25"
    assert entry.name == "ä b?c#d%"


@pytest.mark.parametrize(
    ("attribute", "fact"),
    [
        ("size='many'", "size"),
        ("size='1e3'", "size"),
        ("version='٣'", "version"),
        ("changeTimeMilliseconds='soon'", "changed"),
        ("ingestTime='99999999999999'", "created"),
        ("customMetadataAnnotations='a;b'", "annotations"),
    ],
)
def test_facts_that_make_no_sense(serve: Serve, attribute: str, fact: str) -> None:
    """A fact that cannot be converted is an `HcpsdkError` where it is looked at."""
    document = f"<directory><entry urlName='a' type='object' {attribute}/></directory>".encode()
    (entry,) = listing.listdir(serve(document))
    with pytest.raises(hcpsdk.HcpsdkError, match=r"not a (number|time)"):
        getattr(entry, fact)
    assert entry.name == "a"


def test_facts_of_other_releases(serve: Serve) -> None:
    """Milliseconds, symbolic links, and objects without a hash are understood."""
    document = (
        b"<?xml version='1.0' encoding='UTF-8'?>"
        b"<?xml-stylesheet type='text/xsl' href='/static/xsl/directory.xsl'?>"
        b"<directory path='/rest'>"
        b"<entry urlName='a' type='object' size='42' ingestTime='1522656462'"
        b" ingestTimeMilliseconds='1522656462630' changeTimeMilliseconds='1522656462729.00'"
        b" customMetadataAnnotations='m3;6251, m;7' state='created'/>"
        b"<entry urlName='b' type='symlink' symlinkTarget='/x%20y' utf8SymlinkTarget='/x y'/>"
        b"<entry urlName='c' type='object' state='deleted'/></directory>"
    )
    first, second, third = listing.listdir(serve(document))

    assert first.created == datetime(2018, 4, 2, 8, 7, 42, 630_000, timezone.utc)
    assert first.changed == datetime(2018, 4, 2, 8, 7, 42, 729_000, timezone.utc)
    assert (first.hash, first.annotations) == (None, {"m3": 6251, "m": 7})
    assert (second.kind, second.symlink_target) == ("symlink", "/x y")
    assert third.is_deleted


def test_entries_come_as_they_arrive(authorization: hcpsdk.NativeAuthorization) -> None:
    """An entry is there before the listing has ended (contract 13.2)."""

    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for text in (b"<directory>\n", b"<entry urlName='a'/>\n", b"<entry urlName='b'/>\n"):
            peer.send(b"%x\r\n%b\r\n" % (len(text), text))
        # Not a byte more before the client has closed.
        assert peer.read_some() == b""

    server = RawServer(handle)
    target = hcpsdk.Target(server.address, authorization, port=server.port)
    with hcpsdk.Connection(target) as connection:
        entries = listing.listdir(connection)
        assert [next(entries).name, next(entries).name] == ["a", "b"]
        entries.close()  # type: ignore[attr-defined]
    server.close()


MANY = 1_000_000
BLOCK = b"".join(
    b'<entry urlName="%d" utf8Name="%d" type="object" size="42" hashScheme="SHA-256" hash="%064d" '
    b'retention="0" retentionString="Deletion Allowed" version="97450013608321" '
    b'changeTimeMilliseconds="1522656462729.00" owner="admin" state="created"/>\n' % (n, n, n)
    for n in range(500)
)
READER = """
import resource, sys
import hcpsdk
from hcpsdk import listing
target = hcpsdk.Target(sys.argv[1], hcpsdk.NativeAuthorization("n", "n01"), port=int(sys.argv[2]))
with hcpsdk.Connection(target) as connection:
    entries = listing.listdir(connection)
    count = sum(1 for _, entry in zip(range(1000), entries))
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count += sum(entry.is_object for entry in entries)
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start)
"""


@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_million_entries() -> None:
    """A million entries need the same memory as a thousand (contract 13.2)."""

    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for text in (b"<directory>", *[BLOCK] * (MANY // 500), b"</directory>"):
            peer.send(b"%x\r\n%b\r\n" % (len(text), text))
        peer.send(b"0\r\n\r\n")

    server = RawServer(handle)
    done = subprocess.run(
        [sys.executable, "-c", READER, server.address, str(server.port)],
        capture_output=True,
        text=True,
    )
    server.close()
    count, kibibytes = map(int, done.stdout.split())

    assert count == MANY
    assert kibibytes < 8 * 1024
