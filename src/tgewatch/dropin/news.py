"""The news scraper under the name of the specification: the real program, or one that exists."""

import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from random import Random
from typing import Any

from tgewatch.app import Web
from tgewatch.clock import SystemClock
from tgewatch.dropin import guest, watchlist
from tgewatch.dropin.bridge import Held
from tgewatch.dropin.caching import get_cache_manager
from tgewatch.dropin.deadline import seconds_of
from tgewatch.dropin.monitor import get_performance_monitor
from tgewatch.dropin.newsroom import Newsroom, Round, open_newsroom, writable
from tgewatch.dropin.process import process, state_folder
from tgewatch.dropin.sessions import get_session_manager
from tgewatch.dropin.telling import tell
from tgewatch.engine.report import CycleReport
from tgewatch.errors import TransientError
from tgewatch.fetch.client import Client
from tgewatch.fetch.transport import Transport
from tgewatch.metrics.intake import Intake
from tgewatch.metrics.metering import Metering
from tgewatch.metrics.recorder import Recorder

GRACE = 30.0
"""Seconds beyond its deadline in which a round may still store and close what it has."""
OPEN_SECONDS = 60.0
COMPONENT = "news_scraper"
ALSO_COUNTED = (
    "connections_opened",
    "connections_reused",
    "retries",
    "timeouts",
    "bytes_read",
    "rate_limit_violations",
)
"""Of what connections count, for the record of a cycle."""


class PerformanceOptimizedNewsScraper:
    """Polls feeds and returns what is relevant and new, best first.

    Made from lists, it is the real program with a store in the state folder; the same lists are
    the same scraper, also after a restart. Made from an object that has `fetch_all_articles`,
    plain or async, it calls that one and measures it.
    """

    def __init__(
        self,
        companies: Any,
        keywords: Iterable[str] = (),
        sources: Iterable[Any] = (),
        *,
        news_sources: Iterable[Any] | None = None,
        name: str = "",
    ) -> None:
        """Take names or dicts, phrases, and URLs. `name` tells the store apart instead of the lists.

        Opens and asks nothing yet. Raises ConfigError with all that is wrong with the lists.
        """
        self.base_scraper: Any = companies if hasattr(companies, "fetch_all_articles") else None
        self.cache_manager = get_cache_manager()
        self.session_manager = get_session_manager()
        self.perf_monitor = get_performance_monitor()
        self.perf_monitor.measured_elsewhere = _measured
        self.swarm_hooks: Any = None
        given = [] if self.base_scraper is not None else companies
        self.companies = watchlist.companies_of(given)
        self.keywords = watchlist.keywords_of(keywords)
        self.sources = watchlist.sources_of(sources if news_sources is None else news_sources)
        self._name = watchlist.named(name) or watchlist.identity(
            self.companies, self.keywords, self.sources
        )

    def __repr__(self) -> str:
        what = repr(self.base_scraper) if self.base_scraper else f"{len(self.sources)} sources"
        return f"<PerformanceOptimizedNewsScraper {what}>"

    def set_swarm_hooks(self, swarm_hooks: Any) -> None:
        """Tell these hooks of every cycle, as far as they have `notify` and `cache_updated`.

        A wrapped scraper gets them too.
        """
        self.swarm_hooks = swarm_hooks
        if hasattr(self.base_scraper, "set_swarm_hooks"):
            self.base_scraper.set_swarm_hooks(swarm_hooks)

    def fetch_all_articles(self, timeout: float | None = 120) -> list[dict[str, Any]]:
        """Return articles that are relevant and were not returned before, best first.

        After `timeout` seconds (None: 120) it returns what it has; the rest comes with the next
        call. Raises StoreBusyError when another process has the same scraper open, ValueError for a
        timeout that is none, and what a wrapped scraper raises.
        """
        seconds = seconds_of(timeout, default=120.0)
        monitor = self.perf_monitor
        begun = SystemClock().monotonic()
        with monitor.cycle(), monitor.timer("fetch_all_articles"):
            if self.base_scraper is not None:
                articles = guest.found_by(self.base_scraper.fetch_all_articles, timeout=seconds)
                feeds = 0
            else:
                brought = self._round(seconds)
                articles, feeds = brought.articles, brought.report.polled
            monitor.record_scraper_cycle(len(articles), feeds, SystemClock().monotonic() - begun)
        tell(self.swarm_hooks, f"{len(articles)} articles found")
        return articles

    def get_performance_stats(self) -> dict[str, Any]:
        """Return cache_stats, session_stats and component_stats."""
        return {
            "cache_stats": self.cache_manager.get_stats(),
            "session_stats": self.session_manager.get_metrics(),
            "component_stats": self.perf_monitor.get_component_stats(COMPONENT),
        }

    def _round(self, timeout: float) -> Round:
        desk = _desk()
        room = desk.room(self._name, self._open)
        with desk.counting() as counted:
            try:
                brought = room.bridge.run(
                    room.value.round(deadline=timeout), timeout=timeout + GRACE
                )
            except TimeoutError:
                raise TransientError(
                    f"the round did not end within {timeout + GRACE:.0f} s", cause="timeout"
                ) from None
        self._count(counted, brought.report)
        return brought

    def _open(self, desk: "_Desk") -> Held[Newsroom]:
        folder = writable(state_folder() / "drop-ins")
        settings = watchlist.settings_for(
            process().settings(),
            companies=self.companies,
            keywords=self.keywords,
            sources=self.sources,
            store=folder / f"{self._name}.db",
        )
        keywords, web, metering = self.keywords, desk.web, desk.metering

        def opening() -> Any:
            return open_newsroom(
                settings, keywords=keywords, clock=SystemClock(), web=web, metering=metering
            )

        held: Held[Newsroom] = desk.transport.bridge.hold(opening, timeout=OPEN_SECONDS)
        return held

    def _count(self, new: Mapping[str, int], report: CycleReport) -> None:
        """Tell monitor and cache what the round asked, and what it spared."""
        self.perf_monitor.add(
            COMPONENT,
            api_calls=new["api_calls"],
            cache_hits=new["cache_hits"] + new["cache_revalidated"],
            cache_misses=new["cache_misses"],
            articles_read=report.articles["fetched"],
            feeds_failed=sum(report.failed.values()),
            dropped_early=sum(report.dropped.get("match", {}).values()),
        )
        self.cache_manager.count(
            "rss", hits=new["cache_revalidated.rss"], misses=new["cache_misses.rss"]
        )
        for what in ALSO_COUNTED:
            self.perf_monitor.recorder.count(what, new[what])
        if new["items_seen"]:
            self.perf_monitor.record_deduplication(new["items_seen"], new["items_known"])


class _Desk:
    """What all news scrapers share: the way to the web, and open newsrooms."""

    def __init__(self, transport: Held[Transport]) -> None:
        cache, monitor = get_cache_manager().cache, get_performance_monitor()
        settings = process().settings()
        clock = SystemClock()
        self.transport = transport

        @asynccontextmanager
        async def opening() -> AsyncIterator[Client]:
            chance = Random()  # noqa: S311 - jitter
            made = Client(transport.value, settings.fetch, clock=clock, random=chance)
            async with made as client:
                yield client

        self._client = transport.bridge.hold(opening)
        client = self._client.value
        self.web = Web(transport.value, client, cache)
        self.metering = Metering(
            settings.metrics.model_copy(update={"enabled": True}),
            clock=clock,
            keep_alive=settings.fetch.keep_alive,
            recorder=monitor.recorder,
        )
        self._recorder = monitor.recorder
        self._intake = Intake(Recorder(clock=clock), pools=client.metrics, tiers=cache.stats)
        self._at_work = 0
        self._counting = threading.Lock()
        self._seen: Counter[str] = Counter()
        self._rooms: dict[tuple[str, Path], Held[Newsroom]] = {}
        self._opening = threading.Lock()

    def room(self, name: str, opening: Callable[["_Desk"], Held[Newsroom]]) -> Held[Newsroom]:
        """Return the newsroom of a name, opened when first asked for."""
        key = (name, state_folder())
        with self._opening:
            if key not in self._rooms:
                self._rooms[key] = opening(self)
            return self._rooms[key]

    @contextmanager
    def counting(self) -> Iterator[Counter[str]]:
        """Yield what will hold the counts of the body once it is over.

        Of several rounds at once, the one that ends takes what was counted so far.
        """
        with self._counting:
            if not self._at_work:
                self._intake.skip()
                self._seen = self._items()
            self._at_work += 1
        counted: Counter[str] = Counter()
        try:
            yield counted
        finally:
            with self._counting:
                self._at_work -= 1
                counted.update(self._intake.take())
                seen, self._seen = self._seen, self._items()
                counted.update(self._seen - seen)

    def _items(self) -> Counter[str]:
        counts = self._recorder.record().counts
        return Counter({what: counts.get(what, 0) for what in ("items_seen", "items_known")})

    def clear(self) -> None:
        """Close all newsrooms."""
        with self._opening:
            for room in self._rooms.values():
                room.release()
            self._rooms.clear()
        self._client.release()


class _Desks:
    """The desk that stands on the connections of the moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._desk: _Desk | None = None

    def current(self) -> _Desk:
        transport = get_session_manager().transport
        with self._lock:
            if self._desk is None or self._desk.transport is not transport:
                if self._desk is not None:
                    self._desk.clear()
                self._desk = _Desk(transport)
            return self._desk


def _desk() -> _Desk:
    return process().part("news", _Desks).current()


def _measured() -> dict[str, float | None]:
    """Return what cache and connections have measured.

    Reuse is over the requests for whose host a connection was open, where a scraper has counted
    them, and otherwise over all that were made.
    """
    sessions = get_session_manager().get_metrics()
    made = sessions["connection_reuses"] + sessions["connection_creates"]
    counts = get_performance_monitor().recorder.record().counts
    possible = counts.get("connections_possible", 0)
    kept = 100.0 * counts.get("connections_kept", 0) / possible if possible else None
    violations = sum(pool["statuses"].get(429, 0) for pool in sessions["pools"].values())
    return {
        "connection_reuse": kept or (sessions["connection_reuse_rate"] if made else None),
        "rate_limit_violations": float(violations) if made else None,
        "cache_megabytes": get_cache_manager().get_stats()["memory_used_mb"],
    }
