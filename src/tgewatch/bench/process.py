"""Processes that the bench starts, and talks to in lines of JSON."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tgewatch.errors import TransientError

LONGEST = 64_000_000
"""Bytes of a line: the log of a round over many feeds."""
ANSWER = 900.0
"""Seconds that an answer may take: longer than the longest round."""


class Process:
    """A child that answers each line with a line."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process

    def __repr__(self) -> str:
        return f"<Process {self.name}>"

    async def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """Send a line and return the answer. Raises TransientError when there is none."""
        assert self._process.stdin is not None  # noqa: S101 - opened as a pipe
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        await self._process.stdin.drain()
        return await self.listen()

    async def listen(self) -> dict[str, Any]:
        """Return the next line that the child says."""
        assert self._process.stdout is not None  # noqa: S101 - opened as a pipe
        try:
            async with asyncio.timeout(ANSWER):
                line = await self._process.stdout.readline()
        except TimeoutError as error:
            raise TransientError(f"{self.name} did not answer in {ANSWER:g} s") from error
        if not line:
            code = await self._process.wait()
            raise TransientError(f"{self.name} ended with exit code {code}")
        found: dict[str, Any] = json.loads(line)
        return found


@asynccontextmanager
async def started(
    name: str, module: str, *arguments: str, python: str = sys.executable
) -> AsyncIterator[Process]:
    """Run a module, or a file, in a process of its own until the block ends."""
    what = (module,) if module.endswith(".py") else ("-m", module)
    process = await asyncio.create_subprocess_exec(
        *(python, "-P", *what, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST,
    )
    try:
        yield Process(name, process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(10.0):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
