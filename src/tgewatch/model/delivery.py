"""What the user is told."""

from dataclasses import dataclass

from tgewatch.model.verdict import Contribution, DateClaim, Flag


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
    number: int = 0
    """Of the transition within its event."""
    company: str = ""
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
    conflict: str = ""
    note: str = ""
    """What else there is to know, as why it was kept apart from a like event."""
    detail: str = ""
    """Venue of a listing, or the round of a claim or sale, that it is about."""


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
