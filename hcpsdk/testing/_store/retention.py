"""Retention: values that clients send, their meaning, and allowed changes. Imports `_dates`.

docs/hcp/namespace.rst, section 15, "Retention values".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .._dates import first_of_month, iso, months_later

ALLOWED = 0  # deletable any time
PROHIBITED = -1  # never
UNSPECIFIED = -2  # not deletable, but changeable to anything

_WORDS = {
    ALLOWED: "Deletion Allowed",
    PROHIBITED: "Deletion Prohibited",
    UNSPECIFIED: "Initial Unspecified",
}

_NUMBER = re.compile(r"-?\d{1,12}", re.ASCII)
_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([+-])(\d\d)(\d\d)", re.ASCII | re.IGNORECASE
)
# Units in this order, and case-sensitive: M is a month, m a minute.
_OFFSET = re.compile(
    r"([RANran])?" + "".join(rf"([+-]\d{{1,4}}{unit})?" for unit in "yMwdhms"), re.ASCII
)
_CLASS = re.compile(r"[Cc]\+([A-Za-z0-9_-]{1,64})")


class RetentionError(ValueError):
    """Not a retention value, or not allowed after the present one."""


@dataclass(frozen=True)
class Retention:
    """Until when an object cannot be deleted: seconds since the epoch, or 0, -1, -2."""

    until: int = ALLOWED
    class_name: str = ""

    def __str__(self) -> str:
        """``Deletion Allowed``, another text of HCP, or a date."""
        return _WORDS.get(self.until) or iso(self.until)

    def allows_deletion(self, now: int) -> bool:
        return 0 <= self.until <= now  # 0 is a time in the past

    @property
    def is_date(self) -> bool:
        return self.until > 0


@dataclass(frozen=True)
class Moment:
    """The times to which offsets refer."""

    stored: int
    now: int
    current: Retention | None = None  # None while the object is being stored
    default: Retention | None = None  # of the namespace, for an object that is being stored


# Values as sent


@dataclass(frozen=True)
class Fixed:
    """A time, or one of the three special values."""

    until: int

    def resolved(self, moment: Moment) -> int:
        return self.until


@dataclass(frozen=True)
class Offset:
    """An offset to the time of storing (A), now (N), or the current setting (R)."""

    base: str
    years: int
    months: int
    seconds: int

    def resolved(self, moment: Moment) -> int:
        start = months_later(self._start(moment), 12 * self.years)
        return _checked(months_later(start, self.months) + self.seconds)

    def _start(self, moment: Moment) -> int:
        # Without a letter: the time of storing for a new object, else the current setting.
        base = self.base or ("A" if moment.current is None else "R")
        if base == "A":
            return moment.stored
        if base == "N":
            return moment.now
        # docs/hcp/namespace.rst, section 15.1: for a new object it means the default.
        what, setting = "current setting", moment.current
        if setting is None:
            what, setting = "namespace's default for new objects", moment.default
        if setting is None or not setting.is_date:
            raise RetentionError(f"retention offset R: the {what} is not a date")
        return setting.until


@dataclass(frozen=True)
class OfClass:
    """A retention class of the namespace."""

    name: str


Value = Fixed | Offset | OfClass


def parse(text: str) -> Value:
    """The retention value in *text*.

    Raises:
        RetentionError: It is not a retention value.
    """
    words = {word.lower(): value for value, word in _WORDS.items()}
    if text.lower() in words:
        return Fixed(words[text.lower()])
    if _NUMBER.fullmatch(text):
        number = int(text)
        return Fixed(number if number in _WORDS else _checked(number))
    if match := _CLASS.fullmatch(text):
        return OfClass(match[1])
    if match := _DATE.fullmatch(text):
        return Fixed(_date(match))
    match = _OFFSET.fullmatch(text)
    if match and text:
        return _offset(match)
    raise RetentionError(f"not a retention value: {text}")


def resolved(value: Value, moment: Moment, classes: Mapping[str, str]) -> Retention:
    """The retention that *value* means at *moment*, with the *classes* of the namespace."""
    if not isinstance(value, OfClass):
        return Retention(value.resolved(moment))
    for name, class_value in classes.items():
        if name.lower() == value.name.lower():
            inner = parse(class_value)
            if isinstance(inner, OfClass):
                raise RetentionError(f"retention class {name} refers to another class")
            return Retention(inner.resolved(moment), name)
    raise RetentionError(f"no such retention class: {value.name}")


def default(text: str, stored: int, classes: Mapping[str, str]) -> Retention:
    """The default retention *text* for an object stored at *stored*."""
    retention = resolved(parse(text), Moment(stored, stored), classes)
    if retention.is_date and retention.until <= stored and not retention.class_name:
        return Retention(ALLOWED)  # section 15: "A default in the past becomes 0"
    return retention


def changed(value: Value, moment: Moment, classes: Mapping[str, str]) -> Retention:
    """The retention that replaces ``moment.current`` if a client requests *value*.

    Raises:
        RetentionError: The change is not allowed.
    """
    current = moment.current or Retention()
    new = resolved(value, moment, classes)
    if current.class_name and not new.class_name:
        raise RetentionError(f"the object is in retention class {current.class_name}")
    if not _may_follow(current.until, new.until):
        raise RetentionError(f"retention cannot be shortened from '{current}' to '{new}'")
    return new


def _may_follow(current: int, new: int) -> bool:
    if new == current or current == UNSPECIFIED:
        return True
    if current == PROHIBITED or new == ALLOWED:
        return False
    if new == UNSPECIFIED:
        return current == ALLOWED
    return new == PROHIBITED or new > current


# Reading


def _checked(seconds: int) -> int:
    """*seconds* if that is after the epoch: 0, -1 and -2 are no times."""
    if seconds < 0:
        raise RetentionError("retention before 1970")
    return seconds


def _date(match: re.Match[str]) -> int:
    """The time of an ISO date; fields may overflow (November 33rd is December 3rd)."""
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    start = 86400 * (first_of_month(year, month) + day - 1) + 3600 * hour + 60 * minute + second
    ahead = 3600 * int(match[8]) + 60 * int(match[9])
    return _checked(start - ahead if match[7] == "+" else start + ahead)


def _offset(match: re.Match[str]) -> Offset:
    years, months, weeks, days, hours, minutes, seconds = (
        int(match[i][:-1]) if match[i] else 0 for i in range(2, 9)
    )
    span = 86400 * (7 * weeks + days) + 3600 * hours + 60 * minutes + seconds
    return Offset((match[1] or "").upper(), years, months, span)
