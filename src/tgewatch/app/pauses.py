"""Every Retry-After that still runs, kept from one program to the next."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import orjson

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.fetch.client import Client
from tgewatch.store import SqlStore

PAUSES = "fetch.pauses"
"""Name of the note that holds every Retry-After that still runs."""


@asynccontextmanager
async def remembered(store: SqlStore, client: Client, *, clock: Clock) -> AsyncIterator[None]:
    """Let the client obey what servers said to the program before, and keep what they say now."""
    saved = await store.note(PAUSES)
    if saved is not None:
        client.resume(orjson.loads(saved))
    try:
        yield
    finally:
        with suppress(TransientError):  # a store that is gone is no reason to end in an error
            await keep_pauses(store, client, clock=clock)


async def keep_pauses(store: SqlStore, client: Client, *, clock: Clock) -> None:
    """Note what servers have said, for the next program; nothing is written where nothing runs."""
    pauses = client.pauses()
    if pauses or await store.note(PAUSES) is not None:
        await store.write_note(PAUSES, orjson.dumps(pauses) if pauses else None, at=clock.now())
