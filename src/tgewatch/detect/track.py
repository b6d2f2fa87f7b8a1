"""One thread of an event's timeline: how a statement moves it, and which of two dates stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tgewatch.detect.phase import Statement
from tgewatch.model import Claim, DateClaim, Kind, State
from tgewatch.rules.lifecycle import (
    DISPUTE,
    TABLE,
    Guard,
    Relation,
    Signal,
    Step,
    relation,
)

SLIPS = frozenset({"redated", "postponed"})


@dataclass(frozen=True, slots=True)
class Said:
    """A claim in its place: what it says, who says it, when."""

    claim: Claim
    statement: Statement
    voice: str
    """Id of the first claim of the same voice."""
    at: float


@dataclass(frozen=True, slots=True)
class Track:
    """One thread of an event: the token itself, a claim or sale round, a listing on one venue."""

    state: State
    change: str
    """Name of the step that last changed it."""
    since: float
    """When that was said."""
    claim: str
    """By which claim."""
    kind: Kind
    author: str
    """Voice that set the date."""
    official: bool = False
    """The date is the project's own word."""
    date: DateClaim | None = None
    support: Mapping[str, float] = field(default_factory=dict)
    """Voice → when it last said this date."""
    rivals: Mapping[str, tuple[DateClaim, float]] = field(default_factory=dict)
    """Voice → another date that it says, and when."""
    void: tuple[DateClaim, ...] = ()
    """Dates that were given up; an echo of one is no news."""
    denied: Mapping[str, str] = field(default_factory=dict)
    """Voice → postponed or cancelled, said of what has already happened."""


def opened(step: Step, one: Said, *, date: DateClaim | None) -> Track:
    return Track(
        state=step.state,
        change=step.change,
        since=one.at,
        claim=one.claim.id,
        kind=one.claim.kind,
        author=one.voice,
        official=one.claim.official,
        date=date,
        support={one.voice: one.at} if date is not None else {},
    )


def stepped(  # noqa: PLR0911 - a ladder, read from the top
    known: Track | None, one: Said
) -> Track | None:
    """Return the track after the statement, or None when it is evidence of what is known."""
    what = one.statement
    signal = what.signal
    if signal is Signal.CLOSE and what.date is not None:
        signal = Signal.OPEN  # it says when it will close, so it is open
    step = TABLE[None if known is None else known.state].get(signal)
    if known is None:
        date = None if what.signal is Signal.CLOSE else what.date
        return None if step is None else opened(step, one, date=date)
    if step is None:
        return _confirmed(known, one) if signal is Signal.DATE else None
    if not _allowed(step.guard, known, one):
        if signal in (Signal.POSTPONE, Signal.CANCEL):
            return replace(known, denied={**known.denied, one.voice: step.state.value})
        return None
    if what.endless and known.date is not None:
        return _endless(known, step, one)
    if signal in (Signal.DATE, Signal.POSTPONE):
        return _dated(known, step, one)
    date = _happened(known.date, what) if signal is Signal.OPEN else known.date
    return replace(opened(step, one, date=date), void=known.void)


def _allowed(guard: Guard, known: Track, one: Said) -> bool:
    if guard is Guard.OFFICIAL:
        return one.claim.official
    if guard is Guard.LATER:
        return one.claim.official or one.at - known.since > DISPUTE
    return True


def _happened(known: DateClaim | None, what: Statement) -> DateClaim | None:
    """Return the date of what has happened: the day itself where the statement names it."""
    if what.signal is Signal.CLOSE or relation(known, what.date) in (
        Relation.NONE,
        Relation.COARSER,
        Relation.SAME,
    ):
        return known
    return what.date


def _confirmed(known: Track, one: Said) -> Track:
    if relation(known.date, one.statement.date) in (Relation.SAME, Relation.COARSER):
        rivals = {voice: rival for voice, rival in known.rivals.items() if voice != one.voice}
        return replace(
            known,
            support={**known.support, one.voice: one.at},
            rivals=rivals,
            official=known.official or one.claim.official,
        )
    return known


def _endless(known: Track, step: Step, one: Said) -> Track | None:
    """Apply a delay for an unknown time; one of a date that was given up before is an echo."""
    left = one.statement.left
    if relation(known.date, left) is Relation.OTHER and _given_up(known.void, left):
        return None
    return _moved(known, step.state, step.change, one, date=None)


def _dated(  # noqa: PLR0911 - one way out for each relation of two dates
    known: Track, step: Step, one: Said
) -> Track | None:
    """Apply a date or a delay to a track that may have a date already."""
    what = one.statement
    delay = what.signal is Signal.POSTPONE
    how = relation(known.date, what.date)
    if delay and how in (Relation.SAME, Relation.COARSER) and _just_moved(known, one):
        return _confirmed(known, one)  # of a date that it has moved to, in the words of the move
    if delay and (how in (Relation.SAME, Relation.FINER) or _given_up(known.void, what.date)):
        how = Relation.NONE  # a delay that quotes the date it gives up
    if how is not Relation.NONE and _echo(known, one):
        return _contested(known, one)
    if known.state is State.CANCELLED:
        return _moved(known, step.state, step.change, one, date=what.date)
    if how in (Relation.NONE, Relation.SAME) or (how is Relation.COARSER and not what.slip):
        if delay and known.state is not State.POSTPONED:
            return _moved(known, step.state, step.change, one, date=None)
        return _confirmed(known, one) if how is not Relation.NONE else None
    if how is Relation.NEW:
        change = "redated" if known.state is State.POSTPONED else step.change
        change = "dated" if known.state is State.DATED else change
        return _moved(known, step.state, change, one, date=what.date)
    if how is Relation.FINER:
        rivals = {
            voice: rival
            for voice, rival in known.rivals.items()
            if voice != one.voice and relation(rival[0], what.date) is Relation.OTHER
        }
        refined = opened(Step(State.DATED, "dated"), one, date=what.date)
        support = {**known.support, one.voice: one.at}
        return replace(refined, void=known.void, rivals=rivals, support=support)
    if _wins(known, one):
        return _moved(known, step.state, "postponed" if delay else "redated", one, date=what.date)
    return _contested(known, one)


def _just_moved(known: Track, one: Said) -> bool:
    """Return whether the known date is one to which the event has moved, not long ago."""
    return known.change in SLIPS and known.date is not None and one.at - known.since <= DISPUTE


def _echo(known: Track, one: Said) -> bool:
    """Return whether a date is one that was given up, said again by somebody else."""
    said = one.statement.date
    given_up = known.void
    if known.state is State.CANCELLED:
        given_up = (*given_up, *([known.date] if known.date is not None else []))
    elif relation(known.date, said) is Relation.SAME:
        return False
    return not one.claim.official and _given_up(given_up, said)


def _given_up(void: tuple[DateClaim, ...], said: DateClaim | None) -> bool:
    return any(relation(date, said) in (Relation.SAME, Relation.FINER) for date in void)


def _wins(known: Track, one: Said) -> bool:
    """Return whether another date replaces the known one, or only contests it.

    The project's own word does, the author of the known date, and whoever says that it moves.
    Otherwise what is said long after is news, and within the dispute the more voices have it.
    """
    if one.claim.official or one.voice == known.author:
        return True
    settling = known.change in SLIPS and one.at - known.since <= DISPUTE
    if one.statement.slip and not settling:
        return True
    allies = {
        voice
        for voice, (date, _) in known.rivals.items()
        if relation(date, one.statement.date) is not Relation.OTHER
    } | {one.voice}
    others = [at for voice, at in known.support.items() if voice not in allies]
    if known.official:
        return len(allies) > 1 and one.at - max(others, default=known.since) > DISPUTE
    if not others:
        return True  # nobody holds on to the known date
    return one.at - max(others) > DISPUTE or len(allies) > max(1, len(others))


def _moved(known: Track, state: State, change: str, one: Said, *, date: DateClaim | None) -> Track:
    """Return the track with another date, remembering the one that was given up."""
    void = known.void if known.date is None else (*known.void, known.date)
    left = {}
    explicit = one.claim.official or one.statement.slip
    if known.date is not None and date is not None and not explicit:
        left = {
            voice: (known.date, at)
            for voice, at in known.support.items()
            if voice != one.voice and one.at - at <= DISPUTE
        }
    allies = {
        voice: at
        for voice, (other, at) in known.rivals.items()
        if date is not None and relation(other, date) is not Relation.OTHER
    }
    rivals = {
        voice: rival
        for voice, rival in {**known.rivals, **left}.items()
        if voice not in allies and voice != one.voice and not explicit
    }
    moved = replace(opened(Step(state, change), one, date=date), void=void, rivals=rivals)
    return replace(moved, support={**allies, **moved.support})


def _contested(known: Track, one: Said) -> Track | None:
    date = one.statement.date
    if date is None:
        return None
    support = {voice: at for voice, at in known.support.items() if voice != one.voice}
    return replace(known, rivals={**known.rivals, one.voice: (date, one.at)}, support=support)
