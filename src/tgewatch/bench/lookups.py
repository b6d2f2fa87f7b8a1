"""Users looked up through the drop-in monitor: `python -m tgewatch.bench.lookups`.

Each round asks for the users of a hundred accounts as posts mention them: some several times. A
client that counts its calls stands where tweepy's would.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from tgewatch.bench.child import converse

ACCOUNTS = 100
MENTIONS = 150


class Counting:
    """Knows every user, and counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0
        self.names = 0

    def get_users(self, *, usernames: Sequence[str]) -> Any:
        """Answer as GET /2/users/by does."""
        self.calls += 1
        self.names += len(usernames)
        return SimpleNamespace(
            data=[SimpleNamespace(username=name, id=f"1{name[4:]}") for name in usernames]
        )


class Lookups:
    """The drop-in monitor and its client."""

    def __init__(self, monitor: Any, client: Counting, *, batched: bool) -> None:
        self._monitor = monitor
        self._client = client
        self._batched = batched
        self._chance = Random(7)  # noqa: S311 - a benchmark

    async def cycle(self, order: dict[str, Any]) -> dict[str, Any]:
        """Look up whoever is mentioned in a round."""
        del order
        first = [f"user{n}" for n in range(ACCOUNTS)]
        handles = first + [self._chance.choice(first) for _ in range(MENTIONS - ACCOUNTS)]
        calls, names = self._client.calls, self._client.names
        if self._batched:
            got = self._monitor.batch_lookup_users_cached(handles)
        else:
            got = [self._client.get_users(usernames=[handle]) for handle in handles]
        return {
            "wanted": len(handles),
            "got": len(got),
            "calls": self._client.calls - calls,
            "names": self._client.names - names,
        }


def _go(folder: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    os.chdir(folder)


@asynccontextmanager
async def opened(given: dict[str, Any]) -> AsyncIterator[Lookups]:
    """Make a monitor whose state lives in the bench's folder."""
    await asyncio.to_thread(_go, given["folder"])
    import optimized_scraper_v2  # noqa: PLC0415 - it reads where its state is from the folder

    client = Counting()
    monitor = optimized_scraper_v2.PerformanceOptimizedTwitterMonitor(client=client)
    try:
        yield Lookups(monitor, client, batched="batching" not in given.get("off", ()))
    finally:
        await asyncio.to_thread(optimized_scraper_v2.cleanup_performance_modules)


if __name__ == "__main__":
    asyncio.run(converse(opened))
