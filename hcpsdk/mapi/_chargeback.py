"""Chargeback reports: who used how much of a tenant's storage, and when."""

import codecs
import io
import tempfile
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import TextIO

from hcpsdk._errors import HcpsdkError, HcpsdkStatusError
from hcpsdk._request.url import Values
from hcpsdk._target import Target
from hcpsdk.mapi._client import MapiClient, path_to

KEPT_BY_HCP = timedelta(days=180)  # for how long HCP keeps the statistics
MAX_IN_MEMORY = 4 * 1024 * 1024  # characters; a longer report goes to a temporary file


class ChargebackError(HcpsdkStatusError):
    """The status of a request for a report is not 200; the text starts with it.

    403: the user lacks the role, or the tenant does not allow administration by system-level
    users. 503: HCP is busy.
    """


class Chargeback(MapiClient):
    """Chargeback reports of the tenants of an HCP.

    Sends its requests over a Connection that it keeps until `close()`; usable as a context
    manager.

    Args:
        target: A Target with the system's name (``admin.…``) or a tenant's, a user with role
            monitor or administrator, and port 9090.
        timeout: Seconds to wait for the network at each step; None waits forever. HCP can take
            minutes to build a report.
        debuglevel: As for `Connection`: above 0, everything on the wire is printed.

    Raises:
        HcpsdkPortError: The Target's port is not 9090.
        TypeError, ValueError: Invalid argument.
    """

    #: One record per day.
    CBG_DAY = "day"
    #: One record per hour.
    CBG_HOUR = "hour"
    #: One record for the whole time.
    CBG_TOTAL = "total"
    #: All granularities.
    CBG_ALL = (CBG_DAY, CBG_HOUR, CBG_TOTAL)

    #: The report as CSV, with a header line.
    CBM_CSV = "text/csv"
    #: The report as JSON.
    CBM_JSON = "application/json"
    #: The report as XML.
    CBM_XML = "application/xml"
    #: All formats.
    CBM_ALL = (CBM_CSV, CBM_JSON, CBM_XML)

    _status_error = ChargebackError

    def __init__(self, target: Target, timeout: float | None = 600, debuglevel: int = 0) -> None:
        super().__init__(target, timeout, debuglevel)

    def request(
        self,
        tenant: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        granularity: str = CBG_TOTAL,
        fmt: str = CBM_JSON,
    ) -> TextIO:
        """Request a report: ``GET /mapi/tenants/<tenant>/chargebackReport``.

        Args:
            tenant: The tenant's name; None: the tenant that the Target names.
            start: The beginning of the report; None: 180 days ago, the oldest statistics that HCP
                keeps. A datetime without a time zone is local time.
            end: Its end; None: now. HCP extends the period to full hours or days.
            granularity: ``CBG_HOUR``, ``CBG_DAY`` or ``CBG_TOTAL``.
            fmt: ``CBM_CSV``, ``CBM_JSON`` or ``CBM_XML``.

        Returns:
            The report as HCP sent it: a text file at position 0. A small one is an `io.StringIO`, a
            large one a temporary file, which is removed when it is closed.

        Raises:
            ChargebackError: The status is not 200.
            HcpsdkError: The request failed, or the report is truncated or not UTF-8.
            ValueError: Invalid argument; nothing was sent.
        """
        _check_choice("granularity", granularity, self.CBG_ALL)
        _check_choice("fmt", fmt, self.CBM_ALL)
        now = datetime.now()
        params: dict[str, Values] = {
            "start": hcp_time("start", now - KEPT_BY_HCP if start is None else start),
            "end": hcp_time("end", now if end is None else end),
            "granularity": granularity,
            "prettyprint": True,
        }
        path = path_to("tenants", tenant or self._own_tenant(), "chargebackReport")
        with closing(self._stream("GET", path, params, {"Accept": fmt})) as blocks:
            return _text_file(blocks)

    def _own_tenant(self) -> str:
        """The tenant whose name the Target was made with."""
        tenant, dot, _ = self._target.fqdn.partition(".")
        if not dot or tenant.lower() == "admin" or tenant.isdigit():
            raise ValueError(f"tenant is required: {self._target.fqdn} is not the name of a tenant")
        return tenant


def hcp_time(name: str, when: datetime) -> str:
    """*when* as HCP's queries have it: ``2015-12-02T13:28:41+0100``.

    Raises:
        ValueError: *when*, argument *name*, is no datetime, or none that this system can convert.
    """
    if not isinstance(when, datetime):
        raise ValueError(f"{name} must be datetime.datetime, not {type(when).__name__}")
    try:
        if when.utcoffset() is None:
            when = when.astimezone()  # takes it for local time
        offset = when.utcoffset()
        if offset is None or offset % timedelta(minutes=1):
            when = when.astimezone(timezone.utc)  # HCP's format has no seconds there
    except (OverflowError, OSError) as exc:
        raise ValueError(f"{name} cannot be converted to a time with zone: {exc}") from exc
    text = when.isoformat(timespec="seconds")
    return text[:-3] + text[-2:]


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def _text_file(blocks: Iterable[bytes]) -> TextIO:
    """A text file at its start that holds *blocks*, which are UTF-8, character by character."""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    file: TextIO = io.StringIO()
    try:
        for block in blocks:
            file.write(decode(block))
            if isinstance(file, io.StringIO) and file.tell() > MAX_IN_MEMORY:
                beginning = file.getvalue()
                # No translation of line ends: the same text as a StringIO holds.
                file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115
                file.write(beginning)
        file.write(decode(b"", final=True))
        file.seek(0)
    except BaseException as exc:
        file.close()
        if isinstance(exc, UnicodeDecodeError):
            raise HcpsdkError(f"the report is not UTF-8: {exc}") from exc
        if isinstance(exc, OSError):
            raise HcpsdkError(f"cannot write the report to a temporary file: {exc}") from exc
        raise
    return file
