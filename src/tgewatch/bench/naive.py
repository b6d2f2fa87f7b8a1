"""What the specification starts from: everything, every time. `python -m tgewatch.bench.naive`.

Ten threads, a new connection for each request, every feed whole, then the page of every entry in
it. No validators, no filter before the fetch, no regard for 429. With `remember` in the order it at
least leaves out the pages that it has had.
"""

import asyncio
import http.client
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from gzip import decompress
from io import BytesIO
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser  # type: ignore[import-untyped]

from tgewatch.bench.child import converse

THREADS = 10
PATIENCE = 30.0
"""Seconds for each request."""
LARGEST = 5_000_000
"""Bytes of a body."""
REDIRECTS = 5
GOOD, MOVED = 200, (301, 302, 307, 308)


class Naive:
    """Feeds, and the pages that were had before."""

    def __init__(self, urls: list[str], address: str) -> None:
        self._urls = urls
        self._address = address
        self._had: set[str] = set()

    async def cycle(self, order: dict[str, Any]) -> dict[str, Any]:
        """Fetch every feed, and the pages of its entries."""
        return await asyncio.to_thread(self._round, remember=bool(order.get("remember")))

    def _round(self, *, remember: bool) -> dict[str, Any]:
        known = self._had if remember else set()
        times: list[float] = []
        pages: list[Future[bytes]] = []
        with ThreadPoolExecutor(THREADS) as threads:

            def read(url: str) -> None:
                body = self._get(url)
                if not body:
                    return
                links = [entry.get("link", "") for entry in feedparser.parse(BytesIO(body)).entries]
                for link in links:
                    if link and link not in known:
                        self._had.add(link)
                        pages.append(threads.submit(self._get, link))
                times.append(time.monotonic())

            for feed in [threads.submit(read, url) for url in self._urls]:
                feed.result()
            got = sum(bool(page.result()) for page in pages)
        return {"answered_at": times, "articles": {"fetched": got}, "asked_articles": len(pages)}

    def _get(self, url: str) -> bytes:
        """Return the body, empty for whatever went wrong."""
        for _ in range(REDIRECTS):
            parts = urlsplit(url)
            connection = http.client.HTTPConnection(
                self._address or parts.hostname or "", parts.port or 80, timeout=PATIENCE
            )
            try:
                connection.request(
                    "GET",
                    parts.path + (f"?{parts.query}" if parts.query else ""),
                    headers={"Host": parts.netloc, "Accept-Encoding": "gzip"},
                )
                answer = connection.getresponse()
                body = answer.read(LARGEST)
                if answer.status in MOVED:
                    url = urljoin(url, answer.headers.get("location", ""))
                    continue
                if answer.status != GOOD:
                    return b""
                packed = answer.headers.get("content-encoding") == "gzip"
                return decompress(body) if packed else body
            except (OSError, http.client.HTTPException):
                return b""
            finally:
                connection.close()
        return b""


@asynccontextmanager
async def opened(given: dict[str, Any]) -> AsyncIterator[Naive]:
    """Make a client of the feeds that the bench names."""
    yield Naive([source["url"] for source in given["sources"]], given.get("address", ""))


if __name__ == "__main__":
    asyncio.run(converse(opened))
