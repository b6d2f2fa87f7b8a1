"""Which event a claim belongs to. Values in, values out."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

from tgewatch.detect.dossier import dossier, symbol
from tgewatch.detect.identity import Likeness, Naming, keys, likeness, naming, sought
from tgewatch.detect.phase import moment
from tgewatch.detect.timeline import view
from tgewatch.model import Claim, Event, State
from tgewatch.rules.lifecycle import DAY, RETURN_AFTER

FIRST = "first word of it"
APART = "apart"
"""Pinned by a split: what the user took apart does not grow together again by itself."""
_Rank: TypeAlias = tuple[Likeness, bool, tuple[int, float, str]]


def subject_of(claim: Claim) -> Naming:
    """Return everything by which `claim` says which project and token it means."""
    return _naming(
        (claim.project,), claim.company, frozenset({claim.ticker}), frozenset({symbol(claim)})
    )


def event_naming(event: Event, claims: Iterable[Claim] = ()) -> Naming:
    """Return all names and tickers that `event` goes by, with those of more `claims`.

    What the user set comes before the evidence.
    """
    evidence, more = dossier(event.claims), tuple(claims)
    tickers = {event.ticker}
    if "ticker" not in event.pinned:
        tickers |= evidence.tickers | {claim.ticker for claim in more}
    return _naming(
        (event.project, *event.names, *sorted({claim.project for claim in more})),
        event.company,
        frozenset(tickers),
        evidence.symbols | frozenset(map(symbol, more)),
    )


@lru_cache(maxsize=1_024)
def _naming(
    names: tuple[str, ...], company: str, tickers: frozenset[str], symbols: frozenset[str]
) -> Naming:
    """Ask once for the same words: every claim has to be compared with all that it could mean."""
    return naming(names, company, tickers, symbols)


def candidate_keys(claim: Claim) -> frozenset[str]:
    """Return the keys of which an event must share one to be a candidate for `claim`."""
    return sought(subject_of(claim))


def event_keys(event: Event) -> frozenset[str]:
    """Return the keys by which `event` is found for a claim."""
    return keys(event_naming(event))


def choose(claim: Claim, subject: Naming, candidates: Sequence[Event]) -> tuple[Event | None, str]:
    """Return the event that `claim` belongs to and why, or why to none.

    Where it could mean several that are not alike, it belongs to the one that is as vague as it
    is itself, and to none of the others.
    """
    found: list[tuple[_Rank, Event, str]] = []
    notes: list[str] = []
    for event in candidates:
        how, why = likeness(subject, event_naming(event))
        if how is Likeness.CLASH:
            notes.append(f"kept apart from {event.id}: {why}")
        if how <= Likeness.CLASH:
            continue
        if another_round(claim, event):
            notes.append(f"{event.id} is long over")
            continue
        same_ticker = bool(subject.tickers) and event.ticker in subject.tickers
        nearness = (-_months_between(claim, event), event.updated, event.id)
        found.append(((how, same_ticker, nearness), event, why))
    if not found:
        return None, "; ".join(notes) or FIRST
    found.sort(key=lambda one: one[0], reverse=True)
    (how, same_ticker, _), best, why = found[0]
    if how >= Likeness.COMPANY or same_ticker:
        return best, why
    equals = [(event, why) for rank, event, why in found if rank[:2] == (how, same_ticker)]
    for event, reason in equals:
        if all(alike(event, other) for other, _ in equals if other is not event):
            return event, reason
    rival = next(e for e, _ in equals[1:] if not alike(best, e))
    return None, f"could be {best.id} or {rival.id}: kept apart"


def alike(one: Event, other: Event) -> bool:
    """Return whether nothing in their names keeps the two apart."""
    return likeness(event_naming(one), event_naming(other))[0] > Likeness.CLASH


def swallowed(event: Event, claim: Claim, candidates: Sequence[Event]) -> tuple[Event, ...]:
    """Return the candidates that turn out to be `event` once `claim` belongs to it.

    A claim that says both name and ticker joins the event that knew the name to the one that knew
    the ticker, so that it does not matter which claim came first. Only an event without a name of
    its own is swallowed, never one that the user has touched, or that others could mean.
    """
    if event.dismissed or APART in event.pinned:
        return ()
    whole = event_naming(event, [claim])
    found = []
    for other in candidates:
        if other.id == event.id or other.pinned or other.dismissed or not other.claims:
            continue
        its = event_naming(other)
        if likeness(whole, its)[0] <= Likeness.CLASH or not _explained(its, whole):
            continue
        if any(another_round(one, event) for one in other.claims[:1]):
            continue
        if any(
            alike(other, third) and likeness(whole, event_naming(third))[0] <= Likeness.CLASH
            for third in candidates
            if third.id not in {event.id, other.id}
        ):
            continue
        found.append(other)
    return tuple(found)


def _explained(its: Naming, whole: Naming) -> bool:
    """Return whether all that `its` goes by are names or tickers of `whole`."""
    names = {form for name in whole.names for form in (name.core, name.compact)}
    tickers = {ticker.casefold() for ticker in whole.tickers}
    symbols = {symbol.casefold() for symbol in its.symbols} & tickers
    return (
        its.company in {"", whole.company}
        and its.tickers <= whole.tickers
        and all(name.core in names or name.compact in symbols for name in its.names)
    )


def _months_between(claim: Claim, event: Event) -> int:
    """Return by how many months `claim` lies before or after what is known of `event`."""
    times = [moment(one) for one in event.claims] or [event.created]
    at = moment(claim)
    return int(max(min(times) - at, at - max(times), 0.0) // (30 * DAY))


def another_round(claim: Claim, event: Event) -> bool:
    """Return whether `claim` means another event of the same project.

    It does when it was made long after the event's end, or had ended long before its start.
    """
    if not event.claims:
        return False
    at = moment(claim)
    evidence = dossier(event.claims)
    seen = view(evidence.course, at)
    if seen is not None:
        ended = seen.ended
        if ended is None and seen.state is State.CANCELLED:
            ended = seen.since
        if ended is not None and at - ended > RETURN_AFTER:
            return True
    first = moment(evidence[0])
    if at >= first:
        return False
    alone = view(dossier([claim]).course, first)
    return alone is not None and alone.ended is not None and first - alone.ended > RETURN_AFTER
