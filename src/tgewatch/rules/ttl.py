"""How long an answer may be believed, learned from how often it was found changed.

Changes are taken as a Poisson process. Its rate is estimated from checks at irregular intervals
that tell only *whether* something changed (Cho, Garcia-Molina: Estimating Frequency of Change,
2003): one step of expectation maximisation per check puts the expected number of changes in the
place of "at least one". Older checks fade, the prior does not.

Reads spread evenly over a TTL of T seconds find the answer out of date in a share of
s(x) = 1 - (1 - exp(-x)) / x of cases, x = rate * T. For the fewest stale reads at a given number of
requests, each key's T satisfies 1 - (1 + x) exp(-x) = price * rate with one price for all
(Cho, Garcia-Molina: Effective Page Refresh Policies, 2003): for slow ones T goes with the root of
the period, and those that change too fast to be followed are not worth more requests than others.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

_FADE = 0.95
"""Weight that a check keeps when the next one comes: about twenty checks are remembered."""
_PRIOR = 0.3
"""Changes that the prior is worth."""
_LARGEST = 5.0
"""Expected changes in a TTL beyond which more of them make no difference."""


@dataclass(frozen=True, slots=True)
class LearnedTtl:
    """What is believed about the keys of one class."""

    key_class: str
    ttl: float
    """Seconds that a key nobody has checked yet would get."""
    period: float
    """Seconds between two changes, about."""
    checks: int


@dataclass(frozen=True, slots=True)
class ChangeRate:
    """What is believed about how often something changes."""

    period: float
    """Seconds between two changes, believed before any check."""
    changes: float = 0.0
    """Expected number of changes in the `seconds` that were watched."""
    seconds: float = 0.0
    checks: int = 0

    @property
    def rate(self) -> float:
        """Return changes per second."""
        return (_PRIOR + self.changes) / (_PRIOR * self.period + self.seconds)

    def observe(self, elapsed: float, *, changed: bool) -> Self:
        """Return the belief after a check, `elapsed` seconds after the one before it.

        An interval that is not positive teaches nothing.
        """
        if not 0 < elapsed < math.inf:
            return self
        expected = 0.0
        if changed:
            seen = self.rate * elapsed
            expected = seen / -math.expm1(-seen) if seen > 1e-9 else 1.0  # noqa: PLR2004 - the limit
        return replace(
            self,
            changes=_FADE * self.changes + expected,
            seconds=_FADE * self.seconds + elapsed,
            checks=self.checks + 1,
        )


@dataclass(frozen=True, slots=True)
class TtlPolicy:
    """What a TTL is for the rate that it was meant for, and so what it is for any other."""

    ttl: float
    """Seconds, for a key that changes once in `period`."""
    staleness: float
    """Share of stale reads that this TTL accepts; within 0 and 1."""
    floor: float
    """Seconds."""
    cap: float
    """Seconds."""

    @property
    def period(self) -> float:
        """Return the seconds between two changes of a key that this TTL is right for."""
        return self.ttl / reach(self.staleness)

    def of(self, rate: float) -> float:
        """Return the seconds that an answer may be believed which changes at `rate`."""
        price = _gain(reach(self.staleness)) * self.period
        if price * rate >= _gain(_LARGEST):
            ttl = self.ttl
        else:
            ttl = _inverse(_gain, price * rate) / rate
            if rate * self.period > 1:
                ttl = min(ttl, self.ttl)
        return min(max(ttl, self.floor), self.cap)


def staleness(changes: float) -> float:
    """Return the share of reads that are out of date when `changes` are expected in a TTL."""
    if changes < 1e-6:  # noqa: PLR2004 - below it the series is exact
        return changes / 2
    return 1 + math.expm1(-changes) / changes


def reach(share: float) -> float:
    """Return the expected changes in a TTL that make `share` of its reads out of date.

    The inverse of `staleness`, at most 5 changes.
    """
    return _inverse(staleness, share)


def _gain(changes: float) -> float:
    """Return 1 - (1 + x) exp(-x): what one more request would gain, per change."""
    if changes < 1e-4:  # noqa: PLR2004 - below it the series is exact
        return changes * changes / 2
    return 1 - (1 + changes) * math.exp(-changes)


def _inverse(rising: Callable[[float], float], value: float) -> float:
    low, high = 0.0, _LARGEST
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < value else (low, middle)
    return high
