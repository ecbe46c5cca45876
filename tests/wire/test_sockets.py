"""After a failure the socket is gone, whoever still holds the exception."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

import hcpsdk


def stop_within_the_body(peer: Any) -> None:
    if peer.read_request():
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nbo")
        peer.wait_for_close()


def stop_within_the_head(peer: Any) -> None:
    if peer.read_request():
        peer.send(b"HTTP/1.1 200 OK\r\nContent-")
        peer.wait_for_close()


def no_answer(peer: Any) -> None:
    if peer.read_request():
        peer.wait_for_close()


def nonsense_in_the_body(peer: Any) -> None:
    if peer.read_request():
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nbo\r\n")
        peer.wait_for_close()


def nonsense_in_the_head(peer: Any) -> None:
    if peer.read_request():
        peer.send(b"no HTTP at all\r\n\r\n")
        peer.wait_for_close()


STOPS = [
    stop_within_the_body,
    stop_within_the_head,
    no_answer,
    nonsense_in_the_body,
    nonsense_in_the_head,
]


@pytest.mark.parametrize("handler", STOPS)
@pytest.mark.parametrize("verb", ["GET", "PUT", "POST", "DELETE"])
def test_the_socket_is_gone(
    raw_server: Any, connect: Any, handler: Callable[[Any], None], verb: str
) -> None:
    """After any failure the socket is gone: the server sees it closed, while the caller still
    holds the exception (contract 4.6)."""
    server = raw_server(handler)
    connection = connect(server, timeout=0.3)
    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        getattr(connection, verb)("/rest/a")
        connection.read()
    server.wait_for_finished(1)
    assert caught.value.reason


@pytest.mark.parametrize("verb", ["GET", "PUT"])
def test_the_sockets_of_all_attempts_are_gone(raw_server: Any, connect: Any, verb: str) -> None:
    """No attempt leaves its socket behind (contract 4.6)."""
    server = raw_server(stop_within_the_head)
    connection = connect(server, timeout=0.3, retries=2)
    with pytest.raises(hcpsdk.HcpsdkTimeoutError) as caught:
        getattr(connection, verb)("/rest/a")
    assert len(server.wait_for_finished(3)) == 3
    assert caught.value.reason


@pytest.mark.parametrize("handler", STOPS)
@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "POST", "DELETE"])
def test_the_descriptor_is_gone(
    raw_server: Any,
    connect: Any,
    monkeypatch: pytest.MonkeyPatch,
    handler: Callable[[Any], None],
    verb: str,
) -> None:
    """After any failure the socket is gone: its file descriptor is free, while the caller still
    holds the exception and all that its traceback knows (contract 4.6)."""
    opened: list[socket.socket] = []
    real_connect = socket.socket.connect

    def connect_and_note(sock: socket.socket, address: Any) -> None:
        real_connect(sock, address)
        opened.append(sock)

    monkeypatch.setattr(socket.socket, "connect", connect_and_note)
    connection = connect(raw_server(handler), timeout=0.5)
    error = None
    try:
        getattr(connection, verb)("/rest/a")
        connection.read()
    except hcpsdk.HcpsdkError as exc:
        error = exc
    connection.close()
    assert [sock.fileno() for sock in opened] == [-1]
    assert error is None if verb == "HEAD" and "body" in handler.__name__ else error is not None
