"""What is on its way to the user."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from tgewatch.model import Delivery, Outgoing
from tgewatch.store import codec
from tgewatch.store.rows import add, portions
from tgewatch.store.schema import outbox

PENDING, DELIVERED, DEAD = "pending", "delivered", "dead"
_OLDEST = (outbox.c.created, outbox.c.number, outbox.c.key)
ERROR = 500
"""Characters of an error that are kept."""
_KNOWN = sa.select(outbox.c.key).where(outbox.c.key.in_(sa.bindparam("keys", expanding=True)))


_EARLIER = outbox.alias("earlier")
_HELD_UP = sa.and_(
    outbox.c.event_id != "",
    sa.exists().where(
        _EARLIER.c.event_id == outbox.c.event_id,
        _EARLIER.c.channel == outbox.c.channel,
        _EARLIER.c.state == PENDING,
        sa.tuple_(_EARLIER.c.created, _EARLIER.c.number, _EARLIER.c.key)
        < sa.tuple_(outbox.c.created, outbox.c.number, outbox.c.key),
    ),
)
_DUE = (
    sa.select(outbox)
    .where(outbox.c.state == PENDING, outbox.c.next_at <= sa.bindparam("now"), sa.not_(_HELD_UP))
    .order_by(*_OLDEST)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
"""Made once: it has a hundred parts, which refer to each other."""


def put(connection: sa.Connection, outgoing: Sequence[Outgoing], now: float) -> list[Outgoing]:
    """Add what is not there yet, by its key, and return it."""
    if not outgoing:
        return []
    by_key = {one.key: one for one in outgoing}
    known = set(connection.scalars(_KNOWN, {"keys": list(by_key)}))
    fresh = [one for key, one in by_key.items() if key not in known]
    add(
        connection,
        outbox,
        [
            {
                "key": one.key,
                "channel": codec.mended(one.channel),
                "event_id": codec.mended(one.notice.event),
                "number": one.notice.number,
                "state": PENDING,
                "attempts": 0,
                "next_at": one.not_before,
                "created": now,
                "delivered_at": None,
                "error": "",
                "notice": codec.json(one.notice),
            }
            for one in fresh
        ],
    )
    return fresh


def pending(connection: sa.Connection, now: float, limit: int, channel: str) -> list[Delivery]:
    """Return what is due, oldest first; to one channel, where it is named.

    Of one event and channel only the first that is still pending counts. Dead letters hold up
    nothing.
    """
    query = _DUE.where(outbox.c.channel == channel) if channel else _DUE
    return _read(connection, query, now=now, limit=limit)


def dead(connection: sa.Connection, limit: int) -> list[Delivery]:
    """Return dead letters, oldest first."""
    return _read(
        connection,
        sa.select(outbox).where(outbox.c.state == DEAD).order_by(*_OLDEST).limit(limit),
    )


def of_events(connection: sa.Connection, ids: Iterable[str]) -> list[Delivery]:
    """Return all deliveries about these events, oldest first."""
    found: list[Delivery] = []
    for portion in portions(sorted(set(ids))):
        found += _read(
            connection,
            sa.select(outbox).where(outbox.c.event_id.in_(portion)).order_by(*_OLDEST),
        )
    return found


def recent(connection: sa.Connection, since: float, limit: int) -> list[Delivery]:
    """Return deliveries made out since a time, whatever became of them, newest first."""
    return _read(
        connection,
        sa.select(outbox)
        .where(outbox.c.created >= since)
        .order_by(outbox.c.created.desc(), outbox.c.key)
        .limit(limit),
    )


def delivered(connection: sa.Connection, key: str, at: float) -> None:
    """Mark as delivered."""
    _set(connection, key, state=DELIVERED, delivered_at=at, error="")


def postponed(
    connection: sa.Connection, key: str, *, attempts: int, next_at: float, error: str
) -> None:
    """Keep for another try; what is delivered stays delivered."""
    _set(connection, key, state=PENDING, attempts=attempts, next_at=next_at, error=_short(error))


def buried(connection: sa.Connection, key: str, *, attempts: int, error: str) -> None:
    """Set aside as a dead letter; what is delivered stays delivered."""
    _set(connection, key, state=DEAD, attempts=attempts, error=_short(error))


def replay(connection: sa.Connection, keys: Sequence[str] | None, now: float) -> int:
    """Make dead letters due again, all of them without `keys`, and return how many."""
    statement = outbox.update().where(outbox.c.state == DEAD)
    values = {"state": PENDING, "attempts": 0, "next_at": now}
    if keys is None:
        return connection.execute(statement.values(values)).rowcount
    return sum(
        connection.execute(statement.where(outbox.c.key.in_(portion)).values(values)).rowcount
        for portion in portions(keys)
    )


def _set(connection: sa.Connection, key: str, **values: Any) -> None:
    connection.execute(
        outbox.update().where(outbox.c.key == key, outbox.c.state != DELIVERED).values(values)
    )


def _short(error: str) -> str:
    return codec.mended(error[:ERROR])


def _read(connection: sa.Connection, query: sa.Select[Any], **values: object) -> list[Delivery]:
    return [
        Delivery(
            key=row.key,
            channel=row.channel,
            notice=codec.notice_of(row.notice),
            state=row.state,
            attempts=row.attempts,
            next_at=row.next_at,
            created=row.created,
            delivered_at=row.delivered_at,
            error=row.error,
        )
        for row in connection.execute(query, values)
    ]
