"""Many polls at once: bounded in number and time, and none can stop another."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from tgewatch.engine.report import CycleReport
from tgewatch.model import Source
from tgewatch.ports import Waiting
from tgewatch.settings import CycleSettings

log = logging.getLogger(__name__)

ARTICLE_WORKERS = 32
ARTICLE_QUEUE = 1_000
"""Items that wait for their article at once; polls wait when it is full."""


class Polls(Protocol):
    """What a cycle asks of a Poller."""

    async def poll(self, source: Source, report: CycleReport) -> list[Waiting]:
        """Poll and store; return the items whose article is wanted."""

    async def crashed(self, source: Source, error: Exception, report: CycleReport) -> None:
        """Store that the source could not be polled for a bug of ours."""

    async def read_article(self, waiting: Waiting, report: CycleReport) -> None:
        """Read the article of an item, and store what follows."""


class Cycle:
    """Polls what it is fed until there is no more, and reads the articles that this brings.

    A cycle that is cancelled (by its deadline, or a signal) leaves nothing half-done: what was not
    stored is simply still due.
    """

    def __init__(self, poller: Polls, *, settings: CycleSettings, report: CycleReport) -> None:
        self._poller = poller
        self._settings = settings
        self.report = report
        """Counts so far; `turn_page` begins another."""
        self._todo: asyncio.Queue[Source] = asyncio.Queue(settings.concurrency)
        self._articles: asyncio.Queue[Waiting] = asyncio.Queue(ARTICLE_QUEUE)
        self._reading: set[tuple[str, str]] = set()
        self.begun: set[str] = set()
        """URLs of sources that were taken and not yet stored."""

    @property
    def free(self) -> int:
        """How many more sources would be polled at once."""
        return self._settings.concurrency - len(self.begun)

    async def run(self, sources: AsyncIterator[Source], waiting: Sequence[Waiting] = ()) -> None:
        """Poll `sources` as they come, and read the articles of `waiting` and of what they bring."""
        async with asyncio.TaskGroup() as group:
            workers = [
                *(group.create_task(self._poll()) for _ in range(self._settings.concurrency)),
                *(group.create_task(self._read_articles()) for _ in range(ARTICLE_WORKERS)),
            ]
            self.read(waiting)
            async for source in sources:
                self.begun.add(source.url)
                await self._todo.put(source)
            await self._todo.join()
            await self._articles.join()
            for worker in workers:
                worker.cancel()

    def read(self, waiting: Sequence[Waiting]) -> None:
        """Have these articles read too; what finds no place now stays in the store for later."""
        for one in waiting:
            if not self._articles.full() and self._take(one):
                self._articles.put_nowait(one)

    def turn_page(self, now: float) -> CycleReport:
        """Return the report up to `now` and begin another."""
        finished, self.report = self.report, CycleReport(started=now)
        finished.finished = now
        finished.seconds = now - finished.started
        return finished

    def _take(self, waiting: Waiting) -> bool:
        """Note that an article is about to be read; False when it already is."""
        name = (waiting.source, waiting.judged.item.key)
        if name in self._reading:
            return False
        self._reading.add(name)
        return True

    async def _poll(self) -> None:
        while True:
            source = await self._todo.get()
            try:
                for one in await self._poller.poll(source, self.report):
                    if self._take(one):
                        await self._articles.put(one)
            except Exception as error:  # the task boundary: one bad source stops no other
                log.exception("poll crashed", extra={"url": source.url})
                await self._poller.crashed(source, error, self.report)
            finally:
                self._todo.task_done()
            self.begun.discard(source.url)

    async def _read_articles(self) -> None:
        while True:
            waiting = await self._articles.get()
            try:
                await self._poller.read_article(waiting, self.report)
            except Exception as error:  # as above
                log.exception("article crashed", extra={"url": waiting.judged.item.url})
                self.report.crashed[type(error).__name__] += 1
            finally:
                self._reading.discard((waiting.source, waiting.judged.item.key))
                self._articles.task_done()
