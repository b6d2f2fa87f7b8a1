"""What the commands and pages ask of what was stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tgewatch.errors import RefusedError
from tgewatch.model import Event, Label, State, Transition
from tgewatch.model.record import Record, Trace
from tgewatch.rules.urls import canonical
from tgewatch.store import codec, events, outbox
from tgewatch.store.items import claims_at, judged_of
from tgewatch.store.rows import upsert
from tgewatch.store.schema import claims, items, labels, notes, sources, transitions
from tgewatch.store.schema import events as table

TRACES = 50
"""Items at most that one URL is traced to."""
SIGNPOSTS = 20
"""Merges at most that are followed from an old id."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are asked for; empty fields ask for all."""

    states: Sequence[State] = ()
    company: str = ""
    text: str = ""
    """Somewhere in project, company, ticker or another of its names; case does not count."""
    since: float | None = None
    """Changed since."""
    until: float | None = None
    dismissed: bool = False
    """Also those that the user has dismissed."""


def find(connection: sa.Connection, wanted: Filter, limit: int) -> list[Event]:
    """Return events, most recently changed first."""
    query = sa.select(table.c.id).where(*_conditions(wanted))
    order = (table.c.updated.desc(), table.c.id)
    return events.load(connection, connection.scalars(query.order_by(*order).limit(limit)).all())


def upcoming(
    connection: sa.Connection, since: float, until: float | None, limit: int
) -> list[Event]:
    """Return dated events that are not over by `since`, earliest first."""
    query = sa.select(table.c.id).where(
        *_conditions(Filter()),
        table.c.starts.is_not(None),
        sa.func.coalesce(table.c.ends, table.c.starts) >= since,
        table.c.state.not_in([State.DONE, State.CANCELLED]),
    )
    if until is not None:
        query = query.where(table.c.starts < until)
    query = query.order_by(table.c.starts, table.c.id).limit(limit)
    return events.load(connection, connection.scalars(query).all())


def one(connection: sa.Connection, prefix: str) -> Event | None:
    """Return the event with this id, or the only one whose id begins so.

    An event that was merged into another leads there. Raises RefusedError (`ambiguous`) when the
    beginning fits several.
    """
    exact = connection.execute(_signs().where(table.c.id == prefix)).one_or_none()
    if exact is None:
        begins = (
            _signs()
            .where(table.c.id.startswith(prefix, autoescape=True))
            .order_by(table.c.id)
            .limit(6)
        )
        found = connection.execute(begins.where(table.c.merged_into.is_(None))).all()
        found = found or connection.execute(begins).all()
        if len(found) > 1:
            raise RefusedError(
                f"{prefix} fits {', '.join(row.id for row in found[:5])}"
                f"{' and more' if len(found) > 5 else ''}",  # noqa: PLR2004 - as many as are shown
                cause="ambiguous",
            )
        exact = found[0] if found else None
    for _ in range(SIGNPOSTS):
        if exact is None or exact.merged_into is None:
            break
        exact = connection.execute(_signs().where(table.c.id == exact.merged_into)).one_or_none()
    return None if exact is None else next(iter(events.load(connection, [exact.id])), None)


def history(connection: sa.Connection, event: str) -> list[Transition]:
    """Return the transitions of one event, first to last."""
    query = (
        sa.select(transitions.c.data)
        .where(transitions.c.event_id == event)
        .order_by(transitions.c.number)
    )
    return [codec.transition_of(text) for text in connection.scalars(query)]


def changes(connection: sa.Connection, since: float, limit: int) -> list[Transition]:
    """Return what happened to any event since a time, newest first."""
    query = (
        sa.select(transitions.c.data)
        .where(transitions.c.at >= since)
        .order_by(transitions.c.at.desc(), transitions.c.event_id, transitions.c.number.desc())
        .limit(limit)
    )
    return [codec.transition_of(text) for text in connection.scalars(query)]


def why(connection: sa.Connection, url: str) -> list[Trace]:
    """Return where each item with this URL went, newest first; close spellings count."""
    rows = connection.execute(
        _records()
        .where(items.c.url_hash.in_([codec.url_hash(one) for one in _spellings(url)]))
        .order_by(items.c.seen_at.desc(), items.c.id.desc())
        .limit(TRACES)
    ).all()
    said = claims_at(connection, [(row.source_id, row.digest) for row in rows])
    ids = [row.event_id for some in said.values() for row in some if row.event_id is not None]
    about = {event.id: event for event in events.load(connection, list(dict.fromkeys(ids)))}
    traces: list[Trace] = []
    for row in rows:
        own = said.get((row.source_id, row.digest), [])
        record = _record(row, own)
        traces += [_trace(connection, record, claim, about.get(claim.event_id)) for claim in own]
        if not own:
            traces.append(Trace(record))
    return traces


def _trace(connection: sa.Connection, record: Record, row: Any, event: Event | None) -> Trace:
    claim = codec.claim_of(row.data)
    if event is None:
        return Trace(record, claim, row.reason)
    return Trace(
        record,
        claim,
        row.reason,
        event,
        tuple(step for step in history(connection, event.id) if step.claim == claim.id),
        tuple(outbox.of_events(connection, [event.id])),
    )


def drops(
    connection: sa.Connection, since: float, until: float | None
) -> dict[tuple[str, str], int]:
    """Return (stage, reason) → how many items first seen in the period stopped there."""
    query = sa.select(items.c.stage, items.c.reason, sa.func.count()).where(
        items.c.seen_at >= since
    )
    if until is not None:
        query = query.where(items.c.seen_at < until)
    rows = connection.execute(query.group_by(items.c.stage, items.c.reason)).all()
    return {(row[0], row[1]): row[2] for row in sorted(tuple(row) for row in rows)}


def totals(connection: sa.Connection) -> dict[str, int]:
    """Return how many rows there are of each kind."""
    return {
        name: connection.scalar(sa.select(sa.func.count()).select_from(which)) or 0
        for name, which in (
            ("sources", sources),
            ("items", items),
            ("claims", claims),
            ("events", table),
            ("transitions", transitions),
        )
    }


def records(
    connection: sa.Connection, until: float | None, after: tuple[float, int], limit: int
) -> tuple[list[Record], tuple[float, int]]:
    """Return the next items in the order they were seen, and where to go on from."""
    query = _records().where(
        sa.or_(
            items.c.seen_at > after[0], sa.and_(items.c.seen_at == after[0], items.c.id > after[1])
        ),
        items.c.seen_at >= after[0],
    )
    if until is not None:
        query = query.where(items.c.seen_at < until)
    rows = connection.execute(query.order_by(items.c.seen_at, items.c.id).limit(limit)).all()
    said = claims_at(connection, [(row.source_id, row.digest) for row in rows])
    found = [_record(row, said.get((row.source_id, row.digest), ())) for row in rows]
    return found, (rows[-1].seen_at, rows[-1].id) if rows else after


def label(connection: sa.Connection, given: Label) -> None:
    """Keep what the user says of an item; the last word on one URL or text counts."""
    identity = codec.label_id(given)
    upsert(connection, labels, [{"id": identity, "at": given.at, "data": codec.json(given)}])


def unlabel(connection: sa.Connection, given: Label) -> bool:
    """Forget what the user said of a URL or text; return whether there was something."""
    gone = connection.execute(labels.delete().where(labels.c.id == codec.label_id(given)))
    return gone.rowcount > 0


def all_labels(connection: sa.Connection) -> list[Label]:
    """Return all labels, oldest first."""
    query = sa.select(labels.c.data).order_by(labels.c.at, labels.c.id)
    return [codec.label_of(text) for text in connection.scalars(query)]


def note(connection: sa.Connection, name: str) -> bytes | None:
    """Return what was noted under a name."""
    return connection.scalar(sa.select(notes.c.value).where(notes.c.name == name))


def write_note(connection: sa.Connection, name: str, value: bytes | None, at: float) -> None:
    """Note something under a name, in the place of what was there; None removes it."""
    if value is None:
        connection.execute(notes.delete().where(notes.c.name == name))
    else:
        upsert(connection, notes, [{"name": name, "at": at, "value": value}])


def _conditions(wanted: Filter) -> Iterator[sa.ColumnElement[bool]]:
    yield table.c.merged_into.is_(None)
    if not wanted.dismissed:
        yield table.c.dismissed.is_(False)
    if wanted.states:
        yield table.c.state.in_([str(state) for state in wanted.states])
    if wanted.company:
        yield sa.func.lower(table.c.company) == wanted.company.lower()
    if wanted.text:
        yield table.c.search.contains(codec.mended(wanted.text).casefold(), autoescape=True)
    if wanted.since is not None:
        yield table.c.updated >= wanted.since
    if wanted.until is not None:
        yield table.c.updated < wanted.until


def _signs() -> sa.Select[Any]:
    return sa.select(table.c.id, table.c.merged_into)


def _records() -> sa.Select[Any]:
    return sa.select(
        items, sources.c.url.label("source_url"), sources.c.name.label("source_name")
    ).join(sources, sources.c.id == items.c.source_id)


def _record(row: Any, said: Sequence[Any]) -> Record:
    return Record(
        source=row.source_name,
        judged=judged_of(row, said),
        seen_at=row.seen_at,
        judged_at=row.judged_at,
        edited_at=row.edited_at,
        baseline=row.baseline,
    )


def _spellings(url: str) -> set[str]:
    """Return a URL with and without a final slash, and under both schemes."""
    plain = url.strip()
    if "://" not in plain:
        plain = f"https://{plain}"
    head, mark, query = canonical(plain).partition("?")
    paths = {head.rstrip("/") + slash for slash in ("", "/")}
    schemes = {path.replace("https://", "http://", 1) for path in paths} | {
        path.replace("http://", "https://", 1) for path in paths
    }
    return {f"{one}{mark}{query}" for one in paths | schemes}
