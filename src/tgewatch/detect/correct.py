"""What time and the user's hand do to an event. Values in, values out.

What the user sets is pinned: evidence goes on being collected, and no longer moves it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from tgewatch.detect.change import ending
from tgewatch.detect.choice import APART
from tgewatch.detect.dossier import dossier
from tgewatch.detect.identity import ticker_of
from tgewatch.detect.merge import called, event_identity, renamed, reviewed, united
from tgewatch.detect.timeline import view
from tgewatch.model import DateClaim, Event, Kind, State, Transition
from tgewatch.ports import Merged

PINNABLE = ("project", "company", "ticker", "state", "kind", "date", "score", APART)
"""What the user may have set, and may release."""
HINTS = (State.RUMOURED,)


@dataclass(frozen=True, slots=True)
class Edit:
    """Fields that the user sets; None leaves one as it is."""

    project: str | None = None
    company: str | None = None
    ticker: str | None = None
    state: State | None = None
    kind: Kind | None = None
    date: DateClaim | None = None
    score: float | None = None
    names: tuple[str, ...] = ()
    """Further names that the event is called by."""
    release: Collection[str] = ()
    """Names of fields that claims may move again."""


def advance(event: Event, now: float) -> Merged:
    """Return what the passage of time does: a token long live, or a date long past, is done.

    Never makes an event live. Recorded, not told.
    """
    if "state" in event.pinned:
        return Merged(event)
    ended = ending(event, view(dossier(event.claims).course, now), now)
    if ended is None:
        return Merged(event)
    over = replace(event, state=State.DONE, changes=ended.number, updated=now)
    return Merged(over, (ended,), "time")


def dismiss(event: Event, now: float) -> Merged:
    """Return the event set aside: further claims are kept as evidence, and nothing is told."""
    return _changed(event, replace(event, dismissed=True, updated=now), "dismissed", now)


def restore(event: Event, now: float) -> Merged:
    """Return a dismissed event as its evidence has it by now."""
    back = reviewed(replace(event, dismissed=False), event.claims, now)
    return _changed(event, back, "restored", now)


def confirm(event: Event, now: float) -> Merged:
    """Return the event as the user knows it to be real: sure, and at least announced.

    A dismissed one comes back as its evidence has it by now.
    """
    back = restore(event, now).event if event.dismissed else event
    known = event if back is None else back
    state = State.ANNOUNCED if known.state in HINTS else known.state
    pinned = _pins(known, {"score"} | ({"state"} if known.state in HINTS else set()))
    sure = replace(known, score=1.0, state=state, pinned=pinned, updated=now)
    return _changed(event, sure, "confirmed", now)


def edit(event: Event, fields: Edit, now: float) -> Merged:
    """Return the event with what the user sets; set fields are pinned, released ones recomputed."""
    given = {
        name: value
        for name in ("project", "company", "ticker", "state", "kind", "date", "score")
        if (value := getattr(fields, name)) is not None
    }
    if "ticker" in given:
        given["ticker"] = ticker_of(str(given["ticker"]))
    pinned = tuple(n for n in _pins(event, set(given)) if n not in fields.release)
    names = tuple(dict.fromkeys((*event.names, *fields.names)))
    changed = replace(event, **given, pinned=pinned, names=names, updated=now)
    changed = _released(changed, {*fields.release} & {*event.pinned})
    changed = reviewed(changed, event.claims, now)
    return _changed(event, changed, "edited", now, ", ".join(sorted(given)))


def _released(event: Event, names: Collection[str]) -> Event:
    """Return the event without what the user had set of these fields, ready to be reviewed."""
    first = called(event.claims[0]) if event.claims else event.project
    return replace(
        event,
        project=first if "project" in names else event.project,
        company="" if "company" in names else event.company,
        ticker="" if "ticker" in names else event.ticker,
    )


def merge_events(kept: Event, other: Event, now: float) -> Merged:
    """Return `kept` with the evidence and names of `other`, which is to be removed.

    What is pinned in `kept` stays; what is pinned only in `other` comes with it.
    """
    whole = united(kept, other)
    brought = {n: getattr(other, n) for n in other.pinned if n not in kept.pinned}
    both = replace(
        whole,
        **brought,
        pinned=_pins(kept, set(other.pinned)),
        dismissed=kept.dismissed and other.dismissed,
    )
    return _changed(kept, reviewed(both, whole.claims, now), "merged", now, f"with {other.id}")


def split(event: Event, claims: Collection[str], now: float) -> tuple[Merged, Merged]:
    """Return the event without the claims of these ids, and a new event made of them.

    Raises ValueError unless each part keeps at least one claim.
    """
    gone = tuple(c for c in event.claims if c.id in claims)
    stay = tuple(c for c in event.claims if c.id not in claims)
    if not gone or not stay:
        raise ValueError("each part of a split needs at least one claim")
    rest = replace(renamed(event, stay), pinned=_pins(event, {APART}))
    kept = _changed(event, reviewed(rest, stay, now), "split", now, f"{len(gone)} claims taken out")
    first = gone[0]
    born = Event(
        id=event_identity(first, apart_from=event.id),
        project=called(first),
        state=State.RUMOURED,
        kind=first.kind,
        score=0.0,
        created=now,
        updated=now,
        pinned=(APART,),
    )
    fresh = reviewed(born, gone, now)
    return kept, _changed(born, fresh, "split", now, f"from {event.id}", first=True)


def withdraw(event: Event, claim: str, now: float) -> Merged:
    """Return the event without the claim of this id, whose item turned out to report nothing.

    Recorded, not told. No event comes back when that was its only evidence and the user has not
    touched it.
    """
    rest = tuple(c for c in event.claims if c.id != claim)
    if len(rest) == len(event.claims):
        return Merged(event)
    if not rest:
        if not event.pinned:
            return Merged(None, gone=(event.id,), reason="its only evidence reports nothing")
        return Merged(event)
    after = reviewed(renamed(event, rest) if len(rest) == 1 else event, rest, now)
    return _changed(event, after, "withdrawn", now, "one item turned out to report nothing")


def _pins(event: Event, names: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted({*event.pinned, *names}))


def _changed(
    before: Event, after: Event, change: str, now: float, note: str = "", *, first: bool = False
) -> Merged:
    transition = Transition(
        event=after.id,
        number=before.changes + 1,
        change=change,
        state=after.state,
        at=now,
        claim="",
        before=None if first else before.state,
        date=after.date,
        date_before=before.date if before.date != after.date else None,
        tell=False,
        note=note,
    )
    return Merged(replace(after, changes=transition.number), (transition,), change)
