"""The internal logs of an HCP: mark, pack and download them."""

import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import date
from typing import IO, Any, TypeVar, cast
from xml.sax.saxutils import escape

from hcpsdk._errors import HcpsdkError, HcpsdkStatusError
from hcpsdk._target import Target
from hcpsdk._xml import parse
from hcpsdk.mapi._client import XML, MapiClient, path_to

LOGS = path_to("logs")
PREPARE = path_to("logs", "prepare")
DOWNLOAD = path_to("logs", "download")
EPOCH = date(1970, 1, 1)
TIMEOUT = 60  # seconds; HCP itself closes connections that are silent for so long
XML_BODY = {"Content-Type": XML}
DOWNLOAD_HEADERS = {"Accept": "*/*", **XML_BODY}
FLAGS = ("readyForStreaming", "streamingInProgress", "started", "error")

_FILE_NAME = re.compile(r'\bfilename="?([^";]+)', re.IGNORECASE)

Value = TypeVar("Value", int, str, int | str)


class LogsError(HcpsdkError):
    """A failure concerning logs. If the cause is a status, the text starts with it."""


class LogsStatusError(LogsError, HcpsdkStatusError):
    """The status of a request for logs is not 200."""


class LogsNotReadyError(LogsError):
    """The logs are not packed yet, so they cannot be downloaded. See `Logs.status()`."""


class LogsInProgessError(LogsStatusError):
    """HCP is already packing or sending logs. See `Logs.cancel()`."""


class Logs(MapiClient):
    """The internal logs of an HCP.

    They are downloaded in three steps: `prepare()` makes HCP pack them, `status()` reports when
    that is done, `download()` fetches the archive. Sends its requests over a Connection that it
    keeps until `close()`; usable as a context manager.

    Args:
        target: A Target with the system's name (``admin.…``), a system-level user with role
            service or administrator, and port 9090.
        debuglevel: As for `Connection`: above 0, everything on the wire is printed.

    Attributes:
        suggestedfilename: What HCP called the last archive; ``""`` before the first download.

    Raises:
        HcpsdkPortError: The Target's port is not 9090.
        TypeError, ValueError: Invalid argument.
    """

    #: Access logs of the http-based interfaces, the management API, and the consoles.
    L_ACCESS = "ACCESS"
    #: Logs of the operating system.
    L_SYSTEM = "SYSTEM"
    #: Logs of HCP's services.
    L_SERVICE = "SERVICE"
    #: Logs of HCP's application.
    L_APPLICATION = "APPLICATION"
    #: All kinds of logs.
    L_ALL = (L_ACCESS, L_SYSTEM, L_SERVICE, L_APPLICATION)

    _status_error = LogsStatusError

    def __init__(self, target: Target, debuglevel: int = 0) -> None:
        super().__init__(target, TIMEOUT, debuglevel)
        self.suggestedfilename = ""

    def mark(self, message: str) -> None:
        """Write a line into the logs: ``POST /mapi/logs?mark=<message>``.

        Args:
            message: Its text.

        Raises:
            LogsError: The status is not 200.
            HcpsdkError: The request failed.
        """
        if not isinstance(message, str):
            raise TypeError(f"message must be str, not {type(message).__name__}")
        self._exchange("POST", LOGS, {"mark": message})

    def prepare(
        self,
        startdate: date | None = None,
        enddate: date | None = None,
        snodes: Sequence[str] = (),
    ) -> tuple[date, date, str]:
        """Make HCP pack its logs: ``POST /mapi/logs/prepare``.

        Returns at once; `status()` reports when the archive is ready.

        Args:
            startdate: The first day; None: 1970-01-01.
            enddate: The last day; None: today.
            snodes: Names of S nodes whose logs to include.

        Returns:
            The first day, the last day, and the XML that was sent.

        Raises:
            LogsInProgessError: HCP is already packing or sending logs (status 400).
            LogsError: The status is neither 200 nor 400.
            HcpsdkError: The request failed.
            ValueError: A date is not a ``datetime.date``, or the last day is before the first one;
                nothing was sent.
        """
        first = EPOCH if startdate is None else startdate
        last = date.today() if enddate is None else enddate
        xml = (
            f"<logPrepare><startDate>{_us_date('startdate', first)}</startDate>"
            f"<endDate>{_us_date('enddate', last)}</endDate>"
            f"{_listed('snodes', snodes, if_empty='')}</logPrepare>"
        )
        if (last.year, last.month, last.day) < (first.year, first.month, first.day):
            raise ValueError(f"enddate {last} is before startdate {first}")
        try:
            self._exchange("POST", PREPARE, None, XML_BODY, xml)
        except LogsStatusError as exc:
            if exc.status != 400:
                raise
            raise LogsInProgessError(exc.reason) from None
        return first, last, xml

    def status(self) -> dict[str, Any]:
        """The progress of packing: ``GET /mapi/logs``.

        Returns:
            A dictionary with four ``bool``: ``readyForStreaming`` (`download()` may be called),
            ``streamingInProgress``, ``started`` (packing has begun) and ``error`` (it failed); and
            ``content``, the list of the kinds of logs, ``L_*``.

        Raises:
            LogsError: The status is not 200.
            HcpsdkError: The request failed, or the response is not the XML expected.
        """
        document = self._exchange("GET", LOGS, headers={"Accept": XML})
        root = parse(document, "logDownloadStatus", self._endpoint.excerpt)
        texts = {child.name: child.text.strip() for child in root.children}
        found: dict[str, Any] = {}
        for name in FLAGS:
            text = texts.get(name, "").lower()
            if text not in ("true", "false"):
                raise HcpsdkError(
                    f"invalid <logDownloadStatus>: <{name}> is {text!r}, neither true nor false"
                )
            found[name] = text == "true"
        found["content"] = [kind for kind in re.split(r"[,\s]+", texts.get("content", "")) if kind]
        return found

    def download(
        self,
        hdl: IO[bytes] | None = None,
        nodes: Sequence[int | str] = (),
        snodes: Sequence[str] = (),
        logs: Sequence[str] = (),
        progresshook: Callable[[int], object] | None = None,
        hidden: bool = True,
    ) -> tuple[IO[bytes], str]:
        """Download the archive that HCP has packed: ``POST /mapi/logs/download``.

        It is written while it arrives, and never held in memory as a whole.

        Args:
            hdl: A file opened for writing bytes. If the download fails, it contains what was
                received until then, which is not a complete archive. None: a temporary file,
                which is removed when it is closed, and if the download fails.
            nodes: The numbers of the nodes; empty: all nodes.
            snodes: The names of the S nodes; empty: no S nodes.
            logs: The kinds of logs, ``L_*``; empty: all kinds.
            progresshook: Called after each block with the number of bytes received so far.
            hidden: True gives the temporary file no name; False gives it one, its ``name``.

        Returns:
            The file, at position 0 if it can seek, and the name that HCP suggests for it.

        Raises:
            LogsNotReadyError: There is nothing to download yet.
            LogsError: The status is not 200, or the temporary file cannot be written.
            HcpsdkError: The request failed, or the archive is truncated.
            TypeError, ValueError: Invalid argument; nothing was sent.
        """
        xml = _download_request(nodes, snodes, logs, self.L_ALL)
        if progresshook is not None and not callable(progresshook):
            raise TypeError(f"progresshook must be callable, not {type(progresshook).__name__}")
        if hdl is not None:
            if not hasattr(hdl, "write"):
                raise TypeError(f"hdl must be a file open for writing, not {type(hdl).__name__}")
            hdl.write(b"")  # a file opened for text, or a closed one, raises here
        status = self.status()
        if not status["readyForStreaming"]:
            facts = ", ".join(f"{name}: {str(status[name]).lower()}" for name in FLAGS)
            raise LogsNotReadyError(f"the logs are not ready for download ({facts})")
        file = _temporary_file(hidden) if hdl is None else hdl
        try:
            with closing(self._stream("POST", DOWNLOAD, None, DOWNLOAD_HEADERS, xml)) as blocks:
                received = 0
                for block in blocks:
                    _write(file, block, is_ours=hdl is None)
                    received += len(block)
                    if progresshook is not None:
                        progresshook(received)
            self.suggestedfilename = self._file_name()
            if hdl is None or _is_seekable(file):
                file.seek(0)
        except BaseException:
            if hdl is None:
                file.close()
            raise
        return file, self.suggestedfilename

    def cancel(self) -> bool:
        """Make HCP stop packing, or discard the archive: ``POST /mapi/logs?cancel=``.

        Returns:
            True, even if there was nothing to cancel.

        Raises:
            LogsError: The status is not 200.
            HcpsdkError: The request failed.
        """
        self._exchange("POST", LOGS, {"cancel": ""})
        return True

    def _file_name(self) -> str:
        """The name that HCP gave the archive, without any directory."""
        header = self._connection.getheader("Content-Disposition", "")
        given = _FILE_NAME.search(header)
        name = re.split(r"[/\\]", given[1])[-1].strip() if given else ""
        if name in ("", ".", "..") or not name.isprintable():
            return f"HCPLogs-{self._target.fqdn}.zip"
        return name


def _us_date(name: str, day: date) -> str:
    """*day* as HCP wants it: month, day, year."""
    if not isinstance(day, date):
        raise ValueError(f"{name} must be datetime.date, not {type(day).__name__}")
    return f"{day.month:02}/{day.day:02}/{day.year:04}"


def _download_request(
    nodes: Sequence[int | str], snodes: Sequence[str], logs: Sequence[str], known: Sequence[str]
) -> str:
    """The XML that asks for the archive. Without ``nodes`` HCP takes all of them."""
    kinds = _list("logs", logs) or known
    for kind in kinds:
        if kind not in known:
            raise ValueError(f"logs must be of {', '.join(known)}, not {kind!r}")
    return (
        f"<logDownload>{_listed('nodes', nodes, if_empty='')}"
        f"{_listed('snodes', snodes, if_empty='<snodes/>')}<content>{','.join(kinds)}</content>"
        "</logDownload>"
    )


def _listed(name: str, values: Sequence[int | str], *, if_empty: str) -> str:
    """An element with *values*, separated by commas."""
    text = ",".join(str(value) for value in _list(name, values))
    return f"<{name}>{escape(text)}</{name}>" if text else if_empty


def _list(name: str, values: Sequence[Value]) -> tuple[Value, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable | None):
        raise TypeError(f"{name} must be a list, not {type(values).__name__}")
    return () if values is None else tuple(values)


def _temporary_file(is_hidden: bool) -> IO[bytes]:
    try:
        if is_hidden:
            return tempfile.TemporaryFile()
        return cast(IO[bytes], tempfile.NamedTemporaryFile())
    except OSError as exc:
        raise LogsError(f"cannot create a temporary file: {exc}") from exc


def _write(file: IO[bytes], block: bytes, *, is_ours: bool) -> None:
    """Write all of *block*; an unbuffered file may take less of it at a time."""
    left = memoryview(block)
    try:
        while left:
            written = file.write(left)
            left = left[len(left) if written is None else written :]
    except OSError as exc:
        if not is_ours:
            raise
        raise LogsError(f"cannot write the temporary file: {exc}") from exc


def _is_seekable(file: IO[bytes]) -> bool:
    try:
        return file.seekable()
    except AttributeError:  # an object that can do no more than write
        return False
