"""Told success, stored exactly what was given: names and bodies, judged by the emulated HCP."""

import gzip
import io
import os
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

import hcpsdk

DATA = bytes(range(256)) * 9000 + "äöü €\r\n".encode()  # more than two blocks


def from_bytes(tmp_path: Path) -> Any:
    return DATA


def from_str(tmp_path: Path) -> Any:
    return DATA[-12:].decode()


def from_list(tmp_path: Path) -> Any:
    return [DATA[:1], b"", DATA[1:]]


def from_generator(tmp_path: Path) -> Any:
    return (DATA[start : start + 100_001] for start in range(0, len(DATA), 100_001))


def from_bytesio(tmp_path: Path) -> Any:
    file = io.BytesIO(b"skipped" + DATA)
    file.seek(7)
    return file


def from_file(tmp_path: Path) -> Any:
    (tmp_path / "file").write_bytes(b"skipped" + DATA)
    file = (tmp_path / "file").open("rb")
    file.read(7)
    return file


def from_text_file(tmp_path: Path) -> Any:
    (tmp_path / "file").write_bytes(b"skipped\r\n" + DATA)
    file = (tmp_path / "file").open(encoding="latin-1")
    assert file.readline() == "skipped\n"
    return file


def from_temporary_file(tmp_path: Path) -> Any:
    file = tempfile.NamedTemporaryFile(dir=tmp_path)  # noqa: SIM115
    file.write(DATA)
    file.seek(0)
    return file


def from_gzip_file(tmp_path: Path) -> Any:
    with gzip.open(tmp_path / "packed", "wb") as file:
        file.write(DATA)
    return gzip.open(tmp_path / "packed")


def from_pipe(tmp_path: Path) -> Any:
    reader, writer = os.pipe()

    def fill() -> None:
        with open(writer, "wb") as file:
            file.write(DATA)

    threading.Thread(target=fill).start()
    return open(reader, "rb")


KINDS = [
    from_bytes,
    from_str,
    from_list,
    from_generator,
    from_bytesio,
    from_file,
    from_text_file,
    from_temporary_file,
    from_gzip_file,
    from_pipe,
]


@pytest.mark.parametrize("kind", KINDS)
def test_body_is_stored_as_it_was_given(
    connection: hcpsdk.Connection, tmp_path: Path, kind: Any
) -> None:
    """Whatever the body is, its bytes come back (contract 3.4)."""
    body = kind(tmp_path)
    try:
        assert connection.PUT("/rest/object", body).status == 201
    finally:
        if hasattr(body, "close"):
            body.close()

    found = connection.GET("/rest/object").read()
    assert found == (DATA[-12:] if kind is from_str else DATA)


NAMES = [
    "a b",
    "a+b",
    "a%20b",
    "a%2Bb",
    "a%2520b",
    "a?b=c",
    "a#b",
    "a&b",
    "a=b",
    "a;b",
    "é",
    "e\u0301",
]
NAMES += ["日本語", "😀", "a\\b", "a:b", "a'b", 'a"b', "<a>", "a\tb", "%", "%%", "~", "a*b", "{a}"]


def test_different_names_are_different_objects(connection: hcpsdk.Connection) -> None:
    """Different names reach HCP as different names, and come back (contract 3.1)."""
    for number, name in enumerate(NAMES):
        assert connection.PUT(f"/rest/names/{name}", str(number)).status == 201, name

    for number, name in enumerate(NAMES):
        assert connection.GET(f"/rest/names/{name}").read() == str(number).encode(), name


def test_parameters_reach_hcp(connection: hcpsdk.Connection) -> None:
    """Parameters of PUT and POST do what they say (contract 3.2)."""
    connection.PUT("/rest/object", b"x", params={"hold": True})

    assert connection.DELETE("/rest/object").status == 403
    assert connection.POST("/rest/object", {"hold": False}).status == 200
    assert connection.DELETE("/rest/object").status == 200


def test_object_that_exists(connection: hcpsdk.Connection) -> None:
    """409 for an object that exists is an answer, also for a large body (contract 3.7, 4.4)."""
    connection.PUT("/rest/object", b"first")

    assert connection.PUT("/rest/object", b"x" * 20_000_000).status == 409
    assert connection.GET("/rest/object").read() == b"first"


def test_object_that_does_not_exist(connection: hcpsdk.Connection) -> None:
    """404 is an answer, and leaves the Connection ready (contract 3.7, 3.5)."""
    for verb in (connection.DELETE, connection.HEAD, connection.GET):
        assert verb("/rest/none").status == 404
    assert connection.PUT("/rest/none", b"x").status == 201
