"""TCP keep-alive: probes that keep a silent connection open, and find out that its peer is gone.

Knows sockets only. (Keeping a socket for the next request is `hcpsdk._transport.keepalive`.)
"""

from __future__ import annotations

import socket

# macOS has Linux's TCP_KEEPIDLE under another name, which `socket` knows from Python 3.10 on.
_IDLE = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
_INTERVAL = getattr(socket, "TCP_KEEPINTVL", None)
_COUNT = getattr(socket, "TCP_KEEPCNT", None)

LIMIT = 32767  # the largest number that Linux takes for a time


class TcpKeepAlive:
    """TCP keep-alive probing; all times in whole seconds.

    Args:
        idle: Silence before the first probe.
        interval: Between probes.
        probes: Sent without a response before the connection is given up.
    """

    def __init__(self, idle: int = 60, interval: int = 60, probes: int = 3) -> None:
        self._numbers = (idle, interval, probes)

    def check(self) -> None:
        """Raise TypeError or ValueError for what no system takes."""
        limits = {"tcp_keepalive": LIMIT, "tcp_keepintvl": LIMIT, "tcp_keepcnt": 127}
        for (name, limit), number in zip(limits.items(), self._numbers, strict=True):
            if not isinstance(number, int) or isinstance(number, bool):
                raise TypeError(f"{name} must be int, not {type(number).__name__}")
            if not 1 <= number <= limit:
                raise ValueError(f"{name} must be between 1 and {limit}, not {number}")

    def apply(self, sock: socket.socket) -> None:
        """Probe on *sock* from now on, as far as the system lets us choose the times."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, number in zip((_IDLE, _INTERVAL, _COUNT), self._numbers, strict=True):
            if option is not None:
                sock.setsockopt(socket.IPPROTO_TCP, option, number)
