"""What one cycle did, counted as it goes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tgewatch.model import Event, Judged, Stored, Transition


@dataclass(frozen=True, slots=True)
class Warmed:
    """What the polls brought that were made before their time."""

    polls: int
    """Made and answered."""
    expected: float
    """New items that were predicted of these."""
    found: int
    """New items that they brought."""


@dataclass(slots=True)
class CycleReport:
    """Counts of one round. Filled by the cycle, read by whoever shows it."""

    started: float
    finished: float = 0.0
    seconds: float = 0.0
    polled: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """By cause."""
    causes: dict[str, str] = field(default_factory=dict)
    """URL of the source → cause."""
    failures: dict[str, str] = field(default_factory=dict)
    """URL of the source → what went wrong, for a person."""
    deferred: int = 0
    """Not asked, since their host wants to be left alone for now."""
    unfinished: int = 0
    """Due, but not reached or not answered before the cycle's deadline."""
    not_due: int = 0
    crashed: Counter[str] = field(default_factory=Counter)
    """Bugs of ours by exception; each is logged with its traceback."""
    seen: int = 0
    new: int = 0
    edited: int = 0
    news: Counter[str] = field(default_factory=Counter)
    """URL of the source → new items, for each that answered."""
    warmed: Warmed | None = None
    """None without a warm-up."""
    baseline: int = 0
    """Of the new ones, those that were history when their source was first read."""
    dropped: dict[str, Counter[str]] = field(default_factory=dict)
    """Stage → reason → items."""
    articles: Counter[str] = field(default_factory=Counter)
    """fetched, or the cause of failure."""
    events: dict[str, Event] = field(default_factory=dict)
    """Touched in this cycle, as they stand at its end."""
    transitions: list[Transition] = field(default_factory=list)
    deliveries: Counter[str] = field(default_factory=Counter)
    """delivered, retried, dead, held or pending."""

    @property
    def answered(self) -> int:
        return self.changed + self.unchanged

    @property
    def unreachable(self) -> bool:
        """Whether something was asked and nothing answered."""
        return self.polled + self.unfinished > 0 and self.answered == 0

    def count(self, judged: Sequence[Judged], stored: Stored, *, again: bool = False) -> None:
        """Take in what became of some items; `again` for items that were counted before."""
        for one in judged:
            if again:
                self.articles[one.article.removeprefix("failed: ")] += 1
            if one.claim is None and (again or one.article_retry_at is None):
                self.dropped.setdefault(one.stage, Counter())[one.reason] += 1
        for event in stored.events:
            self.events[event.id] = event
        self.transitions.extend(stored.transitions)
