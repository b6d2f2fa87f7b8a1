"""What happens to a token, merged from all that is claimed about it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from tgewatch.model.verdict import Contribution, DateClaim, Flag, Kind


@dataclass(frozen=True, slots=True)
class Claim:
    """One item's statement about an event."""

    id: str
    """Stable: a hash of source and item key (and part, where one item makes several claims)."""
    source: str
    item: str
    """Key of the item in its source."""
    url: str
    title: str
    project: str
    kind: Kind
    confidence: float
    at: float
    """When it was published, or seen where no date was given."""
    seen: float
    company: str = ""
    ticker: str = ""
    date: DateClaim | None = None
    official: bool = False
    """Made by the project's own source."""
    rumour: bool = False
    baseline: bool = False
    """Read on the first sight of its source: alerts only when the event is still ahead."""
    why: tuple[Contribution, ...] = ()
    flags: tuple[Flag, ...] = ()
    text: str = ""
    """Title and summary, bounded: what near-duplicate detection compares."""

    def __hash__(self) -> int:
        # Evidence is looked up by whole tuples of claims; the id tells all but edits apart.
        return hash(self.id)


def removed(claim: Claim, at: float) -> Claim:
    """Return a claim with the note that its source had the item no longer at `at`; noted once."""
    if any(flag.name == "removed" for flag in claim.flags):
        return claim
    day = datetime.fromtimestamp(at, UTC).date().isoformat()
    return replace(claim, flags=(*claim.flags, Flag("removed", f"removed by {day}")))


class State(StrEnum):
    """Where an event stands."""

    RUMOURED = "rumoured"
    ANNOUNCED = "announced"
    DATED = "dated"
    LIVE = "live"
    DONE = "done"
    POSTPONED = "postponed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Event:
    """A token generation event of one project, merged from all claims about it."""

    id: str
    project: str
    state: State
    kind: Kind
    """Of the claim that last changed it."""
    score: float
    """Confidence of the event, 0 to 1, from its independent claims."""
    created: float
    updated: float
    company: str = ""
    ticker: str = ""
    names: tuple[str, ...] = ()
    """Every name it was called by, normalised."""
    date: DateClaim | None = None
    claims: tuple[Claim, ...] = ()
    """Evidence, oldest first."""
    sources: int = 0
    """Independent ones; syndicated copies count once."""
    conflict: str = ""
    """What its sources disagree about, in words; empty when they agree."""
    pinned: tuple[str, ...] = ()
    """Fields set by the user, which no claim overrides."""
    dismissed: bool = False
    changes: int = 0
    """Number of its last transition; the next one is numbered from here."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of an event worth recording; `tell` says whether it is worth telling."""

    event: str
    number: int
    """1, 2, 3 … within its event."""
    change: str
    """announced, dated, redated, live, claim_open, sale, listing, postponed, cancelled, done …"""
    state: State
    at: float
    claim: str
    """Id of the claim that caused it; empty for the passage of time or the user's hand."""
    before: State | None = None
    date: DateClaim | None = None
    date_before: DateClaim | None = None
    tell: bool = True
    note: str = ""
    detail: str = ""
    """Venue of a listing, or the round of a claim or sale, that it is about."""
