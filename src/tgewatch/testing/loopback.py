"""A web server on loopback that says exactly what a test tells it to, well-formed or not."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from ssl import SSLContext
from typing import Self, TypeAlias


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    connection: int
    """Number of the connection, from 1."""
    body: bytes = b""


@dataclass(slots=True)
class Line:
    """The way back to the client."""

    writer: asyncio.StreamWriter
    closing: bool = field(default=False, init=False)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def close(self) -> None:
        """End the connection after what was written."""
        self.closing = True
        self.writer.close()

    def reset(self) -> None:
        """End the connection at once."""
        self.closing = True
        self.writer.transport.abort()


Script: TypeAlias = Callable[[Asked, Line], Awaitable[bytes | None]]
"""Returns the bytes of an answer, or None when it has written all there is to write."""


def reply(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """Return a well-formed answer; `_` in a header's name stands for `-`."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if status not in {HTTPStatus.NOT_MODIFIED, HTTPStatus.NO_CONTENT}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class LoopbackServer:
    """Listens on a free port of 127.0.0.1 while its context is open, and remembers who asked."""

    def __init__(self, script: Script, *, tls: SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.asked: list[Asked] = []
        self.connections = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._lines):
            writer.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._lines.add(writer)
        self.connections += 1
        try:
            # Clients leave in the middle of things; that is what these tests are about. Cancelled
            # by our own exit only, and Python 3.11's streams cannot take a task that ends so.
            with contextlib.suppress(
                ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError
            ):
                await self._talk(reader, Line(writer), self.connections)
        finally:
            self._lines.discard(writer)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, line: Line, number: int) -> None:
        while not line.closing:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ")
            pairs = (text.partition(":") for text in head[1:] if text)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            asked = Asked(method, path, headers, number, body)
            self.asked.append(asked)
            answer = await self._script(asked, line)
            if answer is not None:
                await line.write(answer)
