"""A watch with everything real but the web and the store."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from tgewatch.cli.progress import Silent
from tgewatch.detect.detector import Detector
from tgewatch.detect.merge import merge
from tgewatch.engine.articles import Articles
from tgewatch.engine.deliver import Deliverer
from tgewatch.engine.pipeline import Pipeline
from tgewatch.engine.poller import Poller
from tgewatch.engine.schedule import Schedule
from tgewatch.engine.watch import Watch
from tgewatch.model import Company, Source
from tgewatch.notify.router import Router
from tgewatch.settings import ChannelSettings, CycleSettings, DetectionSettings, Settings
from tgewatch.testing import ManualClock
from tgewatch.testing.channel import FakeChannel
from tgewatch.testing.fetcher import ScriptedFetcher
from tgewatch.testing.reader import ScriptedReader
from tgewatch.testing.store import MemoryStore

COMPANY = Company("Lumara Protocol", aliases=("Lumara",), tickers=("LUM",))
URL = "https://paper.example/feed"


@dataclass
class Stage:
    """What a test turns and looks at."""

    clock: ManualClock
    reader: ScriptedReader
    fetcher: ScriptedFetcher
    store: MemoryStore
    channel: FakeChannel
    watch: Watch
    schedule: Schedule
    poller: Poller
    runner: asyncio.Runner

    def run(self, work: Any) -> Any:
        """Run a coroutine in the test's one loop."""
        return self.runner.run(work)

    def scan(self, **options: Any) -> Any:
        return self.run(self.watch.scan(**options))

    def state(self, url: str) -> Any:
        """Return what the store remembers of a source."""
        return self.run(self.store.source_states([url])).get(url)


async def plain(body: bytes, _url: str, _type: str) -> str:
    return body.decode()


@pytest.fixture
def stage():
    runner = asyncio.Runner()

    def build(*, urls=(URL,), articles=(), store=None, clock=None, cycle=None):
        clock = clock or ManualClock(1_780_000_000.0)
        settings = Settings(
            companies=(COMPANY,),
            sources=tuple(Source(url=url, name=url) for url in urls),
            channels=(ChannelSettings(name="pager", kind="console"),),
            detection=DetectionSettings(mode="watch"),
            cycle=cycle or CycleSettings(),
        )
        router = Router(settings.channels)
        store = store or MemoryStore(merge=merge, route=router.route)
        reader, fetcher = ScriptedReader(), ScriptedFetcher(articles)
        schedule = Schedule(settings.polling, now=clock.now(), chance=lambda: 0.0)
        poller = Poller(
            settings=settings,
            readers={"feed": reader},
            pipeline=Pipeline(
                Detector(settings.companies, settings.detection), Articles(fetcher, plain)
            ),
            schedule=schedule,
            store=store,
            notices=router.source_notices,
            clock=clock,
            progress=Silent(),
        )
        channel = FakeChannel("pager")
        watch = Watch(
            settings=settings,
            schedule=schedule,
            poller=poller,
            store=store,
            deliverer=Deliverer(
                store,
                [channel],
                clock=clock,
                random=Random(1),  # noqa: S311 - jitter
                settings=settings.channels,
            ),
            clock=clock,
        )
        runner.run(watch.prepare())
        return Stage(clock, reader, fetcher, store, channel, watch, schedule, poller, runner)

    with runner:
        yield build
