"""Changes of events that no claim causes: the passage of time and the user's hand."""

from collections.abc import Sequence

import sqlalchemy as sa

from tgewatch.errors import RefusedError
from tgewatch.model import State, Stored
from tgewatch.ports import Correct
from tgewatch.store import events as loading
from tgewatch.store.polls import Rules
from tgewatch.store.rows import portions
from tgewatch.store.schema import events

PORTION = 500


def due(connection: sa.Connection, now: float, rules: Rules) -> list[str]:
    """Return ids of the events that time changes by `now`."""
    open_ = connection.scalars(
        sa.select(events.c.id)
        .where(
            events.c.state != State.DONE,
            events.c.dismissed.is_(False),
            events.c.merged_into.is_(None),
        )
        .order_by(events.c.id)
    ).all()
    return [
        event.id
        for portion in portions(open_, PORTION)
        for event in loading.load(connection, portion)
        if rules.advance(event, now).transitions
    ]


def advance(connection: sa.Connection, ids: Sequence[str], now: float, rules: Rules) -> Stored:
    """Let time change these events."""
    book = rules.book(connection)
    for event in book.load(ids):
        merged = rules.advance(event, now)
        if merged.transitions:
            book.take(merged, None, now)
    return book.result()


def correct(
    connection: sa.Connection, ids: Sequence[str], change: Correct, at: float, rules: Rules
) -> Stored:
    """Let the user's hand change these events; what does not come back was merged."""
    book = rules.book(connection)
    for one, into in connection.execute(
        sa.select(events.c.id, events.c.merged_into).where(
            events.c.id.in_(ids), events.c.merged_into.is_not(None)
        )
    ):
        raise RefusedError(f"{one} was merged into {into}", cause="unknown")
    given = book.load(ids)
    unknown = [one for one in ids if one not in {event.id for event in given}]
    if unknown:
        raise RefusedError(f"no such event: {', '.join(unknown)}", cause="unknown")
    after = change(given, at)
    kept = [merged.event.id for merged in after if merged.event is not None]
    for event in given:
        if event.id not in kept:
            book.remove(event.id, kept[0] if kept else None)
    for merged in after:
        book.take(merged, None, at)
    return book.result()
