"""The logs of an HCP: what is asked for, and what becomes of each kind of response."""

import contextlib
import io
import tempfile
import tracemalloc
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import hcpsdk
from hcpsdk.mapi import Logs, LogsError, LogsInProgessError, LogsNotReadyError

from ..support.raw_server import OK, Handler, Peer, answer, answering, chunked_answer, in_turn

MapiServer = Callable[..., tuple[Any, hcpsdk.Target]]

NAME = "HCPLogs-admin.hcp.example.com-n17-sp20170321-1225.zip"
ZIP = b"PK\x03\x04" + bytes(range(256)) * 4000
READY = answer(
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><logDownloadStatus>'
    b"<readyForStreaming>true</readyForStreaming><streamingInProgress>false</streamingInProgress>"
    b"<started>true</started><error>false</error><content>ACCESS,SYSTEM,SERVICE,APPLICATION</content>"
    b"</logDownloadStatus>"
)


def archive(*pieces: bytes, disposition: str = f"attachment; filename={NAME}") -> bytes:
    """The response to a download."""
    head, blank, body = chunked_answer(*pieces).partition(b"\r\n\r\n")
    headers = (
        "\r\nContent-Type: application/zip\r\nAccept-Ranges: none"
        f"\r\nContent-Disposition: {disposition}"
    )
    return head + headers.encode("latin-1") + blank + body


def status(**flags: str) -> bytes:
    """The response to a question for the status, with some flags other than "false"."""
    names = ("readyForStreaming", "streamingInProgress", "started", "error", "content")
    values = {name: flags.get(name, "" if name == "content" else "false") for name in names}
    elements = "".join(
        f"<{name}>{value}</{name}>" for name, value in values.items() if value != "-"
    )
    return answer(f"<logDownloadStatus>{elements}</logDownloadStatus>".encode())


def test_mark(mapi_server: MapiServer) -> None:
    """The message is encoded as any parameter."""
    server, target = mapi_server(answering(OK))
    with Logs(target) as logs:
        assert logs.mark("begin: 100 % of A+B & ü") is None  # type: ignore[func-returns-value]
    (request,) = server.requests
    assert request.line == (
        b"POST /mapi/logs?mark=begin%3A%20100%20%25%20of%20A%2BB%20%26%20%C3%BC HTTP/1.1"
    )
    assert request.headers("Content-Length") == ["0"]


def test_cancel(mapi_server: MapiServer) -> None:
    server, target = mapi_server(answering(OK))
    with Logs(target) as logs:
        assert logs.cancel() is True
    assert server.requests[0].line == b"POST /mapi/logs?cancel= HTTP/1.1"


def test_prepare(mapi_server: MapiServer) -> None:
    """The dates are sent as HCP wants them; what was sent is returned."""
    server, target = mapi_server(answering(OK, OK))
    with Logs(target) as logs:
        found = logs.prepare(date(2015, 9, 4), date(2015, 10, 5), ["a", "b&c"])
        (request,) = server.requests
        assert request.line == b"POST /mapi/logs/prepare HTTP/1.1"
        assert request.headers("Content-Type") == ["application/xml"]
        assert request.body == (
            b"<logPrepare><startDate>09/04/2015</startDate><endDate>10/05/2015</endDate>"
            b"<snodes>a,b&amp;c</snodes></logPrepare>"
        )
        assert found == (date(2015, 9, 4), date(2015, 10, 5), request.body.decode())

        before = date.today()
        first, last, xml = logs.prepare()
        assert first == date(1970, 1, 1)
        assert before <= last <= date.today()
        assert xml == server.requests[1].body.decode()
        assert xml == (
            "<logPrepare><startDate>01/01/1970</startDate>"
            f"<endDate>{last:%m/%d/%Y}</endDate></logPrepare>"
        )


@pytest.mark.parametrize(
    "arguments",
    [
        {"startdate": "2015-09-04"},
        {"startdate": 0},
        {"enddate": 1443996000.0},
        {"startdate": date(2015, 9, 5), "enddate": date(2015, 9, 4)},
        {"startdate": date(9999, 1, 1)},
    ],
    ids=repr,
)
def test_dates_that_cannot_be_right(mapi_server: MapiServer, arguments: dict[str, Any]) -> None:
    """They raise ValueError before anything is sent."""
    server, target = mapi_server(answering())
    with Logs(target) as logs, pytest.raises(ValueError):
        logs.prepare(**arguments)
    assert server.peers == []


def test_a_datetime_is_a_date(mapi_server: MapiServer) -> None:
    server, target = mapi_server(answering(OK))
    with Logs(target) as logs:
        logs.prepare(datetime(2015, 9, 4, 12, 0), date(2015, 9, 4))
    assert b"<startDate>09/04/2015</startDate><endDate>09/04/2015<" in server.requests[0].body


def test_prepare_twice(mapi_server: MapiServer) -> None:
    """400 means that HCP is busy with logs already; the text starts with it."""
    refusal = answer(b"", "400 Bad Request", "X-HCP-ErrorMessage: A log download is in progress")
    _, target = mapi_server(answering(refusal, answer(b"", "403 Forbidden")))
    with Logs(target) as logs:
        with pytest.raises(LogsInProgessError) as caught:
            logs.prepare()
        assert str(caught.value) == "400 - Bad Request (A log download is in progress)"
        with pytest.raises(LogsError) as other:
            logs.prepare()
        assert not isinstance(other.value, LogsInProgessError)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({}, (False, False, False, False, [])),
        ({"started": "true", "content": "ACCESS"}, (False, False, True, False, ["ACCESS"])),
        (
            {"readyForStreaming": "true", "started": "true", "content": "ACCESS, SYSTEM"},
            (True, False, True, False, ["ACCESS", "SYSTEM"]),
        ),
        ({"error": "TRUE", "content": "-"}, (False, False, False, True, [])),
        ({"streamingInProgress": " true\n"}, (False, True, False, False, [])),
    ],
    ids=repr,
)
def test_status(mapi_server: MapiServer, flags: dict[str, str], expected: tuple[Any, ...]) -> None:
    server, target = mapi_server(answering(status(**flags)))
    with Logs(target) as logs:
        found = logs.status()
    assert tuple(found.values()) == expected
    assert list(found) == [
        "readyForStreaming",
        "streamingInProgress",
        "started",
        "error",
        "content",
    ]
    (request,) = server.requests
    assert request.line == b"GET /mapi/logs HTTP/1.1"
    assert request.headers("Accept") == ["application/xml"]


@pytest.mark.parametrize(
    "response",
    [
        answer(b""),
        answer(b"<html><body>Login</body></html>"),
        answer(b"<logDownloadStatus/>"),
        status(error="-"),
        status(started="perhaps"),
        status(readyForStreaming="<b>true</b>"),
        answer(b"<logDownloadStatus><error>false</error>"),
        answer(b'<!DOCTYPE a [<!ENTITY b "c">]><logDownloadStatus>&b;</logDownloadStatus>'),
    ],
    ids=range(8),
)
def test_no_status(mapi_server: MapiServer, response: bytes) -> None:
    """What cannot be understood raises an exception of ours."""
    _, target = mapi_server(answering(response))
    with Logs(target) as logs, pytest.raises(hcpsdk.HcpsdkError):
        logs.status()


@pytest.mark.parametrize("call", ["mark", "prepare", "status", "download", "cancel"])
def test_unwanted_status(mapi_server: MapiServer, call: str) -> None:
    """Any status but 200 raises LogsError, whose text starts with it."""
    _, target = mapi_server(
        answering(answer(b"", "503 Service Unavailable", "X-HCP-ErrorMessage: upgrade"))
    )
    with Logs(target) as logs, pytest.raises(LogsError) as caught:
        getattr(logs, call)(*(["text"] if call == "mark" else []))
    assert str(caught.value) == "503 - Service Unavailable (upgrade)"
    assert isinstance(caught.value, hcpsdk.HcpsdkStatusError)
    assert caught.value.status == 503


# Downloads


def test_download(mapi_server: MapiServer) -> None:
    """All logs of all nodes come into a temporary file without a name."""
    server, target = mapi_server(answering(READY, archive(ZIP[:1000], ZIP[1000:])))
    with Logs(target) as logs:
        assert logs.suggestedfilename == ""
        file, name = logs.download()
        with file:
            assert file.tell() == 0
            assert file.read() == ZIP
        assert name == logs.suggestedfilename == NAME
    request = server.requests[1]
    assert request.line == b"POST /mapi/logs/download HTTP/1.1"
    assert request.headers("Accept") == ["*/*"]
    assert request.headers("Content-Type") == ["application/xml"]
    assert request.body == (
        b"<logDownload><snodes/><content>ACCESS,SYSTEM,SERVICE,APPLICATION</content></logDownload>"
    )
    assert len(server.peers) == 1


def test_download_of_some(mapi_server: MapiServer, tmp_path: Path) -> None:
    """Some logs of some nodes, by position, into the caller's file, from where it stands."""
    server, target = mapi_server(answering(READY, archive(ZIP)))
    sums: list[int] = []
    with Logs(target) as logs, open(tmp_path / "logs.zip", "w+b") as file:
        file.write(b"before")
        found = logs.download(
            file, [175, "176"], ["s1", "s<2>"], [Logs.L_ACCESS, Logs.L_SERVICE], sums.append, False
        )
        assert found == (file, NAME)
        assert file.tell() == 0
        assert file.read() == b"before" + ZIP
    assert server.requests[1].body == (
        b"<logDownload><nodes>175,176</nodes><snodes>s1,s&lt;2&gt;</snodes>"
        b"<content>ACCESS,SERVICE</content></logDownload>"
    )
    assert sums == sorted(set(sums))
    assert sums[-1] == len(ZIP)
    assert len(sums) > 1


def test_a_file_with_a_name(mapi_server: MapiServer) -> None:
    """hidden=False: the temporary file can be found by its name until it is closed."""
    _, target = mapi_server(answering(READY, archive(ZIP)))
    with Logs(target) as logs:
        file, _ = logs.download(hidden=False)
        assert Path(file.name).read_bytes() == ZIP
        file.close()
        assert not Path(file.name).exists()


class ShortWriter(io.RawIOBase):
    """Takes a few bytes at a time, as unbuffered files may; cannot seek."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        taken = bytes(data[:5000])
        self.data += taken
        return len(taken)


class Sink:
    """Has nothing but `write()`, which returns None."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: Any) -> None:
        self.data += data


@pytest.mark.parametrize("kind", [ShortWriter, Sink])
def test_files_of_other_kinds(mapi_server: MapiServer, kind: Any) -> None:
    """Whatever has a `write()` gets all bytes."""
    _, target = mapi_server(answering(READY, archive(ZIP)))
    sink = kind()
    with Logs(target) as logs:
        file, _ = logs.download(sink)
    assert sink.data == ZIP
    assert file is sink


@pytest.mark.parametrize("flag", ["", "started", "streamingInProgress", "error"])
def test_not_ready(mapi_server: MapiServer, flag: str) -> None:
    """Nothing is requested before HCP has it."""
    server, target = mapi_server(answering(status(**({flag: "true"} if flag else {}))))
    with Logs(target) as logs, pytest.raises(LogsNotReadyError, match="readyForStreaming: false"):
        logs.download()
    assert [request.method for request in server.requests] == ["GET"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"logs": ["ACCESS", "EVERYTHING"]}, ValueError),
        ({"logs": "ACCESS"}, TypeError),
        ({"nodes": "1,2"}, TypeError),
        ({"nodes": 5}, TypeError),
        ({"nodes": 0}, TypeError),
        ({"snodes": 5}, TypeError),
        ({"logs": 5}, TypeError),
        ({"hdl": io.StringIO()}, TypeError),
        ({"hdl": 5}, TypeError),
        ({"hdl": "logs.zip"}, TypeError),
        ({"progresshook": 1}, TypeError),
    ],
    ids=repr,
)
def test_invalid_arguments(
    mapi_server: MapiServer, arguments: dict[str, Any], error: type[Exception]
) -> None:
    """What cannot be right raises before anything is sent."""
    server, target = mapi_server(answering())
    with Logs(target) as logs, pytest.raises(error) as caught:
        logs.download(**arguments)
    assert server.peers == []
    if not isinstance(arguments.get("hdl"), io.StringIO):  # which says it in its own words
        assert str(caught.value).startswith(f"{next(iter(arguments))} must be ")


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (f'attachment; filename="{NAME}"', NAME),
        ("attachment; FileName=a.zip; size=5", "a.zip"),
        ("attachment; filename=../../etc/passwd", "passwd"),
        (r"attachment; filename=C:\logs\a.zip", "a.zip"),
        ("attachment; filename=..", "HCPLogs-admin.hcp.example.com.zip"),
        ("attachment; filename=a/", "HCPLogs-admin.hcp.example.com.zip"),
        ("attachment; filename=a\x7f.zip", "HCPLogs-admin.hcp.example.com.zip"),
        ("attachment", "HCPLogs-admin.hcp.example.com.zip"),
        ("", "HCPLogs-admin.hcp.example.com.zip"),
    ],
)
def test_suggested_name(mapi_server: MapiServer, disposition: str, name: str) -> None:
    """Whatever HCP suggests, it is the name of a file, without a directory."""
    _, target = mapi_server(answering(READY, archive(ZIP, disposition=disposition)))
    with Logs(target) as logs:
        file, found = logs.download()
        file.close()
    assert found == logs.suggestedfilename == name


def cut(data: bytes, missing: int) -> Handler:
    """A handler that answers the first question, and sends a part of *data* for the second."""

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(READY)
        peer.read_request()
        peer.send(data[: len(data) - missing])

    return handler


@pytest.mark.parametrize("missing", [5, 6, 100, len(ZIP) // 2, len(ZIP) + 10])
@pytest.mark.parametrize("hidden", [True, False])
def test_a_cut_download(
    mapi_server: MapiServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    missing: int,
    hidden: bool,
) -> None:
    """It raises, leaves no file, and can be repeated at once."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    whole = archive(ZIP[:100_000], ZIP[100_000:])
    _, target = mapi_server(in_turn(cut(whole, missing), answering(READY, whole)))
    with Logs(target) as logs:
        with pytest.raises(hcpsdk.HcpsdkError):
            logs.download(hidden=hidden)
        assert list(tmp_path.iterdir()) == []
        assert logs.suggestedfilename == ""
        file, _ = logs.download(hidden=hidden)
        with file:
            assert file.read() == ZIP


def test_a_cut_download_into_the_callers_file(mapi_server: MapiServer) -> None:
    """It holds what was received until then, and stays open."""
    _, target = mapi_server(cut(archive(ZIP), 100_000))
    file = io.BytesIO()
    with Logs(target) as logs, pytest.raises(hcpsdk.HcpsdkError):
        logs.download(file)
    assert ZIP.startswith(file.getvalue())
    assert 0 < len(file.getvalue()) < len(ZIP)


class Interruption(BaseException):
    """As KeyboardInterrupt, but pytest does not stop for it."""


def test_a_hook_that_raises(
    mapi_server: MapiServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its exception comes through, the file is removed, the rest of the archive given up."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def hook(_received: int) -> None:
        raise Interruption

    def endless(peer: Peer) -> None:
        peer.read_request()
        peer.send(READY)
        peer.read_request()
        with pytest.raises(OSError):
            peer.send(archive(ZIP).removesuffix(b"0\r\n\r\n"))
            while True:
                peer.send(b"10000\r\n%b\r\n" % bytes(65536))

    server, target = mapi_server(in_turn(endless, answering(READY)))
    with Logs(target) as logs:
        with pytest.raises(Interruption):
            logs.download(progresshook=hook, hidden=False)
        assert list(tmp_path.iterdir()) == []
        server.wait_for_finished(1)
        assert logs.status()["readyForStreaming"]


def test_a_full_disk(mapi_server: MapiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours raises LogsError; the caller's raises its own exception."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")

    def handler(peer: Peer) -> None:
        peer.read_request()
        peer.send(READY)
        peer.read_request()
        with contextlib.suppress(OSError):  # the client may close before it has everything
            peer.send(archive(ZIP))

    _, target = mapi_server(handler)
    with Logs(target) as logs:
        with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError):
            logs.download(full)
        monkeypatch.setattr(tempfile, "TemporaryFile", partial(open, "/dev/full", "wb", 0))
        with pytest.raises(LogsError, match="temporary file") as caught:
            logs.download()
        assert isinstance(caught.value.__cause__, OSError)


def test_nowhere_to_write(
    mapi_server: MapiServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    server, target = mapi_server(answering(READY))
    with Logs(target) as logs, pytest.raises(LogsError, match="temporary file"):
        logs.download()
    assert len(server.requests) == 1


def test_memory_does_not_grow_with_the_archive(mapi_server: MapiServer) -> None:
    """Sixteen times as long an archive takes no more memory."""
    peaks = []
    piece = b"10000\r\n%b\r\n" % (b"0123456789abcdef" * 4096)
    for count in (64, 1024):

        def handler(peer: Peer, count: int = count) -> None:
            peer.read_request()
            peer.send(READY)
            peer.read_request()
            peer.send(archive().removesuffix(b"0\r\n\r\n"))
            for _ in range(count):
                peer.send(piece)
            peer.send(b"0\r\n\r\n")

        _, target = mapi_server(handler)
        with Logs(target) as logs:
            tracemalloc.start()
            try:
                file, _ = logs.download()
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
            with file:
                assert file.seek(0, io.SEEK_END) == count * 65536
    assert peaks[1] < 1.5 * peaks[0]


def test_target_is_read_only(mapi_server: MapiServer) -> None:
    _, target = mapi_server(answering())
    with Logs(target) as logs:
        assert logs.target is target
        with pytest.raises(AttributeError):
            logs.target = target  # type: ignore[misc]
