"""Readers of the cache, as drop-ins and agents are: `python -m tgewatch.bench.reads`.

Each round reads every feed once and takes what is fresh. The servers' log says what it cost.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tgewatch.app import open_web, run_loop
from tgewatch.bench.child import converse
from tgewatch.bench.ours import SteppedClock, lookup_at, settings_of
from tgewatch.errors import TgewatchError
from tgewatch.fetch.cached import CachedFetcher
from tgewatch.fetch.transport import Send
from tgewatch.ports import Fetcher, Request, Response


class Readers:
    """Feeds, and a referee who knows until when each answer may be served."""

    def __init__(self, fetcher: Fetcher, urls: list[str], clock: SteppedClock, ttl: float) -> None:
        self._fetcher = fetcher
        self._urls = urls
        self._clock = clock
        self._ttl = ttl
        self._until: dict[str, float] = {}

    async def cycle(self, order: dict[str, Any]) -> dict[str, Any]:
        """Read every feed once at `now`; or let a `herd` ask for one feed at once."""
        self._clock.move(order["now"])
        if herd := order.get("herd"):
            asked = [self._read(self._urls[0]) for _ in range(herd)]
            return {"got": sum(response is not None for response in await asyncio.gather(*asked))}
        now = self._clock.monotonic()
        allowed = [url for url in self._urls if self._until.get(url, -1.0) > now]
        got = await asyncio.gather(*map(self._read, self._urls))
        answers = dict(zip(self._urls, got, strict=True))
        hits = [url for url, response in answers.items() if response and response.from_cache]
        for url, response in answers.items():
            if response is not None and url not in allowed:
                fresh = self._ttl if response.fresh_for is None else response.fresh_for
                self._until[url] = now + min(self._ttl, fresh)
        return {
            "reads": len(answers),
            "hits": len(hits),
            "allowed": len(allowed),
            "allowed_hits": len(set(hits) & set(allowed)),
        }

    async def _read(self, url: str) -> Response | None:
        try:
            return await self._fetcher.fetch(Request(url=url, pool="rss", revalidate=False))
        except TgewatchError:
            return None


class Uncached:
    """Every read is a request of its own."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    async def fetch(self, request: Request) -> Response:
        answer = await self._transport.send(Send(request.url, pool=request.pool), seconds=30.0)
        return Response(
            url=answer.url,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            received=answer.received,
        )


@asynccontextmanager
async def opened(given: dict[str, Any]) -> AsyncIterator[Readers]:
    """Open the way to the web, with the cache or without."""
    settings = settings_of(given)
    clock = SteppedClock(given["now"])
    lookup = lookup_at(given.get("address", ""))
    async with open_web(settings, clock=clock, lookup=lookup) as web:
        cached = "cache" not in given.get("off", ())
        fetcher: Fetcher = (
            CachedFetcher(web.client, cache=web.cache) if cached else Uncached(web.transport)
        )
        urls = [source["url"] for source in given["sources"]]
        yield Readers(fetcher, urls, clock, settings.cache.rss.ttl)


if __name__ == "__main__":
    run_loop(converse(opened))
