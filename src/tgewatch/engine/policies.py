"""Polling policies that can be replayed on logged publication times.

Each learns from its own polls alone. The index policies are the schedule's own rules.
"""

import heapq
import math
from collections.abc import Callable, Sequence
from typing import Protocol

from tgewatch.rules.allowance import Allowance
from tgewatch.rules.delay_index import DelayIndex
from tgewatch.rules.rhythm import Rhythm

FLOOR = 60.0
"""Seconds; no policy polls a source more often."""
STRETCH = 6.0
"""Intervals; the index and the square root let no source wait longer."""
WANDER = 5.0
"""Seconds that a fixed interval strays by, either way: real ones do not stay in step with a clock,
and a phase that never moved would make a source that publishes on the hour a matter of luck."""


class Policy(Protocol):
    """Decides the next poll of a fixed set of sources, numbered from 0."""

    def next(self) -> tuple[float, int, float]:
        """Return the time of the next poll, its source, and the items expected (NaN: unsaid)."""

    def report(self, source: int, at: float, published: Sequence[float]) -> None:
        """Take in the times of the items that the poll just returned by `next` revealed."""


class Fixed:
    """Every source at the same interval."""

    def __init__(
        self, starts: Sequence[float], interval: float, *, chance: Callable[[], float]
    ) -> None:
        self._queue = [(at, source) for source, at in enumerate(starts)]
        heapq.heapify(self._queue)
        self._wander = 2 * min(WANDER, interval / 20)
        self._interval = interval
        self._chance = chance

    def next(self) -> tuple[float, int, float]:
        at, source = self._queue[0]
        return at, source, math.nan

    def report(self, source: int, at: float, published: Sequence[float]) -> None:
        del published  # it learns nothing
        stray = self._wander * (self._chance() - 0.5)
        heapq.heapreplace(self._queue, (at + self._interval + stray, source))


class Index:
    """The delay index with its daily allowance, as the schedule uses it."""

    def __init__(
        self, starts: Sequence[float], interval: float, *, rate: float, power: int = 1
    ) -> None:
        """`rate` is in polls per second for all sources together."""
        self._index = DelayIndex(power=power)
        self._allowance = Allowance(rate, min(starts))
        self._longest = STRETCH * interval
        self._rhythms = [_newcomer(self._index) for _ in starts]
        self._queue = [(at, source, math.nan) for source, at in enumerate(starts)]
        heapq.heapify(self._queue)

    def next(self) -> tuple[float, int, float]:
        due, source, expected = self._queue[0]
        allowance = self._allowance
        allowance.refill(due)
        at = allowance.ready_at()
        if at <= due:
            return due, source, expected
        return at, source, self._expected(source, at)

    def report(self, source: int, at: float, published: Sequence[float]) -> None:
        index, rhythm, allowance = self._index, self._rhythms[source], self._allowance
        allowance.spend(at)
        index.observe(rhythm, at, published)
        mu = index.threshold(allowance.rate, allowance.trim)
        due, expected = index.due(rhythm, at, mu, at + self._longest)
        if due < at + FLOOR:
            due = at + FLOOR
            expected = self._expected(source, due)
        heapq.heapreplace(self._queue, (due, source, expected))

    def _expected(self, source: int, at: float) -> float:
        rhythm = self._rhythms[source]
        if rhythm.at is None:
            return math.nan
        return self._index.due(rhythm, rhythm.at, math.inf, at)[1]


class SquareRoot:
    """Intervals in proportion to one over the root of the learned rate (Sia, Cho, Cho 2007)."""

    def __init__(self, starts: Sequence[float], interval: float, *, rate: float) -> None:
        self._index = DelayIndex()
        self._rate = rate
        self._longest = STRETCH * interval
        self._rhythms = [_newcomer(self._index) for _ in starts]
        self._queue = [(at, source) for source, at in enumerate(starts)]
        heapq.heapify(self._queue)

    def next(self) -> tuple[float, int, float]:
        at, source = self._queue[0]
        return at, source, math.nan

    def report(self, source: int, at: float, published: Sequence[float]) -> None:
        rhythm = self._rhythms[source]
        self._index.observe(rhythm, at, published)
        wait = self._index.sum / (self._rate * math.sqrt(rhythm.rate))
        wait = min(self._longest, max(FLOOR, wait))
        heapq.heapreplace(self._queue, (at + wait, source))


def _newcomer(index: DelayIndex) -> Rhythm:
    rhythm = Rhythm()
    rhythm.rate = index.tuning.prior_rate
    index.add(rhythm)
    return rhythm
