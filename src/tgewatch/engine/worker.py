"""Who polls what a scheduler sends, beside others who do the same.

A source is polled once per due time: what the store says was polled meanwhile is skipped, each poll
is reserved before its host is asked, and the store refuses a poll that is not the next one.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress

from tgewatch.clock import Clock
from tgewatch.engine.cycle import Cycle
from tgewatch.engine.dispatch import BATCH
from tgewatch.engine.errands import Errands
from tgewatch.engine.poller import Poller
from tgewatch.engine.relay import Follower
from tgewatch.engine.report import CycleReport
from tgewatch.engine.work_ports import Queue
from tgewatch.errors import TransientError
from tgewatch.model import Batch, Outcome, Source, SourceState, Taken
from tgewatch.ports import Reservations, Store
from tgewatch.settings import Settings

log = logging.getLogger(__name__)

AT_ONCE = 256
"""Polls under way at most: more would not be done sooner, and would hold up the signs of life."""
RESERVED = 60.0
"""Seconds for which a poll is ours alone; nearly all are over by then."""
AGAIN = 5.0
"""Seconds until the scheduler should send again what could not be polled now."""
STRANGER = 300.0
"""The same for a source that is not on our watchlist, and may be on another's."""
TELL = 0.25
"""Seconds between two words to the scheduler."""
PAGE = 60.0
"""Seconds that one report covers."""


class Worker:
    """Takes batches, polls their sources, and tells the scheduler what became of them."""

    def __init__(
        self,
        *,
        settings: Settings,
        poller: Poller,
        schedule: Follower,
        store: Store,
        queue: Queue,
        reservations: Reservations,
        clock: Clock,
    ) -> None:
        self._sources = {source.url: source for source in settings.sources}
        self._settings = settings.cycle.model_copy(
            update={"concurrency": min(settings.cycle.concurrency, AT_ONCE)}
        )
        self._poller = poller
        self._schedule = schedule
        self._store = store
        self._queue = queue
        self._reservations = reservations
        self._clock = clock
        self._todo: asyncio.Queue[Source] = asyncio.Queue()
        """Bounded by `room`."""
        self._errands = Errands(poller, schedule=schedule, clock=clock, over=self._over)
        self._under_way: dict[str, asyncio.Future[None]] = {}
        self._freed = asyncio.Event()
        self._newest = 0
        self._words: dict[int, tuple[list[str], dict[str, float]]] = {}
        """Token of a scheduler → what it is to be told."""
        self._tokens: dict[str, tuple[int, str]] = {}
        """URL → token of the scheduler that sent it, and the name of its reservation."""
        self.counts: Counter[str] = Counter()
        """batches, outdated, done_already, reserved, strangers; and what Errands counts."""

    def __repr__(self) -> str:
        return f"<Worker {len(self._under_way)} polls under way>"

    async def run(self, stop: asyncio.Event, *, reported: Callable[[CycleReport], None]) -> None:
        """Work until `stop`; `reported` gets a report every minute, and one at the end."""
        cycle = Cycle(
            self._errands, settings=self._settings, report=CycleReport(started=self._clock.now())
        )
        try:
            async with asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(self._tell_on()),
                    group.create_task(self._report(cycle, reported)),
                ]
                polling = group.create_task(cycle.run(self._sources_to_poll()))
                try:
                    await self._queue.serve(self._handle, stop=stop, room=self._room)
                finally:
                    polling.cancel()
                    for task in beside:
                        task.cancel()
        finally:
            await self._abandon()
        with suppress(TransientError):
            await self._tell()
        reported(cycle.turn_page(self._clock.now()))

    async def _abandon(self) -> None:
        """Forget what was not finished: it is not stored, so it is still due, and anybody's."""
        while not self._todo.empty():
            self._todo.get_nowait()
        for url, future in self._under_way.items():
            future.cancel()
            self._poller.forget(url)
            self._schedule.drop(url)
        self._under_way.clear()
        left, self._tokens = self._tokens, {}
        await asyncio.gather(*(self._reservations.release(name) for _, name in left.values()))

    async def _sources_to_poll(self) -> AsyncIterator[Source]:
        while True:
            yield await self._todo.get()

    async def _report(self, cycle: Cycle, reported: Callable[[CycleReport], None]) -> None:
        while True:
            await self._clock.sleep(PAGE)
            reported(cycle.turn_page(self._clock.now()))

    async def _room(self) -> None:
        most = max(0, self._settings.concurrency - BATCH)
        while len(self._under_way) > most:
            self._freed.clear()
            await self._freed.wait()

    # --- one batch --------------------------------------------------------------------------

    async def _handle(self, taken: Taken) -> None:
        """Poll the sources of a batch. What cannot be done now is told, and is no failure."""
        batch = taken.batch
        self.counts["batches"] += 1
        if batch.token < self._newest:
            self.counts["outdated"] += 1
            return
        self._newest = batch.token
        try:
            states = await self._store.source_states([due.url for due in batch.due])
        except TransientError as error:
            self._errands.warn(error)
            self._say(batch.token, later=dict.fromkeys([due.url for due in batch.due], AGAIN))
            return
        wanted = await self._reserved(batch, states)
        self._schedule.follow(batch.pulse, now=self._clock.now())
        futures = [self._begin(url, states, batch.token, name) for url, name in wanted.items()]
        if futures:
            await asyncio.wait(futures)

    async def _reserved(self, batch: Batch, states: Mapping[str, SourceState]) -> Mapping[str, str]:
        """Return URL → name of the reservation of what is ours to poll; tell of the rest."""
        names: dict[str, str] = {}
        done, later = [], {}
        for due in batch.due:
            state = states.get(due.url)
            if (state.polls if state else 0) != due.polls:
                self.counts["done_already"] += 1
                done.append(due.url)
            elif due.url not in self._sources:
                self.counts["strangers"] += 1
                later[due.url] = STRANGER
            elif due.url in self._under_way:
                self.counts["reserved"] += 1
                later[due.url] = AGAIN
            else:
                names[due.url] = f"poll {due.polls} {due.url}"
        ours = await asyncio.gather(
            *(self._reservations.reserve(name, seconds=RESERVED) for name in names.values())
        )
        for url, is_ours in zip(tuple(names), ours, strict=True):
            if not is_ours or url in self._under_way:
                self.counts["reserved"] += 1
                later[url] = AGAIN
                del names[url]
        self._say(batch.token, polled=done, later=later)
        return names

    def _begin(
        self, url: str, states: Mapping[str, SourceState], token: int, name: str
    ) -> asyncio.Future[None]:
        self._poller.forget(url)
        if (state := states.get(url)) is not None:
            self._poller.remember({url: state})
        source = self._sources[url]
        self._schedule.take(source, state)
        self._tokens[url] = (token, name)
        future = self._under_way[url] = asyncio.get_running_loop().create_future()
        self._todo.put_nowait(source)
        return future

    async def _over(self, url: str, later: float | None, what: str) -> None:
        """Take in what became of one poll: stored, or to be sent again in `later` seconds."""
        self.counts[what] += 1
        token, name = self._tokens.pop(url)
        if later is None:
            self._say(token, polled=(url,))
        else:
            await self._reservations.release(name)
            self._say(token, later={url: later})
        self._poller.forget(url)
        self._schedule.drop(url)
        self._under_way.pop(url).set_result(None)
        self._freed.set()

    # --- word to the scheduler --------------------------------------------------------------

    def _say(
        self,
        token: int,
        *,
        polled: "list[str] | tuple[str, ...]" = (),
        later: Mapping[str, float] | None = None,
    ) -> None:
        done, put_off = self._words.setdefault(token, ([], {}))
        done += polled
        put_off |= later or {}

    async def _tell_on(self) -> None:
        while True:
            await self._clock.sleep(TELL)
            with suppress(TransientError):  # it will look into the store by itself
                await self._tell()

    async def _tell(self) -> None:
        words, self._words = self._words, {}
        for token, (polled, later) in words.items():
            if polled or later:
                await self._queue.tell(token, Outcome(tuple(polled), later))
