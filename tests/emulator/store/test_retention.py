"""Retention values: what they mean, and which may follow (docs/hcp/namespace.rst, section 15)."""

import calendar

import pytest

from hcpsdk.testing._store.retention import (
    ALLOWED,
    PROHIBITED,
    UNSPECIFIED,
    Moment,
    Retention,
    RetentionError,
    changed,
    default,
    parse,
    resolved,
)

CLASSES = {"TAX_DATA": "A+10y", "never": "-1", "open": "-2", "nested": "C+never"}


def utc(*fields: int) -> int:
    """Seconds since the epoch of a UTC time."""
    return calendar.timegm((*fields, 0, 0, 0)[:6])


STORED = utc(2015, 1, 31, 20, 34, 26)
NOW = utc(2016, 2, 29, 12)
CURRENT = Retention(utc(2020, 5, 1))


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("0", ALLOWED),
        ("Deletion Allowed", ALLOWED),
        ("deletion PROHIBITED", PROHIBITED),
        ("-1", PROHIBITED),
        ("-2", UNSPECIFIED),
        ("Initial Unspecified", UNSPECIFIED),
        ("1422736466", STORED),
        ("2015-01-31T21:34:26+0100", STORED),
        ("2015-01-31t12:04:26-0830", STORED),
    ],
)
def test_fixed_values(text: str, until: int) -> None:
    """Numbers, words in any case, and ISO dates with any offset are retention values."""
    assert resolved(parse(text), Moment(STORED, NOW), {}) == Retention(until)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("2015-11-33T00:00:00+0000", utc(2015, 12, 3)),
        ("2015-13-01T00:00:00+0000", utc(2016, 1, 1)),
        ("2015-02-29T00:00:00+0000", utc(2015, 3, 1)),
        ("2015-12-31T23:59:60+0000", utc(2016, 1, 1)),
    ],
)
def test_dates_roll_over(text: str, until: int) -> None:
    """A date that overflows rolls over: November 33rd is December 3rd."""
    assert resolved(parse(text), Moment(STORED, NOW), {}).until == until


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("A+10y", utc(2025, 1, 31, 20, 34, 26)),
        ("A+1M", utc(2015, 2, 28, 20, 34, 26)),  # February has no 31st
        ("A+1y+1M", utc(2016, 2, 29, 20, 34, 26)),
        ("N+20d-5h", utc(2016, 3, 20, 7)),
        ("N+1y", utc(2017, 2, 28, 12)),
        ("N-1w+1m+1s", utc(2016, 2, 22, 12, 1, 1)),
        ("N", NOW),
        ("n+0y", NOW),
        ("R+2y+1d", utc(2022, 5, 2)),
        ("+1M", utc(2020, 6, 1)),
    ],
)
def test_offsets(text: str, until: int) -> None:
    """Offsets count by the calendar: from the time stored (A), now (N), the present setting (R).

    Without a letter they count from the present setting.
    """
    assert resolved(parse(text), Moment(STORED, NOW, CURRENT), {}).until == until


def test_offset_of_new_object() -> None:
    """While an object is being stored, an offset without a letter counts from that time."""
    assert resolved(parse("+1d"), Moment(STORED, NOW), {}).until == STORED + 86400


@pytest.mark.parametrize("start", [None, Retention(0), Retention(-1), Retention(-2)])
def test_no_date_to_count_from(start: Retention | None) -> None:
    """R is refused where the present setting is no date."""
    with pytest.raises(RetentionError):
        resolved(parse("R+1y"), Moment(STORED, NOW, start), {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-3",
        "yes",
        "1.5",
        "A+1d+1y",  # not in order
        "A+1Y",
        "A+10000y",  # five digits
        "A10y",
        "X+1y",
        "2015-01-31",
        "2015-01-31T21:34:26Z",
        "2015-01-31T21:34:26+01:00",
        "C+",
        "C+a.b",
        "C+" + 65 * "a",
        "99999999999999999999",
        "1969-12-31T00:00:00+0000",
        "0000-01-01T00:00:00+0000",
        "٣",  # a digit, but not one of ours
    ],
)
def test_not_a_value(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(RetentionError):
        parse(text)


@pytest.mark.parametrize("text", ["A-9999y", "R-60y"])
def test_offset_before_1970(text: str) -> None:
    """An offset that leads to a time before 1970 is refused."""
    with pytest.raises(RetentionError):
        resolved(parse(text), Moment(STORED, NOW, CURRENT), {})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A+7984y", "9999-01-31T21:34:26+0100"),
        ("A+7985y", "10000-01-31T21:34:26+0100"),
        ("A+9999y", "12014-01-31T21:34:26+0100"),
        ("A+9999y+1M", "12014-02-28T21:34:26+0100"),
        ("A+9997y+1M", "12012-02-29T21:34:26+0100"),
        ("A+9999M", "2848-04-30T21:34:26+0100"),
        ("A+9999d", "2042-06-17T21:34:26+0100"),
        ("9999-12-33T00:00:00+0100", "10000-01-02T00:00:00+0100"),
    ],
)
def test_after_the_year_9999(text: str, shown: str) -> None:
    """The calendar goes on after the last year that Python's has."""
    assert str(resolved(parse(text), Moment(STORED, NOW, CURRENT), {})) == shown


def test_present_setting_of_a_new_object() -> None:
    """R stands for the namespace's default where the object has no setting yet."""
    moment = Moment(STORED, STORED, default=Retention(utc(2020, 5, 1)))
    assert resolved(parse("R+1y"), moment, {}).until == utc(2021, 5, 1)
    with pytest.raises(RetentionError, match="namespace's default"):
        resolved(parse("R+1y"), Moment(STORED, STORED, default=Retention(0)), {})


def test_class() -> None:
    """A class gives its name, in its own spelling, and its value."""
    value = resolved(parse("c+tax_data"), Moment(STORED, NOW), CLASSES)
    assert value == Retention(utc(2025, 1, 31, 20, 34, 26), "TAX_DATA")


@pytest.mark.parametrize("text", ["C+unknown", "C+nested"])
def test_no_such_class(text: str) -> None:
    """A class must exist in the namespace, and cannot stand for another one."""
    with pytest.raises(RetentionError):
        resolved(parse(text), Moment(STORED, NOW), CLASSES)


@pytest.mark.parametrize(
    ("text", "retention"),
    [
        ("0", Retention(0)),
        ("-1", Retention(-1)),
        ("A+1d", Retention(STORED + 86400)),
        ("1000", Retention(0)),
        ("C+open", Retention(-2, "open")),
    ],
)
def test_default(text: str, retention: Retention) -> None:
    """A namespace's default applies to new objects; one in the past becomes 0."""
    assert default(text, STORED, CLASSES) == retention


LATER = CURRENT.until + 1
EARLIER = CURRENT.until - 1

# Present setting, value asked for, what comes out (None: refused).
FOLLOWING = [
    (0, "0", 0),
    (0, "-1", -1),
    (0, "-2", -2),
    (0, str(EARLIER), EARLIER),
    (-2, "0", 0),
    (-2, "-1", -1),
    (-2, "-2", -2),
    (-2, str(EARLIER), EARLIER),
    (-1, "0", None),
    (-1, "-1", -1),
    (-1, "-2", None),
    (-1, str(LATER), None),
    (CURRENT.until, "0", None),
    (CURRENT.until, "-1", -1),
    (CURRENT.until, "-2", None),
    (CURRENT.until, str(EARLIER), None),
    (CURRENT.until, str(CURRENT.until), CURRENT.until),
    (CURRENT.until, str(LATER), LATER),
    (CURRENT.until, "R-1s", None),
    (CURRENT.until, "R+1s", LATER),
]


@pytest.mark.parametrize(("present", "asked", "result"), FOLLOWING)
def test_following(present: int, asked: str, result: int | None) -> None:
    """Retention is never shortened; -1 is final; -2 may become anything."""
    moment = Moment(STORED, NOW, Retention(present))
    if result is None:
        with pytest.raises(RetentionError):
            changed(parse(asked), moment, {})
    else:
        assert changed(parse(asked), moment, {}) == Retention(result)


@pytest.mark.parametrize("asked", ["-1", "0", "N+9y", "C+open"])
def test_leaving_a_class(asked: str) -> None:
    """An object in a class gets no explicit setting, and no shorter class."""
    moment = Moment(STORED, NOW, Retention(utc(2025, 1, 31, 20, 34, 26), "TAX_DATA"))
    with pytest.raises(RetentionError):
        changed(parse(asked), moment, CLASSES)


def test_longer_class() -> None:
    """An object in a class may come into one that lasts longer."""
    moment = Moment(STORED, NOW, Retention(utc(2025, 1, 31, 20, 34, 26), "TAX_DATA"))
    assert changed(parse("C+never"), moment, CLASSES) == Retention(-1, "never")


@pytest.mark.parametrize(
    ("until", "allowed"), [(0, True), (-1, False), (-2, False), (NOW, True), (NOW + 1, False)]
)
def test_deletion(until: int, allowed: bool) -> None:
    """An object can be deleted with 0, and once its time has come; never with -1 and -2."""
    assert Retention(until).allows_deletion(NOW) is allowed


@pytest.mark.parametrize(
    ("until", "text"),
    [
        (0, "Deletion Allowed"),
        (-1, "Deletion Prohibited"),
        (-2, "Initial Unspecified"),
        (STORED, "2015-01-31T21:34:26+0100"),
    ],
)
def test_text(until: int, text: str) -> None:
    """The text of X-HCP-RetentionString is as section 3.1 lists it."""
    assert str(Retention(until)) == text
