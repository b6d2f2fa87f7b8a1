"""The way to the web: connections, a client over them, and the cache."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from tgewatch.clock import Clock
from tgewatch.fetch.cache import Cache, cache_from
from tgewatch.fetch.client import Client
from tgewatch.fetch.resolve import Resolver
from tgewatch.fetch.transport import Transport
from tgewatch.settings import Settings


@dataclass(frozen=True, slots=True)
class Web:
    """The way to the web; several programs can share one."""

    transport: Transport
    client: Client
    cache: Cache


@asynccontextmanager
async def open_web(
    settings: Settings,
    *,
    clock: Clock,
    lookup: Callable[..., Any] | None = None,
    random: Random | None = None,
) -> AsyncIterator[Web]:
    """Open connections and cache, and close them in reverse."""
    chance = random or Random()  # noqa: S311 - jitter
    resolver = Resolver(lookup)
    transport = Transport(settings.fetch, clock=clock, resolver=resolver)
    try:
        async with (
            cache_from(settings.cache, root=settings.root, clock=clock) as cache,
            transport,
            Client(transport, settings.fetch, clock=clock, random=chance) as client,
        ):
            yield Web(transport, client, cache)
    finally:
        await resolver.close()
