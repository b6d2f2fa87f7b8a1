"""Whether one polling policy is better than another, decided while the evidence comes in.

The estimate is the ratio of two mean delays; a poll with its items is one observation, since the
items that a poll reveals share their luck. Its interval is a confidence sequence, valid at every
look however often one looks: the normal mixture of Johari, Koomen, Pekelis and Walsh ("Always
valid inference", Operations Research 2022) on the logarithm of the ratio, whose variance is that of
a ratio of sums (delta method). That holds asymptotically, hence the least amount of evidence.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tgewatch.rules.rhythm import DAY

STEPS_PER_DOUBLING = 8
BUCKETS = 20 * STEPS_PER_DOUBLING
"""Delays are counted on a logarithmic scale from 1 s to 2**20 s (12 days), 9 % a step."""


@dataclass(frozen=True, slots=True)
class Arm:
    """What one policy has brought so far. Sums are over polls that revealed items."""

    requests: int = 0
    failures: int = 0
    overruns: int = 0
    """Polls that found nothing but new items: more may have been lost before them."""
    source_seconds: float = 0.0
    """Seconds that sources spent under this policy, summed over sources."""
    clusters: int = 0
    items: int = 0
    total: float = 0.0
    """Seconds of delay."""
    squares: float = 0.0
    """Of the total delay of each poll."""
    products: float = 0.0
    """Of the total delay and the items of each poll."""
    item_squares: float = 0.0
    """Of the items of each poll."""
    histogram: tuple[int, ...] = (0,) * BUCKETS

    @property
    def mean(self) -> float:
        """Seconds of delay of an item."""
        return self.total / self.items if self.items else 0.0

    @property
    def relative_variance(self) -> float:
        """Of the mean, in units of its square."""
        if self.total <= 1e-6:  # noqa: PLR2004 - a microsecond
            return math.inf
        mean = self.mean
        spread = self.squares - 2 * mean * self.products + mean * mean * self.item_squares
        return max(0.0, spread) / (self.total * self.total)

    def polled(
        self, delays: Sequence[float], *, failed: bool = False, overrun: bool = False
    ) -> "Arm":
        """Count a poll with the delays, in seconds, of the items that it revealed."""
        arm = replace(
            self,
            requests=self.requests + 1,
            failures=self.failures + failed,
            overruns=self.overruns + overrun,
        )
        if not delays:
            return arm
        total, items = math.fsum(delays), len(delays)
        histogram = list(self.histogram)
        for delay in delays:
            histogram[_bucket(delay)] += 1
        return replace(
            arm,
            clusters=self.clusters + 1,
            items=self.items + items,
            total=self.total + total,
            squares=self.squares + total * total,
            products=self.products + total * items,
            item_squares=self.item_squares + items * items,
            histogram=tuple(histogram),
        )

    def quantile(self, share: float) -> float:
        """Return the delay in seconds that `share` of the items do not exceed, within a step."""
        wanted = share * self.items
        seen = 0
        for bucket, count in enumerate(self.histogram):
            seen += count
            if count and seen >= wanted:
                return float(2.0 ** ((bucket + 0.5) / STEPS_PER_DOUBLING))
        return 0.0


def _bucket(delay: float) -> int:
    if not delay > 1:
        return 0
    return min(BUCKETS - 1, int(STEPS_PER_DOUBLING * math.log2(delay)))


@dataclass(frozen=True, slots=True)
class TrialRules:
    """When a trial ends."""

    alpha: float = 0.05
    """Chance that the interval ever misses the truth."""
    expected: float = 0.2
    """Size of difference, as a logarithm, that the interval is narrowest for."""
    least_items: int = 300
    """In each arm."""
    least_polls: int = 100
    """With news, in each arm."""
    least_time: float = 2 * DAY
    """Seconds."""
    most_time: float = 60 * DAY
    """Seconds."""
    same: float = 0.05
    """Ratios this near to 1 count as no difference."""
    p95_worse: float = 1.25
    """Guard rail: times that the 95th percentile may be longer."""
    requests_more: float = 1.1
    """Guard rail: times as many requests that the new policy may make per source and hour."""
    failures_more: float = 0.02
    """Guard rail: failed share of polls that may come on top."""
    overruns_more: float = 0.002
    """Guard rail: share of polls, likewise, that may have lost items."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a trial stands."""

    decision: str
    """running, better, worse, same, undecided (out of time) or harmful (a guard rail)."""
    reason: str
    ratio: float
    """How many times shorter the mean delay of the new policy is; NaN when unknown."""
    low: float
    high: float
    """Bounds that hold at every look."""

    @property
    def over(self) -> bool:
        return self.decision != "running"


def interval(old: Arm, new: Arm, rules: TrialRules) -> tuple[float, float, float]:
    """Return how many times shorter the new policy's mean delay is, with its bounds."""
    variance = old.relative_variance + new.relative_variance
    if not math.isfinite(variance) or old.total <= 0 or new.total <= 0:
        return math.nan, 0.0, math.inf
    ratio = old.mean / new.mean
    variance = max(variance, 1e-12)
    prior = rules.expected**2
    widened = variance + prior
    evidence = math.log(1 / rules.alpha) + 0.5 * math.log(widened / variance)
    half = math.sqrt(2 * variance * widened / prior * evidence)
    return ratio, ratio * math.exp(-half), ratio * math.exp(min(half, 700.0))


def judge(old: Arm, new: Arm, *, elapsed: float, rules: TrialRules) -> Finding:
    """Say where a trial of `new` against `old` stands after `elapsed` seconds."""
    ratio, low, high = interval(old, new, rules)
    decision, reason = _decide(old, new, low, high, elapsed=elapsed, rules=rules)
    return Finding(decision, reason, ratio, low, high)


def _decide(
    old: Arm, new: Arm, low: float, high: float, *, elapsed: float, rules: TrialRules
) -> tuple[str, str]:
    enough = (
        elapsed >= rules.least_time
        and min(old.items, new.items) >= rules.least_items
        and min(old.clusters, new.clusters) >= rules.least_polls
    )
    decision, reason = "running", "the interval still holds 1" if enough else "too little evidence"
    if elapsed >= rules.most_time:
        decision, reason = "undecided", f"the time is over and {reason}"
    if enough:
        if low > 1:
            decision, reason = "better", "the whole interval lies above 1"
        elif high < 1:
            decision, reason = "worse", "the whole interval lies below 1"
        elif 1 - rules.same <= low and high <= 1 + rules.same:
            decision, reason = "same", f"the whole interval lies within {rules.same:.0%} of 1"
    harm = _harm(old, new, rules)
    return ("harmful", harm) if harm else (decision, reason)


def _harm(old: Arm, new: Arm, rules: TrialRules) -> str:
    """Return which guard rail the new policy has broken, or nothing."""
    requests = min(old.requests, new.requests)
    if requests >= rules.least_items:
        margin = 3 * math.sqrt(0.5 / requests)
        if new.failures / new.requests > old.failures / old.requests + rules.failures_more + margin:
            return "more polls fail"
        if new.overruns / new.requests > old.overruns / old.requests + rules.overruns_more + margin:
            return "more items may be lost"
    if min(old.source_seconds, new.source_seconds) >= rules.least_time and requests:
        pace = (new.requests / new.source_seconds) / (old.requests / old.source_seconds)
        if pace > rules.requests_more + 3 / math.sqrt(requests):
            return f"it makes {pace:.2f} times as many requests"
    if min(old.items, new.items) >= 3 * rules.least_items:
        longer = new.quantile(0.95) / max(1.0, old.quantile(0.95))
        if longer > rules.p95_worse:
            return f"its 95th percentile is {longer:.2f} times as long"
    return ""


def halves(rates: Mapping[str, float], *, chance: Callable[[], float]) -> dict[str, int]:
    """Split sources into side 0 and side 1: neighbours by rate are told apart by a coin."""
    ordered = sorted(rates, key=lambda url: (-rates[url], url))
    sides: dict[str, int] = {}
    for first in range(0, len(ordered), 2):
        side = int(chance() < 0.5)  # noqa: PLR2004 - a coin
        for offset, url in enumerate(ordered[first : first + 2]):
            sides[url] = side ^ offset
    return sides


def arm_of(side: int, elapsed: float, swap: float) -> int:
    """Return the arm (0 old, 1 new) of a side after `elapsed` seconds.

    The sides change places every `swap` seconds, so each source is its own control.
    """
    return side ^ (int(elapsed // swap) & 1)
