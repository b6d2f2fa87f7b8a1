"""What an instance does among others: schedule, poll, deliver, or all of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from tgewatch.clock import Clock
from tgewatch.engine.dispatch import Dispatcher
from tgewatch.engine.report import CycleReport
from tgewatch.engine.watch import Watch
from tgewatch.engine.worker import Worker
from tgewatch.engine.x_desk import XDesk
from tgewatch.errors import ConfigError, TransientError
from tgewatch.ports import Leases, Tenure
from tgewatch.settings import Settings
from tgewatch.store.leases import StoreLeases

log = logging.getLogger(__name__)

LEASE = 15.0
"""Seconds for which a lease is taken, where it runs out by itself."""
LOOK = 3.0
"""Seconds between two looks at a lease: ours, whether it still is; another's, whether it is free."""
AGAIN = 5.0
"""Seconds until something is begun again that the store has ended."""
GLANCE = 1.0
"""Seconds between two looks at the outbox, which others fill too."""
SKEW = 0.5
"""Seconds that our clock may be off before it is corrected."""
CORRECT = 60.0
"""Seconds between two comparisons with the database's clock."""
SCHEDULER, DESK = "scheduler", "desk"
"""Names of the leases."""


class Role(StrEnum):
    """What an instance does."""

    ALL = "all"
    """Whatever there is to do."""
    SCHEDULER = "scheduler"
    """Decides what is due; one at a time, the others stand by."""
    WORKER = "worker"
    """Polls what the scheduler sends."""
    DELIVERER = "deliverer"
    """Delivers, reads X, looks after articles and events; one at a time, the others stand by."""


def role_of(settings: Settings, wanted: str | None) -> Role | None:
    """Return the role of this instance among others; None for one that is alone.

    Raises ConfigError when the settings do not allow it to be among others.
    """
    missing = []
    if not settings.store.database_url:
        missing.append(
            "store.database_url: several instances share a PostgreSQL database; a SQLite file"
            " has one owner"
        )
    if not settings.swarm.redis_url:
        missing.append("swarm.redis_url: work travels between instances through Redis or Valkey")
    role = Role(wanted or Role.ALL)
    if not missing:
        return role
    if role is not Role.ALL:
        raise ConfigError([f"{problem} (--role {role})" for problem in missing])
    return None


class CommonClock:
    """Our clock, set by the database's: so that all who share it agree what time it is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset = 0.0
        """Seconds that are added to the clock of this machine."""

    def now(self) -> float:
        return self._clock.now() + self.offset

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    async def correct(self, leases: StoreLeases) -> None:
        """Compare with the database, and follow it when we are off. Raises TransientError."""
        begun = self._clock.monotonic()
        theirs = await leases.time()
        ours = self._clock.now() - (self._clock.monotonic() - begun) / 2
        if abs(theirs - ours - self.offset) > SKEW:
            self.offset = theirs - ours
            log.warning("clock_corrected", extra={"seconds": round(self.offset, 1)})


@dataclass(frozen=True, slots=True)
class Crew:
    """One instance among others."""

    role: Role
    worker: Worker
    dispatcher: Callable[[int], Dispatcher]
    """Makes a scheduler for the fencing token of its lease."""
    desk: Watch
    """Delivers, reads X and keeps house."""
    glance: Callable[[], None]
    """Has the outbox looked at."""
    x: XDesk | None
    leases: StoreLeases
    clock: CommonClock

    async def run(self, stop: asyncio.Event, *, reported: Callable[[CycleReport], None]) -> None:
        """Do what the role says until `stop`; `reported` gets a report every minute."""
        everything = self.role is Role.ALL
        async with asyncio.TaskGroup() as group:
            correcting = group.create_task(self._correct())
            work: list[asyncio.Task[None]] = []
            if everything or self.role is Role.WORKER:
                work.append(group.create_task(self._poll(stop, reported)))
            if everything or self.role is Role.SCHEDULER:
                scheduling = self._hold(SCHEDULER, stop, self._schedule)
                work.append(group.create_task(scheduling))
            if everything or self.role is Role.DELIVERER:
                reports = reported if self.role is Role.DELIVERER else _unsaid
                desk = self._hold(DESK, stop, lambda _, over: self._keep_desk(over, reports))
                work.append(group.create_task(desk))
            await asyncio.wait(work)
            correcting.cancel()

    async def _correct(self) -> None:
        while True:
            await self.clock.sleep(CORRECT)
            try:
                await self.clock.correct(self.leases)
            except TransientError:
                continue

    async def _poll(self, stop: asyncio.Event, reported: Callable[[CycleReport], None]) -> None:
        await self._tended("worker", stop, lambda: self.worker.run(stop, reported=reported))

    async def _schedule(self, tenure: Tenure, over: asyncio.Event) -> None:
        dispatcher = self.dispatcher(tenure.token)
        log.info("scheduler", extra={"token": tenure.token})
        await dispatcher.run(over)

    async def _keep_desk(
        self, over: asyncio.Event, reported: Callable[[CycleReport], None]
    ) -> None:
        await self.desk.prepare()
        async with asyncio.TaskGroup() as group:
            glancing = group.create_task(self._glance())
            if self.x is not None:
                group.create_task(self.x.live(over))
            try:
                await self.desk.run(over, reported=reported)
            finally:
                over.set()
                glancing.cancel()

    async def _glance(self) -> None:
        while True:
            await self.clock.sleep(GLANCE)
            self.glance()

    async def _hold(
        self,
        name: str,
        stop: asyncio.Event,
        work: Callable[[Tenure, asyncio.Event], Awaitable[None]],
    ) -> None:
        """Do `work` whenever the lease is ours, until `stop`; the event ends it."""
        while not stop.is_set():
            tenure = await self.leases.take(name, seconds=LEASE)
            if tenure is None:
                await _either(stop, LOOK)
                continue
            over = asyncio.Event()
            try:
                async with asyncio.TaskGroup() as group:
                    keeping = group.create_task(_keep(self.leases, tenure, over, stop))
                    await self._once(name, lambda: work(tenure, over))  # noqa: B023 - done at once
                    keeping.cancel()
            finally:
                await self.leases.give(tenure)
            if not stop.is_set():
                await _either(stop, LOOK)

    async def _tended(
        self, name: str, stop: asyncio.Event, work: Callable[[], Awaitable[None]]
    ) -> None:
        while not stop.is_set():
            await self._once(name, work)
            await _either(stop, AGAIN)

    async def _once(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`; that the store went away meanwhile is said, and no more."""
        try:
            await work()
        except* TransientError as group:
            log.warning("interrupted", extra={"what": name, "why": str(_first(group))})


async def _keep(leases: Leases, tenure: Tenure, over: asyncio.Event, stop: asyncio.Event) -> None:
    """Set `over` when the lease is lost, or everything is to stop."""
    while not stop.is_set() and await leases.keep(tenure, seconds=LEASE):
        await _either(stop, LOOK)
    if not stop.is_set():
        log.warning("lease_lost", extra={"lease": tenure.name})
    over.set()


async def _either(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _unsaid(_report: CycleReport) -> None:
    """Keep the minute of the desk to ourselves: the worker's is told."""
