"""What of two views of an event is a change, and whether it is worth telling."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tgewatch.detect.phase import moment, suspicious
from tgewatch.detect.timeline import Fact, View
from tgewatch.detect.track import SLIPS
from tgewatch.model import Claim, DateClaim, Event, State, Transition
from tgewatch.rules.lifecycle import DAY, LIVE_FOR, Relation, concrete, relation

RECENT = 14 * DAY
"""Seconds; history, read on first sight of a source, tells of announcements, hints and delays
without a date no older than this."""

STALE = LIVE_FOR
"""Seconds; a claim that was made longer ago than this is history, whenever it is read."""

FACT_ORDER = (
    "postponed",
    "cancelled",
    "claim_open",
    "listing",
    "live",
    "sale_open",
    "sale_close",
    "claim_close",
    "sale",
    "claim",
)
"""Where one claim brings several facts, it is told by the first of these."""

_NEWS = (Relation.NEW, Relation.FINER, Relation.OTHER)
_CLOSINGS = frozenset({"claim_close", "sale_close"})
_HAPPENED = frozenset({"live", "claim_open", "sale_open"})
_UNDATED = (State.RUMOURED, State.ANNOUNCED, State.POSTPONED)


@dataclass(frozen=True, slots=True)
class Change:
    """A difference that is news."""

    name: str
    date: DateClaim | None
    date_before: DateClaim | None = None
    detail: str = ""
    """Venue or round."""


def change(before: View | None, after: View) -> Change | None:
    """Return the one thing that changed, or None where the claim only confirms what is known."""
    if before is None:
        return _first(after)
    fact = _new_fact(before, after)
    if before.state is not after.state and not _one_slip(before, after):
        return _state_change(before, after, fact)
    main = _date_change(before, after)
    if main is not None and (fact is None or main.name != "dated"):
        return main
    if fact is not None:
        return _told_fact(fact)
    return _fact_moved(before, after) or main or _hint(before, after)


def _one_slip(before: View, after: View) -> bool:
    """Return whether the two say one slip in other words: postponed to a day, or moved to it."""
    return (
        {before.state, after.state} == {State.DATED, State.POSTPONED}
        and before.change in SLIPS
        and after.change in SLIPS
        and before.date is not None
        and relation(before.date, after.date) in (Relation.SAME, Relation.COARSER)
    )


def _first(after: View) -> Change:
    facts = list(after.facts.values())
    fact = next((_joint(one, facts) for one in _ordered(facts)), None)
    if fact is None or after.state in (State.POSTPONED, State.CANCELLED, State.DONE):
        return Change(after.change, after.date)
    return Change(_name(after, fact), _told_date(after, fact), detail=fact.detail)


def _state_change(before: View, after: View, fact: Fact | None) -> Change:
    held = before.date if relation(before.date, after.date) is not Relation.SAME else None
    if fact is None or after.change in SLIPS or after.state is State.CANCELLED:
        kept = after.change == "postponed" and before.date == after.date  # by the user's hand
        return Change(after.change, None if kept else after.date, held)
    return Change(_name(after, fact), _told_date(after, fact), held, fact.detail)


def _told_date(after: View, fact: Fact) -> DateClaim | None:
    """Return the date to tell with a fact: of what closes its own, never that of the event."""
    return fact.date if fact.change in _CLOSINGS else after.date or fact.date


def _name(after: View, fact: Fact) -> str:
    """Return the name for a change of state that comes with a fact."""
    if after.state is State.LIVE and fact.change == "listing":
        return "live"  # what makes a token live is told as that
    return fact.change


def _date_change(  # noqa: PLR0911 - one way out for each relation of two dates
    before: View, after: View
) -> Change | None:
    if before.date == after.date:
        return None
    how = relation(before.date, after.date)
    if after.state in (State.LIVE, State.DONE):
        return None  # the day of what has happened is no news
    if after.date is None and after.state is State.POSTPONED and after.since != before.since:
        return Change("postponed", None, before.date)
    if how is Relation.NEW:
        return Change("redated" if after.state is State.POSTPONED else "dated", after.date)
    slipped = after.change in SLIPS and before.since != after.since
    if how is Relation.FINER or (how is Relation.OTHER and before.track != after.track):
        return Change(after.change if slipped else "dated", after.date, before.date)
    if how is Relation.OTHER or (how is Relation.COARSER and slipped):
        return Change(after.change if slipped else "redated", after.date, before.date)
    return None


def _ordered(facts: Iterable[Fact]) -> list[Fact]:
    return sorted(facts, key=lambda fact: (FACT_ORDER.index(fact.change), fact.at, fact.detail))


def _new_fact(before: View, after: View) -> Fact | None:
    """Return the foremost fact that is new and says something that the state and date do not."""
    fresh = [fact for key, fact in after.facts.items() if key not in before.facts]
    for fact in _ordered(fresh):
        if not _in_the_state(before, after, fact):
            return _joint(fact, fresh)
    return None


def _in_the_state(before: View, after: View, fact: Fact) -> bool:
    """Return whether state and date of the event tell of `fact` already."""
    match fact.change:
        case "live":
            return before.state is State.LIVE
        case "postponed" | "cancelled":
            return after.state in (State.POSTPONED, State.CANCELLED)
        case "claim":
            return not fact.detail and not _beside(after, fact.date)
        case _:
            return False


def _joint(fact: Fact, fresh: Sequence[Fact]) -> Fact:
    """Return a listing with all the venues that are new with it."""
    if fact.change != "listing":
        return fact
    venues = sorted(one.detail for one in fresh if one.change == "listing")
    return replace(fact, detail=", ".join(venues))


def _beside(after: View, date: DateClaim | None) -> bool:
    """Return whether `date` is not the event's own, however exactly it is said."""
    return concrete(date) and relation(after.date, date) in (Relation.OTHER, Relation.NEW)


def _told_fact(fact: Fact) -> Change:
    return Change(fact.change, fact.date, detail=fact.detail)


def _fact_moved(before: View, after: View) -> Change | None:
    for key, fact in after.facts.items():
        known = before.facts.get(key)
        if known is None or known.date == fact.date:
            continue
        if fact.change in _HAPPENED:
            continue  # the day of what has happened is no news
        how = relation(known.date, fact.date)
        if how is Relation.OTHER and _beside(after, fact.date):
            return Change("redated", fact.date, known.date, _label(fact))
        if how in _NEWS and _beside(after, fact.date):
            return Change(fact.change, fact.date, known.date, fact.detail)
    return None


def _label(fact: Fact) -> str:
    """Return what a date belongs to, in words: `claim close`, `listing KuCoin`."""
    return f"{fact.change.replace('_', ' ')} {fact.detail}".strip()


def _hint(before: View, after: View) -> Change | None:
    if after.hinted and not before.hinted and after.state is State.RUMOURED:
        return Change("rumoured", after.date)
    return None


def worth_telling(
    before: View | None, after: View, found: Change, claim: Claim, *, now: float
) -> bool:
    """Return whether the user wants to hear of it.

    Not of a stranger's rumour; of a suspicious claim once, as a warning, when it opens an event.
    What was over when it was first heard of is never told. History read on first sight, and what
    is older than `STALE`, is told only while the event is ahead: its date is to come, or it was
    announced or put off without one within `RECENT`.
    """
    age = now - moment(claim)
    if before is None and after.ended is not None:
        return False
    if found.name == "rumoured" and not after.hinted:
        return suspicious(claim) and before is None and not claim.baseline
    if not claim.baseline and age <= STALE:
        return True
    date = found.date if found.date is not None else after.date
    if date is not None and concrete(date):
        return date.end > now or (date.end == date.start and date.start > now)
    return after.state in _UNDATED and age <= RECENT


def ending(event: Event, found: View | None, now: float) -> Transition | None:
    """Return the transition by which time has ended `event`, or None. Recorded, not told."""
    if found is None or found.ended is None or event.state is State.DONE or event.dismissed:
        return None
    was = "was live" if event.state is State.LIVE else "its date passed and nobody called it live"
    return Transition(
        event=event.id,
        number=event.changes + 1,
        change="done",
        state=State.DONE,
        at=now,
        claim="",
        before=event.state,
        date=event.date,
        tell=False,
        note=was,
    )


def transition(
    event: Event, before: View | None, after: View, claim: Claim, *, now: float, note: str = ""
) -> Transition | None:
    """Return the transition that `claim` causes, numbered after the event's last one."""
    found = change(before, after)
    if found is None:
        return None
    return Transition(
        event=event.id,
        number=event.changes + 1,
        change=found.name,
        state=event.state,
        at=now,
        claim=claim.id,
        before=None if before is None else before.state,
        date=found.date,
        date_before=found.date_before,
        tell=worth_telling(before, after, found, claim, now=now),
        note=note,
        detail=found.detail,
    )
