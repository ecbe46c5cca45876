"""A small reader of HTTP/1.1 responses, to judge by: RFC 9112, and contract 3.6 where that is
stricter. Shares nothing with the library or `http.client`, and works on bytes that are all there.
"""

import re
from typing import NamedTuple

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"


class Doubt(Exception):
    """It is not certain where the response ends, or it is not complete."""


class Response(NamedTuple):
    """A response that leaves no doubt."""

    status: int
    body: bytes
    needs_close: bool  # only the end of the connection tells where it ends


def read_response(data: bytes, method: str, ends_properly: bool) -> Response:
    """The final response at the beginning of *data*, after which the connection is closed.

    Args:
        data: All that the server sends.
        method: The request's.
        ends_properly: False if the close may be an attacker's: under TLS, without its end.

    Raises:
        Doubt: There is none, or none that is certain.
    """
    while True:
        version, status, fields, data = _read_head(data)
        if status == 101 or status >= 200:
            break
    if method == "HEAD" or status in (204, 304):
        return Response(status, b"", False)
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    lengths = [value for name, value in fields if name == b"content-length"]
    if codings:
        if lengths or version < 1 or [coding.lower() for coding in codings] != [b"chunked"]:
            raise Doubt("transfer coding")
        return Response(status, _read_chunks(data, ends_properly), False)
    if lengths:
        if len(lengths) > 1 or not re.fullmatch(rb"[0-9]+", lengths[0]):
            raise Doubt("length")
        digits = lengths[0].lstrip(b"0") or b"0"
        if len(digits) > 18 or len(data) < int(digits):
            raise Doubt("cut")
        return Response(status, data[: int(digits)], False)
    if not ends_properly:
        raise Doubt("cut")
    return Response(status, data, True)


Fields = list[tuple[bytes, bytes]]


def _read_head(data: bytes) -> tuple[int, int, Fields, bytes]:
    """Minor version, status, header lines, and the data behind the head."""
    line, data = _read_line(data)
    match = re.fullmatch(rb"HTTP/1\.([0-9]) ([1-9][0-9]{2})( .*)?", line)
    if match is None:
        raise Doubt("status line")
    fields: Fields = []
    while True:
        line, data = _read_line(data)
        if not line:
            return int(match[1]), int(match[2]), fields, data
        field = re.fullmatch(rb"(%b):[ \t]*(.*?)[ \t]*" % TOKEN, line, re.DOTALL)
        if field is not None:
            fields.append((field[1].lower(), field[2]))
        elif line[:1] in b" \t" and fields:
            # A proxy may read a folded value otherwise: if it frames the body, that is a doubt.
            name, value = fields[-1]
            fields[-1] = name, b"%b\n%b" % (value, line)
        else:
            raise Doubt("header line")


def _read_line(data: bytes) -> tuple[bytes, bytes]:
    line, end, data = data.partition(b"\n")
    if not end:
        raise Doubt("cut")
    line = line.removesuffix(b"\r")
    if b"\r" in line:
        raise Doubt("CR without LF")
    return line, data


def _read_chunks(data: bytes, ends_properly: bool) -> bytes:
    body = b""
    while True:
        line, data = _read_line(data)
        match = re.fullmatch(rb"([0-9A-Fa-f]{1,15})[ \t]*(;.*)?", line)
        if match is None:
            raise Doubt("size of a chunk")
        size = int(match[1], 16)
        if not size:
            break
        body += data[:size]
        if data[size : size + 2] != b"\r\n":
            raise Doubt("end of a chunk")
        data = data[size + 2 :]
    while b"\n" in data or ends_properly is False:
        line, data = _read_line(data)
        if not line:
            return body
        if not re.fullmatch(rb"(%b:|[ \t]).*" % TOKEN, line, re.DOTALL):
            raise Doubt("trailer")
    return body  # RFC 9112, section 8: it is complete with its last chunk
