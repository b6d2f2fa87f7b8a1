"""From settings to an instance among others."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

from tgewatch.app.crew import CommonClock, Crew, Role
from tgewatch.app.program import Program, open_program
from tgewatch.clock import Clock, SystemClock
from tgewatch.engine.dispatch import Dispatcher
from tgewatch.engine.relay import Follower
from tgewatch.engine.work_ports import Queue
from tgewatch.engine.worker import Worker
from tgewatch.errors import ConfigError, TransientError
from tgewatch.model import Backlog, Batch
from tgewatch.ports import Progress
from tgewatch.settings import Settings
from tgewatch.store import Access
from tgewatch.store.leases import open_leases
from tgewatch.swarm import open_swarm
from tgewatch.swarm.queue_either import EitherQueue
from tgewatch.swarm.queue_local import LocalQueue
from tgewatch.swarm.queue_stream import StreamQueue

ARTICLES = 120.0
"""Seconds after which the desk reads an article that the worker of its poll has not read."""


async def look_at_queue(settings: Settings) -> tuple[Backlog, list[Batch]]:
    """Return what is in the queue between instances, and the batches that were set aside.

    Raises ConfigError where there is no such queue, TransientError when it cannot be asked.
    """
    clock = SystemClock()
    async with open_swarm(settings.swarm, clock=clock) as swarm:
        if swarm.link is None:
            raise ConfigError(["swarm.redis_url: there is no queue between instances without one"])
        stream = StreamQueue(swarm.link, clock=clock)
        return await stream.backlog(), list(await stream.set_aside())


@asynccontextmanager
async def open_crew(
    settings: Settings,
    *,
    role: Role,
    clock: Clock,
    progress: Progress,
    random: Random | None = None,
    **more: Any,
) -> AsyncIterator[tuple[Program, Crew]]:
    """Open what an instance among others needs, and close it in reverse.

    `more` goes to `open_program`. Raises ConfigError, and StoreBusyError when an instance owns the
    store alone.
    """
    chance = random or Random()  # noqa: S311 - jitter
    common = CommonClock(clock)
    async with (
        open_swarm(settings.swarm, clock=clock) as swarm,
        open_leases(settings.store) as leases,
    ):
        if swarm.link is None:
            raise ConfigError(["swarm.redis_url: work travels through Redis or Valkey"])
        with suppress(TransientError):  # opening the store says what is wrong
            await common.correct(leases)
        async with open_program(
            settings,
            clock=common,
            progress=progress,
            random=chance,
            access=Access.SHARE,
            watched=(),
            swarm=swarm,
            **more,
        ) as program:
            shared = StreamQueue(swarm.link, clock=clock)
            queue: Queue = EitherQueue(shared, LocalQueue()) if role is Role.ALL else shared
            follower = Follower(settings.polling, now=common.now(), chance=chance.random)
            poller = program.poller_by(follower)
            program.watch.articles_after = ARTICLES
            poller.news = program.poller.news  # what we bring is told at once, where we deliver
            yield (
                program,
                Crew(
                    role=role,
                    worker=Worker(
                        settings=settings,
                        poller=poller,
                        schedule=follower,
                        store=program.store,
                        queue=queue,
                        reservations=swarm.reservations,
                        clock=common,
                    ),
                    dispatcher=lambda token: Dispatcher(
                        settings.sources,
                        settings=settings.polling,
                        store=program.store,
                        queue=queue,
                        clock=common,
                        chance=chance.random,
                        token=token,
                    ),
                    desk=program.watch,
                    glance=program.poller.news.set,
                    x=program.x,
                    leases=leases,
                    clock=common,
                ),
            )
