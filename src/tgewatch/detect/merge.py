"""One event per project and token, merged from all claims about it. Values in, values out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256

from tgewatch.detect.change import ending, transition
from tgewatch.detect.choice import FIRST, choose, event_naming, subject_of, swallowed
from tgewatch.detect.dossier import Dossier, dossier
from tgewatch.detect.identity import (
    NAME_LIMIT,
    Likeness,
    Naming,
    likeness,
    name_of,
    symbol_of,
    ticker_of,
)
from tgewatch.detect.phase import suspicious
from tgewatch.detect.timeline import View, view
from tgewatch.detect.track import Said
from tgewatch.detect.voice import voices_of
from tgewatch.model import Claim, Event, State, Transition
from tgewatch.ports import Merged

SLUG = 40
NAMES = 50
"""Names that an event keeps."""
FLOOD = 40
"""Claims of one voice about one event, from which on only what its project itself says is taken."""
FULL = 500
"""Claims of all voices; the same."""
RUMOUR_WEIGHT = 0.3
SUSPICIOUS_WEIGHT = 0.2


def merge(claim: Claim, candidates: Sequence[Event], now: float) -> Merged:
    """Return what `claim` does to the event it belongs to, or the event that it opens.

    A claim that is known already changes nothing; a known one that now says something else takes
    the place of what it said, in the event that it now means. Never merges claims about different
    projects or tokens.
    """
    subject = subject_of(claim)
    if subject.empty:
        return Merged(None, reason="names no project, company or ticker")
    holder = next((e for e in candidates if any(c.id == claim.id for c in e.claims)), None)
    if holder is not None:
        others = [event for event in candidates if event.id != holder.id]
        return _again(claim, subject, holder, others, now)
    event, reason = choose(claim, subject, candidates)
    if event is None:
        return _open(claim, now, reason)
    if not claim.official and _overflows(claim, event):
        return Merged(event, reason="enough evidence of this voice, or of all: not kept")
    return _joined(claim, event, candidates, now, reason)


def _overflows(claim: Claim, event: Event) -> bool:
    """Return whether the evidence is full: a flood must not make each further claim slower."""
    if len(event.claims) >= FULL:
        return True
    if len(event.claims) < FLOOD:
        return False
    voice = voices_of(claim)[0]
    return sum(voices_of(one)[0] == voice for one in event.claims) >= FLOOD


def score_of(placed: Iterable[Said]) -> float:
    """Return the probability that the event is real: noisy-or over independent voices.

    Of each voice the surest claim counts; the project's own counts twice, a rumour or a claim with
    signs of fraud for a part.
    """
    best: dict[str, float] = {}
    for one in placed:
        confidence = min(1.0, max(0.0, one.claim.confidence))
        if suspicious(one.claim):
            confidence *= SUSPICIOUS_WEIGHT
        elif one.claim.rumour:
            confidence *= RUMOUR_WEIGHT
        elif one.claim.official:
            confidence = 1.0 - (1.0 - confidence) ** 2
        best[one.voice] = max(best.get(one.voice, 0.0), confidence)
    doubt = 1.0
    for confidence in best.values():
        doubt *= 1.0 - confidence
    return round(1.0 - doubt, 6)


def _open(claim: Claim, now: float, reason: str, *, apart_from: str = "") -> Merged:
    event = Event(
        id=event_identity(claim, apart_from=apart_from),
        project=called(claim),
        company=claim.company,
        ticker=ticker_of(claim.ticker),
        state=State.RUMOURED,
        kind=claim.kind,
        score=0.0,
        created=now,
        updated=now,
    )
    return _settled(event, (claim,), claim, now, reason, before=None)


def called(claim: Claim) -> str:
    return (claim.project or claim.company or claim.ticker)[:NAME_LIMIT]


def event_identity(claim: Claim, *, apart_from: str = "") -> str:
    """Return the id of the event that `claim` opens: readable, and the same each time.

    Another one than `apart_from`, the event that it comes from and may have opened.
    """
    words = name_of(called(claim)).full
    slug = "".join(c if c.isascii() and c.isalnum() else "-" for c in words)[:SLUG].strip("-")
    mark = sha256(f"{words}\n{claim.id}".encode()).hexdigest()
    found = f"{slug or 'event'}-{mark[:8]}"
    return found if found != apart_from else f"{slug or 'event'}-{mark[8:16]}"


def _again(
    claim: Claim, subject: Naming, holder: Event, others: Sequence[Event], now: float
) -> Merged:
    """Take a claim that is known by its id: nothing new, or an edited or better-read text.

    Where it now names another project, its event is renamed if it has no other evidence and no
    event of that name exists; else the claim moves, and an event left without evidence with it.
    """
    known = next(c for c in holder.claims if c.id == claim.id)
    if _substance(known) == _substance(claim):
        return Merged(holder, reason="known claim")
    at = known.at
    if _wording(known) != _wording(claim):
        at = max(claim.at, claim.seen)  # an edited text says what it says since then
    fresh = replace(claim, at=at, baseline=known.baseline and claim.baseline)
    rest = tuple(c for c in holder.claims if c.id != claim.id)
    named_as_before = subject == subject_of(known)
    target, reason = None, ""
    if not named_as_before:
        target, reason = _moves(fresh, subject, holder, rest, others)
    if not reason:
        claims = tuple(fresh if c.id == claim.id else c for c in holder.claims)
        if named_as_before:
            return _settled(
                holder, claims, fresh, now, "known claim, changed", before=holder.claims
            )
        event = replace(_forgetting(holder, known, claims), claims=holder.claims)
        return _joined(fresh, event, others, now, "known claim, read again")
    if target is None:
        merged = _open(fresh, now, reason, apart_from=holder.id)
    else:
        merged = _joined(fresh, target, others, now, f"read again: {reason}")
    if not rest:
        return replace(merged, gone=(*merged.gone, holder.id))
    return replace(merged, left=(_parted(holder, known, rest, now, merged),))


def _moves(
    claim: Claim, subject: Naming, holder: Event, rest: tuple[Claim, ...], others: Sequence[Event]
) -> tuple[Event | None, str]:
    """Return where to a claim that was read again moves, and why; no reason where it stays."""
    if not rest:
        if holder.pinned or holder.dismissed:
            return None, ""
        target, reason = choose(claim, subject, others)
        return (target, reason) if target is not None else (None, "")
    known = next(c for c in holder.claims if c.id == claim.id)
    remaining = replace(_forgetting(holder, known, rest), claims=rest)
    if likeness(subject, event_naming(remaining))[0] > Likeness.CLASH:
        return None, ""
    return choose(claim, subject, others)


def _parted(
    holder: Event, known: Claim, rest: tuple[Claim, ...], now: float, merged: Merged
) -> Merged:
    """Return an event as it is without a claim that has moved on. Recorded, not told."""
    where = "" if merged.event is None else merged.event.id
    after = reviewed(_forgetting(holder, known, rest), rest, now)
    return _recorded(holder, after, "moved", now, f"one claim was read again and went to {where}")


def _forgetting(event: Event, known: Claim, claims: tuple[Claim, ...]) -> Event:
    """Return `event` without what only the old reading of one claim had said of its name."""
    if len(claims) == 1:
        return renamed(event, claims)
    gone = {name_of(known.project).full} - {name_of(c.project).full for c in claims}
    forgotten = replace(event, names=tuple(n for n in event.names if n not in gone))
    if "project" not in event.pinned and event.project not in {called(c) for c in claims}:
        forgotten = replace(forgotten, project=called(claims[0]))
    if "company" not in event.pinned and event.company not in {c.company for c in claims}:
        forgotten = replace(forgotten, company="")
    if "ticker" not in event.pinned and event.ticker not in {ticker_of(c.ticker) for c in claims}:
        forgotten = replace(forgotten, ticker="")
    return forgotten


def _wording(claim: Claim) -> str:
    return f"{claim.title}\n{claim.text}"


def _substance(claim: Claim) -> tuple[object, ...]:
    return (
        claim.project, claim.company, claim.ticker, claim.kind, claim.date, claim.official,
        claim.rumour, claim.flags, claim.title, claim.text, claim.confidence,
    )  # fmt: skip


def renamed(event: Event, claims: Sequence[Claim]) -> Event:
    """Return `event` under the name that these claims give it, but for what is pinned."""
    project = called(claims[0])
    company = next((c.company for c in claims if c.company), "")
    ticker = next((t for t in (ticker_of(c.ticker) for c in claims) if t), "")
    return replace(
        event,
        names=(),
        project=event.project if "project" in event.pinned else project,
        company=event.company if "company" in event.pinned else company,
        ticker=event.ticker if "ticker" in event.pinned else ticker,
    )


def _joined(
    claim: Claim, event: Event, candidates: Sequence[Event], now: float, reason: str
) -> Merged:
    """Return the event with `claim`, and with the events that are one with it through `claim`."""
    others = swallowed(event, claim, candidates)
    whole = event
    steps: tuple[Transition, ...] = ()
    for other in others:
        grown = united(whole, other)
        step = _recorded(whole, grown, "merged", now, f"with {other.id}, which is the same")
        whole, steps = step.event or grown, (*steps, *step.transitions)
    claims = (*(one for one in whole.claims if one.id != claim.id), claim)
    merged = _settled(whole, claims, claim, now, reason, before=whole.claims)
    return replace(
        merged,
        transitions=(*steps, *merged.transitions),
        gone=tuple(other.id for other in others),
    )


def united(kept: Event, other: Event) -> Event:
    """Return `kept` with evidence and names of `other`, not reviewed yet."""
    ids = {claim.id for claim in kept.claims}
    return replace(
        kept,
        claims=dossier(
            (*kept.claims, *(c for c in other.claims if c.id not in ids)), known=kept.claims
        ),
        names=tuple(dict.fromkeys((*kept.names, *other.names))),
        company=kept.company or other.company,
        ticker=kept.ticker or other.ticker,
        created=min(kept.created, other.created),
    )


def _recorded(before: Event, after: Event, change: str, now: float, note: str) -> Merged:
    """Return `after` with a transition that is recorded and not told."""
    step = Transition(
        event=after.id,
        number=before.changes + 1,
        change=change,
        state=after.state,
        at=now,
        claim="",
        before=before.state,
        date=after.date,
        date_before=before.date if before.date != after.date else None,
        tell=False,
        note=note,
    )
    return Merged(replace(after, changes=step.number), (step,), change)


def _settled(
    event: Event,
    claims: tuple[Claim, ...],
    claim: Claim,
    now: float,
    reason: str,
    *,
    before: tuple[Claim, ...] | None,
) -> Merged:
    """Return the event with its new evidence, and what of it is a change."""
    known = None
    if before is not None:
        before = dossier(before)
        known = _pinned(event, view(before.course, now))
    evidence = dossier(claims, known=before or ())
    after = _pinned(event, view(evidence.course, now))
    fresh = _evidenced(event, evidence, now)
    if after is None:
        return Merged(fresh, reason=reason)
    if event.dismissed:
        return Merged(fresh, reason=f"{reason}; dismissed by the user, kept as evidence")
    over = None if known is None else ending(event, known, now)
    if over is not None:
        fresh = replace(fresh, changes=over.number)
    fresh = _showing(fresh, after)
    note = reason if known is None and reason != FIRST else ""
    caused = transition(fresh, known, after, claim, now=now, note=note)
    if caused is not None:
        fresh = replace(fresh, changes=caused.number)
    return Merged(fresh, tuple(filter(None, (over, caused))), reason)


def reviewed(event: Event, claims: tuple[Claim, ...], now: float) -> Event:
    """Return `event` as these claims, and nothing that came before, have it; pins hold."""
    evidence = dossier(claims, known=event.claims)
    fresh = _evidenced(event, evidence, now)
    found = _pinned(event, view(evidence.course, now))
    return fresh if found is None else _showing(fresh, found)


def _pinned(event: Event, found: View | None) -> View | None:
    """Return the view with what the user has set."""
    if found is None:
        return None
    if "state" in event.pinned:
        found = replace(found, state=event.state, ended=None)
    if "date" in event.pinned:
        found = replace(found, date=event.date)
    if "kind" in event.pinned:
        found = replace(found, kind=event.kind)
    return found


def _evidenced(event: Event, claims: Dossier, now: float) -> Event:
    """Return the event with its evidence, names, sources and score."""
    placed = claims.placed
    names = dict.fromkeys(event.names)
    called_so = dict.fromkeys(claim.project for claim in claims)
    names.update((n, None) for n in (name_of(project).full for project in called_so) if n)
    company = event.company or next((c.company for c in claims if c.company), "")
    ticker = event.ticker or next((t for t in (ticker_of(c.ticker) for c in claims) if t), "")
    return replace(
        event,
        project=event.project if "project" in event.pinned else _best_name(event, claims, ticker),
        claims=claims,
        names=tuple(names)[:NAMES],
        company=event.company if "company" in event.pinned else company,
        ticker=event.ticker if "ticker" in event.pinned else ticker,
        sources=len({one.voice for one in placed if not suspicious(one.claim)}),
        score=event.score if "score" in event.pinned else score_of(placed),
        updated=now,
    )


def _best_name(event: Event, claims: Sequence[Claim], ticker: str) -> str:
    """Return the name to show: the one it has, unless that is its ticker and a claim knows better."""
    if event.project.upper() != ticker and not any(
        symbol_of(event.project, c.title) for c in claims if c.project == event.project
    ):
        return event.project
    for claim in claims:
        name = name_of(claim.project)
        spelt_as_ticker = symbol_of(claim.project, claim.title) or name.compact.upper() == ticker
        if name.full and not name.generic and not spelt_as_ticker:
            return called(claim)
    return event.project


def _showing(event: Event, after: View) -> Event:
    """Return the event as the view shows it."""
    return replace(
        event, state=after.state, kind=after.kind, date=after.date, conflict=after.conflict
    )
