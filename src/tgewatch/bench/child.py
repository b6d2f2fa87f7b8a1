"""A client's side of the conversation with the bench: one JSON object a line, in and out."""

import asyncio
import contextlib
import json
import re
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

STATUS = Path("/proc/self/status")


class Client(Protocol):
    """What is measured."""

    async def cycle(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do one round and say what came of it."""


Open = Callable[[dict[str, Any]], contextlib.AbstractAsyncContextManager[Client]]


async def converse(opened: Open) -> None:
    """Open a client as the first line says, and do a round for each further line."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue(100)

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, "")

    threading.Thread(target=listen, daemon=True).start()
    async with opened(json.loads(await lines.get())) as client:
        say({"ready": True, **memory()})
        while line := await lines.get():
            say(await measured(client.cycle, json.loads(line)))


async def measured(
    work: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]], order: dict[str, Any]
) -> dict[str, Any]:
    """Return what `work` returns, with what it cost."""
    begun, spent = time.monotonic(), time.process_time()
    found = await work(order)
    cost = {
        "begun": begun,
        "seconds": time.monotonic() - begun,
        "cpu": time.process_time() - spent,
    }
    return {**cost, **memory(), **found}


def memory() -> dict[str, float]:
    """Return megabytes that the process holds and has held at most; nothing where unknown."""
    if not STATUS.exists():
        return {}
    found = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", STATUS.read_text(), re.MULTILINE))
    return {
        "rss": int(found.get("VmRSS", 0)) / 1_000,
        "peak": int(found.get("VmHWM", 0)) / 1_000,
    }


def say(found: dict[str, Any]) -> None:
    """Answer with one line."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
