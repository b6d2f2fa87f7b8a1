"""Budgets and pauses of hosts, which all instances keep together."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.swarm.bulletin import Bulletin
from tgewatch.swarm.link import CLOSING, Link, Script

BOOK = Script("""
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local limit, window, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local last = redis.call('LINDEX', KEYS[1], -1)
if last and tonumber(last) > now + 3600000000 then redis.call('DEL', KEYS[1]) end
local start = now
local first = redis.call('LINDEX', KEYS[1], -limit)
if first then start = math.max(now, tonumber(first) + window) end
if start - now > most then return {0, string.format('%.0f', start - now)} end
redis.call('RPUSH', KEYS[1], string.format('%.0f', start))
redis.call('LTRIM', KEYS[1], -limit, -1)
redis.call('PEXPIRE', KEYS[1], math.ceil((start - now + window) / 1000) + 1000)
return {1, string.format('%.0f', start - now)}
""")
"""The start of a call is booked when its wait begins, as `rules.budget` does it; times in µs."""

PAUSE = Script("""
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
for i = 3, #ARGV, 2 do
  local upto = now + tonumber(ARGV[i + 1])
  local known = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if not known or tonumber(known) < upto then
    redis.call('ZADD', KEYS[1], string.format('%.3f', upto), ARGV[i])
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -10001)
redis.call('PEXPIRE', KEYS[1], 604800000)
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
""")

PAUSED = Script("""
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local held = redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf', 'WITHSCORES', 'LIMIT', 0, 10000)
return {string.format('%.6f', now), held}
""")

SECOND = 1_000_000
"""Microseconds."""
MOST_UNTOLD = 1_000
"""Pauses that wait to be told."""


class HostBudget(Protocol):
    """What takes the place of the shared budgets: `fetch.host_budget.HostBudgets`."""

    async def acquire(self, host: str, *, deadline: float) -> float: ...


class SharedHostBudgets:
    """At most `limit` calls of all instances to one host in any `window` seconds.

    While the server is gone, each instance has its part of the limit, counted from nothing.
    """

    def __init__(
        self,
        link: Link,
        *,
        limit: int,
        window: float,
        clock: Clock,
        parts: Callable[[], int],
        alone: Callable[[int], HostBudget],
    ) -> None:
        """`alone` makes budgets of one process, of so many calls in the same window."""
        self._link = link
        self._limit = limit
        self._window = window
        self._clock = clock
        self._parts = parts
        self._make = alone
        self._alone: HostBudget | None = None

    def __repr__(self) -> str:
        where = "shared" if self._alone is None else "apart"
        return f"<SharedHostBudgets {self._limit} per {self._window:g}s, {where}>"

    async def acquire(self, host: str, *, deadline: float = 60.0) -> float:
        """Return once a call is allowed, with the seconds waited.

        Raises TransientError (`rate_limited`) at once, and books nothing, when that takes longer
        than `deadline`.
        """
        try:
            booked, micro = await self._link.run(
                BOOK,
                (self._link.key("calls", host),),
                self._limit,
                round(self._window * SECOND),
                max(0, round(deadline * SECOND)),
            )
        except TransientError:
            if self._alone is None:
                self._alone = self._make(max(1, self._limit // max(1, self._parts())))
            return await self._alone.acquire(host, deadline=deadline)
        self._alone = None
        wait = int(micro) / SECOND
        if not booked:
            raise TransientError(
                f"{host} has had its calls", retry_after=wait, cause="rate_limited"
            )
        start = self._clock.monotonic() + wait
        while (left := start - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        return wait


class SharedPauses:
    """Every Retry-After that one instance was told is obeyed by all, and by those that come later."""

    def __init__(
        self,
        link: Link,
        bulletin: Bulletin,
        *,
        obey: Callable[[Mapping[str, float]], None],
        clock: Clock,
    ) -> None:
        """`obey` takes what is to be left alone, and for how many seconds from now."""
        self._link = link
        self._bulletin = bulletin
        self._obey = obey
        self._clock = clock
        self._untold: dict[str, float] = {}
        """What → when it is over, on the monotonic clock."""
        self._bell = asyncio.Event()
        self._told = asyncio.Event()
        bulletin.on("pause", self._hear)
        bulletin.on_gap(self._catch_up)

    def __repr__(self) -> str:
        return f"<SharedPauses {len(self._untold)} untold>"

    def note(self, pauses: Mapping[str, float]) -> None:
        """Note what the others are to be told, in seconds from now; beyond a bound, they are not."""
        now = self._clock.monotonic()
        for what, seconds in pauses.items():
            if len(self._untold) < MOST_UNTOLD:
                self._untold[what] = max(self._untold.get(what, 0.0), now + seconds)
        self._bell.set()

    async def tell(self) -> None:
        """Tell what is noted, as soon as the server is there. Never returns."""
        while True:
            await self._bell.wait()
            await self._link.until_back()
            self._bell.clear()
            now, noted = self._clock.monotonic(), dict(self._untold)
            left = {what: until - now for what, until in noted.items() if until > now}
            words = [word for pair in left.items() for word in pair]
            message = self._bulletin.message("pause", left)
            try:
                if left:
                    key = self._link.key("pauses")
                    await self._link.run(PAUSE, (key,), self._bulletin.channel, message, *words)
            except TransientError as error:
                if error.cause == "swarm_down":
                    self._bell.set()
                    continue
            for what, until in noted.items():
                if self._untold.get(what) == until:
                    del self._untold[what]
            self._told.set()

    async def finish(self) -> None:
        """Return once all is told, or cannot be told soon."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                while self._untold and self._link.up:
                    self._told.clear()
                    await self._told.wait()

    def _hear(self, words: list[object]) -> None:
        (told,) = words
        if isinstance(told, dict):
            self._obey({str(what): float(seconds) for what, seconds in told.items()})

    async def _catch_up(self, _: float | None) -> None:
        now, held = await self._link.run(PAUSED, (self._link.key("pauses"),))
        pairs = zip(held[::2], held[1::2], strict=True)
        self._obey({what.decode("utf-8", "replace"): float(u) - float(now) for what, u in pairs})
