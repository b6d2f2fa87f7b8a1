"""How many polls may be made: an average rate, with a day's worth that can be saved up."""

import math
from collections.abc import Sequence

from tgewatch.rules.rhythm import DAY, HOUR

STEP = 300.0
"""Seconds between two corrections of the threshold."""
SHORT = 0.01
TRIM_START = 0.7
TRIM_LOW, TRIM_HIGH = 0.05, 20.0


class Allowance:
    """A token bucket for polls, and the trim that makes the threshold spend it evenly.

    The threshold of the delay index follows from the rate only when every assumption holds; the
    trim corrects it slowly, by what was spent over the last day and by how full the bucket is.
    """

    __slots__ = ("_count", "_counted_at", "at", "rate", "spending", "tokens", "trim")

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        """Polls per second."""
        self.tokens = HOUR * rate
        self.at = now
        self.trim = TRIM_START
        self.spending = rate
        """Polls per second over about the last day."""
        self._count = 0
        self._counted_at = now

    def __repr__(self) -> str:
        return f"<Allowance {self.tokens:.0f}/{self.capacity:.0f} at {self.rate:.3g}/s>"

    @property
    def capacity(self) -> float:
        """Polls that can be saved up."""
        return max(1.0, DAY * self.rate)

    def resize(self, rate: float) -> None:
        """Change the rate; what is saved up and owed changes in proportion."""
        if rate == self.rate:
            return
        scale = rate / self.rate if self.rate > 0 else 0.0
        self.tokens = self.tokens * scale if scale else HOUR * rate
        self.spending = self.spending * scale if scale else rate
        self.rate = rate

    def refill(self, now: float) -> None:
        """Let time pass. A clock that was hours ahead is believed no longer."""
        if now < self.at - HOUR:
            self.at = self._counted_at = now
        elif now > self.at:
            self.tokens = min(self.capacity, self.tokens + (now - self.at) * self.rate)
            self.at = now

    @property
    def affordable(self) -> bool:
        """Whether a poll can be paid for; a hundredth short is near enough.

        Unix time as a float has a grain of 0.2 µs: at thousands of polls a second, an exact rule
        would wait for an instant that no clock can show.
        """
        return self.tokens >= 1 - SHORT

    def ready_at(self) -> float:
        """Return when the next poll is affordable."""
        if self.affordable or self.rate <= 0:
            return self.at
        return self.at + (1 - self.tokens) / self.rate

    def spend(self, now: float) -> None:
        """Pay for one poll, into debt of at most a day if need be."""
        self.refill(now)
        self.tokens = max(-self.capacity, self.tokens - 1)
        self._count += 1
        self.correct(now)

    def refund(self) -> None:
        """Take back a poll that was paid for and not made."""
        self.tokens = min(self.capacity, self.tokens + 1)
        self._count = max(0, self._count - 1)

    def correct(self, now: float) -> None:
        """Move the trim, when it is time."""
        passed = now - self._counted_at
        if passed < STEP or self.rate <= 0:
            return
        recent = self._count / passed
        self.spending += -math.expm1(-passed / DAY) * (recent - self.spending)
        drift = 0.1 * (self.spending / self.rate - 1) + 0.01 * (0.5 - self.tokens / self.capacity)
        change = math.exp(min(2.0, drift) * min(1.0, passed / HOUR))
        self.trim = min(TRIM_HIGH, max(TRIM_LOW, self.trim * change))
        self._count = 0
        self._counted_at = now

    def dump(self) -> Sequence[float]:
        """Return what another process needs to go on, per unit of rate."""
        rate = self.rate or 1.0
        return (
            round(self.at, 1),
            round(self.trim, 4),
            round(self.tokens / rate, 1),
            round(self.spending / rate, 4),
        )

    def restore(self, saved: Sequence[float]) -> None:
        """Go on from what `dump` returned, when it is newer than what is known."""
        if len(saved) != 4 or not all(map(math.isfinite, saved)):  # noqa: PLR2004 - see dump
            return
        at, trim, seconds, spending = saved
        self.at = self._counted_at = at
        self.trim = min(TRIM_HIGH, max(TRIM_LOW, trim))
        self.tokens = min(DAY, max(-DAY, seconds)) * self.rate
        self.spending = max(0.0, spending) * self.rate
        self._count = 0
