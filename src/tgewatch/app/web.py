"""The way to the web: connections, a client over them, the cache, and what others share of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from tgewatch.clock import Clock
from tgewatch.fetch.cache import Cache, cache_from
from tgewatch.fetch.client import Client
from tgewatch.fetch.host_budget import HostBudget, HostBudgets
from tgewatch.fetch.resolve import Resolver
from tgewatch.fetch.second import SecondTier
from tgewatch.fetch.transport import Transport
from tgewatch.settings import Settings
from tgewatch.swarm import Shared, Swarm, open_swarm


@dataclass(frozen=True, slots=True)
class Web:
    """The way to the web; several programs can share one."""

    transport: Transport
    client: Client
    cache: Cache
    shared: Shared | None = None
    """What limits and answers are shared through; None for an instance that is alone."""


@asynccontextmanager
async def open_web(
    settings: Settings,
    *,
    clock: Clock,
    lookup: Callable[..., Any] | None = None,
    random: Random | None = None,
    swarm: Swarm | None = None,
) -> AsyncIterator[Web]:
    """Open connections and cache, and close them in reverse; the swarm too, where none is given."""
    chance = random or Random()  # noqa: S311 - jitter
    resolver = Resolver(lookup)
    transport = Transport(settings.fetch, clock=clock, resolver=resolver)
    try:
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            if swarm is None:
                swarm = await enter(open_swarm(settings.swarm, clock=clock))
            cache = await enter(cache_from(settings.cache, root=settings.root, clock=clock))
            await enter(transport)
            if swarm.shared is None:
                client = Client(
                    transport,
                    settings.fetch,
                    clock=clock,
                    random=chance,
                    budget=_budgets(settings, settings.limits.host_calls, clock=clock),
                )
            else:
                client = await _among_others(
                    settings,
                    shared=swarm.shared,
                    transport=transport,
                    clock=clock,
                    random=chance,
                    stack=stack,
                )
                await enter(_second_tier(settings, cache, swarm=swarm, clock=clock))
                await enter(swarm.shared.listening())
            yield Web(transport, await enter(client), cache, swarm.shared)
    finally:
        await resolver.close()


def _budgets(settings: Settings, limit: int, *, clock: Clock) -> HostBudgets:
    return HostBudgets(limit=limit, window=settings.limits.host_window, clock=clock)


async def _among_others(
    settings: Settings,
    *,
    shared: Shared,
    transport: Transport,
    clock: Clock,
    random: Random,
    stack: AsyncExitStack,
) -> Client:
    """Return a client that shares budgets and pauses of hosts."""

    def alone(limit: int) -> HostBudget:
        return _budgets(settings, limit, clock=clock)

    client: Client
    opening = shared.pauses(lambda told: client.obey(told))  # noqa: PLW0108 - there is none yet
    pauses = await stack.enter_async_context(opening)
    client = Client(
        transport,
        settings.fetch,
        clock=clock,
        random=random,
        budget=shared.budgets(
            limit=settings.limits.host_calls, window=settings.limits.host_window, alone=alone
        ),
        paused=pauses.note,
    )
    return client


@asynccontextmanager
async def _second_tier(
    settings: Settings, cache: Cache, *, swarm: Swarm, clock: Clock
) -> AsyncIterator[None]:
    """Put the second tier behind the cache for as long as this is open."""
    if swarm.shared is None:
        yield
        return

    def forget(tier: str, key: str, prefix: bool) -> bool:  # noqa: FBT001 - as the message has it
        return cache.overtaken(key, tier=tier, prefix=prefix)

    async with swarm.shared.answers(forget) as answers:
        cache.second = SecondTier(
            answers,
            tiers=settings.swarm.tiers,
            reservations=swarm.reservations,
            clock=clock,
        )
        try:
            yield
        finally:
            cache.second = None
