"""The delay index as somebody sees it who has a few sources at a time in hand."""

from array import array
from collections.abc import Sequence

from tgewatch.rules.delay_index import DelayIndex
from tgewatch.rules.rhythm import CELLS, HOURS, MINUTES, Rhythm, Tuning


class FollowedIndex(DelayIndex):
    """Judges by the threshold and the joint profile of another index.

    That one counts the sources: whatever is added, removed or observed here changes neither.
    """

    def __init__(self, *, tuning: Tuning | None = None, power: int = 1) -> None:
        super().__init__(tuning=tuning, power=power)
        self._threshold = 0.0

    def take_over(
        self, threshold: float, *, sources: int, counts: Sequence[int], weekend: int
    ) -> None:
        """Judge by these from now on. Raises ValueError for counts that no profile has."""
        if len(counts) != CELLS or min(counts) < 0:
            raise ValueError(f"a profile has {CELLS} counts, none below 0")
        self._threshold = threshold
        self.sources = sources
        self._pool.counts = array("L", counts)
        self._pool.weekend = weekend
        self._pool.total = sum(counts[HOURS:MINUTES])
        self._refresh()

    def add(self, rhythm: Rhythm) -> None:
        """Do nothing: it is counted already."""

    def remove(self, rhythm: Rhythm) -> None:
        """Do nothing, as `add`."""

    def reweigh(self, rhythm: Rhythm, weight: float) -> None:
        """Change the weight of a source."""
        rhythm.weight = weight

    def observe(self, rhythm: Rhythm, now: float, published: Sequence[float]) -> None:
        """Let the source learn from a good poll; see `Rhythm.learn`."""
        rhythm.learn(now, published, self.tuning)

    def threshold(self, rate: float, trim: float) -> float:
        """Return the threshold of the index that is followed; `rate` and `trim` are in it."""
        del rate, trim
        return self._threshold
