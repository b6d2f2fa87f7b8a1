"""What is watched: companies and sources."""

from dataclasses import dataclass, field
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
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Sent to the source's own origin only; never logged."""
