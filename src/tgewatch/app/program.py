"""A running program: everything that a watch needs, opened and closed in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, Protocol

from rich.console import Console

from tgewatch.app.hooks import Hooks, hook_metrics, unheard
from tgewatch.app.instances import counted
from tgewatch.app.opinions import open_opinions
from tgewatch.app.pauses import keep_pauses, remembered
from tgewatch.app.turns import open_turns
from tgewatch.app.web import Web, open_web
from tgewatch.clock import Clock
from tgewatch.detect.merge import merge
from tgewatch.engine.articles import Articles
from tgewatch.engine.deliver import Deliverer
from tgewatch.engine.offload import Offload
from tgewatch.engine.pipeline import Pipeline
from tgewatch.engine.poller import Poller, Settled
from tgewatch.engine.report import CycleReport
from tgewatch.engine.schedule import Schedule
from tgewatch.engine.watch import LAST_WORDS, Watch
from tgewatch.engine.x_desk import XDesk
from tgewatch.errors import TransientError
from tgewatch.fetch.adaptive import adaptive_from
from tgewatch.fetch.cache import Cache
from tgewatch.fetch.cached import CachedFetcher
from tgewatch.fetch.caller import HttpCaller
from tgewatch.fetch.client import Client
from tgewatch.fetch.poster import HttpPoster
from tgewatch.metrics.endpoint import Address, serve_metrics
from tgewatch.metrics.metering import Metering
from tgewatch.model import Source
from tgewatch.notify.channels import open_channels
from tgewatch.notify.router import Router
from tgewatch.parse.article import parse_article
from tgewatch.ports import Leases, Progress, SourceReader, Store
from tgewatch.rules import x_plan
from tgewatch.settings import Settings
from tgewatch.sources.feed import FeedReader
from tgewatch.sources.networks import network_readers
from tgewatch.sources.page import PageReader
from tgewatch.sources.x_parts import x_parts
from tgewatch.store import Access, SqlStore, open_store
from tgewatch.swarm import Swarm

ARTICLE_SECONDS = 10.0
"""For the extraction of one article's text."""
LOOK_SECONDS = 2.0
"""Between two looks of an endless watch at whether somebody watches its metrics."""


class Work(Protocol):
    """What a program does without end."""

    def __call__(
        self, stop: asyncio.Event, *, reported: Callable[[CycleReport], None]
    ) -> Awaitable[None]:
        """Work until `stop`; `reported` gets a report every minute."""


class Tap(Protocol):
    """Something that listens between the poller and its collaborators."""

    def store(self, store: Store) -> Store:
        """Return what the poller is given as its store."""

    def readers(self, readers: Mapping[str, SourceReader]) -> Mapping[str, SourceReader]:
        """Return what the poller is given as its readers."""


class Untapped:
    """A tap that nobody listens at."""

    def store(self, store: Store) -> Store:
        return store

    def readers(self, readers: Mapping[str, SourceReader]) -> Mapping[str, SourceReader]:
        return readers


@dataclass(frozen=True, slots=True)
class Program:
    """What runs."""

    settings: Settings
    clock: Clock
    store: SqlStore
    client: Client
    cache: Cache
    schedule: Schedule
    watch: Watch
    metering: Metering
    hooks: Hooks
    poller: Poller
    """Of the watch."""
    poller_by: Callable[[Schedule], Poller]
    """Makes another, of all sources but X, that is led by another schedule."""
    x: XDesk | None = None
    """None without a token."""

    def measured(self) -> dict[str, Any]:
        """Return what agents get to know of the last cycle."""
        return hook_metrics(self.metering, client=self.client, cache=self.cache, clock=self.clock)

    async def scan(
        self,
        *,
        everything: bool = False,
        warm: int = 0,
        deadline: float | None = None,
        kind: str = "scan",
    ) -> CycleReport:
        """Do one round, as Watch does, and record it as a cycle of that kind."""
        with self.hooks.task(kind, self.measured), self.metering.cycle(kind):
            report = await self.watch.scan(everything=everything, warm=warm, deadline=deadline)
            self._count_warmed(report)
            return report

    async def warm(self, polls: int, *, deadline: float | None = None) -> CycleReport:
        """Poll the most at risk ahead of a batch, as Watch does; counted, but no cycle."""
        report = await self.watch.warm(polls, deadline=deadline)
        self.metering.take()
        self._count_warmed(report)
        return report

    def _count_warmed(self, report: CycleReport) -> None:
        if report.warmed is not None:
            count = self.metering.recorder.count
            count("warm_polls", report.warmed.polls)
            count("warm_items_expected", round(report.warmed.expected))
            count("warm_items", report.warmed.found)

    async def run(
        self,
        stop: asyncio.Event,
        *,
        reported: Callable[[CycleReport], None],
        serving: Callable[[str], None] = lambda _: None,
        work: Work | None = None,
    ) -> None:
        """Watch without end, as Watch does; record each minute, and show what is measured.

        `serving` is told the URL of the metrics where the settings have an address for them.
        `work` takes the place of the watch.
        """

        def turned(report: CycleReport) -> None:
            self.metering.turn_page()
            self.hooks.minute(self.measured)
            kept.set()
            reported(report)

        kept = asyncio.Event()
        kept.set()
        async with AsyncExitStack() as stack:
            if self.settings.metrics.listen:
                address = Address.parse(self.settings.metrics.listen)
                bound = await stack.enter_async_context(serve_metrics(self.metering, address))
                serving(bound.url)
            group = await stack.enter_async_context(asyncio.TaskGroup())
            keeping = group.create_task(self._keep_metrics(kept))
            if self.x is not None and work is None:
                group.create_task(self.x.live(stop))
            self.metering.watch()
            try:
                with self.hooks.task("watch", self.measured):
                    await (work or self.watch.run)(stop, reported=turned)
            finally:
                keeping.cancel()
                self.metering.stop()
                self.hooks.end(self.metering.report)

    async def _keep_metrics(self, kept: asyncio.Event) -> None:
        """Write the metrics every minute, and every few seconds while somebody looks."""
        while True:
            if kept.is_set() or self.metering.is_watched():
                kept.clear()
                self.metering.take()
                await asyncio.to_thread(self.metering.save)
                with suppress(TransientError):  # the next minute is another try
                    await keep_pauses(self.store, self.client, clock=self.clock)
            await self.clock.sleep(LOOK_SECONDS)


@asynccontextmanager
async def open_program(
    settings: Settings,
    *,
    clock: Clock,
    progress: Progress,
    console_to_stderr: bool = False,
    lookup: Callable[..., Any] | None = None,
    random: Random | None = None,
    web: Web | None = None,
    metering: Metering | None = None,
    tap: Tap | None = None,
    hooks: Hooks | None = None,
    access: Access = Access.OWN,
    watched: Sequence[Source] | None = None,
    swarm: Swarm | None = None,
) -> AsyncIterator[Program]:
    """Open everything a watch needs, and close it in reverse.

    `lookup` takes the place of the system's name look-up. `web` and `metering` are shared with
    whoever opened them; without them the program has its own, and keeps its metrics in their file.
    `hooks` hear of its rounds. The watch itself polls the `watched` sources, and X; without them
    all that the settings have.
    Raises ConfigError, and StoreBusyError when another instance owns the store.
    """
    chance = random or Random()  # noqa: S311 - jitter
    router = Router(settings.channels)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(
                settings.store,
                root=settings.root,
                clock=clock,
                merge=merge,
                route=router.route,
                access=access,
            )
        )
        if web is None:
            opening = open_web(settings, clock=clock, lookup=lookup, random=chance, swarm=swarm)
            web = await stack.enter_async_context(opening)
        await stack.enter_async_context(remembered(store, web.client, clock=clock))
        if metering is None:
            metering = Metering(settings.metrics, clock=clock, keep_alive=settings.fetch.keep_alive)
            metering.attach(pools=web.client.metrics, tiers=web.cache.stats)
            metering.restore()
            stack.callback(metering.save)
        if web.shared is not None:
            web.shared.presence.measured = partial(counted, metering, web.shared)
        offload = await stack.enter_async_context(Offload())
        schedule = Schedule(settings.polling, now=clock.now(), chance=chance.random)
        x = None
        own = settings.sources if watched is None else tuple(watched)
        if settings.x.token:
            own = (*own, XDesk.source)
            settings = settings.model_copy(update={"sources": (*settings.sources, XDesk.source)})
            x = await _x_desk(
                settings,
                web=web,
                store=store,
                stack=stack,
                clock=clock,
                random=chance,
                leases=None if swarm is None else swarm.leases,
            )
            x.wake = partial(schedule.add, XDesk.source)
        settled = await stack.enter_async_context(
            open_opinions(
                settings,
                web=web,
                store=store,
                metering=metering,
                clock=clock,
                told=lambda: poller.news.set(),  # noqa: PLW0108 - there is no poller yet
                tell=lambda: deliverer.drain(LAST_WORDS),
            )
        )
        polls = partial(
            _poller,
            settings,
            settled=settled,
            router=router,
            web=web,
            offload=offload,
            store=store,
            metering=metering,
            tap=tap or Untapped(),
            clock=clock,
            progress=progress,
        )
        poller = polls(schedule=schedule, x=x)
        channels = stack.enter_context(
            open_channels(
                settings.channels,
                poster=HttpPoster(web.transport),
                console=Console(stderr=console_to_stderr, highlight=False),
                clock=clock,
            )
        )
        deliverer = Deliverer(
            store,
            metering.channels(channels),
            clock=clock,
            random=chance,
            settings=settings.channels,
        )
        watch = Watch(
            settings=settings.model_copy(update={"sources": own}),
            schedule=schedule,
            poller=poller,
            store=store,
            deliverer=deliverer,
            clock=clock,
        )
        await watch.prepare()
        yield Program(
            settings,
            clock,
            store,
            web.client,
            web.cache,
            schedule,
            watch,
            metering,
            hooks or unheard(clock),
            poller,
            lambda schedule: polls(schedule=schedule, x=None),
            x,
        )


async def _x_desk(
    settings: Settings,
    *,
    web: Web,
    store: SqlStore,
    stack: AsyncExitStack,
    clock: Clock,
    random: Random,
    leases: Leases | None,
) -> XDesk:
    turns = await stack.enter_async_context(open_turns(settings, shared=web.shared, clock=clock))
    parts = x_parts(
        settings.x,
        settings.companies,
        caller=HttpCaller(web.transport, pool="twitter"),
        turns=turns,
        notes=store,
        clock=clock,
        leases=leases,
    )
    x = XDesk(settings.x, settings.companies, ask=parts, clock=clock, chance=random.random)
    stack.push_async_callback(x.close)
    return x


def _poller(
    settings: Settings,
    *,
    settled: Settled,
    router: Router,
    web: Web,
    offload: Offload,
    schedule: Schedule,
    store: Store,
    metering: Metering,
    tap: Tap,
    clock: Clock,
    progress: Progress,
    x: XDesk | None,
) -> Poller:
    metering.learners = adaptive = adaptive_from(settings.cache)
    fetcher = CachedFetcher(metering.fetcher(web.client), cache=web.cache, adaptive=adaptive)
    extract = metering.call(
        partial(_article_text, offload), operation="extract", component="article"
    )
    readers: dict[str, SourceReader] = {
        "feed": FeedReader(fetcher, clock=clock, offload=offload, doubt=settings.polling.doubt),
        "page": PageReader(fetcher, offload=offload),
        **network_readers(
            settings.open_sources,
            fetcher=fetcher,
            caller=HttpCaller(web.transport, pool="default"),
            clock=clock,
            offload=offload,
        ),
        **({"x": x} if x is not None else {}),
    }
    return Poller(
        settings=settings,
        readers=tap.readers(metering.readers(readers)),
        pipeline=Pipeline(
            metering.detector(settings.companies, settings.detection),
            Articles(fetcher, extract),
            voices={h: c.name for h, c in x_plan.accounts(settings.companies).items()},
        ),
        schedule=schedule,
        store=tap.store(metering.store(store)),
        notices=router.source_notices,
        clock=clock,
        progress=metering.progress(progress),
        settled=settled,
    )


async def _article_text(offload: Offload, body: bytes, url: str, content_type: str) -> str:
    read = partial(parse_article, url=url, content_type=content_type)
    article = await offload.run(read, body, deadline=ARTICLE_SECONDS)
    return article.text
