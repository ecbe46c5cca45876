"""Chargeback reports: what is asked for, and what becomes of each kind of response."""

import io
import re
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest

import hcpsdk
from hcpsdk.mapi import Chargeback, ChargebackError

from ..support.raw_server import Peer, answer, answering, chunked_answer, in_turn

CSV = (
    b"systemName,tenantName,namespaceName,startTime,endTime,objectCount,bytesIn,deleted,valid\n"
    b"hcp1.snomis.local,m,n1,2015-12-02T13:00:00+0100,2015-12-02T13:59:59+0100,3,1024,false,true\n"
    b"hcp1.snomis.local,m,,2015-12-02T13:00:00+0100,2015-12-02T13:59:59+0100,3,1024,false,true\n"
)

MapiServer = Callable[..., tuple[Any, hcpsdk.Target]]


def query(server: Any) -> dict[str, list[str]]:
    """The parameters of the only request."""
    (request,) = server.requests
    return parse_qs(request.target.partition("?")[2], keep_blank_values=True, strict_parsing=True)


@pytest.mark.parametrize("fmt", Chargeback.CBM_ALL)
@pytest.mark.parametrize("granularity", Chargeback.CBG_ALL)
def test_request(mapi_server: MapiServer, granularity: str, fmt: str) -> None:
    """The request is as documented; the text comes back unchanged, in a file at its start."""
    server, target = mapi_server(answering(answer(CSV, "200 OK", f"Content-Type: {fmt}")))
    start = datetime(2015, 12, 2, 13, 28, 41, tzinfo=timezone(timedelta(hours=1)))
    end = datetime(2015, 12, 12, 18, 29, 4, tzinfo=timezone(-timedelta(hours=3, minutes=30)))
    with Chargeback(target) as chargeback:
        report = chargeback.request("m", start, end, granularity, fmt)

    assert isinstance(report, io.StringIO)
    assert report.tell() == 0
    assert report.read() == CSV.decode()
    (request,) = server.requests
    assert request.method == "GET"
    assert request.headers("Accept") == [fmt]
    assert request.headers("Host") == ["admin.hcp.example.com"]
    path, _, parameters = request.target.partition("?")
    assert path == "/mapi/tenants/m/chargebackReport"
    assert "+" not in parameters
    assert unquote(parameters) == (
        "start=2015-12-02T13:28:41+0100&end=2015-12-12T18:29:04-0330"
        f"&granularity={granularity}&prettyprint=true"
    )


def test_defaults(mapi_server: MapiServer) -> None:
    """Without arguments: JSON for the last 180 days in total, of the Target's own tenant."""
    server, target = mapi_server(answering(answer(b"{}")), "m.hcp.example.com")
    before = datetime.now(timezone.utc).replace(microsecond=0)
    with Chargeback(target) as chargeback:
        chargeback.request()
    after = datetime.now(timezone.utc)

    (request,) = server.requests
    assert request.target.startswith("/mapi/tenants/m/chargebackReport?")
    assert request.headers("Accept") == ["application/json"]
    found = query(server)
    assert found["granularity"] == ["total"]
    start, end = (
        datetime.strptime(found[name][0], "%Y-%m-%dT%H:%M:%S%z") for name in ("start", "end")
    )
    assert before <= end <= after
    # Local time may have changed by an hour within these days.
    assert abs(end - start - timedelta(days=180)) <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("UTC-1", "+0100"), ("UTC+3:30", "-0330"), ("UTC0", "+0000")],
)
def test_naive_datetimes_are_local_time(
    mapi_server: MapiServer, local_zone: Callable[[str], None], zone: str, expected: str
) -> None:
    local_zone(zone)
    server, target = mapi_server(answering(answer(b"")))
    with Chargeback(target) as chargeback:
        chargeback.request("m", datetime(2015, 12, 2, 13, 28, 41), datetime(2015, 12, 3, 1, 2, 3))
    assert query(server)["start"] == [f"2015-12-02T13:28:41{expected}"]
    assert query(server)["end"] == [f"2015-12-03T01:02:03{expected}"]


def test_a_zone_with_seconds(mapi_server: MapiServer) -> None:
    """HCP's format has no seconds in the zone, so such a time is given in UTC."""
    server, target = mapi_server(answering(answer(b"")))
    odd = timezone(timedelta(minutes=53, seconds=28))
    with Chargeback(target) as chargeback:
        chargeback.request("m", datetime(2015, 12, 2, 1, 0, 0, tzinfo=odd))
    assert query(server)["start"] == ["2015-12-02T00:06:32+0000"]


def test_the_name_of_a_tenant_is_encoded(mapi_server: MapiServer) -> None:
    server, target = mapi_server(answering(answer(b"")))
    with Chargeback(target) as chargeback:
        chargeback.request("a/b c%20+?")
    assert server.requests[0].target.startswith(
        "/mapi/tenants/a%2Fb%20c%2520%2B%3F/chargebackReport?"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"start": "2015-12-02"},
        {"end": 1449059321},
        {"start": datetime(2015, 12, 2).date()},
        {"granularity": "week"},
        {"granularity": None},
        {"fmt": "text/html"},
        {"fmt": None},
        {"tenant": ".."},
        {"tenant": None},  # the Target is that of the system
    ],
    ids=repr,
)
def test_invalid_arguments(mapi_server: MapiServer, arguments: dict[str, Any]) -> None:
    """What cannot be right raises ValueError before anything is sent."""
    server, target = mapi_server(answering())
    with Chargeback(target) as chargeback, pytest.raises(ValueError):
        chargeback.request(**{"tenant": "m", **arguments})
    assert server.peers == []


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (
            answer(b"", "403 Forbidden", "X-HCP-ErrorMessage: no role"),
            "403 - Forbidden (no role)",
        ),
        (answer(b"busy", "503 Service Unavailable"), "503 - Service Unavailable"),
        (answer(b"", "302 Found", "Location: /login"), "302 - Found"),
        (answer(b"x" * 200_000, "500 Oops"), "500 - Oops"),
        (chunked_answer(b"x" * 1000, status="400 Bad Request"), "400 - Bad Request"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unwanted_status(mapi_server: MapiServer, response: bytes, text: str) -> None:
    """Any status but 200 raises ChargebackError, whose text starts with it; then all is well."""
    server, target = mapi_server(answering(response, answer(CSV)))
    with Chargeback(target) as chargeback:
        with pytest.raises(ChargebackError) as caught:
            chargeback.request("m")
        assert str(caught.value) == caught.value.reason == text
        assert isinstance(caught.value, hcpsdk.HcpsdkStatusError)
        assert caught.value.status == int(text[:3])

        assert chargeback.request("m").read() == CSV.decode()
    assert len(server.peers) == 1  # over the same connection


def test_a_large_report_is_on_disk(
    mapi_server: MapiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report beyond the limit is a temporary file with the same text, line ends included."""
    monkeypatch.setattr("hcpsdk.mapi._chargeback.MAX_IN_MEMORY", 1000)
    text = "Größe in €,\r\nzwei\n" * 20_000
    data = text.encode()
    pieces = [data[i : i + 99_999] for i in range(0, len(data), 99_999)]
    _, target = mapi_server(answering(chunked_answer(*pieces)))
    with Chargeback(target) as chargeback, chargeback.request("m") as report:
        assert not isinstance(report, io.StringIO)
        assert report.tell() == 0
        assert report.read() == text
        report.seek(0)
        assert report.readline() == "Größe in €,\r\n"


def test_memory_does_not_grow_with_the_report(mapi_server: MapiServer) -> None:
    """Four times as long a report takes no more memory."""
    peaks = []
    for count in (128, 512):

        def handler(peer: Peer, count: int = count) -> None:
            peer.read_request()
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(count):
                peer.send(b"10000\r\n%b\r\n" % (b"0123456,89abcde\n" * 4096))
            peer.send(b"0\r\n\r\n")

        _, target = mapi_server(handler)
        with Chargeback(target) as chargeback:
            tracemalloc.start()
            try:
                with chargeback.request("m") as report:
                    peaks.append(tracemalloc.get_traced_memory()[1])
                    assert sum(len(line) for line in report) == count * 65536
            finally:
                tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.parametrize(
    "response",
    [
        answer(CSV)[:-10],
        chunked_answer(CSV, CSV)[:-5],
        chunked_answer(CSV, CSV)[: -len(CSV)],
        answer(CSV)[:30],
        b"",
    ],
    ids=["length", "last chunk", "in a chunk", "head", "nothing"],
)
@pytest.mark.parametrize("limit", [100, 1_000_000], ids=["disk", "memory"])
def test_a_cut_report_raises(
    mapi_server: MapiServer, monkeypatch: pytest.MonkeyPatch, response: bytes, limit: int
) -> None:
    """A report that ends early is never taken for a short one."""
    monkeypatch.setattr("hcpsdk.mapi._chargeback.MAX_IN_MEMORY", limit)

    def handler(peer: Peer) -> None:
        if peer.number == 0:
            peer.read_request()
            peer.send(response)
        else:
            answering(answer(CSV))(peer)

    _, target = mapi_server(handler)
    with Chargeback(target) as chargeback:
        with pytest.raises(hcpsdk.HcpsdkError) as caught:
            chargeback.request("m")
        assert not isinstance(caught.value, ChargebackError)
        with chargeback.request("m") as report:
            assert report.read() == CSV.decode()


def test_a_report_that_is_no_text(mapi_server: MapiServer) -> None:
    """What is not UTF-8 raises now, not when the caller reads it."""
    broken = answering(answer(b"a,b\n\xff\xfe\n"))
    _, target = mapi_server(in_turn(broken, answering(answer(CSV))))
    with Chargeback(target) as chargeback:
        with pytest.raises(hcpsdk.HcpsdkError, match="UTF-8"):
            chargeback.request("m")
        assert chargeback.request("m").read() == CSV.decode()


def test_a_disk_that_cannot_be_written(
    mapi_server: MapiServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Even then the exception is one of ours."""
    monkeypatch.setattr("hcpsdk.mapi._chargeback.MAX_IN_MEMORY", 10)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    _, target = mapi_server(answering(answer(CSV)))
    with Chargeback(target) as chargeback:
        with pytest.raises(hcpsdk.HcpsdkError, match="temporary file") as caught:
            chargeback.request("m")
        assert isinstance(caught.value.__cause__, OSError)


def test_times_and_repr(mapi_server: MapiServer) -> None:
    """It measures as the other classes of the library do, and shows no credentials."""
    _, target = mapi_server(answering(answer(CSV)))
    with Chargeback(target) as chargeback:
        assert chargeback.service_time == chargeback.connect_time == 1e-11
        chargeback.request("m")
        assert chargeback.service_time > 1e-11
        assert chargeback.connect_time > 1e-11
        assert re.fullmatch(
            r"<Chargeback over <Connection admin\.hcp\.example\.com .*>>", repr(chargeback)
        )
