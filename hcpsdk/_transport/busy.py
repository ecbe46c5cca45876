"""How long to wait before a busy HCP, whose status was 503, is asked again (contract 4.8)."""

from __future__ import annotations

import random
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPResponse

BUSY = 503
FIRST_PAUSE = 0.1  # seconds at most; doubled with each further one
LONGEST_PAUSE = 10.0  # seconds
MAX_DOUBLINGS = 10


def next_pause(response: HTTPResponse, count: int, left: float) -> float | None:
    """Seconds to wait after *response*; None if it is the last one, because time is up.

    Args:
        response: Its ``Retry-After`` counts: HCP is not asked before that.
        count: How many pauses there were already.
        left: Seconds until the time is up. A random pause ends then at the latest.
    """
    wanted = _retry_after(response)
    if left <= 0 or (wanted is not None and wanted > left):
        return None
    if wanted:
        return wanted
    longest = min(FIRST_PAUSE * 2 ** min(count, MAX_DOUBLINGS), LONGEST_PAUSE)
    return min(random.uniform(longest / 2, longest), left)


def _retry_after(response: HTTPResponse) -> float | None:
    """What ``Retry-After`` says, in seconds; None if it says nothing that can be understood."""
    text = (response.getheader("Retry-After") or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    # A date, by the clock of the server: ours may differ.
    until, now = _date(text), _date(response.getheader("Date") or "")
    if until is None or now is None:
        return None
    return max((until - now).total_seconds(), 0.0)


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else None
