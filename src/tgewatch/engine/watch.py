"""From polls to a watch: one round now, or without end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from tgewatch.clock import Clock
from tgewatch.engine.cycle import ARTICLE_QUEUE, Cycle
from tgewatch.engine.deliver import Deliverer
from tgewatch.engine.poller import Poller
from tgewatch.engine.report import CycleReport
from tgewatch.engine.schedule import Schedule
from tgewatch.engine.warm import choose, warm
from tgewatch.model import Source
from tgewatch.ports import Store
from tgewatch.settings import Settings

log = logging.getLogger(__name__)

LAST_WORDS = 15.0
"""Seconds for the deliveries that are left when a round is over."""
GRACE = 10.0
"""Seconds that polls get to finish when an endless watch is stopped."""
CHORES = 60.0
"""Seconds between the reports of an endless watch, and looks at what waits in the store."""
HOUSEKEEPING = 6 * 3600.0
"""Seconds between sweeps of what may be forgotten."""


class Watch:
    """Owns the schedule and decides what is polled when. Deliveries run beside the polls."""

    def __init__(
        self,
        *,
        settings: Settings,
        schedule: Schedule,
        poller: Poller,
        store: Store,
        deliverer: Deliverer,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._sources = {source.url: source for source in settings.sources}
        self._schedule = schedule
        self._poller = poller
        self._store = store
        self._deliverer = deliverer
        self._clock = clock
        self.articles_after = 0.0
        """Seconds that an article is overdue before an endless watch looks after it: among workers,
        who read the articles of their polls themselves."""

    async def prepare(self) -> None:
        """Load what is remembered of the sources into the schedule."""
        states = await self._store.source_states(list(self._sources))
        self._poller.remember(states)
        for url, source in self._sources.items():
            self._schedule.add(source, states.get(url))

    async def scan(
        self, *, everything: bool = False, warm: int = 0, deadline: float | None = None
    ) -> CycleReport:
        """Do one round over what is due, or over `everything`, and tell what it found.

        Up to `warm` more sources are polled before their time, the most at risk first. `deadline`
        is in seconds; without it the settings' holds.
        """
        urls = list(self._sources)
        if everything:
            return await self._round(urls, deadline)
        now = self._clock.now()
        urls = self._schedule.due(now, len(urls))
        if not warm:
            return await self._round(urls, deadline)
        ahead = choose(self._schedule, polls=warm, now=now)
        report = await self._round([*urls, *ahead.expected], deadline)
        report.warmed = ahead.outcome(report)
        return report

    async def warm(self, polls: int, *, deadline: float | None = None) -> CycleReport:
        """Poll up to `polls` sources, due or not, the most at risk first, and tell what it found.

        For whoever is about to read a batch, and cannot wait for a whole round. The polls are paid
        for from the same budget as all others. Not while `scan` or `run` is under way.
        """
        return await warm(
            self._schedule,
            lambda urls: self._round(urls, deadline),
            polls=polls,
            now=self._clock.now(),
        )

    async def _round(self, urls: Sequence[str], deadline: float | None) -> CycleReport:
        """Poll these sources once, and tell what that brought."""
        begun = self._clock.monotonic()
        report = CycleReport(started=self._clock.now())
        report.not_due = len(self._sources) - len(urls)
        self._poller.progress.started(len(urls))
        cycle = Cycle(self._poller, settings=self._settings.cycle, report=report)
        try:
            await self._store.advance(report.started)
            waiting = await self._store.article_retries(report.started, limit=ARTICLE_QUEUE)
            async with self._telling(lambda: report):
                try:
                    async with asyncio.timeout(deadline or self._settings.cycle.deadline):
                        await cycle.run(_each([self._sources[url] for url in urls]), waiting)
                except TimeoutError:
                    self._late(len(cycle.begun))
        finally:
            self._put_back(urls)
        report.unfinished = len(urls) - report.polled - report.deferred
        report.finished = self._clock.now()
        report.seconds = self._clock.monotonic() - begun
        return report

    async def run(self, stop: asyncio.Event, *, reported: Callable[[CycleReport], None]) -> None:
        """Poll what falls due until `stop` is set; `reported` gets a report every minute.

        On `stop`, polls under way get a few seconds to finish and what waits is told once more.
        """
        report = CycleReport(started=self._clock.now())
        cycle = Cycle(self._poller, settings=self._settings.cycle, report=report)
        async with self._telling(lambda: cycle.report), asyncio.TaskGroup() as group:
            chores = group.create_task(self._chores(cycle, reported))
            polling = group.create_task(cycle.run(self._falling_due(cycle, stop)))
            await stop.wait()
            done, _ = await asyncio.wait([polling], timeout=GRACE)
            if not done:
                self._late(len(cycle.begun))
                self._put_back(cycle.begun)
                polling.cancel()
            chores.cancel()

    async def _falling_due(self, cycle: Cycle, stop: asyncio.Event) -> AsyncIterator[Source]:
        while not stop.is_set():
            now = self._clock.now()
            for url in self._schedule.due(now, max(0, cycle.free)):
                yield self._sources[url]
            following = self._schedule.next_due()
            tick = self._settings.cycle.tick
            wait = tick if following is None else min(tick, max(0.02, following - now))
            await _either(stop, wait)

    async def _chores(self, cycle: Cycle, reported: Callable[[CycleReport], None]) -> None:
        swept = self._clock.now()
        while True:
            await self._clock.sleep(CHORES)
            now = self._clock.now()
            await self._store.advance(now)
            overdue = now - self.articles_after
            cycle.read(await self._store.article_retries(overdue, limit=ARTICLE_QUEUE))
            self._poller.news.set()  # deliveries that were put off may be due
            if now - swept > HOUSEKEEPING:
                swept = now
                await self._store.forget(now)
            reported(cycle.turn_page(now))

    @asynccontextmanager
    async def _telling(self, report: Callable[[], CycleReport]) -> AsyncIterator[None]:
        """Deliver beside the body whatever it brings, and what is left after it."""
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell(report, over))
            try:
                yield
            finally:
                over.set()
                self._poller.news.set()

    async def _tell(self, report: Callable[[], CycleReport], over: asyncio.Event) -> None:
        while True:
            await self._poller.news.wait()
            self._poller.news.clear()
            last = over.is_set()
            told = await self._deliverer.drain(LAST_WORDS)
            report().deliveries.update(told.total())
            if last:
                return

    @staticmethod
    def _late(unfinished: int) -> None:
        log.warning("deadline reached", extra={"unfinished": unfinished})

    def _put_back(self, urls: Iterable[str]) -> None:
        """Return what was not polled after all, as due as it was; what was is there already."""
        for url in urls:
            self._schedule.put_back(url)


async def _each(sources: Sequence[Source]) -> AsyncIterator[Source]:
    for source in sources:
        yield source


async def _either(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
