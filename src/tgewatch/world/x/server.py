"""The fake on loopback: plain HTTP/1.1, and streams that stay open."""

import asyncio
import contextlib
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from tgewatch.world.x.fake import MAX_BODY, Answer, FakeX
from tgewatch.world.x.stream import Connection

REASONS = {
    200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 409: "Conflict", 413: "Content Too Large", 429: "Too Many Requests",
    503: "Service Unavailable",
}  # fmt: skip
MAX_HEAD = 65_536
IDLE = 120.0
"""Seconds until a connection without a request is closed."""
TICK = 0.02
"""Seconds between two looks at a stream."""
UNREAD = 65_536
"""Bytes on their way to a slow reader, after which its frames wait in the service."""


class XServer:
    """Serves a FakeX on one port of loopback while its context is open."""

    def __init__(self, fake: FakeX, *, address: str = "127.0.0.1", port: int = 0) -> None:
        self.fake = fake
        self.address = address
        self.port = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        return f"http://{self.address}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, self.address, self.port, limit=MAX_HEAD
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
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            # Clients leave in the middle of things. Cancelled by our own exit only.
            with contextlib.suppress(
                ConnectionError,
                TimeoutError,
                ValueError,
                asyncio.IncompleteReadError,
                asyncio.LimitOverrunError,
                asyncio.CancelledError,
            ):
                while await self._talk(reader, writer):
                    pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; say whether the connection stays open."""
        async with asyncio.timeout(IDLE):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = _headers(head[1:])
            length = int(headers.get("content-length", "0"))
            if not 0 <= length <= MAX_BODY:
                writer.write(_head(413, {"content-length": "0"}))
                return False
            body = await reader.readexactly(length)
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        answer = self.fake.answer(method, parts.path, query, headers, body)
        if answer.delay:
            await asyncio.sleep(answer.delay)  # noqa: TID251 - a real server takes real time
        if answer.lost:
            writer.transport.abort()
            return False
        if answer.connection is not None:
            await self._stream(answer, answer.connection, reader, writer)
            return False
        sent = {**answer.headers, "content-length": str(len(answer.body))}
        writer.write(_head(answer.status, sent) + answer.body)
        await writer.drain()
        return headers.get("connection", "").lower() != "close"

    async def _stream(
        self,
        answer: Answer,
        connection: Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Send what a stream has to say until one side leaves."""
        writer.write(_head(200, {**answer.headers, "transfer-encoding": "chunked"}))
        try:
            while not reader.at_eof() and not writer.is_closing():
                if writer.transport.get_write_buffer_size() > UNREAD:
                    connection.wait()
                elif data := connection.pull():
                    writer.write(b"%x\r\n%b\r\n" % (len(data), data))
                if connection.ended:
                    break
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK):
                        await reader.read(MAX_HEAD)
            if connection.ended in {"reset", "killed"} or (
                connection.ended == "full" and writer.transport.get_write_buffer_size() > UNREAD
            ):
                writer.transport.abort()
            elif connection.ended:
                writer.write(b"0\r\n\r\n")
                await writer.drain()
        finally:
            connection.close()


def _headers(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {REASONS[status]}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
