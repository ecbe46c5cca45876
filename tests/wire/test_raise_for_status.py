"""Statuses as exceptions, for programs that want them so."""

from collections.abc import Callable
from typing import Any

import pytest

import hcpsdk

from ..support.raw_server import answer, answering

Connect = Callable[..., hcpsdk.Connection]


@pytest.mark.parametrize(
    ("status", "wanted", "raises"),
    [
        ("200 OK", (), False),
        ("302 Found", (), False),
        ("399 Odd", (), False),
        ("400 Bad Request", (), True),
        ("503 Service Unavailable", (), True),
        ("201 Created", (201,), False),
        ("409 Conflict", (201, 409), False),
        ("200 OK", (201,), True),
        ("404 Not Found", (200, 201), True),
    ],
)
def test_raise_for_status(
    raw_server: Any, connect: Connect, status: str, wanted: tuple[int, ...], raises: bool
) -> None:
    """400 and above raise, or all that is not wanted; else the response is returned (contract
    3.10)."""
    response = answer(b"body", status, "X-HCP-ErrorMessage: because")
    connection = connect(raw_server(answering(response)))
    connection.GET("/rest/a")
    if not raises:
        assert connection.raise_for_status(*wanted) is connection.response
    else:
        with pytest.raises(hcpsdk.HcpsdkStatusError) as caught:
            connection.raise_for_status(*wanted)
        assert str(caught.value) == f"{status[:3]} - {status[4:]} (because)"
        assert caught.value.status == int(status[:3])
    assert connection.read() == b"body"


@pytest.mark.parametrize("wanted", ["200", [200, 201], range(200, 300), None])
def test_status_of_a_wrong_type(raw_server: Any, connect: Connect, wanted: Any) -> None:
    """What can be no status is the caller's mistake, not a status that was not wanted (contract
    1.4)."""
    connection = connect(raw_server(answering(answer(b"body"))))
    connection.GET("/rest/a")
    with pytest.raises(TypeError, match="a status must be int"):
        connection.raise_for_status(wanted)


def test_without_a_response(raw_server: Any, connect: Connect) -> None:
    """There is no status before the first request, and after one that failed (contract 1.8)."""
    connection = connect(raw_server(lambda peer: peer.close()))
    for _ in range(2):
        with pytest.raises(hcpsdk.HcpsdkError) as caught:
            connection.raise_for_status(200)
        assert not isinstance(caught.value, hcpsdk.HcpsdkStatusError)
        with pytest.raises(hcpsdk.HcpsdkError):
            connection.POST("/rest/a")
