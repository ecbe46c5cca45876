"""What a failure means: which exception the caller gets, and whether the request is retried."""

from __future__ import annotations

import contextlib
import enum
import errno
import http.client
import ssl

from hcpsdk._errors import (
    HcpsdkCantConnectError,
    HcpsdkCertificateError,
    HcpsdkConnectTimeoutError,
    HcpsdkError,
    HcpsdkTimeoutError,
)
from hcpsdk._request.content import BodyError
from hcpsdk._request.outgoing import Outgoing
from hcpsdk.ips import IpsError

# What sockets, TLS and `http.client` raise when a server or the network is to blame. (OSError
# covers TimeoutError and ssl.SSLError. ValueError and the like would be a mistake of ours.)
TRANSPORT_ERRORS = (OSError, http.client.HTTPException)


# The first row that fits decides; from the special to the general.
_TRANSLATION: tuple[tuple[type[Exception], type[HcpsdkError]], ...] = (
    (ssl.SSLCertVerificationError, HcpsdkCertificateError),
    (TimeoutError, HcpsdkTimeoutError),
    (Exception, HcpsdkError),
)
# The same for failures to connect.
_CONNECT_TRANSLATION: tuple[tuple[type[Exception], type[HcpsdkError]], ...] = (
    (ssl.SSLCertVerificationError, HcpsdkCertificateError),
    (TimeoutError, HcpsdkConnectTimeoutError),
    (Exception, HcpsdkCantConnectError),
)

# May be sent once more where the server closed the connection before it had read the request:
# doing one of them twice leaves HCP as doing it once (RFC 9110, section 9.2.2).
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})

# Verification failures that are about the name in the certificate, not about who signed it
# (X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL's x509_vfy.h).
_NAME_MISMATCH = frozenset({62, 64})


# The same in the words of macOS, which Python has no classes for.
_HUNG_UP_NUMBERS = frozenset({errno.EPROTOTYPE, errno.ENOTCONN})

# What a connection raises that the server has closed without a response.
_HUNG_UP = (
    http.client.RemoteDisconnected,
    BrokenPipeError,
    ConnectionAbortedError,
    ConnectionResetError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)


class Phase(enum.Enum):
    """How far a request had come when it failed."""

    CONNECTING = "no address could be connected to; nothing was sent"
    KEPT_ALIVE = "a kept-alive connection was closed before a byte of the response came"
    EXCHANGING = "it was sent, wholly or in part; the server may have acted"


class Failure:
    """One attempt that failed: why, when, and where."""

    __slots__ = ("address", "error", "phase")

    def __init__(self, error: Exception, phase: Phase, address: str | None = None) -> None:
        self.error = error
        self.phase = phase
        self.address = address


class Verdict(enum.Enum):
    """What to do after a failure."""

    RESEND = "try again at once, without using up a retry"
    RETRY = "try again, one retry is used up"
    GIVE_UP = "raise"
    BODY_IS_SPENT = "raise, and say that only the body prevents another attempt"


def judge(failure: Failure, outgoing: Outgoing) -> Verdict:
    """What to do after *failure* of *outgoing* (contract, section 4)."""
    if isinstance(failure.error, (ssl.SSLCertVerificationError, BodyError)):
        return Verdict.GIVE_UP
    if (
        failure.phase is Phase.KEPT_ALIVE
        and outgoing.method in REPEATABLE
        and not outgoing.was_resent
    ):
        verdict = Verdict.RESEND
    elif outgoing.retries_left > 0:
        verdict = Verdict.RETRY
    else:
        return Verdict.GIVE_UP
    body = outgoing.body
    if failure.phase is not Phase.CONNECTING and body is not None and not body.can_rewind:
        return Verdict.BODY_IS_SPENT
    return verdict


def is_name_mismatch(error: ssl.SSLError) -> bool:
    """True if a certificate was refused because of the name in it."""
    # (One that the caller's context raises has no code.)
    code = getattr(error, "verify_code", None)
    return isinstance(error, ssl.SSLCertVerificationError) and code in _NAME_MISMATCH


def was_hung_up(error: Exception) -> bool:
    """True if *error* is what a connection raises that the server has closed without a response."""
    return isinstance(error, _HUNG_UP) or (
        isinstance(error, OSError) and error.errno in _HUNG_UP_NUMBERS
    )


def to_hcpsdk_error(
    failure: Failure, what: str, attempts: int, verdict: Verdict = Verdict.GIVE_UP
) -> HcpsdkError:
    """The exception for the caller: *what* was tried, where, how often, and what happened."""
    error = failure.error
    is_connecting = failure.phase is Phase.CONNECTING
    table = _CONNECT_TRANSLATION if is_connecting else _TRANSLATION
    kind = next(ours for theirs, ours in table if isinstance(error, theirs))
    if kind is HcpsdkCertificateError:
        return kind(error)  # OpenSSL's own words (contract 2.8)
    if isinstance(error, IpsError):
        text = f"{what} failed"
    elif is_connecting:
        text = f"{what} failed: could not connect to any node (last tried {failure.address})"
    else:
        where = f" at {failure.address}" if failure.address else ""
        text = f"{what} failed{where} after {attempts} attempt{'s' * (attempts != 1)}"
    text += f": {describe(error)}"
    if verdict is Verdict.BODY_IS_SPENT:
        text += " (not retried: the request body cannot be rewound)"
    return kind(text)


def describe(error: Exception) -> str:
    """What happened, in words; some exceptions have an empty text."""
    if isinstance(error, http.client.IncompleteRead):
        missing = f", {error.expected} bytes are missing" if error.expected else ""
        return f"the connection was closed within the response body{missing}"
    if isinstance(error, ssl.SSLEOFError):
        return f"the connection was closed without the TLS end ({error})"
    # A server's own bytes, a line that is no status line for example, must not break ours.
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(error).strip())
    return text or type(error).__name__


def clear_locals(error: BaseException | None) -> None:
    """Forget the local variables of the functions that *error* and its causes passed through.

    They are parts of what was sent, so credentials, which error trackers would show (contract 9.3).
    Those of the caller's functions stay, and those of functions that still run, or may go on.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        traceback = error.__traceback__
        while traceback is not None:
            frame = traceback.tb_frame
            module = frame.f_globals.get("__name__", "")
            is_ours = module in _TRANSPORT_MODULES or module.startswith("hcpsdk.")
            if is_ours and not frame.f_code.co_flags & _GENERATOR:  # which it would close
                with contextlib.suppress(RuntimeError):  # it still runs
                    frame.clear()
            traceback = traceback.tb_next
        error = error.__cause__ or error.__context__


_TRANSPORT_MODULES = frozenset({"http.client", "socket", "ssl"})
_GENERATOR = 0x20  # `inspect.CO_GENERATOR`; the module takes long to import
