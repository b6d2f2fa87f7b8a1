"""One event per project and token, merged from all claims about it. Values in, values out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256

from tgewatch.detect.change import ending, transition
from tgewatch.detect.identity import (
    NAME_LIMIT,
    Likeness,
    Naming,
    keys,
    likeness,
    name_of,
    naming,
    ticker_of,
)
from tgewatch.detect.phase import moment, suspicious
from tgewatch.detect.timeline import View, said, view
from tgewatch.detect.track import Said
from tgewatch.detect.voice import voices_of
from tgewatch.model import Claim, Event, State
from tgewatch.ports import Merged
from tgewatch.rules.lifecycle import DAY, RETURN_AFTER

SLUG = 40
NAMES = 50
"""Names that an event keeps."""
FLOOD = 40
"""Claims of one voice about one event, from which on only what its project itself says is taken."""
FULL = 500
"""Claims of all voices; the same."""
FIRST = "first word of it"
RUMOUR_WEIGHT = 0.3
SUSPICIOUS_WEIGHT = 0.2


def merge(claim: Claim, candidates: Sequence[Event], now: float) -> Merged:
    """Return what `claim` does to the event it belongs to, or the event that it opens.

    A claim that is known already changes nothing; a known one that now says something else takes
    the place of what it said. Never merges claims about different projects or tokens.
    """
    subject = naming([claim.project], claim.company, [claim.ticker])
    if subject.empty:
        return Merged(None, reason="names no project, company or ticker")
    holder = next((e for e in candidates if any(c.id == claim.id for c in e.claims)), None)
    if holder is not None and _belongs(subject, holder):
        return _again(claim, holder, now)
    event, reason = _choose(claim, subject, candidates)
    if event is None:
        return _open(claim, now, reason)
    if not claim.official and _overflows(claim, event):
        return Merged(event, reason="enough evidence of this voice, or of all: not kept")
    return _joined(claim, event, now, reason)


def _overflows(claim: Claim, event: Event) -> bool:
    """Return whether the evidence is full: a flood must not make each further claim slower."""
    if len(event.claims) >= FULL:
        return True
    if len(event.claims) < FLOOD:
        return False
    voice = voices_of(claim)[0]
    return sum(voices_of(one)[0] == voice for one in event.claims) >= FLOOD


def candidate_keys(claim: Claim) -> frozenset[str]:
    """Return the keys of which an event must share one to be a candidate for `claim`."""
    return keys(naming([claim.project], claim.company, [claim.ticker]))


def event_keys(event: Event) -> frozenset[str]:
    """Return the keys by which `event` is found for a claim."""
    return keys(event_naming(event))


def event_naming(event: Event) -> Naming:
    """Return all names and tickers that `event` goes by; what the user set comes first."""
    tickers = {event.ticker} | {c.ticker for c in event.claims if "ticker" not in event.pinned}
    return naming([event.project, *event.names], event.company, tickers)


def score_of(placed: Iterable[Said]) -> float:
    """Return the probability that the event is real: noisy-or over independent voices.

    Of each voice the surest claim counts; the project's own counts twice, a rumour or a claim with
    signs of fraud for a part.
    """
    best: dict[int, float] = {}
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


def _belongs(subject: Naming, event: Event) -> bool:
    """Return whether a known claim, judged again, still means the event that holds it."""
    return len(event.claims) == 1 or likeness(subject, event_naming(event))[0] > Likeness.CLASH


def _choose(claim: Claim, subject: Naming, candidates: Sequence[Event]) -> tuple[Event | None, str]:
    """Return the event that `claim` belongs to and why, or why to none."""
    found: list[tuple[Likeness, bool, tuple[int, float, str], Event, str]] = []
    notes: list[str] = []
    for event in candidates:
        how, why = likeness(subject, event_naming(event))
        if how is Likeness.CLASH:
            notes.append(f"kept apart from {event.id}: {why}")
        if how <= Likeness.CLASH:
            continue
        if _another_round(claim, event):
            notes.append(f"{event.id} is long over")
            continue
        same_ticker = bool(subject.tickers) and event.ticker in subject.tickers
        nearness = (-_months_between(claim, event), event.updated, event.id)
        found.append((how, same_ticker, nearness, event, why))
    if not found:
        return None, "; ".join(notes) or FIRST
    found.sort(key=lambda one: one[:3], reverse=True)
    how, same_ticker, _, best, why = found[0]
    if how < Likeness.COMPANY and not same_ticker:
        for rival in (one[3] for one in found[1:] if one[:2] == (how, same_ticker)):
            if likeness(event_naming(rival), event_naming(best))[0] <= Likeness.CLASH:
                return None, f"could be {best.id} or {rival.id}: kept apart"
    return best, why


def _months_between(claim: Claim, event: Event) -> int:
    """Return by how many months `claim` lies before or after what is known of `event`."""
    times = [moment(one) for one in event.claims] or [event.created]
    at = moment(claim)
    return int(max(min(times) - at, at - max(times), 0.0) // (30 * DAY))


def _another_round(claim: Claim, event: Event) -> bool:
    """Return whether `claim` means another event of the same project.

    It does when it was made long after the event's end, or had ended long before its start.
    """
    if not event.claims:
        return False
    at = moment(claim)
    placed = said(event.claims)
    seen = view(placed, at)
    if seen is not None:
        ended = seen.ended
        if ended is None and seen.state is State.CANCELLED:
            ended = seen.since
        if ended is not None and at - ended > RETURN_AFTER:
            return True
    first = min(one.at for one in placed)
    alone = view(said([claim]), first)
    if alone is None or at >= first:
        return False
    return alone.ended is not None and first - alone.ended > RETURN_AFTER


def _open(claim: Claim, now: float, reason: str) -> Merged:
    event = Event(
        id=event_identity(claim),
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


def event_identity(claim: Claim) -> str:
    """Return the id of the event that `claim` opens: readable, and the same each time."""
    words = name_of(called(claim)).full
    slug = "".join(c if c.isascii() and c.isalnum() else "-" for c in words)[:SLUG].strip("-")
    mark = sha256(f"{words}\n{claim.id}".encode()).hexdigest()[:8]
    return f"{slug or 'event'}-{mark}"


def _again(claim: Claim, event: Event, now: float) -> Merged:
    """Take a claim that is known by its id: nothing new, or an edited or better-read text."""
    known = next(c for c in event.claims if c.id == claim.id)
    if _substance(known) == _substance(claim):
        return Merged(event, reason="known claim")
    at = known.at
    if _wording(known) != _wording(claim):
        at = max(claim.at, claim.seen)  # an edited text says what it says since then
    fresh = replace(claim, at=at, baseline=known.baseline and claim.baseline)
    claims = tuple(fresh if c.id == claim.id else c for c in event.claims)
    if len(claims) == 1:
        event = renamed(event, claims)
    return _settled(event, claims, fresh, now, "known claim, changed", before=event.claims)


def _wording(claim: Claim) -> str:
    return f"{claim.title}\n{claim.text}"


def _substance(claim: Claim) -> tuple[object, ...]:
    return (
        claim.project, claim.company, claim.ticker, claim.kind, claim.date, claim.official,
        claim.rumour, claim.flags, claim.title, claim.text,
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


def _joined(claim: Claim, event: Event, now: float, reason: str) -> Merged:
    return _settled(event, (*event.claims, claim), claim, now, reason, before=event.claims)


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
    placed = said(claims)
    after = _pinned(event, view(placed, now))
    known = None if before is None else _pinned(event, view(said(before), now))
    fresh = _evidenced(event, placed, now)
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
    placed = said(claims)
    fresh = _evidenced(event, placed, now)
    found = _pinned(event, view(placed, now))
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


def _evidenced(event: Event, placed: Sequence[Said], now: float) -> Event:
    """Return the event with its evidence, names, sources and score."""
    claims = tuple(one.claim for one in placed)
    names = dict.fromkeys(event.names)
    names.update((n, None) for n in (name_of(c.project).full for c in claims) if n)
    company = event.company or next((c.company for c in claims if c.company), "")
    ticker = event.ticker or next((t for t in (ticker_of(c.ticker) for c in claims) if t), "")
    return replace(
        event,
        claims=claims,
        names=tuple(names)[:NAMES],
        company=event.company if "company" in event.pinned else company,
        ticker=event.ticker if "ticker" in event.pinned else ticker,
        sources=len({one.voice for one in placed if not suspicious(one.claim)}),
        score=event.score if "score" in event.pinned else score_of(placed),
        updated=now,
    )


def _showing(event: Event, after: View) -> Event:
    """Return the event as the view shows it."""
    return replace(
        event, state=after.state, kind=after.kind, date=after.date, conflict=after.conflict
    )
