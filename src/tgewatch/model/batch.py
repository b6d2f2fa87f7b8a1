"""Work that travels: sources that are due, from the scheduler to whichever worker takes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Due:
    """One poll to be made."""

    url: str
    """Of the source, as configured."""
    polls: int
    """How often the source had been polled when this was decided: a higher number in the store
    means that the poll has been made."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the schedule knows of all sources together, for whoever decides about some of them."""

    threshold: float
    """Weighted delay at which a source is due."""
    sources: int
    """How many share the budget."""
    counts: tuple[int, ...]
    """Profile of all sources together, as rules.rhythm.Profile counts it."""
    weekend: int
    allowance: tuple[float, ...]
    """State of the budget, as rules.allowance.Allowance writes it down."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Sources to poll."""

    id: str
    token: int
    """Fencing token of the scheduler that sent it."""
    due: tuple[Due, ...]
    pulse: Pulse


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch in the hands of a worker."""

    batch: Batch
    tries: int = 1
    """How often it was handed out: more than once when a worker died with it, or gave it back."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker tells the scheduler: where to look in the store, and what was not polled."""

    polled: tuple[str, ...] = ()
    """URLs whose poll is stored."""
    later: Mapping[str, float] = field(default_factory=dict)
    """URL → seconds to wait before it is sent again; nothing was stored of it."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is in a queue."""

    waiting: int = 0
    """Batches that nobody has taken."""
    held: int = 0
    """Batches that a worker has taken and not yet done."""
    aside: int = 0
    """Batches set aside since they failed with every worker."""
