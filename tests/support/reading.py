"""Ways of reading the body of a response to its end."""

from typing import Any


def by_read(response: Any) -> bytes:
    return response.read()


def by_read_of_seven(response: Any) -> bytes:
    return b"".join(iter(lambda: response.read(7), b""))


def by_read1(response: Any) -> bytes:
    return b"".join(iter(lambda: response.read1(7), b""))


def by_read1_of_all(response: Any) -> bytes:
    return b"".join(iter(response.read1, b""))


def by_readinto(response: Any) -> bytes:
    buffer, data = bytearray(7), b""
    while count := response.readinto(buffer):
        data += buffer[:count]
    return data


def by_lines(response: Any) -> bytes:
    return b"".join(response)


def by_peek(response: Any) -> bytes:
    data = b""
    while response.peek(1):
        data += response.read1(3)
    return data


READERS = [by_read, by_read_of_seven, by_read1, by_read1_of_all, by_readinto, by_lines, by_peek]
