"""What time it is at the other end, as far as its answers tell."""

from dataclasses import dataclass, replace
from typing import Self

UNSYNCED = 5.0
"""Seconds that the two clocks are taken to differ by, at most, before any answer came."""
DRIFT = 1e-4
"""Seconds per second by which what is known fades: more than real clocks drift apart."""
JITTER = 2.0
"""Seconds that Date headers of one service may disagree by; beyond it a clock was set."""


@dataclass(frozen=True, slots=True)
class ServerClock:
    """Bounds on the server's time minus ours.

    A Date header is floored to the second, so an answer asked for at `sent` and here at `received`
    says: Date - received <= offset <= Date + 1 - sent. Bounds are intersected, and widen slowly.
    """

    low: float = -UNSYNCED
    high: float = UNSYNCED
    at: float = 0.0
    """Our time when the bounds were last true."""
    synced: bool = False

    def earliest(self, now: float) -> float:
        """Return the least that the server's clock can show at `now`."""
        return now + self.low - self._fade(now)

    def latest(self, now: float) -> float:
        """Return the most that the server's clock can show at `now`."""
        return now + self.high + self._fade(now)

    def _fade(self, now: float) -> float:
        return DRIFT * max(0.0, now - self.at) if self.synced else 0.0

    def seen(self, date: float, *, sent: float, received: float) -> Self:
        """Return the clock after an answer with that Date."""
        low, high = date - received, date + 1 - sent
        if high < low:  # our own clock was set back meanwhile
            return self
        if not self.synced:
            return replace(self, low=low, high=high, at=received, synced=True)
        fade = self._fade(received)
        old_low, old_high = self.low - fade, self.high + fade
        if low - old_high > JITTER or old_low - high > JITTER:
            return replace(self, low=low, high=high, at=received)
        if low > old_high or high < old_low:
            low, high = min(low, old_low), max(high, old_high)
        else:
            low, high = max(low, old_low), min(high, old_high)
        return replace(self, low=low, high=high, at=max(received, self.at))

    def doubted(self, seconds: float) -> Self:
        """Return the clock with wider bounds, as after a restart."""
        return replace(self, low=self.low - seconds, high=self.high + seconds)
