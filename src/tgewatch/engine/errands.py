"""Polls that are made for somebody else: each ends in a word of what became of it."""

import logging
from collections.abc import Awaitable, Callable

from tgewatch.clock import Clock
from tgewatch.engine.poller import Poller
from tgewatch.engine.relay import Follower
from tgewatch.engine.report import CycleReport
from tgewatch.errors import RefusedError, TransientError
from tgewatch.model import Source
from tgewatch.ports import Waiting

log = logging.getLogger(__name__)

AGAIN = 5.0
"""Seconds until a poll that the store did not take should be made again."""
WARN = 60.0
"""Seconds between two warnings about the store."""

Over = Callable[[str, float | None, str], Awaitable[None]]
"""Hears URL, seconds until it is to be sent again (None: it is stored), and a word for counting."""


class Errands:
    """A Poller, as a Cycle uses it, that outlives a store which is gone for a while.

    Nothing of such a poll is stored, so nothing of it is lost: it is simply still due.
    """

    def __init__(self, poller: Poller, *, schedule: Follower, clock: Clock, over: Over) -> None:
        self._poller = poller
        self._schedule = schedule
        self._clock = clock
        self._over = over
        self._warned = -WARN

    def warn(self, error: Exception) -> None:
        """Say that the store is gone, once a minute."""
        now = self._clock.monotonic()
        if now - self._warned >= WARN:
            self._warned = now
            log.warning("store_gone", extra={"why": str(error)})

    async def poll(self, source: Source, report: CycleReport) -> list[Waiting]:
        """Poll, and say what became of it; return the items whose article is wanted."""
        try:
            waiting = await self._poller.poll(source, report)
        except RefusedError as error:  # of the store: what a source refuses is stored
            if error.cause != "stale":
                raise
            await self._over(source.url, None, "stale")
            return []
        except TransientError as error:
            await self._fail(source, error, report)
            return []
        until = self._schedule.later.pop(source.url, None)
        if until is None:
            await self._over(source.url, None, "polled")
        else:
            await self._over(source.url, max(1.0, until - self._clock.now()), "deferred")
        return waiting

    async def crashed(self, source: Source, error: Exception, report: CycleReport) -> None:
        """Store that a bug of ours kept the source from being read."""
        try:
            await self._poller.crashed(source, error, report)
        except (RefusedError, TransientError) as failure:
            await self._fail(source, failure, report)
        else:
            await self._over(source.url, None, "crashed")

    async def _fail(self, source: Source, error: Exception, report: CycleReport) -> None:
        self.warn(error)
        report.unfinished += 1
        await self._over(source.url, AGAIN, "not_stored")

    async def read_article(self, waiting: Waiting, report: CycleReport) -> None:
        """Read one article; without the store it waits there for whoever looks after such."""
        try:
            await self._poller.read_article(waiting, report)
        except TransientError as error:
            self.warn(error)
