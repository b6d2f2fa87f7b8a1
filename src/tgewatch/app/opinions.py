"""The second opinion, wired: the endpoint behind the transport, and the store before it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tgewatch.app.web import Web
from tgewatch.clock import Clock
from tgewatch.engine.poller import Settled, unheard
from tgewatch.engine.second_opinion import SecondOpinions
from tgewatch.fetch.adviser import HttpAdviser
from tgewatch.fetch.caller import HttpCaller
from tgewatch.metrics.metering import Metering
from tgewatch.rules import x_plan
from tgewatch.settings import Settings
from tgewatch.store import SqlStore

LAST_QUESTIONS = 15.0
"""Seconds for what waits for an opinion when the program ends."""


@asynccontextmanager
async def open_opinions(
    settings: Settings,
    *,
    web: Web,
    store: SqlStore,
    metering: Metering,
    clock: Clock,
    told: Callable[[], None],
    tell: Callable[[], Awaitable[object]],
) -> AsyncIterator[Settled]:
    """Yield who hears of stored items and asks about the unsure ones; nobody when it is off.

    `told` is called whenever an answer has put something into the outbox, and `tell` is awaited
    once in the end when one has.
    """
    if not settings.second_opinion.on:
        yield unheard
        return
    news: list[bool] = []

    def heard() -> None:
        news.append(True)
        told()

    opinions = SecondOpinions(
        HttpAdviser(HttpCaller(web.transport, pool="default"), settings.second_opinion),
        settings=settings.second_opinion,
        detection=settings.detection,
        store=store,
        clock=clock,
        voices={h: c.name for h, c in x_plan.accounts(settings.companies).items()},
        told=heard,
        count=metering.recorder.count,
    )
    async with opinions.asking(last=LAST_QUESTIONS):
        yield opinions.settled
    if news:
        await tell()
