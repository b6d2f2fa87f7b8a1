"""From the model's values to answers: words of others cleaned, cut and made inert on the way."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from tgewatch.detect.phase import suspicious
from tgewatch.detect.voice import voices_of
from tgewatch.mcp.answers import (
    Change,
    EventRow,
    Evidence,
    Judgement,
    Period,
    Reason,
    Sighting,
)
from tgewatch.model import (
    Claim,
    Contribution,
    DateClaim,
    Event,
    Flag,
    Precision,
    Trace,
    Transition,
    Verdict,
)
from tgewatch.notify.words import clean, defang, inert, safe_url
from tgewatch.rules.dates import shown

NAME = 80
"""Characters."""
TITLE = 200
DETAIL = 120
EVIDENCE = 3
"""Pieces of evidence in a list of events."""
WARNINGS = 5
REASONS = 40
STAGES = {
    "match": "no term or no company of the watchlist stands in title or summary",
    "score": "what speaks for it is too little",
    "event": "it made a claim about an event",
}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20})://")


def quoted(text: str, limit: int = TITLE) -> str:
    """Return words of others on one line, with nothing hidden in them and no link to follow."""
    plain = inert(clean(text, limit))
    return _SCHEME.sub(lambda found: f"{found[1].lower().replace('t', 'x')}[:]//", plain)


def time_of(at: float) -> str:
    """Return a moment in ISO 8601; one that no calendar has becomes the nearest that it has."""
    bounded = min(max(at, 0.0), 253_402_300_799.0)
    return f"{datetime.fromtimestamp(bounded, UTC):%Y-%m-%dT%H:%M:%SZ}"


def event_row(event: Event, *, evidence: int = EVIDENCE) -> EventRow:
    """Return an event with so many pieces of evidence at most, the latest first."""
    latest = sorted(event.claims, key=lambda claim: (-claim.at, claim.id))[:evidence]
    return EventRow(
        id=event.id,
        project=quoted(event.project, NAME),
        company=quoted(event.company, NAME),
        ticker=quoted(event.ticker, 20),
        state=str(event.state),
        kind=str(event.kind),
        date=period(event.date),
        score=round(event.score, 4),
        sources=event.sources,
        conflict=quoted(event.conflict),
        dismissed=event.dismissed,
        created=time_of(event.created),
        updated=time_of(event.updated),
        evidence=tuple(map(evidence_row, latest)),
        evidence_in_all=len(event.claims),
    )


def evidence_row(claim: Claim) -> Evidence:
    """Return one claim; its link can be followed only where an alert would show it as a link."""
    doubted = bool(claim.flags) if not claim.official else suspicious(claim)
    where = "" if doubted else safe_url(claim.url)
    return Evidence(
        source=quoted(voices_of(claim)[0], NAME),
        url=where or inert(defang(claim.url)),
        suspicious=doubted,
        title=quoted(claim.title),
        kind=str(claim.kind),
        official=claim.official,
        rumour=claim.rumour,
        said=time_of(claim.at),
        confidence=round(claim.confidence, 4),
        warnings=_warnings(claim.flags),
    )


def period(date: DateClaim | None) -> Period | None:
    """Return a date, as exactly as it is known."""
    if date is None:
        return None
    soon = date.precision is Precision.SOON
    return Period(
        text=shown(date),
        precision=str(date.precision),
        begins=None if soon else time_of(date.start),
        ends=None if soon else time_of(date.end),
    )


def change_row(change: Transition) -> Change:
    """Return one step in the life of an event."""
    return Change(
        number=change.number,
        at=time_of(change.at),
        change=change.change,
        state=str(change.state),
        date=_words(change.date),
        date_before=_words(change.date_before),
        told=change.tell,
        note=quoted(" ".join(part for part in (change.note, change.detail) if part)),
    )


def judgement(verdict: Verdict) -> Judgement:
    """Return what detection says, the reasons that weigh most first, and the rest as one."""
    strongest = sorted(verdict.why, key=lambda reason: -abs(reason.value))
    rest = strongest[REASONS:]
    others = [Contribution("others", sum(reason.value for reason in rest))] if rest else []
    return Judgement(
        relevant=verdict.relevant,
        confidence=round(verdict.confidence, 4),
        score=round(verdict.score, 4),
        kind=str(verdict.kind) if verdict.kind else None,
        project=quoted(verdict.project, NAME),
        company=quoted(verdict.company, NAME),
        ticker=quoted(verdict.ticker, 20),
        date=_words(verdict.date),
        rumour=verdict.rumour,
        warnings=_warnings(verdict.flags),
        reasons=tuple(
            Reason(name=r.name, value=round(r.value, 4), detail=quoted(r.detail, DETAIL))
            for r in (*strongest[:REASONS], *others)
        ),
    )


def sighting(trace: Trace) -> Sighting:
    """Return where one item went."""
    record, judged = trace.record, trace.record.judged
    published = judged.item.published
    return Sighting(
        title=quoted(judged.item.title),
        source=quoted(record.source, NAME),
        seen=time_of(record.seen_at),
        published=None if published is None else time_of(published),
        stage=judged.stage,
        reason=judged.reason,
        explained=STAGES.get(judged.stage, ""),
        article=quoted(judged.article),
        judgement=None if judged.verdict is None else judgement(judged.verdict),
        event=None if trace.event is None else trace.event.id,
        joined=quoted(trace.joined),
        deliveries=tuple(f"{one.channel}: {one.state}" for one in trace.deliveries[:20]),
    )


def _warnings(flags: Sequence[Flag]) -> tuple[str, ...]:
    return tuple(quoted(f"{flag.name}: {flag.detail}", DETAIL) for flag in flags[:WARNINGS])


def _words(date: DateClaim | None) -> str | None:
    return None if date is None else shown(date)
