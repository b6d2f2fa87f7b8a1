"""Polls in few words, and the simplest merge and route there are, for tests of what is stored."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from tgewatch.detect.dossier import dossier
from tgewatch.model import (
    Claim,
    DateClaim,
    Event,
    Item,
    Judged,
    Kind,
    Notice,
    Outgoing,
    Poll,
    Source,
    SourceState,
    State,
    Transition,
    Validators,
    Verdict,
)
from tgewatch.model.verdict import Contribution, Flag, Span
from tgewatch.ports import Merged

NOW = 1_700_000_000.0
FEED = "https://news.example/feed.xml"


def key_of(text: str) -> str:
    """Return a key as items and notices have them."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def item(name: str, *, source: str = FEED, title: str = "", url: str = "") -> Item:
    """Return an item of a source; the same name is the same item."""
    return Item(
        source=source,
        key=key_of(name),
        url=url or f"https://news.example/{name}",
        title=title or f"About {name}",
        summary=f"All there is to say about {name}.",
        published=NOW - 60.0,
    )


def dropped(name: str, reason: str = "no_term", *, source: str = FEED, title: str = "") -> Judged:
    """Return an item that stopped at the match."""
    return Judged(item(name, source=source, title=title), "match", reason)


def claimed(
    name: str,
    project: str,
    *,
    source: str = FEED,
    title: str = "",
    kind: Kind = Kind.ANNOUNCED,
    date: DateClaim | None = None,
    ticker: str = "",
    company: str = "",
) -> Judged:
    """Return an item that made a claim about a project, with a verdict that says why."""
    one = item(name, source=source, title=title)
    verdict = Verdict(
        relevant=True,
        score=2.5,
        confidence=0.9,
        why=(Contribution("term:tge", 2.5, "token generation event", Span("title", 0, 5)),),
        kind=kind,
        project=project,
        date=date,
        flags=(Flag("shortened_link", "bit.example"),),
    )
    claim = Claim(
        id=key_of(f"{source}|{name}"),
        source=source,
        item=one.key,
        url=one.url,
        title=one.title,
        project=project,
        kind=kind,
        confidence=0.9,
        at=NOW,
        seen=NOW,
        company=company,
        ticker=ticker,
        date=date,
        why=verdict.why,
        text=one.title,
    )
    return Judged(one, "event", str(kind), verdict, claim, article="not_needed")


def poll(
    *judged: Judged,
    source: str = FEED,
    at: float = NOW,
    polls: int = 1,
    outcome: str = "",
    etag: str = "v1",
    notices: Sequence[Outgoing] = (),
) -> Poll:
    """Return a poll that brought these items; without any it brought nothing new."""
    return Poll(
        source=Source(url=source, name=f"News of {source[8:]}"),
        at=at,
        state=SourceState(
            url=source,
            validators=Validators(etag=etag),
            baseline_at=NOW,
            polled_at=at,
            next_poll=at + 600.0,
            because="the test says so",
            polls=polls,
            rhythm='{"rate": 1.5}',
        ),
        outcome=outcome or ("changed" if judged else "unchanged"),
        judged=judged,
        notices=tuple(notices),
    )


def source_notice(change: str, *, channel: str = "console", at: float = NOW) -> Outgoing:
    """Return a message about a source."""
    notice = Notice("source", change, "", f"The source is {change}", at)
    return Outgoing(key_of(f"{change}|{channel}|{at}"), channel, notice)


def simple_merge(claim: Claim, candidates: Sequence[Event], now: float) -> Merged:
    """Give each project one event, whose state follows the last kind of claim."""
    state = {
        Kind.DATE_SET: State.DATED,
        Kind.LIVE: State.LIVE,
        Kind.POSTPONED: State.POSTPONED,
    }.get(claim.kind, State.ANNOUNCED)
    before = next((e for e in candidates if e.project == claim.project), None)
    if before is None:
        event = Event(
            id=f"{claim.project.lower()}-{key_of(claim.project)[:8]}",
            project=claim.project,
            state=state,
            kind=claim.kind,
            score=claim.confidence,
            created=now,
            updated=now,
        )
    else:
        event = replace(before, state=state, kind=claim.kind, updated=now)
    claims = dossier((*(c for c in event.claims if c.id != claim.id), claim))
    event = replace(
        event,
        claims=claims,
        names=tuple(dict.fromkeys((*event.names, claim.project.lower()))),
        company=event.company or claim.company,
        ticker=event.ticker or claim.ticker,
        date=claim.date or event.date,
        sources=len({c.source for c in claims}),
    )
    if before is not None and (before.state, before.date) == (event.state, event.date):
        return Merged(event, (), "same project")
    step = Transition(
        event=event.id,
        number=event.changes + 1,
        change=str(state),
        state=state,
        at=now,
        claim=claim.id,
        before=before.state if before else None,
        date=event.date,
        date_before=before.date if before else None,
    )
    event = replace(event, changes=step.number)
    return Merged(event, (step,), "same project" if before else "first of its project")


def simple_route(
    event: Event, step: Transition, claim: Claim | None, now: float
) -> Sequence[Outgoing]:
    """Tell two channels of everything."""
    notice = Notice(
        subject="event",
        change=step.change,
        project=event.project,
        headline=f"{event.project} is {step.change}",
        at=now,
        event=event.id,
        number=step.number,
        why=claim.why if claim else (),
    )
    return [
        Outgoing(key_of(f"{event.id}|{step.number}|{channel}"), channel, notice)
        for channel in ("console", "mail")
    ]
