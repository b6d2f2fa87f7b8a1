"""A server with a rate limit as X keeps it, and the faults that reach its callers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from random import Random


@dataclass(frozen=True, slots=True)
class RateFaults:
    """What goes wrong; all off by default."""

    lost: float = 0.0
    """Share of calls without an answer; half of them never arrive."""
    headerless: float = 0.0
    """Share of calls answered 503 without rate headers; half of them are counted."""
    foreign: float = 0.0
    """Share of the limit that somebody else uses with the same token."""
    date_jitter: float = 0.0
    """Seconds by which the Date header strays either way."""
    cut_to: int = 0
    """A lower limit, for the windows that begin after `cut_after` seconds."""
    cut_after: float = 0.0


class NoAnswerError(Exception):
    """The caller gave up waiting."""


class RateServer:
    """`limit` calls in a window of `window` seconds that begins with the first call after the last.

    Headers state what is left and, floored to the second, when the window ends. Runs on the time of
    the running event loop; answers take a latency with a heavy tail.
    """

    def __init__(
        self,
        *,
        limit: int = 450,
        window: float = 900.0,
        start: float = 1_700_000_000.25,
        faults: RateFaults | None = None,
        random: Random,
        timeout: float = 10.0,
    ) -> None:
        self.limit = limit
        self.window = window
        self.accepted = 0
        """Calls of all callers within the limit."""
        self.refused = 0
        """429s to our caller."""
        self._start = start
        self._faults = faults or RateFaults()
        self._random = random
        self._timeout = timeout
        self._ends = 0.0
        self._used = 0

    def now(self) -> float:
        """Return the server's time."""
        return self._start + asyncio.get_running_loop().time()

    async def call(self) -> tuple[int, Mapping[str, str]]:
        """Make one call. Raises NoAnswerError when it or its answer is lost."""
        chance = self._random.random()
        lost = chance < self._faults.lost
        await self._pass(self._latency())
        if lost and chance < self._faults.lost / 2:
            await self._pass(self._timeout)
            raise NoAnswerError
        headerless = self._random.random() < self._faults.headerless
        if headerless and self._random.random() < 0.5:  # noqa: PLR2004 - half of them
            status, headers = 503, self._date()
        else:
            status, headers = self._count()
            self.refused += status == 429  # noqa: PLR2004 - the status code is the name
            if headerless and status == 200:  # noqa: PLR2004 - the status code is the name
                status, headers = 503, self._date()
        if lost:
            await self._pass(self._timeout)
            raise NoAnswerError
        await self._pass(self._latency())
        return status, headers

    async def foreign_use(self) -> None:
        """Use the token as somebody else would, for ever."""
        while self._faults.foreign:
            await self._pass(
                self._random.expovariate(self._faults.foreign * self.limit / self.window)
            )
            self._count()

    def _count(self) -> tuple[int, dict[str, str]]:
        now = self.now()
        if now >= self._ends:
            self._ends = now + self.window
            self._used = 0
            if self._faults.cut_to and asyncio.get_running_loop().time() >= self._faults.cut_after:
                self.limit = self._faults.cut_to
        status = 429
        if self._used < self.limit:
            self._used += 1
            self.accepted += 1
            status = 200
        return status, {
            "x-rate-limit-limit": str(self.limit),
            "x-rate-limit-remaining": str(self.limit - self._used),
            "x-rate-limit-reset": str(int(self._ends)),
            **self._date(),
        }

    def _date(self) -> dict[str, str]:
        stray = self._faults.date_jitter
        now = self.now() + (self._random.uniform(-stray, stray) if stray else 0.0)
        return {"date": format_datetime(datetime.fromtimestamp(int(now), UTC), usegmt=True)}

    def _latency(self) -> float:
        return min(8.0, self._random.lognormvariate(-3.2, 0.8))

    async def _pass(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251 - runs on the loop's time, which may be virtual
