"""One schedule in two places: one leads and knows all sources, others follow for a few at a time.

The leader decides when a source is due. Whoever polled it decides with `report` when it is due
again, by the same code, and stores that with the poll; the leader reads it from the store.
"""

import math
from collections.abc import Callable

from tgewatch.engine.schedule import Schedule
from tgewatch.model import Pulse, Source, SourceState
from tgewatch.rules.allowance import Allowance
from tgewatch.rules.followed_index import FollowedIndex
from tgewatch.rules.rhythm import load
from tgewatch.settings import PollingSettings


class Leader(Schedule):
    """The schedule of sources that others poll."""

    def pulse(self) -> Pulse:
        """Return what a follower has to know beside the state of its sources."""
        pool = self._index.pool
        threshold = self._index.threshold(self._allowance.rate, self._allowance.trim)
        return Pulse(
            threshold=threshold if math.isfinite(threshold) else 0.0,
            sources=self._index.sources,
            counts=tuple(pool.counts),
            weekend=pool.weekend,
            allowance=tuple(self._allowance.dump()),
        )

    def renew(self, url: str, state: SourceState) -> None:
        """Take over what a follower has decided and stored. Unknown URLs raise KeyError."""
        entry = self._entries[url]
        indexed = entry.policy == "index"
        if indexed:
            self._index.remove(entry.rhythm)
        entry.rhythm, _ = load(state.rhythm, self._index.tuning)
        entry.rhythm.weight = self._weight(entry.source, entry.rhythm)
        if indexed:
            self._index.add(entry.rhythm)
        entry.errors = state.errors
        entry.because = state.because
        entry.at = entry.not_before = state.next_poll
        entry.metered = indexed and entry.errors == 0 and entry.rhythm.at is not None
        self._enqueue(entry)


class Follower(Schedule):
    """The schedule of sources that are being polled for a leader."""

    def __init__(
        self, settings: PollingSettings, *, now: float, chance: Callable[[], float]
    ) -> None:
        super().__init__(settings, now=now, chance=chance)
        self._followed = FollowedIndex(power=self._index.power)
        self._index = self._followed
        self._restored = math.inf  # the budget is the leader's, whatever a state says of it
        self.later: dict[str, float] = {}
        """URL → Unix time, for sources that were deferred and not yet taken back."""

    def follow(self, pulse: Pulse, *, now: float) -> None:
        """Decide by what the leader knows, from now on."""
        self._followed.take_over(
            pulse.threshold, sources=pulse.sources, counts=pulse.counts, weekend=pulse.weekend
        )
        self._allowance = Allowance(pulse.sources / self._settings.interval, now)
        self._allowance.restore(pulse.allowance)

    def take(self, source: Source, state: SourceState | None) -> None:
        """Take in a source that is about to be polled; its poll is paid for by the leader."""
        self.add(source, state)
        self._entries[source.url].queued = False

    def drop(self, url: str) -> float | None:
        """Forget a source; return until when it was deferred, if it was."""
        self.remove(url)
        return self.later.pop(url, None)

    def defer(self, url: str, until: float) -> None:
        """Note that a source may not be asked before `until`; nothing was learned of it."""
        if url in self._entries:
            self.later[url] = until
