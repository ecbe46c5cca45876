"""One file to an object and back: what arrives is verified, and a failure leaves nothing half."""

import errno
import hashlib
import io
import os
import pickle
import resource
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import hcpsdk
from hcpsdk import bulk, transfer
from hcpsdk.testing import HCP, Answer, HangUp, Namespace, Reset

from ..support.raw_server import Peer, RawServer, answer, head
from .conftest import FQDN

BIG = bytes(range(256)) * 12_000  # 3 MB: in several blocks, worth resuming
SMALL = b"This is an example"
SHA_256 = "SHA-256 47FB563CC8F86DC37C86D08BC542968F7986ACD81C97BF76DB7AD744407FE117"


def sha256(data: bytes) -> str:
    return f"SHA-256 {hashlib.sha256(data).hexdigest().upper()}"


def made(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Uploads


def test_upload(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """The result has the size, hash and version that HCP has (contract 13.1)."""
    result = transfer.upload(connection, made(tmp_path / "a", SMALL), "/rest/a")

    assert result[:3] == ("/rest/a", 18, SHA_256)
    assert (result.attempts, result.was_there) == (1, False)
    assert connection.HEAD("/rest/a").getheader("X-HCP-VersionId") == str(result.version)
    assert connection.GET("/rest/a").read() == SMALL
    assert result.seconds > 0


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 3_000_000])
def test_upload_of_any_size(connection: hcpsdk.Connection, tmp_path: Path, size: int) -> None:
    """Files around the limit of what is read at once are stored as they are."""
    data = os.urandom(size)
    result = transfer.upload(connection, str(made(tmp_path / "a", data)), "/rest/a")

    assert (result.size, result.hash) == (size, sha256(data))
    assert connection.GET("/rest/a").read() == data


@pytest.mark.parametrize("data", [SMALL, BIG], ids=["small", "large"])
def test_upload_of_what_is_there(
    connection: hcpsdk.Connection, tmp_path: Path, data: bytes
) -> None:
    """409 means "there already", and is compared as well (contract 13.1)."""
    path = made(tmp_path / "a", data)
    first = transfer.upload(connection, path, "/rest/a")
    again = transfer.upload(connection, path, "/rest/a")

    assert again.was_there
    assert again[:4] == first[:4]


@pytest.mark.parametrize("other", [b"X" * 18, b"X", b"X" * 3_072_000])
@pytest.mark.parametrize("data", [SMALL, BIG], ids=["small", "large"])
def test_upload_over_something_else(
    connection: hcpsdk.Connection, tmp_path: Path, data: bytes, other: bytes
) -> None:
    """An object with another content is an error, and stays as it is (contract 13.1)."""
    connection.PUT("/rest/a", other)
    with pytest.raises(transfer.VerificationError, match="another content"):
        transfer.upload(connection, made(tmp_path / "a", data), "/rest/a")

    assert connection.GET("/rest/a").read() == other


def test_upload_over_a_directory(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A directory of that name is named as what it is."""
    connection.PUT("/rest/a", params={"type": "directory"})
    with pytest.raises(transfer.VerificationError, match="directory"):
        transfer.upload(connection, made(tmp_path / "a", SMALL), "/rest/a")


def test_upload_whose_response_is_lost(
    hcp: HCP, connection: hcpsdk.Connection, tmp_path: Path
) -> None:
    """A PUT whose response was lost is found stored by the free resend, and compared."""
    connection.HEAD("/rest")  # the free resend is for connections that were kept open
    hcp.add_fault(HangUp("before answer", method="PUT"))
    result = transfer.upload(connection, made(tmp_path / "a", BIG), "/rest/a")

    assert (result.was_there, result.hash) == (True, sha256(BIG))
    assert result.attempts == 3


def test_upload_that_breaks(hcp: HCP, target: hcpsdk.Target, tmp_path: Path) -> None:
    """A retry sends and hashes the whole file once more; progress goes back with it."""
    moved: list[tuple[int, int | None]] = []
    hcp.add_fault(HangUp("request body", after=1_500_000, method="PUT"))
    with hcpsdk.Connection(target, retries=1) as connection:
        result = transfer.upload(
            connection,
            made(tmp_path / "a", BIG),
            "/rest/a",
            progress=lambda count, total: moved.append((count, total)),
        )
        assert connection.GET("/rest/a").read() == BIG

    assert (result.hash, result.attempts) == (sha256(BIG), 2)
    assert moved[-1] == (len(BIG), len(BIG))
    assert [count for count, _ in moved] != sorted(count for count, _ in moved)


def test_progress(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """`progress=` receives the bytes so far and the total (contract 13.1)."""
    up: list[tuple[int, int | None]] = []
    down: list[tuple[int, int | None]] = []
    path = made(tmp_path / "a", BIG)
    transfer.upload(connection, path, "/rest/a", progress=lambda *now: up.append(now))
    transfer.download(connection, "/rest/a", path, progress=lambda *now: down.append(now))

    for moved in (up, down):
        assert len(moved) > 2
        assert moved == sorted(set(moved))
        assert moved[-1] == (len(BIG), len(BIG))


def test_progress_that_raises(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """What `progress=` raises ends the transfer, unchanged; nothing is stored."""

    def stop(_count: int, _total: int | None) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        transfer.upload(connection, made(tmp_path / "a", BIG), "/rest/a", progress=stop)

    assert connection.HEAD("/rest/a").status == 404


@pytest.mark.parametrize("scheme", ["MD5", "SHA-1", "SHA-384", "SHA-512"])
@pytest.mark.parametrize("data", [SMALL, BIG], ids=["small", "large"])
def test_upload_with_other_schemes(tmp_path: Path, scheme: str, data: bytes) -> None:
    """Whichever scheme the namespace uses, that hash is compared."""
    with HCP("other.local", namespaces=[Namespace("n1", "m", hash_scheme=scheme)]) as hcp:
        auth = hcpsdk.NativeAuthorization("n", "n01")
        target = hcpsdk.Target(hcp.namespaces[0].host(hcp.domain), auth)
        with hcpsdk.Connection(target) as connection:
            path = made(tmp_path / "a", data)
            first = transfer.upload(connection, path, "/rest/a")
            again = transfer.upload(connection, path, "/rest/a", hash_scheme=scheme)
            down = transfer.download(connection, "/rest/a", tmp_path / "b")
            same = transfer.compare(connection, path, "/rest/a")

    name = scheme.replace("-", "").lower()
    wanted = f"{scheme} {hashlib.new(name, data).hexdigest().upper()}"
    assert {result.hash for result in (first, again, down, same)} == {wanted}


def test_upload_from_open_files(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """Open files are sent from where they stand, and stay open."""
    memory = io.BytesIO(b"skipped" + BIG)
    memory.seek(7)
    with open(made(tmp_path / "a", b"skipped" + BIG), "rb") as file:
        file.seek(7)
        for number, source in enumerate((memory, file)):
            result = transfer.upload(connection, source, f"/rest/{number}")
            assert (result.size, result.hash) == (len(BIG), sha256(BIG))
            assert not source.closed


@pytest.mark.parametrize("scheme", ["SHA-256", "MD5"])
def test_upload_from_a_pipe(connection: hcpsdk.Connection, scheme: str) -> None:
    """What cannot be read twice is verified, if its scheme is the expected one."""
    reader, writer = os.pipe()

    def fill() -> None:
        with open(writer, "wb") as file:
            file.write(BIG)

    thread = threading.Thread(target=fill)
    thread.start()
    with open(reader, "rb") as file:
        if scheme == "SHA-256":
            assert transfer.upload(connection, file, "/rest/a").hash == sha256(BIG)
        else:
            with pytest.raises(transfer.VerificationError, match="use hash_scheme='SHA-256'"):
                transfer.upload(connection, file, "/rest/a", hash_scheme=scheme)
    thread.join()


def test_upload_from_a_fifo(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A FIFO is opened once: its writer may have gone when it is opened again."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    opened: list[Any] = []
    real = os.open

    def noting(path: Any, *arguments: Any, **options: Any) -> int:
        opened.append(path)
        return real(path, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as executor:
        patch.setattr(os, "open", noting)
        writer = executor.submit(fifo.write_bytes, SMALL)
        found = transfer.upload(connection, fifo, "/rest/fifo")
        writer.result()

    assert found.hash == SHA_256
    assert fifo not in opened


def test_upload_with_rules(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """Retention, other parameters and annotations go with the upload (contract 13.1)."""
    until = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=1)
    transfer.upload(
        connection,
        made(tmp_path / "a", SMALL),
        "/rest/a",
        params={"shred": True},
        retention=until,
        annotations={"first": "<a/>", "second": b"<b/>"},
    )

    head = connection.HEAD("/rest/a")
    assert head.getheader("X-HCP-Retention") == str(int(until.timestamp()))
    assert head.getheader("X-HCP-Shred") == "true"
    assert head.getheader("X-HCP-CustomMetadataAnnotations") == "first;4, second;4"
    query = {"type": "custom-metadata", "annotation": "second"}
    assert connection.GET("/rest/a", query).read() == b"<b/>"


def test_upload_that_is_completed(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A repeated upload stores the annotations that are missing."""
    path = made(tmp_path / "a", SMALL)
    transfer.upload(connection, path, "/rest/a")
    result = transfer.upload(connection, path, "/rest/a", annotations={"x": "<x/>"})

    assert (result.was_there, result.attempts) == (True, 3)
    assert connection.HEAD("/rest/a").getheader("X-HCP-CustomMetadataAnnotations") == "x;4"


def test_upload_that_is_refused(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A status that is no success is an error that begins with it, and pickles."""
    with pytest.raises(hcpsdk.HcpsdkError, match=r"^400 - ") as caught:
        transfer.upload(connection, made(tmp_path / "a", SMALL), "/rest/a", retention="nonsense")

    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.reason, again.status) == (caught.value.reason, 400)
    assert connection.HEAD("/rest/a").status == 404


def test_upload_of_no_file(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A file that cannot be read is reported, with its cause; nothing is sent (contract 1.4)."""
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(transfer.LocalFileError) as caught:
            transfer.upload(connection, path, "/rest/a")
        assert isinstance(caught.value.__cause__, OSError)
        assert isinstance(pickle.loads(pickle.dumps(caught.value)), transfer.LocalFileError)
    assert connection.response is None


class Broken(io.BytesIO):
    """A disk that fails behind its first block."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().read(size)


def test_upload_from_a_broken_disk(connection: hcpsdk.Connection) -> None:
    """A disk that fails meanwhile is reported; nothing is stored."""
    with pytest.raises(transfer.LocalFileError, match="Input/output error"):
        transfer.upload(connection, Broken(BIG), "/rest/a")

    assert connection.HEAD("/rest/a").status == 404


def test_wrong_arguments(
    target: hcpsdk.Target, connection: hcpsdk.Connection, tmp_path: Path
) -> None:
    """Invalid arguments are found before anything is sent (contract 1.4)."""
    path = made(tmp_path / "a", SMALL)
    with pytest.raises(ValueError, match="unknown hash scheme"):
        transfer.upload(connection, path, "/rest/a", hash_scheme="CRC")
    with pytest.raises(ValueError, match="time zone"):
        transfer.upload(connection, path, "/rest/a", retention=datetime(2030, 1, 1))
    with pytest.raises(TypeError, match="text mode"), open(path) as file:
        transfer.upload(connection, file, "/rest/a")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="binary file is needed, not int"):
        transfer.upload(connection, 7, "/rest/a")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="needs a target"), ThreadPoolExecutor() as executor:
        transfer.download(connection, "/rest/a", path, executor=executor)
    wrong: list[tuple[type[Exception], dict[str, Any]]] = [
        (ValueError, {"parallel": 0}),
        (ValueError, {"range_size": -1}),
        (TypeError, {"range_size": 1.5}),
    ]
    for error, options in wrong:
        with ThreadPoolExecutor() as executor, pytest.raises(error, match=next(iter(options))):
            transfer.download(
                connection, "/rest/a", path, executor=executor, target=target, **options
            )
    for annotations in (["letter"], {"letter": 5}, {5: "letter"}, {"": "letter"}):
        with pytest.raises((TypeError, ValueError), match="annotations"):
            transfer.upload(connection, path, "/rest/a", annotations=annotations)  # type: ignore[arg-type]

    assert connection.response is None
    assert path.read_bytes() == SMALL


def test_compare(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A file is compared with an object without transferring it."""
    path = made(tmp_path / "a", BIG)
    with pytest.raises(hcpsdk.HcpsdkError, match=r"^404 "):
        transfer.compare(connection, path, "/rest/a")
    transfer.upload(connection, path, "/rest/a")

    assert transfer.compare(connection, path, "/rest/a").hash == sha256(BIG)
    for other in (BIG[:-1], b"X" + BIG[1:]):
        with pytest.raises(transfer.VerificationError, match="another content"):
            transfer.compare(connection, io.BytesIO(other), "/rest/a")


# Downloads


@pytest.mark.parametrize("size", [0, 1, 131_072, 3_000_000])
def test_download(connection: hcpsdk.Connection, tmp_path: Path, size: int) -> None:
    """An object becomes a file, whole, and nothing else stays (contract 13.1)."""
    data = os.urandom(size)
    connection.PUT("/rest/a", data)
    result = transfer.download(connection, "/rest/a", tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == data
    assert (result.size, result.hash, result.attempts) == (size, sha256(data), 1)
    assert names(tmp_path) == ["a"]


def test_download_into_open_files(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """Open files are written from where they stand, and stay open."""
    connection.PUT("/rest/a", BIG)
    memory = io.BytesIO()
    memory.write(b"before")
    transfer.download(connection, "/rest/a", memory)
    with open(tmp_path / "a", "w+b") as file:
        file.write(b"before")
        transfer.download(connection, "/rest/a", file)

    assert memory.getvalue() == b"before" + BIG
    assert (tmp_path / "a").read_bytes() == b"before" + BIG


def test_download_replaces_a_file_at_once(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """What was there stays until the object is there and verified (contract 13.1)."""
    path = made(tmp_path / "a", b"before")
    connection.PUT("/rest/a", BIG)
    seen: set[bytes] = set()
    transfer.download(connection, "/rest/a", path, progress=lambda *_: seen.add(path.read_bytes()))

    assert seen == {b"before"}
    assert path.read_bytes() == BIG


def test_download_that_breaks(hcp: HCP, connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A break is resumed where it happened, with Range and If-Match (contract 13.1)."""
    connection.PUT("/rest/a", BIG)
    hcp.add_fault(HangUp("answer body", after=1_000_000, method="GET", times=2))
    result = transfer.download(connection, "/rest/a", tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == BIG
    assert (result.hash, result.attempts) == (sha256(BIG), 3)
    gets = [request for request in hcp.requests if request.method == "GET"]
    etag = connection.getheader("ETag")
    assert [request.header("If-Match") for request in gets] == [None, etag, etag]
    ranges = [request.header("Range") or "" for request in gets[1:]]
    starts = [int(text.removeprefix("bytes=").removesuffix("-")) for text in ranges]
    assert 0 < starts[0] < starts[1] < len(BIG)


def test_download_that_is_reset(hcp: HCP, connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A reset may take bytes with it that were under way; the file is whole all the same."""
    connection.PUT("/rest/a", BIG)
    hcp.add_fault(Reset("answer body", after=1_000_000, method="GET", times=3))
    transfer.download(connection, "/rest/a", tmp_path / "a", retries=3)

    assert (tmp_path / "a").read_bytes() == BIG


def test_download_into_memory_that_breaks(hcp: HCP, connection: hcpsdk.Connection) -> None:
    """The same for an open file."""
    connection.PUT("/rest/a", BIG)
    hcp.add_fault(HangUp("answer body", after=1_000_000, method="GET"))
    memory = io.BytesIO()
    transfer.download(connection, "/rest/a", memory)

    assert memory.getvalue() == BIG


def break_off(hcp: HCP, connection: hcpsdk.Connection, path: Path) -> None:
    """Leave a part of /rest/a beside *path*."""
    hcp.add_fault(HangUp("answer body", after=1_500_000, method="GET"))
    with pytest.raises(hcpsdk.HcpsdkError, match="bytes are missing"):
        transfer.download(connection, "/rest/a", path, retries=0)
    assert names(path.parent) == ["a.hcpsdk-part", "a.hcpsdk-part.etag"]


def test_download_that_a_later_call_resumes(
    hcp: HCP, connection: hcpsdk.Connection, tmp_path: Path
) -> None:
    """If all retries fail, the part stays, and the next call asks for the rest only."""
    connection.PUT("/rest/a", BIG)
    break_off(hcp, connection, tmp_path / "a")
    size = (tmp_path / "a.hcpsdk-part").stat().st_size
    transfer.download(connection, "/rest/a", tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == BIG
    assert hcp.requests[-1].header("Range") == f"bytes={size - 1}-"
    assert hcp.requests[-1].header("If-Match") == connection.getheader("ETag")
    assert names(tmp_path) == ["a"]


def test_part_of_another_object(hcp: HCP, connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A part of what was there before is not continued: the object is fetched from its start."""
    connection.PUT("/rest/a", BIG[::-1])
    break_off(hcp, connection, tmp_path / "a")
    connection.DELETE("/rest/a")
    connection.PUT("/rest/a", BIG)
    transfer.download(connection, "/rest/a", tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == BIG
    assert [request.status for request in hcp.requests[-2:]] == [412, 200]


def test_part_that_is_longer_than_the_object(
    hcp: HCP, connection: hcpsdk.Connection, tmp_path: Path
) -> None:
    """Nor is one that is longer (HCP says 416)."""
    connection.PUT("/rest/a", BIG)
    break_off(hcp, connection, tmp_path / "a")
    made(tmp_path / "a.hcpsdk-part", b"X" * 2 * len(BIG))
    transfer.download(connection, "/rest/a", tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == BIG


def test_part_that_is_damaged(hcp: HCP, connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """Nor one that turns out to hold something else."""
    connection.PUT("/rest/a", BIG)
    break_off(hcp, connection, tmp_path / "a")
    with open(tmp_path / "a.hcpsdk-part", "r+b") as file:
        file.write(b"X")
    transfer.download(connection, "/rest/a", tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == BIG
    assert names(tmp_path) == ["a"]


def test_part_that_is_not_wanted(hcp: HCP, connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """`resume=False` begins anew."""
    connection.PUT("/rest/a", BIG)
    break_off(hcp, connection, tmp_path / "a")
    transfer.download(connection, "/rest/a", tmp_path / "a", resume=False)

    assert hcp.requests[-1].header("Range") is None
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("retries", [0, 2])
def test_download_without_an_end(
    hcp: HCP, connection: hcpsdk.Connection, tmp_path: Path, retries: int
) -> None:
    """Breaks without a new byte between them come to an end; a small part is not left."""
    connection.PUT("/rest/a", SMALL)
    hcp.add_fault(HangUp("answer body", after=0, method="GET", times=None))
    with pytest.raises(hcpsdk.HcpsdkError, match="missing"):
        transfer.download(connection, "/rest/a", tmp_path / "a", retries=retries)

    assert names(tmp_path) == []
    assert [request.method for request in hcp.requests].count("GET") == 1 + retries


def test_download_of_nothing(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A name that does not exist makes no file, and spares the one that is there."""
    path = made(tmp_path / "a", b"before")
    with pytest.raises(hcpsdk.HcpsdkError, match=r"^404 "):
        transfer.download(connection, "/rest/none", path)
    memory = io.BytesIO()
    with pytest.raises(hcpsdk.HcpsdkError, match=r"^404 "):
        transfer.download(connection, "/rest/none", memory)

    assert (path.read_bytes(), memory.getvalue()) == (b"before", b"")
    assert names(tmp_path) == ["a"]


def test_download_of_a_directory(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A directory's listing is not taken for an object."""
    connection.PUT("/rest/folder/a", SMALL)
    with pytest.raises(transfer.VerificationError, match="directory"):
        transfer.download(connection, "/rest/folder", tmp_path / "a")

    assert names(tmp_path) == []


def test_download_to_a_full_disk(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A full disk is reported, and nothing half stays (contract 13.1)."""
    connection.PUT("/rest/a", BIG)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(BIG) // 2, limits[1]))  # no file may be larger
    try:
        with pytest.raises(transfer.LocalFileError, match="File too large"):
            transfer.download(connection, "/rest/a", tmp_path / "a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert names(tmp_path) == []
    assert connection.HEAD("/rest/a").status == 200


def test_part_that_is_a_link(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A link with the name of the part is not followed: another user may have made it."""
    connection.PUT("/rest/a", SMALL)
    victim = made(tmp_path / "victim", b"before")
    (tmp_path / "a.hcpsdk-part").symlink_to(victim)
    with pytest.raises(transfer.LocalFileError, match="cannot open"):
        transfer.download(connection, "/rest/a", tmp_path / "a")

    assert victim.read_bytes() == b"before"


def test_download_over_no_file(hcp: HCP, connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A directory or a FIFO is not replaced, which is reported before anything is fetched."""
    connection.PUT("/rest/a", SMALL)
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    for name, what in (("fifo", "no regular file"), ("folder", "a directory")):
        with pytest.raises(transfer.LocalFileError, match=f"it is {what}"):
            transfer.download(connection, "/rest/a", tmp_path / name)

    assert names(tmp_path) == ["fifo", "folder"]
    assert [request.method for request in hcp.requests] == ["PUT"]


def test_download_to_nowhere(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """A folder that is missing is reported before anything is fetched."""
    with pytest.raises(transfer.LocalFileError) as caught:
        transfer.download(connection, "/rest/a", tmp_path / "none" / "a")

    assert isinstance(caught.value.__cause__, FileNotFoundError)
    assert connection.response is None


def test_download_in_ranges(
    hcp: HCP, target: hcpsdk.Target, connection: hcpsdk.Connection, tmp_path: Path
) -> None:
    """With an executor, ranges are fetched over several connections, breaks included."""
    connection.PUT("/rest/a", BIG)
    hcp.add_fault(HangUp("answer body", after=200_000, method="GET", times=2))
    moved: list[int] = []
    with ThreadPoolExecutor(3) as executor:
        result = transfer.download(
            connection,
            "/rest/a",
            tmp_path / "a",
            executor=executor,
            target=target,
            parallel=3,
            range_size=500_000,
            progress=lambda count, _total: moved.append(count),
        )

    assert (tmp_path / "a").read_bytes() == BIG
    assert (result.size, result.hash) == (len(BIG), sha256(BIG))
    assert moved == [*range(500_000, len(BIG), 500_000), len(BIG)]
    assert len({request.node for request in hcp.requests if request.method == "GET"}) > 1
    assert names(tmp_path) == ["a"]


def test_download_in_ranges_that_fails(
    hcp: HCP, target: hcpsdk.Target, connection: hcpsdk.Connection, tmp_path: Path
) -> None:
    """If a range fails for good, nothing stays."""
    connection.PUT("/rest/a", BIG)
    hcp.add_fault(Answer(403, method="GET", nth=4))
    with ThreadPoolExecutor(3) as executor, pytest.raises(hcpsdk.HcpsdkError, match=r"^403 "):
        transfer.download(
            connection,
            "/rest/a",
            tmp_path / "a",
            executor=executor,
            target=target,
            range_size=500_000,
        )

    assert names(tmp_path) == []


def test_names(connection: hcpsdk.Connection, tmp_path: Path) -> None:
    """Names are as everywhere: encoded here, or `Quoted` (contract 3.1)."""
    transfer.upload(connection, made(tmp_path / "a", SMALL), "/rest/a b%20c")
    transfer.download(connection, hcpsdk.Quoted("/rest/a%20b%2520c"), tmp_path / "b")

    assert (tmp_path / "b").read_bytes() == SMALL


def test_target_is_that_of_the_tests(target: hcpsdk.Target) -> None:
    """The namespace keeps SHA-256, which the tests above expect."""
    with hcpsdk.namespace.Info(target) as info:
        assert info.listaccessiblens()[FQDN.split(".")[0]]["hashScheme"] == "SHA-256"


def test_objects_called_like_parts(
    target: hcpsdk.Target, connection: hcpsdk.Connection, tmp_path: Path
) -> None:
    """A download spares files whose names look like those of another program's parts."""
    for name in ("a", "a.part", "a.part.etag"):
        connection.PUT(f"/rest/{name}", name)
        made(tmp_path / name, name.encode())
    transfer.download(connection, "/rest/a", tmp_path / "a")

    assert names(tmp_path) == ["a", "a.part", "a.part.etag"]
    assert (tmp_path / "a.part").read_bytes() == b"a.part"


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127])
def test_download_to_a_long_name(
    hcp: HCP, connection: hcpsdk.Connection, tmp_path: Path, name: str
) -> None:
    """A name may have all the bytes that the file system allows, and the part can be resumed."""
    connection.PUT("/rest/a", BIG)
    hcp.add_fault(HangUp("answer body", after=1_500_000, method="GET"))
    with pytest.raises(hcpsdk.HcpsdkError, match="bytes are missing"):
        transfer.download(connection, "/rest/a", tmp_path / name, retries=0)
    transfer.download(connection, "/rest/a", tmp_path / name)

    assert names(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == BIG
    assert hcp.requests[-1].header("Range") is not None


def test_two_downloads_into_one_file(
    target: hcpsdk.Target, connection: hcpsdk.Connection, tmp_path: Path
) -> None:
    """The second one is refused; it spoils nothing that the first one verifies."""
    connection.PUT("/rest/a", BIG)
    connection.PUT("/rest/b", BIG[::-1])
    refused: list[str] = []

    def meanwhile(*_: object) -> None:
        if not refused:
            with hcpsdk.Connection(target) as another:
                with pytest.raises(transfer.LocalFileError, match="another download") as caught:
                    transfer.download(another, "/rest/b", tmp_path / "a")
                refused.append(str(caught.value))

    transfer.download(connection, "/rest/a", tmp_path / "a", progress=meanwhile)

    assert refused
    assert (tmp_path / "a").read_bytes() == BIG
    transfer.download(connection, "/rest/b", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BIG[::-1]
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("start", "body", "message"), [(0, b"", "no byte of the range"), (7, b"x" * 9, "another range")]
)
def test_download_in_ranges_that_are_wrong(
    tmp_path: Path, start: int, body: bytes, message: str
) -> None:
    """An empty range is not requested for ever, and another one is not written."""
    gets: list[bytes] = []

    def handle(peer: Peer) -> None:
        for request in peer.each_request():
            if request.method == "HEAD":
                peer.send(head("Content-Length: 18", "X-HCP-Size: 18", 'ETag: "1"'))
            else:
                gets.append(request.line)
                sent = f"Content-Range: bytes {start}-{start + 8}/18"
                peer.send(answer(body, "206 Partial Content", sent))

    server = RawServer(handle)
    target = hcpsdk.Target(server.address, hcpsdk.DummyAuthorization(), port=server.port)
    with (
        ThreadPoolExecutor(1) as executor,
        hcpsdk.Connection(target) as connection,
        pytest.raises(hcpsdk.HcpsdkError, match=message),
    ):
        transfer.download(
            connection,
            "/rest/a",
            tmp_path / "a",
            executor=executor,
            target=target,
            parallel=1,
            range_size=9,
        )
    server.close()

    assert len(gets) == 4
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (answer(b"xx", "206 Partial Content", "Content-Range: bytes 0-1/18"), "sent a part"),
        (answer(b"<html>Please log in</html>"), "neither a size nor a hash"),
    ],
)
def test_what_cannot_be_verified(tmp_path: Path, response: bytes, message: str) -> None:
    """A part of the object, or a proxy's page, is not taken for the object (contract 13.1)."""

    def handle(peer: Peer) -> None:
        for _ in peer.each_request():
            peer.send(response)

    server = RawServer(handle)
    target = hcpsdk.Target(server.address, hcpsdk.DummyAuthorization(), port=server.port)
    path = made(tmp_path / "a", b"before")
    with (
        hcpsdk.Connection(target) as connection,
        pytest.raises(hcpsdk.HcpsdkError, match=message),
    ):
        transfer.download(connection, "/rest/a", path)
    server.close()

    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("kind", ["shut down", "cancelled"])
def test_executor_that_ends(
    target: hcpsdk.Target, connection: hcpsdk.Connection, tmp_path: Path, kind: str
) -> None:
    """An executor that takes no more, or gives up, is an `HcpsdkError`; nothing stays."""
    connection.PUT("/rest/a", BIG)

    class Ending(ThreadPoolExecutor):
        def submit(self, *args: Any, **options: Any) -> "Future[Any]":  # type: ignore[override]
            if kind == "shut down":
                self.shutdown()
                return super().submit(*args, **options)
            future: Future[Any] = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    options: Any = {"executor": Ending(1), "target": target, "range_size": 1_000_000}
    with pytest.raises(hcpsdk.HcpsdkError, match=r"takes no more jobs|ended before"):
        transfer.download(connection, "/rest/a", tmp_path / "a", **options)

    assert names(tmp_path) == []


def test_arguments_that_would_fail_later(
    hcp: HCP, target: hcpsdk.Target, connection: hcpsdk.Connection, tmp_path: Path
) -> None:
    """What is used late is checked before anything is sent (contract 1.4)."""
    path = made(tmp_path / "a", SMALL)
    wrong: Any = 7
    with pytest.raises(TypeError, match="progress must be callable"):
        transfer.upload(connection, path, "/rest/a", progress=wrong)
    with pytest.raises(TypeError, match="progress must be callable"):
        transfer.compare(connection, path, "/rest/a", progress=wrong)
    with pytest.raises(TypeError, match="progress must be callable"):
        transfer.download(connection, "/rest/a", path, progress=wrong)
    wrong = "3"
    with pytest.raises(TypeError, match="retries must be int"):
        transfer.download(connection, "/rest/a", path, retries=wrong)
    with pytest.raises(ValueError, match="retries must be 0 or more"):
        transfer.download(connection, "/rest/a", path, retries=-1)
    with pytest.raises(TypeError, match="no submit"):
        transfer.download(connection, "/rest/a", path, executor=wrong, target=target)

    assert hcp.requests == []


@pytest.mark.parametrize("digits", [20, 5000])
def test_numbers_that_no_object_has(tmp_path: Path, digits: int) -> None:
    """A size or a version with so many digits is taken for none, and ends nothing."""
    many = "9" * digits

    def handler(peer: Peer) -> None:
        for request in peer.each_request():
            body = SMALL if request.method == "GET" else b""
            headers = f"X-HCP-Size: {many}", f"X-HCP-VersionId: {many}", f"X-HCP-Hash: {SHA_256}"
            peer.send(
                answer(body, "201 Created" if request.method == "PUT" else "200 OK", *headers)
            )

    server = RawServer(handler)
    authorization = hcpsdk.NativeAuthorization("n", "n01")
    target = hcpsdk.Target("127.0.0.1", authorization, port=server.port)
    path = made(tmp_path / "a", SMALL)
    with hcpsdk.Connection(target) as connection:
        assert transfer.upload(connection, path, "/rest/a").version is None
        assert transfer.download(connection, "/rest/a", tmp_path / "b").size == len(SMALL)
    (result,) = bulk.store(target, [(path, "/rest/a")], journal=tmp_path / "journal")
    assert (result.status, result.version) == ("stored", None)
    server.close()
