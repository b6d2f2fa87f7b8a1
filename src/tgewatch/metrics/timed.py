"""The ports with a clock beside them: each times what it passes on, and changes nothing.

Operations are named component.operation: engine.poll, rss.fetch, feed.parse, detect.judge,
store.lookup, store.commit, article.fetch, article.extract, and a channel's name with deliver.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import TypeVar
from urllib.parse import urlsplit

from tgewatch.clock import Clock
from tgewatch.detect.detector import Detector
from tgewatch.metrics.recorder import Recorder
from tgewatch.model import (
    Company,
    Delivery,
    Item,
    Judged,
    Match,
    Notice,
    Poll,
    Source,
    SourceState,
    Stored,
    Verdict,
)
from tgewatch.ports import (
    Channel,
    Fetcher,
    Progress,
    Reading,
    Request,
    Response,
    SourceReader,
    Store,
    Waiting,
)
from tgewatch.settings import DetectionSettings

T = TypeVar("T")

HOSTS = 20_000
"""Hosts whose idle connections are remembered."""

_waited: ContextVar[list[float] | None] = ContextVar("waited", default=None)
"""Seconds that the reading under way has waited for the network."""


class TimedFetcher:
    """A Fetcher over the network, without a cache in between.

    Also counts the requests that could have found an open connection, and those that did.
    """

    def __init__(
        self, fetcher: Fetcher, *, recorder: Recorder, clock: Clock, keep_alive: float
    ) -> None:
        self._fetcher = fetcher
        self._recorder = recorder
        self._clock = clock
        self._keep_alive = keep_alive
        self._idle: OrderedDict[str, list[float]] = OrderedDict()
        """Host → since when its connections, as far as we know, are open and idle."""

    async def fetch(self, request: Request) -> Response:
        """Return what the fetcher returns, or raise what it raises."""
        begun, host = self._clock.monotonic(), urlsplit(request.url).netloc
        possible, failed = self._take_idle(host, begun), True
        try:
            response = await self._fetcher.fetch(request)
            failed = False
        finally:
            seconds = self._clock.monotonic() - begun
            self._recorder.observe("fetch", seconds, request.pool, failed=failed)
            if (waited := _waited.get()) is not None:
                waited.append(seconds)
        self._leave_idle(host)
        if possible or response.reused:
            self._recorder.count("connections_possible")
            self._recorder.count("connections_kept", int(response.reused))
        return response

    def _take_idle(self, host: str, now: float) -> bool:
        since = [at for at in self._idle.pop(host, ()) if now - at < self._keep_alive]
        found = bool(since)
        if since:
            since.pop()
        if since:
            self._idle[host] = since
        return found

    def _leave_idle(self, host: str) -> None:
        self._idle.setdefault(host, []).append(self._clock.monotonic())
        if len(self._idle) > HOSTS:
            self._idle.popitem(last=False)


class TimedReader:
    """A SourceReader: parsing is what a reading takes beyond its fetches."""

    def __init__(
        self, reader: SourceReader, *, kind: str, recorder: Recorder, clock: Clock
    ) -> None:
        self._reader = reader
        self._kind = kind
        self._recorder = recorder
        self._clock = clock

    async def read(
        self, url: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> Reading:
        """Return what the reader returns, or raise what it raises."""
        begun, waited = self._clock.monotonic(), list[float]()
        token = _waited.set(waited)
        try:
            reading = await self._reader.read(url, state, headers)
        finally:
            _waited.reset(token)
        if not reading.unchanged:
            seconds = self._clock.monotonic() - begun - sum(waited)
            self._recorder.observe("parse", seconds, self._kind)
        return reading


class TimedDetector(Detector):
    """A Detector whose verdicts are timed; the early filter costs less than timing it would."""

    def __init__(
        self, companies: Sequence[Company], settings: DetectionSettings, *, recorder: Recorder
    ) -> None:
        super().__init__(companies, settings)
        self._recorder = recorder

    def judge(
        self,
        item: Item,
        *,
        source: Source | None = None,
        article: str = "",
        matches: Sequence[Match] | None = None,
    ) -> Verdict:
        """Return what the detector returns."""
        with self._recorder.timer("judge", "detect"):
            return super().judge(item, source=source, article=article, matches=matches)


class PassingStore:
    """A Store that passes everything on; to be told of some of it, override that."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def source_states(self, urls: Sequence[str]) -> Mapping[str, SourceState]:
        return await self._store.source_states(urls)

    async def unseen(self, items: Sequence[Item]) -> Mapping[str, str]:
        return await self._store.unseen(items)

    async def commit_poll(self, poll: Poll) -> Stored:
        return await self._store.commit_poll(poll)

    async def article_retries(self, now: float, *, limit: int) -> Sequence[Waiting]:
        return await self._store.article_retries(now, limit=limit)

    async def commit_rejudged(
        self, source: Source, judged: Sequence[Judged], *, at: float
    ) -> Stored:
        return await self._store.commit_rejudged(source, judged, at=at)

    async def advance(self, now: float) -> Stored:
        return await self._store.advance(now)

    async def forget(self, now: float) -> int:
        return await self._store.forget(now)

    async def pending(self, now: float, *, limit: int, channel: str = "") -> Sequence[Delivery]:
        return await self._store.pending(now, limit=limit, channel=channel)

    async def delivered(self, key: str, at: float) -> None:
        await self._store.delivered(key, at)

    async def postponed(self, key: str, *, attempts: int, next_at: float, error: str) -> None:
        await self._store.postponed(key, attempts=attempts, next_at=next_at, error=error)

    async def buried(self, key: str, *, attempts: int, error: str) -> None:
        await self._store.buried(key, attempts=attempts, error=error)


class TimedStore(PassingStore):
    """A Store; also counts what comes in."""

    def __init__(self, store: Store, *, recorder: Recorder) -> None:
        super().__init__(store)
        self._recorder = recorder

    async def unseen(self, items: Sequence[Item]) -> Mapping[str, str]:
        with self._recorder.timer("lookup", "store"):
            found = await super().unseen(items)
        self._recorder.count("items_seen", len(items))
        self._recorder.count("items_known", len(items) - len(found))
        return found

    async def commit_poll(self, poll: Poll) -> Stored:
        with self._recorder.timer("commit", "store"):
            stored = await super().commit_poll(poll)
        count, judged = self._recorder.count, poll.judged
        count("items_new", sum(not one.edited for one in judged))
        count("items_dropped_early", sum(one.stage == "match" for one in judged))
        count("articles_wanted", sum(one.article_retry_at is not None for one in judged))
        count("changes", len(stored.transitions))
        return stored

    async def commit_rejudged(
        self, source: Source, judged: Sequence[Judged], *, at: float
    ) -> Stored:
        with self._recorder.timer("commit", "store"):
            stored = await super().commit_rejudged(source, judged, at=at)
        self._recorder.count("changes", len(stored.transitions))
        return stored


class TimedChannel:
    """A Channel."""

    def __init__(self, channel: Channel, *, recorder: Recorder) -> None:
        self._channel = channel
        self._recorder = recorder
        self.name = channel.name

    async def send(self, notice: Notice, *, key: str) -> None:
        """Return once the channel has sent it, or raise what it raises."""
        with self._recorder.timer("deliver", self.name):
            await self._channel.send(notice, key=key)


class TimedProgress:
    """A Progress that also keeps the longest poll since it was last asked."""

    def __init__(self, progress: Progress, *, recorder: Recorder) -> None:
        self._progress = progress
        self._recorder = recorder
        self._longest = 0.0

    def started(self, sources: int) -> None:
        self._progress.started(sources)

    def polled(self, source: str, outcome: str, new: int, found: int, seconds: float) -> None:
        self._recorder.observe("poll", seconds, "engine", failed=outcome == "failed")
        self._recorder.count("polls")
        self._recorder.count("polls_failed", int(outcome == "failed"))
        self._longest = max(self._longest, seconds)
        self._progress.polled(source, outcome, new, found, seconds)

    def take_longest(self) -> float:
        """Return the seconds of the longest poll, and begin anew."""
        longest, self._longest = self._longest, 0.0
        return longest


def timed(
    function: Callable[..., Awaitable[T]], *, recorder: Recorder, operation: str, component: str
) -> Callable[..., Awaitable[T]]:
    """Return the function with its calls timed."""

    async def call(*args: object, **named: object) -> T:
        with recorder.timer(operation, component):
            return await function(*args, **named)

    return call
