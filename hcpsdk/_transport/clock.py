"""The difference between the clocks of this computer and of a server, in words."""

from email.utils import parsedate_to_datetime

TOLERANCE = 60  # seconds that need no mention; signatures are refused from some minutes on


def clock_difference(date: str | None, now: float) -> str:
    """How far *now*, in seconds since the epoch, is from a server's ``Date``; "" if it is close."""
    try:
        seconds = round(now - parsedate_to_datetime(date or "").timestamp())
    except (ValueError, TypeError, OverflowError):
        return ""
    if abs(seconds) <= TOLERANCE:
        return ""
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    shown = " ".join(f"{count} {unit}" for count, unit in parts if count)
    return f"the clock of this computer is {shown} {'ahead of' if seconds > 0 else 'behind'} HCP's"
