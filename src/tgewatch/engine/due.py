"""What the schedule keeps of each source, and the queue they wait in."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from tgewatch.model import Source
from tgewatch.rules.delay_index import Explanation
from tgewatch.rules.rhythm import Rhythm


@dataclass(frozen=True, slots=True)
class NextPoll:
    """When a source is polled next, and what else follows from the poll just made."""

    at: float
    because: str
    """A clause for a person that goes after "in 3 m 10 s because"."""
    rhythm: str
    """For SourceState.rhythm."""
    expected: float = 0.0
    """New items expected by then."""
    silent_after: float | None = None
    """When the source counts as silent if nothing new comes; None when it cannot be said."""
    elapsed: float = 0.0
    """Seconds that its answers typically take."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the schedule thinks of one source."""

    url: str
    policy: str
    at: float
    because: str
    index: Explanation | None
    """None under a fixed interval."""


class Entry:
    """One source in the schedule."""

    __slots__ = (
        "at",
        "because",
        "errors",
        "expected",
        "metered",
        "not_before",
        "policy",
        "queued",
        "rhythm",
        "source",
    )

    def __init__(self, source: Source, rhythm: Rhythm, policy: str) -> None:
        self.source = source
        self.rhythm = rhythm
        self.policy = policy
        self.errors = 0
        self.expected = 0.0
        self.at = 0.0
        self.not_before = 0.0
        """No poll sooner than this helps: guards, not wishes."""
        self.because = ""
        self.metered = False
        """Waits for the allowance; first polls, retries and fixed intervals do not."""
        self.queued = False

    def hold(self, until: float, because: str) -> None:
        """Let the source wait until then, if it would not anyway."""
        self.not_before = max(self.not_before, until)
        if self.at < until:
            self.at = until
            self.because = because


class DueQueue:
    """Times and URLs, earliest first; entries that moved since are skipped."""

    def __init__(self, entries: Mapping[str, Entry], *, metered: bool) -> None:
        self._entries = entries
        self._metered = metered
        self._heap: list[tuple[float, str]] = []

    def push(self, at: float, url: str) -> None:
        heapq.heappush(self._heap, (at, url))
        if len(self._heap) > 64 + 4 * len(self._entries):
            self._heap = [pair for pair in set(self._heap) if self._current(pair)]
            heapq.heapify(self._heap)

    def head(self) -> tuple[float, str] | None:
        """Return the earliest that still holds."""
        while self._heap and not self._current(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def pop(self) -> None:
        heapq.heappop(self._heap)

    def _current(self, pair: tuple[float, str]) -> bool:
        entry = self._entries.get(pair[1])
        return (
            entry is not None
            and entry.queued
            and entry.at == pair[0]
            and entry.metered == self._metered
        )
