"""The words of the field as values: what is watched, published, judged, merged and told.

Times are Unix seconds (UTC) as floats. Everything here is frozen and knows no I/O.
"""

from dataclasses import dataclass
from enum import StrEnum


class Priority(StrEnum):
    """How much an hour of delay matters, relative to the others."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def weight(self) -> float:
        """Relative cost of a second of delay."""
        return {Priority.HIGH: 10.0, Priority.MEDIUM: 3.0, Priority.LOW: 1.0}[self]


@dataclass(frozen=True, slots=True)
class Company:
    """An entry of the watchlist."""

    name: str
    aliases: tuple[str, ...] = ()
    tickers: tuple[str, ...] = ()
    """Without `$`, upper case."""
    x_handle: str = ""
    """Without `@`."""
    domains: tuple[str, ...] = ()
    """Official registrable domains or hosts, lower case."""
    exclusions: tuple[str, ...] = ()
    """Phrases in which the name means something else."""
    context: tuple[str, ...] = ()
    """When not empty: one of these words must stand in the text for the bare name to count."""
    priority: Priority = Priority.MEDIUM


@dataclass(frozen=True, slots=True)
class Source:
    """A place that is polled."""

    url: str
    """As configured; also the identity of the source in the store."""
    name: str
    kind: str = "feed"
    company: str = ""
    """Name of the company whose official voice this is; empty for an outlet."""
    priority: Priority = Priority.MEDIUM
    why: str = ""
    interval: float | None = None
    """Seconds between polls where the operator fixes them; None leaves it to the schedule."""
    headers: tuple[tuple[str, str], ...] = ()
    """Sent to the source's own origin only; never logged."""


# --- as published -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """An entry, post or page as published, before any judgement. Text is plain and bounded."""

    source: str
    """URL of the source."""
    key: str
    """SHA-256 (hex) of the publisher's id, or of URL and title without one; unique in a source."""
    url: str
    title: str
    summary: str = ""
    content: str = ""
    """Full text where the feed itself carries it."""
    published: float | None = None
    """None when the publisher gave no date that can be read, or one far in the future."""
    author: str = ""
    kind: str = "entry"
    """entry, post or page."""

    @property
    def fingerprint(self) -> str:
        """What must change for the item to count as edited; text, to be hashed by the store."""
        return f"{self.title}\n{self.summary}\n{self.content}"


@dataclass(frozen=True, slots=True)
class Validators:
    """What makes the next request conditional (RFC 9110 section 13)."""

    etag: str = ""
    last_modified: str = ""

    def __bool__(self) -> bool:
        return bool(self.etag or self.last_modified)


NO_VALIDATORS = Validators()


# --- as judged ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of characters in one field of the judged text."""

    field: str
    """title, summary or text."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Match:
    """A term found in an item's text."""

    term: str
    """As configured, not as found."""
    tier: str
    """Tier of the term; `company` or `ticker` for the watchlist's own."""
    span: Span
    company: str = ""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One named reason and what it adds to the score."""

    name: str
    value: float
    """In log-odds; the values of a verdict add up to its score."""
    detail: str = ""
    """The words that caused it, or another short explanation for a person."""
    span: Span | None = None


class Kind(StrEnum):
    """What is said to happen to a token."""

    ANNOUNCED = "tge_announced"
    DATE_SET = "date_set"
    LIVE = "live"
    AIRDROP_CLAIM = "airdrop_claim"
    TOKEN_SALE = "token_sale"  # noqa: S105 - not a secret
    LISTING = "listing"
    POSTPONED = "postponed"
    CANCELLED = "cancelled"
    OTHER = "other"


class Precision(StrEnum):
    """How exactly a date is known, finest first."""

    INSTANT = "instant"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    SOON = "soon"


@dataclass(frozen=True, slots=True)
class DateClaim:
    """When the thing is said to happen."""

    start: float
    """First second of the period, UTC."""
    end: float
    """First second after it; equal to start for an instant."""
    precision: Precision
    basis: str = "stated"
    """stated, relative (resolved against the publication time) or pubdate (happening now)."""
    text: str = ""
    """The words it was read from."""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """A sign of fraud, with the reason for a person."""

    name: str
    """lookalike_domain, impersonator, drainer_phrase, connect_wallet, shortened_link …"""
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What detection says of an item."""

    relevant: bool
    score: float
    """Sum of the contributions, in log-odds."""
    confidence: float
    """The score as a probability, 0 to 1."""
    why: tuple[Contribution, ...]
    kind: Kind | None = None
    """None when not relevant."""
    project: str = ""
    """Name as the text gives it, or the company's when it is on the watchlist."""
    company: str = ""
    """Name of the watchlist's company, or empty."""
    ticker: str = ""
    date: DateClaim | None = None
    flags: tuple[Flag, ...] = ()
    rumour: bool = False
    """A stranger's rumour: evidence without alert."""


# --- as merged ----------------------------------------------------------------------------


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


# --- as told ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    """One piece of evidence in a notice."""

    url: str
    title: str
    source: str
    suspicious: bool = False
    """Show it defanged, never clickable."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a channel is given to show: everything about one change, already bounded."""

    subject: str
    """event or source."""
    change: str
    project: str
    headline: str
    """One sentence for a person, without mark-up."""
    at: float
    event: str = ""
    ticker: str = ""
    kind: str = ""
    state: str = ""
    date: DateClaim | None = None
    date_before: DateClaim | None = None
    score: float = 0.0
    why: tuple[Contribution, ...] = ()
    flags: tuple[Flag, ...] = ()
    links: tuple[Link, ...] = ()
    sources: int = 0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notice on its way into the outbox."""

    key: str
    """Idempotency key: SHA-256 (hex) of event, transition and channel."""
    channel: str
    notice: Notice
    not_before: float = 0.0
    """Quiet hours hold delivery, never evaluation."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One transition to one channel, as the outbox holds it."""

    key: str
    channel: str
    notice: Notice
    state: str
    """pending, delivered or dead."""
    attempts: int
    next_at: float
    created: float
    delivered_at: float | None = None
    error: str = ""


# --- as polled ----------------------------------------------------------------------------


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
