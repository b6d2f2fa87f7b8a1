"""What one poll does: read, judge, schedule, store; and later the article of an item."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from tgewatch.clock import Clock
from tgewatch.engine.health import after_poll
from tgewatch.engine.pipeline import Pipeline
from tgewatch.engine.report import CycleReport
from tgewatch.engine.schedule import Schedule
from tgewatch.errors import TgewatchError, TransientError
from tgewatch.model import Judged, Outgoing, Poll, Source, SourceState, Stored
from tgewatch.ports import Progress, Reading, SourceReader, Store, Waiting
from tgewatch.settings import Settings

UNASKED = frozenset({"busy", "throttled"})
"""Causes of a failure for which nothing was sent: docs/fetching.md."""


class SourceNotices(Protocol):
    """Says what is worth telling about a source's health."""

    def __call__(
        self, source: Source, before: SourceState, after: SourceState, now: float
    ) -> Sequence[Outgoing]:
        """Return the notices for the outbox; none when nothing changed."""


class Settled(Protocol):
    """Hears what was stored of items, once no article of theirs is to be read any more."""

    def __call__(self, source: Source, judged: Sequence[Judged], *, baseline: bool) -> None:
        """Take note; it does not wait."""


def unheard(source: Source, judged: Sequence[Judged], *, baseline: bool) -> None:
    """Hear nothing."""


class Poller:
    """Takes one source, or one item's article, the whole way into the store."""

    def __init__(
        self,
        *,
        settings: Settings,
        readers: Mapping[str, SourceReader],
        pipeline: Pipeline,
        schedule: Schedule,
        store: Store,
        notices: SourceNotices,
        clock: Clock,
        progress: Progress,
        settled: Settled = unheard,
    ) -> None:
        self._settings = settings
        self._settled = settled
        self._sources = {source.url: source for source in settings.sources}
        self._readers = readers
        self._pipeline = pipeline
        self._schedule = schedule
        self._store = store
        self._notices = notices
        self._clock = clock
        self.progress = progress
        self.news = asyncio.Event()
        """Set when something new waits in the outbox."""
        self._states: dict[str, SourceState] = {}

    def remember(self, states: Mapping[str, SourceState]) -> None:
        """Take over what the store knows of the sources."""
        self._states.update(states)

    def forget(self, url: str) -> None:
        """Know nothing of a source, as it is polled elsewhere too; one that is unknown is no error."""
        self._states.pop(url, None)

    async def poll(self, source: Source, report: CycleReport) -> list[Waiting]:
        """Read one source and store what follows; return the items whose article is wanted."""
        begun = self._clock.monotonic()
        before = self._states.get(source.url) or SourceState(url=source.url)
        result: Reading | TgewatchError
        try:
            result = await self._readers[source.kind].read(
                before.location or source.url, before, source.headers
            )
        except TransientError as error:
            if error.cause in UNASKED:
                self._defer(source, error, report)
                return []
            result = error.with_traceback(None)
        except TgewatchError as error:
            # Kept as a value, with its traceback it would keep all that was at work alive.
            result = error.with_traceback(None)
        judged = await self._judge(source, before, result, report)
        await self._store_poll(source, before, result, judged, report=report, begun=begun)
        return [
            Waiting(source.url, one, before.baseline_at is None)
            for one in judged
            if one.article_retry_at is not None
        ][: self._settings.cycle.articles]

    def _defer(self, source: Source, error: TransientError, report: CycleReport) -> None:
        """Leave a source for later whose host was not even asked: no failure, and no news."""
        report.deferred += 1
        self._schedule.defer(source.url, self._clock.now() + (error.retry_after or 0.0))
        self.progress.polled(source.url, "deferred", 0, 0, 0.0)

    async def crashed(self, source: Source, error: Exception, report: CycleReport) -> None:
        """Store that a bug of ours kept the source from being read; it backs off like a failure."""
        name = type(error).__name__
        report.crashed[name] += 1
        before = self._states.get(source.url) or SourceState(url=source.url)
        failure = TransientError(f"{name}: {error}", cause="crash")
        begun = self._clock.monotonic()
        await self._store_poll(source, before, failure, (), report=report, begun=begun)

    async def read_article(self, waiting: Waiting, report: CycleReport) -> None:
        """Read one article, judge its item again and store what follows."""
        source = self._sources.get(waiting.source)
        if source is None:  # no longer on the watchlist
            return
        again = await self._pipeline.read_article(
            source,
            waiting.judged,
            now=self._clock.now(),
            deadline=self._settings.fetch.article.total,
            baseline=waiting.baseline,
        )
        stored = await self._store.commit_rejudged(source, (again,), at=self._clock.now())
        report.count((again,), stored, again=True)
        if stored.outgoing:
            self.news.set()
        if again.article_retry_at is None:
            self._settled(source, (again,), baseline=waiting.baseline)

    async def _judge(
        self,
        source: Source,
        before: SourceState,
        result: Reading | TgewatchError,
        report: CycleReport,
    ) -> tuple[Judged, ...]:
        if isinstance(result, TgewatchError) or not result.items:
            return ()
        unseen = await self._store.unseen(result.items)
        report.seen += len(result.items)
        now = self._clock.now()
        items = result.items
        if before.baseline_at is None:
            # Newest first, so that an old story is told as it stands and not step by step.
            items = sorted(items, key=lambda item: -(item.published or 0.0))
        return tuple(
            self._pipeline.judge(
                source,
                item,
                now=now,
                baseline=before.baseline_at is None,
                edited=unseen[item.key] == "edited",
            )
            for item in items
            if item.key in unseen
        )

    async def _store_poll(
        self,
        source: Source,
        before: SourceState,
        result: Reading | TgewatchError,
        judged: tuple[Judged, ...],
        *,
        report: CycleReport,
        begun: float,
    ) -> None:
        now = self._clock.now()
        elapsed = self._clock.monotonic() - begun
        after = self._after(source, before, result, judged, now=now, elapsed=elapsed)
        stored = await self._store.commit_poll(
            Poll(
                source=source,
                at=now,
                state=after,
                outcome=_outcome(result),
                judged=judged,
                notices=tuple(self._notices(source, before, after, now)),
            )
        )
        self._states[source.url] = after
        if stored.outgoing:
            self.news.set()
        final = [one for one in judged if one.article_retry_at is None]
        self._settled(source, final, baseline=before.baseline_at is None)
        self._count(source, result, judged, stored, report, seconds=elapsed)

    def _after(
        self,
        source: Source,
        before: SourceState,
        result: Reading | TgewatchError,
        judged: Sequence[Judged],
        *,
        now: float,
        elapsed: float,
    ) -> SourceState:
        """Let the schedule learn from the poll, and return what to remember of the source."""
        fresh = [one for one in judged if not one.edited]
        first = before.baseline_at is None
        reading = result if isinstance(result, Reading) else None
        following = self._schedule.report(
            source.url,
            at=now,
            outcome=_outcome(result),
            published=[
                now if one.item.published is None else one.item.published
                for one in fresh
                if not (first and one.item.published is None)
            ],
            relevant=sum(one.claim is not None for one in fresh),
            fresh_for=reading.fresh_for if reading else None,
            retry_after=getattr(result, "retry_after", None),
            hints=reading.hints if reading else None,
            shown=len(reading.items) if reading else 0,
            # Of the answer alone: what we made it wait for is no fault of the source.
            elapsed=reading.elapsed if reading else elapsed,
        )
        return after_poll(
            source, before, result, now=now, next=following, settings=self._settings.polling
        )

    def _count(
        self,
        source: Source,
        result: Reading | TgewatchError,
        judged: Sequence[Judged],
        stored: Stored,
        report: CycleReport,
        *,
        seconds: float,
    ) -> None:
        outcome = _outcome(result)
        report.polled += 1
        if isinstance(result, TgewatchError):
            cause = getattr(result, "cause", "error")
            report.failed[cause] += 1
            report.causes[source.url] = cause
            report.failures[source.url] = str(result)
        elif outcome == "unchanged":
            report.unchanged += 1
        else:
            report.changed += 1
        new = sum(not one.edited for one in judged)
        if outcome != "failed":
            report.news[source.url] = new
        report.new += new
        report.edited += len(judged) - new
        report.count(judged, stored)
        self.progress.polled(source.url, outcome, new, len(stored.transitions), seconds)


def _outcome(result: Reading | TgewatchError) -> str:
    if isinstance(result, TgewatchError):
        return "failed"
    return "unchanged" if result.unchanged else "changed"
