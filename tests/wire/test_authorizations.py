"""What authorizations send."""

from typing import Any

import pytest

import hcpsdk

from ..support.raw_server import OK, answering


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (hcpsdk.DummyAuthorization(), []),
        (
            hcpsdk.NativeADAuthorization("jürgen@ad.example.com", "pass: €"),
            ["AD jürgen@ad.example.com:pass: €"],
        ),
    ],
    ids=["none", "AD"],
)
def test_authorization(
    raw_server: Any, authorization: hcpsdk.BaseAuthorization, expected: list[str]
) -> None:
    """The header as documented, in UTF-8, and no cookie (contract 12.1)."""
    server = raw_server(answering(OK))
    target = hcpsdk.Target(server.address, authorization, port=server.port)
    with hcpsdk.Connection(target) as connection:
        connection.HEAD("/fcfs_data/a")
    (request,) = server.requests
    found = request.headers("Authorization")
    assert [value.encode("latin-1").decode() for value in found] == expected
    assert request.headers("Cookie") == []
