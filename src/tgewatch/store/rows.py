"""Many rows at once, in portions that every database takes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

Insert = postgresql.Insert | sqlite.Insert
Row = Mapping[str, Any]

PORTION = 2_000
"""Values in one IN list."""


def portions(values: Sequence[T], size: int = PORTION) -> Iterator[Sequence[T]]:
    """Yield `values` in slices of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def insert(connection: sa.Connection, table: sa.Table) -> Insert:
    """Return an INSERT that knows ON CONFLICT, which both databases spell alike."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Row],
    *,
    keep: Sequence[str] = (),
    fill: Sequence[str] = (),
) -> None:
    """Insert rows, or overwrite those with the same key.

    The key is the primary key, or the unique constraint of a table that numbers its rows. Columns
    in `keep` stay as they are; those in `fill` too when the new value is NULL. No key may stand in
    `rows` twice.
    """
    if not rows:
        return
    statement = insert(connection, table)
    key = _key(table)
    fresh: dict[str, sa.ColumnElement[Any]] = {
        name: statement.excluded[name] for name in rows[0] if name not in key and name not in keep
    }
    for name in fill:
        fresh[name] = sa.func.coalesce(fresh[name], table.c[name])
    connection.execute(
        statement.on_conflict_do_update(index_elements=[table.c[n] for n in key], set_=fresh), rows
    )


def add(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert the rows whose key is not there yet."""
    if rows:
        connection.execute(insert(connection, table).on_conflict_do_nothing(), rows)


def _key(table: sa.Table) -> list[str]:
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            return [column.name for column in constraint.columns]
    return [column.name for column in table.primary_key.columns]
