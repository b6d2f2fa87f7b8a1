"""Forgetting, tidying, checking, copying."""

import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from tgewatch.errors import ConfigError
from tgewatch.store import outbox as letters
from tgewatch.store.database import Database
from tgewatch.store.schema import claims, items, outbox, seen, sources

DAY = 86_400.0
BATCH = 5_000
"""Rows forgotten in one statement, so that polls never wait long."""
TOUCH = 0.25
"""Part of the retention after which an item that is still shown is marked as shown again."""


def forget_items(connection: sa.Connection, before: float) -> int:
    """Drop one batch of items first seen before a time that made no claim; return how many.

    Their keys stay in `seen`: a source that still shows them brings nothing new.
    """
    old = (
        sa.select(items.c.id)
        .where(
            items.c.seen_at < before,
            ~sa.exists().where(
                claims.c.source_id == items.c.source_id, claims.c.digest == items.c.digest
            ),
        )
        .order_by(items.c.seen_at)
        .limit(BATCH)
    )
    return connection.execute(items.delete().where(items.c.id.in_(old))).rowcount


def forget_keys(connection: sa.Connection, age: float) -> int:
    """Drop a batch of keys of forgotten items that their source no longer shows; return how many.

    `age` is the retention in seconds. A key goes when it was last shown that long before its
    source last changed, and the source has shown a list without it half of that before: a feed
    that was quiet for a year and is empty for a moment loses nothing.
    """
    later = (
        sa.select(seen.c.source_id, sa.func.max(seen.c.shown_at).label("shown_at"))
        .join(sources, sources.c.id == seen.c.source_id)
        .where(seen.c.shown_at < sources.c.changed_at - age / 2)
        .group_by(seen.c.source_id)
        .subquery()
    )
    gone = (
        sa.select(seen.c.source_id, seen.c.digest)
        .join(sources, sources.c.id == seen.c.source_id)
        .join(later, later.c.source_id == seen.c.source_id)
        .where(
            seen.c.shown_at < sources.c.changed_at - age,
            seen.c.shown_at < later.c.shown_at,
            ~sa.exists().where(
                items.c.source_id == seen.c.source_id, items.c.digest == seen.c.digest
            ),
        )
        .limit(BATCH)
    )
    pair = sa.tuple_(seen.c.source_id, seen.c.digest)
    return connection.execute(seen.delete().where(pair.in_(gone))).rowcount


def forget_letters(connection: sa.Connection, before: float) -> int:
    """Drop delivered notices about sources; those about events are their history."""
    return connection.execute(
        outbox.delete().where(
            outbox.c.event_id == "",
            outbox.c.state == letters.DELIVERED,
            outbox.c.created < before,
        )
    ).rowcount


def check(connection: sa.Connection) -> list[str]:
    """Return what is wrong inside, in words; nothing when all is well."""
    if connection.dialect.name != "sqlite":
        return []
    found = [
        str(row[0])
        for row in connection.exec_driver_sql("PRAGMA integrity_check(20)")
        if row[0] != "ok"
    ]
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(20)
    return found + [f"{row[0]} row {row[1]} points to nothing in {row[2]}" for row in broken]


def vacuum(database: Database) -> None:
    """Give space back to the file system and refresh what the planner knows."""
    pooled = database.writer.raw_connection()
    try:
        driver = pooled.driver_connection
        if driver is None:
            return
        if not database.sqlite:
            driver.autocommit = True
        driver.execute("VACUUM")
        driver.execute("ANALYZE")
        if database.sqlite:
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            driver.autocommit = False
    finally:
        pooled.close()


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database that may be in use to a file, which appears only when it is whole."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with (
            closing(sqlite3.connect(source)) as old,
            closing(sqlite3.connect(part)) as new,
        ):
            old.backup(new, pages=-1)
            new.execute("PRAGMA journal_mode = DELETE")
        part.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError([f"{target} cannot be written: {error}"]) from error
    finally:
        part.unlink(missing_ok=True)


def backup_before(database: Path, revision: str, *, stamp: str, keep: int) -> Path:
    """Copy the database as it is before a migration; of these copies keep the last few."""
    folder = database.parent
    target = folder / f"{database.name}.{stamp}.{revision}.backup"
    copy_sqlite(database, target)
    copies = sorted(folder.glob(f"{database.name}.*.backup"))
    for old in copies[: max(0, len(copies) - keep)]:
        old.unlink(missing_ok=True)
    return target
