"""What the store knows of an item, from its publication to the message about it."""

from dataclasses import dataclass

from tgewatch.model.delivery import Delivery
from tgewatch.model.event import Claim, Event, Transition
from tgewatch.model.poll import Judged


@dataclass(frozen=True, slots=True)
class Record:
    """One item as it is stored."""

    source: str
    """Name of its source."""
    judged: Judged
    seen_at: float
    judged_at: float
    edited_at: float | None = None
    baseline: bool = False
    """It was there when its source was first read."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Where one item went: the answer to `why`."""

    record: Record
    claim: Claim | None = None
    joined: str = ""
    """Why the claim joined its event, or none."""
    event: Event | None = None
    transitions: tuple[Transition, ...] = ()
    """Those that this item caused."""
    deliveries: tuple[Delivery, ...] = ()
    """Of the event."""
