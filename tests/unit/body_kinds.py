"""Every kind of object that may be given as a body, and the table of them in docs/bodies.rst.

Imports the library only. Run as a program it prints the table, to be put into the page::

    python3 tests/unit/body_kinds.py
"""

import array
import bz2
import contextlib
import ctypes
import enum
import gzip
import http.client
import io
import lzma
import mmap
import os
import socket
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hcpsdk._request.body import Body
from hcpsdk._request.body_kinds import make_body, with_length
from hcpsdk._transport.response import StrictResponse

DATA = bytes(range(128)) * 20  # text, too


class Octets(bytes):
    """A subclass of bytes."""


class Word(str, enum.Enum):
    """A member means its value."""

    DATA = DATA.decode()


class PlainReader:
    """Nothing but read()."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int = -1) -> Any:
        return self._file.read(size)


class Proxy(PlainReader):
    """Counts what is read, and passes on everything else."""

    count = 0

    def read(self, size: int = -1) -> Any:
        data = self._file.read(size)
        self.count += len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class OneSocket:
    """As much of a socket as `http.client` needs to read a response from it."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._received)


class Kind(NamedTuple):
    """A row of the table: objects with the same properties.

    Each function gets a stack, to which it adds what has to be closed, and a directory.
    """

    name: str
    objects: list[Callable[[contextlib.ExitStack, Path], Any]]
    declared: int | None = None  # the caller's Content-Length


def on_disk(directory: Path, data: bytes = DATA) -> Path:
    path = directory / "data"
    path.write_bytes(data)
    return path


def device(path: str) -> Callable[[contextlib.ExitStack, Path], Any]:
    return lambda stack, _directory: stack.enter_context(Path(path).open("rb"))


def opened(**options: Any) -> Callable[[contextlib.ExitStack, Path], Any]:
    return lambda stack, directory: stack.enter_context(on_disk(directory).open(**options))


def temporary(make: Any, mode: str) -> Callable[[contextlib.ExitStack, Path], Any]:
    def open_temporary(stack: contextlib.ExitStack, _directory: Path) -> Any:
        file = stack.enter_context(make(mode=mode))
        file.write(DATA if "b" in mode else DATA.decode())
        file.seek(0)
        return file

    return open_temporary


def compressed(opener: Any, mode: str = "rb") -> Callable[[contextlib.ExitStack, Path], Any]:
    def open_compressed(stack: contextlib.ExitStack, directory: Path) -> Any:
        with opener(directory / "compressed", "wb") as file:
            file.write(DATA)
        return stack.enter_context(opener(directory / "compressed", mode))

    return open_compressed


def zip_member(stack: contextlib.ExitStack, directory: Path) -> Any:
    with zipfile.ZipFile(directory / "zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member", DATA)
    archive = stack.enter_context(zipfile.ZipFile(directory / "zip"))
    return stack.enter_context(archive.open("member"))


def tar_member(stack: contextlib.ExitStack, directory: Path) -> Any:
    with tarfile.open(directory / "tar", "w:gz") as archive:
        archive.add(on_disk(directory), "member")
    archive = stack.enter_context(tarfile.open(directory / "tar"))  # noqa: SIM115
    return stack.enter_context(archive.extractfile("member"))  # type: ignore[arg-type]


def pipe(stack: contextlib.ExitStack, _directory: Path, data: bytes = DATA) -> Any:
    reader, writer = os.pipe()
    os.write(writer, data)  # fits into the pipe
    os.close(writer)
    return stack.enter_context(os.fdopen(reader, "rb"))


def pipe_in_text_mode(stack: contextlib.ExitStack, directory: Path) -> Any:
    return stack.enter_context(io.TextIOWrapper(pipe(stack, directory), encoding="latin-1"))


def socket_file(stack: contextlib.ExitStack, _directory: Path) -> Any:
    ours, theirs = socket.socketpair()
    stack.enter_context(ours)
    theirs.sendall(DATA)
    theirs.close()
    return stack.enter_context(ours.makefile("rb"))


def gzip_over_a_pipe(stack: contextlib.ExitStack, directory: Path) -> Any:
    file = pipe(stack, directory, gzip.compress(DATA))
    return stack.enter_context(gzip.GzipFile(fileobj=file))


def mapped(stack: contextlib.ExitStack, directory: Path) -> Any:
    file = stack.enter_context(on_disk(directory).open("rb"))
    return stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def response(stack: contextlib.ExitStack, _directory: Path) -> Any:
    """What `urllib.request.urlopen()` returns."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(DATA)}\r\n\r\n".encode()
    found = http.client.HTTPResponse(OneSocket(head + DATA))  # type: ignore[arg-type]
    found.begin()
    stack.callback(found.close)
    return found


def own_response(stack: contextlib.ExitStack, _directory: Path) -> Any:
    ours, theirs = socket.socketpair()
    stack.enter_context(ours)
    stack.enter_context(theirs)
    theirs.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(DATA)}\r\n\r\n".encode() + DATA)
    found = StrictResponse(ours, 0, "GET")
    found.begin()
    return found


def pieces() -> Iterator[bytes]:
    yield from (DATA[:5], DATA[5:])


def simply(make: Callable[[], Any]) -> Callable[[contextlib.ExitStack, Path], Any]:
    return lambda _stack, _directory: make()


KINDS = [
    Kind(
        "``bytes``, ``bytearray``, ``memoryview``",
        [
            simply(lambda: DATA),
            simply(lambda: Octets(DATA)),
            simply(lambda: bytearray(DATA)),
            simply(lambda: memoryview(bytes(len(DATA)) + DATA)[len(DATA) :]),
            simply(lambda: memoryview(DATA[::-1])[::-1]),
        ],
    ),
    Kind(
        "``str``, a member of a ``(str, Enum)``, ``io.StringIO``: sent as UTF-8",
        [
            simply(lambda: DATA.decode()),
            simply(lambda: Word.DATA),
            simply(lambda: io.StringIO(DATA.decode(), newline="")),
        ],
    ),
    Kind(
        "an array of numbers (``array``, NumPy, ``ctypes``), ``mmap``: sent as they are in memory",
        [
            simply(lambda: array.array("H", DATA)),
            simply(lambda: (ctypes.c_uint16 * (len(DATA) // 2)).from_buffer_copy(DATA)),
            mapped,
        ],
    ),
    Kind(
        "a list or tuple of these (but ``str``)",
        [simply(lambda: list(pieces())), simply(lambda: tuple(map(bytearray, pieces())))],
    ),
    Kind("``io.BytesIO``", [simply(lambda: io.BytesIO(DATA))]),
    Kind(
        "a file on disk, in binary or text mode; a temporary file",
        [
            opened(mode="rb"),
            opened(mode="rb", buffering=0),
            opened(mode="r+b"),
            opened(mode="r", encoding="latin-1", newline=""),
            opened(mode="r+", encoding="utf-8"),
            temporary(tempfile.TemporaryFile, "w+b"),
            temporary(tempfile.NamedTemporaryFile, "w+b"),
            temporary(tempfile.NamedTemporaryFile, "w+"),
        ],
    ),
    Kind(
        "a file that reports no size, as those in ``/proc``",
        [device("/proc/self/cmdline")],
    ),
    Kind(
        "a compressed file (``gzip``, ``bz2``, ``lzma``): sent uncompressed",
        [
            compressed(gzip.open),
            compressed(gzip.open, "rt"),
            compressed(bz2.open),
            compressed(lzma.open),
            lambda stack, directory: io.BufferedReader(compressed(gzip.open)(stack, directory)),
        ],
    ),
    Kind("a file within an archive (``zipfile``, ``tarfile``)", [zip_member, tar_member]),
    Kind(
        "an object with ``read()``, ``seek()`` and ``tell()``, for example a progress reader",
        [
            lambda stack, directory: Proxy(opened(mode="rb")(stack, directory)),
            simply(lambda: Proxy(io.BytesIO(DATA))),
        ],
    ),
    Kind(
        'the same with ``headers={"Content-Length": …}``',
        [lambda stack, directory: Proxy(opened(mode="rb")(stack, directory))],
        declared=len(DATA),
    ),
    Kind(
        "an object with nothing but ``read()``",
        [simply(lambda: PlainReader(io.BytesIO(DATA)))],
    ),
    Kind("a response of ``urllib.request`` or ``http.client``", [response]),
    Kind("a response of another Connection", [own_response]),
    Kind(
        "a character device (``/dev/urandom``), even if it says that it can seek",
        [device("/dev/null")],
    ),
    Kind(
        "a pipe, ``sys.stdin``, the file of a socket; a compressed file over one of these",
        [pipe, pipe_in_text_mode, socket_file, gzip_over_a_pipe],
    ),
    Kind(
        "a generator, any other iterable of bytes",
        [
            simply(pieces),
            simply(lambda: map(bytes, pieces())),
            simply(lambda: dict.fromkeys(pieces()).keys()),
        ],
    ),
    Kind(
        'the same with ``headers={"Content-Length": …}``',
        [simply(pieces)],
        declared=len(DATA),
    ),
]


def body_of(kind: Kind, content: Any) -> Body:
    body = make_body(content)
    assert body is not None
    return body if kind.declared is None else with_length(body, kind.declared)


def table(directory: Path) -> str:
    """The table as reStructuredText, from what the code says of the first object of each kind."""
    lines = [
        ".. list-table:: What can be a body",
        "   :header-rows: 1",
        "   :widths: 46 25 29",
        "",
        "   * - body",
        "     - its length",
        "     - can it be sent again?",
    ]
    for kind in KINDS:
        with contextlib.ExitStack() as stack:
            body = body_of(kind, kind.objects[0](stack, directory))
        lines += [
            f"   * - {kind.name}",
            f"     - {body.length_source.value}",
            f"     - {body.rewinding.value}",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary_directory:
        print(table(Path(temporary_directory)), end="")
