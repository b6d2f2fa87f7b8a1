"""All hosts of the world behind one listening socket, with their manners and a log."""

import asyncio
import gzip
import hashlib
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from types import TracebackType
from typing import Self, cast

from tgewatch.world.log import Line, Lines, Log
from tgewatch.world.plan import Outlet, Plan
from tgewatch.world.render import TYPES, feed_body, page_body

REASONS = {
    200: "OK", 301: "Moved Permanently", 304: "Not Modified", 400: "Bad Request",
    404: "Not Found", 410: "Gone", 429: "Too Many Requests", 503: "Service Unavailable",
}  # fmt: skip
MAX_REQUEST = 65_536
BUCKET = 8
"""Requests at once that a limited host takes."""
REFILL = 6.0
"""Seconds in which it takes one more."""
RENDERED = 2_000
"""Feed documents kept, and at least two for each feed."""
LETTER_BOX = "letters.example"
"""Takes any POST, as a channel of the client's would."""


@dataclass(slots=True)
class _Host:
    tokens: float = BUCKET
    refilled: float = 0.0
    blocked_until: float = 0.0


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    host: str
    path: str
    headers: dict[str, str]

    @property
    def length(self) -> int:
        value = self.headers.get("content-length", "")
        return int(value) if value.isdecimal() else 0


class WorldServer:
    """Serves a plan on loopback, at the time that `now` says it is.

    Names end in `.example` and all live at one address, told apart by the Host header; `resolve`
    them to `address`. A client that refuses loopback addresses has to be told to allow it.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        now: Callable[[], float],
        address: str = "127.0.0.1",
        port: int = 0,
        slow: float = 8.0,
        set_up: float = 0.0,
    ) -> None:
        """Let feeds with the fault `slow` take so many seconds.

        The first answer on a connection comes `set_up` round trips later: what TCP and TLS take,
        and loopback does not.
        """
        self.plan = plan
        self.address = address
        self.port = port
        self.log = Log(begun=time.monotonic())
        self.lines = Lines()
        self._now = now
        self._slow = slow
        self._set_up = set_up
        self._most_rendered = max(RENDERED, 2 * len(plan.outlets))
        self._hosts = {outlet.host: outlet for outlet in plan.outlets}
        self._client = ""
        self._state: dict[tuple[str, str], _Host] = {}
        self._rendered: OrderedDict[tuple[int, int], tuple[bytes, bytes, str, str]] = OrderedDict()
        self._server: asyncio.Server | None = None
        self._closed: socket.socket | None = None
        self._transports: set[asyncio.Transport] = set()

    def url(self, outlet: Outlet) -> str:
        """Return where the outlet's feed is."""
        port = self.port if outlet.fault != "refused" else self._refusing_port()
        return f"http://{outlet.host}:{port}{outlet.path}"

    @property
    def letter_box(self) -> str:
        """Where messages can be sent."""
        return f"http://{LETTER_BOX}:{self.port}/"

    def turn_page(self, client: str = "") -> Log:
        """Return the log, close all connections and begin another for the next client.

        Hosts with a limit count for each client apart.
        """
        self._client = client
        log, self.log = self.log, Log(begun=time.monotonic())
        for transport in tuple(self._transports):
            transport.abort()
        self.lines.forget()
        return log

    def render(self) -> None:
        """Write all documents as of now, so that no client waits for that."""
        now = self._now()
        for outlet in self.plan.outlets:
            self._document(outlet, now)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._closed = socket.socket()
        self._closed.bind((self.address, 0))  # bound and never listening: connects are refused
        self._server = await loop.create_server(
            lambda: _Connection(self), self.address, self.port, backlog=2_048
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
            for transport in tuple(self._transports):
                transport.abort()
            await self._server.wait_closed()
        if self._closed is not None:
            self._closed.close()

    def _refusing_port(self) -> int:
        if self._closed is None:
            raise RuntimeError("the world is not running")
        return int(self._closed.getsockname()[1])

    # --- answers --------------------------------------------------------------------------

    async def answer(self, request: _Request, *, first: bool = False) -> bytes | None:
        """Return the bytes of the response, or None for none at all.

        `first` is a request on a connection that was just opened.
        """
        if request.host == LETTER_BOX:
            self.log.told.append(time.monotonic())
            return self._reply("letter", 200, b"taken")
        outlet = self._hosts.get(request.host)
        if outlet is None:
            return self._reply("other", 404, b"no such host")
        await self._latency(outlet, first=first)
        if outlet.fault == "hang":
            await asyncio.Event().wait()
        if refused := self._manners(outlet, request):
            return refused
        if request.path in {outlet.path, "/moved" + outlet.path}:
            return self._feed(outlet, request)
        if request.path.startswith("/a/"):
            return self._page(request)
        return self._reply("other", 404, b"not here")

    async def _latency(self, outlet: Outlet, *, first: bool) -> None:
        wait = self._slow if outlet.fault == "slow" else outlet.latency
        if first:
            set_up = self._set_up * outlet.round_trip
            self.log.set_up += set_up
            wait += set_up
        if wait:
            await asyncio.sleep(wait)  # noqa: TID251 - a real server takes real time

    def _manners(self, outlet: Outlet, request: _Request) -> bytes | None:
        now = self._now()
        if outlet.fault == "gone":
            return self._reply("feed", 410, b"gone")
        if outlet.fault == "moved" and request.path == outlet.path:
            target = f"http://{outlet.host}:{self.port}/moved{outlet.path}"
            return self._reply("feed", 301, b"", f"Location: {target}\r\n")
        if outlet.fault == "flap" and int(now // 300) % 2:
            return self._reply("feed", 503, b"busy", "Retry-After: 2\r\n")
        if outlet.fault == "limited":
            return self._limited(outlet, now)
        return None

    def _limited(self, outlet: Outlet, now: float) -> bytes | None:
        state = self._state.setdefault((self._client, outlet.host), _Host(refilled=now))
        if now < state.blocked_until:
            self.log.violations += 1
        state.tokens = min(BUCKET, state.tokens + (now - state.refilled) / REFILL)
        state.refilled = now
        if state.tokens >= 1.0:
            state.tokens -= 1.0
            return None
        state.blocked_until = now + 30.0
        return self._reply("feed", 429, b"slow down", "Retry-After: 30\r\n")

    def _feed(self, outlet: Outlet, request: _Request) -> bytes:
        now = self._now()
        body, packed, etag, modified = self._document(outlet, now)
        kept = (f"ETag: {etag}\r\n" if outlet.validators in {"both", "etag", "ignored"} else "") + (
            f"Last-Modified: {modified}\r\n"
            if outlet.validators in {"both", "modified", "ignored"}
            else ""
        )
        if outlet.max_age is not None:
            kept += f"Cache-Control: max-age={outlet.max_age}\r\n"
        headers = request.headers
        sent = "if-none-match" in headers or "if-modified-since" in headers
        self.log.conditional += sent
        self.log.answered.setdefault(outlet.number, time.monotonic())
        if outlet.validators != "ignored" and (
            headers.get("if-none-match") == etag
            or ("if-none-match" not in headers and headers.get("if-modified-since") == modified)
        ):
            return self._reply("feed", 304, b"", kept)
        self.log.served.update((e.outlet, e.number) for e in self.plan.visible(outlet.number, now))
        kept += f"Content-Type: {self._type(outlet)}\r\n"
        if "gzip" in headers.get("accept-encoding", ""):
            return self._reply("feed", 200, packed, kept + "Content-Encoding: gzip\r\n")
        return self._reply("feed", 200, body, kept)

    @staticmethod
    def _type(outlet: Outlet) -> str:
        if outlet.fault == "html":
            return "text/html"
        charset = "; charset=iso-8859-1" if outlet.fault == "charset" else ""
        return TYPES[outlet.format] + charset

    def _document(self, outlet: Outlet, now: float) -> tuple[bytes, bytes, str, str]:
        entries = self.plan.visible(outlet.number, now)
        newest = entries[0] if entries else None
        version = (outlet.number, newest.number if newest else -1)
        if version in self._rendered:
            self._rendered.move_to_end(version)
            return self._rendered[version]
        base = f"http://{outlet.host}:{self.port}"
        body = feed_body(outlet, base, self.plan.start, entries)
        if outlet.fault == "html":
            body = b"<!doctype html><html><body><h1>Checking your browser</h1></body></html>"
        if outlet.fault == "truncated":
            body = body[: len(body) * 2 // 3]
        at = datetime.fromtimestamp(int(self.plan.start + (newest.at if newest else 0)), UTC)
        document = (
            body,
            gzip.compress(body, 6, mtime=0),
            f'"{hashlib.sha256(body).hexdigest()[:16]}"',
            format_datetime(at, usegmt=True),
        )
        self._rendered[version] = document
        if len(self._rendered) > self._most_rendered:
            self._rendered.popitem(last=False)
        return document

    def _page(self, request: _Request) -> bytes:
        outlet, _, number = request.path.removeprefix("/a/").partition("-")
        try:
            entry = self.plan.entries[int(outlet)][int(number)]
        except (ValueError, IndexError):
            return self._reply("page", 404, b"no such article")
        self.log.pages[entry.outlet, entry.number] += 1
        return self._reply("page", 200, page_body(entry), "Content-Type: text/html\r\n")

    def _reply(self, kind: str, status: int, body: bytes, headers: str = "") -> bytes:
        self.log.requests[kind, status] += 1
        self.log.bytes_out += len(body)
        date = format_datetime(datetime.fromtimestamp(self._now(), UTC), usegmt=True)
        head = (
            f"HTTP/1.1 {status} {REASONS[status]}\r\nDate: {date}\r\n{headers}"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class _Connection(asyncio.Protocol):
    """One HTTP/1.1 connection: requests are answered in turn."""

    def __init__(self, world: WorldServer) -> None:
        self._world = world
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._line = Line()
        self._answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._world.log.connections += 1
        self._world._transports.add(self._transport)  # noqa: SLF001 - one class in two halves

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        if self._transport is not None:
            self._world._transports.discard(self._transport)  # noqa: SLF001 - as above
        self._world.lines.end(self._world.log, self._line, time.monotonic(), answered=False)
        if self._answering is not None:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > MAX_REQUEST and self._transport is not None:
            self._transport.abort()
            return
        self._next()

    def _next(self) -> None:
        if self._answering is not None or b"\r\n\r\n" not in self._buffer:
            return
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        request = _parse(head)
        if len(rest) < request.length:
            return
        self._buffer = rest[request.length :]
        first = self._line.requests == 0
        self._world.lines.begin(self._world.log, self._line, request.host, time.monotonic())
        loop = asyncio.get_running_loop()
        self._answering = loop.create_task(self._answer(request, first=first))

    async def _answer(self, request: _Request, *, first: bool) -> None:
        reply = await self._world.answer(request, first=first)
        self._answering = None
        if self._transport is None or self._transport.is_closing():
            return
        if reply is None:
            self._transport.abort()
            return
        self._world.lines.end(self._world.log, self._line, time.monotonic(), answered=True)
        self._transport.write(reply)
        self._next()


def _parse(head: bytes) -> _Request:
    lines = head.decode("latin-1").split("\r\n")
    method, path, *_ = [*lines[0].split(" "), "", ""]
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return _Request(method, headers.get("host", "").partition(":")[0].lower(), path, headers)
