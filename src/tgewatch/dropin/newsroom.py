"""The real program over a pipeline's lists: a round, and the articles that it brought."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tgewatch.app import Program, Web, open_program
from tgewatch.clock import Clock
from tgewatch.dropin.article import Terms, article_of, best_first
from tgewatch.dropin.returned import Returned
from tgewatch.engine.report import CycleReport
from tgewatch.metrics.metering import Metering
from tgewatch.metrics.timed import PassingStore
from tgewatch.model import Judged, Poll, Source, SourceState, Stored
from tgewatch.ports import Reading, SourceReader, Store
from tgewatch.settings import Settings

SHORTEST = 0.1
"""Seconds that a round gets at least."""
FORGET_EVERY = 6 * 3_600.0
"""Seconds between sweeps of what the store may forget."""
CANDIDATES = 20_000
"""Articles at most that one round hands out; the rest comes with the next."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one call for articles brought."""

    articles: list[dict[str, Any]]
    """Best first; none that was handed out before."""
    report: CycleReport


class Ear:
    """Hears what is stored, and what feeds call themselves."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], tuple[Source, Judged]] = {}
        """Relevant items by source and key."""
        self.titles: dict[str, str] = {}
        self.full = False
        """Whether something relevant found no place; it is in the store."""

    def store(self, store: Store) -> Store:
        return _Overheard(store, self)

    def readers(self, readers: Mapping[str, SourceReader]) -> Mapping[str, SourceReader]:
        return {kind: _Titled(reader, self.titles) for kind, reader in readers.items()}

    def hear(self, source: Source, judged: Sequence[Judged]) -> None:
        """Take the latest word on each item."""
        for one in judged:
            name = (source.url, one.item.key)
            if one.claim is None:
                self.found.pop(name, None)
            elif len(self.found) < CANDIDATES or name in self.found:
                self.found[name] = (source, one)
            else:
                self.full = True

    def take(self) -> dict[tuple[str, str], tuple[Source, Judged]]:
        """Return what was found, and begin anew."""
        found, self.found = self.found, {}
        return found


class _Overheard(PassingStore):
    """A store that tells what was stored."""

    def __init__(self, store: Store, ear: Ear) -> None:
        super().__init__(store)
        self._ear = ear

    async def commit_poll(self, poll: Poll) -> Stored:
        stored = await super().commit_poll(poll)
        self._ear.hear(poll.source, poll.judged)
        return stored

    async def commit_rejudged(
        self, source: Source, judged: Sequence[Judged], *, at: float
    ) -> Stored:
        stored = await super().commit_rejudged(source, judged, at=at)
        self._ear.hear(source, judged)
        return stored


class _Titled:
    def __init__(self, reader: SourceReader, titles: dict[str, str]) -> None:
        self._reader = reader
        self._titles = titles

    async def read(
        self, url: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> Reading:
        reading = await self._reader.read(url, state, headers)
        if reading.title:
            self._titles[state.url] = reading.title
        return reading


class Newsroom:
    """One watchlist, open. Rounds never overlap."""

    def __init__(
        self, program: Program, *, ear: Ear, terms: Terms, returned: Returned, clock: Clock
    ) -> None:
        self.program = program
        self._ear = ear
        self._terms = terms
        self._returned = returned
        self._clock = clock
        self._turn = asyncio.Lock()
        self._recovered = False
        self._swept = clock.now()
        self._sources = {source.url: source for source in program.settings.sources}

    def __repr__(self) -> str:
        return f"<Newsroom {len(self._sources)} sources, {self._returned!r}>"

    async def round(self, *, deadline: float) -> Round:
        """Poll every source once, and return what is relevant and was not handed out before.

        `deadline` is in seconds, the wait for another round to end included. What it cuts off comes
        with the next round; so does what an earlier process stored and did not get to hand out.
        """
        until = self._clock.monotonic() + deadline
        try:
            async with asyncio.timeout(deadline):
                await self._turn.acquire()
        except TimeoutError:
            return Round([], CycleReport(started=self._clock.now()))
        try:
            began = self._clock.now()
            if not self._recovered:
                await self._recover()
            left = max(SHORTEST, until - self._clock.monotonic())
            report = await self.program.watch.scan(everything=True, deadline=left)
            return Round(await self._hand_out(began), report)
        finally:
            self._turn.release()

    async def _hand_out(self, began: float) -> list[dict[str, Any]]:
        articles: dict[str, dict[str, Any]] = {}
        for source, judged in self._ear.take().values():
            url = judged.item.url
            if url in self._returned:
                continue
            title = self._ear.titles.get(source.url, "")
            made = article_of(judged, source, feed_title=title, terms=self._terms)
            known = articles.get(url)
            if known is None or made["confidence"] > known["confidence"]:
                articles[url] = made
        now = self._clock.now()
        self._recovered = not self._ear.full
        done = self._returned.done if self._ear.full else began
        self._ear.full = False
        await self._returned.add(self.program.store, articles, began=done, now=now)
        if now - self._swept > FORGET_EVERY:
            self._swept = now
            await self.program.store.forget(now)
        return best_first(articles.values())

    async def _recover(self) -> None:
        """Find what was stored since the last round that was handed out."""
        by_name = {source.name: source for source in self._sources.values()}
        async for record in self.program.store.records(self._returned.done):
            judged = record.judged
            if judged.item.url in self._returned:
                continue
            source = self._sources.get(judged.item.source) or by_name.get(record.source)
            if source is not None and judged.claim is not None:
                self._ear.hear(source, (judged,))


@asynccontextmanager
async def open_newsroom(
    settings: Settings, *, keywords: Sequence[str], clock: Clock, web: Web, metering: Metering
) -> AsyncIterator[Newsroom]:
    """Open the store and the program over it, and close them when the block ends.

    Raises StoreBusyError when another process watches the same lists from the same folder.
    """
    ear = Ear()
    async with open_program(
        settings, clock=clock, progress=_Unseen(), web=web, metering=metering, tap=ear
    ) as program:
        yield Newsroom(
            program,
            ear=ear,
            terms=Terms(settings.companies, keywords),
            returned=await Returned.load(program.store),
            clock=clock,
        )


class _Unseen:
    """Shows nothing."""

    def started(self, sources: int) -> None:
        """Ignore it."""

    def polled(self, source: str, outcome: str, new: int, found: int, seconds: float) -> None:
        """Ignore it."""


def writable(folder: Path) -> Path:
    """Return the folder, made if need be, or a temporary one where it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="tgewatch-"))
