"""TLS sessions, to be resumed when a Target, or another one with its context, connects again.

Resuming saves the server a signature and us the verification of a chain. So a session is resumed
only for what was verified when it began, and not for long: a certificate that has been replaced,
or a context that has become stricter, counts again after a while at the latest.
"""

from __future__ import annotations

import functools
import ssl
import time

LIFETIME = 300.0  # seconds from the full handshake, through however many resumptions
MAX_SESSIONS = 256  # sessions; nodes come and go


# Whom we spoke to, and what was verified: address, name, `verify_mode`, `check_hostname`.
Identity = tuple[str, str, ssl.VerifyMode, bool]


class Sessions:
    """One session for each node, from a full handshake. Threads need no lock: steps are single.

    `ssl.SSLSocket.session` loses some 7 KB at each look (CPython 3.10 to 3.13, whose C code makes a
    copy that nothing frees). So it is looked at only when a second connection to the node needs it,
    and used again and again then, instead of taking the new one that each resumption brings.
    """

    def __init__(self) -> None:
        # With the monotonic time since when; None where the server does not resume.
        self._known: dict[Identity, tuple[ssl.SSLSession | None, float]] = {}
        # First connections, closed or not, whose sessions were not looked at so far.
        self._first: dict[Identity, tuple[ssl.SSLSocket, float]] = {}

    def find(self, identity: Identity) -> ssl.SSLSession | None:
        """The session to be resumed, if there is one."""
        session, since = self._known.get(identity, _NOTHING)
        if _is_recent(since):
            return session
        first, since = self._first.get(identity, _NOTHING)
        # (A look at one that another thread reads from could crash.)
        if first is None or first.fileno() >= 0:
            return None
        self._first.pop(identity, None)
        if not _is_recent(since):
            return None
        session = first.session
        self._keep(identity, session, since)
        return session

    def remember(self, identity: Identity, sock: ssl.SSLSocket) -> None:
        """Have the session of *sock*, over which a response came, resumed by later connections.

        To be called by whoever uses *sock*, and after the first response: under TLS 1.3 the server
        sends the ticket for it late.
        """
        _session, since = self._known.get(identity, _NOTHING)
        if _is_recent(since):
            return
        if len(self._first) >= MAX_SESSIONS:
            self._first.clear()
        first, since = self._first.setdefault(identity, (sock, time.monotonic()))
        if first is not sock:  # another connection is open
            self._first.pop(identity, None)
            self._keep(identity, sock.session, time.monotonic())

    def give_up(self, identity: Identity) -> None:
        """Resume none for a while: the server does not."""
        self._keep(identity, None, time.monotonic())

    def _keep(self, identity: Identity, session: ssl.SSLSession | None, since: float) -> None:
        if len(self._known) >= MAX_SESSIONS:
            self._known.clear()
        self._known[identity] = (session, since)

    def clear(self) -> None:
        """Forget all of them."""
        self._known.clear()
        self._first.clear()


_NOTHING = (None, float("-inf"))


def _is_recent(since: float) -> bool:
    return time.monotonic() - since < LIFETIME


@functools.lru_cache(maxsize=8)
def sessions_of(_context: ssl.SSLContext, _port: int) -> Sessions:
    """The sessions that Targets with the same context and port have in common.

    Those used last: a session references its context, so they would keep all of them.
    """
    return Sessions()
