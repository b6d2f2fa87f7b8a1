"""Who decides what is due, for many who poll.

The scheduler owns the schedule of all sources and sends what is due in small batches. It does not
trust that anything arrives: the store says what became of a poll, and what is overdue is looked up
there and sent again.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tgewatch.clock import Clock
from tgewatch.engine.relay import Leader
from tgewatch.engine.work_ports import Queue
from tgewatch.errors import TransientError
from tgewatch.model import Batch, Due, Source
from tgewatch.ports import Store
from tgewatch.settings import PollingSettings

log = logging.getLogger(__name__)

BATCH = 32
"""Sources in one message at most."""
IN_FLIGHT = 4_096
"""Sources that were sent and not heard of: what is due beyond these waits."""
TICK = 0.2
"""Seconds between two looks at what is due, and at what was told."""
READ = 500
"""Sources whose state is read from the store at once."""
REVIEW = 5.0
"""Seconds between two looks at what was not heard of."""
OVERDUE = 120.0
"""Seconds after which the store is asked what became of a poll."""
LOST = 15.0
"""The same, when the queue has nothing that anybody could still be doing."""
AGAIN = 5.0
"""Seconds until a source is sent again that was not polled."""


@dataclass(slots=True)
class DispatchCounts:
    """What a scheduler has done."""

    batches: int = 0
    sent: int = 0
    """Sources."""
    polled: int = 0
    later: int = 0
    """Of what was sent, not polled for now: its host wants a pause, or somebody else has it."""
    overdue: int = 0
    """Not heard of in time."""


@dataclass(frozen=True, slots=True)
class _Sent:
    at: float
    polls: int


class Dispatcher:
    """The scheduler, for as long as it holds the lease that `token` stands for."""

    def __init__(
        self,
        sources: Iterable[Source],
        *,
        settings: PollingSettings,
        store: Store,
        queue: Queue,
        clock: Clock,
        chance: Callable[[], float],
        token: int,
    ) -> None:
        self._sources = {source.url: source for source in sources}
        self._settings = settings
        self._store = store
        self._queue = queue
        self._clock = clock
        self._token = token
        self.schedule = Leader(settings, now=clock.now(), chance=chance)
        self.counts = DispatchCounts()
        self._polls: dict[str, int] = {}
        self._out: dict[str, _Sent] = {}
        """What was sent and not heard of, oldest first."""
        self._told: set[str] = set()
        """What is to be looked up in the store."""
        self._reviewed = clock.monotonic()
        self._silent_until = 0.0

    def __repr__(self) -> str:
        return f"<Dispatcher {self._token}: {len(self._out)} of {len(self._sources)} sources out>"

    @property
    def out(self) -> int:
        """Sources that were sent and not heard of."""
        return len(self._out)

    async def run(self, stop: asyncio.Event) -> None:
        """Send what falls due, until `stop`. Raises TransientError when the store cannot be read."""
        await self.prepare()
        while not stop.is_set():
            await self.turn()
            try:
                async with asyncio.timeout(TICK):
                    await stop.wait()
            except TimeoutError:
                continue

    async def prepare(self) -> None:
        """Load what the store knows of the sources into the schedule."""
        states = await self._store.source_states(list(self._sources))
        for url, source in self._sources.items():
            state = states.get(url)
            self._polls[url] = state.polls if state else 0
            self.schedule.add(source, state)

    async def turn(self) -> None:
        """Take in what was told, look after what was not, and send what is due."""
        await self._listen()
        await self._review()
        await self._look_up()
        await self._send()

    async def _listen(self) -> None:
        try:
            outcomes = await self._queue.hear(self._token)
        except TransientError:  # whoever sends says so
            return
        for outcome in outcomes:
            self._told.update(url for url in outcome.polled if url in self._out)
            for url, seconds in outcome.later.items():
                self._put_off(url, max(0.0, seconds))

    def _put_off(self, url: str, seconds: float) -> None:
        """Have a source sent again in a while; nothing is known of a poll."""
        if self._out.pop(url, None) is not None:
            self.counts.later += 1
            self.schedule.defer(url, self._clock.now() + seconds)

    async def _review(self) -> None:
        """Ask the store about what nobody has told of for too long."""
        now = self._clock.monotonic()
        if now - self._reviewed < REVIEW or not self._out:
            return
        self._reviewed = now
        patience = LOST if await self._is_empty() else OVERDUE
        late = []
        for url, sent in self._out.items():
            if now - sent.at < patience:
                break
            late.append(url)
        if late:
            self.counts.overdue += len(late)
            log.warning("polls_overdue", extra={"sources": len(late), "seconds": patience})
            self._told.update(late)

    async def _is_empty(self) -> bool:
        """Return whether nobody has anything of ours to do: then what is out was lost."""
        try:
            backlog = await self._queue.backlog()
        except TransientError:
            return False
        return not backlog.waiting and not backlog.held

    async def _look_up(self) -> None:
        while self._told:
            urls = list(self._told)[:READ]
            states = await self._store.source_states(urls)
            for url in urls:
                self._told.discard(url)
                state, sent = states.get(url), self._out.get(url)
                if sent is None:
                    continue
                if state is not None and state.polls > sent.polls:
                    del self._out[url]
                    self.counts.polled += 1
                    self._polls[url] = state.polls
                    self.schedule.renew(url, state)
                else:
                    self._polls[url] = state.polls if state else 0
                    self._put_off(url, AGAIN)

    async def _send(self) -> None:
        now = self._clock.now()
        if self._clock.monotonic() < self._silent_until:
            return
        urls = self.schedule.due(now, max(0, IN_FLIGHT - len(self._out)))
        pulse = self.schedule.pulse()
        for start in range(0, len(urls), BATCH):
            due = tuple(Due(url, self._polls[url]) for url in urls[start : start + BATCH])
            batch = Batch(f"{self._token}-{self.counts.batches}", self._token, due, pulse)
            try:
                await self._queue.send(batch)
            except TransientError as error:
                self._put_back(urls[start:])
                self._silent_until = self._clock.monotonic() + 1.0
                log.debug("batch_not_sent", extra={"why": str(error)})
                return
            self.counts.batches += 1
            self.counts.sent += len(due)
            at = self._clock.monotonic()
            self._out.update((one.url, _Sent(at, one.polls)) for one in due)

    def _put_back(self, urls: Sequence[str]) -> None:
        for url in urls:
            self.schedule.put_back(url)
