"""Whose turn it is at an API that counts: the rate ledgers, of this process or of all instances."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tgewatch.clock import Clock
from tgewatch.fetch.ledger import ledgers_from, policy_from
from tgewatch.settings import Settings
from tgewatch.sources.x_ports import Turns
from tgewatch.swarm import Shared


@asynccontextmanager
async def open_turns(
    settings: Settings, *, shared: Shared | None, clock: Clock
) -> AsyncIterator[Turns]:
    """Open the ledgers, and write down how they stand at the end."""
    if shared is not None:
        async with shared.ledgers(policy_from(settings.limits)) as turns:
            yield turns
        return
    ledgers = ledgers_from(settings.limits, root=settings.root, clock=clock)
    try:
        yield ledgers
    finally:
        ledgers.close()
