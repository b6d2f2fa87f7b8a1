"""Composition root: settings in, a running program out; the only module that names adapters."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, TypeVar

from rich.console import Console

from tgewatch.clock import Clock
from tgewatch.detect.detector import Detector
from tgewatch.detect.merge import merge
from tgewatch.engine.articles import Articles
from tgewatch.engine.deliver import Deliverer
from tgewatch.engine.offload import Offload
from tgewatch.engine.pipeline import Pipeline
from tgewatch.engine.poller import Poller
from tgewatch.engine.schedule import Schedule
from tgewatch.engine.watch import Watch
from tgewatch.fetch.cache import Cache, cache_from
from tgewatch.fetch.cached import CachedFetcher
from tgewatch.fetch.client import Client
from tgewatch.fetch.poster import HttpPoster
from tgewatch.fetch.resolve import Resolver
from tgewatch.fetch.transport import Transport
from tgewatch.notify.channels import open_channels
from tgewatch.notify.router import Router
from tgewatch.parse.article import parse_article
from tgewatch.ports import Progress
from tgewatch.settings import Settings
from tgewatch.sources.feed import FeedReader
from tgewatch.sources.page import PageReader
from tgewatch.store import Access, SqlStore, open_store

T = TypeVar("T")

ARTICLE_SECONDS = 10.0
"""For the extraction of one article's text."""


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


@asynccontextmanager
async def open_program(
    settings: Settings,
    *,
    clock: Clock,
    progress: Progress,
    console_to_stderr: bool = False,
    lookup: Callable[..., Any] | None = None,
    random: Random | None = None,
) -> AsyncIterator[Program]:
    """Open everything a watch needs, and close it in reverse.

    `lookup` takes the place of the system's name look-up. Raises ConfigError, and StoreBusyError
    when another instance owns the store.
    """
    chance = random or Random()  # noqa: S311 - jitter
    router = Router(settings.channels)
    resolver = Resolver(lookup)
    transport = Transport(settings.fetch, clock=clock, resolver=resolver)
    async with (
        open_store(
            settings.store,
            root=settings.root,
            clock=clock,
            merge=merge,
            route=router.route,
        ) as store,
        cache_from(settings.cache, root=settings.root, clock=clock) as cache,
        transport,
        Client(transport, settings.fetch, clock=clock, random=chance) as client,
        Offload() as offload,
    ):
        fetcher = CachedFetcher(client, cache=cache)
        schedule = Schedule(settings.polling, now=clock.now(), chance=chance.random)
        poller = Poller(
            settings=settings,
            readers={
                "feed": FeedReader(fetcher, clock=clock, offload=offload),
                "page": PageReader(fetcher, offload=offload),
            },
            pipeline=Pipeline(
                Detector(settings.companies, settings.detection),
                Articles(fetcher, partial(_article_text, offload)),
            ),
            schedule=schedule,
            store=store,
            notices=router.source_notices,
            clock=clock,
            progress=progress,
        )
        channels = open_channels(
            settings.channels,
            poster=HttpPoster(transport),
            console=Console(stderr=console_to_stderr, highlight=False),
            clock=clock,
        )
        watch = Watch(
            settings=settings,
            schedule=schedule,
            poller=poller,
            store=store,
            deliverer=Deliverer(
                store, channels, clock=clock, random=chance, settings=settings.channels
            ),
            clock=clock,
        )
        await watch.prepare()
        try:
            yield Program(settings, clock, store, client, cache, schedule, watch)
        finally:
            await resolver.close()


@asynccontextmanager
async def open_archive(
    settings: Settings, *, clock: Clock, access: Access = Access.READ
) -> AsyncIterator[SqlStore]:
    """Open the store alone: to ask, or to amend, also while a watch runs."""
    async with open_store(
        settings.store,
        root=settings.root,
        clock=clock,
        merge=merge,
        route=Router(settings.channels).route,
        access=access,
    ) as store:
        yield store


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run the program's one event loop, on uvloop where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


async def _article_text(offload: Offload, body: bytes, url: str, content_type: str) -> str:
    read = partial(parse_article, url=url, content_type=content_type)
    article = await offload.run(read, body, deadline=ARTICLE_SECONDS)
    return article.text
