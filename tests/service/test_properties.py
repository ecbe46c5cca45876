"""Whatever an object is called: it is found under that name, and under no other."""

import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hcpsdk
from hcpsdk.testing import HCP

# One emulated HCP serves all examples of a test; each has a folder of its own there.
bounded = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

# What a part of a name may not be (docs/hcp/namespace.rst, sections 4 and 17).
NO_NAMES = {"", ".", "..", ".directory-metadata"}

# Characters that some layer between here and there might take for something else, and any others.
TRICKY = st.text(
    st.sampled_from("aA %+2F0bé&=?#;:\\'\"<>~.*\t\r\n\x01\x7f\u0301\u2028\ufeff😀"), max_size=8
)
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), max_size=40)
PARTS = st.one_of(TRICKY, ANY).filter(lambda part: part not in NO_NAMES)
SURROGATES = st.characters(categories=["Cs"])


def entries(connection: hcpsdk.Connection, folder: Any) -> Any:
    """The entries of a directory: their names, and what they are."""
    assert connection.GET(folder).status == 200
    found = ET.fromstring(connection.read()).iter("entry")
    return {unquote_to_bytes(entry.get("urlName")).decode(): entry for entry in found}


@pytest.fixture
def new_folder() -> Any:
    """A function that gives a folder that was not there before."""
    numbers = iter(range(1_000_000))
    return lambda: f"/rest/folder {next(numbers)}"


@bounded
@given(names=st.lists(PARTS, min_size=1, max_size=8, unique=True))
def test_names_never_collide(
    connection: hcpsdk.Connection, new_folder: Any, names: list[str]
) -> None:
    """Different names are different objects, and a listing gives them back as they went in: as
    text, and as something to ask for (contract 3.1)."""
    folder = new_folder()
    for number, name in enumerate(names):
        assert connection.PUT(f"{folder}/{name}", str(number)).status == 201

    listed = entries(connection, folder)

    assert sorted(listed) == sorted(names)
    for number, name in enumerate(names):
        assert connection.GET(f"{folder}/{name}").read() == str(number).encode()
        url_name = listed[name].get("urlName")
        path = hcpsdk.Quoted(f"{quote(folder)}/{url_name}")
        assert connection.GET(path).read() == str(number).encode()
        assert unquote(listed[name].get("utf8Name")) == unquote(name)  # its own escapes among it


@bounded
@given(parts=st.lists(PARTS, min_size=2, max_size=5))
def test_paths_come_back(connection: hcpsdk.Connection, new_folder: Any, parts: Any) -> None:
    """Each part of a path is a directory that lists the next one (contract 3.1)."""
    folder = new_folder()
    assert connection.PUT("/".join([folder, *parts]), b"here").status == 201

    for part in parts[:-1]:
        listed = entries(connection, folder)
        assert [(name, entry.get("type")) for name, entry in listed.items()] == [
            (part, "directory")
        ]
        folder += f"/{part}"
    listed = entries(connection, folder)
    assert [(name, entry.get("type")) for name, entry in listed.items()] == [(parts[-1], "object")]


@bounded
@given(before=ANY, surrogate=SURROGATES, after=ANY, verb=st.sampled_from(["GET", "PUT", "DELETE"]))
def test_surrogates_are_refused(
    hcp: HCP, connection: hcpsdk.Connection, before: Any, surrogate: Any, after: Any, verb: str
) -> None:
    """A name that is no text is refused before anything is sent (contract 3.1)."""
    so_far = len(hcp.requests)

    with pytest.raises(ValueError, match="cannot be written as UTF-8"):
        getattr(connection, verb)(f"/rest/{before}{surrogate}{after}")

    assert len(hcp.requests) == so_far
    assert connection.attempts == 0


@bounded
@given(names=st.lists(PARTS, min_size=2, max_size=4, unique=True))
def test_deleting_one_leaves_the_others(
    connection: hcpsdk.Connection, new_folder: Any, names: list[str]
) -> None:
    """A name deletes what is called so, and nothing else (contract 3.1)."""
    folder = new_folder()
    for name in names:
        connection.PUT(f"{folder}/{name}", b"x")

    assert connection.DELETE(f"{folder}/{names[0]}").status == 200

    assert sorted(entries(connection, folder)) == sorted(names[1:])
