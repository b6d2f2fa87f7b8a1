"""The life of an event: what a statement changes, when a date is another date, what time ends.

The table below is the whole of it, state by state. It knows neither sources nor texts: what is
said, and with what weight, is decided by whoever calls.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from tgewatch.model import DateClaim, Precision, State

DAY = 86_400.0

GRACE = 30 * DAY
"""Seconds after the end of its date until an event that nobody called live counts as over."""

LIVE_FOR = 30 * DAY
"""Seconds for which a token counts as newly live."""

RETURN_AFTER = 120 * DAY
"""Seconds after its end from which a new statement opens a new event."""

DISPUTE = 3 * DAY
"""Seconds within which two sources that differ contradict each other; a later statement than that
is taken for news."""

DATE_LINE = 14 * 3_600.0
"""Seconds by which a local day can lie beside the UTC day of the same name (UTC-12 to UTC+14)."""


class Signal(StrEnum):
    """What a statement says, without its date."""

    RUMOUR = "rumour"
    """A stranger's, or a suspicious one."""
    HINT = "hint"
    """The project's own."""
    ANNOUNCE = "announce"
    DATE = "date"
    OPEN = "open"
    """It happens, or has happened."""
    CLOSE = "close"
    """What was open has ended."""
    POSTPONE = "postpone"
    CANCEL = "cancel"


class Guard(StrEnum):
    """What a step needs besides its signal."""

    NONE = ""
    OFFICIAL = "official"
    """Only the project itself can say so now."""
    LATER = "later"
    """Official, or said so long after that it is news and not an echo."""
    DATED = "dated"
    """Only what the dates decide: see `relation`."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one signal does in one state."""

    state: State
    change: str
    """Name of the transition."""
    tell: bool = True
    guard: Guard = Guard.NONE


_R, _A, _D, _L, _E, _P, _C = (
    State.RUMOURED,
    State.ANNOUNCED,
    State.DATED,
    State.LIVE,
    State.DONE,
    State.POSTPONED,
    State.CANCELLED,
)
_HUSH = Step(_R, "rumoured", tell=False)
_HINT = Step(_R, "rumoured")
_SAID = Step(_A, "announced")
_DATE = Step(_D, "dated")
_LIVE = Step(_L, "live")
_DONE = Step(_E, "done")
_LATE = Step(_P, "postponed")
_OFF = Step(_C, "cancelled")
_SLIP = Step(_D, "redated", guard=Guard.DATED)
_AGAIN = Step(_P, "postponed", guard=Guard.DATED)
_BACK = Step(_A, "announced", guard=Guard.OFFICIAL)
_ANEW = Step(_D, "dated", guard=Guard.LATER)
_LATE_AFTER = Step(_P, "postponed", guard=Guard.OFFICIAL)
_OFF_AFTER = Step(_C, "cancelled", guard=Guard.OFFICIAL)

_S = Signal
TABLE: dict[State | None, dict[Signal, Step]] = {
    # An absent signal changes nothing: it is evidence.
    None: {
        _S.RUMOUR: _HUSH, _S.HINT: _HINT, _S.ANNOUNCE: _SAID, _S.DATE: _DATE, _S.OPEN: _LIVE,
        _S.CLOSE: _DONE, _S.POSTPONE: _LATE, _S.CANCEL: _OFF,
    },
    _R: {
        _S.HINT: _HINT, _S.ANNOUNCE: _SAID, _S.DATE: _DATE, _S.OPEN: _LIVE,
        _S.CLOSE: _DONE, _S.POSTPONE: _LATE, _S.CANCEL: _OFF,
    },
    _A: {
        _S.DATE: _DATE, _S.OPEN: _LIVE, _S.CLOSE: _DONE, _S.POSTPONE: _LATE, _S.CANCEL: _OFF,
    },
    _D: {
        _S.DATE: _SLIP, _S.OPEN: _LIVE, _S.CLOSE: _DONE, _S.POSTPONE: _LATE, _S.CANCEL: _OFF,
    },
    _L: {
        _S.CLOSE: _DONE, _S.POSTPONE: _LATE_AFTER, _S.CANCEL: _OFF_AFTER,
    },
    _E: {},
    _P: {
        _S.DATE: _SLIP, _S.OPEN: _LIVE, _S.CLOSE: _DONE, _S.POSTPONE: _AGAIN, _S.CANCEL: _OFF,
    },
    _C: {
        _S.ANNOUNCE: _BACK, _S.DATE: _ANEW, _S.OPEN: _LIVE,
    },
}  # fmt: skip
"""State and signal → next state, name of the change, whether it is told, and what it needs."""


class Relation(IntEnum):
    """How a date that is said stands to the one that is known."""

    NONE = 0
    """Nothing that could be put on a calendar is said."""
    NEW = 1
    """Said for the first time."""
    SAME = 2
    COARSER = 3
    FINER = 4
    OTHER = 5


_RANK = {precision: rank for rank, precision in enumerate(Precision)}


def concrete(date: DateClaim | None) -> bool:
    """Return whether `date` can stand in a calendar; "soon" cannot."""
    return date is not None and date.precision is not Precision.SOON


def relation(known: DateClaim | None, said: DateClaim | None) -> Relation:
    """Return how `said` stands to `known`.

    Periods that overlap are one date, finer or coarser. A time counts within the local day of a
    place whose calendar is ahead or behind. A day that was reckoned ("tomorrow", "today") may be
    off by one against a stated day.
    """
    if said is None or said.precision is Precision.SOON:
        return Relation.NONE
    if known is None or known.precision is Precision.SOON:
        return Relation.NEW
    if not _compatible(known, said):
        return Relation.OTHER
    finer = _RANK[known.precision] - _RANK[said.precision]
    if finer > 0:
        return Relation.FINER
    return Relation.COARSER if finer < 0 else Relation.SAME


def _compatible(known: DateClaim, said: DateClaim) -> bool:
    if known.precision is said.precision is Precision.INSTANT:
        return known.start == said.start
    slack = 0.0
    if Precision.INSTANT in (known.precision, said.precision):
        slack = DATE_LINE
    if known.precision is said.precision is Precision.DAY and (
        known.basis != "stated" or said.basis != "stated"
    ):
        slack = DAY
    first, second = sorted((known, said), key=lambda date: (date.start, date.end))
    if known.precision is said.precision and not slack:
        return _overlap(first, second) >= 0.5 * (second.end - second.start)
    return second.start < max(first.end, first.start + 1.0) + slack


def _overlap(first: DateClaim, second: DateClaim) -> float:
    return min(first.end, second.end) - second.start


def lapsed(state: State, date: DateClaim | None, since: float, now: float) -> float | None:
    """Return when passing time made an event `done`, or None while it is not over.

    `since` is when it entered its state. Only statements make an event live; a date that is long
    past without one ends it.
    """
    if state is State.LIVE:
        over = since + LIVE_FOR
    elif state in (State.DATED, State.POSTPONED) and date is not None and concrete(date):
        over = max(date.end, since) + GRACE
    else:
        return None
    return over if over <= now else None
