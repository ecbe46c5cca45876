"""TLS sessions, to be resumed when a Target, or another one with its context, connects again.

Resuming saves the server a signature and us the verification of a chain. So a session is resumed
only for what was verified when it began, and not for long: a certificate that has been replaced,
or a context that has become stricter, counts again after a while at the latest.
"""

import functools
import ssl
import time
from typing import NamedTuple

LIFETIME = 300.0  # seconds from the full handshake, through however many resumptions
MAX_SESSIONS = 256  # sessions; nodes come and go


class Identity(NamedTuple):
    """Whom we spoke to, and what was verified."""

    address: str
    name: str
    verify_mode: ssl.VerifyMode
    check_hostname: bool


class Sessions:
    """One session for each node, from a full handshake. Threads need no lock: steps are single.

    A session is used again and again, instead of taking the new one that each resumption brings:
    `ssl.SSLSocket.session` loses some 7 KB at each look (seen with CPython 3.11.7 and OpenSSL
    3.0.19), so it is looked at once in a `LIFETIME`.
    """

    def __init__(self) -> None:
        # With the monotonic time since when; None where the server does not resume.
        self._known: dict[Identity, tuple[ssl.SSLSession | None, float]] = {}

    def find(self, identity: Identity) -> ssl.SSLSession | None:
        """The session to be resumed, if there is one."""
        return self._known[identity][0] if self.is_known(identity) else None

    def is_known(self, identity: Identity) -> bool:
        """True if there is a session, or if it is known that the server resumes none."""
        _session, since = self._known.get(identity, (None, float("-inf")))
        return time.monotonic() - since < LIFETIME

    def keep(self, identity: Identity, session: ssl.SSLSession | None) -> None:
        """Resume *session* for a while; None: resume none."""
        if len(self._known) >= MAX_SESSIONS:
            self._known.clear()
        self._known[identity] = (session, time.monotonic())

    def clear(self) -> None:
        """Forget all of them."""
        self._known.clear()


@functools.lru_cache(maxsize=8)
def sessions_of(_context: ssl.SSLContext, _port: int) -> Sessions:
    """The sessions that Targets with the same context and port have in common.

    Those used last: a session references its context, so they would keep all of them.
    """
    return Sessions()
