"""What is remembered of a source, and what one poll changes."""

from dataclasses import dataclass

from tgewatch.model.delivery import Outgoing
from tgewatch.model.event import Claim, Event, Transition
from tgewatch.model.item import NO_VALIDATORS, Item, Validators
from tgewatch.model.verdict import Verdict
from tgewatch.model.watchlist import Source


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is remembered of a source between polls."""

    url: str
    """As configured."""
    location: str = ""
    """Where it has moved for good; empty while it answers at its own URL."""
    moved_to: str = ""
    moved_times: int = 0
    """Consecutive sightings of the same permanent redirect."""
    validators: Validators = NO_VALIDATORS
    body_hash: str = ""
    """xxh3 (hex) of the last body, for servers that ignore validators."""
    baseline_at: float | None = None
    """When its history was first read; None until then."""
    polled_at: float | None = None
    answered_at: float | None = None
    """Last good answer, 200 or 304."""
    newest_at: float | None = None
    """Publication time of the newest item known."""
    next_poll: float = 0.0
    because: str = ""
    """Why then: one clause for a person."""
    errors: int = 0
    """Consecutive."""
    error: str = ""
    error_cause: str = ""
    health: str = "new"
    """new, ok, slow, broken, silent or gone."""
    polls: int = 0
    rhythm: str = ""
    """Learned publication rhythm, JSON of the schedule's own making."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An item with what became of it."""

    item: Item
    stage: str
    """Where it stopped: baseline, match, score, claim … ; `event` when it made a claim."""
    reason: str
    """Why it stopped there: a short name for counting."""
    verdict: Verdict | None = None
    claim: Claim | None = None
    article: str = ""
    """not_needed, fetched, or why the fetch failed; a failed one is tried again."""
    article_text: str = ""
    """What the article said, bounded; kept so that history can be judged again."""
    article_tries: int = 0
    article_retry_at: float | None = None
    edited: bool = False
    """A known item whose text changed."""


@dataclass(frozen=True, slots=True)
class Poll:
    """Everything that one poll changes, to be stored in one transaction (invariant 1)."""

    source: Source
    at: float
    state: SourceState
    outcome: str
    """changed, unchanged, or failed."""
    judged: tuple[Judged, ...] = ()
    notices: tuple[Outgoing, ...] = ()
    """Messages about the source itself: broken, silent, well again."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store made of a poll."""

    new: int
    events: tuple[Event, ...] = ()
    transitions: tuple[Transition, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()
