"""Durations in bounded space."""

import math
from dataclasses import dataclass

from ddsketch.ddsketch import LogCollapsingLowestDenseDDSketch

ACCURACY = 0.01
"""Relative error of a quantile (DDSketch, Masson et al., VLDB 2019)."""
BINS = 1_024
"""Bins at most; with 1 % accuracy they span almost nine orders of magnitude."""


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
    """Takes durations in; its size does not depend on how many."""

    def __init__(self) -> None:
        self._sketch = LogCollapsingLowestDenseDDSketch(ACCURACY, BINS)
        self._longest = 0.0
        self._shortest = math.inf

    def __repr__(self) -> str:
        return f"<Histogram of {self._sketch.count:.0f}, longest {self._longest:.3g} s>"

    def add(self, seconds: float) -> None:
        """Take in one duration; negative ones (a clock set back) count as none."""
        seconds = max(0.0, seconds)
        self._sketch.add(seconds)
        self._longest = max(self._longest, seconds)
        self._shortest = min(self._shortest, seconds)

    def timing(self) -> Timing:
        """Return the summary; all zero while empty."""
        count = int(self._sketch.count)
        if not count:
            return Timing(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        quantile = self._sketch.get_quantile_value
        total = self._sketch.sum
        middle, high, higher = (
            min(self._longest, quantile(share) or 0.0) for share in (0.5, 0.95, 0.99)
        )
        return Timing(
            count, total, total / count, middle, high, higher, self._longest, self._shortest
        )
