"""The logs of the nodes: marks, and an archive to download. Imports `call`.

docs/hcp/mapi.rst, section 5. The archive is a zip file: a directory with ``manifest.csv``, and for
each node a ``.tar.bz2``, in which the access logs are packed once more.
"""

from __future__ import annotations

import bz2
import io
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime

from .._dates import HCP_ZONE
from .._http.errors import HTTPError
from .call import Document, Emulated, MapiCall, NodeView, Raw, Resource
from .documents import Record

READERS = ("monitor", "service", "administrator")
WRITERS = ("service", "administrator")
KINDS = ("ACCESS", "SYSTEM", "SERVICE", "APPLICATION")
MAX_MARK = 1024  # characters
MAPI_PORT = 9090


class Package:
    """The state of the one log package that a system can have.

    Packing takes no time here; yet the first status after `prepare` says that it goes on, so that
    programs have to ask again, as they must with a real HCP.
    """

    def __init__(self) -> None:
        self.cancel()

    def cancel(self) -> None:
        """Forget the package."""
        self.dates: tuple[date, date] | None = None
        self.is_ready = False
        self.streams = 0  # downloads that go on
        self.content = ",".join(KINDS)

    def prepare(self, first: date, last: date) -> None:
        """Begin to pack the logs of these days."""
        if self.streams or (self.dates is not None and not self.is_ready):
            raise HTTPError(400, "A log download is already in progress")
        self.cancel()
        self.dates = first, last

    def status(self) -> Record:
        """How far it is."""
        record = {
            "readyForStreaming": self.is_ready,
            "streamingInProgress": bool(self.streams),
            "started": self.dates is not None,
            "error": False,
            "content": self.content,
        }
        self.is_ready = self.dates is not None
        return record


class Logs:
    """The operations on the logs, and their resources."""

    def __init__(self) -> None:
        self._package = Package()
        self.resources = {
            "logs": Resource({"GET": self.get, "POST": self.post}),
            "logs/prepare": Resource({"POST": self.prepare}),
            "logs/download": Resource({"POST": self.download}),
        }

    def reset(self) -> None:
        """Forget the package."""
        self._package.cancel()

    def get(self, call: MapiCall) -> Document:
        """The state of the package."""
        call.needs(*READERS)
        return Document("logDownloadStatus", self._package.status())

    def post(self, call: MapiCall) -> None:
        """Write a mark into the logs, or forget the package."""
        call.needs(*WRITERS)
        mark = call.parameters.get("mark")
        if mark is not None:
            if not 1 <= len(mark) <= MAX_MARK:
                raise HTTPError(400, f"mark needs a text of up to {MAX_MARK} characters")
            call.emulated.marks.append((call.emulated.now(), mark))
        elif "cancel" in call.parameters:
            self._package.cancel()
        else:
            raise HTTPError(400, "'mark' or 'cancel' parameter is required.")

    def prepare(self, call: MapiCall) -> None:
        """Pack the logs of some days, by default of today."""
        call.needs(*WRITERS)
        given = call.document("logPrepare")
        if unknown := set(given) - {"startDate", "endDate", "snodes"}:
            raise HTTPError(400, f"unknown property: {', '.join(sorted(unknown))}")
        _refuse_snodes(given)
        today = datetime.fromtimestamp(call.emulated.now(), HCP_ZONE).date()
        first, last = (_day(given, name, today) for name in ("startDate", "endDate"))
        if first > last:
            raise HTTPError(400, "startDate must not be after endDate")
        self._package.prepare(first, last)

    def download(self, call: MapiCall) -> Raw:
        """The package."""
        call.needs(*WRITERS)
        given = call.document("logDownload")
        if unknown := set(given) - {"nodes", "snodes", "content"}:
            raise HTTPError(400, f"unknown property: {', '.join(sorted(unknown))}")
        _refuse_snodes(given)
        kinds = _split(given.get("content", ""))
        if not kinds or not set(kinds) <= set(KINDS):
            raise HTTPError(400, f"content must be of {', '.join(KINDS)}")
        nodes = _nodes(call, given)
        package = self._package
        if package.dates is None or not package.is_ready:
            raise HTTPError(400, "the logs are not ready for download")
        package.content = ",".join(kinds)
        moment = datetime.fromtimestamp(call.emulated.now(), HCP_ZONE)
        short = "acc-" if kinds == ["ACCESS"] else ""
        name = f"HCPLogs-admin.{call.system.domain}-{short}{moment:%Y%m%d-%H%M}"
        archive = Archive(call.emulated, name, nodes, kinds, package.dates)
        headers = [
            ("Content-Disposition", f"attachment; filename={name}.zip"),
            ("Accept-Ranges", "none"),
        ]
        return Raw("application/zip", _counted(archive.pieces(), package), headers)


def _counted(pieces: Iterator[bytes], package: Package) -> Iterator[bytes]:
    package.streams += 1
    try:
        yield from pieces
    finally:
        package.streams = max(0, package.streams - 1)


def _refuse_snodes(given: Record) -> None:
    if names := _split(given.get("snodes", "")):
        raise HTTPError(400, f"no such S node: {', '.join(names)}")


def _split(value: object) -> list[str]:
    return [part.strip() for part in str(value).split(",") if part.strip()]


def _day(given: Record, name: str, default: date) -> date:
    value = str(given.get(name, ""))
    if not value:
        return default
    try:
        return datetime.strptime(value, "%m/%d/%Y").date()
    except ValueError as error:
        raise HTTPError(400, f"bad value for {name}: {value}") from error


def _nodes(call: MapiCall, given: Record) -> list[NodeView]:
    """The nodes that are asked for; all of them if none is named."""
    nodes = {number(node): node for node in call.emulated.nodes()}
    if "nodes" not in given:
        return list(nodes.values())
    wanted = _split(given["nodes"])
    for name in wanted:
        if not (name.isascii() and name.isdigit() and int(name) in nodes):
            raise HTTPError(400, f"no such node: {name}")
    return [nodes[int(name)] for name in wanted]


def number(node: NodeView) -> int:
    """The number of *node*: the last part of its address."""
    return int(node.address.rpartition(".")[2])


class Archive:
    """The zip file with the logs of *nodes*, of *kinds*, from the first to the last of *dates*."""

    def __init__(
        self,
        emulated: Emulated,
        name: str,
        nodes: Sequence[NodeView],
        kinds: Sequence[str],
        dates: tuple[date, date],
    ) -> None:
        self._emulated = emulated
        self._name = name
        self._nodes = nodes
        self._kinds = kinds
        self._first, self._last = dates

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the file, one node after another."""
        sink = _Sink()
        with zipfile.ZipFile(sink, "w") as archive:
            archive.writestr(f"{self._name}/manifest.csv", self._manifest())
            yield sink.take()
            for node in self._nodes:
                archive.writestr(self._path(node), self._packed(node))
                yield sink.take()
        yield sink.take()

    def _path(self, node: NodeView) -> str:
        return f"{self._name}/{number(node)}.tar.bz2"

    def _manifest(self) -> str:
        lines = [
            f'"System","{self._emulated.system.domain}"',
            f'"Content","{" ".join(self._kinds)}"',
            "",
            '"Node IP","File","Node"',
            *(f"{n.address},{self._path(n)},{number(n)}" for n in self._nodes),
            "",
            "",
        ]
        return "\n".join(lines)

    def _packed(self, node: NodeView) -> bytes:
        folder = f"{number(node):03}"
        files: dict[str, bytes] = {}
        if "ACCESS" in self._kinds:
            stamp = f"{datetime.fromtimestamp(self._emulated.now(), HCP_ZONE):%Y%m%d-%H%M}"
            logs = {f"{stamp}/{name}.log.0": text for name, text in self._access(node).items()}
            files[f"{folder}/var/ris/retired/access-logs-{stamp}.tar.bz2"] = tar(logs)
        for kind in self._kinds:
            if kind != "ACCESS":
                files[f"{folder}/var/log/{kind.lower()}.log"] = self._marks()
        return tar(files)

    def _access(self, node: NodeView) -> dict[str, bytes]:
        """The access logs of *node*, by the interface."""
        lines: dict[str, list[str]] = {
            name: [] for name in ("admin_request", "http_gateway_request", "mapi_gateway_request")
        }
        for access in self._emulated.access_log.entries():
            if access.node == node.address and self._is_wanted(access.time):
                is_mapi = access.port == MAPI_PORT
                lines["mapi_gateway_request" if is_mapi else "http_gateway_request"].append(
                    access.line
                )
        return {
            name: "".join(f"{line}\n" for line in found).encode() for name, found in lines.items()
        }

    def _marks(self) -> bytes:
        lines = []
        for time, text in self._emulated.marks:
            if self._is_wanted(time):
                moment = datetime.fromtimestamp(time, HCP_ZONE)
                lines.append(f"{moment:%Y-%m-%d %H:%M:%S %z} MARK {' '.join(text.split())}\n")
        return "".join(lines).encode()

    def _is_wanted(self, time: float) -> bool:
        return self._first <= datetime.fromtimestamp(time, HCP_ZONE).date() <= self._last


class _Sink(io.RawIOBase):
    """What is written to it can be taken; it cannot seek, so that the archive is a stream."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def tar(files: dict[str, bytes]) -> bytes:
    """A ``.tar.bz2`` with *files*."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return bz2.compress(packed.getvalue())
