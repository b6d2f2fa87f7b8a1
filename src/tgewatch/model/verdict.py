"""What detection says of an item, and why.

A verdict has dozens of reasons with a place in the text each: those are structs, which are made ten
times as fast as dataclasses.
"""

from dataclasses import dataclass
from enum import StrEnum

import msgspec


class Span(msgspec.Struct, frozen=True, gc=False):
    """Half-open range of characters in one field of the judged text."""

    field: str
    """title, summary or text."""
    start: int
    end: int


class Match(msgspec.Struct, frozen=True, gc=False):
    """A term found in an item's text."""

    term: str
    """As configured, not as found."""
    tier: str
    """Tier of the term; `company` or `ticker` for the watchlist's own."""
    span: Span
    company: str = ""


class Contribution(msgspec.Struct, frozen=True, gc=False):
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
    """lookalike_domain, impersonator, drainer_phrase, connect_wallet, shortened_link …, or removed:
    its source has the item no longer, which moves no event."""
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
