"""One HTTP connection: reads requests, passes them to the site, sends its responses.

h11 implements the protocol. Imports `stream`, `fault_injector` and `_http`.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import h11

from .._dates import http_date
from .._http.messages import BodyCut, Reply, Request, Site
from .._http.request_log import Entry, RequestLog
from ..faults import Answer, Place
from .fault_injector import FaultInjector, FaultTriggered, early_reply
from .pending_faults import PendingFaults
from .stream import Stream

MAX_HEAD_BYTES = 64 * 1024  # bytes; a name of 4095 percent-encoded bytes has 12 KiB
MAX_DRAIN_BYTES = 64 * 1024  # bytes of an unread body that are read to keep the connection
LINGER_SECONDS = 10.0  # for a client that still sends to receive the response

_ABSOLUTE = re.compile(r"https?://(?:[^/?@]*@)?([^/?]*)(.*)", re.IGNORECASE)

# The statuses that h11 proposes where the client broke the rules of HTTP.
REASONS = {400: "Bad Request", 431: "Request Header Fields Too Large", 501: "Not Implemented"}


@dataclass(frozen=True)
class ServerContext:
    """What the connections of one HCP share."""

    site: Site
    requests: RequestLog
    server: str  # the Server header of responses that do not come from the site
    report_bug: Callable[[Exception], None]  # called with each exception of the site
    faults: PendingFaults
    now: Callable[[], float] = time.time  # seconds since the epoch, for Date headers


@dataclass(frozen=True)
class Endpoint:
    """Where a connection was accepted."""

    node: str
    port: int  # the public one, 443
    scheme: str


class BrokenReply(Exception):
    """The response of a site could not be sent completely; the bug was reported."""


class HTTPConnection:
    """A connection to one client, from its first request to its end."""

    def __init__(self, stream: Stream, context: ServerContext, endpoint: Endpoint) -> None:
        self._stream = stream
        self._context = context
        self._endpoint = endpoint
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self.injector = FaultInjector(
            stream, context.faults, context.faults.of_connection(endpoint.node)
        )

    async def run(self) -> None:
        """Process requests until one side closes the connection."""
        try:
            await self.injector.at("connection")
            await self._stream.open()
            while await self._one_request():
                self._http.start_next_cycle()
                self._stream.wait()
            self._stream.hang_up()
        except OSError:
            pass  # the client disconnected, or does not speak TLS
        except FaultTriggered:
            self._stream.hang_up()
        finally:
            self._stream.close()

    async def _one_request(self) -> bool:
        """Process one request; False if it was the last one."""
        try:
            head = await self._next_event()
        except h11.RemoteProtocolError as error:
            return await self._refuse(error)
        if not isinstance(head, h11.Request):
            return False  # end of file between two requests
        self._stream.work()
        request = self._request(head)
        faults = self._context.faults
        self.injector = FaultInjector(self._stream, faults, faults.of_request(request))
        await self.injector.at("before request")
        entry = self._context.requests.add(request)
        request.body = body = RequestBody(self, entry, content_length(head))
        if body.length == 0:
            await body.discard()  # only its end, which was already read
        try:
            reply = await self._reply(request, body)
        except BodyCut:
            return await self._refuse(body.error) if body.error else False
        try:
            return await self._answer(request.method, body, reply, entry)
        except (BrokenReply, BodyCut):
            return False

    async def _reply(self, request: Request, body: "RequestBody") -> Reply:
        if isinstance(self.injector.fault, Answer):
            return early_reply(self.injector.fault, self._context.server, self._context.now())
        try:
            reply = await self._context.site.answer(request)
        except BodyCut:
            raise
        except Exception as error:  # an exception of a site is a bug
            self._context.report_bug(error)
            reply = Reply(500, "Internal Server Error", [("Content-Length", "0")])
        if self.injector.wants_whole_request:
            await body.discard()  # what the site did not read
            await self.injector.at("before answer")
        return reply

    # Reading

    def _request(self, head: h11.Request) -> Request:
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in head.headers.raw_items()
        ]
        host, target = addressed(head.target.decode("ascii"), headers)
        return Request(
            method=head.method.decode("ascii"),
            target=target,
            headers=headers,
            host=host,
            scheme=self._endpoint.scheme,
            port=self._endpoint.port,
            node=self._endpoint.node,
        )

    async def _next_event(self) -> object:
        """The next h11 event; `h11.RemoteProtocolError` for violations of HTTP."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._stream.receive())
        return event

    async def next_piece(self) -> bytes:
        """The next piece of the request body, empty at its end. For `RequestBody`."""
        if self._http.they_are_waiting_for_100_continue:
            body_has_begun = bool(self._http.trailing_data[0])
            if not body_has_begun:
                go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
                await self._send(go_on)
        event = await self._next_event()
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    # Responding

    async def _answer(self, method: str, body: "RequestBody", reply: Reply, entry: Entry) -> bool:
        """Send *reply*; True if the connection can be used for another request."""
        # A client that waits for "100 Continue" may or may not send its body now, and a long
        # remainder may never come. Closing the connection is the only unambiguous way.
        if not body.is_read and (
            self._http.they_are_waiting_for_100_continue or not body.rest_is_small
        ):
            reply = replace(reply, headers=[*reply.headers, ("Connection", "close")])
        entry.status = reply.status
        await self._send_reply(method, reply)
        if self._http.our_state is h11.MUST_CLOSE:
            if not body.is_read:
                await self._linger()
            return False
        await body.discard()
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _send_reply(self, method: str, reply: Reply) -> None:
        pieces = ResponseBody(reply.body)
        try:
            await self._send_part("answer head", response(reply))
            if method != "HEAD" and reply.status not in (204, 304):
                while piece := await pieces.next():
                    await self._send_part("answer body", h11.Data(data=piece))
            await self.injector.at("answer body")
            await self._send(h11.EndOfMessage())
            await self.injector.at("after answer")
        except h11.LocalProtocolError as error:  # the response of the site is inconsistent
            self._context.report_bug(error)
            raise BrokenReply from error
        except BrokenReply as error:
            assert isinstance(error.__cause__, Exception)
            self._context.report_bug(error.__cause__)
            raise
        finally:
            await pieces.close()

    async def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            await self._stream.send(data)

    async def _send_part(self, place: Place, event: h11.Response | h11.Data) -> None:
        """Send *event*, as far as a fault permits."""
        if isinstance(event, h11.Data):
            event = h11.Data(data=self.injector.limit(place, event.data))
            await self._send(event)
            await self.injector.at_end_of(place)
        else:
            data = self._http.send(event)
            await self._stream.send(self.injector.limit(place, data or b""))
            await self.injector.at(place)

    async def _refuse(self, error: h11.RemoteProtocolError) -> bool:
        """Respond to a violation of HTTP, and end the connection."""
        status = error.error_status_hint
        headers = [
            ("Date", http_date(int(self._context.now()))),
            ("Server", self._context.server),
            ("X-HCP-ErrorMessage", str(error)),
            ("Content-Length", "0"),
            ("Connection", "close"),
        ]
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            await self._send(response(Reply(status, REASONS.get(status, "Error"), headers)))
            await self._send(h11.EndOfMessage())
            await self._linger()
        return False

    async def _linger(self) -> None:
        """Discard what the client still sends, so that no TCP reset destroys the response."""
        self._stream.end_sending()
        end = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._stream.hang_up)
        try:
            while await self._stream.receive_raw():
                pass
        finally:
            end.cancel()


class RequestBody:
    """The body of a request, read from the stream on demand."""

    def __init__(self, connection: HTTPConnection, entry: Entry, length: int | None) -> None:
        self._connection = connection
        self._entry = entry
        self.length = length  # None if unknown
        self.is_read = False
        self.error: h11.RemoteProtocolError | None = None  # set for violations of HTTP

    @property
    def rest_is_small(self) -> bool:
        return self.length is not None and self.length - self._entry.body_size <= MAX_DRAIN_BYTES

    async def discard(self) -> None:
        """Read and discard the remainder."""
        async for _ in self:
            pass

    def __aiter__(self) -> "RequestBody":
        return self

    async def __anext__(self) -> bytes:
        if self.is_read:
            raise StopAsyncIteration
        injector = self._connection.injector
        await injector.at_end_of("request body")
        try:
            piece = await self._connection.next_piece()
        except h11.RemoteProtocolError as error:
            self.error = error
            raise BodyCut(str(error)) from error
        except OSError as error:
            raise BodyCut(str(error)) from error
        if not piece:
            await injector.at("request body")
            self.is_read = True
            raise StopAsyncIteration
        piece = injector.limit("request body", piece)
        self._entry.body_size += len(piece)
        return piece


class ResponseBody:
    """The body of a response, read from the site as fast as the client receives it."""

    def __init__(self, body: bytes | AsyncIterator[bytes]) -> None:
        self._bytes = body if isinstance(body, bytes) else b""
        self._iterator = None if isinstance(body, bytes) else body

    async def next(self) -> bytes:
        """The next piece, empty at the end; `BrokenReply` for exceptions of the site."""
        if self._iterator is None:
            piece, self._bytes = self._bytes, b""
            return piece
        try:
            while not (piece := await self._iterator.__anext__()):
                pass
        except StopAsyncIteration:
            return b""
        except Exception as error:  # must not be mistaken for one of the connection
            raise BrokenReply from error
        return piece

    async def close(self) -> None:
        """Close a generator that was not read to its end, and thereby its files."""
        aclose = getattr(self._iterator, "aclose", None)
        if aclose:
            await aclose()


def response(reply: Reply) -> h11.Response:
    """The head of *reply*, with the order and spelling of its headers."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    return h11.Response(
        status_code=reply.status, reason=reply.reason.encode("latin-1"), headers=headers
    )


def content_length(head: h11.Request) -> int | None:
    """The size of the request body; None if it is chunked."""
    headers = dict(head.headers)
    if b"transfer-encoding" in headers:
        return None
    return int(headers.get(b"content-length", b"0"))


def addressed(target: str, headers: list[tuple[str, str]]) -> tuple[str, str]:
    """Host and path that are asked for: an absolute URL counts more than the Host header.

    RFC 9112, section 3.2.2.
    """
    match = _ABSOLUTE.fullmatch(target)
    if match:
        return host_name(match[1]), match[2] if match[2].startswith("/") else f"/{match[2]}"
    return host_name(next((value for name, value in headers if name.lower() == "host"), "")), target


def host_name(host: str) -> str:
    """The name in *host*: lower case, without port."""
    name, colon, port = host.rpartition(":")
    if colon and (port.isdigit() or not port):
        host = name
    return host.rstrip(".").lower()
