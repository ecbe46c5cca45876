"""Times as HCP writes them, from seconds since the epoch. Imports nothing of the emulator."""

import email.utils
from datetime import datetime, timedelta, timezone

# The time zone of the system, +0100 as in the manual. A fixed offset, because not every machine has
# the data of named zones.
HCP_ZONE = timezone(timedelta(hours=1))


def http_date(seconds: int) -> str:
    """``Sat, 31 Jan 2015 20:34:26 GMT``, in English whatever the locale is."""
    return email.utils.formatdate(seconds, usegmt=True)


def from_http_date(text: str) -> int | None:
    """The time of an HTTP date; None if *text* is not a date."""
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000": UTC, says RFC 5322
        moment = moment.replace(tzinfo=timezone.utc)
    return int(moment.timestamp())


def iso(seconds: int) -> str:
    """``2015-01-31T21:34:26+0100``: HCP's zone, no colon in the offset."""
    return f"{datetime.fromtimestamp(seconds, HCP_ZONE):%Y-%m-%dT%H:%M:%S%z}"


def listing_time(seconds: int) -> str:
    """``4/02/2018 4:07PM``, as directory listings show the time of ingest."""
    moment = datetime.fromtimestamp(seconds, HCP_ZONE)
    half = "AM" if moment.hour < 12 else "PM"
    return f"{moment.month}/{moment:%d/%Y} {moment.hour % 12 or 12}:{moment:%M}{half}"


def with_hundredths(milliseconds: int) -> str:
    """``1422736466446.00``; the last two digits are always 00 here."""
    return f"{milliseconds}.00"
