"""The limit: a client that only fetches, all at once. `python -m tgewatch.bench.bare`.

aiohttp with as many connections as there are sources. No validators, no politeness, no parsing,
nothing stored.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import AF_INET, AddressFamily
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from tgewatch.app import run_loop
from tgewatch.bench.child import converse

PATIENCE = 15.0
"""Seconds after which it gives up, unless the bench says otherwise; all that answer have by then."""
GOOD = 200


class OneAddress(AbstractResolver):
    """Every name lives at one address."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AF_INET
    ) -> list[ResolveResult]:
        del family
        return [
            ResolveResult(
                hostname=host, host=self._address, port=port, family=AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        return


class Bare:
    """A session, and the addresses it fetches."""

    def __init__(self, session: aiohttp.ClientSession, urls: list[str]) -> None:
        self._session = session
        self._urls = urls

    async def cycle(self, order: dict[str, Any]) -> dict[str, Any]:
        """Fetch everything."""
        del order
        found = await asyncio.gather(*(self._fetch(url) for url in self._urls))
        times = [time_ for time_, _ in found if time_ is not None]
        return {"answered_at": times, "bytes": sum(size for _, size in found)}

    async def _fetch(self, url: str) -> tuple[float | None, int]:
        try:
            async with self._session.get(url) as response:
                body = await response.read()
                good = response.status == GOOD
                return (time.monotonic() if good else None), len(body)
        except (aiohttp.ClientError, TimeoutError):
            return None, 0


@asynccontextmanager
async def opened(given: dict[str, Any]) -> AsyncIterator[Bare]:
    """Open the session."""
    resolver = OneAddress(given["address"]) if given.get("address") else None
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, resolver=resolver),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=given.get("patience", PATIENCE)),
    ) as session:
        yield Bare(session, [source["url"] for source in given["sources"]])


if __name__ == "__main__":
    run_loop(converse(opened))
