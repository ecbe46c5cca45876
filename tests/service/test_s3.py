"""hcpsdk.s3: multipart uploads and lists, through nodes that fail."""

import hashlib
import http.client
import os
import pathlib
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

import hcpsdk
from hcpsdk import s3, transfer
from hcpsdk.s3 import _parts, _upload
from hcpsdk.testing import HCP, Answer, HangUp, Reset

TENANT = "m.hcp1.snomis.local"
AUTH = hcpsdk.HS3Authorization("n", "n01")
MIB = 1024 * 1024
NAME = "/n1/dir/big"


@pytest.fixture(scope="module")
def emulated() -> Iterator[HCP]:
    with HCP(nodes=3) as hcp:
        yield hcp


@pytest.fixture
def hcp(emulated: HCP) -> Iterator[HCP]:
    emulated.reset()
    for node in emulated.nodes:
        if not node.is_running:
            node.start()
    yield emulated


@pytest.fixture
def target(hcp: HCP) -> hcpsdk.Target:
    return hcpsdk.Target(TENANT, AUTH, port=80, interface=hcpsdk.I_HS3)


@pytest.fixture
def connection(target: hcpsdk.Target) -> Iterator[hcpsdk.Connection]:
    with hcpsdk.Connection(target) as connection:
        yield connection


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    """Three and a half MiB, no two blocks alike."""
    path = tmp_path / "file"
    path.write_bytes(b"".join(b"%016x" % number for number in range(7 * MIB // 32)))
    return path


def unfinished(connection: hcpsdk.Connection, bucket: str = "/n1") -> int:
    """How many multipart uploads there are."""
    return connection.GET(bucket, {"uploads": None}).read().count(b"<UploadId>")


def digest_of(connection: hcpsdk.Connection, url: str) -> str:
    """MD5 of what HCP has under *url*."""
    response = connection.GET(url)
    assert response.status == 200
    found = hashlib.md5(usedforsecurity=False)
    while block := connection.read(MIB):
        found.update(block)
    return found.hexdigest()


def digest_of_file(path: pathlib.Path) -> str:
    found = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(MIB):
            found.update(block)
    return found.hexdigest()


# Uploads


@pytest.mark.parametrize("size", [0, 1, MIB, MIB + 1, 3 * MIB])
def test_sizes(
    target: hcpsdk.Target, connection: hcpsdk.Connection, tmp_path: pathlib.Path, size: int
) -> None:
    """Any size, with metadata."""
    path = tmp_path / "file"
    path.write_bytes(os.urandom(size))
    done = s3.upload_file(target, NAME, path, part_size=MIB, headers={"x-amz-meta-a": "1"})
    assert done.size == size
    assert done.parts == max(1, -(-size // MIB))
    assert digest_of(connection, NAME) == digest_of_file(path)
    assert connection.HEAD(NAME).getheader("x-amz-meta-a") == "1"
    assert unfinished(connection) == 0


def test_executor(target: hcpsdk.Target, connection: hcpsdk.Connection, file: pathlib.Path) -> None:
    """The caller's executor sends the parts; it can be used afterwards."""
    with ThreadPoolExecutor(2) as executor:
        s3.upload_file(target, NAME, file, part_size=MIB, executor=executor)
        assert executor.submit(pow, 2, 3).result() == 8
    assert digest_of(connection, NAME) == digest_of_file(file)


def test_jobs_pickle(target: hcpsdk.Target) -> None:
    """Processes can send parts, too."""
    job = _parts.Job(target, NAME, "/file", 5, 1, 30, 3, "1", {1: (1, "a")})
    copied = pickle.loads(pickle.dumps((job, _parts.send_part)))[0]
    assert (copied.count(), copied.known, copied.target.interface) == (5, {1: (1, "a")}, "I_HS3")


def test_name_in_use(
    target: hcpsdk.Target, connection: hcpsdk.Connection, file: pathlib.Path
) -> None:
    """HCP refuses the object at the end; nothing is left of the upload."""
    connection.PUT(NAME, b"first")
    with pytest.raises(s3.UploadError, match=r"409 - Conflict \(OperationAborted") as caught:
        s3.upload_file(target, NAME, file, part_size=MIB)
    assert isinstance(caught.value.__cause__, s3.S3StatusError)
    assert caught.value.upload_id == ""
    assert connection.GET(NAME).read() == b"first"
    assert unfinished(connection) == 0


def test_new_version(
    target: hcpsdk.Target, connection: hcpsdk.Connection, file: pathlib.Path
) -> None:
    """Where versions are kept, the object becomes a new one, whose ID is returned."""
    connection.PUT("/n2/a", b"first")
    done = s3.upload_file(target, "/n2/a", file, part_size=MIB)
    assert done.version_id == connection.HEAD("/n2/a").getheader("x-amz-version-id")
    assert digest_of(connection, "/n2/a") == digest_of_file(file)


def test_resume(target: hcpsdk.Target, connection: hcpsdk.Connection, file: pathlib.Path) -> None:
    """What is at HCP already is not sent again."""
    started: list[str] = []

    def stop(upload_id: str) -> None:
        started.append(upload_id)
        params = {"uploadId": upload_id, "partNumber": "2"}
        connection.PUT(NAME, file.read_bytes()[MIB : 2 * MIB], params)
        params["partNumber"] = "1"
        connection.PUT(NAME, b"x" * MIB, params)  # another file's
        raise RuntimeError("stop")

    with pytest.raises(s3.UploadError, match="stop") as caught:
        s3.upload_file(target, NAME, file, part_size=MIB, keeps_parts=True, on_start=stop)
    assert started == [caught.value.upload_id]
    done = s3.upload_file(target, NAME, file, part_size=MIB, resume=caught.value.upload_id)
    assert done.parts == 3
    assert digest_of(connection, NAME) == digest_of_file(file)
    assert unfinished(connection) == 0


def test_interrupt(
    target: hcpsdk.Target, connection: hcpsdk.Connection, file: pathlib.Path
) -> None:
    """Ctrl-C stays Ctrl-C, and leaves nothing."""

    def interrupt(upload_id: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        s3.upload_file(target, NAME, file, on_start=interrupt)
    assert unfinished(connection) == 0


def test_file_that_changes(
    target: hcpsdk.Target, connection: hcpsdk.Connection, file: pathlib.Path
) -> None:
    """A mixture of two files is not stored."""
    for change in (lambda: file.write_bytes(b"x" * MIB), lambda: os.utime(file, (1, 1))):
        with pytest.raises(s3.UploadError, match=r"the file .* (became shorter|was changed)"):
            s3.upload_file(target, NAME, file, part_size=MIB, on_start=lambda _, c=change: c())
        assert connection.HEAD(NAME).status == 404
        assert unfinished(connection) == 0


FAULTS = [
    kind(at, after)
    for kind in (HangUp, Reset)
    for at, after in [
        ("before request", 0),
        ("request body", 10),
        ("before answer", 0),
        ("answer head", 20),
        ("after answer", 0),
    ]
] + [Answer(500), Answer(503), Answer(403)]


@pytest.mark.parametrize("retries", [0, 2])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_broken(
    hcp: HCP,
    target: hcpsdk.Target,
    connection: hcpsdk.Connection,
    file: pathlib.Path,
    fault: Any,
    place: int,
    retries: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One fault in the start, in the parts, or at the end: complete, or nothing of it is left
    but for an upload whose ID was lost at the start, which a warning reports."""
    monkeypatch.setattr(_upload, "PAUSES", (0.0, 0.0))
    complete = _upload._complete

    def break_end(*arguments: Any) -> Any:
        hcp.add_fault(fault)
        return complete(*arguments)

    def break_parts(_: str) -> None:
        if place == 1:
            hcp.add_fault(fault)

    if place == 2:
        monkeypatch.setattr(_upload, "_complete", break_end)
    if place == 0:
        hcp.add_fault(replace(fault, method="POST"))
    try:
        s3.upload_file(target, NAME, file, part_size=MIB, retries=retries, on_start=break_parts)
    except hcpsdk.HcpsdkError as exc:
        hcp.clear_faults()
        assert connection.HEAD(NAME).status == 404
        if place:
            assert isinstance(exc, s3.UploadError)
            assert exc.upload_id == ""
    else:
        hcp.clear_faults()
        assert digest_of(connection, NAME) == digest_of_file(file)
    warnings = [each for each in caplog.records if each.levelname == "WARNING"]
    assert len(warnings) <= (not place)
    assert unfinished(connection) <= len(warnings)


@pytest.mark.parametrize("retries", [0, 2])
def test_start_whose_response_is_lost(
    hcp: HCP,
    target: hcpsdk.Target,
    connection: hcpsdk.Connection,
    file: pathlib.Path,
    caplog: pytest.LogCaptureFixture,
    retries: int,
) -> None:
    """The empty upload stays, since it cannot be told from another client's, which stays as well;
    a warning reports it."""
    connection.POST(NAME, {"uploads": None})  # another client's
    hcp.add_fault(HangUp("answer head", 20, method="POST"))
    if retries:
        s3.upload_file(target, NAME, file, part_size=MIB, retries=retries)
        assert digest_of(connection, NAME) == digest_of_file(file)
    else:
        with pytest.raises(hcpsdk.HcpsdkError, match="after 1 attempt") as caught:
            s3.upload_file(target, NAME, file, part_size=MIB, retries=retries)
        assert not isinstance(caught.value, s3.UploadError)
    assert unfinished(connection) == 2
    (warning,) = [each.msg for each in caplog.records if each.levelname == "WARNING"]
    assert warning == f"HCP may keep empty uploads of '{NAME}' whose IDs were lost: up to 1"


def test_start_that_is_refused(
    hcp: HCP, target: hcpsdk.Target, file: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No upload was started, so there is nothing to warn of; nor after one that was completed."""
    hcp.add_fault(Answer(403, method="POST"))
    with pytest.raises(s3.S3StatusError, match="403"):
        s3.upload_file(target, NAME, file)
    s3.upload_file(target, NAME, file)
    assert [each for each in caplog.records if each.levelname == "WARNING"] == []


def test_end_whose_response_is_lost(
    hcp: HCP,
    target: hcpsdk.Target,
    connection: hcpsdk.Connection,
    file: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """HCP made the object, but its response was lost: that is a success."""
    monkeypatch.setattr(_upload, "PAUSES", (0.0, 0.0))
    complete = _upload._complete

    def lose(*arguments: Any) -> Any:
        hcp.add_fault(HangUp("answer head", 20))
        return complete(*arguments)

    monkeypatch.setattr(_upload, "_complete", lose)
    assert s3.upload_file(target, NAME, file, part_size=MIB, retries=0).parts == 4
    assert digest_of(connection, NAME) == digest_of_file(file)


def test_earlier_object_is_no_success(
    hcp: HCP,
    target: hcpsdk.Target,
    connection: hcpsdk.Connection,
    file: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An older version of the same size is not taken for the result of an upload that ended."""
    monkeypatch.setattr(_upload, "PAUSES", (0.0,))
    with file.open("rb") as body:
        connection.PUT("/n2/a", body)
    complete = _upload._complete

    def abort_before(job: Any, *arguments: Any) -> Any:
        hcp.add_fault(HangUp("before request"))
        connection.DELETE("/n2/a", {"uploadId": job.upload_id})
        return complete(job, *arguments)

    monkeypatch.setattr(_upload, "_complete", abort_before)
    with pytest.raises(s3.UploadError):
        s3.upload_file(target, "/n2/a", file, part_size=MIB, retries=0)


@pytest.mark.parametrize("stopped", [1, 3])
def test_nodes_that_stop(
    hcp: HCP,
    target: hcpsdk.Target,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    stopped: int,
) -> None:
    """200 MiB while nodes stop: complete and verified with one left, nothing stored without; the
    upload that could not be aborted is named, and can be resumed once the nodes are back."""
    monkeypatch.setattr(_upload, "PAUSES", (0.0,))
    path = tmp_path / "large"
    with path.open("wb") as file:
        for number in range(200):
            file.seek(number * MIB)
            file.write(b"%d" % number)
        file.truncate(200 * MIB)
    count, lock = 0, threading.Lock()
    read = _parts.Job.read

    def read_and_stop(job: Any, number: int) -> bytes:
        nonlocal count
        with lock:
            count += 1
            is_time = count == 10
        if is_time:
            for node in hcp.nodes[:stopped]:
                node.stop()
        return read(job, number)

    monkeypatch.setattr(_parts.Job, "read", read_and_stop)
    if stopped < 3:
        done = s3.upload_file(target, NAME, path, part_size=8 * MIB)
        assert (done.size, done.parts) == (200 * MIB, 25)
    else:
        with pytest.raises(s3.UploadError, match="could not be aborted") as caught:
            s3.upload_file(target, NAME, path, part_size=8 * MIB, retries=1)
        for node in hcp.nodes:
            node.start()
        with hcpsdk.Connection(target, retries=3) as connection:
            assert connection.HEAD(NAME).status == 404
        done = s3.upload_file(target, NAME, path, part_size=8 * MIB, resume=caught.value.upload_id)
        assert 0 < done.parts < 25
    with hcpsdk.Connection(target, retries=3) as connection:
        assert digest_of(connection, NAME) == digest_of_file(path)
        assert unfinished(connection) == 0


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"part_size": MIB - 1}, ValueError),
        ({"part_size": "1"}, ValueError),
        ({"path": "/none"}, transfer.LocalFileError),
        ({"executor": 5}, TypeError),
        ({"on_start": 5}, TypeError),
        ({"url": "none"}, ValueError),
        ({"url": "/none/a"}, s3.S3StatusError),
    ],
)
def test_arguments(target: hcpsdk.Target, file: pathlib.Path, change: Any, error: Any) -> None:
    """What cannot be right is refused before a part is sent."""
    arguments: Any = {"target": target, "url": NAME, "path": file, **change}
    with pytest.raises(error):
        s3.upload_file(**arguments)


def test_other_interface(hcp: HCP, file: pathlib.Path) -> None:
    """The native interface has no multipart uploads."""
    native = hcpsdk.Target("n1.m.hcp1.snomis.local", hcpsdk.NativeAuthorization("n", "n01"), 80)
    with pytest.raises(ValueError, match="I_HS3"):
        s3.upload_file(native, NAME, file)


# Lists

NAMES = ["a", "b/c", "b/d", "blank + %41&", "e/f/g", "ü", "日本"]


@pytest.mark.parametrize("page_size", [1, 2, 1000])
def test_lists(connection: hcpsdk.Connection, page_size: int) -> None:
    """Everything once and in order, over any number of pages; the URLs can be requested."""
    for name in NAMES:
        assert connection.PUT(f"/n1/{name}", name).status == 200
    found = list(s3.list_objects(connection, "/n1", page_size=page_size))
    folders = [entry.key for entry in found if entry.key.endswith("/")]
    assert folders == ["b/", "e/", "e/f/"]
    objects = [entry for entry in found if not entry.key.endswith("/")]
    assert [entry.key for entry in objects] == sorted(NAMES)
    for entry in objects:
        data = connection.GET(entry.url).read()
        assert data == entry.key.encode()
        assert (entry.size, entry.etag) == (len(data), hashlib.md5(data).hexdigest())
        assert not entry.is_prefix


@pytest.mark.parametrize("page_size", [1, 2, 1000])
def test_lists_with_delimiter(connection: hcpsdk.Connection, page_size: int) -> None:
    """Common prefixes are entries in their place."""
    for name in NAMES:
        connection.PUT(f"/n1/{name}", b"x")
    found = s3.list_objects(connection, "/n1", delimiter="/", page_size=page_size)
    shown = [(entry.key, entry.is_prefix) for entry in found]
    assert shown == [
        ("a", False),
        ("b/", True),
        ("blank + %41&", False),
        ("e/", True),
        ("ü", False),
        ("日本", False),
    ]
    found = s3.list_objects(connection, "/n1", prefix="b/", start_after="b/c", page_size=page_size)
    assert [entry.key for entry in found] == ["b/d"]


def test_list_at_a_bucket(hcp: HCP) -> None:
    """The same at the bucket's own name."""
    target = hcpsdk.Target("n1.m.hcp1.snomis.local", AUTH, port=80, interface=hcpsdk.I_HS3)
    with hcpsdk.Connection(target) as connection:
        connection.PUT("/a b", b"x")
        (entry,) = s3.list_objects(connection, "/")
        assert connection.GET(entry.url).read() == b"x"


def test_list_errors(connection: hcpsdk.Connection) -> None:
    """The code and the message of HCP."""
    with pytest.raises(s3.S3StatusError, match=r"404 - Not Found \(NoSuchBucket: ") as caught:
        next(s3.list_objects(connection, "/none"))
    assert (caught.value.status, caught.value.code) == (404, "NoSuchBucket")
    with pytest.raises(ValueError, match="page_size"):
        s3.list_objects(connection, "/n1", page_size=0)


def test_names_that_are_no_text(connection: hcpsdk.Connection) -> None:
    """A name whose bytes are not UTF-8 is listed, and can be requested."""
    node = http.client.HTTPConnection("n1.m.hcp1.snomis.local", timeout=20)
    native = hcpsdk.NativeAuthorization("n", "n01").headers
    node.request("PUT", "/rest/%ff%41", b"data", native)
    assert node.getresponse().status == 201
    node.close()
    (entry,) = s3.list_objects(connection, "/n1")
    assert os.fsencode(entry.key) == b"\xffA"
    assert connection.GET(entry.url).read() == b"data"
