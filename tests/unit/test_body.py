"""What is sent as a body: every kind, its length, and its way back to where it began."""

import array
import bz2
import codecs
import collections
import contextlib
import ctypes
import errno
import gzip
import http.client
import io
import itertools
import lzma
import mmap
import os
import pathlib
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hcpsdk
from hcpsdk._request.body import Length, Rewind
from hcpsdk._request.body_kinds import make_body, with_length
from hcpsdk._request.content import BLOCK, BodyError, CallerError

from ..support.dishonest import DISHONEST, CountsOnlyWithOneArgument, Rewindable
from .body_kinds import DATA, KINDS, Kind, OneSocket, PlainReader, Proxy, body_of, table

LONG = bytes(range(256)) * (BLOCK // 128) + b"end"  # two blocks and a bit
TEXT = "erste Zeile, äöü\r\nzweite\nZeile drei ß\r"


def sent(body: Any) -> Any:
    """All that goes out, in one piece."""
    return b"".join(bytes(block) for block in body.blocks())


def sent_again(body: Any) -> Any:
    """All that goes out with the next attempt."""
    assert body.rewind()
    return sent(body)


def framed(content: Any) -> Any:
    """The length that is told, and the bytes that are sent; they must agree."""
    body = make_body(content)
    data = sent(body)
    assert body.length is None or body.length == len(data)
    return body.length, data


# In memory


class Octets(bytes):
    """A bytes-like object of somebody else's."""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"abc", b"abc"),
        (b"", b""),
        (bytearray(b"abc"), b"abc"),
        (Octets(b"abc"), b"abc"),
        (memoryview(b"abc"), b"abc"),
        (memoryview(b"abcdef")[::2], b"ace"),
        (memoryview(b"abcdef")[::-1], b"fedcba"),
        (memoryview(b"abcdef").cast("B", (2, 3)), b"abcdef"),
        (memoryview(b""), b""),
        (array.array("H", [1, 2]), array.array("H", [1, 2]).tobytes()),
        (
            memoryview(array.array("d", [1.5, 2.5, 3.5]))[::2],
            array.array("d", [1.5, 3.5]).tobytes(),
        ),
        (array.array("d"), b""),
        ((ctypes.c_char * 4)(*b"abcd"), b"abcd"),
        ("", b""),
        ("äöü €\r\n", "äöü €\r\n".encode()),
        (LONG, LONG),
        (memoryview(LONG + LONG)[::2], (LONG + LONG)[::2]),
    ],
)
def test_bytes_and_str(content: Any, expected: Any) -> None:
    """Bytes-like objects as they lie in memory, a str as UTF-8, with their length (contract
    3.4)."""
    assert framed(content) == (len(expected), expected)


def test_mmap(tmp_path: Path) -> None:
    """A mapped file is a bytes-like object whose length is known (contract 3.4)."""
    path = tmp_path / "mapped"
    path.write_bytes(LONG)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert framed(mapped) == (len(LONG), LONG)


@pytest.mark.parametrize("kind", [list, tuple])
def test_lists_and_tuples(kind: Any) -> None:
    """A list of bytes is sent with its length (contract 3.4)."""
    content = kind([b"ab", b"", bytearray(b"c"), memoryview(b"xdxe")[1::2], array.array("B", [0])])

    assert framed(content) == (6, b"abcde\0")


@pytest.mark.parametrize(
    "content",
    [
        (piece for piece in (b"ab", b"", b"c")),
        iter([b"ab", b"", b"c"]),
        map(bytes, [b"ab", b"c"]),
        itertools.chain([b"ab"], [b"c"]),
        collections.deque([b"ab", b"c"]),
        {"x": b"ab", "y": b"c"}.values(),
    ],
    ids=lambda content: type(content).__name__,
)
def test_iterables(content: Any) -> None:
    """Any iterable of bytes; its length is told if it is told right (contract 3.4)."""
    length, data = framed(content)

    assert data == b"abc"
    assert length in (None, 3)


def test_no_piece_is_empty() -> None:
    """An empty piece would end a chunked body early: it is left out (contract 3.4)."""
    pieces = [b"", b"a", b"", bytearray(), memoryview(b""), b"b", b""]
    for content in (pieces, iter(pieces)):
        assert [bytes(block) for block in make_body(content).blocks()] == [b"a", b"b"]


def test_no_body() -> None:
    """None is no body at all."""
    assert make_body(None) is None


@pytest.mark.parametrize(
    "content", [1, 1.5, True, object(), {"a": b"b"}, pathlib.Path("x"), ["a"], [b"a", 1], ("a",)]
)
def test_what_is_no_body(content: Any) -> None:
    """What cannot be sent raises TypeError at the call (contract 1.4, 3.4)."""
    with pytest.raises(TypeError):
        make_body(content)


def test_unencodable_str() -> None:
    """A str that UTF-8 cannot carry raises ValueError at the call (contract 1.4)."""
    with pytest.raises(ValueError):
        make_body("\udc80")


def test_str_pieces_of_a_generator() -> None:
    """Text where bytes are wanted is the caller's mistake: TypeError (contract 1.4)."""
    with pytest.raises(TypeError):
        sent(make_body(piece for piece in (b"a", "b")))


# Files in binary mode


@pytest.fixture
def path(tmp_path: Path) -> Any:
    """A file that holds LONG."""
    path = tmp_path / "file"
    path.write_bytes(LONG)
    return path


@pytest.mark.parametrize("buffering", [-1, 0, 17])
@pytest.mark.parametrize("mode", ["rb", "r+b"])
@pytest.mark.parametrize("start", [0, 1, BLOCK, len(LONG) - 1])
def test_binary_file(path: Any, mode: Any, buffering: Any, start: Any) -> None:
    """A file is sent from its current position, with the length that is left (contract 3.4)."""
    with path.open(mode, buffering=buffering) as file:
        while file.tell() < start:
            file.read(start - file.tell())

        assert framed(file) == (len(LONG) - start, LONG[start:])


def test_bytesio_from_its_position() -> None:
    """A BytesIO is sent from its position, with the length that is left (contract 3.4)."""
    file = io.BytesIO(LONG)
    file.seek(5)

    assert framed(file) == (len(LONG) - 5, LONG[5:])


@pytest.mark.parametrize("mode", ["w+b", "a+b"])
def test_file_just_written(tmp_path: Path, mode: Any) -> None:
    """What was written and not flushed is sent as well (contract 3.4)."""
    with (tmp_path / "file").open(mode) as file:
        file.write(b"abc")
        file.seek(1)

        assert framed(file) == (2, b"bc")


def test_buffered_random_after_a_write(path: Any) -> None:
    """A file is sent as it is now, unflushed changes included (contract 3.4)."""
    with path.open("r+b") as file:
        file.write(b"new")
        file.seek(0)

        assert framed(file) == (len(LONG), b"new" + LONG[3:])


def test_appended_and_unflushed(tmp_path: Path) -> None:
    """A file that grows by its own unflushed writes is sent whole (contract 3.4)."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with path.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"new")
        file.seek(1)

        assert framed(file) == (5, b"ldnew")


@pytest.mark.parametrize("make", ["BytesIO", "BytesIO at its end", "file", "file at its end"])
def test_nothing_left(tmp_path: Path, make: Any) -> None:
    """Nothing left to send is a known length, 0 (contract 3.4)."""
    (tmp_path / "file").write_bytes(b"abc" if "end" in make else b"")
    with (
        io.BytesIO(b"abc")
        if "IO at" in make
        else (io.BytesIO() if make == "BytesIO" else (tmp_path / "file").open("rb")) as file
    ):
        if "end" in make:
            file.seek(0, os.SEEK_END)

        assert framed(file) == (0, b"")


def test_named_temporary_file() -> None:
    """The wrapper around a temporary file hides neither length nor position (contract 3.4)."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"xabc")
        file.seek(1)

        assert framed(file) == (3, b"abc")


@pytest.mark.parametrize("max_size", [0, 1, 1000])
def test_spooled_temporary_file(max_size: Any) -> None:
    """A spooled file is sent from its position, on disk or not (contract 3.4)."""
    with tempfile.SpooledTemporaryFile(max_size=max_size) as file:
        file.write(b"xabc")
        file.seek(1)
        body = make_body(file)

        assert sent(body) == b"abc"
        assert body.can_rewind
        assert sent_again(body) == b"abc"


@pytest.mark.parametrize("opener", [gzip.open, bz2.open, lzma.open])
def test_compressed_files(tmp_path: Path, opener: Any) -> None:
    """What `read()` gives counts, not the file below it: no packed length (contract 3.4)."""
    with opener(tmp_path / "packed", "wb") as file:
        file.write(LONG)
    with opener(tmp_path / "packed", "rb") as file:
        assert file.read(3) == LONG[:3]
        body = make_body(file)

        assert body.length in (None, len(LONG) - 3)
        assert sent(body) == LONG[3:]
        assert sent_again(body) == LONG[3:]


def test_member_of_a_zip_file(tmp_path: Path) -> None:
    """A member of an archive is sent unpacked, and again if need be (contract 3.4, 4.3)."""
    with zipfile.ZipFile(tmp_path / "zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member", LONG)
    with zipfile.ZipFile(tmp_path / "zip") as archive, archive.open("member") as file:
        body = make_body(file)

        assert sent(body) == LONG
        assert sent_again(body) == LONG


class Doubling(io.BufferedReader):
    """A reader that gives out more than lies in the file below it."""

    def read(self, size: Any = -1, /) -> Any:
        piece = super().read(size if size < 0 else size // 2)
        return b"".join(bytes([byte, byte]) for byte in piece)


def test_readers_that_change_what_they_read(path: Any) -> None:
    """The length of the file below is not taken for that of what is read (contract 3.4)."""
    path.write_bytes(b"abc")
    with Doubling(io.FileIO(path)) as file:
        assert framed(file) == (None, b"aabbcc")


@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="no /proc here")
def test_proc_files() -> None:
    """Files that tell no size are sent to their real end (contract 3.4)."""
    with open("/proc/self/status", "rb") as file:
        length, data = framed(file)

    assert length is None or length == len(data)
    assert data.startswith(b"Name:")


@pytest.mark.skipif(not pathlib.Path("/sys/kernel/uevent_seqnum").exists(), reason="no /sys here")
def test_sys_files() -> None:
    """Files that tell a wrong size are sent to their real end, or refused (contract 3.4)."""
    path = pathlib.Path("/sys/kernel/uevent_seqnum")
    assert path.stat().st_size > len(path.read_bytes()), "this test wants a file like that"
    with path.open("rb") as file:
        try:
            assert sent(make_body(file)) == path.read_bytes()
        except hcpsdk.HcpsdkError:
            pass


def test_file_that_grows(path: Any) -> None:
    """A file that grows meanwhile is sent as long as it was at the call (contract 3.4)."""
    with path.open("rb") as file, path.open("ab") as other:
        body = make_body(file)
        other.write(b"more")
        other.flush()

        assert body.length == len(LONG)
        assert sent(body) == LONG


def test_file_that_shrinks(path: Any) -> None:
    """A file that shrinks meanwhile never makes a short object (contract 4.3)."""
    with path.open("rb", buffering=0) as file:
        body = make_body(file)
        os.truncate(path, BLOCK)

        with pytest.raises(hcpsdk.HcpsdkError, match=f"after {BLOCK} of {len(LONG)} bytes"):
            sent(body)


def test_closed_file(path: Any) -> None:
    """A closed file is refused at the call (contract 1.4)."""
    file = path.open("rb")
    file.close()
    text = path.open()
    text.close()
    memory = io.BytesIO()
    memory.close()
    for closed in (file, text, memory):
        with pytest.raises(ValueError):
            make_body(closed)


def test_file_open_for_writing_only(path: Any) -> None:
    """A file that cannot be read is refused at the call (contract 1.4)."""
    for mode in ("wb", "w"):
        with path.open(mode) as file, pytest.raises(ValueError):
            make_body(file)


def test_directory_like_failures() -> None:
    """A file that fails while it is read raises HcpsdkError with its cause (contract 1.4)."""

    class Broken(io.RawIOBase):
        def readable(self) -> Any:
            return True

        def readinto(self, buffer: Any) -> None:
            raise OSError(5, "Input/output error")

    with pytest.raises(hcpsdk.HcpsdkError, match="Input/output error") as caught:
        sent(make_body(Broken()))

    assert isinstance(caught.value.__cause__, OSError)


def test_non_blocking_source() -> None:
    """A read() that has nothing yet is not taken for the end (contract 4.3)."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    try:
        with open(reader, "rb", buffering=0) as file, pytest.raises(hcpsdk.HcpsdkError):
            sent(make_body(file))
    finally:
        os.close(writer)


# Files in text mode


ENCODINGS = ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-32", "utf-7", "cp1252"]


@pytest.mark.parametrize("encoding", [*ENCODINGS, "iso2022_jp"])
@pytest.mark.parametrize("newline", [None, "", "\n", "\r\n"])
def test_text_file(tmp_path: Path, encoding: Any, newline: Any) -> None:
    """A text file's bytes on disk are sent, nothing is recoded (contract 3.4)."""
    text = "日本語\r\nx" if encoding == "iso2022_jp" else TEXT
    data = text.encode(encoding)
    (tmp_path / "text").write_bytes(data)
    with (tmp_path / "text").open(encoding=encoding, newline=newline) as file:
        assert framed(file) == (len(data), data)


def bytes_behind(data: Any, encoding: Any, errors: Any, count: Any) -> Any:
    """The bytes from which a text layer has made none of its first *count* characters."""
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    found = 0
    for end, byte in enumerate(data, 1):
        if found >= count:
            return data[end - 1 :]
        found += len(decoder.decode(bytes([byte])))
    return b""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-32"])
@pytest.mark.parametrize("newline", [None, ""])
def test_text_file_partly_read(tmp_path: Path, encoding: Any, newline: Any) -> None:
    """A text file is sent from the character where the caller stopped reading (contract 3.4).

    Where that lies within what the text layer has taken for one unit, such as a line end, Python
    does not tell the position in bytes. Refusing it is right then, losing a byte is not.
    """
    data = TEXT.encode(encoding)
    (tmp_path / "text").write_bytes(data)
    wrong = []
    for count in range(1, len(TEXT) + 1):
        with (tmp_path / "text").open(encoding=encoding, newline=newline) as file:
            read = file.read(count)
            crlf = newline is None and "\n" in read  # one character for two
            left = bytes_behind(data, encoding, "strict", len(read) + crlf)
            is_plain = file.tell() < 2**63
            try:
                found = sent(make_body(file))
            except ValueError:
                if is_plain:
                    wrong.append((count, "refused"))
            else:
                if found != left:
                    wrong.append((count, found, left))
    assert not wrong


def test_text_file_after_readline(tmp_path: Path) -> None:
    """After a line was read, its line end is gone too, both bytes of it (contract 3.4)."""
    data = TEXT.encode()
    (tmp_path / "text").write_bytes(data)
    with (tmp_path / "text").open(encoding="utf-8") as file:
        file.readline()

        assert sent(make_body(file)) == data.partition(b"\r\n")[2]


def test_text_file_within_iteration(tmp_path: Path) -> None:
    """Where a text file cannot tell its position, it is refused, not cut (contract 3.4)."""
    (tmp_path / "text").write_bytes(b"a\nb\nc\n")
    with (tmp_path / "text").open() as file:
        next(file)

        try:
            data = sent(make_body(file))
        except ValueError:
            return
    assert data == b"b\nc\n"


@pytest.mark.parametrize(
    ("data", "encoding", "errors", "count"),
    [
        (b"\xe2\x82ABCDEF", "utf-8", "surrogateescape", 1),
        (b"\xe2\x82ABCDEF", "utf-8", "surrogateescape", 2),
        (b"\xe2\x82ABCDEF", "utf-8", "replace", 1),
        (b"+AGEAYgBj-def", "utf-7", "strict", 1),
    ],
)
def test_text_file_within_a_unit(
    tmp_path: Path, data: Any, encoding: Any, errors: Any, count: int
) -> None:
    """A position that lies between two bytes on disk is refused or kept, never cut (contract 3.4,
    4.3)."""
    (tmp_path / "text").write_bytes(data)
    with (tmp_path / "text").open(encoding=encoding, errors=errors, newline="") as file:
        whole = file.read()
        file.seek(0)
        file.read(count)
        try:
            found = sent(make_body(file))
        except ValueError:
            return
    # What is sent must hold at least what the caller has not read yet.
    assert found.decode(encoding, errors).endswith(whole[count:])


def test_text_file_with_unflushed_writes(tmp_path: Path) -> None:
    """What was written in text mode and not flushed is sent as it will be on disk (contract
    3.4)."""
    with (tmp_path / "text").open("w+", encoding="utf-16", newline="\r\n") as file:
        file.write("ä\nb")
        file.seek(0)

        assert sent(make_body(file)) == "ä\r\nb".encode("utf-16")


def test_text_file_is_rewound(tmp_path: Path) -> None:
    """A text file partly read goes back to where it stood at the call (contract 4.3)."""
    (tmp_path / "text").write_bytes(b"head\r\nbody\r\n")
    with (tmp_path / "text").open() as file:
        file.readline()
        body = make_body(file)

        assert body.can_rewind
        assert [sent(body), sent_again(body)] == [b"body\r\n"] * 2


def test_named_temporary_file_in_text_mode() -> None:
    """A temporary file in text mode is a text file: its bytes on disk are sent (contract 3.4)."""
    with tempfile.NamedTemporaryFile("w+", encoding="latin-1", newline="\r\n") as file:
        file.write("xä\nb")
        file.flush()
        file.seek(1)

        assert sent(make_body(file)) == b"\xe4\r\nb"


def test_spooled_temporary_file_in_text_mode() -> None:
    """A spooled file in text mode is a text file, too: nothing is recoded (contract 3.4)."""
    with tempfile.SpooledTemporaryFile(0, "w+", encoding="latin-1", newline="\r\n") as file:
        file.write("ä\nb")
        file.seek(0)

        assert sent(make_body(file)) == b"\xe4\r\nb"


def test_compressed_text_file(tmp_path: Path) -> None:
    """A packed file in text mode is sent unpacked, and not recoded (contract 3.4)."""
    with gzip.open(tmp_path / "packed", "wb") as file:
        file.write(b"\xe4\r\nb")
    with gzip.open(tmp_path / "packed", "rt", encoding="latin-1") as file:
        assert sent(make_body(file)) == b"\xe4\r\nb"


def test_recoding_readers_are_refused(path: Any) -> None:
    """A file that cannot but recode raises TypeError (contract 3.4)."""
    with codecs.open(str(path), encoding="latin-1") as file, pytest.raises(TypeError):
        make_body(file)


def test_stringio() -> None:
    """Text in memory has no bytes on disk: it is sent as a str is, from its position (contract
    3.4)."""
    file = io.StringIO("xä\r\n€", newline="")
    file.read(1)
    body = make_body(file)

    assert sent(body) == "ä\r\n€".encode()
    assert sent_again(body) == "ä\r\n€".encode()


# Pipes, and other things with read()


@pytest.fixture
def pipe() -> Iterator[Any]:
    """A function that makes the reading end of a pipe that holds some bytes, then its end."""
    opened = []

    def make(data: Any, *args: Any, **options: Any) -> Any:
        reader, writer = os.pipe()

        def fill() -> None:
            with open(writer, "wb") as file:
                file.write(data)

        thread = threading.Thread(target=fill)
        thread.start()
        file = open(reader, *args, **options)  # noqa: SIM115
        opened.append((file, thread))
        return file

    yield make
    for file, thread in opened:
        file.read()
        thread.join()
        file.close()


def test_pipe(pipe: Any) -> None:
    """A pipe is read to its end, sent chunked, and known not to be rewindable (contract 3.4,
    4.3)."""
    body = make_body(pipe(LONG, "rb"))

    assert (body.length, body.can_rewind) == (None, False)
    assert sent(body) == LONG


def test_pipe_partly_read(pipe: Any) -> None:
    """What a buffered reader has read ahead from a pipe is not lost (contract 3.4)."""
    file = pipe(b"head\n" + LONG, "rb")
    file.readline()

    assert sent(make_body(file)) == LONG


def test_pipe_in_text_mode(pipe: Any) -> None:
    """A pipe in text mode (``sys.stdin``) is sent as it is, not recoded (contract 3.4)."""
    assert sent(make_body(pipe(b"\xe4\r\n", "r", encoding="latin-1"))) == b"\xe4\r\n"


def test_pipe_in_text_mode_partly_read(pipe: Any) -> None:
    """What a text layer has read ahead from a pipe is not lost silently (contract 3.4, 4.3)."""
    file = pipe(b"head\nbody\n", "r")
    assert file.readline() == "head\n"

    try:
        data = sent(make_body(file))
    except ValueError:
        return
    assert data == b"body\n"


class ReadOnly:
    """Nothing but read()."""

    def __init__(self, data: Any, most: Any = 7) -> None:
        self.file = io.BytesIO(data)
        self.most = most

    def read(self, size: Any = -1) -> Any:
        return self.file.read(min(size, self.most))


def test_anything_with_read() -> None:
    """Anything with read() is read until it gives nothing; short reads are no end (contract
    3.4)."""
    body = make_body(ReadOnly(b"abc" * 100))

    assert (body.length, body.can_rewind) == (None, False)
    assert sent(body) == b"abc" * 100


class Seekable(ReadOnly):
    """read(), tell() and seek(), without a base class."""

    def tell(self) -> Any:
        return self.file.tell()

    def seek(self, position: int, whence: int = os.SEEK_SET) -> Any:
        return self.file.seek(position, whence)


def test_anything_that_can_seek_is_rewound() -> None:
    """An object that can go back goes back to where it stood at the call (contract 4.3)."""
    file = Seekable(b"abcdef")
    file.file.seek(2)
    body = make_body(file)

    assert body.can_rewind
    next(iter(body.blocks()))  # an attempt that was cut short
    assert sent_again(body) == b"cdef"


def test_seekable_says_no() -> None:
    """An object that has seek() but says that it cannot is believed (contract 4.3)."""

    class Stream(Seekable):
        def seekable(self) -> Any:
            return False

    assert not make_body(Stream(b"abc")).can_rewind


# Being sent twice


@pytest.mark.parametrize(
    "content",
    [
        b"abcdef",
        bytearray(b"abcdef"),
        "abcdef",
        [b"abc", b"def"],
        (b"abc", b"def"),
        io.BytesIO(b"abcdef"),
        io.StringIO("abcdef"),
    ],
    ids=lambda content: type(content).__name__,
)
def test_what_can_be_sent_again(content: Any) -> None:
    """Bytes, text, lists, files are sent whole again after an attempt that was cut (contract
    4.3)."""
    body = make_body(content)

    assert body.can_rewind
    next(iter(body.blocks()))
    assert sent_again(body) == b"abcdef"


def test_list_emptied_meanwhile() -> None:
    """A list is sent again as it was at the call, whatever became of it (contract 4.3)."""
    pieces = [b"abc", b"def"]
    body = make_body(pieces)
    sent(body)
    pieces.clear()

    assert sent_again(body) == b"abcdef"


def test_bytearray_in_a_list_resized_meanwhile() -> None:
    """A bytearray in a list cannot change its size before the list was sent (contract 3.4, 4.3)."""
    piece = bytearray(b"abc")
    body = make_body([piece])

    with pytest.raises(BufferError):
        piece.clear()
    assert sent(body) == sent_again(body) == b"abc"


class OneIterator:
    """An iterable that gives out the same iterator each time."""

    def __init__(self, pieces: Any) -> None:
        self.pieces = iter(pieces)

    def __iter__(self) -> Any:
        return self.pieces


class OneSource:
    """An iterable that makes a new generator each time, over a source that is spent once."""

    def __init__(self, pieces: Any) -> None:
        self.pieces = iter(pieces)

    def __iter__(self) -> Iterator[Any]:
        yield from self.pieces


@pytest.mark.parametrize("kind", [iter, OneIterator, OneSource, lambda pieces: map(bytes, pieces)])
def test_what_cannot_be_sent_again(kind: Any) -> None:
    """An iterable that is spent after one pass is never sent as less than the whole (contract
    4.3)."""
    body = make_body(kind([b"abc", b"def", b"ghi"]))
    blocks = body.blocks()
    next(blocks)

    assert not body.can_rewind
    assert not body.rewind()


# A length told by the caller


def test_length_told_by_the_caller() -> None:
    """A body of unknown length is exactly as long as the caller says, or fails (contract 4.3)."""
    assert sent(with_length(make_body(iter([b"ab", b"c"])), 3)) == b"abc"
    for length in (2, 4):
        with pytest.raises(hcpsdk.HcpsdkError):
            sent(with_length(make_body(iter([b"ab", b"c"])), length))


def test_file_longer_than_told() -> None:
    """Of a read() without a known end, exactly the told length is sent (contract 3.4)."""
    assert sent(with_length(make_body(ReadOnly(b"abcdef", most=2)), 4)) == b"abcd"


def test_read_that_gives_more_than_asked_for() -> None:
    """Not one byte more than the told length goes out (contract 3.4, 4.3)."""

    class Generous:
        def read(self, size: Any = -1) -> Any:
            return b"x" * 10

    out = bytearray()
    with pytest.raises(hcpsdk.HcpsdkError):
        for block in with_length(make_body(Generous()), 4).blocks():
            out += block
    assert len(out) <= 4


def test_bytearray_can_be_resized_afterwards() -> None:
    """A caller's bytearray is free again after it was sent (contract 3.3, 3.4)."""
    content = bytearray(b"abc")
    body = make_body(content)
    sent(body)
    del body

    content.clear()

    assert not content


def test_errors_of_the_callers_generator_pass() -> None:
    """An exception of the caller's own reaches the caller as it is (contract 1.4)."""

    def broken() -> Iterator[Any]:
        yield b"a"
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        sent(make_body(broken()))


FILE_LINES = ["first line\n", "second line\n", "third line\n"]


def opened_to_update(path: pathlib.Path) -> io.TextIOWrapper:
    path.write_text("".join(FILE_LINES), newline="\n")
    return open(path, "r+", encoding="utf-8", newline="\n")


def just_written(path: pathlib.Path) -> io.TextIOWrapper:
    file = open(path, "w+", encoding="utf-8", newline="\n")  # noqa: SIM115
    file.writelines(FILE_LINES)
    file.seek(0)
    return file


@pytest.mark.parametrize("open_file", [opened_to_update, just_written])
def test_file_to_update_that_is_iterated(
    tmp_path: pathlib.Path, open_file: Callable[[pathlib.Path], io.TextIOWrapper]
) -> None:
    """A text file opened for reading and writing, of which next() took a line, is never sent short:
    the bytes on disk from the current position, or a ValueError (contract 3.4)."""
    with open_file(tmp_path / "lines") as file:
        assert next(file) == FILE_LINES[0]
        try:
            body = make_body(file)
        except ValueError as exc:
            assert "binary mode" in str(exc)
        else:
            assert body is not None
            assert b"".join(body.blocks()) == "".join(FILE_LINES[1:]).encode()


class Broken:
    """Its read() ends as the answer of another HTTP request that was cut."""

    def read(self, size: int = -1) -> bytes:
        raise http.client.IncompleteRead(b"", 17)


def test_body_that_is_a_cut_answer() -> None:
    """What a body's read() raises as `http.client` does is the body's fault, not HCP's, and the
    message says so (contract 4.5)."""
    body = make_body(Broken())
    assert body is not None
    with pytest.raises(BodyError, match="the body cannot be read") as caught:
        list(body.blocks())
    assert isinstance(caught.value.__cause__, http.client.IncompleteRead)


# The table of docs/bodies.rst


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name[:40])
def test_kinds(kind: Kind, tmp_path: pathlib.Path) -> None:
    """Each object is sent whole, with the length and the way back that the table says, and a
    second time after an attempt that was cut, or not at all (contract 3.4, 4.3)."""
    decided = set()
    for make in kind.objects:
        for cut in (0, 1, None):
            with contextlib.ExitStack() as stack:
                body = body_of(kind, make(stack, tmp_path))
                decided.add((body.length_source, body.rewinding))
                blocks = body.blocks()
                first = b"".join(map(bytes, itertools.islice(blocks, cut)))
                again = sent(body) if body.rewind() else None
                if cut is None:
                    assert again in (first, None)
                    assert body.length in (len(first), None)
                if again is None:
                    assert not body.can_rewind
                elif "/dev" not in kind.name and "/proc" not in kind.name:
                    assert again == DATA
                del blocks, body  # a mapped file cannot be closed while they have it
    assert len(decided) == 1


@pytest.mark.skipif(not pathlib.Path("/proc/self/cmdline").exists(), reason="no /proc here")
def test_the_table_in_the_docs(tmp_path: pathlib.Path) -> None:
    """The page on bodies shows what the code decides (contract 3.4)."""
    page = pathlib.Path(__file__).parents[2] / "docs" / "bodies.rst"
    assert table(tmp_path) in page.read_text(), "run python3 tests/unit/body_kinds.py"


# What is not sent


class Record(ctypes.Structure):
    """With a pointer in it."""

    _fields_ = (("Order", ctypes.c_int), ("name", ctypes.c_char_p))


def numpy_array(*args: Any, **options: Any) -> Any:
    return pytest.importorskip("numpy").array(*args, **options)


NOT_ITS_BYTES: dict[str, Callable[[], Any]] = {
    "array of text": lambda: array.array("w" if sys.version_info >= (3, 13) else "u", "abc"),
    "ctypes number": lambda: ctypes.c_int(7),
    "ctypes pointer": lambda: ctypes.c_char_p(b"abc"),
    "ctypes pointers": lambda: (ctypes.c_void_p * 2)(),
    "ctypes typed pointers": lambda: (ctypes.POINTER(ctypes.c_int) * 2)(),
    "ctypes objects": lambda: (ctypes.py_object * 2)(1, 2),
    "ctypes record with a pointer": lambda: Record(1, b"abc"),
    "numpy objects": lambda: numpy_array([b"abc", None]),
    "numpy text": lambda: numpy_array(["abc", "d"]),
    "numpy scalar": lambda: numpy_array([7])[0],
    "numpy 0-dimensional": lambda: numpy_array(7),
    "numpy float": lambda: numpy_array([7.5])[0],
    "numpy record with an object": lambda: numpy_array(
        [(1, None)], dtype=[("a", "i4"), ("b", "O")]
    ),
    "numpy dates": lambda: numpy_array(["2020-01-01"], dtype="datetime64[D]"),
    "memoryview of objects": lambda: memoryview((ctypes.py_object * 2)(1, 2)),
}


@pytest.mark.parametrize("name", NOT_ITS_BYTES)
def test_what_lies_in_memory_as_something_else(name: str) -> None:
    """Objects, pointers, text and numbers are not stored as what they happen to be in memory: not
    alone, not in a list, not from a generator, not from read() (contract 3.4)."""
    content = NOT_ITS_BYTES[name]()

    with pytest.raises((TypeError, ValueError)):
        make_body(content)
    with pytest.raises((TypeError, ValueError)):
        make_body([b"abc", content])
    for lazy in (iter([content]), InPieces(content)):
        with pytest.raises((TypeError, ValueError)):
            sent(make_body(lazy))


class Plain(ctypes.Structure):
    """Without pointers; its field names are no part of its format."""

    _fields_ = (("Order", ctypes.c_int), ("Position", ctypes.c_double * 2))


@pytest.mark.parametrize(
    "make",
    [
        lambda: numpy_array([1, 2, 3]),
        lambda: numpy_array([1, 2, 3], dtype=">i2"),
        lambda: numpy_array([[1.5, 2.5], [3.5, 4.5]], order="F"),
        lambda: numpy_array([1 + 2j]),
        lambda: numpy_array([b"abc", b"d"]),
        lambda: numpy_array([], dtype="f8").reshape(0, 3),
        lambda: numpy_array([(1, 2.5)], dtype=[("Order", "i4"), ("Zahl", "f8")]),
        lambda: numpy_array(range(100), dtype="u1").reshape(10, 10)[::3, ::2],
        lambda: (ctypes.c_long * 2)(1, 2),
        lambda: Plain(1),
    ],
)
def test_what_lies_in_memory_as_it_is(make: Callable[[], Any]) -> None:
    """Arrays and records of numbers are sent byte for byte, in the order of their elements, with
    the length of their memory (contract 3.4)."""
    content = make()
    expected = memoryview(content).tobytes()

    for given in (content, [content], iter([content])):
        assert framed(given)[1] == expected


class Liar(bytes):
    """A subclass of bytes whose length is a lie."""

    def __len__(self) -> int:
        return 3


class InPieces:
    """A read() that gives these pieces, whatever size is asked for."""

    def __init__(self, *pieces: Any) -> None:
        self._pieces = list(pieces)

    def read(self, size: int = -1) -> Any:
        return self._pieces.pop(0)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda lie: lie,
        lambda lie: [lie],
        lambda lie: (lie,),
        lambda lie: iter([lie]),
        lambda lie: InPieces(lie, b""),
    ],
)
def test_length_that_lies(wrap: Callable[[Any], Any]) -> None:
    """A subclass of bytes is sent as the bytes that it holds (contract 3.4)."""
    body = make_body(wrap(Liar(b"0123456789")))
    pieces = [bytes(memoryview(block)) for block in body.blocks()]

    assert b"".join(pieces) == b"0123456789"
    assert body.length in (10, None)


@pytest.mark.parametrize("path", [pathlib.Path("a"), pathlib.PurePosixPath("a")])
def test_path(path: Any) -> None:
    """A path is not what it names: the message says what to write instead (contract 3.4)."""
    with pytest.raises(TypeError, match=r'open\(path, "rb"\)'):
        make_body(path)


def test_directory_entry(path: pathlib.Path) -> None:
    """Nor is what `os.scandir()` yields."""
    with os.scandir(path.parent) as entries, pytest.raises(TypeError, match=r'open\(path, "rb"\)'):
        make_body(next(entries))


class Decoding(io.TextIOBase):
    """Gives text that is not what is below it."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int | None = -1) -> str:
        return self._file.read(size).decode("latin-1")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda path: PlainReader(open(path, encoding="latin-1")),  # noqa: SIM115
        lambda path: Proxy(open(path, encoding="latin-1")),  # noqa: SIM115
        lambda path: Decoding(open(path, "rb")),  # noqa: SIM115
        lambda path: codecs.EncodedFile(open(path, "rb"), "utf-8", "latin-1"),  # noqa: SIM115
        lambda path: codecs.getreader("latin-1")(open(path, "rb")),  # noqa: SIM115
    ],
    ids=["read()", "forwards", "TextIOBase", "codecs.EncodedFile", "codecs.getreader"],
)
def test_text_behind_a_wrapper(tmp_path: pathlib.Path, wrap: Callable[[Any], Any]) -> None:
    """Text that something in between has decoded is refused before its first byte is sent: it
    would be stored in another encoding (contract 3.4)."""
    (tmp_path / "text").write_bytes(b"\xe4\r\n")
    file = wrap(tmp_path / "text")
    with contextlib.closing(getattr(file, "_file", file)):
        out = []
        with pytest.raises(TypeError):
            for block in make_body(file).blocks():
                out.append(bytes(block))
        assert out == []


def test_text_file_that_is_proxied() -> None:
    """A weak reference stands for the text file itself: its bytes are sent (contract 3.4)."""
    file = io.TextIOWrapper(io.BytesIO(b"\xe4\r\n"), encoding="latin-1")

    assert sent(make_body(weakref.proxy(file))) == b"\xe4\r\n"


class OddBuffer(io.BytesIO):
    """Below a text file, and gives each byte twice."""

    def read(self, size: int | None = -1) -> bytes:
        half = super().read(size if size is None or size < 0 else size // 2)
        return bytes(byte for byte in half for _ in range(2))

    read1 = read


def test_text_file_over_something_odd() -> None:
    """What the object below a text file reads is sent, not what a file would hold
    (contract 3.4)."""
    file = io.TextIOWrapper(OddBuffer(b"abc"), encoding="latin-1")
    body = make_body(file)

    assert sent(body) == b"aabbcc"
    assert not body.rewind()  # its position does not fit what it gave


# Going back


@pytest.mark.parametrize("kind", DISHONEST)
@pytest.mark.parametrize("data", [b"x" * len(LONG), LONG], ids=["all alike", "all kinds"])
@pytest.mark.parametrize("cut", [1, 2, None])
def test_rewinding_that_does_not_rewind(kind: Any, data: bytes, cut: int | None) -> None:
    """An object that does not go back where it says so is found out before anything is sent again
    (contract 3.4)."""
    body = make_body(kind(io.BytesIO(data)))
    for _ in itertools.islice(body.blocks(), cut):
        pass

    assert not body.rewind()


def test_position_that_counts_something_else() -> None:
    """Nor is an object rewound whose position is not the number of bytes that it gave: where its
    end is cannot be told from it (contract 3.4)."""

    class EverySecond(Rewindable):
        def read(self, size: int = -1) -> Any:
            return super().read(size)[::2]

    body = make_body(EverySecond(io.BytesIO(LONG)))
    sent(body)

    assert not body.rewind()


@pytest.mark.parametrize("kind", DISHONEST)
@pytest.mark.parametrize("cut", [1, 2, None])
@pytest.mark.parametrize("more", [0, len(LONG)])
def test_rewinding_that_does_not_rewind_with_a_length(
    kind: Any, cut: int | None, more: int
) -> None:
    """Nor with a length that the caller gave, even if the object has more than that: what is sent
    again is the same, or nothing (contract 3.4, 4.3)."""
    data = os.urandom(len(LONG) + more)
    body = with_length(make_body(kind(io.BytesIO(data))), len(LONG))
    for _ in itertools.islice(body.blocks(), cut):
        pass

    if body.rewind():
        with pytest.raises(hcpsdk.HcpsdkError):
            sent(body)


def test_declared_length_and_only_zeros() -> None:
    """Of bytes that are all alike, one that only counts gives too few: found out while they are
    sent (contract 4.3)."""
    content = CountsOnlyWithOneArgument(io.BytesIO(bytes(len(LONG))))
    body = with_length(make_body(content), len(LONG))
    next(iter(body.blocks()))

    assert body.rewind()
    with pytest.raises(hcpsdk.HcpsdkError, match="the body ended after"):
        sent(body)


class Shrinking(Rewindable):
    """Has less each time that it is read from its start."""

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        self._file.truncate(len(self._file.getvalue()) - (not whence))
        return super().seek(position, whence)


@pytest.mark.parametrize("cut", [1, None])
def test_fewer_bytes_than_before(cut: int | None) -> None:
    """No attempt ends with fewer bytes than the object had before (contract 3.4)."""
    body = make_body(Shrinking(io.BytesIO(LONG)))
    for _ in itertools.islice(body.blocks(), cut):
        pass

    if body.rewind():
        with pytest.raises(hcpsdk.HcpsdkError, match="the body ended after"):
            sent(body)


def test_proc_file_that_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a file that is known to go back, but tells no size (contract 3.4)."""
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result([stat.S_IFREG, *[0] * 9]))
    with tempfile.TemporaryFile() as file:
        file.write(LONG)
        file.seek(0)
        body = make_body(file)
        assert (body.length, body.rewinding) == (None, Rewind.REGULAR_FILE)
        sent(body)
        file.truncate(len(LONG) - 1)

        assert body.rewind()
        with pytest.raises(hcpsdk.HcpsdkError, match="the body ended after"):
            sent(body)


@pytest.mark.parametrize("device", ["/dev/urandom", "/dev/zero", "/dev/full"])
@pytest.mark.parametrize("buffering", [-1, 0])
@pytest.mark.parametrize("wrap", [lambda file: file, Proxy])
def test_character_devices(device: str, buffering: int, wrap: Callable[[Any], Any]) -> None:
    """A character device says that it can seek, and cannot (contract 3.4)."""
    if not pathlib.Path(device).exists():
        pytest.skip("no such device here")
    with open(device, "rb", buffering=buffering) as file:
        body = make_body(wrap(file))
        assert (body.length, body.can_rewind) == (None, False)
        assert len(sent(with_length(body, 100))) == 100
        assert not body.rewind()


class ProgressReader:
    """As people write them: counts, and passes on what the library asks for."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.count += len(data)
        return data

    def seek(self, position: int) -> int:
        self.count = position
        return self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()


@pytest.mark.parametrize("start", [0, 5])
@pytest.mark.parametrize("cut", [1, 2, None])
def test_progress_reader_with_a_length(path: pathlib.Path, start: int, cut: int | None) -> None:
    """With the caller's length a reader that counts stays rewindable (contract 3.4)."""
    with path.open("rb") as file:
        file.seek(start)
        reader = ProgressReader(file)
        body = with_length(make_body(reader), len(LONG) - start)
        assert body.length_source is Length.DECLARED
        for _ in itertools.islice(body.blocks(), cut):
            pass

        assert sent_again(body) == LONG[start:]
        assert sent_again(body) == LONG[start:]
        assert reader.count == len(LONG)


def test_rewound_before_anything_was_read() -> None:
    """Where no node could be connected to, nothing was taken from any body (contract 4.1)."""
    for content in (iter([b"abc"]), PlainReader(io.BytesIO(b"abc"))):
        body = make_body(content)
        assert body.rewind()
        assert sent(body) == b"abc"
        assert not body.rewind()


def test_time_limit_while_rewinding() -> None:
    """The time limit of a signal handler is nobody's failure to seek (contract 4.5)."""

    class Slow(Rewindable):
        def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
            if position != self._file.tell():
                raise TimeoutError("too late")
            return position

    body = make_body(Slow(io.BytesIO(b"abc")))
    sent(body)

    with pytest.raises(TimeoutError, match="too late"):
        body.rewind()


# Failures of the object


def cut_gzip(data: bytes) -> Any:
    return gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(data)[:-20]))


def damaged_gzip(data: bytes) -> Any:
    compressed = bytearray(gzip.compress(data))
    compressed[len(compressed) // 2 :] = bytes(len(compressed) // 2)
    return gzip.GzipFile(fileobj=io.BytesIO(compressed))


def wrong_crc_gzip(data: bytes) -> Any:
    compressed = bytearray(gzip.compress(data))
    compressed[-8] ^= 1
    return gzip.GzipFile(fileobj=io.BytesIO(compressed))


def cut_bz2(data: bytes) -> Any:
    return bz2.BZ2File(io.BytesIO(bz2.compress(data)[:-20]))


def damaged_bz2(data: bytes) -> Any:
    compressed = bytearray(bz2.compress(data))
    compressed[10:20] = bytes(10)
    return bz2.BZ2File(io.BytesIO(compressed))


def cut_lzma(data: bytes) -> Any:
    return lzma.LZMAFile(io.BytesIO(lzma.compress(data)[:-20]))


def damaged_lzma(data: bytes) -> Any:
    compressed = bytearray(lzma.compress(data))
    compressed[len(compressed) // 2] ^= 255
    return lzma.LZMAFile(io.BytesIO(compressed))


def zip_of(data: bytes, change: Callable[[bytearray], object]) -> Any:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member", data)
    raw = bytearray(packed.getvalue())
    change(raw)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return archive.open("member")


def damaged_zip(data: bytes) -> Any:
    return zip_of(data, lambda raw: raw.__setitem__(slice(60, 80), bytes(20)))


def wrong_crc_zip(data: bytes) -> Any:
    crc = zlib.crc32(data).to_bytes(4, "little")
    return zip_of(
        data, lambda raw: raw.__setitem__(slice(raw.rindex(crc), raw.rindex(crc) + 1), b"!")
    )


def cut_tar(data: bytes) -> Any:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("member")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    whole = packed.getvalue()
    archive = tarfile.open(fileobj=io.BytesIO(whole[: len(data) // 2]))  # noqa: SIM115
    return archive.extractfile(archive.next())


def cut_http_response(data: bytes) -> Any:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n".encode()
    response = http.client.HTTPResponse(OneSocket(head + data[:-1]))  # type: ignore[arg-type]
    response.begin()
    return response


def cut_chunked_response(data: bytes) -> Any:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(data)
    response = http.client.HTTPResponse(OneSocket(head + data[:-1]))  # type: ignore[arg-type]
    response.begin()
    return response


DAMAGED: dict[Callable[[bytes], Any], Any] = {
    cut_gzip: EOFError,
    damaged_gzip: (zlib.error, gzip.BadGzipFile, EOFError),
    wrong_crc_gzip: gzip.BadGzipFile,
    cut_bz2: EOFError,
    damaged_bz2: OSError,
    cut_lzma: EOFError,
    damaged_lzma: lzma.LZMAError,
    damaged_zip: (zlib.error, zipfile.BadZipFile),
    wrong_crc_zip: zipfile.BadZipFile,
    cut_tar: tarfile.ReadError,
    cut_http_response: None,  # http.client takes it for whole
    cut_chunked_response: http.client.IncompleteRead,
}


@pytest.mark.parametrize("make", DAMAGED)
@pytest.mark.parametrize("wrap", [lambda file: file, Proxy], ids=["itself", "behind a proxy"])
def test_damaged_files(make: Callable[[bytes], Any], wrap: Callable[[Any], Any]) -> None:
    """A file that cannot be read to its end raises HcpsdkError, with what its object raised as the
    cause; it never makes a short object (contract 1.4, 4.3)."""
    content = make(b"".join(b"%d," % number for number in range(20_000)))
    cause = DAMAGED[make]
    if cause is None and wrap is Proxy:
        pytest.skip("nothing shows that it is cut")
    with pytest.raises(hcpsdk.HcpsdkError, match="the body") as caught:
        sent(make_body(wrap(content)))

    assert isinstance(caught.value.__cause__, cause or type(None))


def test_no_import_for_errors() -> None:
    """The modules for archives are not imported for the names of their errors."""
    code = "import sys, hcpsdk; sys.exit(any(name in sys.modules for name in ('lzma', 'tarfile')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "error", [ValueError, RuntimeError, KeyError, ZeroDivisionError, TimeoutError, AssertionError]
)
@pytest.mark.parametrize("cut", [0, 1])
def test_errors_of_the_callers_reader_pass(error: type[Exception], cut: int) -> None:
    """What a reader of the caller's raises is the caller's, and so is the time limit of a signal
    handler (contract 4.5)."""
    raised = error("mine")

    class Reader:
        left = cut

        def read(self, size: int = -1) -> bytes:
            if not self.left:
                raise raised
            self.left -= 1
            return b"abc"

    with pytest.raises((error, CallerError)) as caught:
        sent(make_body(Reader()))

    # Carried past the code that handles the network's failures, if it looks like one of them.
    found = caught.value
    assert (found.error if isinstance(found, CallerError) else found) is raised
    assert isinstance(found, CallerError) == issubclass(error, OSError)


def test_time_limit_of_the_system() -> None:
    """A time limit of the system's, that of a network drive for example, is a failure of the file
    (contract 1.4)."""

    class Reader:
        def read(self, size: int = -1) -> bytes:
            raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

    with pytest.raises(hcpsdk.HcpsdkError, match="Connection timed out"):
        sent(make_body(Reader()))
