"""The words of the field as values: what is watched, published, judged, merged and told.

Times are Unix seconds (UTC) as floats. Everything here is frozen and knows no I/O.
"""

from tgewatch.model.batch import Backlog, Batch, Due, Outcome, Pulse, Taken
from tgewatch.model.delivery import Delivery, Link, Notice, Outgoing
from tgewatch.model.event import Claim, Event, State, Transition
from tgewatch.model.item import NO_VALIDATORS, Item, Validators
from tgewatch.model.label import Label
from tgewatch.model.poll import Judged, Poll, SourceState, Stored
from tgewatch.model.record import Record, Trace
from tgewatch.model.verdict import (
    Contribution,
    DateClaim,
    Flag,
    Kind,
    Match,
    Precision,
    Span,
    Verdict,
)
from tgewatch.model.watchlist import Company, Priority, Source

__all__ = [
    "NO_VALIDATORS",
    "Backlog",
    "Batch",
    "Claim",
    "Company",
    "Contribution",
    "DateClaim",
    "Delivery",
    "Due",
    "Event",
    "Flag",
    "Item",
    "Judged",
    "Kind",
    "Label",
    "Link",
    "Match",
    "Notice",
    "Outcome",
    "Outgoing",
    "Poll",
    "Precision",
    "Priority",
    "Pulse",
    "Record",
    "Source",
    "SourceState",
    "Span",
    "State",
    "Stored",
    "Taken",
    "Trace",
    "Transition",
    "Validators",
    "Verdict",
]
