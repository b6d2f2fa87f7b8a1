"""What is told of a change: a bounded value, made of cleaned words, ready for any channel."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo

from tgewatch.detect.phase import suspicious
from tgewatch.detect.voice import voices_of
from tgewatch.model import (
    Claim,
    Contribution,
    DateClaim,
    Event,
    Flag,
    Link,
    Notice,
    Source,
    SourceState,
    State,
    Transition,
)
from tgewatch.notify.words import clean
from tgewatch.rules.dates import shown

NAME_LIMIT = 80
TITLE_LIMIT = 200
DETAIL_LIMIT = 120
URL_LIMIT = 500
LINKS = 5
REASONS = 4
FLAGS = 5

TROUBLE = {
    "broken": "is broken",
    "silent": "has fallen silent",
    "gone": "is gone",
    "slow": "is slow",
}
WELL = "ok"


def notice_of(
    event: Event, transition: Transition, claim: Claim | None, now: float, *, zone: tzinfo = UTC
) -> Notice:
    """Return what there is to say of `transition`; times are said in `zone`."""
    evidence = _evidence(event, claim)
    kind = claim.kind if claim is not None else event.kind
    return Notice(
        subject="event",
        change=transition.change,
        project=clean(event.project, NAME_LIMIT),
        headline=_headline(event, transition, zone),
        at=now,
        event=event.id,
        number=transition.number,
        company=clean(event.company, NAME_LIMIT),
        ticker=clean(event.ticker, 20),
        kind=str(kind),
        state=str(transition.state),
        date=_clean_date(transition.date),
        date_before=_clean_date(transition.date_before),
        score=event.score,
        why=_reasons(claim),
        flags=_flags(evidence),
        links=tuple(_link(c) for c in evidence[:LINKS]),
        sources=event.sources,
        conflict=clean(event.conflict, TITLE_LIMIT),
        note=clean(transition.note, TITLE_LIMIT),
        detail=clean(transition.detail, DETAIL_LIMIT),
    )


def source_notice(
    source: Source, before: SourceState, after: SourceState, now: float
) -> Notice | None:
    """Return what there is to say when a source's health changes, or None when it is no news."""
    if before.health == after.health:
        return None
    name = clean(source.name, NAME_LIMIT) or clean(source.url, NAME_LIMIT)
    if after.health in TROUBLE:
        change = after.health
        reason = clean(_trouble(after), TITLE_LIMIT)
        headline = f"{name} {TROUBLE[after.health]}" + (f": {reason}" if reason else "")
    elif after.health == WELL and before.health in TROUBLE:
        change = "recovered"
        headline = f"{name} answers again (it was {before.health})"
    else:
        return None
    return Notice(
        subject="source",
        change=change,
        project=name,
        headline=clean(headline, TITLE_LIMIT + NAME_LIMIT),
        at=now,
        company=clean(source.company, NAME_LIMIT),
        state=after.health,
        links=(Link(url=source.url[:URL_LIMIT], title=name, source=name),),
    )


def _trouble(state: SourceState) -> str:
    """Return what there is to say of the trouble a source is in."""
    if state.health != "silent":
        return state.error
    if state.newest_at is None:
        return "nothing new for longer than is usual there"
    return f"nothing new since {datetime.fromtimestamp(state.newest_at, UTC):%Y-%m-%d %H:%M} UTC"


def _headline(event: Event, transition: Transition, zone: tzinfo) -> str:
    name = clean(event.project, NAME_LIMIT)
    ticker = clean(event.ticker, 20)
    who = f"{name} ({ticker})" if ticker and ticker.casefold() != name.casefold() else name
    date = None if transition.date is None else shown(transition.date, zone)
    before = None if transition.date_before is None else shown(transition.date_before, zone)
    words = _words(transition.change, date, before, clean(transition.detail, DETAIL_LIMIT))
    if transition.change in ("postponed", "cancelled") and transition.before is State.LIVE:
        words += ", although it was live"
    return f"{who}: {words}"


def _words(change: str, date: str | None, before: str | None, detail: str) -> str:
    """Return what changed, in words; `detail` is the venue, round or window that it is about."""
    on = f" {_preposition(date)}{date}" if date else ""
    was = f", was {before}" if before and before != date else ""
    about = f"{detail}: " if detail else ""
    kind, _, _ = change.partition("_")
    if kind in _WINDOWS:
        round_ = f"round {detail}" if detail.isdigit() else detail
        which = f"{_WINDOWS[kind]} ({round_})" if detail else _WINDOWS[kind]
        return f"{which} {_VERBS[change]}{on}{was}"
    if change == "redated":
        return about + (f"moved from {before} to {date}" if before else f"new date: {date}")
    if change == "postponed":
        return (
            about + change + (f" from {before}" if before else "") + (f" to {date}" if date else "")
        )
    return {
        "rumoured": f"a token is hinted at{on}",
        "announced": f"token announced{on}",
        "dated": f"date set: {date}{was}",
        "live": f"token is live{f' on {detail}' if detail else ''}",
        "listing": f"listing on {detail or 'an exchange'}{on}{was}",
        "cancelled": f"{about}cancelled",
    }.get(change, f"{change}{on}")


_WINDOWS = {"claim": "airdrop claim", "sale": "token sale"}
_VERBS = {
    "claim": "announced",
    "claim_open": "is open",
    "claim_close": "closes",
    "sale": "announced",
    "sale_open": "is open",
    "sale_close": "closes",
}


def _preposition(date: str | None) -> str:
    if date is None or date == "soon":
        return ""
    return (
        "on "
        if date[0].isdigit() and " " in date
        else "in "
        if not date.startswith("week")
        else "in the "
    )


def _evidence(event: Event, claim: Claim | None) -> list[Claim]:
    """Return the causing claim, then the latest of every other voice, official ones first."""
    chosen: list[Claim] = [] if claim is None else [claim]
    heard = set() if claim is None else set(voices_of(claim))
    for one in sorted(event.claims, key=lambda c: (not c.official, -c.at, c.id)):
        voices = set(voices_of(one))
        if not voices & heard:
            chosen.append(one)
            heard |= voices
    return chosen


def _link(claim: Claim) -> Link:
    return Link(
        url=claim.url[:URL_LIMIT],
        title=clean(claim.title, TITLE_LIMIT),
        source=clean(voices_of(claim)[0], NAME_LIMIT),
        suspicious=bool(claim.flags) if not claim.official else suspicious(claim),
    )


def _reasons(claim: Claim | None) -> tuple[Contribution, ...]:
    """Return the reasons that weigh most, without those of the model's own."""
    if claim is None:
        return ()
    named = [reason for reason in claim.why if reason.name not in ("bias", "prior")]
    strongest = sorted(named, key=lambda reason: -abs(reason.value))[:REASONS]
    return tuple(
        Contribution(clean(r.name, 40), round(r.value, 3), clean(r.detail, DETAIL_LIMIT))
        for r in strongest
    )


def _flags(evidence: Iterable[Claim]) -> tuple[Flag, ...]:
    found = {flag.name: flag for claim in reversed(list(evidence)) for flag in claim.flags}
    return tuple(
        Flag(clean(flag.name, 40), clean(flag.detail, DETAIL_LIMIT))
        for flag in list(found.values())[:FLAGS]
    )


def _clean_date(date: DateClaim | None) -> DateClaim | None:
    if date is None:
        return None
    return DateClaim(date.start, date.end, date.precision, date.basis, clean(date.text, 80))
