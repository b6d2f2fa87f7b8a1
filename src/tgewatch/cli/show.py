"""Events, times and scores as a person reads them."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tgewatch.cli.output import console, print_rows, visible
from tgewatch.model import Claim, DateClaim, Event, Precision, State, Transition

COLOURS = {
    State.RUMOURED: "dim",
    State.ANNOUNCED: "cyan",
    State.DATED: "blue",
    State.LIVE: "green",
    State.DONE: "dim green",
    State.POSTPONED: "yellow",
    State.CANCELLED: "red",
}


def moment(at: float | None) -> str:
    """Return a time as `2026-05-12 15:00` UTC, or a dash."""
    return "-" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"


WORDS = {
    Precision.INSTANT: "%Y-%m-%d %H:%M",
    Precision.DAY: "%Y-%m-%d",
    Precision.WEEK: "week of %Y-%m-%d",
    Precision.MONTH: "%Y-%m",
    Precision.YEAR: "%Y",
}


LONGEST_QUARTER = 93 * 86_400.0
"""Seconds."""
HALVES = {1: "H1", 7: "H2"}
"""Its first month → half of a year."""


def date_in_words(date: DateClaim | None) -> str:
    """Return a date as exactly as it is known: `2026-05-12`, `2026-05`, `2026-Q2`, `soon`.

    A half of a year is `2026-H1`; of other periods it is the first day, month or quarter.
    """
    if date is None:
        return ""
    if date.precision is Precision.SOON:
        return "soon"
    day = datetime.fromtimestamp(date.start, UTC)
    if date.precision is Precision.QUARTER:
        half = date.end - date.start > LONGEST_QUARTER and day.month in HALVES
        return f"{day:%Y}-{HALVES[day.month] if half else f'Q{(day.month + 2) // 3}'}"
    return day.strftime(WORDS[date.precision])


def event_row(event: Event) -> dict[str, object]:
    """Return an event as the JSON that `scan` and `events` print."""
    return {
        "id": event.id,
        "company": event.company,
        "project": event.project,
        "ticker": event.ticker,
        "kind": str(event.kind),
        "state": str(event.state),
        "date": date_in_words(event.date) or None,
        "date_precision": str(event.date.precision) if event.date else None,
        "date_start": moment_iso(event.date.start) if event.date else None,
        "score": round(event.score, 4),
        "sources": event.sources,
        "conflict": event.conflict or None,
        "evidence": [claim.url for claim in event.claims],
        "created": moment_iso(event.created),
        "updated": moment_iso(event.updated),
        "dismissed": event.dismissed,
    }


def moment_iso(at: float | None) -> str | None:
    """Return a time in ISO 8601, UTC."""
    return None if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def print_events(events: Sequence[Event], *, title: str) -> None:
    """Print events, the surest first: a table on a terminal, tab-separated lines in a pipe."""
    ordered = sorted(events, key=lambda event: -event.score)
    if not sys.stdout.isatty():
        print_rows(
            ("state", "project", "ticker", "kind", "date", "score", "sources", "id", "evidence"),
            [
                (
                    event.state,
                    event.company or event.project,
                    event.ticker,
                    event.kind,
                    date_in_words(event.date),
                    f"{event.score:.2f}",
                    event.sources,
                    event.id,
                    event.claims[-1].url if event.claims else "",
                )
                for event in ordered
            ],
        )
        return
    table = Table(title=title, title_justify="left", header_style="bold", expand=True)
    table.add_column("state", no_wrap=True)
    table.add_column("token", ratio=2, overflow="fold")
    table.add_column("date", no_wrap=True)
    table.add_column("score", no_wrap=True)
    table.add_column("latest evidence", ratio=5, overflow="fold")
    for event in ordered:
        latest = event.claims[-1] if event.claims else None
        token = Text(visible(event.company or event.project), style="bold")
        token.append(f" {visible(event.ticker)}" if event.ticker else "", style="not bold")
        token.append(f"\n{event.id}", style="not bold dim")
        table.add_row(
            Text(str(event.state), style=COLOURS[event.state]),
            token,
            Text(date_in_words(event.date)),
            f"{event.score:.2f} ({event.sources})",
            Text(f"{visible(latest.title)}\n{visible(latest.url)}" if latest else ""),
        )
    console().print(table)


def change_row(change: Transition) -> dict[str, object]:
    """Return one change of an event as JSON."""
    return {
        "number": change.number,
        "change": change.change,
        "state": str(change.state),
        "at": moment_iso(change.at),
        "date": date_in_words(change.date) or None,
        "date_before": date_in_words(change.date_before) or None,
        "told": change.tell,
        "note": change.note or None,
        "claim": change.claim or None,
    }


def _whose(event: Event) -> str:
    """Return project and company, where they differ."""
    if not event.company or event.company == event.project:
        return event.project
    return f"{event.project} ({event.company})"


def _further(event: Event) -> Sequence[str]:
    """Return the names that the event goes by, beside the one that is shown."""
    return [name for name in event.names if name != event.project.casefold()]


def event_story(event: Event, history: Sequence[Transition]) -> RenderableType:
    """Return everything that is known of one event."""
    head = Table.grid(padding=(0, 2))
    for name, value in (
        ("event", event.id),
        ("project", visible(_whose(event))),
        ("also", visible(", ".join(_further(event)))),
        ("ticker", event.ticker),
        ("state", str(event.state) + (", dismissed" if event.dismissed else "")),
        ("kind", str(event.kind)),
        ("date", date_in_words(event.date)),
        ("score", f"{event.score:.2f} from {event.sources} independent sources"),
        ("conflict", event.conflict),
        ("set by you", ", ".join(event.pinned)),
    ):
        if value:
            head.add_row(Text(name, style="bold"), Text(value))
    changes = Table(title="History", title_justify="left", header_style="bold")
    for name in ("", "when", "change", "state", "date", "told", "note"):
        changes.add_column(name)
    for one in history:
        before = date_in_words(one.date_before)
        after = date_in_words(one.date)
        changes.add_row(
            str(one.number),
            moment(one.at),
            Text(one.change),
            Text(str(one.state), style=COLOURS[one.state]),
            Text(f"{before} → {after}" if before and before != after else after),
            "yes" if one.tell else "no",
            Text(one.note),
        )
    evidence = Table(title="Evidence", title_justify="left", header_style="bold")
    for name in ("", "published", "says", "confidence", "text"):
        evidence.add_column(name, overflow="fold")
    for number, claim in enumerate(event.claims, 1):
        evidence.add_row(
            str(number),
            moment(claim.at),
            Text(str(claim.kind) + (" (official)" if claim.official else "")),
            f"{claim.confidence:.2f}",
            Text(f"{claim.title}\n{claim.url}{_removed(claim)}"),
        )
    return Group(head, changes, evidence)


def _removed(claim: Claim) -> str:
    """Return a line that says when evidence was found to be removed, if it was."""
    return "".join(f"\n{flag.detail}" for flag in claim.flags if flag.name == "removed")
