"""A way to a Redis or Valkey that can be closed, held up, or made to say no."""

import asyncio
import contextlib
from pathlib import Path
from typing import Self


class Gate:
    """Listens on a free port of 127.0.0.1 and passes everything on to a socket, while it is open."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._no = b""
        self.commands = 0
        """Bits of conversation that came from clients."""
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        """The URL for a client."""
        return f"redis://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def open(self) -> None:
        """Let everything pass, on the same port as before."""
        self._no = b""
        self._flowing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Break all connections and take no new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.break_off()

    def break_off(self) -> None:
        """Break all connections; new ones are welcome."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    def hold(self) -> None:
        """Take everything in and let no answer out, until `open`."""
        self._flowing.clear()

    def refuse(self, error: str) -> None:
        """Answer every command with that error, until `open`."""
        self._no = f"-{error}\r\n".encode()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.connections += 1
        self._writers.add(writer)
        there: asyncio.StreamWriter | None = None
        # Both sides leave in the middle of things; that is what these tests are about.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            back, there = await asyncio.open_unix_connection(str(self._socket))
            self._writers.add(there)
            answering = asyncio.ensure_future(self._answers(back, writer))
            self._tasks.add(answering)
            answering.add_done_callback(self._tasks.discard)
            await self._questions(reader, there, writer)
        for each in filter(None, (writer, there)):
            self._writers.discard(each)
            each.close()

    async def _questions(
        self,
        reader: asyncio.StreamReader,
        there: asyncio.StreamWriter,
        here: asyncio.StreamWriter,
    ) -> None:
        while data := await _command(reader):
            self.commands += 1
            if self._no:
                here.write(self._no)
                await here.drain()
            else:
                there.write(data)
                await there.drain()

    async def _answers(self, back: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await back.read(65_536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


async def _command(reader: asyncio.StreamReader) -> bytes:
    """Return one command as it is sent; empty at the end of the connection."""
    head = await reader.readline()
    if not head:
        return b""
    parts = [head]
    for _ in range(int(head[1:])):
        length = await reader.readline()
        parts += [length, await reader.readexactly(int(length[1:]) + 2)]
    return b"".join(parts)
