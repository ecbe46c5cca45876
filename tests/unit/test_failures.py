"""What a failure means: the table behind the retry loop, row by row."""

import errno
import http.client
import ssl
from types import SimpleNamespace
from typing import Any

import pytest

import hcpsdk
from hcpsdk._request.body_kinds import make_body
from hcpsdk._request.content import BodyError
from hcpsdk._request.outgoing import Outgoing
from hcpsdk._transport.failures import (
    TRANSPORT_ERRORS,
    Failure,
    Phase,
    Verdict,
    describe,
    judge,
    to_hcpsdk_error,
    was_hung_up,
)

CONNECTING, KEPT_ALIVE, EXCHANGING = Phase.CONNECTING, Phase.KEPT_ALIVE, Phase.EXCHANGING
RESEND, RETRY, GIVE_UP, SPENT = (
    Verdict.RESEND,
    Verdict.RETRY,
    Verdict.GIVE_UP,
    Verdict.BODY_IS_SPENT,
)

METHODS = ["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH", "OPTIONS"]
IDEMPOTENT = ["GET", "HEAD", "PUT", "DELETE"]
NO_BODY, BYTES, GENERATOR = "no body", "bytes", "generator"


def outgoing(
    method: Any = "PUT", body: Any = NO_BODY, left: Any = 0, was_resent: Any = False
) -> Any:
    content = {NO_BODY: None, BYTES: b"abc", GENERATOR: iter([b"abc"])}[body]
    return Outgoing(method, "/rest/a", b"", make_body(content), left, was_resent)


def verdict(phase: Any, error: Any = None, **options: Any) -> Any:
    failure = Failure(error or ConnectionResetError("reset"), phase, "127.0.0.1")
    return judge(failure, outgoing(**options))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("body", [NO_BODY, BYTES, GENERATOR])
@pytest.mark.parametrize(("left", "expected"), [(0, GIVE_UP), (1, RETRY), (5, RETRY)])
def test_no_node_could_be_connected_to(method: str, body: Any, left: Any, expected: Any) -> None:
    """Nothing was sent, so any body is whole; one attempt is used up (contract 4.1)."""
    assert verdict(CONNECTING, method=method, body=body, left=left) is expected


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("body", "left", "expected"),
    [
        (NO_BODY, 0, GIVE_UP),
        (BYTES, 0, GIVE_UP),
        (GENERATOR, 0, GIVE_UP),
        (NO_BODY, 1, RETRY),
        (BYTES, 1, RETRY),
        (GENERATOR, 1, SPENT),
    ],
)
@pytest.mark.parametrize("was_resent", [False, True])
def test_failed_after_it_was_sent(
    method: str, body: Any, left: Any, expected: Any, was_resent: Any
) -> None:
    """Up to *retries* attempts for every method; no spent body is sent twice (contract 4.3)."""
    found = verdict(EXCHANGING, method=method, body=body, left=left, was_resent=was_resent)
    assert found is expected


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("was_resent", [False, True])
@pytest.mark.parametrize("body", [NO_BODY, BYTES, GENERATOR])
def test_kept_alive_socket_closed(method: str, left: Any, was_resent: Any, body: Any) -> None:
    """The race is free, once, for what may be repeated; else it is a retry (contract 4.2)."""
    found = verdict(KEPT_ALIVE, method=method, left=left, was_resent=was_resent, body=body)

    if method in IDEMPOTENT and not was_resent:
        expected = SPENT if body is GENERATOR else RESEND
    elif left:
        expected = SPENT if body is GENERATOR else RETRY
    else:
        expected = GIVE_UP
    assert found is expected


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("error", [ssl.SSLCertVerificationError("no"), BodyError("no")])
def test_never_tried_again(phase: Any, error: Any) -> None:
    """A certificate that does not verify, or a body that fails, is final (contract 2.8, 4.3)."""
    assert verdict(phase, error, left=9, method="GET") is GIVE_UP


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError("timed out"), hcpsdk.HcpsdkTimeoutError),
        (TimeoutError(110, "Connection timed out"), hcpsdk.HcpsdkTimeoutError),
        (ssl.SSLCertVerificationError("self-signed"), hcpsdk.HcpsdkCertificateError),
        (ssl.SSLError("handshake"), hcpsdk.HcpsdkError),
        (ssl.SSLEOFError("eof"), hcpsdk.HcpsdkError),
        (ConnectionRefusedError("refused"), hcpsdk.HcpsdkError),
        (ConnectionResetError("reset"), hcpsdk.HcpsdkError),
        (BrokenPipeError("pipe"), hcpsdk.HcpsdkError),
        (OSError(113, "No route to host"), hcpsdk.HcpsdkError),
        (http.client.RemoteDisconnected("gone"), hcpsdk.HcpsdkError),
        (http.client.BadStatusLine("x"), hcpsdk.HcpsdkError),
        (http.client.LineTooLong("header"), hcpsdk.HcpsdkError),
        (http.client.IncompleteRead(b"", 5), hcpsdk.HcpsdkError),
        (BodyError("short"), hcpsdk.HcpsdkError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_the_caller_is_told(error: Any, expected: Any) -> None:
    """A time limit is HcpsdkTimeoutError, a certificate its own, all else HcpsdkError (contract
    4.5)."""
    told = to_hcpsdk_error(Failure(error, EXCHANGING, "127.0.0.1"), "PUT /rest/a", 2)

    assert type(told) is expected
    assert str(error) in told.reason or isinstance(error, http.client.IncompleteRead)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionRefusedError("refused"), hcpsdk.HcpsdkCantConnectError),
        (OSError(113, "No route to host"), hcpsdk.HcpsdkCantConnectError),
        (ssl.SSLError("handshake"), hcpsdk.HcpsdkCantConnectError),
        (TimeoutError("timed out"), hcpsdk.HcpsdkConnectTimeoutError),
        (ssl.SSLCertVerificationError("self-signed"), hcpsdk.HcpsdkCertificateError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_exception_of_a_failed_connect(error: Exception, expected: type) -> None:
    """That has an exception of its own, also a timeout if it was one (contract 12.1, 4.5)."""
    found = to_hcpsdk_error(Failure(error, CONNECTING, "127.0.0.1"), "PUT /rest/a", 0)

    assert type(found) is expected


@pytest.mark.parametrize(
    ("reason", "message", "expected"),
    [
        ("Forbidden", "no role", "403 - Forbidden (no role)"),
        ("", "", "403 - "),
        ("For\tbidden", "a\x1b[2J", r"403 - For\tbidden (a\x1b[2J)"),
        ("Forbidden", "x" * 501, f"403 - Forbidden ({'x' * 300}… (501 characters))"),
        ("Authorization: AD u@d:p, w", "p, w", "403 - Authorization: AD u@d:********, w (p, w)"),
        ("AD u@d:pass, word", "pass, word", "403 - AD u@d:******** (********)"),
    ],
)
def test_a_status_in_words(reason: str, message: str, expected: str) -> None:
    """Status, reason and HCP's message, readable whatever a server sends (contract 8.3, 9)."""
    response = SimpleNamespace(
        status=403, reason=reason, getheader={"X-HCP-ErrorMessage": message}.get
    )

    password = "pass, word" if "pass" in reason else "p, w"
    authorization = hcpsdk.NativeADAuthorization("u@d", password)
    endpoint = hcpsdk.Target("127.0.0.1", authorization).endpoint

    assert endpoint.describe_status(response) == expected  # type: ignore[arg-type]


def test_message() -> None:
    """Method, path, address, attempts and cause are told (contract 4.5)."""
    failure = Failure(OSError("what happened"), EXCHANGING, "192.0.2.1")

    assert to_hcpsdk_error(failure, "PUT /rest/a", 3).reason == (
        "PUT /rest/a failed at 192.0.2.1 after 3 attempts: what happened"
    )
    assert "after 1 attempt:" in to_hcpsdk_error(failure, "PUT /rest/a", 1).reason
    spent = to_hcpsdk_error(failure, "PUT /rest/a", 1, SPENT)
    assert "cannot be rewound" in spent.reason


def test_message_of_a_failed_connect() -> None:
    """The message says that no node could be connected to (contract 4.5)."""
    failure = Failure(ConnectionRefusedError(111, "Connection refused"), CONNECTING, "192.0.2.1")

    reason = to_hcpsdk_error(failure, "GET /rest/a", 0).reason

    assert "192.0.2.1" in reason
    assert "could not connect to any node" in reason
    assert "Connection refused" in reason


def test_certificate_in_openssls_words() -> None:
    """The text of a certificate error is OpenSSL's (contract 2.8)."""
    text = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed"
    failure = Failure(ssl.SSLCertVerificationError(1, text), CONNECTING)

    assert text in to_hcpsdk_error(failure, "GET /rest/a", 0).reason
    assert to_hcpsdk_error(failure, "GET /rest/a", 0).reason.startswith("[SSL: CERT")


@pytest.mark.parametrize(
    "error", [TimeoutError(), ConnectionResetError(), http.client.IncompleteRead(b"ab", 3)]
)
def test_every_error_has_words(error: Any) -> None:
    """No message ends in nothing, or in an exception's repr (contract 4.5, 1.4)."""
    assert describe(error).strip()
    assert "b'" not in describe(error)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("no HTTP at all\r\n", "no HTTP at all"),
        ("200\r\nDEBUG all is well\n", r"200\r\nDEBUG all is well"),
        ("\x1b[2J\0\x85\u2028.", r"\x1b[2J\x00\x85\u2028."),
        ("sö", "sö"),
        ("\r\n", "BadStatusLine"),
    ],
)
def test_what_a_server_sends_makes_no_lines(line: Any, expected: Any) -> None:
    """Nobody can put lines of his own into a log by what he answers (contract 4.5)."""
    assert describe(http.client.BadStatusLine(line)) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (http.client.RemoteDisconnected("x"), True),
        (ConnectionResetError(), True),
        (BrokenPipeError(), True),
        (ssl.SSLEOFError(), True),
        (TimeoutError(), False),
        (http.client.BadStatusLine("x"), False),
        (ConnectionRefusedError(), False),
        (OSError(113, "No route to host"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_was_hung_up(error: Any, expected: Any) -> None:
    """Only what shows that the server closed the connection counts as the race (contract 4.2)."""
    assert was_hung_up(error) is expected


@pytest.mark.parametrize("error", [ValueError, TypeError, AttributeError, KeyError, MemoryError])
def test_mistakes_are_not_retried(error: Any) -> None:
    """A mistake of ours or the caller's is not taken for the server's (contract 1.4)."""
    assert not issubclass(error, TRANSPORT_ERRORS)


@pytest.mark.parametrize("number", [errno.EPROTOTYPE, errno.ENOTCONN])
def test_was_hung_up_on_macos(number: int) -> None:
    """macOS has more words for a connection that is gone (contract 4.2)."""
    assert was_hung_up(OSError(number, "gone"))
    assert not was_hung_up(OSError(errno.ENOBUFS, "another"))
