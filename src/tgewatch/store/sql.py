"""The store on SQLite or PostgreSQL: async outside, one writing and a few reading threads inside."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from tgewatch.clock import Clock
from tgewatch.errors import ConfigError
from tgewatch.model import (
    Delivery,
    Event,
    Item,
    Judged,
    Label,
    Poll,
    Record,
    Source,
    SourceState,
    State,
    Stored,
    Trace,
    Transition,
)
from tgewatch.ports import Correct, Waiting
from tgewatch.store import (
    answers,
    corrections,
    items,
    outbox,
    polls,
    reservations,
    sources,
    upkeep,
)
from tgewatch.store.database import Database, explaining
from tgewatch.store.polls import Rules
from tgewatch.store.writer import Writer

T = TypeVar("T")

ADVANCE = 600.0
"""Seconds between two looks at what time does to the events."""
EXPORT = 500
"""Items in one batch of `records`."""


class SqlStore:
    """What survives. Belongs to the event loop it was opened in; `open_store` makes it."""

    def __init__(
        self,
        database: Database,
        *,
        rules: Rules,
        where: str,
        group: int,
        readers: int,
        writable: bool,
        shared: bool = False,
        retention: float,
        clock: Clock,
    ) -> None:
        self.database = database
        self._rules = rules
        self._where = where
        self._writable = writable
        self._retention = retention
        self._clock = clock
        self._advanced_at = float("-inf")
        self._writer = Writer(
            database.writer,
            rules=rules,
            where=where,
            group=group,
            allowed=writable,
            shared=shared,
        )
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="tgewatch-reader")

    def __repr__(self) -> str:
        return f"<SqlStore {self._where}>"

    @property
    def transactions(self) -> int:
        """Transactions committed since the store was opened."""
        return self._writer.transactions

    def start(self) -> None:
        """Begin to serve the running event loop."""
        self._writer.start()

    async def close(self) -> None:
        """Return when all that was given is written."""
        await self._writer.close()
        await asyncio.to_thread(self._readers.shutdown)

    async def _read(self, work: Callable[[sa.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._ask, work)

    def _ask(self, work: Callable[[sa.Connection], T]) -> T:
        with explaining(self._where), self.database.reader.connect() as connection:
            return work(connection)

    # What the engine asks.

    async def source_states(self, urls: Sequence[str]) -> Mapping[str, SourceState]:
        """Return what is remembered of each known source among `urls`."""
        return await self._read(partial(sources.states, urls=urls))

    async def unseen(self, wanted: Sequence[Item]) -> Mapping[str, str]:
        """Return key → `new` or `edited` for the items of one source that need judgement."""
        if not wanted:
            return {}
        now = self._clock.now()
        stale = now - self._retention * upkeep.TOUCH
        found, faded = await self._read(partial(items.unseen, wanted=wanted, stale=stale))
        if faded and self._writable:
            await self._writer.do(
                partial(items.touch, source=wanted[0].source, digests=faded, at=now)
            )
        return found

    async def commit_poll(self, poll: Poll) -> Stored:
        """Store the poll, merge its claims and fill the outbox, all or nothing."""
        return await self._writer.poll(poll)

    async def article_retries(self, now: float, *, limit: int) -> Sequence[Waiting]:
        """Return items whose article is to be read by `now`, oldest first."""
        return await self._read(partial(items.waiting, now=now, limit=limit))

    async def commit_rejudged(
        self, source: Source, judged: Sequence[Judged], *, at: float
    ) -> Stored:
        """Replace what was judged of known items of one source, and merge their claims."""
        return await self._writer.do(
            partial(polls.rejudge, source=source, judged=judged, at=at, rules=self._rules)
        )

    async def advance(self, now: float) -> Stored:
        """Let time do to the events what only time does; looks at them every ten minutes."""
        if 0.0 <= now - self._advanced_at < ADVANCE:
            return Stored(0)
        self._advanced_at = now
        due = await self._read(partial(corrections.due, now=now, rules=self._rules))
        if not due:
            return Stored(0)
        return await self._writer.do(
            partial(corrections.advance, ids=due, now=now, rules=self._rules)
        )

    async def forget(self, now: float) -> int:
        """Drop what its retention has passed, in batches; return how many items."""
        before = now - self._retention
        dropped = 0
        while batch := await self._writer.do(partial(upkeep.forget_items, before=before)):
            dropped += batch
        keys = partial(upkeep.forget_keys, age=self._retention)
        while dropped and await self._writer.do(keys):
            pass
        await self._writer.do(partial(upkeep.forget_letters, before=before))
        return dropped

    # The outbox.

    async def pending(self, now: float, *, limit: int, channel: str = "") -> Sequence[Delivery]:
        """Return deliveries that are due, oldest first; to one channel, where it is named."""
        return await self._read(partial(outbox.pending, now=now, limit=limit, channel=channel))

    async def delivered(self, key: str, at: float) -> None:
        """Mark as delivered."""
        await self._writer.do(partial(outbox.delivered, key=key, at=at))

    async def postponed(self, key: str, *, attempts: int, next_at: float, error: str) -> None:
        """Keep for another try."""
        await self._writer.do(
            partial(outbox.postponed, key=key, attempts=attempts, next_at=next_at, error=error)
        )

    async def buried(self, key: str, *, attempts: int, error: str) -> None:
        """Set aside as a dead letter."""
        await self._writer.do(partial(outbox.buried, key=key, attempts=attempts, error=error))

    async def deliveries(self, since: float, *, limit: int = 100) -> Sequence[Delivery]:
        """Return deliveries made out since a time, whatever became of them, newest first."""
        return await self._read(partial(outbox.recent, since=since, limit=limit))

    async def dead_letters(self, *, limit: int = 1_000) -> Sequence[Delivery]:
        """Return what could not be delivered, oldest first."""
        return await self._read(partial(outbox.dead, limit=limit))

    async def replay_dead(self, keys: Sequence[str] | None, now: float) -> int:
        """Make dead letters due again, all of them without `keys`; return how many."""
        return await self._writer.do(partial(outbox.replay, keys=keys, now=now))

    # What the commands and pages ask.

    async def all_states(self) -> Mapping[str, SourceState]:
        """Return what is remembered of every source that was ever polled, by URL."""
        return await self._read(partial(sources.states, urls=None))

    async def events(
        self,
        *,
        states: Sequence[State] = (),
        company: str = "",
        text: str = "",
        since: float | None = None,
        until: float | None = None,
        dismissed: bool = False,
        limit: int = 100,
    ) -> Sequence[Event]:
        """Return events, most recently changed first; what is left empty filters nothing."""
        wanted = answers.Filter(states, company, text, since, until, dismissed)
        return await self._read(partial(answers.find, wanted=wanted, limit=limit))

    async def upcoming(
        self, since: float, *, until: float | None = None, limit: int = 100
    ) -> Sequence[Event]:
        """Return dated events that are not over by `since`, earliest first."""
        return await self._read(partial(answers.upcoming, since=since, until=until, limit=limit))

    async def event(self, prefix: str) -> Event | None:
        """Return the event with this id, or the only one whose id begins so."""
        return await self._read(partial(answers.one, prefix=prefix))

    async def history(self, event: str) -> Sequence[Transition]:
        """Return the transitions of one event, first to last."""
        return await self._read(partial(answers.history, event=event))

    async def changes(self, since: float, *, limit: int = 100) -> Sequence[Transition]:
        """Return what happened to any event since a time, newest first."""
        return await self._read(partial(answers.changes, since=since, limit=limit))

    async def correct(self, events: Sequence[str], change: Correct, *, at: float) -> Stored:
        """Let the user's hand change events. Raises RefusedError (`unknown`) for ids that are none."""
        return await self._writer.do(
            partial(corrections.correct, ids=events, change=change, at=at, rules=self._rules)
        )

    async def why(self, url: str) -> Sequence[Trace]:
        """Return where each item with this URL went, newest first; close spellings count."""
        return await self._read(partial(answers.why, url=url))

    async def drops(
        self, since: float, *, until: float | None = None
    ) -> Mapping[tuple[str, str], int]:
        """Return (stage, reason) → how many items first seen in the period stopped there."""
        return await self._read(partial(answers.drops, since=since, until=until))

    async def records(
        self, since: float = 0.0, *, until: float | None = None
    ) -> AsyncIterator[Record]:
        """Yield items in the order they were seen, read in bounded batches."""
        after = (since, -1)
        while True:
            batch, after = await self._read(
                partial(answers.records, until=until, after=after, limit=EXPORT)
            )
            for record in batch:
                yield record
            if len(batch) < EXPORT:
                return

    async def label(self, label: Label) -> None:
        """Keep what the user says of an item; the last word on one URL or text counts."""
        await self._writer.do(partial(answers.label, given=label))

    async def unlabel(self, label: Label) -> bool:
        """Forget what the user said of the same URL or text; return whether there was something."""
        return await self._writer.do(partial(answers.unlabel, given=label))

    async def labels(self) -> Sequence[Label]:
        """Return all labels, oldest first."""
        return await self._read(answers.all_labels)

    async def note(self, name: str) -> bytes | None:
        """Return what was noted under a name."""
        return await self._read(partial(answers.note, name=name))

    async def write_note(self, name: str, value: bytes | None, *, at: float) -> None:
        """Note something small under a name; None removes it."""
        await self._writer.do(partial(answers.write_note, name=name, value=value, at=at))

    # What only one may do, of all who use this store (the port Reservations).

    async def reserve(self, name: str, *, seconds: float) -> bool:
        """Return whether it is ours to do; nobody else gets it within `seconds`.

        Raises RefusedError (`full`) when too many reservations run.
        """
        now = self._clock.now()
        return await self._writer.do(
            partial(reservations.reserve, name=name, until=now + seconds, now=now)
        )

    async def release(self, name: str) -> None:
        """Let somebody else do it after all."""
        await self._writer.do(partial(reservations.release, name=name))

    # Upkeep.

    async def totals(self) -> Mapping[str, int]:
        """Return how many sources, items, claims, events and transitions there are."""
        return await self._read(answers.totals)

    async def check(self) -> Sequence[str]:
        """Return what is wrong inside, in words; nothing when all is well."""
        return await self._read(upkeep.check)

    async def vacuum(self) -> None:
        """Give space back to the file system. Takes long on a big store; polls wait."""
        await self._writer.alone(partial(upkeep.vacuum, self.database))

    async def backup(self, target: Path) -> None:
        """Copy a SQLite store, in use or not, to a file. Raises ConfigError for PostgreSQL."""
        path = self.database.path
        if path is None:
            raise ConfigError(["only a SQLite store is copied to a file; use pg_dump"])
        await asyncio.to_thread(upkeep.copy_sqlite, path, target)
