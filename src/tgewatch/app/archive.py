"""The store alone, for who asks it or amends it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tgewatch.clock import Clock
from tgewatch.detect.merge import merge
from tgewatch.notify.router import Router
from tgewatch.settings import Settings
from tgewatch.store import Access, SqlStore, open_store


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
