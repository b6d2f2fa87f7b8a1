"""Messages from standard input, bounded in length and in number, and the server over both streams."""

import asyncio
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Self, cast

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.stdio import stdio_server

log = logging.getLogger(__name__)

LONGEST = 1_000_000
"""Bytes of a message; a longer one is dropped, with a warning."""
AHEAD = 16
"""Messages that are read before somebody takes them."""
CHUNK = 65_536


def lines(descriptor: int, *, longest: int = LONGEST) -> Iterator[bytes]:
    """Yield the lines of a descriptor as they come, without their ends; drop those too long."""
    kept, dropping = b"", False
    while chunk := os.read(descriptor, CHUNK):
        *whole, rest = (kept + chunk).split(b"\n")
        for line in whole:
            if not dropping and len(line) <= longest:
                yield line
            elif not dropping:
                log.warning("message_too_long", extra={"most": longest})
            dropping = False
        kept = b"" if dropping else rest
        if len(kept) > longest:
            log.warning("message_too_long", extra={"most": longest})
            kept, dropping = b"", True
    if kept:
        yield kept


class Inbox:
    """The lines of a descriptor for one event loop, read by a thread that never holds up the end."""

    def __init__(self, descriptor: int, *, longest: int = LONGEST) -> None:
        self._descriptor = descriptor
        self._longest = longest
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(AHEAD)
        threading.Thread(target=self._read, name="tgewatch-stdin", daemon=True).start()

    def _read(self) -> None:
        with suppress(RuntimeError, OSError, asyncio.CancelledError):  # the loop has ended
            for line in lines(self._descriptor, longest=self._longest):
                self._put(line.decode(errors="replace"))
            self._put(None)

    def _put(self, line: str | None) -> None:
        asyncio.run_coroutine_threadsafe(self._queue.put(line), self._loop).result()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        line = await self._queue.get()
        if line is None:
            raise StopAsyncIteration
        return line


async def serve(server: MCPServer[Any]) -> None:
    """Serve standard input and output until the input ends.

    Meanwhile both point elsewhere, so that nothing else reads from or prints into the protocol.
    """
    wire = os.dup(0)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    try:
        inbox = cast("anyio.AsyncFile[str]", Inbox(wire))
        async with stdio_server(stdin=inbox) as (received, sent):
            low = server._lowlevel_server  # noqa: SLF001 - the library has no public way to streams of our own
            await low.run(received, sent, low.create_initialization_options())
    finally:
        os.dup2(wire, 0)
