"""Many rows at once, in portions that every database takes."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

Insert = postgresql.Insert | sqlite.Insert
Row = Mapping[str, Any]

PORTION = 2_000
"""Values in one IN list."""
PAGES = (200, 20, 1)
"""Rows in one INSERT, biggest first; few sizes, so that each is prepared once."""


def portions(values: Sequence[T], size: int = PORTION) -> Iterator[Sequence[T]]:
    """Yield `values` in slices of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Row],
    *,
    keep: tuple[str, ...] = (),
    fill: tuple[str, ...] = (),
) -> None:
    """Insert rows, or overwrite those with the same key.

    The key is the primary key, or the unique constraint of a table that numbers its rows. Columns
    in `keep` stay as they are; those in `fill` too when the new value is NULL. All rows have the
    same columns, at least two, and no key may stand in `rows` twice.
    """
    if rows:
        _put(connection, _upsert(connection.dialect.name, table, tuple(rows[0]), keep, fill), rows)


def add(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert the rows whose key is not there yet. All have the same columns."""
    if rows:
        _put(connection, _add(connection.dialect.name, table), rows)


def insert_once(connection: sa.Connection, table: sa.Table, row: Row) -> bool:
    """Insert a row unless its key is there already; return whether it was inserted."""
    key = table.primary_key.columns[0]
    statement = _add(connection.dialect.name, table).returning(key)
    return connection.execute(statement, row).first() is not None


def _put(connection: sa.Connection, statement: Insert, rows: Sequence[Row]) -> None:
    """Execute an INSERT for many rows.

    On SQLite several rows go into one statement, without a detour through parameter objects: that
    is a third of the time, and each statement costs a hand-over of the interpreter's lock.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(statement, rows)
        return
    names = tuple(rows[0])
    start = 0
    for size in PAGES:
        text, order = _text(statement, names, size)
        values = itemgetter(*order)
        while len(rows) - start >= size:
            page = rows[start : start + size]
            connection.exec_driver_sql(text, tuple(chain.from_iterable(map(values, page))))
            start += size


@lru_cache(maxsize=256)
def _text(statement: Insert, names: tuple[str, ...], rows: int) -> tuple[str, tuple[str, ...]]:
    """Return the SQL of an INSERT of so many rows for SQLite, and the order of its columns."""
    compiled = statement.compile(dialect=sqlite.dialect(), column_keys=names)
    order = tuple(compiled.positiontup or ())
    marks = f"({', '.join('?' * len(order))})"
    head, found, tail = str(compiled).partition(f"VALUES {marks}")
    if not found:
        raise ValueError(f"not an INSERT of one row: {compiled}")
    return f"{head}VALUES {', '.join([marks] * rows)}{tail}", order


@lru_cache(maxsize=64)
def _upsert(
    dialect: str,
    table: sa.Table,
    names: tuple[str, ...],
    keep: tuple[str, ...],
    fill: tuple[str, ...],
) -> Insert:
    statement = _insert(dialect, table)
    key = _key(table)
    fresh: dict[str, sa.ColumnElement[Any]] = {
        name: statement.excluded[name] for name in names if name not in key and name not in keep
    }
    for name in fill:
        fresh[name] = sa.func.coalesce(fresh[name], table.c[name])
    return statement.on_conflict_do_update(index_elements=[table.c[n] for n in key], set_=fresh)


@lru_cache(maxsize=64)
def _add(dialect: str, table: sa.Table) -> Insert:
    return _insert(dialect, table).on_conflict_do_nothing()


def _insert(dialect: str, table: sa.Table) -> Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def _key(table: sa.Table) -> list[str]:
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            return [column.name for column in constraint.columns]
    return [column.name for column in table.primary_key.columns]
