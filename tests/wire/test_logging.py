"""What is logged while requests are made, and what never is."""

import contextlib
import logging
import pickle
import re
import ssl
import traceback
from collections.abc import Callable
from typing import Any

import pytest
import trustme

import hcpsdk
from hcpsdk import ips
from hcpsdk._excerpt import excerpt

NAME = "n1.m.hcp1.snomis.local"
PASSWORD = "Pa55-word"
TOKEN = "d2hvIGFtIEk=:"  # the user part, as it may be shown
SECONDS = r"[0-9.e+-]+"
TIMER = r"<Timer\([^,]+, started \d+\)>"


def answers(peer: Any) -> None:
    for request in peer.each_request():
        body = b"" if request.method == "HEAD" else b"body"
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """A function that gives what was logged at DEBUG by a Connection or a Circle, and clears it."""
    caplog.set_level(logging.DEBUG, "hcpsdk")

    def take() -> list[str]:
        taken = [record.getMessage() for record in caplog.records]
        assert {record.levelno for record in caplog.records} <= {logging.DEBUG}
        assert {record.name for record in caplog.records} <= {
            "hcpsdk.Connection",
            "hcpsdk.ips.Circle",
            "hcpsdk.Target",
            "hcpsdk.NativeAuthorization",
        }
        caplog.clear()
        return taken

    return take


def read_alike(told: list[str], expected: list[str]) -> None:
    """Fails unless the lines *told* match the patterns *expected*, one by one."""
    for line, pattern in zip(told, expected, strict=False):
        assert re.fullmatch(pattern, line), f"{line!r} is not {pattern!r} in {told}"
    assert len(told) == len(expected), told


def test_requests_read_as_in_the_manual(
    raw_server: Any, names: Any, authorization: Any, lines: Any
) -> None:
    """The manual's lines for its sample, in its order (manual 10.1.2) (contract 9)."""
    server = raw_server(answers)
    names.set(NAME, [server.address])
    connection = hcpsdk.Connection(hcpsdk.Target(NAME, authorization, server.port))
    path = "/rest/hcpsdk/sample_primary_only.txt"
    escaped = re.escape(path)
    opened = rf"Connection open: IP {server.address} \({NAME}\) - connect_time: {SECONDS}"
    nothing_to_cancel = r"tried to cancel a non-existing idletimer \(pretty OK\)"

    lines()
    connection.PUT(path, b"data")
    read_alike(
        lines(),
        [
            nothing_to_cancel,
            f"URL = {escaped}",
            "Connection needs to be opened",
            f"issued IP address: {server.address}",
            opened,
            f"PUT Request for {escaped} - service_time1 = {SECONDS}",
            nothing_to_cancel,
            f"idletimer started: {TIMER}",
        ],
    )
    connection.HEAD(path)
    read_alike(
        lines(),
        [
            f"idletimer canceled: {TIMER}",
            f"URL = {escaped}",
            f"HEAD Request for {escaped} - service_time1 = {SECONDS}",
            nothing_to_cancel,
            f"idletimer started: {TIMER}",
        ],
    )
    connection.GET(path)
    connection.read()
    told = lines()
    read_alike(
        told[:3],
        [
            f"idletimer canceled: {TIMER}",
            f"URL = {escaped}",
            f"GET Request for {escaped} - service_time1 = {SECONDS}",
        ],
    )
    partial = [line for line in told if line.startswith("(partial?) read")]
    read_alike(partial, [rf"\(partial\?\) read: service_time1 = {SECONDS} secs"])
    connection.DELETE(path)
    told = lines()
    read_alike(
        told[:3],
        [
            f"idletimer canceled: {TIMER}",
            f"URL = {escaped}",
            f"DELETE Request for {escaped} - service_time1 = {SECONDS}",
        ],
    )
    connection.close()
    read_alike(
        lines(),
        [
            f"idletimer canceled: {TIMER}",
            rf"Connection object closed: IP {server.address} \({NAME}\)",
        ],
    )


def test_times_in_the_log_are_those_of_the_connection(
    raw_server: Any, connect: Any, lines: Any
) -> None:
    """The log tells the times that the attributes tell (contract 9, 1.7)."""
    connection = connect(raw_server(answers))
    connection.GET("/rest/a")
    told = lines()
    assert any(line.endswith(f" - connect_time: {connection.connect_time}") for line in told)
    assert f"GET Request for /rest/a - service_time1 = {connection.service_time1}" in told
    connection.read()
    assert f"(partial?) read: service_time1 = {connection.service_time1} secs" in lines()


def test_context_reads_as_in_the_manual(
    tls_node: Any, names: Any, authorization: Any, lines: Any
) -> None:
    """With TLS, the manual shows the context (manual 10.2.2) (contract 9)."""
    names.set(NAME, ["127.0.1.1"])
    context = ssl.create_default_context()
    target = hcpsdk.Target(NAME, authorization, 8000, sslcontext=context)
    told = lines()
    assert f"Target initialized: {NAME}:8000 - SSL = True" in told
    hcpsdk.Connection(target)
    read_alike(
        lines(),
        [
            rf"Connection object initialized: IP None \({NAME}\) - timeout: 30 - idletime: 30 - "
            "retries: 0",
            f"SSLcontext = {re.escape(repr(context))}",
        ],
    )


def test_bad_certificate_reads_as_in_the_manual(
    tls_node: Any, names: Any, authorization: Any, lines: Any
) -> None:
    """The manual's line for a certificate that does not verify (manual 10.2.2) (contract 9)."""
    node = tls_node(NAME, authority=trustme.CA())
    names.set(NAME, [node.address])
    context = ssl.create_default_context()
    target = hcpsdk.Target(NAME, authorization, node.port, sslcontext=context)
    connection = hcpsdk.Connection(target)
    with pytest.raises(hcpsdk.HcpsdkCertificateError) as caught:
        connection.PUT("/rest/a", b"data")
    told = lines()
    assert f"Request raised exception: {caught.value.reason}" in told
    assert "Request raised exception: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify fail" in (
        "\n".join(told)
    )


def test_nothing_is_recorded_while_debug_is_off(
    raw_server: Any, connect: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is formatted while DEBUG is off: no record is made, in success and in failure
    (contract 9)."""

    def then_hang_up(peer: Any) -> None:
        if peer.number == 0 and peer.read_request():
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
            peer.read_request()

    connection = connect(raw_server(then_hang_up), retries=2)
    caplog.set_level(logging.INFO, "hcpsdk")
    made: list[object] = []
    factory = logging.getLogRecordFactory()
    try:
        logging.setLogRecordFactory(lambda *args, **kw: made.append(args) or factory(*args, **kw))
        connection.GET("/rest/a")
        connection.read()
        with pytest.raises(hcpsdk.HcpsdkError):
            connection.POST("/rest/a", body=b"data")
        connection.close()
    finally:
        logging.setLogRecordFactory(factory)
    assert made == []


# Secrets


class Secrets:
    """What may not be seen, in all its writings."""

    def __init__(self) -> None:
        self.authorization = hcpsdk.NativeAuthorization("who am I", PASSWORD)
        token = self.authorization.headers["Authorization"].removeprefix("HCP ")
        assert token.startswith(TOKEN)
        self.all = [PASSWORD, token, token.partition(":")[2]]

    def check(self, *shown: str) -> None:
        for text in shown:
            for secret in self.all:
                assert secret not in text


def lies_under(error: BaseException) -> BaseException | None:
    """The exception that Python shows above *error*."""
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def everything_about(error: BaseException | None) -> str:
    """An exception and those under it: text, repr, arguments, traceback, attributes, pickle."""
    texts = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        texts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        texts += traceback.format_exception(error)
        texts += [repr(getattr(error, name, None)) for name in ("object", "line", "reason")]
        if isinstance(error, hcpsdk.HcpsdkError):
            texts.append(repr(pickle.dumps(error)))
        error = lies_under(error)
    return "\n".join(texts)


def local_variables(error: BaseException | None) -> str:
    """Those of all but the tests, of an exception and those under it; error trackers show them."""
    texts = []
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if not frame.f_globals["__name__"].startswith("tests."):
                texts.append(repr(frame.f_locals))
        error = lies_under(error)
    return "\n".join(texts)


def cut_head(peer: Any) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 O")


def cut_body(peer: Any) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nbo")


def no_answer(peer: Any) -> None:
    peer.read_request()


def nonsense(peer: Any) -> None:
    peer.read_request()
    peer.send(b"\x00\x01\x02 no HTTP at all\r\n\r\n")


def mirror(peer: Any) -> None:
    """An answer that shows the request, as a TRACE or an error page may."""
    for request in peer.each_request():
        peer.send(
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n%b"
            % (len(request.raw), request.raw)
        )


def echo_head(peer: Any) -> None:
    """The request, sent back as it came: no answer in HTTP."""
    request = peer.read_request()
    if request:
        peer.send(request.raw)


def credentials_in(place: bytes) -> Callable[[Any], None]:
    """A handler that sends the credentials back, in *place* of a response."""

    def handler(peer: Any) -> None:
        request = peer.read_request()
        if request:
            token = request.headers("Authorization")[0]
            with contextlib.suppress(OSError):
                peer.send(place.replace(b"%TOKEN", token.encode()))

    handler.__name__ = repr(place[:30])
    return handler


REFLECTING = [
    credentials_in(place)
    for place in (
        b"HTTP/1.1 %TOKEN OK\r\n\r\n",
        b"HTTP/1.1 2%TOKEN",
        b"%TOKEN 200 OK\r\n\r\n",
        b"x" * 290 + b"%TOKEN\r\n\r\n",
        b"HTTP/1.1 200 %TOKEN\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon %TOKEN\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: %TOKEN\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: %TOKEN\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: %TOKEN\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%TOKEN\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n%TOKEN\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nX: %TOKEN\r\n\r\n",
    )
]


@pytest.mark.parametrize(
    "handler", [cut_head, cut_body, no_answer, nonsense, mirror, echo_head, *REFLECTING]
)
@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "POST", "DELETE"])
def test_no_secret_is_shown(
    raw_server: Any, names: Any, caplog: pytest.LogCaptureFixture, handler: Any, verb: str
) -> None:
    """No log line, `repr` or exception shows a token or a password, in success and in failure
    (contract 9)."""
    caplog.set_level(logging.DEBUG)
    secrets = Secrets()
    server = raw_server(handler)
    names.set(NAME, [server.address, server.address])
    target = hcpsdk.Target(NAME, secrets.authorization, server.port)
    connection = hcpsdk.Connection(target, retries=1, timeout=20)
    objects: list[object] = [secrets.authorization, target, target._circle, connection]
    error: BaseException | None = None
    try:
        response = getattr(connection, verb)("/rest/a", headers={"X-A": "b"})
        objects.append(response)
        connection.read()
    except hcpsdk.HcpsdkError as exc:
        error = exc
    secrets.check(*(f"{thing!r} {thing}" for thing in objects), everything_about(error))
    secrets.check(local_variables(error))
    connection.close()
    secrets.check(repr(connection), caplog.text, *(repr(record.args) for record in caplog.records))
    assert TOKEN in caplog.text
    assert len(caplog.records) > 5
    assert server.requests


def test_no_secret_in_look_ups_and_certificates(
    tls_node: Any, names: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Failures before anything is sent show no token or password either (contract 9)."""
    caplog.set_level(logging.DEBUG)
    secrets = Secrets()
    names.fail("nowhere.example")
    with pytest.raises(ips.IpsError) as look_up:
        hcpsdk.Target("nowhere.example", secrets.authorization)
    node = tls_node(NAME, authority=trustme.CA())
    names.set(NAME, [node.address])
    context = ssl.create_default_context()
    target = hcpsdk.Target(NAME, secrets.authorization, node.port, sslcontext=context)
    with pytest.raises(hcpsdk.HcpsdkError) as certificate, hcpsdk.Connection(target) as connection:
        connection.GET("/rest/a")
    with pytest.raises(hcpsdk.HcpsdkReplicaInitError) as replica:
        hcpsdk.Target(NAME, secrets.authorization, replica_fqdn="nowhere.example")
    with pytest.raises(TypeError) as unpicklable:
        pickle.dumps(target)
    for caught in (look_up, certificate, replica, unpicklable):
        secrets.check(everything_about(caught.value))
    secrets.check(local_variables(certificate.value))
    secrets.check(caplog.text)


@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(
    "cause", [ValueError("the caller's"), OSError("the caller's"), KeyboardInterrupt()], ids=repr
)
@pytest.mark.parametrize("when", ["body", "read", "authorize"])
def test_no_secret_in_local_variables(
    raw_server: Any, tls_context: Any, loopback: str, cause: BaseException, when: str, is_tls: bool
) -> None:
    """What the caller's code raises shows none in the local variables of ours, and all that the
    caller's own have (contract 9.3)."""
    secrets = Secrets()

    class Authorization(hcpsdk.BaseAuthorization):
        headers = secrets.authorization.headers

        def authorize(self, request: Any) -> Any:
            if when == "authorize":
                raise cause
            return {"X-A": "b"}

    class Source:
        def read(self, _size: int) -> bytes:
            raise cause

    def pieces() -> Any:
        yield b"abc" * 100_000
        raise cause

    server = raw_server(
        lambda peer: peer.count_rest(),
        loopback,
        8000 if is_tls else 80,
        tls_context if is_tls else None,
    )
    target = hcpsdk.Target(loopback, Authorization(), port=server.port)
    with hcpsdk.Connection(target) as connection, pytest.raises(BaseException) as caught:
        connection.PUT("/rest/a", pieces() if when == "body" else Source())
    error: BaseException | None = caught.value
    secrets.check(local_variables(error))
    while error is not cause:
        assert error is not None
        error = lies_under(error)
    *_, (frame, _) = traceback.walk_tb(cause.__traceback__)
    assert frame.f_locals["cause"] is cause


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "HCP {0}\r\n"},
        {"Authorization": "HCP {0}\u20ac"},
        {"Authorization": "HCP {0}\udc80"},
        {"Cookie": "hcp-ns-auth={0}\n"},
        {"Cookie": ["hcp-ns-auth={0}"]},
        {"Authorization: HCP {0}": "x"},
        {"X-Other": "{0}\x00"},
    ],
)
def test_no_secret_in_refusals(raw_server: Any, connect: Any, headers: dict[str, Any]) -> None:
    """A header that is refused is refused without showing the credentials in it (contract 9)."""
    secrets = Secrets()
    token = secrets.all[1]
    given = {
        name.format(token): [item.format(token) for item in value]
        if isinstance(value, list)
        else value.format(token)
        for name, value in headers.items()
    }
    connection = connect(raw_server(answers))
    with pytest.raises((TypeError, ValueError)) as caught:
        connection.GET("/rest/a", headers=given)
    error: BaseException | None = caught.value
    while error is not None:
        secrets.check(str(error), repr(error), repr(error.args))
        error = lies_under(error)


@pytest.mark.parametrize("level", [0, 1])
def test_debuglevel_is_for_those_who_ask(
    raw_server: Any, connect: Any, capsys: pytest.CaptureFixture[str], level: int
) -> None:
    """Without `debuglevel` nothing is printed, so no token is (contract 9, 3.9)."""
    connection = connect(raw_server(answers), debuglevel=level)
    connection.PUT("/rest/a", b"data")
    printed = capsys.readouterr()
    assert ("1dc7fed37e11b35093d311ef66928ad9" in printed.out) is bool(level)
    assert printed.err == ""


def test_lines_of_the_server(raw_server: Any, connect: Any, lines: Any) -> None:
    """What a server answers makes no lines of its own, neither in the log nor in a message
    (contract 4.5)."""

    def handler(peer: Any) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 OK\x1b[1m\rDEBUG hello\r\n\r\n")

    connection = connect(raw_server(handler))
    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        connection.GET("/rest/a")
    told = [*lines(), caught.value.reason, str(caught.value)]
    assert all(line.isprintable() for line in told)
    assert any("DEBUG hello" in line for line in told)


ANSWERS_OF_INFO = {
    "reason": b"HTTP/1.1 403 %b\r\nContent-Length: 0\r\n\r\n",
    "header": b"HTTP/1.1 403 No\r\nX-HCP-ErrorMessage: %b\r\nContent-Length: 0\r\n\r\n",
    "body": b"HTTP/1.1 200 OK\r\n\r\n%b",
    "root": b"HTTP/1.1 200 OK\r\n\r\n<%b/>",
    "encoding": b"HTTP/1.1 200 OK\r\n\r\n<?xml version='1.0' encoding='%b'?><a/>",
}


@pytest.mark.parametrize("place", ANSWERS_OF_INFO)
@pytest.mark.parametrize(
    "text",
    [
        b"%TOKEN",
        b"Authorization: HCP %TOKEN",
        b"you said %DIGEST!",
        b"\x1b[31mred\x1b[0m\x07",
        b"y" * 60_000,
        b"y" * 295 + b"%DIGEST",
        b"y" * 50 + b"%DIGEST" + b"z" * 60_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_errors_with_the_servers_words(
    raw_server: Any, place: str, text: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """What a server says is shown without our credentials and control characters, and not at
    length (contract 9, 8.3)."""
    caplog.set_level(logging.DEBUG)
    secrets = Secrets()
    token, digest = (secret.encode() for secret in secrets.all[1:])
    said = text.replace(b"%TOKEN", token).replace(b"%DIGEST", digest)

    def handler(peer: Any) -> None:
        peer.read_request()
        with contextlib.suppress(OSError):
            peer.send(ANSWERS_OF_INFO[place] % said)

    server = raw_server(handler)
    target = hcpsdk.Target(server.address, secrets.authorization, server.port)
    with (
        hcpsdk.namespace.Info(target) as info,
        pytest.raises(hcpsdk.HcpsdkError) as caught,
    ):
        info.nsstatistics()
    assert caught.value.reason.isprintable()
    assert len(caught.value.reason) < 1000
    secrets.check(everything_about(caught.value), caplog.text)
    error: BaseException | None = caught.value
    while error is not None:
        assert len(str(error)) < 1000
        assert str(error).isprintable()
        error = lies_under(error)


def test_excerpt_keeps_what_is_no_secret() -> None:
    """Only the credentials are masked, not the user and not the text around (contract 9)."""
    authorization = Secrets().authorization
    token = authorization.headers["Authorization"]

    assert excerpt(f"a {token} b", authorization.headers) == f"a HCP {TOKEN}******** b"
    assert excerpt("HCP is busy: try later", authorization.headers) == "HCP is busy: try later"
    assert excerpt("Cookie: a=b; x", {}) == "Cookie: ********; x"
    assert excerpt("say aBcDeF.1!", {"X-Auth": "Bearer AbCdEf.1"}) == "say ********!"


def test_records_are_complete(
    raw_server: Any, names: Any, authorization: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """``{msg}``, which the manual's sample has in its format, shows the values (contract 9)."""
    caplog.set_level(logging.DEBUG, "hcpsdk")
    names.set(NAME, ["127.0.0.1"])
    server = raw_server(answers)
    target = hcpsdk.Target(NAME, authorization, server.port)
    with hcpsdk.Connection(target) as connection:
        connection.PUT("/rest/100%25s %d", b"data")
        connection.GET("/rest/a")
        connection.read()
    server.close()
    with pytest.raises(hcpsdk.HcpsdkError):
        connection.GET("/rest/a")
    assert len(caplog.records) > 15
    for record in caplog.records:
        assert (record.msg, record.args) == (record.getMessage(), ())
        assert record.filename != "_log.py"
        shown = logging.Formatter("{levelname:>5s} {msg}", style="{").format(record)
        assert shown == f"DEBUG {record.getMessage()}"
