"""How long an answer may be believed, learned from how often it was found changed.

Changes are taken as a Poisson process whose rate is estimated from what revalidations saw: `n`
checks at irregular intervals, each of which tells only *whether* something changed (Cho and
Garcia-Molina, Estimating Frequency of Change, 2003). One step of expectation maximisation per
check replaces "at least one change in t seconds" by its expected number; older checks fade.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

_FADE = 0.95
"""Weight that a check keeps when the next one comes: about twenty checks are remembered."""
_PRIOR = 1.0
"""Changes that the prior is worth."""


@dataclass(frozen=True, slots=True)
class ChangeRate:
    """What is believed about how often something changes."""

    changes: float
    """Expected number of changes in `seconds`."""
    seconds: float
    checks: int = 0

    @classmethod
    def prior(cls, period: float) -> Self:
        """Return the belief, before any check, that it changes about once in `period` seconds."""
        return cls(_PRIOR, period)

    @property
    def rate(self) -> float:
        """Return changes per second."""
        return self.changes / self.seconds

    def observe(self, elapsed: float, *, changed: bool) -> Self:
        """Return the belief after a check, `elapsed` seconds after the one before it.

        An interval that is not positive teaches nothing.
        """
        if not 0 < elapsed < math.inf:
            return self
        expected = 0.0
        if changed:
            seen = self.rate * elapsed
            expected = seen / -math.expm1(-seen) if seen > 1e-9 else 1.0  # noqa: PLR2004 - the limit of the fraction
        return replace(
            self,
            changes=max(_FADE * self.changes + expected, 1e-9),
            seconds=_FADE * self.seconds + elapsed,
            checks=self.checks + 1,
        )

    def ttl(self, *, staleness: float, floor: float, cap: float) -> float:
        """Return the seconds for which at most `staleness` of evenly spread reads are out of date.

        Always within `floor` and `cap`.
        """
        return min(max(reach(staleness) / self.rate, floor), cap)


def staleness(changes: float) -> float:
    """Return the share of reads that are out of date when `changes` are expected in a TTL."""
    if changes < 1e-6:  # noqa: PLR2004 - below it the series is exact
        return changes / 2
    return 1 + math.expm1(-changes) / changes


def reach(share: float) -> float:
    """Return the expected changes in a TTL that make `share` of its reads out of date.

    The inverse of `staleness`, for shares within 0 and 1.
    """
    low, high = 0.0, 1.0
    while staleness(high) < share and high < 1e12:  # noqa: PLR2004 - no share below 1 needs more
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if staleness(middle) < share else (low, middle)
    return low
