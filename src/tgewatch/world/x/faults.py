"""What goes wrong, by chance with a seed or when a test plants it."""

import zlib
from collections import defaultdict, deque
from dataclasses import dataclass, field
from random import Random

KINDS = frozenset({"503", "503_text", "lost", "429", "capped", "partial", "short"})


@dataclass(slots=True)
class Faults:
    """Shares are of requests, from 0 to 1. Without any, nothing goes wrong."""

    seed: int = 0
    unavailable: float = 0.0
    """Answered 503 without rate headers, as gzip or as text; counted nevertheless."""
    lost: float = 0.0
    """Done, counted and billed; the answer never arrives."""
    partial: float = 0.0
    """With an entry in `errors` beside complete data."""
    short: float = 0.0
    """Pages with fewer posts than there are, and a token for the rest."""
    late: float = 0.0
    """Share of posts that search learns of later than those around them."""
    late_by: float = 45.0
    """Seconds, at most."""
    latency: float = 0.0
    """Median seconds until an answer is there; the tail is that of a lognormal distribution."""
    skew: float = 0.0
    """Seconds by which the clock of the service is ahead of `now`."""
    date_stray: float = 0.0
    """Seconds by which a single Date header may be off, either way."""
    again: float = 0.0
    """Share of repeated reads that are billed a second time within a day."""
    foreign: float = 0.0
    """Share of requests after which another client with the same token makes one."""
    disconnect: float = 0.0
    """Mean seconds until a stream ends or falls silent; 0 for never."""
    stale: float = 0.0
    """Seconds for which a connection that is gone still counts as open."""
    _planted: defaultdict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    _chance: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._chance = Random(self.seed)  # noqa: S311 - a simulation

    def plant(self, endpoint: str, *kinds: str) -> None:
        """Let the next requests to an endpoint fail so, one after the other.

        Kinds: 503, 503_text, lost, 429 (by somebody else's use), capped, partial, short.
        """
        if unknown := set(kinds) - KINDS:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        self._planted[endpoint].extend(kinds)

    def of(self, endpoint: str) -> str:
        """Return what happens to this request; empty for nothing."""
        if self._planted[endpoint]:
            return self._planted[endpoint].popleft()
        roll = self._chance.random()
        for kind, share in (
            ("503", self.unavailable / 2),
            ("503_text", self.unavailable / 2),
            ("lost", self.lost),
            ("partial", self.partial),
            ("short", self.short),
        ):
            if roll < share:
                return kind
            roll -= share
        return ""

    def delay(self) -> float:
        """Return how many seconds this answer takes."""
        if not self.latency:
            return 0.0
        return min(30.0, self.latency * self._chance.lognormvariate(0.0, 0.7))

    def stray(self) -> float:
        return self._chance.uniform(-self.date_stray, self.date_stray) if self.date_stray else 0.0

    def bills_again(self) -> bool:
        return bool(self.again) and self._chance.random() < self.again

    def stranger(self) -> bool:
        return bool(self.foreign) and self._chance.random() < self.foreign

    def index_delay(self, post: int) -> float:
        """Return the further seconds until search knows a post: always the same for each."""
        if not self.late:
            return 0.0
        roll = zlib.crc32(f"{self.seed}:{post}".encode()) / 2**32
        return self.late_by * (1.0 - roll / self.late) if roll < self.late else 0.0
