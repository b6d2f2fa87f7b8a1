"""Durations in bounded space."""

import math
from dataclasses import dataclass

ACCURACY = 0.01
"""Relative error of a quantile."""
BINS = 1_024
"""Bins at most; with 1 % accuracy they span nine orders of magnitude."""
SHORTEST = 1e-9
"""Seconds; what is shorter counts as none."""

_STEPS = 1.0 / math.log((1.0 + ACCURACY) / (1.0 - ACCURACY))
"""Bins to the power of e."""
_NONE = math.floor(math.log(SHORTEST) * _STEPS)
"""The bin of durations that are none."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What is known of many durations, in seconds."""

    count: int
    total: float
    mean: float
    p50: float
    p95: float
    p99: float
    longest: float
    shortest: float = 0.0


class Histogram:
    """Takes durations in; its size does not depend on how many.

    The bins grow with the duration, each a fixed ratio wider than the one before, so that any
    value in a bin stands for all of it (DDSketch: Masson, Rim, Lee, VLDB 2019). When there are too
    many, the shortest durations are told apart no longer.
    """

    __slots__ = ("_bins", "_count", "_longest", "_shortest", "_total")

    def __init__(self) -> None:
        self._bins: dict[int, int] = {}
        self._count = 0
        self._total = 0.0
        self._longest = 0.0
        self._shortest = math.inf

    def __repr__(self) -> str:
        return f"<Histogram of {self._count}, longest {self._longest:.3g} s>"

    def add(self, seconds: float) -> None:
        """Take in one duration; negative ones (a clock set back) count as none."""
        seconds = max(0.0, seconds)
        place = math.ceil(math.log(seconds) * _STEPS) if seconds > SHORTEST else _NONE
        bins = self._bins
        bins[place] = bins.get(place, 0) + 1
        if len(bins) > BINS:
            lowest = sorted(bins)[:2]
            bins[lowest[1]] += bins.pop(lowest[0])
        self._count += 1
        self._total += seconds
        self._longest = max(self._longest, seconds)
        self._shortest = min(self._shortest, seconds)

    def timing(self) -> Timing:
        """Return the summary; all zero while empty."""
        if not self._count:
            return Timing(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        middle, high, higher = (self._quantile(share) for share in (0.5, 0.95, 0.99))
        return Timing(
            self._count,
            self._total,
            self._total / self._count,
            middle,
            high,
            higher,
            self._longest,
            self._shortest,
        )

    def _quantile(self, share: float) -> float:
        """Return a duration that `share` of all do not exceed, within the accuracy."""
        rank = share * (self._count - 1)
        passed, place = 0, _NONE
        for place in sorted(self._bins):
            passed += self._bins[place]
            if passed > rank:
                break
        if place == _NONE:
            return 0.0
        return min(self._longest, (1.0 - ACCURACY) * math.exp(place / _STEPS))
