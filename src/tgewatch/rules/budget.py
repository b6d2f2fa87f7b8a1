"""So many calls in so much time: for hosts that state no limit of their own."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit` calls in any `window` seconds. Decides; does not wait."""

    limit: int
    window: float
    """Seconds."""
    calls: tuple[float, ...] = ()
    """Times of the latest calls, oldest first, at most `limit` of them."""

    def delay(self, now: float) -> float:
        """Return the seconds until another call fits; 0.0 when it does already."""
        if len(self.calls) < self.limit:
            return 0.0
        return max(0.0, self.calls[0] + self.window - now)

    def spend(self, now: float) -> Self:
        """Return the budget after a call at `now`."""
        return replace(self, calls=(*self.calls, now)[-self.limit :])

    def used(self, now: float) -> int:
        """Return how many calls of the last `window` seconds are known."""
        return sum(call > now - self.window for call in self.calls)
