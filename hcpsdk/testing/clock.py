"""The clock of an HCP, which tests can move. Imports nothing of the emulator."""

import time
from datetime import datetime, timedelta, timezone


class Clock:
    """Real time, plus what it was moved by: for retention, dates of objects, and ``Date`` headers.

    It has no influence on timeouts, idle connections, certificates and the delays of links.
    """

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __repr__(self) -> str:
        return f"<Clock {self.now():%Y-%m-%dT%H:%M:%SZ}>"

    def now(self) -> datetime:
        """What the HCP takes for the present time, in UTC."""
        return datetime.now(timezone.utc) + self._ahead

    def time(self) -> float:
        """The same in seconds since the epoch."""
        return time.time() + self._ahead.total_seconds()

    def advance(self, by: timedelta | float) -> None:
        """Move the clock forward *by* a time, or a number of seconds.

        Raises:
            ValueError: *by* is negative: objects would be newer than the present.
        """
        by = by if isinstance(by, timedelta) else timedelta(seconds=by)
        if by < timedelta():
            raise ValueError(f"a clock can be moved forward only, not by {by}")
        self._ahead += by

    def reset(self) -> None:
        """Return to real time."""
        self._ahead = timedelta()
