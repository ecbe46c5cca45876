"""Times as HCP writes them, from seconds since the epoch. Imports nothing of the emulator."""

import email.utils
from datetime import datetime, timedelta, timezone

# The time zone of the system, +0100 as in the manual. A fixed offset, because not every machine has
# the data of named zones.
HCP_ZONE = timezone(timedelta(hours=1))

# Retention can end after the year 9999, where Python's calendar does. The Gregorian one repeats
# itself every 400 years.
CYCLE_YEARS, CYCLE_DAYS = 400, 146097
_EPOCH = datetime(1970, 1, 1).toordinal()


def first_of_month(year: int, month: int) -> int:
    """Days from the epoch to the first day of a month; months may overflow into other years."""
    cycles, months = divmod(12 * (year - 2000) + month - 1, 12 * CYCLE_YEARS)
    first = datetime(2000 + months // 12, months % 12 + 1, 1)
    return first.toordinal() - _EPOCH + cycles * CYCLE_DAYS


def months_later(seconds: int, months: int) -> int:
    """The same time of day *months* later, in HCP's zone.

    The day of the month is the same, or the last one where the month is shorter.
    """
    cycles, moment = _in_calendar(seconds)
    day = first_of_month(moment.year, moment.month + months)
    length = first_of_month(moment.year, moment.month + months + 1) - day
    day += min(moment.day, length) - 1 + cycles * CYCLE_DAYS
    here = first_of_month(moment.year, moment.month) + moment.day - 1 + cycles * CYCLE_DAYS
    return seconds + 86400 * (day - here)


def _in_calendar(seconds: int) -> tuple[int, datetime]:
    """The time in HCP's zone, so many cycles of the calendar earlier that Python knows it."""
    cycles, rest = divmod(seconds, 86400 * CYCLE_DAYS)
    return cycles, datetime.fromtimestamp(rest, HCP_ZONE)


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
    cycles, moment = _in_calendar(seconds)
    return f"{moment.year + cycles * CYCLE_YEARS:04}{moment:-%m-%dT%H:%M:%S%z}"


def listing_time(seconds: int) -> str:
    """``4/02/2018 4:07PM``, as directory listings show the time of ingest."""
    moment = datetime.fromtimestamp(seconds, HCP_ZONE)
    half = "AM" if moment.hour < 12 else "PM"
    return f"{moment.month}/{moment:%d/%Y} {moment.hour % 12 or 12}:{moment:%M}{half}"


def with_hundredths(milliseconds: int) -> str:
    """``1422736466446.00``; the last two digits are always 00 here."""
    return f"{milliseconds}.00"
